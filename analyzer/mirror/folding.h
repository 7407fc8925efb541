/* SPDX-License-Identifier: GPL-3.0-or-later */
/* folding.h - what the two steps of a fold share: a private header of fold.c and finish.c. */
#ifndef MIRROR_FOLDING_H
#define MIRROR_FOLDING_H

#include "mirror/fold.h"
#include "mirror/needed.h"
#include "mirror/rowsof.h"
#include "remote/unit.h"
#include "store/store.h"

struct fold {
	struct cluster *c;
	const struct fold_options *o;
	struct fold_sum *sum;
	char **why;
	uint64_t manner, finish; /* in which it is done: of the first step, of both */
	uint32_t passed;         /* lines whose column fact is this one are nothing to the first step; 0: none are */
	struct units units;
	/* of what is at work */
	size_t shard;
	const struct unit *unit;
	const struct unit_part *part;
	const struct unit_run *run;
	struct needed *needed; /* of the run, by the second step */
};

/* Finds the runs. units_done(&f->units) in any case. */
int fold_begin(struct fold *f);
void fold_show(const struct fold *f, int64_t done, int64_t total, const char *what);

/* The ledger of the run at hand, as a mirror wants it. */
int fold_sources(void *fold, fetch_row *row, void *to, char **why);
/* Lines that a mirror could not be made of, as it tells them. */
void fold_lost(void *fold, const char *path, int64_t lines, int64_t all);
/* Makes a mirror, and gives the shard what put finds in it; r is done then. A failure of which nothing was said is told
 * as SQLite's, of the run at hand. */
typedef int fold_put(struct fold *f, struct rowsof *r, struct store *s);
int fold_make(struct fold *f, const struct mirror_from *from, struct rowsof *r, fold_put *put);

/* Of an invocation what its own lines tell, and where its rows stand. */
#define INVOCATION_COLUMNS                                                                                           \
	"v.tid, v.worker, v.function_name, v.function_source, v.fqdn, v.status, v.attempts, v.success, v.was_cold, " \
	"v.compute, v.state, v.sent_ns, v.controller_ns, v.dispatched_ns, v.arrived_ns, v.insert_ns, v.remove_ns, "  \
	"v.start_ns, v.end_ns, v.return_ns, v.worker_duration_us, v.code_duration_sec, v.e2e_duration_us, "          \
	"v.queueing_sec, v.queue_exec_sec, v.cpu_est_queue_sec, v.cpu_est_runtime_sec, v.gpu_est_queue_sec, "        \
	"v.gpu_est_runtime_sec, v.cpu_est_sec, v.gpu_est_sec, v.insert_cpu_load, v.insert_gpu_load, v.est_sec_diff, "
#define INVOCATION_FROM                                                                                               \
	" FROM invocation v JOIN place p ON p.tid = v.tid JOIN invocation_row r ON r.id = p.id JOIN invocation_kind " \
	"k ON k.id = r.kind LEFT JOIN moment_row m ON m.place = p.id "

/* Of a lock what is behind its transaction. */
#define LOCK_COLUMNS                                                                                                  \
	"l.n, k.container_id, k.worker, k.base_ns + l.since, k.base_ns + ifnull(l.since, 0) + l.until FROM lock_row " \
	"l "                                                                                                          \
	"JOIN work_kind k ON k.id = l.kind "

#endif
