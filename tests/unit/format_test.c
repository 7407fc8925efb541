/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every format's samples give what the format says; formats that are wrong are refused in words. */
#include "base/scan.h"
#include "ingest/record.h"

#include <errno.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static struct format_set set;

static json_t *reading_of(struct record_reader *r, const char *line, struct record_result *out)
{
	size_t len = strlen(line);
	char *text = calloc(1, len + SCAN_SLACK);
	const char *stop;
	json_t *v;

	memcpy(text, line, len);
	assert_int_equal(record_read(r, (struct slice){text, strcspn(text, "\n")}, out), 0);
	if (out->verdict == RECORD_OPEN && out->lines)
		assert_int_equal(record_read_lines(r, (struct slice){text, len}, out->lines, true, &stop, out), 0);
	else if (strchr(text, '\n'))
		assert_int_equal(record_read(r, (struct slice){text, len}, out), 0);
	v = out->reading.ptr ? json_loadb(out->reading.ptr, out->reading.len, JSON_ALLOW_NUL, NULL) : NULL;
	free(text);
	return v;
}

static json_t *at(json_t *o, const char *path)
{
	json_t *v = json_object_get(o, path);

	for (const char *dot = strchr(path, '.'); !v && dot; dot = strchr(dot + 1, '.')) {
		char *head = strndup(path, (size_t)(dot - path));
		json_t *inner = json_object_get(o, head);

		free(head);
		if (json_is_object(inner))
			v = at(inner, dot + 1);
	}
	return v;
}

/* "2026-06-01T10:00:00.1Z" with nine digits. */
static void time_check(const char *name, const char *want, const char *got)
{
	char full[64];
	const char *dot = strchr(want, '.');
	int whole = (int)(dot ? dot - want : (long)strlen(want) - 1), digits = dot ? (int)strlen(dot) - 2 : 0;

	snprintf(full, sizeof full, "%.*s.%.*s%.*sZ", whole, want, digits, dot ? dot + 1 : "", 9 - digits, "000000000");
	if (strcmp(full, got))
		fail_msg("%s: time is %s, not %s", name, got, full);
}

static bool is_pointed(const char *key)
{
	static const char *const keys[] = {"span",     "parent",     "span_name", "span_line",
	                                   "duration", "span_until", "error",     "worker"};

	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		if (!strcmp(key, keys[i]))
			return true;
	return false;
}

/* The field that the reading names for a role. */
static json_t *pointed_value(json_t *reading, const char *key)
{
	char as[32];
	const char *path;

	if (!strcmp(key, "span_line"))
		return json_object_get(reading, "as_line");
	snprintf(as, sizeof as, "as_%s", !strncmp(key, "span_", 5) ? key + 5 : key);
	path = json_string_value(json_object_get(reading, as));
	return !path          ? NULL
	       : *path == ':' ? json_object_get(reading, path + 1)
	                      : at(json_object_get(reading, "fields"), path);
}

static bool scalar_is(json_t *value, json_t *want)
{
	json_t *number = json_is_string(want) ? json_loads(json_string_value(want), JSON_DECODE_ANY, NULL) : NULL;
	bool same = json_equal(number, value);

	json_decref(number);
	return same;
}

static void sample_check(const struct log_format *f, json_t *sample)
{
	struct record_options o = {.formats = &set, .file = f->files.n ? f->files.all[0] : NULL};
	struct record_reader r;
	struct record_result got;
	json_t *reading, *want, *value;
	const char *key, *path;

	assert_int_equal(record_reader_init(&r, &o), 0);
	reading = reading_of(&r, json_string_value(json_object_get(sample, "line")), &got);
	if (!reading || got.verdict != RECORD_EVENT)
		fail_msg("%s: its sample is no record: %s", f->name, got.reason ? got.reason : "text");
	if (r.nuses != 1 || (r.uses[0].inner != f && r.uses[0].outer != f))
		fail_msg("%s: its sample was read as %s", f->name,
		         r.uses[0].inner ? r.uses[0].inner->name : "no format");
	json_object_foreach(sample, key, want)
	{
		if (!strcmp(key, "line"))
			continue;
		if (!strcmp(key, "time")) {
			time_check(f->name, json_string_value(want),
			           json_string_value(json_object_get(reading, "timestamp")));
			continue;
		}
		if (!strcmp(key, "fields")) {
			json_object_foreach(want, path,
			                    value) if (!json_equal(value, at(json_object_get(reading, "fields"), path)))
			    fail_msg("%s: field %s differs", f->name, path);
			continue;
		}
		value = is_pointed(key) ? pointed_value(reading, key) : json_object_get(reading, key);
		if (!value || (json_is_string(value) ? !json_equal(want, value) : !scalar_is(value, want)))
			fail_msg("%s: %s differs in %s", f->name, key, got.reading.ptr);
	}
	json_decref(reading);
	record_reader_done(&r);
}

static void samples(void **state)
{
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < set.n; i++) {
		json_t *all = set.all[i].samples ? json_loads(set.all[i].samples, 0, NULL) : NULL, *one;
		size_t k;

		if (!all && strcmp(set.all[i].name, "default"))
			fail_msg("%s has no samples", set.all[i].name);
		json_array_foreach(all, k, one) sample_check(&set.all[i], one), n++;
		json_decref(all);
	}
	assert_true(n >= 35);
}

/* Formats of users that need what none of ours does. */
static void other_samples(void **state)
{
	static const char *const names[] = {"till", "kernel", "relay"};

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char path[64], *text, *why = NULL;
		json_t *file, *one;
		size_t k;

		snprintf(path, sizeof path, "tests/data/formats/%s.json", names[i]);
		file = json_load_file(path, 0, NULL);
		assert_non_null(file);
		text = json_dumps(file, 0);
		if (formats_add(&set, path, text, strlen(text), &why))
			fail_msg("%s", why);
		assert_true(json_array_size(json_object_get(file, "samples")) > 0);
		json_array_foreach(json_object_get(file, "samples"), k, one) sample_check(&set.all[0], one);
		free(text);
		json_decref(file);
	}
	formats_done(&set);
	assert_int_equal(formats_built_in(&set), 0);
}

static void wrong_formats(void **state)
{
	static const struct {
		const char *text, *why;
	} t[] = {
	    {"{", "f.json:1: string or '}' expected near end of file"},
	    {"[]", "f.json: a format is an object, not a list"},
	    {"{\"keys\":{\"a\":\"string\"}}", "f.json: \"name\" is missing"},
	    {"{\"name\":\"x\"}",
	     "f.json: neither \"lines\" nor \"keys\" nor \"columns\" nor \"files\": no line would be recognised"},
	    {"{\"name\":\"x\",\"lines\":\"{a}{b}\"}",
	     "f.json: lines: \"{a}{b}\": a capture is none that is known, has no end, or has another one right behind "
	     "it"},
	    {"{\"name\":\"x\",\"lines\":\"{a\"}",
	     "f.json: lines: \"{a\": a capture is none that is known, has no end, or has another one right behind it"},
	    {"{\"name\":\"x\",\"lines\":\"a\",\"tiem\":\"b\"}", "f.json: unknown key \"tiem\""},
	    {"{\"name\":\"x\",\"lines\":\"a\",\"time\":3}",
	     "f.json: time: must be a text or a list of texts, not a number"},
	    {"{\"name\":\"x\",\"keys\":{\"a\":\"text\"}}",
	     "f.json: keys.a: must be string, number, object, array, * or =TEXT"},
	    {"{\"name\":\"x\",\"lines\":\"a\",\"time\":\"{a\"}",
	     "f.json: time: \"{a\": brackets come in pairs, with a path between them"},
	    {"{\"name\":\"x\",\"lines\":\"a\",\"worker\":\"{a}\"}", "f.json: worker: \"{a}\": a path has no brackets"},
	    {"{\"name\":\"x\",\"lines\":\"a\",\"time_format\":\"%q\"}",
	     "f.json: time_format: \"%q\": what stands behind % is none of YymdebBhaAHkIlMSfspzZTFR%"},
	    {"{\"name\":\"x\",\"lines\":\"a\",\"level_of\":{\"a\":{\"1..2\":\"BAD\"}}}",
	     "f.json: level_of.a.1..2: must be ERROR, WARN, INFO, DEBUG or TRACE"},
	    {"{\"name\":\"x\",\"lines\":\"a\",\"levels\":{\"a\":\"BAD\"}}",
	     "f.json: levels.a: must be ERROR, WARN, INFO, DEBUG or TRACE"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		char *why = NULL;

		if (formats_add(&set, "f.json", t[i].text, strlen(t[i].text), &why) != -EINVAL || !why ||
		    strcmp(why, t[i].why))
			fail_msg("%s: %s", t[i].text, why ? why : "taken");
		free(why);
	}
}

/* Each is joined and tried: there is an end to them. */
static void many_lines(void **state)
{
	char text[256], *why = NULL;
	size_t n = (size_t)snprintf(text, sizeof text, "{\"name\":\"tall\",\"lines\":\"{time}");

	(void)state;
	for (int i = 0; i < PATTERN_LINES_MAX; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, "\\n");
	n += (size_t)snprintf(text + n, sizeof text - n, "{message:rest}\",\"time\":\"time\"}");
	assert_int_equal(formats_add(&set, "tall.json", text, n, &why), -EINVAL);
	assert_string_equal(why, "tall.json: lines: a pattern of 65 lines; at most 64");
	free(why);
}

/* A user's format goes before ours, and over one of the same name. */
static void own_format(void **state)
{
	static const char own[] =
	    "{\"name\":\"bank\",\"lines\":\"{time:2} {sev:OK|BAD} {message:rest}\",\"time\":\"time\","
	    "\"level\":\"sev\",\"levels\":{\"OK\":\"INFO\",\"BAD\":\"ERROR\"},\"message\":\"message\","
	    "\"day_first\":true}";
	struct format_set mine;
	struct record_options o = {.formats = &mine};
	struct record_reader r;
	struct record_result got;
	char *why;
	json_t *v;

	(void)state;
	assert_int_equal(formats_built_in(&mine), 0);
	assert_int_equal(formats_add(&mine, "bank.json", own, strlen(own), &why), 0);
	assert_int_equal(record_reader_init(&r, &o), 0);
	v = reading_of(&r, "03/04/2026 10:00:00 BAD no funds", &got);
	assert_int_equal(got.verdict, RECORD_EVENT);
	assert_string_equal(json_string_value(json_object_get(v, "timestamp")), "2026-04-03T10:00:00.000000000Z");
	assert_string_equal(json_string_value(json_object_get(v, "level")), "ERROR");
	assert_string_equal(json_string_value(json_object_get(v, "level_text")), "BAD");
	assert_string_equal(json_string_value(json_object_get(v, "message")), "no funds");
	json_decref(v);
	record_reader_done(&r);
	formats_done(&mine);
}

/* An envelope whose line has no capture for what should be inside holds nothing: its line is a text. */
static void nothing_inside(void **state)
{
	static const char own[] =
	    "{\"name\":\"hollow\",\"lines\":\"<{text:rest}\",\"time\":\"time\",\"inside\":\"record\"}";
	struct format_set mine;
	struct record_options o = {.formats = &mine};
	struct record_reader r;
	struct record_result got;
	char *why;

	(void)state;
	assert_int_equal(formats_built_in(&mine), 0);
	assert_int_equal(formats_add(&mine, "hollow.json", own, strlen(own), &why), 0);
	assert_int_equal(record_reader_init(&r, &o), 0);
	json_decref(reading_of(&r, "<no record here", &got));
	assert_int_equal(got.verdict, RECORD_TEXT);
	record_reader_done(&r);
	formats_done(&mine);
}

/* Pieces of a record in two streams, one of them without an end. */
static void pieces(void **state)
{
	struct record_options o = {.formats = &set};
	struct record_reader r;
	struct record_result got;
	json_t *v;

	(void)state;
	assert_int_equal(record_reader_init(&r, &o), 0);
	assert_null(reading_of(&r, "2026-06-01T10:00:00.1Z stdout P {\"level\":\"info\",", &got));
	assert_int_equal(got.verdict, RECORD_PARTIAL);
	assert_null(reading_of(&r, "2026-06-01T10:00:00.2Z stderr P half a ", &got));
	v = reading_of(&r, "2026-06-01T10:00:00.3Z stdout F \"msg\":\"whole\"}", &got);
	assert_string_equal(json_string_value(json_object_get(v, "message")), "whole");
	assert_string_equal(json_string_value(json_object_get(v, "timestamp")), "2026-06-01T10:00:00.300000000Z");
	json_decref(v);
	assert_int_equal(record_flush(&r, &got), 0);
	assert_int_equal(got.verdict, RECORD_TEXT);
	v = json_loadb(got.reading.ptr, got.reading.len, 0, NULL);
	assert_string_equal(json_string_value(json_object_get(v, "message")), "half a ");
	json_decref(v);
	assert_int_equal(record_flush(&r, &got), 0);
	assert_int_equal(got.verdict, RECORD_PARTIAL);
	record_reader_done(&r);
}

/* What a reading is made of is read as JSON again, whatever stood in the line. */
static void hostile(void **state)
{
	static const char *const lines[] = {
	    "a=\"\\\"\" time=2026-06-01T10:00:00Z msg=x\\y k\\=1",
	    "time=2026-06-01T10:00:00Z msg=\x01\x7f",
	    "[pod/a\"b/c] {\"time\":\"2026-06-01T10:00:00Z\",\"a\\\"\":1}",
	    "{\"time\":\"2026-06-01T10:00:00Z\",\"\":null,\"a\":{\"b\":[1,{}]}}",
	    "Jun  1 10:00:00 h\\ost a\"pp: {\"msg\":\"m\"}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		struct record_options o = {.formats = &set};
		struct record_reader r;
		struct record_result got;
		json_t *v;

		assert_int_equal(record_reader_init(&r, &o), 0);
		v = reading_of(&r, lines[i], &got);
		if (!v && got.reading.ptr)
			fail_msg("%s: the reading is no JSON: %s", lines[i], got.reading.ptr);
		json_decref(v);
		record_reader_done(&r);
	}
}

static int set_up(void **state)
{
	(void)state;
	return formats_built_in(&set);
}

static int tear_down(void **state)
{
	(void)state;
	formats_done(&set);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(samples),    cmocka_unit_test(other_samples), cmocka_unit_test(wrong_formats),
	    cmocka_unit_test(own_format), cmocka_unit_test(many_lines),    cmocka_unit_test(nothing_inside),
	    cmocka_unit_test(pieces),     cmocka_unit_test(hostile),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
