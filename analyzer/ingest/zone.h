/* SPDX-License-Identifier: GPL-3.0-or-later */
/* zone.h - what a zone's clock showed. */
#ifndef INGEST_ZONE_H
#define INGEST_ZONE_H

#include <stdint.h>

/* UTC minus the clock of zone at the moment when that clock showed local_ns (ns since 1970 as if it were UTC); where
 * it showed this twice, the earlier time; where it jumped over it, as just before the jump.
 *
 * zone  an IANA name ("America/New_York", from $TZDIR or /usr/share/zoneinfo), "UTC", "Z", "+02:00", "-0400", "-4"
 *
 * Returns 0, -ENOENT (no such zone), -EBADMSG (its file is not a zone), or of reading it. *why (may be NULL) is static.
 */
int zone_offset(const char *zone, int64_t local_ns, int64_t *offset_s, const char **why);

/* The same at a moment of UTC: there is no fold and no gap. */
int zone_offset_utc(const char *zone, int64_t ns, int64_t *offset_s, const char **why);

#endif
