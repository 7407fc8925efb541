/* SPDX-License-Identifier: GPL-3.0-or-later */
/* strict.h - whether any parser takes a text as JSON. */
#ifndef QUERY_EXPORT_STRICT_H
#define QUERY_EXPORT_STRICT_H

#include "base/slice.h"

/* One value of RFC 8259 with nothing but blanks around it: valid UTF-8, no control character in a string, no lone
 * half of a surrogate pair, and not nested deeper than STRICT_DEPTH, which is more than logs have and less than the
 * parsers of other languages bear. */
enum { STRICT_DEPTH = 64 };
bool json_is_strict(struct slice text);

#endif
