/* SPDX-License-Identifier: GPL-3.0-or-later */
/* causes.h - which attributes the slow requests have more often than the others, beyond chance.
 *
 * Requests that come one after the other wait behind the same things, so a hundred slow ones may be one event. Time is
 * therefore cut into stretches about as long as a slow request takes, and it is stretches that are counted: a score
 * test whose variance is that of its sums by stretch, against Student's t with as many degrees of freedom as stretches
 * that bear on it. Requests are compared with those of the same function. An attribute that is the function's own (it
 * cannot differ within it) is compared with what the function would come to if its times were spread as those of the
 * other functions are, about its own median. All tests together make at most one false claim in twenty (Benjamini and
 * Hochberg). */
#ifndef WHY_CAUSES_H
#define WHY_CAUSES_H

#include "query/why/attribute.h"
#include "query/why/excess.h"

/* No claim on fewer slow requests than this. */
#define CAUSE_LEAST 20
/* None whose share among the slow is less than this many times that among the others ... */
#define CAUSE_LIFT 1.5
/* (of an attribute that is the function's own this many: how its times would be spread is but a guess) ... */
#define CAUSE_LIFT_OF_FUNCTION 3
/* ... nor one that explains less of the excess. */
#define CAUSE_EXPLAINS 0.05
#define CAUSE_Q        0.05
/* With fewer stretches no test can be sure enough. */
#define CAUSE_STRETCHES 15

struct cause {
	const struct attribute *of;
	uint32_t code;       /* of a name: its code; of a condition: the cut is cut[code] */
	bool less;           /* of a condition: less than the cut, else at least */
	uint32_t slow;       /* so many slow requests have it */
	double slow_share;   /* of the slow ones */
	double others_share; /* of the others: all, or of the same functions, whichever is more */
	double explains_ns;  /* the excess of those that have it, beyond what the others' share gives */
	double q;
	double weight; /* by which they are ranked */
	size_t under;  /* index of the stronger cause that has most of its slow requests; SIZE_MAX: none */
};

struct causes {
	struct cause *v; /* ranked; those under another follow it */
	size_t n, room;
	uint32_t tests;     /* so many were made */
	uint32_t stretches; /* so many stretches of time have slow requests */
	int64_t stretch_ns;
	bool unproven; /* too few stretches for a claim: v is what would be one if their number were enough */
};

/* 0 or -ENOMEM; causes_done in any case. The attributes must live as long. */
int causes_find(const struct requests *r, const struct excess *e, const struct attributes *a, struct causes *out);
void causes_done(struct causes *c);

/* Whether request i has it. */
bool cause_holds(const struct cause *c, uint32_t i);
/* "gzip", ">= 12", "< 3.5"; returns buf. */
const char *cause_value(const struct cause *c, struct text *buf);

#endif
