/* SPDX-License-Identifier: GPL-3.0-or-later */
/* need.c - see need.h */
#include "query/cluster/need.h"
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void remote_asking_done(struct remote_asking *a)
{
	free(a->own[0]);
	free(a->own[1]);
	text_done(&a->lines);
	intern_done(&a->fields);
}

int remote_put_message(void *arg, struct slice message)
{
	struct text *sql = arg;

	cluster_quote(sql, message);
	text_puts(sql, ", ");
	return 0;
}

/* FILE, FILE:RUN or FILE@FROM..TO. */
static bool names_file(const char *word)
{
	char *path = strdup(word);
	size_t n = path ? strlen(path) : 0;
	struct stat st;
	bool found = path && !stat(path, &st) && S_ISREG(st.st_mode);

	for (; n && !found; n--)
		if (path[n] == ':' || path[n] == '@') {
			path[n] = '\0';
			found = !stat(path, &st) && S_ISREG(st.st_mode);
		}
	free(path);
	return found;
}

bool remote_is_aside(const struct args *args)
{
	bool aside = true;

	for (size_t i = 0; i < args->nwords && aside; i++)
		aside = names_file(args->words[i]);
	return aside;
}
