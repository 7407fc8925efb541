/* SPDX-License-Identifier: Apache-2.0 */
/* filter.c - changes of the filter while the logger runs; see filter.h. Parsing is done without the lock, all gates are
 * rewritten under it. */
#include "control/filter.h"

#include "base/lasterror.h"
#include "base/now.h"
#include "call/site.h"
#include "call/state.h"

#include <errno.h>
#include <ilu/log.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
	const char *first; /* of the configuration */
	char *text;        /* in force; NULL: the first */
	char *base;        /* in force again from then on; NULL: it stays */
	uint64_t until_ns; /* now_machine_ns */
} filter;

int filter_parse(const char *text, struct directive_set **out)
{
	struct directive_error error;
	int rc = directive_parse(text, strlen(text), out, &error);

	if (rc)
		snprintf(last_error, sizeof last_error, "level: %s", rc == -ENOMEM ? "out of memory" : error.text);
	return rc;
}

const char *filter_text(void)
{
	return filter.text ? filter.text : filter.first;
}

int filter_use(const char *text, struct directive_set *set, uint64_t for_ms, const struct audit_who *who)
{
	char *copy = strdup(text);
	int rc = copy ? sites_filter(set) : -ENOMEM;

	if (rc) {
		free(copy);
		return rc;
	}
	if (who && logger.state == LOGGER_RUNNING)
		audit_filter(who, filter_text(), text, for_ms);
	if (for_ms && !filter.base) {
		filter.base = filter.text;
	} else {
		free(filter.text);
		if (!for_ms) {
			free(filter.base);
			filter.base = NULL;
		}
	}
	filter.text = copy;
	filter.until_ns = now_machine_ns() + for_ms * 1000000;
	return 0;
}

void filter_configure(const char *text)
{
	filter.first = text;
}

void filter_begin(struct directive_set *set)
{
	if (!filter_use(filter.first, set, 0, NULL))
		return;
	free(filter.text); /* no memory for it; it is there for ilu-logctl to show */
	filter.text = NULL;
	sites_filter(set);
}

int ilu_log_set_filter(const char *directives)
{
	const struct audit_who who = {.by = AUDIT_PROGRAM};

	return directives ? filter_change(directives, 0, &who) : -EINVAL;
}

int filter_change(const char *directives, uint64_t for_ms, const struct audit_who *who)
{
	struct directive_set *set = NULL;
	int rc;

	*last_error = '\0';
	rc = filter_parse(directives, &set);
	if (rc)
		return rc;
	if (now_replaced()) /* the line about it has its place between records, wherever the appender is */
		ilu_log_flush(ILU_ACK_KERNEL, -1);
	rc = lock_take(&logger.control);
	if (!rc) {
		rc = logger.state == LOGGER_OFF ? -ESRCH : filter_use(directives, set, for_ms, who);
		lock_drop(&logger.control);
	}
	if (rc)
		directive_free(set);
	else if (now_replaced())
		ilu_log_flush(ILU_ACK_KERNEL, -1);
	return rc;
}

/* With the lock. 0 or -ENOMEM, -EDEADLK: try again. */
static int revert(void)
{
	const struct audit_who who = {.by = AUDIT_REVERT};
	struct directive_set *set = NULL;
	int rc = filter_parse(filter.base, &set);

	if (!rc)
		rc = filter_use(filter.base, set, 0, &who);
	if (rc)
		directive_free(set);
	return rc;
}

void filter_revert(void)
{
	if (filter.base)
		revert();
}

int filter_revert_due(void)
{
	int wait = -1;

	if (lock_take(&logger.control))
		return wait;
	if (filter.base && logger.state == LOGGER_RUNNING) {
		uint64_t now = now_machine_ns();
		uint64_t left = now < filter.until_ns ? (filter.until_ns - now) / 1000000 + 1 : 0;

		if (left)
			wait = left < INT_MAX ? (int)left : INT_MAX;
		else if (revert())
			wait = 1000;
	}
	lock_drop(&logger.control);
	return wait;
}

int filter_now(struct filter_state *out)
{
	uint64_t now = now_machine_ns();
	int rc = lock_take(&logger.control);

	if (rc)
		return rc;
	out->text = strdup(filter_text());
	out->base = filter.base ? strdup(filter.base) : NULL;
	out->left_ms = filter.base && now < filter.until_ns ? (filter.until_ns - now) / 1000000 : 0;
	lock_drop(&logger.control);
	return out->text ? 0 : -ENOMEM;
}
