/* SPDX-License-Identifier: GPL-3.0-or-later */
/* jsonfile.c - see jsonfile.h */
#include "beside/jsonfile.h"
#include "base/array.h"
#include "base/scan.h"
#include <stdlib.h>

#define ELEMENT_MAX (64u << 20)
#define BUFFER      (256u << 10)

int jsonfile_open(struct json_file *f, const char *path, const char **why)
{
	int rc;

	*f = (struct json_file){.line = 1};
	if (!(rc = reader_open(path, &f->reader, why)))
		reader_pass_mark(f->reader);
	return rc;
}

void jsonfile_close(struct json_file *f)
{
	reader_close(f->reader);
	free(f->buf);
	*f = (struct json_file){0};
}

static int fill(struct json_file *f, const char **why)
{
	ssize_t got;

	if (f->at) {
		memmove(f->buf, f->buf + f->at, f->n - f->at);
		f->n -= f->at;
		f->offset += (int64_t)f->at;
		f->at = 0;
	}
	if (f->room - f->n < 65536 + SCAN_SLACK) {
		if (f->n > ELEMENT_MAX) {
			*why = "an element of more than 64 MiB, or not JSON";
			return -EBADMSG;
		}
		if (array_reserve(f->buf, f->room, f->room + BUFFER))
			return -ENOMEM;
	}
	got = reader_read(f->reader, f->buf + f->n, f->room - f->n - SCAN_SLACK);
	if (got < 0) {
		*why = reader_why(f->reader);
		return got == -E2BIG ? -EBADMSG : (int)got;
	}
	f->end = !got;
	f->n += (size_t)got;
	memset(f->buf + f->n, 0, SCAN_SLACK);
	return 0;
}

/* Passes over white space; 1: buf[at] is a byte, 0: the end. */
static int skip_file_space(struct json_file *f, const char **why)
{
	for (;;) {
		while (f->at < f->n && memchr(" \t\r\n", f->buf[f->at], 4))
			f->line += f->buf[f->at++] == '\n';
		if (f->at < f->n)
			return 1;
		if (f->end)
			return 0;
		int rc = fill(f, why);

		if (rc)
			return rc;
	}
}

/* Takes one of the bytes in set; its value or -EBADMSG. */
static int take_byte(struct json_file *f, const char *set, const char **why, const char *cause)
{
	int rc = skip_file_space(f, why);

	if (rc < 0)
		return rc;
	if (!rc || !strchr(set, f->buf[f->at])) {
		*why = rc ? cause : "the file ends in the middle of the array";
		return -EBADMSG;
	}
	return f->buf[f->at++];
}

int jsonfile_next(struct json_file *f, struct json_value *out, const char **why)
{
	const char *stop;
	int rc;

	if (f->done)
		return 0;
	if (!f->entered) {
		rc = take_byte(f, "[", why, "not an array");
		if (rc < 0)
			return rc;
		rc = skip_file_space(f, why);
		if (rc < 0)
			return rc;
		f->done = rc && f->buf[f->at] == ']';
	} else {
		rc = take_byte(f, ",]", why, "neither a comma nor the end of the array after an element");
		if (rc < 0)
			return rc;
		f->done = rc == ']';
	}
	f->entered = true;
	if (f->done)
		return 0;
	rc = skip_file_space(f, why);
	if (rc < 0)
		return rc;
	while (!(stop = jsontext_take(f->buf + f->at, f->buf + f->n, out)) || stop == f->buf + f->n) {
		if (f->end) {
			*why = stop ? "the file ends in the middle of the array" : "the element is cut off or not JSON";
			return -EBADMSG;
		}
		rc = fill(f, why);
		if (rc)
			return rc;
	}
	for (const char *p = f->buf + f->at; p < stop; p++)
		f->line += *p == '\n';
	f->at = (size_t)(stop - f->buf);
	return 1;
}
