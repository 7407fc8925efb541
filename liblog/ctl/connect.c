/* SPDX-License-Identifier: Apache-2.0 */
/* connect.c - finds the socket of a process and talks over it.
 *
 * Who answers must be the user whose process it is, or root: a directory in /tmp could be another's. In a directory
 * that was named, it must be its owner, or root: there the number may be that of a process in a container, which has
 * another one here. */
#include "ctl.h"
#include "control/rundir.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

struct search {
	const struct ctl *ctl;
	char looked[900]; /* where */
	int error;        /* the first that was not "nothing there" */
	char error_path[sizeof((struct sockaddr_un *)0)->sun_path];
};

static int try_path(struct search *s, const char *directory, uid_t owner)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct ucred peer;
	socklen_t size = sizeof peer;
	int fd, error = 0;

	snprintf(s->looked + strlen(s->looked), sizeof s->looked - strlen(s->looked), "%s%s", *s->looked ? ", " : "",
	         directory);
	if (rundir_socket(directory, s->ctl->pid, address.sun_path, sizeof address.sun_path))
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address))
		error = errno;
	else if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size))
		error = errno;
	else if (peer.uid && peer.uid != owner)
		error = EPERM;
	if (!error)
		return fd;
	if (fd >= 0)
		close(fd);
	if (!s->error && error != ENOENT && error != ECONNREFUSED && error != ENOTDIR) {
		s->error = error;
		strcpy(s->error_path, address.sun_path);
	}
	return -1;
}

void ctl_name(pid_t pid, char *out, size_t cap)
{
	char path[40];
	FILE *f;

	snprintf(path, sizeof path, "/proc/%ld/comm", (long)pid);
	f = fopen(path, "re");
	if (!f || !fgets(out, (int)cap, f))
		strcpy(out, "?");
	out[strcspn(out, "\n")] = '\0';
	for (char *at = out; *at; at++) {
		if (*at < ' ' || *at > '~')
			*at = '?';
	}
	if (f)
		fclose(f);
}

int ctl_connect_in(const char *directory, pid_t pid, uid_t owner)
{
	const struct ctl ctl = {.pid = pid};
	struct search s = {.ctl = &ctl};

	return try_path(&s, directory, owner);
}

static void explain(const struct search *s, uid_t owner)
{
	long pid = s->ctl->pid;
	char name[64];

	ctl_name(s->ctl->pid, name, sizeof name);
	if (s->error == EACCES)
		fprintf(
		    stderr,
		    "ilu-logctl: %s: permission denied: only user %lu, whose process %ld (%s) is, and root may ask\n",
		    s->error_path, (unsigned long)owner, pid, name);
	else if (s->error == EPERM)
		fprintf(stderr, "ilu-logctl: %s: another user's socket, not that of process %ld (%s)\n", s->error_path,
		        pid, name);
	else if (s->error)
		fprintf(stderr, "ilu-logctl: %s: %s\n", s->error_path, strerror(s->error));
	else
		fprintf(stderr,
		        "ilu-logctl: process %ld (%s) has no control socket in %s\n"
		        "It must run with libilulog and the key run_directory (ILU_LOG__run_directory=auto in its "
		        "environment).\n",
		        pid, name, s->looked);
}

int ctl_connect(const struct ctl *ctl)
{
	struct search s = {.ctl = ctl};
	char directory[RUNDIR_MAX], proc[40];
	struct stat process, named = {.st_uid = 0};
	bool there;
	int fd = -1;

	snprintf(proc, sizeof proc, "/proc/%ld", (long)ctl->pid);
	there = !stat(proc, &process);
	if (ctl->directory && stat(ctl->directory, &named)) {
		fprintf(stderr, "ilu-logctl: %s: %s\n", ctl->directory, strerror(errno));
		return -1;
	}
	if (ctl->directory)
		fd = try_path(&s, ctl->directory, named.st_uid);
	for (unsigned i = 0; !ctl->directory && there && fd < 0 && rundir_candidate(i, process.st_uid, directory); i++)
		fd = try_path(&s, directory, process.st_uid);
	if (fd < 0 && !there && !s.error)
		fprintf(stderr, "ilu-logctl: no such process: %ld%s%s\n", (long)ctl->pid,
		        ctl->directory ? ", and no socket of one in " : "", ctl->directory ? ctl->directory : "");
	else if (fd < 0)
		explain(&s, ctl->directory ? named.st_uid : process.st_uid);
	return fd;
}

/* ---- talking ---- */

static int send_line(int fd, const char *text)
{
	size_t len = strlen(text);

	while (len) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			text += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

static json_t *receive(int fd)
{
	FILE *f = fdopen(dup(fd), "r");
	json_error_t error;
	json_t *answer = f ? json_loadf(f, JSON_DISABLE_EOF_CHECK, &error) : NULL;

	if (f)
		fclose(f);
	return answer;
}

json_t *ctl_ask(int fd, const json_t *request)
{
	char *text = json_dumps(request, JSON_COMPACT);
	json_t *answer = NULL;
	int rc = text ? send_line(fd, text) : -ENOMEM;

	if (!rc)
		rc = send_line(fd, "\n");
	free(text);
	/* a refusal may come before the request was read */
	if (!rc || rc == -EPIPE)
		answer = receive(fd);
	if (!answer)
		fprintf(stderr, "ilu-logctl: no answer: %s\n",
		        rc ? strerror(-rc) : "the program ended, or its logger stopped");
	return answer;
}
