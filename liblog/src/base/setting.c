/* SPDX-License-Identifier: Apache-2.0 */
/* setting.c - complaints about values of a configuration; see setting.h. */
#include "base/setting.h"

#include "base/escape.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int setting_fail(const struct setting_source *source, const char *format, ...)
{
	va_list args;
	char *out = source->text;

	if (!out)
		return -EINVAL;
	snprintf(out, source->cap / 2, "%s: ", source->name);
	va_start(args, format);
	vsnprintf(out + strlen(out), source->cap - strlen(out), format, args);
	va_end(args);
	return -EINVAL;
}

/* A value as it may stand in a message: its JSON, shortened and safe to print. */
const char *setting_shown(const json_t *value, char *out, size_t cap)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
	size_t used = 0, len = text ? strlen(text) : 0, n;

	n = len;
	if (json_is_string(value))
		n = escape_json_part(out, cap - 4, json_string_value(value), json_string_length(value), &used);
	else if (text)
		n = escape_json_part(out, cap - 4, text, len, &used);
	strcpy(out + n, used < (json_is_string(value) ? json_string_length(value) : len) ? "..." : "");
	free(text);
	return out;
}

const char *setting_type(const json_t *value)
{
	static const char *const names[] = {"an object",     "an array", "a string", "an integer",
	                                    "a real number", "true",     "false",    "null"};

	return names[json_typeof(value)];
}

int setting_wrong_type(const struct setting_source *source, const char *name, const char *expected, const json_t *value)
{
	char text[48];

	if (json_is_boolean(value) || json_is_null(value))
		return setting_fail(source, "key \"%s\": expected %s, found %s", name, expected, setting_type(value));
	return setting_fail(source, "key \"%s\": expected %s, found %s: %s", name, expected, setting_type(value),
	                    setting_shown(value, text, sizeof text));
}

int setting_string(char **slot, const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		return -ENOMEM;
	free(*slot);
	*slot = copy;
	return 0;
}
