/* SPDX-License-Identifier: GPL-3.0-or-later */
/* statement.c - see statement.h */
#include "shell/statement.h"
#include "render/number.h"
#include "shell/words.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { WORDS = 1000 };

/* ---- where an answer goes ---- */

/* The | or > behind a statement: of SQL behind its ';', of a command after a blank and outside quotes. NULL: none. */
static const char *find_redirect(const char *line, bool sql)
{
	char quote = 0;
	bool ended = false;

	for (const char *p = line; *p; p++) {
		if (quote) {
			quote = *p == quote ? 0 : quote;
		} else if (*p == '\'' || *p == '"') {
			quote = *p;
			ended = false;
		} else if (*p == ';') {
			ended = true;
		} else if ((*p == '|' || *p == '>') && (sql ? ended : p > line && strchr(" \t;", p[-1]) != NULL)) {
			return p;
		} else if (!strchr(" \t\r\n", *p)) {
			ended = false;
		}
	}
	return NULL;
}

static FILE *open_redirect(const char *redirect)
{
	bool append = !strncmp(redirect, ">>", 2);
	const char *name = redirect + 1 + append;
	char *path;
	FILE *to;
	size_t len;

	name += strspn(name, " \t");
	len = strlen(name);
	while (len && strchr(" \t\r\n;", name[len - 1]))
		len--;
	path = strndup(name, len);
	if (!path || !len) {
		fprintf(stderr, "ilu-logq: behind %c stands %s\n", *redirect,
		        *redirect == '|' ? "a command of the system" : "the name of a file");
		free(path);
		return NULL;
	}
	fflush(stdout);
	to = *redirect == '|' ? popen(path, "w") : fopen(path, append ? "a" : "w");
	if (!to)
		fprintf(stderr, "ilu-logq: %s: %s\n", path, strerror(errno));
	free(path);
	return to;
}

/* jq reads JSON alone. */
static bool is_jq(const char *redirect)
{
	const char *name = redirect && *redirect == '|' ? redirect + 1 : "";

	name += strspn(name, " \t");
	return !strncmp(name, "jq", 2) && strcspn(name, " \t\r\n;|") == 2;
}

static void close_redirect(FILE *to, bool file)
{
	if (!file)
		pclose(to);
	else if (fclose(to))
		fprintf(stderr, "ilu-logq: output: %s\n", strerror(errno));
}

/* ---- commands ---- */

/* `COMMAND;` is COMMAND. */
static void strip_semicolon(char *line)
{
	size_t len = strlen(line);

	while (len && strchr(" \t\r\n;", line[len - 1]))
		line[--len] = 0;
}

/* false: leave */
static bool run_words(struct session *s, char *line)
{
	char *words[WORDS];
	int n = words_split(line, words, WORDS);

	if (n == -EINVAL)
		fprintf(stderr, "ilu-logq: a quote is not closed\n");
	else if (n < 0)
		fprintf(stderr, "ilu-logq: too many words\n");
	else if (n > 0 && (!strcmp(words[0], "quit") || !strcmp(words[0], "exit")))
		return false;
	else if (n > 0)
		session_run(s, n, words, "");
	return true;
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
			/* The words go with this line; the path and the columns must stay. */
			char *db = in.settings.db == s->settings.db ? NULL : strdup(in.settings.db);
			char *columns = in.settings.columns == s->settings.columns ? NULL : strdup(in.settings.columns);

			s->settings = in.settings;
			if (db)
				s->settings.db = db;
			if (columns)
				s->settings.columns = columns;
			taken = true;
		}
		options_done(&in);
	}
	free(why);
	free(copy);
	return taken;
}

static void say_time(const struct timespec *from)
{
	struct timespec to;
	char buf[NUMBER_MAX];

	clock_gettime(CLOCK_MONOTONIC, &to);
	number_duration((to.tv_sec - from->tv_sec) * 1000000000LL + to.tv_nsec - from->tv_nsec, session_micro(), buf);
	fprintf(stderr, "took %s\n", buf);
}

bool typing_run(struct typing *t, const char *statement)
{
	bool sql = words_are_sql(statement), go_on = true;
	const char *redirect = find_redirect(statement, sql);
	char *text = redirect ? strndup(statement, (size_t)(redirect - statement)) : strdup(statement);
	FILE *to = redirect ? open_redirect(redirect) : NULL;
	bool file = redirect && *redirect == '>';
	enum format format = t->session->settings.format;
	struct timespec from;

	clock_gettime(CLOCK_MONOTONIC, &from);
	if (text && (to || !redirect)) {
		t->session->to = to;
		t->session->to_file = file;
		if (format == FORMAT_TEXT && is_jq(redirect))
			t->session->settings.format = FORMAT_JSON;
		if (!sql)
			strip_semicolon(text);
		if (sql)
			session_sql(t->session, text, "");
		else
			go_on = run_settings(t->session, text) || run_words(t->session, text);
		t->session->to = NULL;
		t->session->to_file = false;
		if (format == FORMAT_TEXT && is_jq(redirect))
			t->session->settings.format = format;
	}
	if (to)
		close_redirect(to, file);
	if (t->timer && go_on && statement[strspn(statement, " \t\r\n")])
		say_time(&from);
	free(text);
	return go_on;
}

/* ---- lines ---- */

/* The first word of a line without what stands behind it; "" where it is no plain word alone. */
static void only_word(const char *line, char *out, size_t size)
{
	size_t n;

	line += strspn(line, " \t");
	n = strcspn(line, " \t\r\n;");
	*out = 0;
	if (n < size && !line[n + strspn(line + n, " \t\r\n;")]) {
		memcpy(out, line, n);
		out[n] = 0;
	}
}

static void say_open(const struct typing *t)
{
	struct text safe = {0}, cut = {0};

	text_add_terminal(&safe, text_str(&t->sql), t->sql.len);
	text_add_cut(&cut, text_str(&safe), safe.len, 40, false);
	fprintf(stderr, "still in the statement that began with: %s (; ends it, Ctrl-C drops it)\n", text_str(&cut));
	text_done(&safe);
	text_done(&cut);
}

/* A word of the shell's in the middle of a statement: somebody has forgotten the ';'. *go_on is set where it was one.
 */
static bool meant_for_shell(struct typing *t, const char *line, bool *go_on)
{
	char word[32];

	only_word(line, word, sizeof word);
	if (!strcmp(word, "exit") || !strcmp(word, "quit")) {
		*go_on = false;
		return true;
	}
	if (!strcmp(word, "help") || *word == '.' || *word == '\\') {
		*go_on = *word == 'h' ? typing_run(t, word) : dot_run(t, word);
		say_open(t);
		return true;
	}
	return false;
}

static void remember(struct typing *t, const char *statement)
{
	text_reset(&t->last);
	text_puts(&t->last, statement);
}

static bool take_sql(struct typing *t, const char *line)
{
	char word[32];
	const char *redirect;
	char *end;

	if (t->sql.len)
		text_puts(&t->sql, "\n");
	text_puts(&t->sql, line);
	redirect = find_redirect(text_str(&t->sql), true);
	end = strndup(text_str(&t->sql), redirect ? (size_t)(redirect - text_str(&t->sql)) : t->sql.len);
	if (end && words_sql_complete(end)) {
		text_puts(&t->whole, text_str(&t->sql));
		text_reset(&t->sql);
		remember(t, text_str(&t->whole));
		typing_run(t, text_str(&t->whole));
	} else if (t->sql.len > strlen(line)) {
		only_word(line, word, sizeof word);
		if (*word && command_find(word))
			say_open(t);
	}
	free(end);
	return true;
}

bool typing_line(struct typing *t, const char *line)
{
	const char *first = line + strspn(line, " \t");
	bool go_on = true;

	text_reset(&t->whole);
	if (t->sql.len && meant_for_shell(t, line, &go_on))
		return go_on;
	if (t->sql.len || words_are_sql(line))
		return take_sql(t, line);
	text_puts(&t->whole, line);
	if (*first == '.' || *first == '\\')
		return dot_run(t, first);
	if (*first && *first != '#')
		remember(t, line);
	return typing_run(t, line);
}

void typing_drop(struct typing *t)
{
	text_reset(&t->sql);
}

void typing_done(struct typing *t)
{
	text_done(&t->sql);
	text_done(&t->last);
	text_done(&t->whole);
}
