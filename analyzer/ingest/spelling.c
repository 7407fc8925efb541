/* SPDX-License-Identifier: GPL-3.0-or-later */
/* spelling.c - one reader for all spellings of a time.
 *
 * A text is read from left to right as words: a name of a day is passed over, a name of a month is kept, numbers are
 * told apart by what stands behind them (':' an hour, '-' '/' '.' a date) and by their length. What is left over at the
 * end must be a zone. Nothing is taken that was not understood to its last byte. */
#include "ingest/spelling.h"
#include "ingest/stamp.h"

#include <errno.h>
#include <strings.h>

#define SECOND INT64_C(1000000000)

/* ---- numbers ---- */

struct decimal {
	__int128 digits;
	int exponent; /* of ten */
	bool negative;
};

static const char *digits_read(const char *p, const char *end, struct decimal *d, bool fraction, bool *any)
{
	for (; p < end && *p >= '0' && *p <= '9'; p++) {
		*any = true;
		if (d->digits > ((__int128)1 << 110)) {
			d->exponent += !fraction; /* beyond every time; fractions beyond are cut */
			continue;
		}
		d->digits = d->digits * 10 + (*p - '0');
		d->exponent -= fraction;
	}
	return p;
}

static bool decimal_read(struct slice s, struct decimal *d)
{
	const char *p = s.ptr, *end = p + s.len;
	bool any = false, minus;
	int e = 0;

	*d = (struct decimal){.negative = p < end && *p == '-'};
	p = digits_read(p + d->negative, end, d, false, &any);
	if (p < end && *p == '.')
		p = digits_read(p + 1, end, d, true, &any);
	if (!any)
		return false;
	if (p < end && (*p == 'e' || *p == 'E')) {
		p++;
		minus = p < end && *p == '-';
		p += p < end && (*p == '-' || *p == '+');
		if (p == end)
			return false;
		for (; p < end && *p >= '0' && *p <= '9'; p++)
			e = e < 1000 ? e * 10 + (*p - '0') : e;
		d->exponent += minus ? -e : e;
	}
	return p == end;
}

/* d * 10^by as ns; -ERANGE: does not fit. */
static int decimal_ns(const struct decimal *d, int by, int64_t *ns)
{
	__int128 v = d->digits;
	int e = d->exponent + by;

	for (; e < 0 && v; e++)
		v /= 10;
	for (; e > 0 && v; e--) {
		if (v > INT64_MAX)
			return -ERANGE;
		v *= 10;
	}
	if (v > INT64_MAX)
		return -ERANGE;
	*ns = d->negative ? -(int64_t)v : (int64_t)v;
	return 0;
}

int time_number(struct slice text, enum time_unit unit, int64_t *ns)
{
	static const int scale[] = {[UNIT_SECONDS] = 9, [UNIT_MILLIS] = 6, [UNIT_MICROS] = 3, [UNIT_NANOS] = 0};
	struct decimal d;
	int64_t whole;

	if (!text.len || !decimal_read(text, &d))
		return -EINVAL;
	if (unit == UNIT_BY_SIZE) {
		if (decimal_ns(&d, 0, &whole))
			return -ERANGE;
		whole = whole < 0 ? -whole : whole;
		unit = whole < INT64_C(100000000000)         ? UNIT_SECONDS
		       : whole < INT64_C(100000000000000)    ? UNIT_MILLIS
		       : whole < INT64_C(100000000000000000) ? UNIT_MICROS
		                                             : UNIT_NANOS;
	}
	if (decimal_ns(&d, scale[unit], &whole) || whole < STAMP_NS_LEAST || whole > STAMP_NS_MOST)
		return -ERANGE;
	*ns = whole;
	return 0;
}

/* ---- texts ---- */

struct time_reading {
	const char *p, *end;
	bool day_first;
	int year, month, day; /* -1: not read yet */
	int hour, minute, second;
	int64_t fraction_ns;
	int half; /* 0 none, 1 AM, 2 PM */
	bool zone, either;
	int64_t offset_s;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static size_t run(const struct time_reading *r, bool (*is)(char))
{
	const char *q = r->p;

	while (q < r->end && is(*q))
		q++;
	return (size_t)(q - r->p);
}

/* As many as there are, taken. */
static struct slice letters(struct time_reading *r)
{
	struct slice s = {r->p, run(r, is_letter)};

	r->p += s.len;
	return s;
}

static int number(struct time_reading *r, size_t len)
{
	int n = 0;

	for (; len; len--)
		n = n * 10 + (*r->p++ - '0');
	return n;
}

static bool at(const struct time_reading *r, char c)
{
	return r->p < r->end && *r->p == c;
}

static bool take(struct time_reading *r, char c)
{
	bool there = at(r, c);

	r->p += there;
	return there;
}

static void blanks(struct time_reading *r)
{
	while (r->p < r->end && is_blank(*r->p))
		r->p++;
}

/* "5", "123456789012": digits beyond ns are cut. */
static bool fraction_digits(struct time_reading *r)
{
	int64_t scale = SECOND / 10;
	const char *from = r->p;

	for (r->fraction_ns = 0; r->p < r->end && is_digit(*r->p); r->p++, scale /= 10)
		r->fraction_ns += (*r->p - '0') * scale;
	return r->p > from;
}

/* ".5", ",123456789012", or nothing. */
static bool fraction(struct time_reading *r)
{
	return (!take(r, '.') && !take(r, ',')) || fraction_digits(r);
}

/* hh:mm[:ss[.f]], r->p at the hour; or hhmm[ss[.f]] where basic. */
static bool clock_time(struct time_reading *r, bool basic)
{
	size_t n = run(r, is_digit);

	if (r->hour >= 0)
		return false;
	if (basic) {
		if (n != 4 && n != 6)
			return false;
		r->hour = number(r, 2);
		r->minute = number(r, 2);
		r->second = n == 6 ? number(r, 2) : 0;
		return n == 4 || fraction(r);
	}
	if (!n || n > 2)
		return false;
	r->hour = number(r, n);
	if (!take(r, ':') || run(r, is_digit) != 2)
		return false;
	r->minute = number(r, 2);
	r->second = 0;
	if (!take(r, ':'))
		return true;
	if (run(r, is_digit) != 2)
		return false;
	r->second = number(r, 2);
	return fraction(r);
}

static int time_month(struct slice s)
{
	static const char names[] = "janfebmaraprmayjunjulaugsepoctnovdec";
	static const char *const full[] = {"january", "february", "march",     "april",   "may",      "june",
	                                   "july",    "august",   "september", "october", "november", "december"};

	for (int i = 0; i < 12; i++)
		if ((s.len == 3 && !strncasecmp(s.ptr, names + 3 * i, 3)) ||
		    (s.len == strlen(full[i]) && !strncasecmp(s.ptr, full[i], s.len)))
			return i + 1;
	return 0;
}

static bool time_weekday(struct slice s)
{
	static const char *const names[] = {"monday", "tuesday",  "wednesday", "thursday",
	                                    "friday", "saturday", "sunday"};

	for (int i = 0; i < 7; i++)
		if ((s.len == 3 || s.len == strlen(names[i])) && !strncasecmp(s.ptr, names[i], s.len))
			return true;
	return false;
}

/* Names of zones that mean one offset everywhere; minutes east of UTC. */
static bool time_zone(struct slice s, int64_t *offset_s)
{
	static const struct {
		const char *name;
		int east;
	} zones[] = {{"Z", 0},      {"UTC", 0},    {"GMT", 0},    {"UT", 0},      {"WET", 0},     {"WEST", 60},
	             {"CET", 60},   {"CEST", 120}, {"EET", 120},  {"EEST", 180},  {"MSK", 180},   {"EST", -300},
	             {"EDT", -240}, {"CDT", -300}, {"MDT", -360}, {"MST", -420},  {"PST", -480},  {"PDT", -420},
	             {"JST", 540},  {"KST", 540},  {"AEST", 600}, {"AEDT", 660},  {"NZST", 720},  {"NZDT", 780},
	             {"SGT", 480},  {"HKT", 480},  {"SAST", 120}, {"AKST", -540}, {"AKDT", -480}, {"HST", -600}};

	for (size_t i = 0; i < sizeof zones / sizeof *zones; i++)
		if (s.len == strlen(zones[i].name) && !strncasecmp(s.ptr, zones[i].name, s.len)) {
			*offset_s = -60 * (int64_t)zones[i].east;
			return true;
		}
	return false;
}

/* +01, +0100, +01:00, +01:00:30 */
static bool time_read_offset(struct time_reading *r)
{
	int sign = *r->p++ == '-' ? 1 : -1, h, m = 0, s = 0;
	size_t n = run(r, is_digit);

	if (r->zone || (n != 2 && n != 4))
		return false;
	h = number(r, 2);
	if (n == 4)
		m = number(r, 2);
	else if (take(r, ':')) {
		if (run(r, is_digit) != 2)
			return false;
		m = number(r, 2);
		if (take(r, ':')) {
			if (run(r, is_digit) != 2)
				return false;
			s = number(r, 2);
		}
	}
	if (h > 23 || m > 59 || s > 59)
		return false;
	r->zone = true;
	r->offset_s = sign * (h * 3600 + m * 60 + s);
	return true;
}

/* Of the day: 1 AM, 2 PM, 0 neither. */
static int half_of(struct slice s)
{
	if (s.len != 2 || strncasecmp(s.ptr + 1, "m", 1))
		return 0;
	return !strncasecmp(s.ptr, "a", 1) ? 1 : !strncasecmp(s.ptr, "p", 1) ? 2 : 0;
}

static bool word(struct time_reading *r)
{
	struct slice s = letters(r);
	int64_t east;
	int month;

	if (r->hour < 0 && s.len == 1 && (*s.ptr == 'T' || *s.ptr == 't'))
		return r->day >= 0;
	if (r->hour >= 0 && !r->half && (r->half = half_of(s)))
		return r->hour >= 1 && r->hour <= 12;
	month = time_month(s);
	if (month && r->month < 0) {
		r->month = month;
		take(r, '.');
		return true;
	}
	if (r->hour < 0 && time_weekday(s)) {
		take(r, ',');
		return true;
	}
	if (r->hour < 0 || !time_zone(s, &east))
		return false;
	/* "+0000 UTC": the offset was said already */
	if (!r->zone)
		r->offset_s = east;
	r->zone = true;
	return true;
}

/* Two numbers of which one is a day and one a month, the year last: r->p behind the second. */
static bool day_and_month(struct time_reading *r, int a, int b, char sep)
{
	bool month_first = sep == '/' && !r->day_first && a <= 12;

	if (b > 12)
		month_first = true;
	r->either = sep == '/' && !r->day_first && a <= 12 && b <= 12 && a != b;
	r->month = month_first ? a : b;
	r->day = month_first ? b : a;
	return true;
}

/* A date that begins with a number of n digits, with a separator behind it. */
static bool date(struct time_reading *r, size_t n)
{
	int a = number(r, n), b;
	char sep = *r->p++;
	size_t len;

	if (r->day >= 0 || r->year >= 0)
		return false;
	if (is_letter(r->p < r->end ? *r->p : '\0')) { /* 21-Nov-2026, 21/Nov/2026:10:00:00 */
		r->month = time_month(letters(r));
		if (!r->month || n > 2 || !take(r, sep) || run(r, is_digit) != 4)
			return false;
		r->day = a;
		r->year = number(r, 4);
		take(r, ':');
		return true;
	}
	len = run(r, is_digit);
	if (!len || len > 2)
		return false;
	b = number(r, len);
	if (n == 4) {
		r->year = a;
		r->month = b;
		len = take(r, sep) ? run(r, is_digit) : 0;
		if (!len || len > 2)
			return false;
		r->day = number(r, len);
		return true;
	}
	if (n > 2 || !take(r, sep) || run(r, is_digit) != 4)
		return false;
	day_and_month(r, a, b, sep);
	r->year = number(r, 4);
	return true;
}

/* hh:mm */
static bool is_clock(const char *p, const char *end)
{
	return end - p >= 5 && is_digit(p[0]) && is_digit(p[1]) && p[2] == ':' && is_digit(p[3]) && is_digit(p[4]);
}

static bool digits(struct time_reading *r)
{
	size_t n = run(r, is_digit);
	char next = r->p + n < r->end ? r->p[n] : '\0';

	if (next == ':' && n <= 2)
		return clock_time(r, false);
	if (n == 8 && r->day < 0 && r->year < 0) {
		r->year = number(r, 4);
		r->month = number(r, 2);
		r->day = number(r, 2);
		return true;
	}
	if ((n == 4 || n == 6) && r->day >= 0 && r->hour < 0 && (r->p[-1] == 'T' || r->p[-1] == 't'))
		return clock_time(r, true);
	if ((next == '-' || next == '/' || next == '.') && n <= 4 && r->day < 0)
		return date(r, n);
	if (n == 4 && r->year < 0 && r->month >= 0) {
		r->year = number(r, 4);
		return true;
	}
	if (n == 4 && r->day < 0 && next == ' ' && is_clock(r->p + 5, r->end)) { /* klog: 0601 10:00:00 */
		r->month = number(r, 2);
		r->day = number(r, 2);
		return true;
	}
	if (n <= 2 && n && r->day < 0) { /* beside the name of a month */
		r->day = number(r, n);
		take(r, ',');
		return true;
	}
	return false;
}

/* Go's time.String() has the reading of a monotonic clock behind it: "m=+0.5". */
static bool is_monotonic(const struct time_reading *r)
{
	const char *q = r->p + 2;

	if (r->end - r->p < 4 || memcmp(r->p, "m=", 2) || (*q != '+' && *q != '-'))
		return false;
	for (q++; q < r->end && (is_digit(*q) || *q == '.'); q++)
		;
	return q == r->end;
}

static bool all(struct time_reading *r)
{
	for (blanks(r); r->p < r->end; blanks(r)) {
		if (is_monotonic(r))
			return r->hour >= 0;
		if (is_digit(*r->p)                                  ? !digits(r)
		    : r->hour >= 0 && (*r->p == '+' || *r->p == '-') ? !time_read_offset(r)
		    : is_letter(*r->p)
		        ? !word(r)
		        : !(r->day >= 0 && r->hour < 0 && (take(r, ',') || take(r, '_') || take(r, '-'))))
			return false;
	}
	return r->hour >= 0 || r->day >= 0;
}

static int time_result(const struct time_reading *r, struct spelt *out)
{
	static const int lengths[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	struct spelt s = {.local = !r->zone, .offset_s = r->offset_s, .either = r->either};
	int year = r->year < 0 ? 1972 : r->year, /* one with a 29th of February */
	    hour = r->hour < 0 ? 0 : r->hour;
	int64_t seconds;

	s.no_day = r->day < 0;
	s.no_clock = r->hour < 0;
	s.no_year = !s.no_day && r->year < 0;
	if (!s.no_day &&
	    (r->month < 1 || r->month > 12 || r->day < 1 || r->day > lengths[r->month - 1] ||
	     (r->year >= 0 && r->month == 2 && r->day == 29 && (year % 4 || (!(year % 100) && year % 400)))))
		return -ERANGE;
	if (r->half)
		hour = hour % 12 + (r->half == 2 ? 12 : 0);
	if (hour > 24 || r->minute > 59 || r->second > 60 ||
	    (hour == 24 && (r->minute || r->second || r->fraction_ns)) || year < 1678 || year > 2261)
		return -ERANGE;
	seconds = (s.no_day ? 0 : stamp_days(year, (unsigned)r->month, (unsigned)r->day)) * 86400 + hour * 3600 +
	          (r->minute < 0 ? 0 : r->minute) * 60 + (r->second < 0 ? 0 : r->second) + r->offset_s;
	if (__builtin_mul_overflow(seconds, SECOND, &s.ns) || __builtin_add_overflow(s.ns, r->fraction_ns, &s.ns))
		return -ERANGE;
	*out = s;
	return 0;
}

static struct slice trimmed(struct slice s)
{
	while (s.len && (*s.ptr == ' ' || *s.ptr == '\t' || *s.ptr == '['))
		s = (struct slice){s.ptr + 1, s.len - 1};
	while (s.len && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t' || s.ptr[s.len - 1] == ']'))
		s.len--;
	return s;
}

/* "0.001273s", since a start. */
static bool uptime(struct slice s, struct spelt *out)
{
	int64_t ns;

	if (s.len < 2 || s.ptr[s.len - 1] != 's' || time_number((struct slice){s.ptr, s.len - 1}, UNIT_SECONDS, &ns))
		return false;
	*out = (struct spelt){.ns = ns, .uptime = true};
	return true;
}

static bool is_number(struct slice s)
{
	bool digit = false;

	for (size_t i = 0; i < s.len; i++) {
		if (!is_digit(s.ptr[i]) && !strchr(".-+eE", s.ptr[i]))
			return false;
		digit |= is_digit(s.ptr[i]);
		if (i && s.ptr[i] == '-' && (s.ptr[i - 1] | 0x20) != 'e')
			return false; /* a date */
	}
	return digit && s.len >= 9 && memchr(s.ptr, '.', s.len) == memrchr(s.ptr, '.', s.len);
}

int time_text(struct slice text, bool day_first, struct spelt *out)
{
	struct slice s = text.ptr ? trimmed(text) : SLICE_NONE;
	struct time_reading r = {.p = s.ptr, .end = s.ptr + s.len, .day_first = day_first};

	if (!s.len || s.len > 100)
		return -EINVAL;
	if (is_number(s)) {
		struct spelt n = {0};
		int rc = time_number(s, UNIT_BY_SIZE, &n.ns);

		if (!rc)
			*out = n;
		return rc;
	}
	if (uptime(s, out))
		return 0;
	r.year = r.month = r.day = r.hour = r.minute = r.second = -1;
	return all(&r) ? time_result(&r, out) : -EINVAL;
}

enum { LEAP_AGO = 8 }; /* years that the last leap year may be away */

int64_t time_with_year(int64_t ns, int64_t near_ns)
{
	int64_t days = ns / (86400 * SECOND), year, best = ns;
	bool any = false;
	unsigned month, day, m2, d2;

	stamp_date(days, &year, &month, &day);
	stamp_date(near_ns / (86400 * SECOND), &year, &m2, &d2);
	for (int64_t y = year - LEAP_AGO; y <= year + 1; y++) {
		int64_t there;

		if (y < 1678 || y > 2261 || (month == 2 && day == 29 && !stamp_is_leap(y)))
			continue;
		there = (stamp_days(y, month, day) - days) * 86400 * SECOND + ns;
		if (!any || (there > near_ns ? there - near_ns : near_ns - there) <
		                (best > near_ns ? best - near_ns : near_ns - best))
			best = there;
		any = true;
	}
	return best;
}

/* ---- as a format says ---- */

/* A number of least to most digits, blanks before it. */
static bool number_by(struct time_reading *r, int least, int most, int *out)
{
	int n = 0, v = 0;

	blanks(r);
	for (; n < most && r->p < r->end && is_digit(*r->p); n++)
		v = v * 10 + (*r->p++ - '0');
	*out = v;
	return n >= least;
}

static bool half_by(struct time_reading *r)
{
	return (r->half = half_of(letters(r))) > 0;
}

static bool zone_by(struct time_reading *r)
{
	struct slice s;

	if (r->p < r->end && (*r->p == '+' || *r->p == '-'))
		return time_read_offset(r);
	s = letters(r);
	return r->zone = time_zone(s, &r->offset_s);
}

static bool year_by(struct time_reading *r, bool short_one)
{
	if (!number_by(r, short_one ? 2 : 4, short_one ? 2 : 4, &r->year))
		return false;
	if (short_one)
		r->year += r->year < 69 ? 2000 : 1900;
	return true;
}

/* Seconds since 1970, or since a start. */
static bool epoch_by(struct time_reading *r, int64_t *out)
{
	const char *from = r->p;

	for (*out = 0; r->p < r->end && is_digit(*r->p) && r->p - from < 11; r->p++)
		*out = *out * 10 + (*r->p - '0');
	return r->p > from;
}

static bool pieces_by(struct time_reading *r, const char *format, int64_t *seconds);

static bool piece_by(struct time_reading *r, char c, int64_t *seconds)
{
	switch (c) {
	case 'Y':
	case 'y':
		return year_by(r, c == 'y');
	case 'm':
		return number_by(r, 1, 2, &r->month);
	case 'd':
	case 'e':
		return number_by(r, 1, 2, &r->day);
	case 'b':
	case 'h':
	case 'B':
		return (r->month = time_month(letters(r))) > 0;
	case 'a':
	case 'A':
		return time_weekday(letters(r));
	case 'H':
	case 'k':
	case 'I':
	case 'l':
		return number_by(r, 1, 2, &r->hour);
	case 'M':
		return number_by(r, 2, 2, &r->minute);
	case 'S':
		return number_by(r, 2, 2, &r->second);
	case 'f':
		return fraction_digits(r);
	case 's':
		return epoch_by(r, seconds);
	case 'p':
		return half_by(r);
	case 'z':
	case 'Z':
		return zone_by(r);
	case 'T':
		return pieces_by(r, "%H:%M:%S", seconds);
	case 'R':
		return pieces_by(r, "%H:%M", seconds);
	case 'F':
		return pieces_by(r, "%Y-%m-%d", seconds);
	default:
		return r->p < r->end && *r->p++ == c; /* %% */
	}
}

static bool pieces_by(struct time_reading *r, const char *format, int64_t *seconds)
{
	for (; *format; format++) {
		if (is_blank(*format))
			blanks(r);
		else if (*format == '%' ? !piece_by(r, *++format, seconds) : r->p == r->end || *r->p++ != *format)
			return false;
	}
	return true;
}

int time_by_format(const char *format, struct slice text, struct spelt *out)
{
	struct time_reading r = {.p = text.ptr, .end = text.ptr + text.len};
	int64_t seconds = -1;

	r.year = r.month = r.day = r.hour = r.minute = r.second = -1;
	while (r.p < r.end && (is_blank(*r.p) || (*r.p == '[' && *format != '[')))
		r.p++;
	while (r.end > r.p && (is_blank(r.end[-1]) || (r.end[-1] == ']' && !strchr(format, ']'))))
		r.end--;
	if (!text.len || !pieces_by(&r, format, &seconds) || r.p != r.end)
		return -EINVAL;
	if (seconds < 0)
		return r.day >= 0 || r.hour >= 0 ? time_result(&r, out) : -EINVAL;
	if (seconds > STAMP_NS_MOST / SECOND - 1)
		return -ERANGE;
	*out = (struct spelt){.ns = seconds * SECOND + r.fraction_ns};
	return 0;
}

bool time_format_known(const char *format)
{
	for (const char *p = strchr(format, '%'); p; p = strchr(p + 1, '%'))
		if (!*++p || !strchr(TIME_FORMAT_LETTERS, *p))
			return false;
	return true;
}
