/* SPDX-License-Identifier: Apache-2.0 */
/* caller.c - one caller of the control socket; see caller.h. */
#include "control/caller.h"

#include "base/now.h"
#include "control/answer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST_ROOM 4096

static const char no_memory[] = "{\"ok\":false,\"error\":\"out of memory\"}";

void caller_end(struct caller *c)
{
	int fd = c->fd;

	if (fd < 0)
		return;
	free(c->in);
	free(c->out);
	*c = (struct caller){.fd = -1};
	close(fd);
}

/* The answer in a line; taken. */
static void reply(struct caller *c, json_t *answer)
{
	char *text = answer ? json_dumps(answer, JSON_COMPACT) : NULL;
	int len;

	json_decref(answer);
	free(c->in);
	c->in = NULL;
	len = asprintf(&c->out, "%s\n", text ? text : no_memory);
	free(text);
	if (len < 0) {
		c->out = NULL;
		caller_end(c);
		return;
	}
	c->len = (size_t)len;
	c->until_ns = now_machine_ns() + CALLER_ANSWER_MS * UINT64_C(1000000);
}

void caller_begin(struct caller *c, int fd)
{
	socklen_t size = sizeof c->who;

	*c = (struct caller){.fd = fd};
	c->until_ns = now_machine_ns() + CALLER_REQUEST_MS * UINT64_C(1000000);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c->who, &size) || (c->who.uid && c->who.uid != geteuid()))
		reply(c, answer_refusal("permission denied: only the user of the process and root may ask"));
}

void caller_turn_away(int fd)
{
	char text[120];
	int len = snprintf(text, sizeof text, "{\"ok\":false,\"error\":\"%d others are being served: try again\"}\n",
	                   CALLERS_MAX);

	send(fd, text, (size_t)len, MSG_DONTWAIT | MSG_NOSIGNAL);
	close(fd);
}

static bool make_room(struct caller *c)
{
	size_t room = c->room ? 2 * c->room : FIRST_ROOM;
	char *grown;

	if (c->have < c->room)
		return true;
	grown = realloc(c->in, room);
	if (!grown)
		return false;
	c->in = grown;
	c->room = room;
	return true;
}

static void receive(struct caller *c)
{
	while (!c->out) {
		const char *end;
		ssize_t n;

		if (c->have >= CALLER_REQUEST) {
			reply(c, answer_refusal("the request is longer than 262144 bytes"));
			return;
		}
		if (!make_room(c)) {
			reply(c, NULL);
			return;
		}
		n = recv(c->fd, c->in + c->have, c->room - c->have, MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			caller_end(c);
			return;
		}
		end = memchr(c->in + c->have, '\n', (size_t)n);
		c->have += (size_t)n;
		if (end)
			reply(c, answer_to(c->in, (size_t)(end - c->in), &c->who));
	}
}

static void send_some(struct caller *c)
{
	while (c->sent < c->len) {
		ssize_t n = send(c->fd, c->out + c->sent, c->len - c->sent, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0)
			break;
		c->sent += (size_t)n;
	}
	caller_end(c);
}

void caller_serve(struct caller *c, bool ready)
{
	bool late = now_machine_ns() >= c->until_ns;

	if (late && c->out) {
		caller_end(c);
		return;
	}
	if (ready && !c->out)
		receive(c);
	if (late && c->fd >= 0 && !c->out)
		reply(c, answer_refusal("no whole request in 5 s: one JSON object in a line"));
	if (c->fd >= 0 && c->out)
		send_some(c);
}
