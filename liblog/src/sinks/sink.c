/* SPDX-License-Identifier: Apache-2.0 */
/* sink.c - what all sinks share: the account of lines written and lost, and the wish to be opened anew. */
#include "sinks/sink.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Bytes of the first `lines` lines. */
static size_t prefix_bytes(const char *bytes, size_t len, size_t lines)
{
	const char *at = bytes, *end = bytes + len;

	for (; lines && at < end; lines--) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));

		at = newline ? newline + 1 : end;
	}
	return (size_t)(at - bytes);
}

static bool given_up(const struct sink *sink)
{
	return __atomic_load_n(&sink->hold, __ATOMIC_ACQUIRE) == SINK_GIVEN_UP;
}

/* false: it was given up. */
static bool go_in(struct sink *sink)
{
	char free = SINK_FREE;

	return __atomic_compare_exchange_n(&sink->hold, &free, SINK_HELD, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

/* A thread that hung comes back here, and finds its work done by another. */
static void come_out(struct sink *sink, int rc)
{
	char held = SINK_HELD;

	sink_took(sink, !rc);
	__atomic_add_fetch(&sink->failed, rc != 0, __ATOMIC_RELAXED);
	if (!__atomic_compare_exchange_n(&sink->hold, &held, SINK_FREE, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		for (;;)
			pause();
}

int sink_write(struct sink *sink, const char *bytes, size_t len, size_t lines, size_t *written)
{
	size_t whole = 0, whole_bytes;
	int rc;

	if (go_in(sink)) {
		rc = sink->ops->write(sink, bytes, len, lines, &whole);
		come_out(sink, rc);
	} else {
		rc = -ETIMEDOUT;
	}
	whole_bytes = whole == lines ? len : prefix_bytes(bytes, len, whole);
	sink->stats.lines += whole;
	sink->stats.bytes += whole_bytes;
	if (rc) {
		sink->stats.lost_lines += lines - whole;
		sink->stats.lost_bytes += len - whole_bytes;
		sink->stats.failures++;
		sink->stats.last_errno = -rc;
	}
	if (written)
		*written = whole;
	return rc;
}

int sink_sync(struct sink *sink)
{
	int rc = 0;

	if (sink->ops->sync && go_in(sink)) {
		rc = sink->ops->sync(sink);
		come_out(sink, rc);
	}
	if (rc)
		sink->stats.last_errno = -rc;
	return rc;
}

bool sink_look(struct sink *sink, struct sink_news *news)
{
	bool asked = sink_reopen_requested(sink);

	if (asked)
		__atomic_store_n(&sink->reopen_wanted, 0, __ATOMIC_RELAXED);
	return sink->ops->look && !given_up(sink) && sink->ops->look(sink, asked, news);
}

int sink_reopen(struct sink *sink)
{
	int rc = sink->ops->reopen ? sink->ops->reopen(sink) : 0;

	if (rc)
		sink->stats.last_errno = -rc;
	return rc;
}

bool sink_reopen_requested(const struct sink *sink)
{
	return __atomic_load_n(&sink->reopen_wanted, __ATOMIC_RELAXED);
}

void sink_request_reopen(struct sink *sink)
{
	__atomic_store_n(&sink->reopen_wanted, 1, __ATOMIC_RELAXED);
}

void sink_share(struct sink *sink)
{
	if (sink->ops->share)
		sink->ops->share(sink);
}

void sink_forked(struct sink *sink)
{
	memset(&sink->stats, 0, sizeof sink->stats);
	if (!given_up(sink)) /* the parent's thread may have been in it */
		__atomic_store_n(&sink->hold, SINK_FREE, __ATOMIC_RELAXED);
	if (sink->ops->forked)
		sink->ops->forked(sink);
}

bool sink_give_up(struct sink *sink)
{
	char held = SINK_HELD;

	return __atomic_compare_exchange_n(&sink->hold, &held, SINK_GIVEN_UP, false, __ATOMIC_ACQ_REL,
	                                   __ATOMIC_RELAXED);
}

void sink_close(struct sink *sink)
{
	if (sink && !given_up(sink))
		sink->ops->close(sink);
}
