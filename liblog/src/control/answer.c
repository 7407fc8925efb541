/* SPDX-License-Identifier: Apache-2.0 */
/* answer.c - what ilu-logctl(1) may ask, and the answers; see answer.h. */
#include "control/answer.h"

#include "call/site.h"
#include "control/filter.h"
#include "control/meant.h"

#include <errno.h>
#include <ilu/log.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Text of the program, which need not be UTF-8. */
static json_t *text_of(const char *text)
{
	json_t *json = json_string(text);
	char *copy;

	if (json)
		return json;
	copy = strdup(text);
	if (!copy)
		return NULL;
	for (char *at = copy; *at; at++) {
		if (*at & 0x80)
			*at = '?';
	}
	json = json_string(copy);
	free(copy);
	return json;
}

json_t *answer_refusal(const char *why)
{
	return json_pack("{s:b, s:o}", "ok", 0, "error", text_of(why));
}

static json_t *stats(void)
{
	struct ilu_log_stats s = {.size = sizeof s};

	ilu_log_stats(&s);
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "lines",
	                 (json_int_t)s.lines, "lost", (json_int_t)s.lost, "early", (json_int_t)s.early, "cut",
	                 (json_int_t)s.cut, "span_misuse", (json_int_t)s.span_misuse, "span_overflow",
	                 (json_int_t)s.span_overflow, "suppressed", (json_int_t)s.suppressed, "reopen_failures",
	                 (json_int_t)s.reopen_failures, "wakeups", (json_int_t)s.wakeups, "blocked",
	                 (json_int_t)s.blocked, "rings", (json_int_t)s.rings, "threads", (json_int_t)s.threads, "sites",
	                 (json_int_t)sites_count());
}

static json_t *status(void)
{
	struct filter_state now = {NULL, NULL, 0};
	json_t *answer = NULL;

	if (!filter_now(&now))
		answer = json_pack("{s:b, s:I, s:s, s:o, s:o}", "ok", 1, "pid", (json_int_t)getpid(), "version",
		                   ILU_VERSION, "level", text_of(now.text), "stats", stats());
	if (answer && now.base) {
		json_object_set_new(answer, "reverts_to", text_of(now.base));
		json_object_set_new(answer, "reverts_in_ms", json_integer((json_int_t)now.left_ms));
	}
	free(now.text);
	free(now.base);
	return answer;
}

static json_t *change_filter(const json_t *request, const struct ucred *caller)
{
	const struct audit_who who = {AUDIT_CONTROL, caller->pid, caller->uid};
	const char *level = json_string_value(json_object_get(request, "level"));
	const json_t *limit = json_object_get(request, "for_ms"), *force = json_object_get(request, "force");
	json_int_t ms = json_integer_value(limit);
	char why[MEANT_MAX];
	int rc;

	if (!level)
		return answer_refusal("\"level\" is missing, or no string");
	if (limit && (!json_is_integer(limit) || ms <= 0 || ms > FILTER_MAX_MS))
		return answer_refusal("\"for_ms\" is not a number of milliseconds from 1 to a year's");
	if (force && !json_is_boolean(force))
		return answer_refusal("\"force\" is neither true nor false");
	if (!json_is_true(force) && !meant(level, why, sizeof why))
		return answer_refusal(why);
	rc = filter_change(level, limit ? (uint64_t)ms : 0, &who);
	if (rc == -ESRCH)
		return answer_refusal("the logger is stopped");
	if (rc)
		return answer_refusal(*ilu_log_error() ? ilu_log_error() : strerror(-rc));
	return status();
}

static json_t *describe(const struct site *site)
{
	static const char *const levels[] = {"off", "error", "warn", "info", "debug", "trace"};
	static const char *const states[] = {"off", "on", "in spans", "unloaded", "recorded"};
	const char *kind = site->kind == ILU_SITE_EVENT_ ? "event" : site->kind == ILU_SITE_SPAN_ ? "span" : "record";

	return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:i, s:I}", "state", states[site_state(site)], "level",
	                 levels[site->level < 6 ? site->level : 5], "kind", kind, "target", text_of(site->target),
	                 "text", text_of(site->text), "file", text_of(site->file), "line", (int)site->line, "lines",
	                 (json_int_t)__atomic_load_n(&site->lines, __ATOMIC_RELAXED));
}

static json_t *list_sites(void)
{
	json_t *list = json_array();

	for (uint32_t i = 1, n = sites_count(); list && i <= n; i++) {
		const struct site *site = site_get(i);

		/* where fields are recorded later is no choice of the filter's */
		if (site && site->kind != ILU_SITE_RECORD_ && json_array_append_new(list, describe(site))) {
			json_decref(list);
			list = NULL;
		}
	}
	return list ? json_pack("{s:b, s:o}", "ok", 1, "sites", list) : NULL;
}

json_t *answer_to(const char *text, size_t len, const struct ucred *caller)
{
	json_error_t error;
	json_t *request = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error), *answer;
	const char *what = json_string_value(json_object_get(request, "do"));

	if (!request)
		answer = answer_refusal("the request is not a JSON object in a line");
	else if (what && !strcmp(what, "status"))
		answer = status();
	else if (what && !strcmp(what, "filter"))
		answer = change_filter(request, caller);
	else if (what && !strcmp(what, "sites"))
		answer = list_sites();
	else
		answer = answer_refusal("\"do\" is none of status, filter, sites");
	json_decref(request);
	return answer;
}
