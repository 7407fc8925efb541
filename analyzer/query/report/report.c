/* SPDX-License-Identifier: GPL-3.0-or-later */
/* report.c - the report of what is loaded: the same answers as the commands', in one document.
 *
 * Each part is a command, so that a number in the report is the number the command gives. Nothing in it depends on when
 * or where it was made: the same database gives the same bytes. */
#include "query/report/report.h"
#include "query/commands/commands.h"
#include "query/core/outfile.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const struct option_spec sort_spec = {.name = "sort"}, limit_spec = {.name = "limit"},
                                level_spec = {.name = "level"}, where_spec = {.name = "where"},
                                run_spec = {.name = "run"};

const struct report_part report_parts[] = {
    {"summary",
     "Verdict",
     "What is wrong, the worst first, and where the time went.",
     &command_summary,
     {{NULL, NULL}}},
    {"runs", "Runs", "What was loaded. Times stand on the logs' own clock.", &command_runs, {{NULL, NULL}}},
    {"functions",
     "Latency by function",
     "End-to-end, queueing and code time of each function's invocations. Cold is what the function calls its first "
     "call in a container; cold_starts are containers made for a call.",
     &command_functions,
     {{NULL, NULL}}},
    {"phases",
     "Where the time went",
     "The phases of an invocation add up to its end-to-end time; what the log does not explain is named so.",
     &command_phases,
     {{NULL, NULL}}},
    {"slowest",
     "Slowest invocations",
     "By what the caller waited.",
     &command_invocations,
     {{&sort_spec, "-duration_ns"}, {&limit_spec, "20"}, {&where_spec, "status <> 'unfinished'"}, {NULL, NULL}}},
    {"failed",
     "Failed and unfinished invocations",
     "The first of them, by time.",
     &command_invocations,
     {{&where_spec, "status <> 'ok'"}, {&limit_spec, "50"}, {NULL, NULL}}},
    {"findings",
     "Findings",
     "What never completed and why, cycles without progress, mounts that failed, what cannot be right.",
     &findings_of_report,
     {{NULL, NULL}}},
    {"errors",
     "Errors and warnings",
     "By message; lines that differ only in numbers and ids are one group.",
     &command_errors,
     {{&level_spec, "warn"}, {&limit_spec, "50"}, {NULL, NULL}}},
    {"sources",
     "Ledger",
     "Every line of every file is ok, repaired, rejected or a duplicate.",
     &command_sources,
     {{NULL, NULL}}},
    {NULL, NULL, NULL, NULL, {{NULL, NULL}}},
};

void report_ask(struct query *q, const struct command *c, const char *subject, const struct args *args,
                struct output *out)
{
	struct query sub = *q;

	sub.out = out;
	sub.quiet = true;
	command_start(&sub, c, args);
	if (!sub.status)
		c->run(&sub);
	if (sub.status && sub.error && !q->status)
		query_fail(q, sub.status, "%s: %s", subject, sub.error);
	query_stop(q, sub.status);
	if (sub.error != q->error)
		free(sub.error);
}

void report_part_run(struct query *q, const struct report_part *part, struct output *out)
{
	struct option options[6];
	struct args args = {.options = options};

	for (; part->options[args.noptions].spec; args.noptions++)
		options[args.noptions] = part->options[args.noptions];
	if (args_has(q->args, "run"))
		options[args.noptions++] = (struct option){&run_spec, args_value(q->args, "run")};
	report_ask(q, part->command, part->name, &args, out);
}

size_t report_cases(struct query *q, struct report_case **cases)
{
	enum { MOST = 15 };
	int64_t run = query_run(q);
	sqlite3_stmt *stmt = query_prepare(
	    q, "SELECT run, tid FROM (SELECT run, tid, 0 AS k, row_number() OVER (ORDER BY " INVOCATION_DURATION
	       " DESC, tid) AS n"
	       " FROM invocation WHERE (?1 = 0 OR run = ?1) AND status <> 'unfinished' AND " INVOCATION_DURATION
	       " IS NOT NULL"
	       " UNION ALL SELECT run, tid, 1, row_number() OVER (ORDER BY status DESC, arrived_ns, tid)"
	       " FROM invocation WHERE (?1 = 0 OR run = ?1) AND status <> 'ok')"
	       " WHERE n <= 10 - 5 * k GROUP BY run, tid ORDER BY min(k * 100 + n)");
	size_t n = 0;

	*cases = calloc(MOST, sizeof **cases);
	query_ok(q, *cases ? 0 : -ENOMEM, q->command);
	sqlite3_bind_int64(stmt, 1, run);
	while (n < MOST && query_next(q, stmt)) {
		char *tid = strdup((const char *)sqlite3_column_text(stmt, 1));

		if (query_ok(q, tid ? 0 : -ENOMEM, q->command))
			(*cases)[n++] = (struct report_case){sqlite3_column_int64(stmt, 0), tid};
	}
	sqlite3_finalize(stmt);
	return n;
}

void report_cases_free(struct report_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(cases[i].tid);
	free(cases);
}

/* ---- the command ---- */

static void to_directory(struct query *q, const char *path)
{
	struct output out = {.format = FORMAT_CSV, .quiet = true};

	if (mkdir(path, 0777) && errno != EEXIST)
		query_ok(q, -errno, path);
	for (const struct report_part *p = report_parts; p->name && !q->status; p++) {
		struct outfile f;
		char *name;

		if (asprintf(&name, "%s/%s.csv", path, p->name) < 0) {
			query_ok(q, -ENOMEM, path);
			return;
		}
		if (outfile_open(q, &f, name)) {
			out.file = f.file;
			report_part_run(q, p, &out);
			outfile_close(q, &f);
		}
		free(name);
	}
}

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n > m && !strcmp(s + n - m, end);
}

typedef void report_fn(struct query *q, struct output *out);

static report_fn *writer_of(const char *path)
{
	static const struct {
		const char *end;
		report_fn *write;
	} writers[] = {{".html", report_html}, {".htm", report_html}, {".md", report_markdown}, {".json", report_json}};

	for (size_t i = 0; i < sizeof writers / sizeof *writers; i++)
		if (ends_with(path, writers[i].end))
			return writers[i].write;
	return NULL;
}

static bool is_directory(const char *path)
{
	struct stat st;

	return !stat(path, &st) ? S_ISDIR(st.st_mode)
	                        : ends_with(path, "/") || !strchr(strrchr(path, '/') ? strrchr(path, '/') : path, '.');
}

static void to_stdout(struct query *q)
{
	struct output out = *q->out;

	if (out.format == FORMAT_CSV)
		query_fail(q, USAGE, "a report as CSV is several files: -o DIRECTORY");
	else if (out.format == FORMAT_JSON)
		report_json(q, &out);
	else
		report_markdown(q, &out);
}

static void to_file(struct query *q, const char *path)
{
	struct output out = {.utf8 = true, .one_run = q->out->one_run};
	report_fn *write = writer_of(path);
	struct outfile f;

	if (!write)
		query_fail(q, USAGE, "%s: a report is .html, .md, .json, or a directory for CSV", path);
	if (q->status || !outfile_open(q, &f, path))
		return;
	out.file = f.file;
	write(q, &out);
	outfile_close(q, &f);
	if (!q->status)
		query_note(q, "%s written", path);
}

static void run(struct query *q)
{
	const char *path = args_value(q->args, "output");

	if (!path || !strcmp(path, "-"))
		to_stdout(q);
	else if (is_directory(path))
		to_directory(q, path);
	else
		to_file(q, path);
}

static const struct option_spec options[] = {
    {.name = "output",
     .letter = 'o',
     .value = "FILE",
     .help = "a name that ends with .html, .md or .json, or a directory for CSV",
     .hint = HINT_FILE},
    OPTION_RUN,
    {0},
};

const struct command command_report = {
    .name = "report",
    .group = GROUP_DOCUMENTS,
    .help = "the report: latency, phases, slowest invocations with timelines, errors, ledger",
    .more = "One self-contained HTML file, Markdown, JSON, or a directory of CSV, by the name after -o; without -o "
            "Markdown "
            "or, with --format json, JSON on\n"
            "standard output. The same database gives the same bytes.",
    .examples = "report -o report.html\nreport -o report.md --run 2\nreport -o tables/",
    .options = options,
    .need = NEED_READ,
    .of_requests = true,
    .run = run,
};
