/* SPDX-License-Identifier: GPL-3.0-or-later */
/* help.c - what the table of commands says, as help on the terminal and as a section of the manual page. */
#include "shell/commands.h"
#include "shell/complete.h"
#include "render/fold.h"
#include "render/text.h"
#include <ctype.h>
#include <string.h>

static int option_text(const struct option_spec *o, char *buf, size_t size)
{
	char letter[8] = "    ";

	if (o->letter)
		snprintf(letter, sizeof letter, "-%c, ", o->letter);
	return snprintf(buf, size, "%s--%s%s%s", letter, o->name, o->value ? " " : "", o->value ? o->value : "");
}

enum { NARROWEST = 24 }; /* columns of help beside names; where there are less it goes below them */

/* Text in lines that fit. */
static void put_folded(const struct output *out, struct text *t, int indent)
{
	struct text lines = {0};

	text_add_folded(&lines, text_str(t), t->len, out->width, indent);
	fprintf(out->file, "%s\n", text_str(&lines));
	text_done(&lines);
	text_done(t);
}

/* A name and what it is, on further lines where the terminal is narrow. */
static void put_item(const struct output *out, const char *name, int width, const char *help)
{
	struct text t = {0};
	int indent = 2 + width + 1;

	text_printf(&t, "  %-*s %s", width, name, help);
	put_folded(out, &t, out->width > indent + NARROWEST ? indent : 4);
}

static void put_options(const struct option_spec *o, const struct output *out)
{
	char buf[128];
	int widest = 0;

	for (const struct option_spec *p = o; p && p->name; p++) {
		int n = option_text(p, buf, sizeof buf);

		widest = n > widest ? n : widest;
	}
	for (; o && o->name; o++) {
		option_text(o, buf, sizeof buf);
		put_item(out, buf, widest + 1, o->help);
	}
}

static void say_usage(const struct command *c, struct text *t)
{
	text_printf(t, "usage: ilu-logq %s%s%s%s", c->name, c->options && c->options->name ? " [OPTIONS]" : "",
	            c->words ? " " : "", c->words ? c->words : "");
}

void command_usage(const struct command *c, FILE *to)
{
	struct text t = {0};

	say_usage(c, &t);
	fprintf(to, "%s\n", text_str(&t));
	text_done(&t);
}

static void put_lines(const char *text, const char *before, const struct output *out)
{
	while (*text) {
		size_t n = strcspn(text, "\n");
		struct text t = {0};

		text_printf(&t, "%s%.*s", n ? before : "", (int)n, text);
		put_folded(out, &t, (int)strspn(before, " ") + 4);
		text += n + (text[n] == '\n');
	}
}

/* Words that flow to the width of the terminal, or 100 columns; an empty line parts paragraphs. */
static void put_flow(const char *text, int indent, const struct output *out)
{
	struct output as = {.file = out->file, .width = out->width ? out->width : 100};
	struct text t = {0};

	text_printf(&t, "%*s", indent, "");
	for (; *text; text++) {
		bool paragraph = text[0] == '\n' && text[1] == '\n';

		if (paragraph)
			text_puts(&t, "\n\n");
		else
			text_add(&t, *text == '\n' ? " " : text, 1);
		text += paragraph;
	}
	put_folded(&as, &t, indent);
}

static void put_columns(const struct command *c, struct output *out)
{
	struct text names = {0}, head = {0};

	for (size_t i = 0; i < c->ncolumns; i++) {
		const struct column *column = (const void *)((const char *)c->columns + i * c->column_stride);

		if ((column->unit & UNIT_MASK) != UNIT_OFFSET)
			text_printf(&names, "%s%s", names.len ? ", " : "", column->name);
	}
	text_printf(&head, "%sColumns%s, by these names or as the headings have them", output_ink(out, INK_HEAD),
	            output_ink(out, INK_NONE));
	fputc('\n', out->file);
	put_folded(out, &head, 2);
	put_flow(text_str(&names), 2, out);
	text_done(&names);
}

static void put_choices(const struct command *c, const struct output *out)
{
	fprintf(out->file, "\n%s%s%s\n", output_ink(out, INK_HEAD), c->words, output_ink(out, INK_NONE));
	for (size_t i = 0; i < c->nchoices; i++)
		put_item(out, command_choice(c, i)->name, 11, command_choice(c, i)->help);
}

void help_command(const struct command *c, struct output *out)
{
	FILE *to = out->file;
	struct text t = {0};

	text_printf(&t, "%s%s%s - %s", output_ink(out, INK_HEAD), c->name, output_ink(out, INK_NONE), c->help);
	put_folded(out, &t, 2);
	if (!c->run) {
		fprintf(to, "\nNot available in this version; the name is taken.\n");
		return;
	}
	say_usage(c, &t);
	put_folded(out, &t, 7);
	if (c->more) {
		fputc('\n', to);
		if (out->width)
			put_flow(c->more, 0, out);
		else
			put_lines(c->more, "", out);
	}
	if (c->choices)
		put_choices(c, out);
	if (c->options && c->options->name) {
		fprintf(to, "\n%sOptions%s\n", output_ink(out, INK_HEAD), output_ink(out, INK_NONE));
		put_options(c->options, out);
	}
	if (c->columns)
		put_columns(c, out);
	if (c->examples) {
		fprintf(to, "\n%sExamples%s\n", output_ink(out, INK_HEAD), output_ink(out, INK_NONE));
		put_lines(c->examples, "  ilu-logq ", out);
	}
}

static void put_group(struct output *out, enum command_group group)
{
	fprintf(out->file, "\n%s%s%s\n", output_ink(out, INK_HEAD), command_groups[group], output_ink(out, INK_NONE));
	for (const struct command *const *c = commands; *c; c++)
		if ((*c)->group == group && (*c)->run)
			put_item(out, (*c)->name, 14, (*c)->help);
}

void help_all(struct output *out)
{
	put_lines("ilu-logq - questions to the logs of a daemon: events, spans, invocations, where the time went\n"
	          "usage: ilu-logq [-d DB] [--format text|csv|json|markdown|lines] COMMAND [ARGUMENTS]\n"
	          "       ilu-logq [-d DB]                    the shell",
	          "", out);
	for (int group = 0; group < GROUPS; group++)
		put_group(out, (enum command_group)group);
	fprintf(out->file, "\n%sOptions, before or after the command%s\n", output_ink(out, INK_HEAD),
	        output_ink(out, INK_NONE));
	put_options(global_options, out);
	fputc('\n', out->file);
	put_flow(
	    "`ilu-logq COMMAND --help` says more about one. Exit status: 0 fine, 1 findings, 2 usage or input that "
	    "cannot be opened, 3 damaged or foreign input, 4 the system failed, 130 after Ctrl-C.",
	    0, out);
}

static void put_roff_char(char c, FILE *to)
{
	if (c == '\\')
		fputs("\\e", to);
	else if (c == '-')
		fputs("\\-", to);
	else
		fputc(c, to);
}

/* mdoc has its own ideas about backslashes, and about lines that begin with a dot or a quote; a sentence begins a line.
 */
static void put_roff(const char *text, size_t len, FILE *to)
{
	bool start = true;

	for (size_t i = 0; i < len; i++) {
		bool sentence =
		    i > 1 && text[i] == ' ' && text[i - 1] == '.' && i + 1 < len && isupper((unsigned char)text[i + 1]);
		bool paragraph = text[i] == '\n' && i + 1 < len && text[i + 1] == '\n';

		if (start && (text[i] == '.' || text[i] == '\''))
			fputs("\\&", to);
		if (paragraph)
			fputs("\n.Pp\n", to);
		else
			put_roff_char(sentence ? '\n' : text[i], to);
		i += paragraph;
		start = sentence || text[i] == '\n';
	}
}

static void mdoc_options(const struct option_spec *o, FILE *to)
{
	fputs(".Bl -tag -width Ds -compact\n", to);
	for (; o->name; o++) {
		fputs(".It ", to);
		if (o->letter)
			fprintf(to, "Fl %c%s%s , ", o->letter, o->value ? " Ar " : "", o->value ? o->value : "");
		fprintf(to, "Fl \\-%s%s%s\n", o->name, o->value ? " Ar " : "", o->value ? o->value : "");
		put_roff(o->help, strlen(o->help), to);
		fputc('\n', to);
	}
	fputs(".El\n", to);
}

static void mdoc_choices(const struct command *c, FILE *to)
{
	fputs(".Bl -tag -width Ds -compact\n", to);
	for (size_t i = 0; i < c->nchoices; i++) {
		fprintf(to, ".It Cm %s\n", command_choice(c, i)->name);
		put_roff(command_choice(c, i)->help, strlen(command_choice(c, i)->help), to);
		fputc('\n', to);
	}
	fputs(".El\n.Pp\n", to);
}

static void mdoc_words(const char *words, FILE *to)
{
	fputs(" Ar \"", to);
	for (; *words; words++)
		fputs(*words == '\\' ? "\\e" : (char[]){*words, 0}, to);
	fputs("\"", to);
}

static void mdoc_command(const struct command *c, FILE *to)
{
	fprintf(to, ".It Cm %s", c->name);
	if (c->words)
		mdoc_words(c->words, to);
	fputc('\n', to);
	fputc(toupper((unsigned char)c->help[0]), to);
	put_roff(c->help + 1, strlen(c->help + 1), to);
	fputs(".\n", to);
	if (!c->run) {
		fputs("Not available in this version; the name is taken.\n", to);
		return;
	}
	if (c->more) {
		put_roff(c->more, strlen(c->more), to);
		fputc('\n', to);
	}
	if (c->choices)
		mdoc_choices(c, to);
	if (c->options && c->options->name)
		mdoc_options(c->options, to);
}

void help_mdoc(FILE *to)
{
	for (int group = 0; group < GROUPS; group++) {
		fprintf(to, ".Ss %s\n.Bl -tag -width Ds\n", command_groups[group]);
		for (const struct command *const *c = commands; *c; c++)
			if ((*c)->group == (enum command_group)group)
				mdoc_command(*c, to);
		fputs(".El\n", to);
	}
}

static void run(struct query *q)
{
	const char *word = q->args->nwords ? q->args->words[0] : NULL;
	const struct command *c = word ? command_find(word) : NULL;
	const char *near = word ? suggest_command(word) : NULL;

	if (args_has(q->args, "mdoc"))
		help_mdoc(q->out->file);
	else if (args_has(q->args, "complete"))
		complete_print(args_value(q->args, "complete"), q->out->file);
	else if (word && !c && near)
		query_fail(q, USAGE, "unknown command %s; did you mean %s?", word, near);
	else if (word && !c)
		query_fail(q, USAGE, "unknown command %s; `ilu-logq help` lists them", word);
	else if (c)
		help_command(c, q->out);
	else
		help_all(q->out);
}

static const struct option_spec options[] = {
    {.name = "mdoc", .help = "the commands as a section of the manual page"},
    {.name = "complete", .value = "LINE", .help = "what may follow; for the completion of bash and zsh"},
    {0},
};

const struct command command_help = {
    .name = "help",
    .group = GROUP_DATABASE,
    .words = "[COMMAND]",
    .most = 1,
    .hint = HINT_COMMAND,
    .help = "this list, or more about one command",
    .options = options,
    .run = run,
};
