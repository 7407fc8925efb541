/* SPDX-License-Identifier: GPL-3.0-or-later */
/* csv.c - RFC 4180 over a buffer that always holds the whole row. */
#include "beside/csv.h"
#include "base/array.h"
#include <errno.h>
#include <stdlib.h>

#define ROW_MAX (16u << 20)
#define BUFFER  (256u << 10)

int csv_open(struct csv *c, const char *path, const char **why)
{
	int rc;

	*c = (struct csv){.next_line = 1, .line = 1};
	if (!(rc = reader_open(path, &c->reader, why)))
		reader_pass_mark(c->reader);
	return rc;
}

void csv_close(struct csv *c)
{
	reader_close(c->reader);
	free(c->buf);
	*c = (struct csv){0};
}

/* More bytes behind those of the row that has begun. */
static int fill(struct csv *c, const char **why)
{
	ssize_t got;

	if (c->at) {
		memmove(c->buf, c->buf + c->at, c->n - c->at);
		c->n -= c->at;
		c->at = 0;
	}
	if (c->room - c->n < 65536) {
		if (c->n > ROW_MAX) {
			*why = "a row of more than 16 MiB";
			return -EBADMSG;
		}
		if (array_reserve(c->buf, c->room, c->room + BUFFER))
			return -ENOMEM;
	}
	got = reader_read(c->reader, c->buf + c->n, c->room - c->n);
	if (got < 0) {
		*why = reader_why(c->reader);
		return got == -E2BIG ? -EBADMSG : (int)got;
	}
	c->end = !got;
	c->n += (size_t)got;
	return 0;
}

/* The end of the row that begins at buf[at]: the offset of its line feed, or n at the end of the file. Whole rows only:
 * else *more. */
static size_t find_end(const struct csv *c, bool *more)
{
	bool quoted = false;
	size_t i = c->at;

	for (; i < c->n; i++) {
		if (c->buf[i] == '"')
			quoted = !quoted;
		else if (c->buf[i] == '\n' && !quoted)
			break;
	}
	*more = i == c->n && !c->end;
	return i;
}

/* One field from p; takes its quotes away in place. Returns what follows it. */
static char *take_field(char *p, char *end, struct slice *out)
{
	char *to = p, *start = p;
	bool quoted = p < end && *p == '"';

	if (quoted)
		p++;
	while (p < end && (quoted || *p != ',')) {
		if (quoted && *p == '"') {
			if (p + 1 < end && p[1] == '"') {
				p++;
			} else {
				quoted = false;
				p++;
				continue;
			}
		}
		*to++ = *p++;
	}
	*out = (struct slice){start, (size_t)(to - start)};
	return p;
}

static int split(struct csv *c, char *p, char *end, const char **why)
{
	c->nfields = 0;
	for (;;) {
		if (c->nfields == CSV_FIELDS) {
			*why = "more than 64 fields";
			return -EBADMSG;
		}
		p = take_field(p, end, &c->field[c->nfields++]);
		if (p >= end)
			return 1;
		p++; /* the comma */
	}
}

int csv_next(struct csv *c, const char **why)
{
	for (;;) {
		bool more = false;
		size_t stop = find_end(c, &more), len;
		int rc;

		if (more) {
			rc = fill(c, why);
			if (rc)
				return rc;
			continue;
		}
		if (c->at == c->n) {
			if (c->end)
				return 0;
			rc = fill(c, why);
			if (rc)
				return rc;
			continue;
		}
		char *row = c->buf + c->at;

		len = stop - c->at;
		c->line = c->next_line;
		for (size_t i = 0; i <= len && c->at + i < c->n; i++)
			c->next_line += row[i] == '\n';
		c->at = stop < c->n ? stop + 1 : stop;
		if (c->line == 1 && len >= 3 && !memcmp(row, "\xef\xbb\xbf", 3)) {
			row += 3;
			len -= 3;
		}
		if (len && row[len - 1] == '\r')
			len--;
		if (len)
			return split(c, row, row + len, why);
	}
}
