/* SPDX-License-Identifier: Apache-2.0 */
/* lasterror.c - see lasterror.h. */
#include "base/lasterror.h"

#include <ilu/log.h>

__thread char last_error[LAST_ERROR_MAX];

const char *ilu_log_error(void)
{
	return last_error;
}
