/* SPDX-License-Identifier: Apache-2.0 */
/* console.c - lines for people.
 *
 *   2026-11-22T20:03:11.123456789Z  INFO worker::queue: Item starting to execute tid=9f0c... queue_len=3 in
 * invoke{fqdn=hello-1}
 *
 * It reads back the line that was just encoded, so there is one encoder, and a console shows what the file holds. Texts
 * stay escaped as they are in the line, only \" and \\ become what they mean where that is not ambiguous: nothing a
 * value contains can move the cursor. What is not one of our lines is passed on as it is. */
#include "base/lineread.h"
#include "sinks/kind.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FLUSH_BYTES 65536

struct sink_console {
	struct sink base;
	struct sink *fd; /* where the text goes */
	bool colour;
	char *text; /* what is rendered and not yet written */
	size_t len, cap;
	size_t lines;
	bool failed; /* no memory for the line being rendered */
};

/* ---- rendering ---- */

static void put_bytes(struct sink_console *c, const char *bytes, size_t len)
{
	if (!len)
		return;
	if (c->cap - c->len < len) {
		size_t cap = (c->len + len) * 2;
		char *grown = realloc(c->text, cap);

		if (!grown) {
			c->failed = true;
			return;
		}
		c->text = grown;
		c->cap = cap;
	}
	memcpy(c->text + c->len, bytes, len);
	c->len += len;
}

static void put(struct sink_console *c, const char *text)
{
	put_bytes(c, text, strlen(text));
}

static void style(struct sink_console *c, const char *code)
{
	if (c->colour)
		put(c, code);
}

#define PLAIN "\x1b[0m"
#define DIM   "\x1b[2m"
#define BOLD  "\x1b[1m"
#define SLANT "\x1b[3m"

/* A message: \" and \\ as the characters they are. */
static void put_message(struct sink_console *c, struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.at[i] == '\\' && i + 1 < s.len && (s.at[i + 1] == '"' || s.at[i + 1] == '\\'))
			i++;
		put_bytes(c, s.at + i, 1);
	}
}

/* Strings without their quotes where no one could take them for something else. */
static void put_value(struct sink_console *c, struct slice value)
{
	struct slice text = line_text(value);
	bool bare = text.len > 0 && text.len != value.len;

	for (size_t i = 0; i < text.len && bare; i++)
		bare = !strchr(" \"\\=,{}[]", text.at[i]);
	if (bare)
		put_bytes(c, text.at, text.len);
	else
		put_bytes(c, value.at, value.len);
}

static void put_pair(struct sink_console *c, struct slice key, struct slice value)
{
	style(c, SLANT);
	put_bytes(c, key.at, key.len);
	style(c, PLAIN);
	style(c, DIM);
	put(c, "=");
	style(c, PLAIN);
	put_value(c, value);
}

static void put_fields(struct sink_console *c, struct slice fields)
{
	struct cursor at = line_inside(fields);
	struct slice key, value;
	bool first = true; /* the library's message, not a field that somebody called so */

	while (line_next_member(&at, &key, &value)) {
		if (!(first && line_is(key, "message"))) {
			put(c, " ");
			put_pair(c, key, value);
		}
		first = false;
	}
}

/* invoke{fqdn=hello-1}; ids are for programs. */
static void put_span(struct sink_console *c, struct slice span)
{
	struct slice name = line_text(line_member(span, "name")), key, value;
	struct cursor at = line_inside(span);
	const char *open = "{";

	style(c, BOLD);
	put_bytes(c, name.at ? name.at : "?", name.at ? name.len : 1);
	style(c, PLAIN);
	while (line_next_member(&at, &key, &value)) {
		if (line_is(key, "name") || line_is(key, "id") || line_is(key, "parent") || line_is(key, "tid"))
			continue;
		put(c, open);
		put_pair(c, key, value);
		open = " ";
	}
	if (*open == ' ')
		put(c, "}");
}

static void put_spans(struct sink_console *c, struct slice span, struct slice spans)
{
	struct cursor at = line_inside(spans);
	struct slice element;
	const char *before = " in ";

	while (line_next_element(&at, &element)) {
		put(c, before);
		put_span(c, element);
		before = ":";
	}
	if (*before == ' ' && span.len) {
		put(c, before);
		put_span(c, span);
	}
}

static void put_level(struct sink_console *c, struct slice level)
{
	static const struct {
		const char *name, *padded, *colour;
	} rows[] = {
	    {"ERROR", "ERROR", "\x1b[31;1m"}, {"WARN", " WARN", "\x1b[33m"},  {"INFO", " INFO", "\x1b[32m"},
	    {"DEBUG", "DEBUG", "\x1b[34m"},   {"TRACE", "TRACE", "\x1b[35m"},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (line_is(level, rows[i].name)) {
			style(c, rows[i].colour);
			put(c, rows[i].padded);
			style(c, PLAIN);
			return;
		}
	}
	put_bytes(c, level.at, level.len);
}

static void render(struct sink_console *c, struct slice text)
{
	struct line line;
	size_t start = c->len;

	c->failed = false;
	if (line_read(text, &line)) {
		style(c, DIM);
		put_bytes(c, line_text(line.timestamp).at, line_text(line.timestamp).len);
		style(c, PLAIN);
		put(c, " ");
		put_level(c, line_text(line.level));
		put(c, " ");
		style(c, DIM);
		put_bytes(c, line_text(line.target).at, line_text(line.target).len);
		put(c, ":");
		style(c, PLAIN);
		put(c, " ");
		put_message(c, line_text(line_member(line.fields, "message")));
		put_fields(c, line.fields);
		put_spans(c, line.span, line.spans);
	} else {
		put_bytes(c, text.at, text.len);
	}
	put(c, "\n");
	if (c->failed)
		c->len = start;
	else
		c->lines++;
}

/* ---- the sink ---- */

static int flush(struct sink_console *c, size_t *written)
{
	size_t now = 0;
	int rc = c->len ? sink_write(c->fd, c->text, c->len, c->lines, &now) : 0;

	*written += now;
	c->len = 0;
	c->lines = 0;
	return rc;
}

static int console_write(struct sink *sink, const char *bytes, size_t len, size_t lines, size_t *written)
{
	struct sink_console *c = (struct sink_console *)sink;
	const char *end = bytes + len;
	int rc = 0;

	(void)lines;
	*written = 0;
	while (bytes < end && !rc) {
		const char *newline = memchr(bytes, '\n', (size_t)(end - bytes));
		const char *stop = newline ? newline : end;

		render(c, (struct slice){bytes, (size_t)(stop - bytes)});
		bytes = newline ? newline + 1 : end;
		if (c->failed)
			rc = -ENOMEM;
		else if (c->len >= FLUSH_BYTES)
			rc = flush(c, written);
	}
	if (c->len) {
		int last = flush(c, written);

		rc = rc ? rc : last;
	}
	return rc;
}

static void console_close(struct sink *sink)
{
	struct sink_console *c = (struct sink_console *)sink;

	sink_close(c->fd);
	free(c->text);
	free(c);
}

static void console_forked(struct sink *sink)
{
	struct sink_console *c = (struct sink_console *)sink;

	c->len = 0;
	c->lines = 0;
	sink_forked(c->fd);
}

static const struct sink_ops console_ops = {.write = console_write, .forked = console_forked, .close = console_close};

static bool wants_colour(int fd, enum sink_colour colour)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	if (colour != SINK_COLOUR_AUTO)
		return colour == SINK_COLOUR_ALWAYS;
	return !(no && *no) && !(term && !strcmp(term, "dumb")) && isatty(fd);
}

int sink_console_open(int fd, enum sink_colour colour, struct sink **out)
{
	struct sink_console *c = calloc(1, sizeof *c);
	int saved = errno, rc = c ? sink_fd_open(fd, false, &c->fd) : -ENOMEM;

	if (rc) {
		free(c);
		return rc;
	}
	c->base.ops = &console_ops;
	c->fd->around = &c->base;
	c->colour = wants_colour(fd, colour);
	errno = saved; /* isatty's */
	*out = &c->base;
	return 0;
}

/* ---- in the configuration ---- */

static int parse(const struct setting_source *source, const char *key, const json_t *value, struct sink_settings *out)
{
	(void)out;
	return json_is_true(value) ? 0 : setting_wrong_type(source, key, "true", value);
}

static int open_stdout(const struct sink_settings *settings, enum sink_file_start start, struct sink **out, char *what,
                       size_t cap)
{
	(void)settings, (void)start;
	snprintf(what, cap, "standard output");
	return sink_console_open(STDOUT_FILENO, SINK_COLOUR_AUTO, out);
}

static int open_stderr(const struct sink_settings *settings, enum sink_file_start start, struct sink **out, char *what,
                       size_t cap)
{
	(void)settings, (void)start;
	snprintf(what, cap, "standard error");
	return sink_console_open(STDERR_FILENO, SINK_COLOUR_AUTO, out);
}

const struct sink_kind sink_kind_stdout = {.name = "stdout", .parse = parse, .open = open_stdout};
const struct sink_kind sink_kind_stderr = {.name = "", .open = open_stderr};
