/* SPDX-License-Identifier: Apache-2.0 */
/* datagram.h - messages to a socket with a name, at which somebody may listen or not.
 *
 * Nobody may be there: at the start, or later. Then a message fails, and the next one tries again; one that listens
 * anew is found. One that does not read is waited for a second; one that is slow, for each message anew, and three
 * seconds in a batch: callers wait with it, and the log's other sinks. */
#ifndef DATAGRAM_H
#define DATAGRAM_H

#include "base/keep.h"
#include "base/lineread.h"
#include "base/setting.h"
#include "sinks/sink.h"

#include <sys/socket.h>
#include <sys/un.h>

struct datagram {
	struct sockaddr_un address;
	struct keep kept; /* -1: not connected */
	int64_t batch_end_ms;
};

/* `path` is copied. 0 or -ENAMETOOLONG. */
int datagram_init(struct datagram *d, const char *path);
void datagram_done(struct datagram *d);

/* A batch, as sink_ops has it, by messages of a line each. `send` sends the i-th, 0 or a negative errno, which ends the
 * batch. */
int datagram_lines(struct datagram *d, struct sink *sink, struct slice text, size_t lines, size_t *written,
                   int (*send)(struct sink *sink, struct slice line, size_t i));

/* 0 or a negative errno; -EMSGSIZE or -ENOBUFS where it is too long. */
int datagram_send(struct datagram *d, const struct msghdr *message);

/* The value of a key that is true or a path. 0, -ENOMEM, or -EINVAL and a complaint. */
int datagram_parse(const struct setting_source *source, const char *key, const json_t *value, char **path);

#endif
