/* SPDX-License-Identifier: GPL-3.0-or-later */
/* report_findings.c - the findings, the gravest first: a sentence each, and folded what shows it. */
#include "base/sql.h"
#include "query/report/report.h"
#include "render/number.h"
#include <errno.h>
#include <string.h>

enum { SHOWN = 8, MOST = 200, EVIDENCE = 12, LINE_BYTES = 1200 };

static void add(struct text *t, const char *s)
{
	if (s)
		text_add_html(t, s, strlen(s));
}

static int64_t offset_of(struct report *r, const struct finding *f)
{
	return f->first_ns == INT64_MIN ? query_offset(r->q, f->run) : query_clock(r->q, f->run, f->first_ns);
}

static void add_tid(struct report *r, struct text *t, const struct finding *f)
{
	char href[32];

	if (!f->tid)
		return;
	if (r->out->links->find(r->out->links->arg, f->run, f->tid, strlen(f->tid), href)) {
		text_printf(t, "<p>Its timeline: <a href=\"%s\"><code>", href);
		add(t, f->tid);
		text_puts(t, "</code></a></p>\n");
		return;
	}
	text_puts(t, "<p>More: <code class=\"copy\">ilu-logq timeline ");
	add(t, f->tid);
	text_puts(t, "</code></p>\n");
}

static void add_facts(struct text *t, const struct finding *f)
{
	if (!f->cause && !f->ndetails)
		return;
	text_puts(t, "<dl>");
	if (f->cause) {
		text_puts(t, "<div><dt>cause</dt><dd>");
		add(t, f->cause);
		text_puts(t, "</dd></div>");
	}
	for (size_t i = 0; i < f->ndetails; i++) {
		text_puts(t, "<div><dt>");
		add(t, f->detail[i].name);
		text_puts(t, "</dt><dd>");
		add(t, f->detail[i].value);
		text_puts(t, "</dd></div>");
	}
	text_puts(t, "</dl>\n");
}

/* ---- evidence ---- */

static void add_line(struct report *r, struct text *t, int64_t id, int64_t offset_s)
{
	const struct event *e;
	struct slice line = SLICE_NONE;
	char clock[NUMBER_MAX];
	int rc = event_get(r->q->store, id, &e);

	if (rc <= 0 || (rc = event_line(e, &line))) {
		query_ok(r->q, rc, r->q->path);
		return;
	}
	time_of_log(e->time_ns, offset_s, clock);
	text_printf(t, "<li><small>%s, line %lld</small> <code>", clock, (long long)e->line);
	text_add_html(t, line.ptr, line.len > LINE_BYTES ? LINE_BYTES : line.len);
	text_puts(t, line.len > LINE_BYTES ? "…</code></li>\n" : "</code></li>\n");
}

static void add_evidence(struct report *r, struct text *t, const struct finding *f, int64_t offset_s)
{
	size_t n = f->nevidence < EVIDENCE ? f->nevidence : EVIDENCE;

	if (!n)
		return;
	text_puts(t, "<ul class=\"evidence\">\n");
	for (size_t i = 0; i < n && !r->q->status; i++) {
		const struct evidence *e = &f->evidence[i];

		if (e->remark) {
			text_puts(t, "<li class=\"remark\">");
			add(t, e->remark);
			text_puts(t, "</li>\n");
		}
		if (e->event)
			add_line(r, t, e->event, offset_s);
	}
	if (n < f->nevidence)
		text_printf(t, "<li class=\"remark\">and %zu more</li>\n", f->nevidence - n);
	text_puts(t, "</ul>\n");
}

/* ---- findings ---- */

static void add_since(struct text *t, const struct finding *f, int64_t offset_s)
{
	char clock[NUMBER_MAX];

	if (f->first_ns == INT64_MIN)
		return;
	time_of_log(f->first_ns, offset_s, clock);
	text_printf(t, " <time>%.19s</time>", clock);
}

static void put_finding(struct report *r, const struct finding *f)
{
	int64_t offset_s = offset_of(r, f);
	const char *level = finding_level_name(f->level);
	struct text t = {0};

	text_printf(&t, "<details class=\"finding v-%s\" data-run=\"%lld\"", level, (long long)f->run);
	if (f->first_ns != INT64_MIN)
		text_printf(&t, " data-t=\"%lld\" data-u=\"%lld\"", (long long)f->first_ns,
		            (long long)(f->last_ns == INT64_MIN ? f->first_ns : f->last_ns));
	text_printf(&t,
	            "><summary><span class=\"badge\">%s</span><span class=\"rule\">%s</span><span class=\"sentence\">",
	            level, f->rule);
	add(&t, f->message);
	text_puts(&t, "</span>");
	add_since(&t, f, offset_s);
	report_of_run(r, &t, f->run);
	text_puts(&t, "</summary>\n");
	add_facts(&t, f);
	add_tid(r, &t, f);
	add_evidence(r, &t, f, offset_s);
	text_puts(&t, "</details>\n");
	report_put(r, &t);
	text_done(&t);
}

void report_findings(struct report *r)
{
	size_t most = r->findings.n < MOST ? r->findings.n : MOST;

	if (!most)
		fputs("<p class=\"none\">Nothing found.</p>\n", r->out->file);
	for (size_t i = 0; i < most && !r->q->status; i++) {
		if (i == SHOWN)
			fprintf(r->out->file, "<details class=\"rest\"><summary>%zu more findings</summary>\n",
			        r->findings.n - SHOWN);
		put_finding(r, &r->findings.v[i]);
	}
	if (most < r->findings.n)
		fprintf(r->out->file,
		        "<p>and %zu more: <code>lint</code>, <code>hangs</code> and <code>storms</code> tell all of "
		        "them.</p>\n",
		        r->findings.n - most);
	if (most > SHOWN)
		fputs("</details>\n", r->out->file);
}
