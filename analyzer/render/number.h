/* SPDX-License-Identifier: GPL-3.0-or-later */
/* number.h - numbers and times as text. */
#ifndef RENDER_NUMBER_H
#define RENDER_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Enough for everything below, terminator included. */
#define NUMBER_MAX 64

/* The fewest digits that read back as the same double, always with a point or an exponent: "0.1", "2.0", "1e+300".
 * Returns the length. Infinities are "inf" and "-inf". */
size_t number_shortest(double value, char *buf);

/* For people: "812 ns", "1.234 ms", "45.60 s", "2 min 03 s", "1 h 02 min". Negative ones have a minus.
 * micro is how the locale can show it: "µ" or "u". */
size_t number_duration(int64_t ns, const char *micro, char *buf);

/* A count with its thousands apart: "1,594", "-12,500". */
size_t number_count(int64_t n, char *buf);

/* The same within an expression: number_count_text(n).text lives until its end. */
struct number {
	char text[NUMBER_MAX];
};
struct number number_count_text(int64_t n);
struct number number_duration_text(int64_t ns, const char *micro);

/* "812 B", "1.2 kB", "521.0 MB": powers of 1000, as file managers show. */
size_t number_bytes(int64_t bytes, char *buf);

/* A time on the clock of a log whose offset_s (UTC minus log's clock) is given: "2026-11-23 00:51:54.19069288", the
 * fraction without trailing zeros, so that it can be searched for in a log of either format. */
size_t time_of_log(int64_t ns, int64_t offset_s, char *buf);
/* The same instant as RFC 3339 with nine digits: "2026-11-23T00:51:54.190692880-04:00", Z for an offset of 0. */
size_t time_rfc3339(int64_t ns, int64_t offset_s, char *buf);
/* "-04:00"; "+00:00" for 0. */
size_t time_offset(int64_t offset_s, char *buf);

#endif
