/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rowtable.c - the part of a virtual table that is the same for all. */
#include "tables/rowtable.h"
#include "base/array.h"
#include "base/sql.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct module {
	const struct rowtable *def;
	struct store *store;
};

struct table {
	sqlite3_vtab base;
	sqlite3 *db;
	const struct module *module;
};

struct cursor {
	sqlite3_vtab_cursor base;
	void *state;
	bool end;
	/* of an IN over text: its values, one after the other, and those of the other columns; ours */
	sqlite3_value **in, *value[ROWTABLE_PUSHED];
	size_t nin, in_room, in_at;
	int in_column;
};

static const struct rowtable *def_of(const struct cursor *c)
{
	return ((const struct table *)c->base.pVtab)->module->def;
}

static int connect_table(sqlite3 *db, void *aux, int argc, const char *const *argv, sqlite3_vtab **out, char **why)
{
	const struct module *m = aux;
	struct table *t;
	int rc = sqlite3_declare_vtab(db, m->def->schema);

	(void)argc, (void)argv, (void)why;
	if (rc)
		return rc;
	t = sqlite3_malloc(sizeof *t);
	if (!t)
		return SQLITE_NOMEM;
	*t = (struct table){.db = db, .module = m};
	*out = &t->base;
	return SQLITE_OK;
}

static int disconnect_table(sqlite3_vtab *t)
{
	sqlite3_free(t);
	return SQLITE_OK;
}

/* All values of an IN come at once, with this bit above that of the column. Where SQLite gives one after the other as
 * if it were '=', it compares them as text, also where the IN compares numbers. */
enum { IN_SHIFT = 8 };

/* Whether an argument would come from another table, but not in this plan: its rows would be those of no argument. */
static bool lacks_argument(const struct rowtable *def, const sqlite3_index_info *info)
{
	bool lacks = false;

	for (int i = 0; def->arguments && i < info->nConstraint; i++) {
		const struct sqlite3_index_constraint *c = &info->aConstraint[i];
		bool given = c->usable;

		if (c->iColumn < def->arguments || c->op != SQLITE_INDEX_CONSTRAINT_EQ)
			continue;
		for (int k = 0; k < info->nConstraint; k++)
			given |= info->aConstraint[k].usable && info->aConstraint[k].iColumn == c->iColumn &&
			         info->aConstraint[k].op == SQLITE_INDEX_CONSTRAINT_EQ;
		lacks |= !given;
	}
	return lacks;
}

/* idxNum has a bit for each pushed column whose value comes as an argument, in order. */
static int best_index(sqlite3_vtab *v, sqlite3_index_info *info)
{
	const struct rowtable *def = ((struct table *)v)->module->def;
	int args = 0;

	info->idxNum = 0;
	for (int p = 0; p < ROWTABLE_PUSHED && def->pushed[p] >= 0; p++)
		for (int i = 0; i < info->nConstraint; i++)
			if (info->aConstraint[i].usable && info->aConstraint[i].op == SQLITE_INDEX_CONSTRAINT_EQ &&
			    info->aConstraint[i].iColumn == def->pushed[p] &&
			    !sqlite3_stricmp(sqlite3_vtab_collation(info, i), "BINARY")) {
				info->aConstraintUsage[i].argvIndex = ++args;
				info->idxNum |= 1 << p;
				if (def->text >> p & 1 && sqlite3_vtab_in(info, i, -1) && sqlite3_vtab_in(info, i, 1))
					info->idxNum |= 1 << IN_SHIFT << p;
				break;
			}
	info->estimatedRows = (sqlite3_int64)(info->idxNum & 1 ? def->rows_of_one : def->rows);
	info->estimatedCost = info->idxNum & 1 ? def->rows_of_one * 10 : def->rows * 10 / (info->idxNum ? 2 : 1);
	if (lacks_argument(def, info))
		info->estimatedCost = 1e90; /* any other plan */
	return SQLITE_OK;
}

static int open_cursor(sqlite3_vtab *t, sqlite3_vtab_cursor **out)
{
	struct cursor *c = sqlite3_malloc(sizeof *c);

	(void)t;
	if (!c)
		return SQLITE_NOMEM;
	*c = (struct cursor){.end = true, .in_column = -1};
	*out = &c->base;
	return SQLITE_OK;
}

static void close_state(struct cursor *c)
{
	if (c->state)
		def_of(c)->close(c->state);
	c->state = NULL;
}

static void forget_in(struct cursor *c)
{
	while (c->nin)
		sqlite3_value_free(c->in[--c->nin]);
	free(c->in);
	c->in = NULL;
	c->in_room = c->in_at = 0;
	for (int p = 0; p < ROWTABLE_PUSHED; p++) {
		sqlite3_value_free(c->value[p]);
		c->value[p] = NULL;
	}
	c->in_column = -1;
}

static int close_cursor(sqlite3_vtab_cursor *base)
{
	close_state((struct cursor *)base);
	forget_in((struct cursor *)base);
	sqlite3_free(base);
	return SQLITE_OK;
}

/* SQLite's code for one of ours, with a message. */
static int fail(struct cursor *c, int rc)
{
	sqlite3_vtab *t = c->base.pVtab;

	c->end = true;
	if (rc == -ENOMEM)
		return SQLITE_NOMEM;
	sqlite3_free(t->zErrMsg);
	t->zErrMsg = sqlite3_mprintf("table %s: %s", def_of(c)->name,
	                             rc == -EBADMSG                        ? "the database is damaged"
	                             : rc == -EINVAL && def_of(c)->refused ? def_of(c)->refused
	                                                                   : strerror(-rc));
	return sql_code(rc);
}

static int open_rows(struct cursor *c, sqlite3_value *const *value)
{
	const struct table *t = (const struct table *)c->base.pVtab;

	close_state(c);
	return def_of(c)->open(t->module->store, t->db, value, &c->state);
}

/* The rows of the next value of an IN: 1, 0 (there is none) or negative. */
static int open_next(struct cursor *c)
{
	sqlite3_value *value[ROWTABLE_PUSHED];
	int rc;

	if (c->in_at == c->nin)
		return 0;
	memcpy(value, c->value, sizeof value);
	value[c->in_column] = c->in[c->in_at++];
	rc = open_rows(c, value);
	return rc ? rc : 1;
}

static int next_row(sqlite3_vtab_cursor *base)
{
	struct cursor *c = (struct cursor *)base;
	int rc;

	while (!(rc = def_of(c)->next(c->state)) && (rc = open_next(c)) == 1)
		;
	if (rc < 0)
		return fail(c, rc);
	c->end = !rc;
	return SQLITE_OK;
}

/* Readers take a text up to its first NUL: of one that has any behind that, SQLite decides. */
static bool has_nul(sqlite3_value *v)
{
	const unsigned char *text = sqlite3_value_text(v);

	return text && memchr(text, '\0', (size_t)sqlite3_value_bytes(v));
}

/* Keeps the texts of an IN. *all: a number is among them, or a NUL, and SQLite decides; else what is no text is equal
 * to none. */
static int read_in(struct cursor *c, sqlite3_value *in, bool *all)
{
	sqlite3_value *v;
	int rc;

	*all = false;
	for (rc = sqlite3_vtab_in_first(in, &v); rc == SQLITE_OK; rc = sqlite3_vtab_in_next(in, &v)) {
		int type = sqlite3_value_type(v);
		sqlite3_value **to;

		*all |= type == SQLITE_INTEGER || type == SQLITE_FLOAT;
		if (type != SQLITE_TEXT)
			continue;
		*all |= has_nul(v);
		to = array_add(c->in, c->nin, c->in_room);
		if (!to)
			return SQLITE_NOMEM;
		*to = sqlite3_value_dup(v);
		if (!*to) {
			c->nin--;
			return SQLITE_NOMEM;
		}
	}
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* Starts with the first value of an IN; others are kept for the ones behind it. */
static int filter_in(struct cursor *c, sqlite3_value *const *value)
{
	int rc;

	for (int p = 0; p < ROWTABLE_PUSHED; p++)
		if (value[p] && !(c->value[p] = sqlite3_value_dup(value[p])))
			return SQLITE_NOMEM;
	rc = open_next(c);
	if (rc < 0)
		return fail(c, rc);
	c->end = !rc;
	return rc ? next_row(&c->base) : SQLITE_OK;
}

static int filter(sqlite3_vtab_cursor *base, int num, const char *text, int argc, sqlite3_value **argv)
{
	struct cursor *c = (struct cursor *)base;
	sqlite3_value *value[ROWTABLE_PUSHED] = {NULL};
	int at = 0, rc;

	(void)text, (void)argc;
	forget_in(c);
	c->end = true;
	for (int p = 0; p < ROWTABLE_PUSHED; p++)
		if (num >> p & 1) {
			int type = sqlite3_value_type(argv[at]);
			bool all = false;

			if (num >> IN_SHIFT >> p & 1) {
				if ((rc = read_in(c, argv[at++], &all)))
					return rc;
				c->in_column = all ? -1 : p;
				continue;
			}
			/* Nothing equals NULL. */
			if (type == SQLITE_NULL)
				return SQLITE_OK;
			if (!(def_of(c)->text >> p & 1) || (type == SQLITE_TEXT && !has_nul(argv[at])))
				value[p] = argv[at];
			at++;
		}
	if (c->in_column >= 0)
		return filter_in(c, value);
	c->in_at = c->nin; /* of an IN that is SQLite's */
	rc = open_rows(c, value);
	return rc ? fail(c, rc) : next_row(base);
}

static int at_end(sqlite3_vtab_cursor *base)
{
	return ((struct cursor *)base)->end;
}

static int column(sqlite3_vtab_cursor *base, sqlite3_context *ctx, int n)
{
	struct cursor *c = (struct cursor *)base;

	def_of(c)->column(c->state, ctx, n);
	return SQLITE_OK;
}

static int rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out)
{
	struct cursor *c = (struct cursor *)base;
	int64_t id = 0;
	int rc = def_of(c)->rowid(c->state, &id);

	*out = id;
	return rc ? fail(c, rc) : SQLITE_OK;
}

static const sqlite3_module methods = {
    .xConnect = connect_table,
    .xDisconnect = disconnect_table,
    .xDestroy = disconnect_table,
    .xBestIndex = best_index,
    .xOpen = open_cursor,
    .xClose = close_cursor,
    .xFilter = filter,
    .xNext = next_row,
    .xEof = at_end,
    .xColumn = column,
    .xRowid = rowid,
};

int rowtable_register(sqlite3 *db, struct store *s, const struct rowtable *t)
{
	struct module *m = malloc(sizeof *m);

	if (!m)
		return -ENOMEM;
	*m = (struct module){t, s};
	/* xCreate stays NULL: eponymous only. The destructor runs on failure too. */
	return sqlite3_create_module_v2(db, t->name, &methods, m, free) == SQLITE_OK ? 0 : -ENOMEM;
}

int rowtable_integer(sqlite3_value *v, int64_t *out)
{
	double d;

	switch (v ? sqlite3_value_numeric_type(v) : SQLITE_NULL) {
	case SQLITE_NULL:
		return 0;
	case SQLITE_INTEGER:
		*out = sqlite3_value_int64(v);
		return 0;
	case SQLITE_FLOAT:
		d = sqlite3_value_double(v);
		if (!(fabs(d) < 9.2e18) || d != floor(d))
			return -EINVAL;
		*out = (int64_t)d;
		return 0;
	default:
		return -EINVAL;
	}
}

void result_slice(sqlite3_context *c, struct slice v)
{
	if (v.ptr)
		sqlite3_result_text64(c, v.ptr, v.len, SQLITE_TRANSIENT, SQLITE_UTF8);
	else
		sqlite3_result_null(c);
}

void result_ns(sqlite3_context *c, int64_t v)
{
	if (v == INT64_MIN)
		sqlite3_result_null(c);
	else
		sqlite3_result_int64(c, v);
}
