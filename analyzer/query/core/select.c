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

int select_run(struct query *q, struct select *s, const char *column)
{
	char condition[64];
	int64_t run;
	int status = query_run(q, &run);

	if (status || !run)
		return status;
	snprintf(condition, sizeof condition, "%s = ?", column);
	select_where_number(s, condition, run);
	return DONE;
}

int select_prepare(struct query *q, struct select *s, sqlite3_stmt **stmt)
{
	int status = s->sql.failed ? query_errno(q, -ENOMEM, q->command) : query_prepare(q, text_str(&s->sql), stmt);

	for (int i = 0; i < s->nbinds && !status; i++) {
		if (s->binds[i].text)
			sqlite3_bind_text(*stmt, i + 1, s->binds[i].text, -1, SQLITE_STATIC);
		else
			sqlite3_bind_int64(*stmt, i + 1, s->binds[i].number);
	}
	return status;
}

int select_table(struct query *q, struct select *s, const struct column *columns)
{
	sqlite3_stmt *stmt = NULL;
	int status = select_prepare(q, s, &stmt);

	if (!status)
		status = query_table(q, stmt, columns);
	sqlite3_finalize(stmt);
	select_done(s);
	return status;
}

void select_done(struct select *s)
{
	text_done(&s->sql);
}
