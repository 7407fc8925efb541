/* SPDX-License-Identifier: GPL-3.0-or-later */
/* suggest.c - which command or option was meant. */
#include "shell/commands.h"
#include "query/core/suggest.h"

/* The commands, then the words that SQL begins with: the shell takes it as it is. */
static const char *next_command(void *arg, size_t i)
{
	static const char *const sql[] = {"select", "with", NULL};
	size_t n = 0;

	(void)arg;
	while (commands[n])
		n++;
	return i < n ? commands[i]->name : sql[i - n];
}

const char *suggest_command(const char *word)
{
	return suggest(word, next_command, NULL);
}

static const char *next_option(void *arg, size_t i)
{
	const struct command *c = arg;
	size_t own = 0;

	while (c && c->options && c->options[own].name)
		own++;
	return i < own ? c->options[i].name : global_options[i - own].name;
}

const char *suggest_option(const struct command *c, const char *word)
{
	return suggest(word, next_option, (void *)c);
}
