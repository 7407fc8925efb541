/* SPDX-License-Identifier: GPL-3.0-or-later */
/* outfile.c - see outfile.h */
#include "query/core/outfile.h"
#include "render/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file of another name, that will be renamed. */
static int open_temporary(struct outfile *f)
{
	mode_t mask = umask(0);
	int fd = mkstemp(f->temporary), rc;

	umask(mask);
	if (fd < 0)
		return -errno;
	if (!fchmod(fd, 0666 & ~mask) && (f->file = fdopen(fd, "w")))
		return 0;
	rc = -errno;
	close(fd);
	unlink(f->temporary);
	return rc;
}

static void forget(struct outfile *f)
{
	free(f->path);
	free(f->temporary);
	*f = (struct outfile){0};
}

/* What is no file, such as /dev/null or a pipe, is written to as it stands: nothing may take its place. */
static int open_other(struct outfile *f, mode_t mode)
{
	if (S_ISDIR(mode))
		return -EISDIR;
	f->file = fopen(f->path, "w");
	return f->file ? 0 : -errno;
}

bool outfile_open(struct query *q, struct outfile *f, const char *path)
{
	struct stat st;
	bool there = !stat(path, &st);
	int rc;

	/* Of a link the file it leads to is written. */
	*f = (struct outfile){.path = there && S_ISREG(st.st_mode) ? realpath(path, NULL) : strdup(path)};
	if (!f->path)
		rc = -ENOMEM;
	else if (there && !S_ISREG(st.st_mode))
		rc = open_other(f, st.st_mode);
	else
		rc = asprintf(&f->temporary, "%s.XXXXXX", f->path) >= 0 ? open_temporary(f) : -ENOMEM;
	if (rc)
		forget(f);
	else
		q->writes = f->path;
	return query_ok(q, rc, path);
}

void outfile_close(struct query *q, struct outfile *f)
{
	int rc = 0;

	if (!q->status && !(rc = stream_flush(f->file)) && f->temporary && fsync(fileno(f->file)))
		rc = -errno;
	if (fclose(f->file) && !rc)
		rc = -errno;
	if (!q->status && !rc && f->temporary && rename(f->temporary, f->path))
		rc = -errno;
	if (!query_ok(q, rc, f->path) && f->temporary)
		unlink(f->temporary);
	q->writes = NULL;
	forget(f);
}
