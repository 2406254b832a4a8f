/* SPDX-License-Identifier: MIT
 * The process that holds TCP connections. The engine asks, one thing at a time, over a socket; when
 * that ends without a farewell, the engine is dead and everything is undone.
 */
#include "engine/net/warden.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/keeper.h"
#include "engine/context/shortage.h"
#include "engine/net/tcp.h"

enum request { ASK_LOCK, ASK_READ, ASK_KEEP, ASK_HOLD, ASK_HOLD_KILL, ASK_UNDO, ASK_LEAVE };

struct question {
	enum request what;
	size_t index;
};

struct answer {
	struct error why; /* code 0: it worked */
	TcpStreamEntry stream;
	uint32_t state;
};

struct warden {
	struct warden_charge charge;
	int *reuseaddr; /* of every socket, as it was */
	pid_t pid;
	int line; /* to the other side */
	int area; /* memfd: the bytes of both queues */
	void *map;
	size_t map_len;
	bool *killing; /* shared with the engine: tasks are being ended, nothing is to be undone */
	bool holding;  /* in the warden: sockets stay in repair mode */
};

static void let_go(struct warden *w)
{
	for (size_t i = 0; i < w->charge.nr_sockets; i++)
		tcp_let_go(w->charge.sockets[i], w->reuseaddr[i]);
	w->holding = false;
}

/* What it did itself: another dump may have begun when it learns that its engine is dead, and one
 * that lost repair mode on its way ends connections aloud. */
static void undo(struct warden *w)
{
	lock_drop(w->charge.lock, NULL);
	if (w->holding)
		let_go(w);
}

static void kill_tasks(struct warden *w)
{
	*w->killing = true;
	for (size_t i = 0; i < w->charge.nr_tasks; i++)
		if (w->charge.tasks[i] >= 0)
			syscall(SYS_pidfd_send_signal, w->charge.tasks[i], SIGKILL, NULL, 0);
}

static int hold_all(struct warden *w, bool with_kill, struct error *err)
{
	int rc = 0;
	w->holding = true;
	for (size_t i = 0; rc == 0 && i < w->charge.nr_sockets; i++)
		rc = tcp_hold(w->charge.sockets[i], err);
	if (rc == 0 && with_kill)
		kill_tasks(w);
	return rc;
}

/* Whoever restores as soon as the tasks are gone must not meet them. */
static void close_sockets(struct warden *w)
{
	for (size_t i = 0; i < w->charge.nr_sockets; i++)
		close(w->charge.sockets[i]);
	w->charge.nr_sockets = 0;
}

/* When we are gone, too, nothing of the tree is on its way any more. */
static void await_ends(const struct warden *w)
{
	for (size_t i = 0; i < w->charge.nr_tasks; i++) {
		struct pollfd end = { .fd = w->charge.tasks[i], .events = POLLIN };
		poll(&end, 1, 1000);
	}
}

static int serve(struct warden *w, const struct question *q, struct answer *a)
{
	struct lock *lock = w->charge.lock;
	switch (q->what) {
	case ASK_LOCK:
		return lock_set(lock, &a->why);
	case ASK_READ:
		return tcp_read(w->charge.sockets[q->index], w->area, &a->stream, &a->state,
				&a->why);
	case ASK_KEEP:
		return lock_keep(lock, &a->why);
	case ASK_HOLD:
	case ASK_HOLD_KILL:
		return hold_all(w, q->what == ASK_HOLD_KILL, &a->why);
	case ASK_UNDO:
		undo(w);
		return 0;
	case ASK_LEAVE:
		close_sockets(w);
		return 0;
	}
	return 0;
}

static int close_others(const struct warden *w)
{
	const struct warden_charge *c = &w->charge;
	size_t nr = 0;
	int *keep = calloc(c->nr_sockets + c->nr_tasks + 2, sizeof(*keep));
	if (!keep)
		return -ENOMEM;
	keep[nr++] = w->line;
	keep[nr++] = w->area;
	for (size_t i = 0; i < c->nr_sockets; i++)
		keep[nr++] = c->sockets[i];
	for (size_t i = 0; i < c->nr_tasks; i++)
		keep[nr++] = c->tasks[i];
	keeper_close_others(keep, nr);
	free(keep);
	return 0;
}

__attribute__((noreturn)) static void live(struct warden *w)
{
	keeper_become("stasis-warden");
	if (close_others(w) < 0)
		_exit(1);
	for (;;) {
		struct question q;
		struct answer a = { 0 };
		ssize_t len = recv(w->line, &q, sizeof(q), 0);
		if (len < 0 && errno == EINTR)
			continue;
		if (len != sizeof(q)) {
			if (!*w->killing)
				undo(w);
			break;
		}
		if (serve(w, &q, &a) == 0)
			a.why.code = 0;
		if (send(w->line, &a, sizeof(a), MSG_NOSIGNAL) != sizeof(a))
			shutdown(w->line, SHUT_RDWR); /* the engine goes on without us */
		if (q.what == ASK_UNDO || q.what == ASK_LEAVE)
			break;
	}
	if (*w->killing) {
		close_sockets(w);
		await_ends(w);
	}
	_exit(0);
}

static void await_end(struct warden *w)
{
	if (w->pid > 0)
		while (waitpid(w->pid, NULL, 0) < 0 && errno == EINTR)
			;
	w->pid = 0;
}

void warden_free(struct warden *w)
{
	if (!w)
		return;
	if (w->map)
		munmap(w->map, w->map_len);
	fd_close(w->line);
	fd_close(w->area);
	await_end(w);
	if (w->killing)
		munmap(w->killing, sizeof(*w->killing));
	free(w->reuseaddr);
	free(w);
}

static int note_reuseaddr(struct warden *w, struct error *err)
{
	const struct warden_charge *c = &w->charge;
	w->reuseaddr = calloc(c->nr_sockets + 1, sizeof(*w->reuseaddr));
	if (!w->reuseaddr)
		return error_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; i < c->nr_sockets; i++) {
		socklen_t len = sizeof(int);
		if (getsockopt(c->sockets[i], SOL_SOCKET, SO_REUSEADDR, &w->reuseaddr[i], &len) < 0)
			return error_sys(err, "read SO_REUSEADDR");
	}
	return 0;
}

static int start(struct warden *w, struct error *err)
{
	int ends[2];
	int rc = note_reuseaddr(w, err);
	if (rc < 0)
		return rc;
	void *killing = mmap(NULL, sizeof(*w->killing), PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (killing == MAP_FAILED)
		return error_sys(err, "map memory to share");
	w->killing = killing;
	w->area = memfd_create("tcp queues", MFD_CLOEXEC);
	if (w->area < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return error_sys(err, "prepare to hold TCP connections");
	w->pid = fork();
	w->line = ends[w->pid == 0];
	if (w->pid == 0)
		live(w);
	close(ends[1]);
	return w->pid < 0 ? error_sys(err, "create a process%s", shortage_of_tasks(errno)) : 0;
}

int warden_start(const struct warden_charge *charge, struct warden **out, struct error *err)
{
	struct warden *w = calloc(1, sizeof(*w));
	if (!w)
		return error_set(err, ENOMEM, "out of memory");
	w->charge = *charge;
	w->line = w->area = -1;
	int rc = start(w, err);
	if (rc < 0)
		warden_free(w);
	else
		*out = w;
	return rc;
}

static int ask(struct warden *w, enum request what, size_t index, struct answer *a,
	       struct error *err)
{
	const struct question q = { what, index };
	ssize_t len = send(w->line, &q, sizeof(q), MSG_NOSIGNAL);
	while (len == sizeof(q) && (len = recv(w->line, a, sizeof(*a), 0)) < 0 && errno == EINTR)
		len = sizeof(q);
	if (len != sizeof(*a))
		return error_set(err, EIO,
				 "the process that holds TCP connections (stasis-warden) is gone");
	return a->why.code ? error_set(err, a->why.code, "%s", a->why.text) : 0;
}

int warden_lock(struct warden *w, struct error *err)
{
	struct answer a;
	w->charge.lock->set = true; /* in case we have to take it away ourselves */
	return ask(w, ASK_LOCK, 0, &a, err);
}

int warden_read(struct warden *w, size_t index, TcpStreamEntry *out, uint32_t *state,
		const void **bytes, struct error *err)
{
	struct answer a;
	int rc = ask(w, ASK_READ, index, &a, err);
	if (rc < 0)
		return rc;
	if (w->map)
		munmap(w->map, w->map_len);
	w->map_len = (size_t)a.stream.inq_len + a.stream.outq_len + 1;
	w->map = mmap(NULL, w->map_len, PROT_READ, MAP_SHARED, w->area, 0);
	if (w->map == MAP_FAILED) {
		w->map = NULL;
		return error_sys(err, "map the queues of a TCP connection");
	}
	*out = a.stream;
	*state = a.state;
	*bytes = w->map;
	return 0;
}

int warden_keep(struct warden *w, struct error *err)
{
	struct answer a;
	w->charge.lock->stays = true;
	return ask(w, ASK_KEEP, 0, &a, err);
}

int warden_hold(struct warden *w, bool with_kill, struct error *err)
{
	struct answer a;
	int rc = ask(w, with_kill ? ASK_HOLD_KILL : ASK_HOLD, 0, &a, err);
	if (rc == 0 || !with_kill)
		return rc;
	/* Whether its answer is lost or it is: there is no way back once a task is ended. */
	if (w->pid > 0)
		kill(w->pid, SIGKILL);
	await_end(w);
	if (!*w->killing)
		return rc;
	kill_tasks(w);
	return 0;
}

void warden_end(struct warden *w, bool with_undo)
{
	struct answer a;
	if (!w)
		return;
	if (ask(w, with_undo ? ASK_UNDO : ASK_LEAVE, 0, &a, NULL) < 0 && with_undo) {
		lock_drop(w->charge.lock, NULL);
		let_go(w); /* whatever it was at when it died */
	}
	if (*w->killing)
		w->pid = 0; /* it stays until the tasks are gone, which wait for our own end */
}
