/* SPDX-License-Identifier: Apache-2.0 */
/* shorten.c - lines made shorter; see shorten.h. */
#include "sinks/shorten.h"

#include <stdio.h>

#define MARK_MAX 48 /* "…[N bytes cut]" */

static bool put_slice(struct buf *out, const char *at, size_t len)
{
	if (!buf_room(out, len + 1))
		return false;
	memcpy(out->text + out->len, at, len);
	out->len += len;
	return true;
}

/* Behind the character at `at`, which may be an escape; *bytes: how many it stands for. Half of a pair of surrogates is
 * no character. */
static const char *past_character(const char *at, const char *end, size_t *bytes)
{
	const char *from = at++;

	*bytes = 1;
	if (*from == '\\' && at < end && *at == 'u') {
		unsigned code = 0;

		if (end - from < 6 || sscanf(from + 2, "%4x", &code) != 1)
			return end;
		*bytes = code < 0x80 ? 1 : code < 0x800 ? 2 : 3;
		if (code >> 10 == 0xd800 >> 10 && end - from >= 12) {
			*bytes = 4;
			return from + 12;
		}
		return from + 6;
	}
	if (*from == '\\')
		return at < end ? at + 1 : end;
	for (; at < end && (*at & 0xc0) == 0x80; at++)
		++*bytes;
	return at;
}

/* The text between two quotes. */
static bool put_text(struct buf *out, const char *at, const char *end, size_t max)
{
	const char *stop = at, *next;
	size_t bytes, left = 0;
	char mark[MARK_MAX];

	while (stop < end && (next = past_character(stop, end, &bytes)) - at <= (ptrdiff_t)max)
		stop = next;
	for (const char *c = stop; c < end; left += bytes)
		c = past_character(c, end, &bytes);
	if (!put_slice(out, at, (size_t)(stop - at)))
		return false;
	if (!left)
		return true;
	return put_slice(out, mark, (size_t)snprintf(mark, sizeof mark, "\xe2\x80\xa6[%zu bytes cut]", left));
}

/* The closing quote of the string that begins at `at`, or the end. */
static const char *closing(const char *at, const char *end)
{
	for (at++; at < end && *at != '"'; at++)
		if (*at == '\\')
			at++;
	return at < end ? at : end;
}

static bool put_short(struct buf *out, struct slice part, size_t max)
{
	const char *at = part.at, *end = at + part.len;

	while (at < end) {
		const char *quote = memchr(at, '"', (size_t)(end - at)), *close;
		bool name;

		if (!quote)
			return put_slice(out, at, (size_t)(end - at));
		close = closing(quote, end);
		name = close + 1 < end && close[1] == ':';
		if (!put_slice(out, at, (size_t)(quote + 1 - at)) ||
		    !put_text(out, quote + 1, close, name ? SIZE_MAX / 2 : max))
			return false;
		at = close;
		if (at < end && !put_slice(out, at++, 1))
			return false;
	}
	return true;
}

bool shorten(struct buf *out, struct slice line, size_t max)
{
	out->len = 0;
	return put_short(out, line, max);
}

static bool put_literal(struct buf *out, const char *text)
{
	return put_slice(out, text, strlen(text));
}

static bool put_member(struct buf *out, const char *name, struct slice value, size_t max)
{
	return !value.len || (put_literal(out, name) && put_short(out, value, max));
}

bool shorten_all(struct buf *out, struct slice text, size_t max)
{
	struct slice tid, message;
	struct line line;
	char cut[64];

	out->len = 0;
	if (!line_read(text, &line))
		return false;
	message = line_member(line.fields, "message");
	tid = line_member(line.fields, "tid");
	snprintf(cut, sizeof cut, ",\"cut\":\"\xe2\x80\xa6[%zu bytes cut]\"}",
	         line.fields.len + line.span.len + line.spans.len - message.len - tid.len);
	return put_member(out, "{\"timestamp\":", line.timestamp, max) &&
	       put_member(out, ",\"level\":", line.level, max) &&
	       put_member(out, ",\"fields\":{\"message\":", message, max) && put_member(out, ",\"tid\":", tid, max) &&
	       put_literal(out, cut) && put_member(out, ",\"target\":", line.target, max) &&
	       put_member(out, ",\"threadName\":", line.thread, max) && put_member(out, ",\"seq\":", line.seq, max) &&
	       put_literal(out, "}");
}
