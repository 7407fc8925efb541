/* SPDX-License-Identifier: Apache-2.0 */
/* setting.h - values out of a configuration, and complaints about them that say where each came from. */
#ifndef SETTING_H
#define SETTING_H

#include <jansson.h>

#define SETTING_NAME_MAX 64 /* of a key */

/* Where a value comes from, and where complaints go. */
struct setting_source {
	const char *name; /* a file, or the name of a variable; borrowed */
	char *text;       /* the complaint; NULL: nobody wants it */
	size_t cap;
};

/* The complaint, `config.json: key "spanning": ...`; returns -EINVAL. */
int setting_fail(const struct setting_source *source, const char *format, ...) __attribute__((format(printf, 2, 3)));
int setting_wrong_type(const struct setting_source *source, const char *name, const char *expected,
                       const json_t *value);

/* "an object", "a string", ... */
const char *setting_type(const json_t *value);

/* A value as it may stand in a message: its JSON, shortened and safe to print. */
const char *setting_shown(const json_t *value, char *out, size_t cap);

/* A copy into a slot that has another, or NULL. 0 or -ENOMEM. */
int setting_string(char **slot, const char *text);

#endif
