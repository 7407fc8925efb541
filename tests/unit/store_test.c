/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The whole way: a file is loaded into a database, and everything that is read back is compared with the file itself:
 * lines byte for byte, values with what jansson reads, cursors with a loop over all events, a file loaded in pieces
 * with one loaded at once. */
#include "base/scan.h"
#include "base/sql.h"
#include "load/load.h"
#include "own_dir.h"
#include "random_lines.h"
#include "store/chunks.h"
#include "store/store.h"
#include "tries.h"

#include <errno.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

/* ---- files and databases in a directory of their own ---- */

static void write_file(const char *name, const char *mode, const char *p, size_t n)
{
	FILE *f = fopen(in_dir(name), mode);

	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static int load(const char *db, const char *path)
{
	char *paths[] = {(char *)in_dir(path)}, database[200];
	FILE *null = fopen(getenv("ILU_TEST_LOUD") ? "/dev/stderr" : "/dev/null", "w");
	struct load_options o = {.db = strcpy(database, in_dir(db)),
	                         .paths = paths,
	                         .npaths = 1,
	                         .quiet = true,
	                         .threads = 2,
	                         .out = null,
	                         .err = null};
	int status = load_run(&o);

	fclose(null);
	return status;
}

static struct store *open_db(const char *db)
{
	struct store *s;
	char *why;

	if (store_open(in_dir(db), STORE_READ, &s, &why))
		fail_msg("%s: %s", db, why);
	return s;
}

static int64_t number(struct store *s, const char *sql)
{
	sqlite3_stmt *q;
	int64_t n = -1;

	assert_int_equal(sqlite3_prepare_v2(store_db(s), sql, -1, &q, NULL), 0);
	if (sqlite3_step(q) == SQLITE_ROW)
		n = sqlite3_column_int64(q, 0);
	sqlite3_finalize(q);
	return n;
}

/* All rows of a query as one text, so that two databases can be compared. */
static char *rows_of(struct store *s, const char *sql)
{
	sqlite3_str *out = sqlite3_str_new(NULL);
	sqlite3_stmt *q;
	char *text, *copy;

	if (sqlite3_prepare_v2(store_db(s), sql, -1, &q, NULL))
		fail_msg("%s: %s", sql, sqlite3_errmsg(store_db(s)));
	while (sqlite3_step(q) == SQLITE_ROW) {
		for (int i = 0; i < sqlite3_column_count(q); i++) {
			const char *t = (const char *)sqlite3_column_text(q, i);

			sqlite3_str_appendf(out, "%s|", t ? t : "NULL");
		}
		sqlite3_str_append(out, "\n", 1);
	}
	sqlite3_finalize(q);
	text = sqlite3_str_finish(out);
	copy = strdup(text ? text : "");
	sqlite3_free(text);
	return copy;
}

static void fault(void *arg, const char *text)
{
	(void)arg;
	print_error("check: %s\n", text);
}

static void quiet_fault(void *arg, const char *text)
{
	(void)text;
	++*(int *)arg;
}

struct cat {
	char *ptr;
	size_t len, room;
};

static int cat_put(void *arg, const void *p, size_t n)
{
	struct cat *c = arg;

	if (c->room < c->len + n)
		c->ptr = realloc(c->ptr, c->room = (c->len + n) * 2);
	memcpy(c->ptr + c->len, p, n);
	c->len += n;
	return 0;
}

static void cat_is(struct store *s, int64_t source, const char *text, size_t len)
{
	struct cat c = {0};

	assert_int_equal(store_cat(s, source, cat_put, &c), 0);
	if (c.len != len || (len && memcmp(c.ptr, text, len))) {
		size_t at = 0;

		while (at < c.len && at < len && c.ptr[at] == text[at])
			at++;
		fail_msg("source %lld: %zu bytes, not %zu; other from byte %zu on", (long long)source, c.len, len, at);
	}
	free(c.ptr);
}

/* ---- the text that is loaded ---- */

struct text {
	char *ptr;
	size_t len, *starts;
	unsigned lines;
};

static struct text make_text(uint64_t seed, unsigned lines, unsigned badness)
{
	struct random_lines r = {seed, (int64_t)(seed % 1000) * 1000000007, badness};
	struct text t = {calloc(lines + 2, 1100), 0, calloc(lines + 2, sizeof(size_t)), lines};
	size_t room = (size_t)(lines + 2) * 1100;

	for (unsigned i = 0; i < lines; i++) {
		if (room - t.len < 2 * RANDOM_LINE_MAX)
			t.ptr = realloc(t.ptr, room *= 2);
		t.starts[i] = t.len;
		t.len += random_line(&r, t.ptr + t.len);
		t.ptr[t.len++] = '\n';
	}
	t.starts[lines] = t.len;
	return t;
}

static struct slice text_line(const struct text *t, int64_t line)
{
	return (struct slice){t->ptr + t->starts[line - 1], t->starts[line] - t->starts[line - 1] - 1};
}

static void text_done(struct text *t)
{
	free(t->ptr);
	free(t->starts);
}

/* ---- events beside jansson ---- */

/* A value as it stands in the line, against what jansson read. */
static bool same_value(enum slot_kind kind, struct slice v, json_t *want)
{
	char *buf = malloc(3 * v.len + 1);
	json_t *got = NULL;
	bool same = false;

	if (kind == SLOT_STRING || kind == SLOT_TID) {
		size_t n = json_unescape(v, buf);

		same =
		    json_is_string(want) && n == json_string_length(want) && !memcmp(buf, json_string_value(want), n);
	} else if (kind == SLOT_SCALAR || kind == SLOT_JSON) {
		got = json_loadb(v.ptr, v.len,
		                 JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL * (json_is_real(want) != 0),
		                 NULL);
		same = got && json_equal(got, want);
		json_decref(got);
	}
	free(buf);
	return same;
}

/* The first of its name: jansson keeps the last. */
static bool is_repeated(const struct slice line, const char *name)
{
	char pattern[100];
	int n = snprintf(pattern, sizeof pattern, "\"%s\":", name);
	const char *first = memmem(line.ptr, line.len, pattern, (size_t)n);

	return first && memmem(first + 1, line.len - (size_t)(first + 1 - line.ptr), pattern, (size_t)n);
}

static unsigned check_fields(const struct event *e, struct slice line, json_t *fields)
{
	unsigned checked = 0;
	const char *key;
	json_t *value;

	json_object_foreach(fields, key, value)
	{
		struct slice v;
		enum slot_kind kind = event_field(e, key, &v);

		if (is_repeated(line, key))
			continue;
		if (!same_value(kind, v, value))
			fail_msg("%.*s\nfield %s: kind %d, %.*s", (int)line.len, line.ptr, key, kind,
			         kind ? (int)v.len : 0, kind ? v.ptr : "");
		checked++;
	}
	return checked;
}

static void check_part(const struct event *e, struct slice line, enum section section, json_t *want)
{
	struct slice part = event_part(e, section);
	json_t *got;

	if (section == SECTION_SPANS ? !json_is_array(want) : !json_is_object(want)) {
		if (part.ptr && !is_repeated(line, section == SECTION_FIELDS ? "fields"
		                                   : section == SECTION_SPAN ? "span"
		                                                             : "spans"))
			fail_msg("%.*s\npart %d is there", (int)line.len, line.ptr, section);
		return;
	}
	if (!part.ptr) {
		size_t i;
		json_t *element;

		json_array_foreach(
		    want, i,
		    element) if (!json_is_object(element)) return; /* a list of something else is no list of spans */
		fail_msg("%.*s\npart %d is not there", (int)line.len, line.ptr, section);
	}
	got = json_loadb(part.ptr, part.len, JSON_ALLOW_NUL, NULL);
	if (!got || !json_equal(got, want))
		fail_msg("%.*s\npart %d is %.*s", (int)line.len, line.ptr, section, (int)part.len, part.ptr);
	json_decref(got);
}

static unsigned check_as_jansson(const struct event *e, struct slice line)
{
	json_t *j = json_loadb(line.ptr, line.len, JSON_ALLOW_NUL, NULL), *fields;
	unsigned checked = 0;

	if (!j)
		return 0; /* a line of logfmt, one that was repaired, or numbers that jansson can't hold */
	fields = json_object_get(j, "fields");
	if (json_is_object(fields))
		checked = check_fields(e, line, fields);
	check_part(e, line, SECTION_FIELDS, fields);
	check_part(e, line, SECTION_SPAN, json_object_get(j, "span"));
	check_part(e, line, SECTION_SPANS, json_object_get(j, "spans"));
	json_decref(j);
	return checked;
}

static void all_lines(void **state)
{
	struct text t = make_text(2026, 10000, 15);
	struct event_query all = {0};
	struct event_cursor *c;
	const struct event *e;
	struct line l;
	unsigned checked = 0, events = 0, foreign = 0;
	int64_t last = 0;
	struct store *s;
	int rc;

	(void)state;
	write_file("all.log", "w", t.ptr, t.len);
	assert_int_equal(load("all.db", "all.log"), 3);
	s = open_db("all.db");
	cat_is(s, 1, t.ptr, t.len);
	assert_int_equal(store_check(s, fault, NULL, NULL), 0);
	line_init(&l);
	assert_int_equal(event_cursor_open(s, &all, &c), 0);
	while ((rc = event_cursor_next(c, &e)) == 1) {
		struct slice line, want = text_line(&t, e->line);
		char *copy = malloc(want.len + SCAN_SLACK);
		enum line_verdict v;
		int64_t offset;
		char tid[3 * LINE_MAX_TID];

		assert_int_equal(event_line(e, &line), 0);
		assert_int_equal(
		    line_parse(&l, memset(memcpy(copy, want.ptr, want.len) + want.len, 0, SCAN_SLACK) - want.len,
		               want.len, &v),
		    0);
		if (v == LINE_REJECTED || !l.fields.ptr) { /* of another program, or text: format_test knows these */
			free(copy);
			foreign++;
			continue;
		}
		if (!slice_same(line, want))
			fail_msg("line %lld: %.*s", (long long)e->line, (int)line.len, line.ptr);
		if (!slice_same(e->tid, l.tid.ptr ? json_text(l.tid, tid) : l.tid) || e->stamp != l.stamp ||
		    e->time_ns != e->stamp || !slice_same(event_message(e), l.message) ||
		    !slice_same(event_level_text(e), l.level) || !slice_same(e->head->target, l.target) ||
		    e->tail->depth != l.nspans)
			fail_msg("line %lld: %.*s: not as the parser sees it", (long long)e->line, (int)line.len,
			         line.ptr);
		checked += check_as_jansson(e, line);
		if (events++ % 300 == 0) {
			assert_int_equal(event_offset(e, &offset), 0);
			assert_int_equal(offset, t.starts[e->line - 1]);
		}
		assert_true(e->line > last);
		last = e->line;
		free(copy);
	}
	assert_int_equal(rc, 0);
	event_cursor_close(c);
	line_done(&l);
	/* a line may have several records, or none of its own */
	assert_int_equal(number(s, "SELECT count(*) FROM event"), events + foreign);
	assert_int_equal(number(s, "SELECT ok + repaired + rejected FROM source"), t.lines);
	assert_int_equal(number(s, "SELECT count(*) - (SELECT rejected FROM source) FROM reject"), 0);
	assert_true(checked > 7000);
	store_close(s);
	text_done(&t);
}

/* Rejects say where they are. */
static void rejects(void **state)
{
	struct text t = make_text(7, 5000, 40);
	sqlite3_stmt *q;
	struct store *s;
	unsigned n = 0;

	(void)state;
	write_file("reject.log", "w", t.ptr, t.len);
	assert_int_equal(load("reject.db", "reject.log"), 3);
	s = open_db("reject.db");
	assert_int_equal(sqlite3_prepare_v2(store_db(s),
	                                    "SELECT line, offset, length, reason FROM reject ORDER BY line", -1, &q,
	                                    NULL),
	                 0);
	for (; sqlite3_step(q) == SQLITE_ROW; n++) {
		struct slice line = text_line(&t, sqlite3_column_int64(q, 0));

		assert_int_equal(sqlite3_column_int64(q, 1), line.ptr - t.ptr);
		assert_int_equal(sqlite3_column_int64(q, 2), line.len);
		assert_true(sqlite3_column_bytes(q, 3) > 5);
	}
	sqlite3_finalize(q);
	assert_true(n > 300);
	store_close(s);
	text_done(&t);
}

/* ---- cursors against a loop over all events ---- */

struct seen {
	int64_t id, source, time_ns;
	char tid[64];
	char level[8];
};

static bool want_warn(const struct shape *head, void *arg)
{
	++*(unsigned *)arg;
	return slice_is(head->level, "WARN");
}

static struct seen *see_all(struct store *s, unsigned *n)
{
	struct event_query all = {0};
	struct event_cursor *c;
	const struct event *e;
	struct seen *seen = NULL;

	assert_int_equal(event_cursor_open(s, &all, &c), 0);
	for (*n = 0; event_cursor_next(c, &e) == 1; ++*n) {
		if (*n % 1024 == 0)
			seen = realloc(seen, (*n + 1024) * sizeof *seen);
		seen[*n] = (struct seen){.id = e->id, .source = e->source, .time_ns = e->time_ns};
		snprintf(seen[*n].tid, sizeof seen->tid, "%.*s", (int)e->tid.len, e->tid.ptr ? e->tid.ptr : "");
		snprintf(seen[*n].level, sizeof seen->level, "%.*s", (int)e->head->level.len,
		         e->head->level.ptr ? e->head->level.ptr : "");
	}
	event_cursor_close(c);
	return seen;
}

static bool passes(const struct seen *e, const struct event_query *q)
{
	return (!q->tid.ptr || slice_is(q->tid, e->tid)) && (!q->source || q->source == e->source) &&
	       (!q->since_ns || e->time_ns >= q->since_ns) && (!q->until_ns || e->time_ns < q->until_ns) &&
	       e->id >= q->first_id && (!q->last_id || e->id <= q->last_id) && (!q->want || !strcmp(e->level, "WARN"));
}

static void cursors(void **state)
{
	struct random_lines r = {13, 0, 0};
	unsigned n, asked = 0, found = 0;
	struct seen *seen;
	struct store *s;

	(void)state;
	assert_int_equal(mkdir(in_dir("many"), 0755), 0);
	for (int i = 0; i < 4; i++) {
		struct text t = make_text(100 + (unsigned)i, i == 2 ? 70000 : 3000, 5);
		char name[40];

		sprintf(name, "many/worker_%d.log", i);
		write_file(name, "w", t.ptr, t.len);
		text_done(&t);
	}
	load("many.db", "many");
	s = open_db("many.db");
	seen = see_all(s, &n);
	assert_true(n > 70000);
	for (unsigned i = 0, most = tries(50, 150, 1000); i < most; i++) {
		const struct seen *a = &seen[random_below(&r, n)], *b = &seen[random_below(&r, n)];
		struct event_query q = {0};
		struct event_cursor *c;
		const struct event *e;
		int rc;

		if (random_below(&r, 3) && *a->tid)
			q.tid = (struct slice){a->tid, strlen(a->tid)};
		if (random_below(&r, 3) == 0)
			q.source = random_below(&r, 2) ? a->source : 99;
		if (random_below(&r, 3) == 0)
			q.since_ns = b->time_ns;
		if (random_below(&r, 3) == 0)
			q.until_ns = a->time_ns;
		if (random_below(&r, 4) == 0)
			q.first_id = b->id;
		if (random_below(&r, 4) == 0)
			q.last_id = a->id + random_below(&r, 3);
		if (random_below(&r, 4) == 0) {
			q.want = want_warn;
			q.want_arg = &asked;
		}
		assert_int_equal(event_cursor_open(s, &q, &c), 0);
		for (unsigned k = 0; k < n; k++) {
			if (!passes(&seen[k], &q))
				continue;
			rc = event_cursor_next(c, &e);
			if (rc != 1 || e->id != seen[k].id)
				fail_msg("query %d: rc %d, event %lld, not %lld", i, rc, rc == 1 ? (long long)e->id : 0,
				         (long long)seen[k].id);
			if (found++ % 100 == 0) { /* another event meanwhile */
				const struct event *other;

				assert_int_equal(event_get(s, b->id, &other), 1);
				assert_int_equal(other->id, b->id);
				assert_true(other->time_ns == b->time_ns &&
				            slice_is(other->tid.ptr ? other->tid : SLICE(""), b->tid));
				assert_int_equal(e->id, seen[k].id);
			}
		}
		assert_int_equal(event_cursor_next(c, &e), 0);
		event_cursor_close(c);
	}
	assert_true(found > 5000);
	{
		const struct event *e;

		assert_int_equal(event_get(s, -1, &e), 0);
		assert_int_equal(event_get(s, 0, &e), 0);
		assert_int_equal(event_get(s, INT64_MAX, &e), 0);
		assert_int_equal(event_get(s, (seen[0].id | 0xffff), &e), 0);
	}
	free(seen);
	store_close(s);
}

/* ---- a file that grows ---- */

static const char events_sql[] = "SELECT source, line, offset, time_ns, level, target, message, tid, fields, span, "
                                 "spans, raw, \"foreign\" FROM event ORDER BY source, line";
static const char ledger_sql[] = "SELECT bytes, lines, ok, repaired, rejected, ok_bytes, repaired_bytes, "
                                 "rejected_bytes, bytes_done, file_bytes FROM source";
static const char places_sql[] = "SELECT tid, events FROM place ORDER BY tid";
static const char rejects_sql[] = "SELECT * FROM reject ORDER BY source, line";

static void same_databases(const char *a, const char *b)
{
	static const char *const queries[] = {events_sql, ledger_sql, places_sql, rejects_sql};
	struct store *x = open_db(a), *y = open_db(b);

	for (unsigned i = 0; i < 4; i++) {
		char *p = rows_of(x, queries[i]), *q = rows_of(y, queries[i]);

		if (strcmp(p, q)) {
			size_t at = 0;

			while (p[at] && p[at] == q[at])
				at++;
			while (at && p[at - 1] != '\n')
				at--;
			fail_msg("%s\n%s: %.300s\n%s: %.300s", queries[i], a, p + at, b, q + at);
		}
		free(p);
		free(q);
	}
	store_close(x);
	store_close(y);
}

static void grown(void **state)
{
	struct text t = make_text(55, 9000, 15);
	struct random_lines r = {3, 0, 0};
	size_t have = 0;
	struct store *s;

	(void)state;
	write_file("grown.log", "w", t.ptr, t.len);
	load("once.db", "grown.log");
	while (have < t.len) {
		size_t n = random_below(&r, 3) ? random_below(&r, (unsigned)(t.len / 6)) : random_below(&r, 200);

		n = n < t.len - have ? n : t.len - have;
		write_file("grown.log", have ? "a" : "w", t.ptr + have, n); /* mostly in the middle of a line */
		have += n;
		load("pieces.db", "grown.log");
		s = open_db("pieces.db");
		assert_int_equal(store_check(s, fault, NULL, NULL), 0);
		cat_is(s, 1, t.ptr, have);
		store_close(s);
	}
	load("pieces.db", "grown.log"); /* nothing new */
	same_databases("once.db", "pieces.db");
	text_done(&t);
}

/* A transaction's lines are found after each growth, too: its old places stay, and none is named twice. */
static void grown_places(void **state)
{
	static const char line[] =
	    "{\"timestamp\":\"2026-11-23 "
	    "00:51:54.%d\",\"level\":\"INFO\",\"fields\":{\"message\":\"m\",\"tid\":\"%s\"},\"target\":\"t\"}\n";
	struct event_query q = {.tid = SLICE("a")};
	struct event_cursor *c;
	const struct event *e;
	struct store *s;
	unsigned n;

	(void)state;
	for (int i = 1; i <= 60; i++) {
		char text[200];

		write_file("places.log", i == 1 ? "w" : "a", text, (size_t)sprintf(text, line, i, i % 2 ? "a" : "b"));
		assert_int_equal(load("places.db", "places.log"), 0);
		s = open_db("places.db");
		assert_int_equal(event_cursor_open(s, &q, &c), 0);
		for (n = 0; event_cursor_next(c, &e) == 1; n++)
			assert_true(slice_is(e->tid, "a"));
		event_cursor_close(c);
		assert_int_equal(n, (i + 1) / 2);
		assert_int_equal(number(s, "SELECT events FROM place WHERE tid = 'a'"), (i + 1) / 2);
		if (i == 60)
			assert_true(number(s, "SELECT length(places) FROM place WHERE tid = 'a'") < 12);
		store_close(s);
	}
}

/* Another file under the same name, or the same one cut shorter, is another source. */
static void replaced(void **state)
{
	struct text t = make_text(1, 500, 0), u = make_text(2, 700, 0);
	struct store *s;

	(void)state;
	write_file("rotated.log", "w", t.ptr, t.len);
	assert_int_equal(load("rotated.db", "rotated.log"), 0);
	write_file("rotated.log", "w", u.ptr, u.len);
	assert_int_equal(load("rotated.db", "rotated.log"), 0);
	s = open_db("rotated.db");
	assert_int_equal(number(s, "SELECT count(*) FROM source"), 2);
	cat_is(s, 1, t.ptr, t.len);
	cat_is(s, 2, u.ptr, u.len);
	assert_int_equal(store_check(s, fault, NULL, NULL), 0);
	store_close(s);
	text_done(&t);
	text_done(&u);
}

/* A line cut short at the end of the file is damage, until its rest is there. */
static void cut_line(void **state)
{
	struct text t = make_text(1, 100, 0);
	struct store *s;

	(void)state;
	for (int last = 0; last < 3; last++) {
		size_t cut = last == 0 ? 0 : last == 1 ? t.starts[99] + 40 : t.len - 1;
		int status[] = {0, 3, 0};

		unlink(in_dir("cut.db"));
		write_file("cut.log", "w", t.ptr, cut);
		assert_int_equal(load("cut.db", "cut.log"), status[last]);
		s = open_db("cut.db");
		assert_int_equal(number(s, "SELECT rejected FROM source"), last == 1);
		assert_int_equal(number(s, "SELECT ok FROM source"), last == 0 ? 0 : last == 1 ? 99 : 100);
		store_close(s);
		write_file("cut.log", "w", t.ptr, t.len);
		assert_int_equal(load("cut.db", "cut.log"), 0);
		s = open_db("cut.db");
		assert_int_equal(number(s, "SELECT rejected FROM source"), 0);
		assert_int_equal(number(s, "SELECT ok FROM source"), 100);
		assert_int_equal(number(s, "SELECT count(*) FROM reject"), 0);
		assert_int_equal(number(s, "SELECT count(*) FROM source"), 1);
		cat_is(s, 1, t.ptr, t.len);
		assert_int_equal(store_check(s, fault, NULL, NULL), 0);
		store_close(s);
	}
	text_done(&t);
}

/* A file of several pieces, read by two threads: lines across their borders, and one as long as a piece. */
static void pieces(void **state)
{
	struct text t = make_text(77, 2000, 10);
	size_t want = 50u << 20, len = 0, used = 0;
	char *big = malloc(want + t.len + (40u << 20));
	struct store *s;

	(void)state;
	while (len < want) {
		if (!used && len > want / 2) {
			static const char start[] = "{\"timestamp\":\"2026-11-23 00:51:54.1\",\"fields\":{\"a\":\"";

			memcpy(big + len, start, sizeof start - 1);
			len += sizeof start - 1;
			memset(big + len, 'y', 35u << 20);
			len += 35u << 20;
			len = (size_t)(stpcpy(big + len, "\"}}\n") - big);
			used = 1;
		}
		memcpy(big + len, t.ptr, t.len);
		len += t.len;
	}
	write_file("big.log", "w", big, len);
	assert_int_equal(load("big.db", "big.log"), 3);
	s = open_db("big.db");
	cat_is(s, 1, big, len);
	assert_int_equal(store_check(s, fault, NULL, NULL), 0);
	assert_true(number(s, "SELECT count(*) FROM chunk") > 2);
	store_close(s);
	unlink(in_dir("big.log"));
	text_done(&t);
	free(big);
}

/* A load that is killed while it changes the database leaves a journal: whoever reads next rolls it back. */
static void interrupted(void **state)
{
	struct text t = make_text(4, 3000, 0);
	char command[400];
	struct store *s;
	sqlite3 *db;

	(void)state;
	write_file("killed.log", "w", t.ptr, t.len);
	assert_int_equal(load("killed.db", "killed.log"), 0);
	assert_int_equal(sqlite3_open(in_dir("killed.db"), &db), 0);
	assert_int_equal(sqlite3_exec(db,
	                              "PRAGMA cache_size = 1; PRAGMA synchronous = OFF; BEGIN; UPDATE place SET events "
	                              "= 0; UPDATE chunk SET data = zeroblob(length(data));"
	                              "UPDATE block SET data = zeroblob(length(data))",
	                              NULL, NULL, NULL),
	                 0);
	snprintf(command, sizeof command,
	         "cd %s && cp killed.db half.db && cp killed.db-journal half.db-journal && chmod 644 half.db-journal",
	         dir);
	assert_int_equal(system(command), 0);
	sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	sqlite3_close(db);
	s = open_db("half.db");
	cat_is(s, 1, t.ptr, t.len);
	assert_int_equal(store_check(s, fault, NULL, NULL), 0);
	store_close(s);
	assert_int_not_equal(access(in_dir("half.db-journal"), F_OK), 0);
	same_databases("killed.db", "half.db");
	text_done(&t);
}

/* ---- damage that check must find ---- */

static const char *const damages[] = {
    "UPDATE source SET ok = ok + 1",
    "UPDATE source SET bytes = bytes + 1",
    "UPDATE source SET rejected_bytes = rejected_bytes - 1",
    "UPDATE source SET lines = lines - 1",
    "DELETE FROM chunk WHERE id = 1",
    "UPDATE chunk SET lines = lines + 1 WHERE id = 1",
    "UPDATE chunk SET bytes = bytes - 5 WHERE id = 1",
    "UPDATE chunk SET data = substr(data, 1, 30) WHERE id = 1",
    "UPDATE chunk SET data = x'' WHERE id = 1",
    "UPDATE chunk SET data = x'494c5543' || substr(data, 5, 8) || x'01' || substr(data, 14)",
    "DELETE FROM reject WHERE line = (SELECT min(line) FROM reject)",
    "DELETE FROM shape WHERE id = 2",
    "UPDATE shape SET part = 1 - part WHERE id = 1",
    "UPDATE shape SET skeleton = replace(CAST(skeleton AS TEXT), 'INFO', 'WARN')",
    "UPDATE place SET events = events + 1 WHERE tid = (SELECT min(tid) FROM place)",
    "DELETE FROM place WHERE tid = (SELECT max(tid) FROM place)",
    "UPDATE place SET places = x'0100'",
    "UPDATE chunk SET min_stamp = min_stamp + 1 WHERE id = 1",
    "UPDATE chunk SET first_line = first_line + 1 WHERE id = 1",
    "UPDATE chunk SET first_offset = first_offset + 1 WHERE id = 1",
    "UPDATE reject SET offset = offset + 1",
};

static void planted_damage(void **state)
{
	struct text t = make_text(8, 3000, 10);
	unsigned missed = 0;

	(void)state;
	write_file("damage.log", "w", t.ptr, t.len);
	load("damage.db", "damage.log");
	for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
		char command[500], *why = NULL;
		struct store *s;
		sqlite3 *db;
		int faults = 0, rc;

		snprintf(command, sizeof command, "cp %s/damage.db %s/damaged.db", dir, dir);
		assert_int_equal(system(command), 0);
		assert_int_equal(sqlite3_open(in_dir("damaged.db"), &db), 0);
		if (sqlite3_exec(db, damages[i], NULL, NULL, NULL))
			fail_msg("%s: %s", damages[i], sqlite3_errmsg(db));
		assert_true(sqlite3_total_changes(db) > 0);
		sqlite3_close(db);
		rc = store_open(in_dir("damaged.db"), STORE_READ, &s, &why);
		free(why);
		if (!rc) {
			rc = store_check(s, quiet_fault, NULL, &faults);
			store_close(s);
		}
		if (rc != -EBADMSG && rc <= 0) {
			print_error("not found: %s (%d)\n", damages[i], rc);
			missed++;
		}
	}
	assert_int_equal(missed, 0);
	text_done(&t);
}

/* Who reads beside others is stopped where it is, and nobody else. */
static void stopped(void **state)
{
	static const char endless[] =
	    "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i FROM n) SELECT sum(i) FROM n",
	                  lines[] = "SELECT sum(lines) FROM source";
	struct text t = make_text(5, 30, 0);
	struct store *one, *many;
	int64_t n;

	(void)state;
	write_file("many.log", "w", t.ptr, t.len);
	assert_int_equal(load("many.db", "many.log"), 0);
	one = open_db("many.db");
	many = open_db("many.db");
	store_is_one_of_many(many);
	store_stop_many(true);
	assert_int_equal(sql_number(store_db(many), endless, &n), -EINTR);
	assert_int_equal(sql_number(store_db(one), lines, &n), 0);
	store_stop_many(false);
	assert_int_equal(sql_number(store_db(many), lines, &n), 0);
	assert_true(n > 0);
	store_close(many);
	store_close(one);
	text_done(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(all_lines),      cmocka_unit_test(rejects),      cmocka_unit_test(cursors),
	    cmocka_unit_test(grown),          cmocka_unit_test(grown_places), cmocka_unit_test(replaced),
	    cmocka_unit_test(cut_line),       cmocka_unit_test(pieces),       cmocka_unit_test(interrupted),
	    cmocka_unit_test(planted_damage), cmocka_unit_test(stopped),
	};

	return cmocka_run_group_tests(tests, dir_make, dir_remove);
}
