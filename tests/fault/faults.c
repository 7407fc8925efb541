/* SPDX-License-Identifier: Apache-2.0 */
/* faults.c - see faults.h. __real_NAME is the C library's function, __wrap_NAME what callers of NAME get. */
#include "faults.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

const char *const fault_names[FAULT_KINDS] = {
    "malloc", "open",           "write ENOSPC", "write EIO", "short write",     "fdatasync",
    "mmap",   "pthread_create", "socket",       "ftruncate", "posix_fallocate", "madvise",
    "rename", "pread",          "read",         "unlinkat",  "unlinkat ENOENT", "pthread_create EPERM",
    "fork"};

static struct {
	unsigned armed; /* atomic, as `calls` */
	unsigned calls;
	enum fault_kind kind;
	unsigned first, count;
} plan;

void fault_arm(enum fault_kind kind, unsigned first, unsigned count)
{
	plan.kind = kind;
	plan.first = first;
	plan.count = count;
	__atomic_store_n(&plan.calls, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&plan.armed, 1, __ATOMIC_RELEASE);
}

unsigned fault_disarm(void)
{
	__atomic_store_n(&plan.armed, 0, __ATOMIC_RELEASE);
	return __atomic_load_n(&plan.calls, __ATOMIC_RELAXED);
}

static bool fails(enum fault_kind kind)
{
	unsigned n;

	if (!__atomic_load_n(&plan.armed, __ATOMIC_ACQUIRE) || plan.kind != kind)
		return false;
	n = __atomic_add_fetch(&plan.calls, 1, __ATOMIC_RELAXED);
	return n >= plan.first && n - plan.first < plan.count;
}

/* Whether a call fails, with that error. */
static bool refused(enum fault_kind kind, int error)
{
	bool failing = fails(kind);

	if (failing)
		errno = error;
	return failing;
}

static bool no_memory(void)
{
	return refused(FAULT_MALLOC, ENOMEM);
}

/* ---- memory ---- */

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size)
{
	return no_memory() ? NULL : __real_malloc(size);
}

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size)
{
	return no_memory() ? NULL : __real_calloc(n, size);
}

void *__real_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size)
{
	return no_memory() ? NULL : __real_realloc(old, size);
}

void *__real_reallocarray(void *old, size_t n, size_t size);
void *__wrap_reallocarray(void *old, size_t n, size_t size);
void *__wrap_reallocarray(void *old, size_t n, size_t size)
{
	return no_memory() ? NULL : __real_reallocarray(old, n, size);
}

void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
	return no_memory() ? NULL : __real_aligned_alloc(alignment, size);
}

char *__real_strdup(const char *text);
char *__wrap_strdup(const char *text);
char *__wrap_strdup(const char *text)
{
	return no_memory() ? NULL : __real_strdup(text);
}

char *__real_strndup(const char *text, size_t len);
char *__wrap_strndup(const char *text, size_t len);
char *__wrap_strndup(const char *text, size_t len)
{
	return no_memory() ? NULL : __real_strndup(text, len);
}

int __wrap_asprintf(char **out, const char *format, ...) __attribute__((format(printf, 2, 3)));
int __wrap_asprintf(char **out, const char *format, ...)
{
	va_list args;
	int n;

	if (no_memory())
		return -1;
	va_start(args, format);
	n = vasprintf(out, format, args);
	va_end(args);
	return n;
}

void *__real_mmap(void *at, size_t len, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap(void *at, size_t len, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap(void *at, size_t len, int protection, int flags, int fd, off_t offset)
{
	return refused(FAULT_MMAP, ENOMEM) ? MAP_FAILED : __real_mmap(at, len, protection, flags, fd, offset);
}

int __real_madvise(void *at, size_t len, int advice);
int __wrap_madvise(void *at, size_t len, int advice);
int __wrap_madvise(void *at, size_t len, int advice)
{
	return refused(FAULT_POPULATE, EFAULT) ? -1 : __real_madvise(at, len, advice);
}

/* ---- files ---- */

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
	va_end(args);
	return refused(FAULT_OPEN, EMFILE) ? -1 : __real_open(path, flags, mode);
}

int __real_openat(int base, const char *path, int flags, ...);
int __wrap_openat(int base, const char *path, int flags, ...);
int __wrap_openat(int base, const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
	va_end(args);
	return refused(FAULT_OPEN, EMFILE) ? -1 : __real_openat(base, path, flags, mode);
}

ssize_t __real_write(int fd, const void *bytes, size_t len);
ssize_t __wrap_write(int fd, const void *bytes, size_t len);
ssize_t __wrap_write(int fd, const void *bytes, size_t len)
{
	static bool took_half; /* the disk was full behind it: say so next time */

	if (refused(FAULT_WRITE_EIO, EIO))
		return -1;
	if (fails(FAULT_SHORT))
		return __real_write(fd, bytes, 1);
	if (!fails(FAULT_WRITE)) {
		took_half = false;
		return __real_write(fd, bytes, len);
	}
	took_half = !took_half && len > 1;
	if (took_half)
		return __real_write(fd, bytes, len / 2);
	errno = ENOSPC;
	return -1;
}

/* Whole, or not at all: of the little that is written so nothing is taken half. */
ssize_t __real_writev(int fd, const struct iovec *parts, int n);
ssize_t __wrap_writev(int fd, const struct iovec *parts, int n);
ssize_t __wrap_writev(int fd, const struct iovec *parts, int n)
{
	bool broken = fails(FAULT_WRITE_EIO);

	if (!broken && !fails(FAULT_WRITE))
		return __real_writev(fd, parts, n);
	errno = broken ? EIO : ENOSPC;
	return -1;
}

int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);
int __wrap_fdatasync(int fd)
{
	return refused(FAULT_SYNC, EIO) ? -1 : __real_fdatasync(fd);
}

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
	return refused(FAULT_SYNC, EIO) ? -1 : __real_fsync(fd);
}

int __real_ftruncate(int fd, off_t len);
int __wrap_ftruncate(int fd, off_t len);
int __wrap_ftruncate(int fd, off_t len)
{
	if (__atomic_load_n(&plan.armed, __ATOMIC_ACQUIRE) && plan.kind == FAULT_WRITE_EIO) {
		errno = EIO;
		return -1;
	}
	return refused(FAULT_TRUNCATE, EFBIG) ? -1 : __real_ftruncate(fd, len);
}

int __real_posix_fallocate(int fd, off_t at, off_t len);
int __wrap_posix_fallocate(int fd, off_t at, off_t len);
int __wrap_posix_fallocate(int fd, off_t at, off_t len)
{
	return fails(FAULT_ALLOCATE) ? ENOSPC : __real_posix_fallocate(fd, at, len);
}

int __real_fallocate(int fd, int mode, off_t at, off_t len);
int __wrap_fallocate(int fd, int mode, off_t at, off_t len);
int __wrap_fallocate(int fd, int mode, off_t at, off_t len)
{
	return refused(FAULT_ALLOCATE, ENOSPC) ? -1 : __real_fallocate(fd, mode, at, len);
}

int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to)
{
	return refused(FAULT_RENAME, EACCES) ? -1 : __real_rename(from, to);
}

int __real_renameat(int base, const char *from, int to_base, const char *to);
int __wrap_renameat(int base, const char *from, int to_base, const char *to);
int __wrap_renameat(int base, const char *from, int to_base, const char *to)
{
	return refused(FAULT_RENAME, EACCES) ? -1 : __real_renameat(base, from, to_base, to);
}

int __real_renameat2(int base, const char *from, int to_base, const char *to, unsigned flags);
int __wrap_renameat2(int base, const char *from, int to_base, const char *to, unsigned flags);
int __wrap_renameat2(int base, const char *from, int to_base, const char *to, unsigned flags)
{
	return refused(FAULT_RENAME, EACCES) ? -1 : __real_renameat2(base, from, to_base, to, flags);
}

ssize_t __real_pread(int fd, void *to, size_t len, off_t at);
ssize_t __wrap_pread(int fd, void *to, size_t len, off_t at);
ssize_t __wrap_pread(int fd, void *to, size_t len, off_t at)
{
	return refused(FAULT_READ, EIO) ? -1 : __real_pread(fd, to, len, at);
}

ssize_t __real_read(int fd, void *to, size_t len);
ssize_t __wrap_read(int fd, void *to, size_t len);
ssize_t __wrap_read(int fd, void *to, size_t len)
{
	return refused(FAULT_NEXT, EIO) ? -1 : __real_read(fd, to, len);
}

int __real_unlinkat(int base, const char *path, int flags);
int __wrap_unlinkat(int base, const char *path, int flags);
int __wrap_unlinkat(int base, const char *path, int flags)
{
	bool gone = refused(FAULT_GONE, ENOENT);

	if (!gone)
		return refused(FAULT_UNLINK, EACCES) ? -1 : __real_unlinkat(base, path, flags);
	__real_unlinkat(base, path, flags);
	errno = ENOENT;
	return -1;
}

/* ---- threads ---- */

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *arg);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *arg);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *arg)
{
	if (fails(FAULT_FILTER))
		return EPERM;
	return fails(FAULT_THREAD) ? EAGAIN : __real_pthread_create(thread, attributes, run, arg);
}

/* ---- processes ---- */

/* The C library's own runs what pthread_atfork(3) was told, before it finds that there may be no more processes. */
pid_t __real_fork(void);
pid_t __wrap_fork(void);
pid_t __wrap_fork(void)
{
	struct rlimit before, none;
	pid_t pid;

	if (!fails(FAULT_FORK))
		return __real_fork();
	if (getrlimit(RLIMIT_NPROC, &before))
		abort();
	none = (struct rlimit){0, before.rlim_max};
	setrlimit(RLIMIT_NPROC, &none);
	pid = __real_fork();
	if (pid >= 0)
		abort();
	setrlimit(RLIMIT_NPROC, &before);
	return pid;
}

int fault_child(int (*body)(enum fault_kind kind, unsigned first, unsigned count), enum fault_kind kind, unsigned first,
                unsigned count)
{
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (!pid) {
		int null = open("/dev/null", O_WRONLY);

		dup2(null, 2); /* what it says of what fails */
		_exit(body(kind, first, count));
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid ? status : -1;
}

void fault_complain(char complaint[FAULT_COMPLAINT], const char *what, int rc)
{
	if (rc && !*complaint)
		snprintf(complaint, FAULT_COMPLAINT, "%s: %s (%d)", what, strerror(-rc), rc);
}

void fault_try(int (*body)(enum fault_kind kind, unsigned first, unsigned count), enum fault_kind kind, unsigned first,
               unsigned count, const char complaint[FAULT_COMPLAINT])
{
	int status = fault_child(body, kind, first, count);

	if (*complaint)
		fail_msg("%s %u: %s", fault_names[kind], first, complaint);
	if (status)
		fail_msg("%s %u: the child died: status %d", fault_names[kind], first, status);
}

/* ---- sockets ---- */

int __real_socket(int domain, int type, int protocol);
int __wrap_socket(int domain, int type, int protocol);
int __wrap_socket(int domain, int type, int protocol)
{
	return refused(FAULT_SOCKET, EMFILE) ? -1 : __real_socket(domain, type, protocol);
}

int __real_connect(int fd, const struct sockaddr *address, socklen_t len);
int __wrap_connect(int fd, const struct sockaddr *address, socklen_t len);
int __wrap_connect(int fd, const struct sockaddr *address, socklen_t len)
{
	return refused(FAULT_SOCKET, ECONNREFUSED) ? -1 : __real_connect(fd, address, len);
}

ssize_t __real_sendmsg(int fd, const struct msghdr *message, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags)
{
	return refused(FAULT_SOCKET, ECONNREFUSED) ? -1 : __real_sendmsg(fd, message, flags);
}
