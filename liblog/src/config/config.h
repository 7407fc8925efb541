/* SPDX-License-Identifier: Apache-2.0 */
/* config.h - what the user asked of the logger.
 *
 * One JSON object with the keys of an Iluvatar `logging` section and ours, and environment variables over it:
 * ILU_LOG__a__b=value sets key b inside object a; the value is JSON where it parses and the key does not want a
 * string, else it is the string itself. An unknown key, a wrong type or a value out of range is an error that
 * names it. Every key is described in ilulog.json(5); config_key_next lists them, and a test compares. */
#ifndef CONFIG_H
#define CONFIG_H

#include "sinks/kind.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONFIG_ENV_PREFIX "ILU_LOG__"

/* Which span lines are written: bits of config.spanning, "NEW+CLOSE" in JSON. */
enum config_spanning {
	CONFIG_SPAN_NONE = 0,
	CONFIG_SPAN_NEW = 1,
	CONFIG_SPAN_ENTER = 2,
	CONFIG_SPAN_EXIT = 4,
	CONFIG_SPAN_CLOSE = 8,
	CONFIG_SPAN_ACTIVE = CONFIG_SPAN_ENTER | CONFIG_SPAN_EXIT,
	CONFIG_SPAN_FULL = CONFIG_SPAN_NEW | CONFIG_SPAN_ACTIVE | CONFIG_SPAN_CLOSE,
};

enum config_timestamp {
	CONFIG_TIMESTAMP_RFC3339,  /* 2026-11-22T20:03:11.123456789Z */
	CONFIG_TIMESTAMP_ILUVATAR, /* 2026-11-22 15:03:11.123456789, local time */
};

enum config_clock {
	CONFIG_CLOCK_AUTO,      /* the TSC where it is constant and non-stop, else CLOCK_MONOTONIC */
	CONFIG_CLOCK_TSC,       /* insist on the TSC */
	CONFIG_CLOCK_MONOTONIC, /* never the TSC */
};

/* Of which records below the filter an event asks for. */
enum config_recorder_per {
	CONFIG_RECORDER_TRANSACTION,
	CONFIG_RECORDER_PROCESS,
};

/* The flight recorder. */
struct config_recorder {
	unsigned level; /* it keeps events up to this one, 1 error .. 5 trace; 0: there is none */
	unsigned on;    /* events of this level, and graver ones, ask for them */
	enum config_recorder_per per;
	uint32_t lines; /* at most so many for one event */
	uint64_t bytes; /* it keeps */
	bool level_said;
	const char *said; /* the last of its other keys that were; NULL: none */
};

/* What a full ring does with one more record of a level. */
enum config_full_ring {
	CONFIG_FULL_BLOCK, /* the caller waits for the appender */
	CONFIG_FULL_DROP,  /* the record is dropped, counted, and told in a gap record */
	CONFIG_FULL_KEEP,  /* like drop, but with the last eighth of the ring, which levels that drop leave free */
};

/* A place for lines. */
struct config_sink {
	struct sink_settings to;
	char *filter; /* directives; NULL = everything */
};

#define CONFIG_SINKS_MAX 256 /* in the list of that name */

/* First those that have keys of their own ("basename", "stdout"), or standard error where nothing is asked for; then
 * the entries of "sinks". Files have their whole path. */
struct config_sinks {
	struct config_sink *sink;
	size_t count;
	size_t own; /* the first ones */
};

/* How often call sites may speak: the first of its kind (with a key, without one) that fits a site counts. */
struct config_limit {
	char *target;      /* its beginning; "" = all */
	char *message;     /* all of it; NULL = any */
	char *key;         /* each value of this pair by itself; NULL = each site as a whole */
	unsigned level;    /* 1 error .. 5 trace; 0 = all */
	double per_second; /* 0: as often as it likes */
	uint32_t burst;    /* how many at once */
	uint32_t keys;     /* values that are told apart */
};

#define CONFIG_LIMITS_MAX      1024
#define CONFIG_LIMIT_SLOWEST   0.001
#define CONFIG_LIMIT_BURST_MAX 1000000
#define CONFIG_LIMIT_KEYS_MAX  65536

struct config_limits {
	struct config_limit *limit;
	size_t count;
};

struct config {
	char *level;                   /* directives, see directive.h; "info" */
	char *directory;               /* of the log file; "" = the current one */
	char *basename;                /* the file is directory/basename.log; "" = no file */
	char *flame;                   /* file for folded stacks; "" = none */
	char *black_box;               /* "auto", "off", or a directory */
	char *run_directory;           /* of the control socket, "auto" for the usual; "" = none */
	uint64_t ring_bytes;           /* of each thread's ring, a power of two */
	uint32_t rings;                /* at most; 0: 256 MiB of them, 16 to 4096 */
	uint32_t span_slots;           /* spans that are open at once */
	uint32_t grace_ms;             /* how long records wait to be merged by time */
	uint32_t stop_timeout_ms;      /* how long a sink may hang at the stop */
	uint32_t spanning;             /* bits of enum config_spanning */
	enum sink_file_start at_start; /* what becomes of a file that is there */
	enum config_timestamp timestamp_format;
	enum config_clock clock;
	enum config_full_ring full_ring[6]; /* by level, 1 error .. 5 trace; [0] is unused */
	unsigned flush_on; /* events of this level, and graver ones, are written at once, 1 error .. 5 trace; 0: none */
	bool crash_handler; /* what is committed is written when a signal kills the process */
	struct config_recorder recorder;
	struct config_sinks sinks;
	struct config_limits rate_limits;
	struct sink_rotation rotate; /* of all files */
	bool stdout_pretty;          /* key "stdout": also a readable copy to standard output */
	bool include_spans_json;     /* the `spans` list in each line */
};

/* Why a configuration is refused: `config.json:3: key "spanning": unknown token "NEWW" ...`. */
struct config_error {
	char text[800];
};

/* The defaults alone. 0 or -ENOMEM; config_done in any case. */
int config_init(struct config *config);
void config_done(struct config *config);

/* Read a configuration: defaults, then the JSON, then the environment.
 *
 * config   out: init by this call; end with config_done. Untouched on error.
 * json     the object as text, or NULL for none
 * name     of its source for messages: a file, or "config"
 * environment  variables "NAME=value", NULL-terminated, or NULL for none; those that do not begin with ILU_LOG__ are
 * ignored error    filled on -EINVAL; may be NULL
 *
 * Returns 0, -EINVAL or -ENOMEM. */
int config_parse(struct config *config, const char *json, const char *name, char *const *environment,
                 struct config_error *error);

/* The same from a file. Also -errno of open and read, with the error filled. */
int config_parse_file(struct config *config, const char *path, char *const *environment, struct config_error *error);

/* Key names with dots ("full_ring.error"), in the order of the manual: pass NULL for the first; NULL after the last. */
const char *config_key_next(const char *key);

/* Copy, free. 0 or -ENOMEM. */
int config_limits_copy(struct config_limits *to, const struct config_limits *from);
void config_limits_done(struct config_limits *limits);

#endif
