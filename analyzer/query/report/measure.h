/* SPDX-License-Identifier: GPL-3.0-or-later */
/* measure.h - what the charts of one run are drawn from: its invocations and lines in columns of time.
 *
 * One pass over the invocations, as their rows stand, and one over the lines' levels. Memory does not grow with the log
 * but for 16 bytes an invocation: its duration, in its column and in its function. */
#ifndef REPORT_MEASURE_H
#define REPORT_MEASURE_H

#include "base/intern.h"
#include "model/phase_numbers.h"
#include "query/whole/gathered.h"
#include "query/core/quantile.h"
#include "query/core/query.h"

enum {
	MEASURE_COLUMNS = 120,   /* at most */
	MEASURE_FUNCTIONS = 256, /* that are told apart; the others are one */
	MEASURE_SERIES = 64,     /* others are passed over */
	MEASURE_PHASES = 14,     /* likewise */
	MEASURE_FIRST = 1000,    /* transactions by which phases are put in order */
	MEASURE_BINS = 110,      /* of durations: ten to a decade, from 1 µs on */
};

#define MEASURE_LOW_NS 1e3
#define MEASURE_FACTOR 1.2589254117941673 /* 10^(1/10) */

/* A series of values over time, NAN where a column has none. */
struct measured_series {
	char *name;    /* owned */
	double *v, *n; /* the mean of n values */
};

/* What invocations of one kind have in common. */
struct measured_kind {
	int64_t run;
	uint32_t function, number; /* of kind_functions, and of functions; INTERN_NONE: not met yet */
	bool ok, failed;
};

struct measured_function {
	const char *name;
	int64_t n, failed;
	double total_ns;
	double *n_at, *failed_at; /* by column */
	double *phase_ns;         /* [column * MEASURE_PHASES + phase] */
	uint32_t *bins;           /* [column * MEASURE_BINS + bin] */
	struct sample durations;  /* at the end their spread alone */
};

struct measure {
	int64_t run, offset_s, start_ns, step_ns;
	size_t n; /* columns; 0: the run has no line */
	char *name;
	int64_t invocations, failed, unfinished, cold, errors, warnings, lines;
	double *ok_at, *failed_at, *unfinished_at, *cold_at, *errors_at, *warnings_at, *lines_at;
	double *p50, *p90, *p99, *heat; /* heat: [column * MEASURE_BINS + bin] */
	double *phase_ns;               /* [phase * n + column]: mean of an invocation */
	const char *phases[MEASURE_PHASES];
	size_t nphases;
	struct sample_file file;             /* of durations */
	struct sample *durations;            /* by column */
	struct sample all;                   /* at the end their spread alone */
	struct measured_function *functions; /* the one that took most time first */
	size_t nfunctions;
	struct measured_series *series;
	size_t nseries, series_room;
	struct intern names;
	struct phase_numbers phase_names;
	struct measured_kind *kinds; /* by number of the kind (tables/invocation_read.h) */
	size_t nkinds, kinds_room;
	struct intern kind_functions;
	struct measured_first *first; /* the first transactions, by place */
	size_t nfirst;
};

/* measure_done in any case. A failure is latched in q. */
void measure_run(struct query *q, int64_t run, struct measure *m);
/* The same in steps, for who reads the invocations for others as well (whole/gathered.h): measure_take is called for
 * each of them in between. */
void measure_begin(struct query *q, int64_t run, struct measure *m);
int measure_take(void *measure, const struct invocation_read *of, const struct phases *phases);
/* What the workers said, and the lines: it touches nothing that measure_take does, and may be read beside it. Where m
 * has columns. 0 or a negative errno. */
int measure_beside(void *measure, struct store *store);
void measure_end(struct query *q, struct measure *m);
void measure_done(struct measure *m);

/* The name of a run as headings have it: the end of its path. Owned by the caller; NULL: no memory. */
char *measure_run_name(const char *path);

#endif
