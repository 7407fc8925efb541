/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rules_kept.c - the rules that a database was made with. */
#include "model/rules_kept.h"
#include "base/sql.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char nothing[] = "{\"rules\": \"none\", \"version\": 1, \"messages\": []}\n";

/* What stands as the path of rules that no file has. */
static const char *const no_path[] = {
    [RULES_FROM_NOWHERE] = RULES_NONE, [RULES_FROM_LOG] = "<inferred>", [RULES_FROM_LOG_ALONE] = "<inferred, none>"};

static enum rules_from from_path(struct slice path)
{
	for (enum rules_from f = RULES_FROM_NOWHERE; f <= RULES_FROM_LOG_ALONE; f++)
		if (slice_is(path, no_path[f]))
			return f;
	return RULES_FROM_FILE;
}

int rules_kept_from(sqlite3 *db, enum rules_from *out)
{
	sqlite3_stmt *st;
	int rc = sql_prepare(db, "SELECT path FROM rules WHERE id = 1", &st);

	*out = RULES_FROM_PROGRAM;
	if (!rc && (rc = sql_next(st)) == 1) {
		*out = from_path(column_slice(st, 0));
		rc = 0;
	}
	sqlite3_finalize(st);
	return rc;
}

static int keep(sqlite3 *db, const char *path, struct slice text)
{
	sqlite3_stmt *st;
	int rc = sql_prepare(db, "INSERT OR REPLACE INTO rules(id, path, text) VALUES(1, ?, ?)", &st);

	if (rc)
		return rc;
	bind_word(st, 1, path);
	bind_slice(st, 2, text);
	return sql_finish(st);
}

int rules_keep_inferred(sqlite3 *db, enum rules_from from, const char *text)
{
	if (text)
		return keep(db, no_path[from], (struct slice){text, strlen(text)});
	if (from == RULES_FROM_LOG_ALONE)
		return keep(db, RULES_NONE, (struct slice){nothing, sizeof nothing - 1});
	return sql_exec_all(db, "DELETE FROM rules WHERE id = 1");
}

int rules_name_runs(sqlite3 *db, const struct rules *r)
{
	enum rules_from from;
	sqlite3_stmt *st = NULL;
	int64_t there = 0;
	/* a file's own name, without its folder */
	const char *name = strrchr(r->where, '/') ? strrchr(r->where, '/') + 1 : r->where;
	int rc = rules_kept_from(db, &from);

	if (!rc)
		rc = sql_number(db, "SELECT count(*) FROM pragma_table_info('run') WHERE name = 'rules'", &there);
	if (!rc && !there) /* a database made before there was such a column */
		rc = sql_exec_all(db, "ALTER TABLE run ADD COLUMN rules TEXT");
	if (!rc)
		rc = sql_prepare(
		    db,
		    "UPDATE run SET rules = CASE WHEN EXISTS (SELECT 1 FROM invocation_kind k WHERE k.run = "
		    "run.id) THEN ? END",
		    &st);
	if (rc)
		return rc;
	bind_word(st, 1, from == RULES_FROM_NOWHERE ? NULL : from == RULES_FROM_FILE ? name : r->name);
	return sql_finish(st);
}

int rules_keep(sqlite3 *db, const char *path, char **why)
{
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
	rc = keep(db, path, (struct slice){text, len});
	free(text);
	return rc;
}

int rules_keep_text(sqlite3 *db, const char *name, const char *text)
{
	return keep(db, name, (struct slice){text, strlen(text)});
}

/* What is kept was read before: where it is none, it is damaged. */
static int kept_parse(sqlite3_stmt *st, struct rules **out, char **why)
{
	const char *path = (const char *)sqlite3_column_text(st, 0);
	struct slice text = column_slice(st, 1);
	int rc = path && text.ptr ? rules_parse_kept(text.ptr, text.len, path, out, why) : -EBADMSG;

	if (!rc)
		(*out)->inferred = from_path(column_slice(st, 0)) >= RULES_FROM_LOG;
	return rc == -EINVAL ? -EBADMSG : rc;
}

int rules_of_database(sqlite3 *db, struct rules **out, char **why)
{
	sqlite3_stmt *st;
	int rc = sql_prepare(db, "SELECT path, text FROM rules WHERE id = 1", &st);

	*why = NULL;
	if (rc)
		return rc;
	rc = sql_next(st);
	if (rc == 1)
		rc = kept_parse(st, out, why);
	else if (!rc)
		rc = rules_builtin(out, why);
	sqlite3_finalize(st);
	return rc;
}
