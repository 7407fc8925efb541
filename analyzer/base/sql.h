/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sql.h - SQLite with our errors: prepare, bind, step, read. */
#ifndef BASE_SQL_H
#define BASE_SQL_H

#include "base/slice.h"
#include <sqlite3.h>
#include <stdbool.h>

/* A time that is not known: NULL in the database. */
#define NO_NS INT64_MIN

/* A time that is moved: at the ends of what 64 bits hold it stays there. Never NO_NS. */
static inline int64_t ns_moved(int64_t ns, int64_t by)
{
	int64_t sum;

	if (__builtin_add_overflow(ns, by, &sum))
		return by < 0 ? INT64_MIN + 1 : INT64_MAX;
	return sum == NO_NS ? sum + 1 : sum;
}

/* What SQLite says, as ours: 0 for SQLITE_OK, _ROW and _DONE; -ENOMEM, -ENOSPC, -EIO, -EBUSY, -EINTR, -EACCES (not to
 * be written to), -ENOENT (can't be opened), -EMEDIUMTYPE (no database), -EBADMSG (a damaged one); -EINVAL for all
 * else: a statement that does not fit the tables. The functions below give the same. */
int sql_errno(int rc);
/* The other way round, for what SQLite calls. */
int sql_code(int rc);
/* A function of ours that SQLite called has failed: with our error and this message. */
void sql_result_fail(sqlite3_context *ctx, int rc, const char *message);
/* A statement of ours: -EBADMSG where it does not fit the tables. *out is NULL on error, which sqlite3_finalize takes
 * as well; finalize it when done. */
int sql_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out);
/* The same for a statement that lives as long as the connection. */
int sql_prepare_kept(sqlite3 *db, const char *sql, sqlite3_stmt **out);
/* The first of somebody's statements (NULL: a comment, or nothing); *rest is the text behind it. */
int sql_prepare_first(sqlite3 *db, const char *sql, sqlite3_stmt **out, const char **rest);
/* A copy of a value as a parameter, for which there may be no memory; value NULL: the parameter stays what it is. */
int sql_bind_value(sqlite3_stmt *st, int at, sqlite3_value *value);
/* 1: a row, 0: no more, or an error. */
int sql_next(sqlite3_stmt *st);
/* SQLite's own check of the whole file, inside of a transaction too: each(arg, text) for each of the first `most`
 * faults, also for pages that could not be read. 0 or a negative errno of the check itself. */
int sql_integrity(sqlite3 *db, int most, void (*each)(void *arg, const char *text), void *arg);
/* Whether the database has a table of this name. */
int sql_has_table(sqlite3 *db, const char *name, bool *out);
/* All of these (NULL ends them), which are made together. */
int sql_has_tables(sqlite3 *db, const char *const *names, bool *out);
/* Steps a statement that gives no rows, and makes it ready for the next. */
int sql_step_reset(sqlite3_stmt *st);
/* The number in the first column of the first row; -ENOENT: no row. *out is set on success alone. */
int sql_number(sqlite3 *db, const char *sql, int64_t *out);
/* The same, where ?1 is this id. */
int sql_number_of(sqlite3 *db, const char *sql, int64_t id, int64_t *out);
/* Steps a statement that gives no rows, for the last time: it is finalized. */
int sql_finish(sqlite3_stmt *st);
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

/* The instructions that SQLite made of a statement, as EXPLAIN gives them. */
struct instruction {
	char op[16];
	int p1, p2, p3, p5;
	char *text; /* p4 */
};

struct program {
	struct instruction *v;
	size_t n, room;
};

/* Of one statement, with what its instructions jump to by number. Longer ones than PROGRAM_MAX are -E2BIG. 0 or a
 * negative errno. */
enum { PROGRAM_MAX = 4096 };
int program_read(sqlite3 *db, const char *sql, struct program *out);
void program_done(struct program *p);

bool instruction_is(const struct instruction *i, const char *op);

#endif
