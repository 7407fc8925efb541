/* SPDX-License-Identifier: GPL-3.0-or-later */
/* query.h - what a command is given, and what all commands share.
 *
 * A command is a function of a struct query: it reads the database, hands tables or timelines to render, and returns
 * the exit status. It prints no errors itself: it says what is wrong with query_fail, and whoever started it tells the
 * user. */
#ifndef QUERY_QUERY_H
#define QUERY_QUERY_H

#include "query/core/args.h"
#include "render/table.h"
#include "store/store.h"
#include <signal.h>

/* Exit statuses, contract of the program. */
enum status { DONE = 0, FINDINGS = 1, USAGE = 2, DAMAGED = 3, SYSTEM = 4, INTERRUPTED = 130 };

struct query {
	const char *command; /* its name, for messages */
	const char *path;    /* of the database, whether it is open or not */
	struct store *store; /* NULL where the command opens none */
	sqlite3 *db;         /* the store's connection */
	const struct args *args;
	struct output *out;
	bool quiet;
	char *error; /* what query_fail said; owned */
};

typedef int command_fn(struct query *q);

/* Remembers what is wrong (the first time) and returns status. */
int query_fail(struct query *q, int status, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* The status for a negative errno of the store or of an output; says what is wrong. 0 gives DONE. */
int query_errno(struct query *q, int rc, const char *what);
/* The status for the connection's last error. */
int query_sql_error(struct query *q);
/* A line on stderr, unless --quiet. */
void query_note(const struct query *q, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Ctrl-C was pressed; a signal handler sets it, long loops ask. */
extern volatile sig_atomic_t query_interrupted;

/* A command reads one state of the database, whatever is loaded meanwhile; this goes on to the newest. */
void query_renew(struct query *q);

/* Prepares one statement; arguments by "%s"-free SQL are bound by the caller. DONE or a status. */
int query_prepare(struct query *q, const char *sql, sqlite3_stmt **stmt);
/* 1: a row, 0: no more, else a status > 1 with the error said: loop `while ((rc = query_step(q, s)) == 1)`, and
 * afterwards rc is a status. */
int query_step(struct query *q, sqlite3_stmt *stmt);

/* The value of column i as a cell; text is borrowed until the next step. */
struct cell query_cell(sqlite3_stmt *stmt, int i);

/* All rows of a prepared statement as a table; columns in the statement's order. NULL columns: the statement's own
 * names, no units. */
int query_table(struct query *q, sqlite3_stmt *stmt, const struct column *columns);
/* The same for fixed SQL with nothing to bind. */
int query_sql_table(struct query *q, const char *sql, const struct column *columns);

/* Where more than one run is loaded, --run says which: its id (0: all), by number or path. */
int query_run(struct query *q, int64_t *run);
/* SQL for the offset of a row's run, for a column of UNIT_OFFSET: "(SELECT ... WHERE id = <expr>)". */
#define OFFSET_OF(run) "(SELECT coalesce(offset_s, 0) FROM run WHERE id = " run ") AS offset_s"

/* SQL for how long an invocation took, in ns: by its result, else from its first to its last line. */
#define INVOCATION_DURATION \
	"coalesce(e2e_duration_us * 1000, coalesce(return_ns, end_ns) - coalesce(sent_ns, arrived_ns, insert_ns))"

/* --limit; fallback where it was not given; 0 means all. */
int query_limit(struct query *q, int64_t fallback, int64_t *limit);

/* A transaction by its whole id or a beginning that only one has. *tid is owned by the caller. */
int query_tid(struct query *q, const char *word, char **tid);

/* A source by its id, path, or the end of a path after a slash, where only one source has it. */
int query_source(struct query *q, const char *word, int64_t *source);

/* An instant: RFC 3339, "YYYY-MM-DD HH:MM:SS.f" or "HH:MM:SS.f" on the run's clock, "+2.5s" after the run's start, or
 * ns since 1970. */
int query_instant(struct query *q, int64_t run, const char *option, const char *text, int64_t *ns);

#endif
