/* SPDX-License-Identifier: GPL-3.0-or-later */
/* suggest.c - see suggest.h */
#include "query/core/suggest.h"
#include <string.h>

enum { LONGEST = 32 };

static int least(int a, int b)
{
	return a < b ? a : b;
}

/* Insertions, deletions, replacements and swaps of neighbours that turn a into b. */
static int slips(const char *a, const char *b)
{
	size_t na = strlen(a), nb = strlen(b);
	int d[LONGEST + 1][LONGEST + 1];

	if (na > LONGEST || nb > LONGEST)
		return LONGEST;
	for (size_t i = 0; i <= na; i++)
		d[i][0] = (int)i;
	for (size_t j = 0; j <= nb; j++)
		d[0][j] = (int)j;
	for (size_t i = 1; i <= na; i++) {
		for (size_t j = 1; j <= nb; j++) {
			d[i][j] = least(least(d[i - 1][j], d[i][j - 1]) + 1, d[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				d[i][j] = least(d[i][j], d[i - 2][j - 2] + 1);
		}
	}
	return d[na][nb];
}

const char *suggest(const char *word, const char *(*next)(void *arg, size_t i), void *arg)
{
	const char *best = NULL, *name;
	int fewest = ((int)strlen(word) + 1) / 3;

	for (size_t i = 0; (name = next(arg, i)); i++) {
		int n = strlen(word) >= 3 && !strncmp(name, word, strlen(word)) ? 1 : slips(word, name);

		if (n <= fewest && (!best || n < fewest)) {
			fewest = n;
			best = name;
		}
	}
	return best;
}

struct list {
	char *const *names;
	size_t n;
};

static const char *next_of_list(void *arg, size_t i)
{
	const struct list *l = arg;

	return i < l->n ? l->names[i] : NULL;
}

const char *suggest_of(const char *word, char *const *names, size_t n)
{
	return suggest(word, next_of_list, &(struct list){names, n});
}
