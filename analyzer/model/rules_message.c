/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rules_message.c - the list `messages` of a rules file: what a line says, and when.
 *
 * A rule says one thing or several of a line: a meaning, a moment, moments that stand in fields as times, an outcome.
 */
#include "model/compose.h"
#include "model/condition.h"
#include "model/rules_read.h"
#include "base/array.h"
#include "ingest/level.h"
#include <errno.h>
#include <stdlib.h>

#include "base/template.h"

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
    [MEANS_FUNCTION] = {"function", {{"fqdn", ARG_TEXT}, {NULL, ARG_TEXT}}},
    [MEANS_LOCK_DROPPED] = {"lock_dropped", {{"container", ARG_TEXT}}},
    [MEANS_RETURNING] = {"returning", {{0}}},
    [MEANS_ERROR] = {"error", {{"error", ARG_TEXT}}},
    [MEANS_ABANDONED] = {"abandoned", {{0}}},
    [MEANS_COMPLETED] = {"completed", {{"fqdn", ARG_TEXT}, {"compute", ARG_TEXT}}},
    [MEANS_ANSWERED] = {"answered", {{0}}},
    [MEANS_MOMENT] = {NULL, {{NULL, ARG_CODE}, {NULL, ARG_CODE}}},
    [MEANS_OUTCOME] = {NULL, {{NULL, ARG_CODE}, {NULL, ARG_CODE}}},
    [MEANS_PARENT] = {NULL, {{NULL, ARG_TEXT}}},
    [MEANS_PREWARMED] = {"prewarmed", {{"fqdn", ARG_TEXT}, {"compute", ARG_TEXT}}},
    [MEANS_REMOVED] = {"removed", {{"container", ARG_TEXT}}},
    [MEANS_BATCH] = {"batch", {{"fqdn", ARG_TEXT}, {"length", ARG_REAL}}},
    [MEANS_CACHE_INSERTION] = {"cache_insertion", {{"fqdn", ARG_TEXT}}},
    [MEANS_BENCHMARK_NAME] = {"benchmark_name", {{"function", ARG_TEXT}, {"benchmark", ARG_TEXT}}},
};

const struct meaning_info *meaning_info(enum meaning m)
{
	return &meanings[m];
}

/* ---- words ---- */

static struct slice slice_of(const char *text)
{
	return text ? (struct slice){text, strlen(text)} : SLICE_NONE;
}

static struct rule_field field_of(const char *name)
{
	bool pattern = strchr(name, '{'), in_span = !pattern && !strncmp(name, "span.", 5);

	return (struct rule_field){in_span ? name + 5 : name, in_span, pattern};
}

static int read_meaning(const struct reading *rd, const char *name, enum meaning *out)
{
	for (int m = 1; m < MEANINGS; m++)
		if (meanings[m].name && !strcmp(meanings[m].name, name)) {
			*out = (enum meaning)m;
			return 0;
		}
	return reading_refuse(rd, name, "unknown meaning \"%s\"", name);
}

static int read_outcome(const struct reading *rd, const char *name, enum outcome *out)
{
	*out = !name ? OUTCOME_NONE : !strcmp(name, "ok") ? OUTCOME_OK : OUTCOME_FAILED;
	if (name && strcmp(name, "ok") && strcmp(name, "failed"))
		return reading_refuse(rd, name, "an outcome is \"ok\" or \"failed\", not \"%s\"", name);
	return 0;
}

/* ---- parts of a rule ---- */

static int read_args(const struct reading *rd, json_t *args, struct rule *rule)
{
	const struct meaning_info *info = &meanings[rule->means];
	const char *key;
	json_t *v;

	if (args && !json_is_object(args))
		return reading_refuse(rd, "args", "\"args\" must be an object");
	if (args && !rule->means)
		return reading_refuse(rd, "args", "\"args\" are those of a meaning, and there is no \"means\"");
	json_object_foreach(args, key, v)
	{
		int i = 0;

		while (i < RULE_ARGS && (!info->arg[i].name || strcmp(info->arg[i].name, key)))
			i++;
		if (i == RULE_ARGS)
			return reading_refuse(rd, key, "\"%s\" is no argument of \"%s\"", key,
			                      info->name ? info->name : "");
		if (!json_string_length(v))
			return reading_refuse(rd, key, "argument \"%s\" must name a field", key);
		rule->arg[i] = field_of(json_string_value(v));
		if (rule->arg[i].pattern && (info->arg[i].kind != ARG_TEXT || !compose_check(rule->arg[i].name)))
			return reading_refuse(rd, key,
			                      "argument \"%s\": names in braces, as in \"{method} {path|ids}\"", key);
	}
	return 0;
}

static int read_where(const struct reading *rd, json_t *where, struct rule *rule)
{
	const char *key;
	json_t *v;

	if (!where)
		return 0;
	if (!json_is_object(where) || !json_object_size(where))
		return reading_refuse(rd, "where", "\"where\" must be an object: fields and what they are");
	rule->where = calloc(json_object_size(where), sizeof *rule->where);
	if (!rule->where)
		return -ENOMEM;
	json_object_foreach(where, key, v)
	{
		struct condition *c = &rule->where[rule->nwhere++];

		c->field = field_of(key);
		if (!*key || c->field.pattern || !condition_read(v, c))
			return reading_refuse(
			    rd, key, "\"%s\"%s%s%s must be a value, \">=5\", \"5..9\", \"!=text\" or a list", key,
			    json_is_string(v) ? ": \"" : "", json_is_string(v) ? json_string_value(v) : "",
			    json_is_string(v) ? "\"" : "");
	}
	return 0;
}

static int read_times(const struct reading *rd, json_t *times, struct rule *rule)
{
	const char *key;
	int n = 0, rc;
	json_t *v;

	if (times && (!json_is_object(times) || !json_object_size(times)))
		return reading_refuse(rd, "times", "\"times\" must be an object: moments and their fields");
	json_object_foreach(times, key, v)
	{
		if (n == RULE_TIMES)
			return reading_refuse(rd, key, "more than %d \"times\"", RULE_TIMES);
		if (!json_is_string(v) || !json_string_length(v) || strchr(json_string_value(v), '{'))
			return reading_refuse(rd, key, "moment \"%s\" must name a field with a time", key);
		rc = reading_moment(rd, key, &rule->time[n].moment);
		if (rc)
			return rc;
		rule->time[n++].field = field_of(json_string_value(v));
	}
	return 0;
}

/* A text of the request's own: a field, or put together from several. */
static int read_own(const struct reading *rd, const char *key, const char *value, struct rule_field *out)
{
	if (value && !*value)
		return reading_refuse(rd, key, "\"%s\" is empty: it names a field", key);
	if (value)
		*out = field_of(value);
	if (out->pattern && !compose_check(value))
		return reading_refuse(rd, value, "\"%s\": names in braces, as in \"{method} {path|ids}\"", key);
	return 0;
}

/* ---- which lines ---- */

/* In any spelling that logs have: error, ERR, W. What is none of them only fits lines that have it just so. */
static struct slice level_of(const char *word)
{
	struct slice as_it_is = slice_of(word);
	enum level level = word ? level_read(as_it_is, LEVEL_COMMON) : LEVEL_NONE;

	return level == LEVEL_NONE ? as_it_is : level_name(level);
}

static int read_which(const struct reading *rd, const json_t *o, struct rule *rule)
{
	const char *message, *prefix, *template, *target, *level, *span;
	int rc;

	if ((rc = reading_string(rd, o, "message", &message)) || (rc = reading_string(rd, o, "prefix", &prefix)) ||
	    (rc = reading_string(rd, o, "template", &template)) || (rc = reading_string(rd, o, "target", &target)) ||
	    (rc = reading_string(rd, o, "level", &level)) || (rc = reading_string(rd, o, "span", &span)))
		return rc;
	rule->any = !message && !prefix && !template;
	if (!!message + !!prefix + !!template > 1)
		return reading_refuse(rd, message ? "message" : "prefix",
		                      "a rule has one of \"message\", \"prefix\" and \"template\"");
	if (rule->any && !target && !level && !span && !rule->where)
		return reading_refuse(
		    rd, NULL,
		    "a rule does not say of which lines it is: \"message\", \"prefix\", \"template\", "
		    "\"target\", \"level\", \"span\" or \"where\"");
	if ((prefix && !*prefix) || (template && !*template))
		return reading_refuse(rd, prefix ? "prefix" : "template", "\"%s\" is empty",
		                      prefix ? "prefix" : "template");
	rule->prefix = !message;
	rule->message = slice_of(rule->any ? "" : message ? message : prefix ? prefix : template);
	if (template) {
		const char *value = strstr(template, TEMPLATE_VALUE), *blank = strchr(template, ' ');

		rule->template = rule->message;
		if (value)
			rule->message.len = (size_t)((blank && blank < value ? blank : value) - template);
		else if (blank)
			rule->message.len = (size_t)(blank - template);
	}
	rule->target = slice_of(target);
	rule->level = level_of(level);
	rule->span = slice_of(span);
	return 0;
}

static int read_message(const struct reading *rd, json_t *o, struct rule *rule)
{
	static const char *const known[] = {"message", "prefix", "template", "target", "level",  "span",
	                                    "where",   "means",  "args",     "moment", "begins", "outcome",
	                                    "times",   "why",    "function", "parent", NULL};
	const char *means, *moment, *begins, *outcome, *function, *parent, *said;
	int rc = reading_keys(rd, o, "a message", known);

	if (rc || (rc = reading_string(rd, o, "means", &means)) || (rc = reading_string(rd, o, "moment", &moment)) ||
	    (rc = reading_string(rd, o, "begins", &begins)) || (rc = reading_string(rd, o, "outcome", &outcome)) ||
	    (rc = reading_string(rd, o, "function", &function)) || (rc = reading_string(rd, o, "parent", &parent)))
		return rc;
	said = means ? means : moment ? moment : outcome ? outcome : function ? function : parent;
	if (!said && !json_object_get(o, "times"))
		return reading_refuse(rd, NULL,
		                      "a rule that says nothing of its lines: \"means\", \"moment\", \"times\", "
		                      "\"outcome\", \"function\" or \"parent\"");
	if ((rc = read_where(rd, json_object_get(o, "where"), rule)) || (rc = read_which(rd, o, rule)) ||
	    (means && (rc = read_meaning(rd, means, &rule->means))) ||
	    (rc = read_outcome(rd, outcome, &rule->outcome)) ||
	    (moment && (rc = reading_moment(rd, moment, &rule->moment))) ||
	    (rc = read_times(rd, json_object_get(o, "times"), rule)))
		return rc;
	if (begins && (strcmp(begins, "attempt") || !moment))
		return reading_refuse(rd, begins, "\"begins\" is \"attempt\", of a rule with a \"moment\"");
	rule->begins_attempt = begins;
	if ((rc = read_own(rd, "function", function, &rule->function)) ||
	    (rc = read_own(rd, "parent", parent, &rule->parent)))
		return rc;
	return read_args(rd, json_object_get(o, "args"), rule);
}

/* Rules that a database was made with were taken then: what is refused since spoke of no line, and does so still. Its
 * moment is one all the same, which phases name. */
static int pass_over(const struct reading *rd, const json_t *o, struct rule *rule)
{
	const char *moment = json_string_value(json_object_get(o, "moment"));
	unsigned number;

	free(rule->where);
	*rule = (struct rule){0};
	rd->r->nrules--;
	free(*rd->why);
	*rd->why = NULL;
	return moment && *moment && !moment_built_in(moment) ? reading_moment(rd, moment, &number) : 0;
}

int reading_messages(const struct reading *rd, json_t *list)
{
	struct rules *r = rd->r;
	int rc = 0;

	if (!json_is_array(list))
		return reading_refuse(rd, "messages", "\"messages\" must be a list of rules");
	r->rule = calloc(json_array_size(list) + 1, sizeof *r->rule);
	if (!r->rule)
		return -ENOMEM;
	for (size_t i = 0; !rc && i < json_array_size(list); i++) {
		struct reading of = reading_of(rd, "messages", i);

		struct rule *rule = &r->rule[r->nrules++];
		json_t *o = json_array_get(list, i);

		rc = read_message(&of, o, rule);
		if (rc == -EINVAL && rd->kept)
			rc = pass_over(rd, o, rule);
	}
	return rc;
}
