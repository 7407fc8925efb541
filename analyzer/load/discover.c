/* SPDX-License-Identifier: GPL-3.0-or-later */
/* discover.c - from what the user named to the files to load.
 *
 * Each path is a file, a directory or a pattern. A directory is listed once: its files are looked at, and what belongs
 * to a run is taken; where no log is among them, its sub-directories are looked into in the same way. Runs are made at
 * the end, when it is known which files lie beside which. Memory that runs out is remembered and reported once. */
#include "load/discover.h"
#include "base/array.h"
#include "base/hash.h"
#include "base/table.h"
#include "base/scan.h"
#include "ingest/reader.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define LOOK      (64 * 1024) /* bytes of text that decide what a file is */
#define DEPTH_MAX 32

/* A directory that was listed: links may lead back to it. */
struct visited {
	dev_t dev;
	ino_t ino;
	size_t logs; /* in and below it; 0 until it is done */
};

struct search {
	struct discovery *out;
	struct visited *dirs;
	size_t ndirs, dirs_room;
	struct table files;       /* inputs, by device and inode */
	struct table directories; /* inputs whose directory is a run, by that */
	struct table runs;        /* out->runs, by path */
	char *look;
	size_t looked; /* bytes in it */
	const struct record_options *records;
	const char *run; /* all inputs are in it; NULL: none is named */
	bool no_memory;
	int failed; /* the system: negative errno */
};

/* ---- lists ---- */

__attribute__((format(printf, 5, 6))) static void say(struct search *s, char ***list, size_t *n, size_t *room,
                                                      const char *fmt, ...)
{
	char *text = NULL, **to;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	to = text ? array_add(*list, *n, *room) : NULL;
	if (!to) {
		s->no_memory = true;
		free(text);
		return;
	}
	*to = text;
}

#define note(s, ...)  say(s, &(s)->out->notes, &(s)->out->nnotes, &(s)->out->notes_room, __VA_ARGS__)
#define error(s, ...) say(s, &(s)->out->errors, &(s)->out->nerrors, &(s)->out->errors_room, __VA_ARGS__)

/* A path that could not be read: its own fault, or the system's, which ends the search. */
static void unread(struct search *s, const char *path, int rc, const char *why)
{
	error(s, "%s: %s", path, why);
	if (rc == -ENOMEM || rc == -EMFILE || rc == -ENFILE)
		s->failed = rc;
}

static void input_done(struct input *in)
{
	free(in->path);
	free(in->real);
	free(in->worker);
	free(in->parent);
}

/* ---- one file ---- */

/* dir/name, or name alone for an empty dir. */
static char *join(const char *dir, const char *name)
{
	char *path;
	bool slash = *dir && dir[strlen(dir) - 1] != '/';

	return asprintf(&path, "%s%s%s", dir, slash ? "/" : "", name) < 0 ? NULL : path;
}

static const char *base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* The directory part of path: "" where there is none, else with its slash. */
static char *dir_part(const char *path)
{
	return strndup(path, (size_t)(base(path) - path));
}

/* A link is loaded under its own name: only the directory part is resolved. */
static char *real_path(const char *path)
{
	char *dir = dir_part(path), *real = NULL, *joined = NULL;

	if (dir && strcmp(path, "-"))
		real = realpath(*dir ? dir : ".", NULL);
	if (real)
		joined = join(real, base(path));
	free(dir);
	free(real);
	return joined ? joined : errno == ENOMEM ? NULL : strdup(path);
}

/* Reads the first bytes. 0, or a negative errno with *why; packed data broken from the start is INPUT_BINARY. */
static int look_at(struct search *s, const char *path, enum input_kind *kind, bool *packed_broken, const char **why)
{
	struct reader *r;
	ssize_t got, len = 0;
	int rc = reader_open(path, &r, why);

	if (rc)
		return rc;
	do {
		got = reader_read(r, s->look + len, (size_t)(LOOK - len));
		len += got > 0 ? got : 0;
	} while (got > 0 && len < LOOK);
	s->looked = (size_t)len;
	memset(s->look + len, 0, SCAN_SLACK);
	*packed_broken = !len && got < 0;
	*kind = *packed_broken ? INPUT_BINARY : input_classify(base(path), s->look, (size_t)len, s->records);
	if (got < 0 && got != -EBADMSG && got != -E2BIG) {
		rc = (int)got;
		*why = strerror(-rc);
	}
	reader_close(r);
	return rc;
}

static uint64_t file_hash(dev_t dev, ino_t ino)
{
	return hash_pair(dev, ino);
}

/* Of what was looked at last. */
static const char *instead(const struct search *s, enum input_kind kind)
{
	return input_instead(kind, s->look, s->looked);
}

static const struct input *same_file(const struct search *s, const struct stat *st)
{
	struct table_walk w;
	uint32_t i = table_first(&w, &s->files, file_hash(st->st_dev, st->st_ino));

	for (; i != TABLE_NONE; i = table_next(&w)) {
		const struct input *in = &s->out->inputs[i];

		/* what was dropped is still in the table */
		if (i < s->out->ninputs && in->dev == st->st_dev && in->ino == st->st_ino)
			return in;
	}
	return NULL;
}

static void add_input(struct search *s, const char *path, enum input_kind kind, const struct stat *st, bool named)
{
	struct input in = {
	    .path = strdup(path),
	    .real = real_path(path),
	    .kind = kind,
	    .worker = input_worker(path),
	    .file_bytes = S_ISREG(st->st_mode) ? st->st_size : -1,
	    .dev = st->st_dev,
	    .ino = st->st_ino,
	    .changed_ns = st->st_mtim.tv_sec * INT64_C(1000000000) + st->st_mtim.tv_nsec,
	    .instead = kind == INPUT_STREAM ? NULL : instead(s, kind),
	    .named = named,
	};
	struct input *to = NULL;

	if (in.path && in.real && in.worker &&
	    !table_add(&s->files, file_hash(in.dev, in.ino), (uint32_t)s->out->ninputs))
		to = array_add(s->out->inputs, s->out->ninputs, s->out->inputs_room);
	if (!to) {
		s->no_memory = true;
		input_done(&in);
		return;
	}
	*to = in;
}

static void named_file(struct search *s, const char *path, const struct stat *st)
{
	const struct input *same = same_file(s, st);
	enum input_kind kind = INPUT_STREAM;
	const char *why;
	bool broken;
	int rc = 0;

	if (same) {
		if (strcmp(same->path, path))
			note(s, "%s: the same file as %s, loaded once", path, same->path);
		return;
	}
	if (S_ISREG(st->st_mode)) {
		rc = look_at(s, path, &kind, &broken, &why);
	} else if (S_ISBLK(st->st_mode) || S_ISSOCK(st->st_mode)) {
		rc = -EINVAL;
		why = "neither file nor pipe";
	}
	if (rc)
		unread(s, path, rc, why);
	else
		add_input(s, path, kind, st, true);
}

/* ---- a directory ---- */

struct entry {
	char *name;
	bool link;
};

struct listing {
	struct entry *entries; /* by name, links last: a link to a file beside it is that file again */
	size_t n, room;
};

static int by_name(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return x->link != y->link ? x->link - y->link : natural_compare(x->name, y->name);
}

static void listing_done(struct listing *l)
{
	while (l->n)
		free(l->entries[--l->n].name);
	free(l->entries);
}

/* Hidden files are left out. false: cannot be read, errno says why. */
static bool listing_read(struct search *s, const char *path, struct listing *l)
{
	DIR *d = opendir(path);
	struct dirent *e;

	*l = (struct listing){0};
	if (!d)
		return false;
	while ((e = readdir(d))) {
		struct entry *more;
		struct stat st;

		if (e->d_name[0] == '.')
			continue;
		if (array_reserve(l->entries, l->room, l->n + 1)) {
			s->no_memory = true;
			break;
		}
		more = l->entries;
		more[l->n].link = !fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) && S_ISLNK(st.st_mode);
		more[l->n].name = strdup(e->d_name);
		if (!more[l->n].name) {
			s->no_memory = true;
			break;
		}
		l->n++;
	}
	closedir(d);
	if (l->n)
		qsort(l->entries, l->n, sizeof *l->entries, by_name);
	return true;
}

/* What a directory's files came to. */
struct haul {
	size_t logs;
	char *passed; /* "a.txt (text), b (binary)" */
	size_t npassed;
};

static void pass_over(struct search *s, struct haul *h, const char *name, const char *what)
{
	char *longer;

	h->npassed++;
	if (h->npassed > 20)
		return;
	if (asprintf(&longer, "%s%s%s (%s)", h->passed ? h->passed : "", h->passed ? ", " : "", name, what) < 0) {
		s->no_memory = true;
		return;
	}
	free(h->passed);
	h->passed = longer;
}

/* Is a file found in a directory part of a run? Text is not, unless a process is known to log under this name; a
 * damaged log is. */
static bool belongs(const char *name, enum input_kind kind, bool packed_broken)
{
	switch (kind) {
	case INPUT_EMPTY:
		return input_named_log(name);
	case INPUT_TEXT:
	case INPUT_BINARY:
		return input_is_process(name) ||
		       (packed_broken && (input_named_log(name) || !strncmp(name, "output-", 7)));
	case INPUT_OTHER:
	case INPUT_STREAM:
		return false;
	default:
		return true;
	}
}

/* Passes over what was looked at last. */
static void found_no_log(struct search *s, struct haul *h, const char *name, enum input_kind kind)
{
	const char *other = instead(s, kind);
	bool text = !other && s->records && (kind == INPUT_TEXT || kind == INPUT_OTHER);
	char *why = text ? input_why_not(s->look, s->looked, s->records) : NULL;

	pass_over(s, h, name,
	          other                 ? other
	          : why                 ? why
	          : kind == INPUT_OTHER ? "neither log nor result"
	                                : input_kind_name(kind));
	free(why);
}

static void found_file(struct search *s, const char *path, const struct stat *st, struct haul *h)
{
	const char *name = base(path), *why;
	const struct input *same = same_file(s, st);
	enum input_kind kind;
	bool broken;
	int rc;

	if (same) {
		if (strcmp(same->path, path))
			note(s, "%s: the same file as %s, loaded once", path, same->path);
		h->logs += input_is_log(same->kind);
		return;
	}
	rc = look_at(s, path, &kind, &broken, &why);
	if (rc) {
		/* What others keep to themselves beside the logs is no business of ours. */
		if (!input_named_log(name) && (rc == -EACCES || rc == -EPERM))
			pass_over(s, h, name, why);
		else
			unread(s, path, rc, why);
	} else if (instead(s, kind) || !belongs(name, kind, broken)) {
		found_no_log(s, h, name, kind);
	} else {
		add_input(s, path, kind, st, false);
		h->logs += input_is_log(kind);
	}
}

static void found(struct search *s, const char *dir, const char *name, struct haul *h)
{
	char *path = join(dir, name);
	struct stat st;

	if (!path)
		s->no_memory = true;
	else if (stat(path, &st))
		pass_over(s, h, name, errno == ENOENT ? "broken link" : strerror(errno));
	else if (S_ISREG(st.st_mode))
		found_file(s, path, &st, h);
	else if (!S_ISDIR(st.st_mode))
		pass_over(s, h, name, "neither file nor directory");
	free(path);
}

/* Index of the directory in dirs; *again: it was there before. */
static size_t visit(struct search *s, const struct stat *st, bool *again)
{
	struct visited *more;
	size_t i;

	for (i = 0; i < s->ndirs; i++)
		if (s->dirs[i].dev == st->st_dev && s->dirs[i].ino == st->st_ino)
			break;
	*again = i < s->ndirs;
	if (*again)
		return i;
	more = array_add(s->dirs, s->ndirs, s->dirs_room);
	if (!more) {
		s->no_memory = true;
		return 0;
	}
	*more = (struct visited){st->st_dev, st->st_ino, 0};
	return i;
}

static size_t directory(struct search *s, const char *path, const struct stat *st, unsigned depth);

/* Number of logs below. */
static size_t sub_directories(struct search *s, const char *path, const struct listing *l, unsigned depth)
{
	size_t logs = 0, i;

	for (i = 0; i < l->n; i++) {
		char *sub = join(path, l->entries[i].name);
		struct stat st;

		if (!sub)
			s->no_memory = true;
		else if (!stat(sub, &st) && S_ISDIR(st.st_mode))
			logs += directory(s, sub, &st, depth + 1);
		free(sub);
	}
	return logs;
}

/* Forgets what was found from input `from` on: results without a log beside them are no run. */
static void drop_inputs(struct search *s, size_t from, struct haul *h)
{
	while (s->out->ninputs > from) {
		struct input *in = &s->out->inputs[--s->out->ninputs];

		pass_over(s, h, base(in->path), "no log beside it");
		input_done(in);
	}
}

/* Number of logs found in path, or below it where it has none itself. */
static size_t directory(struct search *s, const char *path, const struct stat *st, unsigned depth)
{
	size_t from = s->out->ninputs, i, logs, self;
	struct haul h = {0};
	struct listing l;
	bool again;

	self = visit(s, st, &again);
	if (again || s->no_memory || depth > DEPTH_MAX)
		return again ? s->dirs[self].logs : 0;
	if (!listing_read(s, path, &l)) {
		if (depth)
			note(s, "%s: %s", path, strerror(errno));
		else
			unread(s, path, -errno, strerror(errno));
		return 0;
	}
	for (i = 0; i < l.n; i++)
		found(s, path, l.entries[i].name, &h);
	logs = h.logs;
	if (!logs) {
		drop_inputs(s, from, &h);
		logs = sub_directories(s, path, &l, depth);
	}
	if (h.npassed && (logs || !depth))
		note(s, "%s: passed over %s%s", path, h.passed ? h.passed : "", h.npassed > 20 ? ", ..." : "");
	free(h.passed);
	listing_done(&l);
	s->dirs[self].logs = logs;
	return logs;
}

/* ---- what the user named ---- */

static struct slice directory_of(const struct input *in)
{
	return (struct slice){in->real, (size_t)(base(in->real) - in->real)};
}

/* Is everything from input `from` on a log of another program, and not all of it in one directory? Ilúvatar's runs have
 * directories of their own. */
static bool are_hosts(const struct search *s, size_t from)
{
	const struct discovery *d = s->out;
	bool several = false;

	for (size_t i = from; i < d->ninputs; i++) {
		const struct input *in = &d->inputs[i];

		if (!input_is_foreign(in->kind) && in->kind != INPUT_EMPTY)
			return false;
		several |= !slice_same(directory_of(in), directory_of(&d->inputs[from]));
	}
	return several;
}

static void parent_note(struct search *s, const char *path, size_t from)
{
	bool hosts = are_hosts(s, from);

	for (size_t i = from; hosts && i < s->out->ninputs; i++)
		if (!(s->out->inputs[i].parent = strdup(path)))
			s->no_memory = true;
}

static void named(struct search *s, const char *path)
{
	size_t errors = s->out->nerrors;
	struct stat st;

	if (!strcmp(path, "-")) {
		st = (struct stat){.st_mode = S_IFIFO};
		if (!same_file(s, &st))
			add_input(s, path, INPUT_STREAM, &st, true);
		return;
	}
	if (stat(path, &st)) {
		error(s, "%s: %s", *path ? path : "an empty path", strerror(errno));
	} else if (!S_ISDIR(st.st_mode)) {
		named_file(s, path, &st);
	} else {
		size_t from = s->out->ninputs, logs = directory(s, path, &st, 0);

		if (!logs && errors == s->out->nerrors)
			error(s, "%s: no logs in this directory or below it", path);
		parent_note(s, path, from);
	}
}

/* A path that is not there and has a pattern in it is one; each match is as if it was named. */
static void named_or_pattern(struct search *s, const char *path)
{
	struct stat st;
	glob_t g;
	size_t i;
	int rc;

	if (!strpbrk(path, "*?[") || !lstat(path, &st)) {
		named(s, path);
		return;
	}
	rc = glob(path, GLOB_TILDE_CHECK | GLOB_BRACE, NULL, &g);
	if (rc == GLOB_NOSPACE)
		s->no_memory = true;
	else if (rc)
		error(s, "%s: nothing matches this pattern", path);
	for (i = 0; !rc && i < g.gl_pathc; i++)
		named(s, g.gl_pathv[i]);
	globfree(&g);
}

/* ---- runs ---- */

static bool directory_noted(const struct search *s, const struct input *in)
{
	struct table_walk w;
	uint32_t i = table_first(&w, &s->directories, hash_slice(directory_of(in), 0));

	while (i != TABLE_NONE && !slice_same(directory_of(&s->out->inputs[i]), directory_of(in)))
		i = table_next(&w);
	return i != TABLE_NONE;
}

/* Notes the directories that are runs: those that were named, or have what belongs to a run. */
static void note_directories(struct search *s)
{
	const struct discovery *d = s->out;

	for (size_t i = 0; i < d->ninputs && !s->no_memory; i++)
		if ((input_is_companion(d->inputs[i].kind) || !d->inputs[i].named) &&
		    !directory_noted(s, &d->inputs[i]))
			s->no_memory =
			    table_add(&s->directories, hash_slice(directory_of(&d->inputs[i]), 0), (uint32_t)i) != 0;
}

/* Is the directory in's run, or is it in itself? */
static bool run_is_directory(const struct search *s, const struct input *in)
{
	return !in->named || input_is_process(base(in->path)) || input_is_companion(in->kind) || directory_noted(s, in);
}

/* The directory of path without its last slash ("." for none), or path up to its stem. */
static char *run_path(const char *path, bool is_directory)
{
	size_t n = (size_t)(base(path) - path);

	if (!is_directory)
		return strndup(path, n + input_stem(base(path)));
	return n ? strndup(path, n > 1 ? n - 1 : 1) : strdup(".");
}

/* Is there a run of that path? */
static bool run_find(const struct search *s, const char *real, size_t *out)
{
	struct slice path = {real, strlen(real)};
	struct table_walk w;
	uint32_t i = table_first(&w, &s->runs, hash_slice(path, 0));

	while (i != TABLE_NONE && strcmp(s->out->runs[i].real, real) != 0)
		i = table_next(&w);
	*out = i;
	return i != TABLE_NONE;
}

static void run_add(struct search *s, struct input *in, struct input_run *run)
{
	struct discovery *d = s->out;
	struct input_run *to = array_add(d->runs, d->nruns, d->runs_room);

	if (!to) {
		s->no_memory = true;
		return;
	}
	*to = *run;
	in->run = d->nruns - 1;
	if (table_add(&s->runs, hash_slice((struct slice){to->real, strlen(to->real)}, 0), (uint32_t)in->run))
		s->no_memory = true;
	*run = (struct input_run){0};
}

/* The path of an input's run, as named and as it is. */
static struct input_run run_of(const struct search *s, const struct input *in)
{
	bool whole = strcmp(in->path, "-") && run_is_directory(s, in);

	if (s->run)
		return (struct input_run){strdup(s->run), strdup(s->run)};
	if (in->parent)
		return (struct input_run){strdup(in->parent), realpath(in->parent, NULL)};
	return (struct input_run){run_path(in->path, whole), run_path(in->real, whole)};
}

static void assign_run(struct search *s, struct input *in)
{
	struct input_run run = run_of(s, in);

	if (!run.path || !run.real)
		s->no_memory = true;
	else if (!run_find(s, run.real, &in->run))
		run_add(s, in, &run);
	free(run.path);
	free(run.real);
}

/* ---- workers ---- */

static uint64_t worker_hash(const struct input *in)
{
	return hash_slice((struct slice){in->worker, strlen(in->worker)}, in->run);
}

/* The first log of the run that has this worker's name, among those in workers; TABLE_NONE: none. */
static uint32_t worker_first(const struct search *s, const struct table *workers, const struct input *in)
{
	struct table_walk w;
	uint32_t i = table_first(&w, workers, worker_hash(in));

	while (i != TABLE_NONE &&
	       (s->out->inputs[i].run != in->run || strcmp(s->out->inputs[i].worker, in->worker) != 0))
		i = table_next(&w);
	return i;
}

/* How much of the directories of those of a run is the same, with its last slash. */
static size_t common_len(const struct discovery *d, size_t run, const uint32_t *first, const bool *twice)
{
	const struct input *one = NULL;
	size_t n = 0;

	for (size_t i = 0; i < d->ninputs; i++) {
		struct slice dir = directory_of(&d->inputs[i]);
		size_t k = 0;

		if (d->inputs[i].run != run || first[i] == TABLE_NONE || !twice[first[i]])
			continue;
		if (!one) {
			one = &d->inputs[i];
			n = dir.len;
		}
		while (k < n && k < dir.len && one->real[k] == dir.ptr[k])
			k++;
		while (k && one->real[k - 1] != '/')
			k--;
		n = k;
	}
	return n;
}

/* Logs of one name in several directories of a run are several workers': their directories are part of the name. */
static void workers_name(struct search *s)
{
	struct discovery *d = s->out;
	struct table workers = {0};
	uint32_t *first = calloc(d->ninputs, sizeof *first);
	bool *twice = calloc(d->ninputs, sizeof *twice);
	size_t run = SIZE_MAX, common = 0;

	s->no_memory |= !first || !twice;
	for (size_t i = 0; i < d->ninputs && !s->no_memory; i++) {
		struct input *in = &d->inputs[i];

		first[i] = input_is_log(in->kind) ? worker_first(s, &workers, in) : TABLE_NONE;
		if (first[i] != TABLE_NONE)
			twice[first[i]] |= !slice_same(directory_of(in), directory_of(&d->inputs[first[i]]));
		else if (input_is_log(in->kind))
			s->no_memory = table_add(&workers, worker_hash(in), first[i] = (uint32_t)i) != 0;
	}
	for (size_t i = 0; i < d->ninputs && !s->no_memory; i++) {
		struct input *in = &d->inputs[i];
		char *longer;

		if (first[i] == TABLE_NONE || !twice[first[i]])
			continue;
		if (in->run != run)
			common = common_len(d, run = in->run, first, twice);
		if (asprintf(&longer, "%.*s%s", (int)(directory_of(in).len - common), in->real + common, in->worker) <
		    0)
			s->no_memory = true;
		else
			free(in->worker), in->worker = longer;
	}
	table_done(&workers);
	free(first);
	free(twice);
}

static int by_path(const void *a, const void *b)
{
	return natural_compare(((const struct input *)a)->path, ((const struct input *)b)->path);
}

static int by_run(const void *a, const void *b)
{
	const struct input *x = a, *y = b;

	return x->run != y->run ? (x->run > y->run) - (x->run < y->run) : by_path(a, b);
}

int discover(char *const *paths, size_t npaths, const char *run, const struct record_options *records,
             struct discovery *out)
{
	struct search s = {.out = out, .run = run, .look = malloc(LOOK + SCAN_SLACK), .records = records};
	size_t i;

	*out = (struct discovery){0};
	for (i = 0; s.look && i < npaths; i++)
		named_or_pattern(&s, paths[i]);
	if (out->ninputs) {
		qsort(out->inputs, out->ninputs, sizeof *out->inputs, by_path);
		note_directories(&s);
		for (i = 0; i < out->ninputs; i++)
			assign_run(&s, &out->inputs[i]);
		qsort(out->inputs, out->ninputs, sizeof *out->inputs, by_run);
		workers_name(&s);
	}
	table_done(&s.files);
	table_done(&s.directories);
	table_done(&s.runs);
	free(s.dirs);
	free(s.look);
	if (s.no_memory || !s.look)
		return -ENOMEM;
	if (s.failed)
		return s.failed;
	return out->nerrors ? -ENOENT : 0;
}

void discovery_done(struct discovery *d)
{
	while (d->ninputs)
		input_done(&d->inputs[--d->ninputs]);
	while (d->nruns) {
		free(d->runs[--d->nruns].path);
		free(d->runs[d->nruns].real);
	}
	while (d->nnotes)
		free(d->notes[--d->nnotes]);
	while (d->nerrors)
		free(d->errors[--d->nerrors]);
	free(d->inputs);
	free(d->runs);
	free(d->notes);
	free(d->errors);
	*d = (struct discovery){0};
}
