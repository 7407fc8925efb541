/* SPDX-License-Identifier: GPL-3.0-or-later */
/* export.c - the command: which formats there are, where they go, and what they share. */
#include "query/export/export.h"
#include "render/stream.h"
#include "ingest/line.h"
#include "query/core/outfile.h"
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const struct exporter {
	struct choice is;
	export_fn *write;
	bool directory; /* writes files into x->directory */
} formats[] = {
    {{"perfetto", "a trace for ui.perfetto.dev and chrome://tracing: requests, spans and counters by worker"},
     export_perfetto,
     false},
    {{"otlp", "spans and log records as the OpenTelemetry collector writes them to a file: JSON lines"},
     export_otlp,
     false},
    {{"folded", "folded stacks of the spans, for flame graphs: flamegraph.pl, inferno"}, export_folded, false},
    {{"speedscope", "the same for speedscope.app"}, export_speedscope, false},
    {{"ndjson", "the lines merged by time, each an event line; of other programs' lines their reading"},
     export_ndjson,
     false},
    {{"csv", "a directory with a file for each table, and a README of their columns"}, export_csv, true},
    {{"trace-csv", "which function was invoked when: what Ilúvatar's load generator and faas-sim replay"},
     export_trace_csv,
     false},
    {{"faas-sim", "a directory from which faas-sim --from replays a run: what would have been"}, export_faas_sim, true},
};

enum { FORMATS = sizeof formats / sizeof *formats };

/* ---- what formats share ---- */

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* How far it is, a few times a second, where somebody sees it. */
static void show_progress(struct export *x)
{
	int64_t now;

	if (x->shown_ns < 0 || x->records % 4096)
		return;
	now = now_ns();
	if (!x->shown_ns)
		x->shown_ns = now;
	if (now - x->shown_ns < 200000000)
		return;
	x->shown_ns = now;
	fprintf(stderr, "\r%lld records\033[K\r", (long long)x->records);
}

int export_put(struct export *x)
{
	int rc = x->line.failed ? -ENOMEM : 0;

	if (!rc && fwrite(x->line.ptr ? x->line.ptr : "", 1, x->line.len, x->file) < x->line.len)
		rc = stream_status(x->file);
	text_reset(&x->line);
	x->records++;
	show_progress(x);
	return rc ? rc : query_interrupted ? -EINTR : 0;
}

void export_add_us(struct text *t, int64_t ns)
{
	char buf[TEXT_DECIMAL + 8], *p = buf;
	uint64_t v = ns < 0 ? -(uint64_t)ns : (uint64_t)ns, rest = v % 1000;

	if (ns < 0)
		*p++ = '-';
	p += text_decimal((int64_t)(v / 1000), p);
	*p++ = '.';
	*p++ = (char)('0' + rest / 100);
	*p++ = (char)('0' + rest / 10 % 10);
	*p++ = (char)('0' + rest % 10);
	text_add(t, buf, (size_t)(p - buf));
}

struct slice export_plain(struct export *x, struct slice escaped)
{
	char *to;

	if (!escaped.len || !memchr(escaped.ptr, '\\', escaped.len))
		return escaped.ptr ? escaped : SLICE("");
	text_reset(&x->plain);
	to = text_space(&x->plain, 3 * escaped.len);
	if (!to) {
		x->line.failed = true;
		return SLICE("");
	}
	return (struct slice){to, json_unescape(escaped, to)};
}

void export_add_escaped(struct export *x, struct slice escaped)
{
	struct slice plain = export_plain(x, escaped);

	text_add_json(&x->line, plain.ptr, plain.len);
}

void export_add_csv(struct text *t, struct slice value)
{
	static const bool special[256] = {['"'] = true, [','] = true, ['\n'] = true, ['\r'] = true};
	const char *p = value.ptr, *end = p + value.len, *quote;
	size_t run = 0;

	while (run < value.len && !special[(unsigned char)p[run]])
		run++;
	if (run == value.len) {
		text_add(t, value.len ? p : "", value.len);
		return;
	}
	text_add(t, "\"", 1);
	while ((quote = memchr(p, '"', (size_t)(end - p)))) {
		text_add(t, p, (size_t)(quote - p) + 1);
		text_add(t, "\"", 1);
		p = quote + 1;
	}
	text_add(t, p, (size_t)(end - p));
	text_add(t, "\"", 1);
}

/* ---- where it goes ---- */

static void write_file(struct export *x, const struct exporter *f, const char *path)
{
	struct outfile file;

	if (x->q->status || !outfile_open(x->q, &file, path))
		return;
	x->file = file.file;
	f->write(x);
	outfile_close(x->q, &file);
}

bool export_open_file(struct export *x, struct outfile *f, const char *name)
{
	char *path;
	bool open;

	if (x->q->status)
		return false;
	if (asprintf(&path, "%s/%s", x->directory, name) < 0)
		return query_ok(x->q, -ENOMEM, name);
	open = outfile_open(x->q, f, path);
	if (open)
		x->file = f->file;
	free(path);
	return open;
}

/* Of what a format wrote: files, no directories. */
static void remove_directory(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			unlinkat(dirfd(d), e->d_name, 0);
	if (d)
		closedir(d);
	rmdir(path);
}

/* A directory of this name may be there, if nothing is in it. */
static void check_empty(struct query *q, const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;

	if (!d && errno != ENOENT)
		query_ok(q, -errno, path);
	while (d && (e = readdir(d)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			query_fail(q, USAGE, "%s: not empty; a directory is written as a whole", path);
	if (d)
		closedir(d);
}

/* The directory appears when all its files are whole, as a file does. */
static void write_directory(struct export *x, const struct exporter *f, const char *path)
{
	size_t n = strlen(path);
	mode_t mask = umask(0);
	char *own;

	umask(mask);
	check_empty(x->q, path);
	if (x->q->status)
		return;
	while (n > 1 && path[n - 1] == '/')
		n--;
	if (asprintf(&own, "%.*s.XXXXXX", (int)n, path) < 0) {
		query_ok(x->q, -ENOMEM, path);
		return;
	}
	if (!mkdtemp(own) || chmod(own, 0777 & ~mask)) {
		query_ok(x->q, -errno, path);
		free(own);
		return;
	}
	x->directory = own;
	f->write(x);
	if (!x->q->status && rename(own, path))
		query_ok(x->q, -errno, path);
	if (x->q->status)
		remove_directory(own);
	free(own);
}

static void write_stdout(struct export *x, const struct exporter *f)
{
	if (f->directory)
		query_fail(x->q, USAGE, "%s is several files: -o DIRECTORY", f->is.name);
	if (x->q->status)
		return;
	x->file = x->q->out->file;
	f->write(x);
	if (!x->q->status)
		query_wrote(x->q, stream_flush(x->file));
}

/* ---- the command ---- */

static const struct exporter *find(struct query *q, const char *name)
{
	struct text names = {0};

	for (size_t i = 0; i < FORMATS; i++)
		if (!strcmp(formats[i].is.name, name))
			return &formats[i];
	for (size_t i = 0; i < FORMATS; i++)
		text_printf(&names, "%s%s", i ? ", " : "", formats[i].is.name);
	query_fail(q, USAGE, "%s: no such format; there are %s", name, text_str(&names));
	text_done(&names);
	return NULL;
}

static void run(struct query *q)
{
	const struct exporter *f = find(q, q->args->words[0]);
	const char *path = args_value(q->args, "output");
	bool seen = !q->quiet && isatty(STDERR_FILENO) && path && strcmp(path, "-");
	struct export x = {.q = q, .shown_ns = seen ? 0 : -1};

	if (!f)
		return;
	export_filter_init(&x);
	if (!path || !strcmp(path, "-"))
		write_stdout(&x, f);
	else if (f->directory)
		write_directory(&x, f, path);
	else
		write_file(&x, f, path);
	if (x.shown_ns > 0)
		fputs("\r\033[K", stderr);
	if (!q->status && path && strcmp(path, "-"))
		query_note(q, "%s written", path);
	text_done(&x.line);
	text_done(&x.plain);
	export_filter_done(&x);
}

static const struct option_spec options[] = {
    {.name = "output",
     .letter = 'o',
     .value = "FILE",
     .help = "write there, or to this directory; without it to standard output",
     .hint = HINT_FILE},
    OPTION_TID,
    OPTION_FUNCTION,
    OPTION_SINCE,
    OPTION_UNTIL,
    OPTION_RUN,
    {0},
};

const struct command command_export = {
    .name = "export",
    .group = GROUP_DOCUMENTS,
    .words = "FORMAT",
    .least = 1,
    .most = 1,
    .hint = HINT_CHOICE,
    .help = "the same in the formats of other tools",
    .more = "A file, or a directory, appears at its place when it is whole; where the disk is full nothing stays. "
            "Memory does "
            "not\n"
            "grow with the log. Bytes of a log that are no UTF-8 become U+FFFD.\n\n"
            "With --since and --until: what has a part in that time. With --function: its invocations, and what is of "
            "their\n"
            "transactions.\n\n"
            "Times in folded and speedscope are ns, by the log's clock, of a span without the spans below it. In otlp "
            "a trace is\n"
            "a transaction: its id, or a hash of it where that is not 16 bytes in hex. In ndjson the lines of a log of "
            "event "
            "lines\n"
            "are as they stand there, byte for byte, unless they are broken. trace-csv begins with the first request.\n"
            "faas-sim holds the requests of one run in memory; its files and what is guessed: docs/what-if.md.",
    .examples = "export perfetto -o trace.json --run 1\n"
                "export speedscope -o spans.json\n"
                "export folded --function hello | flamegraph.pl > spans.svg\n"
                "export csv -o tables/\n"
                "export trace-csv -o again.csv --function hello\n"
                "export faas-sim -o learned/ && faas-sim --from learned/ --cores 8 --directory eight",
    .options = options,
    .need = NEED_READ,
    .of_requests = true,
    .run = run,
    .choices = &formats[0].is,
    .nchoices = FORMATS,
    .choice_stride = sizeof *formats,
};
