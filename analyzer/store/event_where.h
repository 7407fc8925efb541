/* SPDX-License-Identifier: GPL-3.0-or-later */
/* event_where.h - the conditions of one query on the table `event`. */
#ifndef STORE_EVENT_WHERE_H
#define STORE_EVENT_WHERE_H

#include "store/event_plan.h"
#include "store/event_value.h"

/* A condition on a text column, decided by shape where all its lines have the same text. */
struct text_test {
	enum event_column column;
	unsigned char op; /* SQLITE_INDEX_CONSTRAINT_EQ, _LIKE or _GLOB; EVENT_IN */
	char *text;       /* ours */
	size_t len;
	struct text_set *set; /* of EVENT_IN, ours */
};

struct event_where {
	struct event_query q; /* what the store's cursor does; valid as long as this */
	bool none;            /* nothing meets the conditions */
	int error;            /* a condition could not be looked at: what was found is not to be trusted */
	/* private */
	struct text_test *texts;
	size_t ntexts, texts_room;
	struct event_test *tests; /* has() */
	size_t ntests, tests_room;
	char *tid;
	struct text_set *tids; /* one after the other; NULL: as q has it */
	size_t tid_at;
	char *search;
};

/* Adds `column op v`. Returns SQLITE_OK, SQLITE_NOMEM, or SQLITE_MISUSE for a has() that is no test. */
int event_where_add(struct event_where *w, enum event_column column, unsigned char op, sqlite3_value *v);
/* Adds that the bytes of the line's `fields` contain text; nothing else may be searched for. 0 or -ENOMEM. */
int event_where_contains(struct event_where *w, const char *text, size_t len);
void event_where_done(struct event_where *w);

/* Once all conditions are there: the first transaction of several, which q has then; then the next one. false: there is
 * none. */
bool event_where_next_tid(struct event_where *w);

/* Does an event of the store's cursor meet what that could not decide? */
bool event_where_row(struct event_where *w, const struct event *e);

/* Whether the shapes of lines alone, run and source decide: but for lines kept whole, and messages that vary. */
bool event_where_is_of_shapes(const struct event_where *w);

/* Level, target, message or transaction, as it stands in the line. */
struct slice event_text(const struct event *e, enum event_column column);

#endif
