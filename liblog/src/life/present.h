/* SPDX-License-Identifier: Apache-2.0 */
/* present.h - the configuration of the present start, and the control socket it asks for. With logger.control. */
#ifndef PRESENT_H
#define PRESENT_H

#include "config/config.h"

struct server;

extern struct config present_config;

/* Keep it, in the place of the last one; taken. */
void present_use(struct config *fresh);

/* The control socket. 0, also when none is wanted, or a negative errno and last_error. Where the directory is somebody
 * else's it is 0, too, without a socket, and *without says why (else ""): who makes a directory first must not keep a
 * daemon from starting. */
int served_start(const char **without);
/* To be joined without the lock; NULL: there was none. */
struct server *served_dismiss(void);
/* In a child: forget the parent's. */
void served_reset(void);
/* In a child that logs: one of its own. It may have given up the right to the directory; then it logs all the same, and
 * a filter for a while ends now. */
void served_again(void);

#endif
