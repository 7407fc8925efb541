/* SPDX-License-Identifier: Apache-2.0 */
/* config.c - reading the configuration.
 *
 * One table of keys drives everything: what is known, which type it wants, where it goes, and the test that compares it
 * with the manual. Values are applied one after the other, defaults, file, environment, so the last one wins, and an
 * error can say where its value came from. An object in the JSON is only a prefix: {"full_ring":{"error":"keep"}} sets
 * the key "full_ring.error", as does the variable ILU_LOG__full_ring__error. */
#include "config/config_value.h"
#include "config/directive.h"
#include "base/escape.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_KEY  64
#define MAX_FILE (1 << 20)

enum key_type {
	KEY_STRING,
	KEY_FILTER, /* a string of directives */
	KEY_SPANNING,
	KEY_BOOL,
	KEY_U32,
	KEY_POWER, /* uint64_t, a power of two */
	KEY_CHOICE,
	KEY_SINKS,
	KEY_LIMITS,
	KEY_BYTES, /* uint64_t: "100MB", or a number */
	KEY_EVERY, /* uint64_t of seconds: "1d" */
};

struct key {
	const char *name;
	enum key_type type;
	size_t offset;
	uint64_t low, high;         /* of numbers */
	const char *const *choices; /* of KEY_CHOICE, in the order of their enum, NULL at the end */
};

static const char *const timestamp_names[] = {"rfc3339", "iluvatar", NULL};
static const char *const clock_names[] = {"auto", "tsc", "monotonic", NULL};
static const char *const start_names[] = {"append", "rotate", "new", NULL};
static const char *const level_names[] = {"off", "error", "warn", "info", "debug", "trace", NULL};
static const char *const per_names[] = {"transaction", "process", NULL};
static const char *const compress_names[] = {"off", "zstd", NULL};
static const char *const full_names[] = {"block", "drop", "keep", NULL};

#define AT(member)       offsetof(struct config, member)
#define FULL_RING(level) AT(full_ring) + (level) * sizeof(enum config_full_ring), 0, 0, full_names

static const struct key keys[] = {
    {"level", KEY_FILTER, AT(level), 0, 0, NULL},
    {"directory", KEY_STRING, AT(directory), 0, 0, NULL},
    {"basename", KEY_STRING, AT(basename), 0, 0, NULL},
    {"at_start", KEY_CHOICE, AT(at_start), 0, 0, start_names},
    {"stdout", KEY_BOOL, AT(stdout_pretty), 0, 0, NULL},
    {"spanning", KEY_SPANNING, AT(spanning), 0, 0, NULL},
    {"include_spans_json", KEY_BOOL, AT(include_spans_json), 0, 0, NULL},
    {"flame", KEY_STRING, AT(flame), 0, 0, NULL},
    {"timestamp_format", KEY_CHOICE, AT(timestamp_format), 0, 0, timestamp_names},
    {"clock", KEY_CHOICE, AT(clock), 0, 0, clock_names},
    {"ring_bytes", KEY_POWER, AT(ring_bytes), 65536, UINT64_C(1) << 30, NULL},
    {"rings", KEY_U32, AT(rings), 2, 4096, NULL},
    {"span_slots", KEY_U32, AT(span_slots), 1024, 1 << 24, NULL},
    {"full_ring.error", KEY_CHOICE, FULL_RING(1)},
    {"full_ring.warn", KEY_CHOICE, FULL_RING(2)},
    {"full_ring.info", KEY_CHOICE, FULL_RING(3)},
    {"full_ring.debug", KEY_CHOICE, FULL_RING(4)},
    {"full_ring.trace", KEY_CHOICE, FULL_RING(5)},
    {"grace_ms", KEY_U32, AT(grace_ms), 0, 1000, NULL},
    {"stop_timeout_ms", KEY_U32, AT(stop_timeout_ms), 1, 3600000, NULL},
    {"flush_on", KEY_CHOICE, AT(flush_on), 0, 0, level_names},
    {"crash_handler", KEY_BOOL, AT(crash_handler), 0, 0, NULL},
    {"recorder.level", KEY_CHOICE, AT(recorder.level), 0, 0, level_names},
    {"recorder.on", KEY_CHOICE, AT(recorder.on), 0, 0, level_names},
    {"recorder.per", KEY_CHOICE, AT(recorder.per), 0, 0, per_names},
    {"recorder.lines", KEY_U32, AT(recorder.lines), 1, 1000000, NULL},
    {"recorder.bytes", KEY_BYTES, AT(recorder.bytes), 65536, UINT64_C(1) << 36, NULL},
    {"sinks", KEY_SINKS, AT(sinks), 0, 0, NULL},
    {"rotate.bytes", KEY_BYTES, AT(rotate.bytes), 65536, INT64_MAX, NULL},
    {"rotate.every", KEY_EVERY, AT(rotate.every_s), 1, UINT64_C(366) * 86400, NULL},
    {"rotate.keep", KEY_U32, AT(rotate.keep), 1, 100000, NULL},
    {"rotate.total", KEY_BYTES, AT(rotate.total), 65536, INT64_MAX, NULL},
    {"rotate.compress", KEY_CHOICE, AT(rotate.compress), 0, 0, compress_names},
    {"rate_limits", KEY_LIMITS, AT(rate_limits), 0, 0, NULL},
    {"run_directory", KEY_STRING, AT(run_directory), 0, 0, NULL},
    {"black_box", KEY_STRING, AT(black_box), 0, 0, NULL},
};

#define KEY_COUNT (sizeof keys / sizeof *keys)

const char *config_key_next(const char *key)
{
	if (!key)
		return keys[0].name;
	for (size_t i = 0; i + 1 < KEY_COUNT; i++)
		if (!strcmp(keys[i].name, key))
			return keys[i + 1].name;
	return NULL;
}

/* ---- one value ---- */

static struct setting_source source_of(const char *name, struct config_error *error)
{
	return (struct setting_source){name, error ? error->text : NULL, error ? sizeof error->text : 0};
}

static int set_spanning(const struct setting_source *source, const struct key *key, uint32_t *slot, const char *text)
{
	static const struct {
		const char *token;
		uint32_t bits;
	} tokens[] = {
	    {"NONE", CONFIG_SPAN_NONE},     {"", CONFIG_SPAN_NONE},     {"NEW", CONFIG_SPAN_NEW},
	    {"ENTER", CONFIG_SPAN_ENTER},   {"EXIT", CONFIG_SPAN_EXIT}, {"CLOSE", CONFIG_SPAN_CLOSE},
	    {"ACTIVE", CONFIG_SPAN_ACTIVE}, {"FULL", CONFIG_SPAN_FULL},
	};
	uint32_t bits = 0;

	for (const char *at = text;; at++) {
		size_t len = strcspn(at, "+"), i = 0, used;
		char bad[40];

		while (i < sizeof tokens / sizeof *tokens &&
		       (strlen(tokens[i].token) != len || memcmp(tokens[i].token, at, len)))
			i++;
		if (i == sizeof tokens / sizeof *tokens) {
			bad[escape_json_part(bad, sizeof bad - 1, at, len, &used)] = '\0';
			return setting_fail(
			    source,
			    "key \"%s\": unknown token \"%s\", expected NONE, NEW, ENTER, EXIT, CLOSE, ACTIVE "
			    "or FULL, joined by \"+\"",
			    key->name, bad);
		}
		bits |= tokens[i].bits;
		at += len;
		if (!*at)
			break;
	}
	*slot = bits;
	return 0;
}

static int set_choice(const struct setting_source *source, const struct key *key, void *slot, const json_t *value)
{
	const char *text = json_string_value(value);
	char expected[128] = "", bad[48];

	for (unsigned i = 0; key->choices[i]; i++) {
		if (text && !strcmp(key->choices[i], text)) {
			*(unsigned *)slot = i; /* all enums of the config are as wide as unsigned: asserted below */
			return 0;
		}
		snprintf(expected + strlen(expected), sizeof expected - strlen(expected), "%s\"%s\"", i ? " or " : "",
		         key->choices[i]);
	}
	if (!text)
		return setting_wrong_type(source, key->name, expected, value);
	return setting_fail(source, "key \"%s\": expected %s, found \"%s\"", key->name, expected,
	                    setting_shown(value, bad, sizeof bad));
}

_Static_assert(sizeof(enum sink_file_start) == sizeof(unsigned) && sizeof(enum config_timestamp) == sizeof(unsigned) &&
                   sizeof(enum config_recorder_per) == sizeof(unsigned) &&
                   sizeof(enum config_clock) == sizeof(unsigned) && sizeof(enum config_full_ring) == sizeof(unsigned),
               "set_choice writes an unsigned");

static int set_number(const struct setting_source *source, const struct key *key, void *slot, const json_t *value)
{
	json_int_t n = json_integer_value(value);
	uint64_t u = (uint64_t)n;

	if (!json_is_integer(value))
		return setting_wrong_type(source, key->name, "an integer", value);
	if (n < 0 || u < key->low || u > key->high)
		return setting_fail(source, "key \"%s\": %" JSON_INTEGER_FORMAT " is not between %llu and %llu",
		                    key->name, n, (unsigned long long)key->low, (unsigned long long)key->high);
	if (key->type == KEY_POWER && (u & (u - 1)))
		return setting_fail(source, "key \"%s\": %" JSON_INTEGER_FORMAT " is not a power of two", key->name, n);
	if (key->type == KEY_POWER)
		*(uint64_t *)slot = u;
	else
		*(uint32_t *)slot = (uint32_t)u;
	return 0;
}

/* "100MB", "1d": a number and a unit. */
static int set_quantity(const struct setting_source *source, const struct key *key, uint64_t *slot, const json_t *value)
{
	static const struct unit {
		const char *name;
		uint64_t times;
	} bytes[] = {{"B", 1},         {"kB", 1000},       {"KB", 1000},
	             {"MB", 1000000},  {"GB", 1000000000}, {"TB", UINT64_C(1000000000000)},
	             {"KiB", 1 << 10}, {"MiB", 1 << 20},   {"GiB", 1 << 30},
	             {NULL, 0}},
	  times[] = {{"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}, {"w", 604800}, {NULL, 0}};
	const struct unit *unit = key->type == KEY_BYTES ? bytes : times;
	const char *expected =
	    key->type == KEY_BYTES ? "bytes like \"100MB\" or \"64KiB\"" : "a time like \"1d\" or \"12h\"";
	const char *text = json_string_value(value);
	char bad[48], *end = NULL;
	unsigned long long n = 0;

	if (json_is_integer(value) && key->type == KEY_BYTES) {
		n = json_integer_value(value) < 0 ? 0 : (unsigned long long)json_integer_value(value);
	} else if (text && *text >= '0' && *text <= '9') {
		errno = 0;
		n = strtoull(text, &end, 10);
		while (unit->name && strcmp(unit->name, end) != 0)
			unit++;
		if (!unit->name || errno || n > INT64_MAX / unit->times)
			end = NULL;
		else
			n *= unit->times;
	}
	if (text && !end)
		return setting_fail(source, "key \"%s\": expected %s, found \"%s\"", key->name, expected,
		                    setting_shown(value, bad, sizeof bad));
	if (!text && !(json_is_integer(value) && key->type == KEY_BYTES))
		return setting_wrong_type(source, key->name, expected, value);
	if (n < key->low || n > key->high)
		return setting_fail(source, "key \"%s\": %s is not between %llu and %llu", key->name,
		                    setting_shown(value, bad, sizeof bad), (unsigned long long)key->low,
		                    (unsigned long long)key->high);
	*slot = n;
	return 0;
}

static bool wants_string(const struct key *key)
{
	return key->type == KEY_STRING || key->type == KEY_FILTER || key->type == KEY_SPANNING ||
	       key->type == KEY_CHOICE;
}

static int set_key(struct config *config, const struct setting_source *source, const struct key *key, json_t *value)
{
	void *slot = (char *)config + key->offset;

	if (json_is_null(value)) /* as if the key were not there: Iluvatar's optional keys */
		return 0;
	if (slot == &config->recorder.level)
		config->recorder.level_said = true;
	else if (!strncmp(key->name, "recorder.", 9))
		config->recorder.said = key->name;
	if (key->type == KEY_CHOICE)
		return set_choice(source, key, slot, value);
	if (wants_string(key) && !json_is_string(value))
		return setting_wrong_type(source, key->name, "a string", value);
	switch (key->type) {
	case KEY_STRING:
		return setting_string(slot, json_string_value(value));
	case KEY_FILTER:
		return config_set_filter(source, key->name, slot, json_string_value(value));
	case KEY_SPANNING:
		return set_spanning(source, key, slot, json_string_value(value));
	case KEY_BOOL:
		if (!json_is_boolean(value))
			return setting_wrong_type(source, key->name, "true or false", value);
		*(bool *)slot = json_is_true(value);
		return 0;
	case KEY_SINKS:
		return config_set_sinks(source, key->name, slot, value);
	case KEY_LIMITS:
		return config_set_limits(source, key->name, slot, value);
	case KEY_BYTES:
	case KEY_EVERY:
		return set_quantity(source, key, slot, value);
	default:
		return set_number(source, key, slot, value);
	}
}

/* ---- trees of values ---- */

static const struct key *find_key(const char *name)
{
	for (size_t i = 0; i < KEY_COUNT; i++)
		if (!strcmp(keys[i].name, name))
			return &keys[i];
	return NULL;
}

static bool is_prefix(const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < KEY_COUNT; i++)
		if (!strncmp(keys[i].name, name, len) && keys[i].name[len] == '.')
			return true;
	return false;
}

static int unknown_key(const struct setting_source *source, const char *name)
{
	char bad[MAX_KEY + 16], known[800] = "";
	size_t used;

	bad[escape_json_part(bad, sizeof bad - 1, name, strlen(name), &used)] = '\0';
	for (size_t i = 0; i < KEY_COUNT; i++)
		snprintf(known + strlen(known), sizeof known - strlen(known), "%s%s", i ? " " : "", keys[i].name);
	return setting_fail(source, "unknown key \"%s\"; known are: %s", bad, known);
}

static int apply(struct config *config, const struct setting_source *source, const char *name, json_t *value);

static int apply_object(struct config *config, const struct setting_source *source, const char *prefix, json_t *object)
{
	const char *member;
	json_t *value;
	int rc = 0;

	json_object_foreach(object, member, value)
	{
		char name[2 * MAX_KEY];

		if (strlen(member) >= MAX_KEY)
			return unknown_key(source, member);
		snprintf(name, sizeof name, "%s%s%s", prefix, *prefix ? "." : "", member);
		rc = apply(config, source, name, value);
		if (rc)
			break;
	}
	return rc;
}

static int apply(struct config *config, const struct setting_source *source, const char *name, json_t *value)
{
	const struct key *key = find_key(name);

	if (key)
		return set_key(config, source, key, value);
	if (!is_prefix(name))
		return unknown_key(source, name);
	if (json_is_null(value))
		return 0;
	if (!json_is_object(value))
		return setting_wrong_type(source, name, "an object", value);
	return apply_object(config, source, name, value);
}

static int apply_json(struct config *config, const struct setting_source *source, const char *text)
{
	json_error_t error;
	json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &error);
	char why[JSON_ERROR_TEXT_LENGTH + 8];
	size_t used;
	int rc;

	if (!root && json_error_code(&error) == json_error_out_of_memory)
		return -ENOMEM;
	if (!root) {
		char place[256];
		struct setting_source with_line = {place, source->text, source->cap};

		snprintf(place, sizeof place, "%s:%d:%d", source->name, error.line, error.column);
		why[escape_json_part(why, sizeof why - 1, error.text, strlen(error.text), &used)] = '\0';
		return setting_fail(&with_line, "%s", error.text[0] ? why : "not JSON");
	}
	rc = json_is_object(root) ? apply_object(config, source, "", root)
	                          : setting_fail(source, "expected a JSON object, found %s", setting_type(root));
	json_decref(root);
	return rc;
}

/* ---- the environment ---- */

/* "full_ring__error" -> "full_ring.error" */
static void dotted(char *out, const char *name, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (name[i] == '_' && i + 1 < len && name[i + 1] == '_') {
			*out++ = '.';
			i++;
		} else {
			*out++ = name[i];
		}
	}
	*out = '\0';
}

static int apply_variable(struct config *config, const char *variable, const char *equals, struct config_error *error)
{
	char name[MAX_KEY + 1], shown_name[MAX_KEY + sizeof CONFIG_ENV_PREFIX + 1];
	struct setting_source source = source_of(shown_name, error);
	size_t len = (size_t)(equals - variable) - strlen(CONFIG_ENV_PREFIX);
	const struct key *key;
	json_t *value;
	int rc;

	snprintf(shown_name, sizeof shown_name, "%.*s", (int)(equals - variable), variable);
	if (len > MAX_KEY)
		len = MAX_KEY;
	dotted(name, variable + strlen(CONFIG_ENV_PREFIX), len);
	key = find_key(name);
	value = json_loads(equals + 1, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
	if (!value || (key && wants_string(key) && !json_is_string(value) && !json_is_null(value))) {
		json_decref(value);
		value = json_string(equals + 1);
	}
	if (!value) /* also when the text is not UTF-8 */
		return setting_fail(&source, "the value is not valid UTF-8, or memory ran out");
	rc = apply(config, &source, name, value);
	json_decref(value);
	return rc;
}

static int apply_environment(struct config *config, char *const *environment, struct config_error *error)
{
	int rc = 0;

	for (; environment && *environment && !rc; environment++) {
		const char *equals = strchr(*environment, '=');

		if (equals && !strncmp(*environment, CONFIG_ENV_PREFIX, strlen(CONFIG_ENV_PREFIX)))
			rc = apply_variable(config, *environment, equals, error);
	}
	return rc;
}

/* ---- the whole ---- */

static int check_recorder(const struct config_recorder *r, const struct setting_source *source)
{
	if (r->level && (!r->on || r->on >= r->level))
		return setting_fail(source, "key \"recorder.on\": \"%s\" is not graver than \"recorder.level\", \"%s\"",
		                    level_names[r->on], level_names[r->level]);
	if (r->said && !r->level_said)
		return setting_fail(source, "key \"%s\": nothing is recorded without \"recorder.level\"", r->said);
	return 0;
}

int config_init(struct config *config)
{
	*config = (struct config){
	    .ring_bytes = 1 << 20,
	    .span_slots = 1 << 16,
	    .grace_ms = 10,
	    .stop_timeout_ms = 5000,
	    .recorder = {.on = 1, .lines = 2000, .bytes = 16 << 20},
	    .timestamp_format = CONFIG_TIMESTAMP_RFC3339,
	    .clock = CONFIG_CLOCK_AUTO,
	    .include_spans_json = true,
	};
	for (int level = 1; level <= 5; level++)
		config->full_ring[level] = CONFIG_FULL_BLOCK;
	if (setting_string(&config->level, "info") || setting_string(&config->directory, "") ||
	    setting_string(&config->basename, "") || setting_string(&config->flame, "") ||
	    setting_string(&config->run_directory, "") || setting_string(&config->black_box, "auto"))
		return -ENOMEM;
	return 0;
}

void config_done(struct config *config)
{
	free(config->level);
	free(config->directory);
	free(config->basename);
	free(config->flame);
	free(config->run_directory);
	free(config->black_box);
	config_sinks_done(&config->sinks);
	config_limits_done(&config->rate_limits);
	*config = (struct config){.level = NULL};
}

int config_parse(struct config *config, const char *json, const char *name, char *const *environment,
                 struct config_error *error)
{
	struct setting_source source = source_of(name, error);
	struct config fresh;
	int rc = config_init(&fresh);

	if (!rc && json)
		rc = apply_json(&fresh, &source, json);
	if (!rc)
		rc = apply_environment(&fresh, environment, error);
	if (!rc)
		rc = check_recorder(&fresh.recorder, &source);
	if (!rc)
		rc = config_place_sinks(&fresh, &source);
	if (rc) {
		if (rc == -ENOMEM && error)
			snprintf(error->text, sizeof error->text, "%s: out of memory", name);
		config_done(&fresh);
		return rc;
	}
	*config = fresh;
	return 0;
}

static int read_all(int fd, char **out)
{
	char *text = malloc(MAX_FILE + 1);
	size_t len = 0;
	ssize_t n = 1;

	if (!text)
		return -ENOMEM;
	while (n > 0 && len <= MAX_FILE) {
		n = read(fd, text + len, MAX_FILE + 1 - len);
		if (n < 0 && errno == EINTR)
			n = 1;
		else if (n > 0)
			len += (size_t)n;
	}
	if (n < 0 || len > MAX_FILE || memchr(text, '\0', len)) {
		int rc = n < 0 ? -errno : len > MAX_FILE ? -EFBIG : -EILSEQ;

		free(text);
		return rc;
	}
	text[len] = '\0';
	*out = text;
	return 0;
}

int config_parse_file(struct config *config, const char *path, char *const *environment, struct config_error *error)
{
	struct setting_source source = source_of(path, error);
	char *text = NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int rc = fd < 0 ? -errno : read_all(fd, &text);

	if (fd >= 0)
		close(fd);
	if (rc == -EILSEQ) {
		setting_fail(&source, "a NUL byte, so not JSON");
		return -EINVAL;
	}
	if (rc) {
		setting_fail(&source, "%s", strerror(-rc));
		return rc;
	}
	rc = config_parse(config, text, path, environment, error);
	free(text);
	return rc;
}
