/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sql.h - SQLite with our errors: prepare, bind, step, read. */
#ifndef BASE_SQL_H
#define BASE_SQL_H

#include "base/slice.h"
#include <sqlite3.h>

/* A time that is not known: NULL in the database. */
#define NO_NS INT64_MIN

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

/* The text of a column, borrowed until the next step. */
struct slice column_slice(sqlite3_stmt *st, int i);
/* An integer, or NO_NS for NULL. */
int64_t column_ns(sqlite3_stmt *st, int i);

#endif
