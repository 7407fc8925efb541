/* SPDX-License-Identifier: Apache-2.0 */
/* boxed.c - the black box of a start; see boxed.h. */
#include "life/boxed.h"

#include "base/now.h"
#include "box/box.h"
#include "call/memory.h"
#include "call/state.h"
#include "recover/recover.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char place[BOX_DIRECTORY]; /* as configured */
static char *log_name;            /* NULL: no file, or none that has a name */

/* The directory may be a link: boxes are found by the name that all processes with this log come to. */
static char *resolve(const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	char *directory = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup("."), *whole, *resolved = NULL;

	whole = directory ? realpath(directory, NULL) : NULL;
	if (whole && asprintf(&resolved, "%s/%s", whole[1] ? whole : "", name) < 0)
		resolved = NULL;
	free(directory);
	free(whole);
	return resolved;
}

void boxed_forget(void)
{
	free(log_name);
	log_name = NULL;
}

static const char *name_of(const struct config *config)
{
	if (!log_name && *config->basename)
		log_name = resolve(config->sinks.sink[0].to.text);
	return log_name;
}

/* Virtual time makes the same bytes of the same run; a run in it has nothing that should outlive it. */
static bool wanted(const struct appender *a, const struct config *config)
{
	return strcmp(config->black_box, "off") != 0 && !now_replaced() && name_of(config) &&
	       outlet_file(&a->outlet) >= 0;
}

/* ---- what others left ---- */

static struct recovery left;
static struct ilu_box_result was;
static uint64_t was_boxes, was_pid;
static int was_error; /* what could not be written stays in its box, and is tried again */

static void write_all(struct recovery *r, const char *path, bool fresh)
{
	was_boxes = r->count;
	was_pid = r->first_pid;
	was_error = recovery_write(r, path, fresh);
	was = r->sum;
	recovery_done(r);
}

void boxed_find(const struct config *config, bool removed, const struct outlet *inherited)
{
	was_boxes = 0;
	if (!strcmp(config->black_box, "off") || now_replaced() || !name_of(config))
		return;
	recovery_find(&left, config->black_box, name_of(config), inherited ? outlet_file(inherited) : -1);
	if (left.count && !removed && !access(name_of(config), F_OK))
		write_all(&left, name_of(config), false);
}

void boxed_recover(struct appender *a, const struct config *config)
{
	if (left.count && outlet_file(&a->outlet) >= 0)
		write_all(&left, name_of(config), true);
	else
		recovery_done(&left);
}

bool boxed_news(char *fields, size_t cap)
{
	char error[64];
	size_t len;

	if (!was_boxes)
		return false;
	len = (size_t)snprintf(
	    fields, cap, ",\"boxes\":%llu,\"dead_pid\":%llu,\"lines\":%llu,\"open_spans\":%llu,\"damaged\":%llu",
	    (unsigned long long)was_boxes, (unsigned long long)was_pid, (unsigned long long)was.lines,
	    (unsigned long long)was.spans, (unsigned long long)was.damaged);
	if (was_error) {
		len += (size_t)snprintf(fields + len, cap - len, ",\"errno\":%d", -was_error);
		own_field(fields + len, cap - len, "error", strerror_r(-was_error, error, sizeof error));
	}
	return true;
}

/* Of boxes that are tried again and again with the same error it was said. */
static bool is_news(int error_before)
{
	return !was_error || was.lines || was.damaged || was_error != error_before;
}

/* In the appender's thread. A start or a child's first call, which hold the same things, are not at the same time: this
 * one runs between them. */
static void look(struct appender *a)
{
	struct recovery r;
	char fields[BOXED_NEWS];
	int error = was_error;

	recovery_find(&r, place, log_name, outlet_file(&a->outlet));
	if (!r.count) {
		recovery_done(&r);
		return;
	}
	write_all(&r, log_name, false);
	if (is_news(error) && boxed_news(fields, sizeof fields))
		own_say(&a->own, "WARN", APPENDER_RECOVERED, "ilulog", fields);
}

/* ---- boxes of others ---- */

#define TOLD 8 /* by a line each */

struct unclaimed {
	struct appender *appender;
	uint64_t boxes;
};

/* A log whose directory is gone was not meant to stay: nobody waits for it. */
static bool is_gone(const char *log)
{
	const char *slash = strrchr(log, '/');
	char *directory = slash ? strndup(log, (size_t)(slash - log) + 1) : NULL;
	bool gone = directory && access(directory, F_OK);

	free(directory);
	return gone;
}

static const char *why_not(const struct ilu_box *box)
{
	return !box->error ? "" : box->error == -EPROTO ? "another version" : box->error == -EBADMSG ? "damaged" : NULL;
}

/* Of a dead process, with another log, or that cannot be read, and not new: one whose log somebody has open is claimed
 * within so long. Files that are not ours alone are no boxes. */
static int tell_unclaimed(void *to, const struct ilu_box *box)
{
	struct unclaimed *u = to;
	const char *why = why_not(box);
	char fields[ENCODE_OWN_FIELDS];
	size_t len;

	if (!why || box->alive || box->age_ns < (int64_t)APPENDER_LOOK_NS ||
	    (!box->error && (!strcmp(box->log, log_name) || is_gone(box->log))) || u->boxes++ >= TOLD ||
	    !encode_own_room(&u->appender->enc))
		return 0;
	len = (size_t)snprintf(fields, sizeof fields, ",\"age_s\":%lld", (long long)(box->age_ns / 1000000000));
	if (*why)
		len += own_field(fields + len, 40, "error", why);
	else
		len += (size_t)snprintf(fields + len, sizeof fields - len, ",\"dead_pid\":%lld", (long long)box->pid);
	if (!*why)
		len += own_field(fields + len, 60, "program", box->program);
	len += own_field(fields + len, 180, "box", box->path);
	if (!*why)
		own_field(fields + len, sizeof fields - len, "of_log", box->log);
	own_say(&u->appender->own, "WARN", "Black box nobody has claimed", "ilulog", fields);
	return 0;
}

void boxed_tell(struct appender *a)
{
	struct unclaimed u = {a, 0};
	char fields[64];

	if (!a->look)
		return;
	ilu_box_list(place, tell_unclaimed, &u);
	if (u.boxes <= TOLD || !encode_own_room(&a->enc))
		return;
	snprintf(fields, sizeof fields, ",\"boxes\":%llu", (unsigned long long)(u.boxes - TOLD));
	own_say(&a->own, "WARN", "More black boxes nobody has claimed", "ilulog", fields);
}

/* ---- our own ---- */

const char *boxed_begin(struct appender *a, const struct config *config, const char *run)
{
	static char why[BOX_WHY];
	char boot_id[40];
	struct box_of of = {
	    .place = config->black_box,
	    .log = name_of(config),
	    .run = run,
	    .boot_id = boot_id,
	    .spanning = a->enc.spanning,
	    .list = a->enc.list,
	    .iluvatar = a->enc.iluvatar,
	    .tsc = logger.tsc,
	    .offset_s = a->enc.offset_s,
	};

	if (!wanted(a, config))
		return "";
	snprintf(place, sizeof place, "%s", config->black_box);
	a->look = look;
	a->look_ns = now_machine_ns() + APPENDER_LOOK_NS;
	box_read_boot_id(boot_id);
	if (memory_box(&of, why))
		return why;
	encoder_use_box(&a->enc);
	return "";
}
