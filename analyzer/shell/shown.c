/* SPDX-License-Identifier: GPL-3.0-or-later */
/* shown.c - see shown.h */
#include "shell/shown.h"
#include "query/core/complain.h"

#include <unistd.h>

enum { RETRY_S = 60 };

void shown_progress(void *arg, int64_t done, int64_t total, const char *what)
{
	struct shown *s = arg;

	s->line.total_bytes = total;
	progress_show(&s->line, done, done, what);
}

static void show_waiting(void *arg, const char *why)
{
	struct shown *s = arg;

	progress_clear(&s->line);
	if (!s->quiet)
		complain(-1, "%s; trying again", why);
}

void shown_init(struct shown *s, struct query *q, struct http_manner *m)
{
	const char *retry = args_value(q->args, "retry");
	int64_t seconds = RETRY_S;

	s->quiet = q->quiet;
	progress_init(&s->line, STDERR_FILENO, q->quiet, -1);
	if (retry && (args_number(retry, &seconds) || seconds > 86400))
		query_fail(q, USAGE, "--retry %s: it is a number of seconds, at most a day", retry);
	*m = (struct http_manner){&query_interrupted, (unsigned)seconds, show_waiting, s};
}
