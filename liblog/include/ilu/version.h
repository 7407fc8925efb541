/* SPDX-License-Identifier: Apache-2.0 */
/* ilu/version.h - which version these headers are of, and which one the program runs with.
 *
 * A program goes on running with a later shared library of the same soname, so the two may differ. The soname changes
 * with everything that a compiled program could notice. */
#ifndef ILU_VERSION_H
#define ILU_VERSION_H

#include "detail/api.h"

/* Of the headers, for #if; ILU_VERSION is "MAJOR.MINOR.PATCH". */
#define ILU_VERSION_MAJOR 0
#define ILU_VERSION_MINOR 1
#define ILU_VERSION_PATCH 0

#define ILU_VERSION ILU_VERSION_TEXT_(ILU_VERSION_MAJOR, ILU_VERSION_MINOR, ILU_VERSION_PATCH)

#define ILU_VERSION_TEXT_(major, minor, patch)  ILU_VERSION_TEXT2_(major, minor, patch)
#define ILU_VERSION_TEXT2_(major, minor, patch) #major "." #minor "." #patch

#ifdef __cplusplus
extern "C" {
#endif

/* Of the library, in the same form. Constant; safe anywhere. */
ILU_API const char *ilu_version(void);

#ifdef __cplusplus
}
#endif
#endif
