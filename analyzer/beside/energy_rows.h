/* SPDX-License-Identifier: GPL-3.0-or-later */
/* energy_rows.h - the values of the energy logs that are loaded, in the order of source and line. */
#ifndef BESIDE_ENERGY_ROWS_H
#define BESIDE_ENERGY_ROWS_H

#include "beside/energy.h"
#include "store/store.h"

struct energy_rows;

/* One value. Texts are borrowed until the next call. */
struct energy_row {
	int64_t run, source, line; /* line from 1 */
	enum energy_kind kind;     /* of its file */
	int64_t start_ns;          /* perf: when it was started, of which its values are; UTC */
	struct slice worker;       /* the run's, where it has one; else NONE */
	struct slice name;         /* rapl_uj, ipmi, cpu_pct, cpu_time, energy_pkg, ... */
	int64_t time_ns;           /* UTC */
	double value;
	unsigned number; /* of the value in its line, below ENERGY_VALUES */
};

/* run 0: all. 0 or a negative errno. */
int energy_rows_open(struct store *s, int64_t run, struct energy_rows **out);
/* 1, 0 (no more) or a negative errno. */
int energy_rows_next(struct energy_rows *r, struct energy_row *out);
void energy_rows_close(struct energy_rows *r);

#endif
