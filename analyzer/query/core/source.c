/* SPDX-License-Identifier: GPL-3.0-or-later */
/* source.c - a source by its number, its path, or as much of the path's end as only it has. */
#include "query/core/query.h"

int64_t query_source(struct query *q, const char *word)
{
	sqlite3_stmt *stmt =
	    query_prepare(q, "SELECT id, (CAST(id AS TEXT) = ?1) * 2 + (path = ?1) AS exact FROM source"
	                     " WHERE CAST(id AS TEXT) = ?1 OR path = ?1 OR substr(path, -length(?1) - 1) = '/' "
	                     "|| ?1 ORDER BY exact DESC, id");
	int64_t source = 0;

	sqlite3_bind_text(stmt, 1, word, -1, SQLITE_STATIC);
	if (query_next(q, stmt)) {
		int exact = sqlite3_column_int(stmt, 1);

		source = sqlite3_column_int64(stmt, 0);
		if (query_next(q, stmt) && exact <= sqlite3_column_int(stmt, 1))
			query_fail(q, USAGE, "%s: several sources; name it by its id, see `ilu-logq sources`", word);
	} else {
		query_fail(q, USAGE, "%s: no such source; `ilu-logq sources` lists them", word);
	}
	sqlite3_finalize(stmt);
	return source;
}
