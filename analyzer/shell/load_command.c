/* SPDX-License-Identifier: GPL-3.0-or-later */
/* load_command.c - the command `load`: options to struct load_options. */
#include "load/load.h"
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

static void run(struct query *q)
{
	const struct args *a = q->args;
	char **zones = calloc(2 * (a->noptions + 1), sizeof *zones), **files = zones ? zones + a->noptions + 1 : NULL;
	struct load_options o = {
	    .db = q->path,
	    .paths = (char *const *)a->words,
	    .npaths = a->nwords,
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
	};

	query_ok(q, zones ? 0 : -ENOMEM, q->command);
	if (o.run && !*o.run)
		query_fail(q, USAGE, "--run: the name is empty");
	for (size_t i = 0; i < a->noptions && zones; i++)
		if (!strcmp(a->options[i].spec->name, "timezone"))
			zones[o.ntimezones++] = (char *)a->options[i].value;
		else if (!strcmp(a->options[i].spec->name, "format-file"))
			files[o.nformat_files++] = (char *)a->options[i].value;
	if (!q->status) {
		session_loading(true);
		query_stop(q, (enum status)load_run(&o));
		session_loading(false);
	}
	free(zones);
}

static const struct option_spec options[] = {
    {.name = "timezone",
     .value = "[PATH=]ZONE",
     .help = "the clock of logs that do not name it: America/New_York, UTC, -04:00"},
    {.name = "run",
     .value = "NAME",
     .help = "all of it is one run, of this name: files and directories of several hosts"},
    {.name = "benchmark",
     .value = "FILE",
     .help = "a file of function benchmarks, for overheads and estimates",
     .hint = HINT_FILE},
    {.name = "rules",
     .value = "FILE|none",
     .help = "what messages mean, instead of the built-in rules",
     .hint = HINT_FILE},
    {.name = "format", .value = "NAME", .help = "how the lines look: a name that `formats` lists"},
    {.name = "format-file", .value = "FILE", .help = "how lines look, besides what is known", .hint = HINT_FILE},
    {.name = "no-repair",
     .value = "NAME[,NAME]",
     .help = "lines that need this repair are rejected: nuls, colours, comma, pieces, bracket, utf8, or all"},
    {.name = "time", .value = "PATH[,PATH]", .help = "where a record's time stands: a key, or keys with dots"},
    {.name = "level", .value = "PATH[,PATH]", .help = "likewise its level"},
    {.name = "message", .value = "PATH[,PATH]", .help = "likewise its message"},
    {.name = "target", .value = "PATH[,PATH]", .help = "likewise its target"},
    {.name = "tid", .value = "PATH[,PATH]", .help = "likewise its transaction; the first that is there"},
    {.name = "threads", .value = "N", .help = "at most so many; default as many as there are processors"},
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
    .run = run,
};
