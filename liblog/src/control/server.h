/* SPDX-License-Identifier: Apache-2.0 */
/* server.h - the control socket of the process: what ilu-logctl(1) talks to. */
#ifndef SERVER_H
#define SERVER_H

#include <stddef.h>

struct server;

/* Listen in a directory ("auto": see rundir.h), which is made if it is not there, with a thread that sleeps until
 * somebody calls or a filter is to be reverted.
 *
 * out       end with server_stop, then server_join
 * why, cap  the message of an error
 *
 * Returns 0 or a negative errno; -EPERM alone is what others can bring about: they have made the directory first. */
int server_start(const char *directory, struct server **out, char *why, size_t cap);

/* Ask it to end and remove the socket; does not wait, so that it may be called with locks held. NULL is allowed. */
void server_stop(struct server *s);
/* Wait for the thread, and free. NULL is allowed. */
void server_join(struct server *s);

/* In the child of a fork, which has no such thread: close what was inherited, free. NULL is allowed. */
void server_forget(struct server *s);

#endif
