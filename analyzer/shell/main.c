/* SPDX-License-Identifier: GPL-3.0-or-later */
/* main.c - ilu-logq: one command and its exit status, commands from a pipe, or the shell. */
#include "shell/session.h"
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Options alone: whatever is not a command is the shell's business. */
static int without_command(struct session *s, const struct invocation *in)
{
	s->settings = in->settings;
	return isatty(STDIN_FILENO) ? repl_run(s) : script_run(s);
}

int main(int argc, char **argv)
{
	static char buffer[1 << 16]; /* stdout's, to the end of the program */
	struct session session = {.settings = settings_default()};
	struct invocation in;
	char *why;
	int status;
	int rc;

	/* Answers can be long: fewer, larger writes. A terminal gets its lines as they come. */
	if (!isatty(STDOUT_FILENO))
		setvbuf(stdout, buffer, _IOFBF, sizeof buffer);

	/* Numbers are read and written with a point whatever the user's language. */
	setlocale(LC_CTYPE, "");
	session_catch_interrupt();
	signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error like a full disk */
	rc = options_parse(argc - 1, argv + 1, &session.settings, &in, &why);
	if (!rc && !in.command && !in.settings.help && !in.settings.version) {
		status = without_command(&session, &in);
	} else {
		free(why);
		status = session_run(&session, argc - 1, argv + 1, "");
	}
	if (!rc)
		options_done(&in);
	session_done(&session);
	if (fclose(stdout) && errno != EPIPE && status < USAGE) {
		fprintf(stderr, "ilu-logq: output: %s\n", strerror(errno));
		status = SYSTEM;
	}
	return status;
}
