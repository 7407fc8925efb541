/* SPDX-License-Identifier: GPL-3.0-or-later */
/* compare.c - the command `compare`: what changed between two runs, and how sure that is. */
#include "query/core/command.h"
#include "query/core/outfile.h"
#include "query/why/compare.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef void write_fn(struct query *q, const struct comparison *c, FILE *to);

static void write_markdown(struct query *q, const struct comparison *c, FILE *to)
{
	struct output out = {.file = to, .format = FORMAT_MARKDOWN, .utf8 = true}, *before = q->out;

	q->out = &out;
	compare_text(q, c);
	q->out = before;
}

static const struct {
	const char *end;
	write_fn *write;
} writers[] = {{".html", compare_html}, {".htm", compare_html}, {".md", write_markdown}, {".json", compare_json}};

static write_fn *writer_of(struct query *q, const char *path)
{
	size_t len = strlen(path);

	for (size_t i = 0; i < sizeof writers / sizeof *writers; i++) {
		size_t n = strlen(writers[i].end);

		if (len > n && !strcmp(path + len - n, writers[i].end))
			return writers[i].write;
	}
	query_fail(q, USAGE, "%s: a comparison is .html, .md or .json", path);
	return NULL;
}

static void to_file(struct query *q, const struct comparison *c, const char *path)
{
	write_fn *write = writer_of(q, path);
	struct outfile f;

	if (!write || !outfile_open(q, &f, path))
		return;
	write(q, c, f.file);
	outfile_close(q, &f);
	if (!q->status)
		query_note(q, "%s written", path);
}

static bool wanted_table(struct query *q, enum compare_table *out)
{
	const char *show = args_value(q->args, "show");

	for (*out = 0; show && *out < TABLES; ++*out)
		if (!strcmp(show, compare_table_name(*out)))
			return true;
	if (show)
		query_fail(q, USAGE, "--show %s: it is one of claims, groups, parts, lines", show);
	return false;
}

static void to_output(struct query *q, const struct comparison *c)
{
	enum compare_table table;
	bool one = wanted_table(q, &table);

	if (q->status)
		return;
	if (one)
		compare_table(q, c, table, true);
	else if (q->out->format == FORMAT_JSON)
		compare_json(q, c, q->out->file);
	else if (q->out->format == FORMAT_CSV || q->out->columns)
		compare_table(q, c, TABLE_GROUPS, true);
	else
		compare_text(q, c);
}

/* A share as "5%", "5 %" or 0.05. */
static double tolerance(struct query *q)
{
	const char *text = args_value(q->args, "tolerate");
	double v;
	char *end;

	if (!text)
		return 0.05;
	v = strtod(text, &end);
	while (*end == ' ')
		end++;
	if (*end == '%' && end != text) {
		v /= 100;
		end++;
	}
	if (end == text || *end || !(v >= 0 && v <= 1000))
		query_fail(q, USAGE, "--tolerate %s: write a share like 5%% or 0.05", text);
	return v;
}

static uint64_t seed(struct query *q)
{
	const char *text = args_value(q->args, "seed");
	int64_t n = 1;

	if (text && args_number(text, &n))
		query_fail(q, USAGE, "--seed %s: it is a whole number", text);
	return (uint64_t)n;
}

static void run(struct query *q)
{
	const char *path = args_value(q->args, "output"), *by = args_value(q->args, "by");
	struct comparison c = {.by = by ? by : "function", .tolerate = tolerance(q), .seed = seed(q)};
	enum compare_table table;

	wanted_table(q, &table);
	if (path && strcmp(path, "-"))
		writer_of(q, path);
	if (!q->status)
		comparison_make(q, q->args->words[0], q->args->words[1], &c);
	if (!q->status && path && strcmp(path, "-"))
		to_file(q, &c, path);
	else if (!q->status)
		to_output(q, &c);
	q->alarm |= c.worse;
	comparison_done(&c);
}

static const struct option_spec options[] = {
    {.name = "by",
     .value = "WHAT",
     .help = "function, worker, hour of the day, a column of the table invocation, or a field of the requests' lines",
     .hint = HINT_GROUP},
    {.name = "tolerate", .value = "SHARE", .help = "what may be worse by no more than that is fine (5%)"},
    {.name = "output",
     .letter = 'o',
     .value = "FILE",
     .help = "a name that ends with .html, .md or .json",
     .hint = HINT_FILE},
    {.name = "show", .value = "TABLE", .help = "one table, all of it: claims, groups, parts, lines"},
    {.name = "seed", .value = "N", .help = "of the resampling (1): the same seed gives the same answer"},
    {0},
};

const struct command command_compare = {
    .name = "compare",
    .group = GROUP_ANSWERS,
    .words = "A B",
    .least = 2,
    .most = 2,
    .hint = HINT_FILE,
    .help = "what changed between two runs, databases or stretches of time, and how sure that is",
    .more =
        "A and B are a run of the database (its number, its path or the end of that), a database FILE, a run of one "
        "FILE:RUN, or a stretch of time\n"
        "FROM..TO, of a run or another database WHERE@FROM..TO: +0s..+60s, 2@00:51:00..00:52:00, new.db@..+5m. Either "
        "end may be missing; times are\n"
        "written as for --since, and a request belongs to the stretch in which it arrived.\n"
        "\n"
        "Times are those of requests that ended well. Evidence comes from resampled stretches of time, not single "
        "requests, and is corrected for\n"
        "the number of comparisons: in one of twenty pairs of runs that do not differ something is claimed by chance. "
        "Of "
        "fewer than 20 requests\n"
        "on a side nothing is claimed. Exits 1 when something is worse beyond --tolerate, with evidence: a mean or "
        "what "
        "is typical of a function or of\n"
        "all, a phase that takes a hundredth of its function's time or more, or the share of failed requests.",
    .examples = "compare 1 2\ncompare before.db after.db --tolerate 10%\ncompare +0s..+60s +60s..+120s\n"
                "compare 1 2 -o compare.html",
    .options = options,
    .need = NEED_NOTHING,
    .gives_back = true,
    .run = run,
};
