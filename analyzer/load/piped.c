/* SPDX-License-Identifier: GPL-3.0-or-later */
/* piped.c - standard input or another pipe, which may bring what is loaded already.
 *
 * A pipe can't be read twice. Its first bytes are looked at, and only where a source begins with the same ones, the
 * text is kept in a file without a name beside the database until it is compared; otherwise it streams through. */
#include "ingest/reader.h"
#include "base/sql.h"
#include "base/tempfile.h"
#include "load/pass.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int write_all(int fd, const char *buf, size_t n)
{
	while (n) {
		ssize_t k = write(fd, buf, n);

		if (k < 0 && errno != EINTR)
			return -errno;
		if (k > 0)
			buf += k, n -= (size_t)k;
	}
	return 0;
}

/* The rest of the text into a file of its own; path is where it can be opened from then on. Damage ends it, and is told
 * then: *damage is yours. */
static int keep(struct pass *p, struct piped *s, char path[32])
{
	char *buf = malloc(READER_BLOCK);
	ssize_t got = 0;
	int rc = buf ? 0 : -ENOMEM;

	if (!rc && (s->fd = tempfile_open(p->o->db)) < 0)
		rc = s->fd;
	while (!rc && !load_stopped && (got = reader_read(s->reader, buf, READER_BLOCK)) > 0)
		rc = write_all(s->fd, buf, (size_t)got);
	free(buf);
	if (got == -EINTR)
		got = 0;
	if (!rc && got < 0)
		rc = got == -EBADMSG || got == -E2BIG ? 0 : (int)got;
	if (!rc && got < 0 && !(s->damage = strdup(reader_why(s->reader))))
		rc = -ENOMEM;
	snprintf(path, 32, "/proc/self/fd/%d", s->fd);
	return rc;
}

static int compare(struct pass *p, struct piped *s, char path[32], struct resume *out)
{
	struct known_source source;
	struct overlap found;
	int rc;

	if (!known_heads(&p->known, s->head, s->n, &source, 1))
		return 0;
	rc = keep(p, s, path);
	if (!rc)
		rc = text_find(p, path, s->head, s->n, NULL, &source, &found);
	if (rc != 1)
		return rc;
	/* where the source's own file is gone, nothing else will bring the rest of it */
	if (!found.text_ends && !source_still_there(&source))
		return resume_source(p, source.id, out);
	return found.lines || found.source_open ? resume_copy(p, out, source.id, &found) : 0;
}

int piped_open(struct pass *p, const char *name, struct piped *s, struct resume *out, const char **why)
{
	char path[32];
	int rc;

	*s = (struct piped){.fd = -1};
	*out = (struct resume){.next_line = 1};
	rc = reader_open_until(name, &load_stopped, &s->reader, why);
	if (!rc || rc == -EINTR)
		*why = NULL;
	if (rc)
		return rc;
	s->n = reader_peek(s->reader, s->head, sizeof s->head);
	s->instead = input_instead(input_classify("", s->head, s->n, NULL), s->head, s->n);
	if (s->instead)
		return 0;
	rc = compare(p, s, path, out);
	if (rc || s->fd < 0)
		return rc;
	reader_close(s->reader);
	s->reader = NULL;
	rc = reader_open(path, &s->reader, why);
	return rc;
}

void piped_close(struct piped *s)
{
	reader_close(s->reader);
	free(s->damage);
	if (s->fd >= 0)
		close(s->fd);
}
