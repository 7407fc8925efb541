/* SPDX-License-Identifier: Apache-2.0 */
/* tid.c - transaction ids.
 *
 * Random ids come from getrandom, a thousand bytes at a time into a buffer of the thread. Two things must never happen:
 *
 *   The same id in parent and child of a fork. The buffers remember an epoch, a random number in a page that the kernel
 *   wipes in the child (MADV_WIPEONFORK): whoever finds 0 there makes a new one, and every buffer of the old epoch is
 *   stale. This sees every kind of fork, also clone(2) called by hand, which pthread_atfork does not. Where the kernel
 *   has no such page, nothing is buffered.
 *
 *   The same id in a thread and in a signal handler that interrupted it here. The buffer is marked busy while it is
 *   touched; who finds it busy asks the kernel for just one id.
 *
 * Equal text means equal id: a name that is 32 lower-case hex digits becomes the random id it looks like. */
#include "base/tid.h"

#include "base/now.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#define POOL_IDS 64

struct pool {
	uint64_t epoch; /* that it was filled in; 0 = never */
	unsigned left;
	volatile unsigned busy;
	uint64_t ids[POOL_IDS][2];
};

static __thread struct pool pool;

/* ---- the epoch ---- */

static _Atomic(uint64_t) *epoch_page; /* NULL: not to be had */
static pthread_once_t epoch_once = PTHREAD_ONCE_INIT;

static void epoch_init(void)
{
#ifdef MADV_WIPEONFORK
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *map = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (map == MAP_FAILED)
		return;
	if (madvise(map, page, MADV_WIPEONFORK))
		munmap(map, page);
	else
		epoch_page = map;
#endif
}

/* Before main, so that no signal handler is the first. */
__attribute__((constructor)) static void epoch_begin(void)
{
	int saved = errno;

	pthread_once(&epoch_once, epoch_init);
	errno = saved;
}

/* ---- randomness ---- */

/* When the kernel refuses (seccomp, or no entropy yet at boot): different for each call, thread and process, no more.
 */
static uint64_t weak_random(void)
{
	static _Atomic(uint64_t) calls;
	struct timespec now;
	uint64_t z;

	clock_gettime(CLOCK_REALTIME, &now);
	z = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	z ^= (uint64_t)getpid() << 40 ^ (uint64_t)(uintptr_t)&pool;
	z += atomic_fetch_add(&calls, 1) * UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static void random_bytes(void *out, size_t len)
{
	char *p = out, *end = p + len;

	while (p < end) {
		ssize_t n = getrandom(p, (size_t)(end - p), GRND_NONBLOCK);
		uint64_t word;

		if (n < 0 && errno == EINTR)
			continue;
		if (n > 0) {
			p += n;
			continue;
		}
		word = weak_random();
		n = end - p < 8 ? end - p : 8;
		memcpy(p, &word, (size_t)n);
		p += n;
	}
}

static uint64_t current_epoch(void)
{
	uint64_t epoch = atomic_load_explicit(epoch_page, memory_order_relaxed), fresh;

	if (epoch)
		return epoch;
	random_bytes(&fresh, sizeof fresh);
	fresh |= 1;
	if (atomic_compare_exchange_strong(epoch_page, &epoch, fresh))
		return fresh;
	return epoch;
}

/* ---- the pool ---- */

static void take(struct pool *p, uint64_t bits[2])
{
	uint64_t epoch = current_epoch();

	if (p->epoch != epoch || !p->left) {
		random_bytes(p->ids, sizeof p->ids);
		p->left = POOL_IDS;
		p->epoch = epoch;
	}
	p->left--;
	memcpy(bits, p->ids[p->left], 16);
	memset(p->ids[p->left], 0, 16); /* an id given out cannot be read from a core dump's pool */
}

ilu_tid ilu_tid_generate(void)
{
	const struct now_source *source = now_replaced();
	struct pool *p = &pool;
	ilu_tid tid = {.length_ = 0};
	int saved = errno;

	if (source) {
		tid.bits_[0] = source->random();
		tid.bits_[1] = source->random();
	} else if (!epoch_page || p->busy) {
		random_bytes(tid.bits_, sizeof tid.bits_);
	} else {
		p->busy = 1;
		atomic_signal_fence(memory_order_seq_cst);
		take(p, tid.bits_);
		atomic_signal_fence(memory_order_seq_cst);
		p->busy = 0;
	}
	errno = saved;
	return tid;
}

/* ---- text ---- */

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool parse_hex(const char *text, size_t len, ilu_tid *out)
{
	unsigned char bytes[16];

	if (len != TID_HEX)
		return false;
	for (size_t i = 0; i < sizeof bytes; i++) {
		int high = hex_value(text[2 * i]), low = hex_value(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		bytes[i] = (unsigned char)(high << 4 | low);
	}
	*out = (ilu_tid){.length_ = 0};
	memcpy(out->bits_, bytes, sizeof bytes);
	return true;
}

int ilu_tid_parse(const char *text, size_t len, ilu_tid *out)
{
	if (!text || !len || len >= ILU_TID_MAX || memchr(text, '\0', len))
		return -EINVAL;
	if (parse_hex(text, len, out))
		return 0;
	*out = (ilu_tid){.length_ = (uint8_t)len};
	memcpy(out, text, len);
	return 0;
}

ilu_tid ilu_tid_named(const char *name)
{
	ilu_tid tid;
	size_t len = name ? strnlen(name, ILU_TID_MAX) : 0;

	if (!len)
		return ilu_tid_named("unnamed");
	if (len == ILU_TID_MAX) { /* too long: cut, but not inside a character */
		len--;
		while (len > ILU_TID_MAX - 5 && ((unsigned char)name[len] & 0xc0) == 0x80)
			len--;
	}
	ilu_tid_parse(name, len, &tid);
	return tid;
}

void tid_hex(const void *bytes, char *out)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *in = bytes;

	for (int i = 0; i < 16; i++) {
		out[2 * i] = digits[in[i] >> 4];
		out[2 * i + 1] = digits[in[i] & 15];
	}
}

size_t tid_text(const ilu_tid *tid, char *out)
{
	if (tid->length_) {
		size_t len = tid->length_ < ILU_TID_MAX ? tid->length_ : ILU_TID_MAX - 1;

		memcpy(out, tid, len);
		return len;
	}
	tid_hex(tid->bits_, out);
	return TID_HEX;
}

char *ilu_tid_str(const ilu_tid *tid, char out[ILU_TID_MAX])
{
	out[tid_text(tid, out)] = '\0';
	return out;
}

int ilu_tid_equal(const ilu_tid *a, const ilu_tid *b)
{
	char left[ILU_TID_MAX], right[ILU_TID_MAX];
	size_t len;

	if (a->length_ != b->length_)
		return 0;
	if (!a->length_)
		return a->bits_[0] == b->bits_[0] && a->bits_[1] == b->bits_[1];
	len = tid_text(a, left);
	tid_text(b, right);
	return !memcmp(left, right, len);
}
