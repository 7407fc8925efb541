/* SPDX-License-Identifier: GPL-3.0-or-later */
/* timeform.h - how a time is written, where its number and the form give the same bytes again.
 *
 * Forms are of dates with a clock (RFC 3339 and its relatives, without what stands behind the seconds' fraction: that
 * is text around the time) and of numbers since 1970. A log has one or two; what has no form is stored as text. */
#ifndef INGEST_TIMEFORM_H
#define INGEST_TIMEFORM_H

#include "base/slice.h"

/* Their numbers stand in databases. */
enum time_style {
	STYLE_T,
	STYLE_BLANK,
	STYLE_SECONDS,
	STYLE_MILLIS,
	STYLE_MICROS,
	STYLE_NANOS,
	STYLE_SLASHES,      /* 2026/06/01 10:00:00 */
	STYLE_POINTS,       /* 2026.06.01 10:00:00 */
	STYLE_WEB,          /* 01/Jun/2026:10:00:00 */
	STYLE_NAMED,        /* 01 Jun 2026 10:00:00 */
	STYLE_NAMED_DASHES, /* 01-Jun-2026 10:00:00 */
	STYLE_SYSLOG,       /* Jun  1 10:00:00 */
	STYLE_SYSLOG_ZERO,  /* Jun 01 10:00:00 */
	STYLE_KLOG,         /* 0601 10:00:00 */
	STYLE_SHORT,        /* 260601 10:00:00 */
	STYLE_DAY_SLASHES,  /* 01/06/2026 10:00:00 */
	STYLE_DAY_POINTS,   /* 01.06.2026 10:00:00 */
	TIME_STYLES
};

#define TIME_TRIMMED  10 /* digits: as many as needed, no zero at the end; without a fraction no point */
#define TIME_FORM_MAX 40 /* bytes that a printed time needs at most */
#define TIME_FORM_LEN 6  /* of a form as text */

struct time_form {
	uint8_t style;    /* enum time_style */
	uint8_t digits;   /* of the fraction; TIME_TRIMMED */
	bool comma;       /* before the fraction, not a point */
	int32_t offset_s; /* UTC minus the clock that is shown; 0 for numbers */
};

/* The last second that was read as text, for the next time. Zero-initialise. */
struct time_memory {
	char second[20];
	uint8_t style;
	bool known;
	int64_t ns;
	bool has_near; /* in: for times without a year, which are in the year that near_ns is closest to; else they are
	                */
	int64_t near_ns; /* not read */
};

/* Is it of numbers, and not of dates? May only digits differ? Has it no year? */
bool time_style_is_number(enum time_style style);
bool time_style_is_digits(enum time_style style);
bool time_style_is_yearless(enum time_style style);

/* Are all texts of that style and of this time_format (ingest/spelling.h) read by it the same? */
bool time_style_fits(enum time_style style, const char *time_format);

/* The form, of that style, of a time that text begins with; *ns is the clock's reading as if it were UTC, for numbers
 * the time. near_ns: for times without a year. Returns the end of what was read, or NULL: it is not of that style. */
const char *time_form_find(const char *text, const char *end, enum time_style style, int64_t near_ns,
                           struct time_form *out, int64_t *ns);

/* Reads a time of that form; digits may follow that are no part of it only where the form says so. *ns is UTC. NULL: it
 * has another form. A number is of the form only where it is of the form's size too, and has nine digits or more, if
 * by_size. */
const char *time_form_read(const struct time_form *f, bool by_size, const char *text, const char *end,
                           struct time_memory *m, int64_t *ns);

/* A time of the first years is one since a start, or of a clock that was not set. */
static inline bool time_is_since_start(int64_t ns)
{
	const int64_t years = INT64_C(315360000000000000);

	return ns > -years && ns < years;
}

/* The bytes of a time; buf has TIME_FORM_MAX of them. Every int64_t can be printed. */
size_t time_form_print(const struct time_form *f, int64_t ns, char *buf);

/* A form as TIME_FORM_LEN printable bytes, and back; false: it is none. */
void time_form_write(const struct time_form *f, char *to);
bool time_form_parse(const char *from, struct time_form *out);

#endif
