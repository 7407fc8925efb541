/* SPDX-License-Identifier: Apache-2.0 */
/* rundir.h - where the control sockets of running processes are: DIRECTORY/PID.sock. */
#ifndef RUNDIR_H
#define RUNDIR_H

#include <stddef.h>
#include <sys/types.h>

#define RUNDIR_AUTO "auto"
#define RUNDIR_MAX  200

/* The directory that "auto" stands for, in this process. */
void rundir_auto(char out[RUNDIR_MAX]);

/* The i-th directory where a process of that user may have its socket, from 0. Returns out, or NULL after the last. */
const char *rundir_candidate(unsigned i, uid_t owner, char out[RUNDIR_MAX]);

/* "DIRECTORY/PID.sock" for an address of a socket. 0 or -ENAMETOOLONG. */
int rundir_socket(const char *directory, pid_t pid, char *out, size_t cap);

#endif
