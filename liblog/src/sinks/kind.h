/* SPDX-License-Identifier: Apache-2.0 */
/* kind.h - the kinds of sinks: what each wants to be told in the configuration, and how it opens.
 *
 * A kind is one file of this room, with its row in it: `const struct sink_kind sink_kind_NAME = {.name = "NAME", ...`.
 * The build gathers the rows of SINK_SRC in the Makefile. An entry of "sinks" has the row's name as a key; its value
 * becomes settings when the configuration is read, and settings become a sink when the logger starts. */
#ifndef KIND_H
#define KIND_H

#include "base/setting.h"
#include "sinks/sink.h"

/* What a kind makes of its value. */
struct sink_settings {
	const struct sink_kind *kind;
	char *text;                    /* a path, say; yours: free() */
	int number;                    /* a descriptor, say */
	struct sink_rotation rotation; /* of files */
};

struct sink_kind {
	const char *name;
	/* Check the value of key `key` ("sinks[2].file") and keep what `open` needs; `out` is zero but for the kind. 0,
	 * -ENOMEM, or -EINVAL and a complaint. */
	int (*parse)(const struct setting_source *source, const char *key, const json_t *value,
	             struct sink_settings *out);
	/* *out is yours: sink_close. 0 or a negative errno, and what could not be opened in `what`. */
	int (*open)(const struct sink_settings *settings, enum sink_file_start start, struct sink **out, char *what,
	            size_t cap);
	bool is_file;     /* `text` is a file of its own: relative to the log's directory, and in no other sink */
	bool wants_sites; /* sink->sites is to be set */
};

/* Those that others ask for by name; stderr, where nothing is asked for, has none in the configuration. */
extern const struct sink_kind sink_kind_file, sink_kind_fd, sink_kind_stdout, sink_kind_stderr;

/* By its name; NULL: none. */
const struct sink_kind *sink_kind_find(const char *name);

/* The names, each in quotes or not, for messages: `"file", "fd" and "journald"` or `file fd journald`. */
void sink_kind_names(char *out, size_t cap, bool quoted);

#endif
