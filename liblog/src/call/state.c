/* SPDX-License-Identifier: Apache-2.0 */
/* state.c - the words that callers and the appender share, and how to wake it; see state.h. */
#include "call/state.h"

#include <sys/mman.h>

static uint32_t plain_bell = ILU_BELL_QUIET_;

const uint32_t logger_urged = ILU_BELL_SLOW_ | ILU_BELL_RING_;

struct logger logger = {.bell = &plain_bell, .quiet = ILU_BELL_QUIET_};

void logger_watch_forks(void)
{
	uint32_t *word = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (word == MAP_FAILED)
		return;
	if (madvise(word, 4096, MADV_WIPEONFORK)) { /* Linux before 4.14: only a fork with handlers is seen */
		munmap(word, 4096);
		return;
	}
	*word = logger.quiet;
	logger.bell = word;
}

bool logger_fork_known(void)
{
	return logger.bell != &plain_bell && *logger.bell;
}

void logger_stamps(bool tsc)
{
#if defined(__x86_64__) || defined(__i386__)
	logger.quiet = tsc ? ILU_BELL_QUIET_ : ILU_BELL_SLOW_;
#else
	logger.quiet = ILU_BELL_QUIET_; /* callers ask for each stamp */
	(void)tsc;
#endif
	logger_want_bell(false);
}

bool logger_revive(void)
{
	return logger_state() == LOGGER_FORKED && logger.revive();
}

void logger_wake(void)
{
	logger_want_bell(false);
	__atomic_add_fetch(&logger.wake, 1, __ATOMIC_RELEASE);
	futex_wake(&logger.wake, 1);
	if (__builtin_expect(logger.work != NULL, 0))
		logger.work();
}

void logger_wake_from_nap(void)
{
	if (__atomic_load_n(&logger.naps, __ATOMIC_RELAXED) && __atomic_exchange_n(&logger.naps, 0, __ATOMIC_RELAXED))
		logger_wake();
}

void logger_reset(void)
{
	logger.naps = 0;
	logger.work = NULL;
	logger.crash.state = LOGGER_CRASH_NONE;
	if (logger.state == LOGGER_RUNNING)
		logger.state = LOGGER_FORKED;
	lock_reset(&logger.control);
	__atomic_store_n(logger.bell, logger.quiet, __ATOMIC_RELEASE);
}
