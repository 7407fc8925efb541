/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mirror.h - a transaction of a cluster as a small database here, so that a question goes the same way as ever.
 *
 * Its lines stand in it as they stand in the sources of the cluster, under the same paths and line numbers; the ledger
 * says of each source what the cluster's says. */
#ifndef MIRROR_MIRROR_H
#define MIRROR_MIRROR_H

#include "remote/cluster.h"

struct mirror {
	char *dir;  /* in $TMPDIR */
	char *path; /* of the database, below it; NULL: there is none */
};

/* Makes the database of this transaction; NONE: of the ledger alone. 0, or with *why (yours): as http.h has it;
 * -EBADMSG: what the cluster has can't be put together. mirror_done in any case; it removes what was made. */
int mirror_new(struct cluster *c, struct slice tid, struct mirror *out, char **why);
void mirror_done(struct mirror *m);

#endif
