/* SPDX-License-Identifier: Apache-2.0 */
/* controller.h - between the load and several workers: who gets a request.
 *
 *   controller     its API: workers, functions, requests
 *   load_monitor   what each worker's load was when it was last asked
 *   round_robin, least_loaded, ch_rlu   balancers; of Ilúvatar's they have names, messages and rules
 *   recorded       with --from: who got a request in the log
 */
#ifndef FAAS_SIM_CONTROLLER_H
#define FAAS_SIM_CONTROLLER_H

#include "sim.h"

#define LOAD_INTERVAL (500 * MS)

struct controller;

/* A balancer's calls are made under the controller's lock, except send and prewarm, which take it to choose. */
struct balancer {
	const char *title; /* as messages name it */
	void (*add)(struct controller *c, const ilu_tid *tid, struct worker *w);
	void (*send)(struct controller *c, struct item *it); /* chooses a worker and returns with the answer */
	int (*prewarm)(struct controller *c, const ilu_tid *tid, const struct function *fn);
	int (*update)(void *controller); /* a task that follows the loads; NULL: none */
};

extern const struct balancer round_robin, least_loaded, ch_rlu, recorded;

/* A worker's place on the ring of ch_rlu; it has several. */
struct place {
	uint64_t hash;
	int worker;
};

#define PLACES 3 /* of a worker */

struct controller {
	struct sim *sim;
	const struct balancer *balancer;
	ilu_mutex lock;
	int nworkers; /* registered: the first of sim->workers */
	double *load; /* of each, when last asked: seconds of work in its queue, for each core */
	ilu_thread *monitor, *updater;

	/* By function: when it was last invoked, and the average time between, in s. Under a lock of their own, which
	 * comes after the other. */
	ilu_mutex iat_lock;
	int64_t *last_ns;
	double *iat_s;

	int next;            /* round_robin */
	int least;           /* least_loaded */
	struct place *ring;  /* ch_rlu: by hash */
	bool *popular;       /* ch_rlu: by function */
	double arrival_rate; /* ch_rlu: of the average function, in 1/s */
	ilu_random random;
};

/* The decision of a balancer takes time, and one is made after the other. */
void controller_begin_choice(struct controller *c);
void controller_end_choice(struct controller *c);
/* Over the network. */
void controller_call(struct controller *c, struct worker *w, struct item *it);
int controller_call_prewarm(struct controller *c, struct worker *w, const ilu_tid *tid, const struct function *fn);

int load_monitor(void *controller); /* a task */

#endif
