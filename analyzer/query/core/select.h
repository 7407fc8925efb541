/* SPDX-License-Identifier: GPL-3.0-or-later */
/* select.h - a SELECT put together from conditions that users give: what they type is bound, never pasted. */
#ifndef QUERY_SELECT_H
#define QUERY_SELECT_H

#include "query/core/query.h"
#include "render/text.h"

/* Zero-initialise; select_done in any case. */
struct select {
	struct text sql;
	struct {
		const char *text; /* borrowed; NULL: number */
		int64_t number;
	} binds[32];
	int nbinds;
	bool where;   /* a WHERE is open: the next condition starts with AND */
	int64_t most; /* rows, besides what --limit says; 0: all */
};

void select_add(struct select *s, const char *sql);
/* condition has one ? */
void select_where(struct select *s, const char *condition, const char *value);
void select_where_number(struct select *s, const char *condition, int64_t value);
/* The same where value is given at all, and with * and ? in it as a pattern. */
void select_like(struct select *s, const char *column, const char *value);
/* run = ? where --run was given. */
void select_run(struct query *q, struct select *s, const char *column);
/* Ends it with a LIMIT where there is one. To be finalised by the caller; NULL: failed. */
sqlite3_stmt *select_prepare(struct query *q, struct select *s);
/* Prepares, shows all rows and is done with s. */
void select_table(struct query *q, struct select *s, const struct column *columns);
void select_done(struct select *s);

#endif
