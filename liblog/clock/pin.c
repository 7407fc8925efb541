/* SPDX-License-Identifier: Apache-2.0 */
/* pin.c - threads that pass the turn to each other stay on one processor.
 *
 * One of them runs at a time. Left to themselves each of them wakes on another, idle processor, which takes an
 * interrupt, a clock that has to speed up and cold caches: two to three times as long as on the one where the turn is
 * given. So once the turn has gone from thread to thread for a while, a thread that takes it binds itself to one
 * processor: the one on which the first of them did. All others stay free: the appender, threads of the program, and
 * ours while they are outside for input or output. Where somebody else needs that processor all are free again, and
 * another one is looked for later.
 *
 * What a bound thread makes begins bound. The library's own threads, and a forked child, free themselves (now.h); at
 * the stop all that are left get back what they had, and other threads of the process that have our processor and no
 * other what the first of ours had. A program that binds threads by hand, or has no other processor, is left alone. */
#include "virtual.h"

#include "base/now.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#ifndef PR_FUTEX_HASH /* Linux 6.16 */
#define PR_FUTEX_HASH           78
#define PR_FUTEX_HASH_SET_SLOTS 1
#define PR_FUTEX_HASH_GET_SLOTS 2
#endif

#define TURNS_FREE  256     /* before one is chosen ... */
#define FREE_MOST   0x40000 /* ... twice as many each time that it was none of ours */
#define TURNS_BOUND 0x2000  /* between two looks at how it goes */
#define STARVED     0.6     /* of the time on a processor */
#define APART       4       /* lists for each waiter */
#define APART_MOST  4096

enum { WORDS = CPU_SETSIZE / 64 };

static struct {
	uint32_t last; /* binding that was made */
	int processor;
	bool chosen;          /* atomic: one was, in this run of the clock */
	uint64_t used[WORDS]; /* atomic bits: those that were */
	cpu_set_t before;     /* of who chose first */
	uint64_t free_turns;
	uint64_t apart; /* so many waiters have lists of their own */
	uint64_t wall_ns, own_ns;
} pin;

static bool allowed(pid_t tid, cpu_set_t *out)
{
	return !sched_getaffinity(tid, sizeof *out, out);
}

static void bind_to(pid_t tid, int processor)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(processor, &one);
	sched_setaffinity(tid, sizeof one, &one);
}

static void note_used(int processor)
{
	__atomic_fetch_or(&pin.used[processor / 64], UINT64_C(1) << processor % 64, __ATOMIC_RELEASE);
}

/* Whether it is bound to one of those that we have bound threads to. */
static bool is_bound(pid_t tid)
{
	cpu_set_t set;

	if (!allowed(tid, &set) || CPU_COUNT(&set) != 1)
		return false;
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &set))
			return __atomic_load_n(&pin.used[i / 64], __ATOMIC_ACQUIRE) >> i % 64 & 1;
	return false;
}

/* What others have set meanwhile stays. */
static void give_back(pid_t tid, const cpu_set_t *before)
{
	if (is_bound(tid))
		sched_setaffinity(tid, sizeof *before, before);
}

/* Calls look for each thread of the process; false: they cannot be listed. */
static bool each_thread(void (*look)(pid_t tid, void *arg), void *arg)
{
	DIR *d = opendir("/proc/self/task");
	struct dirent *entry;

	if (!d)
		return false;
	while ((entry = readdir(d)))
		if (entry->d_name[0] != '.')
			look((pid_t)atoi(entry->d_name), arg);
	closedir(d);
	return true;
}

/* ---- which one ---- */

static void count_bound(pid_t tid, void *bound)
{
	cpu_set_t set;

	*(int *)bound += allowed(tid, &set) && CPU_COUNT(&set) == 1;
}

/* Whether threads may be bound at all: none is by hand, so that all that are later are by us. */
static bool may_bind(void)
{
	int bound = 0;

	return allowed(0, &pin.before) && CPU_COUNT(&pin.before) > 1 && each_thread(count_bound, &bound) && !bound;
}

static uint64_t own_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void note_times(void)
{
	pin.wall_ns = now_machine_ns();
	pin.own_ns = own_ns();
}

/* Since Linux 6.16 the kernel keeps those of a process who wait for a word in a few lists, four a processor: whoever
 * wakes one of a thousand passes a hundred others, each on a stack of its own. It makes more lists on demand. An older
 * one has many, for all processes together, and refuses. */
static void wait_apart(void)
{
	int slots, want = 16;

	if (vt.actors <= pin.apart)
		return;
	pin.apart = vt.actors;
	while (want < APART_MOST && (uint64_t)want < APART * vt.actors)
		want *= 2;
	slots = prctl(PR_FUTEX_HASH, PR_FUTEX_HASH_GET_SLOTS, 0, 0, 0);
	if (slots > 0 && slots < want)
		prctl(PR_FUTEX_HASH, PR_FUTEX_HASH_SET_SLOTS, want, 0, 0);
}

static void choose(void)
{
	int processor = pin.chosen || may_bind() ? sched_getcpu() : -1;

	if (processor < 0 || processor >= CPU_SETSIZE) {
		vt.look_at = UINT64_MAX;
		return;
	}
	note_used(processor);
	pin.processor = processor;
	__atomic_store_n(&pin.chosen, true, __ATOMIC_RELEASE);
	vt.pin = ++pin.last;
	vt.look_at = vt.turns + TURNS_BOUND;
	note_times();
}

/* Where others are on the same processor the scheduler finds a better one; on a busy machine it does so again and
 * again. */
static void review(void)
{
	double wall = (double)(now_machine_ns() - pin.wall_ns), own = (double)(own_ns() - pin.own_ns);

	note_times();
	vt.look_at = vt.turns + TURNS_BOUND;
	if (own >= STARVED * wall) {
		pin.free_turns = TURNS_FREE;
		return;
	}
	vt.pin = 0;
	vt.look_at = vt.turns + pin.free_turns;
	if (pin.free_turns < FREE_MOST)
		pin.free_turns *= 2;
}

/* ---- who is bound ---- */

void pin_release(struct vehicle *v, pid_t tid)
{
	if (v->bound)
		give_back(tid, &v->before);
	v->bound = false;
	v->pin = 0;
}

static void bind_own(struct vehicle *v)
{
	v->pin = vt.pin;
	if (!v->bound && (!allowed(0, &v->before) || CPU_COUNT(&v->before) < 2))
		return;
	if (!CPU_ISSET(pin.processor, &v->before)) {
		pin_release(v, 0);
		v->pin = vt.pin; /* looked at */
		return;
	}
	bind_to(0, pin.processor);
	v->bound = true;
}

void pin_turn(struct vehicle *mine)
{
	if (vt.turns >= vt.look_at)
		wait_apart();
	if (vt.turns >= vt.look_at && vt.pin)
		review();
	else if (vt.turns >= vt.look_at)
		choose();
	if (mine->pin == vt.pin)
		return;
	if (vt.pin)
		bind_own(mine);
	else
		pin_release(mine, 0);
}

void pin_inherit(struct vehicle *child)
{
	child->pin = my_vehicle->pin;
	child->bound = my_vehicle->bound;
	child->before = my_vehicle->before;
}

void pin_own_thread(void)
{
	if (__atomic_load_n(&pin.chosen, __ATOMIC_ACQUIRE))
		give_back(0, &pin.before);
}

/* ---- start and stop ---- */

void pin_start(void)
{
	memset(&pin, 0, sizeof pin);
	vt.pin = 0;
	vt.look_at = pin.free_turns = TURNS_FREE;
}

static void free_other(pid_t tid, void *unused)
{
	(void)unused;
	give_back(tid, &pin.before);
}

void pin_stop(void)
{
	vt.look_at = UINT64_MAX;
	vt.pin = 0;
	if (!pin.chosen)
		return;
	for (struct actor *a = vt.oldest; a; a = a->younger)
		if (a->kind == ACTOR_THREAD && !a->done)
			pin_release(a->vehicle, a->vehicle->tid);
	pin_release(vt.home, 0);
	each_thread(free_other, NULL);
}
