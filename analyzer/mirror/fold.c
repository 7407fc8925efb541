/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fold.c - see fold.h
 *
 * A unit is marked as begun before what was made of it is taken out, and as whole after its last row: whoever is
 * killed in between leaves a unit that is due. */
#include "base/sql.h"
#include "base/text.h"
#include "beside/beside.h"
#include "mirror/folding.h"
#include "mirror/marks.h"
#include "model/rules_kept.h"
#include "remote/say.h"
#include "store/vtab_event.h"
#include "tables/tables.h"
#include <errno.h>
#include <stdlib.h>

/* ---- in which manner ---- */

/* Nothing was asked yet: a mistake in the rules is told now. */
static int hash_rules(const char *path, uint64_t *h, char **why)
{
	char *text = NULL;
	size_t len = 0;
	int rc = rules_read_file(path, &text, &len, why);

	if (!rc)
		*h = cluster_hash(*h, (struct slice){text, len});
	free(text);
	return rc && rc != -EINTR && rc != -ENOMEM ? -EINVAL : rc;
}

static int hash_benchmark(const char *path, uint64_t *h, char **why)
{
	struct text text = {0};
	int rc = text_add_file(&text, path, BESIDE_BENCHMARK_MAX);

	if (!rc)
		*h = cluster_hash(*h, (struct slice){text_str(&text), text.len});
	else if (rc == -EFBIG)
		say(why, "%s: larger than %u MiB, no benchmark", path, BESIDE_BENCHMARK_MAX >> 20);
	else if (rc != -EINTR)
		say(why, "%s: %s", path, strerror(-rc));
	text_done(&text);
	return rc && rc != -EINTR ? -EINVAL : rc;
}

/* Rules and benchmark, as a number: other ones make other rows. */
static int find_manner(struct fold *f)
{
	uint64_t h = cluster_hash(CLUSTER_HASH, (struct slice){(const char[]){FOLD_VERSION}, 1});
	int rc = 0;

	if (!f->o->rules)
		h = cluster_hash(h, rules_builtin_text());
	else if (strcmp(f->o->rules, RULES_NONE))
		rc = hash_rules(f->o->rules, &h, f->why);
	f->manner = h >> 1 | 1;
	f->passed = f->o->rules ? 0 : marks_passed();
	if (!rc && f->o->benchmark)
		rc = hash_benchmark(f->o->benchmark, &h, f->why);
	if (f->o->rules) /* without them on every shard, and a word of them, as older versions left them, a run is not
	                  * finished */
		h = cluster_hash(h, SLICE("told on all"));
	f->finish = h >> 1 | 1;
	return rc;
}

int fold_begin(struct fold *f)
{
	int rc = find_manner(f);

	return rc ? rc : units_runs(f->c, f->finish, &f->units, f->why);
}

static const struct unit_run *run_named(const struct fold *f, struct slice name)
{
	for (size_t i = 0; i < f->units.nruns; i++)
		if (slice_same(f->units.run[i].run, name))
			return &f->units.run[i];
	return NULL;
}

void fold_show(const struct fold *f, int64_t done, int64_t total, const char *what)
{
	if (f->o->progress)
		f->o->progress(f->o->arg, done, total, what);
}

/* ---- a database here ---- */

/* The ledger of the run at hand alone. */
struct of_run {
	struct slice run;
	fetch_row *row;
	void *to;
};

static int take_of_run(void *arg, const struct slice *v)
{
	const struct of_run *o = arg;

	return slice_same(v[0], o->run) ? o->row(o->to, v) : 0;
}

int fold_sources(void *arg, fetch_row *row, void *to, char **why)
{
	const struct fold *f = arg;
	struct of_run o = {f->run->run, row, to};

	return fetch_sources(f->c, take_of_run, &o, why);
}

static int part_lines(void *arg, fetch_row *row, void *to, char **why)
{
	const struct fold *f = arg;

	return unit_lines(f->c, f->shard, f->unit, f->part, f->passed, row, to, why);
}

void fold_lost(void *arg, const char *path, int64_t lines, int64_t all)
{
	const struct fold *f = arg;

	f->sum->lost++;
	if (f->o->lost)
		f->o->lost(f->o->arg, path, lines, all);
}

static int part_results(void *arg, fetch_row *row, void *to, char **why)
{
	const struct fold *f = arg;

	return unit_results(f->c, f->shard, f->unit, f->part, row, to, why);
}

/* Opened to be read, with all tables. */
static int open_mirror(struct fold *f, const struct mirror *m, struct store **s)
{
	int rc = store_open(m->path, STORE_READ, s, f->why);

	if (!rc)
		rc = vtab_event_register(store_db(*s), *s);
	if (!rc)
		rc = tables_register(store_db(*s), *s);
	return rc ? rc : beside_register(store_db(*s), *s);
}

int fold_make(struct fold *f, const struct mirror_from *from, struct rowsof *r, fold_put *put)
{
	struct store *s = NULL;
	struct mirror m;
	int rc = mirror_of(from, &m, f->why);

	if (!rc) {
		rc = open_mirror(f, &m, &s);
		rc = rc ? rc : put(f, r, s);
		if (rc && !*f->why && rc != -EINTR && rc != -ENOMEM && rc != -EAGAIN && s)
			say(f->why, "run %s can't be folded: %s", f->run->run.ptr, sqlite3_errmsg(store_db(s)));
	}
	rowsof_done(r);
	store_close(s);
	mirror_done(&m);
	return rc;
}

/* ---- rows of transactions ---- */

/* What needs other transactions is not known here. */
static const char invocations_sql[] =
    "SELECT " INVOCATION_COLUMNS "NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, "
    "m.times" INVOCATION_FROM;

static const char locks_sql[] = "SELECT p.tid, " LOCK_COLUMNS "JOIN place p ON p.id = l.place";

static int put_unit(struct fold *f, struct rowsof *r, struct store *s)
{
	sqlite3 *db = store_db(s);
	int rc = rowsof_all(r, "invocation", db, invocations_sql);

	f->sum->invocations += r->n;
	if (!rc)
		rc = rowsof_same(r, "attempt", db);
	if (!rc)
		rc = rowsof_same(r, "phase", db);
	return rc ? rc : rowsof_all(r, "lock", db, locks_sql);
}

static int fold_part(struct fold *f, uint64_t version)
{
	const struct mirror_from from = {.lines = part_lines,
	                                 .results = part_results,
	                                 .sources = fold_sources,
	                                 .lost = fold_lost,
	                                 .arg = f,
	                                 .rules = f->o->rules,
	                                 .settled = true,
	                                 .close_up = true};
	struct rowsof r = {
	    .c = f->c, .shard = f->shard, .run = f->unit->run, .day = f->unit->day, .version = version, .why = f->why};

	return fold_make(f, &from, &r, put_unit);
}

static int fold_parts(struct fold *f, uint64_t version)
{
	struct arena texts = {0};
	struct unit_part *v = NULL;
	size_t n = 0;
	int64_t most = f->o->part_most ? f->o->part_most : FOLD_PART;
	int rc = unit_parts(f->c, f->shard, f->unit, most, f->passed, &texts, &v, &n, f->why);

	for (size_t i = 0; i < n && !rc; i++) {
		f->part = &v[i];
		rc = fold_part(f, version);
	}
	free(v);
	arena_done(&texts);
	return rc;
}

/* Whoever came after us has taken out what we made. */
static int still_ours(struct fold *f, uint64_t version)
{
	uint64_t there = 0;
	int rc = unit_version_there(f->c, f->shard, f->unit, &there, f->why);

	if (!rc && there != version) {
		say(f->why, "%s: another fold of run %s is at work; when it has ended, fold again",
		    f->c->shard[f->shard].name, f->unit->run.ptr);
		rc = -EBUSY;
	}
	return rc;
}

/* Its run is no longer finished, also where the lines become again what they were. */
static int begin_run(struct fold *f, const struct unit *unit)
{
	const struct unit_run *run = run_named(f, unit->run);

	if (run == f->run)
		return 0;
	f->run = run;
	return run_mark(f->c, run, unit_version(run->version), false, f->why);
}

static int fold_unit(struct fold *f, const struct unit *unit)
{
	uint64_t version = unit_version(unit->version);
	int rc = begin_run(f, unit);

	f->unit = unit;
	if (!rc)
		rc = unit_mark(f->c, f->shard, unit, version, false, f->why);
	if (!rc)
		rc = unit_drop(f->c, f->shard, unit, f->why);
	if (!rc && unit->events + unit->results)
		rc = fold_parts(f, version);
	if (!rc)
		rc = still_ours(f, version);
	return rc ? rc : unit_mark(f->c, f->shard, unit, version + 1, true, f->why);
}

int fold_shard(struct cluster *c, size_t i, const struct fold_options *o, struct fold_sum *sum, char **why)
{
	struct fold f = {.c = c, .o = o, .sum = sum, .why = why, .shard = i};
	int64_t done = 0, total = 0;
	int rc = fold_begin(&f);

	if (!rc)
		rc = units_of(c, i, f.manner, &f.units, why);
	for (size_t k = 0; k < f.units.n; k++)
		total += f.units.unit[k].due ? f.units.unit[k].events : 0;
	for (size_t k = 0; k < f.units.n && !rc; k++) {
		const struct unit *u = &f.units.unit[k];

		sum->units++;
		if (!u->due)
			continue;
		fold_show(&f, done, total, u->run.ptr);
		rc = fold_unit(&f, u);
		done += u->events;
		sum->units_made += !rc;
	}
	units_done(&f.units);
	return rc;
}
