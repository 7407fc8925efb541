/* SPDX-License-Identifier: GPL-3.0-or-later */
/* compare.c - what `compare` reads of lines: most are the same to it as others with their text, and the servers
 * count them, by the cells of time in which they stand. Those that it looks at one by one come as they are: of level
 * warning and above, which are told apart by a field; those whose text or span can't be told without reading them; with
 * --by those that say its value of a request.
 *
 * The words are looked up twice: in the ledger, for the runs and times of both sides, and, once the requests are here,
 * for the cells, which go from the first of them to the last. */
#include "base/array.h"
#include "mirror/ledger.h"
#include "query/cluster/command.h"
#include "query/cluster/need.h"
#include "query/events/counted.h"
#include "query/events/mask.h"
#include "query/why/comparison.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A side, where it is of the cluster. */
struct asked_side {
	bool here;
	char *run; /* NULL: of all */
	int64_t since_ns, until_ns;
	int64_t first_ns, last_ns; /* of its requests; NO_NS: none */
	bool beside;               /* what --by names stands in a line of a request, and not among its fields */
};

static void sides_done(struct asked_side p[SIDES])
{
	free(p[A].run);
	free(p[B].run);
}

/* ---- what --by names ---- */

/* A field of the requests' lines; NULL: something else, or nothing. */
static const char *by_field(const struct query *q)
{
	const char *by = args_value(q->args, "by");

	return by && strcmp(by, "function") && strcmp(by, "worker") && strcmp(by, "hour") ? by : NULL;
}

/* So that it stands as it is in a line, whoever wrote it. */
static bool is_plain(const char *name)
{
	for (const char *p = name; *p; p++)
		if (*p <= ' ' || *p > '~' || *p == '"' || *p == '\\' || *p == '/')
			return false;
	return *name && *name != '.';
}

/* What a reading of a line has for it at the top level, whatever its name is there (query: field()). */
static bool is_of_lines(const char *name)
{
	static const char *const names[] = {"timestamp", "level", "target", "message", "tid"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

/* A field whose lines are those with a key of that name. */
static const char *by_key(const struct query *q)
{
	const char *by = by_field(q);

	return by && is_plain(by) && !is_of_lines(by) ? by : NULL;
}

/* The keys that a name may stand under: "a.b" is also b in the object a. A length: the next one behind the one before,
 * of which there is more; 0: the first. */
static size_t key_next(const char *name, size_t before)
{
	const char *dot = strchr(name + before + 1, '.');

	return dot ? (size_t)(dot - name) : strlen(name);
}

#define FOUND(column) "length(" column ") - length(replace(" column ", ?1, ''))"

/* Of the lines that are here; among them are all with the key. */
static bool stands_beside(struct query *q, const char *by)
{
	sqlite3_stmt *st = query_prepare(
	    q, "SELECT 1 FROM event WHERE tid IS NOT NULL AND instr(coalesce(fields, ''), ?1) = 0 AND " FOUND(
	           "raw") " > " FOUND("coalesce(span, '')") " + " FOUND("coalesce(spans, '')") " LIMIT 1");
	bool found = false;

	for (size_t n = 0; by[n] && !found && !q->status;) {
		struct text word = {0};

		n = key_next(by, n);
		text_printf(&word, "\"%.*s\"", (int)n, by);
		query_ok(q, word.failed ? -ENOMEM : 0, q->command);
		sqlite3_bind_text(st, 1, text_str(&word), -1, SQLITE_TRANSIENT);
		found = query_next(q, st);
		sqlite3_reset(st);
		text_done(&word);
	}
	sqlite3_finalize(st);
	return found;
}

/* ---- sides ---- */

static struct asked_side side_of(struct query *q, const struct comparison *c, int s, const char *path)
{
	const struct side *side = &c->side[s];
	struct asked_side p = {.here = !strcmp(side->path, path),
	                       .since_ns = side->since_ns,
	                       .until_ns = side->until_ns,
	                       .first_ns = c->seen.first_ns[s],
	                       .last_ns = c->seen.last_ns[s]};
	struct query of = side->q;
	sqlite3_stmt *st;

	if (!p.here || !side->run)
		return p;
	st = query_prepare(&of, "SELECT path FROM run WHERE id = ?1");
	sqlite3_bind_int64(st, 1, side->run);
	if (query_next(&of, st))
		p.run = strdup((const char *)sqlite3_column_text(st, 0));
	sqlite3_finalize(st);
	query_ok(q, p.run ? 0 : -ENOMEM, q->command);
	return p;
}

/* Both sides that are here are of one database. */
static void find_beside(struct query *q, const struct comparison *c, struct asked_side out[SIDES])
{
	const char *key = by_key(q);
	struct query of = c->side[out[A].here ? A : B].q;
	bool beside = key && (out[A].here || out[B].here) && stands_beside(&of, key);

	query_ok(q, of.status ? -EIO : 0, q->command);
	out[A].beside = out[B].beside = beside;
}

/* What the words mean in the database at path; with the requests' times. A failure is q's, but that of an option. */
static bool find_sides(struct query *q, const char *path, bool times, struct asked_side out[SIDES])
{
	const char *by = args_value(q->args, "by");
	struct query here = {
	    .command = q->command, .path = path, .cluster = q->path, .args = q->args, .out = q->out, .quiet = q->quiet};
	struct comparison c = {.by = by ? by : "function"};
	bool found;

	comparison_open(&here, q->args->words[0], q->args->words[1], &c);
	if (here.status && !q->status)
		query_fail(q, (enum status)here.status, "%s", here.error ? here.error : q->command);
	if (times && !here.status)
		observed_read(&here, c.side, c.by, &c.seen);
	found = !here.status;
	for (int s = 0; s < SIDES && found; s++)
		out[s] = side_of(q, &c, s, path);
	if (found && times)
		find_beside(q, &c, out);
	comparison_done(&c);
	free(here.error);
	free(here.detail);
	return found && !q->status;
}

/* ---- which lines ---- */

/* A span, and the name in it. */
#define SPAN "coalesce(span, '')"
#define NAME "'\"name\"\\\\s*:\\\\s*\"((?:[^\"\\\\\\\\]|\\\\\\\\.)*)\"'"

/* A server computes all of a condition for each line, and texts are what that costs: none is looked at where it does
 * not count. */
#define COUNTED_SPAN "if(" FETCH_SPAN_LINE " AND message IN ('new', 'close'), " SPAN ", '')"

static void put_long(struct text *sql, const char *column)
{
	text_printf(sql, "if(length(coalesce(message, '')) > %d, coalesce(%s, ''), '')", MASK_SAME, column);
}

/* Whether the servers can tell what a line counts as, but for its escapes: of a span, where only one name stands in it;
 * else where the text has no escapes that would make it longer than what is looked at. It has none where it stands
 * among fields without any; the text of a line of another form stands elsewhere, and of what is no record it is known
 * how it is escaped. */
static void put_told(struct text *sql)
{
	text_puts(sql,
	          "if(" FETCH_SPAN_LINE ", foreign OR coalesce(message, '') IN ('enter', 'exit') OR "
	          "(length(extractAll(" COUNTED_SPAN ", '\"name\"\\\\s*:')) = 1 AND position(substring(" COUNTED_SPAN
	          ", 2), '{') = 0 AND match(" COUNTED_SPAN ", " NAME
	          ")), coalesce(level, '') NOT IN ('ERROR', 'WARN') AND (kind = 'text' OR ");
	text_printf(sql, "length(coalesce(message, '')) <= %d OR (position(", MASK_SAME);
	put_long(sql, "fields");
	text_puts(sql, ", '\"message\"') > 0 AND position(");
	put_long(sql, "fields");
	text_puts(sql, ", '\\\\') = 0)))");
}

/* What would have escapes. */
#define ESCAPED "'[\\\\x00-\\\\x1f\"\\\\\\\\]'"

/* The same with them: neither the target has any, nor a text that is longer. Both are looked at as one. */
static void put_countable(struct text *sql)
{
	text_puts(sql, "(");
	put_told(sql);
	text_puts(sql, " AND NOT match(concat(coalesce(target, ''), if(kind != 'text', ");
	put_long(sql, "message");
	text_puts(sql, ", '')), " ESCAPED "))");
}

/* Of lines that are counted together, by the names of counts_sql. */
static void put_countable_group(struct text *sql)
{
	text_printf(sql,
	            "(NOT match(coalesce(target, ''), " ESCAPED ") AND (kind_of != 'm' OR length(text_of) <= %d OR NOT "
	            "match(text_of, " ESCAPED ")))",
	            MASK_SAME);
}

/* As an expression that has no other match. */
static void put_literal(struct text *out, struct slice word)
{
	for (size_t i = 0; i < word.len; i++) {
		if (strchr("|()^$.[?*+{", word.ptr[i]))
			text_puts(out, "\\");
		text_add(out, &word.ptr[i], 1);
	}
}

/* Whether a key stands among the fields; beside: or in the line more often than in its spans, and so beside these. */
static void put_key(const char *key, size_t len, bool beside, struct text *sql)
{
	static const char *const columns[] = {"raw", SPAN, "coalesce(spans, '')"};
	struct text quoted = {0}, word = {0}, literal = {0};

	text_printf(&quoted, "\"%.*s\"", (int)len, key);
	cluster_quote(&word, (struct slice){text_str(&quoted), quoted.len});
	text_printf(sql, "position(coalesce(fields, ''), %s) > 0", text_str(&word));
	put_literal(&literal, (struct slice){text_str(&quoted), quoted.len});
	text_reset(&word);
	cluster_quote(&word, (struct slice){text_str(&literal), literal.len});
	for (int i = 0; i < 3 && beside; i++)
		text_printf(sql, "%slength(extractAll(%s, %s))", (const char *const[]){" OR ", " > ", " + "}[i],
		            columns[i], text_str(&word));
	sql->failed |= quoted.failed || word.failed || literal.failed;
	text_done(&quoted);
	text_done(&word);
	text_done(&literal);
}

/* Lines of requests that may have the field that --by names. beside: also those that have it elsewhere than among their
 * fields. */
static void put_by(const struct query *q, bool beside, struct text *sql)
{
	const char *key = by_key(q);

	if (!by_field(q)) {
		text_puts(sql, "0");
		return;
	}
	text_puts(sql, "(tid != ''");
	for (size_t n = 0; key && key[n];) {
		text_puts(sql, n ? " OR " : " AND (");
		n = key_next(key, n);
		put_key(key, n, beside, sql);
		text_puts(sql, key[n] ? "" : ")");
	}
	text_puts(sql, ")");
}

static void put_side(const struct asked_side *p, struct text *sql)
{
	text_puts(sql, p->here ? "(1" : "(0");
	if (p->run) {
		text_puts(sql, " AND run = ");
		cluster_quote(sql, (struct slice){p->run, strlen(p->run)});
	}
	if (p->since_ns != NO_NS)
		text_printf(sql, " AND time_ns >= %" PRId64, p->since_ns);
	if (p->until_ns != NO_NS)
		text_printf(sql, " AND time_ns < %" PRId64, p->until_ns);
	text_puts(sql, ")");
}

/* The runs of both sides; where one is of all, all. */
static void take_runs(struct asked_side p[SIDES], struct remote_asking *a)
{
	int first = p[A].here ? A : B;

	if ((p[A].here && !p[A].run) || (p[B].here && !p[B].run) || !p[first].run)
		return;
	a->own[0] = p[first].run;
	a->run = (struct slice){a->own[0], strlen(a->own[0])};
	p[first].run = NULL;
	if (first == B || !p[B].here || !strcmp(a->own[0], p[B].run))
		return;
	a->own[1] = p[B].run;
	a->other = (struct slice){a->own[1], strlen(a->own[1])};
	p[B].run = NULL;
}

/* What the ledger says of the words. */
static bool find_in_ledger(struct query *q, struct cluster *c, struct asked_side out[SIDES])
{
	struct mirror_want want = {0};
	struct mirror m = {0};
	char *why = NULL;
	int rc = mirror_ask(c, &want, &m, &why);
	bool found;

	remote_failed(q, rc, why);
	free(why);
	found = !q->status && find_sides(q, m.path, false, out);
	mirror_done(&m);
	return found;
}

static void compare_lines(struct query *q, struct cluster *c, struct remote_asking *a)
{
	struct asked_side p[SIDES] = {0};

	if (find_in_ledger(q, c, p)) {
		text_puts(&a->lines, "((");
		put_side(&p[A], &a->lines);
		text_puts(&a->lines, " OR ");
		put_side(&p[B], &a->lines);
		text_puts(&a->lines, ") AND NOT ");
		put_countable(&a->lines);
		take_runs(p, a);
		text_puts(&a->lines, ") OR (");
		put_by(q, true, &a->lines);
		text_puts(&a->lines, " AND ");
		cluster_of_runs(&a->lines, a->run, a->other);
		text_puts(&a->lines, ")");
	}
	sides_done(p);
}

/* ---- the others ---- */

/* As stretch_cell has it, operation by operation. */
static void put_cell(const struct asked_side *p, struct text *sql)
{
	if (p->first_ns == NO_NS || (double)p->last_ns <= (double)p->first_ns)
		text_puts(sql, "toUInt8(0)");
	else
		text_printf(sql,
		            "toUInt8(greatest(toFloat64(0), least(toFloat64(%d), (toFloat64(time_ns) - "
		            "toFloat64(%" PRId64 ")) / (toFloat64(%" PRId64 ") - toFloat64(%" PRId64 ")) * %d)))",
		            STRETCH_CELLS - 1, p->first_ns, p->last_ns, p->first_ns, STRETCH_CELLS);
}

enum { C_RUN, C_SOURCE, C_LINE, C_KIND, C_LEVEL, C_TARGET, C_TEXT, C_CELLS, C_COUNTS, C_ALL };

/* whole: of these lines all are here; NULL: of none. */
static void counts_sql(const struct query *q, const struct asked_side *p, const char *whole, struct text *sql)
{
	text_puts(sql, "SELECT tupleElement(min((run, source, line)) AS place, 1), tupleElement(place, 2), "
	               "tupleElement(place, 3), kind_of, level_of, target, text_of, tupleElement(sumMap([cell], "
	               "[toUInt64(1)]) AS sums, 1), tupleElement(sums, 2) FROM (SELECT run, source, line, target, "
	               "multiIf(NOT " FETCH_SPAN_LINE
	               ", if(kind = 'text', 't', 'm'), message = 'new', 'n', message = 'close', 'c', '') AS kind_of, "
	               "if(" FETCH_SPAN_LINE ", NULL, level) AS level_of, if(" FETCH_SPAN_LINE ", extract(" SPAN
	               ", " NAME "), coalesce(message, '')) AS text_of, ");
	put_cell(p, sql);
	text_puts(sql, " AS cell FROM $event WHERE ");
	put_side(p, sql);
	text_puts(sql, " AND NOT (foreign AND " FETCH_SPAN_LINE ") AND ");
	put_told(sql);
	text_puts(sql, " AND NOT ");
	put_by(q, p->beside, sql);
	if (whole)
		text_printf(sql, " AND NOT (%s)", whole);
	text_puts(sql, ") WHERE kind_of != '' GROUP BY kind_of, level_of, target, text_of HAVING ");
	put_countable_group(sql);
}

/* Rows come in no order, and there may be as many as lines: a source is looked up once. */
struct taking {
	sqlite3 *db;
	sqlite3_stmt *add;
	int side;
	struct intern places; /* run and source */
	int64_t *source;      /* source.id, by place */
	size_t room;
	struct text place;
};

static int find_source(struct taking *t, struct slice run_path, struct slice path, int64_t *out)
{
	uint32_t before = t->places.n, i;
	int64_t run;
	int rc;

	text_reset(&t->place);
	text_add(&t->place, run_path.ptr, run_path.len);
	text_add(&t->place, "", 1);
	text_add(&t->place, path.ptr, path.len);
	rc = t->place.failed ? -ENOMEM : intern_add(&t->places, (struct slice){text_str(&t->place), t->place.len}, &i);
	if (!rc && i == before) {
		rc = array_reserve_zeroed(t->source, t->room, (size_t)i + 1) ? -ENOMEM : 0;
		rc = rc ? rc : ledger_run(t->db, run_path, &run);
		rc = rc ? rc : ledger_source_id(t->db, run, path, &t->source[i]);
	}
	*out = rc ? 0 : t->source[i];
	return rc;
}

static int take_counts(void *arg, const struct slice *v)
{
	struct taking *t = arg;
	struct counted row = {.kind = *v[C_KIND].ptr,
	                      .level = v[C_LEVEL],
	                      .target = v[C_TARGET],
	                      .text = v[C_TEXT],
	                      .line = tsv_int(v[C_LINE]),
	                      .cells = v[C_CELLS],
	                      .counts = v[C_COUNTS]};
	int rc = find_source(t, v[C_RUN], v[C_SOURCE], &row.source);

	return rc ? rc : counted_put(t->add, t->side, &row);
}

static int take_all_counts(struct query *q, struct cluster *c, const struct asked_side p[SIDES], const char *whole,
                           struct taking *t, char **why)
{
	struct text sql = {0};
	int rc = 0;

	for (t->side = 0; t->side < SIDES && !rc; t->side++)
		for (size_t i = 0; i < c->n && p[t->side].here && !rc; i++) {
			counts_sql(q, &p[t->side], whole, &sql);
			rc = cluster_rows(c, i, &sql, C_ALL, take_counts, t, why);
		}
	text_done(&sql);
	return rc;
}

static int put_counts(struct query *q, struct cluster *c, const struct asked_side p[SIDES], const char *whole,
                      sqlite3 *db, char **why)
{
	struct taking t = {.db = db};
	int rc = sql_exec_all(db, "BEGIN");

	intern_init(&t.places);
	rc = rc ? rc : counted_create(db, &t.add);
	rc = rc ? rc : take_all_counts(q, c, p, whole, &t, why);
	sqlite3_finalize(t.add);
	intern_done(&t.places);
	free(t.source);
	text_done(&t.place);
	return rc ? rc : sql_exec_all(db, "COMMIT");
}

static void compare_counts(struct query *q, struct cluster *c, const struct remote_asking *a, const struct mirror *m)
{
	struct asked_side p[SIDES] = {0};
	struct store *s = NULL;
	char *why = NULL;
	int rc;

	(void)a;
	if (find_sides(q, m->path, true, p)) {
		rc = store_open(m->path, STORE_CREATE, &s, &why);
		rc = rc ? rc : store_hasten(s);
		rc = rc ? rc : put_counts(q, c, p, m->whole, store_db(s), &why);
		remote_failed(q, rc, why);
	}
	store_close(s);
	free(why);
	sides_done(p);
}

const struct remote_need need_compare = {.lines = compare_lines, .more = compare_counts};
