/* SPDX-License-Identifier: Apache-2.0 */
/* estimate.c - how long a function takes, as its worker knows it: averages in which what is new counts a tenth.
 *
 * They begin with the benchmark's results in its order, or with what the function's metadata says. */
#include "sim.h"

#include <errno.h>
#include <stdlib.h>

void average(double *avg, double x)
{
	*avg = *avg > 0 ? *avg * 0.9 + x * 0.1 : x;
}

int estimates_new(const struct sim *sim, struct estimate **out)
{
	*out = calloc((size_t)sim->nfns, sizeof **out);
	if (!*out)
		return -ENOMEM;
	for (int i = 0; i < sim->nfns; i++)
		(*out)[i] = sim->fns[i]->first;
	return 0;
}

double estimate_time(const struct estimate *e, enum container_state state)
{
	return state == STATE_WARM ? e->warm : state == STATE_PREWARM ? e->prewarm : e->cold;
}

void estimate_learn(struct worker *w, const struct item *it, int64_t taken_ns)
{
	struct estimate *e = &w->queue.estimates[it->fn->index];
	double exec = (double)it->duration_ns / 1e9;

	ilu_mutex_lock(&w->queue.lock);
	average(&e->exec, exec);
	if (it->state == STATE_COLD)
		average(&e->cold, (double)taken_ns / 1e9);
	else
		average(it->state == STATE_WARM ? &e->warm : &e->prewarm, exec);
	ilu_mutex_unlock(&w->queue.lock);
}
