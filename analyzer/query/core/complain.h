/* SPDX-License-Identifier: GPL-3.0-or-later */
/* complain.h - what is said on standard error: on a terminal it breaks between words, where a program reads it, it is
 * one line. */
#ifndef QUERY_COMPLAIN_H
#define QUERY_COMPLAIN_H

/* The columns of the terminal that fd is; 0: it is none. */
int terminal_width(int fd);
/* "ilu-logq: " and what follows, which may quote bytes of a log or a file name: neither moves the cursor.
 * width: as the user wants it, 0: no limit; negative: as wide as the terminal is. */
void complain(int width, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same, as a load calls it; width is an int. */
void complain_of_load(void *width, const char *message);

#endif
