/* SPDX-License-Identifier: Apache-2.0 */
/* list.c - the processes that listen: each socket in the usual directories, or in the one that was named, is asked.
 *
 * Root sees the directories of every user. A socket that nobody listens to any more is passed over; who listens and
 * does not answer in two seconds is listed with a question mark. */
#include "ctl.h"
#include "control/rundir.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

enum { DIRECTORIES = 64, ANSWER_S = 2 };

struct list {
	const struct ctl *ctl;
	char directories[DIRECTORIES][RUNDIR_MAX]; /* looked at already: two may be one */
	int ndirectories;
	int found;
};

static const json_t *stats_of(const json_t *answer)
{
	return json_object_get(answer, "stats");
}

static void put_count(const json_t *answer, const char *key)
{
	const json_t *n = json_object_get(stats_of(answer), key);

	if (n)
		printf(" %14" JSON_INTEGER_FORMAT, json_integer_value(n));
	else
		printf(" %14s", "?");
}

/* here: the number that the process has here, which in a container is another than its socket's. */
static void put_row(struct list *l, pid_t pid, pid_t here, const char *directory, json_t *answer)
{
	const char *level = json_string_value(json_object_get(answer, "level"));
	char name[64];

	ctl_name(here, name, sizeof name);
	if (l->ctl->json) {
		json_t *row = answer ? json_incref(answer) : json_pack("{s:b, s:I}", "ok", 0, "pid", (json_int_t)pid);

		json_object_set_new(row, "program", json_string(name));
		json_object_set_new(row, "directory", json_string(directory));
		json_dumpf(row, stdout, JSON_COMPACT);
		putchar('\n');
		json_decref(row);
		l->found++;
		return;
	}
	if (!l->found++)
		printf("%8s  %-16s %14s %14s  %s\n", "pid", "program", "lines", "lost", "filter");
	printf("%8ld  %-16s", (long)pid, name);
	put_count(answer, "lines");
	put_count(answer, "lost");
	printf("  ");
	ctl_put_safe(level ? level : "?", stdout);
	if (json_object_get(answer, "reverts_to")) {
		printf(" (for a while; then ");
		ctl_put_safe(json_string_value(json_object_get(answer, "reverts_to")), stdout);
		putchar(')');
	}
	putchar('\n');
}

/* "4711.sock"; 0: none. */
static pid_t pid_of(const char *name)
{
	char *end;
	long pid = strtol(name, &end, 10);

	return *name >= '1' && *name <= '9' && !strcmp(end, ".sock") && pid <= 0x7fffffff ? (pid_t)pid : 0;
}

static void ask(struct list *l, const char *directory, pid_t pid, uid_t owner)
{
	struct timeval most = {.tv_sec = ANSWER_S};
	json_t *request, *answer = NULL;
	struct ucred peer = {.pid = pid};
	socklen_t size = sizeof peer;
	int fd = ctl_connect_in(directory, pid, owner);

	if (fd < 0)
		return;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size))
		peer.pid = pid;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &most, sizeof most);
	request = json_pack("{s:s}", "do", "status");
	if (request)
		answer = ctl_ask(fd, request);
	put_row(l, pid, peer.pid, directory, answer);
	json_decref(request);
	json_decref(answer);
	close(fd);
}

static int is_socket(const struct dirent *e)
{
	return pid_of(e->d_name) != 0;
}

static int by_pid(const struct dirent **a, const struct dirent **b)
{
	pid_t x = pid_of((*a)->d_name), y = pid_of((*b)->d_name);

	return (x > y) - (x < y);
}

static void look_in(struct list *l, const char *directory, uid_t owner)
{
	struct dirent **found = NULL;
	int n;

	for (int i = 0; i < l->ndirectories; i++)
		if (!strcmp(l->directories[i], directory))
			return;
	if (l->ndirectories < DIRECTORIES)
		snprintf(l->directories[l->ndirectories++], RUNDIR_MAX, "%s", directory);
	n = scandir(directory, &found, is_socket, by_pid);
	for (int i = 0; i < n; i++) {
		ask(l, directory, pid_of(found[i]->d_name), owner);
		free(found[i]);
	}
	free(found);
}

static void look_for(struct list *l, uid_t owner)
{
	char directory[RUNDIR_MAX];

	for (unsigned i = 0; rundir_candidate(i, owner, directory); i++)
		look_in(l, directory, owner);
}

/* Root looks for every user that has a runtime directory, or one of ours in /tmp. */
static void look_for_all(struct list *l)
{
	static const struct {
		const char *directory, *before;
	} places[] = {{"/run/user", ""}, {"/tmp", "ilulog-"}};

	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		DIR *dir = opendir(places[i].directory);
		size_t len = strlen(places[i].before);
		struct dirent *e;

		while (dir && (e = readdir(dir))) {
			char *end;
			unsigned long uid =
			    strtoul(e->d_name + (strncmp(e->d_name, places[i].before, len) ? 0 : len), &end, 10);

			if (!strncmp(e->d_name, places[i].before, len) && e->d_name[len] >= '0' &&
			    e->d_name[len] <= '9' && !*end)
				look_for(l, (uid_t)uid);
		}
		if (dir)
			closedir(dir);
	}
}

int ctl_list(const struct ctl *ctl)
{
	struct list l = {.ctl = ctl};
	struct stat named;

	if (ctl->directory) {
		if (stat(ctl->directory, &named)) {
			fprintf(stderr, "ilu-logctl: %s: %s\n", ctl->directory, strerror(errno));
			return CTL_UNREACHABLE;
		}
		look_in(&l, ctl->directory, named.st_uid);
	} else {
		look_for(&l, geteuid());
		if (!geteuid())
			look_for_all(&l);
	}
	if (fflush(stdout) || ferror(stdout)) {
		perror("ilu-logctl: standard output");
		return CTL_FAILED;
	}
	if (l.found)
		return CTL_OK;
	fprintf(stderr, "ilu-logctl: no process listens in");
	for (int i = 0; i < l.ndirectories; i++)
		fprintf(stderr, "%s %s", i ? "," : "", l.directories[i]);
	fprintf(stderr, "\nOne must run with libilulog and the key run_directory (ILU_LOG__run_directory=auto in its "
	                "environment).\n");
	return CTL_UNREACHABLE;
}
