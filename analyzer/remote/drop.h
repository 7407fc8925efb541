/* SPDX-License-Identifier: GPL-3.0-or-later */
/* drop.h - takes a source out of a cluster. */
#ifndef REMOTE_DROP_H
#define REMOTE_DROP_H

#include "remote/cluster.h"

/* The source of this path, or of the only one that ends so behind a slash or colon; run NULL: of any run. Its lines,
 * its rejected lines and its row in the ledger go; then it is as if it had never been pushed. 0, or with *why: -ENOENT:
 * there is none; -EEXIST: several are meant; else as http.h has it. Broken off it is to be done again. */
int drop_source(struct cluster *c, const char *word, const char *run, char **why);

#endif
