/* SPDX-License-Identifier: GPL-3.0-or-later */
/* query.h - what a command is given, and what all commands share.
 *
 * A command is a function of a struct query: it reads the database and hands tables or timelines to render.
 *
 * The query remembers its first failure: what is wrong, and the exit status that goes with it. After that everything
 * here does nothing (no statement is prepared, no row comes, none is put), so a command may go straight on and need
 * not look after each step; where a step would be long or wrong, `q->status` tells. It prints no errors itself:
 * whoever started it tells the user. */
#ifndef QUERY_QUERY_H
#define QUERY_QUERY_H

#include "query/core/args.h"
#include "render/table.h"
#include "store/place.h"
#include <signal.h>

/* Exit statuses of the program, ilu-logq(1). ENOUGH is none: whoever reads our output has enough; it is told as DONE.
 */
enum status { ENOUGH = -1, DONE = 0, FINDINGS = 1, USAGE = 2, DAMAGED = 3, SYSTEM = 4, INTERRUPTED = 130 };

struct gathered;

struct query {
	const char *command; /* its name, for messages */
	const char *path;    /* of the database, whether it is open or not */
	const char *writes;  /* the file that is open for -o (outfile.h), NULL: none; borrowed */
	const char *cluster; /* the URL that the database at path is a part of; NULL: it is none */
	struct store *store; /* NULL where the command opens none */
	sqlite3 *db;         /* the store's connection */
	const struct args *args;
	struct output *out;
	bool quiet;
	int width;         /* --width, for what is said beside the answer; -1: not given */
	int64_t limit;     /* --limit, or what the command's row says; INT64_MAX: all */
	int64_t rows_most; /* rows that a table of this query may have: the limit, where that counts rows */
	int status;        /* of the first failure; DONE: none so far */
	char *error;       /* what it was; NULL: goes without saying; owned */
	char *detail;      /* lines that show where, safe for a terminal; NULL: none; owned */
	bool of_requests;  /* it is a command of requests */
	bool alarm;        /* there are findings of level warning or above */
	/* What was read already of all invocations of --run, for commands without other options (whole/gathered.h);
	 * NULL: nothing. Borrowed. */
	const struct gathered *gathered;
};

typedef void command_fn(struct query *q);

/* Remembers what is wrong, if nothing was before. */
void query_fail(struct query *q, enum status status, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* The same for what was told already, or needs no words. */
void query_stop(struct query *q, enum status status);
/* A result of the store, of an output, ...: a negative errno is a failure, with `what` as its subject. Returns whether
 * all is well, also from before. */
bool query_ok(struct query *q, int rc, const char *what);
/* The same of what was written: the subject is the file that is open for -o, or the output; of -EBADMSG the database.
 */
bool query_wrote(struct query *q, int rc);
/* What a statement with one parameter, `id`, counts; 0 after a failure. */
int64_t query_number(struct query *q, const char *sql, int64_t id);
/* The connection's last error is a failure. */
void query_sql_error(struct query *q);
/* The program's exit status: of the failure, else FINDINGS or DONE. */
enum status query_exit(const struct query *q);
/* A line on stderr, unless --quiet. */
void query_note(const struct query *q, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Ctrl-C was pressed; a signal handler sets it, long loops ask. */
extern volatile sig_atomic_t query_interrupted;

/* A command reads one state of the database, whatever is loaded meanwhile; this goes on to the newest. */
void query_renew(struct query *q);

/* Prepares one statement, to be finalised by the caller; its arguments are bound, never pasted. NULL: failed, which
 * sqlite3_bind..., query_next and sqlite3_finalize take for a statement without rows. */
sqlite3_stmt *query_prepare(struct query *q, const char *sql);
/* Whether there is another row: loop `while (query_next(q, stmt))`. */
bool query_next(struct query *q, sqlite3_stmt *stmt);

/* The value of column i as a cell; text is borrowed until the next step. */
struct cell query_cell(struct query *q, sqlite3_stmt *stmt, int i);

/* A table of the answer: NULL where that fails. */
struct table *query_table_open(struct query *q, const struct column *columns, size_t n);
/* Whether the row was put, and there may be more: loops end with it. It is false after a failure, and once the table
 * is full (--limit). */
bool query_table_row(struct query *q, struct table *t, const struct cell *cells);
/* Frees t; after a failure what was not shown yet is not shown, nor in text an empty table of requests where there are
 * none: that is said. */
void query_table_close(struct query *q, struct table *t);
/* Whether none of query_run's lines is of a request, which is said: a table of headings says nothing. */
bool query_no_requests(struct query *q);

/* Columns of a table, `stride` bytes from one to the next. */
struct column_set {
	const struct column *v;
	size_t n, stride;
};

/* Fails because an option ("--sort") names a column that is none of these: which is close is said, and which there are.
 */
void query_no_column(struct query *q, const char *option, const char *name, size_t len, const struct column_set *of);

/* All rows of a prepared statement as a table; columns in the statement's order. NULL columns: the statement's own
 * names, no units. */
void query_table(struct query *q, sqlite3_stmt *stmt, const struct column *columns);
/* The same for fixed SQL with nothing to bind. */
void query_sql_table(struct query *q, const char *sql, const struct column *columns);

/* Where more than one run is loaded, --run says which: its id, by number or path; 0: all. */
int64_t query_run(struct query *q);
/* SQL for the offset of a row's run, for a column of UNIT_OFFSET: "(SELECT ... WHERE id = <expr>)". */
#define OFFSET_OF(run) "(SELECT coalesce(offset_s, 0) FROM run WHERE id = " run ") AS offset_s"
/* The same of a row with a moment: what the clock of the run's log showed then. */
#define CLOCK_OF(run, ns) "clock_offset_s(" run ", " ns ") AS offset_s"
/* The same of one run; 0 where it has none. */
int64_t query_offset(struct query *q, int64_t run);
/* The same at a moment: a log that was read by a zone has daylight saving. */
int64_t query_clock(struct query *q, int64_t run, int64_t ns);

/* SQL for how long an invocation took, in ns: by its result, else from its first to its last line. */
#define INVOCATION_DURATION \
	"coalesce(e2e_duration_us * 1000, coalesce(return_ns, end_ns) - coalesce(sent_ns, arrived_ns, insert_ns))"

/* Whether the requests of some run (query_run's) were found in the log itself, not by rules. */
bool query_inferred(struct query *q);
#define INFERRED_NOTE "requests and phases are inferred from the log itself; rules infer shows how"

/* A transaction, as it was looked up once. */
struct query_tid {
	char *tid; /* NULL: failed; owned, with the places */
	int64_t events;
	struct place_list places; /* where its lines are */
};

/* A transaction by its whole id or a beginning that only one has. query_tid_done in any case. */
struct query_tid query_tid(struct query *q, const char *word);
void query_tid_done(struct query_tid *t);
/* How many bytes of an id, whole characters and `least` of them at least, begin no other transaction. */
size_t query_tid_short(struct query *q, const char *tid, size_t least);

/* A source by its id, path, or the end of a path after a slash, where only one source has it. */
int64_t query_source(struct query *q, const char *word);

/* --function of a name that none of query_run's requests has: it is said why that is wrong ("no request is of it"),
 * which is close and which there are. Where there are none at all nothing fails. */
void query_no_function(struct query *q, const char *function, const char *why);

/* An instant: RFC 3339, "YYYY-MM-DD HH:MM:SS.f" or "HH:MM:SS.f" on the run's clock, "+2.5s" or "+1h30m" after the run's
 * start, or ns since 1970. */
int64_t query_instant(struct query *q, int64_t run, const char *option, const char *text);
/* The instants of --since and --until, as far as they are given; nothing between them is a failure. */
void query_between(struct query *q, int64_t run, int64_t *since_ns, int64_t *until_ns);

#endif
