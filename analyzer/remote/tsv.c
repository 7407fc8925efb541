/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tsv.c - see tsv.h */
#include "remote/tsv.h"
#include <errno.h>
#include <stdlib.h>

char tsv_meant(char c)
{
	static const char from[] = "bfnrt0", to[] = "\b\f\n\r\t";
	const char *at = c ? strchr(from, c) : NULL;

	return at ? to[at - from] : c;
}

/* The value in p[0..n), its escapes replaced in place. */
static struct slice value_of(char *p, size_t n)
{
	char *w = p;

	if (n == 2 && p[0] == '\\' && p[1] == 'N')
		return SLICE_NONE;
	if (!memchr(p, '\\', n))
		return (struct slice){p, n};
	for (size_t i = 0; i < n; i++) {
		if (p[i] == '\\' && i + 1 < n)
			*w++ = tsv_meant(p[++i]);
		else
			*w++ = p[i];
	}
	return (struct slice){p, (size_t)(w - p)};
}

static int row(struct tsv *t, char *p, size_t n)
{
	struct slice value[TSV_COLUMNS];
	char *end = p + n;
	unsigned i = 0;

	for (;; i++) {
		char *tab = memchr(p, '\t', (size_t)(end - p));
		char *stop = tab ? tab : end;

		if (i == (t->columns ? t->columns : TSV_COLUMNS))
			return -EBADMSG;
		value[i] = value_of(p, (size_t)(stop - p));
		if (!tab)
			break;
		p = tab + 1;
	}
	if (!t->columns)
		t->columns = i + 1;
	return i + 1 == t->columns ? t->row(t->arg, value) : -EBADMSG;
}

int tsv_take(void *tsv, const char *p, size_t n)
{
	struct tsv *t = tsv;
	int rc = 0;

	while (n && !rc) {
		const char *end = memchr(p, '\n', n);
		size_t part = end ? (size_t)(end - p) : n;

		text_add(&t->line, p, part);
		if (t->line.failed)
			return -ENOMEM;
		if (!end)
			break;
		rc = row(t, t->line.ptr, t->line.len);
		t->line.len = 0;
		p += part + 1;
		n -= part + 1;
	}
	return rc;
}

int tsv_end(struct tsv *t)
{
	return t->line.failed ? -ENOMEM : t->line.len ? -EBADMSG : 0;
}

void tsv_done(struct tsv *t)
{
	text_done(&t->line);
}

int64_t tsv_int(struct slice value)
{
	char buf[24] = {0};

	if (!value.len || value.len >= sizeof buf)
		return 0;
	memcpy(buf, value.ptr, value.len);
	return strtoll(buf, NULL, 10);
}
