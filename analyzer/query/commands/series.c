/* SPDX-License-Identifier: GPL-3.0-or-later */
/* series.c - values that were measured over time: those of one name, or which there are. */
#include "query/core/command.h"
#include "query/core/select.h"

static void one_series(struct query *q, const char *name)
{
	static const struct column columns[] = {
	    {"offset_s", UNIT_OFFSET}, {"run", UNIT_RUN},      {"worker", UNIT_NONE},
	    {"name", UNIT_WHOLE},      {"time_ns", UNIT_TIME}, {"value", UNIT_VALUE},
	};
	struct select s = {0};

	select_add(&s, "SELECT " OFFSET_OF("series.run") ", run, worker, name, time_ns, value FROM series");
	select_run(q, &s, "run");
	select_like(&s, "name", name);
	select_like(&s, "worker", args_value(q->args, "worker"));
	select_add(&s, " ORDER BY run, worker, name, time_ns");
	select_table(q, &s, columns);
}

static const struct column series_columns[] = {
    {"offset_s", UNIT_OFFSET}, {"run", UNIT_RUN},       {"name", UNIT_WHOLE},   {"worker", UNIT_NONE},
    {"values", UNIT_COUNT},    {"first_ns", UNIT_TIME}, {"last_ns", UNIT_TIME}, {"min", UNIT_VALUE},
    {"mean", UNIT_VALUE},      {"max", UNIT_VALUE},
};

static void all_series(struct query *q)
{
	struct select s = {0};

	select_add(&s,
	           "SELECT " OFFSET_OF("series.run") ", run, name, worker, count(value), min(time_ns), max(time_ns), "
	                                             "min(value), avg(value), max(value) FROM series");
	select_run(q, &s, "run");
	select_like(&s, "worker", args_value(q->args, "worker"));
	select_add(&s, " GROUP BY run, name, worker ORDER BY run, name, worker");
	select_table(q, &s, series_columns);
}

static void run(struct query *q)
{
	if (q->args->nwords)
		one_series(q, q->args->words[0]);
	else
		all_series(q);
}

static const struct option_spec options[] = {OPTION_WORKER, OPTION_LIMIT, OPTION_RUN, {0}};

const struct command command_series = {
    .name = "series",
    .group = GROUP_ANSWERS,
    .words = "[NAME]",
    .most = 1,
    .hint = HINT_SERIES,
    .help = "values measured over time; without a name, which there are",
    .examples = "series\nseries cpu_len",
    .options = options,
    .need = NEED_READ,
    .run = run,
    COLUMNS_OF(series_columns),
};
