/* SPDX-License-Identifier: GPL-3.0-or-later */
/* containers.c - containers: when they were made, for whom, and how often they were used. */
#include "query/core/command.h"
#include "query/core/select.h"

static const struct column columns[] = {
    {"offset_s", UNIT_OFFSET},       {"run", UNIT_RUN},
    {"container_id", UNIT_ID},       {"fqdn", UNIT_NONE},
    {"worker", UNIT_NONE},           {"compute", UNIT_NONE},
    {"created_ns", LESS(UNIT_TIME)}, {"removed_ns", LESS(UNIT_TIME)},
    {"lifetime_ns", UNIT_NS},        {"invocations", UNIT_COUNT},
    {"created_by", LESS(UNIT_ID)},
};

static void run(struct query *q)
{
	struct select s = {0};

	select_add(&s, "SELECT " OFFSET_OF(
	                   "container.run") ", run, container_id, fqdn, worker, compute, created_ns, removed_ns,"
	                                    " removed_ns - created_ns, invocations, created_by FROM container");
	select_run(q, &s, "run");
	select_like(&s, "fqdn", args_value(q->args, "fqdn"));
	select_like(&s, "worker", args_value(q->args, "worker"));
	select_add(&s, " ORDER BY run, created_ns, container_id");
	select_table(q, &s, columns);
}

static const struct option_spec options[] = {
    {.name = "fqdn", .value = "NAME", .help = "of this function; * and ? stand for anything"},
    OPTION_WORKER,
    OPTION_LIMIT,
    OPTION_RUN,
    {0},
};

const struct command command_containers = {
    .name = "containers",
    .group = GROUP_ANSWERS,
    .help = "containers: when made, for whom, how often used",
    .options = options,
    .need = NEED_READ,
    .run = run,
    COLUMNS_OF(columns),
};
