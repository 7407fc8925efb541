/* SPDX-License-Identifier: GPL-3.0-or-later */
/* input.h - shared by the readers of the files beside the logs. */
#ifndef BESIDE_INPUT_H
#define BESIDE_INPUT_H

#include "beside/csv.h"
#include "beside/beside.h"

/* Sets *why to "PATH:LINE: ..." (line 0: "PATH: ...") and returns rc. */
__attribute__((format(printf, 5, 6))) int input_refuse(char **why, int rc, const char *path, int64_t line,
                                                       const char *format, ...);

/* Opens a CSV file and reads its header line as the first row. */
int input_csv_open(struct csv *c, const char *path, char **why);
/* As csv_next, with *why made; a row must have nfields fields. */
int input_csv_next(struct csv *c, const char *path, unsigned nfields, char **why);
/* The index of a column in the header, or -1. */
int input_column(const struct csv *header, const char *name);

/* The whole text as a number. */
bool input_integer(struct slice in, int64_t *out);
bool input_real(struct slice in, double *out);

/* result.c */
int result_load_csv(struct store *s, int64_t run, const char *path, char **why);
int result_load_json(struct store *s, int64_t run, const char *path, char **why);

#endif
