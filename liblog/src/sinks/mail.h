/* SPDX-License-Identifier: Apache-2.0 */
/* mail.h - a new log file's descriptor, for forked children that may not open it.
 *
 * Parent and children have both ends of one socket pair. One message lies in it, with the newest descriptor; children
 * look at it (MSG_PEEK, which gives each a descriptor of his own) and leave it there. So it takes nobody's time, any
 * number of children, and it works after setuid and chroot. */
#ifndef MAIL_H
#define MAIL_H

#include "base/keep.h"

struct mail {
	struct keep in, out;
};

#define MAIL_NONE ((struct mail){{.fd = -1}, {.fd = -1}})

/* Before a fork; nothing if it is there already. Without it children stay with what they inherited. */
void mail_open(struct mail *mail);
void mail_close(struct mail *mail);

/* In the place of what lies there. */
void mail_put(struct mail *mail, int fd);

/* The descriptor there, yours, if it is of another file than `known`; else -1. */
int mail_take(struct mail *mail, const struct keep *known);

#endif
