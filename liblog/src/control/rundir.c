/* SPDX-License-Identifier: Apache-2.0 */
/* rundir.c - where control sockets are: the user's runtime directory where a session has one, /run/ilulog for services
 * that may write there, else a directory of the user's own in /tmp. ilu-logctl looks in all of them. */
#include "control/rundir.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char *session_directory(void)
{
	const char *dir = secure_getenv("XDG_RUNTIME_DIR");

	return dir && *dir == '/' ? dir : NULL;
}

void rundir_auto(char out[RUNDIR_MAX])
{
	const char *session = session_directory();

	if (session && (size_t)snprintf(out, RUNDIR_MAX, "%s/ilulog", session) < RUNDIR_MAX)
		return;
	if (!geteuid() || !access("/run/ilulog", W_OK | X_OK))
		snprintf(out, RUNDIR_MAX, "/run/ilulog");
	else
		snprintf(out, RUNDIR_MAX, "/tmp/ilulog-%lu", (unsigned long)geteuid());
}

const char *rundir_candidate(unsigned i, uid_t owner, char out[RUNDIR_MAX])
{
	const char *session = session_directory();

	if (!session)
		i++;
	switch (i) {
	case 0:
		snprintf(out, RUNDIR_MAX, "%s/ilulog", session);
		return out;
	case 1:
		snprintf(out, RUNDIR_MAX, "/run/user/%lu/ilulog", (unsigned long)owner);
		return out;
	case 2:
		snprintf(out, RUNDIR_MAX, "/run/ilulog");
		return out;
	case 3:
		snprintf(out, RUNDIR_MAX, "/tmp/ilulog-%lu", (unsigned long)owner);
		return out;
	default:
		return NULL;
	}
}

int rundir_socket(const char *directory, pid_t pid, char *out, size_t cap)
{
	int n = snprintf(out, cap, "%s/%ld.sock", directory, (long)pid);

	return n < 0 || (size_t)n >= cap ? -ENAMETOOLONG : 0;
}
