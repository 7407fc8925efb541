/* SPDX-License-Identifier: GPL-3.0-or-later */
/* own_dir.h - a directory for what a test writes, removed at its end. */
#ifndef OWN_DIR_H
#define OWN_DIR_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char dir[] = "/tmp/ilu-test-XXXXXX";

/* The path of a file in it; of at most 64 names. */
static inline const char *in_dir(const char *name)
{
	static char known[64][200];
	char path[200];
	unsigned i = 0;

	snprintf(path, sizeof path, "%s/%s", dir, name);
	while (i < 64 && *known[i] && strcmp(known[i], path))
		i++;
	if (i == 64)
		abort();
	return strcpy(known[i], path);
}

static inline int dir_make(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static inline int dir_remove(void **state)
{
	char command[100];

	(void)state;
	snprintf(command, sizeof command, "rm -rf %s", dir);
	return system(command);
}

#endif
