/* SPDX-License-Identifier: Apache-2.0 */
/* now.h - what time is it. Two functions that the virtual clock replaces; nothing else here asks the system. */
#ifndef NOW_H
#define NOW_H

#include <stdint.h>

/* A clock that never goes back, in nanoseconds: what stamps and durations are measured with. */
uint64_t now_steady_ns(void);

/* The wall clock: nanoseconds since 1970 UTC. */
int64_t now_wall_ns(void);

/* Put other clocks in their place, before the logger starts; NULL: the system's. */
void now_replace(uint64_t (*steady_ns)(void), int64_t (*wall_ns)(void));

/* Were they replaced? Then stamps must not come from the TSC. */
int now_replaced(void);

#endif
