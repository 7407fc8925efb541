/* SPDX-License-Identifier: GPL-3.0-or-later */
/* batches.c - runs of consecutive starts of one function on one worker. */
#include "query/core/command.h"
#include "query/core/select.h"

static const struct column columns[] = {
    {"offset_s", UNIT_OFFSET},    {"run", UNIT_RUN},         {"worker", UNIT_NONE}, {"start_ns", UNIT_TIME},
    {"function_name", UNIT_NONE}, {"batch_len", UNIT_COUNT},
};

static void run(struct query *q)
{
	struct select s = {0};

	select_add(&s, "SELECT " OFFSET_OF("batch.run") ", run, worker, start_ns, function_name, batch_len FROM batch");
	select_run(q, &s, "run");
	select_like(&s, "function_name", args_value(q->args, "function"));
	select_like(&s, "worker", args_value(q->args, "worker"));
	select_add(&s, " ORDER BY run, worker, start_ns");
	select_table(q, &s, columns);
}

static const struct option_spec options[] = {OPTION_FUNCTION, OPTION_WORKER, OPTION_LIMIT, OPTION_RUN, {0}};

const struct command command_batches = {
    .name = "batches",
    .group = GROUP_ANSWERS,
    .help = "runs of consecutive starts of one function",
    .options = options,
    .need = NEED_READ,
    .of_requests = true,
    .run = run,
    COLUMNS_OF(columns),
};
