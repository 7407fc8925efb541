/* SPDX-License-Identifier: GPL-3.0-or-later */
/* span_keys.h - what the lines of a span have in common, as numbers.
 *
 * In most logs nothing but the transaction varies in what a line prints of its spans. Then shape and transaction say
 * all, and the keys of the two are remembered: a line whose like was there a moment ago is not put together again. */
#ifndef MODEL_SPAN_KEYS_H
#define MODEL_SPAN_KEYS_H

#include "store/store.h"

struct span_said;
struct tail_hash;

/* Under all that a close line prints (target, span, ancestors); the same without the ancestors; the path that the lines
 * of its children print (ancestors and itself); its transaction. */
enum span_key { BY_ALL, BY_NAME, BY_PATH, BY_TID, SPAN_KEYS };

/* What the lines of a head have in common. */
struct span_head {
	uint64_t target; /* hash */
	bool known, busy_ns, idle_ns;
};

struct line_keys {
	uint64_t key[SPAN_KEYS]; /* BY_PATH: only where has_path */
	uint64_t parent;         /* under BY_PATH */
	uint64_t any_parent;     /* under BY_NAME: by its id, in whichever process */
	bool has_id, has_stack, has_parent, has_path;
	const struct span_said *said; /* by a format; NULL: by the line's own spans */
	struct tail_hash *hash;       /* of the remembered line like this one, or NULL; the keys' own */
};

struct span_keys {
	struct remembered *remembered; /* by shape and transaction */
	uint8_t *plain; /* by id of a tail: 0 not asked, 1 nothing but the transaction varies in its spans, 2 other
	                   values do */
	struct span_head *heads; /* by id of a head */
	uint32_t nplain, nheads;
	char *scratch;
	size_t scratch_room;
};

/* 0 or -ENOMEM. What is all zeros can be done, too. */
int span_keys_init(struct span_keys *r);
void span_keys_done(struct span_keys *r);
struct span_head span_head(struct span_keys *r, const struct shape *head);

/* The keys of a line that prints its spans. 0 or -ENOMEM. */
int line_keys_read(struct span_keys *r, const struct event *e, struct line_keys *k);
/* Also the key under which children look for this span; only a span that opens needs it. 0 or -ENOMEM. */
int line_keys_path(struct span_keys *r, const struct event *e, struct line_keys *k);
/* Those of a span that a format tells of: said is borrowed as long as k is used. */
void line_keys_said(const struct event *e, const struct span_said *said, struct line_keys *k);
/* BY_NAME of such a span that waits for its parent, and of one that waits for none. */
uint64_t line_keys_waiting(uint64_t parent);
uint64_t line_keys_alone(uint64_t self);

#endif
