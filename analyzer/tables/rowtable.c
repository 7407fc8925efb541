/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rowtable.c - the part of a virtual table that is the same for all. */
#include "tables/rowtable.h"
#include "base/sql.h"
#include <errno.h>
#include <stdlib.h>

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
				break;
			}
	info->estimatedRows = (sqlite3_int64)(info->idxNum & 1 ? def->rows_of_one : def->rows);
	info->estimatedCost = info->idxNum & 1 ? def->rows_of_one * 10 : def->rows * 10 / (info->idxNum ? 2 : 1);
	return SQLITE_OK;
}

static int open_cursor(sqlite3_vtab *t, sqlite3_vtab_cursor **out)
{
	struct cursor *c = sqlite3_malloc(sizeof *c);

	(void)t;
	if (!c)
		return SQLITE_NOMEM;
	*c = (struct cursor){.end = true};
	*out = &c->base;
	return SQLITE_OK;
}

static void close_state(struct cursor *c)
{
	if (c->state)
		def_of(c)->close(c->state);
	c->state = NULL;
}

static int close_cursor(sqlite3_vtab_cursor *base)
{
	close_state((struct cursor *)base);
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
	                             rc == -EBADMSG ? "the database is damaged" : strerror(-rc));
	return sql_code(rc);
}

static int next_row(sqlite3_vtab_cursor *base)
{
	struct cursor *c = (struct cursor *)base;
	int rc = def_of(c)->next(c->state);

	if (rc < 0)
		return fail(c, rc);
	c->end = !rc;
	return SQLITE_OK;
}

static int filter(sqlite3_vtab_cursor *base, int num, const char *text, int argc, sqlite3_value **argv)
{
	struct cursor *c = (struct cursor *)base;
	const struct table *t = (const struct table *)base->pVtab;
	sqlite3_value *value[ROWTABLE_PUSHED] = {NULL};
	int at = 0, rc;

	(void)text, (void)argc;
	for (int p = 0; p < ROWTABLE_PUSHED; p++)
		if (num >> p & 1) {
			int type = sqlite3_value_type(argv[at]);

			/* Nothing equals NULL. */
			if (type == SQLITE_NULL) {
				c->end = true;
				return SQLITE_OK;
			}
			if (!(def_of(c)->text >> p & 1) || type == SQLITE_TEXT)
				value[p] = argv[at];
			at++;
		}
	close_state(c);
	rc = def_of(c)->open(t->module->store, t->db, value, &c->state);
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
