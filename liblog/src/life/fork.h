/* SPDX-License-Identifier: Apache-2.0 */
/* fork.h - forks of the process, from the first start on. */
#ifndef FORK_H
#define FORK_H

/* Once a process; later calls do nothing. */
void fork_watch(void);

#endif
