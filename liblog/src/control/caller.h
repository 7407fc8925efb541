/* SPDX-License-Identifier: Apache-2.0 */
/* caller.h - one caller of the control socket: its request comes, its answer goes, neither is waited for. */
#ifndef CALLER_H
#define CALLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define CALLERS_MAX       128          /* at once */
#define CALLER_REQUEST    (256 * 1024) /* bytes of a request */
#define CALLER_REQUEST_MS 5000         /* until all of it is here */
#define CALLER_ANSWER_MS  30000        /* until all of the answer is taken */

struct caller {
	int fd; /* -1: nobody */
	struct ucred who;
	uint64_t until_ns; /* now_machine_ns: then its time is over */
	char *in;          /* what has come of the request */
	size_t have, room;
	char *out; /* the answer; NULL while the request comes */
	size_t len, sent;
};

/* Somebody called: fd is taken. */
void caller_begin(struct caller *c, int fd);

/* Nobody can be served any more: say so, and close. */
void caller_turn_away(int fd);

/* Go on, as far as it goes without waiting. `ready`: poll said that the descriptor is. */
void caller_serve(struct caller *c, bool ready);

/* The connection ends. Also of nobody. */
void caller_end(struct caller *c);

#endif
