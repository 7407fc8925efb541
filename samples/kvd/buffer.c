/* SPDX-License-Identifier: Apache-2.0 */
/* buffer.c - bytes that grow. */
#include "kvd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int buffer_room(struct buffer *b, size_t n)
{
	size_t room = b->room ? b->room : 256;
	char *at;

	if (n <= b->room - b->len)
		return 0;
	while (room - b->len < n)
		room *= 2;
	at = realloc(b->at, room);
	if (!at)
		return -ENOMEM;
	b->at = at;
	b->room = room;
	return 0;
}

int buffer_append(struct buffer *b, const void *p, size_t n)
{
	int rc = buffer_room(b, n);

	if (rc)
		return rc;
	if (n)
		memcpy(b->at + b->len, p, n);
	b->len += n;
	return 0;
}

void buffer_drop(struct buffer *b, size_t n)
{
	b->len -= n;
	if (b->len)
		memmove(b->at, b->at + n, b->len);
}

void buffer_done(struct buffer *b)
{
	free(b->at);
	*b = (struct buffer){0};
}
