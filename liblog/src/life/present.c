/* SPDX-License-Identifier: Apache-2.0 */
/* present.c - what a start asked for, kept for a forked child; see present.h. */
#include "life/present.h"

#include "base/lasterror.h"
#include "base/now.h"
#include "call/ring.h"
#include "call/state.h"
#include "control/filter.h"
#include "control/server.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct config present_config;

static struct server *server; /* NULL: no run_directory */

static void use(const struct config *config)
{
	int policy[RING_LEVELS];

	for (int i = 0; i < RING_LEVELS; i++)
		policy[i] = now_replaced() ? CONFIG_FULL_BLOCK : (int)config->full_ring[i];
	rings_policy(policy);
	logger.spanning = config->spanning | (*config->flame ? CONFIG_SPAN_ACTIVE : 0u);
	logger.timed = (config->spanning & CONFIG_SPAN_CLOSE) != 0;
}

void present_use(struct config *fresh)
{
	config_done(&present_config);
	present_config = *fresh;
	memset(fresh, 0, sizeof *fresh);
	filter_configure(present_config.level);
	use(&present_config);
}

int served_start(const char **without)
{
	static char why[LAST_ERROR_MAX];
	int rc = 0;

	*why = '\0';
	*without = why;
	if (*present_config.run_directory)
		rc = server_start(present_config.run_directory, &server, last_error, sizeof last_error);
	if (rc != -EPERM)
		return rc;
	fprintf(stderr, "ilulog: %s: no control socket\n", last_error);
	strcpy(why, last_error);
	*last_error = '\0';
	return 0;
}

struct server *served_dismiss(void)
{
	struct server *s = server;

	server_stop(s);
	server = NULL;
	return s;
}

void served_reset(void)
{
	server_forget(server);
	server = NULL;
}

void served_again(void)
{
	const char *without;

	if (!served_start(&without) && !*without)
		return;
	if (!*without)
		fprintf(stderr, "ilulog: %s\n", last_error);
	filter_revert();
}
