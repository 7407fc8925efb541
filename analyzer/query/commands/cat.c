/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cat.c - a source as it was loaded, byte for byte: rejected lines, line ends and all. */
#include "query/commands/commands.h"
#include <errno.h>

static int put(void *arg, const void *p, size_t n)
{
	struct query *q = arg;

	if (query_interrupted)
		return -EINTR;
	fwrite(p, 1, n, q->out->file);
	return output_status(q->out);
}

int query_source(struct query *q, const char *word, int64_t *source)
{
	sqlite3_stmt *stmt = NULL;
	int status = query_prepare(q,
	                           "SELECT id, (CAST(id AS TEXT) = ?1) * 2 + (path = ?1) AS exact FROM source"
	                           " WHERE CAST(id AS TEXT) = ?1 OR path = ?1 OR substr(path, -length(?1) - 1) = '/' "
	                           "|| ?1 ORDER BY exact DESC, id",
	                           &stmt);
	int exact;

	if (status)
		return status;
	sqlite3_bind_text(stmt, 1, word, -1, SQLITE_STATIC);
	status = query_step(q, stmt);
	if (status == 1) {
		*source = sqlite3_column_int64(stmt, 0);
		exact = sqlite3_column_int(stmt, 1);
		status = query_step(q, stmt);
		if (status == 1)
			status =
			    exact > sqlite3_column_int(stmt, 1)
			        ? DONE
			        : query_fail(q, USAGE, "%s: several sources; name it by its id, see `ilu-logq sources`",
			                     word);
	} else if (!status) {
		status = query_fail(q, USAGE, "%s: no such source; `ilu-logq sources` lists them", word);
	}
	sqlite3_finalize(stmt);
	return status;
}

int cmd_cat(struct query *q)
{
	int64_t source = 0;
	int status = query_source(q, q->args->words[0], &source);
	int rc = status ? 0 : store_cat(q->store, source, put, q);

	return status ? status : query_errno(q, rc, output_status(q->out) ? "output" : q->args->words[0]);
}
