/* SPDX-License-Identifier: GPL-3.0-or-later */
/* attribute.h - what requests may have in common: of each request one value, as a small number.
 *
 * A condition is a number at the request's arrival, put into steps between cuts; a value of it is "at least this cut"
 * or "less than this cut". */
#ifndef WHY_ATTRIBUTE_H
#define WHY_ATTRIBUTE_H

#include "query/requests/requests.h"

/* What comes before what: where several explain the same, what was there first goes before what followed from it. */
enum attribute_order {
	ATTRIBUTE_GIVEN,     /* where and when it ran, of what function: it was so before the request came */
	ATTRIBUTE_CONDITION, /* how things stood when it came */
	ATTRIBUTE_COMPANY,   /* what the others were at then, who may have suffered from the same */
	ATTRIBUTE_OUTCOME,   /* what became of it: state, status, attempts */
};

enum { CUTS_MAX = 10 };

struct attribute {
	char *what;
	enum attribute_order order;
	bool of_function;     /* all requests of one function have the same value */
	bool cold;            /* a cold start of what has this value */
	bool limited;         /* a condition that has a limit: a share of a whole, or the part */
	bool steps;           /* codes are steps: 1 below cut[0], 2 from there ... */
	struct narrow code;   /* of a name: by request; 0: not known */
	uint8_t *step;        /* of a condition: the same */
	struct intern values; /* of a name: code - 1 */
	double cut[CUTS_MAX];
	int ncuts;
	uint32_t ncodes; /* codes are less */
};

struct attributes {
	struct attribute *v;
	size_t n, room;
};

static inline uint32_t attribute_at(const struct attribute *a, uint32_t i)
{
	return a->steps ? a->step[i] : (uint32_t)narrow_at(&a->code, i);
}

void attributes_done(struct attributes *a);
/* Those of another list go behind those of this one. 0 or -ENOMEM. */
int attributes_append(struct attributes *to, struct attributes *from);

/* An attribute without values, for each of n requests; NULL: no memory. Borrowed until the next. */
struct attribute *attribute_add(struct attributes *a, const char *what, enum attribute_order order, uint32_t n);
/* The code of a value. 0 or -ENOMEM. */
int attribute_code(struct attribute *a, struct slice value, uint32_t *out);
/* Request i has this code. 0 or -ENOMEM. */
int attribute_set(struct attribute *a, uint32_t i, uint32_t code);
/* Request i has this value. 0 or -ENOMEM. */
int attribute_put(struct attribute *a, uint32_t i, struct slice value);
/* The same of a text in `in`. codes: by its number, zeroed before the first; room for in->n. */
int attribute_put_number(struct attribute *a, uint32_t i, const struct intern *in, uint32_t number, uint32_t *codes);
/* A condition of n requests; NAN: not known. It is left out where it is the same for all. 0 or -ENOMEM. */
int attribute_add_condition(struct attributes *a, const char *what, enum attribute_order order, const float *value,
                            uint32_t n);

/* ---- from the requests alone: 0 or -ENOMEM ---- */

/* What table invocation has of each request, and the time: function, worker, run, state, status, attempts, compute,
 * hour, minute, and of each function a cold start. */
int attributes_of_requests(const struct requests *r, struct attributes *out);
/* How many others were on the same worker at the arrival: under way, waiting, executing, in a cold start, about to
 * fail; and its load. */
struct arrivals;
int conditions_of_requests(const struct requests *r, const struct arrivals *by_worker, struct attributes *out);

/* ---- from the database ---- */

/* The columns of table function. A failure is latched in q. */
void attributes_of_functions(struct query *q, const struct requests *r, struct attributes *out);

/* What the workers said of themselves, as far as the arrivals by worker find it; run 0: of all. 0 or a negative errno;
 * said_free in any case. The store is not needed afterwards, what r and arrivals point to is. */
struct said_values;
int said_read(struct store *store, int64_t run, const struct requests *r, const struct arrivals *arrivals,
              struct said_values **out);
/* The last value before the arrival of each name of the worker's series; they are used up. 0 or -ENOMEM. */
int conditions_of_series(struct said_values *s, struct attributes *out);
void said_free(struct said_values *s);

/* Fields of lines that a request has once and that have few values. */
struct fields;
enum {
	FIELD_VALUES_MOST = 64,  /* more different values are those of an id, or of a measurement */
	FIELD_VALUE_LENGTH = 96, /* bytes; what is longer is no name */
	FIELDS_READ_MOST = 64    /* that are read in full */
};
/* Where not all lines are here: these fields are worth reading, and none else. 0 or a negative errno. */
int fields_choose(sqlite3 *db, const struct intern *names);
/* 0 or a negative errno; fields_free in any case. The store is not needed afterwards. */
int fields_read(struct store *store, int64_t run, const struct requests *r, struct fields **out);
/* By their names, behind those of out, but those that part the requests as one of these does. 0 or -ENOMEM. */
int attributes_of_fields(struct fields *f, struct attributes *out);
void fields_free(struct fields *f);

#endif
