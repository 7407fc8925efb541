/* SPDX-License-Identifier: GPL-3.0-or-later */
/* answers.h - whether requests whose span closes were answered, or were broken off.
 *
 * A daemon that is stopped drops what still waits: many requests close at one instant, the last one of the log, without
 * a word. What the others said before they closed is the answer then, and a close without it is a failure. */
#ifndef INFER_ANSWERS_H
#define INFER_ANSWERS_H

#include "infer/requests.h"

/* Looks at the ends of a kind, and changes them where it finds that out: the answer is its end then, and `answered` the
 * close. 0 or -ENOMEM. */
int answers_find(struct requests *r, const struct sample *s, unsigned kind);

#endif
