/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mask.c - see mask.h */
#include "query/events/mask.h"
#include "base/bytes.h"
#include "base/template.h"
#include "ingest/line.h"

/* More is not looked at; unescaped, a byte may be three. */
enum { MOST = TEMPLATE_TEXT_MAX };

static void add_with_value(struct text *out, const char *p, size_t len, const char *value)
{
	const char *end = p + len;

	for (const char *at; (at = memmem(p, (size_t)(end - p), TEMPLATE_VALUE, 3)); p = at + 3) {
		text_add(out, p, (size_t)(at - p));
		text_puts(out, value);
	}
	text_add(out, p, (size_t)(end - p));
}

static void mask(struct text *out, const char *plain, size_t n, const char *value)
{
	char masked[TEMPLATE_ROOM(MOST)];

	n = template_mask(plain, n, masked);
	add_with_value(out, masked, n, value);
}

void mask_escaped(struct text *out, struct slice escaped, const char *value)
{
	char plain[3 * MOST];

	if (!escaped.ptr)
		return;
	if (escaped.len > MOST)
		escaped.len = MOST;
	mask(out, plain, json_unescape(escaped, plain), value);
}

void mask_plain(struct text *out, struct slice plain, const char *value)
{
	if (plain.ptr)
		mask(out, plain.ptr, plain.len < MOST ? plain.len : MOST, value);
}

void mask_line(struct text *out, struct slice plain, const char *value)
{
	struct bytes escaped = {0};

	bytes_escape(&escaped, plain.ptr, plain.len < MOST ? plain.len : MOST);
	out->failed |= escaped.failed;
	if (!escaped.failed)
		mask_escaped(out, (struct slice){(const char *)escaped.ptr, escaped.len}, value);
	bytes_free(&escaped);
}
