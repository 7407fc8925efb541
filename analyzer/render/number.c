/* SPDX-License-Identifier: GPL-3.0-or-later */
/* number.c - see number.h */
#include "render/number.h"
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of 16 digits the nearest decimal may miss where its neighbour hits: below a power of two doubles lie twice as close.
 */
static bool neighbour_hits(double value, char *buf)
{
	char up[NUMBER_MAX];
	char *last = up;

	snprintf(up, sizeof up, "%.15e", value);
	for (char *p = up; *p && *p != 'e'; p++)
		if (*p >= '0' && *p <= '9')
			last = p;
	if (*last == '9')
		return false;
	++*last;
	if (strtod(up, NULL) != value)
		return false;
	/* As %g would have it. */
	snprintf(buf, NUMBER_MAX, "%s", up);
	return true;
}

size_t number_shortest(double value, char *buf)
{
	if (isnan(value))
		return (size_t)snprintf(buf, NUMBER_MAX, "nan");
	if (isinf(value))
		return (size_t)snprintf(buf, NUMBER_MAX, value < 0 ? "-inf" : "inf");
	/* 15 digits survive a double, so where those are enough, %g's own trimming gives the shortest; not so below the
	 * normal ones. */
	for (int digits = fabs(value) < DBL_MIN ? 1 : 15; digits <= 15; digits++) {
		snprintf(buf, NUMBER_MAX, "%.*g", digits, value);
		if (strtod(buf, NULL) == value)
			break;
	}
	if (strtod(buf, NULL) != value) {
		snprintf(buf, NUMBER_MAX, "%.16g", value);
		if (strtod(buf, NULL) != value && !neighbour_hits(value, buf))
			snprintf(buf, NUMBER_MAX, "%.17g", value);
	}
	if (!strpbrk(buf, ".e"))
		strcat(buf, ".0");
	return strlen(buf);
}

size_t number_duration(int64_t ns, const char *micro, char *buf)
{
	const char *sign = ns < 0 ? "-" : "";
	double v = fabs((double)ns);
	double s = v / 1e9;
	int n;

	if (v < 1e3)
		n = snprintf(buf, NUMBER_MAX, "%s%.0f ns", sign, v);
	else if (v < 1e6)
		n = snprintf(buf, NUMBER_MAX, "%s%.*f %ss", sign, v < 1e4 ? 2 : v < 1e5 ? 1 : 0, v / 1e3, micro);
	else if (v < 1e9)
		n = snprintf(buf, NUMBER_MAX, "%s%.*f ms", sign, v < 1e7 ? 2 : v < 1e8 ? 1 : 0, v / 1e6);
	else if (s < 100)
		n = snprintf(buf, NUMBER_MAX, "%s%.*f s", sign, s < 10 ? 2 : 1, s);
	else if (s < 3600)
		n = snprintf(buf, NUMBER_MAX, "%s%d min %02d s", sign, (int)(s / 60), (int)fmod(s, 60));
	else
		n = snprintf(buf, NUMBER_MAX, "%s%.0f h %02d min", sign, floor(s / 3600), (int)fmod(s / 60, 60));
	return (size_t)n;
}

size_t number_count(int64_t n, char *buf)
{
	char digits[NUMBER_MAX];
	size_t len = (size_t)snprintf(digits, sizeof digits, "%lld", (long long)n), out = 0;

	for (size_t i = 0; i < len; i++) {
		if (i > (n < 0) && (len - i) % 3 == 0)
			buf[out++] = ',';
		buf[out++] = digits[i];
	}
	buf[out] = 0;
	return out;
}

struct number number_count_text(int64_t n)
{
	struct number out;

	number_count(n, out.text);
	return out;
}

struct number number_duration_text(int64_t ns, const char *micro)
{
	struct number out;

	number_duration(ns, micro, out.text);
	return out;
}

size_t number_bytes(int64_t bytes, char *buf)
{
	static const char *const units[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
	double v = (double)bytes;
	size_t u = 0;

	if (bytes < 1000 && bytes > -1000)
		return (size_t)snprintf(buf, NUMBER_MAX, "%lld B", (long long)bytes);
	for (v /= 1000; fabs(v) >= 999.95 && u + 1 < sizeof units / sizeof *units; v /= 1000)
		u++;
	return (size_t)snprintf(buf, NUMBER_MAX, "%.1f %s", v, units[u]);
}

struct civil {
	int64_t year;
	int month, day, hour, minute, second;
	int64_t ns;
};

/* Days to year, month and day without a library's limits (Howard Hinnant's civil_from_days). */
static struct civil civil_of(int64_t ns, int64_t offset_s)
{
	int64_t s = ns / 1000000000, rest = ns % 1000000000;
	int64_t days, z, era, doe, yoe, doy, mp;
	struct civil c;

	if (rest < 0) {
		rest += 1000000000;
		s--;
	}
	s = (int64_t)((uint64_t)s - (uint64_t)offset_s); /* a damaged database has any */
	days = s / 86400;
	if (s % 86400 < 0)
		days--;
	s -= days * 86400;
	z = days + 719468;
	era = (z >= 0 ? z : z - 146096) / 146097;
	doe = z - era * 146097;
	yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	mp = (5 * doy + 2) / 153;
	c.day = (int)(doy - (153 * mp + 2) / 5 + 1);
	c.month = (int)(mp < 10 ? mp + 3 : mp - 9);
	c.year = yoe + era * 400 + (c.month <= 2);
	c.hour = (int)(s / 3600);
	c.minute = (int)(s / 60 % 60);
	c.second = (int)(s % 60);
	c.ns = rest;
	return c;
}

size_t time_of_log(int64_t ns, int64_t offset_s, char *buf)
{
	struct civil c = civil_of(ns, offset_s);
	size_t n = (size_t)snprintf(buf, NUMBER_MAX, "%04lld-%02d-%02d %02d:%02d:%02d.%09lld", (long long)c.year,
	                            c.month, c.day, c.hour, c.minute, c.second, (long long)c.ns);

	while (buf[n - 1] == '0' && buf[n - 2] != '.')
		buf[--n] = 0;
	return n;
}

size_t time_offset(int64_t offset_s, char *buf)
{
	uint64_t a = offset_s < 0 ? 0 - (uint64_t)offset_s : (uint64_t)offset_s;

	return (size_t)snprintf(buf, NUMBER_MAX, "%c%02llu:%02llu", offset_s > 0 ? '-' : '+',
	                        (unsigned long long)(a / 3600), (unsigned long long)(a / 60 % 60));
}

size_t time_rfc3339(int64_t ns, int64_t offset_s, char *buf)
{
	/* RFC 3339 has no seconds in an offset: a clock that is off by some is given in UTC. */
	struct civil c = civil_of(ns, offset_s % 60 ? 0 : offset_s);
	char zone[NUMBER_MAX] = "Z";

	if (offset_s && offset_s % 60 == 0)
		time_offset(offset_s, zone);
	return (size_t)snprintf(buf, NUMBER_MAX, "%04lld-%02d-%02dT%02d:%02d:%02d.%09lld%.8s", (long long)c.year,
	                        c.month, c.day, c.hour, c.minute, c.second, (long long)c.ns, zone);
}
