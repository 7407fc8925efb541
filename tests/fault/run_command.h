/* SPDX-License-Identifier: GPL-3.0-or-later */
/* run_command.h - a folder of a test's own, and commands of ilu-logq run in this process. What goes wrong here fails
 * the test. */
#ifndef RUN_COMMAND_H
#define RUN_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

/* 0 or -1. */
int folder_make(void);
void folder_remove(void);
/* The path of a name in it; eight of them live at a time. */
const char *in_folder(const char *name);
/* Removes what is in it, but for names that begin with a dot. */
void folder_empty(void);
/* What lies there: names with blanks between. */
void folder_list(char *out, size_t room);

/* The bytes of a file, to be freed; a zero stands behind them. */
char *file_get(const char *path, size_t *n);
void file_put(const char *path, const char *p, size_t n);

/* The command's status, of words up to NULL; what it said, on both streams, is in the file .said of the folder. */
int command_run(const char *const *words);

#endif
