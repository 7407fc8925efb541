/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mask.h - texts that differ only in their numbers and ids, as one. */
#ifndef QUERY_MASK_H
#define QUERY_MASK_H

#include "render/text.h"

/* Adds text with every run of digits, and every word of 8 or more hex digits with a digit in it, as *: "snapshot-1149"
 * becomes "snapshot-*", which is also a pattern of --message. */
void mask_numbers(struct text *out, const char *text, size_t len);

#endif
