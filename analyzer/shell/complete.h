/* SPDX-License-Identifier: GPL-3.0-or-later */
/* complete.h - what the Tab key offers. */
#ifndef SHELL_COMPLETE_H
#define SHELL_COMPLETE_H

#include "shell/session.h"

/* Tells readline what to ask for the rest of the program's life; s is borrowed. */
void complete_init(struct session *s);
/* What may follow line, the beginning of a command line behind the program's name, a word a line: for the completion of
 * bash and zsh. */
void complete_print(const char *line, FILE *to);
/* The line goes on with this SQL, which earlier ones began; "": with none. Borrowed until the next call. */
void complete_in_sql(const char *sql);

#endif
