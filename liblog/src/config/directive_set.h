/* SPDX-License-Identifier: Apache-2.0 */
/* directive_set.h - the parsed filter, shared by the files directive*.c alone. */
#ifndef DIRECTIVE_SET_H
#define DIRECTIVE_SET_H

#include "config/directive.h"

#include <regex.h>

enum match_kind {
	MATCH_ANY, /* no value given: the key is enough */
	MATCH_BOOL,
	MATCH_U64,
	MATCH_I64,
	MATCH_F64,
	MATCH_NAN,
	MATCH_REGEX,
};

/* One `name` or `name=value` of a directive. */
struct directive_field {
	char *name;
	char *text; /* the value as written, NULL for MATCH_ANY */
	enum match_kind kind;
	bool boolean;
	uint64_t u;
	int64_t i;
	double f;
	regex_t regex;
};

struct directive {
	char *target; /* prefix, NULL = any */
	size_t target_len;
	char *span; /* name, NULL = any */
	struct directive_field *fields;
	size_t field_count;
	uint8_t level;
	struct directive *next; /* of all that were parsed, newest first: the owner's list */
};

struct directive_set {
	struct directive *all;
	struct directive **statics; /* most specific first */
	size_t static_count;
	struct directive **dynamics;
	size_t dynamic_count;
	uint8_t static_max; /* the greatest level ever added, as EnvFilter keeps it */
	uint8_t dynamic_max;
	bool has_values; /* some dynamic directive looks at values */
};

/* Read the value of a field. Returns 0, -ENOMEM, or -EINVAL with the reason in why. */
int directive_field_value(struct directive_field *field, const char *text, size_t len, char *why, size_t why_len);
void directive_field_done(struct directive_field *field);

/* Does a recorded value match? */
bool directive_field_matches(const struct directive_field *field, const struct directive_value *value);

/* Take a parsed directive into the set; a later one replaces its equal. The set owns it afterwards, also on -ENOMEM. */
int directive_set_add(struct directive_set *set, struct directive *directive);
void directive_one_free(struct directive *directive);

#endif
