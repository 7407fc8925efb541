/* SPDX-License-Identifier: Apache-2.0 */
/* config_value.h - between the files that read a configuration: complaints, and the keys whose values are lists. */
#ifndef CONFIG_VALUE_H
#define CONFIG_VALUE_H

#include "config/config.h"

#include <jansson.h>

#define CONFIG_NAME_MAX 64 /* of a key */

/* Where a value comes from, and where complaints go. */
struct config_source {
	const char *name; /* a file, or the name of a variable */
	struct config_error *error;
};

/* The message; returns -EINVAL. */
int config_fail(const struct config_source *source, const char *format, ...) __attribute__((format(printf, 2, 3)));
int config_wrong_type(const struct config_source *source, const char *name, const char *expected, const json_t *value);

/* A value as it may stand in a message: its JSON, shortened and safe to print. */
const char *config_shown(const json_t *value, char *out, size_t cap);

/* A copy into a slot that has another, or NULL. 0 or -ENOMEM; of a filter also -EINVAL. */
int config_set_string(char **slot, const char *text);
int config_set_filter(const struct config_source *source, const char *name, char **slot, const char *text);

/* Values of the keys "sinks" and "rate_limits". 0, -EINVAL or -ENOMEM. */
int config_set_sinks(const struct config_source *source, const char *name, struct config_sinks *slot, json_t *value);
int config_set_limits(const struct config_source *source, const char *name, struct config_limits *slot, json_t *value);
void config_sinks_done(struct config_sinks *sinks);

#endif
