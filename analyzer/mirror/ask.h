/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ask.h - what a question needs of a cluster, as a small database here: lines, and what stands beside them. */
#ifndef MIRROR_ASK_H
#define MIRROR_ASK_H

#include "mirror/folded.h"
#include "mirror/mirror.h"

/* What of a cluster. Zero-initialise: of the ledger alone. */
struct mirror_want {
	const struct fetch_which *lines; /* these; NULL: none */
	bool no_model; /* of the lines: the tables of the model stay empty, and no rules are looked for */
	bool results;  /* of all transactions; one whose lines these are brings its own anyway */
	bool rejects;  /* the lines that are no events */
	/* The model's tables as they stand on the cluster (`fold`), instead of what the lines here come to; -ESTALE
	 * where lines have come since. */
	unsigned folded;    /* enum folded_tables; 0: not these */
	bool gaps;          /* and the stretches between lines (gapped.h) */
	bool findings;      /* with them */
	bool evidence;      /* and the lines that are their evidence, beside others that fit one of alternatives */
	bool counts;        /* how many lines there are of each level and time (leveled.h), of all runs */
	struct slice run;   /* of folded, findings and evidence: of this run alone; NONE: of all */
	struct slice other; /* of folded: of this one, too; NONE: of none */
};

/* Makes the database. 0, or with *why (yours): as http.h has it; -EBADMSG: what the cluster has can't be put together.
 * mirror_done in any case. */
int mirror_ask(struct cluster *c, const struct mirror_want *want, struct mirror *out, char **why);

#endif
