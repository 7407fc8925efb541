/* SPDX-License-Identifier: GPL-3.0-or-later */
/* options.c - see options.h
 *
 * The first word is the command; which options it takes is known only then, so an option before it must be one of the
 * program's own.
 * --name VALUE, --name=VALUE, -n VALUE, -nVALUE; -- ends the options; a lone - is a word. */
#include "shell/options.h"
#include "render/text.h"
#include "shell/words.h"
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct settings settings_default(void)
{
	const char *db = getenv("ILU_LOGQ_DB");

	return (struct settings){.db = db && *db ? db : "logq.db", .format = FORMAT_TEXT, .width = -1};
}

static int wrong(char **why, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int wrong(char **why, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	if (vasprintf(why, format, ap) < 0)
		*why = NULL;
	va_end(ap);
	return -EINVAL;
}

static const struct option_spec *find(const struct option_spec *specs, const char *name, size_t len)
{
	for (; specs && specs->name; specs++)
		if (len == 1 ? specs->letter == *name : strlen(specs->name) == len && !memcmp(specs->name, name, len))
			return specs;
	return NULL;
}

/* One of the choices by name, -1 where it is none. */
static int choice(const char *value, const char *const *names)
{
	for (int i = 0; names[i]; i++)
		if (!strcmp(value, names[i]))
			return i;
	return -1;
}

enum { LINES = FORMAT_MARKDOWN + 1 }; /* in the list of formats: no format of its own */

static int set_global(struct settings *s, const struct option_spec *spec, const char *value, char **why)
{
	static const char *const formats[] = {"text", "csv", "json", "markdown", "lines", NULL};
	static const char *const colors[] = {"auto", "always", "never", NULL};
	int64_t number;
	int i;

	if (!strcmp(spec->name, "db")) {
		s->db = value;
	} else if (!strcmp(spec->name, "format")) {
		i = choice(value, formats);
		if (i < 0)
			return wrong(why, "--format %s: it is one of text, csv, json, markdown, lines", value);
		s->records = i == LINES;
		s->format = s->records ? FORMAT_TEXT : (enum format)i;
	} else if (!strcmp(spec->name, "columns")) {
		s->columns = value;
	} else if (!strcmp(spec->name, "color")) {
		i = choice(value, colors);
		if (i < 0)
			return wrong(why, "--color %s: it is one of auto, always, never", value);
		s->color = i;
	} else if (!strcmp(spec->name, "width")) {
		if (args_number(value, &number) || number > 100000)
			return wrong(why, "--width %s: it is a number of columns, 0 for no limit", value);
		s->width = (int)number;
	} else if (!strcmp(spec->name, "quiet")) {
		s->quiet = true;
	} else if (!strcmp(spec->name, "partial")) {
		s->partial = true;
	} else if (!strcmp(spec->name, "help")) {
		s->help = true;
	} else {
		s->version = true;
	}
	return 0;
}

/* With what the command takes. */
static int refuse(const struct command *c, const char *dash, const char *name, char **why)
{
	struct text takes = {0};
	int rc;

	for (const struct option_spec *o = c->options; o && o->name; o++)
		text_printf(&takes, "%s--%s", takes.len ? ", " : "", o->name);
	rc = wrong(why, "%s: unknown option %s%s; it takes %s", c->name, dash, name ? name : "",
	           takes.len ? text_str(&takes) : "no options of its own");
	text_done(&takes);
	return rc;
}

static int unknown(const struct command *c, const char *word, size_t len, char **why)
{
	char *name = strndup(word, len);
	const char *near = name && len > 1 ? suggest_option(c, name) : NULL;
	const char *dash = len > 1 ? "--" : "-";
	int rc;

	if (c && near)
		rc = wrong(why, "%s: unknown option %s%s; did you mean --%s?", c->name, dash, name, near);
	else if (c)
		rc = refuse(c, dash, name, why);
	else if (near)
		rc = wrong(why, "unknown option %s%s; did you mean --%s?", dash, name, near);
	else
		rc = wrong(why, "unknown option %s%s before the command; see `ilu-logq --help`", dash, name);
	free(name);
	return rc;
}

struct parser {
	struct invocation *in;
	char *const *argv;
	int n, at;
	char **why;
};

/* text: the option without dashes; len: of its name; value: behind = or the letter, or NULL */
static int take_option(struct parser *p, const char *text, size_t len, const char *value)
{
	const struct command *c = p->in->command;
	const struct option_spec *spec = find(c ? c->options : NULL, text, len);
	bool global = !spec;

	if (!spec)
		spec = find(global_options, text, len);
	if (!spec)
		return unknown(c, text, len, p->why);
	if (!spec->value && value)
		return wrong(p->why, "--%s takes no value", spec->name);
	if (spec->value && !value) {
		if (p->at + 1 >= p->n)
			return wrong(p->why, "--%s needs a value: %s", spec->name, spec->value);
		value = p->argv[++p->at];
	}
	if (global)
		return set_global(&p->in->settings, spec, value, p->why);
	p->in->options[p->in->args.noptions++] = (struct option){spec, value ? value : ""};
	return 0;
}

static int take_letters(struct parser *p, const char *arg)
{
	const struct command *c = p->in->command;

	for (const char *l = arg + 1; *l; l++) {
		const struct option_spec *spec = find(c ? c->options : NULL, l, 1);
		int rc;

		if (!spec)
			spec = find(global_options, l, 1);
		if (spec && spec->value && l[1])
			return take_option(p, l, 1, l + 1 + (l[1] == '='));
		rc = take_option(p, l, 1, NULL);
		if (rc)
			return rc;
	}
	return 0;
}

static int take_word(struct parser *p, const char *word)
{
	const char *near;

	if (p->in->command) {
		p->in->words[p->in->args.nwords++] = word;
		return 0;
	}
	p->in->command = command_find(word);
	if (p->in->command)
		return 0;
	if (words_are_sql(word))
		return wrong(p->why, "%s: SQL stands behind the command sql, in quotes: sql 'SELECT ...'", word);
	near = suggest_command(word);
	if (near)
		return wrong(p->why, "unknown command %s; did you mean %s?", word, near);
	return wrong(p->why, "unknown command %s; `ilu-logq help` lists them", word);
}

static int take_all(struct parser *p)
{
	bool words_only = false;
	int rc = 0;

	for (p->at = 0; p->at < p->n && !rc; p->at++) {
		const char *arg = p->argv[p->at];

		if (words_only || arg[0] != '-' || !arg[1])
			rc = take_word(p, arg);
		else if (!strcmp(arg, "--"))
			words_only = true;
		else if (arg[1] == '-')
			rc = take_option(p, arg + 2, strcspn(arg + 2, "="),
			                 strchr(arg, '=') ? strchr(arg, '=') + 1 : NULL);
		else
			rc = take_letters(p, arg);
	}
	return rc;
}

static int check_words(const struct invocation *in, char **why)
{
	const struct command *c = in->command;
	int n = (int)in->args.nwords;

	if (!c || in->settings.help || !c->run)
		return 0;
	if (n < c->least)
		return wrong(why, "%s needs %s; see `ilu-logq %s --help`", c->name, c->words, c->name);
	if (c->most >= 0 && n > c->most)
		return wrong(why, "%s: too many words: %s", c->name, in->args.words[c->most]);
	return 0;
}

int options_parse(int n, char *const *argv, const struct settings *base, struct invocation *out, char **why)
{
	struct parser p = {out, argv, n, 0, why};
	int rc;

	*why = NULL;
	*out = (struct invocation){.settings = *base};
	/* Letters may stand together, so there are at most as many options as characters. */
	size_t most = 1;

	for (int i = 0; i < n; i++)
		most += strlen(argv[i]) + 1;
	out->words = calloc((size_t)n + 1, sizeof *out->words);
	out->options = calloc(most, sizeof *out->options);
	if (!out->words || !out->options) {
		options_done(out);
		return -ENOMEM;
	}
	rc = take_all(&p);
	out->args.words = out->words;
	out->args.options = out->options;
	if (!rc)
		rc = check_words(out, why);
	if (rc)
		options_done(out);
	return rc;
}

void options_done(struct invocation *in)
{
	free(in->words);
	free(in->options);
	in->words = NULL;
	in->options = NULL;
}
