/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rules.c - reads and checks a rules file, and finds the rules for a message.
 *
 * Every word of the file is checked when it is read, so that the model can trust it: a misspelt meaning, argument or
 * key is an error with its line. Whole messages are found by hash; the few prefix rules are tried one by one. */
#include "model/rules.h"
#include "base/array.h"
#include "base/intern.h"
#include "rules_iluvatar.h"
#include "base/hash.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define RULES_VERSION 1

static const struct meaning_info meanings[MEANINGS] = {
    [MEANS_NOTHING] = {"nothing", {{0}}},
    [MEANS_CONTROLLER] = {"controller", {{"fqdn", ARG_TEXT}}},
    [MEANS_DISPATCHED] = {"dispatched", {{"fqdn", ARG_TEXT}, {"worker", ARG_TEXT}}},
    [MEANS_ARRIVED] = {"arrived", {{0}}},
    [MEANS_CPU_ESTIMATE] = {"cpu_estimate", {{"queue", ARG_REAL}, {"runtime", ARG_REAL}}},
    [MEANS_GPU_ESTIMATE] = {"gpu_estimate", {{"queue", ARG_REAL}, {"runtime", ARG_REAL}}},
    [MEANS_ESTIMATE] = {"estimate",
                        {{"cpu", ARG_REAL}, {"gpu", ARG_REAL}, {"cpu_load", ARG_REAL}, {"gpu_load", ARG_REAL}}},
    [MEANS_QUEUED] = {"queued", {{0}}},
    [MEANS_DEQUEUED] = {"dequeued", {{0}}},
    [MEANS_COLD_STARTED] = {"cold_started", {{"fqdn", ARG_TEXT}}},
    [MEANS_CREATED] = {"created", {{"container", ARG_TEXT}}},
    [MEANS_COLD_COMPLETED] = {"cold_completed", {{"container", ARG_TEXT}}},
    [MEANS_ACQUIRED] = {"acquired", {{"container", ARG_TEXT}}},
    [MEANS_STARTED] = {"started", {{"insert", ARG_STAMP}, {"remove", ARG_STAMP}}},
    [MEANS_FUNCTION] = {"function", {{"fqdn", ARG_TEXT}}},
    [MEANS_LOCK_DROPPED] = {"lock_dropped", {{"container", ARG_TEXT}}},
    [MEANS_RETURNING] = {"returning", {{0}}},
    [MEANS_ERROR] = {"error", {{"error", ARG_TEXT}}},
    [MEANS_ABANDONED] = {"abandoned", {{0}}},
    [MEANS_COMPLETED] = {"completed", {{"fqdn", ARG_TEXT}, {"compute", ARG_TEXT}}},
    [MEANS_ANSWERED] = {"answered", {{0}}},
    [MEANS_PREWARMED] = {"prewarmed", {{"fqdn", ARG_TEXT}, {"compute", ARG_TEXT}}},
    [MEANS_REMOVED] = {"removed", {{"container", ARG_TEXT}}},
    [MEANS_BATCH] = {"batch", {{"fqdn", ARG_TEXT}, {"length", ARG_REAL}}},
    [MEANS_CACHE_INSERTION] = {"cache_insertion", {{"fqdn", ARG_TEXT}}},
    [MEANS_BENCHMARK_NAME] = {"benchmark_name", {{"function", ARG_TEXT}, {"benchmark", ARG_TEXT}}},
};

static const struct {
	const char *name;
	enum moment moment;
} moments[] = {
    {"sent", MOMENT_SENT},
    {"controller", MOMENT_CONTROLLER},
    {"dispatched", MOMENT_DISPATCHED},
    {"arrived", MOMENT_ARRIVED},
    {"insert", MOMENT_INSERT},
    {"remove", MOMENT_REMOVE},
    {"start", MOMENT_START},
    {"end", MOMENT_END},
    {"last end", MOMENT_LAST_END},
    {"completed", MOMENT_COMPLETED},
    {"returned", MOMENT_RETURNED},
};

const struct meaning_info *meaning_info(enum meaning m)
{
	return &meanings[m];
}

/* ---- errors ---- */

struct reading {
	struct rules *r;
	const char *text;
	size_t len;
	const char *where;
	char **why;
};

/* The line on which a word stands first, between quotes: where a reader will look for it. */
static int line_of(const struct reading *rd, const char *word)
{
	size_t n = word ? strlen(word) : 0;
	int line = 1;

	for (size_t i = 0; n && i + n + 2 <= rd->len; i++) {
		if (rd->text[i] == '\n')
			line++;
		if (rd->text[i] == '"' && !memcmp(rd->text + i + 1, word, n) && rd->text[i + 1 + n] == '"')
			return line;
	}
	return 1;
}

__attribute__((format(printf, 3, 4))) static int refuse(const struct reading *rd, const char *word, const char *format,
                                                        ...)
{
	char *text = NULL;
	va_list ap;

	va_start(ap, format);
	if (vasprintf(&text, format, ap) < 0)
		text = NULL;
	va_end(ap);
	if (asprintf(rd->why, "%s:%d: %s", rd->where, line_of(rd, word), text ? text : "wrong") < 0)
		*rd->why = NULL;
	free(text);
	return -EINVAL;
}

/* The string under key; *out NULL where it is absent. */
static int get_string(const struct reading *rd, const json_t *object, const char *key, const char **out)
{
	const json_t *v = json_object_get(object, key);

	*out = NULL;
	if (!v)
		return 0;
	if (!json_is_string(v))
		return refuse(rd, key, "\"%s\" must be a string", key);
	*out = json_string_value(v);
	return 0;
}

static int check_keys(const struct reading *rd, json_t *object, const char *what, const char *const *known)
{
	const char *key;
	json_t *v;

	if (!json_is_object(object))
		return refuse(rd, NULL, "%s must be an object", what);
	json_object_foreach(object, key, v)
	{
		const char *const *k = known;

		(void)v;
		while (*k && strcmp(*k, key))
			k++;
		if (!*k)
			return refuse(rd, key, "unknown key \"%s\" in %s", key, what);
	}
	return 0;
}

static struct slice slice_of(const char *text)
{
	return text ? (struct slice){text, strlen(text)} : SLICE_NONE;
}

/* ---- messages ---- */

static int read_meaning(const struct reading *rd, const char *name, enum meaning *out)
{
	for (int m = 1; name && m < MEANINGS; m++)
		if (!strcmp(meanings[m].name, name)) {
			*out = (enum meaning)m;
			return 0;
		}
	return name ? refuse(rd, name, "unknown meaning \"%s\"", name)
	            : refuse(rd, "messages", "a message without \"means\"");
}

static int read_args(const struct reading *rd, json_t *args, struct rule *rule)
{
	const struct meaning_info *info = &meanings[rule->means];
	const char *key;
	json_t *v;

	if (args && !json_is_object(args))
		return refuse(rd, "args", "\"args\" must be an object");
	json_object_foreach(args, key, v)
	{
		int i = 0;

		while (i < RULE_ARGS && (!info->arg[i].name || strcmp(info->arg[i].name, key)))
			i++;
		if (i == RULE_ARGS)
			return refuse(rd, key, "\"%s\" is no argument of \"%s\"", key, info->name);
		if (!json_is_string(v))
			return refuse(rd, key, "argument \"%s\" must name a field", key);
		rule->arg[i].name = json_string_value(v);
		rule->arg[i].in_span = !strncmp(rule->arg[i].name, "span.", 5);
		if (rule->arg[i].in_span)
			rule->arg[i].name += 5;
	}
	return 0;
}

static int read_message(const struct reading *rd, json_t *o, struct rule *rule)
{
	static const char *const known[] = {"message", "prefix", "target", "level", "span", "means", "args", NULL};
	const char *message, *prefix, *target, *level, *span, *means;
	int rc = check_keys(rd, o, "a message", known);

	if (rc || (rc = get_string(rd, o, "message", &message)) || (rc = get_string(rd, o, "prefix", &prefix)) ||
	    (rc = get_string(rd, o, "target", &target)) || (rc = get_string(rd, o, "level", &level)) ||
	    (rc = get_string(rd, o, "span", &span)) || (rc = get_string(rd, o, "means", &means)))
		return rc;
	if (!message == !prefix)
		return refuse(rd, means, "a rule needs either \"message\" or \"prefix\"");
	rc = read_meaning(rd, means, &rule->means);
	if (rc)
		return rc;
	rule->prefix = prefix;
	rule->message = slice_of(prefix ? prefix : message);
	rule->target = slice_of(target);
	rule->level = slice_of(level);
	rule->span = slice_of(span);
	return read_args(rd, json_object_get(o, "args"), rule);
}

static int read_messages(const struct reading *rd, json_t *list)
{
	struct rules *r = rd->r;
	int rc = 0;

	if (!json_is_array(list) || !json_array_size(list))
		return refuse(rd, "messages", "\"messages\" must be a list of rules");
	r->rule = calloc(json_array_size(list), sizeof *r->rule);
	if (!r->rule)
		return -ENOMEM;
	for (size_t i = 0; !rc && i < json_array_size(list); i++)
		rc = read_message(rd, json_array_get(list, i), &r->rule[r->nrules++]);
	return rc;
}

/* ---- phases ---- */

static int read_moments(const struct reading *rd, const json_t *list, const char *phase, enum moment *out)
{
	size_t n = json_array_size(list);

	if (!n || n >= PHASE_MOMENTS)
		return refuse(rd, phase, "phase \"%s\" needs one to %d moments in \"from\" and in \"to\"", phase,
		              PHASE_MOMENTS - 1);
	for (size_t i = 0; i < n; i++) {
		const char *name = json_string_value(json_array_get(list, i));

		for (size_t k = 0; name && k < sizeof moments / sizeof *moments; k++)
			if (!strcmp(name, moments[k].name))
				out[i] = moments[k].moment;
		if (!out[i])
			return refuse(rd, name ? name : phase, "unknown moment \"%s\" in phase \"%s\"",
			              name ? name : "", phase);
	}
	return 0;
}

static int read_phase(const struct reading *rd, json_t *o, struct phase_rule *p)
{
	static const char *const known[] = {"name", "of", "by", "from", "to", NULL};
	const char *of, *by;
	int rc = check_keys(rd, o, "a phase", known);

	if (rc || (rc = get_string(rd, o, "name", &p->name)) || (rc = get_string(rd, o, "of", &of)) ||
	    (rc = get_string(rd, o, "by", &by)))
		return rc;
	if (!p->name)
		return refuse(rd, "phases", "a phase without \"name\"");
	if (of && strcmp(of, "attempt"))
		return refuse(rd, of, "phase \"%s\" can be \"of\" an \"attempt\" only", p->name);
	if (by && strcmp(by, "state"))
		return refuse(rd, by, "phase \"%s\" can be \"by\" \"state\" only", p->name);
	p->of_attempt = of;
	p->by_state = by;
	rc = read_moments(rd, json_object_get(o, "from"), p->name, p->from);
	return rc ? rc : read_moments(rd, json_object_get(o, "to"), p->name, p->to);
}

static int read_phases(const struct reading *rd, json_t *list)
{
	struct rules *r = rd->r;
	int rc = 0;

	if (list && !json_is_array(list))
		return refuse(rd, "phases", "\"phases\" must be a list");
	r->phase = calloc(json_array_size(list) + 1, sizeof *r->phase);
	if (!r->phase)
		return -ENOMEM;
	for (size_t i = 0; !rc && i < json_array_size(list); i++)
		rc = read_phase(rd, json_array_get(list, i), &r->phase[r->nphases++]);
	return rc;
}

static int read_series_rule(const struct reading *rd, json_t *o)
{
	static const char *const known[] = {"message", "json", "each", "values", "default", NULL};
	const char *message, *json, *name;
	json_t *values, *v;
	int rc = check_keys(rd, o, "a series", known);

	if (rc || (rc = get_string(rd, o, "message", &message)) || (rc = get_string(rd, o, "json", &json)))
		return rc;
	values = json_object_get(o, "values");
	if (!message || !json_is_object(values) || !json_object_size(values))
		return refuse(rd, message ? message : "series", "a series needs \"message\" and \"values\"");
	json_object_foreach(values, name, v) if (!json_is_string(v) || !json_string_length(v)) return refuse(
	    rd, name, "series \"%s\" must name a field, \"a+b\" or \"a/b%%\"", name);
	v = json_object_get(o, "default");
	return !v || json_is_number(v) ? 0 : refuse(rd, "default", "\"default\" must be a number");
}

static int read_series(const struct reading *rd, json_t *list)
{
	int rc = 0;

	rd->r->series = list;
	if (list && !json_is_array(list))
		return refuse(rd, "series", "\"series\" must be a list");
	for (size_t i = 0; !rc && i < json_array_size(list); i++)
		rc = read_series_rule(rd, json_array_get(list, i));
	return rc;
}

static int read_words(const struct reading *rd, const char *key, json_t **out)
{
	json_t *list = json_object_get(rd->r->root, key);

	*out = list;
	if (list && !json_is_array(list))
		return refuse(rd, key, "\"%s\" must be a list", key);
	for (size_t i = 0; i < json_array_size(list); i++)
		if (!json_is_string(json_array_get(list, i)))
			return refuse(rd, key, "\"%s\" must be a list of strings", key);
	return 0;
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
	static const char *const known[] = {"SPDX-License-Identifier",
	                                    "rules",
	                                    "version",
	                                    "messages",
	                                    "phases",
	                                    "series",
	                                    "progress",
	                                    "background",
	                                    "comment",
	                                    NULL};
	struct rules *r = rd->r;
	const json_t *version;
	int rc = check_keys(rd, r->root, "a rules file", known);

	if (rc || (rc = get_string(rd, r->root, "rules", &r->name)))
		return rc;
	if (!r->name)
		return refuse(rd, NULL, "no \"rules\": the name of these rules");
	version = json_object_get(r->root, "version");
	if (!json_is_integer(version) || json_integer_value(version) != RULES_VERSION)
		return refuse(rd, "version", "\"version\" must be %d", RULES_VERSION);
	r->version = RULES_VERSION;
	if ((rc = read_messages(rd, json_object_get(r->root, "messages"))) ||
	    (rc = read_phases(rd, json_object_get(r->root, "phases"))) ||
	    (rc = read_series(rd, json_object_get(r->root, "series"))) ||
	    (rc = read_words(rd, "progress", &r->progress)) || (rc = read_words(rd, "background", &r->background)))
		return rc;
	return index_rules(r);
}

int rules_parse(const char *text, size_t len, const char *where, struct rules **out, char **why)
{
	struct rules *r = calloc(1, sizeof *r);
	struct reading rd = {r, text, len, where, why};
	json_error_t e;
	int rc;

	*why = NULL;
	if (!r)
		return -ENOMEM;
	r->root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &e);
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

static int read_file(const char *path, char **text, size_t *len)
{
	FILE *f = fopen(path, "re");
	size_t room = 0, n = 0, got = 1;
	char *buf = NULL;
	int rc = f ? 0 : -errno;

	while (!rc && got) {
		rc = array_reserve(buf, room, n + 1);
		if (rc)
			break;
		got = fread(buf + n, 1, room - n, f);
		n += got;
	}
	if (!rc && ferror(f))
		rc = -EIO;
	if (f)
		fclose(f);
	if (rc)
		free(buf);
	else
		*text = buf, *len = n;
	return rc;
}

int rules_builtin(struct rules **out, char **why)
{
	return rules_parse(rules_iluvatar, sizeof rules_iluvatar - 1, "iluvatar.json", out, why);
}

int rules_read_file(const char *path, char **text, size_t *len, char **why)
{
	struct rules *r = NULL;
	int rc;

	*why = NULL;
	rc = read_file(path, text, len);
	if (rc) {
		if (asprintf(why, "%s: %s", path, strerror(-rc)) < 0)
			*why = NULL;
		return rc;
	}
	rc = rules_parse(*text, *len, path, &r, why);
	rules_free(r);
	if (rc)
		free(*text);
	return rc;
}

void rules_free(struct rules *r)
{
	if (!r)
		return;
	json_decref(r->root);
	free(r->rule);
	free(r->phase);
	table_done(&r->whole);
	free(r);
}

/* ---- finding ---- */

static bool fits(const struct rule *rule, struct slice message, struct slice target, struct slice level)
{
	if (rule->prefix ? message.len < rule->message.len || memcmp(message.ptr, rule->message.ptr, rule->message.len)
	                 : !slice_same(message, rule->message))
		return false;
	return (!rule->target.ptr || slice_same(rule->target, target)) &&
	       (!rule->level.ptr || slice_same(rule->level, level));
}

static int find_from(const struct rules *r, int i, struct slice message, struct slice target, struct slice level)
{
	while (i >= 0 && !fits(&r->rule[i], message, target, level))
		i = r->rule[i].next;
	return i;
}

int rules_find(const struct rules *r, struct slice message, struct slice target, struct slice level)
{
	return message.ptr ? find_from(r, first_of(r, message), message, target, level) : -1;
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
