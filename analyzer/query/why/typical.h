/* SPDX-License-Identifier: GPL-3.0-or-later */
/* typical.h - the request that stands best for many. */
#ifndef WHY_TYPICAL_H
#define WHY_TYPICAL_H

#include "query/why/excess.h"

enum { NO_REQUEST = UINT32_MAX };

/* *slow: of the function with the largest excess, the slow request whose phases are nearest to the medians of its slow
 * requests; *fast: the same of its others. NO_REQUEST where there is none. 0 or -ENOMEM. */
int typical_find(const struct requests *r, const struct excess *e, uint32_t *slow, uint32_t *fast);

#endif
