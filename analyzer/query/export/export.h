/* SPDX-License-Identifier: GPL-3.0-or-later */
/* export.h - private to the exports: what a format is given, and what formats share.
 *
 * A format is a file here that defines one export_fn, and a row in the table of export.c. It writes records: puts
 * one together in x->line, and hands it over with export_put. Failures are the query's, as everywhere: after the
 * first nothing is written any more. Nothing is kept of what was written; what has to be put in order goes through a
 * sorter (base/sorter.h), so that memory does not grow with the log. */
#ifndef QUERY_EXPORT_H
#define QUERY_EXPORT_H

#include "base/intern.h"
#include "base/sql.h"
#include "model/span.h"
#include "query/core/command.h"
#include "query/core/outfile.h"
#include "query/core/select.h"

struct export
{
	struct query *q;
	FILE *file;            /* to be written; NULL where the format writes a directory */
	const char *directory; /* there and empty; renamed when all is well. NULL where it writes one file */
	struct text line;      /* the record that is put together */
	struct text plain;     /* export_plain */
	int64_t records;       /* handed over so far */

	/* What the user asked for: export_wants and export_select go by it. */
	int64_t run;                /* 0: all */
	int64_t since_ns, until_ns; /* INT64_MIN and INT64_MAX: no bound */
	const char *function;       /* a pattern, NULL: any */
	struct query_tid tid;       /* tid NULL: any */
	struct intern tids;         /* with --function: the transactions that are its invocations */

	int64_t end_run, end_ns; /* export_end_of, as it was asked last */
	int64_t shown_ns;        /* when progress was shown last, 0: not yet; -1: nobody sees it */
};

typedef void export_fn(struct export *x);

export_fn export_perfetto, export_otlp, export_folded, export_speedscope, export_trace_csv, export_ndjson, export_csv,
    export_faas_sim;

/* Reads --run --tid --since --until --function. export_filter_done in any case. */
void export_filter_init(struct export *x);
void export_filter_done(struct export *x);

/* Whether something of this transaction (ptr NULL: of none) is asked for. */
bool export_wants_tid(const struct export *x, struct slice tid);
/* Whether a stretch of time, both ends in it, has a part that is asked for. */
bool export_wants_time(const struct export *x, int64_t from_ns, int64_t to_ns);

/* The same as conditions of a SELECT, of the columns with these names; NULL: the table has none. Rows without a
 * value there are not asked for where there is such a condition. */
struct export_columns {
	const char *run, *tid, *function, *from, *to;
};
void export_select(struct export *x, struct select *s, const struct export_columns *columns);

/* Each span that is asked for, in no particular order but children before their parents, until a call gives a
 * negative errno, which is the query's failure then. Texts are borrowed for the call. */
struct export_spans {
	int (*each)(void *arg, const struct span_row *row);
	/* Every span as it opens, asked for or not, as in struct span_query; NULL: nobody asks. */
	int (*opened)(void *arg, struct span_row *row, struct slice tid, struct span_row *parent);
	void *arg;
};
void export_spans(struct export *x, const struct export_spans *how);

/* Sets what a cursor of events can judge of what was asked for: run, transaction, time. What is borrowed is x's. */
void export_events(const struct export *x, struct event_query *query);

/* When the last event of a run was: what is open ends there. */
int64_t export_end_of(struct export *x, int64_t run);

/* A file of this name in x->directory, to which x->file is set. Whether it is open; close it with outfile_close. */
bool export_open_file(struct export *x, struct outfile *f, const char *name);

/* Writes x->line and empties it. 0 or a negative errno; also where the user wants no more. */
int export_put(struct export *x);

/* Adds ns as µs with three decimals. */
void export_add_us(struct text *t, int64_t ns);
/* A text as a line has it, with the escapes of JSON, without them; valid until the next call. Names, targets and
 * workers of spans are such texts; transactions are not. */
struct slice export_plain(struct export *x, struct slice escaped);
/* Adds it to x->line as a JSON string that any parser takes. */
void export_add_escaped(struct export *x, struct slice escaped);
/* Adds a field of CSV, in quotes where it needs them (RFC 4180). */
void export_add_csv(struct text *t, struct slice value);
/* Adds a text to x->line likewise; bytes that are no UTF-8 become U+FFFD, an empty one is "", as nothing is NULL. */
void export_add_csv_text(struct export *x, struct slice value);

#endif
