/* SPDX-License-Identifier: GPL-3.0-or-later */
/* model.c - builds the model's tables: collect facts, fold them, write rows; then what needs all rows.
 *
 * Results and facts are both in the order of (run, tid), so they are merged like two sorted lists. Where there are
 * more facts than memory is given, they come in shares, one after the other in that order; nothing else changes. */
#include "build/model.h"
#include "base/array.h"
#include "build/build.h"
#include "beside/result_order.h"
#include "build/collect.h"
#include "infer/infer.h"
#include "model/spool.h"
#include "model/rules_kept.h"
#include "tables/nested.h"
#include "beside/beside.h"
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- results, in the order of their key ---- */

struct results {
	sqlite3 *db;
	struct build_run *run; /* by id */
	size_t nruns, at;      /* the run after the one whose results are given */
	struct result_order order;
	struct result cur;
	bool more;
};

/* The next one into *e, if need be of the next run that has any; 0: there are no more. */
static int results_step(struct results *rs, struct result_entry *e)
{
	enum result_from from;
	int rc = rs->at ? result_order_next(&rs->order, e, &from) : 0;

	while (!rc && rs->at < rs->nruns) {
		result_order_done(&rs->order);
		rc = result_order_new(&rs->order, rs->db, rs->run[rs->at++].id);
		if (!rc)
			rc = result_order_rewind(&rs->order);
		if (!rc)
			rc = result_order_next(&rs->order, e, &from);
	}
	return rc;
}

static int results_next(struct results *rs)
{
	struct result_entry e;
	int rc = results_step(rs, &e);

	rs->more = rc == 1;
	if (rs->more)
		rs->cur = (struct result){rs->order.run,
		                          e.tid,
		                          e.function,
		                          e.v.success,
		                          e.v.was_cold,
		                          e.v.worker_duration_us,
		                          e.v.e2e_duration_us,
		                          e.v.compute,
		                          e.v.container_state,
		                          e.v.sent,
		                          e.v.client_latency_us,
		                          e.v.code_duration_sec};
	return rc < 0 ? rc : 0;
}

static void results_done(struct results *rs)
{
	result_order_done(&rs->order);
}

/* ---- one pass ---- */

static int compare_run_tid(int64_t run_a, struct slice a, int64_t run_b, struct slice b)
{
	return run_a != run_b ? (run_a < run_b ? -1 : 1) : slice_compare(a, b);
}

static int64_t offset_ns(const struct build *b, int64_t run)
{
	const struct build_run *r = build_run_of(b, run);

	return r ? r->offset_ns : 0;
}

/* Folds one transaction and writes it, if it is an invocation, and its locks. */
static int build_one(struct build *b, const struct fact *v, size_t n, int64_t run, struct slice tid,
                     const struct result *result)
{
	struct invocation o;
	int64_t place = 0;
	int rc = b->counting ? 0 : writer_place(&b->writer, run, tid, &place);

	if (!rc && !b->counting)
		rc = build_locks(b, v, n, run, place);
	if (rc || !tid.len)
		return rc;
	rc = fold_invocation(&b->fold, &b->facts, v, n, result, offset_ns(b, run), &o);

	if (rc <= 0)
		return rc;
	o.run = run;
	o.tid = tid;
	o.place = place;
	if (b->counting)
		return overhead_count(b, &o);
	rc = overhead_fill(b, &o);
	if (rc)
		return rc;
	rc = write_invocation(&b->writer, &o);
	return rc ? rc : build_note(b, &o, v, n);
}

/* The results whose transactions no fact speaks of, up to one; the result of that one, or NULL. */
static int results_before(struct build *b, int64_t run, struct slice tid, const struct result **out)
{
	struct results *rs = b->results;
	int rc = 0, c = 1;

	while (!rc && rs->more && (c = compare_run_tid(rs->cur.run, rs->cur.tid, run, tid)) < 0) {
		rc = build_one(b, NULL, 0, rs->cur.run, rs->cur.tid, &rs->cur);
		if (!rc)
			rc = results_next(rs);
	}
	*out = !rc && rs->more && !c ? &rs->cur : NULL;
	return rc;
}

static int results_rest(struct build *b)
{
	int rc = 0;

	while (!rc && b->results->more) {
		rc = build_one(b, NULL, 0, b->results->cur.run, b->results->cur.tid, &b->results->cur);
		if (!rc)
			rc = results_next(b->results);
	}
	return rc;
}

static int build_pass(struct build *b)
{
	const struct facts *f = &b->facts;
	int rc = 0;

	for (size_t i = 0, end; !rc && i < f->n; i = end) {
		uint32_t key = f->by_rank[f->v[i].key];
		struct slice tid = fact_tid(f, key);
		int64_t run = fact_run(f, key);
		const struct result *result;

		for (end = i; end < f->n && f->v[end].key == f->v[i].key; end++)
			;
		rc = results_before(b, run, tid, &result);
		if (!rc)
			rc = build_one(b, f->v + i, end - i, run, tid, result);
		if (!rc && result)
			rc = results_next(b->results);
	}
	return rc;
}

static int collect(struct build *b)
{
	struct collect_options o = {.threads = b->o && b->o->threads ? b->o->threads : 1, .patterns = b->patterns};
	size_t most = b->o && b->o->facts_most ? b->o->facts_most : FACTS_MAX;
	int rc;

	if (b->o) {
		o.meanwhile = b->meanwhile;
		o.meanwhile_arg = b->o->meanwhile_arg;
	}
	rc = collect_facts(&b->facts, &b->spool, b->store, &o, most);
	if (!rc && b->facts.runs)
		rc = facts_sort(b->facts.runs);
	if (!rc && b->spool)
		malloc_trim(0); /* what the allocator kept of the threads' facts */
	return rc ? rc : facts_sort(&b->facts);
}

static size_t share_most(const struct build *b)
{
	return (b->o && b->o->facts_most ? b->o->facts_most : FACTS_MAX) / 2;
}

/* A step with each share of the facts; without a spool they are one. */
static int each_part(struct build *b, int (*step)(struct build *))
{
	int rc;

	if (!b->spool)
		return step(b);
	rc = spool_rewind(b->spool);
	while (!rc && (rc = spool_next(b->spool, &b->facts, share_most(b))) == 1)
		rc = step(b);
	return rc;
}

/* What is known of containers from facts that no transaction needs. */
static int build_loose(struct build *b)
{
	int rc = 0;

	while (b->spool && !rc && (rc = spool_next_loose(b->spool, &b->facts, share_most(b))) == 1)
		rc = build_containers(b);
	return rc;
}

/* All facts and all results, once. */
static int each_share(struct build *b, int (*step)(struct build *))
{
	struct results rs = {.db = b->db, .run = b->run, .nruns = b->nruns};
	int rc = results_next(&rs);

	b->results = &rs;
	if (!rc)
		rc = each_part(b, step);
	if (!rc)
		rc = results_rest(b);
	results_done(&rs);
	b->results = NULL;
	return rc;
}

static int build_share(struct build *b)
{
	int rc = build_pass(b);

	return rc ? rc : build_containers(b);
}

/* Where there is a benchmark, invocations are folded twice: their shares need all of them. */
static int build_passes(struct build *b)
{
	int rc;

	b->patterns = patterns_new(b->store);
	if (!b->patterns)
		return -ENOMEM;
	rc = collect(b);
	if (!rc)
		rc = build_run_facts(b);
	if (!rc)
		rc = build_functions(b);
	if (!rc)
		rc = build_best_times(b);
	if (!rc && b->bests.n) {
		b->counting = true;
		rc = each_share(b, build_pass);
		b->counting = false;
	}
	if (!rc)
		rc = each_share(b, build_share);
	return rc ? rc : build_loose(b);
}

/* ---- the whole ---- */

static int read_runs(struct build *b)
{
	size_t room = 0;
	sqlite3_stmt *st;
	int rc = sql_prepare(b->db, "SELECT id, offset_s FROM run ORDER BY id", &st), step = SQLITE_DONE;

	if (rc)
		return rc;
	while ((step = sqlite3_step(st)) == SQLITE_ROW) {
		struct build_run *p = array_add(b->run, b->nruns, room);
		int64_t offset_ns;

		if (!p || store_offset_ns(sqlite3_column_int64(st, 1), &offset_ns)) {
			step = p ? SQLITE_CORRUPT : SQLITE_NOMEM;
			break;
		}
		*p = (struct build_run){.id = sqlite3_column_int64(st, 0), .offset_ns = offset_ns};
	}
	sqlite3_finalize(st);
	return sql_errno(step);
}

static void build_done(struct build *b)
{
	writer_close(&b->writer);
	patterns_free(b->patterns);
	fold_done(&b->fold);
	chunk_sources_done(&b->files);
	facts_done(&b->facts);
	spool_free(b->spool);
	intern_done(&b->names);
	intern_done(&b->bests);
	intern_done(&b->groups);
	free(b->best);
	free(b->group);
	sorter_free(b->starts);
	sorter_free(b->arrivals);
	free(b->run);
	rules_free(b->rules);
}

static int build_all(struct build *b)
{
	int rc = sql_exec_all(
	    b->db,
	    "CREATE TABLE IF NOT EXISTS moment_row(place INTEGER PRIMARY KEY, times BLOB NOT "
	    "NULL); DELETE FROM moment_row; DELETE FROM invocation_row; DELETE FROM invocation_kind; DELETE FROM "
	    "attempt_row; DELETE FROM lock_row; DELETE FROM batch_row;"
	    "DELETE FROM work_kind; DELETE FROM container; DELETE FROM pattern;"
	    "UPDATE function SET benchmark_name = NULL, avg_iat = NULL, iat_class = NULL");

	if (!rc)
		rc = nested_clear(b->db);
	if (!rc)
		rc = read_runs(b);
	if (!rc)
		rc = writer_open(&b->writer, b->db, b->nruns > 1);
	if (!rc)
		rc = build_notes_open(b);
	if (!rc)
		rc = chunk_sources_read(b->db, &b->files);
	b->fold.files = &b->files;
	if (!rc)
		rc = build_passes(b);
	if (!rc)
		rc = build_batches(b);
	if (!rc)
		rc = build_functions_from_trace(b);
	if (!rc)
		rc = writer_finish(&b->writer);
	if (!rc)
		rc = nested_index(b->db);
	if (!rc)
		rc = build_cache_insertions(b);
	if (!rc)
		rc = rules_name_runs(b->db, b->rules);
	return rc ? rc : patterns_write(b->patterns, b->db);
}

/* ---- rules ---- */

static bool is_arrival(const struct rules *r, const struct shape *head, struct slice message)
{
	for (int i = rules_find(r, message, head->target, head->level); i >= 0;
	     i = rules_find_next(r, i, message, head->target, head->level))
		if (r->rule[i].means == MEANS_ARRIVED || r->rule[i].means == MEANS_CONTROLLER)
			return true;
	return false;
}

static bool may_be_arrival(const struct shape *head, void *arg)
{
	return head->message_slot >= 0 || is_arrival(arg, head, head->message);
}

/* Whether rules speak of anything that is loaded: some line says that a request arrived, or there are results. */
static int rules_speak(struct store *s, bool *out)
{
	struct event_query q = {.want = may_be_arrival, .brief = true};
	struct event_cursor *c = NULL;
	const struct event *e;
	struct rules *r = NULL;
	int64_t results = 0;
	char *why = NULL;
	int rc = rules_builtin(&r, &why);

	*out = false;
	if (!rc)
		rc = sql_number(store_db(s), "SELECT count(*) FROM result_pack", &results);
	*out = results > 0;
	q.want_arg = r;
	if (!rc && !results && !(rc = event_cursor_open(s, &q, &c))) {
		while (!*out && (rc = event_cursor_next(c, &e)) == 1)
			*out = is_arrival(r, e->head, event_message(e));
		rc = rc < 0 ? rc : 0;
		event_cursor_close(c);
	}
	rules_free(r);
	free(why);
	return rc;
}

/* Rules that a log tells itself, where no file's do. What was found before may be old: it is found anew. */
static int rules_from_log(struct build *b, enum rules_from from)
{
	struct inferred found = {0};
	struct rules *r = NULL;
	char *why = NULL;
	bool speak = false;
	int rc = 0;

	if (from == RULES_FROM_PROGRAM || from == RULES_FROM_LOG)
		rc = rules_speak(b->store, &speak);
	from = from == RULES_FROM_PROGRAM || from == RULES_FROM_LOG ? RULES_FROM_LOG : RULES_FROM_LOG_ALONE;
	if (!rc && !speak && b->meanwhile) {
		rc = b->meanwhile(b->o->meanwhile_arg); /* it writes table place, which is read now */
		b->meanwhile = NULL;
	}
	if (!rc && !speak)
		rc = infer_rules(b->store, 0, &found);
	if (!rc && found.text)
		rc = rules_parse(found.text, strlen(found.text), "inferred", &r, &why);
	if (rc == -EINVAL && found.text) { /* what can't be read again is no rule */
		free(found.text);
		found.text = NULL;
		rc = 0;
	}
	if (!rc)
		rc = rules_keep_inferred(b->db, from, found.text);
	rules_free(r);
	free(why);
	inferred_done(&found);
	return rc;
}

static int rules_settle(struct build *b, char **why)
{
	enum rules_from from;
	int rc = b->o && b->o->rules ? rules_keep(b->db, b->o->rules, why) : 0;

	if (!rc)
		rc = rules_kept_from(b->db, &from);
	if (!rc && from != RULES_FROM_FILE && !(b->o && b->o->settled))
		rc = rules_from_log(b, from);
	return rc ? rc : rules_of_database(b->db, &b->rules, why);
}

int model_build(struct store *s, const struct model_options *o, char **why)
{
	struct build b = {.store = s, .db = store_db(s), .o = o};
	char *ignored = NULL;
	int rc;

	if (!why)
		why = &ignored;
	*why = NULL;
	b.meanwhile = o ? o->meanwhile : NULL;
	rc = rules_settle(&b, why);
	if (!rc && o && o->benchmark)
		rc = beside_benchmark_load(s, 0, o->benchmark, o->stop, why);
	if (!rc) {
		facts_init(&b.facts, b.rules);
		rc = build_all(&b);
		if (rc && !*why) {
			char *cause = store_cause(b.db, rc);

			if (asprintf(why, "the model could not be built: %s", cause ? cause : store_error(rc)) < 0)
				*why = NULL;
			free(cause);
		}
	}
	build_done(&b);
	free(ignored);
	return rc;
}
