/* SPDX-License-Identifier: GPL-3.0-or-later */
/* summary_make.c - see summary.h: invocations, patterns and the ledger as sentences, and all of it put together. */
#include "query/commands/summary.h"
#include "base/array.h"
#include "base/sql.h"
#include "model/parts.h"
#include "query/commands/gathering.h"
#include "render/number.h"
#include "render/text.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- words ---- */

enum { QUOTED = 52, PHASES_TOLD = 3 };

void say_count(struct text *t, int64_t n)
{
	char buf[NUMBER_MAX];

	text_add(t, buf, number_count(n, buf));
}

void say_duration(const struct query *q, struct text *t, int64_t ns)
{
	char buf[NUMBER_MAX];

	text_add(t, buf, number_duration(ns, q->out->utf8 ? "µ" : "u", buf));
}

void say_share(struct text *t, double share)
{
	text_printf(t, "%.1f %%", share * 100);
}

void say_quoted(struct text *t, const char *words, size_t len)
{
	text_puts(t, "\"");
	text_add_cut(t, words, len, QUOTED, true);
	text_puts(t, "\"");
}

void say_several(struct text *t, int64_t n, const char *noun)
{
	size_t len = strlen(noun);
	bool plain = n == 1 || !strcmp(noun, "more");

	say_count(t, n);
	text_printf(t, " %s%s", noun, plain ? "" : len && noun[len - 1] == 's' ? "es" : "s");
}

void say_time(struct text *t, int64_t ns, int64_t offset_s)
{
	char buf[NUMBER_MAX];

	time_of_log(ns, offset_s, buf);
	text_add(t, buf + 11, 8);
}

const char *verdict_level_name(enum verdict_level level)
{
	static const char *const names[] = {"error", "warning", "fine", "note"};

	return names[level];
}

struct verdict *summary_add(struct query *q, struct summary *s, enum verdict_level level, const char *command)
{
	struct verdict *v = q->status ? NULL : array_add(s->v, s->n, s->room);

	if (v)
		*v = (struct verdict){.level = level, .command = command, .first_ns = INT64_MIN};
	else
		query_ok(q, -ENOMEM, q->command);
	return v;
}

/* ---- how invocations ended ---- */

/* What the attempts say that failed, the most frequent first. Attempts with an error are few, so their rows are looked
 * through; the views begin with each transaction. */
static void say_causes(struct query *q, int64_t run, struct text *t)
{
	sqlite3_stmt *st = query_prepare(
	    q,
	    "SELECT a.error, count(*) FROM attempt_row a CROSS JOIN invocation_row i ON i.id = a.place CROSS JOIN "
	    "invocation_kind k ON k.id = i.kind CROSS JOIN work_kind w ON w.id = a.kind WHERE a.error IS NOT NULL AND "
	    "k.status = 'failed' AND a.n = k.attempts AND w.run = k.run AND (?1 = 0 OR k.run = ?1) GROUP BY 1 ORDER BY "
	    "2 DESC, 1 LIMIT 2");
	const char *before = ": ";

	sqlite3_bind_int64(st, 1, run);
	for (; query_next(q, st); before = ", ") {
		struct slice error = column_slice(st, 0);

		text_puts(t, before);
		say_quoted(t, error.ptr, error.len);
		text_puts(t, " ");
		say_several(t, sqlite3_column_int64(st, 1), "time");
	}
	sqlite3_finalize(st);
}

static void say_outcome(struct query *q, struct summary *s, int64_t run, const struct overall *n, bool explained)
{
	struct verdict *v;

	if (n->failed && (v = summary_add(q, s, VERDICT_ERROR, "invocations --status failed"))) {
		v->kept = true;
		say_count(&v->message, n->failed);
		text_puts(&v->message, " of ");
		say_several(&v->message, n->all, "invocation");
		text_puts(&v->message, " failed");
		say_causes(q, run, &v->message);
	}
	if (n->unfinished && !explained &&
	    (v = summary_add(q, s, VERDICT_WARNING, "invocations --status unfinished"))) {
		say_count(&v->message, n->unfinished);
		text_puts(&v->message, " of ");
		say_several(&v->message, n->all, "invocation");
		text_puts(&v->message, " never ended");
	}
}

/* ---- where their time went ---- */

struct shares {
	struct phase_sum most[PHASES_TOLD];
	char *names[PHASES_TOLD];
	int n;
	double unexplained;
};

/* The largest stay, in order. */
static void keep_share(void *arg, const struct phase_sum *sum)
{
	struct shares *all = arg;
	int at = all->n;

	if (!strcmp(sum->name, "unexplained")) {
		all->unexplained = sum->share;
		return;
	}
	while (at > 0 && all->most[at - 1].total_ns < sum->total_ns)
		at--;
	if (at == PHASES_TOLD || sum->share < 0.001)
		return;
	if (all->n == PHASES_TOLD)
		free(all->names[--all->n]);
	memmove(all->most + at + 1, all->most + at, (size_t)(all->n - at) * sizeof *all->most);
	memmove(all->names + at + 1, all->names + at, (size_t)(all->n - at) * sizeof *all->names);
	all->most[at] = *sum;
	all->names[at] = strdup(sum->name);
	all->n++;
}

/* Phases are of the answered ones; what never ended has no length. */
static const char *whose_time(const struct overall *n)
{
	if (!n->ok || n->ok == n->all)
		return ". The time went into ";
	if (n->ok == 1)
		return n->failed ? ". Its time and that of the failed went into " : ". Its time went into ";
	return n->failed ? ". Their time and that of the failed went into " : ". Their time went into ";
}

static void say_shares(struct query *q, struct summary *s, const struct overall *n, const struct shares *all)
{
	struct verdict *v = NULL;

	for (int i = 0; i < all->n; i++)
		query_ok(q, all->names[i] ? 0 : -ENOMEM, q->command);
	if (all->unexplained > 0.2 && (v = summary_add(q, s, VERDICT_WARNING, "gaps"))) {
		text_puts(&v->message, "No line of the log explains ");
		say_share(&v->message, all->unexplained);
		text_puts(&v->message, " of the invocations' time");
	}
	if (!n->all || !(v = summary_add(q, s, n->ok == n->all ? VERDICT_FINE : VERDICT_NOTE, "phases")))
		return;
	v->kept = n->ok >= n->all - n->ok; /* of few that succeeded it is not the point */
	if (n->ok == n->all)
		text_printf(&v->message, "%s", n->all == 1 ? "" : "All ");
	else
		text_puts(&v->message, n->ok ? "" : "None of ");
	say_several(&v->message, n->ok ? n->ok : n->all, "invocation");
	text_puts(&v->message, " succeeded");
	text_puts(&v->message, all->n ? whose_time(n) : "");
	for (int i = 0; i < all->n; i++) {
		text_printf(&v->message, "%s%s ", i ? ", " : "", all->names[i] ? all->names[i] : "");
		say_share(&v->message, all->most[i].share);
		if (strstr(all->names[i] ? all->names[i] : "", "(cold)"))
			text_printf(&v->message, " (%s of them)", number_count_text(all->most[i].invocations).text);
	}
}

/* How long they took, and the function that takes most of it. */
static void say_slow(struct query *q, struct summary *s, const struct overall *o)
{
	const struct sample *all = &o->durations;
	struct verdict *v;

	if (all->n > 1 && (v = summary_add(q, s, VERDICT_NOTE, "invocations --sort -duration"))) {
		text_puts(&v->message, "Half of them took up to ");
		say_duration(q, &v->message, sample_quantile(all, 0.5));
		text_puts(&v->message, ", one in a hundred more than ");
		say_duration(q, &v->message, sample_quantile(all, 0.99));
		text_puts(&v->message, ", the slowest ");
		say_duration(q, &v->message, sample_quantile(all, 1));
	}
}

static void say_slowest_function(struct query *q, struct summary *s, const struct overall *o)
{
	int64_t functions = 0;
	double all = 0;
	uint32_t most = o->names.n;
	struct verdict *v;

	for (uint32_t i = 0; i <= o->names.n; i++) {
		functions += o->function[i].n > 0;
		all += o->function[i].ns;
		most = o->function[i].n && o->function[i].ns > o->function[most].ns ? i : most;
	}
	if (most == o->names.n || functions < 2 || o->function[most].ns <= 0 ||
	    !(v = summary_add(q, s, VERDICT_NOTE, "functions")))
		return;
	text_printf(&v->message, "Of %s functions, %.*s took most time: ", number_count_text(functions).text,
	            (int)o->names.text[most].len, o->names.text[most].ptr);
	say_share(&v->message, o->function[most].ns / all);
	text_puts(&v->message, " of it in ");
	say_several(&v->message, o->function[most].n, "invocation");
}

static int64_t say_invocations(struct query *q, struct summary *s, int64_t run, const struct overall *o, bool explained)
{
	struct shares all = {0};

	if (!o->all)
		return 0;
	say_outcome(q, s, run, o, explained);
	phases_sums(q, keep_share, &all);
	say_shares(q, s, o, &all);
	say_slow(q, s, o);
	say_slowest_function(q, s, o);
	for (int i = 0; i < all.n; i++)
		free(all.names[i]);
	return o->all;
}

void gather_overall(struct query *q, struct gathered *g)
{
	g->overall = overall_new(q);
	g->phases = phase_groups_new(q);
	struct gather_part parts[] = {{overall_take, g->overall}, {phase_groups_take, g->phases}};

	gather_invocations(q, parts, 2);
	if (!q->status)
		overall_finish(g->overall);
}

void gathered_done(struct gathered *g)
{
	functions_free(g->functions);
	phase_groups_free(g->phases);
	overall_free(g->overall);
	errors_free(g->errors);
	*g = (struct gathered){0};
}

int64_t summary_invocations(struct query *q, struct summary *s, int64_t run, bool explained)
{
	struct gathered own = {0};
	const struct gathered *before = q->gathered;
	int64_t n = 0;

	if (!before || !before->overall || !before->phases) {
		gather_overall(q, &own);
		q->gathered = &own;
	}
	if (!q->status)
		n = say_invocations(q, s, run, q->gathered->overall, explained);
	q->gathered = before;
	gathered_done(&own);
	return n;
}

/* ---- errors and warnings ---- */

static int64_t count_lines(struct query *q, int64_t run)
{
	return query_number(q, "SELECT total(lines) FROM source WHERE ?1 = 0 OR run = ?1", run);
}

/* Patterns are of all runs: where one is asked for, its messages stand for them. */
static sqlite3_stmt *prepare_patterns(struct query *q, int64_t run, const char *level)
{
	sqlite3_stmt *st =
	    query_prepare(q, run && !q->out->one_run ? "SELECT message, count(*), min(time_ns), sum(count(*)) OVER (), "
	                                               "count(*) OVER () FROM event WHERE run = ?1 "
	                                               "AND level = ?2 GROUP BY message ORDER BY 2 DESC, 3 LIMIT 2"
	                                             : "SELECT template, count, first_ns, sum(count) OVER (), count(*) "
	                                               "OVER () FROM pattern WHERE ?1 >= 0 AND "
	                                               "level = ?2 ORDER BY 2 DESC, 3 LIMIT 2");

	sqlite3_bind_int64(st, 1, run);
	sqlite3_bind_text(st, 2, level, -1, SQLITE_STATIC);
	return st;
}

static bool say_level(struct query *q, struct summary *s, int64_t run, const char *level)
{
	bool errors = !strcmp(level, "ERROR"), any = false;
	sqlite3_stmt *st = prepare_patterns(q, run, level);
	int64_t offset_s = query_offset(q, run ? run : 1);
	struct verdict *v = NULL;

	for (int i = 0; query_next(q, st); i++) {
		struct slice words = column_slice(st, 0);

		if (!any) {
			any = true;
			v = summary_add(q, s, errors ? VERDICT_ERROR : VERDICT_WARNING,
			                errors ? "errors" : "errors --level warn");
			if (!v)
				break;
			v->first_ns = sqlite3_column_int64(st, 2);
			v->offset_s = offset_s;
			say_count(&v->message, sqlite3_column_int64(st, 3));
			text_puts(&v->message, " of ");
			say_several(&v->message, count_lines(q, run), "line");
			text_printf(&v->message, " are %s, of ", errors ? "errors" : "warnings");
			say_several(&v->message, sqlite3_column_int64(st, 4), "kind");
		}
		text_puts(&v->message, i ? ", " : ": ");
		say_quoted(&v->message, words.ptr, words.len);
		text_puts(&v->message, " ");
		say_several(&v->message, sqlite3_column_int64(st, 1), "time");
		if (!i && (q->out->one_run || run)) {
			text_puts(&v->message, " since ");
			say_time(&v->message, v->first_ns, offset_s);
		}
	}
	sqlite3_finalize(st);
	return any;
}

void summary_patterns(struct query *q, struct summary *s, int64_t run, bool invocations)
{
	bool errors = say_level(q, s, run, "ERROR"), warnings = say_level(q, s, run, "WARN");
	int64_t lines = count_lines(q, run);
	struct verdict *v;

	if (!lines || errors || (s->n && (warnings || invocations)) ||
	    !(v = summary_add(q, s, VERDICT_FINE, "patterns")))
		return;
	text_puts(&v->message, lines == 1 ? "" : "None of ");
	say_several(&v->message, lines, "line");
	text_puts(&v->message, lines == 1 ? ", no error" : " is an error");
}

/* ---- the ledger ---- */

static void say_rejected(struct query *q, struct summary *s, int64_t run)
{
	sqlite3_stmt *st = query_prepare(q, "SELECT total(rejected), total(repaired), total(lines), (SELECT reason "
	                                    "FROM reject r WHERE ?1 = 0 OR r.source "
	                                    "IN (SELECT id FROM source WHERE run = ?1) ORDER BY source, line LIMIT 1) "
	                                    "FROM source WHERE ?1 = 0 OR run = ?1");
	struct verdict *v;

	sqlite3_bind_int64(st, 1, run);
	if (query_next(q, st)) {
		int64_t rejected = sqlite3_column_int64(st, 0), repaired = sqlite3_column_int64(st, 1);
		const char *reason = (const char *)sqlite3_column_text(st, 3);

		if (rejected && (v = summary_add(q, s, VERDICT_WARNING, "check"))) {
			say_several(&v->message, rejected, "line");
			text_printf(&v->message, " %s rejected", rejected == 1 ? "was" : "were");
			if (reason)
				text_printf(&v->message, ": %s", reason);
		}
		if (repaired && (v = summary_add(q, s, VERDICT_NOTE, "sources"))) {
			say_several(&v->message, repaired, "line");
			text_printf(&v->message, " %s repaired", repaired == 1 ? "was" : "were");
		}
	}
	sqlite3_finalize(st);
}

void summary_ledger(struct query *q, struct summary *s, int64_t run)
{
	int64_t assumed;
	struct verdict *v;

	say_rejected(q, s, run);
	assumed =
	    query_number(q, "SELECT count(*) FROM source WHERE offset_from = 'assumed' AND (?1 = 0 OR run = ?1)", run);
	if (assumed && (v = summary_add(q, s, VERDICT_NOTE, "sources"))) {
		text_puts(&v->message, "The clock of ");
		say_several(&v->message, assumed, "file");
		text_puts(&v->message, " is assumed to be UTC: load --timezone ZONE sets it");
	}
}

/* Of what has no line there is nothing else to say; a verdict without a sentence reads as if all were well. */
static void say_nothing(struct query *q, struct summary *s)
{
	bool any = query_number(q, "SELECT count(*) FROM source WHERE ?1 = 0 OR run = ?1", query_run(q)) > 0;
	struct verdict *v = s->n ? NULL : summary_add(q, s, VERDICT_NOTE, any ? "sources" : "load PATH...");

	if (v)
		text_puts(&v->message, any ? "What is loaded has no line" : "Nothing is loaded");
}

/* ---- all of it ---- */

static void head(struct query *q, struct summary *s, int64_t run)
{
	sqlite3_stmt *st = query_prepare(q, "SELECT count(*), max(path), min(first_ns), max(last_ns), "
	                                    "max(coalesce(offset_s, 0)), (SELECT count(*) FROM "
	                                    "source WHERE ?1 = 0 OR run = ?1), (SELECT total(bytes) FROM source WHERE "
	                                    "?1 = 0 OR run = ?1), count(DISTINCT "
	                                    "coalesce(offset_s, 0)) FROM run WHERE ?1 = 0 OR id = ?1");
	char from[NUMBER_MAX], to[NUMBER_MAX], zone[NUMBER_MAX];

	sqlite3_bind_int64(st, 1, run);
	if (query_next(q, st)) {
		const char *path = (const char *)sqlite3_column_text(st, 1), *name = path ? strrchr(path, '/') : NULL;
		int64_t offset_s = sqlite3_column_int64(st, 7) == 1 ? sqlite3_column_int64(st, 4) : 0;

		if (sqlite3_column_int64(st, 0) == 1)
			text_puts(&s->head, name ? name + 1 : path ? path : "");
		else
			say_several(&s->head, sqlite3_column_int64(st, 0), "run");
		text_puts(&s->head, ", ");
		say_several(&s->head, sqlite3_column_int64(st, 5), "file");
		text_puts(&s->head, ", ");
		say_several(&s->head, count_lines(q, run), "line");
		if (sqlite3_column_type(st, 2) != SQLITE_NULL && sqlite3_column_type(st, 3) != SQLITE_NULL) {
			time_of_log(sqlite3_column_int64(st, 2), offset_s, from);
			time_of_log(sqlite3_column_int64(st, 3), offset_s, to);
			time_offset(offset_s, zone);
			text_printf(&s->head, ", %.19s to %.*s (%s)", from, strncmp(from, to, 10) ? 19 : 8,
			            strncmp(from, to, 10) ? to : to + 11, zone);
		}
	}
	sqlite3_finalize(st);
}

static bool explains_unfinished(const struct findings *fs)
{
	for (size_t i = 0; i < fs->n; i++)
		if (!strcmp(fs->v[i].rule, "hang") || !strcmp(fs->v[i].rule, "never-started") ||
		    (!strcmp(fs->v[i].rule, "never-ended") && fs->v[i].level > FINDING_NOTE))
			return true;
	return false;
}

/* By level; within one as they came. */
static void sort(struct summary *s)
{
	for (size_t i = 1; i < s->n; i++)
		for (size_t k = i; k > 0 && s->v[k].level < s->v[k - 1].level; k--) {
			struct verdict v = s->v[k];

			s->v[k] = s->v[k - 1];
			s->v[k - 1] = v;
		}
}

static int find_part(void *arg, struct store *s, size_t i)
{
	struct found *f = arg;

	return found_read(f, s, i);
}

void summary_find(struct query *q, struct findings *fs)
{
	struct found f = {.run = query_run(q)};

	if (!q->status)
		query_ok(q, parts_read(q->store, FINDERS, find_part, &f), q->path);
	found_done(&f, fs);
	query_ok(q, fs->rc, q->path);
}

void summary_of(struct query *q, const struct findings *fs, struct summary *s)
{
	int64_t run = query_run(q);
	bool invocations;

	*s = (struct summary){0};
	head(q, s, run);
	summary_findings(q, s, fs);
	invocations = summary_invocations(q, s, run, explains_unfinished(fs)) > 0;
	summary_patterns(q, s, run, invocations);
	summary_ledger(q, s, run);
	say_nothing(q, s);
	sort(s);
	query_ok(q, s->head.failed ? -ENOMEM : 0, q->command);
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].message.failed)
			query_ok(q, -ENOMEM, q->command);
}

void summary_make(struct query *q, struct summary *s)
{
	struct findings fs = {0};

	summary_find(q, &fs);
	summary_of(q, &fs, s);
	findings_done(&fs);
}

void summary_done(struct summary *s)
{
	for (size_t i = 0; i < s->n; i++)
		text_done(&s->v[i].message);
	free(s->v);
	text_done(&s->head);
}
