/* SPDX-License-Identifier: GPL-3.0-or-later */
/* http.c - see http.h */
#include "remote/http.h"
#include "base/slice.h"
#include "base/text.h"
#include "remote/libcurl.h"
#include "remote/say.h"
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

enum { ERROR_MOST = 2048, WAIT_FIRST_MS = 100, WAIT_MOST_MS = 5000, CONNECT_MS = 10000 };

struct http {
	CURL *curl;
	const struct http_manner *m;
	char *name, *url;
	bool pack; /* bodies are packed */
	char said[CURL_ERROR_SIZE];
	int code;
	/* of the request that runs */
	http_take *take;
	void *arg;
	int taken;  /* what take returned */
	bool began; /* something of the answer was handed out */
	struct text error;
};

/* ---- a server ---- */

/* The first line of a file. 0 or a negative errno; *out is yours. */
static int first_line(const char *path, char **out)
{
	FILE *f = fopen(path, "re");
	size_t room = 0;
	int rc = 0;

	*out = NULL;
	if (!f)
		return -errno;
	if (getline(out, &room, f) < 0)
		rc = ferror(f) ? -EIO : 0;
	fclose(f);
	if (*out)
		(*out)[strcspn(*out, "\r\n")] = '\0';
	return rc;
}

/* In the URL: for a user who is named elsewhere libcurl looks into no netrc. */
static int name_user(struct http *h, const char *user)
{
	const char *host = strstr(h->url, "//") + 2;
	char *escaped, *url;
	int n;

	if (!user)
		return 0;
	escaped = curl->easy_escape(h->curl, user, 0);
	if (!escaped)
		return -ENOMEM;
	n = asprintf(&url, "%.*s%s@%s", (int)(host - h->url), h->url, escaped, host);
	curl->free(escaped);
	if (n < 0)
		return -ENOMEM;
	free(h->url);
	h->url = url;
	return 0;
}

static int set_password(struct http *h, const char *user, char **why)
{
	const char *path = getenv("ILU_LOGQ_PASSWORD_FILE"), *given = getenv("ILU_LOGQ_PASSWORD");
	char *read = NULL;
	int rc = 0;

	if (path && *path) {
		if ((rc = first_line(path, &read)))
			say(why, "$ILU_LOGQ_PASSWORD_FILE: %s: %s", path, strerror(-rc));
		given = read ? read : "";
		rc = rc ? -EINVAL : 0;
	}
	if (given) {
		curl->easy_setopt(h->curl, CURLOPT_USERNAME, user ? user : "default");
		curl->easy_setopt(h->curl, CURLOPT_PASSWORD, given);
	} else {
		curl->easy_setopt(h->curl, CURLOPT_NETRC, (long)CURL_NETRC_OPTIONAL);
		rc = rc ? rc : name_user(h, user);
	}
	if (read)
		explicit_bzero(read, strlen(read));
	free(read);
	return rc;
}

bool http_is_this_machine(const char *name)
{
	return !strcmp(name, "localhost") || !strcmp(name, "::1") || !strncmp(name, "127.", 4);
}

static int stopped(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	const struct http *h = arg;

	(void)a;
	(void)b;
	(void)c;
	(void)d;
	return h->m->stop && *h->m->stop;
}

/* An answer that is an error is kept for its message; any other goes to take. */
static size_t received(char *p, size_t size, size_t n, void *arg)
{
	struct http *h = arg;
	long status = 0;

	n *= size;
	curl->easy_getinfo(h->curl, CURLINFO_RESPONSE_CODE, &status);
	if (status != 200) {
		if (h->error.len < ERROR_MOST)
			text_add(&h->error, p, n < ERROR_MOST - h->error.len ? n : ERROR_MOST - h->error.len);
		return n;
	}
	h->began = true;
	h->taken = h->take ? h->take(h->arg, p, n) : 0;
	return h->taken ? 0 : n;
}

static void set_options(struct http *h)
{
	const char *ca = getenv("CURL_CA_BUNDLE");

	curl->easy_setopt(h->curl, CURLOPT_NOSIGNAL, 1L);
	curl->easy_setopt(h->curl, CURLOPT_PROXY, "");
	curl->easy_setopt(h->curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl->easy_setopt(h->curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
	curl->easy_setopt(h->curl, CURLOPT_TCP_KEEPALIVE, 1L);
	curl->easy_setopt(h->curl, CURLOPT_ERRORBUFFER, h->said);
	curl->easy_setopt(h->curl, CURLOPT_WRITEFUNCTION, received);
	curl->easy_setopt(h->curl, CURLOPT_WRITEDATA, h);
	curl->easy_setopt(h->curl, CURLOPT_NOPROGRESS, 0L);
	curl->easy_setopt(h->curl, CURLOPT_XFERINFOFUNCTION, stopped);
	curl->easy_setopt(h->curl, CURLOPT_XFERINFODATA, h);
	curl->easy_setopt(h->curl, CURLOPT_USERAGENT, "ilu-logq/" ILU_VERSION);
	if (ca && *ca)
		curl->easy_setopt(h->curl, CURLOPT_CAINFO, ca);
}

int http_new(const struct remote_url *u, size_t host, const struct http_manner *m, struct http **out, char **why)
{
	const struct remote_host *at = &u->host[host];
	bool six = strchr(at->name, ':');
	struct http *h = calloc(1, sizeof *h);
	int rc = h ? libcurl_load(why) : -ENOMEM;

	if (rc) {
		free(h);
		return rc;
	}
	rc = -ENOMEM;
	if ((h->curl = curl->easy_init())) {
		h->m = m;
		h->pack = u->gzip || !http_is_this_machine(at->name);
		if (asprintf(&h->name, six ? "[%s]:%u" : "%s:%u", at->name, at->port) < 0)
			h->name = NULL;
		if (h->name && asprintf(&h->url, "%s://%s/", u->secure ? "https" : "http", h->name) < 0)
			h->url = NULL;
	}
	if (h->url) {
		set_options(h);
		rc = set_password(h, u->user, why);
	}
	if (rc)
		http_free(h);
	else
		*out = h;
	return rc;
}

void http_free(struct http *h)
{
	if (!h)
		return;
	if (h->curl)
		curl->easy_cleanup(h->curl);
	text_done(&h->error);
	free(h->name);
	free(h->url);
	free(h);
}

const char *http_name(const struct http *h)
{
	return h->name;
}

int http_code(const struct http *h)
{
	return h->code;
}

/* ---- waiting ---- */

int64_t http_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void http_tell(const struct http_manner *m, const char *why)
{
	static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

	if (!m->waiting)
		return;
	pthread_mutex_lock(&turn);
	m->waiting(m->arg, why);
	pthread_mutex_unlock(&turn);
}

int http_wait(const struct http *h, unsigned n, int64_t start_ns, const char *why)
{
	unsigned ms = n < 6 ? WAIT_FIRST_MS << n : WAIT_MOST_MS;
	struct timespec step = {0, 50000000};

	if (http_now() - start_ns >= (int64_t)h->m->retry_s * 1000000000)
		return -EHOSTDOWN;
	if (n == 2)
		http_tell(h->m, why);
	for (unsigned done = 0; done < ms; done += 50) {
		if (stopped((void *)h, 0, 0, 0, 0))
			return -EINTR;
		nanosleep(&step, NULL);
	}
	return 0;
}

/* ---- a request ---- */

/* Of an answer like "Code: 60, e.displayText() = DB::Exception: Table x.y doesn't exist., e.what() = ..." the part that
 * says something. */
static struct slice cause_of(struct text *error)
{
	char *p = error->len ? strstr(error->ptr, "DB::Exception: ") : NULL, *end;

	if (!p)
		return (struct slice){text_str(error), strcspn(text_str(error), "\n")};
	p += strlen("DB::Exception: ");
	end = strstr(p, ", e.what() =");
	if (!end)
		end = p + strcspn(p, "\n");
	return (struct slice){p, (size_t)(end - p)};
}

/* Codes of a server that has too much to do, or lost another one. */
static bool is_passing(int code)
{
	static const int codes[] = {3 /* closed */,
	                            159 /* timeout */,
	                            160 /* too slow */,
	                            202 /* too many queries */,
	                            209,
	                            210 /* network */,
	                            216 /* the same id runs */,
	                            252 /* too many parts */,
	                            279};

	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
		if (codes[i] == code)
			return true;
	return false;
}

/* The `Code: N` of an error; 0: it has none. A table that another server lacks looks like a connection that fails. */
static int code_of(struct text *error)
{
	const char *at = strstr(text_str(error), "Code: ");
	int code = at ? atoi(at + strlen("Code: ")) : 0;

	return code == 279 && strstr(at, "There is no table ") ? CODE_UNKNOWN_TABLE : code;
}

static int refused(struct http *h, long status, char **why)
{
	struct slice cause = cause_of(&h->error);

	h->code = code_of(&h->error);
	if (status == 401 || status == 403 || h->code == 192 || h->code == 193 || h->code == 194 || h->code == 516) {
		say(why, "%s: the user or the password is not right: %.*s", h->name, (int)cause.len, cause.ptr);
		return -EACCES;
	}
	if (h->code)
		say(why, "%s: %.*s (code %d)", h->name, (int)cause.len, cause.ptr, h->code);
	else
		say(why, "%s: HTTP %ld: %.*s", h->name, status, (int)cause.len, cause.ptr);
	return is_passing(h->code) || status == 502 || status == 503 || status == 504 ? -EHOSTDOWN : -EREMOTEIO;
}

static int outcome(struct http *h, CURLcode got, char **why)
{
	long status = 0;

	if (got == CURLE_ABORTED_BY_CALLBACK || (h->m->stop && *h->m->stop))
		return -EINTR;
	if (got == CURLE_OUT_OF_MEMORY || h->error.failed)
		return -ENOMEM;
	if (h->taken)
		return h->taken;
	if (got) {
		say(why, "%s: %s", h->name, *h->said ? h->said : curl->easy_strerror(got));
		return got == CURLE_PEER_FAILED_VERIFICATION || got == CURLE_SSL_CACERT_BADFILE ||
		               got == CURLE_SSL_CONNECT_ERROR
		           ? -EREMOTEIO
		           : -EHOSTDOWN;
	}
	curl->easy_getinfo(h->curl, CURLINFO_RESPONSE_CODE, &status);
	return status == 200 ? 0 : refused(h, status, why);
}

/* One try. The URL's part behind the question mark is `query`. */
static int perform(struct http *h, const char *query, struct curl_slist *headers, const char *body, size_t len,
                   char **why)
{
	char *url = NULL;
	int rc;

	if (asprintf(&url, "%s?%s", h->url, query) < 0)
		return -ENOMEM;
	text_reset(&h->error);
	h->taken = 0;
	h->began = false;
	h->code = 0;
	*h->said = '\0';
	curl->easy_setopt(h->curl, CURLOPT_URL, url);
	curl->easy_setopt(h->curl, CURLOPT_HTTPHEADER, headers);
	curl->easy_setopt(h->curl, CURLOPT_POST, 1L);
	curl->easy_setopt(h->curl, CURLOPT_POSTFIELDS, body);
	curl->easy_setopt(h->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len);
	rc = outcome(h, curl->easy_perform(h->curl), why);
	curl->easy_setopt(h->curl, CURLOPT_HTTPHEADER, NULL);
	free(url);
	return rc;
}

int http_ask(struct http *h, const char *sql, http_take *take, void *arg, char **why)
{
	struct curl_slist *headers = curl->slist_append(NULL, "Expect:");
	int64_t start = http_now();
	int rc = headers ? 0 : -ENOMEM;

	h->take = take;
	h->arg = arg;
	for (unsigned n = 0; headers; n++) {
		free(*why);
		*why = NULL;
		rc = perform(h, "wait_end_of_query=1", headers, sql, strlen(sql), why);
		/* what was handed out can't be taken back */
		if (rc != -EHOSTDOWN || h->began || (rc = http_wait(h, n, start, *why)))
			break;
	}
	curl->slist_free_all(headers);
	return rc;
}

/* A statement stands in the URL as long as servers take it there; else it is the body, also of a GET. */
enum { URL_MOST = 4000 };

int http_query(struct http *h, const char *database, bool write, const char *sql, http_take *take, void *arg,
               char **why)
{
	struct curl_slist *headers = curl->slist_append(NULL, "Expect:");
	char *escaped = curl->easy_escape(h->curl, sql, 0), *query = NULL;
	bool in_url = escaped && strlen(escaped) < URL_MOST;
	int rc = -ENOMEM;

	h->take = take;
	h->arg = arg;
	if (headers && escaped &&
	    asprintf(&query, "wait_end_of_query=1&default_format=TabSeparatedWithNamesAndTypes%s%s%s%s",
	             database ? "&database=" : "", database ? database : "", in_url ? "&query=" : "",
	             in_url ? escaped : "") < 0)
		query = NULL;
	if (query) {
		curl->easy_setopt(h->curl, CURLOPT_CUSTOMREQUEST, write ? "POST" : "GET");
		rc = perform(h, query, headers, in_url ? "" : sql, in_url ? 0 : strlen(sql), why);
		curl->easy_setopt(h->curl, CURLOPT_CUSTOMREQUEST, NULL);
	}
	curl->slist_free_all(headers);
	curl->free(escaped);
	free(query);
	return rc;
}

static int packed(const struct bytes *data, struct bytes *out)
{
	z_stream z = {0};
	int rc;

	if (deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return -ENOMEM;
	out->room = deflateBound(&z, data->len);
	out->ptr = malloc(out->room);
	z.next_in = (unsigned char *)data->ptr;
	z.avail_in = (unsigned)data->len;
	z.next_out = (unsigned char *)out->ptr;
	z.avail_out = (unsigned)out->room;
	rc = out->ptr && deflate(&z, Z_FINISH) == Z_STREAM_END ? 0 : -ENOMEM;
	out->len = z.total_out;
	deflateEnd(&z);
	return rc;
}

int http_give(struct http *h, const char *sql, const char *id, const struct bytes *data, char **why)
{
	struct curl_slist *headers = curl->slist_append(NULL, "Expect:"), *more = headers;
	char *query = curl->easy_escape(h->curl, sql, 0), *name = curl->easy_escape(h->curl, id, 0), *all = NULL;
	struct bytes out = {0};
	int rc = headers && query && name ? 0 : -ENOMEM;

	if (!rc && h->pack) {
		rc = packed(data, &out);
		more = curl->slist_append(headers, "Content-Encoding: gzip");
		headers = more ? more : headers;
	}
	if (!rc && (!more || asprintf(&all, "query=%s&query_id=%s", query, name) < 0))
		rc = -ENOMEM;
	h->take = NULL;
	if (!rc)
		rc = perform(h, all, headers, h->pack ? out.ptr : data->ptr, h->pack ? out.len : data->len, why);
	curl->slist_free_all(headers);
	curl->free(query);
	curl->free(name);
	bytes_free(&out);
	free(all);
	return rc;
}
