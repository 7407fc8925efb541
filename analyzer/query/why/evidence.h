/* SPDX-License-Identifier: GPL-3.0-or-later */
/* evidence.h - whether a difference between two runs is more than chance, told from resampled stretches of time.
 *
 * Requests that arrive one after the other are alike: they wait in the same queue. Who resamples them one by one takes
 * them for independent, and finds differences where there are none. So each side's time is cut into STRETCH_CELLS cells
 * of the same length, and what is drawn again and again, with replacement, are STRETCHES stretches of STRETCH_LENGTH
 * neighbouring cells, which may begin in each cell and go round at the end (the circular block bootstrap of Politis and
 * Romano, 1992).
 *
 * What is resampled of a difference is its linear part: how much each cell has to do with it. Many differences are
 * looked at in the same draws, so that the correction for their number knows which of them say the same (the step-down
 * maximum of Westfall and Young). Since an error that was estimated from few stretches is too small now and then, a
 * difference counts as Student's t would have it, with the fewer degrees of freedom the fewer stretches it comes from.
 *
 * The draws come from a seed: the same numbers give the same answer. Everything belongs to one thread. */
#ifndef QUERY_WHY_EVIDENCE_H
#define QUERY_WHY_EVIDENCE_H

#include <stddef.h>
#include <stdint.h>

enum { STRETCHES = 24, STRETCH_LENGTH = 4, STRETCH_CELLS = STRETCHES * STRETCH_LENGTH, DRAWS = 1000 };

/* splitmix64; start from any number */
struct draw {
	uint64_t state;
};
uint64_t draw_next(struct draw *d);
/* The cells with which the next STRETCHES stretches begin. */
void draw_stretches(struct draw *d, uint8_t begin[STRETCHES]);
/* How often each cell is in a draw. */
void draw_weights(struct draw *d, uint16_t weight[STRETCH_CELLS]);

/* A difference, b's value less a's. */
struct effect {
	double difference;
	double cell[2][STRETCH_CELLS];  /* what each cell of a, of b adds to the value's error; each side sums to about
	                                   0. Used up by effects_weigh */
	double count[2][STRETCH_CELLS]; /* of things that the cell's part is of: tells how alike neighbours are */
	/* Set by effects_weigh. */
	double error;     /* standard error; 0: nothing varies */
	double low, high; /* of the difference, 95 %, not corrected */
	double z;         /* the difference in errors, as of a normal distribution */
	double p;         /* corrected: how often the largest of all would be that large by chance */
};

/* Weighs n differences together. 0 or -ENOMEM. */
int effects_weigh(struct effect *v, size_t n, uint64_t seed);

/* A mean of side 0 or 1 as sums by cell: `sum` over `count` things. Adds factor times the linear part of its error. */
void effect_add_mean(struct effect *e, int side, const double *sum, const double *count, double factor);

/* The cell of a moment, 0 to STRETCH_CELLS - 1, of a side that goes from first_ns to last_ns. */
int stretch_cell(int64_t at_ns, int64_t first_ns, int64_t last_ns);

#endif
