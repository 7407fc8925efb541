/* SPDX-License-Identifier: Apache-2.0 */
/* ctl.h - ilu-logctl's parts. */
#ifndef CTL_H
#define CTL_H

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

/* Exit statuses. */
enum { CTL_OK, CTL_FAILED, CTL_USAGE, CTL_UNREACHABLE };

struct ctl {
	pid_t pid;
	const char *directory; /* NULL: the usual ones */
	const char *level;     /* directives to set, or NULL */
	long long for_ms;      /* 0: for good */
	bool force;            /* whatever the filter fits */
	bool stats, sites, json;
};

/* Connect to the process. A socket, or -1: why is on stderr. */
int ctl_connect(const struct ctl *ctl);

/* Send one request, get the answer: yours, NULL on error, which is on stderr. */
json_t *ctl_ask(int fd, const json_t *request);

/* Do it; returns the exit status. */
int ctl_run(const struct ctl *ctl);

#endif
