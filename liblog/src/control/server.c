/* SPDX-License-Identifier: Apache-2.0 */
/* server.c - answers ilu-logctl(1) over a unix socket.
 *
 * A caller sends one JSON object in a line and gets one back; then the connection ends:
 *
 *   {"do":"status"}                                           the filter, when it reverts, the logger's counts
 *   {"do":"filter","level":"info,worker=debug","for_ms":60000}  change the filter, for good without for_ms; then as
 * status
 *   {"do":"sites"}                                            every call site, and whether it speaks
 *
 *   {"ok":true,...} or {"ok":false,"error":"level: directive 2 (\"x=y\"), column 8: unknown level \"y\""}
 *
 * Only the user of the process and root are answered: the directory may not be another's, the socket has mode 0600, and
 * the kernel tells who called. One caller is served at a time, and has two seconds for each step. The thread sleeps in
 * poll(2) without an end, but while a filter waits to be reverted until then; so it costs nothing while nobody calls.
 * Signals are blocked in it. */
#include "control/server.h"

#include "appender/audit.h"
#include "base/lock.h"
#include "control/filter.h"
#include "control/rundir.h"
#include "call/site.h"

#include <ilu/log.h>
#include <jansson.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define MAX_REQUEST (256 * 1024)
#define PATIENCE_MS 2000

struct server {
	pthread_t thread;
	int listener, stop;
	struct sockaddr_un address;
};

/* ---- answers ---- */

/* Text of the program, which need not be UTF-8. */
static json_t *text_of(const char *text)
{
	json_t *json = json_string(text);
	char *copy;

	if (json)
		return json;
	copy = strdup(text);
	if (!copy)
		return NULL;
	for (char *at = copy; *at; at++) {
		if (*at & 0x80)
			*at = '?';
	}
	json = json_string(copy);
	free(copy);
	return json;
}

static json_t *refusal(const char *why)
{
	return json_pack("{s:b, s:o}", "ok", 0, "error", text_of(why));
}

static json_t *stats(void)
{
	struct ilu_log_stats s = {.size = sizeof s};

	ilu_log_stats(&s);
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "lines", (json_int_t)s.lines,
	                 "lost", (json_int_t)s.lost, "early", (json_int_t)s.early, "cut", (json_int_t)s.cut,
	                 "span_misuse", (json_int_t)s.span_misuse, "span_overflow", (json_int_t)s.span_overflow,
	                 "suppressed", (json_int_t)s.suppressed, "wakeups", (json_int_t)s.wakeups, "blocked",
	                 (json_int_t)s.blocked, "rings", (json_int_t)s.rings, "threads", (json_int_t)s.threads, "sites",
	                 (json_int_t)sites_count());
}

static json_t *status(void)
{
	struct filter_state now = {NULL, NULL, 0};
	json_t *answer = NULL;

	if (!filter_now(&now))
		answer = json_pack("{s:b, s:I, s:s, s:o, s:o}", "ok", 1, "pid", (json_int_t)getpid(), "version",
		                   ILU_VERSION, "level", text_of(now.text), "stats", stats());
	if (answer && now.base) {
		json_object_set_new(answer, "reverts_to", text_of(now.base));
		json_object_set_new(answer, "reverts_in_ms", json_integer((json_int_t)now.left_ms));
	}
	free(now.text);
	free(now.base);
	return answer;
}

static json_t *change_filter(const json_t *request, const struct ucred *caller)
{
	const struct audit_who who = {AUDIT_CONTROL, caller->pid, caller->uid};
	const char *level = json_string_value(json_object_get(request, "level"));
	const json_t *limit = json_object_get(request, "for_ms");
	json_int_t ms = json_integer_value(limit);
	int rc;

	if (!level)
		return refusal("\"level\" is missing, or no string");
	if (limit && (!json_is_integer(limit) || ms <= 0 || ms > FILTER_MAX_MS))
		return refusal("\"for_ms\" is not a number of milliseconds from 1 to a year's");
	rc = filter_change(level, limit ? (uint64_t)ms : 0, &who);
	if (rc == -ESRCH)
		return refusal("the logger is stopped");
	if (rc)
		return refusal(*ilu_log_error() ? ilu_log_error() : strerror(-rc));
	return status();
}

static json_t *describe(const struct site *site)
{
	static const char *const levels[] = {"off", "error", "warn", "info", "debug", "trace"};
	static const char *const states[] = {"off", "on", "in spans", "unloaded"};
	const char *kind = site->kind == ILU_SITE_EVENT_ ? "event" : site->kind == ILU_SITE_SPAN_ ? "span" : "record";

	return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:i}", "state", states[site_state(site)], "level",
	                 levels[site->level < 6 ? site->level : 5], "kind", kind, "target", text_of(site->target),
	                 "text", text_of(site->text), "file", text_of(site->file), "line", (int)site->line);
}

static json_t *list_sites(void)
{
	json_t *list = json_array();

	for (uint32_t i = 1, n = sites_count(); list && i <= n; i++) {
		const struct site *site = site_get(i);

		/* where fields are recorded later is no choice of the filter's */
		if (site && site->kind != ILU_SITE_RECORD_ && json_array_append_new(list, describe(site))) {
			json_decref(list);
			list = NULL;
		}
	}
	return list ? json_pack("{s:b, s:o}", "ok", 1, "sites", list) : NULL;
}

static json_t *answer_to(const char *text, size_t len, const struct ucred *caller)
{
	json_error_t error;
	json_t *request = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error), *answer;
	const char *what = json_string_value(json_object_get(request, "do"));

	if (!request)
		answer = refusal("the request is not a JSON object in a line");
	else if (what && !strcmp(what, "status"))
		answer = status();
	else if (what && !strcmp(what, "filter"))
		answer = change_filter(request, caller);
	else if (what && !strcmp(what, "sites"))
		answer = list_sites();
	else
		answer = refusal("\"do\" is none of status, filter, sites");
	json_decref(request);
	return answer;
}

/* ---- a connection ---- */

/* Is it ready before patience ends? Not when the server is to stop. */
static bool ready(const struct server *s, int fd, short events)
{
	struct pollfd wait[2] = {{s->stop, POLLIN, 0}, {fd, events, 0}};

	return poll(wait, 2, PATIENCE_MS) > 0 && !wait[0].revents;
}

/* A line without its newline, in memory that is yours; NULL when none came. */
static char *receive(const struct server *s, int fd, size_t *len)
{
	char *text = malloc(MAX_REQUEST), *end = NULL;
	size_t have = 0;

	while (text && !end && have < MAX_REQUEST && ready(s, fd, POLLIN)) {
		ssize_t n = recv(fd, text + have, MAX_REQUEST - have, MSG_DONTWAIT);

		if (n <= 0)
			break;
		end = memchr(text + have, '\n', (size_t)n);
		have += (size_t)n;
	}
	if (!end) {
		free(text);
		return NULL;
	}
	*len = (size_t)(end - text);
	return text;
}

static void send_all(const struct server *s, int fd, const char *text, size_t len)
{
	while (len && ready(s, fd, POLLOUT)) {
		ssize_t n = send(fd, text, len, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return;
		if (n > 0) {
			text += n;
			len -= (size_t)n;
		}
	}
}

static void reply(const struct server *s, int fd, json_t *answer)
{
	char *text = answer ? json_dumps(answer, JSON_COMPACT) : NULL;

	json_decref(answer);
	if (text)
		send_all(s, fd, text, strlen(text));
	else
		send_all(s, fd, "{\"ok\":false,\"error\":\"out of memory\"}", 36);
	send_all(s, fd, "\n", 1);
	free(text);
}

static void serve(const struct server *s, int fd)
{
	struct ucred peer;
	socklen_t size = sizeof peer;
	char *text;
	size_t len;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) || (peer.uid && peer.uid != geteuid())) {
		reply(s, fd, refusal("permission denied: only the user of the process and root may ask"));
		return;
	}
	text = receive(s, fd, &len);
	if (text)
		reply(s, fd, answer_to(text, len, &peer));
	free(text);
}

static void *run(void *argument)
{
	struct server *s = argument;
	struct pollfd wait[2] = {{s->stop, POLLIN, 0}, {s->listener, POLLIN, 0}};

	prctl(PR_SET_NAME, "ilu-control");
	for (;;) {
		int fd;

		if (poll(wait, 2, filter_revert_due()) <= 0)
			continue;
		if (wait[0].revents)
			break;
		fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0) {
			serve(s, fd);
			close(fd);
		} else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
			poll(wait, 1, PATIENCE_MS); /* the caller waits; do not spin */
		}
	}
	return NULL;
}

/* ---- its life ---- */

static int usable(const char *directory, char *why, size_t cap)
{
	struct stat st;

	if (mkdir(directory, 0700) && errno != EEXIST) {
		int error = errno;

		snprintf(why, cap, "run_directory: cannot make %s: %s", directory, strerror(error));
		return -error;
	}
	if (stat(directory, &st)) {
		int error = errno;

		snprintf(why, cap, "run_directory: %s: %s", directory, strerror(error));
		return -error;
	}
	if (!S_ISDIR(st.st_mode)) {
		snprintf(why, cap, "run_directory: %s: %s", directory, strerror(ENOTDIR));
		return -ENOTDIR;
	}
	if ((st.st_uid && st.st_uid != geteuid()) || ((st.st_mode & 022) && !(st.st_mode & S_ISVTX))) {
		snprintf(why, cap, "run_directory: %s belongs to another user, or others may write there", directory);
		return -EPERM;
	}
	return 0;
}

static int listen_at(struct server *s, char *why, size_t cap)
{
	int error = 0;

	s->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	s->stop = eventfd(0, EFD_CLOEXEC);
	unlink(s->address.sun_path); /* of an earlier process with our number */
	/* the mode of the socket is that of its file: it never has another */
	if (s->listener < 0 || s->stop < 0 || fchmod(s->listener, 0600) ||
	    bind(s->listener, (struct sockaddr *)&s->address, sizeof s->address))
		error = errno;
	else if (chmod(s->address.sun_path, 0600) || listen(s->listener, 16)) {
		error = errno;
		unlink(s->address.sun_path);
	}
	if (error)
		snprintf(why, cap, "run_directory: cannot listen at %s: %s", s->address.sun_path, strerror(error));
	return -error;
}

static void close_and_free(struct server *s)
{
	if (s->listener >= 0)
		close(s->listener);
	if (s->stop >= 0)
		close(s->stop);
	free(s);
}

static int start_thread(struct server *s)
{
	sigset_t all, before;
	pthread_attr_t attr;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 256 * 1024);
	rc = -pthread_create(&s->thread, &attr, run, s);
	pthread_attr_destroy(&attr);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
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
	s->listener = s->stop = -1;
	s->address.sun_family = AF_UNIX;
	if (!strcmp(directory, RUNDIR_AUTO)) {
		rundir_auto(chosen);
		directory = chosen;
	}
	rc = usable(directory, why, cap);
	if (!rc) {
		rc = rundir_socket(directory, getpid(), s->address.sun_path, sizeof s->address.sun_path);
		if (rc)
			snprintf(why, cap, "run_directory: %s: too long for the address of a socket", directory);
	}
	if (!rc)
		rc = listen_at(s, why, cap);
	if (!rc) {
		rc = start_thread(s);
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
	eventfd_write(s->stop, 1);
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
