/* SPDX-License-Identifier: GPL-3.0-or-later */
/* model.h - from events to invocations: what the loader and the program call.
 *
 * The model is a pure function of the store: it reads events, results and traces and writes the tables invocation,
 * attempt, function, container, lock, batch and pattern afresh. So it is the same after a load, an append or a dropped
 * source, in any order of files. All functions return 0 or a negative errno unless they say otherwise; where there is
 * a `why`, it is set on error to a sentence for the user, yours to free(). */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include "store/store.h"

struct model_options {
	const char *benchmark; /* path of a function benchmark file (JSON), or NULL: benchmark columns as the database
	                          has them */
	const char *rules;     /* path of a rules file of the user's own, kept in the database; NULL: as kept, else the
	                          built-in one */
	unsigned threads;      /* that read the events; 0: the caller's alone */
	/* Something to write that events and results do not depend on: called once, while the threads read. NULL:
	 * nothing. */
	int (*meanwhile)(void *arg);
	void *meanwhile_arg;
};

/* (Re)writes the model's tables from the store, inside the caller's transaction. o may be NULL. */
int model_build(struct store *s, const struct model_options *o, char **why);

/* Are the model's tables whole? say is told each fault; their number, or a negative errno. */
int model_verify(struct store *s, void (*say)(void *, const char *), void *arg);

/* ---- files beside the logs ---- */

enum model_file {
	MODEL_FILE_NONE = 0,
	MODEL_FILE_RESULT_CSV,  /* output-*.csv of a load generator: a row an invocation */
	MODEL_FILE_RESULT_JSON, /* output-full-*.json: the same with all details */
	MODEL_FILE_TRACE,       /* in.csv: func_name,invoke_time_ms */
	MODEL_FILE_METADATA,    /* meta.csv: func_name,... */
	MODEL_FILE_BENCHMARK,   /* worker_function_benchmarks.json */
};

/* What a file is, by its first n bytes (512 are plenty; the name only helps where bytes are few). */
enum model_file model_file_recognise(const char *name, const char *head, size_t n);
/* The word for source.kind: "result", "trace", "metadata", "benchmark"; NULL for MODEL_FILE_NONE. */
const char *model_file_kind(enum model_file f);

/* Reads one such file into the database (tables result, trace, metadata, benchmark) on behalf of a run, inside the
 * caller's transaction; rows of the same invocation are completed, not doubled. -EBADMSG: damaged; rows before the
 * damage stay. The text may be plain, .gz or .zst. *why names file, line and cause. */
int model_file_load(struct store *s, int64_t run, const char *path, char **why);
/* The same for result files alone: -EINVAL where the file is something else. */
int model_result_load(struct store *s, int64_t run, const char *path, char **why);

/* Contract §2: UTC minus the logs' clock by the run's results: the median of body.start (> 0) minus invoke_start,
 * to the nearest quarter hour. *found false: no such rows. */
int model_offset_from_results(struct store *s, int64_t run, int64_t *offset_s, bool *found);

/* Registers the virtual tables span, phase and series on db; s stays the caller's and must outlive db's statements. */
int model_register(sqlite3 *db, struct store *s);

#endif
