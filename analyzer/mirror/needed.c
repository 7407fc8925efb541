/* SPDX-License-Identifier: GPL-3.0-or-later */
/* needed.c - see needed.h
 *
 * All lines of a transaction are on one shard, so each shard can say which of its transactions are needed whole. */
#include "mirror/needed.h"
#include "base/array.h"
#include "base/sql.h"
#include "build/build.h"
#include "findings/lint_seen.h"
#include "findings/reads.h"
#include "mirror/ledger.h"
#include "mirror/seen.h"
#include "model/rules.h"
#include "remote/fetch.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

static struct slice word(const char *s)
{
	return (struct slice){s, strlen(s)};
}

static void where_run(const struct needed *n, struct text *sql)
{
	text_puts(sql, " WHERE run = ");
	cluster_quote(sql, n->run);
}

/* ---- sources ---- */

static struct needed_source *source_of(struct needed *n, struct slice path)
{
	uint32_t before = n->paths.n, i;
	struct needed_source *s;

	if (intern_add(&n->paths, path, &i))
		return NULL;
	if (i < before)
		return &n->source[i];
	s = array_add(n->source, n->n, n->room);
	if (s)
		*s = (struct needed_source){.path = n->paths.text[i]};
	return s;
}

static int take_lines(void *arg, const struct slice *v)
{
	struct needed_source *s = source_of(arg, v[0]);
	int64_t last = tsv_int(v[1]);

	if (!s)
		return -ENOMEM;
	s->last = last > s->last ? last : s->last;
	s->lines += tsv_int(v[2]);
	return 0;
}

static int take_ledger(void *arg, const struct slice *v)
{
	struct needed *n = arg;
	uint32_t i = intern_find(&n->paths, v[0]);
	int64_t last_ns = v[4].ptr ? tsv_int(v[4]) : INT64_MIN;
	struct needed_source *s;
	char *seen;

	n->last_ns = last_ns > n->last_ns ? last_ns : n->last_ns;
	if (i == INTERN_NONE)
		return 0;
	s = &n->source[i];
	seen = arena_text(&n->texts, v[5].ptr ? v[5].ptr : "", v[5].len);
	s->events = tsv_int(v[1]);
	s->whole = tsv_int(v[2]);
	s->energy = slice_is(v[3], "energy");
	s->last_ns = last_ns;
	s->seen = (struct slice){seen, seen ? v[5].len : 0};
	return seen ? 0 : -ENOMEM;
}

/* Rows of a statement about the run from all shards, one after the other. */
static int ask(struct cluster *c, const struct needed *n, const char *select, const char *rest, unsigned columns,
               fetch_row *row, void *arg, char **why)
{
	struct text sql = {0};
	int rc = 0;

	for (size_t i = 0; i < c->n && !rc; i++) {
		text_puts(&sql, select);
		where_run(n, &sql);
		text_puts(&sql, rest);
		rc = cluster_rows(c, i, &sql, columns, row, arg, why);
	}
	text_done(&sql);
	return rc;
}

static int by_path(const void *a, const void *b)
{
	return slice_compare(((const struct needed_source *)a)->path, ((const struct needed_source *)b)->path);
}

static int find_sources(struct cluster *c, struct needed *n, char **why)
{
	int rc = ask(c, n, "SELECT source, max(line), count() FROM $event", " GROUP BY source", 3, take_lines, n, why);

	if (!rc)
		rc = ask(c, n, "SELECT path, events, whole, kind, last_ns, seen FROM $source FINAL", "", 6, take_ledger,
		         n, why);
	if (n->n)
		qsort(n->source, n->n, sizeof *n->source, by_path);
	return rc;
}

/* Whether what the push has seen of a source is of the lines that are there. */
static bool is_seen(const struct needed_source *s)
{
	struct slice lint;
	struct peek patterns;

	return s->whole && s->lines == s->events && !seen_parts(s->seen, &lint, &patterns);
}

/* ---- which lines, of any source ---- */

static void put_word(const char *s, struct text *sql)
{
	text_puts(sql, ", ");
	cluster_quote(sql, word(s));
}

/* "...": a list of texts in a rules file, or of objects that have a message. */
static void put_words(const json_t *list, struct text *sql)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *x = json_array_get(list, i), *message = json_object_get(x, "message");
		const char *s = json_string_value(message ? message : x);

		if (s)
			put_word(s, sql);
	}
}

static void put_mounts(bool all, struct text *sql)
{
	const char *s;
	bool fails;

	for (size_t i = 0; (s = mount_message(i, &fails)); i++)
		if (fails || all)
			put_word(s, sql);
}

/* Lists begin with a text that no line needs for. */
static void put_messages(const struct rules *r, bool mounts, struct text *sql)
{
	const char *s;

	text_puts(sql, " OR (ifNull(message, '') != '' AND ifNull(message, '') IN (''");
	put_words(r->series, sql);
	for (size_t i = 0; (s = leaks_message(i)); i++)
		put_word(s, sql);
	put_mounts(mounts, sql);
	text_puts(sql, "))");
}

#define IS_OPEN                                                                                                       \
	" AND tid != '' AND foreign = 0 AND target IS NOT NULL AND ifNull(message, '') IN ('new', 'close') GROUP BY " \
	"tid HAVING countIf(message = 'new') > countIf(message = 'close')"

/* Those that may be a storm, or have left spans open. */
static void put_whole(const struct needed *n, const struct rules *r, struct text *sql)
{
	text_puts(sql, " OR tid IN (SELECT tid FROM $event");
	where_run(n, sql);
	text_puts(sql, " AND tid NOT IN (''");
	put_words(r->background, sql);
	text_printf(sql, ") GROUP BY tid HAVING count() >= %d)", STORM_ROUNDS);
	if (!n->open.n)
		return;
	text_puts(sql, " OR tid IN (SELECT tid FROM $event");
	where_run(n, sql);
	text_puts(sql, IS_OPEN ")");
}

/* The lines of transactions that `of` tells, the first so many of each in this order. */
static void put_some(const struct needed *n, const char *of, const char *order, int most, const char *by,
                     struct text *sql)
{
	text_puts(sql, " OR (tid, source, line) IN (SELECT tid, source, line FROM $event");
	where_run(n, sql);
	text_puts(sql, of);
	where_run(n, sql);
	text_printf(sql, "%s LIMIT %d BY %s)", order, most, by);
}

/* The first lines of instants of transactions. */
#define AT_INSTANTS " AND NOT " FETCH_SPAN_LINE " AND (tid, time_ns) IN (SELECT tid, "
#define FIRST_LINES ") ORDER BY tid, time_ns, source, line", LOCK_LINES, "tid, time_ns"

#define NEVER_BEGAN " AND ifNull(status, '') = 'ok' AND start_ns IS NULL AND end_ns IS NOT NULL"

/* The last lines of what failed or did not end, and the first of the instants of locks, and of the arrival of what
 * never began. */
static void put_ends(const struct needed *n, bool never_began, struct text *sql)
{
	put_some(
	    n, " AND tid IN (SELECT tid FROM $invocation FINAL",
	    " AND ifNull(status, '') IN ('unfinished', 'failed')) ORDER BY tid, time_ns DESC, source DESC, line DESC",
	    LAST_LINES, "tid", sql);
	put_some(n, AT_INSTANTS "ifNull(from_ns, 0) FROM $lock FINAL", FIRST_LINES, sql);
	if (never_began)
		put_some(n, AT_INSTANTS "ifNull(arrived_ns, 0) FROM $invocation FINAL", NEVER_BEGAN FIRST_LINES, sql);
}

static int take_tid(void *arg, const struct slice *v)
{
	uint32_t i;

	return intern_add(arg, v[0], &i);
}

static int find_open(struct cluster *c, struct needed *n, char **why)
{
	struct slice lint;
	struct peek patterns;
	bool any = false;

	for (size_t i = 0; i < n->n && !any; i++)
		any = !seen_parts(n->source[i].seen, &lint, &patterns) && lint_seen_spans(lint);
	return any ? ask(c, n, "SELECT tid FROM $event", IS_OPEN, 1, take_tid, &n->open, why) : 0;
}

static int take_count(void *arg, const struct slice *v)
{
	*(int64_t *)arg += tsv_int(v[0]);
	return 0;
}

/* Whether a mount failed: only then it matters what became of snapshots. */
static int find_mounts(struct cluster *c, const struct needed *n, bool *any, char **why)
{
	struct text sql = {0};
	int64_t count = 0;
	int rc;

	text_puts(&sql, " AND ifNull(message, '') != '' AND ifNull(message, '') IN (''");
	put_mounts(false, &sql);
	text_puts(&sql, ")");
	rc = sql.failed ? -ENOMEM : ask(c, n, "SELECT count() FROM $event", text_str(&sql), 1, take_count, &count, why);
	*any = count > 0;
	text_done(&sql);
	return rc;
}

static int take_begun(void *arg, const struct slice *v)
{
	int64_t *count = arg;

	count[0] += tsv_int(v[0]);
	count[1] += tsv_int(v[1]);
	return 0;
}

/* Whether some completed and never began: in a run where none begins nobody tells of it. */
static int find_never_began(struct cluster *c, const struct needed *n, bool *any, char **why)
{
	int64_t count[2] = {0};
	int rc = ask(c, n, "SELECT countIf(start_ns IS NOT NULL), countIf(1" NEVER_BEGAN ") FROM $invocation FINAL", "",
	             2, take_begun, count, why);

	*any = count[0] && count[1];
	return rc;
}

static int find_where(struct cluster *c, struct needed *n, uint32_t passed, char **why)
{
	struct rules *r = NULL;
	char *unsaid = NULL;
	bool mounts = false, never_began = false;
	int rc = rules_builtin(&r, &unsaid);

	if (!rc)
		rc = find_open(c, n, why);
	if (!rc)
		rc = find_mounts(c, n, &mounts, why);
	if (!rc)
		rc = find_never_began(c, n, &never_began, why);
	if (!rc) {
		text_printf(&n->where, "fact != %" PRIu32, passed);
		put_messages(r, mounts, &n->where);
		put_whole(n, r, &n->where);
		put_ends(n, never_began, &n->where);
		rc = n->where.failed ? -ENOMEM : 0;
	}
	rules_free(r);
	free(unsaid);
	return rc;
}

/* ---- which lines, of one source ---- */

static void put_of(const struct needed_source *s, struct text *sql)
{
	text_puts(sql, " OR (source = ");
	cluster_quote(sql, s->path);
}

/* A source of which more is needed than of others. */
static void put_source(const struct needed *n, const struct needed_source *s, struct text *sql)
{
	bool silent = s->last_ns != INT64_MIN && n->last_ns > ns_moved(s->last_ns, SILENCE_LEAST_NS);

	if (!s->energy && !silent)
		return;
	put_of(s, sql);
	if (!s->energy)
		text_printf(sql, " AND (time_ns >= %" PRId64 " OR " FETCH_SPAN_MESSAGE ")",
		            ns_moved(s->last_ns, -LAST_NS));
	text_puts(sql, ")");
}

struct lines {
	const struct needed_source *of;
	struct text *sql;
	bool any;
};

static int put_line(void *arg, int64_t line)
{
	struct lines *l = arg;

	if (!l->any) {
		put_of(l->of, l->sql);
		text_puts(l->sql, " AND line IN (");
	}
	text_puts(l->sql, l->any ? ", " : "");
	text_add_int(l->sql, line);
	l->any = true;
	return 0;
}

/* The lines that show what was seen of a source. */
static int put_lines(const struct needed_source *s, struct text *sql)
{
	struct lines l = {.of = s, .sql = sql};
	struct slice lint;
	struct peek patterns;
	int rc = seen_parts(s->seen, &lint, &patterns);

	rc = rc ? rc : lint_seen_lines(lint, put_line, &l);
	if (l.any)
		text_puts(sql, "))");
	return rc;
}

static int count_costs(struct needed *n)
{
	struct text sql = {0};
	int rc = 0;

	for (size_t i = 0; i < n->n && !rc; i++) {
		text_reset(&sql);
		put_source(n, &n->source[i], &sql);
		rc = put_lines(&n->source[i], &sql);
		rc = rc ? rc : sql.failed ? -ENOMEM : 0;
		n->source[i].cost = sql.len;
	}
	text_done(&sql);
	return rc;
}

/* ---- the whole ---- */

int needed_find(struct cluster *c, struct slice run, uint32_t passed, struct needed *n, char **why)
{
	int rc;

	*n = (struct needed){.all = !passed, .run = run, .last_ns = INT64_MIN};
	intern_init(&n->paths);
	intern_init(&n->open);
	rc = find_sources(c, n, why);
	for (size_t i = 0; i < n->n && !n->all; i++)
		n->all = !is_seen(&n->source[i]);
	if (!rc && !n->all)
		rc = count_costs(n);
	if (rc == -EBADMSG && !*why) { /* whatever it is, nobody can use it */
		n->all = true;
		rc = 0;
	}
	return rc || n->all ? rc : find_where(c, n, passed, why);
}

void needed_done(struct needed *n)
{
	free(n->source);
	intern_done(&n->paths);
	intern_done(&n->open);
	arena_done(&n->texts);
	text_done(&n->where);
}

void needed_where(const struct needed *n, size_t from, size_t to, struct text *sql)
{
	text_add(sql, text_str(&n->where), n->where.len);
	for (size_t i = from; i < to; i++) {
		put_source(n, &n->source[i], sql);
		put_lines(&n->source[i], sql);
	}
}

int needed_put(const struct needed *n, sqlite3 *db)
{
	struct peek patterns;
	struct slice lint;
	int64_t run, id;
	int rc = lint_seen_begin(db);

	rc = rc ? rc : ledger_run(db, n->run, &run);
	for (size_t i = 0; i < n->n && !rc; i++) {
		rc = ledger_source_id(db, run, n->source[i].path, &id);
		rc = rc ? rc : seen_parts(n->source[i].seen, &lint, &patterns);
		rc = rc ? rc : lint_seen_put(db, id, lint);
	}
	for (uint32_t i = 0; i < n->open.n && !rc; i++)
		rc = lint_seen_open(db, n->open.text[i]);
	return rc;
}

int needed_patterns(const struct needed *n, sqlite3 *db)
{
	struct patterns *p = patterns_new(NULL);
	struct peek patterns;
	struct slice lint;
	int rc = p ? 0 : -ENOMEM;

	for (size_t i = 0; i < n->n && !rc; i++) {
		rc = seen_parts(n->source[i].seen, &lint, &patterns);
		rc = rc ? rc : patterns_unpack(p, &patterns);
	}
	if (!rc)
		rc = sql_exec_all(db,
		                  "CREATE TEMP TABLE pattern(id INTEGER PRIMARY KEY, level, target, template, count, "
		                  "first_ns, last_ns, example)");
	rc = rc ? rc : patterns_write(p, db);
	patterns_free(p);
	return rc;
}
