/* SPDX-License-Identifier: Apache-2.0 */
/* faults.h - make the n-th call of a kind fail.
 *
 * faults.c wraps the C library's functions for everything that is linked statically with it (ld --wrap, named in the
 * Makefile), so that it also works under the sanitizers, which wrap them from the other side. Nothing fails until
 * fault_arm. Calls of all threads are counted together. */
#ifndef FAULTS_H
#define FAULTS_H

enum fault_kind {
	FAULT_MALLOC,    /* malloc calloc realloc reallocarray strdup strndup asprintf aligned_alloc: ENOMEM */
	FAULT_OPEN,      /* open openat: EMFILE */
	FAULT_WRITE,     /* write writev: ENOSPC after taking half of it */
	FAULT_WRITE_EIO, /* write writev: EIO and nothing taken; neither can a torn line be cut back */
	FAULT_SHORT,     /* write: takes one byte */
	FAULT_SYNC,      /* fdatasync fsync: EIO */
	FAULT_MMAP,      /* mmap: ENOMEM */
	FAULT_THREAD,    /* pthread_create: EAGAIN */
	FAULT_SOCKET,    /* socket: EMFILE; connect, sendmsg: ECONNREFUSED */
	FAULT_TRUNCATE,  /* ftruncate: EFBIG */
	FAULT_ALLOCATE,  /* posix_fallocate fallocate: ENOSPC */
	FAULT_POPULATE,  /* madvise: EFAULT, as of a file system that is full */
	FAULT_RENAME,    /* rename renameat renameat2: EACCES */
	FAULT_READ,      /* pread: EIO */
	FAULT_NEXT,      /* read: EIO */
	FAULT_UNLINK,    /* unlinkat: EACCES */
	FAULT_GONE,      /* unlinkat: ENOENT, as another one was first */
	FAULT_FILTER,    /* pthread_create: EPERM, as a seccomp filter says */
	FAULT_FORK,      /* fork: EAGAIN, with the handlers of a fork that fails; not as root, whom no limit holds */
	FAULT_KINDS,
};

extern const char *const fault_names[FAULT_KINDS];

/* From now on calls number `first` to `first + count - 1` of this kind fail; counting begins with 1. */
void fault_arm(enum fault_kind kind, unsigned first, unsigned count);

/* Nothing fails any more. Returns how many calls of the kind there were, failed ones included. */
unsigned fault_disarm(void);

/* Run `body` with these arguments in a forked child, whose standard error is thrown away: it exits with what that
 * returns. Its wait status; -1: there was none. */
int fault_child(int (*body)(enum fault_kind kind, unsigned first, unsigned count), enum fault_kind kind, unsigned first,
                unsigned count);

/* What went wrong in the child, the first of it: in memory that both have, empty before. rc: 0, or a negative errno. */
enum { FAULT_COMPLAINT = 200 };
void fault_complain(char complaint[FAULT_COMPLAINT], const char *what, int rc);

/* As fault_child; the test fails where the child complains or dies. */
void fault_try(int (*body)(enum fault_kind kind, unsigned first, unsigned count), enum fault_kind kind, unsigned first,
               unsigned count, const char complaint[FAULT_COMPLAINT]);

#endif
