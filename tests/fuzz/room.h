/* SPDX-License-Identifier: GPL-3.0-or-later */
/* room.h - for targets that are a whole program's business: a folder of their own, files in it, and commands. */
#ifndef FUZZ_ROOM_H
#define FUZZ_ROOM_H

#include "shell/session.h"

#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char room[64];

/* A path in the folder; good until the next but seven. */
static inline const char *in_room(const char *name)
{
	static char paths[8][160];
	static unsigned n;
	char *p = paths[n++ % 8];

	snprintf(p, sizeof *paths, "%s/%s", room, name);
	return p;
}

static inline void room_empty(void)
{
	DIR *d = opendir(room);

	for (const struct dirent *e; d && (e = readdir(d));)
		unlink(in_room(e->d_name));
	if (d)
		closedir(d);
}

static inline void room_leave(void)
{
	room_empty();
	rmdir(room);
}

/* In memory where that is possible. What commands print is shown with ILU_FUZZ_SHOW alone: libFuzzer keeps its own
 * words apart. */
static inline void room_make(int *argc, char ***argv)
{
	static char *args[64];
	int n = 0;

	snprintf(room, sizeof room, "%s/ilu-fuzz-XXXXXX", access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
	assert(mkdtemp(room));
	atexit(room_leave);
	signal(SIGXFSZ, SIG_IGN);
	unsetenv("ILU_LOGQ_DB");
	for (; n < *argc && n < 62; n++)
		args[n] = (*argv)[n];
	if (!getenv("ILU_FUZZ_SHOW"))
		args[n++] = "-close_fd_mask=3";
	args[n++] = "-len_control=0";
	*argv = args;
	*argc = n;
}

static inline void file_put(const char *path, const void *p, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert(fd >= 0 && write(fd, p, n) == (ssize_t)n);
	close(fd);
}

static inline char *file_get(const char *path, size_t *n)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	char *p;

	assert(fd >= 0 && !fstat(fd, &st));
	p = malloc((size_t)st.st_size + 1);
	assert(p && read(fd, p, (size_t)st.st_size) == st.st_size);
	*n = (size_t)st.st_size;
	close(fd);
	return p;
}

/* A command over the room's database; its exit status. */
static inline int command_run(const char *first, ...)
{
	struct session s = {.settings = settings_default()};
	char *argv[16] = {"-d", (char *)in_room("db"), "-q", (char *)first};
	int n = 4, status;
	va_list args;

	va_start(args, first);
	while ((argv[n] = va_arg(args, char *)))
		n++;
	va_end(args);
	status = session_run(&s, n, argv, "");
	session_done(&s);
	assert(status >= 0 && status <= 4);
	return status;
}

#endif
