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

	if (query_wrote(q, timeline_make(&arena, tx, &o, &t))) {
		fputs("\n```\n", out->file);
		query_wrote(q, timeline_text(&plain, &t));
		fputs("```\n", out->file);
	}
	arena_done(&arena);
}

static void markdown_case(struct query *q, const struct report_case *c, struct output *out)
{
	struct query_tid of = query_tid(q, c->tid);
	struct transaction tx;

	transaction_read(q, c->run, &of, TRANSACTION_EVENTS, &tx);
	if (!q->status)
		markdown_timeline(q, &tx, out);
	transaction_done(&tx);
	query_tid_done(&of);
}

/* A heading and what parts it from the rows, and no row. */
static bool is_empty_table(const char *text)
{
	const char *second = strchr(text, '\n'), *end = second ? strchr(second + 1, '\n') : NULL;

	return *text == '|' && end && second[1] == '|' && !end[1];
}

/* The answer of a section's command; a word where it is a table without rows. */
static void markdown_answer(struct report *r, const struct report_section *s)
{
	struct output out = *r->out;
	char *text = NULL;
	size_t len = 0;

	if (s->command == &over_time_of_report && !r->invocations)
		out.columns =
		    r->nruns > 1 ? "run,time,length,lines,errors,warnings" : "time,length,lines,errors,warnings";
	out.file = open_memstream(&text, &len);
	if (!query_ok(r->q, out.file ? 0 : -ENOMEM, r->q->command))
		return;
	report_section_run(r, s, &out);
	query_ok(r->q, fclose(out.file) ? -ENOMEM : 0, r->q->command);
	if (!r->q->status)
		fputs(is_empty_table(text) ? "None.\n" : text, r->out->file);
	free(text);
}

static void markdown_section(struct report *r, const struct report_section *s)
{
	if (s->command || !strcmp(s->name, "timelines"))
		fprintf(r->out->file, "\n## %s\n\n%s\n%s", s->title, report_intro(r, s), s->command ? "\n" : "");
	if (s->command)
		markdown_answer(r, s);
	else if (!strcmp(s->name, "timelines"))
		for (size_t i = 0; i < r->ncases && !r->q->status; i++)
			markdown_case(r->q, &r->cases[i], r->out);
}

void report_markdown(struct query *q, struct output *out)
{
	struct report r;

	out->format = FORMAT_MARKDOWN;
	report_read(&r, q, out, false);
	if (!q->status)
		fprintf(out->file, "# Report of ilu-logq\n");
	for (size_t i = 0; r.sections && r.sections[i] && !q->status; i++)
		if (report_wants(&r, r.sections[i]))
			markdown_section(&r, r.sections[i]);
	report_done(&r);
}

/* Each timeline is the flat table of the command `timeline`. */
static void json_case(struct query *q, const struct report_case *c, struct output *out)
{
	static const struct option_spec run_spec = {.name = "run"};
	char number[32];
	struct option run = {&run_spec, number};
	const char *word = c->tid;
	struct args args = {.words = &word, .nwords = 1, .options = &run, .noptions = 1};
	struct text id = {0};

	snprintf(number, sizeof number, "%lld", (long long)c->run);
	text_add_json(&id, word, strlen(word));
	fprintf(out->file, "{\"run\":%s,\"tid\":%s,\"why\":\"%s\",\"rows\":", number, text_str(&id), c->why);
	text_done(&id);
	report_ask(q, &command_timeline, word, &args, out);
	fputs("}", out->file);
}

static void json_cases(struct report *r)
{
	fputs(",\n\"timelines\":[", r->out->file);
	for (size_t i = 0; i < r->ncases && !r->q->status; i++) {
		fputs(i ? "," : "\n", r->out->file);
		json_case(r->q, &r->cases[i], r->out);
	}
	fputs("]", r->out->file);
}

void report_json(struct query *q, struct output *out)
{
	struct report r;

	out->format = FORMAT_JSON;
	report_read(&r, q, out, false);
	if (!q->status)
		fprintf(out->file, "{\"generator\":\"ilu-logq %s\"", ILU_VERSION);
	for (size_t i = 0; r.sections && r.sections[i] && !q->status; i++) {
		const struct report_section *s = r.sections[i];

		if (s->command && (!s->tells || s->tells(&r))) {
			fprintf(out->file, ",\n\"%s\":", s->name);
			report_section_run(&r, s, out);
		} else if (!strcmp(s->name, "timelines")) {
			json_cases(&r);
		}
	}
	if (!q->status)
		fputs("}\n", out->file);
	report_done(&r);
}
