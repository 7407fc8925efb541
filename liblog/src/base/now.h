/* SPDX-License-Identifier: Apache-2.0 */
/* now.h - what time is it. Two functions that the virtual clock replaces; nothing else here asks the system. */
#ifndef NOW_H
#define NOW_H

#include <stdbool.h>
#include <stdint.h>

/* A clock that never goes back, in nanoseconds: what stamps and durations are measured with. */
uint64_t now_steady_ns(void);

/* The wall clock: nanoseconds since 1970 UTC. */
int64_t now_wall_ns(void);

/* Another time, which somebody else moves. One caller runs at a time: who logs has the turn, and `turns` counts how
 * often it went from one thread to another. So records are in the order of (turn, place in the ring), with no need to
 * wait for late ones. All may be called by any thread but `random`, which is for who has the turn. */
struct now_source {
	uint64_t (*steady_ns)(void);
	int64_t (*wall_ns)(void);
	int64_t (*wall_at)(uint64_t steady_ns);
	uint64_t (*turns)(void);
	uint64_t (*random)(void); /* for transaction ids */
	void (*own_thread)(void); /* see now_own_thread */
};

/* What the log says of the process then, so that the same run makes the same bytes. */
#define VIRTUAL_PID     1
#define VIRTUAL_BOOT_ID "00000000-0000-0000-0000-000000000000"

/* Put it in place of the system's clocks while the logger does not run; NULL: the system's again. Borrowed. */
void now_replace(const struct now_source *source);

/* What is in place; NULL: the system's clocks. Then stamps must not come from the TSC. */
const struct now_source *now_replaced(void);

/* The caller is a thread of the library's own, or the child of a fork: it does not belong to who moves the time, and
 * need not run where those do. */
void now_own_thread(void);

/* The machine's own steady clock, whatever is in place: for those who sleep and wake on real time. */
uint64_t now_machine_ns(void);

#endif
