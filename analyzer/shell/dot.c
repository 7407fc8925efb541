/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dot.c - commands of the shell itself: those of SQLite's, DuckDB's and PostgreSQL's shells that hands know.
 *
 * Saved queries are files, $XDG_CONFIG_HOME/ilu-logq/queries/NAME.sql; $1, $2, ... in them stand for the words behind
 * the name, as SQL's strings. */
#include "render/fold.h"
#include "shell/statement.h"
#include "shell/words.h"
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WORDS = 100, DEEPEST = 8 };

/* word[0] is the name; n words. false: leave. */
typedef bool dot_fn(struct typing *t, int n, char **word);

static bool run_line(struct typing *t, const char *format, const char *word)
{
	char *line;
	bool go_on = true;

	if (asprintf(&line, format, word) >= 0) {
		go_on = typing_run(t, line);
		free(line);
	}
	return go_on;
}

static bool dot_tables(struct typing *t, int n, char **word)
{
	return n > 1 ? run_line(t, "describe '%s'", word[1]) : typing_run(t, "tables");
}

static bool dot_quit(struct typing *t, int n, char **word)
{
	(void)t, (void)n, (void)word;
	return false;
}

static bool dot_timer(struct typing *t, int n, char **word)
{
	t->timer = n > 1 ? !strcmp(word[1], "on") : !t->timer;
	printf("timer %s\n", t->timer ? "on" : "off");
	return true;
}

static bool dot_mode(struct typing *t, int n, char **word)
{
	return n > 1 ? run_line(t, "--format '%s'", word[1]) : typing_run(t, "--help");
}

static bool dot_width(struct typing *t, int n, char **word)
{
	if (n > 1)
		return run_line(t, "--width '%s'", word[1]);
	t->session->settings.width = -1;
	return true;
}

static bool dot_records(struct typing *t, int n, char **word)
{
	(void)n, (void)word;
	t->session->settings.format = FORMAT_TEXT;
	t->session->settings.records = !t->session->settings.records;
	printf("records on several lines %s\n", t->session->settings.records ? "on" : "off");
	return true;
}

static bool dot_read(struct typing *t, int n, char **word)
{
	FILE *in = n > 1 ? fopen(word[1], "r") : NULL;
	char *line = NULL;
	size_t size = 0;
	bool go_on = true;

	if (!in || t->depth == DEEPEST) {
		fprintf(stderr, "ilu-logq: .read %s: %s\n", n > 1 ? word[1] : "FILE",
		        n < 2 ? "it needs the name of a file"
		        : in  ? "files read each other"
		              : strerror(errno));
		if (in)
			fclose(in);
		return true;
	}
	t->depth++;
	while (go_on && !query_interrupted && getline(&line, &size, in) > 0) {
		line[strcspn(line, "\r\n")] = 0;
		go_on = typing_line(t, line);
	}
	t->depth--;
	free(line);
	fclose(in);
	return go_on;
}

/* The last answer again, with every column, or in another format. */
static bool dot_last(struct typing *t, int n, char **word)
{
	struct settings before = t->session->settings;
	bool go_on = true;
	char *again = strdup(text_str(&t->last));

	if (!again || !*again) {
		fprintf(stderr, "ilu-logq: there is no answer yet\n");
	} else {
		if (n > 1)
			run_line(t, "--format '%s'", word[1]);
		t->session->settings.columns = "all";
		go_on = typing_run(t, again);
		t->session->settings = before;
	}
	free(again);
	return go_on;
}

/* ---- saved queries ---- */

/* The directory, or the file of a name; NULL: no home, or a name that is none. To be freed. */
static char *query_path(const char *name)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	bool own = config && *config == '/';
	char *path = NULL;

	if ((!own && (!home || !*home)) || (name && (!*name || *name == '.' || strchr(name, '/'))))
		return NULL;
	if (asprintf(&path, "%s%s/ilu-logq/queries%s%s%s", own ? config : home, own ? "" : "/.config", name ? "/" : "",
	             name ? name : "", name ? ".sql" : "") < 0)
		return NULL;
	return path;
}

static int make_directories(char *path)
{
	for (char *p = path + 1; *p; p++) {
		int rc;

		if (*p != '/')
			continue;
		*p = 0;
		rc = mkdir(path, 0700) && errno != EEXIST ? -errno : 0;
		*p = '/';
		if (rc)
			return rc;
	}
	return 0;
}

static bool dot_save(struct typing *t, int n, char **word)
{
	char *path = n > 1 ? query_path(word[1]) : NULL;
	FILE *to;
	int rc = path ? make_directories(path) : -EINVAL;

	if (!rc && !words_are_sql(text_str(&t->last)))
		fprintf(stderr, "ilu-logq: .save keeps the last SQL: there was none\n");
	else if (rc || !(to = fopen(path, "w")))
		fprintf(stderr, "ilu-logq: .save %s: %s\n", n > 1 ? word[1] : "NAME", strerror(rc ? -rc : errno));
	else if (fprintf(to, "%s\n", text_str(&t->last)) < 0 || fclose(to))
		fprintf(stderr, "ilu-logq: %s: %s\n", path, strerror(errno));
	else
		printf("%s\n", path);
	free(path);
	return true;
}

static void add_string(struct text *out, const char *word)
{
	text_puts(out, "'");
	for (; *word; word++) {
		text_add(out, word, 1);
		if (*word == '\'')
			text_puts(out, "'");
	}
	text_puts(out, "'");
}

/* $1 to $9 are the words behind the name; which one is missing, or 0. */
static int fill_in(struct text *out, const char *sql, int n, char **word)
{
	for (; *sql; sql++) {
		int i = *sql == '$' && sql[1] >= '1' && sql[1] <= '9' ? sql[1] - '0' : 0;

		if (!i) {
			text_add(out, sql, 1);
			continue;
		}
		if (i + 1 >= n)
			return i;
		add_string(out, word[i + 1]);
		sql++;
	}
	return 0;
}

static bool dot_run_saved(struct typing *t, int n, char **word)
{
	char *path = n > 1 ? query_path(word[1]) : NULL, *sql = NULL;
	FILE *in = path ? fopen(path, "r") : NULL;
	struct text filled = {0};
	size_t size = 0;
	int missing;

	if (!in || getdelim(&sql, &size, 0, in) < 0) {
		fprintf(stderr, "ilu-logq: .run %s: %s\n", n > 1 ? word[1] : "NAME",
		        n > 1 ? "no query of that name; .queries lists them" : "it needs the name of a query");
	} else {
		missing = fill_in(&filled, sql, n, word);
		if (missing)
			fprintf(stderr, "ilu-logq: .run %s: it needs a word for $%d\n", word[1], missing);
		else if (!filled.failed)
			typing_run(t, text_str(&filled));
	}
	if (in)
		fclose(in);
	free(sql);
	free(path);
	text_done(&filled);
	return true;
}

static int is_query(const struct dirent *e)
{
	size_t len = strlen(e->d_name);

	return e->d_name[0] != '.' && len > 4 && !strcmp(e->d_name + len - 4, ".sql");
}

static bool dot_queries(struct typing *t, int n, char **word)
{
	char *path = query_path(NULL);
	struct dirent **found = NULL;
	int count = path ? scandir(path, &found, is_query, alphasort) : 0;

	(void)t, (void)n, (void)word;
	for (int i = 0; i < count; i++) {
		struct text safe = {0};

		text_add_terminal(&safe, found[i]->d_name, strlen(found[i]->d_name) - 4);
		printf("%s\n", text_str(&safe));
		text_done(&safe);
		free(found[i]);
	}
	if (count <= 0)
		printf("none; .save NAME keeps the last SQL\n");
	free(found);
	free(path);
	return true;
}

/* ---- all of them ---- */

static dot_fn dot_help;

static const struct {
	const char *name, *also, *words, *help;
	dot_fn *run;
} dots[] = {
    {".help", "\\?", "", "this list; `help` lists the commands", dot_help},
    {".tables", "\\dt", "", "the tables that SQL sees", dot_tables},
    {".schema", "\\d", "[TABLE]", "the columns of a table", dot_tables},
    {".mode", "", "FORMAT", "text, csv, json, markdown or lines, from here on", dot_mode},
    {"\\x", "", "", "records on several lines, or not", dot_records},
    {".width", "", "[N]", "columns that text fits into; the terminal's without N", dot_width},
    {".timer", "\\timing", "[on|off]", "say how long each answer took", dot_timer},
    {".last", "\\g", "[FORMAT]", "the last answer again, with every column", dot_last},
    {".read", "\\i", "FILE", "take lines from a file", dot_read},
    {".save", "", "NAME", "keep the last SQL; $1, $2, ... in it are words given to .run", dot_save},
    {".run", "", "NAME [WORD...]", "run one that was kept", dot_run_saved},
    {".queries", "", "", "those that were kept", dot_queries},
    {".quit", "\\q", "", "leave", dot_quit},
    {".exit", "", "", "leave", dot_quit},
};

enum { DOTS = sizeof dots / sizeof *dots };

static bool dot_help(struct typing *t, int n, char **word)
{
	int width = session_width(t->session);
	struct text said = {0}, lines = {0};

	(void)n, (void)word;
	for (size_t i = 0; i <= DOTS; i++) {
		text_reset(&said);
		if (i < DOTS)
			text_printf(&said, "%-8s %-8s %-14s  %s", dots[i].name, dots[i].also, dots[i].words,
			            dots[i].help);
		else
			text_puts(&said, "Behind a command, or behind the ; of SQL: | COMMAND, > FILE, >> FILE.");
		text_add_folded(&lines, text_str(&said), said.len, width, i < DOTS && width > 60 ? 34 : 4);
		text_puts(&lines, "\n");
	}
	fputs(text_str(&lines), stdout);
	text_done(&said);
	text_done(&lines);
	return true;
}

bool dot_run(struct typing *t, const char *line)
{
	char *copy = strdup(line), *words[WORDS];
	size_t i = 0;
	int n;
	bool go_on = true;

	/* A backslash before a letter is no escape here. */
	n = copy ? words_split(copy + (*copy == '\\'), words, WORDS) : 0;
	if (n > 0) {
		char name[32];

		words[0][strcspn(words[0], ";")] = 0;
		snprintf(name, sizeof name, "%s%s", *line == '\\' ? "\\" : "", words[0]);
		while (i < DOTS && strcmp(dots[i].name, name) && (!*dots[i].also || strcmp(dots[i].also, name)))
			i++;
		if (i == DOTS)
			fprintf(stderr, "ilu-logq: no %.30s; .help lists what there is\n", line);
		else
			go_on = dots[i].run(t, n, words);
	}
	free(copy);
	return go_on;
}
