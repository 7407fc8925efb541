/* SPDX-License-Identifier: GPL-3.0-or-later */
/* load_command.c - the command `load`: options to struct load_options. */
#include "load/load.h"
#include "shell/session.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int cmd_load(struct query *q)
{
	const struct args *a = q->args;
	char **zones = calloc(a->noptions + 1, sizeof *zones);
	struct load_options o = {
	    .db = q->path,
	    .paths = (char *const *)a->words,
	    .npaths = a->nwords,
	    .timezones = zones,
	    .benchmark = args_value(a, "benchmark"),
	    .rules = args_value(a, "rules"),
	    .follow = args_has(a, "follow"),
	    .quiet = q->quiet,
	    .out = q->out->file,
	    .err = stderr,
	};
	int64_t threads = 0;
	int status;

	if (!zones)
		return query_errno(q, -ENOMEM, q->command);
	for (size_t i = 0; i < a->noptions; i++)
		if (!strcmp(a->options[i].spec->name, "timezone"))
			zones[o.ntimezones++] = (char *)a->options[i].value;
	if (args_value(a, "threads") && (args_number(args_value(a, "threads"), &threads) || threads > 256)) {
		free(zones);
		return query_fail(q, USAGE, "--threads %s: it is a number from 0 to 256", args_value(a, "threads"));
	}
	o.threads = (unsigned)threads;
	session_loading(true);
	status = load_run(&o);
	session_loading(false);
	free(zones);
	return status;
}
