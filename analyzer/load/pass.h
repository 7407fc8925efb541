/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pass.h - one pass over all inputs: what the files of the loader share. */
#ifndef LOAD_PASS_H
#define LOAD_PASS_H

#include "load/aside.h"
#include "load/discover.h"
#include "load/load.h"
#include "load/source.h"
#include "build/model.h"

struct pass {
	const struct load_options *o;
	struct store *store;
	struct discovery found;
	int64_t *run_ids; /* of found.runs; 0: not in the database yet */
	struct place_set *places;
	int file;           /* the new database's own, or -1 */
	const char *locked; /* the file that is waited for */
	char *cause;        /* of the failure, for its message */
	int places_rc;
	struct aside *aside;
	struct progress progress;
	int64_t next_chunk;
	int64_t done_bytes;  /* of files, for progress */
	uint64_t zones_used; /* a bit for each PATH=ZONE that named a log */
	bool again;          /* not the first pass of those that follow */
	/* outcome */
	uint64_t lines, bytes, events, rejected;
	unsigned files, unchanged;
	bool damaged, unopened, changed;
	bool failed; /* somebody said why the pass fails */
	double seconds;
};

extern volatile int load_stopped;

/* Prints "ilu-logq: ..." on o->err; note: not with --quiet. */
void say_error(struct pass *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
void say_note(struct pass *p, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* inputs.c: one log, or one file beside logs, into the database. 0 or negative: the pass fails (*said: the user knows
 * why). */
int pass_input(struct pass *p, const struct input *in);
/* inputs.c: waits for the files beside the logs, and says what was wrong with them. */
int pass_beside(struct pass *p);
/* zones.c: the offsets of all sources of a run that have none yet. */
int pass_zones(struct pass *p, int64_t run);
/* zones.c: tells of each PATH=ZONE that was of no use. */
void pass_zones_unused(struct pass *p);
/* zones.c: run.kind, first_ns, last_ns, offset_s and the sources' times. */
int pass_run_times(struct pass *p, int64_t run);
/* ledger.c: what became of each file. */
void pass_ledger(struct pass *p);

/* append.c: how a file that was loaded before goes on. */
struct resume {
	int64_t source; /* id; 0: load it afresh */
	bool unchanged;
	int64_t same_as; /* source whose text this file has, while that one's own file is still there: nothing to load;
	                    0: none */
	int64_t skip_bytes, next_line;
	struct parse_counts kept;
};
int resume_find(struct pass *p, const struct input *in, struct resume *out);
/* Hash of the first n bytes of a file's text (at most HEAD_BYTES); *got: how many there were. */
#define HEAD_BYTES 1024
int head_hash(const char *path, size_t n, int64_t *hash, size_t *got);
int64_t text_hash(const void *p, size_t n);
/* What is known of a source, for a file that goes on where it ends; chunks of what is read again are taken out. */
int resume_source(struct pass *p, int64_t source, struct resume *out);

/* moved.c: a source whose text stands at the start of this file under another name: *source, or 0. *whole: the file has
 * nothing more; *here: the source's own file is still where it was. */
int moved_find(struct pass *p, const struct input *in, int64_t *source, bool *whole, bool *here);
/* 1: the text at path begins with the source's (*whole: and ends with it), 0: it does not, or negative. */
int moved_starts_with(struct pass *p, const char *path, int64_t source, bool *whole);

/* piped.c: standard input and pipes. */
struct piped {
	struct reader *reader; /* where to read it from, as far as it is not read */
	char head[HEAD_BYTES];
	size_t n;     /* of head */
	int fd;       /* where it is kept while it is compared, or -1 */
	char *damage; /* what was wrong with what was kept, or NULL */
};
/* Opens it and tells whether its text, or the start of it, is loaded already. 0 or negative. piped_close it in any
 * case. */
int piped_open(struct pass *p, const char *name, struct piped *s, struct resume *out, const char **why);
void piped_close(struct piped *s);

#endif
