/* SPDX-License-Identifier: GPL-3.0-or-later */
/* script.c - commands from standard input, as the shell takes them: one a line, SQL up to its ';'.
 *
 * The first command that fails ends it, and its status is the program's; findings do not end it, but are told at the
 * end. */
#include "render/text.h"
#include "shell/session.h"
#include "shell/words.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS = 1000 };

struct script {
	struct session *session;
	struct text sql; /* a statement that goes on in the next line */
	int line, sql_line;
	int status;
};

static bool ends(const char *word)
{
	return !strcmp(word, "quit") || !strcmp(word, "exit");
}

static int run_words(struct script *b, char *line, const char *place)
{
	char *words[WORDS];
	int n = words_split(line, words, WORDS);

	if (n < 0) {
		fprintf(stderr, "ilu-logq: %s%s\n", place, n == -EINVAL ? "a quote is not closed" : "too many words");
		return USAGE;
	}
	if (!n)
		return DONE;
	if (ends(words[0]))
		return -1;
	return session_run(b->session, n, words, place);
}

static int run_sql(struct script *b)
{
	char place[40];
	int status;

	snprintf(place, sizeof place, "line %d: ", b->sql_line);
	status = session_sql(b->session, text_str(&b->sql), place);
	text_reset(&b->sql);
	return status;
}

/* -1: no more */
static int take_line(struct script *b, char *line)
{
	char place[40];

	if (!b->sql.len && !words_are_sql(line)) {
		snprintf(place, sizeof place, "line %d: ", b->line);
		return run_words(b, line, place);
	}
	if (!b->sql.len)
		b->sql_line = b->line;
	text_puts(&b->sql, line);
	return words_sql_complete(text_str(&b->sql)) ? run_sql(b) : DONE;
}

int script_run(struct session *s)
{
	struct script b = {.session = s};
	char *line = NULL;
	size_t size = 0;
	int status = DONE;

	while (status >= DONE && status < USAGE && getline(&line, &size, stdin) > 0) {
		b.line++;
		status = take_line(&b, line);
		if (status > b.status)
			b.status = status;
	}
	if (status >= DONE && status < USAGE && b.sql.len) {
		status = run_sql(&b);
		b.status = status > b.status ? status : b.status;
	}
	free(line);
	text_done(&b.sql);
	return b.status;
}
