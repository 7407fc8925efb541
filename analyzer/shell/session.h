/* SPDX-License-Identifier: GPL-3.0-or-later */
/* session.h - one run of the program: from a command line to its exit status. */
#ifndef SHELL_SESSION_H
#define SHELL_SESSION_H

#include "shell/options.h"

struct session {
	struct settings settings; /* what commands start from */
	struct store *store;      /* the shell keeps it open from one command to the next; else NULL */
	char *store_path;         /* of the open store; owned */
	bool interactive;         /* the shell on a terminal: long answers go through the pager */
	FILE *to;                 /* where the next answer goes: a pipe or a file; NULL: standard output; borrowed */
	bool to_file;             /* to is a file: as wide as it gets */
};

/* Runs one command line and prints its error, if any. place is put before the message ("" or "stdin:3: "). */
int session_run(struct session *s, int n, char *const *argv, const char *place);
/* Runs SQL as the command `sql` would. */
int session_sql(struct session *s, const char *sql, const char *place);
void session_done(struct session *s);

/* Opens the database for reading, if it is not open yet: for completion. NULL where that fails. */
struct store *session_store(struct session *s);
/* Columns that text has to fit into; 0: no limit. */
int session_width(const struct session *s);

/* "µ", or "u" where the terminal has no such letter. */
const char *session_micro(void);

/* Installs the handler of Ctrl-C. */
void session_catch_interrupt(void);

/* While a load runs, Ctrl-C asks it to stop. */
void session_loading(bool on);

/* Reads commands from standard input, one a line. */
int script_run(struct session *s);
/* The shell on a terminal. */
int repl_run(struct session *s);

#endif
