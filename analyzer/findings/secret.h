/* SPDX-License-Identifier: GPL-3.0-or-later */
/* secret.h - fields that look like secrets: by their names, or in an environment that was dumped. */
#ifndef FINDINGS_SECRET_H
#define FINDINGS_SECRET_H

#include "store/store.h"
#include <stdbool.h>

/* What the events of a head may tell. */
enum secret_kind {
	SECRET_UNKNOWN, /* not looked at yet */
	SECRET_NONE,
	SECRET_ENVIRONMENT,
	SECRET_NAMED, /* a field is named as a secret */
};

enum { SECRET_NAME = 64 };

enum secret_kind secret_kind_of(const struct shape *head);

/* Whether a field that is named as a secret has a value; its name, cut to fit. */
bool secret_field(const struct event *e, char name[static SECRET_NAME]);

/* Whether the event dumps an environment, and whether that holds something that looks like a secret. */
bool secret_environment(const struct event *e, bool *secret);

#endif
