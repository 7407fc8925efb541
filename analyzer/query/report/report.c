/* SPDX-License-Identifier: GPL-3.0-or-later */
/* report.c - the report of what is loaded: the same answers as the commands', in one document.
 *
 * Each part is a command, so that a number in the report is the number the command gives. Nothing in it depends on when
 * or where it was made: the same database gives the same bytes. */
#include "query/report/report.h"
#include "query/commands/commands.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct option_spec sort_spec = {.name = "sort"}, limit_spec = {.name = "limit"},
                                level_spec = {.name = "level"}, where_spec = {.name = "where"},
                                run_spec = {.name = "run"};

const struct report_part report_parts[] = {
    {"runs", "Runs", "What was loaded. Times stand on the logs' own clock.", cmd_runs, {{NULL, NULL}}},
    {"functions",
     "Latency by function",
     "End-to-end, queueing and code time of each function's invocations. Cold is what the function calls its first "
     "call in a container; cold_starts are containers made for a call.",
     cmd_functions,
     {{NULL, NULL}}},
    {"phases",
     "Where the time went",
     "The phases of an invocation add up to its end-to-end time; what the log does not explain is named so.",
     cmd_phases,
     {{NULL, NULL}}},
    {"slowest",
     "Slowest invocations",
     "By what the caller waited.",
     cmd_invocations,
     {{&sort_spec, "-duration_ns"}, {&limit_spec, "20"}, {&where_spec, "status <> 'unfinished'"}, {NULL, NULL}}},
    {"failed",
     "Failed and unfinished invocations",
     "The first of them, by time.",
     cmd_invocations,
     {{&where_spec, "status <> 'ok'"}, {&limit_spec, "50"}, {NULL, NULL}}},
    {"findings",
     "Findings",
     "What never completed and why, cycles without progress, mounts that failed, what cannot be right.",
     cmd_findings,
     {{NULL, NULL}}},
    {"errors",
     "Errors and warnings",
     "By message; lines that differ only in numbers and ids are one group.",
     cmd_errors,
     {{&level_spec, "warn"}, {&limit_spec, "50"}, {NULL, NULL}}},
    {"sources",
     "Ledger",
     "Every line of every file is ok, repaired, rejected or a duplicate.",
     cmd_sources,
     {{NULL, NULL}}},
    {NULL, NULL, NULL, NULL, {{NULL, NULL}}},
};

int report_part_run(struct query *q, const struct report_part *part, struct output *out)
{
	struct option options[6];
	struct args args = {.options = options};
	struct query sub = *q;
	size_t n = 0;
	int status;

	for (; part->options[n].spec; n++)
		options[n] = part->options[n];
	if (args_has(q->args, "run"))
		options[n++] = (struct option){&run_spec, args_value(q->args, "run")};
	args.noptions = n;
	sub.args = &args;
	sub.out = out;
	sub.quiet = true;
	sub.error = NULL;
	status = part->run(&sub);
	if (status == FINDINGS)
		status = DONE;
	if (sub.error)
		query_fail(q, status, "%s: %s", part->name, sub.error);
	free(sub.error);
	return status;
}

int report_cases(struct query *q, struct report_case **cases, size_t *n)
{
	sqlite3_stmt *stmt = NULL;
	int64_t run;
	int status = query_run(q, &run);

	*cases = calloc(15, sizeof **cases);
	*n = 0;
	if (!*cases)
		return query_errno(q, -ENOMEM, q->command);
	if (!status)
		status = query_prepare(
		    q,
		    "SELECT run, tid FROM (SELECT run, tid, 0 AS k, row_number() OVER (ORDER BY " INVOCATION_DURATION
		    " DESC, tid) AS n"
		    " FROM invocation WHERE (?1 = 0 OR run = ?1) AND status <> 'unfinished' AND " INVOCATION_DURATION
		    " IS NOT NULL"
		    " UNION ALL SELECT run, tid, 1, row_number() OVER (ORDER BY status DESC, arrived_ns, tid)"
		    " FROM invocation WHERE (?1 = 0 OR run = ?1) AND status <> 'ok')"
		    " WHERE n <= 10 - 5 * k GROUP BY run, tid ORDER BY min(k * 100 + n)",
		    &stmt);
	if (!status)
		sqlite3_bind_int64(stmt, 1, run);
	while (!status && *n < 15 && (status = query_step(q, stmt)) == 1) {
		char *tid = strdup((const char *)sqlite3_column_text(stmt, 1));

		status = tid ? DONE : query_errno(q, -ENOMEM, q->command);
		if (tid)
			(*cases)[(*n)++] = (struct report_case){sqlite3_column_int64(stmt, 0), tid};
	}
	sqlite3_finalize(stmt);
	return status;
}

void report_cases_free(struct report_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(cases[i].tid);
	free(cases);
}

/* ---- files ---- */

int report_file_open(struct query *q, struct report_file *f, const char *path)
{
	mode_t mask = umask(0);
	int fd, rc;

	umask(mask);
	*f = (struct report_file){.path = strdup(path)};
	if (!f->path || asprintf(&f->temporary, "%s.XXXXXX", path) < 0) {
		free(f->path);
		return query_errno(q, -ENOMEM, path);
	}
	fd = mkstemp(f->temporary);
	rc = fd < 0 ? -errno : 0;
	if (!rc && (fchmod(fd, 0666 & ~mask) || !(f->file = fdopen(fd, "w")))) {
		rc = -errno;
		close(fd);
		unlink(f->temporary);
	}
	if (rc) {
		free(f->path);
		free(f->temporary);
		return query_errno(q, rc, path);
	}
	return DONE;
}

int report_file_close(struct query *q, struct report_file *f, int status)
{
	int rc = 0;

	if (!status && (fflush(f->file) || fsync(fileno(f->file))))
		rc = -errno;
	if (fclose(f->file) && !rc)
		rc = -errno;
	if (!status && !rc && rename(f->temporary, f->path))
		rc = -errno;
	if (status || rc)
		unlink(f->temporary);
	if (!status && rc)
		status = query_errno(q, rc, f->path);
	free(f->path);
	free(f->temporary);
	return status;
}

/* ---- the command ---- */

static int to_directory(struct query *q, const char *path)
{
	struct output out = {.format = FORMAT_CSV, .quiet = true};
	int status = DONE;

	if (mkdir(path, 0777) && errno != EEXIST)
		return query_errno(q, -errno, path);
	for (const struct report_part *p = report_parts; p->name && !status; p++) {
		struct report_file f;
		char *name;

		if (asprintf(&name, "%s/%s.csv", path, p->name) < 0)
			return query_errno(q, -ENOMEM, path);
		status = report_file_open(q, &f, name);
		free(name);
		if (status)
			break;
		out.file = f.file;
		status = report_file_close(q, &f, report_part_run(q, p, &out));
	}
	return status;
}

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n > m && !strcmp(s + n - m, end);
}

typedef int report_fn(struct query *q, struct output *out);

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

static int to_stdout(struct query *q)
{
	struct output out = *q->out;

	if (out.format == FORMAT_CSV)
		return query_fail(q, USAGE, "a report as CSV is several files: -o DIRECTORY");
	return out.format == FORMAT_JSON ? report_json(q, &out) : report_markdown(q, &out);
}

int cmd_report(struct query *q)
{
	const char *path = args_value(q->args, "output");
	report_fn *write = path ? writer_of(path) : NULL;
	struct output out = {.utf8 = true, .one_run = q->out->one_run};
	struct report_file f;
	int status;

	if (!path || !strcmp(path, "-"))
		return to_stdout(q);
	if (is_directory(path))
		return to_directory(q, path);
	if (!write)
		return query_fail(q, USAGE, "%s: a report is .html, .md, .json, or a directory for CSV", path);
	status = report_file_open(q, &f, path);
	if (status)
		return status;
	out.file = f.file;
	status = report_file_close(q, &f, write(q, &out));
	if (!status)
		query_note(q, "%s written", path);
	return status;
}
