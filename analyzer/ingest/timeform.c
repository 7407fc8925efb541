/* SPDX-License-Identifier: GPL-3.0-or-later */
/* timeform.c - times read and printed by their form. */
#include "ingest/timeform.h"
#include "ingest/spelling.h"
#include "ingest/stamp.h"

#include <stdio.h>

#define SECOND   INT64_C(1000000000)
#define DAY      (86400 * SECOND)
#define LEAP     1972 /* stands for a year that is not said */
#define YEAR_MIN 1680
#define YEAR_MAX 2260

/* Up to the seconds: Y a year, y its last two digits, m d H M S two digits, e a day with a blank for a zero, b a
 * month's name; all else as it is. */
static const struct {
	const char *text;
	size_t len;
} layouts[TIME_STYLES] = {
    [STYLE_T] = {"Y-m-dTH:M:S", 19},
    [STYLE_BLANK] = {"Y-m-d H:M:S", 19},
    [STYLE_SLASHES] = {"Y/m/d H:M:S", 19},
    [STYLE_POINTS] = {"Y.m.d H:M:S", 19},
    [STYLE_WEB] = {"d/b/Y:H:M:S", 20},
    [STYLE_NAMED] = {"d b Y H:M:S", 20},
    [STYLE_NAMED_DASHES] = {"d-b-Y H:M:S", 20},
    [STYLE_SYSLOG] = {"b e H:M:S", 15},
    [STYLE_SYSLOG_ZERO] = {"b d H:M:S", 15},
    [STYLE_KLOG] = {"md H:M:S", 13},
    [STYLE_SHORT] = {"ymd H:M:S", 15},
    [STYLE_DAY_SLASHES] = {"d/m/Y H:M:S", 19},
    [STYLE_DAY_POINTS] = {"d.m.Y H:M:S", 19},
};

static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

/* Digits of a fraction that still are ns, and the ns of one. */
static const struct unit {
	int digits;
	int64_t one;
} units[TIME_STYLES] =
    {[STYLE_SECONDS] = {9, SECOND}, [STYLE_MILLIS] = {6, 1000000}, [STYLE_MICROS] = {3, 1000}, [STYLE_NANOS] = {0, 1}},
  of_dates = {9, SECOND};

bool time_style_is_number(enum time_style style)
{
	return !layouts[style].text;
}

bool time_style_is_digits(enum time_style style)
{
	return !layouts[style].text || !strpbrk(layouts[style].text, "be");
}

bool time_style_is_yearless(enum time_style style)
{
	return layouts[style].text && !strpbrk(layouts[style].text, "Yy");
}

static const struct unit *unit_of(const struct time_form *f)
{
	return time_style_is_number(f->style) ? &units[f->style] : &of_dates;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* A point and digits, as ns. *digits: how many there are. */
static const char *fraction_read(const char *p, const char *end, int most, char point, unsigned *digits, int64_t *ns)
{
	int n = 0;

	*ns = 0;
	*digits = 0;
	if (p == end || *p != point)
		return p;
	for (p++; p < end && is_digit(*p) && n <= most; p++, n++)
		*ns = *ns * 10 + (*p - '0');
	if (!n || n > most)
		return NULL;
	*digits = (unsigned)n;
	for (; n < most; n++)
		*ns *= 10;
	return p;
}

static bool digits_fit(const struct time_form *f, unsigned digits, const char *stop)
{
	return f->digits == TIME_TRIMMED ? !digits || stop[-1] != '0' : digits == f->digits;
}

/* ---- dates ---- */

struct date {
	int64_t year;
	unsigned month, day, hour, minute, second;
};

static unsigned digits_read(const char *p, unsigned n)
{
	unsigned v = 0;

	for (unsigned i = 0; i < n; i++)
		v = v * 10 + (unsigned)(p[i] - '0');
	return v;
}

static bool are_digits(const char *p, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (!is_digit(p[i]))
			return false;
	return true;
}

static unsigned month_read(const char *p)
{
	for (unsigned i = 0; i < 12; i++)
		if (!memcmp(p, months + (size_t)3 * i, 3))
			return i + 1;
	return 0;
}

/* What one letter of a layout is; its length, or 0: it is not at p. */
static unsigned letter_read(char letter, const char *p, struct date *d)
{
	unsigned n = letter == 'Y' ? 4 : 2, v = 0;

	if (letter == 'b')
		return (d->month = month_read(p)) ? 3 : 0;
	if (letter == 'e' && *p == ' ' ? !is_digit(p[1]) : !are_digits(p, n))
		return 0;
	v = letter == 'e' && *p == ' ' ? (unsigned)(p[1] - '0') : digits_read(p, n);
	if (letter == 'Y' || letter == 'y')
		d->year = letter == 'Y' ? v : v < 69 ? 2000 + v : 1900 + v;
	else
		*(letter == 'm'                    ? &d->month
		  : letter == 'd' || letter == 'e' ? &d->day
		  : letter == 'H'                  ? &d->hour
		  : letter == 'M'                  ? &d->minute
		                                   : &d->second) = v;
	return n;
}

static bool is_letter(char c)
{
	return c && strchr("YymdebHMS", c);
}

static bool layout_read(const char *layout, const char *p, struct date *d)
{
	for (; *layout; layout++) {
		unsigned n = is_letter(*layout) ? letter_read(*layout, p, d) : *p == *layout;

		if (!n)
			return false;
		p += n;
	}
	return true;
}

/* ns at whole seconds, and to a day of the calendar. */
static size_t layout_print(const char *layout, int64_t ns, char *to)
{
	int64_t days = ns / DAY - (ns % DAY < 0), of_day = (ns % DAY + DAY) % DAY / SECOND, year;
	unsigned month, day;
	size_t n = 0;

	stamp_date(days, &year, &month, &day);
	for (; *layout; layout++) {
		char two[24];

		switch (*layout) {
		case 'Y':
			n += (size_t)snprintf(to + n, TIME_FORM_MAX - n, "%04lld", (long long)year);
			continue;
		case 'b':
			memcpy(to + n, months + (size_t)3 * (month - 1), 3);
			n += 3;
			continue;
		default:
			break;
		}
		if (!is_letter(*layout)) {
			to[n++] = *layout;
			continue;
		}
		snprintf(two, sizeof two, *layout == 'e' ? "%2u" : "%02u",
		         (unsigned)(*layout == 'y'                     ? year % 100
		                    : *layout == 'm'                   ? month
		                    : *layout == 'd' || *layout == 'e' ? day
		                    : *layout == 'H'                   ? of_day / 3600
		                    : *layout == 'M'                   ? of_day / 60 % 60
		                                                       : of_day % 60));
		memcpy(to + n, two, 2);
		n += 2;
	}
	return n;
}

/* Reads it, where printing it gives the same again: that leaves out leap seconds, and days that no month has. */
static bool layout_same(enum time_style style, const char *p, int64_t *ns)
{
	struct date d = {.year = LEAP};
	char again[TIME_FORM_MAX];

	if (!layout_read(layouts[style].text, p, &d) || d.year < YEAR_MIN || d.year > YEAR_MAX || d.month - 1 > 11 ||
	    d.day - 1 > 30 || d.hour > 23 || d.minute > 59 || d.second > 59)
		return false;
	*ns = (stamp_days(d.year, d.month, d.day) * 86400 + d.hour * 3600 + d.minute * 60 + d.second) * SECOND;
	return layout_print(layouts[style].text, *ns, again) == layouts[style].len &&
	       !memcmp(again, p, layouts[style].len);
}

/* A day that is not in every year can't be told from the one behind it. */
static bool is_leap_day(int64_t ns)
{
	int64_t year;
	unsigned month, day;

	stamp_date(ns / DAY, &year, &month, &day);
	return month == 2 && day == 29;
}

/* The clock's reading at whole seconds. */
static bool second_read(enum time_style style, const char *p, struct time_memory *m, int64_t *ns)
{
	size_t len = layouts[style].len;
	bool yearless = time_style_is_yearless(style);

	if (yearless && !m->has_near)
		return false;
	if (!m->known || m->style != style || memcmp(p, m->second, len) != 0) {
		m->known = layout_same(style, p, &m->ns) && !(yearless && is_leap_day(m->ns));
		if (!m->known)
			return false;
		memcpy(m->second, p, len);
		m->style = (uint8_t)style;
	}
	*ns = yearless ? time_with_year(m->ns, m->near_ns) : m->ns;
	return true;
}

static const char *date_read(const struct time_form *f, const char *p, const char *end, struct time_memory *m,
                             int64_t *ns)
{
	const char *stop;
	int64_t fraction;
	unsigned digits;

	if ((size_t)(end - p) < layouts[f->style].len || !second_read(f->style, p, m, ns))
		return NULL;
	stop = fraction_read(p + layouts[f->style].len, end, 9, f->comma ? ',' : '.', &digits, &fraction);
	if (!stop || !digits_fit(f, digits, stop) || __builtin_add_overflow(*ns, fraction, ns) ||
	    __builtin_add_overflow(*ns, f->offset_s * SECOND, ns))
		return NULL;
	return stop;
}

/* ---- numbers ---- */

static bool size_fits(enum time_style style, uint64_t whole)
{
	enum time_style by = whole < UINT64_C(100000000000)         ? STYLE_SECONDS
	                     : whole < UINT64_C(100000000000000)    ? STYLE_MILLIS
	                     : whole < UINT64_C(100000000000000000) ? STYLE_MICROS
	                                                            : STYLE_NANOS;

	return style == by;
}

static const char *number_read(const struct time_form *f, bool by_size, const char *p, const char *end, int64_t *ns)
{
	const char *stop = p;
	uint64_t whole = 0;
	int64_t fraction;
	unsigned digits;

	for (; stop < end && is_digit(*stop) && stop - p < 19; stop++)
		whole = whole * 10 + (uint64_t)(*stop - '0');
	if (stop == p || *p == '0' || (stop < end && is_digit(*stop)) || (by_size && !size_fits(f->style, whole)))
		return NULL;
	stop = fraction_read(stop, end, units[f->style].digits, '.', &digits, &fraction);
	if (!stop || (stop < end && (*stop == '.' || *stop == 'e' || *stop == 'E')) || !digits_fit(f, digits, stop) ||
	    whole > (uint64_t)INT64_MAX / (uint64_t)units[f->style].one - 1)
		return NULL;
	*ns = (int64_t)whole * units[f->style].one + fraction;
	return *ns <= STAMP_NS_MOST && (!by_size || stop - p >= 9) ? stop : NULL;
}

const char *time_form_read(const struct time_form *f, bool by_size, const char *text, const char *end,
                           struct time_memory *m, int64_t *ns)
{
	return time_style_is_number(f->style) ? number_read(f, by_size, text, end, ns) : date_read(f, text, end, m, ns);
}

/* ---- finding one ---- */

const char *time_form_find(const char *text, const char *end, enum time_style style, int64_t near_ns,
                           struct time_form *out, int64_t *ns)
{
	struct time_form f = {.style = (uint8_t)style, .digits = TIME_TRIMMED};
	struct time_memory m = {.has_near = true, .near_ns = near_ns};
	size_t whole = layouts[style].len;
	const char *point = text;
	unsigned digits;
	int64_t fraction;

	if ((size_t)(end - text) < whole)
		return NULL;
	for (point += whole; !whole && point < end && is_digit(*point); point++)
		;
	f.comma = whole && point < end && *point == ',';
	if (!fraction_read(point, end, unit_of(&f)->digits, f.comma ? ',' : '.', &digits, &fraction))
		return NULL;
	f.digits = (uint8_t)digits;
	text = time_form_read(&f, false, text, end, &m, ns);
	if (text)
		*out = f;
	return text;
}

/* The letters of a layout that a conversion is; NULL: it is in none. */
static const char *letters_of(char conversion)
{
	static const struct {
		char of[2];
		const char *letters;
	} all[] = {{"Y", "Y"}, {"y", "y"}, {"m", "m"}, {"d", "d"}, {"e", "d"},     {"b", "b"},
	           {"h", "b"}, {"H", "H"}, {"M", "M"}, {"S", "S"}, {"T", "H:M:S"}, {"F", "Y-m-d"}};

	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (conversion == *all[i].of)
			return all[i].letters;
	return NULL;
}

/* Is it what may stand behind the seconds: a fraction, a zone? */
static bool is_behind(const char *format)
{
	if ((*format == '.' || *format == ',') && !strncmp(format + 1, "%f", 2))
		format += 3;
	return !*format || !strcmp(format, "%z") || !strcmp(format, " %z") || !strcmp(format, " %Z");
}

bool time_style_fits(enum time_style style, const char *format)
{
	const char *at = layouts[style].text;

	if (style == STYLE_SECONDS)
		return !strcmp(format, "%s") || !strcmp(format, "%s.%f");
	while (at && *at) {
		bool conversion = *format == '%';
		const char *letters = conversion ? letters_of(*++format) : NULL;

		if (!letters && (conversion || is_letter(*at) || *at++ != *format))
			return false;
		for (; letters && *letters; letters++, at++)
			if (*at != *letters && !(*at == 'e' && *letters == 'd'))
				return false;
		format++;
	}
	return at && is_behind(format);
}

/* ---- printing ---- */

static size_t fraction_print(const struct time_form *f, int64_t ns, char *to)
{
	int most = unit_of(f)->digits, n = f->digits == TIME_TRIMMED ? most : f->digits;
	char all[24];

	n = n > most ? most : n;
	if (!n || (f->digits == TIME_TRIMMED && !ns))
		return 0;
	snprintf(all, sizeof all, "%0*lld", most, (long long)ns);
	while (f->digits == TIME_TRIMMED && all[n - 1] == '0')
		n--;
	to[0] = f->comma ? ',' : '.';
	memcpy(to + 1, all, (size_t)n);
	return (size_t)n + 1;
}

size_t time_form_print(const struct time_form *f, int64_t ns, char *buf)
{
	int64_t one = unit_of(f)->one, fraction;
	size_t len;

	if (time_style_is_number(f->style)) {
		fraction = (ns % one + one) % one;
		len = (size_t)snprintf(buf, 24, "%lld", (long long)(ns / one - (ns % one < 0)));
		return len + fraction_print(f, fraction, buf + len);
	}
	ns = (int64_t)((uint64_t)ns - (uint64_t)(f->offset_s * SECOND));
	fraction = (ns % one + one) % one;
	if (f->style <= STYLE_BLANK) {
		char text[STAMP_MAX];

		stamp_print_rfc3339(ns, text);
		len = layouts[f->style].len;
		memcpy(buf, text, len);
		buf[10] = f->style == STYLE_T ? 'T' : ' ';
	} else {
		len = layout_print(layouts[f->style].text, ns, buf);
	}
	return len + fraction_print(f, fraction, buf + len);
}

/* ---- as text ---- */

void time_form_write(const struct time_form *f, char *to)
{
	uint32_t offset = (uint32_t)(f->offset_s + 86400);

	to[0] = (char)('0' + f->style);
	to[1] = (char)('0' + f->digits);
	to[2] = f->comma ? ',' : '.';
	to[3] = (char)('0' + (offset & 63));
	to[4] = (char)('0' + (offset >> 6 & 63));
	to[5] = (char)('0' + (offset >> 12));
}

bool time_form_parse(const char *from, struct time_form *out)
{
	unsigned v[TIME_FORM_LEN];
	int32_t offset;

	for (int i = 0; i < TIME_FORM_LEN; i++)
		v[i] = (unsigned char)(from[i] - '0');
	if (v[0] >= TIME_STYLES || v[1] > TIME_TRIMMED || (from[2] != ',' && from[2] != '.') || v[3] > 63 ||
	    v[4] > 63 || v[5] > 63)
		return false;
	offset = (int32_t)(v[3] | v[4] << 6 | v[5] << 12) - 86400;
	if (offset < -86400 || offset > 86400 ||
	    (v[1] != TIME_TRIMMED && (int)v[1] > unit_of(&(struct time_form){.style = (uint8_t)v[0]})->digits))
		return false;
	*out = (struct time_form){(uint8_t)v[0], (uint8_t)v[1], from[2] == ',', offset};
	return true;
}
