/* SPDX-License-Identifier: GPL-3.0-or-later */
/* run_command.c - see run_command.h */
#include "run_command.h"
#include "shell/session.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static char folder[] = "/tmp/ilu-faults-XXXXXX";

const char *in_folder(const char *name)
{
	static char paths[8][96];
	static unsigned n;
	char *p = paths[n++ % 8];

	snprintf(p, sizeof *paths, "%s/%s", folder, name);
	return p;
}

int folder_make(void)
{
	return mkdtemp(folder) ? 0 : -1;
}

char *file_get(const char *path, size_t *n)
{
	FILE *f = fopen(path, "r");
	char *p = malloc((8 << 20) + 1);

	assert_non_null(f);
	assert_non_null(p);
	*n = fread(p, 1, 8 << 20, f);
	p[*n] = 0;
	fclose(f);
	return p;
}

void file_put(const char *path, const char *p, size_t n)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, n, f), n);
	fclose(f);
}

void folder_empty(void)
{
	char path[400];
	DIR *d = opendir(folder);

	for (const struct dirent *e; (e = readdir(d));)
		if (*e->d_name != '.') {
			snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
			unlink(path);
		}
	closedir(d);
}

void folder_list(char *out, size_t room)
{
	DIR *d = opendir(folder);

	*out = 0;
	for (const struct dirent *e; (e = readdir(d));)
		if (*e->d_name != '.')
			snprintf(out + strlen(out), room - strlen(out), "%s ", e->d_name);
	closedir(d);
}

int command_run(const char *const *words)
{
	struct session s = {.settings = settings_default()};
	char *argv[16];
	int n = 0, status, out, err, file = open(in_folder(".said"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	while ((argv[n] = (char *)words[n]))
		n++;
	fflush(stdout);
	fflush(stderr);
	out = dup(1);
	err = dup(2);
	dup2(file, 1);
	dup2(file, 2);
	status = session_run(&s, n, argv, "");
	session_done(&s);
	fflush(stdout);
	fflush(stderr);
	dup2(out, 1);
	dup2(err, 2);
	close(out);
	close(err);
	close(file);
	return status;
}

void folder_remove(void)
{
	folder_empty();
	unlink(in_folder(".said"));
	rmdir(folder);
}
