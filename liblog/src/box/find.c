/* SPDX-License-Identifier: Apache-2.0 */
/* find.c - where black boxes are, and whether one may be read; see box.h. */
#include "box/box.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LEFT_OVER_S 60 /* a start takes less */

const char *box_directory(const char *place, unsigned i, char out[BOX_DIRECTORY])
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");

	if (place && strcmp(place, "auto") != 0) {
		snprintf(out, BOX_DIRECTORY, "%s", place);
		return i ? NULL : out;
	}
	if (i == 0)
		return strcpy(out, "/dev/shm");
	if (i > 1)
		return NULL;
	if (runtime && *runtime == '/' && strlen(runtime) < BOX_DIRECTORY)
		snprintf(out, BOX_DIRECTORY, "%s", runtime);
	else
		snprintf(out, BOX_DIRECTORY, "/run/user/%ld", (long)geteuid());
	return out;
}

void box_prefix(const char *log, char out[64])
{
	snprintf(out, 64, "ilulog-%ld-%016llx-", (long)geteuid(), (unsigned long long)region_sum(log, strlen(log)));
}

int box_open_file(const char *path)
{
	struct stat st;
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY), rc = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st))
		rc = -errno;
	else if (!S_ISREG(st.st_mode))
		rc = -EINVAL;
	else if (st.st_uid != geteuid() || st.st_mode & 077 || st.st_nlink != 1)
		rc = -EPERM;
	if (rc)
		close(fd);
	return rc ? rc : fd;
}

bool box_left_over(int directory, const char *name)
{
	size_t len = strlen(name), end = sizeof ".box" BOX_NEW - 1;
	struct stat st;
	long uid, pid;
	int past = 0;

	if (len < end || strcmp(name + len - end, ".box" BOX_NEW) != 0 ||
	    sscanf(name, "ilulog-%ld-%*16[0-9a-f]-%ld-%*8[0-9a-f].box%n", &uid, &pid, &past) != 2 ||
	    (size_t)past + sizeof BOX_NEW - 1 != len || uid != (long)geteuid() || pid <= 0)
		return false;
	return !fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW) && S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
	       time(NULL) - st.st_mtime >= LEFT_OVER_S && kill((pid_t)pid, 0) && errno == ESRCH;
}

void box_read_boot_id(char out[40])
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, out, 36);

	if (fd >= 0)
		close(fd);
	out[n > 0 ? n : 0] = '\0';
}

/* The word of the C library's mutex, which the kernel knows: who holds it, and whether he died. */
#define WORD_OWNER 0x3fffffffu
#define WORD_DIED  0x40000000u

bool box_lives(const struct region_header *header, const char *boot_id)
{
	uint32_t word;

	if (*boot_id && *header->boot_id && strncmp(boot_id, header->boot_id, sizeof header->boot_id) != 0)
		return false; /* it was before the machine's last start */
	memcpy(&word, header->alive, sizeof word);
	return word & WORD_OWNER && !(word & WORD_DIED);
}
