/* SPDX-License-Identifier: GPL-3.0-or-later */
/* energy_meter.h - what a meter's readings come to: joules over stretches of time, and whose they were. */
#ifndef BESIDE_ENERGY_METER_H
#define BESIDE_ENERGY_METER_H

#include "beside/energy_rows.h"

/* A stretch between two readings; stretches follow each other, not always without gaps. */
struct energy_stretch {
	int64_t from_ns, to_ns;
	double joules;
};

/* One meter: one kind of value of one file. Zero-initialise, with the first line's identity. */
struct energy_meter {
	int64_t run, source;
	char *worker, *name; /* NULL where the run has no one worker; rapl, ipmi, energy_pkg, ... */
	enum energy_kind kind;
	double range_uj; /* of RAPL's counter: it goes from there to 0; 0: not known */
	struct energy_stretch *v;
	size_t n, room;
	int64_t samples;
	int64_t wraps;        /* the counter went backwards */
	int64_t unknown;      /* stretches whose joules are not known: the counter wrapped and its range is not known */
	int64_t skipped;      /* readings not after the one before: the clock went back, or a line is there twice */
	int64_t skipped_line; /* the first of them */
	int64_t first_ns, last_ns;
	/* private */
	bool started;
	int64_t start_ns;
	double last;
};

/* Is a value of this kind and name a meter's? *name: what it is called (static, or of the argument). */
bool energy_meter_name(enum energy_kind kind, struct slice series, struct slice *name);

/* Takes the next reading in. 0 or -ENOMEM. */
int energy_meter_add(struct energy_meter *m, const struct energy_row *row);
void energy_meter_done(struct energy_meter *m);

double energy_meter_joules(const struct energy_meter *m);
/* How long it measured, and the least and largest mean power of a stretch (NaN: no stretch). */
int64_t energy_meter_measured_ns(const struct energy_meter *m);
void energy_meter_power(const struct energy_meter *m, double *least, double *largest);

/* Somebody to whom energy is given. */
struct energy_user {
	int64_t from_ns, to_ns; /* in: it ran; to INT64_MAX: to the end */
	double joules;          /* out */
	int64_t measured_ns;    /* out: of its time, as much as the meter measured */
};

/* Each instant's power goes in equal parts to those who run then; what nobody ran for is idle. 0 or -ENOMEM. */
int energy_share(const struct energy_meter *m, struct energy_user *users, size_t n, double *idle_joules,
                 int64_t *idle_ns);

#endif
