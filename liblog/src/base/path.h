/* SPDX-License-Identifier: Apache-2.0 */
/* path.h - paths that outlive a change of the working directory. */
#ifndef PATH_H
#define PATH_H

/* The path from the root, by the working directory of now; links and ".." stay. *out is for free(), NULL on failure.
 * 0 or a negative errno. */
int path_absolute(const char *path, char **out);

#endif
