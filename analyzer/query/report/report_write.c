/* SPDX-License-Identifier: GPL-3.0-or-later */
/* report_write.c - the report as Markdown and as JSON. */
#include "query/commands/commands.h"
#include "query/report/report.h"
#include "query/timelines/timeline.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A timeline in Markdown is the terminal's, in a block of code. */
static int markdown_case(struct query *q, const struct report_case *c, struct output *out)
{
	struct output plain = {.file = out->file, .width = 110, .utf8 = true};
	struct timeline_options o = {.utf8 = true};
	struct transaction tx;
	struct arena arena = {0};
	struct timeline t;
	int status = transaction_read(q, c->run, c->tid, 20000, &tx), rc = 0;

	if (!status) {
		rc = timeline_make(&arena, &tx, &o, &t);
		if (!rc) {
			fputs("\n```\n", out->file);
			rc = timeline_text(&plain, &t);
			fputs("```\n", out->file);
		}
	}
	arena_done(&arena);
	transaction_done(&tx);
	return status ? status : query_errno(q, rc, "output");
}

static int markdown_cases(struct query *q, struct output *out)
{
	struct report_case *cases = NULL;
	size_t n = 0;
	int status = report_cases(q, &cases, &n);

	fprintf(out->file, "\n## Timelines\n\nThe slowest invocations, and some that failed.\n");
	for (size_t i = 0; i < n && !status; i++)
		status = markdown_case(q, &cases[i], out);
	report_cases_free(cases, n);
	return status;
}

int report_markdown(struct query *q, struct output *out)
{
	int status = DONE;

	out->format = FORMAT_MARKDOWN;
	fprintf(out->file, "# Report of ilu-logq\n");
	for (const struct report_part *p = report_parts; p->name && !status; p++) {
		if (!strcmp(p->name, "sources"))
			status = markdown_cases(q, out);
		fprintf(out->file, "\n## %s\n\n%s\n\n", p->title, p->intro);
		if (!status)
			status = report_part_run(q, p, out);
	}
	return status;
}

/* Each timeline is the flat table of the command `timeline`. */
static int json_cases(struct query *q, struct output *out)
{
	static const struct option_spec run_spec = {.name = "run"};
	struct report_case *cases = NULL;
	size_t n = 0;
	int status = report_cases(q, &cases, &n);

	fputs(",\n\"timelines\":{", out->file);
	for (size_t i = 0; i < n && !status; i++) {
		char number[32];
		struct option run = {&run_spec, number};
		const char *word = cases[i].tid;
		struct args args = {.words = &word, .nwords = 1, .options = &run, .noptions = 1};
		struct query sub = *q;
		struct text key = {0};

		snprintf(number, sizeof number, "%lld", (long long)cases[i].run);
		text_add_json(&key, word, strlen(word));
		fprintf(out->file, "%s%s:", i ? "," : "\n", text_str(&key));
		text_done(&key);
		sub.args = &args;
		sub.out = out;
		status = cmd_timeline(&sub);
		q->error = sub.error;
	}
	fputs("}", out->file);
	report_cases_free(cases, n);
	return status;
}

int report_json(struct query *q, struct output *out)
{
	int status = DONE;

	out->format = FORMAT_JSON;
	fprintf(out->file, "{\"generator\":\"ilu-logq %s\"", ILU_VERSION);
	for (const struct report_part *p = report_parts; p->name && !status; p++) {
		fprintf(out->file, ",\n\"%s\":", p->name);
		status = report_part_run(q, p, out);
	}
	if (!status)
		status = json_cases(q, out);
	fputs("}\n", out->file);
	return status;
}
