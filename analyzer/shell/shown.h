/* SPDX-License-Identifier: GPL-3.0-or-later */
/* shown.h - what a command shows that works on a cluster for a while: how far it is, and that it waits for a server. */
#ifndef SHELL_SHOWN_H
#define SHELL_SHOWN_H

#include "load/progress.h"
#include "query/core/query.h"
#include "remote/http.h"

struct shown {
	struct progress line;
	bool quiet;
};

/* *m: how servers are asked, with s as who is told, and with the seconds of --retry; one that is none latches. */
void shown_init(struct shown *s, struct query *q, struct http_manner *m);
/* arg: a struct shown. */
void shown_progress(void *arg, int64_t done, int64_t total, const char *what);

#endif
