/* SPDX-License-Identifier: Apache-2.0 */
/* real.h - the parts of real time that the public functions call: pthreads with deadlines on CLOCK_MONOTONIC. */
#ifndef ILU_REAL_H
#define ILU_REAL_H

#include <ilu/clock.h>
#include <pthread.h>

int64_t real_now(void);
int64_t real_wall(void);
int real_sleep_until(int64_t deadline_ns); /* 0 or -ECANCELED */
int real_cond_init(pthread_cond_t *c);
int real_cond_wait(pthread_cond_t *c, pthread_mutex_t *m, int64_t deadline_ns); /* 0, -ETIMEDOUT, -ECANCELED, -EPERM */

void real_start(size_t thread_stack);
void real_stop(void); /* wakes who waits, but not for locks; ends the timers' thread */
int real_run(int64_t deadline_ns);

int real_thread_start(ilu_thread **out, const char *name, unsigned flags, size_t stack, int (*run)(void *), void *arg);
int real_join(ilu_thread *thread, int64_t deadline_ns, int *result);
void real_detach(ilu_thread *thread);
const char *real_self_name(void);

int real_timer_set(ilu_timer *t, int64_t deadline_ns);
int real_timer_cancel(ilu_timer *t);
void real_timer_free(ilu_timer *t);

#endif
