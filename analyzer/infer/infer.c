/* SPDX-License-Identifier: GPL-3.0-or-later */
/* infer.c - writes what was found as a rules file. */
#include "infer/infer.h"
#include "infer/answers.h"
#include "infer/naming.h"
#include "infer/outcomes.h"
#include "infer/parents.h"
#include "infer/steps.h"
#include "infer/tidfield.h"
#include "base/scan.h"
#include "model/rules.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { NAME_ROOM = 160, BACKGROUND_MAX = 40, BACKGROUND_LINES = 50 };

struct writing {
	struct store *store;
	int64_t run;
	const struct sample *s;
	const struct requests *r;
	json_t *messages, *phases, *progress, *background;
	json_t **rule; /* by key; borrowed from messages */
	json_t *names; /* of moments, by key or field */
	json_t *taken; /* names of moments that are taken */
	bool failed;
	bool unsaid; /* a text can't stand in a rules file: it has bytes that are no UTF-8 */
};

/* NULL: no memory, or no text for JSON; remembered. */
static json_t *text_of(struct writing *w, struct slice v)
{
	json_t *t = json_stringn(v.ptr, v.len);

	if (!t && scan_utf8(v.ptr, v.len))
		w->failed = true;
	else if (!t)
		w->unsaid = true;
	return t;
}

static void set(struct writing *w, json_t *o, const char *key, json_t *v)
{
	if (json_object_set_new(o, key, v) && !w->unsaid)
		w->failed = true;
}

static void put(struct writing *w, json_t *list, json_t *v)
{
	if (json_array_append_new(list, v) && !w->unsaid)
		w->failed = true;
}

static void set_text(struct writing *w, json_t *o, const char *key, struct slice v)
{
	set(w, o, key, text_of(w, v));
}

static json_t *word_of(struct writing *w, const char *v)
{
	return text_of(w, (struct slice){v, strlen(v)});
}

static json_t *list_of(struct writing *w, const char *v)
{
	json_t *list = json_array();

	put(w, list, word_of(w, v));
	return list;
}

static void set_word(struct writing *w, json_t *o, const char *key, const char *v)
{
	set(w, o, key, word_of(w, v));
}

__attribute__((format(printf, 3, 4))) static void why(struct writing *w, json_t *o, const char *format, ...)
{
	const char *before = json_string_value(json_object_get(o, "why"));
	char *text = NULL, *both = NULL;
	va_list ap;

	va_start(ap, format);
	if (vasprintf(&text, format, ap) < 0)
		text = NULL;
	va_end(ap);
	if (before && text && asprintf(&both, "%s; %s", before, text) < 0)
		both = NULL;
	w->failed |= !text || (before && !both);
	set_word(w, o, "why", both ? both : text ? text : "");
	free(both);
	free(text);
}

/* ---- rules ---- */

static json_t *rule_new(struct writing *w, uint32_t key)
{
	static const char *const match[] = {
	    [KEY_WHOLE] = "message", [KEY_TEMPLATE] = "template", [KEY_PREFIX] = "prefix"};
	const struct sample_key *k = &w->s->key[key];
	json_t *o = json_object();

	set_text(w, o, match[k->match], k->text);
	if (k->target.ptr)
		set_text(w, o, "target", k->target);
	if (k->level.ptr)
		set_text(w, o, "level", k->level);
	if (k->span.ptr)
		set_text(w, o, "span", k->span);
	put(w, w->messages, o);
	return o;
}

/* The one rule of a message without conditions. */
static json_t *rule_of(struct writing *w, uint32_t key)
{
	if (!w->rule[key])
		w->rule[key] = rule_new(w, key);
	return w->rule[key];
}

/* ---- moments ---- */

/* A text without its escapes, and of a long one its beginning, whole characters; for free(). NULL: no memory. */
static char *name_of(struct slice text, size_t most)
{
	char *name = malloc(3 * text.len + 1);
	size_t n = name ? json_unescape(text, name) : 0;

	if (n > most)
		for (n = most; n && ((unsigned char)name[n] & 0xc0) == 0x80;)
			n--;
	if (name)
		name[n] = '\0';
	return name;
}

static void name_key(struct writing *w, const struct sample_key *k, char out[NAME_ROOM])
{
	char *name = name_of(k->span.ptr ? k->span : k->text, 100);

	w->failed |= !name;
	snprintf(out, NAME_ROOM, "%s%s", name ? name : "",
	         !k->span.ptr               ? ""
	         : slice_is(k->text, "new") ? " begins"
	                                    : " ends");
	free(name);
}

/* A name of its own for a step; the same each time it is asked for. */
static const char *moment_of(struct writing *w, uint32_t key, uint32_t field)
{
	static const char *const built_in[] = {"sent",  "controller", "dispatched", "arrived",   "insert",  "remove",
	                                       "start", "end",        "last end",   "completed", "returned"};
	char id[32], name[NAME_ROOM], other[NAME_ROOM + 16];
	const char *known;
	bool clash = false;

	snprintf(id, sizeof id, "%u %u", key, field);
	if ((known = json_string_value(json_object_get(w->names, id))))
		return known;
	if (field == SAMPLE_NONE)
		name_key(w, &w->s->key[key], name);
	else
		snprintf(name, sizeof name, "%.100s", w->s->names.text[w->s->field[field].name].ptr);
	for (size_t i = 0; i < sizeof built_in / sizeof *built_in; i++)
		clash |= !strcmp(name, built_in[i]);
	snprintf(other, sizeof other, "%s%s", name, clash ? " (line)" : "");
	for (int n = 2; json_object_get(w->taken, other); n++)
		snprintf(other, sizeof other, "%s (%d)", name, n);
	set(w, w->taken, other, json_true());
	set_word(w, w->names, id, other);
	known = json_string_value(json_object_get(w->names, id));
	return known ? known : "";
}

/* ---- one kind ---- */

static void write_ends(struct writing *w, unsigned kind)
{
	const struct request_kind *k = &w->r->kind[kind];
	json_t *o = rule_of(w, k->start);

	set_word(w, o, "means", "arrived");
	if (w->r->nkinds > 1) /* the phases of each kind begin with a moment of its own */
		set_word(w, o, "moment", moment_of(w, k->start, SAMPLE_NONE));
	why(w, o, "%u requests of the sample begin with it, once each, and nothing else does", k->requests);
	for (unsigned i = 0; i < k->nends; i++) {
		o = rule_of(w, k->end[i].key);
		set_word(w, o, "means", "completed");
		why(w, o, "%u of %u requests end with it", k->end[i].requests, k->requests);
	}
	if (k->answered != SAMPLE_NONE) {
		o = rule_of(w, k->answered);
		set_word(w, o, "means", "answered");
		if (k->broken)
			why(w, o, "%u requests closed at once when the log ended, without an answer as others have it",
			    k->broken);
		else
			why(w, o, "nearly all that close have ended before; those that have not have failed");
	}
}

static void write_steps(struct writing *w, unsigned kind, const struct steps *st)
{
	uint32_t n = w->r->kind[kind].requests;
	json_t *o, *times;

	for (int i = 0; i < st->n; i++) {
		const struct step *x = &st->step[i];
		const char *name = moment_of(w, x->key, x->field);

		o = rule_of(w, x->key);
		if (x->field == SAMPLE_NONE) {
			set_word(w, o, "moment", name);
			why(w, o, "%u of %u requests have it once", x->requests, n);
		} else {
			times = json_object_get(o, "times");
			if (!times) {
				times = json_object();
				set(w, o, "times", times);
			}
			if (json_object_size(times) < RULE_TIMES)
				set_text(w, times, name, w->s->names.text[w->s->field[x->field].name]);
		}
	}
	if (st->retry.key != SAMPLE_NONE) {
		o = rule_of(w, st->retry.key);
		set_word(w, o, "moment", moment_of(w, st->retry.key, SAMPLE_NONE));
		set_word(w, o, "begins", "attempt");
		why(w, o, "after an error line it comes again in %u requests", st->retry.requests);
	}
}

static void write_phase(struct writing *w, unsigned kind, const struct steps *st, const struct step_phase *p,
                        const char *begin, const char *end)
{
	bool of_attempt = p->from >= 0 && st->step[p->from].tried;
	const char *from = p->from >= 0       ? moment_of(w, st->step[p->from].key, st->step[p->from].field)
	                   : w->r->nkinds > 1 ? moment_of(w, w->r->kind[kind].start, SAMPLE_NONE)
	                                      : "arrived";
	const char *to = p->to == st->n ? of_attempt ? "end" : "completed"
	                                : moment_of(w, st->step[p->to].key, st->step[p->to].field);
	char name[2 * NAME_ROOM + 64];
	json_t *o = json_object(), *without = json_array();

	snprintf(name, sizeof name, "%s \u2192 %s", p->from < 0 ? begin : from, p->to == st->n ? end : to);
	set_word(w, o, "name", name);
	if (of_attempt)
		set_word(w, o, "of", "attempt");
	set(w, o, "from", list_of(w, from));
	set(w, o, "to", list_of(w, to));
	for (int i = p->from + 1; i < p->to; i++)
		put(w, without, word_of(w, moment_of(w, st->step[i].key, st->step[i].field)));
	if (json_array_size(without))
		set(w, o, "without", json_incref(without));
	json_decref(without);
	why(w, o, "%u requests of the sample", p->requests);
	put(w, w->phases, o);
}

static void write_phases(struct writing *w, unsigned kind, const struct steps *st)
{
	const struct request_kind *k = &w->r->kind[kind];
	char begin[NAME_ROOM], end[NAME_ROOM];

	name_key(w, &w->s->key[k->start], begin);
	if (k->nends == 1)
		name_key(w, &w->s->key[k->end[0].key], end);
	else
		snprintf(end, sizeof end, "the end");
	for (int i = 0; i < st->nphases; i++)
		write_phase(w, kind, st, &st->phase[i], begin, end);
}

static void write_function(struct writing *w, unsigned kind, const struct naming *f)
{
	char text[2 * SAMPLE_VALUE_MAX + 64];
	const struct sample *s = w->s;

	if (f->name == SAMPLE_NONE)
		return;
	for (int i = 0; i < f->nplaces; i++) {
		json_t *o = rule_of(w, f->key[i]);
		const char *name = s->names.text[f->name].ptr, *span = f->place_in_span[i] ? "span." : "";

		if (json_object_get(o, "function"))
			continue;
		if (f->second != SAMPLE_NONE)
			snprintf(text, sizeof text, "{%s%.99s} {%s%.99s|ids}", span, name, span,
			         s->names.text[f->second].ptr);
		else
			snprintf(text, sizeof text, f->ids ? "{%s%.99s|ids}" : "%s%.99s", span, name);
		set_word(w, o, "function", text);
		why(w, o, "%s: %u values in %u of %u requests that ended, which explain %.0f %% of how long they take",
		    f->known ? "a name that functions have" : "the field that explains most", f->values, f->requests,
		    w->r->kind[kind].requests - w->r->kind[kind].unfinished, f->explains > 0 ? f->explains * 100 : 0);
	}
}

static void write_parents(struct writing *w, const struct parents *p)
{
	const struct sample_field *f;
	char name[2 * SAMPLE_VALUE_MAX];
	json_t *o;

	if (p->field == SAMPLE_NONE)
		return;
	f = &w->s->field[p->field];
	o = rule_of(w, f->key);
	snprintf(name, sizeof name, "%s%.200s", f->in_span ? "span." : "", w->s->names.text[f->name].ptr);
	set_word(w, o, "parent", name);
	why(w, o, "%s is the id of a transaction that has begun and is not over, in %u of %u that were looked at", name,
	    p->around, p->looked);
}

static json_t *condition_of(struct writing *w, const char *value)
{
	if (!strcmp(value, "true") || !strcmp(value, "false"))
		return json_boolean(!strcmp(value, "true"));
	return word_of(w, value);
}

static void write_failures(struct writing *w, const struct failures *f)
{
	for (int i = 0; i < f->n; i++) {
		const struct failure *x = &f->v[i];
		json_t *o = rule_new(w, x->key), *where = json_object();

		if (x->name != SAMPLE_NONE) {
			set(w, where, w->s->names.text[x->name].ptr, condition_of(w, x->value));
			set(w, o, "where", json_incref(where));
		}
		json_decref(where);
		set_word(w, o, "outcome", "failed");
		why(w, o, "%u requests of the sample: %s", x->requests, x->why);
	}
}

static int write_kind(struct writing *w, unsigned kind)
{
	struct failures failures;
	struct naming naming;
	struct parents parents;
	struct steps *st = calloc(1, sizeof *st);
	int rc = st ? steps_find(st, w->s, w->r, kind) : -ENOMEM;

	if (!rc && !(rc = naming_find(&naming, w->s, w->r, kind)) &&
	    !(rc = failures_find(&failures, w->s, w->r, kind, st, naming.name)) &&
	    !(rc = parents_find(&parents, w->store, w->run, w->s, w->r, kind))) {
		write_ends(w, kind);
		write_parents(w, &parents);
		write_function(w, kind, &naming);
		write_steps(w, kind, st);
		write_phases(w, kind, st);
		write_failures(w, &failures);
	}
	free(st);
	return rc ? rc : w->failed ? -ENOMEM : 0;
}

/* ---- the whole ---- */

static void write_words(struct writing *w)
{
	const struct sample *s = w->s;

	for (uint32_t k = 0; k < s->nkeys; k++)
		if (w->rule[k] && s->key[k].match == KEY_WHOLE && !s->key[k].span_line &&
		    (json_object_get(w->rule[k], "means") || json_object_get(w->rule[k], "moment")))
			put(w, w->progress, text_of(w, s->key[k].text));
	for (uint32_t t = 0; t < s->tids.n && json_array_size(w->background) < BACKGROUND_MAX; t++) {
		uint32_t from = s->first[t], to = s->first[t + 1];

		if (w->r->of[t].kind < 0 && to - from >= BACKGROUND_LINES &&
		    scan_utf8(s->tids.text[t].ptr, s->tids.text[t].len) &&
		    (to - from == SAMPLE_LINES ||
		     s->line[to - 1].time_ns - s->line[from].time_ns > (s->last_ns - s->first_ns) / 4))
			put(w, w->background, text_of(w, s->tids.text[t]));
	}
}

static int write_all(struct writing *w, char **text)
{
	json_t *root;
	int rc = 0;

	for (unsigned k = 0; k < w->r->nkinds && !rc; k++)
		rc = write_kind(w, k);
	if (rc)
		return rc;
	write_words(w);
	if (w->failed)
		return -ENOMEM;
	root = json_pack("{s:s, s:i, s:s, s:O, s:O, s:O, s:O}", "rules", "inferred", "version", 1, "comment",
	                 "Found in the log itself. Correct what is wrong, give it a name and load with --rules FILE.",
	                 "messages", w->messages, "phases", w->phases, "progress", w->progress, "background",
	                 w->background);
	*text = root && !w->unsaid ? json_dumps(root, JSON_INDENT(1)) : NULL;
	json_decref(root);
	return *text || (root && w->unsaid) ? 0 : -ENOMEM;
}

static int write_rules(struct store *store, int64_t run, const struct sample *s, const struct requests *r, char **text)
{
	struct writing w = {.store = store,
	                    .run = run,
	                    .s = s,
	                    .r = r,
	                    .messages = json_array(),
	                    .phases = json_array(),
	                    .progress = json_array(),
	                    .background = json_array(),
	                    .names = json_object(),
	                    .taken = json_object(),
	                    .rule = calloc((size_t)s->nkeys + 1, sizeof *w.rule)};
	int rc = w.rule && w.messages && w.phases && w.progress && w.background && w.names && w.taken
	             ? write_all(&w, text)
	             : -ENOMEM;

	json_decref(w.messages);
	json_decref(w.phases);
	json_decref(w.progress);
	json_decref(w.background);
	json_decref(w.names);
	json_decref(w.taken);
	free(w.rule);
	return rc;
}

void inferred_done(struct inferred *i)
{
	free(i->text);
	free(i->why);
	*i = (struct inferred){0};
}

int infer_rules(struct store *store, int64_t run, struct inferred *out)
{
	struct requests r = {0};
	struct sample s;
	int rc = sample_read(&s, store, run), n = 0;

	*out = (struct inferred){0};
	if (!rc)
		rc = requests_find(&r, &s);
	if (!rc && r.nkinds)
		rc = sample_values(&s, store);
	for (unsigned k = 0; k < r.nkinds && !rc; k++)
		rc = answers_find(&r, &s, k);
	if (!rc && r.nkinds)
		rc = write_rules(store, run, &s, &r, &out->text);
	if (!rc && r.nkinds && !out->text)
		n = asprintf(&out->why,
		             "requests were found, but a message or a field of theirs has bytes that are no UTF-8");
	else if (!rc && !r.nkinds && s.tids_of_run)
		n = asprintf(&out->why,
		             "%lld transactions with more than one line, and none begins and ends as requests do",
		             (long long)s.tids_of_run);
	else if (!rc && r.nkinds)
		n = asprintf(&out->why, "%u kind%s of requests in %u of %lld transactions that were looked at",
		             r.nkinds, r.nkinds == 1 ? "" : "s", s.tids.n, (long long)s.tids_of_run);
	if (n < 0) {
		out->why = NULL;
		rc = -ENOMEM;
	}
	free(r.of);
	sample_free(&s);
	return rc;
}

int infer_without_tids(struct store *store, int64_t run, struct inferred *out)
{
	struct tidfield t;
	int rc = tidfield_find(store, run, &t);

	if (!rc && (out->why = t.why))
		t.why = NULL;
	tidfield_done(&t);
	return rc;
}
