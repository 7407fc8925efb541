/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rules.c - reads and checks a rules file, and finds the rules for a message.
 *
 * Every word of the file is checked when it is read, so that the model can trust it: a misspelt meaning, argument or
 * key is an error with its line. Whole messages are found by hash; the few prefix rules are tried one by one. */
#include "model/condition.h"
#include "model/rules_read.h"
#include "store/store.h"
#include "base/array.h"
#include "base/intern.h"
#include "base/template.h"
#include "base/text.h"
#include "rules_iluvatar.h"
#include "base/hash.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define RULES_VERSION  1
#define RULES_FILE_MAX (16u << 20)

/* ---- phases ---- */

/* The name of a meaning is a moment, too: that of the lines that have it. */
static int moment_of_meaning(const struct reading *rd, const char *name, unsigned *out)
{
	struct rules *r = rd->r;
	int rc = 0;

	for (unsigned i = 0; i < r->nrules && !rc; i++) {
		struct rule *rule = &r->rule[i];
		const char *means = rule->means ? meaning_info(rule->means)->name : NULL;

		if (!means || strcmp(means, name) || rule->means >= MEANS_FIRST_OF_RUN)
			continue;
		if (rule->moment)
			return reading_refuse(rd, name, "\"%s\" has a moment of its own, \"%s\"", name,
			                      rules_moment(r, rule->moment));
		rc = reading_moment(rd, name, out);
	}
	for (unsigned i = 0; i < r->nrules && !rc && *out; i++)
		if (r->rule[i].means && !strcmp(meaning_info(r->rule[i].means)->name, name))
			r->rule[i].moment = *out;
	return rc;
}

static int read_moment(const struct reading *rd, const json_t *v, const char *phase, unsigned *out)
{
	const char *name = json_string_value(v);
	int rc = 0;

	if (name && !(*out = moment_built_in(name)) && !(*out = moment_find(rd->r, name)))
		rc = moment_of_meaning(rd, name, out);
	if (!rc && !*out)
		rc = reading_refuse(rd, name ? name : phase, "unknown moment \"%s\" in phase \"%s\"", name ? name : "",
		                    phase);
	return rc;
}

static int read_moments(const struct reading *rd, const json_t *list, const char *phase, unsigned *out)
{
	size_t n = json_array_size(list);
	int rc = 0;

	if (!n || n >= PHASE_MOMENTS)
		return reading_refuse(rd, phase, "phase \"%s\" needs one to %d moments in \"from\" and in \"to\"",
		                      phase, PHASE_MOMENTS - 1);
	for (size_t i = 0; i < n && !rc; i++)
		rc = read_moment(rd, json_array_get(list, i), phase, &out[i]);
	return rc;
}

static int read_without(const struct reading *rd, const json_t *list, struct phase_rule *p)
{
	int rc = 0;

	if (!list)
		return 0;
	if (!json_is_array(list))
		return reading_refuse(rd, "without", "\"without\" must be a list of moments");
	p->without = calloc(json_array_size(list) + 1, sizeof *p->without);
	if (!p->without)
		return -ENOMEM;
	for (size_t i = 0; i < json_array_size(list) && !rc; i++)
		rc = read_moment(rd, json_array_get(list, i), p->name, &p->without[p->nwithout++]);
	return rc;
}

static int read_phase(const struct reading *rd, json_t *o, struct phase_rule *p)
{
	static const char *const known[] = {"name", "of", "by", "from", "to", "without", "why", NULL};
	const char *of, *by;
	int rc = reading_keys(rd, o, "a phase", known);

	if (rc || (rc = reading_string(rd, o, "name", &p->name)) || (rc = reading_string(rd, o, "of", &of)) ||
	    (rc = reading_string(rd, o, "by", &by)))
		return rc;
	if (!p->name || !*p->name)
		return reading_refuse(rd, NULL, "a phase without \"name\"");
	if (of && strcmp(of, "attempt"))
		return reading_refuse(rd, of, "phase \"%s\" can be \"of\" an \"attempt\" only", p->name);
	if (by && strcmp(by, "state"))
		return reading_refuse(rd, by, "phase \"%s\" can be \"by\" \"state\" only", p->name);
	p->of_attempt = of;
	p->by_state = by;
	rc = read_moments(rd, json_object_get(o, "from"), p->name, p->from);
	if (!rc)
		rc = read_moments(rd, json_object_get(o, "to"), p->name, p->to);
	return rc ? rc : read_without(rd, json_object_get(o, "without"), p);
}

static int read_phases(const struct reading *rd, json_t *list)
{
	struct rules *r = rd->r;
	int rc = 0;

	if (list && !json_is_array(list))
		return reading_refuse(rd, "phases", "\"phases\" must be a list");
	r->phase = calloc(json_array_size(list) + 1, sizeof *r->phase);
	if (!r->phase)
		return -ENOMEM;
	for (size_t i = 0; !rc && i < json_array_size(list); i++) {
		struct reading of = reading_of(rd, "phases", i);

		rc = read_phase(&of, json_array_get(list, i), &r->phase[r->nphases++]);
	}
	return rc;
}

static int read_series_rule(const struct reading *rd, json_t *o)
{
	static const char *const known[] = {"message", "json", "each", "values", "default", NULL};
	const char *message, *json, *name;
	json_t *values, *v;
	int rc = reading_keys(rd, o, "a series", known);

	if (rc || (rc = reading_string(rd, o, "message", &message)) || (rc = reading_string(rd, o, "json", &json)))
		return rc;
	values = json_object_get(o, "values");
	if (!message || !json_is_object(values) || !json_object_size(values))
		return reading_refuse(rd, message ? message : "series", "a series needs \"message\" and \"values\"");
	v = json_object_get(o, "each");
	if (v && !json_is_boolean(v))
		return reading_refuse(rd, "each", "\"each\" must be true or false");
	json_object_foreach(values, name, v) if (!json_is_string(v) || !json_string_length(v)) return reading_refuse(
	    rd, name, "series \"%s\" must name a field, \"a+b\" or \"a/b%%\"", name);
	v = json_object_get(o, "default");
	return !v || json_is_number(v) ? 0 : reading_refuse(rd, "default", "\"default\" must be a number");
}

static int read_series(const struct reading *rd, json_t *list)
{
	int rc = 0;

	rd->r->series = list;
	if (list && !json_is_array(list))
		return reading_refuse(rd, "series", "\"series\" must be a list");
	for (size_t i = 0; !rc && i < json_array_size(list); i++) {
		struct reading of = reading_of(rd, "series", i);

		rc = read_series_rule(&of, json_array_get(list, i));
	}
	return rc;
}

static int read_words(const struct reading *rd, const json_t *of, const char *key, json_t **out)
{
	json_t *list = json_object_get(of, key);

	*out = list;
	if (list && !json_is_array(list))
		return reading_refuse(rd, key, "\"%s\" must be a list", key);
	for (size_t i = 0; i < json_array_size(list); i++)
		if (!json_is_string(json_array_get(list, i)))
			return reading_refuse(rd, key, "\"%s\" must be a list of strings", key);
	return 0;
}

/* What tells of a queue: the cores it has, in which order items leave it, and who was refused memory. */
static int read_queue(const struct reading *rd, json_t *o)
{
	static const char *const known[] = {"cores", "order", "refused", NULL};
	static const char *const of_cores[] = {"message", "json", "value", NULL};
	static const char *const of_order[] = {"message", "priority", NULL};
	json_t *cores = json_object_get(o, "cores"), *order = json_object_get(o, "order"), *v;
	const char *text;
	int rc = o ? reading_keys(rd, o, "\"queue\"", known) : 0;
	size_t i;

	rd->r->queue = o;
	if (!rc && cores && !(rc = reading_keys(rd, cores, "\"cores\"", of_cores)) &&
	    (!json_is_string(json_object_get(cores, "message")) || !json_is_string(json_object_get(cores, "value"))))
		return reading_refuse(rd, "cores", "\"cores\" needs \"message\" and \"value\"");
	if (!rc && cores)
		rc = reading_string(rd, cores, "json", &text);
	if (!rc && order && !json_is_array(order))
		return reading_refuse(rd, "order", "\"order\" must be a list");
	for (i = 0; !rc && i < json_array_size(order); i++) {
		v = json_array_get(order, i);
		if (!(rc = reading_keys(rd, v, "an order", of_order)) && !json_is_string(json_object_get(v, "message")))
			return reading_refuse(rd, "order", "an order needs a \"message\"");
		if (!rc)
			rc = reading_string(rd, v, "priority", &text);
	}
	return rc ? rc : read_words(rd, o, "refused", &v);
}

/* ---- the whole ---- */

/* The first rule of a message: one of the whole message, else the first of a prefix, or -1. */
static int first_of(const struct rules *r, struct slice message)
{
	struct table_walk w;

	for (uint32_t i = table_first(&w, &r->whole, hash_slice(message, 0)); i != TABLE_NONE; i = table_next(&w))
		if (slice_same(r->rule[i].message, message))
			return (int)i;
	return r->first_prefix;
}

/* Chains the rules of each message, in the order of the file. Those of prefixes are one chain of their own, which comes
 * last. last[] is by first rule: the end of its chain. */
static int index_rules(struct rules *r)
{
	int rc = 0, *last = malloc((r->nrules + 1) * sizeof *last);

	if (!last)
		return -ENOMEM;
	r->first_prefix = -1;
	for (int i = (int)r->nrules - 1; i >= 0; i--)
		if (r->rule[i].prefix) {
			r->rule[i].next = r->first_prefix;
			r->first_prefix = i;
		}
	for (int i = 0; i < (int)r->nrules && !rc; i++) {
		int first = r->rule[i].prefix ? -1 : first_of(r, r->rule[i].message);

		if (r->rule[i].prefix)
			continue;
		r->rule[i].next = r->first_prefix;
		if (first != r->first_prefix) {
			r->rule[last[first]].next = i;
			last[first] = i;
		} else {
			rc = table_add(&r->whole, hash_slice(r->rule[i].message, 0), (uint32_t)i);
			last[i] = i;
		}
	}
	free(last);
	return rc;
}

static int read_root(const struct reading *rd)
{
	static const char *const known[] = {"$schema",  "SPDX-License-Identifier",
	                                    "rules",    "version",
	                                    "messages", "phases",
	                                    "series",   "queue",
	                                    "progress", "background",
	                                    "comment",  "why",
	                                    NULL};
	struct rules *r = rd->r;
	const json_t *version;
	int rc = reading_keys(rd, r->root, "a rules file", known);

	if (rc || (rc = reading_string(rd, r->root, "rules", &r->name)))
		return rc;
	if (!r->name)
		return reading_refuse(rd, NULL, "no \"rules\": the name of these rules");
	version = json_object_get(r->root, "version");
	if (!json_is_integer(version) || json_integer_value(version) != RULES_VERSION)
		return reading_refuse(rd, "version", "\"version\" must be %d", RULES_VERSION);
	r->version = RULES_VERSION;
	if ((rc = reading_messages(rd, json_object_get(r->root, "messages"))) ||
	    (rc = read_phases(rd, json_object_get(r->root, "phases"))) ||
	    (rc = read_series(rd, json_object_get(r->root, "series"))) ||
	    (rc = read_words(rd, r->root, "progress", &r->progress)) ||
	    (rc = read_words(rd, r->root, "background", &r->background)) ||
	    (rc = read_queue(rd, json_object_get(r->root, "queue"))))
		return rc;
	return index_rules(r);
}

static int parse(const char *text, size_t len, const char *where, bool kept, struct rules **out, char **why)
{
	struct rules *r = calloc(1, sizeof *r);
	struct slice json = slice_behind_mark((struct slice){text, len});
	struct reading rd = {.r = r, .text = json.ptr, .len = json.len, .where = where, .why = why, .kept = kept};
	json_error_t e;
	int rc;

	*why = NULL;
	if (!r)
		return -ENOMEM;
	r->where = strdup(where);
	if (!r->where) {
		rules_free(r);
		return -ENOMEM;
	}
	r->root = json_loadb(json.ptr, json.len, JSON_REJECT_DUPLICATES, &e);
	if (r->root) {
		rc = read_root(&rd);
	} else {
		rc = -EINVAL;
		if (asprintf(why, "%s:%d: %s", where, e.line, e.text) < 0)
			*why = NULL;
	}
	if (rc) {
		rules_free(r);
		return rc;
	}
	*out = r;
	return 0;
}

int rules_parse(const char *text, size_t len, const char *where, struct rules **out, char **why)
{
	return parse(text, len, where, false, out, why);
}

int rules_parse_kept(const char *text, size_t len, const char *where, struct rules **out, char **why)
{
	return parse(text, len, where, true, out, why);
}

struct slice rules_builtin_text(void)
{
	return (struct slice){rules_iluvatar, sizeof rules_iluvatar - 1};
}

int rules_builtin(struct rules **out, char **why)
{
	return rules_parse(rules_iluvatar, sizeof rules_iluvatar - 1, "iluvatar.json", out, why);
}

int rules_read_file(const char *path, char **text, size_t *len, char **why)
{
	struct rules *r = NULL;
	struct text read = {0};
	int rc;

	*why = NULL;
	rc = text_add_file(&read, path, RULES_FILE_MAX);
	if (rc && asprintf(why, "%s: %s", path,
	                   rc == -EFBIG   ? "larger than 16 MiB, no rules"
	                   : rc == -EINTR ? "interrupted"
	                                  : strerror(-rc)) < 0)
		*why = NULL;
	if (rc == -EFBIG)
		rc = -EINVAL;
	if (!rc)
		rc = rules_parse(read.ptr, read.len, path, &r, why);
	rules_free(r);
	if (rc)
		text_done(&read);
	else
		*text = read.ptr, *len = read.len;
	return rc;
}

void rules_free(struct rules *r)
{
	if (!r)
		return;
	for (unsigned i = 0; i < r->nrules; i++)
		free(r->rule[i].where);
	for (unsigned i = 0; i < r->nphases; i++)
		free(r->phase[i].without);
	json_decref(r->root);
	free(r->where);
	free(r->moment);
	free(r->rule);
	free(r->phase);
	table_done(&r->whole);
	free(r);
}

/* ---- finding ---- */

static bool fits(const struct rule *rule, struct slice message, struct slice target, struct slice level)
{
	if (rule->prefix ? message.len < rule->message.len ||
	                       (rule->message.len && memcmp(message.ptr, rule->message.ptr, rule->message.len))
	                 : !slice_same(message, rule->message))
		return false;
	return (!rule->target.ptr || slice_same(rule->target, target)) &&
	       (!rule->level.ptr || slice_same(rule->level, level)) &&
	       (!rule->template.ptr || template_fits(rule->template, message));
}

static int find_from(const struct rules *r, int i, struct slice message, struct slice target, struct slice level)
{
	while (i >= 0 && !fits(&r->rule[i], message, target, level))
		i = r->rule[i].next;
	return i;
}

int rules_find(const struct rules *r, struct slice message, struct slice target, struct slice level)
{
	int i = message.ptr ? first_of(r, message) : r->first_prefix;

	i = find_from(r, i, message, target, level);
	/* a line without a message: rules of any message alone speak of it */
	while (i >= 0 && !message.ptr && !r->rule[i].any)
		i = find_from(r, r->rule[i].next, message, target, level);
	return i;
}

int rules_find_next(const struct rules *r, int i, struct slice message, struct slice target, struct slice level)
{
	return find_from(r, r->rule[i].next, message, target, level);
}

bool rules_may_match(const struct rules *r, struct slice target, struct slice level)
{
	for (unsigned i = 0; i < r->nrules; i++)
		if ((!r->rule[i].target.ptr || slice_same(r->rule[i].target, target)) &&
		    (!r->rule[i].level.ptr || slice_same(r->rule[i].level, level)))
			return true;
	return false;
}

bool rule_holds(const struct rule *rule, const struct event *e)
{
	struct slice v;
	enum slot_kind kind;

	if (rule->span.ptr && !(event_span_field(e, "name", &v) && slice_same(v, rule->span)))
		return false;
	for (unsigned i = 0; i < rule->nwhere; i++) {
		const struct rule_field *f = &rule->where[i].field;

		kind = f->in_span ? event_span_field(e, f->name, &v) : event_field(e, f->name, &v);
		if (!condition_holds(&rule->where[i], kind, v))
			return false;
	}
	return true;
}

/* What gives the moments that have a name of their own. */
static bool gives(const struct rule *rule, unsigned moment)
{
	enum meaning m = rule->means;

	switch (moment) {
	case MOMENT_SENT:
	case MOMENT_RETURNED:
		return true; /* a result file may */
	case MOMENT_CONTROLLER:
		return m == MEANS_CONTROLLER;
	case MOMENT_DISPATCHED:
		return m == MEANS_DISPATCHED;
	case MOMENT_ARRIVED:
		return m == MEANS_ARRIVED;
	case MOMENT_INSERT:
		return m == MEANS_QUEUED || (m == MEANS_STARTED && rule->arg[0].name);
	case MOMENT_REMOVE:
		return m == MEANS_DEQUEUED || (m == MEANS_STARTED && rule->arg[1].name);
	case MOMENT_START:
		return m == MEANS_STARTED || rule->begins_attempt;
	case MOMENT_END:
	case MOMENT_LAST_END:
		return m == MEANS_RETURNING || m == MEANS_ERROR;
	case MOMENT_COMPLETED:
		return m == MEANS_COMPLETED;
	default:
		break;
	}
	for (int i = 0; i < RULE_TIMES; i++)
		if (rule->time[i].moment == moment)
			return true;
	return rule->moment == moment;
}

const struct rule *rules_of_lines(const struct rules *r, enum meaning means, unsigned *i)
{
	while (*i < r->nrules) {
		const struct rule *of = &r->rule[(*i)++];

		if (of->means == means && of->message.ptr && !of->prefix && !of->any && of->arg[0].name &&
		    !of->arg[0].in_span)
			return of;
	}
	return NULL;
}

bool rules_gives(const struct rules *r, unsigned moment)
{
	bool end = moment == MOMENT_END || moment == MOMENT_LAST_END;

	for (unsigned i = 0; i < r->nrules; i++)
		if (gives(&r->rule[i], moment))
			return true;
	/* an attempt that has started ends with the request */
	return end && rules_gives(r, MOMENT_START) && rules_gives(r, MOMENT_COMPLETED);
}

bool rules_name_parents(const struct rules *r)
{
	for (unsigned i = 0; i < r->nrules; i++)
		if (r->rule[i].parent.name)
			return true;
	return false;
}

static bool listed(const json_t *list, struct slice word)
{
	for (size_t i = 0; word.ptr && i < json_array_size(list); i++) {
		const json_t *v = json_array_get(list, i);

		if (json_string_length(v) == word.len && !memcmp(json_string_value(v), word.ptr, word.len))
			return true;
	}
	return false;
}

bool rules_is_progress(const struct rules *r, struct slice message)
{
	return listed(r->progress, message);
}

bool rules_is_background(const struct rules *r, struct slice tid)
{
	return listed(r->background, tid);
}
