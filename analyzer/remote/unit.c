/* SPDX-License-Identifier: GPL-3.0-or-later */
/* unit.c - see unit.h */
#include "remote/unit.h"
#include "base/array.h"
#include "remote/gather.h"
#include "remote/rows.h"
#include "remote/say.h"
#include "remote/tsv.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

/* Days are Dates, which begin at 0 and end in 2106 on older servers; a transaction of which there is only a result is
 * of the day on which it was sent. */
enum { DAY_FIRST = 1, DAY_LAST = RUN_DAY - 1 };

static struct slice kept(struct arena *a, struct slice s)
{
	const char *p = arena_text(a, s.len ? s.ptr : "", s.len);

	return (struct slice){p, p ? s.len : 0};
}

/* ---- statements ---- */

static void where_part(struct slice run, const struct unit_part *part, struct text *sql)
{
	text_puts(sql, " AND run = ");
	cluster_quote(sql, run);
	if (part) {
		text_puts(sql, " AND tid >= ");
		cluster_quote(sql, part->from);
		text_puts(sql, " AND tid <= ");
		cluster_quote(sql, part->to);
	}
}

#define EVENT_HASH "cityHash64(tid, source, line, time_ns)"
#define RESULT_HASH                                                                                                   \
	"cityHash64(tid, ifNull(ord, -1), ifNull(success, -1), ifNull(function_name, ''), ifNull(e2e_duration_us, "   \
	"-1), "                                                                                                       \
	"ifNull(worker_duration_us, -1), ifNull(code_duration_sec, -1), ifNull(sent, -1), ifNull(client_latency_us, " \
	"-1))"

/* (run, tid, day, events, wanted, results, digest) of the transactions of a run on a shard; wanted: events that are not
 * passed over. A server computes the columns that are asked for. */
static void transactions(struct slice run, const struct unit_part *part, uint32_t passed, struct text *sql)
{
	text_printf(sql,
	            "(SELECT run, tid, least(greatest(if(sum(e) > 0, minIf(d, e > 0), min(d)), %d), %d) AS day, sum(e) "
	            "AS events, sum(w) AS wanted, sum(r) AS results, sum(h) AS digest FROM (SELECT run, tid, "
	            "toInt64(min(toUInt16(day))) AS d, count() AS e, countIf(fact != %" PRIu32 " OR fact = 0) AS w, "
	            "toUInt64(0) AS r, sum(" EVENT_HASH ") AS h FROM $event WHERE tid != ''",
	            DAY_FIRST, DAY_LAST, passed);
	where_part(run, part, sql);
	text_puts(sql, " GROUP BY run, tid UNION ALL SELECT run, tid, ifNull(intDiv(sent, 86400000000000), 0) AS d, "
	               "toUInt64(0) AS e, toUInt64(0) AS w, toUInt64(1) AS r, " RESULT_HASH
	               " AS h FROM $result FINAL WHERE tid != ''");
	where_part(run, part, sql);
	text_puts(sql, ") GROUP BY run, tid)");
}

/* Numbers are shown so that they fit an int64_t. */
#define DIGEST "toInt64(bitShiftRight(%s, 1))"

/* ---- the ledger ---- */

static struct unit_run *run_there(const struct units *u, struct slice run)
{
	for (size_t i = u->nruns; i--;)
		if (slice_same(u->run[i].run, run))
			return &u->run[i];
	return NULL;
}

static struct unit_run *run_of(struct units *u, struct slice run)
{
	struct unit_run *r = run_there(u, run);

	if (r)
		return r;
	r = array_add(u->run, u->nruns, u->run_room);
	if (r)
		*r = (struct unit_run){.run = kept(&u->texts, run), .due = true};
	return u->texts.failed ? NULL : r;
}

/* Columns of the ledger that what is made of one transaction depends on: kind, worker, offset_s, format, cluster. */
static const int matters[] = {6, 7, 20, 22, 25};

static uint64_t hash_value(uint64_t h, struct slice v)
{
	h = cluster_hash(h, v.ptr ? v : SLICE("\xff"));
	return cluster_hash(h, SLICE("\xfe"));
}

static int take_source(void *arg, const struct slice *v)
{
	struct units *u = arg;
	struct unit_run *r = run_of(u, v[FETCH_SOURCE_RUN]);
	uint64_t few = hash_value(CLUSTER_HASH, v[FETCH_SOURCE_PATH]), all = few;

	if (!r)
		return -ENOMEM;
	for (size_t i = 0; i < sizeof matters / sizeof *matters; i++)
		few = hash_value(few, v[matters[i]]);
	for (int i = FETCH_SOURCE_EVENTS; i < FETCH_SOURCE_COLUMNS; i++)
		all = hash_value(all, v[i]);
	r->sources++;
	r->unfinished += !tsv_int(v[FETCH_SOURCE_WHOLE]);
	/* in whatever order they come */
	r->ledger += few;
	r->digest += all;
	r->parts += hash_value(all, v[FETCH_SOURCE_VERSION]);
	return 0;
}

static int take_run(void *arg, const struct slice *v)
{
	struct unit_run *r = run_of(arg, v[0]);

	if (!r)
		return -ENOMEM;
	r->events += tsv_int(v[1]);
	r->results += tsv_int(v[2]);
	r->digest += (uint64_t)tsv_int(v[3]);
	return 0;
}

/* What table finish has for the parts of a run; in rows of older versions it is 0. */
static uint64_t parts_mark(const struct unit_run *r)
{
	return r->parts >> 1 | 1;
}

static int take_finished(void *arg, const struct slice *v)
{
	struct units *u = arg;
	struct unit_run *r = run_of(u, v[0]);

	if (!r)
		return -ENOMEM;
	r->apart = tsv_int(v[5]) != (int64_t)parts_mark(r);
	r->due = !tsv_int(v[1]) || (u->by_parts ? r->apart : tsv_int(v[2]) != (int64_t)(r->digest >> 1)) ||
	         (r->manner && tsv_int(v[4]) != (int64_t)r->manner);
	r->version = (uint64_t)tsv_int(v[3]);
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return slice_compare(((const struct unit_run *)a)->run, ((const struct unit_run *)b)->run);
}

/* (run, e, r, h) of what stands beside the lines. */
#define BESIDE                                                                                                         \
	"SELECT run, toUInt64(0) AS e, count() AS r, sum(" RESULT_HASH ") AS h FROM $result FINAL GROUP BY run UNION " \
	"ALL SELECT run, toUInt64(0) AS e, toUInt64(0) AS r, sum(cityHash64(ord, func_name, invoke_time_ms)) AS h "    \
	"FROM $trace FINAL GROUP BY run UNION ALL SELECT run, toUInt64(0) AS e, toUInt64(0) AS r, "                    \
	"sum(cityHash64(func_name, name, value)) AS h FROM $metadata FINAL GROUP BY run"

/* What the shards have of each run. */
static int ask_runs(struct cluster *c, struct units *u, char **why)
{
	struct text sql = {0};
	int rc;

	text_printf(&sql, "SELECT run, sum(e), sum(r), " DIGEST, "sum(h)");
	text_puts(&sql, " FROM (SELECT run, count() AS e, toUInt64(0) AS r, sum(" EVENT_HASH
	                ") AS h FROM $event GROUP BY run UNION ALL " BESIDE ") GROUP BY run");
	rc = gather_rows(c, &sql, 4, take_run, u, NULL, why);
	text_done(&sql);
	return rc;
}

static int ask_finished(struct cluster *c, struct units *u, char **why)
{
	struct text sql = {0};
	int rc;

	text_puts(&sql, "SELECT run, whole, toInt64(digest), toInt64(version), toInt64(manner), toInt64(parts) FROM "
	                "$finish FINAL");
	rc = gather_rows(c, &sql, 6, take_finished, u, NULL, why);
	text_done(&sql);
	return rc;
}

/* ---- parts ----
 *
 * A server keeps the lines of a run and day in parts, and numbers what comes: a merge of parts changes neither how many
 * rows there are nor the first and the last number, and what takes rows out, or changes them, leaves a number of its
 * own. So where all of this is as it was, the lines are, and need not be looked at. */

/* The run of a partition, "('RUN','2026-11-28')", in which a server writes characters as in an answer. */
static struct unit_run *run_of_partition(const struct units *u, struct slice partition)
{
	struct text name = {0};
	struct unit_run *r = NULL;

	for (size_t i = 2; i < partition.len && partition.ptr[i] != '\''; i++) {
		bool behind = partition.ptr[i] == '\\' && i + 1 < partition.len;
		char c = behind ? tsv_meant(partition.ptr[++i]) : partition.ptr[i];

		text_add(&name, &c, 1);
	}
	if (!name.failed)
		r = run_there(u, (struct slice){text_str(&name), name.len});
	text_done(&name);
	return r;
}

struct partitions {
	struct units *u;
	size_t shard;
};

static int take_partition(void *arg, const struct slice *v)
{
	const struct partitions *p = arg;
	struct unit_run *r = run_of_partition(p->u, v[0]);
	uint64_t h = cluster_hash(CLUSTER_HASH, (struct slice){(const char *)&p->shard, sizeof p->shard});

	for (int i = 0; i < 5; i++)
		h = hash_value(h, v[i]);
	if (r)
		r->parts += h;
	else
		p->u->stray = true;
	return 0;
}

static int take_beside(void *arg, const struct slice *v)
{
	struct units *u = arg;
	struct unit_run *r = run_there(u, v[0]);

	if (r)
		r->parts += (uint64_t)tsv_int(v[1]);
	else
		u->stray = true;
	return 0;
}

static int ask_parts(struct cluster *c, struct units *u, char **why)
{
	struct partitions p = {.u = u};
	struct text sql = {0};
	int rc;

	text_printf(&sql,
	            "SELECT partition, sum(rows), min(min_block_number), max(max_block_number), max(if(data_version = "
	            "min_block_number, 0, data_version)) FROM $system.parts WHERE active AND database = '%s' AND "
	            "table = 'event' GROUP BY partition",
	            c->url.database);
	rc = gather_rows(c, &sql, 5, take_partition, &p, &p.shard, why);
	if (!rc) {
		text_printf(&sql, "SELECT run, " DIGEST " FROM (" BESIDE ") GROUP BY run", "sum(h)");
		rc = gather_rows(c, &sql, 2, take_beside, u, NULL, why);
	}
	text_done(&sql);
	return rc;
}

/* A user who may not see the parts looks at the lines. */
static int ask_parts_if_shown(struct cluster *c, struct units *u, char **why)
{
	int rc = ask_parts(c, u, why);

	if (rc != -EREMOTEIO && rc != -EACCES)
		return rc;
	free(*why);
	*why = NULL;
	u->stray = true;
	return 0;
}

/* ---- runs ---- */

static void settle_runs(struct units *u, uint64_t manner)
{
	for (size_t i = 0; i < u->nruns; i++)
		u->run[i].manner = manner;
}

/* Parts are asked for first: lines that come meanwhile make them others than those that were looked at. */
int units_runs(struct cluster *c, uint64_t manner, struct units *u, char **why)
{
	int rc = fetch_sources(c, take_source, u, why);

	rc = rc ? rc : ask_parts_if_shown(c, u, why);
	rc = rc || u->by_parts ? rc : ask_runs(c, u, why);
	settle_runs(u, manner);
	rc = rc ? rc : ask_finished(c, u, why);
	if (u->nruns)
		qsort(u->run, u->nruns, sizeof *u->run, by_name);
	return rc;
}

/* ---- units ---- */

static int take_unit(void *arg, const struct slice *v)
{
	struct units *u = arg;
	struct unit_run *r = run_of(u, v[0]);
	struct unit *x = r ? array_add(u->unit, u->n, u->room) : NULL;

	if (!x)
		return -ENOMEM;
	*x = (struct unit){.run = r->run,
	                   .day = (unsigned)tsv_int(v[1]),
	                   .events = tsv_int(v[2]),
	                   .results = tsv_int(v[3]),
	                   .digest = ((uint64_t)tsv_int(v[4]) + r->ledger) >> 1,
	                   .manner = u->manner,
	                   .due = true};
	return 0;
}

static struct unit *find_unit(const struct units *u, struct slice run, unsigned day)
{
	size_t low = 0, high = u->there;

	while (low < high) {
		size_t mid = (low + high) / 2;
		int c = slice_compare(u->unit[mid].run, run);

		c = c ? c : (u->unit[mid].day > day) - (u->unit[mid].day < day);
		if (!c)
			return &u->unit[mid];
		if (c < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

/* What was folded; what has nothing any more is due as well, to be taken out. */
static int take_folded(void *arg, const struct slice *v)
{
	struct units *u = arg;
	struct unit *x = find_unit(u, v[0], (unsigned)tsv_int(v[1]));
	bool whole = tsv_int(v[2]), any = tsv_int(v[3]);

	if (!x && (any || !whole)) {
		struct unit_run *r = run_of(u, v[0]);

		if (r && !r->due)
			return 0;
		x = r ? array_add(u->unit, u->n, u->room) : NULL;
		if (!x)
			return -ENOMEM;
		*x = (struct unit){.run = r->run, .day = (unsigned)tsv_int(v[1]), .manner = u->manner, .due = true};
	}
	if (!x)
		return 0;
	x->version = (uint64_t)tsv_int(v[5]);
	if (x->events + x->results)
		x->due =
		    !whole || tsv_int(v[4]) != (int64_t)x->digest || (u->manner && tsv_int(v[6]) != (int64_t)u->manner);
	return 0;
}

/* Of a run that is finished, and has nothing new, no unit is due. */
static int ask_units(struct cluster *c, size_t i, struct units *u, char **why)
{
	struct text sql = {0};
	int rc = 0;

	for (size_t k = 0; k < u->nruns && !rc; k++) {
		if (!u->run[k].due)
			continue;
		text_printf(&sql, "SELECT run, day, sum(events), sum(results), " DIGEST " FROM ", "sum(digest)");
		transactions(u->run[k].run, NULL, 0, &sql);
		text_puts(&sql, " GROUP BY run, day ORDER BY day");
		rc = cluster_rows(c, i, &sql, 5, take_unit, u, why);
	}
	text_done(&sql);
	return rc;
}

int units_of(struct cluster *c, size_t i, uint64_t manner, struct units *u, char **why)
{
	struct text sql = {0};
	int rc;

	u->n = u->there = 0;
	u->manner = manner;
	rc = ask_units(c, i, u, why);
	u->there = u->n;
	if (!rc) {
		text_puts(&sql,
		          "SELECT run, toUInt16(day), whole, events + results, toInt64(digest), toInt64(version), "
		          "toInt64(manner) FROM $fold FINAL");
		rc = cluster_rows(c, i, &sql, 7, take_folded, u, why);
	}
	text_done(&sql);
	return rc;
}

static bool is_of(struct slice run, struct slice wanted)
{
	return !wanted.len || slice_same(run, wanted);
}

/* units_folded of a run; NONE: of all. */
static int folded_of(struct cluster *c, uint64_t manner, struct slice run, struct units *u, char **why)
{
	int rc = 0;

	for (size_t i = 0; i < c->n && !rc; i++) {
		rc = units_of(c, i, manner, u, why);
		for (size_t k = 0; k < u->n && !rc; k++) {
			if (!u->unit[k].due || !is_of(u->unit[k].run, run))
				continue;
			say(why,
			    "shard %zu, %s: run %s is not folded, or lines have come since: `ilu-logq fold` of this "
			    "cluster makes up for it",
			    i + 1, c->shard[i].name, u->unit[k].run.ptr);
			rc = -ESTALE;
		}
	}
	return rc;
}

int units_folded(struct cluster *c, uint64_t manner, struct units *u, char **why)
{
	return folded_of(c, manner, SLICE_NONE, u, why);
}

static int current_by(struct cluster *c, struct slice run, bool parts, char **why)
{
	struct units u = {.by_parts = parts};
	int rc = units_runs(c, 0, &u, why);

	if (!rc && parts && u.stray)
		rc = -ESTALE;
	for (size_t i = 0; i < u.nruns; i++)
		u.run[i].due &= is_of(u.run[i].run, run);
	if (!rc)
		rc = folded_of(c, 0, run, &u, why);
	for (size_t i = 0; i < u.nruns && !rc; i++) {
		if (!u.run[i].due)
			continue;
		say(why, "run %s is not folded to the end: `ilu-logq fold` of this cluster does it", u.run[i].run.ptr);
		rc = -ESTALE;
	}
	units_done(&u);
	return rc;
}

int units_current(struct cluster *c, struct slice run, char **why)
{
	int rc = current_by(c, run, true, why);

	if (rc != -ESTALE)
		return rc;
	free(*why);
	*why = NULL;
	return current_by(c, run, false, why);
}

static int take_state(void *arg, const struct slice *v)
{
	uint64_t *h = arg;

	*h = hash_value(*h, v[0]);
	return 0;
}

int units_state(struct cluster *c, uint64_t *out, char **why)
{
	static const char *const statements[] = {
	    "SELECT toInt64(bitShiftRight(sum(cityHash64(run, day, version, whole)), 1)) FROM $fold FINAL",
	    "SELECT toInt64(bitShiftRight(sum(cityHash64(run, version, whole)), 1)) FROM $finish FINAL"};
	struct text sql = {0};
	int rc = 0;

	*out = CLUSTER_HASH;
	for (size_t k = 0; k < sizeof statements / sizeof *statements && !rc; k++) {
		text_puts(&sql, statements[k]);
		rc = gather_rows(c, &sql, 1, take_state, out, NULL, why);
	}
	text_done(&sql);
	return rc;
}

void units_done(struct units *u)
{
	free(u->run);
	free(u->unit);
	arena_done(&u->texts);
	*u = (struct units){0};
}

/* ---- parts ---- */

struct cutting {
	struct arena *texts;
	struct unit_part *v;
	size_t n, room;
	int64_t most, here;
	struct text last; /* the transaction before */
};

static int cut(struct cutting *k)
{
	if (k->n)
		k->v[k->n - 1].to = kept(k->texts, (struct slice){text_str(&k->last), k->last.len});
	return k->last.failed || k->texts->failed ? -ENOMEM : 0;
}

static int take_transaction(void *arg, const struct slice *v)
{
	struct cutting *k = arg;
	struct unit_part *p;
	int rc = 0;

	if (!k->n || k->here >= k->most) {
		rc = cut(k);
		p = rc ? NULL : array_add(k->v, k->n, k->room);
		if (!p)
			return -ENOMEM;
		*p = (struct unit_part){.from = kept(k->texts, v[0])};
		k->here = 0;
	}
	k->here += tsv_int(v[1]);
	k->last.len = 0;
	text_add(&k->last, v[0].ptr, v[0].len);
	return 0;
}

int unit_parts(struct cluster *c, size_t i, const struct unit *unit, int64_t most, uint32_t passed, struct arena *texts,
               struct unit_part **out, size_t *n, char **why)
{
	struct cutting k = {.texts = texts, .most = most};
	struct text sql = {0};
	int rc;

	text_puts(&sql, "SELECT tid, wanted + results FROM ");
	transactions(unit->run, NULL, passed, &sql);
	text_printf(&sql, " WHERE day = %u ORDER BY tid", unit->day);
	rc = cluster_rows(c, i, &sql, 2, take_transaction, &k, why);
	rc = rc ? rc : cut(&k);
	text_done(&k.last);
	text_done(&sql);
	*out = k.v;
	*n = k.n;
	return rc;
}

static void where_unit(const struct unit *unit, const struct unit_part *part, struct text *sql)
{
	text_puts(sql, " WHERE tid != ''");
	where_part(unit->run, part, sql);
	text_puts(sql, " AND tid IN (SELECT tid FROM ");
	transactions(unit->run, part, 0, sql);
	text_printf(sql, " WHERE day = %u)", unit->day);
}

int unit_lines(struct cluster *c, size_t i, const struct unit *unit, const struct unit_part *part, uint32_t passed,
               fetch_row *row, void *arg, char **why)
{
	struct text sql = {0};
	int rc;

	text_puts(&sql, "SELECT " FETCH_LINE_SQL " FROM $event");
	where_unit(unit, part, &sql);
	if (passed)
		text_printf(&sql, " AND fact != %" PRIu32, passed);
	text_puts(&sql, " ORDER BY source, line");
	rc = cluster_rows(c, i, &sql, FETCH_LINE_COLUMNS, row, arg, why);
	text_done(&sql);
	return rc;
}

int unit_results(struct cluster *c, size_t i, const struct unit *unit, const struct unit_part *part, fetch_row *row,
                 void *arg, char **why)
{
	struct text sql = {0};
	int rc;

	text_printf(&sql, "SELECT %s FROM $result FINAL", schema_result_columns);
	where_unit(unit, part, &sql);
	text_puts(&sql, " ORDER BY tid");
	rc = cluster_rows(c, i, &sql, FETCH_RESULT_COLUMNS, row, arg, why);
	text_done(&sql);
	return rc;
}

/* ---- marks ---- */

uint64_t unit_version(uint64_t before)
{
	struct timespec t;
	uint64_t now;

	clock_gettime(CLOCK_REALTIME, &t);
	now = (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
	return now > before ? now : before + 1;
}

int unit_mark(struct cluster *c, size_t i, const struct unit *unit, uint64_t version, bool whole, char **why)
{
	struct bytes b = {0};
	int rc;

	row_text(&b, unit->run);
	bytes_u16(&b, unit->day);
	bytes_u64(&b, version);
	bytes_u8(&b, whole);
	bytes_u64(&b, (uint64_t)unit->events);
	bytes_u64(&b, (uint64_t)unit->results);
	bytes_u64(&b, unit->digest);
	bytes_u64(&b, unit->manner);
	rc = cluster_give(c, i, "fold", "run, day, version, whole, events, results, digest, manner", &b, why);
	bytes_free(&b);
	return rc;
}

/* of: table, run and day; it is done then. */
static int version_there(struct cluster *c, size_t i, struct text *of, uint64_t *out, char **why)
{
	struct text sql = {0};
	int64_t is = 0;
	int rc;

	text_printf(&sql, "SELECT toInt64(max(version)) FROM %s FORMAT TabSeparated", text_str(of));
	rc = sql.failed || of->failed ? -ENOMEM : cluster_numbers(c, i, text_str(&sql), &is, 1, why);
	*out = (uint64_t)is;
	text_done(&sql);
	text_done(of);
	return rc;
}

int unit_version_there(struct cluster *c, size_t i, const struct unit *unit, uint64_t *out, char **why)
{
	struct text of = {0};

	text_puts(&of, "$fold WHERE run = ");
	cluster_quote(&of, unit->run);
	text_printf(&of, " AND toUInt16(day) = %u", unit->day);
	return version_there(c, i, &of, out, why);
}

static void put_partition(struct slice run, unsigned day, struct text *sql)
{
	time_t at = (time_t)day * 86400;
	char date[16];
	struct tm tm;

	gmtime_r(&at, &tm);
	strftime(date, sizeof date, "%Y-%m-%d", &tm);
	text_puts(sql, "(");
	cluster_quote(sql, run);
	text_printf(sql, ", '%s')", date);
}

static int drop_day(struct cluster *c, size_t i, const char *table, struct slice run, unsigned day, char **why)
{
	struct text sql = {0};
	int rc;

	text_printf(&sql, "ALTER TABLE $%s DROP PARTITION ", table);
	put_partition(run, day, &sql);
	rc = sql.failed ? -ENOMEM : cluster_do(c, i, text_str(&sql), why);
	text_done(&sql);
	return rc;
}

int unit_drop(struct cluster *c, size_t i, const struct unit *unit, char **why)
{
	int rc = 0;

	for (const struct schema_folded *f = schema_folded; f->name && !rc; f++)
		if (f->by_day)
			rc = drop_day(c, i, f->name, unit->run, unit->day, why);
	return rc;
}

/* ---- the same for runs ---- */

size_t run_home(const struct cluster *c, struct slice run)
{
	return cluster_shard_of(c, SLICE_NONE, run, 0);
}

int run_mark(struct cluster *c, const struct unit_run *run, uint64_t version, bool whole, char **why)
{
	struct bytes b = {0};
	int rc;

	row_text(&b, run->run);
	bytes_u64(&b, version);
	bytes_u8(&b, whole);
	bytes_u64(&b, run->digest >> 1);
	bytes_u64(&b, run->manner);
	bytes_u64(&b, parts_mark(run));
	rc = cluster_give(c, run_home(c, run->run), "finish", "run, version, whole, digest, manner, parts", &b, why);
	bytes_free(&b);
	return rc;
}

/* A fold that has begun meanwhile has marked the run half way, and its mark stays: also where it comes between our look
 * and our row, which has the next version, and a mark that of its time. */
int run_seen(struct cluster *c, const struct unit_run *run, char **why)
{
	struct text of = {0};
	uint64_t there;
	int rc;

	if (!run->apart)
		return 0;
	text_puts(&of, "$finish WHERE run = ");
	cluster_quote(&of, run->run);
	rc = version_there(c, run_home(c, run->run), &of, &there, why);
	return rc || there != run->version ? rc : run_mark(c, run, run->version + 1, true, why);
}

static int drop_run(struct cluster *c, size_t i, const char *table, struct slice run, char **why)
{
	struct text sql = {0};
	int rc;

	text_printf(&sql, "ALTER TABLE $%s DROP PARTITION ", table);
	cluster_quote(&sql, run);
	rc = sql.failed ? -ENOMEM : cluster_do(c, i, text_str(&sql), why);
	text_done(&sql);
	return rc;
}

/* All is on its home, but its rules, which stand among the details of every shard (mirror/finish.c). */
int run_drop(struct cluster *c, const struct unit_run *run, char **why)
{
	size_t home = run_home(c, run->run);
	int rc = drop_day(c, home, "lock", run->run, RUN_DAY, why);

	for (const struct schema_folded *f = schema_folded; f->name && !rc; f++)
		if (!f->by_day)
			rc = drop_run(c, home, f->name, run->run, why);
	for (size_t i = 0; i < c->n && !rc; i++)
		if (i != home)
			rc = drop_run(c, i, "detail", run->run, why);
	return rc;
}
