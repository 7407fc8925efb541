/* SPDX-License-Identifier: GPL-3.0-or-later */
/* report_html.c - the report as one HTML page that needs nothing else; with its script it answers to the pointer. */
#include "base/sql.h"
#include "query/report/report.h"
#include "render/number.h"
#include "render/page.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { RUNS_NAMED = 3 };

void report_put(struct report *r, struct text *t)
{
	if (query_wrote(r->q, t->failed ? -ENOMEM : 0))
		fwrite(text_str(t), 1, t->len, r->out->file);
	text_reset(t);
}

const char *report_run_name(const struct report *r, int64_t run)
{
	for (size_t i = 0; i < r->nruns; i++)
		if (r->runs[i].id == run)
			return r->runs[i].name;
	return "";
}

void report_of_run(struct report *r, struct text *t, int64_t run)
{
	const char *name = report_run_name(r, run);

	if (r->nruns < 2)
		return;
	text_puts(t, "<span class=\"of\">");
	text_add_html(t, name, strlen(name));
	text_puts(t, "</span>");
}

/* "A, B, C and 2 more" */
static void add_names(const struct report *r, struct text *t)
{
	size_t n = r->nruns <= RUNS_NAMED ? r->nruns : RUNS_NAMED;

	for (size_t i = 0; i < n; i++)
		text_printf(t, "%s%s", i ? ", " : "", r->runs[i].name);
	if (n < r->nruns)
		text_printf(t, " and %zu more", r->nruns - n);
	if (!r->nruns)
		text_puts(t, "nothing loaded");
}

static bool find_case(const void *arg, int64_t run, const char *tid, size_t len, char href[32])
{
	const struct report *r = arg;

	for (size_t i = 0; i < r->ncases; i++)
		if ((!run || r->cases[i].run == run) && strlen(r->cases[i].tid) == len &&
		    !memcmp(r->cases[i].tid, tid, len)) {
			snprintf(href, 32, "#timeline-%zu", i + 1);
			return true;
		}
	return false;
}

static void put_top(struct report *r)
{
	struct text names = {0}, t = {0};

	add_names(r, &names);
	t.failed = names.failed;
	text_add(&t, text_str(&names), names.len);
	text_puts(&t, " · report of ilu-logq");
	query_wrote(r->q, page_head(r->out->file, "ilu-logq " ILU_VERSION, text_str(&t)));
	text_reset(&t);
	text_puts(&t, "<header>\n<h1>");
	text_add_html(&t, text_str(&names), names.len);
	text_puts(&t, "</h1>\n<p class=\"meta\">");
	text_add_html(&t, text_str(&r->summary.head), r->summary.head.len);
	text_puts(&t, "</p>\n<nav aria-label=\"Sections\"><ul>");
	for (size_t i = 0; r->sections && r->sections[i]; i++)
		if (report_wants(r, r->sections[i]))
			text_printf(&t, "<li><a href=\"#%s\">%s</a></li>", r->sections[i]->name, r->sections[i]->title);
	text_puts(&t, "</ul></nav>\n</header>\n<main>\n");
	report_put(r, &t);
	text_done(&names);
	text_done(&t);
}

static void put_section(struct report *r, const struct report_section *s)
{
	if (!report_wants(r, s))
		return;
	if (s->html == report_verdict)
		fprintf(r->out->file, "<section id=\"%s\"><h2 class=\"hidden\">%s</h2>\n", s->name, s->title);
	else
		fprintf(r->out->file,
		        "<details class=\"section\" id=\"%s\"%s><summary><h2>%s</h2></summary>\n<p "
		        "class=\"intro\">%s%s%s</p>\n",
		        s->name, s->open ? " open" : "", s->title, report_intro(r, s), s->page ? " " : "",
		        s->page ? s->page : "");
	if (s->html)
		s->html(r);
	else
		report_section_run(r, s, r->out);
	fputs(s->html == report_verdict ? "</section>\n" : "</details>\n", r->out->file);
}

void report_html(struct query *q, struct output *out)
{
	struct report r;
	struct output_links links = {find_case, &r};

	out->format = FORMAT_HTML;
	out->links = &links;
	report_read(&r, q, out, true);
	if (!q->status)
		put_top(&r);
	for (size_t i = 0; r.sections && r.sections[i] && !q->status; i++)
		put_section(&r, r.sections[i]);
	if (!q->status) {
		fprintf(
		    out->file,
		    "</main>\n<footer><p>Made by ilu-logq %s; the same database gives the same page.</p></footer>\n",
		    ILU_VERSION);
		query_wrote(q, page_foot(out->file));
	}
	query_wrote(q, output_status(out));
	out->links = NULL;
	report_done(&r);
}
