/* SPDX-License-Identifier: GPL-3.0-or-later */
/* report_verdict.c - the first screen: the verdict of `summary`, and a few figures. */
#include "base/sql.h"
#include "query/report/report.h"
#include "render/number.h"
#include <string.h>

/* Where the page shows what a command shows. */
static const struct {
	const char *command, *section;
} shown_by[] = {
    {"hangs", "findings"},
    {"storms", "findings"},
    {"lint", "findings"},
    {"diagnose", "findings"},
    {"invocations --status", "failed"},
    {"invocations --sort", "slowest"},
    {"phases", "phases"},
    {"gaps", "phases"},
    {"functions", "functions"},
    {"blame", "blame"},
    {"slow", "slow"},
    {"errors", "errors"},
    {"patterns", "patterns"},
    {"sources", "sources"},
    {"check", "sources"},
};

static void add_command(struct report *r, struct text *t, const char *command)
{
	for (size_t i = 0; i < sizeof shown_by / sizeof *shown_by; i++)
		if (!strncmp(command, shown_by[i].command, strlen(shown_by[i].command)) &&
		    report_has(r, shown_by[i].section)) {
			text_printf(t, " <a href=\"#%s\"><code>%s</code></a>", shown_by[i].section, command);
			return;
		}
	text_printf(t, " <code class=\"copy\" title=\"ilu-logq %s\">%s</code>", command, command);
}

void report_verdict(struct report *r)
{
	static const char *const signs[] = {"✗", "▲", "●", "·"};
	struct text t = {0};

	text_puts(&t, "<ol class=\"verdict\">\n");
	for (size_t i = 0; i < r->summary.n; i++) {
		const struct verdict *v = &r->summary.v[i];

		text_printf(&t,
		            "<li class=\"v-%s\"><span class=\"sign\" aria-hidden=\"true\">%s</span><div><span "
		            "class=\"hidden\">%s: </span>",
		            verdict_level_name(v->level), signs[v->level], verdict_level_name(v->level));
		text_add_html(&t, text_str(&v->message), v->message.len);
		add_command(r, &t, v->command);
		text_puts(&t, "</div></li>\n");
	}
	text_puts(&t, "</ol>\n");
	if (query_inferred(r->q))
		text_puts(&t, "<p>" INFERRED_NOTE ".</p>\n");
	report_put(r, &t);
	text_done(&t);
	report_tiles(r);
}

/* ---- tiles ---- */

static void put_tile(struct report *r, const char *value, const char *label, const char *to, bool bad)
{
	bool link = to && report_has(r, to);

	if (link)
		fprintf(r->out->file, "<a class=\"tile%s\" href=\"#%s\"><b>%s</b><span>%s</span></a>\n",
		        bad ? " bad" : "", to, value, label);
	else
		fprintf(r->out->file, "<div class=\"tile%s\"><b>%s</b><span>%s</span></div>\n", bad ? " bad" : "",
		        value, label);
}

static void put_count(struct report *r, int64_t n, const char *one, const char *many, const char *to, bool bad)
{
	char buf[NUMBER_MAX];

	number_count(n, buf);
	put_tile(r, buf, n == 1 ? one : many, to, bad && n);
}

static int64_t number(struct report *r, const char *sql)
{
	return query_number(r->q, sql, query_run(r->q));
}

static int64_t lines_of_level(struct report *r, const char *level)
{
	int64_t run = query_run(r->q), n = 0;
	sqlite3_stmt *st = query_prepare(r->q, run ? "SELECT count(*) FROM event WHERE run = ?1 AND level = ?2"
	                                           : "SELECT total(count) FROM pattern WHERE ?1 = 0 AND level = ?2");

	sqlite3_bind_int64(st, 1, run);
	sqlite3_bind_text(st, 2, level, -1, SQLITE_STATIC);
	if (query_next(r->q, st))
		n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return n;
}

/* How long invocations took; of several runs, each for itself in the table of functions and in its charts. */
static void put_quantiles(struct report *r)
{
	static const struct {
		double at;
		const char *label;
	} quantiles[] = {{0.5, "median end to end"}, {0.99, "99 % took at most"}, {1, "slowest"}};
	const struct sample *all = &r->gathered.overall->durations;
	char buf[NUMBER_MAX];

	for (size_t i = 0; i < 3 && all->n; i++) {
		number_duration(sample_quantile(all, quantiles[i].at), "µ", buf);
		put_tile(r, buf, quantiles[i].label, i == 2 ? "slowest" : "functions", false);
	}
}

static void put_of_invocations(struct report *r)
{
	const struct overall *o = r->gathered.overall;

	put_count(r, o->all, "invocation", "invocations", "functions", false);
	put_count(r, o->failed, "failed", "failed", "failed", true);
	put_count(r, o->unfinished, "unfinished", "unfinished", "failed", true);
	if (r->nruns == 1)
		put_quantiles(r);
	put_count(r, o->cold_starts, "cold start", "cold starts", "phases", false);
}

void report_tiles(struct report *r)
{
	int64_t damaged = number(r, "SELECT count(*) FROM source WHERE damage IS NOT NULL AND (?1 = 0 OR run = ?1)"),
	        bad = 0;

	for (size_t i = 0; i < r->findings.n; i++)
		bad += r->findings.v[i].level >= FINDING_WARNING;
	fputs("<div class=\"tiles\">\n", r->out->file);
	put_count(r, bad, "finding", "findings", "findings", true);
	put_count(r, lines_of_level(r, "ERROR"), "line is an error", "lines are errors", "errors", true);
	if (r->invocations && !r->q->status)
		put_of_invocations(r);
	put_count(r, number(r, "SELECT total(lines) FROM source WHERE ?1 = 0 OR run = ?1"), "line", "lines", "sources",
	          false);
	put_count(r, number(r, "SELECT total(rejected) FROM source WHERE ?1 = 0 OR run = ?1"), "line rejected",
	          "lines rejected", "sources", true);
	if (damaged)
		put_count(r, damaged, "damaged file", "damaged files", "sources", true);
	fputs("</div>\n", r->out->file);
}
