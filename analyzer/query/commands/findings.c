/* SPDX-License-Identifier: GPL-3.0-or-later */
/* findings.c - lint, hangs, storms and diagnose: what is wrong, with the lines that show it.
 *
 * The exit status is 1 when one of them is of level warning or above. For programs a row a finding, its evidence as
 * JSON; for people a paragraph each. */
#include "query/commands/commands.h"
#include "query/events/event_line.h"
#include "ingest/line.h"
#include "findings/finding.h"
#include "render/number.h"
#include "render/text.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef int find_fn(struct store *s, int64_t run, struct findings *out);

enum { EVIDENCE_SHOWN = 12, ROWS_OF_A_PAGE = 500 };

static int offset_of(struct query *q, int64_t run, int64_t *offset_s)
{
	sqlite3_stmt *stmt = NULL;
	int status = query_prepare(q, "SELECT coalesce(offset_s, 0) FROM run WHERE id = ?", &stmt);

	*offset_s = 0;
	if (!status) {
		sqlite3_bind_int64(stmt, 1, run);
		status = query_step(q, stmt);
		if (status == 1)
			*offset_s = sqlite3_column_int64(stmt, 0);
		status = status == 1 ? DONE : status;
	}
	sqlite3_finalize(stmt);
	return status;
}

static struct cell time_cell(int64_t ns)
{
	return ns == INT64_MIN ? CELL_OF_NULL : CELL_OF_INT(ns);
}

/* ---- for programs ---- */

static void add_member(struct text *t, const char *name, const char *value, size_t len)
{
	text_puts(t, ",");
	text_add_json(t, name, strlen(name));
	text_puts(t, ":");
	text_add_json(t, value, len);
}

static int add_event(struct query *q, struct text *t, int64_t id, int64_t offset_s)
{
	const struct event *e;
	struct slice line;
	char buf[NUMBER_MAX];
	int rc = event_get(q->store, id, &e);

	if (rc != 1)
		return rc;
	text_printf(t, ",\"source\":%lld,\"line\":%lld,\"time_ns\":%lld", (long long)e->source, (long long)e->line,
	            (long long)e->time_ns);
	add_member(t, "time", buf, time_rfc3339(e->time_ns, offset_s, buf));
	rc = event_line(e, &line);
	if (!rc)
		add_member(t, "text", line.ptr, line.len);
	return rc;
}

static int evidence_json(struct query *q, const struct finding *f, int64_t offset_s, struct text *t)
{
	int rc = 0;

	text_puts(t, "[");
	for (size_t i = 0; i < f->nevidence && !rc; i++) {
		const struct evidence *e = &f->evidence[i];

		text_printf(t, "%s{\"event\":", i ? "," : "");
		if (e->event)
			text_printf(t, "%lld", (long long)e->event);
		else
			text_puts(t, "null");
		if (e->event)
			rc = add_event(q, t, e->event, offset_s);
		if (e->remark)
			add_member(t, "remark", e->remark, strlen(e->remark));
		text_puts(t, "}");
	}
	text_puts(t, "]");
	return rc;
}

static void detail_json(const struct finding *f, struct text *t)
{
	text_puts(t, "{");
	for (size_t i = 0; i < f->ndetails; i++) {
		text_puts(t, i ? "," : "");
		text_add_json(t, f->detail[i].name, strlen(f->detail[i].name));
		text_puts(t, ":");
		text_add_json(t, f->detail[i].value ? f->detail[i].value : "",
		              f->detail[i].value ? strlen(f->detail[i].value) : 0);
	}
	text_puts(t, "}");
}

static int put_row(struct query *q, struct table *t, const struct finding *f)
{
	struct text evidence = {0}, detail = {0};
	int64_t offset_s;
	int status = offset_of(q, f->run, &offset_s), rc = 0;

	if (!status)
		rc = evidence_json(q, f, offset_s, &evidence);
	detail_json(f, &detail);
	if (!status && !rc) {
		struct cell c[] = {
		    CELL_OF_INT(offset_s),
		    CELL_OF_INT(f->run),
		    cell_of_text(f->rule),
		    cell_of_text(finding_level_name(f->level)),
		    cell_of_text(f->tid),
		    cell_of_text(f->cause),
		    CELL_OF_INT(f->count),
		    cell_of_text(f->message),
		    time_cell(f->first_ns),
		    time_cell(f->last_ns),
		    cell_of_bytes(text_str(&detail), detail.len),
		    cell_of_bytes(text_str(&evidence), evidence.len),
		};

		rc = evidence.failed || detail.failed ? -ENOMEM : table_row(t, c);
	}
	text_done(&evidence);
	text_done(&detail);
	return status ? status : query_errno(q, rc, "output");
}

/* In place of rows that a page has no room for. */
static int put_rest(struct query *q, struct table *t, size_t n)
{
	struct text said = {0};
	int rc;

	text_printf(&said, "and %zu more: `lint`, `hangs` and `storms` tell all of them", n);
	struct cell c[] = {
	    CELL_OF_INT(0),       CELL_OF_INT(0),       cell_of_text(NULL),      cell_of_text(NULL),
	    cell_of_text(NULL),   cell_of_text(NULL),   CELL_OF_INT((int64_t)n), cell_of_text(text_str(&said)),
	    time_cell(INT64_MIN), time_cell(INT64_MIN), cell_of_text(NULL),      cell_of_text(NULL),
	};

	rc = said.failed ? -ENOMEM : table_row(t, c);
	text_done(&said);
	return query_errno(q, rc, "output");
}

/* Programs get every finding, a page as many as somebody may look at. */
static int put_table(struct query *q, const struct findings *fs)
{
	static const struct column columns[] = {
	    {"offset_s", UNIT_OFFSET}, {"run", UNIT_RUN},      {"rule", UNIT_WHOLE},  {"level", UNIT_LEVEL},
	    {"tid", UNIT_ID},          {"cause", UNIT_WHOLE},  {"count", UNIT_NONE},  {"message", UNIT_NONE},
	    {"first_ns", UNIT_TIME},   {"last_ns", UNIT_TIME}, {"detail", UNIT_JSON}, {"evidence", UNIT_JSON},
	};
	struct table *t = NULL;
	bool page = q->out->format == FORMAT_MARKDOWN || q->out->format == FORMAT_HTML;
	/* People read the evidence elsewhere; in Markdown it would not fit a cell. */
	size_t n = sizeof columns / sizeof *columns - (page ? 2 : 0),
	       most = page && fs->n > ROWS_OF_A_PAGE ? ROWS_OF_A_PAGE : fs->n;
	int rc = table_open(q->out, columns, n, &t), status = query_errno(q, rc, "output");

	for (size_t i = 0; i < most && !status; i++)
		status = put_row(q, t, &fs->v[i]);
	if (!status && most < fs->n)
		status = put_rest(q, t, fs->n - most);
	rc = table_close(t);
	return status ? status : query_errno(q, rc, "output");
}

/* ---- for people ---- */

static void put_title(struct output *out, const struct finding *f, int64_t offset_s)
{
	static const enum ink inks[] = {
	    [FINDING_NOTE] = INK_DIM, [FINDING_WARNING] = INK_WARN, [FINDING_ERROR] = INK_ERROR};
	struct text t = {0};
	char from[NUMBER_MAX], to[NUMBER_MAX], zone[NUMBER_MAX];

	text_printf(&t, "%s%s%s  %s", output_ink(out, inks[f->level]), finding_level_name(f->level),
	            output_ink(out, INK_NONE), f->rule);
	if (f->tid) {
		text_printf(&t, "  %s", output_ink(out, INK_HEAD));
		text_add_terminal(&t, f->tid, strlen(f->tid));
		text_puts(&t, output_ink(out, INK_NONE));
	}
	if (f->cause) {
		text_puts(&t, "  cause: ");
		text_add_terminal(&t, f->cause, strlen(f->cause));
	}
	text_puts(&t, "\n  ");
	text_add_terminal(&t, f->message ? f->message : "", f->message ? strlen(f->message) : 0);
	text_puts(&t, "\n");
	if (f->first_ns != INT64_MIN) {
		time_of_log(f->first_ns, offset_s, from);
		time_of_log(f->last_ns, offset_s, to);
		time_offset(offset_s, zone);
		text_printf(&t, "  from %s to %s (%s)\n", from, f->last_ns == INT64_MIN ? "?" : to, zone);
	}
	for (size_t i = 0; i < f->ndetails; i++) {
		text_printf(&t, "  %s: ", f->detail[i].name);
		text_add_terminal(&t, f->detail[i].value ? f->detail[i].value : "",
		                  f->detail[i].value ? strlen(f->detail[i].value) : 0);
		text_puts(&t, "\n");
	}
	fwrite(text_str(&t), 1, t.len, out->file);
	text_done(&t);
}

static int put_evidence(struct query *q, const struct evidence *e, int64_t offset_s, struct event_day *day)
{
	struct event_show how = {.indent = 4};
	const struct event *event;
	struct text t = {0};
	int rc;

	if (e->remark) {
		text_printf(&t, "    %s", output_ink(q->out, INK_DIM));
		text_add_terminal(&t, e->remark, strlen(e->remark));
		text_printf(&t, "%s\n", output_ink(q->out, INK_NONE));
		fwrite(text_str(&t), 1, t.len, q->out->file);
		text_done(&t);
	}
	if (!e->event)
		return 0;
	rc = event_get(q->store, e->event, &event);
	return rc == 1 ? event_line_show(q->out, event, offset_s, &how, day) : rc;
}

static int put_paragraph(struct query *q, const struct finding *f)
{
	bool all = args_has(q->args, "verbose");
	size_t n = all || f->nevidence <= EVIDENCE_SHOWN ? f->nevidence : EVIDENCE_SHOWN;
	struct event_day day = {.quiet = true};
	int64_t offset_s;
	int status = offset_of(q, f->run, &offset_s), rc = 0;

	if (status)
		return status;
	put_title(q->out, f, offset_s);
	for (size_t i = 0; i < n && !rc; i++)
		rc = put_evidence(q, &f->evidence[i], offset_s, &day);
	if (n < f->nevidence)
		fprintf(q->out->file, "    %s%zu lines more; -v shows them%s\n", output_ink(q->out, INK_DIM),
		        f->nevidence - n, output_ink(q->out, INK_NONE));
	return query_errno(q, rc, "output");
}

static int put_text(struct query *q, const struct findings *fs)
{
	int status = DONE;

	for (size_t i = 0; i < fs->n && !status; i++) {
		if (i)
			fputc('\n', q->out->file);
		status = put_paragraph(q, &fs->v[i]);
	}
	if (!status && !fs->n)
		query_note(q, "nothing found");
	return status;
}

static int show(struct query *q, find_fn *find)
{
	struct findings fs = {0};
	int64_t run;
	int status = query_run(q, &run);

	if (!status)
		status = query_errno(q, find(q->store, run, &fs), q->path);
	if (!status)
		status = q->out->format == FORMAT_TEXT ? put_text(q, &fs) : put_table(q, &fs);
	if (!status && findings_alarm(&fs))
		status = FINDINGS;
	findings_done(&fs);
	return status;
}

/* All of them, for the report. */
static int find_all(struct store *s, int64_t run, struct findings *out)
{
	static find_fn *const finders[] = {find_hangs, find_storms, find_mount_failures, find_lint};
	int rc = 0;

	for (size_t i = 0; i < sizeof finders / sizeof *finders && !rc; i++)
		rc = finders[i](s, run, out);
	return rc;
}

int cmd_findings(struct query *q)
{
	return show(q, find_all);
}

int cmd_lint(struct query *q)
{
	return show(q, find_lint);
}

int cmd_hangs(struct query *q)
{
	return show(q, find_hangs);
}

int cmd_storms(struct query *q)
{
	return show(q, find_storms);
}

int cmd_diagnose(struct query *q)
{
	if (strcmp(q->args->words[0], "mount"))
		return query_fail(q, USAGE, "diagnose %s: what can be diagnosed is: mount", q->args->words[0]);
	return show(q, find_mount_failures);
}
