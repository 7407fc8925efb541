/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lockowner.c - who has locked a file, by the kernel's own list.
 *
 * Asking with fcntl would need a descriptor of the file, and closing that would give up SQLite's locks on it. A lock
 * that the list does not show (another machine's, another namespace's) has an owner that has no name. */
#include "load/lockowner.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

/* The process that has a lock for writing on st's file; 0: none. */
static int owner_of(const struct stat *st)
{
	char line[256], kind[16];
	FILE *f = fopen("/proc/locks", "re");
	int pid = 0;

	/* 3: POSIX  ADVISORY  WRITE 1234 fe:00:567 0 EOF */
	while (f && !pid && fgets(line, sizeof line, f)) {
		unsigned major_no, minor_no;
		unsigned long long inode;
		int who;

		if (sscanf(line, "%*s %*s %*s %15s %d %x:%x:%llu", kind, &who, &major_no, &minor_no, &inode) == 5 &&
		    !strcmp(kind, "WRITE") && inode == st->st_ino && major_no == major(st->st_dev) &&
		    minor_no == minor(st->st_dev))
			pid = who;
	}
	if (f)
		fclose(f);
	return pid;
}

const char *lock_owner(const char *path, char *buf, size_t room)
{
	char name[64] = "", proc[32];
	struct stat st;
	int pid = stat(path, &st) ? 0 : owner_of(&st);
	FILE *f;

	if (pid <= 0)
		return "another process";
	snprintf(proc, sizeof proc, "/proc/%d/comm", pid);
	f = fopen(proc, "re");
	if (f && fgets(name, sizeof name, f))
		name[strcspn(name, "\n")] = 0;
	if (f)
		fclose(f);
	snprintf(buf, room, "%s%sprocess %d%s", name, *name ? " (" : "", pid, *name ? ")" : "");
	return buf;
}
