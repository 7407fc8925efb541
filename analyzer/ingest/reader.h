/* SPDX-License-Identifier: GPL-3.0-or-later */
/* reader.h - the text of a file, whatever it is packed in.
 *
 * Plain files, standard input ("-"), zstd (one frame or many, skippable frames between them) and gzip (many
 * members) are told apart by their first bytes, never by name. */
#ifndef INGEST_READER_H
#define INGEST_READER_H

#include <signal.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#define READER_BLOCK (512 * 1024) /* a good size for reader_read */

enum reader_format { READER_PLAIN, READER_ZSTD, READER_GZIP };

struct reader;

/* Opens path. Returns 0 or the negative errno of opening it; -EISDIR and -EINVAL (neither file, pipe nor terminal) too.
 * On error *why is a sentence without the path, static. A packed file that is damaged at its start opens: reader_read
 * tells. */
int reader_open(const char *path, struct reader **out, const char **why);
/* As reader_open, but what waits for a pipe or a terminal, opening included, gives up with -EINTR soon after *stop is
 * set, whichever thread the signal came to. That is no error: it may be called again when *stop is 0. */
int reader_open_until(const char *path, const volatile sig_atomic_t *stop, struct reader **out, const char **why);
void reader_close(struct reader *r);

/* The first n bytes of the text (at most READER_HEAD), which reader_read gives again: before the first reader_read
 * only. Waits for them on a pipe. Their number, less where the text is shorter or damaged; what else there is to say of
 * that, reader_read says. */
#define READER_HEAD 1024
size_t reader_peek(struct reader *r, void *buf, size_t n);

/* Passes over the byte-order mark of UTF-8 at the text's beginning; before the first reader_read only. */
void reader_pass_mark(struct reader *r);

/* Up to n bytes of text. Fills buf from a file; from a pipe or terminal returns what there is (at least one byte).
 *
 * Returns the number of bytes, 0 at the end, or
 *   -EBADMSG  packed data broken or cut off: what came before was delivered (damage)
 *   -E2BIG    a limit: a zstd window above 128 MiB, or a bomb: more than 1 GiB of text, and more than 4,000 times
 *             what the file has (gzip cannot; the worst real log is 190 times its file) (damage)
 *   -ENOMEM, -EIO, ... of the system
 * After an error or the end it returns the same again; reader_why says more. */
ssize_t reader_read(struct reader *r, void *buf, size_t n);

/* Passes over the next n bytes of text: cheap in a plain file. 0, -EPIPE where the text ends before, or as reader_read.
 */
int reader_skip(struct reader *r, int64_t n);

/* After an error: what and where, e.g. "broken zstd frame at byte 8192: Data corruption detected"; bytes of the
 * file, not of the text. "" without an error. Borrowed until reader_close. */
const char *reader_why(const struct reader *r);

enum reader_format reader_format(const struct reader *r);

/* Bytes of the file used so far; *total is its size, or -1 where it has none (pipe, terminal). For progress. */
int64_t reader_file_bytes(const struct reader *r, int64_t *total);

/* Of the open file: device, inode, size, times. */
const struct stat *reader_stat(const struct reader *r);

#endif
