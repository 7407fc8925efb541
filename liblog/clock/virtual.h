/* SPDX-License-Identifier: Apache-2.0 */
/* virtual.h - the shapes of virtual time, shared by the files of this room.
 *
 * An actor is whoever can wait: main, a thread, a task, and one of our own that calls timers. One of them has the turn;
 * whatever is below is touched by that one only, so there are no locks. Actors live on vehicles: each thread is the
 * only one on its own pthread; main, the timers and all tasks share the pthread that started the clock and switch
 * stacks there. The turn goes from one vehicle to another by a futex, see turn.c.
 *
 * An item is what can be due: an actor, or a timer (the lowest bit of its address set). */
#ifndef ILU_VIRTUAL_H
#define ILU_VIRTUAL_H

#include "deadlines.h"

#include <ilu/clock.h>
#include <ilu/log.h>
#include <sched.h>
#include <sys/types.h>

enum actor_kind { ACTOR_MAIN, ACTOR_THREAD, ACTOR_TASK, ACTOR_TIMERS };

enum wait_kind {
	WAIT_NOTHING,
	WAIT_SLEEP,
	WAIT_MUTEX,
	WAIT_READ,
	WAIT_WRITE,
	WAIT_COND,
	WAIT_SEM,
	WAIT_GET,
	WAIT_PUT,
	WAIT_JOIN,
	WAIT_RUN, /* main, for all others to end */
	WAIT_FOREVER,
	WAIT_IO, /* outside, see ilu_clock_io_begin */
};

enum verdict {
	VERDICT_NONE,
	VERDICT_DEADLOCK, /* nothing can run, nothing is due */
	VERDICT_CYCLE,    /* of locks and joins, closed by `about` */
	VERDICT_DAEMONS,  /* only daemons run, for long, and nobody else ever can */
	VERDICT_SPIN,     /* an instant that does not end: `about` wakes and wakes */
	VERDICT_POLL,     /* the same without waiting: it asks and asks */
	VERDICT_STACK,    /* a task used more stack than it has */
};

struct vehicle {
	uint32_t turn;                  /* futex: 1 when it has it */
	struct actor *resident;         /* whose stack it is on */
	struct ilu_producer_ *producer; /* where the pthread's spans are */
	pid_t tid;                      /* of a thread's own */
	/* pin.c's */
	uint32_t pin; /* the binding it has seen, see virtual_time.pin */
	bool bound;
	cpu_set_t before; /* where bound: what it was allowed */
};

struct actor {
	/* what each wakeup touches: one cache line */
	void *sp;
	struct vehicle *vehicle;
	uint64_t armed;   /* arrival of its deadline; 0: none */
	uint64_t span;    /* the log context while it is not resident */
	uint64_t instant; /* when `woken` was counted */
	int64_t since;    /* of its wait */
	int32_t result;   /* of its wait */
	uint32_t woken;   /* at this instant */
	uint8_t kind, wait;
	bool daemon, done, detached, tired; /* tired: it was told to stop, and waits on */
	/* the rest */
	void *object;              /* it waits for, by kind of wait */
	struct actor *next, *prev; /* among who waits for it */
	void *also;                /* a condition's mutex; the item of a push or pop */
	struct ilu_waiters_ joiners;
	struct actor *older, *younger; /* all actors */
	char *stack;
	size_t stack_size;
	void *fiber[3]; /* of sanitizers */
	int (*run)(void *);
	void *arg;
	uint64_t id, mark;
	int32_t status;   /* what run returned */
	uint32_t refused; /* waits since the stop */
	char name[ILU_CLOCK_NAME];
} __attribute__((aligned(64)));

/* One cache line: each call touches another. */
struct ilu_timer {
	uint64_t armed;
	void (*fn)(void *);
	void *arg;
	uint64_t instant;
	uint32_t woken;
	bool virtual_, daemon, once, freed;
	bool running; /* virtual time: due, to be called; real time: in its call */
	char *name;   /* on the heap; NULL: none */
} __attribute__((aligned(64)));

struct virtual_time {
	bool stopping;
	uint8_t verdict;  /* a report that the timers' stack is to make */
	int64_t now;      /* atomic: the appender reads it */
	uint64_t turns;   /* atomic: the turn went to another vehicle */
	uint64_t look_at; /* so many turns: pin.c looks again at where threads run */
	uint32_t pin;     /* number of the binding that is to be; 0: all are free */
	struct actor *current;
	struct ready {
		uintptr_t *item;
		size_t first, len, cap; /* cap: a power of two */
	} ready;
	struct deadlines deadlines;
	uint64_t stale;    /* entries there that count no more */
	uint64_t arrivals; /* of deadlines */
	uint64_t instant, at_instant, polls, wakeups;
	uint64_t daemons_in_row;
	struct ilu_timer *due; /* to be called by the timers' actor */
	struct actor main, timers;
	struct vehicle *home; /* of main, timers and tasks */
	struct actor *runner; /* main, in ilu_clock_run */
	uint64_t keeping;     /* threads, tasks and timers that are no daemons, main not counted */
	uint64_t actors, peak, ids, left;
	struct actor *oldest, *youngest;
	uint64_t outside; /* threads in an I/O bracket */
	uint64_t mark;
	bool exploring;
	ilu_random order, tids;
	struct ilu_clock_options options;
};

extern struct virtual_time vt;
extern __thread struct vehicle *my_vehicle __attribute__((tls_model("initial-exec")));

/* ---- turn.c: who runs ---- */
#define ITEM_TIMER ((uintptr_t)1)

int turn_start(void);            /* the caller becomes main; 0 or -ENOMEM */
void turn_stop(void);            /* ends the others */
void turn_ready(uintptr_t item); /* behind all that are ready */
void turn_arm(uint64_t *armed, uintptr_t item, int64_t deadline_ns);
void turn_disarm(uint64_t *armed);
/* Put the caller away until somebody makes it ready. The reason has been filled in. Returns its result. */
int turn_wait(struct actor *me);
_Noreturn void turn_end(struct actor *me);   /* of a task */
struct vehicle *turn_last(struct actor *me); /* of a thread: who is to get the turn */
void turn_give(struct vehicle *to);
void turn_take(struct vehicle *mine);
/* While exploring: perhaps let others go first. */
void turn_perhaps(void);
/* Did something that makes no progress; at one instant, too much of it is spinning. */
void turn_poll(void);
/* Report, and end the process; not on a task's stack, which is too small for that. */
_Noreturn void turn_verdict(enum verdict verdict, struct actor *about);
/* One thread, task or timer that keeps the simulation alive came or went. */
void turn_keep(int by);

/* ---- pin.c: on one processor; all but the last for who has the turn ---- */
void pin_start(void);
void pin_stop(void); /* everybody gets back what he had */
/* It has taken the turn: is it where it should be? */
void pin_turn(struct vehicle *mine);
/* Its thread, the caller's where tid is 0, may go where it was allowed to. */
void pin_release(struct vehicle *v, pid_t tid);
void pin_inherit(struct vehicle *child); /* the caller makes its thread */
void pin_own_thread(void);               /* the caller is none of ours, but was perhaps made by one */

/* ---- wait.c: the lists of who waits for an object ---- */

/* The actor whose code this is, the timers' in a timer's call; NULL: not one of ours, or it has not the turn. */
static inline struct actor *wait_caller(void)
{
	return my_vehicle && vt.current->vehicle == my_vehicle ? vt.current : NULL;
}
/* The same; NULL also in a timer's call, which may not wait. */
static inline struct actor *wait_self(void)
{
	struct actor *a = wait_caller();

	return a && a->kind != ACTOR_TIMERS ? a : NULL;
}
/* Does a stop end waits of that kind? Those for locks go on: they are never refused. */
bool wait_cancels(enum wait_kind kind);
/* The clock stops: -ECANCELED; who asks too often does not come back. */
int wait_refuse(struct actor *me);
void wait_push(struct ilu_waiters_ *w, struct actor *a);
void wait_remove(struct ilu_waiters_ *w, struct actor *a);
struct actor *wait_first(const struct ilu_waiters_ *w);
/* Wait among w (NULL: in no list), at most until the deadline. What wait_wake says, -ETIMEDOUT or -ECANCELED. */
int wait_on(struct ilu_waiters_ *w, struct actor *me, enum wait_kind kind, void *object, int64_t deadline_ns);
/* End the wait of a with that result: out of the list, ready. */
void wait_wake(struct ilu_waiters_ *w, struct actor *a, int result);
/* Its deadline came, or the clock stops: the same from whatever list it is in. */
void wait_expire(struct actor *a, int result);
/* Who must act before a can go on: one, or NULL when it is not one, or can go on without. */
struct actor *wait_holder(const struct actor *a);

/* lock.c: a waits for the mutex from here on, or gets it and is ready with that result. */
void mutex_pass_to(ilu_mutex *m, struct actor *a, int result);
/* lock.c: those who read; call with *at NULL first. NULL: no more. */
struct actor *rwlock_reader(const ilu_rwlock *l, void **at);

/* ---- actor.c, timer.c, stack.c, overflow.c, io.c ---- */
struct actor *actor_new(enum actor_kind kind, const char *name, unsigned flags);
void actor_over(struct actor *a); /* it ended: tell who joins */
void actors_free(void);
void actor_name(char out[ILU_CLOCK_NAME], const char *name, const char *kind, uint64_t id);
void timer_call(struct ilu_timer *t);
void timer_due_left(void); /* the clock stops: unset all */
const char *timer_name(const struct ilu_timer *t);
void timers_free(void);
/* A stack of at least that size; its real size in *size. NULL: no memory. */
char *stack_take(size_t *size);
void stack_give(char *stack, size_t size);
void stacks_free(void);
void overflow_start(void); /* in the thread that tasks run on */
void overflow_stop(void);
void io_come_back(void); /* nobody else can run: wait for a thread outside, make it ready */

/* report.c: turn_verdict calls it where there is stack enough. */
_Noreturn void report(enum verdict verdict, struct actor *about);

static inline bool clock_virtual(void)
{
	extern bool clock_virtual_;

	return __builtin_expect(clock_virtual_, 0);
}

#endif
