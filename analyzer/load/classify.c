/* SPDX-License-Identifier: GPL-3.0-or-later */
/* classify.c - what a file is, by its first bytes and its name.
 *
 * Content decides. A log is known by most of its lines, so that a garbled one does not hide the rest, nor a quoted one
 * make a log of a protocol; tables by the columns in their header; documents by keys that only they have. */
#include "load/discover.h"
#include "base/scan.h"
#include "base/slice.h"
#include "ingest/members.h"
#include "ingest/record.h"

#include <stdio.h>
#include <stdlib.h>

static bool has(struct slice in, const char *text)
{
	return memmem(in.ptr, in.len, text, strlen(text));
}

static bool starts(struct slice in, const char *text)
{
	size_t len = strlen(text);

	return in.len >= len && !memcmp(in.ptr, text, len);
}

/* The first line of *rest, without its line end, which is passed over. */
static struct slice take_line(struct slice *rest)
{
	const char *end = memchr(rest->ptr, '\n', rest->len);
	struct slice line = {rest->ptr, end ? (size_t)(end - rest->ptr) : rest->len};

	rest->ptr += line.len + (end != NULL);
	rest->len -= line.len + (end != NULL);
	if (line.len && line.ptr[line.len - 1] == '\r')
		line.len--;
	return line;
}

/* ---- logs ---- */

/* Ends with "seq":N}, which nobody but libilulog writes. */
static bool has_seq(struct slice line)
{
	size_t n = line.len;

	if (!n || line.ptr[--n] != '}')
		return false;
	while (n && line.ptr[n - 1] >= '0' && line.ptr[n - 1] <= '9')
		n--;
	return n >= 7 && !memcmp(line.ptr + n - 7, ",\"seq\":", 7);
}

/* INPUT_OTHER: no logger that is known. */
static enum input_kind line_kind(struct slice line)
{
	if (starts(line, "time=") && has(line, " level="))
		return INPUT_LOGRUS;
	if (!starts(line, "{"))
		return INPUT_OTHER;
	if (has(line, "\"timestamp\":\"") && has(line, "\"level\":\""))
		return has_seq(line) ? INPUT_ILULOG : INPUT_TRACING;
	if (has(line, "\"time\":\"") && has(line, "\"level\":\"") && has(line, "\"msg\":\""))
		return INPUT_LOGRUS;
	return INPUT_OTHER;
}

/* What most lines are; what the first of them is tells ours from theirs. */
static enum input_kind log_kind(struct slice text)
{
	enum input_kind first = INPUT_OTHER;
	size_t lines = 0, known = 0;

	while (text.len) {
		struct slice line = take_line(&text);
		enum input_kind kind = line_kind(line);

		lines += line.len != 0;
		known += kind != INPUT_OTHER;
		if (first == INPUT_OTHER)
			first = kind;
	}
	return 2 * known >= lines ? first : INPUT_OTHER;
}

/* ---- tables and documents ---- */

/* Is `column` one of the comma-separated names? */
static bool has_column(struct slice header, const char *column)
{
	while (header.len) {
		const char *comma = memchr(header.ptr, ',', header.len);
		struct slice name = {header.ptr, comma ? (size_t)(comma - header.ptr) : header.len};

		if (slice_is(name, column))
			return true;
		header.ptr += name.len + (comma != NULL);
		header.len -= name.len + (comma != NULL);
	}
	return false;
}

/* A table is what its header has, and it is the first row with all the columns that counts. */
static const struct {
	enum input_kind kind;
	const char *columns[3];
} tables[] = {
    {INPUT_RESULT_CSV, {"success", "was_cold", "tid"}}, {INPUT_TRACE, {"func_name", "invoke_time_ms", NULL}},
    {INPUT_METADATA, {"func_name", "mem_mb", NULL}},    {INPUT_ENERGY, {"timestamp", "rapl_uj", NULL}},
    {INPUT_ENERGY, {"timestamp", "ipmi", NULL}},        {INPUT_ENERGY, {"timestamp", "cpu_pct", NULL}},
};

static enum input_kind table_kind(struct slice text)
{
	struct slice header = take_line(&text);
	size_t i, c;

	if (starts(header, "# started on "))
		return INPUT_ENERGY;
	for (i = 0; i < sizeof tables / sizeof *tables; i++) {
		for (c = 0; c < 3 && tables[i].columns[c]; c++)
			if (!has_column(header, tables[i].columns[c]))
				break;
		if (c == 3 || !tables[i].columns[c])
			return tables[i].kind;
	}
	return INPUT_OTHER;
}

static enum input_kind document_kind(const char *name, struct slice text)
{
	while (text.len && strchr(" \t\r\n", *text.ptr)) {
		text.ptr++;
		text.len--;
	}
	if (starts(text, "[") && (has(text, "\"worker_response\"") || has(text, "\"controller_response\"")))
		return INPUT_RESULT_JSON;
	if (starts(text, "[") && !strncmp(name, "output-full", 11))
		return INPUT_RESULT_JSON;
	if (starts(text, "{") && has(text, "\"data\"") && has(text, "\"resource_data\""))
		return INPUT_BENCHMARK;
	return INPUT_OTHER;
}

static bool is_extension(const char *name, const char *extension)
{
	size_t len = input_stem(name), n = strlen(extension);

	return len > n && !memcmp(name + len - n, extension, n);
}

/* NUL bytes, or many bytes that no text has. */
static bool is_binary(struct slice text)
{
	size_t odd = 0, i;

	for (i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		if (!c)
			return true;
		odd += c < 0x20 ? !strchr("\t\n\r\b\f\x1b", c) : c == 0x7f;
	}
	return odd > text.len / 16;
}

/* ---- records of other programs ---- */

struct look {
	struct record_reader reader;
	bool found;    /* a record with a time */
	bool levelled; /* one with level and message */
};

static bool is_event(struct slice reading)
{
	struct member m;

	return member_at(reading, "level", &m) && member_at(reading, "message", &m);
}

static int object_look(void *arg, struct slice object)
{
	struct look *l = arg;
	struct record_result r;

	if (record_read(&l->reader, object, &r))
		return -1;
	l->found = r.verdict == RECORD_EVENT && r.has_time;
	return l->found;
}

/* Looks for a record with a time; objects may go over lines. l->reader notes what those without have. false: no memory.
 */
static bool records_look(struct slice text, struct look *l)
{
	struct slice rest = text;

	while (rest.len && !l->found) {
		struct slice line = take_line(&rest);
		struct record_result r;

		while (line.len && (!*line.ptr || *line.ptr == '\x1e')) {
			line.ptr++;
			line.len--;
		}
		if (record_read(&l->reader, line, &r))
			return false;
		l->found = r.verdict == RECORD_EVENT && r.has_time;
		l->levelled |= r.verdict == RECORD_EVENT && is_event(r.reading);
		if (r.verdict == RECORD_LIST || r.verdict == RECORD_BROKEN)
			record_list(line, object_look, l);
		if (r.verdict == RECORD_OPEN && r.lines) {
			const char *stop;

			if (record_read_lines(&l->reader,
			                      (struct slice){line.ptr, (size_t)(text.ptr + text.len - line.ptr)},
			                      r.lines, true, &stop, &r))
				return false;
			l->found = r.verdict == RECORD_EVENT && r.has_time;
		} else if (r.verdict == RECORD_OPEN && r.quoted) {
			l->found = true; /* its columns begin with a time */
		} else if (r.verdict == RECORD_OPEN) {
			record_list((struct slice){line.ptr, (size_t)(text.ptr + text.len - line.ptr)}, object_look, l);
			break;
		}
	}
	return true;
}

/* Is there a record with a time, or in a file that is named as a log one with level and message? */
static bool has_records(const char *name, struct slice text, const struct record_options *o)
{
	struct record_options of_file = *o;
	struct look l = {0};
	bool is;

	of_file.file = name;
	if (record_reader_init(&l.reader, &of_file))
		return false;
	is = records_look(text, &l) && (l.found || (l.levelled && input_named_log(name)));
	record_reader_done(&l.reader);
	return is;
}

char *input_why_not(const char *text, size_t len, const struct record_options *o)
{
	struct look l = {0};
	const struct record_hints *h = &l.reader.hints;
	char *why = NULL;
	int n = 0;

	if (record_reader_init(&l.reader, o))
		return NULL;
	if (records_look((struct slice){text, len}, &l) && h->timeless)
		n = asprintf(&why, "no timestamp; keys that were seen: %s; --time %s%s", h->keys,
		             h->time_path[0] ? h->time_path : "PATH", h->time_path[0] ? "?" : " names one");
	else if (h->odd_time[0])
		n = asprintf(&why, "no time that is understood, as \"%s\"", h->odd_time);
	record_reader_done(&l.reader);
	return n < 0 ? NULL : why;
}

enum input_kind input_classify(const char *name, const char *text, size_t len, const struct record_options *records)
{
	struct slice all = {text, len};
	enum input_kind kind;

	if (!len)
		return INPUT_EMPTY;
	if (starts(all, "\xef\xbb\xbf"))
		all = (struct slice){text + 3, len - 3};
	if (!strncmp(name, "tegrastats", 10) && !is_binary(all))
		return INPUT_ENERGY;
	kind = log_kind(all);
	if (kind == INPUT_OTHER)
		kind = document_kind(name, all);
	if (kind == INPUT_OTHER)
		kind = table_kind(all);
	if (kind != INPUT_OTHER)
		return kind;
	if (records && has_records(name, all, records))
		return INPUT_RECORDS;
	if (is_binary(all))
		return INPUT_BINARY;
	return is_extension(name, ".json") || is_extension(name, ".csv") ? INPUT_OTHER : INPUT_TEXT;
}

/* ---- what is known to hold no lines ---- */

/* Entries of lines KEY=value, parted by empty lines; the time may be any of an entry's first keys. */
static bool is_journal_export(struct slice text)
{
	while (starts(text, "__")) {
		struct slice line = take_line(&text);

		if (starts(line, "__REALTIME_TIMESTAMP="))
			return true;
	}
	return false;
}

const char *input_instead(enum input_kind kind, const char *text, size_t len)
{
	struct slice all = {text, len};

	if (len >= 72 && !memcmp(text, "SQLite format 3", 16)) /* the application_id stands at 68 */
		return !memcmp(text + 68, "ILUQ", 4)
		           ? "a database of ilu-logq, no log: -d FILE asks it, e.g. ilu-logq -d FILE runs"
		           : "an SQLite database, no log";
	if (starts(all, "LPKSHHRH"))
		return "a journal of journald: load what this writes: journalctl --file FILE -o json";
	if (is_journal_export(all))
		return "the export format of journald: write it as JSON: journalctl -o json";
	if (kind == INPUT_BINARY && (starts(all, "\xff\xfe") || starts(all, "\xfe\xff")))
		return "UTF-16: convert it first, e.g. iconv -f UTF-16 -t UTF-8";
	return NULL;
}

bool input_is_log(enum input_kind kind)
{
	return kind <= INPUT_BINARY || kind == INPUT_STREAM;
}

bool input_is_companion(enum input_kind kind)
{
	return kind == INPUT_RESULT_CSV || kind == INPUT_RESULT_JSON || kind == INPUT_TRACE || kind == INPUT_METADATA ||
	       kind == INPUT_ENERGY;
}

const char *input_kind_name(enum input_kind kind)
{
	static const char *const names[] = {
	    [INPUT_TRACING] = "tracing", [INPUT_ILULOG] = "ilulog",     [INPUT_LOGRUS] = "logrus",
	    [INPUT_RECORDS] = "records", [INPUT_TEXT] = "text",         [INPUT_EMPTY] = "empty",
	    [INPUT_BINARY] = "binary",   [INPUT_RESULT_CSV] = "result", [INPUT_RESULT_JSON] = "result",
	    [INPUT_TRACE] = "trace",     [INPUT_METADATA] = "metadata", [INPUT_BENCHMARK] = "benchmark",
	    [INPUT_ENERGY] = "energy",   [INPUT_OTHER] = "other",       [INPUT_STREAM] = "stream",
	};

	return names[kind];
}

bool input_is_foreign(enum input_kind kind)
{
	return kind == INPUT_LOGRUS || kind == INPUT_RECORDS || kind == INPUT_STREAM;
}
