/* SPDX-License-Identifier: GPL-3.0-or-later */
/* found.c - see found.h */
#include "mirror/found.h"
#include "base/array.h"
#include "mirror/ledger.h"
#include "mirror/run_groups.h"
#include "remote/schema.h"
#include <errno.h>
#include <stdlib.h>

/* columns FROM table of every shard, of a run, or of a group of all; of rows that replace each other the newest. */
static int each_of(struct cluster *c, const char *columns, unsigned n, const char *table, struct slice run,
                   const struct run_groups *s, size_t group, fetch_row *row, void *arg, char **why)
{
	const char *key = schema_folded_named(table)->key;
	struct text sql = {0};
	int rc = 0;

	for (size_t i = 0; i < c->n && !rc; i++) {
		text_printf(&sql, "SELECT %s FROM $%s", columns, table);
		if (run.len) {
			text_puts(&sql, " WHERE run = ");
			cluster_quote(&sql, run);
		} else {
			run_groups_where(s, group, &sql);
		}
		text_printf(&sql, " ORDER BY %s, version DESC LIMIT 1 BY %s", key, key);
		rc = cluster_rows(c, i, &sql, n, row, arg, why);
	}
	text_done(&sql);
	return rc;
}

static int each(struct cluster *c, const char *columns, unsigned n, const char *table, struct slice run, fetch_row *row,
                void *arg, char **why)
{
	struct run_groups s = {0};
	int rc = run.len ? 0 : run_groups_of(c, &s, why);

	for (size_t i = 0; i <= s.n && !rc; i++)
		rc = each_of(c, columns, n, table, run, &s, i, row, arg, why);
	run_groups_done(&s);
	return rc;
}

/* ---- where evidence is ---- */

static struct slice kept(struct found_places *p, struct slice v)
{
	return (struct slice){arena_text(&p->texts, v.ptr, v.len), v.len};
}

static int take_place(void *arg, const struct slice *v)
{
	struct found_places *p = arg;
	struct fetch_place *o;

	if (!v[1].ptr) /* a remark */
		return 0;
	o = array_add(p->v, p->n, p->room);
	if (!o)
		return -ENOMEM;
	*o = (struct fetch_place){kept(p, v[0]), kept(p, v[1]), tsv_int(v[2]), tsv_int(v[3])};
	return p->texts.failed ? -ENOMEM : 0;
}

static int by_place(const void *pa, const void *pb)
{
	const struct fetch_place *a = pa, *b = pb;
	int c = slice_compare(a->run, b->run);

	c = c ? c : slice_compare(a->source, b->source);
	return c ? c : (a->line > b->line) - (a->line < b->line);
}

int found_places(struct cluster *c, struct slice run, struct found_places *out, char **why)
{
	size_t n = 0;
	int rc = each(c, "run, source, line, time_ns", 4, "evidence", run, take_place, out, why);

	if (rc) /* a place may be half */
		return rc;
	if (out->n)
		qsort(out->v, out->n, sizeof *out->v, by_place);
	for (size_t i = 0; i < out->n; i++)
		if (!n || by_place(&out->v[n - 1], &out->v[i]))
			out->v[n++] = out->v[i];
	out->n = n;
	return 0;
}

void found_places_done(struct found_places *p)
{
	arena_done(&p->texts);
	free(p->v);
	*p = (struct found_places){0};
}

/* ---- tables ---- */

struct putting {
	sqlite3 *db;
	sqlite3_stmt *st;
	unsigned n;
	bool places; /* columns 4 and 5 are a source and a line of it: their event is written */
};

static int event_of(struct putting *p, int64_t run, const struct slice *v, int64_t *id)
{
	sqlite3_stmt *st;
	int64_t source = 0;
	int rc = v[4].ptr ? ledger_source_id(p->db, run, v[4], &source) : 0;

	*id = 0;
	if (rc || !source)
		return rc;
	rc = sql_prepare(p->db, "SELECT id FROM event WHERE source = ?1 AND line = ?2", &st);
	sqlite3_bind_int64(st, 1, source);
	sqlite3_bind_int64(st, 2, tsv_int(v[5]));
	if (!rc && (rc = sql_next(st)) == 1) {
		*id = sqlite3_column_int64(st, 0);
		rc = 0;
	}
	sqlite3_finalize(st);
	return rc;
}

static int put_row(void *arg, const struct slice *v)
{
	struct putting *p = arg;
	int64_t run, event = 0;
	int rc = ledger_run(p->db, v[0], &run);

	sqlite3_bind_int64(p->st, 1, run);
	for (unsigned i = 1; i < p->n; i++)
		bind_slice(p->st, (int)i + 1, v[i]);
	if (!rc && p->places)
		rc = event_of(p, run, v, &event);
	if (p->places)
		sqlite3_bind_int64(p->st, (int)p->n + 1, event);
	return rc ? rc : sql_step_reset(p->st);
}

static const struct {
	const char *table, *columns;
	unsigned n;
	bool places;
	const char *create, *insert;
} tables[] = {
    {"finding", "run, command, n, rule, level, tid, cause, count, message, first_ns, last_ns", 11, false,
     "CREATE TABLE finding(run INTEGER, command TEXT, n INTEGER, rule TEXT, level TEXT, tid TEXT, cause TEXT, count "
     "INTEGER, message TEXT, first_ns INTEGER, last_ns INTEGER, PRIMARY KEY(command, run, n)) WITHOUT ROWID",
     "INSERT INTO finding VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"},
    {"detail", "run, command, finding, n, name, value", 6, false,
     "CREATE TABLE detail(run INTEGER, command TEXT, finding INTEGER, n INTEGER, name TEXT, value TEXT, PRIMARY "
     "KEY(command, run, finding, n)) WITHOUT ROWID",
     "INSERT INTO detail SELECT ?1, ?2, ?3, ?4, ?5, ?6 WHERE ?2 <> ''"},
    {"evidence", "run, command, finding, n, source, line, remark", 7, true,
     "CREATE TABLE evidence(run INTEGER, command TEXT, finding INTEGER, n INTEGER, event INTEGER, remark TEXT, "
     "PRIMARY KEY(command, run, finding, n)) WITHOUT ROWID",
     "INSERT INTO evidence SELECT ?1, ?2, ?3, ?4, nullif(?8, 0), ?7 WHERE ?5 IS NULL OR ?6 IS NOT NULL"},
};

int found_put(struct cluster *c, sqlite3 *db, struct slice run, char **why)
{
	int rc = 0;

	for (size_t i = 0; i < sizeof tables / sizeof *tables && !rc; i++) {
		struct putting p = {.db = db, .n = tables[i].n, .places = tables[i].places};

		rc = sql_exec_all(db, tables[i].create);
		if (!rc)
			rc = sql_prepare(db, tables[i].insert, &p.st);
		if (!rc)
			rc = each(c, tables[i].columns, tables[i].n, tables[i].table, run, put_row, &p, why);
		sqlite3_finalize(p.st);
	}
	return rc;
}
