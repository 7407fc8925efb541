/* SPDX-License-Identifier: Apache-2.0 */
/* current.c - what anybody may ask of the running appender; see current.h. */
#include "appender/current.h"

#include "box/slab.h"
#include "call/limit.h"
#include "call/ring.h"
#include "call/state.h"
#include "config/reload.h"

#include <ilu/log.h>
#include <sched.h>
#include <string.h>

static struct {
	struct appender *appender;
	uint32_t users;                              /* without the lock */
	uint64_t lines, lost, cut, wakeups, refused; /* of those before it */
} current;

struct appender *current_appender(void)
{
	return current.appender;
}

void current_set(struct appender *a)
{
	current.appender = a;
}

/* It cannot go away until `leave`. */
static struct appender *enter(void)
{
	__atomic_add_fetch(&current.users, 1, __ATOMIC_SEQ_CST);
	if (logger_state() == LOGGER_RUNNING && current.appender)
		return current.appender;
	__atomic_sub_fetch(&current.users, 1, __ATOMIC_RELEASE);
	return NULL;
}

static void leave(void)
{
	__atomic_sub_fetch(&current.users, 1, __ATOMIC_RELEASE);
}

void current_retire(void)
{
	struct appender *a = current.appender;

	while (__atomic_load_n(&current.users, __ATOMIC_SEQ_CST)) {
		appender_dismiss(a);
		sched_yield();
	}
	current.appender = NULL;
	current.lines += outlet_lines(&a->outlet);
	current.refused += outlet_refused(&a->outlet);
	current.lost += a->own.lost;
	current.cut += a->enc.cut;
	current.wakeups += a->wakeups;
}

void current_reset(void)
{
	current.users = 0;
}

bool current_is_self(void)
{
	struct appender *a = enter();
	bool self = a && __atomic_load_n(&a->thread_id, __ATOMIC_RELAXED) == lock_self();

	if (a)
		leave();
	return self;
}

int ilu_log_flush(enum ilu_ack level, int64_t timeout_ns)
{
	int saved = errno, rc;
	struct appender *a;

	if (logger_state() == LOGGER_FORKED)
		return 0; /* nothing was logged since */
	a = enter();
	if (!a)
		return -ESRCH;
	rc = level == ILU_ACK_RING ? 0 : appender_flush(a, level == ILU_ACK_DISK, timeout_ns);
	leave();
	errno = saved;
	return rc;
}

int ilu_log_reopen(void)
{
	struct appender *a = enter();

	if (!a)
		return -ESRCH;
	outlet_request_reopen(&a->outlet);
	logger_wake();
	leave();
	return 0;
}

int ilu_log_reload(void)
{
	int rc;

	if (!enter())
		return -ESRCH;
	rc = reload_request();
	if (!rc)
		logger_wake();
	leave();
	return rc;
}

static void count(struct ilu_log_stats *out)
{
	struct appender *a = enter();

	memset(out, 0, sizeof *out);
	out->lines = current.lines;
	out->lost = current.lost;
	out->cut = current.cut;
	out->wakeups = current.wakeups;
	out->reopen_failures = current.refused;
	if (a) {
		out->lines += __atomic_load_n(&a->shown.lines, __ATOMIC_RELAXED);
		out->lost += __atomic_load_n(&a->shown.lost, __ATOMIC_RELAXED);
		out->cut += __atomic_load_n(&a->shown.cut, __ATOMIC_RELAXED);
		out->wakeups += __atomic_load_n(&a->shown.wakeups, __ATOMIC_RELAXED);
		out->reopen_failures += __atomic_load_n(&a->shown.refused, __ATOMIC_RELAXED);
		leave();
	}
	out->early = logger.early_ever + __atomic_load_n(&logger.early, __ATOMIC_RELAXED);
	out->span_misuse = slab_misuse();
	out->span_overflow = slab_overflow();
	out->suppressed = limits_suppressed();
	if (!logger.ready)
		return;
	out->rings = rings_count();
	out->threads = rings_owned();
	for (uint32_t i = 0; i < out->rings; i++)
		out->blocked += __atomic_load_n(&rings_at(i)->blocked, __ATOMIC_RELAXED);
}

/* The caller may be compiled with headers that know fewer fields, or more. */
int ilu_log_stats(struct ilu_log_stats *out)
{
	struct ilu_log_stats all;
	size_t size = out->size < sizeof all ? out->size : sizeof all;

	if (size < sizeof all.size)
		return -EINVAL;
	count(&all);
	all.size = size;
	memcpy(out, &all, size);
	return 0;
}
