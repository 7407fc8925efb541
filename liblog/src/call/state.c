/* SPDX-License-Identifier: Apache-2.0 */
/* state.c - the words that callers and the appender share, and how to wake it; see state.h. */
#include "call/state.h"

struct logger logger;

bool logger_revive(void)
{
	return logger_state() == LOGGER_FORKED && logger.revive();
}

void logger_wake(void)
{
	__atomic_store_n(&logger.bell, 0, __ATOMIC_RELAXED);
	__atomic_add_fetch(&logger.wake, 1, __ATOMIC_RELEASE);
	futex_wake(&logger.wake, 1);
}

void logger_wake_from_nap(void)
{
	if (__atomic_load_n(&logger.naps, __ATOMIC_RELAXED) && __atomic_exchange_n(&logger.naps, 0, __ATOMIC_RELAXED))
		logger_wake();
}

void logger_reset(void)
{
	logger.bell = logger.naps = 0;
	if (logger.state == LOGGER_RUNNING)
		logger.state = LOGGER_FORKED;
	lock_reset(&logger.control);
}
