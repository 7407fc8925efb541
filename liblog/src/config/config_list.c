/* SPDX-License-Identifier: Apache-2.0 */
/* config_list.c - the keys of the configuration whose values are lists of objects: sinks and rate limits. */
#include "config/config_value.h"
#include "base/escape.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The name of a member for messages, "sinks[2].file", safe to print. */
static void name_member(char out[2 * SETTING_NAME_MAX], const char *entry, const char *member)
{
	char safe[SETTING_NAME_MAX];
	size_t used;

	safe[escape_json_part(safe, sizeof safe - 1, member, strlen(member), &used)] = '\0';
	snprintf(out, 2 * SETTING_NAME_MAX, "%s.%s", entry, safe);
}

/* ---- sinks ---- */

static void sink_done(struct config_sink *sink)
{
	free(sink->to.text);
	free(sink->filter);
}

void config_sinks_done(struct config_sinks *sinks)
{
	for (size_t i = 0; i < sinks->count; i++)
		sink_done(&sinks->sink[i]);
	free(sinks->sink);
	*sinks = (struct config_sinks){NULL, 0, 0};
}

/* One member of an entry; `name` is "sinks[2].file". */
static int set_sink_member(const struct setting_source *source, const char *name, const char *member,
                           struct config_sink *sink, const json_t *value)
{
	const struct sink_kind *kind = sink_kind_find(member);
	char known[160];

	if (kind) {
		sink->to.kind = kind;
		return kind->parse(source, name, value, &sink->to);
	}
	if (!strcmp(member, "filter"))
		return json_is_string(value) ? config_set_filter(source, name, &sink->filter, json_string_value(value))
		                             : setting_wrong_type(source, name, "a string", value);
	sink_kind_names(known, sizeof known, false);
	return setting_fail(source, "unknown key \"%s\"; known are: %s filter", name, known);
}

static int set_sink(const struct setting_source *source, const char *entry, struct config_sink *sink, json_t *value)
{
	const char *member;
	char known[160];
	json_t *part;
	int places = 0, rc = 0;

	if (!json_is_object(value))
		return setting_wrong_type(source, entry, "an object", value);
	json_object_foreach(value, member, part)
	{
		char name[2 * SETTING_NAME_MAX];

		name_member(name, entry, member);
		if (json_is_null(part))
			continue;
		rc = set_sink_member(source, name, member, sink, part);
		if (rc)
			return rc;
		places += strcmp(member, "filter") != 0;
	}
	if (places == 1)
		return 0;
	sink_kind_names(known, sizeof known, true);
	return setting_fail(source, "key \"%s\": expected one of %s", entry, known);
}

int config_set_sinks(const struct setting_source *source, const char *name, struct config_sinks *slot, json_t *value)
{
	struct config_sinks fresh = {NULL, 0, 0};
	size_t count = json_array_size(value);
	int rc = 0;

	if (!json_is_array(value))
		return setting_wrong_type(source, name, "an array", value);
	if (count > CONFIG_SINKS_MAX)
		return setting_fail(source, "key \"%s\": %zu entries, more than %d", name, count, CONFIG_SINKS_MAX);
	fresh.sink = calloc(count + 1, sizeof *fresh.sink);
	if (!fresh.sink)
		return -ENOMEM;
	while (fresh.count < count && !rc) {
		size_t i = fresh.count++;
		char entry[SETTING_NAME_MAX];

		snprintf(entry, sizeof entry, "%s[%zu]", name, i);
		rc = set_sink(source, entry, &fresh.sink[i], json_array_get(value, i));
	}
	config_sinks_done(rc ? &fresh : slot);
	if (!rc)
		*slot = fresh;
	return rc;
}

/* "directory/file", or the file alone where it begins with a slash. NULL: no memory. */
static char *below(const char *directory, const char *file, bool always)
{
	size_t len = strlen(directory);
	char *path;

	if (*file == '/' && !always)
		len = 0;
	return asprintf(&path, "%.*s%s%s", (int)len, directory, len && directory[len - 1] != '/' ? "/" : "", file) < 0
	           ? NULL
	           : path;
}

static int place_files(struct config *config)
{
	struct config_sinks *sinks = &config->sinks;

	for (size_t i = 0; i < sinks->count; i++) {
		struct sink_settings *to = &sinks->sink[i].to;
		char *path = to->kind->is_file ? below(config->directory, to->text, false) : NULL;

		if (to->kind->is_file && !path)
			return -ENOMEM;
		if (path) {
			free(to->text);
			to->text = path;
		}
	}
	return 0;
}

/* "basename" and "stdout" are sinks too: the first ones. */
static int place_own(struct config *config)
{
	struct config_sinks *sinks = &config->sinks;
	struct config_sink own[2] = {{.filter = NULL}}, *grown;
	char *name, *path;
	size_t n = 0;

	if (*config->basename) {
		if (asprintf(&name, "%s.log", config->basename) < 0)
			return -ENOMEM;
		path = below(config->directory, name, true);
		free(name);
		if (!path)
			return -ENOMEM;
		own[n++].to = (struct sink_settings){.kind = &sink_kind_file, .text = path};
	}
	if (config->stdout_pretty)
		own[n++].to = (struct sink_settings){.kind = &sink_kind_stdout};
	if (!n && !sinks->count)
		own[n++].to = (struct sink_settings){.kind = &sink_kind_stderr};
	grown = realloc(sinks->sink, (sinks->count + n + 1) * sizeof *grown);
	if (!grown) {
		sink_done(&own[0]);
		return -ENOMEM;
	}
	memmove(grown + n, grown, sinks->count * sizeof *grown);
	memcpy(grown, own, n * sizeof *grown);
	*sinks = (struct config_sinks){grown, sinks->count + n, n};
	return 0;
}

static bool same_file(const struct sink_settings *a, const struct sink_settings *b)
{
	return a->kind->is_file && b->kind->is_file && !strcmp(a->text, b->text);
}

/* Two sinks in one file would tear it up. */
static int check_files(const struct config_sinks *sinks, const struct setting_source *source)
{
	for (size_t i = sinks->own; i < sinks->count; i++) {
		const struct sink_settings *to = &sinks->sink[i].to;
		size_t at = 0;

		while (at < i && !same_file(&sinks->sink[at].to, to))
			at++;
		if (at < sinks->own)
			return setting_fail(source, "key \"sinks[%zu].file\": \"%s\" is the log file itself",
			                    i - sinks->own, to->text);
		if (at < i)
			return setting_fail(source, "key \"sinks[%zu].file\": \"%s\" is that of sinks[%zu]",
			                    i - sinks->own, to->text, at - sinks->own);
	}
	return 0;
}

int config_place_sinks(struct config *config, const struct setting_source *source)
{
	int rc;

	if (strchr(config->basename, '/'))
		return setting_fail(source, "key \"basename\": it has a \"/\"; where the file is, \"directory\" says");
	rc = place_files(config);
	if (!rc)
		rc = place_own(config);
	for (size_t i = 0; !rc && i < config->sinks.count; i++)
		config->sinks.sink[i].to.rotation = config->rotate;
	return rc ? rc : check_files(&config->sinks, source);
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

static int set_count(const struct setting_source *source, const char *name, uint32_t max, uint32_t *slot,
                     const json_t *value)
{
	json_int_t n = json_integer_value(value);

	if (!json_is_integer(value))
		return setting_wrong_type(source, name, "an integer", value);
	if (n < 1 || n > max)
		return setting_fail(source, "key \"%s\": %" JSON_INTEGER_FORMAT " is not between 1 and %u", name, n,
		                    max);
	*slot = (uint32_t)n;
	return 0;
}

static int set_rate(const struct setting_source *source, const char *name, double *slot, const json_t *value)
{
	double n = json_number_value(value);
	char text[48];

	if (!json_is_number(value))
		return setting_wrong_type(source, name, "a number", value);
	if (n != 0 && !(n >= CONFIG_LIMIT_SLOWEST && n <= 1e9))
		return setting_fail(source, "key \"%s\": %s is neither 0 nor between 0.001 and 1000000000", name,
		                    setting_shown(value, text, sizeof text));
	*slot = n;
	return 0;
}

static int set_level(const struct setting_source *source, const char *name, unsigned *slot, const json_t *value)
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
		return setting_wrong_type(source, name, "a string", value);
	return setting_fail(source, "key \"%s\": expected error, warn, info, debug or trace, found \"%s\"", name,
	                    setting_shown(value, bad, sizeof bad));
}

static int set_text(const struct setting_source *source, const char *name, char **slot, const json_t *value)
{
	if (!json_is_string(value))
		return setting_wrong_type(source, name, "a string", value);
	return setting_string(slot, json_string_value(value));
}

static int set_limit_member(const struct setting_source *source, const char *name, const char *member,
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
	return setting_fail(source, "unknown key \"%s\"; known are: target level message key per_second burst keys",
	                    name);
}

static int set_limit(const struct setting_source *source, const char *entry, struct config_limit *limit, json_t *value)
{
	const char *member;
	json_t *part;
	int rc = 0;

	*limit = (struct config_limit){.per_second = -1, .keys = 1024};
	if (!json_is_object(value))
		return setting_wrong_type(source, entry, "an object", value);
	json_object_foreach(value, member, part)
	{
		char name[2 * SETTING_NAME_MAX];

		name_member(name, entry, member);
		rc = json_is_null(part) ? 0 : set_limit_member(source, name, member, limit, part);
		if (rc)
			return rc;
	}
	if (limit->per_second < 0)
		return setting_fail(source, "key \"%s\": \"per_second\" is missing", entry);
	if (!limit->burst) /* as many as come in a second */
		limit->burst = limit->per_second < 1                        ? 1
		               : limit->per_second > CONFIG_LIMIT_BURST_MAX ? CONFIG_LIMIT_BURST_MAX
		                                                            : (uint32_t)limit->per_second;
	return limit->target ? 0 : setting_string(&limit->target, "");
}

int config_set_limits(const struct setting_source *source, const char *name, struct config_limits *slot, json_t *value)
{
	struct config_limits fresh = {NULL, 0};
	size_t count = json_array_size(value);
	int rc = 0;

	if (!json_is_array(value))
		return setting_wrong_type(source, name, "an array", value);
	if (count > CONFIG_LIMITS_MAX)
		return setting_fail(source, "key \"%s\": %zu entries, more than %d", name, count, CONFIG_LIMITS_MAX);
	fresh.limit = calloc(count + 1, sizeof *fresh.limit);
	if (!fresh.limit)
		return -ENOMEM;
	while (fresh.count < count && !rc) {
		size_t i = fresh.count++;
		char entry[SETTING_NAME_MAX];

		snprintf(entry, sizeof entry, "%s[%zu]", name, i);
		rc = set_limit(source, entry, &fresh.limit[i], json_array_get(value, i));
	}
	config_limits_done(rc ? &fresh : slot);
	if (!rc)
		*slot = fresh;
	return rc;
}
