/* SPDX-License-Identifier: GPL-3.0-or-later */
/* textduration.h - durations as logs write them. */
#ifndef BASE_TEXTDURATION_H
#define BASE_TEXTDURATION_H

#include "base/slice.h"

/* "830ms", "83.1µs", "1.25s", and several units, the largest first, as Go prints them: "1h2m3.5s"; also with a sign, or
 * a blank before the unit. Units: ns, µs (either letter), us, ms, s, m or min, h, d. "0" needs none.
 *
 * Returns 0 and *ns, rounded towards zero; -EINVAL (no duration) or -ERANGE (beyond 292 years). *ns is untouched then.
 */
int duration_parse(struct slice text, int64_t *ns);

#endif
