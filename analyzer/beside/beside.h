/* SPDX-License-Identifier: GPL-3.0-or-later */
/* beside.h - what lies beside the logs: results, traces, metadata and benchmarks, and the tables of results, traces and
 * energy. All functions return 0 or a negative errno unless they say otherwise; where there is a `why`, it is set on
 * error to a sentence for the user, yours to free(). */
#ifndef BESIDE_BESIDE_H
#define BESIDE_BESIDE_H

#include "store/store.h"
#include <signal.h>

enum beside_file {
	BESIDE_FILE_NONE = 0,
	BESIDE_FILE_RESULT_CSV,  /* output-*.csv of a load generator: a row an invocation */
	BESIDE_FILE_RESULT_JSON, /* output-full-*.json: the same with all details */
	BESIDE_FILE_TRACE,       /* in.csv: func_name,invoke_time_ms */
	BESIDE_FILE_METADATA,    /* meta.csv: func_name,... */
	BESIDE_FILE_BENCHMARK,   /* worker_function_benchmarks.json */
};

/* What a file is, by its first n bytes (512 are plenty; the name only helps where bytes are few). */
enum beside_file beside_file_recognise(const char *name, const char *head, size_t n);
/* The word for source.kind: "result", "trace", "metadata", "benchmark"; NULL for BESIDE_FILE_NONE. */
const char *beside_file_kind(enum beside_file f);

/* Reads one such file into the database (tables result, trace, metadata, benchmark) on behalf of a run, inside the
 * caller's transaction; rows of the same invocation are completed, not doubled. -EBADMSG: damaged; rows before the
 * damage stay. The text may be plain, .gz or .zst. *why names file, line and cause. */
int beside_file_load(struct store *s, int64_t run, const char *path, char **why);
/* The same for result files alone: -EINVAL where the file is something else. */
int beside_result_load(struct store *s, int64_t run, const char *path, char **why);
#define BESIDE_BENCHMARK_MAX (16u << 20) /* bytes */
/* And for the function benchmark alone, whatever its name. stop: set, it ends the wait for a pipe; NULL: nothing does.
 */
int beside_benchmark_load(struct store *s, int64_t run, const char *path, const volatile sig_atomic_t *stop,
                          char **why);

/* UTC minus the logs' clock by the run's results: the median of body.start (> 0) minus invoke_start,
 * to the nearest quarter hour. *found false: no such rows. */
int beside_offset_from_results(struct store *s, int64_t run, int64_t *offset_s, bool *found);

/* Are the model's tables, and what is packed of these files, whole? say is told each fault; their number, or a negative
 * errno. */
int beside_verify(struct store *s, void (*say)(void *, const char *), void *arg);

/* Registers the virtual tables series, result and trace on db; s stays the caller's and must outlive db's statements.
 */
int beside_register(sqlite3 *db, struct store *s);

#endif
