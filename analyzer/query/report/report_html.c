/* SPDX-License-Identifier: GPL-3.0-or-later */
/* report_html.c - the report as one HTML file that needs nothing else: no network, no script. */
#include "query/commands/commands.h"
#include "query/core/quantile.h"
#include "query/report/report.h"
#include "query/timelines/timeline.h"
#include "render/histogram.h"
#include "render/number.h"
#include "render/report_style.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { BINS = 80 };

static void put(struct output *out, struct text *t)
{
	fwrite(text_str(t), 1, t->len, out->file);
	text_reset(t);
}

static void put_head(struct output *out)
{
	fprintf(
	    out->file,
	    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" "
	    "content=\"width=device-width,initial-scale=1\">\n"
	    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
	    "<meta name=\"generator\" content=\"ilu-logq %s\">\n<title>Report of "
	    "ilu-logq</title>\n<style>\n%s</style>\n</head>\n<body>\n<header>\n<h1>Report of ilu-logq</h1>\n",
	    ILU_VERSION, report_style);
}

static void put_navigation(struct output *out)
{
	fputs("<nav aria-label=\"Sections\"><ul>", out->file);
	for (const struct report_part *p = report_parts; p->name; p++)
		fprintf(out->file, "%s<li><a href=\"#%s\">%s</a></li>",
		        strcmp(p->name, "sources") ? "" : "<li><a href=\"#timelines\">Timelines</a></li>", p->name,
		        p->title);
	fputs("</ul></nav>\n</header>\n<main>\n", out->file);
}

/* ---- figures at a glance ---- */

struct glance {
	int64_t all, failed, unfinished, cold, cold_starts, lines, rejected, damaged, start_ns, end_ns, offset_s;
	struct sample durations;
};

static void read_counts(struct query *q, int64_t run, struct glance *g)
{
	sqlite3_stmt *stmt = query_prepare(
	    q,
	    "SELECT count(*), total(status = 'failed'), total(status = 'unfinished'), total(coalesce(was_cold, state = "
	    "'cold', 0)),"
	    " (SELECT total(state = 'cold') FROM attempt WHERE ?1 = 0 OR run = ?1),"
	    " (SELECT total(lines) FROM source WHERE ?1 = 0 OR run = ?1), (SELECT total(rejected) FROM source WHERE ?1 "
	    "= 0 OR run = ?1),"
	    " (SELECT count(*) FROM source WHERE damage IS NOT NULL AND (?1 = 0 OR run = ?1)), min(coalesce(sent_ns, "
	    "arrived_ns)),"
	    " max(coalesce(sent_ns, arrived_ns)), (SELECT coalesce(offset_s, 0) FROM run WHERE ?1 = 0 OR id = ?1)"
	    " FROM invocation WHERE ?1 = 0 OR run = ?1");
	int64_t *const to[] = {&g->all,      &g->failed,  &g->unfinished, &g->cold,   &g->cold_starts, &g->lines,
	                       &g->rejected, &g->damaged, &g->start_ns,   &g->end_ns, &g->offset_s};

	sqlite3_bind_int64(stmt, 1, run);
	if (query_next(q, stmt))
		for (int i = 0; i < (int)(sizeof to / sizeof *to); i++)
			*to[i] = sqlite3_column_int64(stmt, i);
	sqlite3_finalize(stmt);
}

static void read_durations(struct query *q, int64_t run, struct glance *g)
{
	sqlite3_stmt *stmt =
	    query_prepare(q, "SELECT " INVOCATION_DURATION
	                     " AS d FROM invocation WHERE (?1 = 0 OR run = ?1) AND d IS NOT NULL ORDER BY d");

	sqlite3_bind_int64(stmt, 1, run);
	while (query_next(q, stmt))
		query_ok(q, sample_add(&g->durations, sqlite3_column_int64(stmt, 0)), q->command);
	sqlite3_finalize(stmt);
}

static void put_tile(struct output *out, const char *value, const char *label, bool bad)
{
	fprintf(out->file, "<div%s><b>%s</b><span>%s</span></div>\n", bad ? " class=\"bad\"" : "", value, label);
}

static void put_count(struct output *out, int64_t n, const char *label, bool bad)
{
	char buf[32];

	snprintf(buf, sizeof buf, "%lld", (long long)n);
	put_tile(out, buf, label, bad && n);
}

static void put_tiles(struct output *out, const struct glance *g)
{
	static const struct {
		double at;
		const char *label;
	} quantiles[] = {{0.5, "median end to end"}, {0.99, "99 % took at most"}, {1, "slowest"}};
	char buf[NUMBER_MAX];

	fputs("<div class=\"tiles\">\n", out->file);
	put_count(out, g->all, "invocations", false);
	put_count(out, g->failed, "failed", true);
	put_count(out, g->unfinished, "unfinished", true);
	put_count(out, g->cold, "cold calls, as functions say", false);
	put_count(out, g->cold_starts, "containers made for a call", false);
	for (size_t i = 0; i < 3 && g->durations.n; i++) {
		number_duration(sample_quantile(&g->durations, quantiles[i].at), "µ", buf);
		put_tile(out, buf, quantiles[i].label, false);
	}
	put_count(out, g->lines, "lines", false);
	put_count(out, g->rejected, "lines rejected", true);
	if (g->damaged)
		put_count(out, g->damaged, "damaged files", true);
	fputs("</div>\n", out->file);
}

/* Arrivals over time, those that did not end well in another colour. */
static void put_histogram(struct query *q, struct output *out, int64_t run, const struct glance *g)
{
	int64_t good[BINS] = {0}, bad[BINS] = {0};
	struct histogram h = {"Invocations over time", g->start_ns, g->end_ns, g->offset_s, good, bad, BINS};
	sqlite3_stmt *stmt;
	struct text svg = {0};

	if (g->all < 2 || g->end_ns <= g->start_ns)
		return;
	stmt =
	    query_prepare(q, "SELECT coalesce(sent_ns, arrived_ns) AS t, status = 'ok' FROM invocation WHERE (?1 = 0 "
	                     "OR run = ?1) AND t IS NOT NULL");
	sqlite3_bind_int64(stmt, 1, run);
	while (query_next(q, stmt)) {
		double at =
		    (double)(sqlite3_column_int64(stmt, 0) - g->start_ns) / (double)(g->end_ns - g->start_ns) * BINS;
		int i = at < 0 ? 0 : at >= BINS ? BINS - 1 : (int)at;

		(sqlite3_column_int(stmt, 1) ? good : bad)[i]++;
	}
	sqlite3_finalize(stmt);
	histogram_svg(&svg, &h, "arrivals");
	put(out, &svg);
	text_done(&svg);
}

static void put_glance(struct query *q, struct output *out)
{
	struct glance g = {0};
	int64_t run = query_run(q);

	read_counts(q, run, &g);
	read_durations(q, run, &g);
	if (!q->status) {
		put_tiles(out, &g);
		if (query_inferred(q))
			fputs("<p>" INFERRED_NOTE ".</p>\n", out->file);
		put_histogram(q, out, run, &g);
	}
	sample_done(&g.durations);
}

/* ---- timelines ---- */

static void put_summary(struct output *out, const struct transaction *tx)
{
	char took[NUMBER_MAX] = "";
	struct text t = {0};

	if (tx->duration_ns >= 0)
		number_duration(tx->duration_ns, "µ", took);
	text_puts(&t, "<summary><b>");
	text_puts(&t, took);
	text_puts(&t, "</b><span>");
	text_add_html(&t, tx->function ? tx->function : "", tx->function ? strlen(tx->function) : 0);
	text_printf(&t, "</span><span%s>", tx->status && strcmp(tx->status, "ok") ? " class=\"bad\"" : "");
	text_add_html(&t, tx->status ? tx->status : "", tx->status ? strlen(tx->status) : 0);
	text_puts(&t, "</span><code>");
	text_add_html(&t, tx->tid, strlen(tx->tid));
	text_puts(&t, "</code></summary>\n");
	put(out, &t);
	text_done(&t);
}

static void put_timeline(struct query *q, struct output *out, const struct transaction *tx, size_t i)
{
	struct timeline_options o = {.utf8 = true};
	struct arena arena = {0};
	struct timeline t;
	struct text html = {0};
	char id[32];

	if (query_ok(q, timeline_make(&arena, tx, &o, &t), "output")) {
		snprintf(id, sizeof id, "timeline-%zu", i + 1);
		fprintf(out->file, "<details%s>", i ? "" : " open");
		put_summary(out, tx);
		timeline_html(&html, &t, id);
		query_ok(q, html.failed ? -ENOMEM : 0, "output");
		put(out, &html);
		fputs("</details>\n", out->file);
	}
	text_done(&html);
	arena_done(&arena);
}

static void put_case(struct query *q, struct output *out, const struct report_case *c, size_t i)
{
	struct query_tid of = query_tid(q, c->tid);
	struct transaction tx;

	transaction_read(q, c->run, &of, 20000, &tx);
	if (!q->status)
		put_timeline(q, out, &tx, i);
	transaction_done(&tx);
	query_tid_done(&of);
}

static void put_cases(struct query *q, struct output *out)
{
	struct report_case *cases;
	size_t n = report_cases(q, &cases);

	fputs("<section id=\"timelines\"><h2>Timelines</h2>\n<p>The slowest invocations, and some that failed or never "
	      "ended. Repeated and short things are "
	      "folded.</p>\n",
	      out->file);
	for (size_t i = 0; i < n && !q->status; i++)
		put_case(q, out, &cases[i], i);
	if (!n)
		fputs("<p class=\"none\">None.</p>\n", out->file);
	fputs("</section>\n", out->file);
	report_cases_free(cases, n);
}

void report_html(struct query *q, struct output *out)
{
	out->format = FORMAT_HTML;
	put_head(out);
	put_navigation(out);
	put_glance(q, out);
	for (const struct report_part *p = report_parts; p->name && !q->status; p++) {
		if (!strcmp(p->name, "sources"))
			put_cases(q, out);
		fprintf(out->file, "<section id=\"%s\"><h2>%s</h2>\n<p>%s</p>\n", p->name, p->title, p->intro);
		report_part_run(q, p, out);
		fputs("</section>\n", out->file);
	}
	fputs("</main>\n</body>\n</html>\n", out->file);
	query_ok(q, output_status(out), "output");
}
