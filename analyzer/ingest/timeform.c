/* SPDX-License-Identifier: GPL-3.0-or-later */
/* timeform.c - times read and printed by their form. */
#include "ingest/timeform.h"
#include "ingest/stamp.h"

#include <stdio.h>

#define SECOND     INT64_C(1000000000)
#define SECOND_LEN 19 /* 2026-11-23T00:51:54 */

/* Digits of a fraction that still are ns, and the ns of one. */
static const struct {
	int digits;
	int64_t one;
} numbers[TIME_STYLES] = {[STYLE_T] = {9, SECOND},       [STYLE_BLANK] = {9, SECOND}, [STYLE_SECONDS] = {9, SECOND},
                          [STYLE_MILLIS] = {6, 1000000}, [STYLE_MICROS] = {3, 1000},  [STYLE_NANOS] = {0, 1}};

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

/* The clock's reading at whole seconds. */
static bool second_read(const char *p, struct time_memory *m, int64_t *ns)
{
	static const char like[] = "0000-00-00T00:00:00";
	char text[SECOND_LEN + 2];
	int64_t offset;
	bool canonical;

	if (m->known && !memcmp(p, m->second, SECOND_LEN)) {
		*ns = m->ns;
		return true;
	}
	for (int i = 0; i < SECOND_LEN; i++)
		if (like[i] == '0' ? !is_digit(p[i]) : i != 10 && p[i] != like[i])
			return false;
	if (p[17] == '6' || (p[11] == '2' && p[12] == '4'))
		return false; /* a leap second, an end of a day: they would be printed as the next */
	memcpy(text, p, SECOND_LEN);
	text[10] = 'T';
	text[SECOND_LEN] = 'Z';
	if (stamp_parse_rfc3339((struct slice){text, SECOND_LEN + 1}, ns, &offset, &canonical))
		return false;
	memcpy(m->second, p, SECOND_LEN);
	m->known = true;
	m->ns = *ns;
	return true;
}

static const char *date_read(const struct time_form *f, const char *p, const char *end, struct time_memory *m,
                             int64_t *ns)
{
	const char *stop;
	int64_t fraction;
	unsigned digits;

	if (end - p < SECOND_LEN || p[10] != (f->style == STYLE_T ? 'T' : ' ') || !second_read(p, m, ns))
		return NULL;
	stop = fraction_read(p + SECOND_LEN, end, 9, f->comma ? ',' : '.', &digits, &fraction);
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
	stop = fraction_read(stop, end, numbers[f->style].digits, '.', &digits, &fraction);
	if (!stop || (stop < end && (*stop == '.' || *stop == 'e' || *stop == 'E')) || !digits_fit(f, digits, stop) ||
	    whole > (uint64_t)INT64_MAX / (uint64_t)numbers[f->style].one - 1)
		return NULL;
	*ns = (int64_t)whole * numbers[f->style].one + fraction;
	return *ns <= STAMP_NS_MOST ? stop : NULL;
}

const char *time_form_read(const struct time_form *f, bool by_size, const char *text, const char *end,
                           struct time_memory *m, int64_t *ns)
{
	return f->style <= STYLE_BLANK ? date_read(f, text, end, m, ns) : number_read(f, by_size, text, end, ns);
}

/* ---- finding one ---- */

const char *time_form_find(const char *text, const char *end, enum time_style number, bool is_number,
                           struct time_form *out, int64_t *ns)
{
	struct time_form f = {.digits = TIME_TRIMMED};
	struct time_memory m = {.known = false};
	const char *point;
	unsigned digits;
	int64_t fraction;

	if (is_number) {
		f.style = (uint8_t)number;
		for (point = text; point < end && is_digit(*point); point++)
			;
	} else {
		if (end - text < SECOND_LEN || (text[10] != 'T' && text[10] != ' '))
			return NULL;
		f.style = text[10] == 'T' ? STYLE_T : STYLE_BLANK;
		point = text + SECOND_LEN;
		f.comma = point < end && *point == ',';
	}
	if (!fraction_read(point, end, numbers[f.style].digits, f.comma ? ',' : '.', &digits, &fraction))
		return NULL;
	f.digits = (uint8_t)digits;
	text = time_form_read(&f, false, text, end, &m, ns);
	if (text)
		*out = f;
	return text;
}

/* ---- printing ---- */

static size_t fraction_print(const struct time_form *f, int64_t ns, char *to)
{
	int most = numbers[f->style].digits, n = f->digits == TIME_TRIMMED ? most : f->digits;
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
	int64_t one = numbers[f->style].one, fraction;
	size_t len;

	if (f->style <= STYLE_BLANK) {
		char text[STAMP_MAX];

		ns = (int64_t)((uint64_t)ns - (uint64_t)(f->offset_s * SECOND));
		fraction = (ns % one + one) % one;
		stamp_print_rfc3339(ns, text);
		memcpy(buf, text, SECOND_LEN);
		buf[10] = f->style == STYLE_T ? 'T' : ' ';
		return SECOND_LEN + fraction_print(f, fraction, buf + SECOND_LEN);
	}
	fraction = (ns % one + one) % one;
	len = (size_t)snprintf(buf, 24, "%lld", (long long)(ns / one - (ns % one < 0)));
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
	if (offset < -86400 || offset > 86400 || (v[1] != TIME_TRIMMED && (int)v[1] > numbers[v[0]].digits))
		return false;
	*out = (struct time_form){(uint8_t)v[0], (uint8_t)v[1], from[2] == ',', offset};
	return true;
}
