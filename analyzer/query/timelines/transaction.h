/* SPDX-License-Identifier: GPL-3.0-or-later */
/* transaction.h - everything known about one transaction of one run: what timeline, tree and report show. */
#ifndef QUERY_TRANSACTION_H
#define QUERY_TRANSACTION_H

#include "base/arena.h"
#include "query/core/query.h"

struct tx_phase {
	const char *name;
	int64_t attempt, start_ns, end_ns;
};

/* Spans are sorted by start, parents before their children. */
struct tx_span {
	int64_t id, run;
	const char *name, *target, *level, *worker, *certainty;
	int64_t start_ns, end_ns; /* end_ns: of the transaction where the span is still open */
	int64_t busy_ns, idle_ns; /* -1: not known */
	int64_t parent_id;        /* 0: none */
	size_t parent;            /* index, SIZE_MAX: none, or of another transaction */
	size_t child, sibling;    /* the first one below it, the next one beside it; SIZE_MAX: none */
	int depth;
	bool open; /* never closed */
};

struct tx_event {
	int64_t id, run, time_ns;
	const char *level, *target, *message, *worker; /* message plain; NULL: none */
	const char *fields;                            /* JSON; NULL: none */
	bool span_line;
	const char *span; /* of a span line: which */
};

/* A request inside this one, or inside one that is; depth 1: right inside. Before those that are inside it. */
struct tx_nested {
	const char *tid, *function, *status, *worker;
	int64_t start_ns, end_ns; /* end_ns: of the transaction where it never ended */
	int depth;
	bool open;
};

struct transaction {
	struct arena arena;
	int64_t run, offset_s;
	size_t nruns;         /* 1, or the number of runs whose lines are put together; run has its invocation then */
	bool several_workers; /* no invocation, and lines of more than one worker */
	const char *run_path, *offset_from, *tid;
	/* Of its invocation; NULL and -1 where there is none, or it does not say. */
	bool invocation;
	const char *function, *worker, *status, *state, *compute;
	int64_t attempts;
	int64_t duration_ns;
	int64_t open_ns; /* how long it had gone on when the log ended: of one that never did */
	struct tx_phase *phases;
	struct tx_span *spans;
	struct tx_event *events; /* by time */
	size_t nphases, nspans, nevents, events_room;
	size_t root;              /* the first span without a parent; SIZE_MAX: none */
	bool more_spans;          /* not all were read */
	int64_t total_events;     /* nevents, or more where not all were read */
	int64_t lines;            /* those that were looked at, of other workers too: 0: the run has none of it */
	int64_t read_until_ns;    /* between later events may be some that were not read */
	int64_t start_ns, end_ns; /* what its bars are measured against: its phases, else its spans and events */
	const char *error;        /* of its last attempt that failed */
	const char *container;    /* of its last attempt */
	const char *parent;       /* the transaction that it is inside of; NULL: none that is known */
	struct tx_nested *nested;
	size_t nnested;
	bool more_nested; /* not all were read */
};

/* Of a livelock, one transaction can have a million spans: more than this are not read. */
enum { TRANSACTION_SPANS = 20000 };

/* Of its lines, where nobody asks for more or fewer. */
enum { TRANSACTION_EVENTS = 20000 };

/* Requests inside it. */
enum { TRANSACTION_NESTED = 200 };

/* Reads what one run has of it; at most max_events of its events (the first ones). transaction_done in any case. */
void transaction_read(struct query *q, int64_t run, const struct query_tid *of, int64_t max_events,
                      struct transaction *tx);
void transaction_done(struct transaction *tx);

/* The same of each run (or that of --run) that has lines or an invocation of it; it is a failure where none has. What
 * several runs have of one request is put together, and said, unless it is an invocation in more than one of them. */
void transaction_each(struct query *q, const struct query_tid *of, int64_t max_events,
                      void (*each)(struct query *q, const struct transaction *tx, void *arg), void *arg);

/* Reads what it is inside of, and what is inside it (nested.c); for transaction_read. */
void transaction_read_nested(struct query *q, struct transaction *tx);

/* Itself and the requests inside it as the spans of *out, each below the one that it is inside of. 0 or -ENOMEM;
 * transaction_done in any case. */
int transaction_of_requests(const struct transaction *tx, struct transaction *out);

#endif
