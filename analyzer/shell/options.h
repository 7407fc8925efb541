/* SPDX-License-Identifier: GPL-3.0-or-later */
/* options.h - the command line: options of the program and of the command, in any order. */
#ifndef SHELL_OPTIONS_H
#define SHELL_OPTIONS_H

#include "shell/commands.h"

/* What the program's own options say. The shell starts each command with those of its own command line. */
struct settings {
	const char *db; /* borrowed from argv, the environment, or static */
	enum format format;
	bool records;        /* --format lines: text, but tables as records */
	const char *columns; /* of tables; NULL: those that fit; borrowed from argv */
	int width;           /* -1: of the terminal */
	enum { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER } color;
	bool partial; /* of a cluster: what the shards have that answer */
	bool quiet, help, version;
};

struct invocation {
	struct settings settings;
	const struct command *command; /* NULL: none was named */
	struct args args;
	/* private */
	const char **words;
	struct option *options;
};

/* The defaults and the environment: $ILU_LOGQ_DB, else ./logq.db. */
struct settings settings_default(void);

/* Reads argv[0..n), which it borrows, over base. On error returns -EINVAL, or -ENOMEM, with *why a sentence to free().
 */
int options_parse(int n, char *const *argv, const struct settings *base, struct invocation *out, char **why);
void options_done(struct invocation *in);

#endif
