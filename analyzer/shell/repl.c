/* SPDX-License-Identifier: GPL-3.0-or-later */
/* repl.c - the shell on a terminal.
 *
 * A line is a command as on the command line, or SQL, which goes on until its ';'. Ctrl-C stops the answer, not the
 * shell; on the prompt it drops the line and the statement that it goes on with. Ctrl-D or `quit` ends it. The history
 * keeps whole statements, in $XDG_STATE_HOME/ilu-logq/history, for its owner alone: each is added when it has ended, so
 * that several shells and one that is killed lose none. */
#include "render/text.h"
#include "shell/complete.h"
#include "shell/statement.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <readline/history.h>
#include <readline/readline.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HISTORY = 10000 };

static bool dropped; /* Ctrl-C was pressed while something was typed */

/* readline calls this between keys; it makes Ctrl-C on the prompt drop the line. */
static int on_idle(void)
{
	if (query_interrupted) {
		query_interrupted = 0;
		dropped = true;
		rl_replace_line("", 1);
		rl_crlf();
		rl_done = 1;
	}
	return 0;
}

static int make_directories(char *path)
{
	for (char *p = path + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = 0;
		if (mkdir(path, 0700) && errno != EEXIST) {
			*p = '/';
			return -errno;
		}
		*p = '/';
	}
	return 0;
}

/* NULL where there is no home to keep it in. */
static char *history_path(void)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	char *path = NULL;

	if ((!state || *state != '/') && (!home || !*home))
		return NULL;
	if (asprintf(&path, "%s%s/ilu-logq/history", state && *state == '/' ? state : home,
	             state && *state == '/' ? "" : "/.local/state") < 0)
		return NULL;
	if (make_directories(path)) {
		free(path);
		return NULL;
	}
	return path;
}

/* path: of the file; NULL: there is none. */
static void remember(const char *path, const char *statement)
{
	HIST_ENTRY *last = history_length ? history_get(history_base + history_length - 1) : NULL;

	if (!*statement || (last && !strcmp(last->line, statement)))
		return;
	add_history(statement);
	if (path)
		append_history(1, path);
}

/* Made for its owner alone; an old one becomes so. */
static void read_kept(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	if (fd >= 0) {
		if (fchmod(fd, 0600))
			fprintf(stderr, "ilu-logq: %s: %s\n", path, strerror(errno));
		close(fd);
	}
	read_history(path);
}

/* With the verdict, where there is something to judge. */
static void greet(struct session *s)
{
	static char summary[] = "summary";
	char *words[] = {summary};

	printf("ilu-logq %s  %s  `help` lists the commands, SQL ends with ;\n", ILU_VERSION, s->settings.db);
	fflush(stdout);
	if (!access(s->settings.db, R_OK) && s->settings.format == FORMAT_TEXT)
		session_run(s, 1, words, "");
}

static void set_up(struct session *s)
{
	/* A pager that was quit must not take the shell with it. */
	signal(SIGPIPE, SIG_IGN);
	s->interactive = true;
	complete_init(s);
	rl_catch_signals = 0;
	rl_event_hook = on_idle;
	rl_set_keyboard_input_timeout(100000);
	using_history();
	history_comment_char = '#';
	history_write_timestamps = 1; /* they part statements of several lines in the file */
	stifle_history(HISTORY);
}

int repl_run(struct session *s)
{
	struct typing typing = {.session = s};
	char *history = history_path();
	bool go_on = true;
	char *line;

	set_up(s);
	if (history)
		read_kept(history);
	if (!s->settings.quiet)
		greet(s);
	while (go_on && (line = readline(typing.sql.len ? "     ...> " : "ilu-logq> "))) {
		query_interrupted = 0;
		if (dropped)
			typing_drop(&typing);
		dropped = false;
		go_on = typing_line(&typing, line);
		remember(history, text_str(&typing.whole));
		complete_in_sql(text_str(&typing.sql));
		query_interrupted = 0;
		free(line);
	}
	if (go_on)
		putchar('\n');
	if (history)
		history_truncate_file(history, HISTORY);
	free(history);
	typing_done(&typing);
	return DONE;
}
