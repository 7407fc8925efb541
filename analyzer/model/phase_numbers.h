/* SPDX-License-Identifier: GPL-3.0-or-later */
/* phase_numbers.h - a number for each whole name of a phase, in the order in which they come. */
#ifndef MODEL_PHASE_NUMBERS_H
#define MODEL_PHASE_NUMBERS_H

#include "base/intern.h"
#include "model/phase.h"

/* A rule's name and a state are the same pointers in each invocation: those that were met are told by them. */
struct phase_known {
	const char *name, *state;
	bool open;
	uint32_t number;
};

/* Those of one reading, whose names are somewhere else. Zero-initialise; nothing is to be given back. */
struct phases_known {
	struct phase_known v[64];
	size_t n;
};

/* Zero-initialise; phase_numbers_done. */
struct phase_numbers {
	struct intern names; /* by number */
	struct phases_known known;
};

/* 0 or -ENOMEM. */
int phase_number(struct phase_numbers *n, const struct phase *p, uint32_t *out);
int phase_number_of(struct phases_known *known, struct intern *names, const struct phase *p, uint32_t *out);
void phase_numbers_done(struct phase_numbers *n);

#endif
