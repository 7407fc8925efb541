/* SPDX-License-Identifier: Apache-2.0 */
/* ch_rlu.c - consistent hashing with random load updates (HPDC 2022), by Ilúvatar's rules.
 *
 * Each worker has some places on a ring of hashes, and a function belongs to the first worker after its own hash, where
 * its containers are warm. A popular function, one of those with the least time between requests, goes on along the
 * ring while the worker at hand has more load than the bound. Loads are known from time to time only; so that not all
 * go on to the same one, noise is added, whose mean is what one more function's arrivals would add, and the chosen
 * worker's load grows by it. */
#define ILU_TARGET "iluvatar_controller_library::services::load_balance::ch_rlu"
#include "controller.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CHAIN 5 /* workers that are tried, at most */
#define NOISE 0.1

/* FNV-1a, and splitmix64's last steps, that near names come to far places. */
static uint64_t hash(const char *text, unsigned salt)
{
	uint64_t h = 0xcbf29ce484222325 ^ salt;

	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * 0x100000001b3;
	h = (h ^ (h >> 30)) * 0xbf58476d1ce4e5b9;
	h = (h ^ (h >> 27)) * 0x94d049bb133111eb;
	return h ^ (h >> 31);
}

static int compare(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	return x->hash < y->hash ? -1 : x->hash > y->hash;
}

static void add(struct controller *c, const ilu_tid *tid, struct worker *w)
{
	ilu_info(tid, "Registering new worker in CH-RLU load balancer", KV("worker", w->name));
	for (unsigned i = 0; i < PLACES; i++)
		c->ring[(unsigned)c->nworkers * PLACES + i] = (struct place){hash(w->name, i + 1), c->nworkers};
	qsort(c->ring, ((size_t)c->nworkers + 1) * PLACES, sizeof *c->ring, compare);
}

/* The workers that follow the function on the ring, each once. Returns how many. */
static int chain(const struct controller *c, const struct function *fn, int out[CHAIN])
{
	int places = c->nworkers * PLACES, low = 0, high = places, n = 0;
	uint64_t h = hash(fn->fqdn, 0);

	while (low < high) {
		int middle = (low + high) / 2;

		if (c->ring[middle].hash < h)
			low = middle + 1;
		else
			high = middle;
	}
	for (int i = 0; i < places && n < CHAIN; i++) {
		int worker = c->ring[(low + i) % places].worker, k = 0;

		while (k < n && out[k] != worker)
			k++;
		if (k == n)
			out[n++] = worker;
	}
	return n;
}

static double normal(struct controller *c, double mean, double deviation)
{
	double u = 1 - ilu_random_unit(&c->random), v = ilu_random_unit(&c->random);

	return mean + deviation * sqrt(-2 * log(u)) * cos(2 * M_PI * v);
}

static int choose_along(struct controller *c, const ilu_tid *tid, const struct function *fn)
{
	const struct worker *workers = c->sim->workers;
	int candidates[CHAIN], n = chain(c, fn, candidates);

	for (int i = 0; i < n && c->popular[fn->index]; i++) {
		int at = candidates[i];
		double noise = normal(c, c->arrival_rate / c->sim->opt.cores, NOISE), load = c->load[at] + noise;

		if (load <= c->sim->opt.load_bound) {
			if (i)
				ilu_debug(tid, "forwarding", KV("from", workers[candidates[0]].name),
				          KV("to", workers[at].name), KV("load", load), KV("noise", noise));
			c->load[at] += noise;
			return at;
		}
		ilu_debug(tid, "trying forwarding", KV("pos_from", workers[at].name), KV("load", load),
		          KV("noise", noise));
	}
	return candidates[0];
}

static struct worker *choose(struct controller *c, const ilu_tid *tid, const struct function *fn)
{
	controller_begin_choice(c);
	struct worker *w = &c->sim->workers[choose_along(c, tid, fn)];
	controller_end_choice(c);
	return w;
}

static void send_invocation(struct controller *c, struct item *it)
{
	ILU_SPAN(span, "send_invocation", &it->tid);
	struct worker *w = choose(c, &it->tid, it->fn);

	ilu_info(&it->tid, "invoking function on worker", KV("fqdn", it->fn->fqdn), KV("worker", w->name));
	controller_call(c, w, it);
	ilu_debug(&it->tid, "invocation result", KV("success", it->compute == COMPUTE_CPU));
}

static int prewarm(struct controller *c, const ilu_tid *tid, const struct function *fn)
{
	struct worker *w = choose(c, tid, fn);

	ilu_info(tid, "prewarming function on worker", KV("fqdn", fn->fqdn), KV("worker", w->name),
	         KV("compute", "CPU"));
	return controller_call_prewarm(c, w, tid, fn);
}

/* ---- who is popular ---- */

struct rate {
	double iat_s;
	int fn;
};

static int by_iat(const void *a, const void *b)
{
	const struct rate *x = a, *y = b;

	return x->iat_s != y->iat_s ? x->iat_s < y->iat_s ? -1 : 1 : x->fn - y->fn;
}

/* One that was invoked once or never has no time between: it is the least popular. */
static void calc_popular(struct controller *c, const ilu_tid *me, struct rate *rates)
{
	int n = c->sim->nfns, take = (int)round(c->sim->opt.popular * n);
	double sum = 0;

	ilu_mutex_lock(&c->iat_lock);
	for (int i = 0; i < n; i++) {
		rates[i] = (struct rate){c->iat_s[i] > 0 ? c->iat_s[i] : HUGE_VAL, i};
		sum += c->iat_s[i];
	}
	ilu_mutex_unlock(&c->iat_lock);
	ilu_mutex_lock(&c->lock);
	qsort(rates, (size_t)n, sizeof *rates, by_iat);
	for (int i = 0; i < n; i++)
		c->popular[rates[i].fn] = i < take && rates[i].iat_s < HUGE_VAL;
	c->arrival_rate = sum > 0 ? n / sum : 1;
	ilu_mutex_unlock(&c->lock);
	ilu_debug(me, "computed popularity", KV("take", take), KV("arrival_rate", c->arrival_rate));
}

static int update(void *arg)
{
	const ilu_tid me = ilu_tid_named("CH_RLU_LB");
	struct controller *c = arg;
	struct rate *rates = calloc((size_t)c->sim->nfns, sizeof *rates);

	if (!rates)
		return -1;
	do
		calc_popular(c, &me, rates);
	while (!stop_wait(&c->sim->silence, LOAD_INTERVAL));
	free(rates);
	return 0;
}

const struct balancer ch_rlu = {"CH-RLU", add, send_invocation, prewarm, update};
