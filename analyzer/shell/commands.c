/* SPDX-License-Identifier: GPL-3.0-or-later */
/* commands.c - the table that gathers the commands' rows, and the options of the program itself. */
#include "shell/commands.h"
#include <string.h>

#define COMMAND(row) extern const struct command row;
#include "command_list.h"
#undef COMMAND

/* command_list.h is made by the build: one COMMAND(command_NAME) a row. */
#define COMMAND(row) &row,
const struct command *const commands[] = {
#include "command_list.h"
    NULL,
};

const struct option_spec global_options[] = {
    {.name = "db",
     .letter = 'd',
     .value = "FILE",
     .help = "the database, or clickhouse://HOST/DATABASE; default $ILU_LOGQ_DB, then logq.db",
     .hint = HINT_FILE},
    {.name = "format",
     .value = "FORMAT",
     .help = "text, csv, json, markdown, or lines: text with a record on several lines"},
    {.name = "columns",
     .letter = 'c',
     .value = "LIST",
     .help = "of a table these columns, parted by commas; all: every one, also where they do not fit",
     .hint = HINT_COLUMN},
    {.name = "width", .value = "N", .help = "columns that text fits into; 0: no limit; default the terminal's"},
    {.name = "color", .value = "WHEN", .help = "auto, always or never"},
    {.name = "partial", .help = "of a cluster what the shards have that answer; the share that is missing is said"},
    {.name = "quiet", .letter = 'q', .help = "no progress, notes and summaries; errors and damage are still told"},
    {.name = "help", .letter = 'h', .help = "about the program, or the command it stands with"},
    {.name = "version", .help = "the version"},
    {0},
};

const char *const command_groups[GROUPS] = {
    [GROUP_DATA] = "Getting data in",
    [GROUP_LINES] = "Lines of the log",
    [GROUP_ANSWERS] = "Invocations, and where their time went",
    [GROUP_FINDINGS] = "Findings",
    [GROUP_DOCUMENTS] = "Documents",
    [GROUP_DATABASE] = "The database",
};

const struct command *command_find(const char *name)
{
	for (const struct command *const *c = commands; *c; c++)
		if (!strcmp((*c)->name, name))
			return *c;
	return NULL;
}
