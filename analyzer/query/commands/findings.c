/* SPDX-License-Identifier: GPL-3.0-or-later */
/* findings.c - lint, hangs, storms and diagnose: what is wrong, with the lines that show it.
 *
 * The exit status is 1 when one of them is of level warning or above. For programs a row a finding, its evidence as
 * JSON; for people a paragraph each. */
#include "query/core/command.h"
#include "query/events/event_line.h"
#include "ingest/line.h"
#include "findings/finding.h"
#include "render/fold.h"
#include "render/number.h"
#include "render/text.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef int find_fn(struct store *s, int64_t run, struct findings *out);

enum { EVIDENCE_SHOWN = 12, ROWS_OF_A_PAGE = 500 };

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

/* UTC minus the clock of its run, when it began. */
static int64_t offset_of(struct query *q, const struct finding *f)
{
	return f->first_ns == INT64_MIN ? query_offset(q, f->run) : query_clock(q, f->run, f->first_ns);
}

static void put_row(struct query *q, struct table *t, const struct finding *f)
{
	struct text evidence = {0}, detail = {0};
	int64_t offset_s = offset_of(q, f);
	int rc = evidence_json(q, f, offset_s, &evidence);

	detail_json(f, &detail);
	if (query_ok(q, rc ? rc : evidence.failed || detail.failed ? -ENOMEM : 0, q->command)) {
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

		query_table_row(q, t, c);
	}
	text_done(&evidence);
	text_done(&detail);
}

/* In place of rows that a page has no room for. */
static void put_rest(struct query *q, struct table *t, size_t n)
{
	struct text said = {0};

	text_printf(&said, "and %zu more: `lint`, `hangs` and `storms` tell all of them", n);
	struct cell c[] = {
	    CELL_OF_INT(0),       CELL_OF_INT(0),       cell_of_text(NULL),      cell_of_text(NULL),
	    cell_of_text(NULL),   cell_of_text(NULL),   CELL_OF_INT((int64_t)n), cell_of_text(text_str(&said)),
	    time_cell(INT64_MIN), time_cell(INT64_MIN), cell_of_text(NULL),      cell_of_text(NULL),
	};

	if (query_ok(q, said.failed ? -ENOMEM : 0, q->command))
		query_table_row(q, t, c);
	text_done(&said);
}

static const struct column columns[] = {
    {"offset_s", UNIT_OFFSET}, {"run", UNIT_RUN},      {"rule", UNIT_WHOLE},  {"level", UNIT_LEVEL},
    {"tid", UNIT_ID},          {"cause", UNIT_WHOLE},  {"count", UNIT_COUNT}, {"message", UNIT_NONE},
    {"first_ns", UNIT_TIME},   {"last_ns", UNIT_TIME}, {"detail", UNIT_JSON}, {"evidence", UNIT_JSON},
};

/* Programs get every finding, a page as many as somebody may look at. */
static void put_table(struct query *q, const struct findings *fs)
{
	bool page = q->out->format == FORMAT_MARKDOWN || q->out->format == FORMAT_HTML;
	/* People read the evidence elsewhere; in Markdown it would not fit a cell. */
	size_t n = sizeof columns / sizeof *columns - (page ? 2 : 0),
	       most = page && fs->n > ROWS_OF_A_PAGE ? ROWS_OF_A_PAGE : fs->n;
	struct table *t = query_table_open(q, columns, n);

	for (size_t i = 0; i < most && !q->status; i++)
		put_row(q, t, &fs->v[i]);
	if (most < fs->n)
		put_rest(q, t, fs->n - most);
	query_table_close(q, t);
}

/* ---- for people ---- */

/* What stands in t, in lines that fit; it is empty then. */
static void put_folded(struct output *out, struct text *t, int indent)
{
	struct text lines = {0};

	text_add_folded(&lines, text_str(t), t->len, out->width, indent);
	fprintf(out->file, "%s\n", text_str(&lines));
	t->failed |= lines.failed;
	text_done(&lines);
	text_reset(t);
}

static bool put_times(struct output *out, const struct finding *f, int64_t offset_s)
{
	char from[NUMBER_MAX], to[NUMBER_MAX], zone[NUMBER_MAX];
	struct text t = {0};
	bool failed;

	if (f->first_ns == INT64_MIN)
		return true;
	time_of_log(f->first_ns, offset_s, from);
	time_of_log(f->last_ns, offset_s, to);
	time_offset(offset_s, zone);
	text_printf(&t, "  from %s to %s (%s)", from, f->last_ns == INT64_MIN ? "?" : to, zone);
	put_folded(out, &t, 4);
	failed = t.failed;
	text_done(&t);
	return !failed;
}

/* 0 or -ENOMEM. */
static int put_title(struct output *out, const struct finding *f, int64_t offset_s)
{
	static const enum ink inks[] = {
	    [FINDING_NOTE] = INK_DIM, [FINDING_WARNING] = INK_WARN, [FINDING_ERROR] = INK_ERROR};
	struct text t = {0};
	bool failed;

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
	put_folded(out, &t, 2);
	text_puts(&t, "  ");
	text_add_terminal(&t, f->message ? f->message : "", f->message ? strlen(f->message) : 0);
	put_folded(out, &t, 2);
	t.failed |= !put_times(out, f, offset_s);
	for (size_t i = 0; i < f->ndetails; i++) {
		text_printf(&t, "  %s: ", f->detail[i].name);
		text_add_terminal(&t, f->detail[i].value ? f->detail[i].value : "",
		                  f->detail[i].value ? strlen(f->detail[i].value) : 0);
		put_folded(out, &t, 4);
	}
	failed = t.failed;
	text_done(&t);
	return failed ? -ENOMEM : 0;
}

static int put_evidence(struct query *q, const struct evidence *e, int64_t offset_s, struct event_day *day)
{
	struct event_show how = {.indent = 4};
	const struct event *event;
	struct text t = {0};
	int rc = 0;

	if (e->remark) {
		text_printf(&t, "    %s", output_ink(q->out, INK_DIM));
		text_add_terminal(&t, e->remark, strlen(e->remark));
		text_puts(&t, output_ink(q->out, INK_NONE));
		put_folded(q->out, &t, 4);
		rc = t.failed ? -ENOMEM : 0;
		text_done(&t);
	}
	if (!e->event || rc)
		return rc;
	rc = event_get(q->store, e->event, &event);
	return rc == 1 ? event_line_show(q->out, event, offset_s, &how, day) : rc;
}

static void put_paragraph(struct query *q, const struct finding *f)
{
	bool all = args_has(q->args, "verbose");
	size_t n = all || f->nevidence <= EVIDENCE_SHOWN ? f->nevidence : EVIDENCE_SHOWN;
	struct event_day day = {.quiet = true};
	int64_t offset_s = offset_of(q, f);
	int rc;

	if (q->status)
		return;
	rc = put_title(q->out, f, offset_s);
	for (size_t i = 0; i < n && !rc; i++)
		rc = put_evidence(q, &f->evidence[i], offset_s, &day);
	if (n < f->nevidence)
		fprintf(q->out->file, "    %s%zu lines more; -v shows them%s\n", output_ink(q->out, INK_DIM),
		        f->nevidence - n, output_ink(q->out, INK_NONE));
	query_wrote(q, rc);
}

static void put_text(struct query *q, const struct findings *fs)
{
	for (size_t i = 0; i < fs->n && !q->status; i++) {
		if (i)
			fputc('\n', q->out->file);
		put_paragraph(q, &fs->v[i]);
	}
	if (!q->status && !fs->n)
		query_note(q, "nothing found");
}

static void show(struct query *q, find_fn *find)
{
	struct findings fs = {0};
	int64_t run = query_run(q);

	if (!q->status && query_ok(q, find(q->store, run, &fs), q->path)) {
		if (q->out->format == FORMAT_TEXT)
			put_text(q, &fs);
		else
			put_table(q, &fs);
		q->alarm = findings_alarm(&fs);
	}
	findings_done(&fs);
}

static int find_all(struct store *s, int64_t run, struct findings *out)
{
	static find_fn *const finders[] = {find_hangs, find_storms, find_mount_failures, find_lint};
	int rc = 0;

	for (size_t i = 0; i < sizeof finders / sizeof *finders && !rc; i++)
		rc = finders[i](s, run, out);
	return rc ? rc : findings_sort(out);
}

static void run_all(struct query *q)
{
	show(q, find_all);
}

static void run_lint(struct query *q)
{
	show(q, find_lint);
}

static void run_hangs(struct query *q)
{
	show(q, find_hangs);
}

static void run_storms(struct query *q)
{
	show(q, find_storms);
}

static void run_diagnose(struct query *q)
{
	if (strcmp(q->args->words[0], "mount"))
		query_fail(q, USAGE, "diagnose %s: what can be diagnosed is: mount", q->args->words[0]);
	show(q, find_mount_failures);
}

static const struct option_spec options[] = {
    {.name = "verbose", .letter = 'v', .help = "all lines of evidence"},
    OPTION_RUN,
    {0},
};

#define MORE                                                                                                           \
	"The exit status is 1 where there is a finding of level warning or above. JSON has the evidence of each: its " \
	"lines, and why they matter."

const struct command command_lint = {
    .name = "lint",
    .group = GROUP_FINDINGS,
    .help = "what cannot be right: spans never closed, leaked locks, time backwards, secrets in the log",
    .more =
        "Rules: completed-without-start, unfinished, double-lock, leaked-lock, leaked-container (needs level debug), "
        "span-never-closed, time-backwards, clock-jump, no-time,\n"
        "sequence-gap, records-lost, foreign-span-lines, environment, secret.\n" MORE,
    .examples = "lint\n--format json lint",
    .options = options,
    .need = NEED_READ,
    .run = run_lint,
    COLUMNS_OF(columns),
};

const struct command command_hangs = {
    .name = "hangs",
    .group = GROUP_FINDINGS,
    .help = "what never completed and why: which few hold what, and how many wait behind each",
    .more =
        "Rules: hang (executes without end), cut-off (the log ended), never-started, never-ended (where no rule says "
        "when a request begins to execute), given-up (the load generator's "
        "result says failed: it never arrived,\n"
        "never began, was never completed or too late), silence (a log that ends long before its run).\n" MORE,
    .options = options,
    .need = NEED_READ,
    .of_requests = true,
    .run = run_hangs,
    COLUMNS_OF(columns),
};

const struct command command_storms = {
    .name = "storms",
    .group = GROUP_FINDINGS,
    .help = "cycles of messages repeated without progress",
    .more = MORE,
    .options = options,
    .need = NEED_READ,
    .of_requests = true,
    .run = run_storms,
    COLUMNS_OF(columns),
};

const struct command command_diagnose = {
    .name = "diagnose",
    .group = GROUP_FINDINGS,
    .words = "mount",
    .least = 1,
    .most = 1,
    .help = "why containers could not be created: mount failures, with their cause",
    .more = MORE,
    .examples = "diagnose mount",
    .options = options,
    .need = NEED_READ,
    .run = run_diagnose,
    COLUMNS_OF(columns),
};

/* Not typed by anybody. */
const struct command findings_of_report = {
    .name = "findings",
    .options = options,
    .need = NEED_READ,
    .run = run_all,
};
