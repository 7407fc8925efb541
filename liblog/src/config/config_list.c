/* SPDX-License-Identifier: Apache-2.0 */
/* config_list.c - the keys of the configuration whose values are lists of objects: sinks and rate limits. */
#include "config/config_value.h"
#include "base/escape.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#define SOCKET_MAX sizeof(((struct sockaddr_un *)0)->sun_path)

/* The name of a member for messages, "sinks[2].file", safe to print. */
static void name_member(char out[2 * CONFIG_NAME_MAX], const char *entry, const char *member)
{
	char safe[CONFIG_NAME_MAX];
	size_t used;

	safe[escape_json_part(safe, sizeof safe - 1, member, strlen(member), &used)] = '\0';
	snprintf(out, 2 * CONFIG_NAME_MAX, "%s.%s", entry, safe);
}

/* ---- sinks ---- */

void config_sinks_done(struct config_sinks *sinks)
{
	for (size_t i = 0; i < sinks->count; i++) {
		free(sinks->sink[i].file);
		free(sinks->sink[i].filter);
	}
	free(sinks->sink);
	*sinks = (struct config_sinks){NULL, 0};
}

/* One member of an entry; `name` is "sinks[2].file". */
static int set_sink_member(const struct config_source *source, const char *name, const char *member,
                           struct config_sink *sink, const json_t *value)
{
	if (!strcmp(member, "filter"))
		return json_is_string(value) ? config_set_filter(source, name, &sink->filter, json_string_value(value))
		                             : config_wrong_type(source, name, "a string", value);
	if (!strcmp(member, "file")) {
		sink->kind = CONFIG_SINK_FILE;
		if (!json_is_string(value))
			return config_wrong_type(source, name, "a string", value);
		if (!json_string_length(value))
			return config_fail(source, "key \"%s\": empty", name);
		return config_set_string(&sink->file, json_string_value(value));
	}
	if (!strcmp(member, "fd")) {
		sink->kind = CONFIG_SINK_FD;
		sink->fd = (int)json_integer_value(value);
		if (!json_is_integer(value))
			return config_wrong_type(source, name, "an integer", value);
		if (json_integer_value(value) < 0 || json_integer_value(value) > INT_MAX)
			return config_fail(source, "key \"%s\": %" JSON_INTEGER_FORMAT " is not between 0 and %d", name,
			                   json_integer_value(value), INT_MAX);
		return 0;
	}
	if (!strcmp(member, "stdout")) {
		sink->kind = CONFIG_SINK_STDOUT;
		return json_is_true(value) ? 0 : config_wrong_type(source, name, "true", value);
	}
	if (!strcmp(member, "journald")) {
		sink->kind = CONFIG_SINK_JOURNALD;
		if (json_is_true(value))
			return 0;
		if (!json_is_string(value))
			return config_wrong_type(source, name, "true or the path of a socket", value);
		if (!json_string_length(value) || json_string_length(value) >= SOCKET_MAX)
			return config_fail(source, "key \"%s\": the path of a socket has 1 to %zu bytes", name,
			                   SOCKET_MAX - 1);
		return config_set_string(&sink->file, json_string_value(value));
	}
	return config_fail(source, "unknown key \"%s\"; known are: file fd stdout journald filter", name);
}

static int set_sink(const struct config_source *source, const char *entry, struct config_sink *sink, json_t *value)
{
	const char *member;
	json_t *part;
	int places = 0, rc = 0;

	if (!json_is_object(value))
		return config_wrong_type(source, entry, "an object", value);
	json_object_foreach(value, member, part)
	{
		char name[2 * CONFIG_NAME_MAX];

		name_member(name, entry, member);
		if (json_is_null(part))
			continue;
		rc = set_sink_member(source, name, member, sink, part);
		if (rc)
			return rc;
		places += strcmp(member, "filter") != 0;
	}
	return places == 1
	           ? 0
	           : config_fail(source, "key \"%s\": expected one of \"file\", \"fd\", \"stdout\" and \"journald\"",
	                         entry);
}

int config_set_sinks(const struct config_source *source, const char *name, struct config_sinks *slot, json_t *value)
{
	struct config_sinks fresh = {NULL, 0};
	size_t count = json_array_size(value);
	int rc = 0;

	if (!json_is_array(value))
		return config_wrong_type(source, name, "an array", value);
	if (count > CONFIG_SINKS_MAX)
		return config_fail(source, "key \"%s\": %zu entries, more than %d", name, count, CONFIG_SINKS_MAX);
	fresh.sink = calloc(count + 1, sizeof *fresh.sink);
	if (!fresh.sink)
		return -ENOMEM;
	while (fresh.count < count && !rc) {
		size_t i = fresh.count++;
		char entry[CONFIG_NAME_MAX];

		snprintf(entry, sizeof entry, "%s[%zu]", name, i);
		rc = set_sink(source, entry, &fresh.sink[i], json_array_get(value, i));
	}
	config_sinks_done(rc ? &fresh : slot);
	if (!rc)
		*slot = fresh;
	return rc;
}

/* ---- rate limits ---- */

void config_limits_done(struct config_limits *limits)
{
	for (size_t i = 0; i < limits->count; i++) {
		free(limits->limit[i].target);
		free(limits->limit[i].message);
		free(limits->limit[i].key);
	}
	free(limits->limit);
	*limits = (struct config_limits){NULL, 0};
}

int config_limits_copy(struct config_limits *to, const struct config_limits *from)
{
	*to = (struct config_limits){calloc(from->count + 1, sizeof *to->limit), 0};
	if (!to->limit)
		return -ENOMEM;
	while (to->count < from->count) {
		const struct config_limit *of = &from->limit[to->count];
		struct config_limit *l = &to->limit[to->count++];

		*l = *of;
		l->target = strdup(of->target);
		l->message = of->message ? strdup(of->message) : NULL;
		l->key = of->key ? strdup(of->key) : NULL;
		if (!l->target || !l->message != !of->message || !l->key != !of->key) {
			config_limits_done(to);
			return -ENOMEM;
		}
	}
	return 0;
}

static int set_count(const struct config_source *source, const char *name, uint32_t max, uint32_t *slot,
                     const json_t *value)
{
	json_int_t n = json_integer_value(value);

	if (!json_is_integer(value))
		return config_wrong_type(source, name, "an integer", value);
	if (n < 1 || n > max)
		return config_fail(source, "key \"%s\": %" JSON_INTEGER_FORMAT " is not between 1 and %u", name, n,
		                   max);
	*slot = (uint32_t)n;
	return 0;
}

static int set_rate(const struct config_source *source, const char *name, double *slot, const json_t *value)
{
	double n = json_number_value(value);
	char text[48];

	if (!json_is_number(value))
		return config_wrong_type(source, name, "a number", value);
	if (n != 0 && !(n >= CONFIG_LIMIT_SLOWEST && n <= 1e9))
		return config_fail(source, "key \"%s\": %s is neither 0 nor between 0.001 and 1000000000", name,
		                   config_shown(value, text, sizeof text));
	*slot = n;
	return 0;
}

static int set_level(const struct config_source *source, const char *name, unsigned *slot, const json_t *value)
{
	static const char *const levels[] = {"", "error", "warn", "info", "debug", "trace"};
	const char *text = json_string_value(value);
	char bad[48];

	for (unsigned i = 1; text && i <= 5; i++) {
		if (!strcmp(text, levels[i])) {
			*slot = i;
			return 0;
		}
	}
	if (!text)
		return config_wrong_type(source, name, "a string", value);
	return config_fail(source, "key \"%s\": expected error, warn, info, debug or trace, found \"%s\"", name,
	                   config_shown(value, bad, sizeof bad));
}

static int set_text(const struct config_source *source, const char *name, char **slot, const json_t *value)
{
	if (!json_is_string(value))
		return config_wrong_type(source, name, "a string", value);
	return config_set_string(slot, json_string_value(value));
}

static int set_limit_member(const struct config_source *source, const char *name, const char *member,
                            struct config_limit *limit, const json_t *value)
{
	if (!strcmp(member, "target"))
		return set_text(source, name, &limit->target, value);
	if (!strcmp(member, "message"))
		return set_text(source, name, &limit->message, value);
	if (!strcmp(member, "key"))
		return set_text(source, name, &limit->key, value);
	if (!strcmp(member, "level"))
		return set_level(source, name, &limit->level, value);
	if (!strcmp(member, "per_second"))
		return set_rate(source, name, &limit->per_second, value);
	if (!strcmp(member, "burst"))
		return set_count(source, name, CONFIG_LIMIT_BURST_MAX, &limit->burst, value);
	if (!strcmp(member, "keys"))
		return set_count(source, name, CONFIG_LIMIT_KEYS_MAX, &limit->keys, value);
	return config_fail(source, "unknown key \"%s\"; known are: target level message key per_second burst keys",
	                   name);
}

static int set_limit(const struct config_source *source, const char *entry, struct config_limit *limit, json_t *value)
{
	const char *member;
	json_t *part;
	int rc = 0;

	*limit = (struct config_limit){.per_second = -1, .keys = 1024};
	if (!json_is_object(value))
		return config_wrong_type(source, entry, "an object", value);
	json_object_foreach(value, member, part)
	{
		char name[2 * CONFIG_NAME_MAX];

		name_member(name, entry, member);
		rc = json_is_null(part) ? 0 : set_limit_member(source, name, member, limit, part);
		if (rc)
			return rc;
	}
	if (limit->per_second < 0)
		return config_fail(source, "key \"%s\": \"per_second\" is missing", entry);
	if (!limit->burst) /* as many as come in a second */
		limit->burst = limit->per_second < 1                        ? 1
		               : limit->per_second > CONFIG_LIMIT_BURST_MAX ? CONFIG_LIMIT_BURST_MAX
		                                                            : (uint32_t)limit->per_second;
	return limit->target ? 0 : config_set_string(&limit->target, "");
}

int config_set_limits(const struct config_source *source, const char *name, struct config_limits *slot, json_t *value)
{
	struct config_limits fresh = {NULL, 0};
	size_t count = json_array_size(value);
	int rc = 0;

	if (!json_is_array(value))
		return config_wrong_type(source, name, "an array", value);
	if (count > CONFIG_LIMITS_MAX)
		return config_fail(source, "key \"%s\": %zu entries, more than %d", name, count, CONFIG_LIMITS_MAX);
	fresh.limit = calloc(count + 1, sizeof *fresh.limit);
	if (!fresh.limit)
		return -ENOMEM;
	while (fresh.count < count && !rc) {
		size_t i = fresh.count++;
		char entry[CONFIG_NAME_MAX];

		snprintf(entry, sizeof entry, "%s[%zu]", name, i);
		rc = set_limit(source, entry, &fresh.limit[i], json_array_get(value, i));
	}
	config_limits_done(rc ? &fresh : slot);
	if (!rc)
		*slot = fresh;
	return rc;
}
