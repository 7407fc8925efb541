/* SPDX-License-Identifier: GPL-3.0-or-later */
/* teach.h - private to `export faas-sim`: what was learned of a run so far. */
#ifndef QUERY_TEACH_H
#define QUERY_TEACH_H

#include "query/core/quantile.h"
#include "query/export/export.h"

/* What a function's time is made of, and what of it is drawn where a request's own does not say (docs/what-if.md). */
enum teach_part { TEACH_START, TEACH_ACQUIRE, TEACH_COLD, TEACH_PREWARM, TEACH_WARM, TEACH_PARTS };
extern const char *const teach_parts[TEACH_PARTS];

struct taught {
	int64_t requests, cold, coded;
	double code_ns;                  /* sum over those coded: the function's own time, as its worker reports it */
	struct sample part[TEACH_PARTS]; /* ns */
};

struct teach {
	struct export *x;
	int64_t first_ns;
	struct intern names; /* of functions; by number */
	struct taught *function;
	uint32_t room;
	struct sample all[TEACH_PARTS], network;
	int64_t requests, retries, nameless, unfinished, gpu;
	bool controller; /* there was one */
	uint32_t guessed[TEACH_PARTS];
};

/* Adds ns as ms, to the last digit. */
void teach_add_ms(struct text *t, int64_t ns);
/* functions.csv and settings.csv: what the run's lines and files tell of its machine, or a guess, which is said. */
void teach_put_functions(struct teach *t);
void teach_put_settings(struct teach *t);

/* How long idle containers are kept; NO_NS: none was removed but to make room. */
int64_t teach_idle(struct teach *t);

/* The policy that its requests were taken out of the queue by: share of those taken that agree with it, among the
 * pairs of one that was taken and one that had to wait on. */
struct teach_order {
	const char *policy; /* as faas-sim names it; NULL: none agrees with nine of ten */
	int64_t pairs;
	double share;
	int64_t cores, cores_least; /* of a worker */
	bool cores_told;
};

/* 0 or a negative errno. */
int teach_order(struct store *s, int64_t run, struct teach_order *out);

#endif
