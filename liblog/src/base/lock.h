/* SPDX-License-Identifier: Apache-2.0 */
/* lock.h - a mutex for the slow paths of callers, and the futex under it.
 *
 * The word is the holder's thread id. So a signal handler that wants a lock which its own thread holds is told so
 * (-EDEADLK) where a pthread mutex would hang; and nothing here is a cancellation point. */
#ifndef LOCK_H
#define LOCK_H

#include <errno.h>
#include <linux/futex.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define LOCK_WAITED 0x80000000u

struct lock {
	uint32_t word; /* 0 free, else the holder, and LOCK_WAITED when somebody sleeps */
};

/* Sleep while *word == seen, at most timeout_ns (< 0: for ever). May return early. */
static inline void futex_wait(const uint32_t *word, uint32_t seen, int64_t timeout_ns)
{
	struct timespec ts = {timeout_ns / 1000000000, timeout_ns % 1000000000};

	syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, seen, timeout_ns < 0 ? NULL : &ts, NULL, 0);
}

static inline void futex_wake(const uint32_t *word, int count)
{
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
}

static inline uint32_t lock_self(void)
{
	return (uint32_t)syscall(SYS_gettid);
}

/* 0, or -EDEADLK when this thread holds it already. */
static inline int lock_take(struct lock *lock)
{
	uint32_t self = lock_self(), seen = 0;

	if (__atomic_compare_exchange_n(&lock->word, &seen, self, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return 0;
	for (;;) {
		if ((seen & ~LOCK_WAITED) == self)
			return -EDEADLK;
		if (seen == 0) {
			/* others may sleep: keep saying so */
			if (__atomic_compare_exchange_n(&lock->word, &seen, self | LOCK_WAITED, 0, __ATOMIC_ACQUIRE,
			                                __ATOMIC_RELAXED))
				return 0;
			continue;
		}
		if (!(seen & LOCK_WAITED) && !__atomic_compare_exchange_n(&lock->word, &seen, seen | LOCK_WAITED, 0,
		                                                          __ATOMIC_RELAXED, __ATOMIC_RELAXED))
			continue;
		futex_wait(&lock->word, seen | LOCK_WAITED, -1);
		seen = __atomic_load_n(&lock->word, __ATOMIC_RELAXED);
	}
}

/* Without waiting: -EBUSY when somebody holds it. */
static inline int lock_try(struct lock *lock)
{
	uint32_t seen = 0;

	return __atomic_compare_exchange_n(&lock->word, &seen, lock_self(), 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)
	           ? 0
	           : -EBUSY;
}

static inline void lock_drop(struct lock *lock)
{
	if (__atomic_exchange_n(&lock->word, 0, __ATOMIC_RELEASE) & LOCK_WAITED)
		futex_wake(&lock->word, 1);
}

/* In the child of a fork: whoever held it is gone. */
static inline void lock_reset(struct lock *lock)
{
	__atomic_store_n(&lock->word, 0, __ATOMIC_RELAXED);
}

#endif
