/* SPDX-License-Identifier: Apache-2.0 */
/* loop.c - one thread that owns all sockets: epoll, level-triggered.
 *
 * While a request of a connection is with the workers, nothing is read from it. */
#define ILU_TARGET "kvd::loop"
#include "kvd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { READ_STEP = 16 << 10, EVENTS = 64, BACKLOG = 512, STOP_TICKS = 5, LOST_TICKS = 2 };

struct connection {
	int fd;
	uint32_t interest; /* what epoll was told */
	struct parser parser;
	struct buffer in, out;
	bool busy;    /* a request of it is with the workers */
	bool ending;  /* nothing more is read; closed when all is written */
	bool lost;    /* but first what it still sends is thrown away: closed over unread bytes, it would not get the
	                 answer */
	int lost_for; /* ticks of the reporter */
	bool failed;  /* closed as soon as the workers are done with it */
	const char *reason;
	uint64_t requests;
	ilu_tid tid;
	ilu_span span; /* a reference; the span closes with the connection */
	struct connection *next, **at;
};

struct loop {
	const struct options *o;
	struct store *store;
	struct work *work;
	int epoll, listener, wake, signals, sweeper, reporter;
	bool stopping;
	int stopping_for; /* ticks of the reporter */
	bool deaf;        /* descriptors have run out: nobody is accepted until the next tick */
	int nconnections;
	uint64_t requests;
	struct connection *connections;
	ilu_tid tid;
};

/* ---- connections ---- */

/* Its peer is gone: epoll would tell so for ever while the workers have its request. */
static void connection_fail(struct loop *l, struct connection *c, const char *reason)
{
	if (c->failed)
		return;
	c->failed = true;
	c->reason = reason;
	epoll_ctl(l->epoll, EPOLL_CTL_DEL, c->fd, NULL);
}

static void interest(struct loop *l, struct connection *c)
{
	bool read = c->lost || (!c->busy && !c->ending && !c->failed && c->out.len < REPLY_MOST);
	uint32_t want = (read ? EPOLLIN : 0) | (c->out.len ? EPOLLOUT : 0);
	struct epoll_event ev = {.events = want, .data.ptr = c};

	if (want == c->interest)
		return;
	c->interest = want;
	if (epoll_ctl(l->epoll, EPOLL_CTL_MOD, c->fd, &ev))
		connection_fail(l, c, "failed");
}

static void connection_close(struct loop *l, struct connection *c)
{
	{
		ILU_ENTER(c->span);
		ilu_info(&c->tid, "Connection closed", KV("reason", c->reason), KV("requests", c->requests));
	}
	ilu_span_release(c->span);
	close(c->fd);
	buffer_done(&c->in);
	buffer_done(&c->out);
	*c->at = c->next;
	if (c->next)
		c->next->at = c->at;
	free(c);
	l->nconnections--;
}

static struct connection *connection_new(struct loop *l, int fd)
{
	struct epoll_event ev = {.events = EPOLLIN};
	struct connection *c = calloc(1, sizeof *c);

	if (!c)
		return NULL;
	*c = (struct connection){.fd = fd, .interest = EPOLLIN, .reason = "client", .tid = ilu_tid_generate()};
	ev.data.ptr = c;
	if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &ev)) {
		free(c);
		return NULL;
	}
	c->next = l->connections;
	c->at = &l->connections;
	if (c->next)
		c->next->at = &c->next;
	l->connections = c;
	l->nconnections++;
	return c;
}

static void accept_one(struct loop *l, int fd, const struct sockaddr_in *peer)
{
	struct connection *c = NULL;
	char address[INET_ADDRSTRLEN] = "";
	int one = 1;

	inet_ntop(AF_INET, &peer->sin_addr, address, sizeof address);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	if (l->nconnections < l->o->connections)
		c = connection_new(l, fd);
	if (!c) {
		ilu_warn_limited(ILU_RATE(1, 5), &l->tid, "Connection refused", KV("peer", address),
		                 KV("connections", l->nconnections));
		close(fd);
		return;
	}
	ILU_SPAN(span, "connection", &c->tid, KV("peer", address), KV("port", ntohs(peer->sin_port)));
	c->span = ilu_span_share(span);
	ilu_info(&c->tid, "Connection accepted", KV("connections", l->nconnections));
}

static void accept_all(struct loop *l)
{
	struct sockaddr_in peer;
	socklen_t len = sizeof peer;
	int fd;

	while ((fd = accept4(l->listener, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		accept_one(l, fd, &peer);
		len = sizeof peer;
	}
	if (errno == EAGAIN || errno == ECONNABORTED || errno == EINTR)
		return;
	ilu_warn_limited(ILU_RATE(0.1, 1), &l->tid, "Connections can't be accepted", KV_ERRNO(errno));
	l->deaf = !epoll_ctl(l->epoll, EPOLL_CTL_MOD, l->listener, &(struct epoll_event){.data.ptr = &l->listener});
}

/* ---- from bytes to requests, and back ---- */

/* Hand a request to the workers. Its span lies in the connection's, and the reference goes with it. */
static void request_begin(struct loop *l, struct connection *c, struct request *r)
{
	r->tid = ilu_tid_generate();
	r->connection = c;
	c->busy = true;
	c->requests++;
	l->requests++;
	ILU_SPAN(span, "request", &r->tid, KV("verb", verb_name[r->verb]));
	r->span = ilu_span_share(span);
	ilu_info(&r->tid, "Request received", KV("verb", verb_name[r->verb]), KV("keys", r->nkeys),
	         KV("bytes", r->value.len));
	work_put(l->work, r);
}

static void refuse(struct connection *c)
{
	ilu_warn_limited(ILU_RATE(10, 20), &c->tid, "Request not understood", KV("reason", c->parser.reason));
	if (buffer_append(&c->out, c->parser.wrong, strlen(c->parser.wrong)))
		c->ending = true;
}

/* Commands that are there, until one goes to the workers. */
static void commands(struct loop *l, struct connection *c)
{
	while (!c->busy && !c->ending && !c->failed && c->out.len < REPLY_MOST) {
		struct request *r;

		switch (parse(&c->parser, &c->in, &r)) {
		case PARSED_MORE:
			return;
		case PARSED_WRONG:
			refuse(c);
			break;
		case PARSED_LOST:
			refuse(c);
			c->ending = c->lost = true;
			c->reason = c->parser.reason;
			break;
		case PARSED_OK:
			if (r->verb == VERB_QUIT) {
				request_free(r);
				c->ending = true;
				c->reason = "quit";
			} else {
				request_begin(l, c, r);
			}
			break;
		}
	}
}

static void connection_read(struct loop *l, struct connection *c)
{
	ssize_t n;

	if (buffer_room(&c->in, READ_STEP)) {
		ilu_error(&c->tid, "No memory for a connection", KV("bytes", c->in.len));
		connection_fail(l, c, "no memory");
		return;
	}
	n = recv(c->fd, c->in.at + c->in.len, READ_STEP, 0);
	if (c->lost) {
		c->lost = n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
	} else if (n > 0) {
		c->in.len += (size_t)n;
		commands(l, c);
	} else if (!n) {
		c->ending = true;
	} else if (errno != EAGAIN && errno != EINTR) {
		ilu_info(&c->tid, "Connection failed", KV_ERRNO(errno));
		connection_fail(l, c, "failed");
	}
}

static void connection_write(struct loop *l, struct connection *c)
{
	ssize_t n = send(c->fd, c->out.at, c->out.len, MSG_NOSIGNAL);

	if (n >= 0) {
		if ((size_t)n < c->out.len)
			ilu_debug(&c->tid, "Client reads slowly", KV("left", c->out.len - (size_t)n));
		buffer_drop(&c->out, (size_t)n);
	} else if (errno != EAGAIN && errno != EINTR) {
		ilu_info(&c->tid, "Connection failed", KV_ERRNO(errno));
		connection_fail(l, c, "failed");
	}
}

/* After anything that happened to it: write, listen for what it waits for, or close. */
static void connection_settle(struct loop *l, struct connection *c)
{
	if (c->out.len && !c->failed) {
		connection_write(l, c);
		commands(l, c); /* those that waited for the client to read */
		if (c->lost && !c->out.len)
			shutdown(c->fd, SHUT_WR);
	}
	if (!c->failed && (c->busy || c->out.len || !c->ending || c->lost))
		interest(l, c);
	if (!c->busy && (c->failed || (c->ending && !c->out.len && !c->lost)))
		connection_close(l, c);
}

static void connection_event(struct loop *l, struct connection *c, uint32_t events)
{
	{
		ILU_ENTER(c->span);
		if (c->lost && events & (EPOLLERR | EPOLLHUP))
			c->lost = false; /* it has gone by itself */
		else if (events & (EPOLLERR | EPOLLHUP))
			connection_fail(l, c, "failed");
		else if (events & EPOLLIN)
			connection_read(l, c);
	}
	connection_settle(l, c);
}

static void request_end(struct loop *l, struct request *r)
{
	struct connection *c = r->connection;

	{
		ILU_ENTER(c->span);
		c->busy = false;
		if (!c->failed && buffer_append(&c->out, r->reply.at, r->reply.len)) {
			ilu_error(&c->tid, "No memory for a connection", KV("bytes", r->reply.len));
			connection_fail(l, c, "no memory");
		}
		request_free(r);
		commands(l, c); /* what has been read meanwhile */
	}
	connection_settle(l, c);
}

static void requests_end(struct loop *l)
{
	uint64_t count;

	if (read(l->wake, &count, sizeof count) < 0)
		return;
	for (struct request *r = work_done(l->work), *next; r; r = next) {
		next = r->next;
		request_end(l, r);
	}
}

/* ---- timers, signals ---- */

static void sweep(struct loop *l)
{
	ilu_tid tid = ilu_tid_named("Sweeper");
	uint64_t ticks;
	size_t removed;

	if (read(l->sweeper, &ticks, sizeof ticks) < 0)
		return;
	removed = store_sweep(l->store);
	if (removed)
		ilu_info(&tid, "Expired values removed", KV("items", removed));
}

/* Clients that do not read their answers do not keep it from ending. */
static void give_up(struct loop *l)
{
	for (struct connection *c = l->connections, *next; c; c = next) {
		next = c->next;
		connection_fail(l, c, "stop");
		connection_settle(l, c);
	}
}

/* Clients that still send what nobody understands have had time to read why. */
static void end_lost(struct loop *l)
{
	for (struct connection *c = l->connections, *next; c; c = next) {
		next = c->next;
		if (!c->lost || ++c->lost_for <= LOST_TICKS)
			continue;
		c->lost = false;
		connection_settle(l, c);
	}
}

static void status(struct loop *l)
{
	ilu_tid tid = ilu_tid_named("Status");
	struct store_size size = store_size(l->store);
	uint64_t ticks;

	if (read(l->reporter, &ticks, sizeof ticks) < 0)
		return;
	if (l->deaf && !epoll_ctl(l->epoll, EPOLL_CTL_MOD, l->listener,
	                          &(struct epoll_event){.events = EPOLLIN, .data.ptr = &l->listener}))
		l->deaf = false;
	end_lost(l);
	if (l->stopping && ++l->stopping_for > STOP_TICKS)
		give_up(l);
	ilu_info(&tid, "kvd status", KV("connections", l->nconnections), KV("requests", l->requests),
	         KV("queue_len", work_waiting(l->work)), KV("items", size.items), KV("bytes", size.bytes));
}

/* No more connections, no more requests; what is being served is answered. */
static void stop(struct loop *l, uint32_t number)
{
	ilu_info(&l->tid, "Stopping", KV("signal", strsignal((int)number)), KV("connections", l->nconnections));
	l->stopping = true;
	epoll_ctl(l->epoll, EPOLL_CTL_DEL, l->listener, NULL);
	for (struct connection *c = l->connections, *next; c; c = next) {
		next = c->next;
		c->ending = true;
		c->reason = "stop";
		connection_settle(l, c);
	}
}

/* The configuration's file, where there is one, and the log anew. */
static void on_hup(void)
{
	if (ilu_log_reload())
		ilu_log_reopen();
}

static void on_signal(struct loop *l)
{
	struct signalfd_siginfo s;

	if (read(l->signals, &s, sizeof s) != sizeof s)
		return;
	if (s.ssi_signo == SIGHUP)
		on_hup();
	else if (!l->stopping)
		stop(l, s.ssi_signo);
	else
		_exit(130); /* asked twice */
}

/* ---- the whole ---- */

static int watch(struct loop *l, int *fd)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = fd};

	return *fd < 0 || epoll_ctl(l->epoll, EPOLL_CTL_ADD, *fd, &ev) ? -errno : 0;
}

static int timer(int ms)
{
	struct itimerspec every = {{ms / 1000, ms % 1000 * 1000000L}, {ms / 1000, ms % 1000 * 1000000L}};
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);

	if (fd >= 0 && timerfd_settime(fd, 0, &every, NULL)) {
		close(fd);
		return -1;
	}
	return fd;
}

static int listen_on(const struct options *o, struct sockaddr_in *at)
{
	socklen_t len = sizeof *at;
	int fd, one = 1;

	*at = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)o->port)};
	if (inet_pton(AF_INET, o->address, &at->sin_addr) != 1) {
		errno = EINVAL;
		return -1;
	}
	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (bind(fd, (struct sockaddr *)at, sizeof *at) || listen(fd, BACKLOG) ||
	    getsockname(fd, (struct sockaddr *)at, &len)) {
		int e = errno;

		close(fd);
		errno = e;
		return -1;
	}
	return fd;
}

/* Everything that the loop waits for. */
static int loop_open(struct loop *l)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL); /* before the workers are made: they inherit it */
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	l->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	l->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	l->sweeper = timer(l->o->sweep_ms);
	l->reporter = timer(l->o->status_ms);
	l->store = store_new(l->o->memory);
	if (l->epoll < 0 || !l->store || watch(l, &l->listener) || watch(l, &l->wake) || watch(l, &l->signals) ||
	    watch(l, &l->sweeper) || watch(l, &l->reporter))
		return -1;
	l->work = work_start(l->store, l->o->workers, l->wake);
	return l->work ? 0 : -1;
}

static void dispatch(struct loop *l, const struct epoll_event *ev)
{
	if (ev->data.ptr == &l->listener)
		accept_all(l);
	else if (ev->data.ptr == &l->wake)
		requests_end(l);
	else if (ev->data.ptr == &l->signals)
		on_signal(l);
	else if (ev->data.ptr == &l->sweeper)
		sweep(l);
	else if (ev->data.ptr == &l->reporter)
		status(l);
	else
		connection_event(l, ev->data.ptr, ev->events);
}

/* Connections first: those that are done with may be freed by what the others do. */
static int turn(struct loop *l)
{
	struct epoll_event ev[EVENTS];
	int n = epoll_wait(l->epoll, ev, EVENTS, -1);

	if (n < 0 && errno != EINTR)
		return -1;
	for (int pass = 0; pass < 2; pass++)
		for (int i = 0; i < n; i++) {
			char *p = ev[i].data.ptr;
			bool ours = p >= (char *)l && p < (char *)(l + 1);

			if (ours == (pass == 1))
				dispatch(l, &ev[i]);
		}
	return 0;
}

int loop_run(const struct options *o)
{
	struct loop l = {.o = o, .epoll = -1, .wake = -1, .signals = -1, .sweeper = -1, .reporter = -1};
	struct sockaddr_in at;
	int rc;

	l.tid = ilu_tid_named("Main");
	l.listener = listen_on(o, &at);
	rc = l.listener < 0 ? -1 : loop_open(&l);
	if (rc) {
		ilu_error(&l.tid, "Can't listen", KV("address", o->address), KV("port", o->port), KV_ERRNO(errno));
		fprintf(stderr, "kvd: %s:%d: %s\n", o->address, o->port, strerror(errno));
	} else {
		ilu_info(&l.tid, "Listening", KV("address", o->address), KV("port", ntohs(at.sin_port)),
		         KV("workers", o->workers), KV("memory", o->memory));
		printf("listening on %s:%d\n", o->address, ntohs(at.sin_port));
		fflush(stdout);
		while (!rc && !(l.stopping && !l.connections))
			rc = turn(&l);
	}
	work_stop(l.work);
	store_free(l.store);
	ilu_info(&l.tid, "Stopped", KV("requests", l.requests));
	for (int *fd = (int[]){l.epoll, l.listener, l.wake, l.signals, l.sweeper, l.reporter, -1}, i = 0; i < 6; i++)
		if (fd[i] >= 0)
			close(fd[i]);
	return rc ? 4 : 0;
}
