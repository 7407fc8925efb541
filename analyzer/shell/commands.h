/* SPDX-License-Identifier: GPL-3.0-or-later */
/* commands.h - THE table: one row a command, which drives dispatch, help, completion and the manual page. */
#ifndef SHELL_COMMANDS_H
#define SHELL_COMMANDS_H

#include "query/core/query.h"

/* What a command wants of the database before it starts. */
enum need { NEED_NOTHING, NEED_READ, NEED_WRITE };

struct command {
	const char *name;
	const char *group;                 /* heading in the help */
	const char *words;                 /* what follows, for the usage line; "" for nothing */
	int least, most;                   /* words; most -1: any number */
	enum hint hint;                    /* of its words */
	const char *help;                  /* one line */
	const char *more;                  /* paragraphs parted by an empty line; may be NULL */
	const char *examples;              /* lines without "ilu-logq"; "  # " parts a remark; may be NULL */
	const struct option_spec *options; /* ends with name NULL; may be NULL */
	enum need need;
	command_fn *run; /* NULL: not available in this version, and says so */
};

extern const struct command commands[]; /* ends with name NULL */

/* Options of the program itself, allowed before and after the command. */
extern const struct option_spec global_options[];

/* NULL where there is none. */
const struct command *command_find(const char *name);

/* The usage line without the program's name; a static buffer. */
void command_usage(const struct command *c, FILE *to);
/* Everything about one command, or the list of all. */
void help_command(const struct command *c, struct output *out);
void help_all(struct output *out);
command_fn cmd_help, cmd_load, cmd_drop_source, cmd_compact;
/* The manual page's section about the commands, made from the table, as mdoc. */
void help_mdoc(FILE *to);

/* The closest of the names that next() gives until NULL; NULL where none is close. */
const char *suggest(const char *word, const char *(*next)(void *arg, size_t i), void *arg);
const char *suggest_command(const char *word);
const char *suggest_option(const struct command *c, const char *word);

#endif
