/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lint_lines.c - the part of lint that reads all lines.
 *
 * What needs no table: lines that go back in time, foreign span lines, spans opened and closed by transaction, fields
 * that look like secrets, holes in our own sequence numbers. */
#include "findings/lint_lines.h"
#include "base/array.h"
#include "base/intern.h"
#include "base/sql.h"
#include "model/extent.h"
#include "model/fact.h"
#include "model/span.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define BACK_WARNING_NS 1000000000 /* neighbouring lines of threads may be milliseconds apart */
#define EXAMPLES        3

struct examples {
	int64_t count, id[EXAMPLES];
};

struct log {
	int64_t run, source;
	int64_t last_ns, back_ns; /* of the line before; the longest way back */
	uint64_t jump_ns;         /* the longest jump */
	struct examples back, jump, timeless, foreign, hole, lost;
	char *path;       /* of the source; NULL: none yet, or no memory */
	int64_t pid, seq; /* of the line before, -1: none */
	bool is_ours;
};

struct balance {
	int64_t run, opened, closed;
};

struct scan {
	struct store *store;
	struct log log;
	struct intern tids;      /* run and tid, as fact keys */
	struct balance *balance; /* by number in tids */
	uint32_t room;
	bool opens, closes; /* the log has new lines, close lines */
	struct examples environment, secret;
	int64_t environment_run;
	char secret_name[64];
	uint8_t *head_kind; /* by shape id: 0 unknown, 1 nothing, 2 environment, 3 secret */
	uint32_t nheads;
	struct findings *out;
};

static void example(struct examples *x, int64_t id)
{
	if (x->count < EXAMPLES)
		x->id[x->count] = id;
	x->count++;
}

static void show(struct finding *f, const struct examples *x)
{
	f->count = x->count;
	for (int i = 0; i < EXAMPLES && i < x->count; i++)
		finding_evidence(f, x->id[i], NULL);
}

static bool ends_in(struct slice name, const char *word)
{
	size_t n = strlen(word);

	return name.len >= n && !strncasecmp(name.ptr + name.len - n, word, n);
}

static bool is_secret_name(struct slice key)
{
	static const char *const secrets[] = {"password",     "passwd",     "secret",        "api_key",    "apikey",
	                                      "access_token", "auth_token", "authorization", "private_key"};

	for (size_t k = 0; k < sizeof secrets / sizeof *secrets; k++)
		if (ends_in(key, secrets[k]))
			return true;
	return false;
}

static uint8_t kind_of_head(const struct shape *head)
{
	for (unsigned i = 0; i < head->nslots; i++) {
		struct slice key = head->slots[i].key;

		if (head->slots[i].section != SECTION_FIELDS)
			continue;
		if (slice_is(key, "environment") || slice_is(key, "environ"))
			return 2;
		if (is_secret_name(key))
			return 3;
	}
	return 1;
}

static uint8_t head_kind(struct scan *s, const struct shape *head)
{
	if (!head->id || head->id > 1u << 24)
		return kind_of_head(head);
	if (array_reserve_zeroed(s->head_kind, s->nheads, head->id + 1))
		return 1;
	if (!s->head_kind[head->id])
		s->head_kind[head->id] = kind_of_head(head);
	return s->head_kind[head->id];
}

/* A value that is none, or was hidden on purpose: null, Rust's None, Some({}), our [redacted], stars. */
static bool shows_nothing(struct slice v)
{
	static const char *const nothing[] = {"null",     "None",     "{}",         "[]",
	                                      "Some({})", "Some([])", "[redacted]", "<redacted>"};
	size_t stars = 0;

	for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++)
		if (slice_is(v, nothing[i]))
			return true;
	while (stars < v.len && v.ptr[stars] == '*')
		stars++;
	return stars == v.len;
}

/* A field that is named as a secret and has a value: its name is kept for the finding. */
static bool tells_secret(struct scan *s, const struct event *e)
{
	for (unsigned i = 0; i < e->head->nslots; i++) {
		struct slice key = e->head->slots[i].key, v;
		char name[sizeof s->secret_name];

		if (e->head->slots[i].section != SECTION_FIELDS || !is_secret_name(key))
			continue;
		snprintf(name, sizeof name, "%.*s", (int)key.len, key.ptr);
		if (!event_field(e, name, &v) || shows_nothing(v))
			continue;
		if (!s->secret_name[0])
			strcpy(s->secret_name, name);
		return true;
	}
	return false;
}

static bool dumped_environment(const struct event *e, struct slice *out)
{
	return (event_field(e, "environment", out) || event_field(e, "environ", out)) && !shows_nothing(*out);
}

/* Whether an environment holds something that looks like a secret. */
static bool has_secret(struct slice v)
{
	static const char *const words[] = {"PASSWORD", "PASSWD", "SECRET", "TOKEN", "API_KEY", "PRIVATE_KEY"};

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (memmem(v.ptr, v.len, words[i], strlen(words[i])))
			return true;
	return false;
}

static int count_span(struct scan *s, const struct event *e, bool open)
{
	char small[128], *buf = small;
	uint32_t i;
	int rc;

	if (!e->tid.ptr)
		return 0;
	if (e->tid.len + 8 > sizeof small && !(buf = malloc(e->tid.len + 8)))
		return -ENOMEM;
	rc = intern_add(&s->tids, fact_key(e->run, e->tid, buf), &i);
	if (buf != small)
		free(buf);
	if (rc)
		return rc;
	if (array_reserve_zeroed(s->balance, s->room, i + 1))
		return -ENOMEM;
	s->balance[i].run = e->run;
	*(open ? &s->balance[i].opened : &s->balance[i].closed) += 1;
	return 0;
}

/* A number of the top level; -1: none. */
static int64_t top_number(const struct event *e, const char *key)
{
	struct slice v;
	int64_t n = 0;

	if (!event_top_field(e, key, &v) || !v.len)
		return -1;
	for (size_t i = 0; i < v.len; i++) {
		if (v.ptr[i] < '0' || v.ptr[i] > '9' || n >= INT64_MAX / 10 - 1)
			return -1;
		n = n * 10 + (v.ptr[i] - '0');
	}
	return n;
}

/* Our own lines are numbered without holes: a number that is left out is a line that is missing. The record of lost
 * lines takes the last of their numbers. */
static void check_sequence(struct scan *s, const struct event *e)
{
	int64_t pid = top_number(e, "pid"), seq = top_number(e, "seq");

	if (pid < 0 || seq < 0)
		return;
	if (pid == s->log.pid && seq > s->log.seq + 1)
		example(slice_is(event_message(e), "Records lost") ? &s->log.lost : &s->log.hole, e->id);
	s->log.pid = pid;
	s->log.seq = seq;
}

/* From the line before to this one, whichever way. */
static uint64_t jumped_ns(const struct log *l, const struct event *e)
{
	if (l->last_ns == INT64_MIN)
		return 0;
	return e->time_ns < l->last_ns ? (uint64_t)l->last_ns - (uint64_t)e->time_ns
	                               : (uint64_t)e->time_ns - (uint64_t)l->last_ns;
}

static int take(struct scan *s, const struct event *e)
{
	struct log *l = &s->log;
	struct slice v;
	uint8_t kind;

	if (e->foreign) {
		example(&l->foreign, e->id);
		return 0;
	}
	if (event_is_timeless(e))
		example(&l->timeless, e->id);
	if (jumped_ns(l, e) > CLOCK_JUMP_NS) {
		example(&l->jump, e->id);
		if (jumped_ns(l, e) > l->jump_ns)
			l->jump_ns = jumped_ns(l, e);
	} else if (e->time_ns < l->last_ns) {
		example(&l->back, e->id);
		if (l->last_ns - e->time_ns > l->back_ns)
			l->back_ns = l->last_ns - e->time_ns;
	}
	l->last_ns = e->time_ns;
	if (l->is_ours)
		check_sequence(s, e);
	if (e->head->span_line) {
		struct slice m = event_message(e);
		bool open = slice_is(m, "new");

		if (!open && !slice_is(m, "close"))
			return 0;
		*(open ? &s->opens : &s->closes) = true;
		return count_span(s, e, open);
	}
	kind = head_kind(s, e->head);
	if (kind == 2 && dumped_environment(e, &v)) {
		example(has_secret(v) ? &s->secret : &s->environment, e->id);
		s->environment_run = e->run;
		if (s->secret.count && !s->secret_name[0])
			strcpy(s->secret_name, "environment");
	} else if (kind == 3 && tells_secret(s, e)) {
		example(&s->secret, e->id);
		s->environment_run = e->run;
	}
	return 0;
}

static void tell_jump(struct scan *s)
{
	struct log *l = &s->log;
	const char *path = l->path ? l->path : "a log";
	struct finding *f;

	if (!l->jump.count)
		return;
	f = finding_add(s->out, "clock-jump", FINDING_WARNING, l->run);
	finding_message(f, "%lld time%s the clock of %s jumps by more than a year, by up to %.1f years",
	                (long long)l->jump.count, l->jump.count == 1 ? "" : "s", path,
	                (double)l->jump_ns / (double)CLOCK_JUMP_NS);
	finding_cause(f, "%s", "the clock was not set yet, or its battery is empty");
	show(f, &l->jump);
}

static void tell_log(struct scan *s)
{
	struct log *l = &s->log;
	bool far = l->back_ns >= BACK_WARNING_NS;
	const char *path = l->path ? l->path : "a log";
	struct finding *f;

	tell_jump(s);
	if (l->back.count) {
		f = finding_add(s->out, "time-backwards", far ? FINDING_WARNING : FINDING_NOTE, l->run);
		finding_message(f, "%lld time%s a line of %s is earlier than the line before, by up to %.6f s",
		                (long long)l->back.count, l->back.count == 1 ? "" : "s", path,
		                (double)l->back_ns / 1e9);
		finding_cause(f, "%s",
		              far ? "the clock was set back, or two processes write one file"
		                  : "threads that write at the same time");
		show(f, &l->back);
	}
	if (l->timeless.count) {
		f = finding_add(s->out, "no-time", FINDING_NOTE, l->run);
		finding_message(f, "%lld record%s of %s have no time that is understood", (long long)l->timeless.count,
		                l->timeless.count == 1 ? "" : "s", path);
		finding_cause(f, "they stand at the time of the record before; load --time names a key");
		show(f, &l->timeless);
	}
	if (l->foreign.count) {
		f = finding_add(s->out, "foreign-span-lines", FINDING_NOTE, l->run);
		finding_message(f, "%lld span lines of %s are of another worker and are not counted",
		                (long long)l->foreign.count, path);
		finding_cause(f, "every worker of a simulated cluster writes all span lines");
		show(f, &l->foreign);
	}
	if (l->hole.count) {
		f = finding_add(s->out, "sequence-gap", FINDING_WARNING, l->run);
		finding_message(f, "%s lacks lines: its sequence numbers leave some out, %lld time(s)", path,
		                (long long)l->hole.count);
		finding_cause(f, "lines were lost between the process and this file");
		show(f, &l->hole);
	}
	if (l->lost.count) {
		f = finding_add(s->out, "records-lost", FINDING_WARNING, l->run);
		finding_message(f, "the process of %s could not write some of its lines, %lld times", path,
		                (long long)l->lost.count);
		finding_cause(f, "the log says so: a full ring or disk");
		show(f, &l->lost);
	}
}

static void tell_secrets(struct scan *s)
{
	struct finding *f;

	if (s->environment.count) {
		f = finding_add(s->out, "environment", FINDING_NOTE, s->environment_run);
		finding_message(f, "a process's environment is dumped, %lld time%s", (long long)s->environment.count,
		                s->environment.count == 1 ? "" : "s");
		finding_cause(f, "whatever secret is in it stands in the log");
		show(f, &s->environment);
	}
	if (s->secret.count) {
		f = finding_add(s->out, "secret", FINDING_WARNING, s->environment_run);
		finding_message(f, "a field looks like a secret, %lld time%s: %s", (long long)s->secret.count,
		                s->secret.count == 1 ? "" : "s", s->secret_name);
		finding_cause(f, "its value stands in the log");
		show(f, &s->secret);
	}
}

/* ---- spans that were never closed ---- */

static bool completed(sqlite3_stmt *st, int64_t run, struct slice tid)
{
	bool yes;

	sqlite3_bind_int64(st, 1, run);
	bind_slice(st, 2, tid);
	yes = sqlite3_step(st) == SQLITE_ROW;
	sqlite3_reset(st);
	return yes;
}

static int tell_open_spans(struct scan *s, int64_t run, struct slice tid)
{
	struct span_query q = {.tid = tid, .run = run, .open_only = true};
	struct finding *f = NULL;
	struct span_reader *r;
	struct span_row row;
	int rc = span_reader_open(s->store, &q, &r);

	while (!rc && (rc = span_reader_next(r, &row)) == 1) {
		rc = 0;
		if (!f) {
			f = finding_add(s->out, "span-never-closed", FINDING_WARNING, run);
			finding_tid(f, tid);
			finding_cause(f, "%.*s", (int)row.name.len, row.name.ptr ? row.name.ptr : "");
		}
		f->count++;
		if (f->count <= EXAMPLES)
			finding_evidence(f, row.id, "opened here");
	}
	if (!rc && f)
		finding_message(f, "a completed transaction left %lld span%s open", (long long)f->count,
		                f->count == 1 ? "" : "s");
	span_reader_close(r);
	return rc;
}

static int tell_balance(struct scan *s)
{
	sqlite3_stmt *st;
	int rc = 0;

	if (!s->opens || !s->closes)
		return 0;
	rc = sql_prepare(store_db(s->store),
	                 "SELECT 1 FROM invocation WHERE run = ? AND tid = ? AND end_ns IS NOT NULL", &st);
	for (uint32_t i = 0; !rc && i < s->tids.n; i++) {
		struct slice key = s->tids.text[i], tid = {key.ptr + 8, key.len - 8};

		if (s->balance[i].opened > s->balance[i].closed && completed(st, s->balance[i].run, tid))
			rc = tell_open_spans(s, s->balance[i].run, tid);
	}
	sqlite3_finalize(st);
	return rc;
}

/* The next log: what the table says of its source. 0 or a negative errno. */
static int log_begin(struct scan *s, const struct event *e)
{
	struct log *l = &s->log;
	sqlite3_stmt *st;
	int rc;

	free(l->path);
	*l = (struct log){.run = e->run, .source = e->source, .last_ns = INT64_MIN, .pid = -1};
	if ((rc = sql_prepare(store_db(s->store), "SELECT path, kind = 'ilulog' FROM source WHERE id = ?", &st)))
		return rc;
	sqlite3_bind_int64(st, 1, e->source);
	if ((rc = sql_next(st)) == 1) {
		const char *path = (const char *)sqlite3_column_text(st, 0);

		l->path = path ? strdup(path) : NULL;
		l->is_ours = sqlite3_column_int(st, 1);
		rc = l->path ? 0 : -ENOMEM;
	}
	sqlite3_finalize(st);
	return rc;
}

int lint_lines(struct store *store, int64_t run, struct findings *out)
{
	struct scan s = {.store = store, .out = out};
	struct event_query q = {.run = run};
	struct event_cursor *c;
	const struct event *e;
	int rc = event_cursor_open(store, &q, &c);

	if (rc)
		return rc;
	intern_init(&s.tids);
	while ((rc = event_cursor_next(c, &e)) == 1) {
		if (e->source != s.log.source) {
			tell_log(&s);
			if ((rc = log_begin(&s, e)))
				break;
		}
		if ((rc = take(&s, e)) || (rc = event_error(e)))
			break;
	}
	event_cursor_close(c);
	if (!rc) {
		tell_log(&s);
		tell_secrets(&s);
		rc = tell_balance(&s);
	}
	free(s.log.path);
	intern_done(&s.tids);
	free(s.balance);
	free(s.head_kind);
	return rc;
}
