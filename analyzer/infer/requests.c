/* SPDX-License-Identifier: GPL-3.0-or-later */
/* requests.c - see requests.h */
#include "infer/requests.h"
#include <errno.h>
#include <stdlib.h>

/* Lines of one instant have no order, so "first" and "last" are those of the first and the last instant. */

#define SURE  95 /* in 100: begins with it, of those that have it */
#define ENDS  80 /* in 100: ends with it, of those that have it */
#define ENDED 30 /* in 100 must have ended */
#define NEAR  60 /* in 100: is at the end, of those that close */
#define LARGE 20 /* in 100 of the largest kind: smaller ones are set-up and care */

#define ONCE   40 /* in 100: of its lines whose message it has once */
#define SHORT  20 /* so many of what repeats itself fit into the log, at least, ... */
#define FANOUT 8  /* ... and it does so many things at once, at most */

#define SET_UP    50         /* so many at once are requests also where the log begins, ... */
#define SET_UP_NS 5000000000 /* ... and what takes longer to begin, ... */
#define PAUSE     10         /* ... or has pauses of so many times its length */

#define EDGE_PART 20      /* so much of a transaction's length from its first or last line is the edge, ... */
#define EDGE_NS   1000000 /* ... and no more than that */

#define SKEW_NS    10000000 /* clocks of hosts differ by so much */
#define SKEW_LINES 16       /* with so many lines in it, at most */
#define MOSTLY     60       /* in 100: begins with it by the clocks as they are, ... */
#define SOME       10       /* ... or ends with it */
#define BY_CLOCKS  100      /* all: clocks as they are */

struct tally {
	uint32_t contains, edge, literal; /* transactions that have it; once, at the edge; as the outermost such line */
	uint32_t near;                    /* once, at the edge but for lines of other files */
	uint32_t taken;                   /* that have it and are of a kind that was found before */
};

struct finding {
	const struct sample *s;
	struct requests *r;
	struct tally *tally; /* by key */
	struct tally *begin; /* by key: of beginnings, kept while another is looked at */
	uint32_t *seen;      /* by key: lines in the transaction at hand */
	bool *refused;       /* by key */
	bool *tried;         /* by key: a kind's requests were said to begin with it, once */
	bool failed;         /* no memory, somewhere */
};

static int64_t later(const struct sample_line *l, int64_t ns)
{
	return l->time_ns < ns ? ns - l->time_ns : l->time_ns - ns;
}

/* Whether all that stands before a line in its transaction is of other files, and so little earlier that their clocks
 * may be ahead. */
static bool is_first_of_its_own(const struct sample *s, uint32_t from, uint32_t line)
{
	if (line - from > SKEW_LINES || s->line[line].time_ns - s->line[from].time_ns > SKEW_NS)
		return false;
	for (uint32_t i = from; i < line; i++)
		if (s->line[i].source == s->line[line].source)
			return false;
	return true;
}

/* Whether it is of the file that the request begins in, and all that stands behind it is of others, and so little later
 * that their clocks may be ahead: who was asked has the answer. */
static bool is_last_of_caller(const struct sample *s, int64_t source, uint32_t line, uint32_t to)
{
	if (s->line[line].source != source || to - 1 - line > SKEW_LINES ||
	    s->line[to - 1].time_ns - s->line[line].time_ns > SKEW_NS)
		return false;
	for (uint32_t i = line + 1; i < to; i++)
		if (s->line[i].source == source)
			return false;
	return true;
}

static bool is_skewed_edge(const struct finding *f, uint32_t tid, uint32_t line, bool at_end)
{
	const struct sample *s = f->s;

	return at_end ? is_last_of_caller(s, s->line[f->r->of[tid].start_line].source, line, s->first[tid + 1])
	              : is_first_of_its_own(s, s->first[tid], line);
}

/* Adds one transaction to the tallies, looking at its beginning or its end; open: it counts at the edge, too. */
static void tally_one(struct finding *f, uint32_t tid, bool at_end, bool open)
{
	const struct sample *s = f->s;
	uint32_t from = s->first[tid], to = s->first[tid + 1], outermost = SAMPLE_NONE;

	if (to - from < 2)
		return;
	int64_t edge = s->line[at_end ? to - 1 : from].time_ns;
	int64_t near = (s->line[to - 1].time_ns - s->line[from].time_ns) / EDGE_PART;

	near = near < EDGE_NS ? near : EDGE_NS;
	for (uint32_t i = from; i < to; i++)
		f->seen[s->line[i].key]++;
	for (uint32_t i = from; i < to; i++) {
		uint32_t key = s->line[i].key;

		if (f->seen[key] == 1 && !s->key[key].enters && (at_end || outermost == SAMPLE_NONE))
			outermost = key;
		if (f->seen[key] != 1 || !open)
			continue;
		f->tally[key].edge += later(&s->line[i], edge) <= near;
		f->tally[key].near += later(&s->line[i], edge) <= near || is_skewed_edge(f, tid, i, at_end);
	}
	for (uint32_t i = from; i < to; i++) {
		f->tally[s->line[i].key].contains += f->seen[s->line[i].key] != 0;
		f->tally[s->line[i].key].taken += !open && !at_end && f->seen[s->line[i].key] != 0;
		f->seen[s->line[i].key] = 0;
	}
	if (outermost != SAMPLE_NONE && open)
		f->tally[outermost].literal++;
}

/* Whether at least so many in 100 of a message's transactions have it at the edge; where `clocked` in 100 have: but for
 * what stands outside because clocks differ. What comes through a proxy, and is known by that, does not count, as long
 * as more come without. */
static bool is_at_edge(const struct tally *t, unsigned percent, unsigned clocked)
{
	uint32_t all = t->taken < t->edge ? t->contains - t->taken : t->contains;
	uint32_t n = (uint64_t)t->edge * 100 >= (uint64_t)all * clocked ? t->near : t->edge;

	return t->edge && (uint64_t)n * 100 >= (uint64_t)all * percent;
}

/* The message that most transactions stand at the edge with, and that at least so many in 100 of those have there. */
static uint32_t best_key(const struct finding *f, unsigned percent, uint32_t not, unsigned clocked)
{
	uint32_t best = SAMPLE_NONE;

	for (uint32_t k = 0; k < f->s->nkeys; k++) {
		const struct tally *t = &f->tally[k], *b = best == SAMPLE_NONE ? NULL : &f->tally[best];

		if (k == not || f->refused[k] || f->s->key[k].enters || !f->s->key[k].text.len ||
		    !is_at_edge(t, percent, clocked))
			continue;
		/* many that are nearly as many: the one that stands outermost */
		if (!b || (uint64_t)t->edge * 100 > (uint64_t)b->edge * 105 ||
		    ((uint64_t)t->edge * 105 >= (uint64_t)b->edge * 100 && t->literal > b->literal))
			best = k;
	}
	return best;
}

/* ---- ends ---- */

/* The last line of a transaction that is no span's, or the last of those in the log that the request begins in; not
 * there: SAMPLE_NONE. */
static uint32_t last_record(const struct finding *f, uint32_t tid, bool callers)
{
	const struct sample *s = f->s;
	uint32_t start = f->r->of[tid].start_line;

	for (uint32_t i = s->first[tid + 1]; i-- > start + 1;)
		if (!s->key[s->line[i].key].span_line && (!callers || s->line[i].source == s->line[start].source))
			return i;
	return SAMPLE_NONE;
}

/* The message that most of those that close are done with, before or after; SAMPLE_NONE: they differ. callers: only
 * those that are closed in another log than they begin in. n: how many close. */
static uint32_t last_message(struct finding *f, unsigned kind, uint32_t close, bool callers, uint32_t *n)
{
	const struct sample *s = f->s;
	uint32_t best = SAMPLE_NONE, line = 0, last;

	*n = 0;
	memset(f->tally, 0, s->nkeys * sizeof *f->tally);
	for (uint32_t t = 0; t < s->tids.n; t++) {
		const struct request *r = &f->r->of[t];

		if (r->kind != (int)kind || !lines_of_key(s, t, close, &line))
			continue;
		++*n;
		last = callers && s->line[line].source == s->line[r->start_line].source ? SAMPLE_NONE
		                                                                        : last_record(f, t, callers);
		if (last != SAMPLE_NONE)
			f->tally[s->line[last].key].edge++;
	}
	for (uint32_t k = 0; k < s->nkeys; k++)
		if (s->key[k].text.len && k != f->r->kind[kind].start &&
		    (best == SAMPLE_NONE || f->tally[k].edge > f->tally[best].edge))
			best = k;
	return best == SAMPLE_NONE || f->tally[best].edge * 100 < *n * ENDS ? SAMPLE_NONE : best;
}

/* Whether the message comes once, and mostly when the request closes. */
static bool is_near_close(const struct finding *f, unsigned kind, uint32_t close, uint32_t key, uint32_t n)
{
	const struct sample *s = f->s;
	uint32_t near = 0, line = 0, end = 0;

	for (uint32_t t = 0; t < s->tids.n; t++) {
		if (f->r->of[t].kind != (int)kind || !lines_of_key(s, t, close, &end) ||
		    lines_of_key(s, t, key, &line) != 1)
			continue;
		int64_t after = s->line[end].time_ns - s->line[line].time_ns;

		near += after * 100 <= s->line[end].time_ns - s->line[s->first[t]].time_ns || after <= EDGE_NS;
	}
	return near * 100 >= n * NEAR;
}

/* A span may be held for longer than the request lasts: the last line that is no span's, where it is mostly near its
 * end; else the last of the log that the request begins in, where others go on in theirs: who asked has the answer. */
static uint32_t record_before(struct finding *f, unsigned kind, uint32_t close)
{
	for (int callers = 0; callers < 2; callers++) {
		uint32_t n, key = last_message(f, kind, close, callers, &n);

		if (key != SAMPLE_NONE && is_near_close(f, kind, close, key, n))
			return key;
	}
	return close;
}

/* A span closes behind the end of nearly all that close: what closes without has failed. */
static void note_close(struct finding *f, unsigned kind, uint32_t close, uint32_t end)
{
	uint32_t closed = 0, ended = 0, line;

	for (uint32_t t = 0; t < f->s->tids.n; t++)
		if (f->r->of[t].kind == (int)kind && lines_of_key(f->s, t, close, &line)) {
			closed++;
			ended += lines_of_key(f->s, t, end, &line) > 0;
		}
	if (ended * 100 >= closed * SURE)
		f->r->kind[kind].answered = close;
}

/* How a kind's requests end: those that have no end yet are looked at again, until no message is one that they end
 * with. */
static void find_ends(struct finding *f, unsigned kind)
{
	struct request_kind *k = &f->r->kind[kind];
	const struct sample *s = f->s;

	memset(f->refused, 0, s->nkeys * sizeof *f->refused);
	k->nends = 0;
	while (k->nends < ENDS_MAX) {
		uint32_t least = k->requests / 50 > 3 ? k->requests / 50 : 3, key, line = 0, n = 0;
		uint32_t close = SAMPLE_NONE;

		memset(f->tally, 0, s->nkeys * sizeof *f->tally);
		for (uint32_t t = 0; t < s->tids.n; t++)
			if (f->r->of[t].kind == (int)kind)
				tally_one(f, t, true, f->r->of[t].end < 0);
		key = best_key(f, ENDS, k->start, BY_CLOCKS);
		if (key == SAMPLE_NONE)
			key = best_key(f, ENDS, k->start, SOME);
		if (key == SAMPLE_NONE)
			return;
		if (s->key[key].span_line && !f->refused[key]) {
			close = key;
			f->refused[close] = true;
			key = record_before(f, kind, close);
		}
		for (uint32_t t = 0; t < s->tids.n; t++) {
			struct request *r = &f->r->of[t];

			if (r->kind == (int)kind && r->end < 0 && lines_of_key(s, t, key, &line) &&
			    line > r->start_line) {
				r->end = (int)k->nends;
				r->end_line = line;
				n++;
			}
		}
		f->refused[key] = true;
		if (n < least) {
			for (uint32_t t = 0; t < s->tids.n; t++)
				if (f->r->of[t].kind == (int)kind && f->r->of[t].end == (int)k->nends)
					f->r->of[t].end = -1;
			if (f->tally[key].edge < least)
				return;
			continue;
		}
		k->end[k->nends++] = (struct request_end){key, n};
		if (close != SAMPLE_NONE && close != key)
			note_close(f, kind, close, key);
	}
}

/* ---- is it one? ---- */

static int compare_ns(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

/* Lines whose message the transaction has once, in 100, not counting enter and exit. */
static int64_t once_percent(const struct finding *f, uint32_t tid)
{
	const struct sample *s = f->s;
	uint32_t once = 0, all = 0;

	for (uint32_t i = s->first[tid]; i < s->first[tid + 1]; i++)
		f->seen[s->line[i].key]++;
	for (uint32_t i = s->first[tid]; i < s->first[tid + 1]; i++)
		if (!s->key[s->line[i].key].enters) {
			all++;
			once += f->seen[s->line[i].key] == 1;
		}
	for (uint32_t i = s->first[tid]; i < s->first[tid + 1]; i++)
		f->seen[s->line[i].key] = 0;
	return all ? once * 100 / all : 0;
}

/* ---- or a session? ---- */

/* What a transaction repeats: how many messages, and the most often repeated one how often; enter and exit do not
 * count. */
struct repeats {
	int64_t messages, most;
};

static struct repeats repeats_of(const struct finding *f, uint32_t tid)
{
	const struct sample *s = f->s;
	struct repeats r = {0, 1};

	for (uint32_t i = s->first[tid]; i < s->first[tid + 1]; i++)
		f->seen[s->line[i].key] += !s->key[s->line[i].key].enters;
	for (uint32_t i = s->first[tid]; i < s->first[tid + 1]; i++) {
		uint32_t n = f->seen[s->line[i].key];

		r.messages += n > 1;
		r.most = n > r.most ? n : r.most;
		f->seen[s->line[i].key] = 0;
	}
	return r;
}

static bool is_edge(const struct request_kind *k, uint32_t key)
{
	bool end = false;

	for (unsigned i = 0; i < k->nends; i++)
		end |= k->end[i].key == key;
	return end || key == k->start;
}

/* Adds the messages that a transaction has once; amid: between lines of a message that it repeats. */
static void tally_milestones(struct finding *f, uint32_t tid, bool amid)
{
	const struct sample *s = f->s;
	uint32_t from = s->first[tid], to = s->first[tid + 1], i, line;

	for (i = from; i < to; i++)
		f->seen[s->line[i].key]++;
	while (amid && from < to && f->seen[s->line[from].key] == 1)
		from++;
	while (amid && from < to && f->seen[s->line[to - 1].key] == 1)
		to--;
	for (i = from; i < to; i++)
		f->tally[s->line[i].key].contains += lines_of_key(s, tid, s->line[i].key, &line) == 1;
	for (i = s->first[tid]; i < s->first[tid + 1]; i++)
		f->seen[s->line[i].key] = 0;
}

/* Whether there is a message that most of those that ended have once, between their beginning and their end; amid:
 * not right behind the one (a greeting) or right before the other, but between lines that they repeat. */
static bool has_milestone(struct finding *f, unsigned kind, bool amid)
{
	const struct sample *s = f->s;
	const struct request_kind *k = &f->r->kind[kind];
	uint32_t ended = k->requests - k->unfinished;

	memset(f->tally, 0, s->nkeys * sizeof *f->tally);
	for (uint32_t t = 0; t < s->tids.n; t++)
		if (f->r->of[t].kind == (int)kind && f->r->of[t].end >= 0)
			tally_milestones(f, t, amid);
	for (uint32_t key = 0; key < s->nkeys; key++)
		if ((uint64_t)f->tally[key].contains * 100 >= (uint64_t)ended * ENDS && !is_edge(k, key) &&
		    !s->key[key].enters)
			return true;
	return false;
}

/* What mostly repeats itself is a request all the same where it is short and gets on: it reports how far it is with one
 * message (a stream), or does a few things of one kind at once (a fan-out). A connection goes on with anything for as
 * long as it lives. */
static bool gets_on(struct finding *f, unsigned kind, struct repeats median)
{
	const struct request_kind *k = &f->r->kind[kind];

	return k->median_ns <= (f->s->last_ns - f->s->first_ns) / SHORT &&
	       (median.messages <= 1 || median.most <= FANOUT) && has_milestone(f, kind, false);
}

/* Nine in ten of a kind's transactions begin within this time. What is set up comes at once. */
static int64_t spread_ns(struct finding *f, unsigned kind)
{
	const struct request_kind *k = &f->r->kind[kind];
	int64_t *began = calloc((size_t)k->requests + 1, sizeof *began), ns;
	uint32_t n = 0;

	f->failed |= !began;
	if (!began)
		return 0;
	for (uint32_t t = 0; t < f->s->tids.n; t++)
		if (f->r->of[t].kind == (int)kind)
			began[n++] = f->s->line[f->r->of[t].start_line].time_ns;
	qsort(began, n, sizeof *began, compare_ns);
	ns = n ? began[n - 1 - n / 20] - began[n / 20] : 0;
	free(began);
	return ns;
}

/* One after the other, or together; clocks may have milliseconds. */
static bool without_pause(const struct request_kind *k)
{
	int64_t each = k->median_ns > EDGE_NS ? k->median_ns : EDGE_NS;

	return k->spread_ns / PAUSE / each < k->requests;
}

/* What begins in so little of a log, all at once, is no request. */
static bool comes_all_the_time(const struct finding *f, const struct request_kind *k)
{
	return k->spread_ns >= (f->s->last_ns - f->s->first_ns) / 100 ||
	       (k->spread_ns >= SET_UP_NS && !without_pause(k));
}

/* A few, all at once when the log begins: registrations, containers made in advance. */
static bool is_set_up(const struct finding *f, unsigned kind)
{
	int64_t log_ns = f->s->last_ns - f->s->first_ns, first_ns = INT64_MAX;
	const struct request_kind *k = &f->r->kind[kind];

	for (uint32_t t = 0; t < f->s->tids.n; t++)
		if (f->r->of[t].kind == (int)kind && f->s->line[f->r->of[t].start_line].time_ns < first_ns)
			first_ns = f->s->line[f->r->of[t].start_line].time_ns;
	return k->requests < SET_UP && k->spread_ns < log_ns / 20 && k->spread_ns < SET_UP_NS && without_pause(k) &&
	       first_ns - f->s->first_ns < log_ns / 10;
}

/* Of a kind's transactions, a number each. */
struct lives {
	int64_t *took; /* ns; of those that ended */
	int64_t *once, *messages, *most;
	uint32_t ended, all;
};

static int64_t median(int64_t *v, uint32_t n)
{
	qsort(v, n, sizeof *v, compare_ns);
	return n ? v[n / 2] : 0;
}

static void lives_fill(struct finding *f, unsigned kind, struct lives *l)
{
	for (uint32_t t = 0; t < f->s->tids.n; t++) {
		const struct request *r = &f->r->of[t];
		struct repeats repeats;

		if (r->kind != (int)kind)
			continue;
		repeats = repeats_of(f, t);
		l->messages[l->all] = repeats.messages;
		l->most[l->all] = repeats.most;
		l->once[l->all++] = once_percent(f, t);
		if (r->end >= 0)
			l->took[l->ended++] = f->s->line[r->end_line].time_ns - f->s->line[r->start_line].time_ns;
	}
}

/* Whether a kind's transactions come and go as requests do. 1, 0 or -ENOMEM. */
static int is_request(struct finding *f, unsigned kind)
{
	struct request_kind *k = &f->r->kind[kind];
	int64_t log_ns = f->s->last_ns - f->s->first_ns;
	size_t room = (size_t)k->requests + 1;
	int64_t *v = calloc(4 * room, sizeof *v);
	struct lives l;
	bool is;

	if (!v)
		return -ENOMEM;
	l = (struct lives){.took = v, .once = v + room, .messages = v + 2 * room, .most = v + 3 * room};
	lives_fill(f, kind, &l);
	k->unfinished = k->requests - l.ended;
	k->median_ns = median(l.took, l.ended);
	k->spread_ns = spread_ns(f, kind);
	is = l.ended >= 5 && (uint64_t)l.ended * 100 >= (uint64_t)k->requests * ENDED &&
	     k->median_ns < log_ns / 4 * 3 && comes_all_the_time(f, k) && !is_set_up(f, kind);
	if (is && median(l.once, l.all) < ONCE) {
		is = gets_on(f, kind, (struct repeats){median(l.messages, l.all), median(l.most, l.all)});
		k->doubtful = is && !has_milestone(f, kind, true);
	}
	free(v);
	return is;
}

/* ---- kinds ---- */

static void forget(struct finding *f, int kind)
{
	for (uint32_t t = 0; t < f->s->tids.n; t++)
		if (f->r->of[t].kind == kind)
			f->r->of[t] = (struct request){.kind = -1, .end = -1};
}

/* Takes the transactions that begin with this message as a kind. */
static void take(struct finding *f, uint32_t key)
{
	struct request_kind *k = &f->r->kind[f->r->nkinds];
	uint32_t line = 0;

	*k = (struct request_kind){.start = key, .answered = SAMPLE_NONE};
	for (uint32_t t = 0; t < f->s->tids.n; t++) {
		uint32_t from = f->s->first[t], to = f->s->first[t + 1];

		if (f->r->of[t].kind < 0 && to - from > 1 && lines_of_key(f->s, t, key, &line) == 1) {
			f->r->of[t] = (struct request){(int)f->r->nkinds, -1, line, 0};
			k->requests++;
		}
	}
}

/* The kind is as large as others, and its requests come all the time, as theirs do. */
static bool is_as_others(const struct request_kind *k, uint32_t largest, int64_t spread)
{
	return k->requests * 100 >= largest * LARGE && k->spread_ns >= spread / 5;
}

/* How transactions that are of no kind yet begin. Where a kind was refused none has changed. */
static void tally_begins(struct finding *f, bool changed)
{
	size_t size = f->s->nkeys * sizeof *f->tally;

	if (!changed) {
		memcpy(f->tally, f->begin, size);
		return;
	}
	memset(f->tally, 0, size);
	for (uint32_t t = 0; t < f->s->tids.n; t++)
		tally_one(f, t, false, f->r->of[t].kind < 0);
	memcpy(f->begin, f->tally, size);
}

/* What was tried is not tried again: how a kind goes on does not hang on the clocks. */
static int find_kinds(struct finding *f, bool skewed)
{
	uint32_t largest = 0;
	int64_t spread = 0;
	bool changed = true;
	int rc = 0;

	for (unsigned k = 0; k < f->r->nkinds; k++) {
		largest = f->r->kind[k].requests > largest ? f->r->kind[k].requests : largest;
		spread = f->r->kind[k].spread_ns > spread ? f->r->kind[k].spread_ns : spread;
	}
	while (rc >= 0 && f->r->nkinds < KINDS_MAX) {
		uint32_t key;

		tally_begins(f, changed);
		memcpy(f->refused, f->tried, f->s->nkeys * sizeof *f->tried);
		key = best_key(f, SURE, SAMPLE_NONE, skewed ? MOSTLY : BY_CLOCKS);
		if (key == SAMPLE_NONE || f->tally[key].edge < REQUESTS_LEAST)
			break;
		f->tried[key] = true;
		take(f, key);
		find_ends(f, f->r->nkinds);
		rc = is_request(f, f->r->nkinds);
		changed = rc == 1 && is_as_others(&f->r->kind[f->r->nkinds], largest, spread);
		if (changed) {
			const struct request_kind *k = &f->r->kind[f->r->nkinds++];

			spread = k->spread_ns > spread ? k->spread_ns : spread;
			largest = k->requests > largest ? k->requests : largest;
		} else {
			forget(f, (int)f->r->nkinds);
		}
	}
	return rc < 0 ? rc : 0;
}

/* Gives the requests of a kind that have the start of another to that. */
static void join(struct finding *f, unsigned kind, unsigned other)
{
	struct request_kind *to = &f->r->kind[other];
	uint32_t line = 0;

	for (uint32_t t = 0; t < f->s->tids.n; t++) {
		struct request *r = &f->r->of[t];

		if (r->kind != (int)kind || lines_of_key(f->s, t, to->start, &line) != 1)
			continue;
		*r = (struct request){(int)other, -1, line, 0};
		to->requests++;
		f->r->kind[kind].requests--;
		for (unsigned i = 0; i < to->nends && r->end < 0; i++)
			if (lines_of_key(f->s, t, to->end[i].key, &line) && line > r->start_line) {
				r->end = (int)i;
				r->end_line = line;
				to->end[i].requests++;
			}
		to->unfinished += r->end < 0;
	}
}

/* What comes through a proxy comes to the same daemon as what comes without: more of them. */
static void join_proxied(struct finding *f)
{
	const struct requests *r = f->r;
	uint32_t line, n;

	for (unsigned k = 0; k < r->nkinds; k++)
		for (unsigned to = k + 1; to < r->nkinds; to++) {
			n = 0;
			for (uint32_t t = 0; t < f->s->tids.n; t++)
				n += r->of[t].kind == (int)k && lines_of_key(f->s, t, r->kind[to].start, &line) == 1;
			if (r->kind[to].requests > r->kind[k].requests && n * 100 >= r->kind[k].requests * ENDS)
				join(f, k, to);
		}
}

static bool are_clear(const struct requests *r)
{
	for (unsigned k = 0; k < r->nkinds; k++)
		if (!r->kind[k].doubtful)
			return true;
	return false;
}

/* What was taken for requests until more, or clearer ones, of another kind were found. */
static void drop_small(struct finding *f)
{
	struct requests *r = f->r;
	uint32_t largest = 0;
	unsigned kept = 0;
	bool clear = are_clear(r);

	for (unsigned k = 0; k < r->nkinds; k++)
		largest = r->kind[k].requests > largest ? r->kind[k].requests : largest;
	for (unsigned k = 0; k < r->nkinds; k++) {
		if (r->kind[k].requests * 100 < largest * LARGE || (clear && r->kind[k].doubtful)) {
			forget(f, (int)k);
			continue;
		}
		for (uint32_t t = 0; t < f->s->tids.n; t++)
			r->of[t].kind = r->of[t].kind == (int)k ? (int)kept : r->of[t].kind;
		r->kind[kept++] = r->kind[k];
	}
	r->nkinds = kept;
}

int requests_find(struct requests *r, const struct sample *s)
{
	struct finding f = {.s = s, .r = r};
	int rc = -ENOMEM;

	*r = (struct requests){0};
	r->of = calloc((size_t)s->tids.n + 1, sizeof *r->of);
	f.tally = calloc((size_t)s->nkeys + 1, sizeof *f.tally);
	f.seen = calloc((size_t)s->nkeys + 1, sizeof *f.seen);
	f.refused = calloc((size_t)s->nkeys + 1, sizeof *f.refused);
	f.tried = calloc((size_t)s->nkeys + 1, sizeof *f.tried);
	f.begin = calloc((size_t)s->nkeys + 1, sizeof *f.begin);
	if (r->of && f.tally && f.begin && f.seen && f.refused && f.tried) {
		for (uint32_t t = 0; t < s->tids.n; t++)
			r->of[t] = (struct request){.kind = -1, .end = -1};
		rc = find_kinds(&f, false);
		if (!rc)
			rc = find_kinds(&f, true);
		if (!rc) {
			join_proxied(&f);
			drop_small(&f);
		}
		rc = f.failed ? -ENOMEM : rc;
	}
	free(f.tally);
	free(f.begin);
	free(f.seen);
	free(f.refused);
	free(f.tried);
	return rc;
}
