/* SPDX-License-Identifier: GPL-3.0-or-later */
/* outcomes.h - what tells that a request of a kind has failed. */
#ifndef INFER_OUTCOMES_H
#define INFER_OUTCOMES_H

#include "infer/requests.h"
#include "infer/steps.h"

enum { OUTCOMES_MAX = 12 };

struct failure {
	uint32_t key;
	uint32_t name;   /* of a field, or SAMPLE_NONE: the message alone */
	char value[64];  /* as a rules file writes it in "where" */
	const char *why; /* static */
	uint32_t requests;
};

struct failures {
	struct failure v[OUTCOMES_MAX];
	int n;
};

/* function: the name of the field that names the function, or SAMPLE_NONE. 0 or -ENOMEM. */
int failures_find(struct failures *out, const struct sample *s, const struct requests *r, unsigned kind,
                  const struct steps *steps, uint32_t function);

#endif
