/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lint_lines.h - the part of lint that reads all lines. */
#ifndef FINDINGS_LINT_LINES_H
#define FINDINGS_LINT_LINES_H

#include "findings/finding.h"

/* Appends what lines give away by themselves; run 0: of all runs. 0 or a negative errno. */
int lint_lines(struct store *store, int64_t run, struct findings *out);

#endif
