/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kind.h - what many rows of the model have in common, written once: the tables invocation_kind and work_kind.
 *
 * A row names its kind by a number from 1 and counts its times from the kind's base_ns, so that it is a few small
 * numbers. Kinds are collected while rows are written, and written after them; those of work, which each container has
 * of its own, also before, so that no more than some are held. Of a kind that was written and comes again there is
 * another row. */
#ifndef TABLES_KIND_H
#define TABLES_KIND_H

#include "model/fold.h"
#include "base/intern.h"

/* Who did what where. Any of the slices may be NONE. */
struct work {
	int64_t run;
	struct slice worker, function_name, container_id;
	const char *state, *outcome;
};

struct kind_set {
	struct intern keys;
	int64_t *base_ns; /* by number - 1 */
	uint32_t room;
};

#define KINDS_HELD (UINT32_C(1) << 18)

struct kinds {
	sqlite3 *db;
	struct intern texts, containers; /* containers: ids of those that are held */
	struct kind_set invocation, work;
	uint32_t held;    /* of work, at most */
	uint32_t written; /* of work, before those that are held */
};

void kinds_init(struct kinds *k, sqlite3 *db);
void kinds_done(struct kinds *k);

/* The number of a kind, and the time its rows count from: of a new one that is base_ns. 0 or a negative errno. */
int kind_of_invocation(struct kinds *k, const struct invocation *o, int64_t *base_ns, uint32_t *out);
int kind_of_work(struct kinds *k, const struct work *w, int64_t *base_ns, uint32_t *out);
/* The kind that differs from another in its function alone, which the trace has named; with the same base. */
int kind_with_function(struct kinds *k, uint32_t kind, struct slice function_name, uint32_t *out);

/* Writes what is not written yet; tables invocation_kind and work_kind were empty at the beginning. 0 or a negative
 * errno. */
int kinds_write(const struct kinds *k);

#endif
