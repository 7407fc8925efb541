/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sample.h - some transactions of a run with all their lines, as much as inference looks at.
 *
 * Which ones is told by a hash of their ids, so it is the same whenever the same lines are loaded. Memory does not grow
 * with the log: at most SAMPLE_TIDS transactions, SAMPLE_LINES lines of each. */
#ifndef INFER_SAMPLE_H
#define INFER_SAMPLE_H

#include "base/intern.h"
#include "infer/part.h"
#include "store/store.h"

enum {
	SAMPLE_TIDS = 1024,
	SAMPLE_LINES = 400,
	SAMPLE_VALUES = 300, /* different ones of a field of a message that are looked at */
	SAMPLE_NAMES =
	    4096,        /* and of one with a name that functions have (naming.h): no more than one a request count */
	SAMPLE_IDS = 40, /* of those that could be another transaction's id */
	SAMPLE_VALUE_MAX = 200
};

#define SAMPLE_NONE UINT32_MAX

/* A message as rules can name it: template, level, target, and of a span's line the span. */
struct sample_key {
	struct slice text, level, target, span; /* ptr NULL: none */
	enum { KEY_WHOLE, KEY_TEMPLATE, KEY_PREFIX } match;
	bool span_line, enters; /* enters: enter or exit */
	unsigned severity;      /* 0 below WARN, 1 WARN, 2 ERROR */
};

/* A field of a message. */
struct sample_field {
	uint32_t key, name; /* keys, names */
	bool in_span;
	bool known;      /* it may say what the request is: naming_is_known */
	bool path;       /* its values are kept without ids */
	bool many;       /* more different values than are looked at */
	uint32_t values; /* different ones, as far as they were looked at */
	uint32_t seen, stamps;
	uint32_t ids, last_id; /* so many are kept; the transaction of the last one */
};

struct sample_line {
	int64_t time_ns, id, source;
	uint32_t tid, key;
};

/* A value of a field in a line. */
struct sample_value {
	uint32_t tid, field, value; /* value: SAMPLE_NONE where it was not kept */
	int64_t stamp_ns;           /* NO_NS: no time */
};

/* What could be another transaction's id; the first ones of a field, one of each transaction. */
struct sample_id {
	uint32_t tid, field;
	struct slice text;
};

struct sample {
	struct intern tids, key_texts, names, values;
	struct sample_key *key;
	uint32_t nkeys, key_room;
	struct sample_field *field;
	uint32_t nfields, field_room;
	struct table field_at;
	struct table seen_at; /* (field, value) */
	uint32_t *seen_field, *seen_value, nseen, seen_field_room, seen_value_room;
	struct sample_line *line; /* by transaction and time */
	size_t nlines, line_room;
	struct sample_value *value; /* by transaction */
	size_t nvalues, value_room;
	struct sample_id *id;
	uint32_t nids, id_room;
	uint32_t *first;           /* of each transaction its first line; one more at the end */
	uint32_t *fields;          /* likewise its first value */
	uint32_t *by_key;          /* lines by their message, of one in their order */
	uint32_t *of_key;          /* of each message its first place there; one more at the end */
	int64_t first_ns, last_ns; /* of the sampled lines */
	int64_t tids_of_run;       /* all of them */
	struct arena arena;
	struct part part; /* of a line, while it is read */
};

/* Reads the lines of a sample of a run; table place must be written. 0 or a negative errno; sample_free in any case. */
int sample_read(struct sample *s, struct store *store, int64_t run);
/* Reads the values of its lines' fields: field, value, id and what belongs to them; until then there are none. 0 or a
 * negative errno. */
int sample_values(struct sample *s, struct store *store);
void sample_free(struct sample *s);

/* The key of an event's message, a new one where none was like it. 0 or a negative errno. */
int sample_key_of(struct sample *s, const struct event *e, uint32_t *out);
/* Of n things in the order of their transactions, `step` bytes from one to the next and their tid (uint32_t) at byte
 * `tid` of each, where each transaction's begin; one more at the end. Owned; NULL: no memory. */
uint32_t *sample_index(const struct sample *s, const void *things, size_t n, size_t step, size_t tid);

/* Indexes the lines, which are in order, by their messages. 0 or -ENOMEM. */
int sample_index_keys(struct sample *s);
/* How often a transaction has a message; *line: where first. */
uint32_t lines_of_key(const struct sample *s, uint32_t tid, uint32_t key, uint32_t *line);
/* How often it has it before this line. */
uint32_t lines_before(const struct sample *s, uint32_t tid, uint32_t key, uint32_t end, uint32_t *line);

/* In how many of n transactions each message stands; yours. NULL: no memory. */
uint32_t *sample_count(const struct sample *s, const uint32_t *tids, uint32_t n);

#endif
