/* SPDX-License-Identifier: Apache-2.0 */
/* path.c - a path and the working directory. */
#include "base/path.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int path_absolute(const char *path, char **out)
{
	char *directory;

	*out = NULL;
	if (*path == '/') {
		*out = strdup(path);
		return *out ? 0 : -ENOMEM;
	}
	directory = getcwd(NULL, 0);
	if (!directory)
		return -errno;
	if (asprintf(out, "%s/%s", directory, path) < 0)
		*out = NULL;
	free(directory);
	return *out ? 0 : -ENOMEM;
}
