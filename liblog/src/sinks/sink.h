/* SPDX-License-Identifier: Apache-2.0 */
/* sink.h - where lines end up.
 *
 * A sink takes batches of whole encoded lines: bytes, their length, and how many lines they are. It writes a prefix of
 * them, as many as the system takes, and says how many; the rest are lost as far as the sink is concerned, and since
 * lines are numbered (`seq`) its caller can tell exactly which. It never leaves half a line in front of a whole one:
 * a regular file of one process is cut back to the last whole line; a pipe or socket gets the rest of the torn line
 * first, next time. A failing sink is not a broken one: each later batch is tried again, so logging resumes when the
 * disk has room.
 *
 * A write to what is no regular file may be cancelled (pthread_cancel), if it hangs; nothing else may. Sinks are used
 * by one thread at a time (the appender). sink_request_reopen alone may be called from any thread and from signal
 * handlers. */
#ifndef SINK_H
#define SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sink;

/* What became of all lines since the sink was opened. */
struct sink_stats {
	uint64_t lines; /* whole lines written */
	uint64_t bytes; /* in them */
	uint64_t lost_lines;
	uint64_t lost_bytes;
	uint64_t failures; /* batches of which a part was lost */
	uint64_t refused;  /* tries to open it anew that failed */
	int last_errno;    /* the newest failure's, 0 = none yet */
};

/* A file that was opened anew, or should have been; or one that was moved away and should have been packed. */
struct sink_news {
	const char *path;   /* borrowed until the sink is closed */
	const char *reason; /* "asked", "rotated", "deleted", "renamed", "replaced", "descriptor closed" */
	bool loss;          /* nobody who rotates logs does that: lines may be lost */
	int error;          /* errno: it could not be opened, and lines go where they went; 0: it is new */
	bool plain;         /* it is not packed, because of `reason`, and perhaps `error` */
};

struct sink_ops {
	int (*write)(struct sink *sink, const char *bytes, size_t len, size_t lines, size_t *written);
	int (*sync)(struct sink *sink);
	int (*reopen)(struct sink *sink);
	bool (*look)(struct sink *sink, bool asked, struct sink_news *news);
	void (*share)(struct sink *sink); /* these two may be called in the middle of anything */
	void (*forked)(struct sink *sink);
	void (*close)(struct sink *sink);
};

/* Where a line comes from. */
struct sink_place {
	const char *file, *function;
	uint32_t line;
};

/* Who has a sink: a thread goes in before it may wait for a device, and comes out again, unless it was given up in
 * there: then all that it did before it went in is another's. */
enum sink_hold { SINK_FREE, SINK_HELD, SINK_GIVEN_UP };

struct sink {
	const struct sink_ops *ops;
	struct sink_stats stats;
	/* Of each line of a batch the number of its site, 0: none; NULL: nobody knows. Borrowed. */
	const uint32_t *sites;
	bool (*place)(uint32_t site, struct sink_place *out); /* false: of no such site; NULL with sites */
	char reopen_wanted;                                   /* atomic */
	char hold;                                            /* atomic, enum sink_hold */
	uint64_t took;                                        /* atomic: times that something was written */
	uint64_t failed;                                      /* atomic: batches that came back with an error */
	struct sink *around;                                  /* whose lines it writes; NULL: its own */
	const void *left[3];                                  /* what a thread that hangs in it may still read */
};

/* Write a batch.
 *
 * bytes, len  whole lines, each with its '\n'; borrowed for the call
 * lines       how many
 * written     out: how many of them, from the first, are now whole in the sink; the others are lost. May be NULL.
 *
 * Returns 0 when all are, else the negative errno that stopped it (-ENOSPC, -EIO, -EPIPE ...). */
int sink_write(struct sink *sink, const char *bytes, size_t len, size_t lines, size_t *written);

/* Make what was written survive loss of power (fdatasync). 0 or a negative errno; 0 where it means nothing (a pipe). */
int sink_sync(struct sink *sink);

/* Between two batches, some times a second or oftener: does the file's name still mean the file that is written to?
 * Else, and after sink_request_reopen, it is opened anew, as logrotate wants after it has moved the old one. When that
 * fails the old file is kept, and later looks try again. true: there is news. Of a failure that goes on there is news
 * once. */
bool sink_look(struct sink *sink, struct sink_news *news);

/* Open it anew now. 0 or a negative errno. */
int sink_reopen(struct sink *sink);

/* Ask for that at the next look. Safe anywhere. */
void sink_request_reopen(struct sink *sink);
bool sink_reopen_requested(const struct sink *sink);

/* The process forks, with what it has open: in the parent, and in the child, whose account begins anew. */
void sink_share(struct sink *sink);
void sink_forked(struct sink *sink);

/* Something was written: whoever stops or forks waits on. Any thread. */
static inline void sink_took(struct sink *sink, bool it_did)
{
	for (; sink; sink = sink->around)
		__atomic_add_fetch(&sink->took, it_did, __ATOMIC_RELAXED);
}

/* If a thread is in it: from now on each batch is refused with -ETIMEDOUT. Should that thread come back, it sleeps
 * until the process ends; so what it was writing must stay (sink->left), and the sink is never closed. The caller goes
 * on with all that the thread had. false: no thread is in it, and nothing has changed. */
bool sink_give_up(struct sink *sink);

/* Close and free; NULL is fine. */
void sink_close(struct sink *sink);

/* How a file sink begins. */
enum sink_file_start {
	SINK_FILE_APPEND, /* go on at the end, after a newline if the last line has none */
	SINK_FILE_ROTATE, /* what has the name gets another (away.h), and a new file is created */
	SINK_FILE_NEW,    /* remove what has the name, as Iluvatar does, and create a new file */
};

/* A file at `path` (copied). Missing directories are made (0755 and umask), the file is 0640 and umask.
 * What may have the name already: open.h. *out is yours: sink_close. Returns 0, -ENOMEM or what place_open says. */
int sink_file_open(const char *path, enum sink_file_start start, struct sink **out);

/* Of a sink that sink_file_open made, and that is a regular file, the descriptor, borrowed; else -1. */
int sink_file_descriptor(const struct sink *sink);

/* When a file is moved away and a new one made; what is 0 does not matter. */
struct sink_rotation {
	uint64_t bytes;    /* a file that has so many */
	uint64_t every_s;  /* at each multiple of it, in seconds since 1970 */
	uint64_t total;    /* bytes of old files that are kept */
	uint32_t keep;     /* number of them */
	unsigned compress; /* 1: they are packed (pack.h) */
};

/* Of a sink that sink_file_open made. 0 or -ENOMEM. */
int sink_file_rotate(struct sink *sink, const struct sink_rotation *rotation);
/* Is it to be looked at each second, even if there is nothing to write? Others write to it. */
bool sink_rotates(const struct sink *sink);

/* A descriptor that is already open. `owned`: closed with the sink. What has the number later is not written to, unless
 * it is 0 to 2; a reopen takes it as what it is then. Waits (poll) when it is non-blocking and full. */
int sink_fd_open(int fd, bool owned, struct sink **out);

enum sink_colour {
	SINK_COLOUR_AUTO, /* on a terminal, unless NO_COLOR is set to something or TERM=dumb */
	SINK_COLOUR_NEVER,
	SINK_COLOUR_ALWAYS,
};

/* The journal of systemd, whether somebody listens at `path` (copied) now or not. 0, -ENOMEM or -ENAMETOOLONG. */
#define SINK_JOURNALD_SOCKET "/run/systemd/journal/socket"
int sink_journald_open(const char *path, struct sink **out);

/* For people: each line is read back and printed as time, level, spans, target, message and fields. */
int sink_console_open(int fd, enum sink_colour colour, struct sink **out);

#endif
