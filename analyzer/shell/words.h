/* SPDX-License-Identifier: GPL-3.0-or-later */
/* words.h - a line of the shell as words: blanks part them; 'single' and "double" quotes and \ keep them together. */
#ifndef SHELL_WORDS_H
#define SHELL_WORDS_H

#include <stdbool.h>

/* Splits line in place into at most max words that point into it. # at the beginning of a word starts a remark.
 * Returns their number, -EINVAL where a quote is open, -E2BIG where there are more. */
int words_split(char *line, char **words, int max);

/* Does the line begin with a word of SQL (select, with, explain, ...) or end none of our commands? */
bool words_are_sql(const char *line);
/* Is SQL so far a whole statement, up to its ;? */
bool words_sql_complete(const char *sql);

#endif
