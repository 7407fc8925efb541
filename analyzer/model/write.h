/* SPDX-License-Identifier: GPL-3.0-or-later */
/* write.h - rows of the model's tables. Errors are sqlite's, as negative errno (sql_errno). */
#ifndef MODEL_WRITE_H
#define MODEL_WRITE_H

#include "model/fold.h"

struct writer {
	sqlite3 *db;
	sqlite3_stmt *invocation, *attempt;
};

int writer_open(struct writer *w, sqlite3 *db);
void writer_close(struct writer *w);
/* The row of an invocation and those of its attempts. */
int write_invocation(struct writer *w, const struct invocation *o);

/* -ENOMEM, -ENOSPC, -EBADMSG (a damaged database) or -EIO; 0 for SQLITE_OK, _ROW and _DONE. */
int sql_errno(int rc);
int sql_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out);
/* Steps a statement that gives no rows, and makes it ready for the next. */
int sql_step_reset(sqlite3_stmt *st);
/* Runs statements without results. */
int sql_exec_all(sqlite3 *db, const char *sql);

void bind_slice(sqlite3_stmt *st, int i, struct slice v);
void bind_word(sqlite3_stmt *st, int i, const char *v);
void bind_ns(sqlite3_stmt *st, int i, int64_t v);
void bind_real(sqlite3_stmt *st, int i, double v);
/* The rules that the database was made with: those kept in it, else the built-in ones. *why as in rules_load. */
int rules_of_database(sqlite3 *db, struct rules **out, char **why);
/* Keeps the text of a user's rules file in the database, for this and later builds. */
int rules_keep(sqlite3 *db, const char *path, char **why);

/* The text of a column, borrowed until the next step. */
struct slice column_slice(sqlite3_stmt *st, int i);
/* An integer, or NO_NS for NULL. */
int64_t column_ns(sqlite3_stmt *st, int i);

#endif
