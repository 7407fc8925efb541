/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tables.c - questions that one table of the model answers as it stands: containers, batches, patterns, series. */
#include "query/commands/commands.h"
#include "query/core/select.h"

static int limit_to(struct query *q, struct select *s)
{
	int64_t limit;
	int status = query_limit(q, 0, &limit);

	if (limit)
		text_printf(&s->sql, " LIMIT %lld", (long long)limit);
	return status;
}

/* Finishes a SELECT: order, limit, rows. */
static int show(struct query *q, struct select *s, const char *order, const struct column *columns, int status)
{
	select_add(s, order);
	if (!status)
		status = limit_to(q, s);
	if (!status)
		return select_table(q, s, columns);
	select_done(s);
	return status;
}

int cmd_containers(struct query *q)
{
	static const struct column columns[] = {
	    {"offset_s", UNIT_OFFSET}, {"run", UNIT_RUN},          {"container_id", UNIT_ID}, {"fqdn", UNIT_NONE},
	    {"worker", UNIT_NONE},     {"compute", UNIT_NONE},     {"created_ns", UNIT_TIME}, {"removed_ns", UNIT_TIME},
	    {"lifetime_ns", UNIT_NS},  {"invocations", UNIT_NONE}, {"created_by", UNIT_ID},
	};
	struct select s = {0};
	int status;

	select_add(&s, "SELECT " OFFSET_OF(
	                   "container.run") ", run, container_id, fqdn, worker, compute, created_ns, removed_ns,"
	                                    " removed_ns - created_ns, invocations, created_by FROM container");
	status = select_run(q, &s, "run");
	select_like(&s, "fqdn", args_value(q->args, "fqdn"));
	select_like(&s, "worker", args_value(q->args, "worker"));
	return show(q, &s, " ORDER BY run, created_ns, container_id", columns, status);
}

int cmd_batches(struct query *q)
{
	static const struct column columns[] = {
	    {"offset_s", UNIT_OFFSET},    {"run", UNIT_RUN},        {"worker", UNIT_NONE}, {"start_ns", UNIT_TIME},
	    {"function_name", UNIT_NONE}, {"batch_len", UNIT_NONE},
	};
	struct select s = {0};
	int status;

	select_add(&s, "SELECT " OFFSET_OF("batch.run") ", run, worker, start_ns, function_name, batch_len FROM batch");
	status = select_run(q, &s, "run");
	select_like(&s, "function_name", args_value(q->args, "function"));
	select_like(&s, "worker", args_value(q->args, "worker"));
	return show(q, &s, " ORDER BY run, worker, start_ns", columns, status);
}

int cmd_patterns(struct query *q)
{
	static const struct column columns[] = {
	    {"offset_s", UNIT_OFFSET}, {"id", UNIT_NONE},       {"level", UNIT_LEVEL},
	    {"count", UNIT_NONE},      {"target", UNIT_TARGET}, {"template", UNIT_NONE},
	    {"first_ns", UNIT_TIME},   {"last_ns", UNIT_TIME},  {"example", UNIT_NONE},
	};
	struct select s = {0};
	bool people = q->out->format != FORMAT_CSV && q->out->format != FORMAT_JSON;

	/* A pattern is of all runs: its times stand on their clock where they have the same. */
	text_printf(&s.sql,
	            "SELECT (SELECT CASE WHEN count(DISTINCT coalesce(offset_s, 0)) = 1 THEN max(coalesce(offset_s, "
	            "0)) ELSE 0 END FROM run),"
	            " id, level, count, target, template, first_ns, last_ns%s FROM pattern",
	            people ? "" : ", example");
	select_like(&s, "level", args_value(q->args, "level"));
	return show(q, &s, " ORDER BY count DESC, id", columns, DONE);
}

int cmd_series(struct query *q)
{
	static const struct column names[] = {
	    {"offset_s", UNIT_OFFSET}, {"run", UNIT_RUN},       {"name", UNIT_WHOLE},   {"worker", UNIT_NONE},
	    {"values", UNIT_NONE},     {"first_ns", UNIT_TIME}, {"last_ns", UNIT_TIME}, {"min", UNIT_VALUE},
	    {"mean", UNIT_VALUE},      {"max", UNIT_VALUE},
	};
	static const struct column values[] = {
	    {"offset_s", UNIT_OFFSET}, {"run", UNIT_RUN},      {"worker", UNIT_NONE},
	    {"name", UNIT_WHOLE},      {"time_ns", UNIT_TIME}, {"value", UNIT_VALUE},
	};
	struct select s = {0};
	bool one = q->args->nwords > 0;
	int status;

	if (one)
		select_add(&s, "SELECT " OFFSET_OF("series.run") ", run, worker, name, time_ns, value FROM series");
	else
		select_add(&s, "SELECT " OFFSET_OF("series.run") ", run, name, worker, count(value), min(time_ns), "
		                                                 "max(time_ns), min(value), avg(value),"
		                                                 " max(value) FROM series");
	status = select_run(q, &s, "run");
	if (one)
		select_like(&s, "name", q->args->words[0]);
	select_like(&s, "worker", args_value(q->args, "worker"));
	return show(q, &s,
	            one ? " ORDER BY run, worker, name, time_ns"
	                : " GROUP BY run, name, worker ORDER BY run, name, worker",
	            one ? values : names, status);
}
