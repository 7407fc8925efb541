/* SPDX-License-Identifier: GPL-3.0-or-later */
/* slow.c - what `slow` reads of lines: what workers say of themselves again and again, and fields that have few
 * values.
 *
 * Which fields these are the servers tell of all lines: of each field how many values, as far as VALUES, and whether
 * one of them is no name (query/why/fields.c: too long, a measurement, an object). Then the lines come that have one of
 * them, and the names go into the database with them, as the lines that are here would tell less. */
#include "base/array.h"
#include "beside/series_read.h"
#include "mirror/ledger.h"
#include "query/cluster/command.h"
#include "query/cluster/need.h"
#include "query/why/attribute.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Names in one statement: a server takes none of more than 256 KiB. */
enum { NAMES_BYTES = 60000 };

/* A field, over all shards. */
struct said_field {
	struct slice name, value; /* one of its values */
	struct slice run, source; /* where it is met first */
	int64_t line, at;         /* at: the how manieth of the line's */
	int64_t values;           /* of the shard that has most; if that is 1 of each shard, of all */
	bool out;
};

struct said_fields {
	struct arena texts;
	struct intern names;
	struct said_field *v; /* by name */
	uint32_t room;
	struct intern pairs; /* name and value, of those whose values were counted again */
};

static void fields_done(struct said_fields *f)
{
	arena_done(&f->texts);
	intern_done(&f->names);
	intern_done(&f->pairs);
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

/* Of each pair of each line that is not about a span: name, value as it stands and without its quotes, place. */
static void put_pairs(const struct remote_asking *a, struct text *sql)
{
	text_puts(sql,
	          "(SELECT run, source, line, at, extract(pair, '^\"([^\"]+)\"') AS name, replaceRegexpOne(pair, "
	          "'^\"[^\"]+\"" BLANK ":" BLANK "', '') AS raw_value, if(substring(raw_value, 1, 1) = '\"', "
	          "substring(raw_value, 2, length(raw_value) - 2), raw_value) AS value FROM (SELECT run, source, line, "
	          "arrayJoin(arrayEnumerate(pairs)) AS at, pairs[at] AS pair FROM (SELECT run, source, line, "
	          "extractAll(coalesce(fields, ''), " PAIR ") AS pairs FROM $event WHERE NOT " FETCH_SPAN_LINE " AND ");
	cluster_of_runs(sql, a->run, a->other);
	text_puts(sql, ")))");
}

enum { F_NAME, F_VALUE, F_VALUES, F_OUT, F_RUN, F_SOURCE, F_LINE, F_AT, F_ALL };

static void fields_sql(const struct remote_asking *a, struct text *sql)
{
	text_printf(
	    sql,
	    "SELECT name, any(value), toInt64(uniqUpTo(%d)(value)), max(value = '' OR length(value) > %d OR "
	    "substring(raw_value, 1, 1) IN ('{', '[') OR match(value, '^-?([0-9]+[.][0-9]*|[.][0-9]+)$')), "
	    "tupleElement(min((run, source, line, at)) AS place, 1), tupleElement(place, 2), tupleElement(place, "
	    "3), tupleElement(place, 4) FROM ",
	    FIELD_VALUES_MOST, FIELD_VALUE_LENGTH);
	put_pairs(a, sql);
	text_puts(sql, " GROUP BY name");
}

static bool is_before(const struct said_field *a, const struct said_field *b)
{
	int c = slice_compare(a->run, b->run);

	c = c ? c : slice_compare(a->source, b->source);
	return c ? c < 0 : a->line != b->line ? a->line < b->line : a->at < b->at;
}

static int take_field(void *arg, const struct slice *v)
{
	struct said_fields *f = arg;
	uint32_t before = f->names.n, i;
	struct said_field x = {.name = kept(f, v[F_NAME]),
	                       .value = kept(f, v[F_VALUE]),
	                       .run = kept(f, v[F_RUN]),
	                       .source = kept(f, v[F_SOURCE]),
	                       .line = tsv_int(v[F_LINE]),
	                       .at = tsv_int(v[F_AT]),
	                       .values = tsv_int(v[F_VALUES]),
	                       .out = tsv_int(v[F_OUT]) != 0};
	int rc = f->texts.failed ? -ENOMEM : intern_add(&f->names, v[F_NAME], &i);
	struct said_field *to;

	if (rc || array_reserve_zeroed(f->v, f->room, f->names.n))
		return rc ? rc : -ENOMEM;
	to = &f->v[i];
	x.out |= x.values > FIELD_VALUES_MOST || slice_is(x.name, "message") || slice_is(x.name, "tid");
	x.out |= x.name.len > NAMES_BYTES;
	if (i < before) {
		x.out |= to->out;
		x.values = !slice_same(x.value, to->value) && x.values + to->values == 2 ? 2
		           : x.values > to->values                                       ? x.values
		                                                                         : to->values;
		if (is_before(to, &x)) {
			x.run = to->run;
			x.source = to->source;
			x.line = to->line;
			x.at = to->at;
		}
	}
	*to = x;
	return 0;
}

/* ---- those of which each shard has few ---- */

static int take_pair(void *arg, const struct slice *v)
{
	struct said_fields *f = arg;
	uint32_t i = intern_find(&f->names, v[0]), before = f->pairs.n, pair;
	struct text both = {0};
	int rc;

	text_add(&both, v[0].ptr, v[0].len);
	text_add(&both, "", 1);
	text_add(&both, v[1].ptr, v[1].len);
	rc = both.failed ? -ENOMEM : intern_add(&f->pairs, (struct slice){text_str(&both), both.len}, &pair);
	text_done(&both);
	if (!rc && i != INTERN_NONE && f->pairs.n > before)
		f->v[i].values++;
	return rc;
}

/* Names from *from on that are counted once more, as many as go into one statement. */
static void put_names(struct said_fields *f, size_t shards, uint32_t *from, struct text *names)
{
	for (; *from < f->names.n && names->len < NAMES_BYTES; ++*from) {
		struct said_field *x = &f->v[*from];

		if (x->out || x->values < 2 || x->values * (int64_t)shards <= FIELD_VALUES_MOST)
			continue;
		text_puts(names, names->len ? ", " : "");
		cluster_quote(names, x->name);
		x->values = 0;
	}
}

static int count_names(struct cluster *c, const struct remote_asking *a, const struct text *names,
                       struct said_fields *f, char **why)
{
	struct text sql = {0};
	int rc = 0;

	for (size_t i = 0; i < c->n && names->len && !rc; i++) {
		text_puts(&sql, "SELECT DISTINCT name, value FROM ");
		put_pairs(a, &sql);
		text_printf(&sql, " WHERE name IN (%s)", text_str(names));
		sql.failed |= names->failed;
		rc = cluster_rows(c, i, &sql, 2, take_pair, f, why);
	}
	text_done(&sql);
	return rc;
}

/* Shards that have other values than each other: counted once more, together. */
static int count_again(struct cluster *c, const struct remote_asking *a, struct said_fields *f, char **why)
{
	struct text names = {0};
	int rc = 0;

	for (uint32_t from = 0; from < f->names.n && !rc;) {
		text_reset(&names);
		put_names(f, c->n, &from, &names);
		rc = count_names(c, a, &names, f, why);
	}
	text_done(&names);
	return rc;
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
	intern_init(&f.pairs);
	for (size_t i = 0; i < c->n && !rc; i++) {
		fields_sql(a, &sql);
		rc = cluster_rows(c, i, &sql, F_ALL, take_field, &f, &why);
	}
	if (!rc)
		rc = count_again(c, a, &f, &why);
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
