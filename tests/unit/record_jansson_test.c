/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Readings of JSON formats against another reader: jansson parses the line, and a few lines of code here look up what
 * the format's file says. Each format's samples are tried, and each with other values in it, two hundred times. */
#include "base/scan.h"
#include "ingest/record.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>
#include <cmocka.h>

#define VARIANTS 200

static uint64_t seed = 88172645463325252u;

static unsigned rnd(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed % n);
}

/* ---- the other reader ---- */

static json_t *at_path(json_t *object, const char *path, const char **whole)
{
	const char *key;
	json_t *v, *found;

	json_object_foreach(object, key, v)
	{
		size_t n = strlen(key);

		if (!strcmp(key, path)) {
			*whole = key;
			return v;
		}
		if (json_is_object(v) && !strncmp(path, key, n) && path[n] == '.') {
			found = at_path(v, path + n + 1, whole);
			*whole = NULL;
			if (found)
				return found;
		}
	}
	return NULL;
}

static bool is_nothing(json_t *v)
{
	const char *s = json_string_value(v);

	if (json_is_null(v) || (json_is_integer(v) && !json_integer_value(v)))
		return true;
	return s && strspn(s, "0-") == strlen(s);
}

/* 0 where levels are those of syslog. */
static bool is_highest_level(json_t *v, json_t *format, const char *role)
{
	const char *text = json_is_string(v) ? json_string_value(v) : NULL;

	return !strcmp(role, "level") && json_object_get(format, "level_numbers") &&
	       (text ? !strcmp(text, "0") : json_is_integer(v) && !json_integer_value(v));
}

enum takes { TEXT, TEXT_OR_NUMBER };

struct role_found {
	json_t *value;
	const char *key; /* of the top level, where it is all of it */
};

/* The first value that counts, as contract and format say. */
static struct role_found role_of(json_t *line, json_t *format, json_t *otherwise, const char *role, enum takes takes)
{
	json_t *paths = json_object_get(format, role), *one;
	size_t i, n;

	paths = paths ? paths : json_object_get(otherwise, role);
	n = json_is_string(paths) ? 1 : json_array_size(paths);
	for (i = 0; i < n; i++) {
		char path[200];
		const char *whole = NULL, *only;
		json_t *v;

		one = json_is_string(paths) ? paths : json_array_get(paths, i);
		snprintf(path, sizeof path, "%s", json_string_value(one));
		only = strstr(path, ":string");
		if (only)
			path[only - path] = '\0';
		v = at_path(line, path, &whole);
		if (!v || (is_nothing(v) && !is_highest_level(v, format, role)) ||
		    (json_is_object(v) && !json_object_get(v, "epochSecond")) || json_is_array(v) ||
		    ((takes == TEXT || only) && !json_is_string(v)) || (json_is_boolean(v) && !strcmp(role, "tid")) ||
		    (!strcmp(role, "tid") && json_is_string(v) &&
		     (!strcmp(json_string_value(v), "true") || !strcmp(json_string_value(v), "false"))))
			continue;
		if (!strcmp(role, "time") && json_is_string(v) &&
		    (*json_string_value(v) < '0' || *json_string_value(v) > '9'))
			continue; /* what is no time does not keep the next from being it */
		return (struct role_found){v, whole};
	}
	return (struct role_found){NULL, NULL};
}

/* Only what everybody writes; false: the other reader does not know. */
static bool time_of(json_t *v, json_t *format, int64_t *ns)
{
	const char *unit = json_string_value(json_object_get(format, "time_unit")), *s = json_string_value(v), *p;
	struct tm tm = {0};
	int used = 0;

	if (json_is_object(v)) {
		*ns = json_integer_value(json_object_get(v, "epochSecond")) * 1000000000 +
		      json_integer_value(json_object_get(v, "nanoOfSecond"));
		return true;
	}
	if (json_is_integer(v)) {
		int64_t n = json_integer_value(v), scale = n < 100000000000         ? 1000000000
		                                           : n < 100000000000000    ? 1000000
		                                           : n < 100000000000000000 ? 1000
		                                                                    : 1;
		*ns = n * scale;
		return n > 0 && (!unit || !strcmp(unit, "by size"));
	}
	if (!s ||
	    sscanf(s, "%4d-%2d-%2d%*1[T ]%2d:%2d:%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour, &tm.tm_min,
	           &tm.tm_sec, &used) != 6 ||
	    used != 19)
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	*ns = timegm(&tm) * INT64_C(1000000000);
	p = s + used;
	if (*p == '.')
		for (int64_t scale = 100000000; *++p >= '0' && *p <= '9'; scale /= 10)
			*ns += (*p - '0') * scale;
	return !strcmp(p, "Z");
}

static const char *level_of(json_t *v, json_t *format)
{
	static const char *const words[][2] = {
	    {"trace", "TRACE"},  {"debug", "DEBUG"}, {"info", "INFO"},   {"notice", "INFO"}, {"warn", "WARN"},
	    {"warning", "WARN"}, {"error", "ERROR"}, {"fatal", "ERROR"}, {"panic", "ERROR"}, {"critical", "ERROR"}};
	const char *s = json_string_value(v);
	json_t *mine = s ? json_object_get(json_object_get(format, "levels"), s) : NULL;

	if (mine)
		return json_string_value(mine);
	for (size_t i = 0; s && i < sizeof words / sizeof *words; i++)
		if (!strcasecmp(s, words[i][0]))
			return words[i][1];
	return NULL;
}

/* ---- one line in both ---- */

static int times, levels;

static void compare(json_t *line, json_t *format, json_t *otherwise, const struct record_result *r, const char *text)
{
	static const char *const names[] = {"time", "level", "message", "target", "tid"};
	static const enum takes takes[] = {TEXT_OR_NUMBER, TEXT_OR_NUMBER, TEXT, TEXT, TEXT_OR_NUMBER};
	json_t *got = json_loadb(r->reading.ptr, r->reading.len, JSON_DECODE_ANY, NULL), *fields = json_copy(line);
	const char *of[] = {"", "", "message", "target", "tid"}, *level;
	int64_t ns;

	assert_non_null(got);
	for (int i = 0; i < 5; i++) {
		struct role_found f = role_of(line, format, otherwise, names[i], takes[i]);
		json_t *mine = i > 1 ? json_object_get(got, of[i]) : NULL;
		char number[40];

		if (f.key && (i || r->has_time))
			json_object_del(fields, f.key);
		if (!i && f.value && time_of(f.value, format, &ns)) {
			assert_int_equal(r->time_ns, ns);
			times++;
		}
		if (i == 1 && f.value && (level = level_of(f.value, format))) {
			assert_string_equal(json_string_value(json_object_get(got, "level")), level);
			levels++;
		}
		if (i < 2)
			continue;
		if (!f.value != !mine)
			fail_msg("%s of %s", names[i], text);
		if (mine && json_is_string(f.value))
			assert_string_equal(json_string_value(mine), json_string_value(f.value));
		if (mine && json_is_integer(f.value)) {
			snprintf(number, sizeof number, "%lld", (long long)json_integer_value(f.value));
			assert_string_equal(json_string_value(mine), number);
		}
	}
	if (!json_equal(json_object_get(got, "fields"), fields))
		fail_msg("fields of %s: %s", text, json_dumps(json_object_get(got, "fields"), 0));
	json_decref(got);
	json_decref(fields);
}

static bool is_simple(json_t *line)
{
	static const char *const others[] = {"fields", "span", "spans", NULL};

	for (int i = 0; others[i]; i++)
		if (json_object_get(line, others[i]))
			return false;
	return json_is_object(line);
}

static void line_try(struct record_reader *reader, json_t *line, json_t *format, json_t *otherwise)
{
	char *text = json_dumps(line, JSON_COMPACT), *copy = calloc(1, strlen(text) + SCAN_SLACK);
	struct record_result r;

	strcpy(copy, text);
	assert_int_equal(record_read(reader, (struct slice){copy, strlen(copy)}, &r), 0);
	assert_int_equal(r.verdict, RECORD_EVENT);
	compare(line, format, otherwise, &r, text);
	free(copy);
	free(text);
}

/* A value of the same type for one that no format is recognised by. */
static void vary(json_t *line, json_t *keys)
{
	static const char *const texts[] = {
	    "", "0", "a b", "x\"y\\z", "\xc3\xa9\n", "true", "00-0", "error", "2026-06-01T10:00:07.5Z", "[1]", "null"};
	unsigned at = rnd((unsigned)json_object_size(line));
	void *i = json_object_iter(line);
	const char *kind;
	json_t *v;

	while (at--)
		i = json_object_iter_next(line, i);
	v = json_object_iter_value(i);
	kind = json_string_value(json_object_get(keys, json_object_iter_key(i)));
	if (kind && *kind == '=')
		return;
	if (json_is_string(v))
		json_object_iter_set_new(line, i, json_string(texts[rnd(sizeof texts / sizeof *texts)]));
	else if (json_is_integer(v))
		json_object_iter_set_new(line, i, json_integer(rnd(4) ? rnd(1000) : 1780308000 + rnd(1000)));
	else if (json_is_boolean(v))
		json_object_iter_set_new(line, i, json_boolean(rnd(2)));
}

static void format_try(struct format_set *set, const struct log_format *f, json_t *otherwise, int *tried)
{
	struct record_options o = {.formats = set, .only = f};
	json_t *format = json_loads(f->source, 0, NULL), *sample, *keys = json_object_get(format, "keys");
	struct record_reader reader;
	size_t i;

	json_array_foreach(json_object_get(format, "samples"), i, sample)
	{
		json_t *line = json_loads(json_is_string(json_object_get(sample, "line"))
		                              ? json_string_value(json_object_get(sample, "line"))
		                              : "",
		                          0, NULL);

		if (line && is_simple(line)) {
			assert_int_equal(record_reader_init(&reader, &o), 0);
			for (int k = 0; k < VARIANTS; k++) {
				json_t *copy = json_deep_copy(line);

				for (int n = k; n > 0; n -= 60)
					vary(copy, keys);
				line_try(&reader, copy, format, otherwise);
				json_decref(copy);
			}
			record_reader_done(&reader);
			(*tried)++;
		}
		json_decref(line);
	}
	json_decref(format);
}

static void formats_agree(void **state)
{
	struct format_set set;
	json_t *otherwise;
	int tried = 0;

	(void)state;
	assert_int_equal(formats_built_in(&set), 0);
	otherwise = json_loads(set.fallback->source, 0, NULL);
	for (size_t i = 0; i < set.n; i++)
		if (set.all[i].nkeys && !set.all[i].rest && !set.all[i].open.n && !set.all[i].npatterns)
			format_try(&set, &set.all[i], otherwise, &tried);
	assert_true(tried >= 10 && times > 1000 && levels > 1000);
	json_decref(otherwise);
	formats_done(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(formats_agree)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
