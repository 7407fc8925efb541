/* SPDX-License-Identifier: Apache-2.0 */
/* meant.h - did who types a filter mean it? "inof" is one, of a target that there is none of. */
#ifndef MEANT_H
#define MEANT_H

#include <stdbool.h>
#include <stddef.h>

#define MEANT_MAX 512 /* room for why not */

/* Does each directive fit some call site of the program? What is no filter at all is left to the parser, and so true.
 * Else false, and in `why` which one, and what was perhaps meant. */
bool meant(const char *directives, char *why, size_t cap);

#endif
