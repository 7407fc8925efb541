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
	return __atomic_load_n(&sink->given_up, __ATOMIC_ACQUIRE);
}

/* The thread that hung comes back, and finds its work done by another. */
static void stay_if_given_up(const struct sink *sink)
{
	while (given_up(sink))
		pause();
}

int sink_write(struct sink *sink, const char *bytes, size_t len, size_t lines, size_t *written)
{
	size_t whole = 0, whole_bytes;
	int rc;

	if (given_up(sink)) {
		rc = -ETIMEDOUT;
	} else {
		rc = sink->ops->write(sink, bytes, len, lines, &whole);
		stay_if_given_up(sink);
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

	if (sink->ops->sync && !given_up(sink)) {
		rc = sink->ops->sync(sink);
		stay_if_given_up(sink);
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
	if (sink->ops->forked)
		sink->ops->forked(sink);
}

void sink_give_up(struct sink *sink)
{
	__atomic_store_n(&sink->given_up, 1, __ATOMIC_RELEASE);
}

void sink_close(struct sink *sink)
{
	if (sink && !given_up(sink))
		sink->ops->close(sink);
}
