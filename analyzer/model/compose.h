/* SPDX-License-Identifier: GPL-3.0-or-later */
/* compose.h - a text put together from the fields of a line: "{method} {path|ids}".
 *
 * A name in braces is a field (span.NAME: of the innermost span); with |ids what looks like an id in it is *, part by
 * part: "/users/17/cart?x=1" is "/users/{id}/cart". A field that is not there is empty. */
#ifndef MODEL_COMPOSE_H
#define MODEL_COMPOSE_H

#include "base/bytes.h"
#include "store/store.h"

/* Whether the braces of a pattern are in pairs with a name in each. */
bool compose_check(const char *pattern);
/* Appends to out (whose failure is remembered there). False: none of its fields is there, and nothing was added. */
bool compose(const struct event *e, const char *pattern, struct bytes *out);
/* A path with its ids taken out, at the end of out. */
void compose_without_ids(struct slice path, struct bytes *out);

#endif
