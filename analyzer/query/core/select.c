/* SPDX-License-Identifier: GPL-3.0-or-later */
/* select.c - see select.h */
#include "query/core/select.h"
#include <errno.h>
#include <string.h>

void select_add(struct select *s, const char *sql)
{
	text_puts(&s->sql, sql);
}

static void open_condition(struct select *s, const char *condition)
{
	text_printf(&s->sql, " %s (%s)", s->where ? "AND" : "WHERE", condition);
	s->where = true;
}

void select_where(struct select *s, const char *condition, const char *value)
{
	open_condition(s, condition);
	s->binds[s->nbinds++].text = value;
}

void select_where_number(struct select *s, const char *condition, int64_t value)
{
	open_condition(s, condition);
	s->binds[s->nbinds].text = NULL;
	s->binds[s->nbinds++].number = value;
}

void select_like(struct select *s, const char *column, const char *value)
{
	char condition[128];

	if (!value)
		return;
	snprintf(condition, sizeof condition, "%s %s ?", column, strpbrk(value, "*?") ? "GLOB" : "=");
	select_where(s, condition, value);
}

void select_run(struct query *q, struct select *s, const char *column)
{
	char condition[64];
	int64_t run = query_run(q);

	if (!run)
		return;
	snprintf(condition, sizeof condition, "%s = ?", column);
	select_where_number(s, condition, run);
}

static void end_with_limit(const struct query *q, struct select *s)
{
	int64_t most = s->most && s->most < q->rows_most ? s->most : q->rows_most;

	if (most < INT64_MAX)
		text_printf(&s->sql, " LIMIT %lld", (long long)most);
}

sqlite3_stmt *select_prepare(struct query *q, struct select *s)
{
	sqlite3_stmt *stmt;

	end_with_limit(q, s);
	if (!query_ok(q, s->sql.failed ? -ENOMEM : 0, q->command))
		return NULL;
	stmt = query_prepare(q, text_str(&s->sql));
	for (int i = 0; i < s->nbinds; i++) {
		if (s->binds[i].text)
			sqlite3_bind_text(stmt, i + 1, s->binds[i].text, -1, SQLITE_STATIC);
		else
			sqlite3_bind_int64(stmt, i + 1, s->binds[i].number);
	}
	return stmt;
}

void select_table(struct query *q, struct select *s, const struct column *columns)
{
	sqlite3_stmt *stmt = select_prepare(q, s);

	query_table(q, stmt, columns);
	sqlite3_finalize(stmt);
	select_done(s);
}

void select_done(struct select *s)
{
	text_done(&s->sql);
}
