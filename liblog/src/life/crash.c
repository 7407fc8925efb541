/* SPDX-License-Identifier: Apache-2.0 */
/* crash.c - writes the log when a signal kills the process; see crash.h.
 *
 * The handler does as little as it can: it notes what happened, wakes the appender, which is another thread, and waits
 * for it, PATIENCE_NS at most: the crash may have come while a lock was held that the appender needs, such as malloc's.
 * Then the signal means again what it meant before, and comes again: as the faulting instruction is run again, or, if
 * somebody sent it, by raise(3), when the handler returns. Where the appender's own thread crashes nothing is waited
 * for.
 *
 * Other threads that crash meanwhile wait for the first one to end the process. */
#include "life/crash.h"

#include "appender/current.h"
#include "call/state.h"

#include <errno.h>
#include <ilu/log.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <time.h>

#define PATIENCE_NS INT64_C(5000000000)
#define STACK_BYTES (64 * 1024)

static const int signals[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL};
#define SIGNALS (sizeof signals / sizeof *signals)

static struct sigaction before[SIGNALS];
static bool watching;

static void wait_for_the_end(void)
{
	const struct timespec some = {0, 10000000};

	for (int64_t ns = 0; ns < PATIENCE_NS; ns += some.tv_nsec)
		nanosleep(&some, NULL);
}

static void tell(int sig, const siginfo_t *info)
{
	struct logger_crash *c = &logger.crash;

	c->signal = sig;
	c->code = info->si_code;
	c->address = (uint64_t)(uintptr_t)info->si_addr;
	c->tid = *ilu_span_tid(ilu_span_current());
	__atomic_store_n(&c->state, LOGGER_CRASH_NOTED, __ATOMIC_RELEASE);
	if (!current_is_self())
		ilu_log_flush(ILU_ACK_KERNEL, PATIENCE_NS);
}

/* The right to tell: where nobody has, or what was told was survived by a handler of the program's own. */
static bool take(void)
{
	uint32_t none = LOGGER_CRASH_NONE, told = LOGGER_CRASH_TOLD;

	return __atomic_compare_exchange_n(&logger.crash.state, &none, LOGGER_CRASH_TAKEN, 0, __ATOMIC_ACQ_REL,
	                                   __ATOMIC_RELAXED) ||
	       __atomic_compare_exchange_n(&logger.crash.state, &told, LOGGER_CRASH_TAKEN, 0, __ATOMIC_ACQ_REL,
	                                   __ATOMIC_RELAXED);
}

/* Somebody sent a signal that the program ignores: nothing comes of it. */
static bool is_ignored(int sig, const siginfo_t *info)
{
	for (size_t i = 0; i < SIGNALS; i++)
		if (signals[i] == sig && info->si_code <= 0)
			return !(before[i].sa_flags & SA_SIGINFO) && before[i].sa_handler == SIG_IGN;
	return false;
}

static void on_crash(int sig, siginfo_t *info, void *context)
{
	uint32_t self = lock_self();
	int saved = errno;

	(void)context;
	if (is_ignored(sig, info))
		return;
	if (take()) {
		logger.crash.thread_id = self;
		tell(sig, info);
	} else if (logger.crash.thread_id != self) {
		wait_for_the_end();
	}
	for (size_t i = 0; i < SIGNALS; i++)
		if (signals[i] == sig)
			sigaction(sig, &before[i], NULL);
	if (info->si_code <= 0)
		raise(sig);
	errno = saved;
}

/* For a stack that has run over. It stays: nobody knows whether it is in use. */
static void give_stack(void)
{
	stack_t now, own = {.ss_size = STACK_BYTES};

	if (sigaltstack(NULL, &now) || !(now.ss_flags & SS_DISABLE))
		return;
	own.ss_sp = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (own.ss_sp != MAP_FAILED)
		sigaltstack(&own, NULL);
}

void crash_watch(void)
{
	struct sigaction action = {.sa_sigaction = on_crash, .sa_flags = SA_SIGINFO | SA_ONSTACK};

	if (watching)
		return;
	give_stack();
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < SIGNALS; i++)
		sigaction(signals[i], &action, &before[i]);
	watching = true;
}

void crash_unwatch(void)
{
	struct sigaction now;

	for (size_t i = 0; i < SIGNALS && watching; i++)
		if (!sigaction(signals[i], NULL, &now) && now.sa_flags & SA_SIGINFO && now.sa_sigaction == on_crash)
			sigaction(signals[i], &before[i], NULL);
	watching = false;
}
