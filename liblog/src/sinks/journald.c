/* SPDX-License-Identifier: Apache-2.0 */
/* journald.c - lines to systemd's journal, by its native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL).
 *
 * Each line is read back and becomes one datagram of fields: "NAME=text\n", or, where the text has control characters,
 * "NAME\n", its length in 64 bits little-endian, the text, "\n". What is too long for a datagram goes into a sealed
 * memfd, of which the descriptor is sent.
 *
 *   MESSAGE PRIORITY SYSLOG_IDENTIFIER CODE_FILE CODE_LINE CODE_FUNC     as everybody has them
 *   TRANSACTION_ID TARGET TIMESTAMP THREAD_NAME SEQ                      of the line
 *   the event's fields     in capitals, other characters than A-Z 0-9 _ as _, at most 64; F_ before what begins
 * otherwise or has a name from above. The journal keeps several values of one name. SPAN_NAME SPAN_ID ...  the
 * innermost span and its fields
 *
 * Lines for a journal that is not there are lost and counted like those on a full disk (datagram.h). */
#include "base/lineread.h"
#include "base/buf.h"
#include "sinks/datagram.h"
#include "sinks/kind.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define NAME_MAX_ 64

struct sink_journald {
	struct sink base;
	struct datagram to;
	struct buf out; /* a datagram */
	struct buf value;
	bool failed; /* no memory for it */
};

/* ---- fields ---- */

static void put_bytes(struct sink_journald *j, const char *bytes, size_t len)
{
	if (!buf_room(&j->out, len)) {
		j->failed = true;
		return;
	}
	memcpy(j->out.text + j->out.len, bytes, len);
	j->out.len += len;
}

static void put_field(struct sink_journald *j, const char *name, const char *text, size_t len)
{
	bool plain = true;
	unsigned char size[8];

	for (size_t i = 0; i < len && plain; i++)
		plain = (unsigned char)text[i] >= ' ';
	put_bytes(j, name, strlen(name));
	if (!plain) {
		for (int i = 0; i < 8; i++)
			size[i] = (unsigned char)((uint64_t)len >> 8 * i);
		put_bytes(j, "\n", 1);
		put_bytes(j, (const char *)size, 8);
	} else {
		put_bytes(j, "=", 1);
	}
	put_bytes(j, text, len);
	put_bytes(j, "\n", 1);
}

static void put_text(struct sink_journald *j, const char *name, const char *text)
{
	put_field(j, name, text, strlen(text));
}

/* A value of the line: the bytes that a string stands for, anything else as it is written. */
static void put_value(struct sink_journald *j, const char *name, struct slice value)
{
	const char *at = value.at;
	char *text;

	if (!value.len)
		return;
	if (*value.at != '"') {
		put_field(j, name, value.at, value.len);
		return;
	}
	if (!buf_room(&j->value, value.len)) {
		j->failed = true;
		return;
	}
	text = j->value.text;
	put_field(j, name, text, (size_t)(line_unescape(text, &at) - text));
}

/* Names with a meaning of their own, of which no field of an event may pretend to be one. */
static bool is_taken(const char *name)
{
	static const char *const taken[] = {
	    "MESSAGE",
	    "MESSAGE_ID",
	    "PRIORITY",
	    "CODE_FILE",
	    "CODE_LINE",
	    "CODE_FUNC",
	    "TRANSACTION_ID",
	    "TARGET",
	    "TIMESTAMP",
	    "THREAD_NAME",
	    "SEQ",
	    "TID",
	    "INVOCATION_ID",
	    "USER_INVOCATION_ID",
	    "DOCUMENTATION",
	};

	for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
		if (!strcmp(name, taken[i]))
			return true;
	}
	return !strncmp(name, "SYSLOG_", 7) || !strncmp(name, "OBJECT_", 7) || !strncmp(name, "COREDUMP_", 9) ||
	       !strncmp(name, "SPAN_", 5);
}

/* A key as the journal wants it: a letter first; `prefix` is put in front, "F_" where that is "" and something is
 * wrong. */
static void make_name(char out[NAME_MAX_ + 1], const char *prefix, struct slice key)
{
	char name[NAME_MAX_ + 1];
	size_t n = 0;

	for (size_t i = 0; i < key.len && n < NAME_MAX_; i++) {
		char c = key.at[i];

		if (c >= 'a' && c <= 'z')
			c = (char)(c - 'a' + 'A');
		name[n++] = (char)((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ? c : '_');
	}
	name[n] = '\0';
	if (!*prefix && (!(*name >= 'A' && *name <= 'Z') || is_taken(name)))
		prefix = "F_";
	snprintf(out, NAME_MAX_ + 1, "%s%.*s", prefix, (int)(NAME_MAX_ - strlen(prefix)), name);
}

static void put_members(struct sink_journald *j, const char *prefix, struct slice object)
{
	struct cursor at = line_inside(object);
	struct slice key, value;
	char name[NAME_MAX_ + 1];
	bool event = !*prefix;

	while (line_next_member(&at, &key, &value)) {
		if (event && (line_is(key, "message") || line_is(key, "tid"))) {
			put_value(j, *key.at == 'm' ? "MESSAGE" : "TRANSACTION_ID", value);
			continue;
		}
		make_name(name, prefix, key);
		put_value(j, name, value);
	}
}

static const char *priority_of(struct slice level)
{
	static const char *const rows[][2] = {{"\"ERROR\"", "3"}, {"\"WARN\"", "4"}, {"\"INFO\"", "6"}};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (line_is(level, rows[i][0]))
			return rows[i][1];
	}
	return "7";
}

static void put_place(struct sink_journald *j, uint32_t number)
{
	struct sink_place place;
	char line[16];

	if (!j->base.place || !j->base.place(number, &place))
		return;
	snprintf(line, sizeof line, "%u", place.line);
	put_text(j, "CODE_FILE", place.file);
	put_text(j, "CODE_LINE", line);
	put_text(j, "CODE_FUNC", place.function);
}

/* The datagram of a line. false: no memory. */
static bool render(struct sink_journald *j, struct slice text, uint32_t site)
{
	struct line line;

	j->out.len = 0;
	j->failed = false;
	put_text(j, "SYSLOG_IDENTIFIER", program_invocation_short_name);
	if (line_read(text, &line)) {
		put_text(j, "PRIORITY", priority_of(line.level));
		put_members(j, "", line.fields);
		put_value(j, "TARGET", line.target);
		put_value(j, "TIMESTAMP", line.timestamp);
		put_value(j, "THREAD_NAME", line.thread);
		put_value(j, "SEQ", line.seq);
		put_members(j, "SPAN_", line.span);
		put_place(j, site);
	} else {
		put_field(j, "MESSAGE", text.at, text.len);
	}
	return !j->failed;
}

/* ---- sending ---- */

/* In a file without a name, which nobody can change any more. */
static int make_memfd(const char *bytes, size_t len)
{
	int fd = memfd_create("ilulog", MFD_CLOEXEC | MFD_ALLOW_SEALING), rc = 0;

	if (fd < 0)
		return -errno;
	while (len && !rc) {
		ssize_t n = write(fd, bytes, len);

		if (n > 0) {
			bytes += n;
			len -= (size_t)n;
		} else if (!n || errno != EINTR) {
			rc = n ? -errno : -EIO;
		}
	}
	if (!rc && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL))
		rc = -errno;
	if (rc)
		close(fd);
	return rc ? rc : fd;
}

static int send_big(struct sink_journald *j)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {.room = ""};
	struct msghdr message = {.msg_control = &control, .msg_controllen = sizeof control};
	int fd = make_memfd(j->out.text, j->out.len), rc;

	if (fd < 0)
		return fd;
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof fd);
	memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
	rc = datagram_send(&j->to, &message);
	close(fd);
	return rc;
}

static int send_line(struct sink *sink, struct slice line, size_t i)
{
	struct sink_journald *j = (struct sink_journald *)sink;
	struct iovec bytes;
	struct msghdr message = {.msg_iov = &bytes, .msg_iovlen = 1};
	int rc;

	if (!render(j, line, sink->sites ? sink->sites[i] : 0))
		return -ENOMEM;
	bytes = (struct iovec){j->out.text, j->out.len};
	rc = datagram_send(&j->to, &message);
	return rc == -EMSGSIZE || rc == -ENOBUFS ? send_big(j) : rc;
}

/* ---- the sink ---- */

static int journald_write(struct sink *sink, const char *bytes, size_t len, size_t lines, size_t *written)
{
	struct sink_journald *j = (struct sink_journald *)sink;

	return datagram_lines(&j->to, sink, (struct slice){bytes, len}, lines, written, send_line);
}

static void journald_close(struct sink *sink)
{
	struct sink_journald *j = (struct sink_journald *)sink;

	datagram_done(&j->to);
	buf_done(&j->out);
	buf_done(&j->value);
	free(j);
}

static const struct sink_ops journald_ops = {.write = journald_write, .close = journald_close};

int sink_journald_open(const char *path, struct sink **out)
{
	struct sink_journald *j = calloc(1, sizeof *j);
	int rc = j ? datagram_init(&j->to, path) : -ENOMEM;

	if (rc) {
		free(j);
		return rc;
	}
	j->base.ops = &journald_ops;
	*out = &j->base;
	return 0;
}

/* ---- in the configuration ---- */

static int parse(const struct setting_source *source, const char *key, const json_t *value, struct sink_settings *out)
{
	return datagram_parse(source, key, value, &out->text);
}

static int open_journald(const struct sink_settings *settings, enum sink_file_start start, struct sink **out,
                         char *what, size_t cap)
{
	(void)start;
	snprintf(what, cap, "journald");
	return sink_journald_open(settings->text ? settings->text : SINK_JOURNALD_SOCKET, out);
}

const struct sink_kind sink_kind_journald = {
    .name = "journald", .parse = parse, .open = open_journald, .wants_sites = true};
