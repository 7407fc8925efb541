/* SPDX-License-Identifier: GPL-3.0-or-later */
/* taken.c - names of commands that are not in this version. */
#include "query/core/command.h"

const struct command command_compare = {
    .name = "compare",
    .group = GROUP_DOCUMENTS,
    .most = ANY_NUMBER,
    .help = "two runs side by side",
};
