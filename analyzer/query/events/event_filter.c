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

		if (rank < 0 ? !f->errors_too || !head->as_error || head->level_text.ptr : rank > f->most_verbose)
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

static void read_grep(struct query *q, struct event_filter *f)
{
	const char *pattern = args_value(q->args, "grep");
	int flags = REG_EXTENDED | REG_NOSUB | (args_has(q->args, "ignore-case") ? REG_ICASE : 0);
	char why[200];
	int rc;

	if (!pattern)
		return;
	rc = regcomp(&f->grep, pattern, flags);
	f->has_grep = !rc;
	if (rc) {
		regerror(rc, &f->grep, why, sizeof why);
		query_fail(q, USAGE, "--grep %s: %s", pattern, why);
	}
}

int event_filter_level(struct query *q)
{
	const char *level = args_value(q->args, "level");
	int rank = level ? level_rank((struct slice){level, strlen(level)}) : -1;

	if (level && rank < 0)
		query_fail(q, USAGE, "--level %s: it is one of error, warn, info, debug, trace", level);
	return rank;
}

void event_filter_of_level(struct event_filter *f, int64_t run, int most_verbose)
{
	*f = (struct event_filter){.most_verbose = most_verbose, .query = {.run = run, .want = want, .want_arg = f}};
}

void event_filter_init(struct query *q, struct event_filter *f)
{
	const char *tid = args_value(q->args, "tid");

	event_filter_of_level(f, query_run(q), -1);
	f->target = args_value(q->args, "target");
	f->message = args_value(q->args, "message");
	f->foreign = args_has(q->args, "foreign");
	f->scratch = calloc(1, sizeof *f->scratch);
	query_ok(q, f->scratch ? 0 : -ENOMEM, q->command);
	f->most_verbose = event_filter_level(q);
	read_grep(q, f);
	query_between(q, f->query.run, &f->query.since_ns, &f->query.until_ns);
	if (tid)
		f->tid = query_tid(q, tid);
	if (f->tid.tid) {
		f->query.tid = (struct slice){f->tid.tid, strlen(f->tid.tid)};
		f->query.places = &f->tid.places;
	}
}

int event_filter_read(struct store *s, struct event_filter *f, int (*each)(void *arg, const struct event *e), void *arg)
{
	struct event_cursor *c = NULL;
	const struct event *e;
	int rc = event_cursor_open(s, &f->query, &c);

	while (c && !rc && (rc = event_cursor_next(c, &e)) == 1) {
		rc = query_interrupted ? -EINTR : 0;
		if (!rc && event_filter_takes(f, e))
			rc = each(arg, e);
	}
	event_cursor_close(c);
	return rc;
}

void event_filter_each(struct query *q, struct event_filter *f, int (*each)(void *arg, const struct event *e),
                       void *arg)
{
	if (!q->status)
		query_ok(q, event_filter_read(q->store, f, each, arg), q->path);
}

void event_filter_done(struct event_filter *f)
{
	if (f->has_grep)
		regfree(&f->grep);
	query_tid_done(&f->tid);
	if (f->scratch)
		text_done(f->scratch);
	free(f->scratch);
}
