/* SPDX-License-Identifier: GPL-3.0-or-later */
/* words.c - see words.h */
#include "shell/words.h"
#include <errno.h>
#include <sqlite3.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

/* Copies one word down over its quotes; *p stands behind it afterwards. */
static int take_word(char **p, char **word)
{
	char *out = *p, *in = *p;
	char quote = 0;

	*word = out;
	for (; *in && (quote || !strchr(" \t\r\n", *in)); in++) {
		if (quote && *in == quote)
			quote = 0;
		else if (!quote && (*in == '\'' || *in == '"'))
			quote = *in;
		else if (*in == '\\' && quote != '\'' && in[1] && (!quote || in[1] == quote || in[1] == '\\'))
			*out++ = *++in;
		else
			*out++ = *in;
	}
	*p = in + (*in != 0);
	*out = 0;
	return quote ? -EINVAL : 0;
}

int words_split(char *line, char **words, int max)
{
	int n = 0;

	for (;;) {
		line += strspn(line, " \t\r\n");
		if (!*line || *line == '#')
			return n;
		if (n == max)
			return -E2BIG;
		if (take_word(&line, &words[n++]))
			return -EINVAL;
	}
}

bool words_are_sql(const char *line)
{
	static const char *const starts[] = {"select", "with",   "explain", "values", "pragma", "create",
	                                     "drop",   "insert", "update",  "delete", "attach", "detach",
	                                     "begin",  "commit", "analyze", "vacuum"};
	size_t n;

	line += strspn(line, " \t\r\n(");
	n = strspn(line, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
	for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
		if (strlen(starts[i]) == n && !strncasecmp(starts[i], line, n))
			return true;
	/* A remark of SQL; an option has no blank there. */
	return line[0] == '-' && line[1] == '-' && strchr(" \t\r\n", line[2]);
}

bool words_sql_complete(const char *sql)
{
	return sqlite3_complete(sql);
}
