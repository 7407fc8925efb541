/* SPDX-License-Identifier: GPL-3.0-or-later */
/* storms.c - cycles of messages that a transaction repeats without progress.
 *
 * A livelock fails at nothing: each round is as fine as the one before, and only their number is wrong. The lines of a
 * transaction in one log are cut into rounds at the first message that recurs since the last progress message (the
 * rules name those); rounds of the same set of messages are one cycle, however often a message stands in them. A cycle
 * of a thousand rounds is a storm. Only transactions with that many lines are looked at, which in a calm log are none
 * but the background's. */
#include "findings/finding.h"
#include "findings/reads.h"
#include "base/array.h"
#include "base/intern.h"
#include "base/sql.h"
#include "model/rules_kept.h"
#include "base/hash.h"
#include "render/number.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define ROUND_MAX    128 /* distinct messages in a round */
#define CYCLES       16  /* kinds of rounds that are told apart at a time */
#define SAMPLE       48  /* lines of one round, as evidence */
#define SHAPES_KNOWN (1u << 24)

struct cycle {
	uint64_t signature;
	uint64_t set[ROUND_MAX]; /* its messages */
	int nset;
	int64_t rounds, lines, first_ns, last_ns;
	int64_t sample[SAMPLE]; /* the lines of its first round */
	int nsample;
};

/* What is known of a shape whose message is part of it, or of a tail with the name of a span. */
struct head {
	uint64_t key; /* 0: nothing yet */
	bool progress;
};

struct watch {
	struct store *store;
	const struct rules *rules;
	int64_t run;
	/* since the last progress */
	uint64_t seen[ROUND_MAX]; /* before there is an anchor: all; then: those of this round */
	int nseen;
	uint64_t anchor; /* message that begins a round; 0: none yet */
	int64_t round_ns, round_lines, last_ns;
	int64_t sample[SAMPLE];
	int nsample;
	struct cycle cycle[CYCLES];
	int ncycles;
	/* the worst of this transaction in this log */
	struct cycle worst;
	int64_t others;     /* rounds of its other storms */
	int64_t ended_by;   /* event that ended the worst; 0: the log */
	struct head *heads; /* by shape id */
	uint32_t nheads;
};

/* ---- what a line is, for comparing rounds ---- */

/* Interpolated messages are the same up to their first value. */
static struct slice fixed_part(struct slice m)
{
	size_t n = 0;

	while (n < m.len && !memchr("0123456789:=\"\\([{", m.ptr[n], 17) &&
	       !(m.ptr[n] == '\'' && n && m.ptr[n - 1] == ' '))
		n++;
	return (struct slice){m.ptr, n};
}

static uint64_t key_of_message(const struct shape *head, struct slice message)
{
	struct slice fixed = fixed_part(message);
	uint64_t h = hash_bytes(head->target.ptr, head->target.len, 21);

	return hash_bytes(fixed.ptr, fixed.len, h) | 1;
}

static struct head head_of(const struct watch *w, const struct shape *head, struct slice message)
{
	return (struct head){key_of_message(head, message), !head->span_line && rules_is_progress(w->rules, message)};
}

static struct head known_head(struct watch *w, const struct event *e)
{
	const struct shape *head = e->head;

	if (head->message_slot >= 0 || !head->id || head->id > SHAPES_KNOWN)
		return head_of(w, head, event_message(e));
	if (array_reserve_zeroed(w->heads, w->nheads, head->id + 1))
		return head_of(w, head, head->message);
	if (!w->heads[head->id].key)
		w->heads[head->id] = head_of(w, head, head->message);
	return w->heads[head->id];
}

/* The name of a span is part of the tail's shape. */
static uint64_t span_key(struct watch *w, const struct shape *tail)
{
	uint64_t key = hash_bytes(tail->span_name.ptr, tail->span_name.len, 23) << 1;

	if (tail->id && tail->id <= SHAPES_KNOWN && !array_reserve_zeroed(w->heads, w->nheads, tail->id + 1))
		w->heads[tail->id].key = key;
	return key;
}

static uint64_t key_of(struct watch *w, uint64_t key, const struct event *e)
{
	const struct shape *tail = e->tail;

	if (!e->head->span_line || !tail || !tail->span_name.ptr)
		return key;
	return key ^ (tail->id < w->nheads && w->heads[tail->id].key ? w->heads[tail->id].key : span_key(w, tail));
}

/* ---- rounds ---- */

static bool seen(const struct watch *w, uint64_t key)
{
	for (int i = 0; i < w->nseen; i++)
		if (w->seen[i] == key)
			return true;
	return false;
}

/* Before there was an anchor, all lines since the progress were kept: those before it are no part of the round. */
static void from_anchor(struct watch *w, uint64_t key)
{
	int i = 0;

	while (i < w->nseen && w->seen[i] != key)
		i++;
	memmove(w->seen, w->seen + i, (size_t)(w->nseen - i) * sizeof *w->seen);
	w->nseen -= i;
	w->round_lines -= i;
	if (i < w->nsample) {
		memmove(w->sample, w->sample + i, (size_t)(w->nsample - i) * sizeof *w->sample);
		w->nsample -= i;
	}
}

static void begin_round(struct watch *w, uint64_t key, const struct event *e)
{
	w->seen[0] = key;
	w->nseen = 1;
	w->round_ns = e->time_ns;
	w->round_lines = w->nsample = 0;
}

static uint64_t signature_of(const struct watch *w)
{
	uint64_t signature = 0;

	for (int i = 0; i < w->nseen; i++)
		signature += w->seen[i] * 0x9E3779B97F4A7C15u ^ w->seen[i] >> 29;
	return signature;
}

static struct cycle *find_cycle(struct watch *w, uint64_t signature)
{
	for (int i = 0; i < w->ncycles; i++)
		if (w->cycle[i].signature == signature)
			return &w->cycle[i];
	return NULL;
}

/* A round is over: it counts for the cycle with its set of messages. */
static void end_round(struct watch *w)
{
	uint64_t signature = signature_of(w);
	struct cycle *c = find_cycle(w, signature);

	if (!c) {
		c = w->ncycles < CYCLES ? &w->cycle[w->ncycles++] : &w->cycle[0];
		for (int i = 0; w->ncycles == CYCLES && i < CYCLES; i++)
			if (w->cycle[i].rounds < c->rounds)
				c = &w->cycle[i];
		*c = (struct cycle){
		    .signature = signature, .first_ns = w->round_ns, .nsample = w->nsample, .nset = w->nseen};
		memcpy(c->sample, w->sample, sizeof c->sample);
		memcpy(c->set, w->seen, (size_t)w->nseen * sizeof *c->set);
	}
	c->rounds++;
	c->lines += w->round_lines;
	c->last_ns = w->last_ns;
}

static bool has_all_of(const struct cycle *c, const struct cycle *of)
{
	for (int i = 0; i < of->nset; i++) {
		int k = 0;

		while (k < c->nset && c->set[k] != of->set[i])
			k++;
		if (k == c->nset)
			return false;
	}
	return true;
}

/* A few rounds in which something more happened are rounds of the same cycle. */
static void join_variants(struct watch *w, struct cycle *main)
{
	for (int i = 0; i < w->ncycles; i++) {
		struct cycle *c = &w->cycle[i];

		if (c == main || c->rounds * 10 > main->rounds || !has_all_of(c, main))
			continue;
		main->rounds += c->rounds;
		main->lines += c->lines;
		main->first_ns = c->first_ns < main->first_ns ? c->first_ns : main->first_ns;
		main->last_ns = c->last_ns > main->last_ns ? c->last_ns : main->last_ns;
		c->rounds = 0;
	}
}

/* The round that was under way counts when it was like the others as far as it came, and came half-way. */
static void count_last_round(struct watch *w)
{
	struct cycle last = {.nset = w->nseen}, *most = NULL;

	if (!w->anchor)
		return;
	memcpy(last.set, w->seen, (size_t)w->nseen * sizeof *last.set);
	for (int i = 0; i < w->ncycles; i++) {
		struct cycle *c = &w->cycle[i];

		if (w->nseen * 2 >= c->nset && has_all_of(c, &last) && (!most || c->rounds > most->rounds))
			most = c;
	}
	if (most) {
		most->rounds++;
		most->lines += w->round_lines;
		most->last_ns = w->last_ns;
	}
}

/* Progress, or the end of the log: what has been counted stands. */
static void end_rounds(struct watch *w, int64_t ended_by)
{
	count_last_round(w);
	for (int i = 0; i < w->ncycles; i++) {
		struct cycle *c = &w->cycle[i];

		if (c->rounds + CYCLES * 10 < STORM_ROUNDS)
			continue;
		join_variants(w, c);
		if (c->rounds < STORM_ROUNDS)
			continue;
		if (c->rounds > w->worst.rounds) {
			w->others += w->worst.rounds;
			w->worst = *c;
			w->ended_by = ended_by;
		} else {
			w->others += c->rounds;
		}
	}
	w->ncycles = w->nseen = w->nsample = 0;
	w->round_lines = 0;
	w->anchor = 0;
}

static void take_line(struct watch *w, const struct event *e)
{
	struct head head = known_head(w, e);
	uint64_t key = key_of(w, head.key, e);
	bool again;

	if (head.progress) {
		end_rounds(w, e->id);
		return;
	}
	again = w->anchor ? key == w->anchor : seen(w, key);
	if (again) {
		/* The first recurrence makes the anchor, and a round of what came since it stood there first. */
		if (!w->anchor)
			from_anchor(w, key);
		end_round(w);
		w->anchor = key;
		begin_round(w, key, e);
	} else if (!seen(w, key)) {
		if (w->nseen == ROUND_MAX) {
			w->nseen = w->nsample = 0;
			w->round_lines = 0;
			w->anchor = 0;
		}
		if (!w->nseen)
			w->round_ns = e->time_ns;
		w->seen[w->nseen++] = key;
	}
	w->last_ns = e->time_ns;
	w->round_lines++;
	if (w->nsample < SAMPLE)
		w->sample[w->nsample++] = e->id;
}

/* ---- findings ---- */

/* The messages of a round, each once, joined; and the bytes of its lines. */
static int describe_round(struct store *s, const struct cycle *c, struct finding *f, int64_t *bytes)
{
	char text[512];
	size_t n = 0;
	int more = 0;

	*bytes = 0;
	text[0] = '\0';
	for (int i = 0; i < c->nsample; i++) {
		const struct event *e;
		struct slice line, m;
		int rc = event_get(s, c->sample[i], &e);

		if (rc == 1)
			rc = event_line(e, &line);
		else if (!rc)
			continue;
		if (rc)
			return rc;
		*bytes += (int64_t)line.len + 1;
		if (e->head->span_line)
			continue;
		m = fixed_part(event_message(e));
		if (event_error(e))
			return event_error(e);
		if (!m.len || memmem(text, n, m.ptr, m.len))
			continue;
		if (n + m.len + 6 > sizeof text) {
			more++;
			continue;
		}
		n += (size_t)snprintf(text + n, sizeof text - n, "%s%.*s", n ? " > " : "", (int)m.len, m.ptr);
	}
	if (more)
		finding_cause(f, "%s > %d more", text, more);
	else
		finding_cause(f, "%s", text);
	return 0;
}

static int size_of_run(struct store *s, int64_t run, int64_t *lines, int64_t *bytes)
{
	sqlite3_stmt *st;
	int rc = sql_prepare(store_db(s), "SELECT sum(lines), sum(bytes) FROM source WHERE run = ?", &st);

	if (rc)
		return rc;
	sqlite3_bind_int64(st, 1, run);
	rc = sql_next(st);
	if (rc == 1) {
		*lines = sqlite3_column_int64(st, 0);
		*bytes = sqlite3_column_int64(st, 1);
	}
	sqlite3_finalize(st);
	return rc < 0 ? rc : 0;
}

static int say_end(struct watch *w, struct finding *f)
{
	const struct event *e;
	struct slice m;
	int rc = w->ended_by ? event_get(w->store, w->ended_by, &e) : 0;

	if (!rc)
		finding_detail(f, "ended_by", "the end of the log");
	if (rc <= 0)
		return rc;
	m = event_message(e);
	if (event_error(e))
		return event_error(e);
	finding_detail(f, "ended_by", "%.*s", (int)m.len, m.ptr ? m.ptr : "");
	finding_evidence(f, w->ended_by, "what ended it");
	return 0;
}

static int add_storm(struct watch *w, struct slice tid, struct findings *out)
{
	const struct cycle *c = &w->worst;
	struct finding *f = finding_add(out, "storm", FINDING_ERROR, w->run);
	int64_t all_bytes = 0, bytes, all = 0;
	int rc = size_of_run(w->store, w->run, &all, &all_bytes);

	finding_tid(f, tid);
	if (!rc)
		rc = describe_round(w->store, c, f, &bytes);
	if (rc)
		return rc;
	/* A round longer than the sample is as long as its lines on average. */
	bytes = c->nsample ? (int64_t)((double)bytes / c->nsample * (double)c->lines) : 0;
	f->count = c->rounds;
	f->first_ns = c->first_ns;
	f->last_ns = c->last_ns;
	finding_message(f, "%s rounds without progress in %s: %s lines, %.1f %% of the run's%s%s%s",
	                number_count_text(c->rounds).text, number_duration_text(c->last_ns - c->first_ns, "µ").text,
	                number_count_text(c->lines).text, all ? 100.0 * (double)c->lines / (double)all : 0,
	                w->others ? "; and " : "", w->others ? number_count_text(w->others).text : "",
	                w->others ? " rounds of other cycles" : "");
	finding_detail(f, "lines", "%lld", (long long)c->lines);
	if (all)
		finding_detail(f, "share_of_lines", "%.4f", (double)c->lines / (double)all);
	if (all_bytes)
		finding_detail(f, "share_of_bytes", "%.4f", (double)bytes / (double)all_bytes);
	for (int i = 0; i < c->nsample; i++)
		finding_evidence(f, c->sample[i], i ? NULL : "a round of it");
	return say_end(w, f);
}

static int finish_log(struct watch *w, struct slice tid, struct findings *out)
{
	int rc = 0;

	end_rounds(w, 0);
	if (w->worst.rounds)
		rc = add_storm(w, tid, out);
	w->worst = (struct cycle){0};
	w->others = 0;
	return rc;
}

/* The lines of a transaction, log by log: a cycle is in one of them. */
static int watch_source(struct watch *w, struct slice tid, int64_t run, int64_t source, struct findings *out)
{
	struct event_query q = {.tid = tid, .run = run, .source = source};
	struct event_cursor *c;
	const struct event *e;
	int rc = event_cursor_open(w->store, &q, &c);

	if (rc)
		return rc;
	w->run = run;
	while ((rc = event_cursor_next(c, &e)) == 1) {
		if (!e->foreign)
			take_line(w, e);
		if ((rc = event_error(e)))
			break;
	}
	event_cursor_close(c);
	return rc ? rc : finish_log(w, tid, out);
}

static int watch_tid(struct watch *w, struct slice tid, int64_t run, struct findings *out)
{
	sqlite3_stmt *st;
	int rc = sql_prepare(
	        store_db(w->store),
	        "SELECT run, id FROM source WHERE ok + repaired >= ?2 AND (?1 = 0 OR run = ?1) ORDER BY id", &st),
	    step = SQLITE_DONE;

	if (rc)
		return rc;
	sqlite3_bind_int64(st, 1, run);
	sqlite3_bind_int64(st, 2, STORM_ROUNDS);
	while (!rc && (step = sqlite3_step(st)) == SQLITE_ROW)
		rc = watch_source(w, tid, sqlite3_column_int64(st, 0), sqlite3_column_int64(st, 1), out);
	sqlite3_finalize(st);
	return rc ? rc : sql_errno(step);
}

static int compare_storms(const void *pa, const void *pb)
{
	const struct finding *a = pa, *b = pb;

	return (a->count < b->count) - (a->count > b->count);
}

static int watch_all(struct store *s, int64_t run, struct findings *out)
{
	struct watch *w = calloc(1, sizeof *w);
	sqlite3_stmt *st = NULL;
	struct rules *rules = NULL;
	size_t before = out->n;
	char *why = NULL;
	int rc = w ? rules_of_database(store_db(s), &rules, &why) : -ENOMEM, step = SQLITE_DONE;

	if (!rc)
		rc = sql_prepare(store_db(s), "SELECT tid FROM place WHERE events >= ?", &st);
	if (!rc) {
		w->store = s;
		w->rules = rules;
		sqlite3_bind_int64(st, 1, STORM_ROUNDS);
	}
	while (!rc && (step = sqlite3_step(st)) == SQLITE_ROW) {
		struct slice tid = column_slice(st, 0);

		if (!rules_is_background(rules, tid))
			rc = watch_tid(w, tid, run, out);
	}
	sqlite3_finalize(st);
	if (!rc)
		rc = sql_errno(step);
	if (out->n > before)
		qsort(out->v + before, out->n - before, sizeof *out->v, compare_storms);
	if (w)
		free(w->heads);
	free(w);
	free(why);
	rules_free(rules);
	return rc ? rc : out->rc;
}

int find_storms(struct store *s, int64_t run, struct findings *out)
{
	bool kept;
	int rc = findings_kept(s, "storms", run, out, &kept);

	return rc || kept ? rc : watch_all(s, run, out);
}
