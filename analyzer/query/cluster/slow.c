/* SPDX-License-Identifier: GPL-3.0-or-later */
/* slow.c - what `slow` reads of lines: what workers say of themselves again and again, and fields that have few
 * values.
 *
 * Which fields these are the servers tell of all lines: of each field how many values, as far as VALUES, their hashes,
 * and whether one of them is no name (query/why/fields.c: too long, a measurement, an object). Then the lines come that
 * have one of them, and the names go into the database with them, as the lines that are here would tell less. */
#include "base/array.h"
#include "beside/series_read.h"
#include "mirror/ledger.h"
#include "query/cluster/command.h"
#include "query/cluster/need.h"
#include "query/why/attribute.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Names in one statement: a server takes none of more than 256 KiB. */
enum { NAMES_BYTES = 60000 };

/* A field, over all shards. */
struct said_field {
	struct slice name;
	struct slice run, source; /* where it is met first */
	int64_t line, at;         /* at: the how manieth of the line's */
	int64_t values;           /* of all shards, while they are few */
	bool out;
};

struct said_fields {
	struct arena texts;
	struct intern names;
	struct said_field *v; /* by name */
	uint32_t room;
	struct intern values; /* of fields with few: number of the field, and hash */
};

static void fields_done(struct said_fields *f)
{
	arena_done(&f->texts);
	intern_done(&f->names);
	intern_done(&f->values);
	free(f->v);
}

static struct slice kept(struct said_fields *f, struct slice s)
{
	return (struct slice){arena_text(&f->texts, s.ptr, s.len), s.len};
}

/* ---- asking for them ---- */

/* A string of JSON, and an object or array in which no more than four stand inside of each other, as expressions in a
 * literal of SQL. What stands deeper would be taken for the line's own. */
#define STRING         "\"(?:[^\"\\\\\\\\]|\\\\\\\\.)*\""
#define NESTED(inside) "[{\\\\[](?:[^{}\"\\\\[\\\\]]|" STRING inside ")*[}\\\\]]"
#define NESTED_1       NESTED("|" NESTED(""))
#define NESTED_2       NESTED("|" NESTED_1)
#define NESTED_3       NESTED("|" NESTED_2)
#define NESTED_4       NESTED("|" NESTED_3)
#define BLANK          "[ \\\\t]*"
#define PAIR           "'(?s)\"[^\"\\\\\\\\]+\"" BLANK ":" BLANK "(?:" STRING "|" NESTED_4 "|[^,{}\"\\\\[\\\\] \\\\t]+)'"

/* What a line's fields are behind its message and its transaction, which are no fields here, where these stand first:
 * of most lines that is nothing, and nothing is searched. (Where they have escapes, or blanks between, all is
 * searched.) */
static void put_rest(const struct remote_asking *a, struct text *sql)
{
	text_puts(sql, "(SELECT run, source, line, if(startsWith(more, of_tid), substring(more, length(of_tid) + 1), "
	               "more) AS rest FROM (SELECT run, source, line, of_tid, if(startsWith(whole, said), "
	               "substring(whole, length(said) + 1), whole) AS more FROM (SELECT run, source, line, "
	               "coalesce(fields, '') AS whole, concat('{\"message\":\"', coalesce(message, ''), '\"') AS said, "
	               "concat(',\"tid\":\"', tid, '\"') AS of_tid FROM $event WHERE NOT " FETCH_SPAN_LINE " AND ");
	cluster_of_runs(sql, a->run, a->other);
	text_puts(sql, ")) WHERE rest NOT IN ('', '}'))");
}

/* Of each pair of each line that is not about a span: name, value as it stands and without its quotes, place. */
static void put_pairs(const struct remote_asking *a, struct text *sql)
{
	text_puts(sql,
	          "(SELECT run, source, line, at, extract(pair, '^\"([^\"]+)\"') AS name, replaceRegexpOne(pair, "
	          "'^\"[^\"]+\"" BLANK ":" BLANK "', '') AS raw_value, if(substring(raw_value, 1, 1) = '\"', "
	          "substring(raw_value, 2, length(raw_value) - 2), raw_value) AS value FROM (SELECT run, source, line, "
	          "arrayJoin(arrayEnumerate(pairs)) AS at, pairs[at] AS pair FROM (SELECT run, source, line, "
	          "extractAll(rest, " PAIR ") AS pairs FROM ");
	put_rest(a, sql);
	text_puts(sql, ")))");
}

enum { F_NAME, F_HASHES, F_VALUES, F_OUT, F_RUN, F_SOURCE, F_LINE, F_AT, F_ALL };

/* topK leaves none out of those that it has room for. */
static void fields_sql(const struct remote_asking *a, struct text *sql)
{
	text_printf(
	    sql,
	    "SELECT name, topK(%d)(cityHash64(value)), toInt64(uniqUpTo(%d)(value)), max(value = '' OR length(value) > "
	    "%d OR substring(raw_value, 1, 1) IN ('{', '[') OR match(value, '^-?([0-9]+[.][0-9]*|[.][0-9]+)$')), "
	    "tupleElement(min((run, source, line, at)) AS place, 1), tupleElement(place, 2), tupleElement(place, "
	    "3), tupleElement(place, 4) FROM ",
	    FIELD_VALUES_MOST, FIELD_VALUES_MOST, FIELD_VALUE_LENGTH);
	put_pairs(a, sql);
	text_puts(sql, " GROUP BY name");
}

static bool is_before(const struct said_field *a, const struct said_field *b)
{
	int c = slice_compare(a->run, b->run);

	c = c ? c : slice_compare(a->source, b->source);
	return c ? c < 0 : a->line != b->line ? a->line < b->line : a->at < b->at;
}

/* Of a list of hashes, [1,22,333], those that no shard before had are values more. */
static int take_hashes(struct said_fields *f, uint32_t i, struct slice list)
{
	char one[sizeof "4294967295 18446744073709551615"];
	int rc = 0;

	for (size_t at = 1, n; at < list.len && !rc; at += n + 1) {
		uint32_t before = f->values.n, number;

		for (n = 0; at + n < list.len && list.ptr[at + n] != ',' && list.ptr[at + n] != ']';)
			n++;
		if (!n || n > 20)
			return -EBADMSG;
		snprintf(one, sizeof one, "%" PRIu32 " %.*s", i, (int)n, list.ptr + at);
		rc = intern_add(&f->values, (struct slice){one, strlen(one)}, &number);
		f->v[i].values += f->values.n > before;
	}
	return rc;
}

static int take_field(void *arg, const struct slice *v)
{
	struct said_fields *f = arg;
	uint32_t before = f->names.n, i;
	struct said_field x = {.name = kept(f, v[F_NAME]),
	                       .run = kept(f, v[F_RUN]),
	                       .source = kept(f, v[F_SOURCE]),
	                       .line = tsv_int(v[F_LINE]),
	                       .at = tsv_int(v[F_AT]),
	                       .out = tsv_int(v[F_OUT]) != 0};
	int rc = f->texts.failed ? -ENOMEM : intern_add(&f->names, v[F_NAME], &i);
	struct said_field *to;

	if (rc || array_reserve_zeroed(f->v, f->room, f->names.n))
		return rc ? rc : -ENOMEM;
	to = &f->v[i];
	x.out |= tsv_int(v[F_VALUES]) > FIELD_VALUES_MOST || slice_is(x.name, "message") || slice_is(x.name, "tid");
	x.out |= x.name.len > NAMES_BYTES;
	if (i < before) {
		x.out |= to->out;
		x.values = to->values;
		if (is_before(to, &x)) {
			x.run = to->run;
			x.source = to->source;
			x.line = to->line;
			x.at = to->at;
		}
	}
	*to = x;
	return x.out ? 0 : take_hashes(f, i, v[F_HASHES]);
}

static bool is_chosen(const struct said_field *x)
{
	return !x->out && x->values >= 2 && x->values <= FIELD_VALUES_MOST;
}

static int by_place(const void *pa, const void *pb)
{
	const struct said_field *a = pa, *b = pb;

	return is_before(a, b) ? -1 : is_before(b, a);
}

/* The first of them that are worth reading, in the order in which lines say them; their names stay with a. */
static int choose(struct said_fields *f, struct remote_asking *a)
{
	int rc = 0;

	if (f->names.n)
		qsort(f->v, f->names.n, sizeof *f->v, by_place);
	for (uint32_t i = 0, n; i < f->names.n && a->fields.n < FIELDS_READ_MOST && !rc; i++)
		rc = is_chosen(&f->v[i]) ? intern_add(&a->fields, f->v[i].name, &n) : 0;
	return rc;
}

/* ---- which lines ---- */

/* Lines that have one of the fields, but for some that have its name elsewhere; 1 where the names are too long. */
static void put_fields(const struct intern *fields, struct text *sql)
{
	struct text any = {0}, key = {0};

	text_puts(&any, "(0");
	for (uint32_t i = 0; i < fields->n && any.len < NAMES_BYTES; i++) {
		text_reset(&key);
		text_printf(&key, "\"%s\"", fields->text[i].ptr);
		text_puts(&any, " OR position(coalesce(fields, ''), ");
		cluster_quote(&any, (struct slice){text_str(&key), key.len});
		text_puts(&any, ") > 0");
	}
	text_puts(&any, ")");
	text_puts(sql, any.len > NAMES_BYTES ? "1" : text_str(&any));
	sql->failed |= any.failed || key.failed;
	text_done(&any);
	text_done(&key);
}

static void put_lines(struct query *q, struct remote_asking *a)
{
	text_puts(&a->lines, "(message IN (");
	query_ok(q, series_messages(remote_put_message, &a->lines), q->command);
	text_puts(&a->lines, "'') OR (tid != '' AND NOT " FETCH_SPAN_LINE " AND ");
	put_fields(&a->fields, &a->lines);
	text_puts(&a->lines, ")) AND ");
	cluster_of_runs(&a->lines, a->run, a->other);
}

static void slow_lines(struct query *q, struct cluster *c, struct remote_asking *a)
{
	struct said_fields f = {0};
	struct text sql = {0};
	char *why = NULL;
	int rc = 0;

	intern_init(&f.names);
	intern_init(&f.values);
	for (size_t i = 0; i < c->n && !rc; i++) {
		fields_sql(a, &sql);
		rc = cluster_rows(c, i, &sql, F_ALL, take_field, &f, &why);
	}
	if (!rc)
		rc = choose(&f, a);
	remote_failed(q, rc, why);
	if (!q->status)
		put_lines(q, a);
	free(why);
	text_done(&sql);
	fields_done(&f);
}

static void slow_fields(struct query *q, struct cluster *c, const struct remote_asking *a, const struct mirror *m)
{
	struct store *s = NULL;
	char *why = NULL;
	int rc = store_open(m->path, STORE_CREATE, &s, &why);

	(void)c;
	if (!rc)
		rc = fields_choose(store_db(s), &a->fields);
	remote_failed(q, rc, why);
	store_close(s);
	free(why);
}

const struct remote_need need_slow = {.lines = slow_lines, .more = slow_fields};
