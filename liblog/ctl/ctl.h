/* SPDX-License-Identifier: Apache-2.0 */
/* ctl.h - ilu-logctl's parts. */
#ifndef CTL_H
#define CTL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
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
	bool top, once;     /* lines a second by call site */
	long long every_ms; /* of top: the time that a table is of; 0: two seconds */
};

/* Connect to the process. A socket, or -1: why is on stderr. */
int ctl_connect(const struct ctl *ctl);

/* The same in one directory, whose sockets are owner's, and in silence: what is not there, or not for us, is -1. */
int ctl_connect_in(const char *directory, pid_t pid, uid_t owner);

/* The process's name for a message, safe for a terminal; "?" where it is not known. */
void ctl_name(pid_t pid, char *out, size_t cap);

/* Send one request, get the answer: yours, NULL on error, which is on stderr. */
json_t *ctl_ask(int fd, const json_t *request);

/* Do it; returns the exit status. */
int ctl_run(const struct ctl *ctl);

/* Lines a second by call site, until the process or the user ends it; returns the exit status. */
int ctl_top(const struct ctl *ctl);

/* A text of an answer; "" where there is none. */
const char *ctl_text(const json_t *object, const char *key);

/* Whether the process refused; why is on stderr. */
bool ctl_refused(const json_t *answer);

/* The processes that listen, a line each; returns the exit status. */
int ctl_list(const struct ctl *ctl);

/* Text of a program's, so that a terminal obeys none of it. */
void ctl_put_safe(const char *text, FILE *to);

#endif
