/* SPDX-License-Identifier: GPL-3.0-or-later */
/* moved.c - texts that are loaded already, under another name: rotated logs, packed ones, copies.
 *
 * A source is a candidate when the text's first bytes have its hash; then the two are compared as far as both go. */
#include "ingest/reader.h"
#include "base/sql.h"
#include "load/pass.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

struct compare {
	struct reader *reader;
	struct overlap found;
	int64_t all;  /* bytes that are the same */
	bool differs; /* where both still go on */
	char buf[64 * 1024];
};

static void same_note(struct compare *c, size_t n)
{
	const char *p = c->buf, *end = c->buf + n, *nl;

	for (; (nl = memchr(p, '\n', (size_t)(end - p))); p = nl + 1) {
		c->found.lines++;
		c->found.bytes = c->all + (nl + 1 - c->buf);
	}
	c->all += (int64_t)n;
}

/* How many of the first n bytes are the same. */
static size_t same_bytes(const char *a, const char *b, size_t n)
{
	size_t i = 0;

	if (!memcmp(a, b, n))
		return n;
	while (a[i] == b[i])
		i++;
	return i;
}

/* One piece of the source against as much of the text: 1 where one of them ends. */
static int piece_same(void *arg, const void *p, size_t n)
{
	struct compare *c = arg;
	const char *at = p;

	while (n) {
		size_t want = n < sizeof c->buf ? n : sizeof c->buf;
		ssize_t got = reader_read(c->reader, c->buf, want);

		size_t same = got > 0 ? same_bytes(c->buf, at, (size_t)got) : 0;

		c->found.text_ends = got <= 0;
		c->differs = got > 0 && same < (size_t)got;
		same_note(c, same);
		if (got <= 0 || c->differs)
			return 1;
		at += got;
		n -= (size_t)got;
	}
	return 0;
}

int text_compare(struct pass *p, const char *path, int64_t source, struct overlap *out)
{
	struct compare *c = calloc(1, sizeof *c);
	const char *why;
	int rc = c ? reader_open(path, &c->reader, &why) : -ENOMEM;

	if (rc) {
		free(c);
		return rc == -ENOMEM ? rc : 0;
	}
	rc = store_cat(p->store, source, piece_same, c);
	if (!rc) {
		c->found.source_ends = true;
		c->found.text_ends = reader_read(c->reader, c->buf, 1) <= 0;
		c->found.source_open = !c->found.text_ends && c->all > c->found.bytes &&
		                       (c->found.lines || c->buf[0] == '\n' || c->buf[0] == '\r');
	}
	/* a last line without its end is the same only where nothing follows in either */
	if (c->found.source_ends && c->found.text_ends && c->all > c->found.bytes) {
		c->found.bytes = c->all;
		c->found.lines++;
	}
	reader_close(c->reader);
	*out = c->found;
	rc = rc == -ENOMEM ? rc : !c->differs && (c->found.source_ends || c->found.text_ends);
	free(c);
	return rc;
}

bool source_still_there(const struct known_source *s)
{
	size_t n = s->bytes < HEAD_BYTES ? (size_t)s->bytes : HEAD_BYTES, got;
	struct stat st;
	int64_t now;

	/* what came through a pipe is nowhere any more, and what is in one now would be taken away by a look */
	return !stat(s->path.ptr, &st) && S_ISREG(st.st_mode) && !head_hash(s->path.ptr, n, &now, &got) &&
	       now == s->head_hash;
}

int text_find(struct pass *p, const char *path, const void *head, size_t len, const struct known_source *but,
              struct known_source *source, struct overlap *out)
{
	struct known_source candidates[KNOWN_TRIES];
	size_t n = known_heads(&p->known, head, len, candidates, KNOWN_TRIES);
	int found = 0;

	for (size_t i = 0; i < n && !found; i++) {
		if (but && (candidates[i].id == but->id || (!but->copy && candidates[i].bytes <= but->bytes)))
			continue;
		if ((found = text_compare(p, path, candidates[i].id, out)) == 1)
			*source = candidates[i];
	}
	return found;
}
