/* SPDX-License-Identifier: GPL-3.0-or-later */
/* load_command.c - the command `load`: options to struct load_options. */
#include "shell/load_command.h"
#include "query/core/complain.h"
#include "remote/url.h"
#include "shell/session.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static unsigned read_threads(struct query *q)
{
	const char *text = args_value(q->args, "threads");
	int64_t threads = 0;

	if (text && (args_number(text, &threads) || threads > 256))
		query_fail(q, USAGE, "--threads %s: it is a number from 0 to 256", text);
	return (unsigned)threads;
}

void load_options_of(struct query *q, size_t first, struct load_words *w)
{
	const struct args *a = q->args;
	char **zones = calloc(2 * (a->noptions + 1), sizeof *zones), **files = zones ? zones + a->noptions + 1 : NULL;
	struct load_options *o = &w->o;

	w->zones = zones;
	w->width = q->width;
	*o = (struct load_options){
	    .db = q->path,
	    .paths = (char *const *)a->words + first,
	    .npaths = a->nwords - first,
	    .timezones = zones,
	    .run = args_value(a, "run"),
	    .benchmark = args_value(a, "benchmark"),
	    .format = args_value(a, "format"),
	    .format_files = files,
	    .no_repair = args_value(a, "no-repair"),
	    .roles = {args_value(a, "time"), args_value(a, "level"), args_value(a, "message"), args_value(a, "target"),
	              args_value(a, "tid")},
	    .rules = args_value(a, "rules"),
	    .follow = args_has(a, "follow"),
	    .quiet = q->quiet,
	    .threads = read_threads(q),
	    .out = q->out->file,
	    .err = stderr,
	    .say = complain_of_load,
	    .say_arg = &w->width,
	};
	query_ok(q, zones ? 0 : -ENOMEM, q->command);
	if (o->run && !*o->run)
		query_fail(q, USAGE, "--run: the name is empty");
	for (size_t i = 0; i < a->noptions && zones; i++)
		if (!strcmp(a->options[i].spec->name, "timezone"))
			zones[o->ntimezones++] = (char *)a->options[i].value;
		else if (!strcmp(a->options[i].spec->name, "format-file"))
			files[o->nformat_files++] = (char *)a->options[i].value;
}

static void run(struct query *q)
{
	struct load_words w;

	load_options_of(q, 0, &w);
	if (remote_is_url(q->path))
		query_fail(q, USAGE, "load makes a database here; into ClickHouse goes `ilu-logq push %s PATH...`",
		           q->path);
	if (!q->status) {
		session_loading(true);
		query_stop(q, (enum status)load_run(&w.o));
		session_loading(false);
	}
	free(w.zones);
}

static const struct option_spec options[] = {
    LOAD_OPTIONS,
    {.name = "follow", .letter = 'f', .help = "go on reading what is added, until Ctrl-C"},
    {0},
};

const struct command command_load = {
    .name = "load",
    .group = GROUP_DATA,
    .words = "PATH...",
    .least = 1,
    .most = ANY_NUMBER,
    .hint = HINT_FILE,
    .help = "load logs: files, directories, globs, - for standard input",
    .more = "A directory is a run: its logs and result files, found by name and content. Plain, .zst and .gz. The same "
            "command again loads only\n"
            "what is new, and a text that is loaded already counts as duplicate, from a pipe too. Prints what became "
            "of each "
            "file; a line\n"
            "that is no event is kept, and told."
            " Directories below a named one that\n"
            "has no logs of its own are a run each; where they hold logs of other programs alone, hosts of one run.",
    .examples = "load run1/\nload --timezone America/New_York worker.log\nload --timezone UTC --timezone "
                "old/=Europe/Berlin old/ "
                "new/\n-d other.db load - < app.log",
    .options = options,
    .gives_back = true,
    .run = run,
};
