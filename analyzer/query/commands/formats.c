/* SPDX-License-Identifier: GPL-3.0-or-later */
/* formats.c - the command `formats`: what logs look like, and how the lines of a file are read. */
#include "base/scan.h"
#include "ingest/members.h"
#include "ingest/reader.h"
#include "ingest/record.h"
#include "query/core/command.h"

#include <errno.h>
#include <stdlib.h>

#define TEST_LINES 1000        /* of a file that are shown, where --limit does not say */
#define TEST_BYTES (64u << 20) /* of a file that are looked at */

static void say(void *arg, const char *text)
{
	query_fail(arg, USAGE, "%s", text);
}

static const char *kind_of(const struct log_format *f)
{
	return f->rest ? "envelope" : f->npatterns ? "text" : f->columns.n ? "columns" : f->nkeys ? "keys" : "fallback";
}

static void list(struct query *q, const struct format_set *set)
{
	static const struct column columns[] = {{"format", UNIT_NONE}, {"kind", UNIT_NONE}, {"title", UNIT_NONE}};
	struct table *t = query_table_open(q, columns, 3);

	for (size_t i = 0; i < set->n; i++) {
		const struct log_format *f = &set->all[i];

		if (!query_table_row(
		        q, t, (struct cell[]){cell_of_text(f->name), cell_of_text(kind_of(f)), cell_of_text(f->title)}))
			break;
	}
	query_table_close(q, t);
}

static void show(struct query *q, const struct format_set *set, const char *name)
{
	const struct log_format *f = formats_find(set, name);

	if (!f)
		query_fail(q, USAGE, "%s: no such format; ilu-logq formats lists them", name);
	else
		fputs(f->source, q->out->file);
}

/* ---- --test ---- */

static struct cell value_at(struct slice reading, const char *key)
{
	struct member m;

	return reading.ptr && member_at(reading, key, &m) ? cell_of_bytes(m.value.ptr, m.value.len) : CELL_OF_NULL;
}

static const char *why_not(const struct record_result *r)
{
	switch (r->verdict) {
	case RECORD_EVENT:
		return r->has_time ? NULL : "no time that is understood: that of the record before";
	case RECORD_TEXT:
		return r->reading.ptr ? "plain text in an envelope"
		                      : "neither JSON nor logfmt, and no pattern fits: text";
	case RECORD_PARTIAL:
		return "a piece of a record: it goes on";
	case RECORD_OPEN:
		return "an object that goes on behind the line";
	default:
		return r->reason;
	}
}

/* ---- where a line does not fit the one format that is tried ---- */

#define WHY_ROOM 160

static void pattern_misfit(const struct log_format *f, struct slice line, char *why)
{
	const struct piece *at, *best = NULL;
	size_t most = 0, which = 0;

	while (line.len && (line.ptr[line.len - 1] == '\r' || line.ptr[line.len - 1] == '\n'))
		line.len--;
	for (size_t i = 0; i < f->npatterns; i++) {
		size_t n = pattern_reach(&f->patterns[i], line, &at);

		if (!at && n == line.len) {
			snprintf(why, WHY_ROOM, "lines[%zu] fits, but its time is not understood", i);
			return;
		}
		if (i && n <= most)
			continue;
		most = n;
		which = i;
		best = at;
	}
	snprintf(why, WHY_ROOM, "lines[%zu] fits up to byte %zu: %s%s%s is expected there, not \"%.*s\"", which, most,
	         best && best->name   ? "{"
	         : best && best->text ? "\""
	                              : "",
	         !best        ? "the end"
	         : best->name ? best->name
	         : best->text ? best->text
	                      : "a blank",
	         best && best->name   ? "}"
	         : best && best->text ? "\""
	                              : "",
	         (int)(line.len - most < 24 ? line.len - most : 24), line.ptr + most);
}

static void keys_misfit(const struct log_format *f, struct slice line, char *why)
{
	for (size_t i = 0; i < f->nkeys; i++) {
		const struct format_key *k = &f->keys[i];
		struct member m;

		if (!member_at(line, k->path, &m)) {
			snprintf(why, WHY_ROOM, "keys: \"%s\" is not there", k->path);
			return;
		}
		if (k->kind == '=' ? !slice_is(m.value, k->value)
		                   : k->kind != '*' && (k->kind == 's') != (m.kind == SLOT_STRING)) {
			snprintf(why, WHY_ROOM, "keys: \"%s\" is another kind of value", k->path);
			return;
		}
	}
}

/* why: WHY_ROOM bytes, empty where there is nothing to say. */
static void misfit(const struct log_format *f, struct slice line, char *why)
{
	*why = '\0';
	if (f->npatterns)
		pattern_misfit(f, line, why);
	else if (line.len && *line.ptr == '{')
		keys_misfit(f, line, why);
}

/* What this line was read as: the use whose count went up. */
static const struct record_use *use_of(const struct record_reader *r, const uint64_t *before)
{
	for (unsigned i = 0; i < r->nuses; i++)
		if (r->uses[i].records != before[i])
			return &r->uses[i];
	return NULL;
}

/* The first line of text; *stop: behind it, or behind the record of several lines that it begins. */
static void line_test(struct query *q, struct record_reader *reader, struct slice text, struct slice line,
                      int64_t number, struct table *t, const char **stop)
{
	uint64_t before[RECORD_USES] = {0};
	const struct log_format *only = reader->options.only;
	const struct record_use *use;
	struct record_result r;
	char why[WHY_ROOM] = "";

	for (unsigned i = 0; i < reader->nuses; i++)
		before[i] = reader->uses[i].records;
	if (!query_ok(q, record_read(reader, line, &r), "formats"))
		return;
	if (r.verdict == RECORD_OPEN && r.lines) {
		const char *behind = *stop;

		if (!query_ok(q, record_read_lines(reader, text, r.lines, true, stop, &r), "formats"))
			return;
		if (r.verdict != RECORD_EVENT)
			*stop = behind;
	}
	use = use_of(reader, before);
	if (only && (!use || (use->inner != only && use->outer != only)))
		misfit(only, line, why);
	query_table_row(q, t,
	                (struct cell[]){CELL_OF_INT(number),
	                                use ? cell_of_text(use->inner ? use->inner->name : "default") : CELL_OF_NULL,
	                                use && use->outer ? cell_of_text(use->outer->name) : CELL_OF_NULL,
	                                r.has_time ? value_at(r.reading, "timestamp") : CELL_OF_NULL,
	                                value_at(r.reading, "level"), value_at(r.reading, "target"),
	                                value_at(r.reading, "tid"), value_at(r.reading, "message"),
	                                cell_of_text(*why ? why : why_not(&r))});
}

/* The beginning of a file, with slack behind it. */
static char *text_read(struct query *q, const char *path, size_t *len)
{
	const char *why = NULL;
	struct reader *r = NULL;
	char *text = NULL, *more;
	size_t room = 0;
	ssize_t got = 0;
	int rc = reader_open_until(path, &query_interrupted, &r, &why);

	if (rc && rc != -EINTR)
		query_fail(q, USAGE, "%s: %s", path, why);
	for (*len = 0; !rc && *len < TEST_BYTES; *len += (size_t)got) {
		room = *len + READER_BLOCK;
		more = realloc(text, room + SCAN_SLACK);
		if (!more) {
			rc = -ENOMEM;
			break;
		}
		text = more;
		got = reader_read(r, text + *len, READER_BLOCK);
		if (got <= 0)
			break;
	}
	reader_close(r);
	query_ok(q, got == -EINTR ? -EINTR : rc, path);
	if (text)
		memset(text + *len, 0, SCAN_SLACK);
	return text;
}

static void test(struct query *q, struct format_set *set, const char *path, const char *name)
{
	static const struct column columns[] = {{"line", UNIT_NONE}, {"format", UNIT_NONE},  {"inside", UNIT_NONE},
	                                        {"time", UNIT_NONE}, {"level", UNIT_NONE},   {"target", UNIT_NONE},
	                                        {"tid", UNIT_NONE},  {"message", UNIT_NONE}, {"note", UNIT_NONE}};
	struct record_options o = {.formats = set, .only = name ? formats_find(set, name) : NULL, .file = path};
	struct record_reader reader;
	size_t len = 0;
	char *text;
	int64_t n = 0;

	if (name && !o.only) {
		query_fail(q, USAGE, "%s: no such format; ilu-logq formats lists them", name);
		return;
	}
	text = text_read(q, path, &len);
	if (text && !q->status && query_ok(q, record_reader_init(&reader, &o), path)) {
		struct table *t = query_table_open(q, columns, sizeof columns / sizeof *columns);

		len = repair_colours_cut(text, len);
		for (char *at = (char *)slice_behind_mark((struct slice){text, len}).ptr, *end = text + len;
		     at < end && !q->status && n < q->limit;) {
			char *nl = memchr(at, '\n', (size_t)(end - at));
			size_t line = (size_t)((nl ? nl : end) - at);
			struct slice rest = {at, (size_t)(end - at)};
			const char *stop = at = nl ? nl + 1 : end;

			for (; line && !*rest.ptr; line--) /* what a crash left */
				rest = (struct slice){rest.ptr + 1, rest.len - 1};
			line_test(q, &reader, rest, (struct slice){rest.ptr, line}, ++n, t, &stop);
			for (; at < stop; at = nl ? nl + 1 : end, n++)
				nl = memchr(at, '\n', (size_t)(end - at));
		}
		query_table_close(q, t);
		record_reader_done(&reader);
	}
	free(text);
}

static void run(struct query *q)
{
	const struct args *a = q->args;
	const char *name = a->nwords ? a->words[0] : NULL, *file = args_value(a, "test"),
	           *own = args_value(a, "format-file");
	struct format_set set = {0};
	int rc = formats_known(&set, (char *const *)&own, own != NULL, say, q);

	if (!rc)
		rc = formats_need(&set);
	if (rc != -EINVAL)
		query_ok(q, rc, "formats");
	if (!q->status && file)
		test(q, &set, file, name);
	else if (!q->status && name)
		show(q, &set, name);
	else if (!q->status)
		list(q, &set);
	formats_done(&set);
}

static const struct option_spec options[] = {
    {.name = "test", .value = "FILE", .help = "how each line of FILE is read, and why not", .hint = HINT_FILE},
    {.name = "format-file", .value = "FILE", .help = "a format besides those that are known", .hint = HINT_FILE},
    OPTION_LIMIT,
    {0},
};

const struct command command_formats = {
    .name = "formats",
    .group = GROUP_DATA,
    .words = "[NAME]",
    .most = 1,
    .help = "what the logs look like that are understood",
    .more =
        "Without a name the list; with one the format itself, as JSON: a format of your own is such a file in\n"
        "~/.config/ilulog/formats/, or is named by --format-file. --test reads the lines of a file and says of each\n"
        "which format fits, or why none does; with NAME that format alone is tried.",
    .examples = "formats\nformats cri\nformats --test app.log\nformats mine --format-file mine.json --test app.log",
    .options = options,
    .limit = TEST_LINES,
    .need = NEED_NOTHING,
    .run = run,
};
