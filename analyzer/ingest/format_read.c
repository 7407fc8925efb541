/* SPDX-License-Identifier: GPL-3.0-or-later */
/* format_read.c - one format from JSON.
 *
 * What is taken and what is refused is written down twice, here and in schema/format.schema.json, for editors and other
 * programs; a test changes formats in many ways and holds the two against each other. */
#include "ingest/format.h"
#include "base/array.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- paths ---- */

void paths_done(struct paths *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->all[i]);
	free(p->all);
	*p = (struct paths){0};
}

static int paths_add(struct paths *p, const char *text, size_t len)
{
	if (array_reserve(p->all, p->room, p->n + 1))
		return -ENOMEM;
	p->all[p->n] = strndup(text, len);
	return p->all[p->n] ? (p->n++, 0) : -ENOMEM;
}

/* A path, or where it may be one a template: brackets in pairs, with something in them. */
static bool path_is_good(const char *text, bool template)
{
	for (const char *p = text; *p; p++) {
		size_t len = *p == '{' ? strcspn(p + 1, "{}") : 0;

		if (*p == '}' || (*p == '{' && (!template || !len || p[len + 1] != '}')))
			return false;
		p += len ? len + 1 : 0;
	}
	return *text;
}

int paths_parse(const char *text, struct paths *out)
{
	struct paths p = {0};
	int rc = 0;

	while (*text && !rc) {
		size_t len = strcspn(text, ",");

		rc = len ? paths_add(&p, text, len) : -EINVAL;
		if (!rc && !path_is_good(p.all[p.n - 1], true))
			rc = -EINVAL;
		text += len + (text[len] == ',');
	}
	if (rc)
		paths_done(&p);
	else
		*out = p;
	return rc;
}

/* ---- one format ---- */

static void keys_done(struct format_key *keys, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(keys[i].path);
		free(keys[i].value);
	}
	free(keys);
}

static void levels_done(struct level_map *m)
{
	for (size_t i = 0; i < m->n; i++)
		free(m->all[i].word);
	free(m->all);
}

static void splits_done(struct log_format *f)
{
	for (size_t i = 0; i < f->nsplits; i++) {
		for (size_t k = 0; k < f->splits[i].n; k++)
			pattern_done(&f->splits[i].patterns[k]);
		free(f->splits[i].patterns);
		free(f->splits[i].path);
	}
	free(f->splits);
}

void format_done(struct log_format *f)
{
	for (size_t i = 0; i < f->npatterns; i++)
		pattern_done(&f->patterns[i]);
	keys_done(f->keys, f->nkeys);
	keys_done(f->span_begin, f->nspan_begin);
	keys_done(f->span_end, f->nspan_end);
	keys_done(f->sent, f->nsent);
	keys_done(f->received, f->nreceived);
	levels_done(&f->levels);
	for (size_t i = 0; i < f->nlevel_of; i++) {
		levels_done(&f->level_of[i].map);
		free(f->level_of[i].path);
	}
	free(f->level_of);
	splits_done(f);
	paths_done(&f->files);
	paths_done(&f->columns);
	paths_done(&f->time_formats);
	for (int i = 0; i < ROLES; i++)
		paths_done(&f->roles[i]);
	paths_done(&f->open);
	free(f->name);
	free(f->title);
	free(f->patterns);
	free(f->rest);
	free(f->partial);
	free(f->partial_is);
	free(f->partial_end);
	free(f->samples);
	free(f->source);
	*f = (struct log_format){0};
}

/* What is wrong: the first sentence counts. */
struct reading {
	struct log_format *f;
	const char *name;
	char *why;
	int rc;
};

__attribute__((format(printf, 2, 3))) static void wrong(struct reading *r, const char *form, ...)
{
	char *what = NULL;
	va_list args;

	if (r->rc)
		return;
	va_start(args, form);
	if (vasprintf(&what, form, args) < 0)
		what = NULL;
	va_end(args);
	r->rc = -EINVAL;
	if (!what || asprintf(&r->why, "%s: %s", r->name, what) < 0)
		r->why = NULL;
	free(what);
}

static void no_memory(struct reading *r)
{
	if (!r->rc)
		r->rc = -ENOMEM;
}

static const char *kind_name(const json_t *v)
{
	static const char *const names[] = {"an object", "a list", "a text", "a number",
	                                    "a number",  "true",   "false",  "null"};

	return names[json_typeof(v)];
}

/* A copy; NULL where it is no text, an empty one, or no memory is left. */
static char *text_of(struct reading *r, const char *path, json_t *v)
{
	char *copy = NULL;

	if (!json_is_string(v))
		wrong(r, "%s: must be a text, not %s", path, kind_name(v));
	else if (!*json_string_value(v))
		wrong(r, "%s: is empty", path);
	else if (!(copy = strdup(json_string_value(v))))
		no_memory(r);
	return copy;
}

static bool bool_of(struct reading *r, const char *path, json_t *v)
{
	if (!json_is_boolean(v))
		wrong(r, "%s: must be true or false, not %s", path, kind_name(v));
	return json_is_true(v);
}

/* Which of the words it is; the last has NULL behind it. */
static int word_of(struct reading *r, const char *path, json_t *v, const char *const *words)
{
	const char *word = json_is_string(v) ? json_string_value(v) : "";
	char all[128] = "";

	for (int i = 0; words[i]; i++) {
		size_t at = strlen(all);

		if (!strcmp(word, words[i]))
			return i;
		snprintf(all + at, sizeof all - at, "%s%s", !i ? "" : words[i + 1] ? ", " : " or ", words[i]);
	}
	wrong(r, "%s: must be %s", path, all);
	return 0;
}

/* A text or a list of texts, none of them empty. */
typedef void take_text(struct reading *r, const char *path, const char *text, void *arg);

static void each_text(struct reading *r, const char *key, json_t *v, take_text *take, void *arg)
{
	json_t *one;
	size_t i;

	if (!json_is_string(v) && !json_is_array(v))
		wrong(r, "%s: must be a text or a list of texts, not %s", key, kind_name(v));
	else if (json_is_array(v) && !json_array_size(v))
		wrong(r, "%s: is an empty list", key);
	else if (json_is_string(v) && !*json_string_value(v))
		wrong(r, "%s: is empty", key);
	else if (json_is_string(v))
		take(r, key, json_string_value(v), arg);
	json_array_foreach(v, i, one)
	{
		char path[64];

		snprintf(path, sizeof path, "%s[%zu]", key, i);
		if (!json_is_string(one))
			wrong(r, "%s: must be a text, not %s", path, kind_name(one));
		else if (!*json_string_value(one))
			wrong(r, "%s: is empty", path);
		else
			take(r, path, json_string_value(one), arg);
	}
}

static void plain_take(struct reading *r, const char *path, const char *text, void *arg)
{
	(void)path;
	if (paths_add(arg, text, strlen(text)))
		no_memory(r);
}

static void path_take(struct reading *r, const char *path, const char *text, void *arg)
{
	if (!path_is_good(text, false))
		wrong(r, "%s: \"%s\": a path has no brackets", path, text);
	else
		plain_take(r, path, text, arg);
}

/* Of a role that becomes a part of the reading. */
static void template_take(struct reading *r, const char *path, const char *text, void *arg)
{
	if (!path_is_good(text, true))
		wrong(r, "%s: \"%s\": brackets come in pairs, with a path between them", path, text);
	else
		plain_take(r, path, text, arg);
}

static void time_format_take(struct reading *r, const char *path, const char *text, void *arg)
{
	if (!time_format_known(text))
		wrong(r, "%s: \"%s\": what stands behind %% is none of %s", path, text, TIME_FORMAT_LETTERS);
	else
		plain_take(r, path, text, arg);
}

static void pattern_take(struct reading *r, const char *path, const char *text, struct pattern *to)
{
	int rc = pattern_parse(text, to);

	if (rc == -EINVAL)
		wrong(r, "%s: \"%s\": a capture is none that is known, has no end, or has another one right behind it",
		      path, text);
	else if (rc)
		no_memory(r);
	else if (to->lines > PATTERN_LINES_MAX)
		wrong(r, "%s: a pattern of %u lines; at most %d", path, to->lines, PATTERN_LINES_MAX);
}

static void line_take(struct reading *r, const char *path, const char *text, void *arg)
{
	struct log_format *f = arg;
	struct pattern *to = array_add(f->patterns, f->npatterns, f->patterns_room);

	if (!to) {
		no_memory(r);
		return;
	}
	*to = (struct pattern){0};
	pattern_take(r, path, text, to);
	*(to->lines > 1 ? &f->of_lines : &f->of_line) = true;
}

static void split_take(struct reading *r, const char *path, const char *text, void *arg)
{
	struct field_split *s = arg;
	struct pattern *to = array_add(s->patterns, s->n, s->room);

	if (!to) {
		no_memory(r);
		return;
	}
	*to = (struct pattern){0};
	pattern_take(r, path, text, to);
}

/* The array for an object's members; NULL where it is no object. */
static void *members_of(struct reading *r, const char *key, json_t *v, size_t size)
{
	void *all = NULL;

	if (!json_is_object(v))
		wrong(r, "%s: must be an object, not %s", key, kind_name(v));
	else if (!json_object_size(v))
		wrong(r, "%s: is an empty object", key);
	else if (!(all = calloc(json_object_size(v), size)))
		no_memory(r);
	return all;
}

/* "keys": {"@timestamp": "string", "stream": "=stdout"} */
static void key_take(struct reading *r, struct format_key *k, const char *of, const char *path, json_t *v)
{
	static const char *const kinds[] = {"string", "number", "object", "array", "*"};
	const char *kind = json_is_string(v) ? json_string_value(v) : "";

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (!strcmp(kind, kinds[i]))
			k->kind = kind[0];
	if (kind[0] == '=')
		k->kind = '=';
	if (!*path)
		wrong(r, "%s: a key is empty", of);
	if (!k->kind)
		wrong(r, "%s.%s: must be string, number, object, array, * or =TEXT", of, path);
	k->path = strdup(path);
	k->value = k->kind == '=' ? strdup(kind + 1) : NULL;
	if (!k->path || (k->kind == '=' && !k->value))
		no_memory(r);
}

static void keys_of(struct reading *r, const char *name, json_t *v, struct format_key **keys, size_t *n)
{
	const char *path;
	json_t *one;

	*keys = members_of(r, name, v, sizeof **keys);
	if (!*keys)
		return;
	json_object_foreach(v, path, one) key_take(r, &(*keys)[(*n)++], name, path, one);
}

static void keys_take(struct reading *r, json_t *v)
{
	keys_of(r, "keys", v, &r->f->keys, &r->f->nkeys);
}

static void level_map_take(struct reading *r, const char *name, json_t *v, struct level_map *m)
{
	static const char *const names[] = {"ERROR", "WARN", "INFO", "DEBUG", "TRACE", NULL};
	const char *word;
	json_t *one;

	m->all = members_of(r, name, v, sizeof *m->all);
	if (!m->all)
		return;
	json_object_foreach(v, word, one)
	{
		struct level_word *w = &m->all[m->n++];
		char path[96];

		snprintf(path, sizeof path, "%s.%s", name, word);
		w->level = (enum level)(LEVEL_ERROR + word_of(r, path, one, names));
		w->word = strdup(word);
		if (w->word)
			level_word_read(w);
		else
			no_memory(r);
	}
}

static void levels_take(struct reading *r, json_t *v)
{
	level_map_take(r, "levels", v, &r->f->levels);
}

/* A path as the key of an object. */
static char *key_path(struct reading *r, const char *of, const char *path)
{
	char *copy = strdup(path);

	if (!*path)
		wrong(r, "%s: a key is empty", of);
	else if (!path_is_good(path, false))
		wrong(r, "%s.%s: a path has no brackets", of, path);
	if (!copy)
		no_memory(r);
	return copy;
}

/* {"status": {"500..": "ERROR"}} */
static void level_of_take(struct reading *r, json_t *v)
{
	struct log_format *f = r->f;
	const char *path;
	json_t *one;

	f->level_of = members_of(r, "level_of", v, sizeof *f->level_of);
	if (!f->level_of)
		return;
	json_object_foreach(v, path, one)
	{
		struct field_levels *to = &f->level_of[f->nlevel_of++];
		char name[96];

		snprintf(name, sizeof name, "level_of.%s", path);
		to->path = key_path(r, "level_of", path);
		level_map_take(r, name, one, &to->map);
	}
}

/* {"msg": "{method} {path} {:rest}"} */
static void parts_take(struct reading *r, json_t *v)
{
	struct log_format *f = r->f;
	const char *path;
	json_t *one;

	f->splits = members_of(r, "parts", v, sizeof *f->splits);
	if (!f->splits)
		return;
	json_object_foreach(v, path, one)
	{
		struct field_split *to = &f->splits[f->nsplits++];
		char name[96];

		snprintf(name, sizeof name, "parts.%s", path);
		to->path = key_path(r, "parts", path);
		each_text(r, name, one, split_take, to);
	}
}

static void partial_take(struct reading *r, json_t *v)
{
	struct log_format *f = r->f;
	json_t *key = json_object_get(v, "key"), *is = json_object_get(v, "is"),
	       *end = json_object_get(v, "without_end");

	if (!json_is_object(v))
		wrong(r, "partial: must be an object, not %s", kind_name(v));
	else if (json_object_size(v) != (end ? 1 : 2) || (!end && (!key || !is)))
		wrong(r, "partial: needs \"key\" and \"is\", or \"without_end\", and nothing else");
	if (r->rc)
		return;
	if (end) {
		f->partial_end = text_of(r, "partial.without_end", end);
		return;
	}
	f->partial = text_of(r, "partial.key", key);
	f->partial_is = text_of(r, "partial.is", is);
}

/* Lines, and what they give; tests hold the format to them. */
static void sample_take(struct reading *r, size_t i, json_t *v)
{
	static const char *const keys[] = {"line",  "time",   "level",     "level_text", "message",  "target",
	                                   "tid",   "span",   "parent",    "span_name",  "duration", "span_until",
	                                   "error", "worker", "span_line", "fields",     NULL};
	char path[64];
	const char *key;
	json_t *one;

	snprintf(path, sizeof path, "samples[%zu]", i);
	if (!json_is_object(v))
		wrong(r, "%s: must be an object, not %s", path, kind_name(v));
	else if (!json_object_get(v, "line"))
		wrong(r, "%s: \"line\" is missing", path);
	json_object_foreach(v, key, one)
	{
		bool fields = !strcmp(key, "fields");
		int k = 0;

		while (keys[k] && strcmp(key, keys[k]))
			k++;
		if (!keys[k])
			wrong(r, "%s: unknown key \"%s\"", path, key);
		else if (fields ? !json_is_object(one) : !json_is_string(one))
			wrong(r, "%s.%s: must be %s, not %s", path, key, fields ? "an object" : "a text",
			      kind_name(one));
	}
}

static void samples_take(struct reading *r, json_t *v)
{
	json_t *one;
	size_t i;

	if (!json_is_array(v))
		wrong(r, "samples: must be a list, not %s", kind_name(v));
	json_array_foreach(v, i, one) sample_take(r, i, one);
	if (!r->rc && !(r->f->samples = json_dumps(v, JSON_INDENT(2) | JSON_ENCODE_ANY)))
		no_memory(r);
}

/* ---- a key each ---- */

static void take_name(struct reading *r, json_t *v)
{
	r->f->name = text_of(r, "name", v);
}

static void take_title(struct reading *r, json_t *v)
{
	r->f->title = text_of(r, "title", v);
}

static void take_lines(struct reading *r, json_t *v)
{
	each_text(r, "lines", v, line_take, r->f);
}

static void take_time(struct reading *r, json_t *v)
{
	each_text(r, "time", v, template_take, &r->f->roles[ROLE_TIME]);
}

static void take_level(struct reading *r, json_t *v)
{
	each_text(r, "level", v, template_take, &r->f->roles[ROLE_LEVEL]);
}

static void take_message(struct reading *r, json_t *v)
{
	each_text(r, "message", v, template_take, &r->f->roles[ROLE_MESSAGE]);
}

static void take_target(struct reading *r, json_t *v)
{
	each_text(r, "target", v, template_take, &r->f->roles[ROLE_TARGET]);
}

static void take_tid(struct reading *r, json_t *v)
{
	each_text(r, "tid", v, template_take, &r->f->roles[ROLE_TID]);
}

static void take_span(struct reading *r, json_t *v)
{
	each_text(r, "span", v, path_take, &r->f->roles[ROLE_SPAN]);
}

static void take_parent(struct reading *r, json_t *v)
{
	each_text(r, "parent", v, path_take, &r->f->roles[ROLE_PARENT]);
}

static void take_span_name(struct reading *r, json_t *v)
{
	each_text(r, "span_name", v, path_take, &r->f->roles[ROLE_SPAN_NAME]);
}

static void take_duration(struct reading *r, json_t *v)
{
	each_text(r, "duration", v, path_take, &r->f->roles[ROLE_DURATION]);
}

static void take_span_until(struct reading *r, json_t *v)
{
	each_text(r, "span_until", v, path_take, &r->f->roles[ROLE_SPAN_UNTIL]);
}

static void take_error(struct reading *r, json_t *v)
{
	each_text(r, "error", v, path_take, &r->f->roles[ROLE_ERROR]);
}

static void take_worker(struct reading *r, json_t *v)
{
	each_text(r, "worker", v, path_take, &r->f->roles[ROLE_WORKER]);
}

static void take_span_begin(struct reading *r, json_t *v)
{
	keys_of(r, "span_begin", v, &r->f->span_begin, &r->f->nspan_begin);
}

static void take_span_end(struct reading *r, json_t *v)
{
	keys_of(r, "span_end", v, &r->f->span_end, &r->f->nspan_end);
}

static void take_sent(struct reading *r, json_t *v)
{
	keys_of(r, "sent", v, &r->f->sent, &r->f->nsent);
}

static void take_received(struct reading *r, json_t *v)
{
	keys_of(r, "received", v, &r->f->received, &r->f->nreceived);
}

static void take_pair(struct reading *r, json_t *v)
{
	each_text(r, "pair", v, path_take, &r->f->roles[ROLE_PAIR]);
}

static void take_span_time(struct reading *r, json_t *v)
{
	static const char *const words[] = {"end", "start", NULL};

	r->f->time_is_start = word_of(r, "span_time", v, words);
}

static void no_repair_take(struct reading *r, const char *path, const char *text, void *arg)
{
	if (strchr(text, ',') || !repair_names(text, arg))
		wrong(r, "%s: must be nuls, colours, comma, pieces, bracket, utf8 or all", path);
}

static void take_no_repair(struct reading *r, json_t *v)
{
	each_text(r, "no_repair", v, no_repair_take, &r->f->no_repair);
}

static void take_duration_unit(struct reading *r, json_t *v)
{
	static const char *const units[] = {"s", "ms", "us", "ns", NULL}; /* enum duration_unit */

	r->f->duration_unit = (enum duration_unit)word_of(r, "duration_unit", v, units);
}

static void take_open(struct reading *r, json_t *v)
{
	each_text(r, "open", v, path_take, &r->f->open);
}

static void take_inside(struct reading *r, json_t *v)
{
	r->f->rest = text_of(r, "inside", v);
}

static void take_only_records(struct reading *r, json_t *v)
{
	r->f->only_records = bool_of(r, "only_records", v);
}

static void take_day_first(struct reading *r, json_t *v)
{
	r->f->day_first = bool_of(r, "day_first", v);
}

static void take_time_format(struct reading *r, json_t *v)
{
	each_text(r, "time_format", v, time_format_take, &r->f->time_formats);
}

static void take_time_wins(struct reading *r, json_t *v)
{
	static const char *const words[] = {"inside", "envelope", NULL};

	r->f->time_wins = word_of(r, "time_wins", v, words);
}

static void take_columns(struct reading *r, json_t *v)
{
	each_text(r, "columns", v, plain_take, &r->f->columns);
	for (size_t i = 0; i < r->f->columns.n; i++)
		if (!strchr(r->f->columns.all[i], '?'))
			r->f->columns_least = i + 1;
}

static void take_files(struct reading *r, json_t *v)
{
	each_text(r, "files", v, plain_take, &r->f->files);
}

static void take_level_numbers(struct reading *r, json_t *v)
{
	static const char *const schemes[] = {"common", "syslog", "priority", NULL}; /* enum level_scheme */

	r->f->scheme = (enum level_scheme)word_of(r, "level_numbers", v, schemes);
}

static void take_time_unit(struct reading *r, json_t *v)
{
	static const char *const units[] = {"by size", "s", "ms", "us", "ns", NULL}; /* enum time_unit */

	r->f->unit = (enum time_unit)word_of(r, "time_unit", v, units);
}

static const struct {
	const char *key;
	void (*take)(struct reading *r, json_t *v);
} takers[] = {
    {"name", take_name},
    {"title", take_title},
    {"lines", take_lines},
    {"keys", keys_take},
    {"time", take_time},
    {"level", take_level},
    {"message", take_message},
    {"target", take_target},
    {"tid", take_tid},
    {"open", take_open},
    {"inside", take_inside},
    {"only_records", take_only_records},
    {"partial", partial_take},
    {"levels", levels_take},
    {"level_numbers", take_level_numbers},
    {"time_unit", take_time_unit},
    {"day_first", take_day_first},
    {"samples", samples_take},
    {"span", take_span},
    {"parent", take_parent},
    {"span_name", take_span_name},
    {"duration", take_duration},
    {"span_until", take_span_until},
    {"error", take_error},
    {"worker", take_worker},
    {"span_begin", take_span_begin},
    {"span_end", take_span_end},
    {"span_time", take_span_time},
    {"sent", take_sent},
    {"received", take_received},
    {"pair", take_pair},
    {"duration_unit", take_duration_unit},
    {"no_repair", take_no_repair},
    {"files", take_files},
    {"columns", take_columns},
    {"level_of", level_of_take},
    {"parts", parts_take},
    {"time_format", take_time_format},
    {"time_wins", take_time_wins},
};

static void member_take(struct reading *r, const char *key, json_t *v)
{
	size_t i = 0;

	while (i < sizeof takers / sizeof *takers && strcmp(key, takers[i].key) != 0)
		i++;
	if (i < sizeof takers / sizeof *takers)
		takers[i].take(r, v);
	else if (key[0] != '$') /* "$schema", "$comment": an editor's */
		wrong(r, "unknown key \"%s\"", key);
}

/* Whether whatever is a time begins with a digit, a blank, or the name of a month or day. */
static bool is_dated(const struct log_format *f)
{
	const struct paths *times = &f->time_formats;
	bool dated = true;

	for (size_t i = 0; i < times->n; i++)
		dated = dated && times->all[i][0] == '%' && strchr("YymdebBaAHkIlMSFTR", times->all[i][1]);
	return dated;
}

int format_read(const char *name, const char *text, size_t len, struct log_format *f, char **why)
{
	struct reading r = {.f = f, .name = name};
	struct slice json = slice_behind_mark((struct slice){text, len});
	json_error_t e;
	json_t *root = json_loadb(json.ptr, json.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &e), *v;
	const char *key;

	*why = NULL;
	if (!root) {
		r.rc = json_error_code(&e) == json_error_out_of_memory ? -ENOMEM : -EINVAL;
		if (r.rc == -EINVAL && asprintf(&r.why, "%s:%d: %s", name, e.line, e.text) < 0)
			r.why = NULL;
	} else if (!json_is_object(root)) {
		wrong(&r, "a format is an object, not %s", kind_name(root));
	}
	json_object_foreach(root, key, v) member_take(&r, key, v);
	json_decref(root);
	if (!r.rc && !f->name)
		wrong(&r, "\"name\" is missing");
	if (!r.rc && !f->npatterns && !f->nkeys && !f->files.n && !f->columns.n && strcmp(f->name, "default") != 0)
		wrong(&r, "neither \"lines\" nor \"keys\" nor \"columns\" nor \"files\": no line would be recognised");
	if (!r.rc && !(f->source = strndup(text, len)))
		no_memory(&r);
	f->dated = is_dated(f);
	*why = r.why;
	return r.rc;
}
