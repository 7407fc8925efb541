/* SPDX-License-Identifier: Apache-2.0 */
/* ilu/clock.h - time and waiting, on real or on virtual time.
 *
 *	struct ilu_clock_options o = { .kind = ILU_CLOCK_VIRTUAL, .seed = 7 };
 *
 *	ilu_clock_start(&o);                          before ilu_log_start
 *	ilu_thread_start(NULL, "monitor", ILU_DAEMON, monitor, pool);
 *	ilu_task_start(NULL, "request", 0, 0, serve, request);
 *	ilu_clock_run(ILU_FOREVER);                   until all but daemons have ended
 *	ilu_clock_stop();
 *
 * A program that waits by this layer alone runs unchanged on both. Real time is pthreads. In virtual time one actor
 * (the main thread, a thread or a task) runs at a time and goes on until it waits; when none can run, time jumps to the
 * earliest deadline, and all that is due then becomes ready in the order (deadline, order of arrival). What an actor
 * computes takes no time. The same seed gives the same run, and the same bytes in the log: records take their time from
 * here, and transaction ids, span ids and thread names follow from the seed.
 *
 * When nothing can run any more and nothing will ever be due, while others than daemons wait, that is a deadlock: who
 * waits for what, held by whom, since when, in which transaction, and the cycle, go into the log (target
 * "ilulog::clock") and to stderr, and the process ends with status 86. So does an instant that does not end because
 * something wakes and wakes without letting time go on. A cycle of locks is reported when it closes, whatever else
 *runs.
 *
 * Times are int64_t nanoseconds and saturate. Functions return 0 or a negative errno unless they say otherwise. All may
 * be called from any actor, none from signal handlers; in virtual time those that can wait give -EPERM in threads that
 * this layer did not make. Names are copied and cut at 31 bytes; NULL gives a name with a number.
 * Objects (ilu_mutex ...) are made by ..._init after ilu_clock_start and belong to that run; they may not be copied. */
#ifndef ILU_CLOCK_H
#define ILU_CLOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "detail/api.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ILU_CLOCK_NAME 32        /* bytes of a name, with its NUL */
#define ILU_FOREVER    INT64_MAX /* a deadline that never comes */
#define ILU_CLOCK_EXIT 86        /* exit status after a report */

/* ---- start and stop ---- */

enum ilu_clock_kind {
	ILU_CLOCK_REAL,
	ILU_CLOCK_VIRTUAL,
};

/* Zero is the default everywhere. All but `kind`, `seed` and the stacks concern virtual time only. */
struct ilu_clock_options {
	enum ilu_clock_kind kind;
	uint64_t seed;          /* of the random streams */
	int64_t start_wall_ns;  /* wall time at the beginning, since 1970 UTC; 0: 2026-01-01T00:00:00Z */
	uint64_t order_seed;    /* not 0: who is ready runs in an order drawn from this, to find races */
	uint64_t spin_limit;    /* wakeups of one actor at one instant that are reported; 0: 1,000,000 */
	uint64_t daemon_limit;  /* wakeups of daemons in a row, with nobody else who could ever run again, that are
	                           reported as a deadlock; 0: 10,000,000 */
	int64_t io_patience_ns; /* real time after which an ilu_clock_io_begin is named on stderr; 0: 5 s */
	size_t thread_stack;    /* bytes; 0: 256 KiB */
	size_t task_stack;      /* bytes; 0: 16 KiB */
};

/* Start; the calling thread is the actor "main". Virtual time must start before the log (-EBUSY otherwise), and while
 * it runs full rings block, so that nothing is lost. NULL: real time, which is also what works without a start.
 * -EALREADY: it runs. -EINVAL: a wrong option. -ENOMEM. */
ILU_API int ilu_clock_start(const struct ilu_clock_options *options);

/* End what ilu_clock_start began; only its caller may. Waits of all actors that are left return -ECANCELED, again and
 * again (but not those for locks), so that they can end; who does not is left behind where it waits (virtual), or lives
 * on (real). Virtual time then stops the log, too. -ESRCH: it does not run. -EPERM: not the caller of start. */
ILU_API int ilu_clock_stop(void);

/* Wait until every thread, task and timer that is no daemon has ended. Only in the caller of ilu_clock_start.
 * deadline_ns  of ilu_clock_now, or ILU_FOREVER. 0, -ETIMEDOUT or -EPERM. */
ILU_API int ilu_clock_run(int64_t deadline_ns);

/* Does virtual time run? */
ILU_API bool ilu_clock_is_virtual(void);

/* ---- time ---- */

/* Nanoseconds that never go back: virtual time since its beginning, real time since some instant (CLOCK_MONOTONIC). */
ILU_API int64_t ilu_clock_now(void);

/* Nanoseconds since 1970 UTC. In virtual time it moves with ilu_clock_now. */
ILU_API int64_t ilu_clock_wall(void);

/* now + ns, saturating: the deadline of "in ns". ns < 0 counts as 0. */
ILU_API int64_t ilu_clock_after(int64_t ns);

/* Wait. 0 ns, or a deadline that is over, lets others run that are ready. 0, -ECANCELED (the clock stops) or -EPERM. */
ILU_API int ilu_clock_sleep(int64_t ns);
ILU_API int ilu_clock_sleep_until(int64_t deadline_ns);

/* What virtual time has done so far. */
struct ilu_clock_stats {
	uint64_t wakeups;  /* of actors, and calls of timers */
	uint64_t instants; /* times that time has moved */
	uint64_t actors;   /* that live now, main included */
	uint64_t peak;     /* most that lived at once */
	uint64_t pending;  /* deadlines ahead */
	uint64_t left;     /* actors that did not end at earlier stops */
};
ILU_API void ilu_clock_stats(struct ilu_clock_stats *out);

/* ---- threads and tasks ---- */

/* A thread has a stack and a pthread of its own: up to about 10^4. A task is a small stack on the main thread's
 * pthread, switched in a few nanoseconds: up to about 10^6 (on real time it is a pthread, too). A task that waits other
 * than by this layer stops all tasks; one that needs more stack than it has corrupts others (the first 1,024 have a
 * guard page). Each has its own stack of entered spans. Tasks share the main thread's `threadName`. */
typedef struct ilu_thread ilu_thread;

#define ILU_DAEMON 1u /* does not keep the simulation alive, nor make a deadlock */

/* Start run(arg), ready behind all that are ready now.
 *
 * out         the handle, yours until ilu_join or ilu_detach; NULL: detached
 * flags       0 or ILU_DAEMON
 * stack_size  bytes; 0: the option's
 *
 * -EINVAL, -ENOMEM, -EAGAIN (no more threads), -ECANCELED (the clock stops) or -EPERM. */
ILU_API int ilu_thread_start(ilu_thread **out, const char *name, unsigned flags, int (*run)(void *arg), void *arg);
ILU_API int ilu_task_start(ilu_thread **out, const char *name, unsigned flags, size_t stack_size, int (*run)(void *arg),
                           void *arg);

/* Wait for its end; takes the handle, unless it fails with -ETIMEDOUT, -ECANCELED, -EDEADLK (itself) or -EPERM.
 * *result (may be NULL) is what run returned. */
ILU_API int ilu_join(ilu_thread *thread, int *result);
ILU_API int ilu_join_until(ilu_thread *thread, int64_t deadline_ns, int *result);

/* Nobody will join it: takes the handle. */
ILU_API void ilu_detach(ilu_thread *thread);

/* The calling actor's name into out[ILU_CLOCK_NAME]; returns out. */
ILU_API char *ilu_thread_self(char *out);

/* ---- locks ---- */

struct ilu_waiters_ {
	void *first, *last;
};

/* Not recursive. Who waits longest gets it next (virtual). */
typedef struct ilu_mutex {
	char name_[ILU_CLOCK_NAME];
	bool virtual_;
	void *owner_;
	int64_t since_;
	struct ilu_waiters_ waiters_;
	pthread_mutex_t real_;
} ilu_mutex;

ILU_API int ilu_mutex_init(ilu_mutex *m, const char *name);
ILU_API void ilu_mutex_done(ilu_mutex *m);   /* nobody holds it or waits for it */
ILU_API int ilu_mutex_lock(ilu_mutex *m);    /* -EDEADLK: the caller has it */
ILU_API int ilu_mutex_trylock(ilu_mutex *m); /* -EBUSY */
ILU_API int ilu_mutex_unlock(ilu_mutex *m);  /* -EPERM: the caller does not have it */

/* Many readers or one writer. A waiting writer lets no new readers in. */
#if defined(__GLIBC__) && !defined(__USE_XOPEN2K) /* strict C: pthread.h knows how big one is, and does not name it */
typedef union ilu_real_rwlock_ {
	char bytes_[__SIZEOF_PTHREAD_RWLOCK_T];
	long align_;
} ilu_real_rwlock_;
#else
typedef pthread_rwlock_t ilu_real_rwlock_;
#endif
typedef struct ilu_rwlock {
	char name_[ILU_CLOCK_NAME];
	bool virtual_;
	void *writer_;
	void *readers_; /* who reads, for reports */
	uint64_t reading_;
	int64_t since_;
	struct ilu_waiters_ waiters_;
	ilu_real_rwlock_ real_;
} ilu_rwlock;

ILU_API int ilu_rwlock_init(ilu_rwlock *l, const char *name);
ILU_API void ilu_rwlock_done(ilu_rwlock *l);
ILU_API int ilu_rwlock_rdlock(ilu_rwlock *l);    /* -EDEADLK: the caller writes; -ENOMEM */
ILU_API int ilu_rwlock_wrlock(ilu_rwlock *l);    /* -EDEADLK: the caller writes */
ILU_API int ilu_rwlock_tryrdlock(ilu_rwlock *l); /* -EBUSY */
ILU_API int ilu_rwlock_trywrlock(ilu_rwlock *l); /* -EBUSY */
ILU_API int ilu_rwlock_unlock(ilu_rwlock *l);    /* -EPERM: the caller does not have it */

/* Always used with one mutex, which the caller holds. Wakeups may be for nothing on real time: wait in a loop. */
typedef struct ilu_cond {
	char name_[ILU_CLOCK_NAME];
	bool virtual_;
	struct ilu_waiters_ waiters_;
	pthread_cond_t real_;
} ilu_cond;

ILU_API int ilu_cond_init(ilu_cond *c, const char *name);
ILU_API void ilu_cond_done(ilu_cond *c);
ILU_API int ilu_cond_wait(ilu_cond *c, ilu_mutex *m); /* -ECANCELED; holds the mutex again whatever it returns */
/* The same; -ETIMEDOUT from the deadline on. Due at the same instant, a timeout comes before a signal. */
ILU_API int ilu_cond_wait_until(ilu_cond *c, ilu_mutex *m, int64_t deadline_ns);
ILU_API int ilu_cond_signal(ilu_cond *c);    /* who waits longest (virtual) */
ILU_API int ilu_cond_broadcast(ilu_cond *c); /* in the order in which they came (virtual) */

typedef struct ilu_sem {
	char name_[ILU_CLOCK_NAME];
	bool virtual_;
	uint64_t value_;
	struct ilu_waiters_ waiters_;
	pthread_mutex_t lock_;
	pthread_cond_t real_;
} ilu_sem;

ILU_API int ilu_sem_init(ilu_sem *s, const char *name, uint64_t value);
ILU_API void ilu_sem_done(ilu_sem *s);
ILU_API int ilu_sem_wait(ilu_sem *s);                            /* one less, when it is not 0; -ECANCELED */
ILU_API int ilu_sem_trywait(ilu_sem *s);                         /* -EAGAIN: it is 0 */
ILU_API int ilu_sem_wait_until(ilu_sem *s, int64_t deadline_ns); /* -ETIMEDOUT, -ECANCELED */
ILU_API int ilu_sem_post(ilu_sem *s);                            /* one more; -EOVERFLOW */

/* ---- queues ---- */

/* Pointers, first in, first out. Closed: takes no more, and is empty for good when all have been taken. */
typedef struct ilu_queue {
	char name_[ILU_CLOCK_NAME];
	bool virtual_, closed_;
	size_t cap_, room_, first_, len_;
	void **items_;
	struct ilu_waiters_ getters_, putters_;
	pthread_mutex_t lock_;
	pthread_cond_t get_, put_;
} ilu_queue;

/* capacity: most items at once; 0: no limit. -ENOMEM. */
ILU_API int ilu_queue_init(ilu_queue *q, const char *name, size_t capacity);
ILU_API void ilu_queue_done(ilu_queue *q);            /* nobody waits for it; items left are forgotten */
ILU_API int ilu_queue_push(ilu_queue *q, void *item); /* waits for room; -EPIPE: closed; -ENOMEM, -ECANCELED */
ILU_API int ilu_queue_push_until(ilu_queue *q, void *item, int64_t deadline_ns); /* and -ETIMEDOUT */
ILU_API int ilu_queue_try_push(ilu_queue *q, void *item);                        /* and -EAGAIN: it is full */
ILU_API int ilu_queue_pop(ilu_queue *q, void **item); /* waits for one; -EPIPE: closed and empty; -ECANCELED */
ILU_API int ilu_queue_pop_until(ilu_queue *q, void **item, int64_t deadline_ns); /* and -ETIMEDOUT */
ILU_API int ilu_queue_try_pop(ilu_queue *q, void **item);                        /* and -EAGAIN: it is empty */
ILU_API size_t ilu_queue_len(ilu_queue *q);
ILU_API void ilu_queue_close(ilu_queue *q); /* all who wait are told */

/* ---- timers ---- */

/* A timer calls fn(arg) at its deadline, all timers one after another; fn may do everything that does not wait (in
 * virtual time a wait gives -EPERM). A call takes no actor and no stack: there may be millions. */
typedef struct ilu_timer ilu_timer;

/* A timer that is not set. flags: 0 or ILU_DAEMON. -ENOMEM, -EINVAL. */
ILU_API int ilu_timer_new(ilu_timer **out, const char *name, unsigned flags, void (*fn)(void *arg), void *arg);

/* Set it, or set it anew; in its own call, too. */
ILU_API int ilu_timer_set(ilu_timer *timer, int64_t deadline_ns);

/* Unset it. 1: it was set and will not be called; 0: it was not. On real time the call may be running. */
ILU_API int ilu_timer_cancel(ilu_timer *timer);

/* Unset and free it, after its running call, if any (but not in its own call). NULL is allowed. */
ILU_API void ilu_timer_free(ilu_timer *timer);

/* Call fn(arg) once: no handle, no name. -ENOMEM. */
ILU_API int ilu_clock_call_at(int64_t deadline_ns, void (*fn)(void *arg), void *arg);

/* ---- randomness ---- */

/* xoshiro256**, not for secrets. One stream for each purpose: another draw in one does not shift the others. */
typedef struct ilu_random {
	uint64_t s_[4];
} ilu_random;

/* The stream of that name and the clock's seed (without a clock: seed 0). */
ILU_API void ilu_random_init(ilu_random *r, const char *stream);
ILU_API void ilu_random_seed(ilu_random *r, uint64_t seed, const char *stream);
ILU_API uint64_t ilu_random_next(ilu_random *r);
ILU_API uint64_t ilu_random_below(ilu_random *r, uint64_t n); /* 0 .. n-1, each as likely; 0 for n = 0 */
ILU_API double ilu_random_unit(ilu_random *r);                /* in [0, 1), 53 bits */

/* ---- the world outside ---- */

/* Around real input or output, or any other waiting that this layer does not see. Virtual time stands still meanwhile.
 * In a thread, others that are ready run on; threads come back when nobody else can run at this instant, in the order
 * of their begins. Main and tasks keep the turn. `what` is for reports; borrowed until the end. Do not log in between.
 * -EPERM: not an actor; -EINVAL: begun twice, or ended without a begin. */
ILU_API int ilu_clock_io_begin(const char *what);
ILU_API int ilu_clock_io_end(void);

#ifdef __cplusplus
}
#endif
#endif
