/* SPDX-License-Identifier: Apache-2.0 */
/* clock.c - start and stop, time and sleep; and what the log is told, see now.h. */
#include "virtual.h"

#include "call/state.h"
#include "life/life.h"
#include "base/now.h"
#include "real.h"

#include <errno.h>
#include <string.h>

#define START_WALL_NS  INT64_C(1767225600000000000) /* 2026-01-01T00:00:00Z */
#define SPIN_LIMIT     1000000
#define DAEMON_LIMIT   10000000
#define IO_PATIENCE_NS INT64_C(5000000000)
#define THREAD_STACK   ((size_t)256 << 10)
#define TASK_STACK     ((size_t)16 << 10)
#define LEAST_STACK    ((size_t)8 << 10)
#define LEAST_THREAD   ((size_t)64 << 10)
#define LARGEST_STACK  ((size_t)1 << 30)

bool clock_virtual_;
static bool started;
static pthread_t starter;

/* ---- what the log asks ---- */

static int64_t now(void)
{
	return __atomic_load_n(&vt.now, __ATOMIC_ACQUIRE);
}

static int64_t add(int64_t a, int64_t b)
{
	int64_t sum;

	if (__builtin_add_overflow(a, b, &sum))
		return b < 0 ? INT64_MIN : INT64_MAX;
	return sum;
}

static uint64_t steady_for_log(void)
{
	return (uint64_t)now();
}

static int64_t wall_at(uint64_t steady_ns)
{
	return add(vt.options.start_wall_ns, (int64_t)steady_ns);
}

static int64_t wall_for_log(void)
{
	return wall_at((uint64_t)now());
}

static uint64_t turns(void)
{
	return __atomic_load_n(&vt.turns, __ATOMIC_ACQUIRE);
}

static uint64_t random_for_log(void)
{
	return ilu_random_next(&vt.tids);
}

static const struct now_source source = {
    .steady_ns = steady_for_log,
    .wall_ns = wall_for_log,
    .wall_at = wall_at,
    .turns = turns,
    .random = random_for_log,
    .own_thread = pin_own_thread,
};

/* ---- start ---- */

static int use_options(const struct ilu_clock_options *given)
{
	struct ilu_clock_options o = *given;

	if (!o.start_wall_ns)
		o.start_wall_ns = START_WALL_NS;
	if (!o.spin_limit)
		o.spin_limit = SPIN_LIMIT;
	if (!o.daemon_limit)
		o.daemon_limit = DAEMON_LIMIT;
	if (!o.io_patience_ns)
		o.io_patience_ns = IO_PATIENCE_NS;
	if (!o.thread_stack)
		o.thread_stack = THREAD_STACK;
	if (!o.task_stack)
		o.task_stack = TASK_STACK;
	if ((o.kind != ILU_CLOCK_REAL && o.kind != ILU_CLOCK_VIRTUAL) || o.io_patience_ns < 0 ||
	    o.spin_limit > UINT32_MAX / 2 || o.task_stack < LEAST_STACK || o.thread_stack < LEAST_THREAD ||
	    o.task_stack > LARGEST_STACK || o.thread_stack > LARGEST_STACK)
		return -EINVAL;
	vt.options = o;
	return 0;
}

static int virtual_start(void)
{
	int rc;

	vt.exploring = vt.options.order_seed != 0;
	ilu_random_seed(&vt.order, vt.options.order_seed, "order");
	ilu_random_seed(&vt.tids, vt.options.seed, "transaction ids");
	rc = turn_start();
	if (rc) {
		stacks_free();
		return rc;
	}
	clock_virtual_ = true;
	life_use_source(&source);
	return 0;
}

int ilu_clock_start(const struct ilu_clock_options *options)
{
	static const struct ilu_clock_options real = {.kind = ILU_CLOCK_REAL};
	uint64_t left = vt.left;
	int rc;

	if (started)
		return -EALREADY;
	memset(&vt, 0, sizeof vt);
	vt.left = left;
	rc = use_options(options ? options : &real);
	if (rc)
		return rc;
	if (vt.options.kind == ILU_CLOCK_VIRTUAL) {
		if (logger_state() != LOGGER_OFF)
			return -EBUSY;
		rc = virtual_start();
	} else {
		real_start(vt.options.thread_stack);
	}
	if (rc)
		return rc;
	starter = pthread_self();
	started = true;
	return 0;
}

int ilu_clock_stop(void)
{
	if (!started)
		return -ESRCH;
	if (!pthread_equal(starter, pthread_self()) || (clock_virtual() && wait_self() != &vt.main))
		return -EPERM;
	if (clock_virtual()) {
		turn_stop();
		ilu_log_stop();
		life_use_source(NULL);
		clock_virtual_ = false;
		actors_free();
		timers_free();
		stacks_free();
	} else {
		real_stop();
	}
	started = false;
	return 0;
}

bool ilu_clock_is_virtual(void)
{
	return clock_virtual();
}

int ilu_clock_run(int64_t deadline_ns)
{
	struct actor *me;
	int rc;

	if (!clock_virtual())
		return started && pthread_equal(starter, pthread_self()) ? real_run(deadline_ns) : -EPERM;
	me = wait_self();
	if (me != &vt.main)
		return -EPERM;
	if (!vt.keeping)
		return 0;
	if (deadline_ns <= vt.now)
		return -ETIMEDOUT;
	vt.runner = me;
	rc = wait_on(NULL, me, WAIT_RUN, NULL, deadline_ns);
	return rc;
}

/* ---- time ---- */

int64_t ilu_clock_now(void)
{
	if (!clock_virtual())
		return real_now();
	if (wait_caller())
		turn_poll();
	return now();
}

int64_t ilu_clock_wall(void)
{
	if (!clock_virtual())
		return real_wall();
	if (wait_caller())
		turn_poll();
	return wall_for_log();
}

int64_t ilu_clock_after(int64_t ns)
{
	return add(clock_virtual() ? now() : real_now(), ns < 0 ? 0 : ns);
}

int ilu_clock_sleep_until(int64_t deadline_ns)
{
	struct actor *me;
	int result;

	if (!clock_virtual())
		return real_sleep_until(deadline_ns);
	me = wait_self();
	if (!me)
		return -EPERM;
	if (deadline_ns == ILU_FOREVER)
		return wait_on(NULL, me, WAIT_FOREVER, NULL, ILU_FOREVER);
	if (vt.stopping)
		return wait_refuse(me);
	me->wait = WAIT_SLEEP;
	me->result = 0;
	if (deadline_ns > vt.now)
		turn_arm(&me->armed, (uintptr_t)me, deadline_ns);
	else
		turn_ready((uintptr_t)me);
	result = turn_wait(me);
	me->wait = WAIT_NOTHING;
	return result;
}

int ilu_clock_sleep(int64_t ns)
{
	return ilu_clock_sleep_until(ilu_clock_after(ns));
}

void ilu_clock_stats(struct ilu_clock_stats *out)
{
	*out = (struct ilu_clock_stats){
	    .wakeups = vt.wakeups,
	    .instants = vt.instant,
	    .actors = vt.actors,
	    .peak = vt.peak,
	    .pending = deadlines_len(&vt.deadlines) - vt.stale,
	    .left = vt.left,
	};
}
