/* SPDX-License-Identifier: Apache-2.0 */
/* flame.h - folded stacks of spans, as tracing-flame writes them and flame graph programs read them:
 *
 *   worker-3; worker::queue::invoke; worker::ctr::acquire 5123
 *
 * thread, spans from root to leaf, nanoseconds. Each enter and exit ends a sample: the time since the thread's last one
 * belongs to the spans it was in until now. Time outside all spans is not written. */
#ifndef FLAME_H
#define FLAME_H

#include "base/buf.h"
#include "sinks/sink.h"

struct flame {
	struct sink *sink;
	struct buf out;
	size_t lines;
	int error;      /* the first one since somebody took it away */
	uint64_t *last; /* by ring: the stamp of the thread's last sample, 0 none */
};

/* The file is made anew. 0, -ENOMEM, or what sink_file_open says. */
int flame_open(struct flame *flame, const char *path, size_t rings);
/* In the child of a fork: the file is the parent's, with what is not written yet. */
void flame_forget(struct flame *flame);
void flame_close(struct flame *flame);

/* A thread (of this ring) entered or left at `stamp`. Returns the ticks since its last sample; 0 for the first. */
uint64_t flame_step(struct flame *flame, uint32_t ring, uint64_t stamp);
/* Another thread has the ring now. */
void flame_owner(struct flame *flame, uint32_t ring);

/* One line: begin with the thread's name, add frames from the root, end. Texts are JSON-escaped, so without newlines; a
 * ';' in them becomes ':'. */
void flame_begin(struct flame *flame, const char *thread, size_t len);
void flame_frame(struct flame *flame, const char *text, size_t len);
void flame_end(struct flame *flame, uint64_t ns);

/* Write what has gathered; what is not taken is lost. */
void flame_flush(struct flame *flame);

#endif
