/* SPDX-License-Identifier: Apache-2.0 */
/* datagram.c - messages to a socket with a name; see datagram.h. */
#include "sinks/datagram.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>

#define PATIENCE_MS       1000 /* for a message */
#define BATCH_PATIENCE_MS 3000 /* for all messages of a batch */

int datagram_init(struct datagram *d, const char *path)
{
	if (strlen(path) >= sizeof d->address.sun_path)
		return -ENAMETOOLONG;
	*d = (struct datagram){.address = {.sun_family = AF_UNIX}, .kept = {.fd = -1}};
	strcpy(d->address.sun_path, path);
	return 0;
}

void datagram_done(struct datagram *d)
{
	keep_close(&d->kept);
}

static int connect_it(struct datagram *d)
{
	struct stat st;
	int rc;

	if (keep_same(&d->kept, &st))
		return 0;
	d->kept.fd = -1; /* the program may have closed it, and opened something of its own */
	rc = keep_high(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
	if (rc < 0)
		return -errno;
	d->kept = keep_note(rc);
	if (!connect(d->kept.fd, (struct sockaddr *)&d->address, sizeof d->address))
		return 0;
	rc = -errno;
	datagram_done(d);
	return rc;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int datagram_lines(struct datagram *d, struct sink *sink, struct slice text, size_t lines, size_t *written,
                   int (*send)(struct sink *sink, struct slice line, size_t i))
{
	const char *at = text.at, *end = text.at + text.len;
	int rc = 0;

	*written = 0;
	d->batch_end_ms = now_ms() + BATCH_PATIENCE_MS;
	while (*written < lines && at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at)), *stop = newline ? newline : end;

		rc = send(sink, (struct slice){at, (size_t)(stop - at)}, *written);
		if (rc)
			break;
		++*written;
		sink_took(sink, true);
		at = stop + 1;
	}
	return rc;
}

/* Until it is sent, refused, or patience ends. */
static int send_message(struct datagram *d, const struct msghdr *message)
{
	int64_t deadline_ms = 0;
	int rc = connect_it(d);

	while (!rc) {
		struct pollfd wait = {d->kept.fd, POLLOUT, 0};
		int64_t now;
		int error;

		if (sendmsg(d->kept.fd, message, MSG_NOSIGNAL) >= 0)
			return 0;
		error = errno;
		if (error == EINTR)
			continue;
		now = now_ms(); /* once: what is left of it is never negative, which poll takes for ever */
		if (!deadline_ms)
			deadline_ms = now + PATIENCE_MS < d->batch_end_ms ? now + PATIENCE_MS : d->batch_end_ms;
		if (error != EAGAIN || now >= deadline_ms)
			rc = -error;
		else
			poll(&wait, 1, (int)(deadline_ms - now));
	}
	return rc;
}

/* Who listens may have been started anew since the last one: another socket under the same name. */
int datagram_send(struct datagram *d, const struct msghdr *message)
{
	bool was_connected = d->kept.fd >= 0;
	int rc = send_message(d, message);

	if (rc != -ECONNREFUSED && rc != -ENOTCONN && rc != -ECONNRESET && rc != -EPIPE)
		return rc;
	datagram_done(d);
	return was_connected ? send_message(d, message) : rc;
}

int datagram_parse(const struct setting_source *source, const char *key, const json_t *value, char **path)
{
	const size_t room = sizeof((struct sockaddr_un *)0)->sun_path;

	if (json_is_true(value))
		return 0;
	if (!json_is_string(value))
		return setting_wrong_type(source, key, "true or the path of a socket", value);
	if (!json_string_length(value) || json_string_length(value) >= room)
		return setting_fail(source, "key \"%s\": the path of a socket has 1 to %zu bytes", key, room - 1);
	return setting_string(path, json_string_value(value));
}
