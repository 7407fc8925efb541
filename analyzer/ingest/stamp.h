/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stamp.h - the times that stand in logs.
 *
 * Times are ns since 1970. A stamp is canonical where printing its time again gives the same bytes: then a log line
 * can be stored as a number. Years 1678 to 2261, which is what 64 bits of ns hold. */
#ifndef INGEST_STAMP_H
#define INGEST_STAMP_H

#include "base/slice.h"

/* The first and the last of them. */
#define STAMP_NS_LEAST (INT64_C(-9214560000) * 1000000000)
#define STAMP_NS_MOST  (INT64_C(9214646400) * 1000000000 - 1)

#define STAMP_MAX 40 /* bytes that a printed stamp needs at most, with its NUL */

/* "2026-11-23 00:51:54.19069288": as Ilúvatar writes it, without offset, 1 to 9 digits with trailing zeros cut.
 * *ns is the time as if it were UTC. *canonical: the digits are as Ilúvatar would print them.
 * Returns 0, -EINVAL (not such a stamp) or -ERANGE (no such day or hour, or the year); outputs untouched on error. */
int stamp_parse_iluvatar(struct slice in, int64_t *ns, bool *canonical);

/* "2026-11-23T00:51:54.190692880Z" with nine digits is canonical. Other forms of RFC 3339 (0 to 9 digits, offsets, t
 * or a space for T, z, a 60th second, which is the next one) are not. *ns is UTC, *offset_s UTC minus the written clock
 * (+14,400 for -04:00). Returns as above. */
int stamp_parse_rfc3339(struct slice in, int64_t *ns, int64_t *offset_s, bool *canonical);

/* Print into buf of STAMP_MAX bytes, with a NUL; return the length. Every int64_t can be printed. */
size_t stamp_print_iluvatar(int64_t ns, char *buf);
size_t stamp_print_rfc3339(int64_t ns, char *buf);

/* RFC 3339 on a clock that is offset_s (UTC minus the clock) away: "2026-11-01T01:59:59.500000000-04:00". */
size_t stamp_print_local(int64_t ns, int64_t offset_s, char *buf);

/* "-04:00" for +14,400; "Z" never: UTC is "+00:00". Seconds only where there are some. Returns the length. */
size_t stamp_print_offset(int64_t offset_s, char *buf);

/* Days since 1970-01-01 of a proleptic Gregorian date (month and day from 1), and back. */
int64_t stamp_days(int64_t year, unsigned month, unsigned day);
/* Whether it has a 29th of February. */
static inline bool stamp_is_leap(int64_t year)
{
	return stamp_days(year, 3, 1) - stamp_days(year, 2, 28) == 2;
}
void stamp_date(int64_t days, int64_t *year, unsigned *month, unsigned *day);

#endif
