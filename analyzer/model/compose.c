/* SPDX-License-Identifier: GPL-3.0-or-later */
/* compose.c - see compose.h */
#include "model/compose.h"
#include <stdlib.h>

#define NAME_MAX_LEN 128
#define ID_LONG      16 /* a part so long that has a digit is an id */

/* A name in braces: what stands between them, and whether ids are taken out. The next character, or NULL: no name. */
static const char *name_read(const char *p, char name[NAME_MAX_LEN], bool *ids)
{
	static const char suffix[] = "|ids";
	size_t n = strcspn(p, "{}");

	*ids = n >= sizeof suffix - 1 && !memcmp(p + n - (sizeof suffix - 1), suffix, sizeof suffix - 1);
	if (p[n] != '}' || !n || n >= NAME_MAX_LEN)
		return NULL;
	memcpy(name, p, n);
	n -= *ids ? sizeof suffix - 1 : 0;
	name[n] = '\0';
	return strchr(name, '|') || !n ? NULL : p + n + 1 + (*ids ? sizeof suffix - 1 : 0);
}

bool compose_check(const char *pattern)
{
	char name[NAME_MAX_LEN];
	bool ids;

	while (*(pattern += strcspn(pattern, "{}"))) {
		if (*pattern == '}' || !(pattern = name_read(pattern + 1, name, &ids)))
			return false;
	}
	return true;
}

/* ---- ids ---- */

static bool is_id(struct slice part)
{
	size_t digits = 0, hex = 0;

	for (size_t i = 0; i < part.len; i++) {
		char c = part.ptr[i];

		digits += c >= '0' && c <= '9';
		hex += (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == '-';
	}
	return digits && (digits == part.len || part.len >= ID_LONG || (hex == part.len && part.len >= 6));
}

/* How much of a part is its name: "item-17" is "item-". */
static size_t name_of(struct slice part)
{
	size_t n = part.len;

	while (n && part.ptr[n - 1] >= '0' && part.ptr[n - 1] <= '9')
		n--;
	return n && n < part.len && (part.ptr[n - 1] == '-' || part.ptr[n - 1] == '_' || part.ptr[n - 1] == ':')
	           ? n
	           : part.len;
}

void compose_without_ids(struct slice path, struct bytes *out)
{
	const char *end = path.ptr + path.len;

	for (const char *p = path.ptr; p <= end && p;) {
		const char *to = p;

		while (to < end && *to != '/' && *to != '?' && *to != '#')
			to++;
		struct slice part = {p, (size_t)(to - p)};
		size_t name = is_id(part) ? 0 : name_of(part);

		bytes_add(out, p, name);
		if (name < part.len)
			bytes_str(out, "{id}");
		if (to == end || *to != '/')
			return;
		bytes_add(out, "/", 1);
		p = to + 1;
	}
}

/* ---- the whole ---- */

bool compose(const struct event *e, const char *pattern, struct bytes *out)
{
	char name[NAME_MAX_LEN];
	size_t before = out->len;
	bool ids, any = false;

	for (;;) {
		size_t n = strcspn(pattern, "{");
		struct slice v;
		enum slot_kind kind;

		bytes_add(out, pattern, n);
		if (!pattern[n])
			break;
		pattern = name_read(pattern + n + 1, name, &ids);
		if (!pattern)
			break;
		kind = !strncmp(name, "span.", 5) ? event_span_field(e, name + 5, &v) : event_field(e, name, &v);
		if (!kind || (kind == SLOT_SCALAR && slice_is(v, "null")))
			continue;
		any = true;
		if (ids)
			compose_without_ids(v, out);
		else
			bytes_add(out, v.ptr, v.len);
	}
	if (!any)
		out->len = before;
	return any;
}
