/* SPDX-License-Identifier: Apache-2.0 */
/* reread.c - of the configuration read again only `level` is used; see ilu_log_reload. */
#include "control/reread.h"

#include "call/state.h"
#include "config/reload.h"
#include "control/filter.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* With the lock, while it runs. */
static int reload_locked(char *said, size_t cap)
{
	struct config_error error = {""};
	const struct audit_who who = {.by = AUDIT_RELOAD};
	struct directive_set *set = NULL;
	struct config fresh;
	int rc = reload_read(&fresh, &error);

	if (rc) {
		snprintf(said, cap, "%s", *error.text ? error.text : strerror(-rc));
		return rc;
	}
	rc = filter_parse(fresh.level, &set);
	if (!rc)
		rc = filter_use(fresh.level, set, 0, strcmp(filter_text(), fresh.level) ? &who : NULL);
	if (rc)
		directive_free(set);
	snprintf(said, cap, "%s", rc ? strerror(-rc) : fresh.level);
	config_done(&fresh);
	return rc;
}

/* Whoever stops or forks has the lock and waits for this thread, which so must not wait for the lock. */
int reread(char *said, size_t cap)
{
	int rc = lock_try(&logger.control);

	if (rc)
		return rc;
	reload_begin();
	rc = logger.state == LOGGER_RUNNING ? reload_locked(said, cap) : -EBUSY;
	lock_drop(&logger.control);
	return rc;
}
