/* SPDX-License-Identifier: Apache-2.0 */
/* csv.c - the load generator's input files, and those of --from: a header, then lines of columns, with quotes where
 * they need them. No line ends within quotes. */
#include "sim.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MOST ((int)(sizeof((struct csv *)0)->column / sizeof(char *)))

/* Takes the quotes off what begins at text; returns what is behind it. */
static char *unquote(char *text)
{
	char *from = text + 1, *to = text;

	while (*from && (*from != '"' || from[1] == '"')) {
		from += *from == '"';
		*to++ = *from++;
	}
	from += *from == '"';
	if (to < from)
		*to = '\0';
	return from;
}

static int cut(char *text, char **column)
{
	int n = 0;

	text[strcspn(text, "\r\n")] = '\0';
	while (n < MOST) {
		char *comma = strchr(*text == '"' ? unquote(text) : text, ',');

		column[n++] = text;
		if (!comma)
			break;
		*comma = '\0';
		text = comma + 1;
	}
	return n;
}

int csv_open(struct csv *c, const char *path)
{
	*c = (struct csv){.path = path, .file = fopen(path, "r")};
	if (!c->file) {
		int rc = -errno;

		fprintf(stderr, "faas-sim: %s: %s\n", path, strerror(errno));
		return rc;
	}
	errno = 0;
	if (getline(&c->text, &c->room, c->file) <= 0) {
		fprintf(stderr, "faas-sim: %s: %s\n", path, errno ? strerror(errno) : "there is no header");
		csv_close(c);
		return -EINVAL;
	}
	c->line = 1;
	if (!strncmp(c->text, "\xef\xbb\xbf", 3))
		memmove(c->text, c->text + 3, strlen(c->text + 3) + 1); /* a byte-order mark */
	c->header = c->text;
	c->text = NULL;
	c->room = 0;
	c->names = cut(c->header, c->name);
	return 0;
}

int csv_next(struct csv *c)
{
	while (getline(&c->text, &c->room, c->file) > 0) {
		c->line++;
		c->columns = cut(c->text, c->column);
		if (c->columns > 1 || *c->column[0])
			return 1;
	}
	return 0;
}

int csv_column(const struct csv *c, const char *name)
{
	for (int i = 0; i < c->names; i++)
		if (!strcmp(c->name[i], name))
			return i;
	return -1;
}

const char *csv_text(const struct csv *c, int column)
{
	return column >= 0 && column < c->columns ? c->column[column] : "";
}

int csv_number(const struct csv *c, int column, double *out)
{
	const char *text = csv_text(c, column);
	char *end;

	*out = strtod(text, &end);
	if (end != text && !*end && *out >= 0 && *out < 1e15)
		return 0;
	fprintf(stderr, "faas-sim: %s:%ld: %s: \"%s\" is not a number\n", c->path, c->line,
	        column >= 0 ? c->name[column] : "a column", text);
	return -EINVAL;
}

void csv_close(struct csv *c)
{
	free(c->text);
	free(c->header);
	if (c->file)
		fclose(c->file);
	c->file = NULL;
}
