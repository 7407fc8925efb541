/* SPDX-License-Identifier: Apache-2.0 */
/* version.c - what the library says it is: the version of the headers that it was compiled with. */
#include <ilu/version.h>

const char *ilu_version(void)
{
	return ILU_VERSION;
}
