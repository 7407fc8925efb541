/* SPDX-License-Identifier: GPL-3.0-or-later */
/* command.c - see command.h: what holds for the options of every command. */
#include "query/core/command.h"

/* Some options mean something only beside another. */
static void check_company(struct query *q)
{
	for (size_t i = 0; i < q->args->noptions; i++) {
		const struct option_spec *spec = q->args->options[i].spec;

		if (spec->with && !args_has(q->args, spec->with))
			query_fail(q, USAGE, "--%s needs --%s", spec->name, spec->with);
	}
}

static void read_limit(struct query *q, const struct command *c)
{
	const char *text = args_value(q->args, "limit");

	q->limit = c->limit;
	if (text && args_number(text, &q->limit))
		query_fail(q, USAGE, "--limit %s: not a number", text);
	if (!q->limit)
		q->limit = INT64_MAX;
	q->rows_most = c->own_limit ? INT64_MAX : q->limit;
}

void command_note(struct query *q, const struct command *c)
{
	if (c->of_requests && q->db && query_inferred(q))
		query_note(q, "%s", INFERRED_NOTE);
}

void command_start(struct query *q, const struct command *c, const struct args *args)
{
	q->command = c->name;
	q->args = args;
	q->of_requests = c->of_requests;
	check_company(q);
	read_limit(q, c);
}
