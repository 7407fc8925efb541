/* SPDX-License-Identifier: GPL-3.0-or-later */
/* complete.c - see complete.h
 *
 * The line up to the cursor says what is wanted: the first word is a command or SQL; an option, or the value of one; a
 * word of the kind the command's row names; in SQL tables, columns and functions. Names come from the database that is
 * open. */
#include "shell/complete.h"
#include "base/sql.h"
#include "base/array.h"
#include "query/commands/tables.h"
#include "render/number.h"
#include "render/text.h"
#include "shell/words.h"
#include <readline/readline.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { NOTES = 200 };

#define BREAKS " \t\n\"'`=<>(),;"

static struct session *session;
static bool in_shell;           /* of ours: it has words of its own */
static const char *typed;       /* the line that is completed */
static int quote_open;          /* the quote that the word stands in, or 0 */
static const char *in_sql = ""; /* what the line goes on with */

struct candidate {
	char *name;
	char *note; /* what is told beside it; NULL: nothing */
};

/* The candidates of one Tab, gathered first and handed to readline one by one. */
static struct {
	struct candidate *all;
	size_t n, room, next;
	bool ordered; /* their order says something */
} found;

static void forget(void)
{
	for (size_t i = 0; i < found.n; i++) {
		free(found.all[i].name);
		free(found.all[i].note);
	}
	found.n = found.next = 0;
	found.ordered = false;
}

/* Whether one of the first n is it. */
static bool is_found(const char *name, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(found.all[i].name, name))
			return true;
	return false;
}

/* One that none of the first n is. */
static void offer_beside(size_t n, const char *name, const char *note, const char *text)
{
	struct candidate c = {0};

	if (strncasecmp(name, text, strlen(text)) || is_found(name, n) ||
	    array_reserve(found.all, found.room, found.n + 1))
		return;
	c.name = strdup(name);
	c.note = note ? strdup(note) : NULL;
	if (c.name)
		found.all[found.n++] = c;
	else
		free(c.note);
}

static void offer_noted(const char *name, const char *note, const char *text)
{
	offer_beside(found.n, name, note, text);
}

static void offer(const char *name, const char *text)
{
	offer_noted(name, NULL, text);
}

/* Offers the first column of a query whose ?1 is what was typed; it has nothing twice, and may be long. */
static void offer_sql(const char *sql, const char *text)
{
	struct store *store = session_store(session);
	sqlite3_stmt *stmt = NULL;
	size_t before = found.n;

	if (!store || sql_prepare(store_db(store), sql, &stmt))
		return;
	if (sqlite3_bind_parameter_count(stmt))
		sqlite3_bind_text(stmt, 1, text, -1, SQLITE_STATIC);
	while (sqlite3_step(stmt) == SQLITE_ROW)
		if (sqlite3_column_text(stmt, 0))
			offer_beside(before, (const char *)sqlite3_column_text(stmt, 0), NULL, text);
	sqlite3_finalize(stmt);
}

/* Columns of invocations; one that is sorted by may have a - before it, for the largest first. */
static void offer_columns(const char *text)
{
	bool minus = *text == '-';
	size_t before = found.n;

	offer("duration_ns", text + minus);
	offer_sql("SELECT name FROM pragma_table_info('invocation')", text + minus);
	for (size_t i = before; minus && i < found.n; i++) {
		char *name;

		if (asprintf(&name, "-%s", found.all[i].name) < 0)
			continue;
		free(found.all[i].name);
		found.all[i].name = name;
	}
}

/* The slowest first, with their duration and function; before a letter is typed, twenty of them. */
static void offer_tids(const char *text)
{
	static const char sql[] =
	    "SELECT tid, max(" INVOCATION_DURATION
	    ") d, coalesce(function_name, fqdn) FROM (SELECT DISTINCT tid FROM place "
	    "WHERE tid >= ?1 AND tid < ?1 || char(0x10ffff) AND (?1 <> '' OR tid IN (SELECT tid FROM invocation)) "
	    "LIMIT "
	    "20000) LEFT JOIN invocation USING (tid) GROUP BY tid ORDER BY d DESC NULLS LAST, tid LIMIT ?2";
	struct store *store = session_store(session);
	sqlite3_stmt *stmt = NULL;
	char took[NUMBER_MAX];

	if (!store || sql_prepare(store_db(store), sql, &stmt))
		return;
	sqlite3_bind_text(stmt, 1, text, -1, SQLITE_STATIC);
	sqlite3_bind_int(stmt, 2, *text ? NOTES : 20);
	found.ordered = true;
	while (sqlite3_step(stmt) == SQLITE_ROW) {
		const char *function = (const char *)sqlite3_column_text(stmt, 2);
		struct text note = {0};

		if (sqlite3_column_type(stmt, 1) != SQLITE_NULL) {
			number_duration(sqlite3_column_int64(stmt, 1), session_micro(), took);
			text_printf(&note, "%10s  ", took);
			text_add_terminal(&note, function ? function : "", function ? strlen(function) : 0);
		}
		offer_noted((const char *)sqlite3_column_text(stmt, 0), note.len ? text_str(&note) : NULL, text);
		text_done(&note);
	}
	sqlite3_finalize(stmt);
}

/* What there is to choose from, in the order and with the notes it was found with. */
static void show_found(char **matches, int n, int longest)
{
	if (!found.ordered) {
		rl_display_match_list(matches, n, longest);
	} else {
		rl_crlf();
		for (size_t i = 0; i < found.n; i++) {
			const struct candidate *c = &found.all[i];
			struct text safe = {0};

			text_add_terminal(&safe, c->name, strlen(c->name));
			fprintf(rl_outstream, "%s  %s\r\n", text_str(&safe), c->note ? c->note : "");
			text_done(&safe);
		}
	}
	rl_forced_update_display();
}

static void offer_commands(const char *text)
{
	for (const struct command *const *c = commands; *c; c++)
		if ((*c)->run)
			offer_noted((*c)->name, (*c)->help, text);
}

static void offer_options(const struct option_spec *o, const char *text)
{
	char name[64];

	for (; o && o->name; o++) {
		snprintf(name, sizeof name, "--%s", o->name);
		offer_noted(name, o->help, text);
	}
}

static void offer_tables(const char *text)
{
	for (size_t i = 0; tables_name(i); i++)
		offer_noted(tables_name(i), tables_what(tables_name(i)), text);
}

/* Columns of the tables that the statement names behind FROM and JOIN, also where those stand behind the cursor; of all
 * tables where it names none. */
static void offer_columns_of_statement(const char *text)
{
	static const char sql[] =
	    "WITH t(name) AS (SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE "
	    "'sqlite%' "
	    "UNION SELECT column1 FROM (VALUES ('event'), ('span'), ('phase'), ('series'), ('histogram'))), "
	    "named(name) AS (SELECT name FROM t WHERE ' ' || replace(replace(lower(?2), char(10), ' '), ',', ' ') || ' "
	    "' "
	    "GLOB '* from ' || name || '[ ;)]*' OR ' ' || replace(replace(lower(?2), char(10), ' '), ',', ' ') || ' ' "
	    "GLOB "
	    "'* join ' || name || '[ ;)]*') "
	    "SELECT DISTINCT c.name FROM t JOIN pragma_table_info(t.name) c WHERE t.name IN named OR NOT EXISTS "
	    "(SELECT 1 "
	    "FROM named)";
	struct store *store = session_store(session);
	sqlite3_stmt *stmt = NULL;
	struct text statement = {0};

	if (!store || sql_prepare(store_db(store), sql, &stmt))
		return;
	text_printf(&statement, "%s %s", in_sql, typed);
	sqlite3_bind_text(stmt, 2, text_str(&statement), -1, SQLITE_STATIC);
	while (sqlite3_step(stmt) == SQLITE_ROW)
		offer((const char *)sqlite3_column_text(stmt, 0), text);
	sqlite3_finalize(stmt);
	text_done(&statement);
}

static void offer_sql_words(const char *text)
{
	static const char *const words[] = {"SELECT",   "FROM",           "WHERE",  "GROUP BY", "ORDER BY", "LIMIT",
	                                    "count(*)", "field(event, '", "AND",    "NOT",      "NULL",     "LIKE",
	                                    "JOIN",     "DESC",           "HAVING", "DISTINCT"};

	offer_tables(text);
	offer_columns_of_statement(text);
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		offer(words[i], text);
}

static void offer_hint(enum hint hint, const char *text)
{
	static const char *const levels[] = {"error", "warn", "info", "debug", "trace"};

	switch (hint) {
	case HINT_TID:
		offer_tids(text);
		break;
	case HINT_COMMAND:
		offer_commands(text);
		break;
	case HINT_SQL:
		offer_sql_words(text);
		break;
	case HINT_COLUMN:
		offer_columns(text);
		break;
	case HINT_SERIES:
		offer_sql("SELECT DISTINCT name FROM series", text);
		break;
	case HINT_SOURCE:
		offer_sql("SELECT DISTINCT path FROM source", text);
		break;
	case HINT_RUN:
		offer_sql("SELECT DISTINCT path FROM run UNION ALL SELECT id FROM run", text);
		break;
	case HINT_MESSAGE:
		offer_sql("SELECT DISTINCT replace(template, '<*>', '*') FROM pattern UNION SELECT DISTINCT message "
		          "FROM event LIMIT 2000",
		          text);
		break;
	case HINT_TARGET:
		offer_sql("SELECT DISTINCT target FROM event LIMIT 500", text);
		break;
	case HINT_LEVEL:
		for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
			offer(levels[i], text);
		break;
	case HINT_GROUP:
		offer("function", text);
		offer("worker", text);
		offer("hour", text);
		break;
	case HINT_CHOICE:
	case HINT_FILE:
	case HINT_NONE:
		break;
	}
}

static void offer_choices(const struct command *c, const char *text)
{
	for (size_t i = 0; i < c->nchoices; i++)
		offer_noted(command_choice(c, i)->name, command_choice(c, i)->help, text);
}

/* Words that the usage line has in small letters are typed as they are: "check FILE|infer". Whether any was offered:
 * not behind one of them. */
static bool offer_literals(const struct command *c, char *const *words, int n, const char *text)
{
	char word[32];
	size_t before = found.n, len;

	for (const char *p = c->words; p && *p; p += strcspn(p, "|"), p += *p == '|') {
		len = strspn(p, "abcdefghijklmnopqrstuvwxyz-");
		if (!len || len >= sizeof word)
			continue;
		memcpy(word, p, len);
		word[len] = '\0';
		for (int i = 1; i < n; i++)
			if (!strcmp(words[i], word))
				return false;
		offer(word, text);
	}
	return found.n > before;
}

static const struct option_spec *option_of(const struct option_spec *o, const char *word)
{
	for (; o && o->name; o++)
		if ((!strncmp(word, "--", 2) && !strcmp(word + 2, o->name)) ||
		    (word[0] == '-' && o->letter && word[1] == o->letter && !word[2]))
			return o;
	return NULL;
}

/* Columns of a command's own table. */
static void offer_columns_of(const struct command *c, const char *text)
{
	for (size_t i = 0; i < c->ncolumns; i++) {
		const struct column *column = (const void *)((const char *)c->columns + i * c->column_stride);

		if ((column->unit & UNIT_MASK) != UNIT_OFFSET)
			offer(column->name, text);
	}
}

static void offer_value_of(const struct command *c, const struct option_spec *o, const char *text)
{
	static const char *const statuses[] = {"ok", "failed", "unfinished"};
	static const char *const formats[] = {"text", "csv", "json", "markdown", "lines"};
	static const char *const whens[] = {"auto", "always", "never"};

	for (size_t i = 0; !strcmp(o->name, "format") && i < 5; i++)
		offer(formats[i], text);
	for (size_t i = 0; !strcmp(o->name, "color") && i < 3; i++)
		offer(whens[i], text);
	for (size_t i = 0; !strcmp(o->name, "status") && i < 3; i++)
		offer(statuses[i], text);
	if (!strcmp(o->name, "function"))
		offer_sql("SELECT DISTINCT function_name FROM invocation_kind LIMIT 500", text);
	if (!strcmp(o->name, "worker"))
		offer_sql("SELECT DISTINCT worker FROM source WHERE worker IS NOT NULL LIMIT 500", text);
	if (!strcmp(o->name, "columns") && c && c->ncolumns)
		offer_columns_of(c, text);
	else
		offer_hint(o->hint, text);
}

/* HINT_FILE where readline's own completion of file names should do it. */
static enum hint gather(const char *text, int start)
{
	char *line = strndup(typed, (size_t)start - (start && quote_open));
	bool list = line && start && typed[start - 1] == ','; /* behind a comma a word goes on */
	char *words[64];
	int n = line ? words_split(line, words, 64) : 0;
	const struct command *c = n > 0 ? command_find(words[0]) : NULL;
	const struct option_spec *value = NULL;
	enum hint hint = HINT_NONE;

	n -= list && n > 2;
	if (n > 0 && start && typed[start - 1] == '=')
		words[n - 1][strcspn(words[n - 1], "=")] = '\0'; /* --name=VALUE */
	if (n > 1 && c)
		value = option_of(c->options, words[n - 1]);
	if (n > 0 && !value)
		value = option_of(global_options, words[n - 1]);
	if (value && !value->value)
		value = NULL;
	if (*in_sql || words_are_sql(typed) || (n < 0 && !strncmp(typed, "sql", 3))) {
		offer_sql_words(text);
	} else if (n <= 0 && *text == '-') {
		offer_options(global_options, text);
	} else if (n <= 0) {
		offer_commands(text);
		if (in_shell)
			offer("quit", text);
	} else if (value) {
		hint = value->hint;
		offer_value_of(c, value, text);
	} else if (*text == '-') {
		offer_options(c ? c->options : NULL, text);
		offer_options(global_options, text);
	} else if (c && !offer_literals(c, words, n, text)) {
		hint = c->hint;
		if (c->words && strstr(c->words, "TABLE"))
			offer_tables(text);
		offer_hint(hint, text);
		if (hint == HINT_CHOICE)
			offer_choices(c, text);
	}
	free(line);
	return hint;
}

/* name as one word of the shell: in quotes, of which the first stands already where one is open (and readline adds the
 * last). */
static char *quoted(const char *name, int open)
{
	char quote = (char)(open ? open : '"');
	char *word = malloc(2 * strlen(name) + 3), *out = word;

	if (!word)
		return NULL;
	if (!open)
		*out++ = quote;
	for (; *name; name++) {
		if ((*name == quote || *name == '\\') && quote == '"')
			*out++ = '\\';
		*out++ = *name;
	}
	if (!open)
		*out++ = quote;
	*out = 0;
	return word;
}

/* Messages have blanks. All get quotes or none, so that what they have in common can be typed on. */
static void quote_found(int open)
{
	bool needed = open;

	for (size_t i = 0; i < found.n; i++)
		needed |= found.all[i].name[strcspn(found.all[i].name, " \t\"'\\#")] != 0;
	for (size_t i = 0; needed && i < found.n; i++) {
		char *word = quoted(found.all[i].name, open);

		if (!word)
			continue;
		free(found.all[i].name);
		found.all[i].name = word;
	}
}

static char *next_found(const char *text, int state)
{
	(void)text;
	if (!state)
		found.next = 0;
	return found.next < found.n ? strdup(found.all[found.next++].name) : NULL;
}

static char **complete(const char *text, int start, int end)
{
	enum hint hint;

	(void)end;
	forget();
	typed = rl_line_buffer;
	quote_open = rl_completion_quote_character;
	hint = gather(text, start);
	if (hint == HINT_MESSAGE)
		quote_found(quote_open);
	rl_sort_completion_matches = !found.ordered;
	rl_attempted_completion_over = hint != HINT_FILE;
	return hint == HINT_FILE ? NULL : rl_completion_matches(text, next_found);
}

void complete_in_sql(const char *sql)
{
	in_sql = sql;
}

/* Behind the options that stand before the command; *s takes those that say where the names come from, *db what is to
 * be freed after it. */
static const char *skip_options(struct session *s, char *line, char **db)
{
	char *p = line + strspn(line, " \t");

	while (*p == '-') {
		char *option = p, *end = p + strcspn(p, " \t"), *value;
		const struct option_spec *o;

		if (!*end)
			return p; /* it is being typed */
		*end = 0;
		o = option_of(global_options, p);
		*end = ' ';
		p = end + strspn(end, " \t");
		if (!o || !o->value)
			continue;
		value = p;
		end = p + strcspn(p, " \t");
		if (!*end)
			return option; /* its value is */
		p = end + strspn(end, " \t");
		if (o->letter != 'd')
			continue;
		free(*db);
		*db = strndup(value, (size_t)(end - value));
		if (*db)
			s->settings.db = *db;
	}
	return p;
}

/* The word of a shell that is being typed, and where the part of it begins that is completed: behind the comma of
 * tid,wa, or where SQL in quotes has a word. */
struct word {
	const char *whole, *part;
};

/* quote_open is the quote that the word stands in, behind which it begins. */
static struct word last_word(const char *line)
{
	bool sql = !strncmp(line, "sql", 3) && strchr(" \t", line[3]);
	struct word w = {line, line};

	quote_open = 0;
	for (; *line; line++) {
		if (*line == '\\' && quote_open != '\'' && line[1]) {
			line++;
		} else if (quote_open && *line == quote_open) {
			quote_open = 0;
		} else if (!quote_open ? strchr(BREAKS, *line) != NULL : sql && strchr(BREAKS, *line)) {
			w.part = line + 1;
			if (!quote_open && strchr(" \t\n\"'", *line))
				w.whole = w.part;
			if (!quote_open && strchr("\"'", *line))
				quote_open = *line;
		}
	}
	return w;
}

/* n bytes as they are without the quoting of the shell; yours: free(). */
static char *unquoted(const char *p, size_t n)
{
	char *out = malloc(n + 1), *w = out;

	for (size_t i = 0; out && i < n; i++) {
		i += p[i] == '\\' && quote_open != '\'' && i + 1 < n;
		*w++ = p[i];
	}
	if (out)
		*w = '\0';
	return out;
}

/* A shell replaces its whole word. What stands beside a candidate follows a tab. */
static void print_found(const struct word *w, FILE *to)
{
	char *before = unquoted(w->whole, (size_t)(w->part - w->whole));

	for (size_t i = 0; before && i < found.n; i++) {
		const struct candidate *c = &found.all[i];

		if (!strpbrk(c->name, "\t\n\r\033"))
			fprintf(to, "%s%s%s%s\n", before, c->name, c->note ? "\t" : "", c->note ? c->note : "");
	}
	free(before);
}

void complete_print(const char *line, FILE *to)
{
	struct session s = {.settings = settings_default()};
	char *copy = strdup(line), *db = NULL, *text = NULL;
	struct word w;

	session = &s;
	if (copy) {
		typed = skip_options(&s, copy, &db);
		w = last_word(typed);
		text = unquoted(w.part, strlen(w.part));
		if (text)
			gather(text, (int)(w.part - typed));
		print_found(&w, to);
	}
	forget();
	session_done(&s);
	session = NULL;
	free(copy);
	free(text);
	free(db);
}

void complete_init(struct session *s)
{
	session = s;
	in_shell = true;
	rl_readline_name = "ilu-logq";
	rl_attempted_completion_function = complete;
	rl_completer_quote_characters = "'\"";
	rl_basic_word_break_characters = BREAKS;
	rl_completion_display_matches_hook = show_found;
	rl_variable_bind("completion-ignore-case", "on");
}
