/* SPDX-License-Identifier: GPL-3.0-or-later */
/* moved.c - files that are loaded already, under another name: rotated logs and copies.
 *
 * A source is a candidate when the file's first bytes have its hash; then the texts are compared to the end. */
#include "ingest/reader.h"
#include "base/sql.h"
#include "load/pass.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

struct compare {
	struct reader *reader;
	char buf[64 * 1024];
};

/* One piece of the source against as much of the file: 1 where they differ. */
static int piece_same(void *arg, const void *p, size_t n)
{
	struct compare *c = arg;
	const char *at = p;

	while (n) {
		size_t want = n < sizeof c->buf ? n : sizeof c->buf;
		ssize_t got = reader_read(c->reader, c->buf, want);

		if (got <= 0 || memcmp(c->buf, at, (size_t)got))
			return 1;
		at += got;
		n -= (size_t)got;
	}
	return 0;
}

int moved_starts_with(struct pass *p, const char *path, int64_t source, bool *whole)
{
	struct compare *c = malloc(sizeof *c);
	const char *why;
	int rc = c ? reader_open(path, &c->reader, &why) : -ENOMEM;

	if (!rc) {
		rc = store_cat(p->store, source, piece_same, c);
		*whole = !rc && reader_read(c->reader, c->buf, 1) == 0;
		reader_close(c->reader);
	}
	free(c);
	return rc == -ENOMEM ? rc : rc == 0;
}

static bool still_there(const char *path, int64_t hash, int64_t bytes)
{
	struct stat st;
	int64_t now;
	size_t got;

	/* what came through a pipe is nowhere any more, and what is in one now would be taken away by a look */
	return !stat(path, &st) && S_ISREG(st.st_mode) &&
	       !head_hash(path, (size_t)(bytes < HEAD_BYTES ? bytes : HEAD_BYTES), &now, &got) && now == hash;
}

int moved_find(struct pass *p, const struct input *in, int64_t *source, bool *whole, bool *here)
{
	sqlite3_stmt *q;
	int rc = sql_prepare(store_db(p->store),
	                     "SELECT id, path, bytes, head_hash FROM source WHERE same_as IS NULL AND bytes > 0 "
	                     "AND head_hash <> 0 AND path <> ?1 "
	                     "ORDER BY id DESC",
	                     &q),
	    found = 0;

	*source = 0;
	if (rc)
		return rc;
	sqlite3_bind_text(q, 1, in->real, -1, SQLITE_STATIC);
	while (!found && (rc = sql_next(q)) == 1) {
		int64_t bytes = sqlite3_column_int64(q, 2), hash = sqlite3_column_int64(q, 3);

		if (!still_there(in->path, hash, bytes))
			continue;
		found = moved_starts_with(p, in->path, sqlite3_column_int64(q, 0), whole);
		*source = found == 1 ? sqlite3_column_int64(q, 0) : 0;
		*here = still_there((const char *)sqlite3_column_text(q, 1), hash, bytes);
	}
	sqlite3_finalize(q);
	return found < 0 ? found : rc < 0 ? rc : 0;
}
