/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lint_log.h - what lint has seen of one log, and what it tells of it. */
#ifndef FINDINGS_LINT_LOG_H
#define FINDINGS_LINT_LOG_H

#include "findings/finding.h"
#include "findings/secret.h"

#define EXAMPLES 3

/* Lines that show something: how many, and the first of them, by their events. */
struct examples {
	int64_t count, id[EXAMPLES];
};

void examples_add(struct examples *x, int64_t id);

/* The lines of a process in a log, by their own numbers. */
struct numbered {
	int64_t pid, first, last;
	int64_t first_id; /* of the event */
};

struct log {
	int64_t run, source;
	int64_t last_ns, back_ns; /* of the line before; the longest way back */
	uint64_t jump_ns;         /* the longest jump */
	struct examples back, jump, timeless, foreign, hole, lost;
	char *path; /* of the source; NULL: none yet, or no memory */
	bool is_ours;
	struct numbered *numbered; /* each process once */
	size_t nnumbered, numbered_room, latest;
};

void log_tell(const struct log *l, struct findings *out);
void log_done(struct log *l);

/* Secrets, of one log or more. */
struct secrets {
	int64_t run;
	struct examples environment, secret;
	char name[SECRET_NAME]; /* of the first */
};

/* As if the lines of `more` had followed. */
void secrets_join(struct secrets *all, const struct secrets *more);
void secrets_tell(const struct secrets *s, struct findings *out);

#endif
