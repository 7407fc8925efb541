/* SPDX-License-Identifier: GPL-3.0-or-later */
/* finding.h - what is wrong with a run, with its evidence: rows for the commands lint, hangs, storms and diagnose
 * mount.
 *
 * A finding names a rule, how bad it is, the transaction at fault, why, how many are affected, and the lines that show
 * it. Each function appends to a list; db is the store's own connection. All return 0 or a negative errno. */
#ifndef FINDINGS_FINDING_H
#define FINDINGS_FINDING_H

#include "base/intern.h"
#include "store/store.h"

enum finding_level { FINDING_NOTE, FINDING_WARNING, FINDING_ERROR };

/* One piece of evidence: an event, or a remark of our own between events (id 0). */
struct evidence {
	int64_t event;      /* event.id, or 0 */
	const char *remark; /* why it matters, or NULL */
};

/* Texts are the list's, each once: of a hundred thousand findings most say the same. */
struct finding {
	const char *rule; /* "hang", "storm", "mount", "double-lock", ...: static, or the list's */
	enum finding_level level;
	int64_t run;
	const char *tid;           /* NULL: of no transaction */
	const char *cause;         /* NULL: none to name */
	int64_t count;             /* victims behind it (hangs), rounds (storms), occurrences */
	const char *message;       /* one sentence */
	int64_t first_ns, last_ns; /* INT64_MIN: of no time */
	struct evidence *evidence;
	size_t nevidence, evidence_room;
	/* More of its facts, by name: worker, container_id, share, ... Values are text. */
	struct finding_detail {
		const char *name, *value;
	} * detail;
	size_t ndetails, detail_room;
	struct findings *list; /* that it is in */
};

struct findings {
	struct finding *v;
	size_t n, room;
	int rc;                      /* the first failure of those who found; they return it at their end */
	struct finding nowhere;      /* what is found when memory is out */
	struct intern words;         /* their texts */
	struct findings_words *more; /* texts of lists that were joined to it */
};

void findings_done(struct findings *f);
/* Moves all of `from` to the end; it is empty then. A failure, also one of from's, is to's rc. */
void findings_join(struct findings *to, struct findings *from);

/* run 0: all runs. */
int find_lint(struct store *s, int64_t run, struct findings *out);
int find_hangs(struct store *s, int64_t run, struct findings *out);
int find_storms(struct store *s, int64_t run, struct findings *out);
int find_mount_failures(struct store *s, int64_t run, struct findings *out);

/* A part of lint: containers that no transaction gave back. Needs level debug. */
int find_leaked_containers(struct store *s, int64_t run, struct findings *out);

/* All of them, each by itself: found_read for each i below FINDERS, in any order, by any thread with a store of its
 * own; what takes longest comes first. found_done moves what they found behind what is in out, in the order in which it
 * is told, also where one has failed. */
enum { FINDERS = 4 };
struct found {
	int64_t run;
	struct findings by[FINDERS];
};
int found_read(struct found *f, struct store *s, size_t i);
void found_done(struct found *f, struct findings *out);

/* What a command would find ("lint", "hangs", "storms", "mount"), where the database has it found already (kept.c):
 * *kept says whether. */
int findings_kept(struct store *s, const char *command, int64_t run, struct findings *out, bool *kept);

const char *finding_level_name(enum finding_level l);
/* The gravest first, the others as they were found. 0 or -ENOMEM. */
int findings_sort(struct findings *f);
/* Whether any is of level warning or above: the exit status of the commands. */
bool findings_alarm(const struct findings *f);

/* ---- for those who find ---- */

/* A new finding at the end of the list, zeroed but for the rule, level and run; never NULL. What fails here and below
 * is remembered in the list's rc. Borrowed until the next one is added. */
struct finding *finding_add(struct findings *f, const char *rule, enum finding_level level, int64_t run);
/* Set its texts. */
void finding_message(struct finding *f, const char *format, ...) __attribute__((format(printf, 2, 3)));
void finding_cause(struct finding *f, const char *format, ...) __attribute__((format(printf, 2, 3)));
void finding_tid(struct finding *f, struct slice tid); /* nothing where there is none */
/* remark is copied; NULL: none. */
void finding_evidence(struct finding *f, int64_t event, const char *remark);
void finding_detail(struct finding *f, const char *name, const char *format, ...) __attribute__((format(printf, 3, 4)));
void finding_detail_text(struct finding *f, const char *name, struct slice value); /* nothing where there is none */

#endif
