/* SPDX-License-Identifier: Apache-2.0 */
/* directive.c - a parsed filter, and the questions a call-site pass and a new span ask it.
 *
 * Two tables, as in EnvFilter. `statics` is sorted most specific first: longer target, then more field names, then
 * reverse lexicographic order; the first that cares about a site decides alone, so that "info,worker=off" silences the
 * worker. `dynamics` is unsorted: of those that match a span the greatest level counts. A directive with field names
 * but no values and no span name stands in both.
 *
 * The oddities are EnvFilter's, kept because people know them: for a span the static table does not look at field
 * names; a span that a dynamic directive watches is on whatever its level, as long as the filter can enable that level
 * at all. */
#include "config/directive_set.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const level_names[] = {"off", "error", "warn", "info", "debug", "trace"};

int directive_level_parse(const char *text, size_t len)
{
	if (len == 1 && *text >= '0' && *text <= '5')
		return *text - '0';
	for (int i = 0; i < 6; i++)
		if (strlen(level_names[i]) == len && !strncasecmp(level_names[i], text, len))
			return i;
	return -EINVAL;
}

/* ---- order and equality ---- */

static int compare_optional(const char *a, const char *b)
{
	if (!a || !b)
		return (a != NULL) - (b != NULL);
	return strcmp(a, b);
}

static int compare_size(size_t a, size_t b)
{
	return (a > b) - (a < b);
}

static int compare_names(const struct directive *a, const struct directive *b)
{
	for (size_t i = 0; i < a->field_count; i++) {
		int c = strcmp(a->fields[i].name, b->fields[i].name);

		if (c)
			return c;
	}
	return 0;
}

/* Greater = more specific. */
static int compare_static(const struct directive *a, const struct directive *b)
{
	int c = (a->target != NULL) - (b->target != NULL);

	if (!c)
		c = compare_size(a->target_len, b->target_len);
	if (!c)
		c = compare_size(a->field_count, b->field_count);
	if (!c)
		c = compare_optional(a->target, b->target);
	return c ? c : compare_names(a, b);
}

static bool same_dynamic(const struct directive *a, const struct directive *b)
{
	if (a->field_count != b->field_count || compare_static(a, b) || compare_optional(a->span, b->span))
		return false;
	for (size_t i = 0; i < a->field_count; i++)
		if (compare_optional(a->fields[i].text, b->fields[i].text))
			return false;
	return true;
}

/* ---- building ---- */

static bool has_values(const struct directive *d)
{
	for (size_t i = 0; i < d->field_count; i++)
		if (d->fields[i].kind != MATCH_ANY)
			return true;
	return false;
}

static int insert(struct directive ***table, size_t *count, size_t at, struct directive *d)
{
	struct directive **grown = realloc(*table, (*count + 1) * sizeof *grown);

	if (!grown)
		return -ENOMEM;
	memmove(grown + at + 1, grown + at, (*count - at) * sizeof *grown);
	grown[at] = d;
	*table = grown;
	(*count)++;
	return 0;
}

static int add_static(struct directive_set *set, struct directive *d)
{
	size_t at = 0;

	if (d->level > set->static_max)
		set->static_max = d->level;
	while (at < set->static_count && compare_static(set->statics[at], d) > 0)
		at++;
	if (at < set->static_count && !compare_static(set->statics[at], d)) {
		set->statics[at] = d;
		return 0;
	}
	return insert(&set->statics, &set->static_count, at, d);
}

static int add_dynamic(struct directive_set *set, struct directive *d)
{
	if (d->level > set->dynamic_max)
		set->dynamic_max = d->level;
	set->has_values |= has_values(d);
	for (size_t i = 0; i < set->dynamic_count; i++) {
		if (same_dynamic(set->dynamics[i], d)) {
			set->dynamics[i] = d;
			return 0;
		}
	}
	return insert(&set->dynamics, &set->dynamic_count, set->dynamic_count, d);
}

int directive_set_add(struct directive_set *set, struct directive *d)
{
	int rc = 0;

	d->next = set->all;
	set->all = d;
	if (d->span || d->field_count)
		rc = add_dynamic(set, d);
	if (!rc && !d->span && !has_values(d))
		rc = add_static(set, d);
	return rc;
}

void directive_one_free(struct directive *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < d->field_count; i++)
		directive_field_done(&d->fields[i]);
	free(d->fields);
	free(d->target);
	free(d->span);
	free(d);
}

void directive_free(struct directive_set *set)
{
	if (!set)
		return;
	while (set->all) {
		struct directive *d = set->all;

		set->all = d->next;
		directive_one_free(d);
	}
	free(set->statics);
	free(set->dynamics);
	free(set);
}

/* ---- asking ---- */

static bool target_matches(const struct directive *d, const char *target, size_t len)
{
	return !d->target || (d->target_len <= len && !memcmp(d->target, target, d->target_len));
}

static bool site_has_fields(const struct directive *d, const struct directive_site *site)
{
	for (size_t i = 0; i < d->field_count; i++) {
		size_t k = 0;

		while (k < site->key_count && strcmp(site->keys[k], d->fields[i].name))
			k++;
		if (k == site->key_count)
			return false;
	}
	return true;
}

static bool static_enables(const struct directive_set *set, const struct directive_site *site)
{
	for (size_t i = 0; i < set->static_count; i++) {
		const struct directive *d = set->statics[i];

		if (target_matches(d, site->target, site->target_len) && (site->is_span || site_has_fields(d, site)))
			return site->level <= d->level;
	}
	return false;
}

static bool watches(const struct directive *d, const struct directive_site *site)
{
	if (!site->is_span || !target_matches(d, site->target, site->target_len))
		return false;
	if (d->span && (strlen(d->span) != site->name_len || memcmp(d->span, site->name, site->name_len)))
		return false;
	return site_has_fields(d, site);
}

bool directive_watches(const struct directive_set *set, const struct directive_site *site)
{
	for (size_t i = 0; i < set->dynamic_count; i++)
		if (watches(set->dynamics[i], site))
			return true;
	return false;
}

/* The greatest level that can be on anywhere. With values in the filter that is every level, for a watched span has to
 * exist before its values are known. */
static unsigned level_hint(const struct directive_set *set)
{
	return set->has_values ? 5 : directive_max_level(set);
}

enum directive_verdict directive_site(const struct directive_set *set, const struct directive_site *site)
{
	if (site->is_span && site->level <= level_hint(set) && directive_watches(set, site))
		return DIRECTIVE_ON;
	if (static_enables(set, site))
		return DIRECTIVE_ON;
	return site->level <= set->dynamic_max ? DIRECTIVE_MAYBE : DIRECTIVE_OFF;
}

static bool value_matches(const struct directive_field *field, const struct directive_value *values, size_t count)
{
	size_t len = strlen(field->name);

	for (size_t i = 0; i < count; i++)
		if (values[i].key_len == len && !memcmp(values[i].key, field->name, len) &&
		    directive_field_matches(field, &values[i]))
			return true;
	return false;
}

static bool values_match(const struct directive *d, const struct directive_value *values, size_t count)
{
	for (size_t i = 0; i < d->field_count; i++)
		if (d->fields[i].kind != MATCH_ANY && !value_matches(&d->fields[i], values, count))
			return false;
	return true;
}

unsigned directive_span_level(const struct directive_set *set, const struct directive_site *site,
                              const struct directive_value *values, size_t count)
{
	unsigned level = 0;

	for (size_t i = 0; i < set->dynamic_count; i++) {
		const struct directive *d = set->dynamics[i];

		if (d->level > level && watches(d, site) && values_match(d, values, count))
			level = d->level;
	}
	return level;
}

unsigned directive_static_level(const struct directive_set *set, const char *target, size_t len)
{
	for (size_t i = 0; i < set->static_count; i++)
		if (!set->statics[i]->field_count && target_matches(set->statics[i], target, len))
			return set->statics[i]->level;
	return 0;
}

bool directive_has_dynamic(const struct directive_set *set)
{
	return set->dynamic_count > 0;
}

unsigned directive_max_level(const struct directive_set *set)
{
	return set->static_max > set->dynamic_max ? set->static_max : set->dynamic_max;
}

/* ---- one by one ---- */

const struct directive *directive_next(const struct directive_set *set, const struct directive *after)
{
	return after ? after->next : set->all;
}

bool directive_fits(const struct directive *d, const struct directive_site *site)
{
	bool watching = d->span || has_values(d);

	return watches(d, site) ||
	       (!watching && target_matches(d, site->target, site->target_len) && site_has_fields(d, site));
}

const char *directive_names(const struct directive *d, const char **span)
{
	*span = d->span;
	return d->target;
}

const char *directive_key(const struct directive *d, size_t i)
{
	return i < d->field_count ? d->fields[i].name : NULL;
}

/* ---- printing ---- */

struct text {
	char *out;
	size_t cap, len;
};

static void put(struct text *t, const char *s)
{
	for (; *s; s++, t->len++)
		if (t->len + 1 < t->cap)
			t->out[t->len] = *s;
}

static void put_fields(struct text *t, const struct directive *d)
{
	for (size_t i = 0; i < d->field_count; i++) {
		put(t, i ? "," : "{");
		put(t, d->fields[i].name);
		if (d->fields[i].text) {
			put(t, "=");
			put(t, d->fields[i].text);
		}
	}
	put(t, d->field_count ? "}" : "");
}

static void put_directive(struct text *t, const struct directive *d)
{
	put(t, t->len ? "," : "");
	put(t, d->target ? d->target : "");
	if (d->span || d->field_count) {
		put(t, "[");
		put(t, d->span ? d->span : "");
		put_fields(t, d);
		put(t, "]");
	}
	if (d->target || d->span || d->field_count)
		put(t, "=");
	put(t, level_names[d->level]);
}

size_t directive_show(const struct directive *d, char *out, size_t cap)
{
	struct text t = {out, cap, 0};

	put_directive(&t, d);
	if (cap)
		out[t.len < cap ? t.len : cap - 1] = '\0';
	return t.len;
}

size_t directive_print(const struct directive_set *set, char *out, size_t cap)
{
	struct text t = {out, cap, 0};

	for (size_t i = 0; i < set->dynamic_count; i++)
		put_directive(&t, set->dynamics[i]);
	for (size_t i = 0; i < set->static_count; i++)
		if (!set->statics[i]->field_count)
			put_directive(&t, set->statics[i]);
	if (cap)
		out[t.len < cap ? t.len : cap - 1] = '\0';
	return t.len;
}
