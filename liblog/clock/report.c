/* SPDX-License-Identifier: Apache-2.0 */
/* report.c - why virtual time cannot go on: who waits for what, held by whom, since when, in which transaction, and
 * which cycle they form. To stderr for people, into the log as records, one for each who waits, in its own span. */
#define ILU_TARGET "ilulog::clock"
#include "virtual.h"

#include "call/state.h"
#include "life/life.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SHOWN  200 /* actors named one by one */
#define GROUPS 32
#define CYCLES 16
#define LENGTH 64 /* of a cycle that is shown */
#define DEPTH  1000
#define NS     INT64_C(1000000000)

static const char *const kinds[] = {"main", "thread", "task", "timer"};

static const char *const verbs[] = {
    [WAIT_NOTHING] = "runs",
    [WAIT_SLEEP] = "sleeps",
    [WAIT_MUTEX] = "waits for mutex",
    [WAIT_READ] = "waits to read under lock",
    [WAIT_WRITE] = "waits to write under lock",
    [WAIT_COND] = "waits for condition",
    [WAIT_SEM] = "waits for semaphore",
    [WAIT_GET] = "waits for an item of queue",
    [WAIT_PUT] = "waits for room in queue",
    [WAIT_JOIN] = "waits for the end of",
    [WAIT_RUN] = "waits for all others to end",
    [WAIT_FOREVER] = "sleeps for ever",
    [WAIT_IO] = "is outside for",
};

static const char *object_name(const struct actor *a)
{
	switch ((enum wait_kind)a->wait) {
	case WAIT_MUTEX:
		return ((ilu_mutex *)a->object)->name_;
	case WAIT_READ:
	case WAIT_WRITE:
		return ((ilu_rwlock *)a->object)->name_;
	case WAIT_COND:
		return ((ilu_cond *)a->object)->name_;
	case WAIT_SEM:
		return ((ilu_sem *)a->object)->name_;
	case WAIT_GET:
	case WAIT_PUT:
		return ((ilu_queue *)a->object)->name_;
	case WAIT_JOIN:
		return ((struct actor *)a->object)->name;
	case WAIT_IO:
		return a->object ? a->object : "input or output";
	default:
		return NULL;
	}
}

static const ilu_tid *transaction(const struct actor *a, uint64_t *span)
{
	const struct vehicle *v = a->vehicle;

	*span = v && v->resident == a && v->producer ? v->producer->span : a->span;
	return *span ? ilu_span_tid((ilu_span){*span}) : NULL;
}

static void put_time(FILE *out, int64_t ns)
{
	fprintf(out, "%lld.%09lld s", (long long)(ns / NS), (long long)(ns % NS));
}

/* ---- who holds it ---- */

/* The i-th of those who must act before a goes on; NULL: no more. *since: it has it since then. */
static struct actor *holder(const struct actor *a, size_t i, int64_t *since)
{
	const ilu_rwlock *l = a->object;
	struct actor *h;
	void *at = NULL;

	switch ((enum wait_kind)a->wait) {
	case WAIT_MUTEX:
		*since = ((ilu_mutex *)a->object)->since_;
		return i ? NULL : ((ilu_mutex *)a->object)->owner_;
	case WAIT_READ:
	case WAIT_WRITE:
		*since = l->since_;
		if (l->writer_)
			return i ? NULL : l->writer_;
		do
			h = rwlock_reader(l, &at);
		while (h && i--);
		return h;
	case WAIT_JOIN:
		*since = 0;
		return i ? NULL : a->object;
	default:
		return NULL;
	}
}

struct cycle {
	struct actor *member[LENGTH];
	size_t len; /* may be more than LENGTH */
};

/* Is there a way from `a` back to `goal`? Fills the cycle from its end. */
static bool way(struct actor *a, struct actor *goal, struct cycle *c, size_t depth)
{
	int64_t since;
	struct actor *h;

	if (a->armed || depth > DEPTH)
		return false;
	for (size_t i = 0; (h = holder(a, i, &since)) != NULL; i++) {
		if (h != goal && (h->mark == vt.mark || h->done))
			continue;
		h->mark = vt.mark;
		if (h == goal)
			c->len = depth + 1;
		else if (!way(h, goal, c, depth + 1))
			continue;
		if (depth < LENGTH)
			c->member[depth] = a;
		return true;
	}
	return false;
}

static size_t find_cycles(struct cycle *found)
{
	size_t n = 0;

	for (struct actor *a = vt.oldest; a && n < CYCLES; a = a->younger) {
		bool known = false;

		for (size_t i = 0; i < n && !known; i++)
			for (size_t k = 0; k < found[i].len && k < LENGTH && !known; k++)
				known = found[i].member[k] == a;
		vt.mark++;
		if (!known && way(a, a, &found[n], 0))
			n++;
	}
	return n;
}

static char *cycle_text(const struct cycle *c)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	size_t shown = c->len < LENGTH ? c->len : LENGTH;

	if (!out)
		return NULL;
	for (size_t i = 0; i < shown; i++) {
		const struct actor *a = c->member[i];

		fprintf(out, "%s%s %s %s", i ? ", " : "", a->name, verbs[a->wait], object_name(a));
		if (a->wait != WAIT_JOIN)
			fprintf(out, ", held by %s",
			        i + 1 < shown || c->len == shown ? c->member[(i + 1) % shown]->name : "more");
	}
	fclose(out);
	return text;
}

/* ---- one who waits ---- */

static char *holders_text(const struct actor *a)
{
	char *text = NULL;
	size_t size, i = 0;
	FILE *out = open_memstream(&text, &size);
	struct actor *h;
	int64_t since;

	if (!out)
		return NULL;
	for (; a->wait != WAIT_JOIN && i < 8 && (h = holder(a, i, &since)) != NULL; i++)
		fprintf(out, "%s%s", i ? ", " : "", h->name);
	fclose(out);
	return text;
}

static void print_actor(const struct actor *a, const char *held_by)
{
	const char *object = object_name(a);
	char text[ILU_TID_MAX];
	uint64_t span;
	const ilu_tid *tid = transaction(a, &span);
	int64_t since = 0;

	fprintf(stderr, "  %s (%s %llu%s) %s", a->name, kinds[a->kind], (unsigned long long)a->id,
	        a->daemon ? ", daemon" : "", verbs[a->wait]);
	if (object)
		fprintf(stderr, " \"%s\"", object);
	if (a->wait == WAIT_COND)
		fprintf(stderr, " with mutex \"%s\"", ((ilu_mutex *)a->also)->name_);
	if (a->wait != WAIT_NOTHING) {
		fputs(" since ", stderr);
		put_time(stderr, a->since);
	}
	if (held_by && *held_by && holder(a, 0, &since)) {
		fprintf(stderr, ", held by %s since ", held_by);
		put_time(stderr, since);
	}
	if (tid)
		fprintf(stderr, "; transaction %s", ilu_tid_str(tid, text));
	fputc('\n', stderr);
}

static void log_actor(const struct actor *a, const char *held_by)
{
	ilu_tid clock = ilu_tid_named("Clock");
	uint64_t span, mine = ilu_producer_.span;
	const ilu_tid *tid = transaction(a, &span);
	int64_t held_since = 0;
	bool held = held_by && *held_by && holder(a, 0, &held_since);

	if (logger_state() != LOGGER_RUNNING)
		return;
	ilu_producer_.span = span;
	if (held)
		ilu_error(tid ? tid : &clock, "Waits in vain", KV("actor", a->name), KV("kind", kinds[a->kind]),
		          KV("number", a->id), KV_BOOL("daemon", a->daemon), KV("state", verbs[a->wait]),
		          KV("object", object_name(a)), KV("since_ns", a->since), KV("for_ns", vt.now - a->since),
		          KV("held_by", held_by), KV("held_since_ns", held_since));
	else
		ilu_error(tid ? tid : &clock, "Waits in vain", KV("actor", a->name), KV("kind", kinds[a->kind]),
		          KV("number", a->id), KV_BOOL("daemon", a->daemon), KV("state", verbs[a->wait]),
		          KV("object", object_name(a)), KV("since_ns", a->since), KV("for_ns", vt.now - a->since));
	ilu_producer_.span = mine;
}

/* ---- all who wait ---- */

struct group {
	uint8_t wait;
	const void *object;
	const struct actor *first;
	uint64_t count;
};

static void add_to_group(struct group *groups, size_t *n, const struct actor *a)
{
	for (size_t i = 0; i < *n; i++) {
		if (groups[i].wait == a->wait && groups[i].object == a->object) {
			groups[i].count++;
			return;
		}
	}
	if (*n < GROUPS)
		groups[(*n)++] = (struct group){a->wait, a->object, a, 1};
}

static void show_all(void)
{
	struct group groups[GROUPS];
	size_t n = 0, shown = 0;

	for (struct actor *a = vt.oldest; a; a = a->younger) {
		char *held_by;

		if (shown >= SHOWN) {
			add_to_group(groups, &n, a);
			continue;
		}
		shown++;
		held_by = holders_text(a);
		print_actor(a, held_by);
		log_actor(a, held_by);
		free(held_by);
	}
	for (size_t i = 0; i < n; i++) {
		const char *object = object_name(groups[i].first);

		fprintf(stderr, "  and %llu more, of whom the first is %s: %s%s%s%s\n",
		        (unsigned long long)groups[i].count, groups[i].first->name, verbs[groups[i].wait],
		        object ? " \"" : "", object ? object : "", object ? "\"" : "");
		if (logger_state() == LOGGER_RUNNING) {
			ilu_tid clock = ilu_tid_named("Clock");

			ilu_error(&clock, "More wait in vain", KV("count", groups[i].count),
			          KV("state", verbs[groups[i].wait]), KV("object", object),
			          KV("first", groups[i].first->name));
		}
	}
}

static void show_cycles(void)
{
	static struct cycle cycles[CYCLES];
	size_t n = find_cycles(cycles);
	ilu_tid clock = ilu_tid_named("Clock");

	for (size_t i = 0; i < n; i++) {
		char *text = cycle_text(&cycles[i]);

		fprintf(stderr, "  cycle of %zu: %s\n", cycles[i].len, text ? text : "");
		if (logger_state() == LOGGER_RUNNING)
			ilu_error(&clock, "Cycle", KV("length", cycles[i].len), KV("cycle", text));
		free(text);
	}
	if (!n)
		fputs("  no cycle of locks: nobody is left who would signal, post, push or take\n", stderr);
}

/* ---- who spins ---- */

static void show_spinner(const struct actor *a)
{
	uint64_t span, mine = ilu_producer_.span;
	const ilu_tid *tid = transaction(a, &span);
	ilu_tid clock = ilu_tid_named("Clock");
	char text[ILU_TID_MAX];

	fprintf(stderr, "  %s (%s %llu) woke %u times%s%s\n", a->name, kinds[a->kind], (unsigned long long)a->id,
	        a->woken, tid ? "; transaction " : "", tid ? ilu_tid_str(tid, text) : "");
	if (logger_state() != LOGGER_RUNNING)
		return;
	ilu_producer_.span = span;
	ilu_error(tid ? tid : &clock, "Spins", KV("actor", a->name), KV("kind", kinds[a->kind]), KV("number", a->id),
	          KV("wakeups", a->woken));
	ilu_producer_.span = mine;
}

/* Those who woke most often at this instant. */
static void show_spinners(void)
{
	uint32_t below = UINT32_MAX;

	for (int shown = 0; shown < 10;) {
		uint32_t most = 0;

		for (struct actor *a = vt.oldest; a; a = a->younger)
			if (a->instant == vt.instant && a->woken > most && a->woken < below)
				most = a->woken;
		if (most < 2)
			break;
		for (struct actor *a = vt.oldest; a && shown < 10; a = a->younger)
			if (a->instant == vt.instant && a->woken == most) {
				show_spinner(a);
				shown++;
			}
		below = most;
	}
	if (vt.due && vt.due->instant == vt.instant && vt.due->woken > 1) {
		fprintf(stderr, "  timer \"%s\" was called %u times\n", timer_name(vt.due), vt.due->woken);
		if (logger_state() == LOGGER_RUNNING) {
			ilu_tid clock = ilu_tid_named("Clock");

			ilu_error(&clock, "Spins", KV("timer", timer_name(vt.due)), KV("wakeups", vt.due->woken));
		}
	}
}

/* ---- the report ---- */

static const char *const reasons[] = {
    [VERDICT_DEADLOCK] = "deadlock: nobody can run, and nothing will ever be due",
    [VERDICT_CYCLE] = "deadlock: a cycle of locks has closed",
    [VERDICT_DAEMONS] = "deadlock: only daemons run, and nobody else ever will",
    [VERDICT_SPIN] = "livelock: an instant does not end",
    [VERDICT_POLL] = "livelock: somebody asks again and again without waiting",
    [VERDICT_STACK] = "a task used more stack than it has",
};

_Noreturn void report(enum verdict verdict, struct actor *about)
{
	static bool reporting;
	ilu_tid clock = ilu_tid_named("Clock");

	if (reporting)
		_exit(ILU_CLOCK_EXIT);
	reporting = true;
	fprintf(stderr, "ilulog: %s, at ", reasons[verdict]);
	put_time(stderr, vt.now);
	fputc('\n', stderr);
	if (logger_state() == LOGGER_RUNNING)
		ilu_error(&clock, "Virtual time cannot go on", KV("reason", reasons[verdict]), KV("now_ns", vt.now),
		          KV("actors", vt.actors), KV("wakeups", vt.wakeups), KV("about", about ? about->name : NULL));
	switch (verdict) {
	case VERDICT_SPIN:
		show_spinners();
		break;
	case VERDICT_POLL:
	case VERDICT_STACK:
		fprintf(stderr, "  %s (%s %llu)\n", about->name, kinds[about->kind], (unsigned long long)about->id);
		break;
	default:
		show_cycles();
		show_all();
	}
	fflush(NULL);
	ilu_log_stop();
	_exit(ILU_CLOCK_EXIT);
}
