/* SPDX-License-Identifier: Apache-2.0 */
/* lasterror.h - what ilu_log_error says to the calling thread: why its last start or change of the filter failed. */
#ifndef LASTERROR_H
#define LASTERROR_H

#define LAST_ERROR_MAX 1024

extern __thread char last_error[LAST_ERROR_MAX];

#endif
