/* SPDX-License-Identifier: Apache-2.0 */
/* thread.h - a thread of the library's own in somebody else's program.
 *
 * It takes no signal: those go to the program's threads, whose handlers know nothing of it. */
#ifndef THREAD_H
#define THREAD_H

#include <pthread.h>
#include <stddef.h>

/* 0, and *thread is to be joined; or a negative errno, also where a filter of system calls refuses it. `argument` is
 * borrowed until the thread ends. */
int thread_start(pthread_t *thread, size_t stack_bytes, void *(*function)(void *), void *argument);

#endif
