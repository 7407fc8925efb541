/* SPDX-License-Identifier: GPL-3.0-or-later */
/* merged.c - see merged.h */
#include "remote/merged.h"
#include "base/tempfile.h"
#include "remote/gather.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What one shard answered. */
struct stream {
	FILE *file;
	char *buf;
	size_t room;
	struct tsv t;
	struct slice v[MERGED_COLUMNS]; /* of the next row */
	bool more;
};

struct merged {
	struct stream *stream;
	size_t n;
	struct stream *given; /* whose row was given last */
	unsigned columns, keys;
	bool number;
};

static int write_bytes(void *arg, const char *p, size_t n)
{
	return fwrite(p, 1, n, arg) == n ? 0 : -errno;
}

static int take_row(void *arg, const struct slice *value)
{
	struct stream *s = arg;

	memcpy(s->v, value, s->t.columns * sizeof *value);
	s->more = true;
	return 0;
}

static int stream_next(struct stream *s)
{
	ssize_t n = getline(&s->buf, &s->room, s->file);
	int rc;

	s->more = false;
	if (n < 0)
		return ferror(s->file) ? -EIO : tsv_end(&s->t);
	rc = tsv_take(&s->t, s->buf, (size_t)n);
	return rc || s->more ? rc : -EBADMSG; /* half a row */
}

/* A file without a name, in $TMPDIR. */
static int file_open(FILE **out)
{
	int fd = tempfile_open(NULL), rc;

	if (fd < 0)
		return fd;
	*out = fdopen(fd, "w+");
	rc = *out ? 0 : -errno;
	if (rc)
		close(fd);
	return rc;
}

/* What is asked. */
struct question {
	struct merged *m;
	const char *const *sql;
};

static int stream_open(struct cluster *c, size_t i, void *arg, char **why)
{
	const struct question *q = arg;
	struct stream *s = &q->m->stream[i];
	int rc;

	s->t = (struct tsv){.columns = q->m->columns, .row = take_row, .arg = s};
	rc = file_open(&s->file);
	for (const char *const *sql = q->sql; *sql && !rc; sql++)
		rc = cluster_write(c, i, *sql, write_bytes, s->file, why);
	if (!rc && (fflush(s->file) || fseeko(s->file, 0, SEEK_SET)))
		rc = -errno;
	return rc ? rc : stream_next(s);
}

int merged_open(struct cluster *c, const char *const *sql, unsigned columns, unsigned keys, bool number,
                struct merged **out, char **why)
{
	struct merged *m = *out = calloc(1, sizeof *m);
	struct question q = {m, sql};

	if (!m || !(m->stream = calloc(c->n, sizeof *m->stream)))
		return -ENOMEM;
	m->columns = columns;
	m->keys = keys;
	m->number = number;
	m->n = c->n;
	return gather_each(c, stream_open, &q, why);
}

void merged_close(struct merged *m)
{
	for (size_t i = 0; m && i < m->n; i++) {
		if (m->stream[i].file)
			fclose(m->stream[i].file);
		free(m->stream[i].buf);
		tsv_done(&m->stream[i].t);
	}
	if (m)
		free(m->stream);
	free(m);
}

static int compare(const struct merged *m, const struct stream *a, const struct stream *b)
{
	unsigned texts = m->keys - m->number;
	int64_t x, y;
	int c = 0;

	for (unsigned i = 0; i < texts && !c; i++)
		c = slice_compare(a->v[i], b->v[i]);
	if (c || !m->number)
		return c;
	x = tsv_int(a->v[texts]);
	y = tsv_int(b->v[texts]);
	return (x > y) - (x < y);
}

int merged_next(struct merged *m, const struct slice **row)
{
	int rc = m->given ? stream_next(m->given) : 0;

	m->given = NULL;
	for (size_t i = 0; i < m->n && !rc; i++)
		if (m->stream[i].more && (!m->given || compare(m, &m->stream[i], m->given) < 0))
			m->given = &m->stream[i];
	if (rc || !m->given)
		return rc;
	*row = m->given->v;
	return 1;
}
