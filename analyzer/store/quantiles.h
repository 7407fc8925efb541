/* SPDX-License-Identifier: GPL-3.0-or-later */
/* quantiles.h - the numbers of one field, gathered by another, from the columns of the two alone. */
#ifndef STORE_QUANTILES_H
#define STORE_QUANTILES_H

#include "store/store.h"

struct quantile_query {
	int64_t run;         /* 0: all */
	const char *message; /* NULL: all lines that have the field */
	const char *field;
	const char *by; /* field whose values make groups; NULL: all lines of a run are one */
};

struct quantile_group {
	int64_t run;
	char *key; /* without escapes; NULL: lines without the field `by` */
	size_t key_len;
	double *values; /* where the field is a number, in any order */
	size_t n, room;
};

/* Groups with at least one number, by run and key. *groups is yours: quantile_groups_free. 0 or a negative errno. */
int store_quantiles(struct store *s, const struct quantile_query *q, struct quantile_group **groups, size_t *n);
void quantile_groups_free(struct quantile_group *groups, size_t n);

#endif
