/* SPDX-License-Identifier: GPL-3.0-or-later */
/* jsontext.c - walks over JSON text with the scanners of the ingest. */
#include "beside/jsontext.h"
#include "base/scan.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#define ELEMENT_MAX (64u << 20)

static const char *skip_space(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r'))
		p++;
	return p;
}

/* The value at p; returns what follows it, or NULL. */
static const char *take_value(const char *p, const char *end, struct json_value *out)
{
	const char *stop, *reason = NULL;
	bool high = false;

	if (p >= end)
		return NULL;
	if (*p == '"') {
		stop = scan_string(p + 1, end, &high);
		if (!stop)
			return NULL;
		*out = (struct json_value){JSON_TEXT_STRING, {p + 1, (size_t)(stop - p - 1)}};
		return stop + 1;
	}
	if (*p == '{' || *p == '[') {
		stop = scan_nested(p, end, &high, &reason);
		out->kind = *p == '{' ? JSON_TEXT_OBJECT : JSON_TEXT_ARRAY;
	} else {
		stop = scan_scalar(p, end);
		out->kind = JSON_TEXT_SCALAR;
	}
	if (stop)
		out->text = (struct slice){p, (size_t)(stop - p)};
	return stop;
}

int jsontext_enter(struct json_walk *w, struct slice text)
{
	const char *end = text.ptr + text.len, *p = skip_space(text.ptr, end);

	if (p == end || (*p != '{' && *p != '['))
		return -EBADMSG;
	*w = (struct json_walk){p + 1, end, *p == '{', true};
	return 0;
}

int jsontext_next(struct json_walk *w, struct slice *key, struct json_value *out)
{
	const char *p = skip_space(w->p, w->end);
	bool high = false;

	if (p < w->end && *p == (w->object ? '}' : ']'))
		return 0;
	if (!w->first) {
		if (p == w->end || *p != ',')
			return -EBADMSG;
		p = skip_space(p + 1, w->end);
	}
	w->first = false;
	*key = SLICE_NONE;
	if (w->object) {
		const char *stop = p < w->end && *p == '"' ? scan_string(p + 1, w->end, &high) : NULL;

		if (!stop)
			return -EBADMSG;
		*key = (struct slice){p + 1, (size_t)(stop - p - 1)};
		p = skip_space(stop + 1, w->end);
		if (p == w->end || *p != ':')
			return -EBADMSG;
		p = skip_space(p + 1, w->end);
	}
	p = take_value(p, w->end, out);
	if (!p)
		return -EBADMSG;
	w->p = p;
	return 1;
}

struct json_value jsontext_at(struct slice object, const char *path)
{
	struct json_value v = {JSON_TEXT_OBJECT, object}, found;

	while (*path) {
		size_t n = strcspn(path, ".");
		struct json_walk w;
		struct slice key;

		found.kind = JSON_TEXT_NONE;
		if (v.kind != JSON_TEXT_OBJECT || jsontext_enter(&w, v.text) || !w.object)
			return (struct json_value){JSON_TEXT_NONE, SLICE_NONE};
		while (jsontext_next(&w, &key, &v) == 1)
			if (key.len == n && !memcmp(key.ptr, path, n)) {
				found = v;
				break;
			}
		if (!found.kind)
			return (struct json_value){JSON_TEXT_NONE, SLICE_NONE};
		v = found;
		path += n + (path[n] == '.');
	}
	return v;
}

double jsontext_real(struct json_value v)
{
	char buf[64], *end;
	double d;

	if (v.kind != JSON_TEXT_SCALAR || v.text.len >= sizeof buf ||
	    (v.text.ptr[0] != '-' && (v.text.ptr[0] < '0' || v.text.ptr[0] > '9')))
		return NAN;
	memcpy(buf, v.text.ptr, v.text.len);
	buf[v.text.len] = '\0';
	d = strtod(buf, &end);
	return *end ? NAN : d;
}

bool jsontext_integer(struct json_value v, int64_t *out)
{
	char buf[32], *end;

	if (v.kind != JSON_TEXT_SCALAR || v.text.len >= sizeof buf)
		return false;
	memcpy(buf, v.text.ptr, v.text.len);
	buf[v.text.len] = '\0';
	errno = 0;
	long long n = strtoll(buf, &end, 10);

	if (*end || end == buf || errno)
		return false;
	*out = n;
	return true;
}

/* ---- a file ---- */

int jsontext_file_open(struct json_file *f, const char *path, const char **why)
{
	*f = (struct json_file){.line = 1};
	return reader_open(path, &f->reader, why);
}

void jsontext_file_close(struct json_file *f)
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
		size_t room = f->room ? f->room * 2 : 262144;
		char *p;

		if (f->n > ELEMENT_MAX) {
			*why = "an element of more than 64 MiB, or not JSON";
			return -EBADMSG;
		}
		p = realloc(f->buf, room);
		if (!p)
			return -ENOMEM;
		f->buf = p;
		f->room = room;
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

int jsontext_file_next(struct json_file *f, struct json_value *out, const char **why)
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
	while (!(stop = take_value(f->buf + f->at, f->buf + f->n, out)) || stop == f->buf + f->n) {
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
