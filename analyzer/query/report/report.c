/* SPDX-License-Identifier: GPL-3.0-or-later */
/* report.c - the report of what is loaded: the same answers as the commands', in one document.
 *
 * Most sections are a command's answer, so that a number in the report is the number the command gives. Nothing in it
 * depends on when or where it was made: the same database gives the same bytes. */
#include "query/report/report.h"
#include "query/core/outfile.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- the command ---- */

static void to_directory(struct query *q, const char *path)
{
	struct output out = {.format = FORMAT_CSV, .quiet = true};
	struct report r;

	report_read(&r, q, &out, false);
	if (!q->status && mkdir(path, 0777) && errno != EEXIST)
		query_ok(q, -errno, path);
	for (size_t i = 0; r.sections && r.sections[i] && !q->status; i++) {
		const struct report_section *p = r.sections[i];
		struct outfile f;
		char *name;

		if (!p->command || (p->tells && !p->tells(&r)))
			continue;
		if (asprintf(&name, "%s/%s.csv", path, p->name) < 0) {
			query_ok(q, -ENOMEM, path);
			break;
		}
		if (outfile_open(q, &f, name)) {
			out.file = f.file;
			report_section_run(&r, p, &out);
			outfile_close(q, &f);
		}
		free(name);
	}
	report_done(&r);
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
    {.name = "sections",
     .value = "FILE",
     .help = "the sections that this file names, a line each, in its order",
     .hint = HINT_FILE},
    OPTION_RUN,
    {0},
};

const struct command command_report = {
    .name = "report",
    .group = GROUP_DOCUMENTS,
    .help = "the report: verdict, findings, charts over time, slowest invocations with waterfalls, errors, ledger",
    .more =
        "One self-contained HTML file that fetches nothing, Markdown, JSON (schema/report.schema.json), or a directory "
        "of CSV, by the name after -o;\n"
        "without -o Markdown or, with --format json, JSON on standard output. The same database gives the same "
        "bytes.\n\n"
        "Sections, in their order: summary, findings, charts, functions, phases, blame, slow, slowest, failed, "
        "timelines, errors, patterns, spans, runs, sources. A file\n"
        "of --sections has a name a line; what follows # is passed over. Sections about invocations are left out "
        "where there are none, slow where it has nothing to say.",
    .examples = "report -o report.html\nreport -o report.md --run 2\nreport -o tables/\n"
                "report -o short.html --sections samples/nightly/sections",
    .options = options,
    .need = NEED_READ,
    .of_requests = true,
    .run = run,
};
