/* SPDX-License-Identifier: Apache-2.0 */
/* load.c - draws the load: when requests come, and for which function. One stream of random numbers, so that a seed is
 * a load.
 *
 *   mixed    Poisson; every 25th arrival is eight at once of one function, and a hundredth of the requests crash their
 * container poisson  Poisson bursty   Poisson with two rates: quiet for 10 s on average, then four times the mean rate
 * for 2 s (a Markov-modulated process) azure    Poisson with the day's rhythm: half as much again at 15:00, half as
 * much at 03:00. Without --metadata its functions are drawn as Azure's are described ("Serverless in the Wild", 2020):
 * how often one is invoked spans eight orders of magnitude, execution times are log-normal, memory has a Burr
 * distribution
 *
 * In all of them the mean is --rate. */
#include "sim.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#define BURST_SHARE  0.04
#define BURST_SIZE   8
#define POISON_SHARE 0.01

#define QUIET_S    10.0
#define BUSY_S     2.0
#define BUSY_RATE  4.0 /* of the mean */
#define QUIET_RATE ((QUIET_S + BUSY_S - BUSY_S * BUSY_RATE) / QUIET_S)

#define DAY_S  86400.0
#define RHYTHM 0.5 /* more at the best time, less at the worst */
#define BEST_S (15 * 3600.0)

struct load {
	const struct sim *sim;
	struct rng rng;
	double *below; /* sum of the weights up to each function */
	double at_s;
	double turn_s; /* bursty: when the period ends */
	bool busy;
};

int load_new(const struct sim *sim, struct load **out)
{
	struct load *l = calloc(1, sizeof *l);
	double sum = 0;

	*out = l;
	if (!l)
		return -ENOMEM;
	*l = (struct load){
	    .sim = sim, .rng = {sim->opt.seed}, .busy = true, .below = calloc((size_t)sim->nfns, sizeof *l->below)};
	if (!l->below)
		return -ENOMEM;
	for (int i = 0; i < sim->nfns; i++)
		l->below[i] = sum += sim->fns[i]->weight;
	return 0;
}

void load_free(struct load *l)
{
	if (l)
		free(l->below);
	free(l);
}

static const struct function *choose(struct load *l)
{
	int low = 0, high = l->sim->nfns - 1;
	double x = rng_unit(&l->rng) * l->below[high];

	while (low < high) {
		int middle = (low + high) / 2;

		if (x < l->below[middle])
			high = middle;
		else
			low = middle + 1;
	}
	return l->sim->fns[low];
}

static double wait_s(struct load *l, double rate)
{
	return rng_exponential(&l->rng, 1 / rate);
}

/* An arrival that would come after the period's end does not: the next period has its own. */
static void next_bursty(struct load *l)
{
	for (;;) {
		double at_s = l->at_s + wait_s(l, l->sim->opt.rate * (l->busy ? BUSY_RATE : QUIET_RATE));

		if (at_s < l->turn_s) {
			l->at_s = at_s;
			return;
		}
		l->at_s = l->turn_s;
		l->busy = !l->busy;
		l->turn_s += rng_exponential(&l->rng, l->busy ? BUSY_S : QUIET_S);
	}
}

/* Drawn at the highest rate there is, and taken with the share that the time of day has of it. */
static void next_azure(struct load *l)
{
	double rhythm;

	do {
		l->at_s += wait_s(l, l->sim->opt.rate * (1 + RHYTHM));
		rhythm = 1 + RHYTHM * cos(2 * M_PI * (l->at_s - BEST_S) / DAY_S);
	} while (rng_unit(&l->rng) * (1 + RHYTHM) >= rhythm);
}

static void next_mixed(struct load *l, struct drawn *out)
{
	l->at_s += wait_s(l, l->sim->opt.rate / (1 + BURST_SHARE * (BURST_SIZE - 1)));
	if (l->at_s >= l->sim->opt.seconds)
		return;
	out->fn = choose(l);
	out->count = rng_unit(&l->rng) < BURST_SHARE ? BURST_SIZE : 1;
	for (int i = 0; i < out->count; i++)
		out->poisoned[i] = rng_unit(&l->rng) < POISON_SHARE;
}

bool load_next(struct load *l, struct drawn *out)
{
	*out = (struct drawn){.count = 1};
	switch (l->sim->opt.arrivals) {
	case ARRIVALS_POISSON:
		l->at_s += wait_s(l, l->sim->opt.rate);
		break;
	case ARRIVALS_BURSTY:
		next_bursty(l);
		break;
	case ARRIVALS_AZURE:
		next_azure(l);
		break;
	default:
		next_mixed(l, out);
	}
	out->at_s = l->at_s;
	if (l->at_s < l->sim->opt.seconds && !out->fn)
		out->fn = choose(l);
	return l->at_s < l->sim->opt.seconds;
}

/* ---- functions as Azure's ---- */

#define DECADES 8.0 /* between the rarest and the most frequent */

static double between(double low, double x, double high)
{
	return x < low ? low : x > high ? high : x;
}

/* The inverse of each distribution at a random place. */
static double log_normal(struct rng *r, double mu, double sigma)
{
	double u = 1 - rng_unit(r), v = rng_unit(r);

	return exp(mu + sigma * sqrt(-2 * log(u)) * cos(2 * M_PI * v));
}

static double burr(struct rng *r, double c, double k, double lambda)
{
	return lambda * pow(pow(1 - rng_unit(r), -1 / k) - 1, 1 / c);
}

/* A start takes as long as a container with an interpreter in it, and longer the more memory there is to fill. */
void load_draw_function(struct rng *r, struct function *fn)
{
	double warm_ms = between(1, 1000 * log_normal(r, -0.38, 2.36), 60000),
	       mem_mb = between(32, burr(r, 11.652, 0.221, 107.083), 1024);

	fn->weight = pow(10, -DECADES * rng_unit(r));
	fn->warm_ms = (int)warm_ms;
	fn->mem_mb = (int)mem_mb;
	fn->cold_ms = fn->warm_ms + (int)(300 + 2 * mem_mb);
}
