/* SPDX-License-Identifier: Apache-2.0 */
/* The tests of events once more, with calls that copy their values out of line. */
#define ILU_OUT_OF_LINE
#include "log_event_test.c"
