/* SPDX-License-Identifier: Apache-2.0 */
/* reload.h - reading the configuration's file again while the logger runs.
 *
 * A signal handler asks; the appender's thread does it, where files may be read and memory be taken. The environment
 * that goes over the file is the one of the start: another thread may be changing the present one. */
#ifndef RELOAD_H
#define RELOAD_H

#include "config/config.h"

/* Remember what the logger starts from: a file, made absolute, or NULL; and the variables. Not while it runs. 0,
 * -ENOMEM or the error of getcwd. */
int reload_remember(const char *path, char *const *environment);

/* Ask for it. Safe in signal handlers. 0, or -ENOENT when there was no file. */
int reload_request(void);
bool reload_wanted(void);
/* It is about to be done: what is asked from now on is for the next time. */
void reload_begin(void);

/* Read the file again; as config_parse_file. */
int reload_read(struct config *config, struct config_error *error);

#endif
