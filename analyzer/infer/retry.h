/* SPDX-License-Identifier: GPL-3.0-or-later */
/* retry.h - what is tried again after an error line: the message that a repeated stretch begins with. */
#ifndef INFER_RETRY_H
#define INFER_RETRY_H

#include "infer/requests.h"

struct retry {
	uint32_t key;      /* SAMPLE_NONE: nothing is repeated */
	uint32_t requests; /* in so many it comes again */
};

/* 0 or -ENOMEM. */
int retry_find(struct retry *out, const struct sample *s, const struct requests *r, unsigned kind);

#endif
