/* SPDX-License-Identifier: GPL-3.0-or-later */
/* commands.h - THE table of all commands, which drives dispatch, help, completion and the manual page. */
#ifndef SHELL_COMMANDS_H
#define SHELL_COMMANDS_H

#include "query/core/command.h"

extern const struct command *const commands[]; /* ends with NULL; in the order of the help within each group */

extern const char *const command_groups[GROUPS]; /* their headings */

/* Options of the program itself, allowed before and after the command. */
extern const struct option_spec global_options[];

/* NULL where there is none. */
const struct command *command_find(const char *name);

/* The usage line without the program's name; a static buffer. */
void command_usage(const struct command *c, FILE *to);
/* Everything about one command, or the list of all. */
void help_command(const struct command *c, struct output *out);
void help_all(struct output *out);
/* The manual page's section about the commands, made from the table, as mdoc. */
void help_mdoc(FILE *to);

/* The closest name; NULL where none is close. */
const char *suggest_command(const char *word);
const char *suggest_option(const struct command *c, const char *word);

#endif
