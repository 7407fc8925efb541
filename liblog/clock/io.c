/* SPDX-License-Identifier: Apache-2.0 */
/* io.c - brackets around the world outside, in which virtual time stands still.
 *
 * A thread leaves the turn to whoever is ready and does its input or output beside them. When nobody else can run at
 * this instant, threads come back in the order in which they left, so that the run is the same each time, however long
 * each of them takes. If the first one needs another to come back before it, that order cannot be had: after a while
 * the one that is back goes first, and stderr says so. */
#include "virtual.h"

#include "base/lock.h"
#include "base/now.h"

#include <errno.h>
#include <stdio.h>

static struct ilu_waiters_ outside; /* in the order of their begins */
static uint32_t back;               /* futex: counts those who came back */

int ilu_clock_io_begin(const char *what)
{
	struct actor *me;

	if (!clock_virtual())
		return 0;
	me = wait_self();
	if (!me)
		return -EPERM;
	if (me->wait == WAIT_IO)
		return -EINVAL;
	me->wait = WAIT_IO;
	me->object = (void *)(uintptr_t)what;
	me->since = vt.now;
	me->also = NULL;
	if (me->kind != ACTOR_THREAD || !vt.ready.len)
		return 0; /* keeps the turn */
	me->also = me;
	me->result = 0;
	wait_push(&outside, me);
	vt.outside++;
	turn_give(turn_last(me));
	pin_release(my_vehicle, 0);
	return 0;
}

int ilu_clock_io_end(void)
{
	struct actor *me;

	if (!clock_virtual())
		return 0;
	if (!my_vehicle)
		return -EPERM;
	me = my_vehicle->resident;
	if (me->wait != WAIT_IO)
		return -EINVAL;
	if (me->also) {
		__atomic_store_n(&me->result, 1, __ATOMIC_RELEASE);
		__atomic_add_fetch(&back, 1, __ATOMIC_RELEASE);
		futex_wake(&back, 1);
		turn_take(my_vehicle);
	}
	me->wait = WAIT_NOTHING;
	return 0;
}

static bool is_back(const struct actor *a)
{
	return __atomic_load_n(&a->result, __ATOMIC_ACQUIRE) != 0;
}

static struct actor *any_back(void)
{
	for (struct actor *a = wait_first(&outside); a; a = a->next)
		if (is_back(a))
			return a;
	return NULL;
}

void io_come_back(void)
{
	struct actor *first = wait_first(&outside), *other;
	uint32_t seen = __atomic_load_n(&back, __ATOMIC_ACQUIRE);
	uint64_t begin = now_machine_ns(), patience = (uint64_t)vt.options.io_patience_ns;

	if (!is_back(first)) {
		futex_wait(&back, seen, vt.options.io_patience_ns);
		if (is_back(first) || now_machine_ns() - begin < patience)
			return; /* we will be asked again */
		other = any_back();
		fprintf(stderr, "ilulog: virtual time waits for %s, outside for \"%s\"%s%s\n", first->name,
		        first->object ? (const char *)first->object : "input or output",
		        other ? "; this run has its own order: back before it is " : "", other ? other->name : "");
		if (!other)
			return;
		first = other;
	}
	wait_remove(&outside, first);
	vt.outside--;
	turn_ready((uintptr_t)first);
}
