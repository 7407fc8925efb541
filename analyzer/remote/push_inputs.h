/* SPDX-License-Identifier: GPL-3.0-or-later */
/* push_inputs.h - what a run was made with: its trace, and what its metadata say of its functions. */
#ifndef REMOTE_PUSH_INPUTS_H
#define REMOTE_PUSH_INPUTS_H

#include "remote/fetch.h"
#include <sqlite3.h>

/* Those of all runs of a database with table trace, onto the shards; run as push_options has it. Given twice they are
 * the same rows. 0, or with *why as http.h has it. */
int push_inputs(struct cluster *c, sqlite3 *db, const char *run, char **why);

/* Of a run on the cluster, its rows in order: ord, func_name, invoke_time_ms; func_name, name, value. */
int fetch_trace(struct cluster *c, struct slice run, fetch_row *row, void *arg, char **why);
int fetch_metadata(struct cluster *c, struct slice run, fetch_row *row, void *arg, char **why);

#endif
