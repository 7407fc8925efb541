/* SPDX-License-Identifier: GPL-3.0-or-later */
/* timeform.h - how a time is written, where its number and the form give the same bytes again.
 *
 * Forms are of dates with a clock (RFC 3339 and its relatives, without what stands behind the seconds' fraction: that
 * is text around the time) and of numbers since 1970. A log has one or two; what has no form is stored as text. */
#ifndef INGEST_TIMEFORM_H
#define INGEST_TIMEFORM_H

#include "base/slice.h"

enum time_style { STYLE_T, STYLE_BLANK, STYLE_SECONDS, STYLE_MILLIS, STYLE_MICROS, STYLE_NANOS, TIME_STYLES };

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
	char second[19];
	bool known;
	int64_t ns;
};

/* The form of a time that text begins with; *ns is the clock's reading as if it were UTC, for numbers the time. unit:
 * of numbers, else 0 for dates. Returns the end of what was read, or NULL: it has no form. */
const char *time_form_find(const char *text, const char *end, enum time_style number, bool is_number,
                           struct time_form *out, int64_t *ns);

/* Reads a time of that form; digits may follow that are no part of it only where the form says so. *ns is UTC. NULL: it
 * has another form. A number is of the form only where it is of the form's size too, if by_size. */
const char *time_form_read(const struct time_form *f, bool by_size, const char *text, const char *end,
                           struct time_memory *m, int64_t *ns);

/* The bytes of a time; buf has TIME_FORM_MAX of them. Every int64_t can be printed. */
size_t time_form_print(const struct time_form *f, int64_t ns, char *buf);

/* A form as TIME_FORM_LEN printable bytes, and back; false: it is none. */
void time_form_write(const struct time_form *f, char *to);
bool time_form_parse(const char *from, struct time_form *out);

#endif
