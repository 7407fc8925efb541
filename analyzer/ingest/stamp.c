/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stamp.c - the times that stand in logs.
 *
 * Every line has one, so date and hour are read as two words of eight bytes whose digits are checked at once, and days
 * are counted without libc. */
#include "ingest/stamp.h"

#include <errno.h>

#define DAY_S    86400
#define NS_PER_S INT64_C(1000000000)

/* ---- days ----
 *
 * Years begin in March here, so that the leap day is the last; 400 of them are an era of 146,097 days. */

int64_t stamp_days(int64_t year, unsigned month, unsigned day)
{
	int64_t y = year - (month <= 2);
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	unsigned of_era = (unsigned)(y - era * 400);
	unsigned of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

void stamp_date(int64_t days, int64_t *year, unsigned *month, unsigned *day)
{
	int64_t shifted = days + 719468;
	int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
	unsigned rest = (unsigned)(shifted - era * 146097);
	unsigned of_era = (rest - rest / 1460 + rest / 36524 - rest / 146096) / 365;
	unsigned of_year = rest - (365 * of_era + of_era / 4 - of_era / 100);
	unsigned m = (5 * of_year + 2) / 153;

	*day = of_year - (153 * m + 2) / 5 + 1;
	*month = m < 10 ? m + 3 : m - 9;
	*year = era * 400 + of_era + (*month <= 2);
}

static bool is_day(unsigned year, unsigned month, unsigned day)
{
	static const unsigned char last[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	if (month < 1 || month > 12 || day < 1)
		return false;
	if (day <= last[month - 1])
		return true;
	return month == 2 && day == 29 && !(year % 4) && (year % 100 || !(year % 400));
}

/* ---- reading ---- */

/* Eight bytes against a pattern of '0' (a digit) and separators: false, or each digit's value in its byte of out. */
static bool digits8(const char *p, const char *pattern, unsigned char out[8])
{
	uint64_t word, want, others = 0;
	unsigned i;

	memcpy(&word, p, 8);
	memcpy(&want, pattern, 8);
	for (i = 0; i < 8; i++) /* folded by the compiler: the pattern is a literal */
		others |= (uint64_t)(pattern[i] == '0' ? 0xf0 : 0xff) << (8 * i);
	word ^= want;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	others = __builtin_bswap64(others);
#endif
	memcpy(out, &word, 8);
	return !(word & others) && !((word + UINT64_C(0x0606060606060606)) & UINT64_C(0xf0f0f0f0f0f0f0f0));
}

static unsigned two(const unsigned char *d)
{
	return d[0] * 10u + d[1];
}

static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

struct clock {
	unsigned year, month, day, hour, minute, second;
	uint32_t ns;
	unsigned ndigits; /* of the fraction; 0: there is none, nor a point */
	size_t used;      /* bytes read */
};

/* The date, any byte, the time of day, and a fraction where there is a point. 0 or -EINVAL. */
static int clock_read(struct slice in, struct clock *c)
{
	static const uint32_t scale[] = {0, 100000000, 10000000, 1000000, 100000, 10000, 1000, 100, 10, 1};
	unsigned char date[8], day[8];
	const char *p = in.ptr;
	char middle[8];

	if (in.len < 19)
		return -EINVAL;
	memcpy(middle, p + 8, 8);
	middle[2] = ' ';
	if (!digits8(p, "0000-00-", date) || !digits8(middle, "00 00:00", day) || p[16] != ':' || !digit(p[17]) ||
	    !digit(p[18]))
		return -EINVAL;
	*c = (struct clock){
	    .year = two(date) * 100 + two(date + 2),
	    .month = two(date + 5),
	    .day = two(day),
	    .hour = two(day + 3),
	    .minute = two(day + 6),
	    .second = (unsigned)(p[17] - '0') * 10 + (unsigned)(p[18] - '0'),
	    .used = 19,
	};
	if (in.len == 19 || p[19] != '.')
		return 0;
	for (c->used = 20; c->used < in.len && digit(p[c->used]); c->used++)
		if (c->ndigits++ < 9)
			c->ns = c->ns * 10 + (uint32_t)(p[c->used] - '0');
	if (!c->ndigits || c->ndigits > 9)
		return -EINVAL;
	c->ns *= scale[c->ndigits];
	return 0;
}

/* As if it were UTC. 0 or -ERANGE. */
static int clock_ns(const struct clock *c, int64_t *ns)
{
	if (c->year < 1678 || c->year > 2261 || !is_day(c->year, c->month, c->day) || c->hour > 23 || c->minute > 59 ||
	    c->second > 60)
		return -ERANGE;
	*ns = (stamp_days(c->year, c->month, c->day) * DAY_S + c->hour * 3600 + c->minute * 60 + c->second) * NS_PER_S +
	      c->ns;
	return 0;
}

int stamp_parse_iluvatar(struct slice in, int64_t *ns, bool *canonical)
{
	struct clock c;
	int rc = clock_read(in, &c);

	if (rc)
		return rc;
	if (c.used != in.len || !c.ndigits || in.ptr[10] != ' ')
		return -EINVAL;
	if (c.second > 59)
		return -ERANGE;
	rc = clock_ns(&c, ns);
	if (rc)
		return rc;
	*canonical = c.ndigits == 1 || in.ptr[in.len - 1] != '0';
	return 0;
}

/* "Z", "z", "+hh:mm", "-hh:mm". 0, -EINVAL or -ERANGE. */
static int offset_read(struct slice in, int64_t *offset_s)
{
	int64_t seconds;
	const char *p = in.ptr;

	if (in.len == 1 && (*p == 'Z' || *p == 'z')) {
		*offset_s = 0;
		return 0;
	}
	if (in.len != 6 || (*p != '+' && *p != '-') || !digit(p[1]) || !digit(p[2]) || p[3] != ':' || !digit(p[4]) ||
	    !digit(p[5]))
		return -EINVAL;
	if (p[1] > '2' || (p[1] == '2' && p[2] > '3') || p[4] > '5')
		return -ERANGE;
	seconds = ((p[1] - '0') * 10 + p[2] - '0') * 3600 + ((p[4] - '0') * 10 + p[5] - '0') * 60;
	*offset_s = *p == '+' ? -seconds : seconds;
	return 0;
}

int stamp_parse_rfc3339(struct slice in, int64_t *ns, int64_t *offset_s, bool *canonical)
{
	struct clock c;
	int64_t local, offset;
	int rc = clock_read(in, &c);

	if (rc)
		return rc;
	if (c.used == in.len || (in.ptr[10] != 'T' && in.ptr[10] != 't' && in.ptr[10] != ' '))
		return -EINVAL;
	rc = offset_read((struct slice){in.ptr + c.used, in.len - c.used}, &offset);
	if (!rc)
		rc = clock_ns(&c, &local);
	if (rc)
		return rc;
	*ns = local + offset * NS_PER_S;
	*offset_s = offset;
	*canonical = c.ndigits == 9 && in.ptr[10] == 'T' && in.ptr[in.len - 1] == 'Z' && c.second < 60;
	return 0;
}

/* ---- printing ---- */

static char *put2(char *p, unsigned n)
{
	p[0] = (char)('0' + n / 10);
	p[1] = (char)('0' + n % 10);
	return p + 2;
}

/* Date, separator, time of day, point, nine digits. */
static char *put_clock(char *p, int64_t ns, char separator)
{
	int64_t s = ns / NS_PER_S, days, year;
	unsigned rest, month, day, i;
	int64_t frac = ns % NS_PER_S;

	if (frac < 0) {
		frac += NS_PER_S;
		s--;
	}
	days = s / DAY_S - (s % DAY_S < 0);
	rest = (unsigned)(s - days * DAY_S);
	stamp_date(days, &year, &month, &day);
	p = put2(p, (unsigned)year / 100);
	p = put2(p, (unsigned)year % 100);
	*p++ = '-';
	p = put2(p, month);
	*p++ = '-';
	p = put2(p, day);
	*p++ = separator;
	p = put2(p, rest / 3600);
	*p++ = ':';
	p = put2(p, rest / 60 % 60);
	*p++ = ':';
	p = put2(p, rest % 60);
	*p++ = '.';
	for (i = 9; i--; frac /= 10)
		p[i] = (char)('0' + frac % 10);
	return p + 9;
}

size_t stamp_print_iluvatar(int64_t ns, char *buf)
{
	char *end = put_clock(buf, ns, ' ');

	while (end[-1] == '0' && end[-2] != '.')
		end--;
	*end = '\0';
	return (size_t)(end - buf);
}

size_t stamp_print_rfc3339(int64_t ns, char *buf)
{
	char *end = put_clock(buf, ns, 'T');

	*end++ = 'Z';
	*end = '\0';
	return (size_t)(end - buf);
}

size_t stamp_print_offset(int64_t offset_s, char *buf)
{
	unsigned s = (unsigned)(offset_s < 0 ? -offset_s : offset_s);
	char *p = buf;

	*p++ = offset_s > 0 ? '-' : '+';
	p = put2(p, s / 3600 % 100);
	*p++ = ':';
	p = put2(p, s / 60 % 60);
	if (s % 60) {
		*p++ = ':';
		p = put2(p, s % 60);
	}
	*p = '\0';
	return (size_t)(p - buf);
}

size_t stamp_print_local(int64_t ns, int64_t offset_s, char *buf)
{
	int64_t local;
	char *p;

	if (__builtin_sub_overflow(ns, offset_s * NS_PER_S, &local))
		local = ns;
	p = put_clock(buf, local, 'T');
	return (size_t)(p - buf) + stamp_print_offset(local == ns ? 0 : offset_s, p);
}
