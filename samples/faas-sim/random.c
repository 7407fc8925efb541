/* SPDX-License-Identifier: Apache-2.0 */
/* random.c - numbers that a seed repeats (splitmix64). */
#include "sim.h"

#include <math.h>
#include <stdio.h>

uint64_t rng_next(struct rng *r)
{
	uint64_t z = r->state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

double rng_unit(struct rng *r)
{
	return (double)(rng_next(r) >> 11) * 0x1p-53;
}

double rng_exponential(struct rng *r, double mean)
{
	return -mean * log(1.0 - rng_unit(r));
}

void rng_guid(struct rng *r, char out[37])
{
	uint64_t a = rng_next(r), b = rng_next(r);

	snprintf(out, 37, "%08X-%04X-%04X-%04X-%012llX", (unsigned)(a >> 32), (unsigned)(a >> 16 & 0xffff),
	         (unsigned)(a & 0xffff), (unsigned)(b >> 48), (unsigned long long)(b & 0xffffffffffff));
}

double sim_random(struct sim *sim)
{
	ilu_mutex_lock(&sim->rng_lock);
	double x = rng_unit(&sim->rng);
	ilu_mutex_unlock(&sim->rng_lock);
	return x;
}

void sim_guid(struct sim *sim, char out[37])
{
	ilu_mutex_lock(&sim->rng_lock);
	rng_guid(&sim->rng, out);
	ilu_mutex_unlock(&sim->rng_lock);
}
