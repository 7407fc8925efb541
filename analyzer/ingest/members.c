/* SPDX-License-Identifier: GPL-3.0-or-later */
/* members.c - walks an object without keeping anything of it. */
#include "ingest/members.h"
#include "base/scan.h"

void members_start(struct members *m, struct slice text)
{
	*m = (struct members){.p = text.ptr + (text.len > 0), .end = text.ptr + text.len};
}

static void space(struct members *m)
{
	while (m->p < m->end && (*m->p == ' ' || *m->p == '\t' || *m->p == '\r' || *m->p == '\n'))
		m->p++;
}

static int fail(struct members *m, const char *reason)
{
	m->reason = reason;
	return -1;
}

static int text_next(struct members *m, struct slice *out, const char *reason)
{
	const char *start = m->p + 1, *stop;

	if (m->p >= m->end)
		return fail(m, "cut short");
	if (*m->p != '"')
		return fail(m, reason);
	stop = scan_string(start, m->end, &m->high);
	if (!stop)
		return fail(m, "bad string: no end, a control character or an unknown escape");
	*out = (struct slice){start, (size_t)(stop - start)};
	m->p = stop + 1;
	return 0;
}

static int value_next(struct members *m, struct member *out)
{
	const char *start = m->p, *stop, *reason = "not JSON: a value is expected";

	if (start >= m->end)
		return fail(m, "cut short");
	if (*start == '"') {
		out->kind = SLOT_STRING;
		return text_next(m, &out->value, reason);
	}
	out->kind = *start == '{' || *start == '[' ? SLOT_JSON : SLOT_SCALAR;
	stop = out->kind == SLOT_JSON ? scan_nested(start, m->end, &m->high, &reason) : scan_scalar(start, m->end);
	if (!stop)
		return fail(m, reason);
	out->value = (struct slice){start, (size_t)(stop - start)};
	m->p = stop;
	return 0;
}

int members_next(struct members *m, struct member *out)
{
	bool first = m->p[-1] == '{';

	space(m);
	if (m->p < m->end && *m->p == '}' && (first || m->comma)) {
		m->p++;
		return 0;
	}
	if (m->last)
		return 0;
	m->comma = false;
	if (text_next(m, &out->key, "not JSON: a key is expected"))
		return -1;
	space(m);
	if (m->p >= m->end)
		return fail(m, "cut short");
	if (*m->p != ':')
		return fail(m, "not JSON: a colon is expected");
	m->p++;
	space(m);
	if (value_next(m, out))
		return -1;
	space(m);
	if (m->p >= m->end)
		return fail(m, "cut short");
	if (*m->p != ',' && *m->p != '}')
		return fail(m, "not JSON: a comma is expected");
	m->last = *m->p == '}';
	m->comma = !m->last;
	m->p++;
	return 1;
}

static bool key_is(struct slice key, const char *name, size_t len)
{
	return key.len == len && !memcmp(key.ptr, name, len);
}

bool member_at(struct slice object, const char *path, struct member *out)
{
	size_t len = strlen(path);
	struct members m;
	struct member one, outer = {0};
	size_t best = 0;

	if (!object.len || *object.ptr != '{')
		return false;
	for (members_start(&m, object); members_next(&m, &one) == 1;) {
		if (key_is(one.key, path, len)) {
			*out = one;
			return true;
		}
		/* the longest key that the path begins with */
		if (one.kind == SLOT_JSON && one.key.len < len && one.key.len > best && path[one.key.len] == '.' &&
		    !memcmp(one.key.ptr, path, one.key.len)) {
			outer = one;
			best = one.key.len;
		}
	}
	return best && member_at(outer.value, path + best + 1, out);
}
