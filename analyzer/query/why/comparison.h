/* SPDX-License-Identifier: GPL-3.0-or-later */
/* comparison.h - two sides and what differs between them: what `compare` works out and then writes in one form or
 * another.
 *
 * Times are those of requests that ended well: the sum of a request's phases, in ns. Requests are put into groups (by
 * function, or what --by says), in these by function and state of the container. */
#ifndef QUERY_WHY_COMPARISON_H
#define QUERY_WHY_COMPARISON_H

#include "base/intern.h"
#include "column/narrow.h"
#include "query/why/evidence.h"
#include "query/why/side.h"

enum { A, B, SIDES };

/* Of fewer requests nothing is claimed. */
enum { REQUESTS_ENOUGH = 20 };
/* A difference is claimed where all of them together come about by chance in one of twenty comparisons. */
#define CLAIM_P 0.05

/* ---- what was read (observed.c) ---- */

/* Times of phases, those of a request one after the other. */
struct parts_seen {
	struct narrow ns, phase; /* phase: number of its name */
};

struct request_seen {
	int64_t at_ns, ns; /* arrival; all its phases */
	uint32_t bucket, first_part, nparts;
	uint8_t cell; /* of the stretches */
	bool answered, failed, cold;
};

/* Requests of one group, function and state. */
struct bucket {
	uint32_t group, function, state;
};

struct observed {
	struct request_seen *v[SIDES];
	struct parts_seen part[SIDES];
	size_t n[SIDES], room[SIDES];
	int64_t first_ns[SIDES], last_ns[SIDES]; /* of arrivals, or as a stretch was given; NO_NS: none */
	struct intern groups, functions, states, phases, keys;
	struct bucket *bucket; /* keys.n of them */
	uint32_t buckets_room;
	struct standing {
		double sum;
		int64_t n;
	} * standing; /* of each phase: its places among the others */
	uint32_t standing_room;
};

/* Reads both sides by what --by says. A failure is q's. */
void observed_read(struct query *q, struct side sides[SIDES], const char *by, struct observed *o);
void observed_done(struct observed *o);

/* ---- what comes of it ---- */

enum verdict { VERDICT_NONE, VERDICT_SLOWER, VERDICT_FASTER, VERDICT_MIXED, VERDICT_FEW };
const char *verdict_name(enum verdict v);

/* The quantiles that are worked out, P50 and so on among them. */
enum { BAND_P50 = 10, BAND_P90 = 18, BAND_P99 = 20, BANDS = 21 };
extern const double band_at[BANDS];

struct interval {
	double low, high;
};

struct figures {
	int64_t n, answered, failed, unfinished, cold;
	double mean, quantile[BANDS]; /* where answered > 0 */
	struct interval mean_within, within[BANDS];
};

/* A share of the difference of means. */
struct part {
	const char *name; /* borrowed from the phases, or static */
	double exact;
	int64_t ns;  /* rounded so that all of them add up, see parts.h */
	double a, b; /* of a phase: its mean, in the same mix of functions and states */
	double p;    /* of its surest claim; 1: none */
	bool phase;
};

struct group {
	const char *name; /* NULL: all requests */
	struct figures side[SIDES];
	bool enough; /* both sides have REQUESTS_ENOUGH that were answered */
	struct interval mean_difference, difference[BANDS];
	struct part *part;
	size_t nparts;
	enum verdict verdict;
	int failures; /* -1: fewer, 1: more, 0: no evidence */
};

/* What is looked at with evidence. */
enum measure { MEASURE_MEAN, MEASURE_TYPICAL, MEASURE_COLD, MEASURE_FAILED, MEASURE_LINE };
const char *measure_name(enum measure m);

struct claim {
	enum measure measure;
	uint32_t group, phase; /* phase UINT32_MAX: end to end */
	double a, b;           /* ns, or shares */
	bool counts;           /* large enough in its group to be worse beyond --tolerate */
	size_t effect;         /* of comparison.effect */
};

enum line_kind { LINE_MESSAGE, LINE_ERROR, LINE_SPAN };

/* Lines of one template, or spans of one name. */
struct line_seen {
	enum line_kind kind;
	struct slice level, target, template, error; /* error: of LINE_ERROR */
	int64_t n[SIDES];
	double z, p; /* of their number by request; p 1: not weighed */
};

struct comparison {
	struct side side[SIDES];
	struct observed seen;
	const char *by;      /* --by; "function" */
	struct group *group; /* all requests, then each group by name */
	uint32_t ngroups;
	struct claim *claim; /* the surest first, those with evidence alone after comparison_make */
	size_t nclaims, claims_room, compared;
	struct effect *effect;
	size_t neffects, effects_room;
	struct line_seen *line;
	size_t nlines;
	void *lines_of; /* lines.c's */
	enum verdict verdict;
	bool worse; /* beyond --tolerate */
	double tolerate;
	uint64_t seed;
};

/* Everything, from two words to the verdict. A failure is q's; comparison_done in any case. */
void comparison_make(struct query *q, const char *a, const char *b, struct comparison *c);
void comparison_done(struct comparison *c);
/* The first step of it: which sides the words mean. */
void comparison_open(struct query *q, const char *a, const char *b, struct comparison *c);

/* A claim's name for people: "execution", "end to end", "failed"; in buf where it is put together. */
const char *claim_what(const struct comparison *c, const struct claim *l);
/* How much more b is than a, as a share of a; a of 0: INFINITY. */
double claim_change(const struct claim *l);
/* Is what it says worse? */
bool claim_worse(const struct comparison *c, const struct claim *l);

/* ---- its rooms ---- */

/* measures.c: claims to be weighed, and parts. 0 or -ENOMEM. */
int measures_make(struct comparison *c);
/* One more effect, zeroed, and the claim about it; NULL: no memory. Borrowed until the next. */
struct effect *measure_add(struct comparison *c, struct claim l);
/* lines.c: counts lines by template; a thread of its own may call it beside measures_make. 0 or a negative errno. */
int lines_read(struct comparison *c);
/* Behind both of them: what of the lines is to be weighed. 0 or -ENOMEM. */
int lines_measure(struct comparison *c);
/* After effects were weighed: takes p. */
void lines_weighed(struct comparison *c);
void lines_done(struct comparison *c);

#endif
