/* SPDX-License-Identifier: Apache-2.0 */
/* log_util.h - for tests of the logger: start it into a new directory, read back what it wrote. */
#ifndef LOG_UTIL_H
#define LOG_UTIL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef __cplusplus
extern "C" {
#endif
#include <cmocka.h>
#ifdef __cplusplus
}
#endif
#include <jansson.h>

#include <ilu/log.h>

#if defined(__SANITIZE_THREAD__)
#define LOG_TSAN 1
#elif defined(__SANITIZE_ADDRESS__)
#define LOG_ASAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define LOG_TSAN 1
#elif __has_feature(address_sanitizer)
#define LOG_ASAN 1
#endif
#endif
#ifndef LOG_TSAN
#define LOG_TSAN 0 /* the thread sanitizer allows no threads after a fork, and is slow */
#endif
#ifndef LOG_ASAN
#define LOG_ASAN 0 /* the address sanitizer keeps memory */
#endif

static char log_dir[64];

/* A new directory. */
static inline void log_make_dir(void)
{
	strcpy(log_dir, "/tmp/ilu-log-XXXXXX");
	assert_non_null(mkdtemp(log_dir));
}

static inline int log_remove_dir(void)
{
	char command[100];

	snprintf(command, sizeof command, "rm -rf %s", log_dir);
	return system(command);
}

/* In it; good until the fourth next call. */
static inline char *log_path(const char *name)
{
	static char path[4][400];
	static int n;

	n = (n + 1) % 4;
	snprintf(path[n], sizeof path[n], "%s/%s", log_dir, name);
	return path[n];
}

static inline const char *log_file(void)
{
	return log_path("t.log");
}

/* Start with more keys (`"level":"debug"`), or "". */
static inline void log_begin(const char *keys)
{
	char config[1024];

	log_make_dir();
	snprintf(config, sizeof config, "{\"directory\":\"%s\",\"basename\":\"t\"%s%s}", log_dir, *keys ? "," : "",
	         keys);
	assert_int_equal(ilu_log_start(config), 0);
}

/* A file's lines as objects: yours, json_decref. */
static inline json_t *log_lines_of(const char *path)
{
	FILE *f = fopen(path, "r");
	json_t *lines = json_array();
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	if (!f)
		fail_msg("%s is not there", path);
	while ((n = getline(&line, &cap, f)) > 0) {
		json_error_t error;
		json_t *o = json_loadb(line, (size_t)n, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &error);

		if (!o)
			fail_msg("%s: %s", error.text, line);
		json_array_append_new(lines, o);
	}
	free(line);
	fclose(f);
	return lines;
}

static inline json_t *log_lines(void)
{
	return log_lines_of(log_file());
}

static inline void log_remove(void)
{
	unlink(log_file());
	rmdir(log_dir);
}

/* Stop, and read. */
static inline json_t *log_end(void)
{
	json_t *lines;

	assert_int_equal(ilu_log_stop(), 0);
	lines = log_lines();
	log_remove();
	return lines;
}

static inline const char *log_message(json_t *line)
{
	return json_string_value(json_object_get(json_object_get(line, "fields"), "message"));
}

/* The n-th line with this message, from 0; NULL when there is none. Borrowed. */
static inline json_t *log_find(json_t *lines, const char *message, int n)
{
	size_t i;
	json_t *line;

	json_array_foreach(lines, i, line)
	{
		if (!strcmp(log_message(line), message) && n-- == 0)
			return line;
	}
	return NULL;
}

static inline int log_count(json_t *lines, const char *message)
{
	size_t i;
	json_t *line;
	int n = 0;

	json_array_foreach(lines, i, line) n += !strcmp(log_message(line), message);
	return n;
}

static inline json_t *log_field(json_t *line, const char *key)
{
	return json_object_get(json_object_get(line, "fields"), key);
}

/* Numbers go from 1 without a hole but those that a line tells of, with their count, first and last. Returns how many
 * were lost. */
static inline long long log_check_numbers(json_t *lines, const char *name)
{
	long long last = 0, all = 0;
	json_t *line;
	size_t i;

	json_array_foreach(lines, i, line)
	{
		long long seq = json_integer_value(json_object_get(line, "seq")),
		          lost = json_integer_value(log_field(line, "lost"));
		bool gap = lost && json_integer_value(log_field(line, "to_seq")) == seq;

		if (seq != last + (gap ? lost : 1) ||
		    (gap && json_integer_value(log_field(line, "from_seq")) != last + 1))
			fail_msg("%s: after %lld comes %lld, %s, which tells of %lld lost", name, last, seq,
			         log_message(line), lost);
		last = seq;
		all += lost;
	}
	return all;
}

/* A line in short: `INFO new invoke [a,b] k=1`; messages of all lines joined by spaces. */
static inline char *log_messages(json_t *lines)
{
	static char text[65536];
	size_t i, len = 0;
	json_t *line;

	*text = '\0';
	json_array_foreach(lines, i, line)
	{
		json_t *span = json_object_get(json_object_get(line, "span"), "name");

		len += (size_t)snprintf(text + len, sizeof text - len, "%s%s%s%s", len ? " " : "", log_message(line),
		                        span ? ":" : "", span ? json_string_value(span) : "");
	}
	return text;
}

/* Names in `spans`, "a,b"; "-" when there is no such key. */
static inline char *log_stack(json_t *line)
{
	static char text[4096];
	json_t *spans = json_object_get(line, "spans"), *span;
	size_t i;

	strcpy(text, spans ? "" : "-");
	json_array_foreach(spans, i, span)
	{
		if (i)
			strcat(text, ",");
		strcat(text, json_string_value(json_object_get(span, "name")));
	}
	return text;
}

#endif
