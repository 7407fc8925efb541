/* SPDX-License-Identifier: GPL-3.0-or-later */
/* complete.h - what the Tab key offers. */
#ifndef SHELL_COMPLETE_H
#define SHELL_COMPLETE_H

#include "shell/session.h"

/* Tells readline what to ask for the rest of the program's life; s is borrowed. */
void complete_init(struct session *s);
/* The line goes on with this SQL, which earlier ones began; "": with none. Borrowed until the next call. */
void complete_in_sql(const char *sql);

#endif
