/* SPDX-License-Identifier: GPL-3.0-or-later */
/* textduration.c - a number and its unit, once or several times. */
#include "base/textduration.h"

#include <errno.h>
#include <stdbool.h>

#define DIGITS 18 /* so many of a number count; further ones of a fraction say nothing a nanosecond is made of */

static const struct unit {
	const char *name;
	int64_t ns;
} units[] = {
    {"ns", 1},         {"\xc2\xb5s", 1000},  {"\xce\xbcs", 1000}, {"us", 1000},         {"ms", 1000000},
    {"s", 1000000000}, {"min", 60000000000}, {"m", 60000000000},  {"h", 3600000000000}, {"d", 86400000000000},
};

static bool is_digit(const char *p, const char *end)
{
	return p < end && *p >= '0' && *p <= '9';
}

/* The unit at p: the letters up to the next number. */
static const struct unit *unit_at(const char *p, const char *end, const char **behind)
{
	const char *q = p;

	while (q < end && !is_digit(q, end))
		q++;
	if (q == p)
		return NULL;
	for (size_t i = 0; i < sizeof units / sizeof *units; i++)
		if (*p == *units[i].name && slice_is((struct slice){p, (size_t)(q - p)}, units[i].name)) {
			*behind = q;
			return &units[i];
		}
	return NULL;
}

/* Digits as a number: false where there are none, or more than count. */
static bool digits(const char **at, const char *end, bool whole, int64_t *v, int64_t *scale)
{
	const char *p = *at;
	int n = 0;

	*v = 0;
	*scale = 1;
	for (; whole && p < end && *p == '0'; p++)
		continue;
	for (; is_digit(p, end) && n < (whole ? DIGITS : DIGITS - 1); p++, n++) {
		*v = *v * 10 + (*p - '0');
		*scale *= 10;
	}
	if (whole && is_digit(p, end))
		return false;
	while (is_digit(p, end))
		p++;
	*at = p;
	return true;
}

/* fraction / scale of a unit: both are below 10^18, a unit is up to 10^14. */
static int64_t share(int64_t fraction, int64_t scale, int64_t unit)
{
	if (fraction < INT64_MAX / 100000000000000)
		return fraction * unit / scale;
	return (int64_t)((__int128)fraction * unit / scale);
}

/* One number and its unit, added to *sum. */
static int part(const char **at, const char *end, int64_t *sum, int64_t *last)
{
	const char *p = *at;
	int64_t whole, fraction = 0, scale = 1, unused;
	const struct unit *u;
	bool some = is_digit(p, end);

	if (!digits(&p, end, true, &whole, &unused))
		return -ERANGE;
	if (p < end && *p == '.') {
		p++;
		some |= is_digit(p, end);
		digits(&p, end, false, &fraction, &scale);
	}
	if (!some)
		return -EINVAL;
	while (p < end && *p == ' ')
		p++;
	u = unit_at(p, end, &p);
	if (!u || u->ns >= *last)
		return -EINVAL;
	if (__builtin_mul_overflow(whole, u->ns, &whole) || __builtin_add_overflow(*sum, whole, sum) ||
	    __builtin_add_overflow(*sum, share(fraction, scale, u->ns), sum))
		return -ERANGE;
	*last = u->ns;
	*at = p;
	return 0;
}

int duration_parse(struct slice text, int64_t *ns)
{
	const char *p = text.ptr, *end = text.ptr + text.len;
	bool minus = text.len && *p == '-';
	int64_t sum = 0, last = INT64_MAX;
	int rc = 0;

	if (text.len && (*p == '-' || *p == '+'))
		p++;
	if (p == end)
		return -EINVAL;
	if (end - p == 1 && *p == '0')
		p++;
	while (p < end && !rc)
		rc = part(&p, end, &sum, &last);
	if (!rc)
		*ns = minus ? -sum : sum;
	return rc;
}
