/* SPDX-License-Identifier: GPL-3.0-or-later */
/* jsontext.c - walks over JSON text with the scanners of scan.h. */
#include "base/jsontext.h"
#include "base/scan.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>

enum { DECIMAL_DIGITS = 15 }; /* of a whole number that a double has exactly */

static const char *skip_space(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r'))
		p++;
	return p;
}

const char *jsontext_take(const char *p, const char *end, struct json_value *out)
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
	p = jsontext_take(p, w->end, out);
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

bool jsontext_decimal(struct slice s, double *out)
{
	static const double tens[] = {1,   1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
	                              1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
	size_t first = s.len && *s.ptr == '-', digits = 0, fraction = 0;
	bool dot = false;
	int64_t n = 0;

	for (size_t i = first; i < s.len; i++) {
		unsigned digit = (unsigned char)s.ptr[i] - (unsigned)'0';

		if (s.ptr[i] == '.' && !dot && digits) {
			dot = true;
			continue;
		}
		if (digit > 9 || ++digits > DECIMAL_DIGITS)
			return false;
		n = n * 10 + digit;
		fraction += dot;
	}
	*out = (first ? -(double)n : (double)n) / tens[fraction];
	return digits && (!dot || fraction);
}

double jsontext_real(struct json_value v)
{
	char buf[64], *end;
	double d;

	if (v.kind == JSON_TEXT_SCALAR && jsontext_decimal(v.text, &d))
		return d;

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
