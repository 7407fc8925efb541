/* SPDX-License-Identifier: Apache-2.0 */
/* answer.h - requests on the control socket, each a JSON object in a line, and their answers.
 *
 *   {"do":"status"}                                           the filter, when it reverts, the logger's counts
 *   {"do":"filter","level":"info,worker=debug","for_ms":60000}
 *           change the filter, for good without for_ms; then as status. What fits no call site is refused, with what
 *           was perhaps meant, but for "force":true
 *   {"do":"sites"}                                            every call site, whether it speaks, and its lines
 *
 *   {"ok":true,...} or {"ok":false,"error":"level: directive 2 (\"x=y\"), column 8: unknown level \"y\""} */
#ifndef ANSWER_H
#define ANSWER_H

#include <jansson.h>
#include <sys/socket.h>

/* The answer to a request; yours. NULL: no memory. */
json_t *answer_to(const char *text, size_t len, const struct ucred *caller);

/* A refusal in words; yours. NULL: no memory. */
json_t *answer_refusal(const char *why);

#endif
