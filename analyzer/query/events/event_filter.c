/* SPDX-License-Identifier: GPL-3.0-or-later */
/* event_filter.c - see event_filter.h
 *
 * Level, target and a message that is the same in every line of a shape are judged once a shape; the rest line by line.
 */
#include "query/events/event_filter.h"
#include "ingest/line.h"
#include "query/core/match.h"
#include "render/text.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The message as users know it: without the escapes of JSON. */
static bool message_matches(struct event_filter *f, struct slice escaped)
{
	struct slice plain = escaped;

	if (!escaped.ptr)
		return false;
	if (memchr(escaped.ptr, '\\', escaped.len)) {
		text_reset(f->scratch);
		for (size_t i = 0; i < escaped.len; i++)
			text_puts(f->scratch, "   ");
		if (f->scratch->failed)
			return false;
		plain.len = json_unescape(escaped, f->scratch->ptr);
		plain.ptr = f->scratch->ptr;
	}
	return match_glob(f->message, plain);
}

static bool want(const struct shape *head, void *arg)
{
	struct event_filter *f = arg;

	if (f->most_verbose >= 0) {
		int rank = head->level.ptr ? level_rank(head->level) : -1;

		if (rank < 0 || rank > f->most_verbose)
			return false;
	}
	if (f->target && (!head->target.ptr || !match_target(f->target, head->target)))
		return false;
	return !f->message || head->message_slot >= 0 || message_matches(f, head->message);
}

bool event_filter_takes(struct event_filter *f, const struct event *e)
{
	if (e->foreign && !f->foreign) {
		f->left_out++;
		return false;
	}
	return !f->message || e->head->message_slot < 0 || message_matches(f, event_message(e));
}

int event_filter_greps(struct event_filter *f, const struct event *e)
{
	struct slice line;
	int rc;

	if (!f->has_grep)
		return 1;
	rc = event_line(e, &line);
	if (rc)
		return rc;
	text_reset(f->scratch);
	text_add(f->scratch, line.ptr, line.len);
	return f->scratch->failed ? -ENOMEM : !regexec(&f->grep, text_str(f->scratch), 0, NULL, 0);
}

static int read_grep(struct query *q, struct event_filter *f)
{
	const char *pattern = args_value(q->args, "grep");
	char why[200];
	int rc;

	if (!pattern)
		return DONE;
	rc = regcomp(&f->grep, pattern, REG_EXTENDED | REG_NOSUB | (args_has(q->args, "ignore-case") ? REG_ICASE : 0));
	if (rc) {
		regerror(rc, &f->grep, why, sizeof why);
		return query_fail(q, USAGE, "--grep %s: %s", pattern, why);
	}
	f->has_grep = true;
	return DONE;
}

static int read_level(struct query *q, struct event_filter *f)
{
	const char *level = args_value(q->args, "level");

	f->most_verbose = -1;
	if (!level)
		return DONE;
	f->most_verbose = level_rank((struct slice){level, strlen(level)});
	if (f->most_verbose < 0)
		return query_fail(q, USAGE, "--level %s: it is one of error, warn, info, debug, trace", level);
	return DONE;
}

static int read_times(struct query *q, struct event_filter *f)
{
	const char *since = args_value(q->args, "since"), *until = args_value(q->args, "until");
	int status = DONE;

	if (since)
		status = query_instant(q, f->query.run, "since", since, &f->query.since_ns);
	if (!status && until)
		status = query_instant(q, f->query.run, "until", until, &f->query.until_ns);
	return status;
}

int event_filter_init(struct query *q, struct event_filter *f)
{
	const char *tid = args_value(q->args, "tid");
	int status;

	*f = (struct event_filter){
	    .target = args_value(q->args, "target"),
	    .message = args_value(q->args, "message"),
	    .foreign = args_has(q->args, "foreign"),
	    .scratch = calloc(1, sizeof *f->scratch),
	};
	if (!f->scratch)
		return query_errno(q, -ENOMEM, q->command);
	status = query_run(q, &f->query.run);
	if (!status)
		status = read_level(q, f);
	if (!status)
		status = read_grep(q, f);
	if (!status)
		status = read_times(q, f);
	if (!status && tid)
		status = query_tid(q, tid, &f->tid);
	if (f->tid)
		f->query.tid = (struct slice){f->tid, strlen(f->tid)};
	f->query.want = want;
	f->query.want_arg = f;
	return status;
}

void event_filter_done(struct event_filter *f)
{
	if (f->has_grep)
		regfree(&f->grep);
	free(f->tid);
	if (f->scratch)
		text_done(f->scratch);
	free(f->scratch);
}
