/* SPDX-License-Identifier: GPL-3.0-or-later */
/* repl.c - the shell on a terminal.
 *
 * A line is a command as on the command line, or SQL, which goes on until its ';'. Ctrl-C stops the answer, not the
 * shell; on the prompt it drops the line. Ctrl-D or `quit` ends it. The history is kept in
 * $XDG_STATE_HOME/ilu-logq/history. */
#include "render/text.h"
#include "shell/complete.h"
#include "shell/words.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <readline/history.h>
#include <readline/readline.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WORDS = 1000, HISTORY = 10000 };

/* readline calls this between keys; it makes Ctrl-C on the prompt drop the line. */
static int on_idle(void)
{
	if (query_interrupted) {
		query_interrupted = 0;
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

static void remember(const char *line)
{
	HIST_ENTRY *last = history_length ? history_get(history_base + history_length - 1) : NULL;

	if (*line && (!last || strcmp(last->line, line)))
		add_history(line);
}

/* false: leave */
static bool run_words(struct session *s, const char *line)
{
	char *copy = strdup(line);
	char *words[WORDS];
	int n = copy ? words_split(copy, words, WORDS) : 0;
	bool go_on = true;

	if (n == -EINVAL)
		fprintf(stderr, "ilu-logq: a quote is not closed\n");
	else if (n > 0 && (!strcmp(words[0], "quit") || !strcmp(words[0], "exit")))
		go_on = false;
	else if (n > 0)
		session_run(s, n, words, "");
	free(copy);
	return go_on;
}

/* Options that change the session itself: `-d FILE` or `--format csv` on a line of its own. */
static bool run_settings(struct session *s, const char *line)
{
	char *copy = strdup(line);
	char *words[WORDS], *why = NULL;
	struct invocation in;
	int n = copy ? words_split(copy, words, WORDS) : 0;
	bool taken = false;

	if (n > 0 && words[0][0] == '-' && !options_parse(n, words, &s->settings, &in, &why)) {
		if (!in.command && !in.settings.help && !in.settings.version) {
			/* The words go with this line; the path must stay. */
			char *db = in.settings.db == s->settings.db ? NULL : strdup(in.settings.db);

			s->settings = in.settings;
			if (db)
				s->settings.db = db;
			taken = true;
		}
		options_done(&in);
	}
	free(why);
	free(copy);
	return taken;
}

static bool take_line(struct session *s, struct text *sql, const char *line)
{
	if (!sql->len && !words_are_sql(line))
		return run_settings(s, line) || run_words(s, line);
	if (sql->len)
		text_puts(sql, "\n");
	text_puts(sql, line);
	if (words_sql_complete(text_str(sql))) {
		session_sql(s, text_str(sql), "");
		text_reset(sql);
	}
	return true;
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
	stifle_history(HISTORY);
}

int repl_run(struct session *s)
{
	char *history = history_path();
	struct text sql = {0};
	bool go_on = true;
	char *line;

	set_up(s);
	if (history)
		read_history(history);
	if (!s->settings.quiet)
		greet(s);
	while (go_on && (line = readline(sql.len ? "     ...> " : "ilu-logq> "))) {
		query_interrupted = 0;
		remember(line);
		go_on = take_line(s, &sql, line);
		complete_in_sql(sql.len > 0);
		query_interrupted = 0;
		free(line);
	}
	if (go_on)
		putchar('\n');
	if (history)
		write_history(history);
	free(history);
	text_done(&sql);
	return DONE;
}
