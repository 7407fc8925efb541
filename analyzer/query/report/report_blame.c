/* SPDX-License-Identifier: GPL-3.0-or-later */
/* report_blame.c - who made whom wait in the queues: of each function which others had what it waited for, the more the
 * darker. */
#include "blame/blame.h"
#include "query/report/report.h"
#include "render/number.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { WAITERS = 12, HOLDERS = 8, SHADES = 5, RUNS_DRAWN = 8 };
enum { INVOCATIONS_MOST = 200000 }; /* a sweep over more takes seconds: the command is named instead */

/* A function, and how long it waited or was waited for. */
struct side {
	uint32_t function; /* BLAME_NOBODY: not known */
	int64_t ns;
};

struct matrix {
	const struct blame_run *b;
	struct blame_sum *sum;
	size_t nsums;
	struct side *waiter, *holder; /* the most first; one more holder than functions: nobody */
	size_t nwaiters, nholders;
	int64_t all;
};

static int by_ns(const void *a, const void *b)
{
	const struct side *x = a, *y = b;

	if (x->ns != y->ns)
		return x->ns < y->ns ? 1 : -1;
	return (x->function > y->function) - (x->function < y->function);
}

/* Those that are not zero, the most first; who is not known stands last. */
static size_t order(struct side *v, size_t n)
{
	size_t kept = 0, known;

	for (size_t i = 0; i < n; i++)
		if (v[i].ns)
			v[kept++] = v[i];
	known = kept - (kept && v[kept - 1].function == BLAME_NOBODY);
	if (known)
		qsort(v, known, sizeof *v, by_ns);
	return kept;
}

static int add_up(struct matrix *m)
{
	uint32_t n = m->b->functions.n;

	m->waiter = calloc((size_t)n + 1, sizeof *m->waiter);
	m->holder = calloc((size_t)n + 1, sizeof *m->holder);
	if (!m->waiter || !m->holder)
		return -ENOMEM;
	for (uint32_t i = 0; i <= n; i++)
		m->waiter[i].function = m->holder[i].function = i < n ? i : BLAME_NOBODY;
	for (size_t i = 0; i < m->nsums; i++) {
		const struct blame_sum *s = &m->sum[i];

		m->waiter[s->waiter].ns += s->ns;
		m->holder[s->holder == BLAME_NOBODY ? n : s->holder].ns += s->ns;
		m->all += s->ns;
	}
	m->nwaiters = order(m->waiter, (size_t)n + 1);
	m->nholders = order(m->holder, (size_t)n + 1);
	return 0;
}

static void add_function(struct text *t, const struct blame_run *b, uint32_t function)
{
	struct slice name = function == BLAME_NOBODY ? SLICE("not known") : b->functions.text[function];

	text_add_html(t, name.ptr, name.len);
}

static void add_duration(struct text *t, int64_t ns)
{
	char buf[NUMBER_MAX];

	text_add(t, buf, number_duration(ns, "µ", buf));
}

/* What a function waited for one holder, or with of NULL for all that have no column of their own. */
static int64_t between(const struct matrix *m, uint32_t waiter, const struct side *of, size_t columns)
{
	int64_t ns = 0;

	for (size_t i = 0; i < m->nsums; i++) {
		const struct blame_sum *s = &m->sum[i];
		bool has_column = false;

		if (s->waiter != waiter)
			continue;
		for (size_t c = 0; c < columns && !of; c++)
			has_column |= m->holder[c].function == s->holder;
		ns += (of ? s->holder == of->function : !has_column) ? s->ns : 0;
	}
	return ns;
}

static void add_cell(struct text *t, const struct matrix *m, const struct side *of, int64_t ns, int64_t all)
{
	double share = (double)ns / (double)all;
	int shade = ns ? 1 + (int)(share * SHADES) : 0;

	text_printf(t, "<td class=\"n w%d\" data-l=\"", shade > SHADES ? SHADES : shade);
	if (of)
		add_function(t, m->b, of->function);
	else
		text_puts(t, "others");
	text_printf(t, "\" data-v=\"%lld\"", (long long)ns);
	if (ns) {
		text_puts(t, " title=\"");
		add_duration(t, ns);
		text_printf(t, "\">%.1f %%</td>", share * 100);
	} else {
		text_puts(t, "></td>");
	}
}

static void add_row(struct text *t, const struct matrix *m, const struct side *w, size_t columns)
{
	text_puts(t, "<tr><td data-l=\"function\">");
	add_function(t, m->b, w->function);
	text_printf(t, "</td><td class=\"n\" data-l=\"waited\" data-v=\"%lld\">", (long long)w->ns);
	add_duration(t, w->ns);
	text_puts(t, "</td>");
	for (size_t c = 0; c < columns; c++)
		add_cell(t, m, &m->holder[c], between(m, w->function, &m->holder[c], columns), w->ns);
	if (columns < m->nholders)
		add_cell(t, m, NULL, between(m, w->function, NULL, columns), w->ns);
	text_puts(t, "</tr>\n");
}

static void add_matrix(struct text *t, const struct matrix *m)
{
	size_t columns = m->nholders < HOLDERS ? m->nholders : HOLDERS;

	text_puts(t,
	          "<div class=\"scroll\" tabindex=\"0\"><table class=\"blame\">\n<thead><tr><th scope=\"col\">function"
	          "</th><th scope=\"col\" class=\"n\">waited</th>");
	for (size_t c = 0; c < columns; c++) {
		text_puts(t, "<th scope=\"col\" class=\"n\">");
		add_function(t, m->b, m->holder[c].function);
		text_puts(t, "</th>");
	}
	text_puts(t, columns < m->nholders ? "<th scope=\"col\" class=\"n\">others</th>" : "");
	text_puts(t, "</tr></thead>\n<tbody>\n");
	for (size_t i = 0; i < m->nwaiters && i < WAITERS; i++)
		add_row(t, m, &m->waiter[i], columns);
	text_puts(t, "</tbody></table></div>\n");
}

/* "gzip waited 12 s in the queue, 62.0 % of it behind chameleon." */
static void add_sentence(struct text *t, const struct matrix *m)
{
	const struct side *w = &m->waiter[0], *most = NULL;
	int64_t ns = 0;

	for (size_t c = 0; c < m->nholders; c++) {
		int64_t here = between(m, w->function, &m->holder[c], 0);

		if (here > ns && m->holder[c].function != BLAME_NOBODY) {
			ns = here;
			most = &m->holder[c];
		}
	}
	text_puts(t, "<p>");
	add_function(t, m->b, w->function);
	text_puts(t, " waited ");
	add_duration(t, w->ns);
	text_puts(t, " in the queue");
	if (most) {
		text_printf(t, ", %.1f %% of it behind ", 100 * (double)ns / (double)w->ns);
		add_function(t, m->b, most->function);
	}
	text_printf(t, "; all functions together ");
	add_duration(t, m->all);
	text_puts(t, ".</p>\n");
}

static void put_run(struct report *r, const struct report_run *run, bool *any)
{
	struct blame_run b = {0};
	struct matrix m = {.b = &b};
	struct text t = {0};
	int rc = blame_run_read(r->q->db, r->q->store, run->id, 0, &b);

	if (!rc && b.phase)
		rc = blame_sums(&b, BLAME_BY_FUNCTION, false, &m.sum, &m.nsums);
	if (!rc && m.nsums)
		rc = add_up(&m);
	query_ok(r->q, rc, r->q->path);
	if (m.all && !r->q->status) {
		*any = true;
		if (r->nruns > 1) {
			text_puts(&t, "<h3>");
			text_add_html(&t, run->name, strlen(run->name));
			text_puts(&t, "</h3>\n");
		}
		add_sentence(&t, &m);
		add_matrix(&t, &m);
		if (m.nwaiters > WAITERS)
			text_printf(&t, "<p>Of %zu functions those that waited most.</p>\n", m.nwaiters);
		report_put(r, &t);
	}
	text_done(&t);
	free(m.sum);
	free(m.waiter);
	free(m.holder);
	blame_run_done(&b);
}

void report_blame(struct report *r)
{
	bool any = false;

	if (r->gathered.overall->all > INVOCATIONS_MOST) {
		fputs("<p>Of so many invocations it is not shown here: <code class=\"copy\" title=\"ilu-logq "
		      "blame\">blame"
		      "</code> tells it.</p>\n",
		      r->out->file);
		return;
	}
	for (size_t i = 0; i < r->nruns && i < RUNS_DRAWN && !r->q->status; i++)
		put_run(r, &r->runs[i], &any);
	if (any)
		fputs("<p>Of one request: <code class=\"copy\">ilu-logq blame TID</code></p>\n", r->out->file);
	else if (!r->q->status)
		fputs("<p class=\"none\">Nobody waited in a queue.</p>\n", r->out->file);
}
