/* SPDX-License-Identifier: GPL-3.0-or-later */
/* statement.h - what is typed into the shell, line by line: commands, SQL up to its ';', dot commands; where each one's
 * answer goes. */
#ifndef SHELL_STATEMENT_H
#define SHELL_STATEMENT_H

#include "render/text.h"
#include "shell/session.h"

struct typing {
	struct session *session;
	struct text sql;   /* a statement that goes on in the next line */
	struct text last;  /* the last whole one, with where it went */
	struct text whole; /* the one just ended, as the history keeps it */
	bool timer;        /* how long each answer took is said */
	int depth;         /* of files that are being read */
};

/* Takes one line. false: the user wants to leave. */
bool typing_line(struct typing *t, const char *line);
/* Forgets a statement that was begun. */
void typing_drop(struct typing *t);
/* Runs a whole statement, a command or SQL, with what stands behind it: | COMMAND, > FILE, >> FILE. */
bool typing_run(struct typing *t, const char *statement);
void typing_done(struct typing *t);

/* A line that begins with a dot or a backslash: .tables, \d, ... false: leave. */
bool dot_run(struct typing *t, const char *line);

#endif
