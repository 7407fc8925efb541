/* SPDX-License-Identifier: GPL-3.0-or-later */
/* spelling.h - times as programs spell them.
 *
 * stamp.h knows the two spellings that can be stored as a number; this reads all others: RFC 3339 and its relatives
 * (blank or T, comma or point, any number of digits, no offset, +0100, UTC, GMT, CET), the dates of RFC 1123, of
 * syslog, of web servers and of date(1), dates with the day or the month first, and numbers since 1970. */
#ifndef INGEST_SPELLING_H
#define INGEST_SPELLING_H

#include "base/slice.h"

enum time_unit { UNIT_BY_SIZE, UNIT_SECONDS, UNIT_MILLIS, UNIT_MICROS, UNIT_NANOS };

struct spelt {
	int64_t ns;       /* since 1970: UTC, or what the clock showed where local */
	int64_t offset_s; /* UTC minus the written clock; 0 where local */
	bool local;       /* no offset and no zone stands there */
	bool no_year;     /* the year is 1972, which has a 29th of February, because none stands there */
	bool no_day;      /* a time of day alone */
	bool no_clock;    /* a day alone */
	bool either;      /* day and month could be read the other way round: the month was taken first */
	bool uptime;      /* time since a start: ns since 1970 as if that were the start */
};

/* A number since 1970, exact: "1795255200.5", "1.7952552005E9". By size: below 10^11 seconds, 10^14 milliseconds, 10^17
 * microseconds, else nanoseconds. More digits than ns have are cut.
 * Returns 0, -EINVAL (no number) or -ERANGE; *ns untouched on error. */
int time_number(struct slice text, enum time_unit unit, int64_t *ns);

/* A text, unescaped. day_first: "01/02/2026" is the first of February. Returns 0, -EINVAL (not understood) or -ERANGE
 * (no such day or hour, or out of 1678 to 2261); *out untouched on error. */
int time_text(struct slice text, bool day_first, struct spelt *out);

/* A text, unescaped, as a format of strptime(3) says: a blank is any number of them, %f a fraction of a second. All of
 * the text must fit, but for blanks and brackets around it. %s is a number of seconds since 1970, or since a start.
 * Returns 0, -EINVAL or -ERANGE as time_text. */
#define TIME_FORMAT_LETTERS "YymdebBhaAHkIlMSfspzZTFR%"
int time_by_format(const char *format, struct slice text, struct spelt *out);
bool time_format_known(const char *format);

/* The year for a time that has none: with *ns of 1970, the one that brings it nearest to near_ns. */
int64_t time_with_year(int64_t ns, int64_t near_ns);

#endif
