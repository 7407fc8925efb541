/* SPDX-License-Identifier: Apache-2.0 */
/* overflow.c - a task that runs into its guard page is reported, like all else that ends virtual time.
 *
 * The handler of SIGSEGV runs on a stack of its own and makes the report there. The task may have been anywhere, also
 * where it held a lock that the report needs: after a while the process ends with the name alone. Any other fault is
 * left to whoever had the signal before. Sanitizers have handlers of their own, which say more. */
#include "sanitize.h"
#include "virtual.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#if defined(CLOCK_ASAN) || defined(CLOCK_TSAN)

void overflow_start(void)
{
}

void overflow_stop(void)
{
}

#else

#define STACK_BYTES ((size_t)128 << 10)
#define PATIENCE_S  3

static stack_t mine, before;
static struct sigaction action_before;
static const struct actor *culprit;

static void say(const char *text)
{
	if (write(STDERR_FILENO, text, strlen(text)) < 0)
		return;
}

static void give_up(int signal)
{
	(void)signal;
	say("ilulog: a task used more stack than it has, in the middle of what a report needs: ");
	say(culprit->name);
	say("\n");
	_exit(ILU_CLOCK_EXIT);
}

static bool in_guard(const struct actor *a, const char *at)
{
	return a->kind == ACTOR_TASK && at >= a->stack && at < a->stack + sysconf(_SC_PAGESIZE);
}

static void fault(int number, siginfo_t *info, void *context)
{
	(void)context;
	if (my_vehicle != vt.home || !in_guard(vt.home->resident, info->si_addr)) {
		sigaction(number, &action_before, NULL); /* it happens again at once */
		return;
	}
	culprit = vt.home->resident;
	signal(SIGALRM, give_up);
	alarm(PATIENCE_S);
	report(VERDICT_STACK, vt.home->resident);
}

void overflow_start(void)
{
	struct sigaction action = {.sa_sigaction = fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};

	mine.ss_size = STACK_BYTES;
	mine.ss_sp = mmap(NULL, mine.ss_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (mine.ss_sp == MAP_FAILED) {
		mine.ss_sp = NULL; /* such a task then ends the process without a report */
		return;
	}
	sigaltstack(&mine, &before);
	sigemptyset(&action.sa_mask);
	sigaction(SIGSEGV, &action, &action_before);
}

void overflow_stop(void)
{
	struct sigaction now;

	if (!mine.ss_sp)
		return;
	if (!sigaction(SIGSEGV, NULL, &now) && now.sa_sigaction == fault)
		sigaction(SIGSEGV, &action_before, NULL);
	sigaltstack(&before, NULL);
	munmap(mine.ss_sp, mine.ss_size);
	mine.ss_sp = NULL;
}

#endif
