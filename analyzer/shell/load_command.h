/* SPDX-License-Identifier: GPL-3.0-or-later */
/* load_command.h - what `load` and `push` have in common: how files are read. */
#ifndef SHELL_LOAD_COMMAND_H
#define SHELL_LOAD_COMMAND_H

#include "load/load.h"
#include "shell/commands.h"

struct load_words {
	struct load_options o;
	char **zones; /* of o; yours: free() */
	int width;    /* of what is said meanwhile */
};

/* The command line as options of a load, words[first] and those behind it as its paths. What is wrong is latched. */
void load_options_of(struct query *q, size_t first, struct load_words *w);

#define LOAD_OPTIONS                                                                                                   \
	{.name = "timezone",                                                                                           \
	 .value = "[PATH=]ZONE",                                                                                       \
	 .help = "the clock of logs that do not name it: America/New_York, UTC, -04:00"},                              \
	    {.name = "run",                                                                                            \
	     .value = "NAME",                                                                                          \
	     .help = "all of it is one run, of this name: files and directories of several hosts"},                    \
	    {.name = "benchmark",                                                                                      \
	     .value = "FILE",                                                                                          \
	     .help = "a file of function benchmarks, for overheads and estimates",                                     \
	     .hint = HINT_FILE},                                                                                       \
	    {.name = "rules",                                                                                          \
	     .value = "FILE|none",                                                                                     \
	     .help = "what messages mean, instead of the built-in rules",                                              \
	     .hint = HINT_FILE},                                                                                       \
	    {.name = "format", .value = "NAME", .help = "how the lines look: a name that `formats` lists"},            \
	    {.name = "format-file",                                                                                    \
	     .value = "FILE",                                                                                          \
	     .help = "how lines look, besides what is known",                                                          \
	     .hint = HINT_FILE},                                                                                       \
	    {.name = "no-repair",                                                                                      \
	     .value = "NAME[,NAME]",                                                                                   \
	     .help = "lines that need this repair are rejected: nuls, colours, comma, pieces, bracket, utf8, or all"}, \
	    {.name = "time",                                                                                           \
	     .value = "PATH[,PATH]",                                                                                   \
	     .help = "where a record's time stands: a key, or keys with dots"},                                        \
	    {.name = "level", .value = "PATH[,PATH]", .help = "likewise its level"},                                   \
	    {.name = "message", .value = "PATH[,PATH]", .help = "likewise its message"},                               \
	    {.name = "target", .value = "PATH[,PATH]", .help = "likewise its target"},                                 \
	    {.name = "tid", .value = "PATH[,PATH]", .help = "likewise its transaction; the first that is there"},      \
	{                                                                                                              \
		.name = "threads", .value = "N", .help = "at most so many; default as many as there are processors"    \
	}

#endif
