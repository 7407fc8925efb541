/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mirror.h - some lines of a cluster as a small database here, so that a question goes the same way as ever.
 *
 * They stand in it as they stand in the sources of the cluster, under the same paths and line numbers; the ledger
 * says of each source what the cluster's says. */
#ifndef MIRROR_MIRROR_H
#define MIRROR_MIRROR_H

#include "remote/fetch.h"

struct mirror {
	char *dir;  /* in $TMPDIR */
	char *path; /* of the database, below it; NULL: there is none */
};

/* Makes the database of these lines, with the result of the transaction where they are of one; which NULL: of the
 * ledger alone. 0, or with *why (yours): as http.h has it; -EBADMSG: what the cluster has can't be put together.
 * mirror_done in any case; it removes what was made. */
int mirror_new(struct cluster *c, const struct fetch_which *which, struct mirror *out, char **why);
void mirror_done(struct mirror *m);

#endif
