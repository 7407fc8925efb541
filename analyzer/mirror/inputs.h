/* SPDX-License-Identifier: GPL-3.0-or-later */
/* inputs.h - the trace and the metadata of a run of a cluster, into a database here. */
#ifndef MIRROR_INPUTS_H
#define MIRROR_INPUTS_H

#include "remote/cluster.h"
#include <sqlite3.h>

/* Inside the caller's transaction. 0, or negative with *why as http.h has it. */
int inputs_put(struct cluster *c, struct slice run, sqlite3 *db, char **why);

/* The metadata alone. */
int inputs_metadata(struct cluster *c, struct slice run, sqlite3 *db, char **why);

#endif
