/* SPDX-License-Identifier: Apache-2.0 */
/* server.c - answers ilu-logctl(1) over a unix socket.
 *
 * A caller sends one request and gets one answer (answer.h); then the connection ends. Only the user of the process and
 * root are answered: the directory may not be another's, the socket has mode 0600, and the kernel tells who called.
 *
 * One thread serves all callers and waits for none: it sleeps in poll(2) until one of them has something or room for
 * something, until one's time is over, or until a filter is to be reverted; so it costs nothing while nobody calls, and
 * who sends a byte a second holds nobody up. Whoever finds CALLERS_MAX others there is refused in words. Signals are
 * blocked in it. */
#include "control/server.h"

#include "base/keep.h"
#include "base/now.h"
#include "base/thread.h"
#include "control/caller.h"
#include "control/filter.h"
#include "control/rundir.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define STACK_BYTES (1024 * 1024) /* deep JSON, regular expressions in many parentheses */
#define DEAF_NS     1000000000    /* without descriptors or memory for a caller: try again then */

struct server {
	pthread_t thread;
	struct keep listener;
	struct keep stop[2]; /* a pipe: when its writing end is closed, the thread ends */
	struct sockaddr_un address;
	uint64_t deaf_until_ns;
	struct caller caller[CALLERS_MAX];
};

/* ---- callers ---- */

static struct caller *free_place(struct server *s)
{
	for (int i = 0; i < CALLERS_MAX; i++)
		if (s->caller[i].fd < 0)
			return &s->caller[i];
	return NULL;
}

static void let_in(struct server *s)
{
	for (;;) {
		int fd = keep_high(accept4(s->listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK));
		struct caller *place;

		if (fd < 0) {
			if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
				s->deaf_until_ns = now_machine_ns() + DEAF_NS; /* the caller waits; do not spin */
			if (errno != EINTR && errno != ECONNABORTED)
				return;
			continue;
		}
		place = free_place(s);
		if (place)
			caller_begin(place, fd);
		else
			caller_turn_away(fd);
	}
}

/* How long to sleep at most, and for whom. */
static int prepare_wait(struct server *s, struct pollfd *wait, int timeout_ms)
{
	uint64_t now = now_machine_ns(), next = timeout_ms < 0 ? UINT64_MAX : now + (uint64_t)timeout_ms * 1000000;
	bool deaf = now < s->deaf_until_ns;

	if (deaf && s->deaf_until_ns < next)
		next = s->deaf_until_ns;
	wait[0] = (struct pollfd){s->stop[0].fd, POLLIN, 0};
	wait[1] = (struct pollfd){deaf ? -1 : s->listener.fd, POLLIN, 0};
	for (int i = 0; i < CALLERS_MAX; i++) {
		const struct caller *c = &s->caller[i];

		wait[2 + i] = (struct pollfd){c->fd, c->out ? POLLOUT : POLLIN, 0};
		if (c->fd >= 0 && c->until_ns < next)
			next = c->until_ns;
	}
	if (next == UINT64_MAX)
		return -1;
	next = next > now ? (next - now) / 1000000 + 1 : 0;
	return next < INT_MAX ? (int)next : INT_MAX;
}

/* A program that closes all descriptors has closed these; what has their numbers then is not for us. */
static bool ours(const struct server *s)
{
	struct stat st;

	return keep_same(&s->listener, &st) && keep_same(&s->stop[0], &st);
}

static void *run(void *argument)
{
	struct server *s = argument;
	struct pollfd wait[CALLERS_MAX + 2];

	prctl(PR_SET_NAME, "ilu-control");
	now_own_thread();
	while (ours(s)) {
		int timeout = prepare_wait(s, wait, filter_revert_due());

		if (poll(wait, CALLERS_MAX + 2, timeout) < 0)
			continue;
		if (wait[0].revents)
			break;
		for (int i = 0; i < CALLERS_MAX; i++)
			if (s->caller[i].fd >= 0)
				caller_serve(&s->caller[i], wait[2 + i].revents != 0);
		if (wait[1].revents)
			let_in(s);
	}
	for (int i = 0; i < CALLERS_MAX; i++)
		caller_end(&s->caller[i]);
	return NULL;
}

/* ---- its life ---- */

/* What has the name was there before. May it be used? 0, or -EPERM: it is somebody else's. */
static int usable(const char *directory, char *why, size_t cap)
{
	struct stat st;

	if (stat(directory, &st))
		snprintf(why, cap, "run_directory: %s: %s", directory, strerror(errno));
	else if (!S_ISDIR(st.st_mode))
		snprintf(why, cap, "run_directory: %s: %s", directory, strerror(ENOTDIR));
	else if ((st.st_uid && st.st_uid != geteuid()) || ((st.st_mode & 022) && !(st.st_mode & S_ISVTX)))
		snprintf(why, cap, "run_directory: %s belongs to another user, or others may write there", directory);
	else if (access(directory, W_OK | X_OK))
		snprintf(why, cap, "run_directory: %s: %s", directory, strerror(errno));
	else
		return 0;
	return -EPERM;
}

static int make_directory(const char *directory, char *why, size_t cap)
{
	int error = mkdir(directory, 0700) ? errno : 0;

	if (error == EEXIST)
		return usable(directory, why, cap);
	if (error)
		snprintf(why, cap, "run_directory: cannot make %s: %s", directory, strerror(error));
	return -error;
}

static int listen_at(struct server *s, char *why, size_t cap)
{
	int error = 0, ends[2] = {-1, -1};

	s->listener = keep_note(keep_high(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)));
	if (!pipe2(ends, O_CLOEXEC))
		for (int i = 0; i < 2; i++)
			s->stop[i] = keep_note(keep_high(ends[i]));
	unlink(s->address.sun_path); /* of an earlier process with our number */
	/* the mode of the socket is that of its file: it never has another */
	if (s->listener.fd < 0 || s->stop[0].fd < 0 || fchmod(s->listener.fd, 0600) ||
	    bind(s->listener.fd, (struct sockaddr *)&s->address, sizeof s->address))
		error = errno;
	else if (chmod(s->address.sun_path, 0600) || listen(s->listener.fd, CALLERS_MAX)) {
		error = errno;
		unlink(s->address.sun_path);
	}
	if (error)
		snprintf(why, cap, "run_directory: cannot listen at %s: %s", s->address.sun_path, strerror(error));
	return -error;
}

static void close_and_free(struct server *s)
{
	for (int i = 0; i < CALLERS_MAX; i++)
		if (s->caller[i].fd >= 0)
			close(s->caller[i].fd);
	keep_close(&s->listener);
	keep_close(&s->stop[0]);
	keep_close(&s->stop[1]);
	free(s);
}

int server_start(const char *directory, struct server **out, char *why, size_t cap)
{
	struct server *s = calloc(1, sizeof *s);
	char chosen[RUNDIR_MAX];
	int rc;

	if (!s) {
		snprintf(why, cap, "run_directory: %s", strerror(ENOMEM));
		return -ENOMEM;
	}
	s->listener.fd = s->stop[0].fd = s->stop[1].fd = -1;
	for (int i = 0; i < CALLERS_MAX; i++)
		s->caller[i].fd = -1;
	s->address.sun_family = AF_UNIX;
	if (!strcmp(directory, RUNDIR_AUTO)) {
		rundir_auto(chosen);
		directory = chosen;
	}
	rc = make_directory(directory, why, cap);
	if (!rc) {
		rc = rundir_socket(directory, getpid(), s->address.sun_path, sizeof s->address.sun_path);
		if (rc)
			snprintf(why, cap, "run_directory: %s: too long for the address of a socket", directory);
	}
	if (!rc)
		rc = listen_at(s, why, cap);
	if (!rc) {
		rc = thread_start(&s->thread, STACK_BYTES, run, s);
		if (rc) {
			unlink(s->address.sun_path);
			snprintf(why, cap, "run_directory: no thread: %s", strerror(-rc));
		}
	}
	if (rc)
		close_and_free(s);
	else
		*out = s;
	return rc;
}

void server_stop(struct server *s)
{
	if (!s)
		return;
	unlink(s->address.sun_path);
	keep_close(&s->stop[1]);
}

void server_join(struct server *s)
{
	if (!s)
		return;
	pthread_join(s->thread, NULL);
	close_and_free(s);
}

void server_forget(struct server *s)
{
	if (s)
		close_and_free(s);
}
