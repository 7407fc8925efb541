/* SPDX-License-Identifier: GPL-3.0-or-later */
/* report_write.c - the report as Markdown and as JSON. */
#include "query/commands/commands.h"
#include "query/report/report.h"
#include "query/timelines/timeline.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A timeline in Markdown is the terminal's, in a block of code. */
static void markdown_timeline(struct query *q, const struct transaction *tx, struct output *out)
{
	struct output plain = {.file = out->file, .width = 110, .utf8 = true};
	struct timeline_options o = {.utf8 = true};
	struct arena arena = {0};
	struct timeline t;

	if (query_ok(q, timeline_make(&arena, tx, &o, &t), "output")) {
		fputs("\n```\n", out->file);
		query_ok(q, timeline_text(&plain, &t), "output");
		fputs("```\n", out->file);
	}
	arena_done(&arena);
}

static void markdown_case(struct query *q, const struct report_case *c, struct output *out)
{
	struct query_tid of = query_tid(q, c->tid);
	struct transaction tx;

	transaction_read(q, c->run, &of, 20000, &tx);
	if (!q->status)
		markdown_timeline(q, &tx, out);
	transaction_done(&tx);
	query_tid_done(&of);
}

static void markdown_cases(struct query *q, struct output *out)
{
	struct report_case *cases;
	size_t n = report_cases(q, &cases);

	fprintf(out->file, "\n## Timelines\n\nThe slowest invocations, and some that failed.\n");
	for (size_t i = 0; i < n && !q->status; i++)
		markdown_case(q, &cases[i], out);
	report_cases_free(cases, n);
}

void report_markdown(struct query *q, struct output *out)
{
	out->format = FORMAT_MARKDOWN;
	fprintf(out->file, "# Report of ilu-logq\n");
	for (const struct report_part *p = report_parts; p->name && !q->status; p++) {
		if (!strcmp(p->name, "sources"))
			markdown_cases(q, out);
		fprintf(out->file, "\n## %s\n\n%s\n\n", p->title, p->intro);
		report_part_run(q, p, out);
	}
}

/* Each timeline is the flat table of the command `timeline`. */
static void json_case(struct query *q, const struct report_case *c, struct output *out)
{
	static const struct option_spec run_spec = {.name = "run"};
	char number[32];
	struct option run = {&run_spec, number};
	const char *word = c->tid;
	struct args args = {.words = &word, .nwords = 1, .options = &run, .noptions = 1};
	struct text key = {0};

	snprintf(number, sizeof number, "%lld", (long long)c->run);
	text_add_json(&key, word, strlen(word));
	fprintf(out->file, "%s:", text_str(&key));
	text_done(&key);
	report_ask(q, &command_timeline, word, &args, out);
}

static void json_cases(struct query *q, struct output *out)
{
	struct report_case *cases;
	size_t n = report_cases(q, &cases);

	fputs(",\n\"timelines\":{", out->file);
	for (size_t i = 0; i < n && !q->status; i++) {
		fputs(i ? "," : "\n", out->file);
		json_case(q, &cases[i], out);
	}
	fputs("}", out->file);
	report_cases_free(cases, n);
}

void report_json(struct query *q, struct output *out)
{
	out->format = FORMAT_JSON;
	fprintf(out->file, "{\"generator\":\"ilu-logq %s\"", ILU_VERSION);
	for (const struct report_part *p = report_parts; p->name && !q->status; p++) {
		fprintf(out->file, ",\n\"%s\":", p->name);
		report_part_run(q, p, out);
	}
	json_cases(q, out);
	fputs("}\n", out->file);
}
