/* SPDX-License-Identifier: Apache-2.0 */
/* dead.c - reading a black box; see dead.h. */
#include "recover/dead.h"

#include "base/buf.h"
#include "base/escape.h"
#include "base/value.h"
#include "box/slab.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SLACK           4096 /* zeros behind what was read */
#define CELLS_AT_A_TIME 128

/* As much as there is; what is missing are zeros. false: the disk failed. */
static bool read_at(int fd, void *to, uint64_t bytes, uint64_t at)
{
	char *out = to;

	while (bytes) {
		ssize_t n = pread(fd, out, bytes, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		if (!n)
			break;
		out += n;
		at += (uint64_t)n;
		bytes -= (uint64_t)n;
	}
	memset(out, 0, bytes);
	return true;
}

/* ---- the header ---- */

static uint64_t page_up(uint64_t bytes)
{
	return (bytes + 4095) & ~UINT64_C(4095);
}

/* Offsets follow from the sizes. */
static bool laid_out(const struct region_header *h)
{
	uint64_t at = page_up(sizeof *h);

	if (h->ring_bytes < 4096 || h->ring_bytes > UINT64_C(1) << 30 || (h->ring_bytes & (h->ring_bytes - 1)) ||
	    !h->rings || h->rings > 1u << 16 || !h->slots || h->slots > SLAB_MAX || h->sites_bytes > 1u << 30 ||
	    h->batch_bytes > 1u << 30 || h->slot_bytes > 4096)
		return false;
	if (h->sites_at != at)
		return false;
	at += h->sites_bytes;
	if (h->slots_at != at)
		return false;
	at = page_up(at + h->slots * h->slot_bytes);
	if (h->cells_at != at || h->cell_bytes != sizeof(struct region_cell))
		return false;
	at = page_up(at + h->slots * h->cell_bytes);
	if (h->batch_at != at)
		return false;
	at += h->batch_bytes;
	return h->rings_at == at && h->ring_stride == page_up(sizeof(struct region_ring) + h->ring_bytes) &&
	       h->bytes == at + h->rings * h->ring_stride;
}

static bool ends(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

int dead_header(int fd, struct region_header *h)
{
	if (!read_at(fd, h, sizeof *h, 0))
		return -EIO;
	if (!memcmp(h->magic, REGION_ENDED, sizeof h->magic))
		return -ENODATA;
	if (memcmp(h->magic, REGION_MAGIC, sizeof h->magic) != 0)
		return -EBADMSG;
	if (h->version != REGION_VERSION)
		return -EPROTO;
	if (h->header_bytes != sizeof *h || h->record_bytes != sizeof(struct ilu_record_) ||
	    h->ring_head_bytes != sizeof(struct region_ring) || !laid_out(h) || !ends(h->boot_id, sizeof h->boot_id) ||
	    !ends(h->run, sizeof h->run) || !ends(h->program, sizeof h->program) || !ends(h->log, sizeof h->log))
		return -EBADMSG;
	if (h->sum !=
	    region_sum(&h->version, offsetof(struct region_header, sum) - offsetof(struct region_header, version)))
		return -EBADMSG;
	return 0;
}

/* ---- sites ---- */

/* A text at *at with its NUL before `end`. */
static bool take_text(const char **at, const char *end, const char **out, uint32_t *len)
{
	const char *nul = *at < end ? memchr(*at, '\0', (size_t)(end - *at)) : NULL;

	if (!nul)
		return false;
	*out = *at;
	if (len)
		*len = (uint32_t)(nul - *at);
	*at = nul + 1;
	return true;
}

/* In one piece with the copy of its bytes. 0, -ENOMEM, or -EBADMSG: it is damaged. */
static int site_make(const struct region_site *from, struct site **out)
{
	size_t body = from->size - sizeof *from;
	struct site *s;
	const char *at, *end, *text = "";
	bool good;

	if (from->count > 16 || from->level > 5 || from->kind > ILU_SITE_RECORD_ || body < from->count)
		return -EBADMSG;
	s = calloc(1, sizeof *s + from->count * (sizeof *s->keys + sizeof *s->key_lens) + body + SLACK);
	if (!s)
		return -ENOMEM;
	s->keys = (const char **)(void *)(s + 1);
	s->key_lens = (uint16_t *)(void *)(s->keys + from->count);
	at = memcpy((char *)(s->key_lens + from->count), from + 1, body);
	end = at + body;
	s->types = (uint8_t *)(uintptr_t)at;
	s->number = from->number;
	s->level = from->level;
	s->kind = from->kind;
	s->count = from->count;
	s->line = from->line;
	at += from->count;
	good = take_text(&at, end, &s->target, &s->target_len) && take_text(&at, end, &s->text, &s->text_len) &&
	       take_text(&at, end, &s->file, NULL) && take_text(&at, end, &s->function, NULL);
	for (unsigned i = 0; i < s->count && good; i++) {
		uint32_t len = 0;

		good = s->types[i] <= ILU_T_SECRET_ && take_text(&at, end, &text, &len) && len < 65535;
		s->keys[i] = text;
		s->key_lens[i] = (uint16_t)len;
	}
	good = good && from->sum == (uint32_t)region_sum(s->types, (size_t)(at - (const char *)s->types));
	if (good)
		*out = s;
	else
		free(s);
	return good ? 0 : -EBADMSG;
}

/* It is taken. */
static int add_site(struct dead *d, struct site *s)
{
	if (s->number >= d->sites) {
		uint32_t count = (s->number | 255) + 1;
		struct site **grown = realloc(d->site, count * sizeof *grown);

		if (!grown) {
			free(s);
			return -ENOMEM;
		}
		memset(grown + d->sites, 0, (count - d->sites) * sizeof *grown);
		d->site = grown;
		d->sites = count;
	}
	free(d->site[s->number]);
	d->site[s->number] = s;
	return 0;
}

/* What was ever written of the table. */
static uint64_t sites_extent(const struct dead *d)
{
	off_t hole = lseek(d->fd, (off_t)d->h.sites_at, SEEK_HOLE);

	if (hole < (off_t)d->h.sites_at || (uint64_t)hole > d->h.slots_at)
		return hole < 0 ? 0 : d->h.sites_bytes;
	return (uint64_t)hole - d->h.sites_at;
}

static int read_sites(struct dead *d)
{
	uint64_t bytes = sites_extent(d);
	char *table = malloc(bytes + SLACK);
	int rc = !table ? -ENOMEM : read_at(d->fd, table, bytes, d->h.sites_at) ? 0 : -EIO;

	for (uint64_t at = 0; !rc && bytes - at >= sizeof(struct region_site);) {
		const struct region_site *from = (const struct region_site *)(const void *)(table + at);
		struct site *s = NULL;

		if (!from->size)
			break;
		if (from->size % 8 || from->size < sizeof *from || from->size > bytes - at) {
			d->damaged++;
			break;
		}
		rc = from->number && from->number < SITES_MAX ? site_make(from, &s) : -EBADMSG;
		if (!rc)
			rc = add_site(d, s);
		if (rc == -EBADMSG) {
			d->damaged++;
			rc = 0;
		}
		at += from->size;
	}
	free(table);
	return rc;
}

struct site *dead_site(const void *dead, uint32_t number)
{
	const struct dead *d = dead;

	return number < d->sites ? d->site[number] : NULL;
}

/* ---- spans ---- */

/* {...,"name":...}: JSON without blanks, as the encoder makes it. */
static bool is_span_text(const struct region_cell *c)
{
	char copy[ESCAPE_ROOM(sizeof c->text) + 64];

	return c->len >= 2 && c->text[0] == '{' && c->tail_at >= 1 && c->tail_at < c->len && c->len - c->tail_at >= 7 &&
	       !memcmp(c->text + c->tail_at, "\"name\":", 7) && value_json(copy, c->text, c->len) == c->len &&
	       !memcmp(copy, c->text, c->len);
}

static bool cell_good(const struct dead *d, const struct region_cell *c, uint64_t index)
{
	return SLAB_INDEX(c->handle) == index && c->len <= sizeof c->text && dead_site(d, c->site) &&
	       dead_site(d, c->site)->kind == ILU_SITE_SPAN_ &&
	       c->sum == region_sum(&c->handle, offsetof(struct region_cell, text) -
	                                            offsetof(struct region_cell, handle) + c->len) &&
	       (!c->len || is_span_text(c));
}

static int keep_cell(struct dead *d, const struct region_cell *c)
{
	if (!(d->cells & (d->cells - 1))) {
		size_t cap = d->cells ? 2 * d->cells : 1;
		struct region_cell *grown = realloc(d->cell, cap * sizeof *grown);

		if (!grown)
			return -ENOMEM;
		d->cell = grown;
	}
	d->cell[d->cells++] = *c;
	return 0;
}

/* Holes are passed over where the file system tells of them. */
static int read_cells(struct dead *d)
{
	static const struct region_cell none;
	struct region_cell cell[CELLS_AT_A_TIME];
	int rc = 0;

	for (uint64_t i = 0; i < d->h.slots && !rc;) {
		uint64_t at = d->h.cells_at + i * sizeof *cell, n = d->h.slots - i;
		off_t data = lseek(d->fd, (off_t)at, SEEK_DATA);

		if (data < 0 && errno == ENXIO)
			break;
		if (data > (off_t)(at + sizeof *cell)) {
			i = ((uint64_t)data - d->h.cells_at) / sizeof *cell;
			continue;
		}
		n = n < CELLS_AT_A_TIME ? n : CELLS_AT_A_TIME;
		if (!read_at(d->fd, cell, n * sizeof *cell, at))
			return -EIO;
		for (uint64_t k = 0; k < n && !rc; k++, i++) {
			if (!memcmp(&cell[k], &none, offsetof(struct region_cell, text)))
				continue;
			if (cell_good(d, &cell[k], i))
				rc = keep_cell(d, &cell[k]);
			else
				d->damaged++;
		}
	}
	return rc;
}

/* ---- records ---- */

/* One value of a type at `at`: one past it, NULL when it does not fit. */
static const char *past_value(unsigned type, const char *at, const char *end)
{
	uint32_t head;

	if (type == ILU_T_NULL_ || type == ILU_T_SECRET_)
		return at;
	if (type != ILU_T_STR_ && type != ILU_T_JSON_)
		return end - at >= 8 ? at + 8 : NULL;
	if (end - at < 4)
		return NULL;
	memcpy(&head, at, 4);
	at += 4;
	if (head == ILU_NO_TEXT_)
		return at;
	return (size_t)(end - at) >= (size_t)(head & ~ILU_CUT_) + (head & ILU_CUT_ ? 4 : 0)
	           ? at + (head & ~ILU_CUT_) + (head & ILU_CUT_ ? 4 : 0)
	           : NULL;
}

static bool values_fit(const struct site *s, const char *at, const char *end)
{
	for (unsigned i = 0; i < s->count && at; i++)
		at = past_value(s->types[i], at, end);
	return at != NULL;
}

static bool array_fits(const char *at, const char *end)
{
	uint64_t count;

	if (end - at < 8)
		return false;
	memcpy(&count, at, 8);
	at += 8;
	for (uint64_t i = 0; i < count && i < 256; i++) {
		if (end - at < 2 || end - at < 2 + (unsigned char)at[1] || (unsigned char)at[0] > ILU_T_SECRET_)
			return false;
		at = past_value((unsigned char)at[0], at + 2 + (unsigned char)at[1], end);
		if (!at)
			return false;
	}
	return true;
}

/* Is what the encoder reads of it there? */
static bool record_fits(const struct dead *d, const struct ilu_record_ *r)
{
	unsigned operation = r->word & ILU_OP_MASK_;
	const struct site *s = dead_site(d, r->word >> 8);
	const char *at = (const char *)(r + 1), *end = (const char *)r + r->size;
	size_t tid = r->word & ILU_NAMED_ ? sizeof(ilu_tid) : 16;

	switch (operation) {
	case ILU_OP_EVENT_:
		return s && (size_t)(end - at) >= tid && values_fit(s, at + tid, end);
	case ILU_OP_ARRAY_:
		return s && (size_t)(end - at) >= tid && array_fits(at + tid, end);
	case ILU_OP_NEW_:
		return s && s->kind == ILU_SITE_SPAN_ && (size_t)(end - at) >= tid + 24 &&
		       values_fit(s, at + tid + 24, end);
	case ILU_OP_RECORD_:
		return s && values_fit(s, at, end);
	case ILU_OP_CLOSE_:
		return s && end - at >= 24;
	case ILU_OP_ENTER_:
	case ILU_OP_EXIT_:
	case ILU_OP_FOLLOWS_:
		return s && end - at >= 8;
	case ILU_OP_OWNER_:
		return (size_t)(end - at) >= sizeof(struct ring_owner);
	case ILU_OP_WITHHELD_:
		return end - at >= 8;
	case ILU_OP_TURN_:
	case ILU_OP_PAD_:
		return true;
	default:
		return false;
	}
}

bool dead_stamp(const struct dead *d, uint64_t stamp)
{
	const struct region_clock *clock = &d->h.clock[d->h.clock_now & 1];
	double ns = (double)(int64_t)(stamp - clock->stamp) * clock->ns_per_tick;

	return ns > -1e18 && ns < 1e18;
}

const struct ilu_record_ *dead_peek(struct dead *d, struct dead_ring *ring)
{
	while (ring->at < ring->end) {
		uint64_t offset = ring->at & (d->h.ring_bytes - 1);
		const struct ilu_record_ *r = (const struct ilu_record_ *)(const void *)(ring->bytes + offset);

		if (!r->size)
			break;
		if (r->size % 8 || r->size < (uint32_t)8 || r->size > d->h.ring_bytes - offset ||
		    r->size > ring->end - ring->at) {
			d->damaged++;
			break;
		}
		if ((r->word & ILU_OP_MASK_) == ILU_OP_PAD_ || (r->word & ILU_OP_MASK_) == ILU_OP_TURN_) {
			ring->at += r->size;
			continue;
		}
		if (r->size >= sizeof *r && record_fits(d, r) && dead_stamp(d, r->stamp))
			return r;
		d->damaged++;
		ring->at += r->size;
	}
	ring->end = ring->at;
	return NULL;
}

void dead_take(struct dead_ring *ring, const struct ilu_record_ *record)
{
	ring->at += record->size;
}

static int read_ring(struct dead *d, uint64_t i, unsigned slot)
{
	uint64_t at = d->h.rings_at + i * d->h.ring_stride;
	struct region_ring head;
	struct dead_ring ring = {.bytes = NULL};
	uint64_t first = 0;

	if (!read_at(d->fd, &head, sizeof head, at))
		return -EIO;
	ring.at = head.taken[slot].at;
	if (ring.at % 8) {
		d->damaged++;
		return 0;
	}
	if (!read_at(d->fd, &first, 4, at + sizeof head + (ring.at & (d->h.ring_bytes - 1))))
		return -EIO;
	if (!first)
		return 0;
	ring.bytes = malloc(d->h.ring_bytes + SLACK);
	if (!ring.bytes)
		return -ENOMEM;
	memset(ring.bytes + d->h.ring_bytes, 0, SLACK);
	if (!read_at(d->fd, ring.bytes, d->h.ring_bytes, at + sizeof head)) {
		free(ring.bytes);
		return -EIO;
	}
	ring.end = ring.at + d->h.ring_bytes;
	ring.ring.owner_read = head.taken[slot];
	ring.ring.owner_read.name[REGION_NAME - 1] = '\0';
	d->ring[d->rings++] = ring;
	return 0;
}

/* ---- all of it ---- */

/* The last note; when that one is damaged, the one before it. */
static unsigned choose_note(struct dead *d)
{
	for (unsigned back = 0; back < 2; back++) {
		unsigned slot = (d->h.noted - back) & 1;

		d->note = d->h.note[slot];
		if (d->note.sum == region_sum(&d->note, offsetof(struct region_note, sum))) {
			d->pending = !back && d->h.written != d->h.noted;
			return slot;
		}
		d->damaged++;
	}
	memset(&d->note, 0, sizeof d->note);
	d->note.next_seq = 1;
	return d->h.noted & 1;
}

/* It changes, so it has no checksum. */
static void check_clock(struct dead *d)
{
	struct region_clock *clock = &d->h.clock[d->h.clock_now & 1];

	if (d->h.clock_now < 2 && clock->wall_ns > 0 && clock->wall_ns < INT64_C(4000000000000000000) &&
	    clock->ns_per_tick > 1e-3 && clock->ns_per_tick < 1e3)
		return;
	d->damaged++;
	*clock = (struct region_clock){clock->stamp, d->h.started_ns > 0 ? d->h.started_ns : 0, 1};
	if (clock->wall_ns > INT64_C(4000000000000000000))
		clock->wall_ns = 0;
}

static int read_batch(struct dead *d)
{
	uint64_t bytes = d->note.text_bytes;

	if (!d->pending || !bytes)
		return 0;
	if (bytes > d->h.batch_bytes) {
		d->damaged++;
		return 0;
	}
	d->batch = malloc(bytes + SLACK);
	if (!d->batch)
		return -ENOMEM;
	if (!read_at(d->fd, d->batch, bytes, d->h.batch_at))
		return -EIO;
	if (d->batch[0] == '{' && d->batch[bytes - 1] == '\n')
		return 0;
	d->damaged++;
	free(d->batch);
	d->batch = NULL;
	return 0;
}

/* In its mode, so that a box that is read only has all bytes as they were. */
#define BEGUN S_IXUSR

void dead_begin(int fd)
{
	struct stat st;

	if (!fstat(fd, &st))
		fchmod(fd, (st.st_mode & 07777) | BEGUN);
}

/* Where that is not known, it may have. */
static bool has_begun(int fd)
{
	struct stat st;

	return fstat(fd, &st) || st.st_mode & BEGUN;
}

int dead_read(int fd, struct dead *d)
{
	unsigned slot;
	int rc;

	memset(d, 0, sizeof *d);
	d->fd = fd;
	d->begun = has_begun(fd);
	rc = dead_header(fd, &d->h);
	if (rc)
		return rc;
	check_clock(d);
	slot = choose_note(d);
	rc = read_batch(d);
	if (!rc)
		rc = read_sites(d);
	if (!rc)
		rc = read_cells(d);
	if (!rc && !(d->ring = calloc(d->h.rings, sizeof *d->ring)))
		rc = -ENOMEM;
	for (uint64_t i = 0; i < d->h.rings && !rc; i++)
		rc = read_ring(d, i, slot);
	return rc;
}

void dead_done(struct dead *d)
{
	for (size_t i = 0; i < d->rings; i++)
		free(d->ring[i].bytes);
	for (uint32_t i = 0; i < d->sites; i++)
		if (d->site[i]) {
			free(d->site[i]->rendered);
			free(d->site[i]);
		}
	free(d->ring);
	free(d->site);
	free(d->cell);
	free(d->batch);
	memset(d, 0, sizeof *d);
}
