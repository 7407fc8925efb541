/* SPDX-License-Identifier: GPL-3.0-or-later */
/* report_sections.c - what stands in a report, in which order, and what its sections share. */
#include "base/array.h"
#include "base/sql.h"
#include "query/commands/commands.h"
#include "query/commands/gathering.h"
#include "query/report/report.h"
#include "query/why/slow.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct option_spec sort_spec = {.name = "sort"}, limit_spec = {.name = "limit"},
                                level_spec = {.name = "level"}, where_spec = {.name = "where"},
                                run_spec = {.name = "run"};

/* Something that the slow ones have in common, or to people that there are too many to look here. */
static bool slow_tells(const struct report *r)
{
	const struct slow *s = r->gathered.slow;
	bool people = r->out->format == FORMAT_HTML || r->out->format == FORMAT_MARKDOWN;

	return s && (s->c.n || (s->too_many && people));
}

const struct report_section report_sections[] = {
    {.name = "summary",
     .title = "Verdict",
     .intro = "What is wrong, the worst first, and where the time went.",
     .command = &command_summary,
     .html = report_verdict,
     .open = true},
    {.name = "findings",
     .title = "Findings",
     .reads = REPORT_EVIDENCE,
     .intro = "What never completed and why, cycles without progress, mounts that failed, what cannot be right.",
     .command = &findings_of_report,
     .html = report_findings,
     .open = true},
    {.name = "charts",
     .title = "Over time",
     .reads = REPORT_COUNTS,
     .intro = "By when a request was sent.",
     .without = "By when a line was logged.",
     .page = "A range chosen in one chart is the range of all, and of the tables below.",
     .command = &over_time_of_report,
     .html = report_charts,
     .open = true},
    {.name = "functions",
     .title = "Latency by function",
     .intro = "End-to-end, queueing and code time of each function's invocations. Cold is what the function calls its "
              "first call in a container; cold_starts are containers made for a call.",
     .command = &command_functions,
     .of_invocations = true},
    {.name = "phases",
     .title = "Where the time went",
     .intro = "The phases of an invocation add up to its end-to-end time; what the log does not explain is named so.",
     .command = &command_phases,
     .of_invocations = true},
    {.name = "blame",
     .title = "Who made whom wait",
     .reads = REPORT_BLAME,
     .intro = "What each function waited for in the queue: the share of its waiting that others held its core or its "
              "memory, or stood before it.",
     .command = &command_blame,
     .options = {{&limit_spec, "100"}},
     .html = report_blame,
     .of_invocations = true},
    {.name = "slow",
     .title = "What the slow ones have in common",
     .reads = REPORT_SLOW,
     .intro =
         "Where the time of the slow invocations went beyond that of the others of the same function, and what they "
         "have more often than chance would give them.",
     .command = &command_slow,
     .tells = slow_tells,
     .of_invocations = true},
    {.name = "slowest",
     .title = "Slowest invocations",
     .intro = "By what the caller waited.",
     .command = &command_invocations,
     .options = {{&sort_spec, "-duration_ns"}, {&limit_spec, "20"}, {&where_spec, "status <> 'unfinished'"}},
     .of_invocations = true},
    {.name = "failed",
     .title = "Failed and unfinished invocations",
     .intro = "The first of them, by time.",
     .command = &command_invocations,
     .options = {{&where_spec, "status <> 'ok'"}, {&limit_spec, "50"}},
     .of_invocations = true},
    {.name = "timelines",
     .title = "Timelines",
     .reads = REPORT_TIMELINES,
     .intro = "The slowest invocations, some that failed or never ended, and a typical one of each function. Repeated "
              "and short things are folded.",
     .html = report_timelines,
     .of_invocations = true},
    {.name = "errors",
     .title = "Errors and warnings",
     .intro = "By message; lines that differ only in numbers and ids are one group.",
     .command = &command_errors,
     .options = {{&level_spec, "warn"}, {&limit_spec, "50"}}},
    {.name = "patterns",
     .title = "Messages by pattern",
     .intro = "What was logged most: &lt;*&gt; stands for what varies.",
     .command = &command_patterns,
     .options = {{&limit_spec, "30"}}},
    {.name = "spans",
     .title = "Spans",
     .reads = REPORT_SPANS,
     .intro =
         "Where spans spent their time: each stands on the one around it, as wide as all of its kind took together.",
     .command = &command_spans,
     .options = {{&limit_spec, "50"}},
     .html = report_flames},
    {.name = "runs",
     .title = "Runs",
     .intro = "What was loaded. Times stand on the logs' own clock.",
     .command = &command_runs},
    {.name = "sources",
     .title = "Ledger",
     .intro = "Every line of every file is ok, repaired, rejected or a duplicate.",
     .command = &command_sources},
    {0},
};

enum { SECTIONS = sizeof report_sections / sizeof *report_sections };

/* ---- which ---- */

static const struct report_section *find(const char *word, size_t len)
{
	for (const struct report_section *s = report_sections; s->name; s++)
		if (strlen(s->name) == len && !memcmp(s->name, word, len))
			return s;
	return NULL;
}

static bool is_in(const struct report_section *const *all, size_t n, const struct report_section *s)
{
	for (size_t i = 0; i < n; i++)
		if (all[i] == s)
			return true;
	return false;
}

static void choose_line(struct query *q, const char *path, int number, char *line, const struct report_section **all,
                        size_t *n)
{
	size_t from, len;
	const struct report_section *s;

	line[strcspn(line, "#\r\n")] = 0;
	from = strspn(line, " \t");
	len = strcspn(line + from, " \t");
	if (!len)
		return;
	s = find(line + from, len);
	if (!s || line[from + len + strspn(line + from + len, " \t")])
		query_fail(q, USAGE, "%s:%d: no section %s; `report --help` lists them", path, number, line + from);
	else if (is_in(all, *n, s))
		query_fail(q, USAGE, "%s:%d: section %s stands there twice", path, number, s->name);
	else
		all[(*n)++] = s;
}

static void read_choice(struct query *q, const char *path, const struct report_section **all)
{
	FILE *f = fopen(path, "r");
	char *line = NULL;
	size_t room = 0, n = 0;

	if (!f) {
		query_fail(q, USAGE, "--sections %s: %s", path, strerror(errno));
		return;
	}
	for (int number = 1; !q->status && getline(&line, &room, f) >= 0; number++)
		choose_line(q, path, number, line, all, &n);
	if (query_interrupted)
		query_stop(q, INTERRUPTED);
	else if (ferror(f))
		query_fail(q, USAGE, "--sections %s: cannot be read", path);
	else if (!n)
		query_fail(q, USAGE, "--sections %s: names no section", path);
	fclose(f);
	free(line);
}

const struct report_section **report_choose(struct query *q)
{
	const char *path = args_value(q->args, "sections");
	const struct report_section **all = calloc(SECTIONS + 1, sizeof *all);

	if (!query_ok(q, all ? 0 : -ENOMEM, q->command))
		return NULL;
	if (path)
		read_choice(q, path, all);
	else
		for (size_t i = 0; report_sections[i].name; i++)
			all[i] = &report_sections[i];
	if (!q->status)
		return all;
	free(all);
	return NULL;
}

const struct report_section *report_chosen(const struct report *r, const char *name)
{
	for (size_t i = 0; r->sections && r->sections[i]; i++)
		if (!strcmp(r->sections[i]->name, name))
			return r->sections[i];
	return NULL;
}

bool report_has(const struct report *r, const char *name)
{
	const struct report_section *s = report_chosen(r, name);

	return s && report_wants(r, s);
}

bool report_wants(const struct report *r, const struct report_section *s)
{
	return (r->invocations || !s->of_invocations) && (!s->tells || s->tells(r));
}

const char *report_intro(const struct report *r, const struct report_section *s)
{
	return s->without && !r->invocations ? s->without : s->intro;
}

unsigned report_reads(struct query *q)
{
	const struct report_section **all = report_choose(q);
	unsigned reads = 0;

	for (size_t i = 0; all && all[i]; i++)
		reads |= all[i]->reads;
	free(all);
	return reads;
}

/* ---- commands ---- */

void report_ask(struct query *q, const struct command *c, const char *subject, const struct args *args,
                struct output *out)
{
	struct query sub = *q;

	sub.out = out;
	sub.quiet = true;
	command_start(&sub, c, args);
	if (!sub.status)
		c->run(&sub);
	if (sub.status && sub.error && !q->status)
		query_fail(q, sub.status, "%s: %s", subject, sub.error);
	query_stop(q, sub.status);
	if (sub.error != q->error)
		free(sub.error);
}

static bool takes(const struct command *c, const char *option)
{
	for (const struct option_spec *o = c->options; o && o->name; o++)
		if (!strcmp(o->name, option))
			return true;
	return false;
}

/* The same condition, and which transactions may fulfil it: they are looked up, not looked for. */
static char *narrow(const struct report *r, const struct report_section *s, const char *where)
{
	const char *also = !strcmp(s->name, "slowest") ? r->slowest : !strcmp(s->name, "failed") ? r->bad : NULL;
	char *both;

	return also && asprintf(&both, "%s AND %s", where, also) >= 0 ? both : NULL;
}

void report_section_run(struct report *r, const struct report_section *s, struct output *out)
{
	struct query *q = r->q;
	struct option options[6];
	struct args args = {.options = options};
	char *where = NULL;

	for (; s->options[args.noptions].spec; args.noptions++) {
		struct option *o = &options[args.noptions];

		*o = s->options[args.noptions];
		if (o->spec == &where_spec && (where = narrow(r, s, o->value)))
			o->value = where;
	}
	if (args_has(q->args, "run") && takes(s->command, "run"))
		options[args.noptions++] = (struct option){&run_spec, args_value(q->args, "run")};
	report_ask(q, s->command, s->name, &args, out);
	free(where);
}

/* ---- cases ---- */

enum { CASES_EACH = 8, CASES_MOST = 3 * CASES_EACH, CASE_RUNS = 8 };

struct cases {
	struct report_case *v;
	size_t n, most;
};

static bool known_case(const struct cases *c, int64_t run, const char *tid)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->v[i].run == run && !strcmp(c->v[i].tid, tid))
			return true;
	return false;
}

/* Of a statement that gives transactions; ?1 is the run, ?2 how many. */
static void add_cases(struct query *q, struct cases *c, int64_t run, int64_t most, const char *why, sqlite3_stmt *st)
{
	sqlite3_bind_int64(st, 1, run);
	sqlite3_bind_int64(st, 2, most);
	while (c->n < c->most && query_next(q, st)) {
		const char *tid = (const char *)sqlite3_column_text(st, 0);
		char *copy;

		if (!tid || known_case(c, run, tid))
			continue;
		copy = strdup(tid);
		if (query_ok(q, copy ? 0 : -ENOMEM, q->command))
			c->v[c->n++] = (struct report_case){run, copy, why};
	}
	sqlite3_finalize(st);
}

/* also: a condition that all of them fulfil; NULL: none is known. */
static sqlite3_stmt *prepare_cases(struct query *q, const char *where, const char *also, const char *order)
{
	struct text sql = {0};
	sqlite3_stmt *st;

	text_printf(&sql, "SELECT tid FROM invocation WHERE run = ?1 AND %s AND %s ORDER BY %s, tid LIMIT ?2", where,
	            also ? also : "1", order);
	st = query_ok(q, sql.failed ? -ENOMEM : 0, q->command) ? query_prepare(q, text_str(&sql)) : NULL;
	text_done(&sql);
	return st;
}

static void cases_of_run(struct report *r, struct cases *c, int64_t run, int64_t most)
{
	static const char by_time[] = "coalesce(sent_ns, arrived_ns, insert_ns)";
	struct query *q = r->q;

	add_cases(q, c, run, most, "slowest",
	          prepare_cases(q, "status <> 'unfinished' AND " INVOCATION_DURATION " IS NOT NULL",
	                        r->nruns == 1 ? r->slowest : NULL, INVOCATION_DURATION " DESC"));
	add_cases(q, c, run, most, "failed", prepare_cases(q, "status = 'failed'", r->bad, by_time));
	add_cases(q, c, run, most / 2, "unfinished", prepare_cases(q, "status = 'unfinished'", r->bad, by_time));
	/* Ids are drawn: the first of them are as good as any. */
	add_cases(
	    q, c, run, most, "typical",
	    query_prepare(
	        q,
	        "SELECT tid FROM (SELECT tid, row_number() OVER (PARTITION BY f ORDER BY d, tid) AS n, count(*) OVER "
	        "(PARTITION BY f) AS k FROM (SELECT tid, coalesce(function_name, fqdn) AS f, " INVOCATION_DURATION
	        " AS d FROM invocation WHERE run = ?1 AND status = 'ok' LIMIT 5000) WHERE d IS NOT NULL) WHERE n = "
	        "(k + 1) / 2 ORDER BY k DESC, tid LIMIT ?2"));
}

size_t report_cases(struct report *r, struct report_case **cases)
{
	struct query *q = r->q;
	sqlite3_stmt *st = query_prepare(q, "SELECT id, count(*) OVER () FROM run WHERE ?1 = 0 OR id = ?1 ORDER BY id");
	struct cases c = {calloc(CASES_MOST + CASE_RUNS, sizeof *c.v), 0, CASES_MOST};

	*cases = c.v;
	query_ok(q, c.v ? 0 : -ENOMEM, q->command);
	sqlite3_bind_int64(st, 1, query_run(q));
	for (int i = 0; i < CASE_RUNS && query_next(q, st); i++) {
		int64_t runs = sqlite3_column_int64(st, 1), most = runs < CASE_RUNS ? CASES_EACH / runs : 1;

		cases_of_run(r, &c, sqlite3_column_int64(st, 0), most < 2 ? 2 : most);
	}
	sqlite3_finalize(st);
	return c.n;
}

void report_cases_free(struct report_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(cases[i].tid);
	free(cases);
}

/* ---- what is shared ---- */

static void read_runs(struct report *r)
{
	sqlite3_stmt *st = query_prepare(r->q, "SELECT id, path FROM run WHERE ?1 = 0 OR id = ?1 ORDER BY id");

	sqlite3_bind_int64(st, 1, query_run(r->q));
	while (query_next(r->q, st)) {
		struct report_run *run = array_add(r->runs, r->nruns, r->runs_room);
		char *name = measure_run_name((const char *)sqlite3_column_text(st, 1));

		if (run)
			*run = (struct report_run){sqlite3_column_int64(st, 0), name};
		query_ok(r->q, run && name ? 0 : -ENOMEM, r->q->command);
	}
	sqlite3_finalize(st);
}

static void runs_done(struct report *r)
{
	for (size_t i = 0; i < r->nruns; i++)
		free(r->runs[i].name);
	free(r->runs);
}

void report_tids(struct query *q, struct intern *out)
{
	struct report r = {.q = q};
	uint32_t number;

	read_runs(&r);
	r.ncases = report_cases(&r, &r.cases);
	for (size_t i = 0; i < r.ncases && !q->status; i++)
		query_ok(q, intern_add(out, (struct slice){r.cases[i].tid, strlen(r.cases[i].tid)}, &number),
		         q->command);
	report_cases_free(r.cases, r.ncases);
	runs_done(&r);
}

static bool any_invocation(struct query *q)
{
	return query_number(q, "SELECT count(*) FROM (SELECT 1 FROM invocation WHERE ?1 = 0 OR run = ?1 LIMIT 1)",
	                    query_run(q)) > 0;
}

void report_read(struct report *r, struct query *q, struct output *out, bool page)
{
	*r = (struct report){.q = q, .out = out, .sections = report_choose(q)};
	read_runs(r);
	r->invocations = any_invocation(q);
	if (!q->status)
		report_read_all(r, page);
	if (r->invocations && report_has(r, "timelines"))
		r->ncases = report_cases(r, &r->cases);
	if (!page || q->status)
		return;
	summary_of(q, &r->findings, &r->summary);
	query_ok(q, findings_sort(&r->findings), q->path);
}

void report_done(struct report *r)
{
	r->q->gathered = NULL;
	slow_free(r->gathered.slow);
	gathered_done(&r->gathered);
	measure_done(&r->measure);
	free(r->slowest);
	free(r->bad);
	free((void *)r->sections);
	for (size_t i = 0; i < FLAMES_DRAWN; i++)
		flames_free(r->flames[i]);
	findings_done(&r->findings);
	summary_done(&r->summary);
	report_cases_free(r->cases, r->ncases);
	runs_done(r);
}
