/* SPDX-License-Identifier: GPL-3.0-or-later */
/* naming.c - see naming.h
 *
 * Names that programs give to such a field come first, in the order of the list: something rare may explain durations
 * better by chance. Else it is the field that is one and the same in a request, has few values, and explains most. */
#include "infer/naming.h"
#include "base/sql.h"
#include "base/template.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>

static const char *const known[] = {
    "fqdn",    "function",   "function_name", "func",  "func_name", "faas.name", "route",     "endpoint",
    "rpc",     "rpc.method", "http.route",    "path",  "url",       "uri",       "command",   "cmd",
    "job",     "job_type",   "job_name",      "task",  "task_name", "action",    "operation", "op",
    "handler", "procedure",  "topic",         "queue", "verb",      "method",    "kind",      "type"};

#define NKNOWN     (int)(sizeof known / sizeof *known)
#define HAVE_IT    60 /* in 100 requests have the field */
#define FUNCTIONS  6  /* the first of the list name nothing else: so many in 100 will do */
#define TEMPLATES  11 /* the first of the list are, or have, a list somewhere that requests are chosen from */
#define HAVE_THAT  20
#define FEW        2 /* or so many, where nothing else says what they are: a log that was cut off, a client's beside it */
#define FEW_LEAST  10  /* requests */
#define VALUES_MAX 256 /* of a field that goes by another name */
#define EXPLAINS   0.10

bool naming_is_known(struct slice name)
{
	for (int i = 0; i < NKNOWN; i++)
		if (slice_is(name, known[i]))
			return true;
	return false;
}

struct choosing {
	const struct sample *s;
	const struct requests *r;
	unsigned kind;
	uint32_t *value; /* of each transaction, for the name at hand */
	uint32_t n;      /* requests of the kind that ended */
};

/* Its value in each request; false where it is not one and the same, or too few have it. */
static bool fill(const struct choosing *c, uint32_t name, uint32_t percent, struct naming *out)
{
	const struct sample *s = c->s;
	uint32_t has = 0, differ = 0;

	*out = (struct naming){.name = name, .second = SAMPLE_NONE};
	for (uint32_t t = 0; t < s->tids.n; t++) {
		bool same = true;

		c->value[t] = SAMPLE_NONE;
		if (c->r->of[t].kind != (int)c->kind)
			continue;
		for (uint32_t k = s->fields[t]; k < s->fields[t + 1]; k++) {
			const struct sample_field *f = &s->field[s->value[k].field];

			if (f->name != name || s->value[k].value == SAMPLE_NONE)
				continue;
			same = same && (c->value[t] == SAMPLE_NONE || c->value[t] == s->value[k].value);
			c->value[t] = s->value[k].value;
			out->ids |= f->path;
		}
		if (c->r->of[t].end < 0)
			continue;
		has += c->value[t] != SAMPLE_NONE;
		differ += !same;
	}
	out->requests = has;
	return has * 100 >= c->n * percent && differ * 100 <= has;
}

struct group {
	uint32_t value, n;
	double sum;
};

static int compare_values(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* A word with something in it that only counts or tells apart. The ids of paths are out of them already. */
static bool is_id(struct slice value)
{
	char masked[TEMPLATE_ROOM(SAMPLE_VALUE_MAX)];

	if (value.len > SAMPLE_VALUE_MAX || memchr(value.ptr, '/', value.len))
		return false;
	return memmem(masked, template_mask(value.ptr, value.len, masked), TEMPLATE_VALUE, strlen(TEMPLATE_VALUE));
}

/* How many values there are, and how much of the variance of log(duration) lies between them, without what chance
 * alone would explain. 0 or -ENOMEM. */
static int explain(const struct choosing *c, struct naming *o)
{
	const struct sample *s = c->s;
	uint32_t *sorted = calloc((size_t)s->tids.n + 1, sizeof *sorted), n = 0, distinct = 0, all = 0;
	struct group *g;
	double sum = 0, squares = 0, between = 0, rest;

	if (!sorted)
		return -ENOMEM;
	for (uint32_t t = 0; t < s->tids.n; t++)
		if (c->value[t] != SAMPLE_NONE)
			sorted[n++] = c->value[t];
	qsort(sorted, n, sizeof *sorted, compare_values);
	for (uint32_t i = 0; i < n; i++)
		if (!i || sorted[i] != sorted[i - 1])
			sorted[distinct++] = sorted[i];
	o->values = distinct;
	g = calloc((size_t)distinct + 1, sizeof *g);
	for (uint32_t t = 0; g && t < s->tids.n; t++) {
		const struct request *r = &c->r->of[t];
		const uint32_t *at;

		if (c->value[t] == SAMPLE_NONE || r->end < 0)
			continue;
		double y = log((double)(s->line[r->end_line].time_ns - s->line[r->start_line].time_ns) + 1000);

		at = bsearch(&c->value[t], sorted, distinct, sizeof *sorted, compare_values);
		g[at - sorted].n++;
		g[at - sorted].sum += y;
		sum += y;
		squares += y * y;
		all++;
	}
	for (uint32_t i = 0; g && i < distinct; i++) {
		between += g[i].n ? g[i].sum * g[i].sum / g[i].n : 0;
		o->alone += g[i].n == 1;
		o->like_ids += is_id(intern_text(&s->values, sorted[i]));
	}
	rest = all ? squares - sum * sum / all : 0;
	if (rest > 0 && all > distinct)
		o->explains = 1 - (squares - between) / (all - distinct) * (all - 1) / rest;
	free(sorted);
	if (!g)
		return -ENOMEM;
	free(g);
	return 0;
}

/* The messages that have it: those that most requests have first. */
static int fill_places(const struct choosing *c, struct naming *o)
{
	const struct sample *s = c->s;
	uint32_t *has = calloc((size_t)s->nfields + 1, sizeof *has);
	bool *named = calloc((size_t)s->tids.n + 1, sizeof *named);

	while (has && named && o->nplaces < NAMING_PLACES) {
		uint32_t best = 0;

		memset(has, 0, s->nfields * sizeof *has);
		for (uint32_t t = 0; t < s->tids.n; t++)
			for (uint32_t k = s->fields[t]; c->value[t] != SAMPLE_NONE && !named[t] && k < s->fields[t + 1];
			     k++)
				if ((k == s->fields[t] || s->value[k].field != s->value[k - 1].field) &&
				    s->field[s->value[k].field].name == o->name && s->value[k].value != SAMPLE_NONE &&
				    s->key[s->field[s->value[k].field].key].text.len)
					has[s->value[k].field]++;
		for (uint32_t f = 0; f < s->nfields; f++)
			if (has[f] > has[best])
				best = f;
		if (!has[best] || (o->nplaces && has[best] * 200 < o->requests))
			break;
		for (uint32_t t = 0; t < s->tids.n; t++)
			for (uint32_t k = s->fields[t]; k < s->fields[t + 1]; k++)
				named[t] |= s->value[k].field == best;
		o->place_in_span[o->nplaces] = s->field[best].in_span;
		o->key[o->nplaces++] = s->field[best].key;
	}
	free(has);
	free(named);
	return has && named ? 0 : -ENOMEM;
}

/* Beside a path a method, in the same message. */
static void add_method(const struct choosing *c, struct naming *o)
{
	uint32_t method = intern_find(&c->s->names, SLICE("method"));

	if (!o->ids || method == INTERN_NONE || o->nplaces != 1)
		return;
	for (uint32_t f = 0; f < c->s->nfields; f++)
		if (c->s->field[f].name == method && c->s->field[f].key == o->key[0] &&
		    c->s->field[f].in_span == o->place_in_span[0] && !c->s->field[f].many) {
			o->second = o->name;
			o->name = method;
		}
}

/* Few enough values to be worth a row each. */
static bool are_few(const struct naming *o, const struct choosing *c)
{
	return o->values >= 2 && o->values <= VALUES_MAX && (o->values <= 20 || o->values * 4 <= o->requests) &&
	       o->values * 2 <= c->n;
}

/* Of a field with a known name. A service has hundreds of routes, a platform thousands of functions, and the sample, of
 * a few hundred requests, most of them once: their number says nothing. What it must not be is an id: a name that may
 * be that of one thing ("job") is to come again, and not to look like one. */
static bool are_names(const struct naming *o, const struct choosing *c, int known_at)
{
	if (are_few(o, c))
		return true;
	if (o->values < 2 || (known_at >= FUNCTIONS && o->like_ids * 10 > o->values))
		return false;
	return known_at < TEMPLATES || o->alone * 2 <= o->requests;
}

/* The first n of the names that percent in 100 of the requests have, and at least `least` of them. */
static int by_name(struct choosing *c, int n, uint32_t percent, uint32_t least, struct naming *out)
{
	int rc = 0;

	for (int i = 0; i < n && !rc && out->name == SAMPLE_NONE; i++) {
		uint32_t name = intern_find(&c->s->names, (struct slice){known[i], strlen(known[i])});
		struct naming one;

		if (name == INTERN_NONE || !fill(c, name, i < FUNCTIONS ? percent : HAVE_IT, &one) ||
		    one.requests < least)
			continue;
		rc = explain(c, &one);
		if (!rc && are_names(&one, c, i)) {
			*out = one;
			out->known = true;
		}
	}
	return rc;
}

/* Numbers alone measure something (bytes, the length of a queue) or count, and name nothing. */
static bool are_numbers(const struct choosing *c)
{
	for (uint32_t t = 0; t < c->s->tids.n; t++) {
		struct slice v;

		if (c->value[t] == SAMPLE_NONE)
			continue;
		v = intern_text(&c->s->values, c->value[t]);
		for (size_t i = 0; i < v.len; i++)
			if (!strchr("0123456789+-.eE", v.ptr[i]))
				return false;
	}
	return true;
}

static int by_duration(struct choosing *c, struct naming *out)
{
	int rc = 0;

	for (uint32_t name = 0; name < c->s->names.n && !rc; name++) {
		struct naming one;

		if (!fill(c, name, HAVE_IT, &one) || are_numbers(c))
			continue;
		rc = explain(c, &one);
		if (!rc && are_few(&one, c) && one.requests * 100 >= c->n * 90 && one.explains >= EXPLAINS &&
		    (out->name == SAMPLE_NONE || one.explains > out->explains))
			*out = one;
	}
	return rc;
}

int naming_find(struct naming *out, const struct sample *s, const struct requests *r, unsigned kind)
{
	struct choosing c = {s, r, kind, calloc((size_t)s->tids.n + 1, sizeof *c.value),
	                     r->kind[kind].requests - r->kind[kind].unfinished};
	struct naming ignored;
	int rc = c.value ? 0 : -ENOMEM;

	*out = (struct naming){.name = SAMPLE_NONE, .second = SAMPLE_NONE};
	if (!rc)
		rc = by_name(&c, NKNOWN, HAVE_THAT, 0, out);
	if (!rc && out->name == SAMPLE_NONE)
		rc = by_duration(&c, out);
	if (!rc && out->name == SAMPLE_NONE)
		rc = by_name(&c, FUNCTIONS, FEW, FEW_LEAST, out);
	if (!rc && out->name != SAMPLE_NONE) {
		fill(&c, out->name, 0, &ignored);
		rc = fill_places(&c, out);
	}
	if (!rc && out->name != SAMPLE_NONE)
		add_method(&c, out);
	free(c.value);
	return rc;
}
