/* SPDX-License-Identifier: GPL-3.0-or-later */
/* discover.h - from what the user named to the files to load.
 *
 * A directory is a run: its logs and result files, found by name and by their first 64 KiB of text. A directory with no
 * log of its own stands for its sub-directories that have some. A named file is taken whatever is in it. Files of one
 * directory that Ilúvatar names (worker_0.log, controller.log, load_gen.log, ...) are one run, also when named one by
 * one, and so is whatever is named together with result files, a trace or metadata beside it; another named file is a
 * run of its own, together with its rotated parts (app.log, app.log.1.zst). A named directory below which several have
 * logs of other programs alone is one run: theirs are hosts. With a name for the run, everything is in it. */
#ifndef LOAD_DISCOVER_H
#define LOAD_DISCOVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum input_kind {
	INPUT_TRACING, /* JSON lines of tracing-subscriber: Ilúvatar's */
	INPUT_ILULOG,  /* JSON lines of libilulog */
	INPUT_LOGRUS,  /* JSON lines of logrus or logfmt, or both: containerd.log */
	INPUT_RECORDS, /* records of other programs */
	INPUT_TEXT,    /* text that none of the above wrote */
	INPUT_EMPTY,
	INPUT_BINARY,      /* NUL bytes or worse; or packed and unreadable from the start */
	INPUT_RESULT_CSV,  /* output-in.csv */
	INPUT_RESULT_JSON, /* output-full-in.json */
	INPUT_TRACE,       /* in.csv: func_name,invoke_time_ms */
	INPUT_METADATA,    /* meta.csv: func_name,... */
	INPUT_BENCHMARK,   /* worker_function_benchmarks.json */
	INPUT_ENERGY,      /* energy-rapl.log, energy-ipmi.log, process.log, energy-perf.log, tegrastats.log */
	INPUT_OTHER,       /* JSON or CSV that is none of these */
	INPUT_STREAM,      /* standard input or a pipe: not looked at, because a look takes the bytes away */
};

struct input {
	char *path; /* as named, or found below what was named; "-" is standard input */
	char *real; /* absolute, links in the directory part resolved: the same for every way to name it */
	enum input_kind kind;
	char *worker; /* the process that owns the file, by its name: "worker_0", "controller", "load_gen"; with its
	               * directories where others of the run have that name: "host_b/app" */
	size_t run;   /* index into discovery.runs */
	int64_t file_bytes; /* on disk; -1 for standard input */
	dev_t dev;
	ino_t ino;
	int64_t changed_ns;  /* when it was written last; 0: not known */
	const char *instead; /* it is no log, but one can be had of it: input_instead; such a file is not read */
	bool named;          /* by the user (a pattern too), not found in a directory */
	char *parent;        /* the named directory that is its run, with all below it; NULL: none */
};

struct input_run {
	char *path; /* the directory, or the file itself without rotation and packing; "-" */
	char *real; /* absolute, as above */
};

struct discovery {
	struct input *inputs; /* by run, then path: natural order, worker_2 before worker_10 */
	size_t ninputs, inputs_room;
	struct input_run *runs;
	size_t nruns, runs_room;
	char **notes; /* what was passed over and why; for the user, unless --quiet */
	size_t nnotes, notes_room;
	char **errors; /* what could not be opened and why, with the path */
	size_t nerrors, errors_room;
};

/* run: the name of the run that all inputs are in; NULL: as above.
 *
 * Looks at each of paths: file, directory, glob pattern that the shell left alone, or "-".
 *
 * Returns 0 where all could be found, -ENOENT where something is in errors (a missing or unreadable path, a directory
 * without logs, a pattern without matches: exit status 2; the other inputs are there), or -ENOMEM. out is yours in each
 * case: discovery_done. */
struct record_options;
int discover(char *const *paths, size_t npaths, const char *run, const struct record_options *records,
             struct discovery *out);
void discovery_done(struct discovery *d);

/* Is it read line by line as events? Result files, traces, metadata, benchmarks and energy logs are not. */
bool input_is_log(enum input_kind kind);

/* Result file, trace, metadata, energy log: belongs to the logs beside it. */
bool input_is_companion(enum input_kind kind);

/* 'tracing', 'ilulog', ...: source.kind */
const char *input_kind_name(enum input_kind kind);

/* What text (the first bytes of a file, unpacked) is; records: how records of other programs are known; name (without
 * directory) decides between alike contents. */
enum input_kind input_classify(const char *name, const char *text, size_t len, const struct record_options *records);

/* What text (the first bytes of a file, unpacked; kind as classified) is that holds no lines, and how lines are had of
 * it: "a journal of journald: journalctl ...". Static; NULL: nothing that is known. */
const char *input_instead(enum input_kind kind, const char *text, size_t len);

/* Why text of kind INPUT_TEXT, INPUT_OTHER or INPUT_BINARY is no log: "records without a time; keys ...". Yours. NULL:
 * there is no more to say than the kind, or no memory. */
char *input_why_not(const char *text, size_t len, const struct record_options *records);

/* Are its lines read by ingest/record.h, one after the other? */
bool input_is_foreign(enum input_kind kind);

/* The name without packing and rotation: how many bytes of name "worker_0.log" has in "worker_0.log.2.zst". */
size_t input_stem(const char *name);

/* Named as one of Ilúvatar's processes names its log: worker.log, worker_7.log, controller.log, load_gen.log, also
 * packed or rotated. */
bool input_is_process(const char *name);

/* Does the name alone say that it is a log: *.log, *.ndjson, *.jsonl, also packed or rotated? */
bool input_named_log(const char *name);

/* "worker_0" of "dir/worker_0.log.zst" or "worker_0.log.2"; "app" of "app-2026-06-01.log"; "stdin" of "-". Yours. NULL:
 * no memory. */
char *input_worker(const char *path);

/* Orders as people do: worker_2 before worker_10. */
int natural_compare(const char *a, const char *b);

#endif
