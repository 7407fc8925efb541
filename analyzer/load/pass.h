/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pass.h - one pass over all inputs: what the files of the loader share. */
#ifndef LOAD_PASS_H
#define LOAD_PASS_H

#include "load/aside.h"
#include "load/discover.h"
#include "load/known.h"
#include "load/load.h"
#include "load/source.h"
#include "build/model.h"

struct pass {
	const struct load_options *o;
	struct store *store;
	struct discovery found;
	int64_t *run_ids; /* of found.runs; 0: not in the database yet */
	struct place_set *places;
	struct known known;
	struct parser parser; /* goes from file to file */
	int file;             /* the new database's own, or -1 */
	const char *locked;   /* the file that is waited for */
	char *cause;          /* of the failure, for its message */
	int places_rc;
	struct aside *aside;
	struct progress progress;
	int64_t next_chunk;
	int64_t done_bytes;  /* of files, for progress */
	uint64_t zones_used; /* a bit for each PATH=ZONE that named a log */
	struct format_set formats;
	struct paths given[ROLES];    /* --time and so on */
	struct record_options record; /* of all of these */
	struct record_hints hints;    /* levels that no format knows */
	bool again;                   /* not the first pass of those that follow */
	bool tid_found;               /* --tid was not given, but found in the log */
	bool told;                    /* what is read was read before, and what there is to say was said */
	/* outcome */
	uint64_t lines, bytes, rejected;
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
/* zones.c: the --timezone argument for a path, NULL: none. */
const char *pass_zone_of(struct pass *p, const char *path);
/* formats.c: reads the formats, ours and the user's, and what the options name. 0, -EINVAL (said) or -ENOMEM. */
int pass_formats(struct pass *p);
void pass_formats_done(struct pass *p);
/* formats.c: what a source's records were read as, for table source; NULL: no records, or no memory. free() it. */
char *formats_used(const struct source_load *l);
/* formats.c: what was guessed. */
void pass_guesses_say(struct pass *p, const char *path, const struct source_load *l);
/* formats.c: levels that no format knows, of all files. */
void pass_levels_say(struct pass *p);
/* zones.c: the offsets of all sources of a run that have none yet. */
int pass_zones(struct pass *p, int64_t run);
/* zones.c: are all zones of the command line such? Else that is said. */
bool pass_zones_known(struct pass *p);
/* zones.c: tells of each PATH=ZONE that was of no use. */
void pass_zones_unused(struct pass *p);
/* zones.c: run.kind, first_ns, last_ns, offset_s and the sources' times. */
int pass_run_times(struct pass *p, int64_t run);
/* ledger.c: what became of each file. */
void pass_ledger(struct pass *p);

/* retid.c: no line names a transaction: -ERESTART, and the field that does, as for --tid, for free(): the pass is to
 * begin anew with it. 0: go on; or negative. */
int pass_tid_find(struct pass *p, char **paths);
/* The same for a run of which that was found before. */
int pass_tid_kept(struct pass *p, char **paths);
/* Remembers what was found. */
int pass_tid_keep(struct pass *p);

/* append.c: how a file that was loaded before goes on. */
struct resume {
	int64_t source;  /* id; 0: load it afresh */
	bool unchanged;  /* there is nothing to read */
	int64_t same_as; /* source that has the first lines of this text; 0: none */
	bool copied;     /* that was found now: the source's row does not say so yet */
	int64_t takes;   /* source whose own lines are this one's from now on; 0: none */
	int64_t had;     /* bytes of text that are in the database, and still must be when it was read */
	int failed;      /* negative: why it can't be opened */
	int64_t skip_bytes, next_line;
	struct parse_counts kept;
};
/* in_one: a text that is another source's in part is loaded whole all the same. */
int resume_find(struct pass *p, const struct input *in, bool in_one, struct resume *out);
/* Hash of the first n bytes of a file's text (at most HEAD_BYTES); *got: how many there were. */
int head_hash(const char *path, size_t n, int64_t *hash, size_t *got);
/* Takes all chunks of a source out; its row still counts them. */
int source_take_out(struct pass *p, int64_t source);
/* ahead.c: of a file that has grown, where another source has what it has grown by. compared: its text up to there is
 * known to be the source's. 1: *out tells what to read, 0: nothing is to be said of it, or negative. */
int resume_ahead(struct pass *p, const struct input *in, const struct known_source *known, bool compared,
                 const char *head, size_t len, struct resume *out);
/* ahead.c: what r->takes names gives up its lines to source r->source, which has them all in its text. */
int source_take_over(struct pass *p, const struct resume *r);
/* What is known of a source, for a file that goes on where it ends; chunks of what is read again are taken out. */
int resume_source(struct pass *p, int64_t source, struct resume *out);

/* moved.c: how far a text and a source's are the same. */
struct overlap {
	int64_t bytes, lines; /* whole lines; where both end, all of them */
	bool source_ends, text_ends;
	bool source_open; /* it ends in a line without its end, behind which the text goes on */
};
/* 1: the text at path and the source's are the same as far as both go; 0: they part behind out->lines; or negative. */
int text_compare(struct pass *p, const char *path, int64_t source, struct overlap *out);
/* The longest source of which that is true, for a text that begins with head. but: another one than this, and longer,
 * unless that is a copy; NULL: any. 1, 0: none, or negative. */
int text_find(struct pass *p, const char *path, const void *head, size_t len, const struct known_source *but,
              struct known_source *source, struct overlap *out);
/* Is the file that the source was read from where it was? */
bool source_still_there(const struct known_source *s);
/* append.c: *out for a text that is the source's as far as `found` tells. Where the source's last line has no end, the
 * text takes over all of it: else that line would be there twice. */
int resume_copy(struct pass *p, struct resume *out, int64_t source, const struct overlap *found);

/* piped.c: standard input and pipes. */
struct piped {
	struct reader *reader; /* where to read it from, as far as it is not read */
	char head[HEAD_BYTES];
	size_t n;            /* of head */
	int fd;              /* where it is kept while it is compared, or -1 */
	char *damage;        /* what was wrong with what was kept, or NULL */
	const char *instead; /* no log: input_instead */
};
/* Opens it and tells whether its text, or the start of it, is loaded already. 0 or negative. piped_close it in any
 * case. */
int piped_open(struct pass *p, const char *name, struct piped *s, struct resume *out, const char **why);
void piped_close(struct piped *s);

#endif
