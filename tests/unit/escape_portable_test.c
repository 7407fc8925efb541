/* SPDX-License-Identifier: Apache-2.0 */
/* escape_portable_test.c - the same tests for the escaper without vector instructions, as other machines get it. */
#define ESCAPE_PORTABLE
#include "../../liblog/src/base/escape.c"
#include "escape_test.c"
