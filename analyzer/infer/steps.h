/* SPDX-License-Identifier: GPL-3.0-or-later */
/* steps.h - through which messages the requests of a kind go: milestones in an order, and the phases between them.
 *
 * A milestone is a message that requests have once, or a time in a field of one. Those that only some requests have
 * (a cold start) stand among the others; the phases around them are the branches. Those that few have are milestones
 * where these few waited for them. */
#ifndef INFER_STEPS_H
#define INFER_STEPS_H

#include "infer/requests.h"
#include "infer/retry.h"

enum { STEPS_MAX = 40, STEP_PHASES_MAX = 100 };

struct step {
	uint32_t key;
	uint32_t field; /* the time in this field of it; SAMPLE_NONE: the line's own */
	uint32_t requests;
	bool few;   /* only few have it, which waited for it */
	bool tried; /* an attempt has it; what stands behind is of the attempt */
};

struct step_phase {
	int from, to; /* steps; -1: the start, nsteps: the end */
	uint32_t requests;
};

struct steps {
	struct step step[STEPS_MAX]; /* in their order */
	int n;
	struct step_phase phase[STEP_PHASES_MAX];
	int nphases;
	struct retry retry;
	int attempt; /* the first step of what is tried again; n: none is */
};

/* 0 or -ENOMEM. */
int steps_find(struct steps *out, const struct sample *s, const struct requests *r, unsigned kind);

#endif
