/* SPDX-License-Identifier: GPL-3.0-or-later */
/* phase.h - an invocation's time, from end to end, cut into phases by the rules. */
#ifndef MODEL_PHASE_H
#define MODEL_PHASE_H

#include "model/rules.h"

/* What the phases need of a row of `invocation` and its `attempt`s; INT64_MIN: not known. */
struct phase_attempt {
	int64_t insert_ns, remove_ns, start_ns, end_ns;
	const char *state;
};

struct phase_input {
	int64_t sent_ns, controller_ns, dispatched_ns, arrived_ns, completed_ns, returned_ns;
	const struct phase_attempt *attempt;
	int nattempts;
	const struct named_moment *moment; /* of the rules' own, nmoments of them */
	size_t nmoments;
	bool answered; /* it ended well: no phase of it is still open, whatever lines lack */
};

/* Why a phase took no time, though its moments are apart. */
enum phase_lost {
	PHASE_NOT_LOST,
	PHASE_BACKWARDS, /* it ends before it begins */
	PHASE_COVERED    /* phases before it in the file have its time */
};

struct phase {
	const char *name;  /* the rule's, or "unexplained" */
	const char *state; /* to be added in brackets, or NULL */
	bool open;         /* it began and nothing says that it ended: ", never left" is added */
	int attempt;       /* from 1; 0: of none */
	int64_t start_ns, end_ns;
	enum phase_lost lost;
};

struct phases {
	struct phase *v;
	int n, room;
};

/* Room for the longest name that phase_name gives, with its NUL; longer names of a rules file are cut. */
#define PHASE_NAME_MAX 256

/* A phase's whole name: "worker queue", "container acquisition (cold)", "worker queue, never left". Returns buf. */
const char *phase_name(const struct phase *p, char buf[PHASE_NAME_MAX]);

/* Cuts the time from the first to the last known moment. The phases follow each other without gap or overlap; what no
 * rule covers is "unexplained", and there is always a row of that name. The phase that was reached last, where nothing
 * ends it, lasts to the end and is open. out is used again: zero-initialise, free v at
 * last. 0 or -ENOMEM. An invocation of which no moment is known has no phases. */
int phases_make(const struct rules *r, const struct phase_input *in, struct phases *out);

#endif
