/* SPDX-License-Identifier: GPL-3.0-or-later */
/* vtab_event.c - the table `event` (docs/tables.md) and the functions field() and has().
 *
 * A query on the table is a cursor of the store with as much of the WHERE clause as it can use (event_plan.c,
 * event_where.c). Only the columns that are asked for are made.
 *
 * The hidden column `event` is the event's id. field() and has() find the event at hand under it, because a query asks
 * for the fields of the row it is at; any other id is read from the store. */
#include "base/aggregate.h"
#include "store/vtab_event.h"
#include "store/event_value.h"
#include "store/event_room.h"
#include "store/event_where.h"
#include "store/groups.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* foreign is an SQL word: queries quote it. */
static const char declaration[] = "CREATE TABLE event(id INTEGER, run INTEGER, source INTEGER, line INTEGER, offset "
                                  "INTEGER, time_ns INTEGER, second INTEGER, level TEXT, level_text TEXT, kind TEXT, "
                                  "target TEXT, message TEXT, tid TEXT, fields TEXT, span TEXT, spans TEXT, raw TEXT, "
                                  "\"foreign\" INTEGER, event HIDDEN)";

static const char not_a_test[] = "has() wants 'name=value', 'name<value', 'name>value' or 'name'";

/* Of the hidden column's values: by it MATCH knows them. */
enum { EVENT_SUBTYPE = 'e' };

struct cursor;

/* What the program of a running statement shows (event_plan.h), which is read once: a subquery opens a cursor for each
 * row around it. A statement is prepared before it runs, and the planner asked then: until that, nothing else stands at
 * this address. */
struct shown {
	const sqlite3_stmt *of; /* NULL: nothing is known */
	enum { ON_UNKNOWN, ON_NOT, ON_MEANT } on;
	char *implied;     /* event_implied_text, */
	bool implied_read; /* once that was asked */
};

/* Shared by the table and the functions of one connection. */
struct module {
	struct store *store;
	unsigned refs;
	struct cursor *cursors; /* open ones: their events are at hand */
	double events;          /* in the database, for the planner; negative: not counted yet */
	bool instr;             /* a statement has called it of a column */
	struct event_matcher matcher;
	struct shown shown;
	bool reading; /* what it shows: the planner is asked for the same statement */
};

struct table {
	sqlite3_vtab base;
	sqlite3 *db; /* its connection, which may be another than the store's */
	struct module *m;
};

struct cursor {
	sqlite3_vtab_cursor base;
	struct cursor *next;
	struct module *m;
	struct event_where where;
	struct event_cursor *events;
	const struct event *at;          /* NULL: the end, or groups */
	struct event_groups *groups;     /* of a plan by groups, else NULL */
	const struct event_group *group; /* NULL: the end */
	size_t group_at;
	uint64_t left; /* of the group, with the one at hand */
	bool once;
	struct event_offsets offsets;
};

/* ---- the cursor ---- */

static void cursor_clear(struct cursor *c)
{
	c->at = NULL;
	event_cursor_close(c->events);
	c->events = NULL;
	event_groups_close(c->groups);
	c->groups = NULL;
	c->group = NULL;
	event_where_done(&c->where);
	c->offsets = (struct event_offsets){0};
}

/* Turns a store's error into SQLite's, with its text. */
static int failed(sqlite3_vtab *v, int rc)
{
	sqlite3_free(v->zErrMsg);
	v->zErrMsg = sqlite3_mprintf("%s", store_error(rc));
	return sql_code(rc);
}

/* The first event of group i. */
static void group_enter(struct cursor *c, size_t i)
{
	c->group_at = i;
	c->group = i < event_groups_count(c->groups) ? event_groups_at(c->groups, i) : NULL;
	c->left = !c->group ? 0 : c->once ? 1 : c->group->n;
}

static int events_open(struct cursor *c)
{
	event_cursor_close(c->events);
	c->events = NULL;
	return event_cursor_open(c->m->store, &c->where.q, &c->events);
}

static int cursor_next(sqlite3_vtab_cursor *base)
{
	struct cursor *c = (struct cursor *)base;
	int rc;

	if (c->groups) {
		if (!--c->left)
			group_enter(c, c->group_at + 1);
		return SQLITE_OK;
	}
	do {
		c->at = NULL;
		while (!(rc = event_cursor_next(c->events, &c->at)) && event_where_next_tid(&c->where))
			if ((rc = events_open(c)))
				break;
		if (rc < 0)
			return failed(base->pVtab, rc);
		if (!rc)
			c->at = NULL;
	} while (c->at && !event_where_row(&c->where, c->at));
	return c->where.error ? failed(base->pVtab, c->where.error) : SQLITE_OK;
}

static void shown_forget(struct module *m)
{
	free(m->shown.implied);
	m->shown = (struct shown){0};
}

/* Of the statement that runs; NULL where none is known to be the one at hand. */
static struct shown *shown_now(const struct cursor *c, sqlite3_stmt **out)
{
	struct module *m = c->m;

	*out = event_plan_statement(((struct table *)c->base.pVtab)->db);
	if (m->shown.of != *out)
		shown_forget(m);
	m->shown.of = *out;
	return *out ? &m->shown : NULL;
}

/* What the statement shows beside its constraints. One text can be searched for. */
static int implied_add(struct cursor *c)
{
	sqlite3_stmt *stmt;
	struct shown *shown;

	if (!c->m->instr || c->where.q.search.ptr)
		return 0;
	shown = shown_now(c, &stmt);
	if (shown && !shown->implied_read) {
		c->m->reading = true;
		shown->implied = event_implied_text(stmt);
		shown->implied_read = true;
		c->m->reading = false;
	}
	return shown && shown->implied ? event_where_contains(&c->where, shown->implied, strlen(shown->implied)) : 0;
}

/* Conditions by name may be those of an ON, which choose no rows here. */
static bool means_on(struct cursor *c, unsigned number)
{
	sqlite3_stmt *stmt;
	struct shown *shown;

	if (!(number & EVENT_LEFT_JOINS))
		return false;
	shown = shown_now(c, &stmt);
	if (shown && shown->on == ON_UNKNOWN) {
		c->m->reading = true;
		shown->on = event_plan_means_on(stmt) ? ON_MEANT : ON_NOT;
		c->m->reading = false;
	}
	return !shown || shown->on == ON_MEANT;
}

static int cursor_filter(sqlite3_vtab_cursor *base, int number, const char *plan, int argc, sqlite3_value **argv)
{
	struct cursor *c = (struct cursor *)base;
	struct event_order order[EVENT_ORDER_MAX];
	bool on = means_on(c, (unsigned)number);
	int i, rc = SQLITE_OK;

	cursor_clear(c);
	for (i = 0; i < argc && !rc; i++) {
		enum event_column column;
		unsigned char op;

		if (!event_plan_argument(plan, i, &column, &op) || !on)
			rc = event_where_add(&c->where, column, op, argv[i]);
	}
	if (rc == SQLITE_MISUSE) {
		sqlite3_free(base->pVtab->zErrMsg);
		base->pVtab->zErrMsg = sqlite3_mprintf("%s", not_a_test);
		return SQLITE_ERROR;
	}
	if (rc || c->where.none)
		return rc;
	c->where.q.brief = true;
	if ((unsigned)number & EVENT_GROUPED) {
		c->once = (unsigned)number & EVENT_ONCE;
		rc = event_groups_open(c->m->store, &c->where, (unsigned)number & EVENT_GROUP_COLUMNS, order,
		                       event_plan_order(plan, argc, order), &c->groups);
		if (!rc)
			group_enter(c, 0);
		return rc ? failed(base->pVtab, rc) : SQLITE_OK;
	}
	rc = implied_add(c);
	event_where_next_tid(&c->where);
	if (!rc)
		rc = events_open(c);
	return rc ? failed(base->pVtab, rc) : cursor_next(base);
}

static int cursor_eof(sqlite3_vtab_cursor *base)
{
	const struct cursor *c = (struct cursor *)base;

	return !c->at && !c->group;
}

static void datum_result(sqlite3_context *ctx, const struct event_datum *d)
{
	if (d->type == DATUM_INTEGER)
		sqlite3_result_int64(ctx, d->integer);
	else if (d->type == DATUM_NULL)
		sqlite3_result_null(ctx);
	else if (d->escaped && d->lasting)
		event_constant_result(ctx, d->text);
	else if (d->escaped)
		event_text_result(ctx, d->text);
	else
		sqlite3_result_text64(ctx, d->text.ptr, d->text.len, d->lasting ? SQLITE_STATIC : SQLITE_TRANSIENT,
		                      SQLITE_UTF8);
}

static void group_column(const struct cursor *c, sqlite3_context *ctx, int column)
{
	const struct event_group *g = c->group;
	struct slice text;
	bool lasting;

	switch (column) {
	case COL_RUN:
		sqlite3_result_int64(ctx, g->run);
		return;
	case COL_SOURCE:
		sqlite3_result_int64(ctx, g->source);
		return;
	case COL_SECOND:
		sqlite3_result_int64(ctx, g->second);
		return;
	case COL_KIND:
		sqlite3_result_text(ctx, g->is_text ? "text" : "record", -1, SQLITE_STATIC);
		return;
	default:
		text = event_groups_text(c->groups, g->text[group_text_of((enum event_column)column)], &lasting);
		if (text.ptr)
			sqlite3_result_text64(ctx, text.ptr, text.len, lasting ? SQLITE_STATIC : SQLITE_TRANSIENT,
			                      SQLITE_UTF8);
	}
}

static int cursor_column(sqlite3_vtab_cursor *base, sqlite3_context *ctx, int column)
{
	struct cursor *c = (struct cursor *)base;
	struct event_datum d = {.type = DATUM_INTEGER};
	int rc;

	if (c->group) {
		group_column(c, ctx, column);
		return SQLITE_OK;
	}
	rc = column == COL_OFFSET ? event_offset_next(&c->offsets, c->at, &d.integer)
	                          : event_datum(c->at, (enum event_column)column, &d);
	if (rc)
		return failed(base->pVtab, rc);
	datum_result(ctx, &d);
	if (column == COL_EVENT)
		sqlite3_result_subtype(ctx, EVENT_SUBTYPE);
	return SQLITE_OK;
}

static int cursor_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out)
{
	struct cursor *c = (struct cursor *)base;
	int64_t id = 0;
	int rc = 1;

	/* Plans do not tell that rowids are asked for, which tell the rows of a group apart: all of them are wanted
	 * then, of this group and those behind. Of those before it none was asked for. */
	if (c->group && c->once) {
		c->once = false;
		c->left = c->group->n;
	}
	if (c->group)
		rc = event_groups_id(c->groups, c->group_at, c->group->n - c->left, &id);
	else
		id = c->at->id;
	*out = id;
	return rc == 1 ? SQLITE_OK : failed(base->pVtab, rc ? rc : -EBADMSG);
}

static int cursor_open(sqlite3_vtab *base, sqlite3_vtab_cursor **out)
{
	struct module *m = ((struct table *)base)->m;
	struct cursor *c = calloc(1, sizeof *c);

	if (!c)
		return SQLITE_NOMEM;
	c->m = m;
	c->next = m->cursors;
	m->cursors = c;
	*out = &c->base;
	return SQLITE_OK;
}

static int cursor_close(sqlite3_vtab_cursor *base)
{
	struct cursor *c = (struct cursor *)base, **link = &c->m->cursors;

	while (*link != c)
		link = &(*link)->next;
	*link = c->next;
	cursor_clear(c);
	free(c);
	return SQLITE_OK;
}

/* ---- field() and has() ---- */

/* The event of a function's first argument: 1, 0 (none) or negative. */
static int event_of(struct module *m, sqlite3_value *v, const struct event **out)
{
	const struct cursor *c;
	int64_t id;

	if (sqlite3_value_type(v) != SQLITE_INTEGER)
		return 0;
	id = sqlite3_value_int64(v);
	for (c = m->cursors; c; c = c->next)
		if (c->at && c->at->id == id) {
			*out = c->at;
			return 1;
		}
	return event_get_brief(m->store, id, out);
}

static void call_field(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	const char *name = (const char *)sqlite3_value_text(argv[1]);
	const struct event *e;
	struct slice v;
	int rc;

	(void)argc;
	if (!name)
		return;
	rc = event_of(sqlite3_user_data(ctx), argv[0], &e);
	if (rc < 0)
		sql_result_fail(ctx, rc, store_error(rc));
	else if (rc)
		event_value_result(ctx, event_field(e, name, &v), v);
	if (rc > 0 && event_error(e))
		sql_result_fail(ctx, event_error(e), store_error(event_error(e)));
}

static void call_has(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	const char *text = (const char *)sqlite3_value_text(argv[1]);
	const struct event *e;
	struct event_test t;
	int rc;

	(void)argc;
	if (!text)
		return;
	rc = event_of(sqlite3_user_data(ctx), argv[0], &e);
	if (!rc)
		return;
	if (rc > 0)
		rc = event_test_parse(text, &t);
	if (rc == -EINVAL) {
		sqlite3_result_error(ctx, not_a_test, -1);
	} else if (rc) {
		sql_result_fail(ctx, rc, store_error(rc));
	} else {
		rc = event_test_passes(&t, e);
		event_test_done(&t);
		if (rc < 0)
			sql_result_fail(ctx, rc, store_error(rc));
		else
			sqlite3_result_int(ctx, rc);
	}
}

/* event MATCH 'text' where the cursor does not decide: match('text', event). A column of a subquery is no longer known
 * to be an event's; as for has(), any number is an id. */
static void match_event(sqlite3_context *ctx, struct module *m, sqlite3_value **argv, bool is_event)
{
	int type = sqlite3_value_type(argv[0]);
	const char *text = type == SQLITE_BLOB ? NULL : (const char *)sqlite3_value_text(argv[0]);
	const struct event *e;
	int rc;

	if (type == SQLITE_NULL || sqlite3_value_type(argv[1]) == SQLITE_NULL)
		return;
	if (!is_event) {
		sqlite3_result_error(ctx, "unable to use function MATCH in the requested context", -1);
		return;
	}
	rc = event_of(m, argv[1], &e);
	if (!rc)
		return;
	if (rc > 0)
		rc = text ? event_matches(&m->matcher, e, (struct slice){text, (size_t)sqlite3_value_bytes(argv[0])})
		          : 0;
	if (rc < 0)
		sql_result_fail(ctx, rc, store_error(rc));
	else
		sqlite3_result_int(ctx, rc);
}

/* Of a column of the table. */
static void call_match_column(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	(void)argc;
	match_event(ctx, sqlite3_user_data(ctx), argv, sqlite3_value_subtype(argv[1]) == EVENT_SUBTYPE);
}

static void call_match(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	(void)argc;
	match_event(ctx, sqlite3_user_data(ctx), argv, sqlite3_value_type(argv[1]) == SQLITE_INTEGER);
}

/* SQLite's own, which cannot be called from here: it stands for instr() of every column of the table, as a value. */
static void call_instr(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	bool bytes = sqlite3_value_type(argv[0]) == SQLITE_BLOB && sqlite3_value_type(argv[1]) == SQLITE_BLOB;
	const char *in, *what, *hit;
	size_t n, m;
	int64_t at = 1;

	(void)argc;
	if (sqlite3_value_type(argv[0]) == SQLITE_NULL || sqlite3_value_type(argv[1]) == SQLITE_NULL)
		return;
	in = bytes ? sqlite3_value_blob(argv[0]) : (const char *)sqlite3_value_text(argv[0]);
	what = bytes ? sqlite3_value_blob(argv[1]) : (const char *)sqlite3_value_text(argv[1]);
	n = (size_t)sqlite3_value_bytes(argv[0]);
	m = (size_t)sqlite3_value_bytes(argv[1]);
	hit = !m ? "" : n ? memmem(in, n, what, m) : NULL;
	if (m && hit)
		for (const char *p = in; p < hit; p++)
			at += bytes || (*p & 0xc0) != 0x80;
	sqlite3_result_int64(ctx, hit ? at : 0);
}

/* has(event, ...) as a condition comes to best_index, as instr(fields, ...) does. */
static int find_function(sqlite3_vtab *base, int argc, const char *name,
                         void (**f)(sqlite3_context *, int, sqlite3_value **), void **arg)
{
	if (argc == 2 && !sqlite3_stricmp(name, "instr")) {
		((struct table *)base)->m->instr = true;
		*f = call_instr;
		*arg = NULL;
		return EVENT_INSTR;
	}
	*arg = ((struct table *)base)->m;
	if (argc == 2 && !sqlite3_stricmp(name, "match")) {
		*f = call_match_column;
		return 1;
	}
	if (argc != 2 || sqlite3_stricmp(name, "has"))
		return 0;
	*f = call_has;
	return EVENT_HAS;
}

/* ---- the module ---- */

static double events_counted(struct module *m)
{
	int64_t lines;

	if (m->events >= 0)
		return m->events;
	m->events = sql_number(store_db(m->store), "SELECT sum(lines) FROM chunk", &lines) ? 1e6 : (double)lines;
	return m->events;
}

static int best_index(sqlite3_vtab *base, sqlite3_index_info *info)
{
	struct module *m = ((struct table *)base)->m;

	if (!m->reading) /* a new statement, perhaps at the address of one that is gone */
		shown_forget(m);
	return event_plan(info, events_counted(m), m->store->left_joins);
}

static void module_release(void *arg)
{
	struct module *m = arg;

	if (--m->refs)
		return;
	event_matcher_done(&m->matcher);
	shown_forget(m);
	free(m);
}

static int table_connect(sqlite3 *db, void *arg, int argc, const char *const *argv, sqlite3_vtab **out, char **why)
{
	struct table *t;
	int rc = sqlite3_declare_vtab(db, declaration);

	(void)argc;
	(void)argv;
	(void)why;
	if (rc)
		return rc;
	sqlite3_vtab_config(db, SQLITE_VTAB_INNOCUOUS);
	t = calloc(1, sizeof *t);
	if (!t)
		return SQLITE_NOMEM;
	t->db = db;
	t->m = arg;
	*out = &t->base;
	return SQLITE_OK;
}

static int table_disconnect(sqlite3_vtab *base)
{
	free(base);
	return SQLITE_OK;
}

static const sqlite3_module methods = {
    .xConnect = table_connect, /* and no xCreate: the table is there by itself */
    .xDisconnect = table_disconnect,
    .xBestIndex = best_index,
    .xOpen = cursor_open,
    .xClose = cursor_close,
    .xFilter = cursor_filter,
    .xNext = cursor_next,
    .xEof = cursor_eof,
    .xColumn = cursor_column,
    .xRowid = cursor_rowid,
    .xFindFunction = find_function,
};

/* The function releases the module, also when it fails. */
static int function_register(sqlite3 *db, const char *name, struct module *m,
                             void (*call)(sqlite3_context *, int, sqlite3_value **))
{
	return sqlite3_create_function_v2(db, name, 2, SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS, m, call,
	                                  NULL, NULL, module_release);
}

int vtab_event_register(sqlite3 *db, struct store *s)
{
	struct module *m = calloc(1, sizeof *m);
	int rc;

	if (!m)
		return -ENOMEM;
	m->store = s;
	m->events = -1;
	m->refs = 4; /* each call below releases its own, also when it fails */
	rc = sqlite3_create_module_v2(db, "event", &methods, m, module_release);
	rc |= function_register(db, "field", m, call_field);
	rc |= function_register(db, "has", m, call_has);
	rc |= function_register(db, "match", m, call_match);
	rc |= aggregate_register(db);
	rc |= sums_register(db, &s->texts);
	rc |= store_clock_register(s);
	return rc ? -ENOMEM : 0;
}
