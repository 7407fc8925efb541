/* SPDX-License-Identifier: GPL-3.0-or-later */
/* series_read.c - see series_read.h
 *
 * The rules name the messages, where in them the values stand (a field, or a member of JSON inside a field), and what
 * is made of two: a sum, or a percentage. A value that is null or absent gives no row, unless the rule has a default.
 * Behind them come those of energy logs. */
#include "beside/series_read.h"
#include "base/array.h"
#include "base/jsontext.h"
#include "beside/energy_rows.h"
#include "base/sql.h"
#include "ingest/line.h"
#include "base/scan.h"
#include "model/rules_kept.h"
#include "store/event_value.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <math.h>

/* One value: a, a+b or 100*a/b. */
struct value_rule {
	const char *name;
	char a[64], b[64];
	char op; /* 0, '+' or '/' */
	bool limited;
};

struct series_rule {
	struct slice message;
	const char *json; /* field with JSON in it, or NULL: the line's own fields */
	bool each;        /* the JSON is an array: the mean over its elements */
	bool has_default;
	double fallback;
	struct value_rule *value;
	size_t nvalues;
	size_t first; /* number of its first value among those of all rules */
};

struct series_reader {
	struct store *store;
	struct event_cursor *cursor;
	struct rules *rules;
	struct series_rule *rule;
	size_t nrules, nvalues;
	char *name; /* pushed down, or NULL */
	/* the current line */
	const struct series_rule *at;
	size_t next; /* of its values */
	char *text;  /* its JSON, unescaped, with slack */
	size_t text_room;
	struct slice json;
	char parent[64]; /* the object in it whose member was asked for last, its path; "": none */
	struct json_value parent_value;
	const struct event *event;
	struct series_row row;
	int64_t asked_run;          /* 0: all */
	struct energy_rows *energy; /* once the events are read */
};

/* ---- rules ---- */

static void compile_value(const char *name, const char *text, struct value_rule *out)
{
	size_t n = strcspn(text, "+/");

	*out = (struct value_rule){.name = name, .op = text[n]};
	snprintf(out->a, sizeof out->a, "%.*s", (int)n, text);
	if (text[n]) {
		const char *b = text + n + 1;
		size_t len = strlen(b);

		snprintf(out->b, sizeof out->b, "%.*s", (int)(len && b[len - 1] == '%' ? len - 1 : len), b);
	}
}

/* What is a part of a whole has a limit, and so has its share. */
static void find_limits(struct series_rule *r)
{
	for (size_t i = 0; i < r->nvalues; i++)
		for (size_t k = 0; r->value[i].op == '/' && k < r->nvalues; k++)
			r->value[k].limited |= k == i || (!r->value[k].op && !strcmp(r->value[k].a, r->value[i].a));
}

static int compile_rule(json_t *o, struct series_rule *out)
{
	json_t *values = json_object_get(o, "values"), *message = json_object_get(o, "message"),
	       *fallback = json_object_get(o, "default"), *v;
	const char *name;

	*out = (struct series_rule){.message = {json_string_value(message), json_string_length(message)},
	                            .json = json_string_value(json_object_get(o, "json")),
	                            .each = json_is_true(json_object_get(o, "each")),
	                            .has_default = fallback,
	                            .fallback = json_number_value(fallback)};
	out->value = calloc(json_object_size(values), sizeof *out->value);
	if (!out->value)
		return -ENOMEM;
	json_object_foreach(values, name, v) compile_value(name, json_string_value(v), &out->value[out->nvalues++]);
	find_limits(out);
	return 0;
}

static int compile(struct series_reader *s)
{
	const json_t *list = s->rules->series;
	int rc = 0;

	s->rule = calloc(json_array_size(list) + 1, sizeof *s->rule);
	if (!s->rule)
		return -ENOMEM;
	for (size_t i = 0; !rc && i < json_array_size(list); i++) {
		rc = compile_rule(json_array_get(list, i), &s->rule[s->nrules++]);
		s->rule[i].first = s->nvalues;
		s->nvalues += s->rule[i].nvalues;
	}
	return rc;
}

static bool names_value(const struct series_rule *r, const char *name)
{
	for (size_t i = 0; i < r->nvalues; i++)
		if (!name || !strcmp(name, r->value[i].name))
			return true;
	return false;
}

/* The next rule for a message behind `after` (NULL: the first): several may be. */
static const struct series_rule *rule_of(const struct series_reader *s, struct slice message,
                                         const struct series_rule *after)
{
	for (const struct series_rule *r = after ? after + 1 : s->rule; r < s->rule + s->nrules; r++)
		if (event_text_is(message, r->message.ptr, r->message.len) && names_value(r, s->name))
			return r;
	return NULL;
}

static bool want(const struct shape *head, void *arg)
{
	return head->message_slot >= 0 || rule_of(arg, head->message, NULL);
}

/* ---- values of a line ---- */

static double field_number(const struct event *e, const char *name)
{
	char buf[64], *end;
	struct slice v;
	double d;

	if (!event_field(e, name, &v) || !v.len || v.len >= sizeof buf)
		return NAN;
	if (jsontext_decimal(v, &d))
		return d;
	memcpy(buf, v.ptr, v.len);
	buf[v.len] = '\0';
	d = strtod(buf, &end);
	return *end ? NAN : d;
}

/* Values often stand side by side in one object. */
static struct json_value member(struct series_reader *s, const char *path)
{
	const char *dot = strrchr(path, '.');
	size_t n = dot ? (size_t)(dot - path) : 0;

	if (!n)
		return jsontext_at(s->json, path);
	if (strncmp(s->parent, path, n) || s->parent[n]) {
		memcpy(s->parent, path, n);
		s->parent[n] = '\0';
		s->parent_value = jsontext_at(s->json, s->parent);
	}
	return s->parent_value.kind == JSON_TEXT_OBJECT ? jsontext_at(s->parent_value.text, dot + 1)
	                                                : (struct json_value){JSON_TEXT_NONE, SLICE_NONE};
}

/* Where the JSON is a list of numbers, "." is each of them. */
static double operand(struct series_reader *s, struct slice object, const char *path)
{
	double d = s->at->json && !strcmp(path, ".") ? jsontext_real((struct json_value){JSON_TEXT_SCALAR, object})
	           : s->at->json && s->at->each      ? jsontext_real(jsontext_at(object, path))
	           : s->at->json                     ? jsontext_real(member(s, path))
	                                             : field_number(s->event, path);

	return isnan(d) && s->at->has_default ? s->at->fallback : d;
}

static double value_in(struct series_reader *s, struct slice object, const struct value_rule *v)
{
	double a = operand(s, object, v->a);

	if (v->op == '+')
		return a + operand(s, object, v->b);
	return v->op == '/' ? a / operand(s, object, v->b) * 100 : a;
}

static double value_of(struct series_reader *s, const struct value_rule *v)
{
	struct json_walk w;
	struct json_value element;
	struct slice key;
	double sum = 0;
	int n = 0;

	if (!s->at->each)
		return value_in(s, s->json, v);
	if (jsontext_enter(&w, s->json))
		return NAN;
	for (; jsontext_next(&w, &key, &element) == 1; n++)
		sum += value_in(s, element.text, v);
	return n ? sum / n : NAN;
}

/* The JSON inside a field, as text with slack behind it. */
static int unpack(struct series_reader *s, const struct event *e)
{
	struct slice v = SLICE_NONE;
	enum slot_kind kind = s->at->json ? event_field(e, s->at->json, &v) : 0;
	size_t need = v.len * 3 + SCAN_SLACK;

	s->json = SLICE("{}");
	s->parent[0] = '\0';
	if (!kind)
		return 0;
	if (array_reserve(s->text, s->text_room, need))
		return -ENOMEM;
	if (kind == SLOT_STRING)
		v.len = json_unescape(v, s->text);
	else
		memcpy(s->text, v.ptr, v.len);
	memset(s->text + v.len, 0, SCAN_SLACK);
	s->json = (struct slice){s->text, v.len};
	return 0;
}

static int next_line(struct series_reader *s)
{
	const struct event *e;
	int rc;

	while ((rc = event_cursor_next(s->cursor, &e)) == 1) {
		s->at = rule_of(s, event_message(e), NULL);
		if (!s->at)
			continue;
		s->event = e;
		s->next = 0;
		s->row.run = e->run;
		s->row.worker = e->worker;
		s->row.time_ns = e->time_ns;
		rc = unpack(s, e);
		if (!rc)
			rc = event_error(e);
		return rc ? rc : 1;
	}
	return rc;
}

/* The next rule for the line at hand: 1, 0 or negative. */
static int next_rule(struct series_reader *s)
{
	int rc;

	s->at = rule_of(s, event_message(s->event), s->at);
	s->next = 0;
	if (!s->at)
		return event_error(s->event);
	rc = unpack(s, s->event);
	return rc ? rc : event_error(s->event) ? event_error(s->event) : 1;
}

static int next_energy(struct series_reader *s)
{
	struct energy_row row;
	int rc = s->energy ? 0 : energy_rows_open(s->store, s->asked_run, &s->energy);

	if (rc)
		return rc;
	do
		rc = energy_rows_next(s->energy, &row);
	while (rc == 1 && s->name && !slice_is(row.name, s->name));
	if (rc == 1) {
		s->row.run = row.run;
		s->row.worker = row.worker;
		s->row.time_ns = row.time_ns;
		s->row.number =
		    -1 - (int64_t)(((uint64_t)row.source << 32 | (uint32_t)row.line) * ENERGY_VALUES + row.number);
		s->row.value = row.value;
		s->row.name = row.name;
		s->row.rule = SERIES_NO_RULE;
		s->row.limited = false;
	}
	return rc;
}

static int next_value(struct series_reader *s)
{
	while (!s->energy) {
		while (s->at && s->next < s->at->nvalues) {
			const struct value_rule *v = &s->at->value[s->next++];

			if (s->name && strcmp(s->name, v->name))
				continue;
			s->row.rule = s->at->first + s->next - 1;
			s->row.number = (int64_t)((uint64_t)s->event->id * s->nvalues + s->row.rule);
			s->row.value = value_of(s, v);
			s->row.limited = v->limited;
			s->row.name = (struct slice){v->name, strlen(v->name)};
			if (event_error(s->event))
				return event_error(s->event);
			if (!isnan(s->row.value))
				return 1;
		}
		int rc = s->at ? next_rule(s) : 0;

		if (!rc)
			rc = next_line(s);

		if (rc < 0)
			return rc;
		if (!rc)
			break;
	}
	return next_energy(s);
}

/* ---- the reader ---- */

void series_reader_close(struct series_reader *s)
{
	if (!s)
		return;
	event_cursor_close(s->cursor);
	energy_rows_close(s->energy);
	for (size_t i = 0; i < s->nrules; i++)
		free(s->rule[i].value);
	free(s->rule);
	rules_free(s->rules);
	free(s->name);
	free(s->text);
	free(s);
}

int series_reader_open(struct store *store, const char *name, int64_t run, struct series_reader **out)
{
	struct series_reader *s = calloc(1, sizeof *s);
	struct event_query q = {.run = run, .want = want, .want_arg = s};
	char *why = NULL;
	int rc = s ? rules_of_database(store_db(store), &s->rules, &why) : -ENOMEM;

	free(why);
	if (!s)
		return rc;
	if (!rc)
		rc = compile(s);
	if (!rc && name) {
		s->name = strdup(name);
		rc = s->name ? 0 : -ENOMEM;
	}
	s->asked_run = run;
	s->store = store;
	if (!rc)
		rc = event_cursor_open(store, &q, &s->cursor);
	if (rc)
		series_reader_close(s);
	else
		*out = s;
	return rc;
}

int series_reader_next(struct series_reader *s, const struct series_row **out)
{
	*out = &s->row;
	return next_value(s);
}

int series_messages(series_message *take, void *arg)
{
	struct rules *r = NULL;
	char *why = NULL;
	int rc = rules_builtin(&r, &why);

	for (size_t i = 0; !rc && i < json_array_size(r->series); i++) {
		const json_t *message = json_object_get(json_array_get(r->series, i), "message");

		rc = take(arg, (struct slice){json_string_value(message), json_string_length(message)});
	}
	rules_free(r);
	free(why);
	return rc;
}
