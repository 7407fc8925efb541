/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rules_kept.c - the rules that a database was made with. */
#include "model/rules_kept.h"
#include "base/sql.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char nothing[] = "{\"rules\": \"none\", \"version\": 1, \"messages\": []}\n";

int rules_keep(sqlite3 *db, const char *path, char **why)
{
	sqlite3_stmt *st;
	char *text = NULL;
	size_t len = 0;
	int rc = 0;

	if (strcmp(path, RULES_NONE))
		rc = rules_read_file(path, &text, &len, why);
	else if ((text = strdup(nothing)))
		len = sizeof nothing - 1;
	else
		rc = -ENOMEM;

	if (rc)
		return rc;
	rc = sql_prepare(db, "INSERT OR REPLACE INTO rules(id, path, text) VALUES(1, ?, ?)", &st);
	if (!rc) {
		bind_word(st, 1, path);
		bind_slice(st, 2, (struct slice){text, len});
		rc = sql_step_reset(st);
		sqlite3_finalize(st);
	}
	free(text);
	return rc;
}

int rules_of_database(sqlite3 *db, struct rules **out, char **why)
{
	sqlite3_stmt *st;
	int rc = sql_prepare(db, "SELECT path, text FROM rules WHERE id = 1", &st);

	*why = NULL;
	if (rc)
		return rc;
	if (sqlite3_step(st) == SQLITE_ROW) {
		struct slice text = column_slice(st, 1);

		rc =
		    rules_parse(text.ptr ? text.ptr : "", text.len, (const char *)sqlite3_column_text(st, 0), out, why);
	} else {
		rc = rules_builtin(out, why);
	}
	sqlite3_finalize(st);
	return rc;
}
