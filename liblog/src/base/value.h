/* SPDX-License-Identifier: Apache-2.0 */
/* value.h - one value out of a record, as JSON. */
#ifndef VALUE_H
#define VALUE_H

#include <ilu/detail/record.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Room for any number, and for what goes around text: quotes, the mark of cut text. */
#define VALUE_ROOM 96

/* Write a value.
 *
 * out      room for VALUE_ROOM + 6 bytes for each byte of the record
 * type     enum ilu_type_
 * payload  in: where its bytes begin; out: one past them
 * end      of the record: damaged lengths stop there
 * cut      set to true when it was cut by the caller
 *
 * Text that was cut ends in "...[N bytes cut]" with a real ellipsis. JSON that is none becomes a string.
 * Returns one past the text. */
char *value_put(char *out, unsigned type, const char **payload, const char *end, bool *cut);

/* The name of an errno ("ENOENT"), or NULL. */
const char *value_errno_name(int64_t number);

/* Copy JSON without white space, strings made safe as escape.h says. Returns its length, 0 when it is not JSON.
 * out has room for ESCAPE_ROOM(len). */
size_t value_json(char *out, const char *text, size_t len);

#endif
