/* SPDX-License-Identifier: Apache-2.0 */
/* run.c - one request, and its answer for people. */
#include "ctl.h"
#include "base/escape.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *ctl_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

/* Nothing that a terminal would obey: what JSON escapes stays escaped, but for quotes and backslashes. */
void ctl_put_safe(const char *text, FILE *to)
{
	char part[256];
	size_t len = strlen(text), used;

	while (len) {
		size_t n = escape_json_part(part, sizeof part, text, len, &used);

		for (size_t i = 0; i < n; i++) {
			if (part[i] == '\\' && i + 1 < n && (part[i + 1] == '"' || part[i + 1] == '\\'))
				i++;
			fputc(part[i], to);
		}
		if (!used)
			return;
		text += used;
		len -= used;
	}
}

/* "1m 30s" */
static void put_time(json_int_t ms)
{
	json_int_t s = (ms + 999) / 1000;

	if (s >= 3600)
		printf("%" JSON_INTEGER_FORMAT "h ", s / 3600);
	if (s >= 60)
		printf("%" JSON_INTEGER_FORMAT "m ", s / 60 % 60);
	printf("%" JSON_INTEGER_FORMAT "s", s % 60);
}

static void show_filter(const json_t *answer)
{
	printf("filter: ");
	ctl_put_safe(ctl_text(answer, "level"), stdout);
	putchar('\n');
	if (!json_object_get(answer, "reverts_to"))
		return;
	printf("in ");
	put_time(json_integer_value(json_object_get(answer, "reverts_in_ms")));
	printf(" again: ");
	ctl_put_safe(ctl_text(answer, "reverts_to"), stdout);
	putchar('\n');
}

static void show_stats(const json_t *answer)
{
	static const struct {
		const char *key, *meaning;
	} rows[] = {
	    {"lines", "lines written"},
	    {"lost", "records lost: full rings, failing sinks"},
	    {"early", "calls below WARN while the logger did not run"},
	    {"cut", "values and records cut, too long"},
	    {"span_misuse", "uses of a span after its close"},
	    {"span_overflow", "spans that found no slot"},
	    {"suppressed", "calls over their rate limits"},
	    {"reopen_failures", "tries to open a moved or deleted log file anew that failed"},
	    {"blocked", "times a caller waited for room in its ring"},
	    {"wakeups", "wake-ups of the appender from its sleep"},
	    {"rings", "rings made"},
	    {"threads", "threads that have one now"},
	    {"sites", "places that log"},
	};
	const json_t *stats = json_object_get(answer, "stats");

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		printf("%-14s %12" JSON_INTEGER_FORMAT "  %s\n", rows[i].key,
		       json_integer_value(json_object_get(stats, rows[i].key)), rows[i].meaning);
}

static int compare_sites(const void *a, const void *b)
{
	const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;
	int by = strcmp(ctl_text(x, "target"), ctl_text(y, "target"));

	if (!by)
		by = strcmp(ctl_text(x, "file"), ctl_text(y, "file"));
	if (!by) {
		json_int_t i = json_integer_value(json_object_get(x, "line"));
		json_int_t j = json_integer_value(json_object_get(y, "line"));

		by = i < j ? -1 : i > j;
	}
	return by;
}

static void show_site(const json_t *site)
{
	bool span = !strcmp(ctl_text(site, "kind"), "span");

	printf("%-8s %-5s ", ctl_text(site, "state"), ctl_text(site, "level"));
	ctl_put_safe(ctl_text(site, "target"), stdout);
	fputs(span ? " span " : " ", stdout);
	putchar('"');
	ctl_put_safe(ctl_text(site, "text"), stdout);
	printf("\" ");
	ctl_put_safe(ctl_text(site, "file"), stdout);
	printf(":%" JSON_INTEGER_FORMAT "\n", json_integer_value(json_object_get(site, "line")));
}

/* In the order of targets. */
static int show_sites(const json_t *answer)
{
	const json_t *list = json_object_get(answer, "sites");
	size_t n = json_array_size(list);
	json_t **sorted = malloc((n + 1) * sizeof(json_t *));

	if (!sorted) {
		fprintf(stderr, "ilu-logctl: out of memory\n");
		return CTL_FAILED;
	}
	for (size_t i = 0; i < n; i++)
		sorted[i] = json_array_get(list, i);
	qsort(sorted, n, sizeof(json_t *), compare_sites);
	for (size_t i = 0; i < n; i++)
		show_site(sorted[i]);
	free(sorted);
	return CTL_OK;
}

bool ctl_refused(const json_t *answer)
{
	if (json_is_true(json_object_get(answer, "ok")))
		return false;
	fprintf(stderr, "ilu-logctl: ");
	ctl_put_safe(ctl_text(answer, "error"), stderr);
	fputc('\n', stderr);
	return true;
}

static int show(const struct ctl *ctl, const json_t *answer)
{
	int rc = CTL_OK;

	if (ctl_refused(answer))
		return CTL_FAILED;
	if (ctl->json) {
		json_dumpf(answer, stdout, JSON_COMPACT);
		putchar('\n');
	} else if (ctl->sites) {
		rc = show_sites(answer);
	} else {
		show_filter(answer);
		if (ctl->stats || !ctl->level)
			show_stats(answer);
	}
	if (fflush(stdout) || ferror(stdout)) {
		perror("ilu-logctl: standard output");
		return CTL_FAILED;
	}
	return rc;
}

static json_t *request_of(const struct ctl *ctl)
{
	json_t *request;

	if (!ctl->level)
		return json_pack("{s:s}", "do", ctl->sites ? "sites" : "status");
	request = json_pack("{s:s, s:s}", "do", "filter", "level", ctl->level);
	if (request && ctl->for_ms)
		json_object_set_new(request, "for_ms", json_integer(ctl->for_ms));
	if (request && ctl->force)
		json_object_set_new(request, "force", json_true());
	return request;
}

int ctl_run(const struct ctl *ctl)
{
	json_t *request = request_of(ctl), *answer;
	int fd, rc;

	if (!request) {
		fprintf(stderr, "ilu-logctl: the filter is not valid UTF-8\n");
		return CTL_USAGE;
	}
	fd = ctl_connect(ctl);
	answer = fd < 0 ? NULL : ctl_ask(fd, request);
	json_decref(request);
	if (fd >= 0)
		close(fd);
	if (!answer)
		return CTL_UNREACHABLE;
	rc = show(ctl, answer);
	json_decref(answer);
	return rc;
}
