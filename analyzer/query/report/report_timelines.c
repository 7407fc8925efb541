/* SPDX-License-Identifier: GPL-3.0-or-later */
/* report_timelines.c - waterfalls of the invocations that are worth a look, each folded. */
#include "query/report/report.h"
#include "query/timelines/timeline.h"
#include "render/number.h"
#include <errno.h>
#include <string.h>

static void add(struct text *t, const char *s)
{
	if (s)
		text_add_html(t, s, strlen(s));
}

static void add_summary(struct report *r, struct text *t, const struct transaction *tx, const struct report_case *c)
{
	char took[NUMBER_MAX] = "";

	if (tx->duration_ns >= 0)
		number_duration(tx->duration_ns, "µ", took);
	text_printf(t, "<summary><b>%s</b><span>", took);
	add(t, tx->function);
	text_printf(t, "</span><span%s>", tx->status && strcmp(tx->status, "ok") ? " class=\"bad\"" : "");
	add(t, tx->status);
	/* why it is here, where its status does not say that */
	text_printf(t, "</span><span class=\"why\">%s</span><code>",
	            tx->status && !strcmp(tx->status, c->why) ? "" : c->why);
	add(t, c->tid);
	text_puts(t, "</code>");
	report_of_run(r, t, c->run);
	text_puts(t, "</summary>\n");
}

static void put_timeline(struct report *r, const struct transaction *tx, size_t i)
{
	struct timeline_options o = {.utf8 = true, .path = true};
	const struct report_case *c = &r->cases[i];
	struct arena arena = {0};
	struct timeline t;
	struct text html = {0};

	if (query_wrote(r->q, timeline_make(&arena, tx, &o, &t))) {
		text_printf(
		    &html,
		    "<details class=\"case\" id=\"timeline-%zu\" data-run=\"%lld\" data-t=\"%lld\" data-u=\"%lld\">",
		    i + 1, (long long)c->run, (long long)t.start_ns, (long long)t.end_ns);
		add_summary(r, &html, tx, c);
		timeline_html(&html, &t);
		text_puts(&html, "<p>All lines: <code class=\"copy\">ilu-logq timeline ");
		add(&html, c->tid);
		text_puts(&html, " -v</code></p>\n</details>\n");
		report_put(r, &html);
	}
	text_done(&html);
	arena_done(&arena);
}

void report_timelines(struct report *r)
{
	for (size_t i = 0; i < r->ncases && !r->q->status; i++) {
		struct query_tid of = query_tid(r->q, r->cases[i].tid);
		struct transaction tx;

		transaction_read(r->q, r->cases[i].run, &of, TRANSACTION_EVENTS, &tx);
		if (!r->q->status)
			put_timeline(r, &tx, i);
		transaction_done(&tx);
		query_tid_done(&of);
	}
	if (!r->ncases)
		fputs("<p class=\"none\">None.</p>\n", r->out->file);
}
