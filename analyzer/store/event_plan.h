/* SPDX-License-Identifier: GPL-3.0-or-later */
/* event_plan.h - which conditions on the table `event` its cursor takes over. */
#ifndef STORE_EVENT_PLAN_H
#define STORE_EVENT_PLAN_H

#include <sqlite3.h>
#include <stdbool.h>

enum event_column {
	COL_ID,
	COL_RUN,
	COL_SOURCE,
	COL_LINE,
	COL_OFFSET,
	COL_TIME_NS,
	COL_SECOND,
	COL_LEVEL,
	COL_LEVEL_TEXT,
	COL_KIND,
	COL_TARGET,
	COL_MESSAGE,
	COL_TID,
	COL_FIELDS,
	COL_SPAN,
	COL_SPANS,
	COL_RAW,
	COL_FOREIGN,
	COL_EVENT
};

/* Texts that a line's shape has, but for messages that differ within one. */
static inline bool event_column_is_of_shape(enum event_column column)
{
	return column == COL_LEVEL || column == COL_LEVEL_TEXT || column == COL_TARGET || column == COL_MESSAGE;
}

/* The condition has(event, ...) among SQLite's constraint operators. */
#define EVENT_HAS SQLITE_INDEX_CONSTRAINT_FUNCTION

/* Columns that events can be grouped by, as bits 1 << enum event_column. */
#define EVENT_GROUP_COLUMNS                                                                             \
	(1u << COL_RUN | 1u << COL_SOURCE | 1u << COL_SECOND | 1u << COL_LEVEL | 1u << COL_LEVEL_TEXT | \
	 1u << COL_KIND | 1u << COL_TARGET | 1u << COL_MESSAGE)
/* A plan's number (idxNum): 0 for events in the order of the logs, else the bits of the columns that events are grouped
 * by, */
#define EVENT_GROUPED (1u << 30) /* this one, */
#define EVENT_ONCE    (1u << 29) /* and this one where each group is wanted once */
/* And this one where some arguments are conditions that SQLite told by name, has(), MATCH and the like, and the
 * statement may have a LEFT JOIN. SQLite 3.40 tells the left side of one in its ON, too, where it chooses no rows of
 * that side: event_plan_means_on() knows. SQLite tests them again. */
#define EVENT_LEFT_JOINS (1u << 28)

/* The condition instr(fields, ...). */
#define EVENT_INSTR (SQLITE_INDEX_CONSTRAINT_FUNCTION + 1)
/* A text column IN (...), all values at once: SQLite, which would give one after the other as if it were '=', compares
 * them as text then, also where the IN compares numbers. */
#define EVENT_IN (SQLITE_INDEX_CONSTRAINT_FUNCTION + 2)

/* xBestIndex: fills info in for a database with this many events. left_joins: the statement may have one. SQLITE_OK or
 * SQLITE_NOMEM. */
int event_plan(sqlite3_index_info *info, double events, bool left_joins);

/* The statement that runs on db; NULL where several do, and none is known to be the one at hand. */
sqlite3_stmt *event_plan_statement(sqlite3 *db);

/* It may have conditions by name in the ON of a LEFT JOIN. */
bool event_plan_means_on(sqlite3_stmt *stmt);

struct event_order {
	enum event_column column;
	bool desc;
};

/* Of a plan with so many arguments: the columns that groups are sorted by, at most EVENT_ORDER_MAX. */
#define EVENT_ORDER_MAX 8
unsigned event_plan_order(const char *plan, int arguments, struct event_order order[EVENT_ORDER_MAX]);

/* What argument i of xFilter is about. true: a condition by name. */
bool event_plan_argument(const char *plan, int i, enum event_column *column, unsigned char *op);

/* The statement reads a virtual table: a text that is in the column `fields` of every row that has any effect, yours;
 * NULL where none is known. */
char *event_implied_text(sqlite3_stmt *stmt);

#endif
