/* SPDX-License-Identifier: GPL-3.0-or-later */
/* args.h - the words and options after a command, already checked against what the command takes. */
#ifndef QUERY_ARGS_H
#define QUERY_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What completion offers for a word or an option's value. */
enum hint {
	HINT_NONE,
	HINT_FILE,
	HINT_TID,
	HINT_MESSAGE,
	HINT_TARGET,
	HINT_LEVEL,
	HINT_COLUMN,
	HINT_COMMAND,
	HINT_SQL,
	HINT_GROUP,
	HINT_SERIES,
	HINT_SOURCE,
	HINT_RUN,
	HINT_CHOICE /* of the command's choices */
};

/* An option a command takes. A table ends with name NULL. */
struct option_spec {
	const char *name;  /* without dashes */
	char letter;       /* 0: none */
	const char *value; /* what its value is called; NULL: a switch */
	const char *help;  /* half a sentence */
	enum hint hint;
	const char *with; /* the option it goes with, and is refused without; NULL: it stands alone */
};

struct option {
	const struct option_spec *spec;
	const char *value; /* "" for a switch */
};

/* Everything is borrowed until the command ends. */
struct args {
	const char *const *words;
	size_t nwords;
	const struct option *options;
	size_t noptions;
};

/* The last value given for --name; NULL where it was not given. */
const char *args_value(const struct args *a, const char *name);
bool args_has(const struct args *a, const char *name);

/* A whole number without sign, all of text: 0 or -EINVAL, -ERANGE. */
int args_number(const char *text, int64_t *out);

#endif
