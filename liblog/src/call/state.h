/* SPDX-License-Identifier: Apache-2.0 */
/* state.h - the state of the process's one logger, as callers and the appender share it. */
#ifndef STATE_H
#define STATE_H

#include "base/lock.h"

#include <ilu/detail/record.h>

#include <stdbool.h>
#include <stdint.h>

enum logger_state {
	LOGGER_OFF,
	LOGGER_RUNNING,
	LOGGER_FORKED, /* a child that has not logged yet: its first call starts an appender again */
};

/* A signal that kills the process, see life/crash.h. */
enum logger_crash_state {
	LOGGER_CRASH_NONE,
	LOGGER_CRASH_TAKEN, /* somebody fills it */
	LOGGER_CRASH_NOTED, /* it is to be told */
	LOGGER_CRASH_TOLD,
};

struct logger_crash {
	uint32_t state; /* atomic */
	uint32_t thread_id;
	int signal, code; /* si_code */
	uint64_t address;
	ilu_tid tid; /* of the innermost span */
};

struct logger {
	uint32_t state;  /* enum logger_state; atomic */
	uint32_t ready;  /* the region is there */
	uint32_t *bell;  /* bits of enum ilu_bell_: RING_ when the appender sleeps until somebody commits a record */
	uint32_t quiet;  /* what it is when nobody wants to be told */
	uint32_t wake;   /* futex the appender sleeps on; counts wakes */
	uint32_t naps;   /* 1: it sleeps a while, whatever is committed */
	uint32_t urgent; /* 1: something was committed that is to be written at once; atomic */
	bool tsc;
	bool timed;        /* spans measure their times */
	uint32_t spanning; /* enum config_spanning */
	uint64_t early;    /* calls below WARN while it did not run, not yet told */
	uint64_t early_ever;
	struct lock control;  /* whoever changes `state` or the filter holds it; callers never do */
	bool (*revive)(void); /* in a forked child: start anew, true when it runs. Set before a fork can be noticed. */
	void (*work)(void);   /* in a process without the appender's thread: do what it would; else NULL */
	void (*forked)(void); /* in a forked child: nobody has told us */
	struct logger_crash crash;
};

extern struct logger logger;

/* The bell of a thread whose next record is to be written at once: its commit rings, whatever the appender does. */
extern const uint32_t logger_urged;

/* A fork that ran no handlers (clone(2), _Fork) is noticed here and in ilu_begin_, before anything that the parent sees
 * is written to. */
static inline enum logger_state logger_state(void)
{
	if (__builtin_expect(!__atomic_load_n(logger.bell, __ATOMIC_RELAXED), 0))
		logger.forked();
	return (enum logger_state)__atomic_load_n(&logger.state, __ATOMIC_ACQUIRE);
}

/* Once, before any caller has a ring: put the bell where a forked child finds zeros. */
void logger_watch_forks(void);
/* In a child: is it known already? */
bool logger_fork_known(void);

/* The logger is off: whether callers stamp records by the TSC from now on. */
void logger_stamps(bool tsc);

/* Whether a commit is to ring from now on. */
static inline void logger_want_bell(bool ring)
{
	__atomic_store_n(logger.bell, logger.quiet | (ring ? ILU_BELL_RING_ : 0),
	                 ring ? __ATOMIC_SEQ_CST : __ATOMIC_RELAXED);
}

/* In a slow path: does the logger run, if need be from now on? */
bool logger_revive(void);

/* Get the appender to work: at once, or only if it naps. */
void logger_wake(void);
void logger_wake_from_nap(void);

/* In a forked child: nobody sleeps, and nobody holds the lock. */
void logger_reset(void);

#endif
