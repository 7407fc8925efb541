/* SPDX-License-Identifier: Apache-2.0 */
/* crash.h - `crash_handler`: what is committed is written before a signal kills the process. */
#ifndef CRASH_H
#define CRASH_H

/* The logger runs: take the signals, if they are not taken. The thread gets a stack for it, if it has none. */
void crash_watch(void);
/* Give them back, where nobody has taken them since. */
void crash_unwatch(void);

#endif
