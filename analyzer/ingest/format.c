/* SPDX-License-Identifier: GPL-3.0-or-later */
/* format.c - formats read from JSON. */
#include "ingest/format.h"
#include "base/array.h"
#include "formats.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const role_keys[ROLES] = {"time", "level", "message", "target", "tid"};

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

int paths_parse(const char *text, struct paths *out)
{
	struct paths p = {0};
	int rc = 0;

	while (*text && !rc) {
		size_t len = strcspn(text, ",");

		rc = len ? paths_add(&p, text, len) : -EINVAL;
		text += len + (text[len] == ',');
	}
	if (rc)
		paths_done(&p);
	else
		*out = p;
	return rc;
}

/* ---- one format ---- */

static void format_done(struct log_format *f)
{
	for (size_t i = 0; i < f->npatterns; i++)
		pattern_done(&f->patterns[i]);
	for (size_t i = 0; i < f->nkeys; i++) {
		free(f->keys[i].path);
		free(f->keys[i].value);
	}
	for (size_t i = 0; i < f->nlevels; i++)
		free(f->levels[i].word);
	for (int i = 0; i < ROLES; i++)
		paths_done(&f->roles[i]);
	paths_done(&f->open);
	free(f->name);
	free(f->title);
	free(f->patterns);
	free(f->keys);
	free(f->rest);
	free(f->partial);
	free(f->partial_is);
	free(f->partial_end);
	free(f->levels);
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
	va_list args;

	if (r->rc)
		return;
	va_start(args, form);
	if (vasprintf(&r->why, form, args) < 0)
		r->why = NULL;
	va_end(args);
	r->rc = -EINVAL;
}

static void no_memory(struct reading *r)
{
	if (!r->rc)
		r->rc = -ENOMEM;
}

static char *text_of(struct reading *r, const char *key, json_t *v)
{
	char *copy;

	if (!json_is_string(v)) {
		wrong(r, "%s: \"%s\" must be a text", r->name, key);
		return NULL;
	}
	copy = strdup(json_string_value(v));
	if (!copy)
		no_memory(r);
	return copy;
}

/* A text or a list of texts. */
static void each_text(struct reading *r, const char *key, json_t *v,
                      void (*take)(struct reading *, void *, const char *), void *arg)
{
	json_t *one;
	size_t i;

	if (json_is_string(v)) {
		take(r, arg, json_string_value(v));
		return;
	}
	if (!json_is_array(v)) {
		wrong(r, "%s: \"%s\" must be a text or a list of texts", r->name, key);
		return;
	}
	json_array_foreach(v, i, one)
	{
		if (json_is_string(one))
			take(r, arg, json_string_value(one));
		else
			wrong(r, "%s: \"%s\" must be a text or a list of texts", r->name, key);
	}
}

static void path_take(struct reading *r, void *arg, const char *text)
{
	if (!*text)
		wrong(r, "%s: a path is empty", r->name);
	else if (paths_add(arg, text, strlen(text)))
		no_memory(r);
}

static void pattern_take(struct reading *r, void *arg, const char *text)
{
	struct log_format *f = arg;
	int rc = array_reserve(f->patterns, f->patterns_room, f->npatterns + 1);

	if (rc) {
		no_memory(r);
		return;
	}
	rc = pattern_parse(text, &f->patterns[f->npatterns]);
	if (rc == -EINVAL)
		wrong(r, "%s: pattern \"%s\": a bracket has no end, or two captures have nothing between them", r->name,
		      text);
	else if (rc)
		no_memory(r);
	else
		f->npatterns++;
}

/* "keys": {"@timestamp": "string", "stream": "=stdout"} */
static void keys_take(struct reading *r, json_t *v)
{
	static const char *const kinds[] = {"string", "number", "object", "array", "*"};
	struct log_format *f = r->f;
	const char *path;
	json_t *one;

	if (!json_is_object(v)) {
		wrong(r, "%s: \"keys\" must be an object of key and type", r->name);
		return;
	}
	f->keys = calloc(json_object_size(v) + 1, sizeof *f->keys);
	if (!f->keys) {
		no_memory(r);
		return;
	}
	json_object_foreach(v, path, one)
	{
		const char *kind = json_is_string(one) ? json_string_value(one) : "";
		struct format_key *k = &f->keys[f->nkeys];

		for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
			if (!strcmp(kind, kinds[i]))
				k->kind = kind[0];
		if (kind[0] == '=')
			k->kind = '=';
		if (!k->kind)
			wrong(r, "%s: \"keys\": the type of \"%s\" must be string, number, object, array, * or =TEXT",
			      r->name, path);
		k->path = strdup(path);
		k->value = k->kind == '=' ? strdup(kind + 1) : NULL;
		if (!k->path || (k->kind == '=' && !k->value))
			no_memory(r);
		f->nkeys++;
	}
}

static void levels_take(struct reading *r, json_t *v)
{
	struct log_format *f = r->f;
	const char *word;
	json_t *one;

	if (!json_is_object(v)) {
		wrong(r, "%s: \"levels\" must be an object of word and level", r->name);
		return;
	}
	f->levels = calloc(json_object_size(v) + 1, sizeof *f->levels);
	if (!f->levels) {
		no_memory(r);
		return;
	}
	json_object_foreach(v, word, one)
	{
		const char *level = json_is_string(one) ? json_string_value(one) : "";
		struct level_word *w = &f->levels[f->nlevels];

		for (enum level l = LEVEL_ERROR; l <= LEVEL_TRACE; l++)
			if (slice_is(level_name(l), level))
				w->level = l;
		if (!w->level)
			wrong(r, "%s: \"levels\": \"%s\" must be ERROR, WARN, INFO, DEBUG or TRACE", r->name, word);
		w->word = strdup(word);
		if (!w->word)
			no_memory(r);
		f->nlevels++;
	}
}

static void unit_take(struct reading *r, json_t *v)
{
	static const char *const units[] = {"by size", "s", "ms", "us", "ns"};
	const char *unit = json_is_string(v) ? json_string_value(v) : "";

	for (int i = 0; i < 5; i++)
		if (!strcmp(unit, units[i])) {
			r->f->unit = (enum time_unit)i;
			return;
		}
	wrong(r, "%s: \"time_unit\" must be s, ms, us, ns or \"by size\"", r->name);
}

static void partial_take(struct reading *r, json_t *v)
{
	json_t *key = json_object_get(v, "key"), *is = json_object_get(v, "is"),
	       *end = json_object_get(v, "without_end");

	if (key && is) {
		r->f->partial = text_of(r, "partial.key", key);
		r->f->partial_is = text_of(r, "partial.is", is);
	} else if (end) {
		r->f->partial_end = text_of(r, "partial.without_end", end);
	} else {
		wrong(r, "%s: \"partial\" needs \"key\" and \"is\", or \"without_end\"", r->name);
	}
}

static void key_take(struct reading *r, const char *key, json_t *v)
{
	struct log_format *f = r->f;

	for (int i = 0; i < ROLES; i++)
		if (!strcmp(key, role_keys[i])) {
			each_text(r, key, v, path_take, &f->roles[i]);
			return;
		}
	if (!strcmp(key, "name"))
		f->name = text_of(r, key, v);
	else if (!strcmp(key, "title"))
		f->title = text_of(r, key, v);
	else if (!strcmp(key, "lines"))
		each_text(r, key, v, pattern_take, f);
	else if (!strcmp(key, "keys"))
		keys_take(r, v);
	else if (!strcmp(key, "open"))
		each_text(r, key, v, path_take, &f->open);
	else if (!strcmp(key, "inside"))
		f->rest = text_of(r, key, v);
	else if (!strcmp(key, "only_records"))
		f->only_records = json_is_true(v);
	else if (!strcmp(key, "partial"))
		partial_take(r, v);
	else if (!strcmp(key, "levels"))
		levels_take(r, v);
	else if (!strcmp(key, "level_numbers"))
		f->scheme = json_is_string(v) && !strcmp(json_string_value(v), "syslog") ? LEVEL_SYSLOG : LEVEL_COMMON;
	else if (!strcmp(key, "time_unit"))
		unit_take(r, v);
	else if (!strcmp(key, "day_first"))
		f->day_first = json_is_true(v);
	else if (!strcmp(key, "samples"))
		f->samples = json_dumps(v, JSON_INDENT(2) | JSON_ENCODE_ANY);
	else if (key[0] != '$')
		wrong(r, "%s: unknown key \"%s\"", r->name, key);
}

static int format_read(const char *name, const char *text, size_t len, struct log_format *f, char **why)
{
	struct reading r = {.f = f, .name = name};
	json_error_t e;
	json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &e), *v;
	const char *key;

	*why = NULL;
	if (!root)
		wrong(&r, "%s:%d: %s", name, e.line, e.text);
	else if (!json_is_object(root))
		wrong(&r, "%s: a format is an object", name);
	json_object_foreach(root, key, v) key_take(&r, key, v);
	json_decref(root);
	if (!r.rc && (!f->name || !*f->name))
		wrong(&r, "%s: \"name\" is missing", name);
	if (!r.rc && !f->npatterns && !f->nkeys && strcmp(f->name, "default"))
		wrong(&r, "%s: neither \"lines\" nor \"keys\": no line would be recognised", name);
	if (!r.rc && !(f->source = strndup(text, len)))
		no_memory(&r);
	*why = r.why;
	return r.rc;
}

/* ---- the set ---- */

const struct log_format *formats_find(const struct format_set *set, const char *name)
{
	for (size_t i = 0; i < set->n; i++)
		if (!strcmp(set->all[i].name, name))
			return &set->all[i];
	return NULL;
}

static void fallback_find(struct format_set *set)
{
	set->fallback = formats_find(set, "default");
}

void formats_done(struct format_set *set)
{
	for (size_t i = 0; i < set->n; i++)
		format_done(&set->all[i]);
	free(set->all);
	*set = (struct format_set){0};
}

int formats_add(struct format_set *set, const char *name, const char *text, size_t len, char **why)
{
	struct log_format f = {0};
	int rc = format_read(name, text, len, &f, why);
	size_t i = 0;

	if (rc) {
		format_done(&f);
		return rc;
	}
	while (i < set->n && strcmp(set->all[i].name, f.name))
		i++;
	if (i < set->n) {
		format_done(&set->all[i]);
		memmove(set->all + i, set->all + i + 1, (set->n - i - 1) * sizeof *set->all);
		set->n--;
	}
	rc = set->n < FORMATS_MAX ? array_reserve(set->all, set->room, set->n + 1) : -E2BIG;
	if (rc) {
		format_done(&f);
		fallback_find(set);
		return rc;
	}
	memmove(set->all + 1, set->all, set->n * sizeof *set->all);
	set->all[0] = f;
	set->n++;
	fallback_find(set);
	return 0;
}

int formats_built_in(struct format_set *set)
{
	char *why = NULL;
	int rc = 0;

	*set = (struct format_set){0};
	for (size_t i = sizeof built_in / sizeof *built_in; i-- && !rc;)
		rc = formats_add(set, built_in[i].name, built_in[i].text, strlen(built_in[i].text), &why);
	free(why);
	if (rc)
		formats_done(set);
	return rc;
}
