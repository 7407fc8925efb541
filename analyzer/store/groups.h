/* SPDX-License-Identifier: GPL-3.0-or-later */
/* groups.h - the events of a query by what they have in common: how many there are of each kind. */
#ifndef STORE_GROUPS_H
#define STORE_GROUPS_H

#include "store/event_where.h"

struct event_groups;

enum group_text { GROUP_LEVEL, GROUP_LEVEL_TEXT, GROUP_TARGET, GROUP_MESSAGE, GROUP_TEXTS };

/* One kind of event. What was not asked for is 0, or EVENT_GROUP_NONE. */
#define EVENT_GROUP_NONE UINT32_MAX /* of a text: NULL */
struct event_group {
	int64_t run, source, second;
	uint32_t text[GROUP_TEXTS]; /* numbers for event_groups_text */
	uint32_t is_text;           /* of kind "text" */
	uint64_t n;
};

/* The events that w lets pass, by the columns of the bits, sorted as SQLite sorts (NULL, numbers, text byte by byte) by
 * the columns of order. w and s outlive the groups. 0 or a negative errno. */
int event_groups_open(struct store *s, struct event_where *w, unsigned columns, const struct event_order *order,
                      unsigned norder, struct event_groups **out);
void event_groups_close(struct event_groups *g);

size_t event_groups_count(const struct event_groups *g);
const struct event_group *event_groups_at(const struct event_groups *g, size_t i);

/* Where a group has a column's text. */
static inline enum group_text group_text_of(enum event_column column)
{
	return column == COL_LEVEL        ? GROUP_LEVEL
	       : column == COL_LEVEL_TEXT ? GROUP_LEVEL_TEXT
	       : column == COL_TARGET     ? GROUP_TARGET
	                                  : GROUP_MESSAGE;
}

/* The text of a number, without escapes; ptr NULL: none. *lasting: it outlives the groups, as those of shapes do. */
struct slice event_groups_text(const struct event_groups *g, uint32_t number, bool *lasting);

/* The id of the k-th event of group i; the first call reads the events once more. 1, 0 (there are not so many), or
 * negative. */
int event_groups_id(struct event_groups *g, size_t i, uint64_t k, int64_t *id);

#endif
