/* SPDX-License-Identifier: MIT
 * epoll(7): what an instance watches. A target is a file and the number it was added through, so
 * it is looked up when every table is known, and added again when every file is open.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/kcmp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "base/log.h"
#include "engine/files/anon.h"
#include "engine/files/set.h"
#include "engine/files/table.h"
#include "engine/files/types.h"

#ifndef KCMP_EPOLL_TFD
#define KCMP_EPOLL_TFD 7
#endif

/* Linux 6.9 */
struct busy_poll {
	uint32_t usecs;
	uint16_t budget;
	uint8_t prefer, pad;
};
#define BUSY_POLL_SET _IOW(0x8a, 0x01, struct busy_poll) /* EPIOCSPARAMS */
#define BUSY_POLL_GET _IOR(0x8a, 0x02, struct busy_poll) /* EPIOCGPARAMS */

#define NO_NUMBER UINT32_MAX
/* The kernel adds these to whatever is asked for; it takes them away from a one-shot that fired. */
#define ALWAYS (EPOLLERR | EPOLLHUP)
#define ANY_EVENT                                                                                  \
	(EPOLLIN | EPOLLPRI | EPOLLOUT | EPOLLRDNORM | EPOLLRDBAND | EPOLLWRNORM | EPOLLWRBAND |   \
	 EPOLLMSG | EPOLLRDHUP)

static bool epoll_match(const struct open_file *f)
{
	return anon_is(f, "eventpoll");
}

/* "tfd:        5 events:       19 data: ff  pos:0 ino:40f sdev:10" */
static bool parse_target(const char *line, EventpollTfdEntry *e)
{
	unsigned int dev = 0;
	unsigned long ino = 0;
	long long pos = 0;
	int n = sscanf(
	    line, "tfd: %" SCNu32 " events: %" SCNx32 " data: %" SCNx64 " pos:%lli ino:%lx sdev:%x",
	    &e->tfd, &e->events, &e->data, &pos, &ino, &dev);
	if (n != 3 && n != 6)
		return false;
	e->has_dev = e->has_inode = e->has_pos = n == 6; /* Linux 4.13 */
	e->dev = dev;
	e->inode = ino;
	e->pos = (uint64_t)pos;
	return true;
}

static int add_target(EventpollFileEntry *ep, size_t *cap, EventpollTfdEntry *e)
{
	EventpollTfdEntry **list = array_grow_(ep->tfd, cap, ep->n_tfd + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	ep->tfd = list;
	ep->tfd[ep->n_tfd++] = e;
	return 0;
}

static int parse_targets(const struct open_file *f, const char *text, EventpollFileEntry *ep,
			 struct error *err)
{
	size_t cap = 0;
	for (const char *at = strstr(text, "\ntfd:"); at; at = strstr(at + 1, "\ntfd:")) {
		EventpollTfdEntry *e = malloc(sizeof(*e));
		if (!e)
			return error_set(err, ENOMEM, "out of memory");
		eventpoll_tfd_entry__init(e);
		bool good = parse_target(at + 1, e);
		if (!good || add_target(ep, &cap, e) < 0) {
			free(e);
			return good ? error_set(err, ENOMEM, "out of memory")
				    : anon_odd(f, "targets", err);
		}
	}
	return 0;
}

static int keep(struct dump *d, const struct open_file *f, FileEntry *e, struct error *err)
{
	struct epoll_seen *seen = array_add(&d->files->epolls);
	if (!seen)
		return error_set(err, ENOMEM, "out of memory");
	*seen = (struct epoll_seen){ .entry = e, .task = f->task, .fd = f->task_fd };
	file_holder(f, seen->holder, sizeof(seen->holder));
	return 1;
}

static int params_dump(const struct open_file *f, EventpollFileEntry *ep, struct error *err)
{
	struct busy_poll now = { 0 };
	if (ioctl(f->fd, BUSY_POLL_GET, &now) < 0 || (!now.usecs && !now.budget && !now.prefer))
		return 0;
	ep->params = malloc(sizeof(*ep->params));
	if (!ep->params)
		return error_set(err, ENOMEM, "out of memory");
	epoll_params_entry__init(ep->params);
	ep->params->usecs = now.usecs;
	ep->params->budget = now.budget;
	ep->params->prefer = now.prefer;
	return 0;
}

static int epoll_dump(struct dump *d, const struct open_file *f, FileEntry *e, struct error *err)
{
	auto_strbuf text = { 0 };
	EventpollFileEntry *ep = malloc(sizeof(*ep));
	if (!ep)
		return error_set(err, ENOMEM, "out of memory");
	eventpoll_file_entry__init(ep);
	e->epfd = ep;
	ep->id = e->id;
	ep->flags = f->flags;
	int rc = anon_fdinfo_text(f, &text, err);
	if (rc == 0)
		rc = parse_targets(f, text.data, ep, err);
	if (rc == 0)
		rc = params_dump(f, ep, err);
	if (rc == 0)
		rc = owner_dump(d, f, &ep->fown, err);
	return rc < 0 ? rc : keep(d, f, e, err);
}

/* Several targets may have been added through one number: which of them is it? */
static uint32_t place_of(const EventpollFileEntry *ep, size_t i)
{
	uint32_t nr = 0;
	for (size_t k = 0; k < i; k++)
		nr += ep->tfd[k]->tfd == ep->tfd[i]->tfd;
	return nr;
}

/* Does this descriptor lead to what the target is? */
static bool leads_to(pid_t pid, int fd, const struct epoll_seen *seen,
		     const struct kcmp_epoll_slot *slot)
{
	return syscall(SYS_kcmp, pid, seen->task->pid, KCMP_EPOLL_TFD, fd, slot) == 0;
}

static bool number_used(const struct epoll_seen *seen, const uint32_t *numbers, uint32_t fd)
{
	for (size_t i = 0; i < seen->entry->epfd->n_tfd; i++)
		if (numbers[i] == fd)
			return true;
	return false;
}

/* The target's number was closed, or has another file now: a duplicate will do. */
static int find_duplicate(const struct epoll_seen *seen, const struct kcmp_epoll_slot *slot,
			  const uint32_t *numbers, uint32_t *out, struct error *err)
{
	auto_dir dir = NULL;
	int fd = openat(seen->task->proc_fd, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		int rc = error_sys(err, "open /proc/%d/fd", seen->task->pid);
		fd_close(fd);
		return rc;
	}
	for (const struct dirent *entry; *out == NO_NUMBER && (entry = readdir(dir)) != NULL;) {
		int number = atoi(entry->d_name);
		if (entry->d_name[0] != '.' && leads_to(seen->task->pid, number, seen, slot) &&
		    !number_used(seen, numbers, (uint32_t)number))
			*out = (uint32_t)number;
	}
	return 0;
}

/* A number nobody has yet: who knows nothing of file ids must not take another file for it. */
static uint32_t free_number(const struct epoll_seen *seen, const uint32_t *numbers, uint32_t from)
{
	for (;; from++) {
		char name[32];
		snprintf(name, sizeof(name), "fd/%u", from);
		if (!number_used(seen, numbers, from) &&
		    faccessat(seen->task->proc_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
			return from;
	}
}

struct search {
	const struct epoll_seen *seen;
	const struct kcmp_epoll_slot *slot;
	uint64_t ino;
	uint32_t id;
};

static void try_description(const struct description *known, void *ctx)
{
	struct search *s = ctx;
	if (s->id || known->ino != s->ino || !leads_to(known->pid, known->fd, s->seen, s->slot))
		return;
	s->id = known->id;
}

static int resolve(struct dump *d, const struct epoll_seen *seen, size_t i, uint32_t *numbers,
		   struct error *err)
{
	EventpollTfdEntry *e = seen->entry->epfd->tfd[i];
	const struct kcmp_epoll_slot slot = { .efd = (uint32_t)seen->fd,
					      .tfd = e->tfd,
					      .toff = place_of(seen->entry->epfd, i) };
	bool in_flight = seen->task == &d->files->self;
	int rc = in_flight ? 0 : find_duplicate(seen, &slot, numbers, &numbers[i], err);
	if (rc < 0 || numbers[i] != NO_NUMBER)
		return rc;
	struct search s = { .seen = seen, .slot = &slot, .ino = e->inode };
	file_table_each(d->files, try_description, &s);
	if (!s.id)
		return error_set(err, ENOTSUP,
				 "%s watches a file (added as fd %u, inode %" PRIu64 ") that no "
				 "task of the tree has open any more: it would not come back; "
				 "close the program that still holds it, or the epoll descriptor",
				 seen->holder, e->tfd, e->inode);
	e->id = s.id;
	numbers[i] = in_flight ? e->tfd : free_number(seen, numbers, e->tfd);
	return 0;
}

/* Most targets are where they were. @param numbers  set for these */
static void resolve_simple(struct dump *d, const struct epoll_seen *seen, uint32_t *numbers)
{
	const EventpollFileEntry *ep = seen->entry->epfd;
	for (size_t i = 0; i < ep->n_tfd; i++) {
		const struct kcmp_epoll_slot slot = { .efd = (uint32_t)seen->fd,
						      .tfd = ep->tfd[i]->tfd,
						      .toff = place_of(ep, i) };
		numbers[i] = NO_NUMBER;
		if (seen->task != &d->files->self &&
		    leads_to(seen->task->pid, (int)ep->tfd[i]->tfd, seen, &slot))
			numbers[i] = ep->tfd[i]->tfd;
	}
}

static int resolve_all(struct dump *d, const struct epoll_seen *seen, struct error *err)
{
	EventpollFileEntry *ep = seen->entry->epfd;
	auto_free uint32_t *numbers = calloc(ep->n_tfd + 1, sizeof(*numbers));
	if (!numbers)
		return error_set(err, ENOMEM, "out of memory");
	resolve_simple(d, seen, numbers);
	for (size_t i = 0; i < ep->n_tfd; i++) {
		int rc = numbers[i] == NO_NUMBER ? resolve(d, seen, i, numbers, err) : 0;
		if (rc < 0)
			return rc;
	}
	for (size_t i = 0; i < ep->n_tfd; i++)
		ep->tfd[i]->tfd = numbers[i];
	return 0;
}

int epolls_settle(struct dump *d, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < d->files->epolls.nr; i++) {
		rc = resolve_all(d, &d->files->epolls.items[i], err);
		if (rc == 0)
			rc = file_table_write(d, d->files->epolls.items[i].entry, err);
	}
	return rc;
}

void epolls_free(struct file_table *t)
{
	for (size_t i = 0; i < t->epolls.nr; i++)
		file_entry__free_unpacked(t->epolls.items[i].entry, NULL);
	free(t->epolls.items);
}

/* Restore. */

static int epoll_check(const FileEntry *e, struct error *err)
{
	const EventpollFileEntry *ep = e->epfd;
	int rc = anon_check(e, ep, ep ? ep->id : 0, ep ? ep->fown : NULL, "epoll instance", err);
	if (rc == 0 && ep->params && ep->params->budget > UINT16_MAX)
		rc = error_set(err, EBADMSG, "epoll instance polls for %u packets",
			       ep->params->budget);
	for (size_t i = 0; rc == 0 && i < ep->n_tfd; i++)
		if (ep->tfd[i]->tfd >= FD_LIMIT)
			rc = error_set(err, EBADMSG, "epoll instance watches fd %u: out of range",
				       ep->tfd[i]->tfd);
	return rc;
}

static int set_params(int fd, const EpollParamsEntry *e, struct error *err)
{
	const struct busy_poll want = { e->usecs, (uint16_t)e->budget, e->prefer, 0 };
	if (ioctl(fd, BUSY_POLL_SET, &want) == 0)
		return 0;
	if (errno != ENOTTY && errno != EOPNOTSUPP)
		return error_sys(err, "poll busily for %u us, %u packets", e->usecs, e->budget);
	log_warn("an epoll instance polled busily: this kernel cannot (Linux 6.9)");
	return 0;
}

static int epoll_open(struct restore *r, const FileEntry *e, struct error *err)
{
	(void)r;
	auto_fd fd = epoll_create1(EPOLL_CLOEXEC);
	if (fd < 0)
		return error_sys(err, "make an epoll instance");
	int rc = e->epfd->params ? set_params(fd, e->epfd->params, err) : 0;
	if (rc == 0)
		rc = file_set_flags(fd, e->epfd->flags, e->epfd->fown, err);
	return rc < 0 ? rc : take_fd(fd);
}

static const FownEntry *epoll_owner(struct restore *r, const FileEntry *e, uint32_t *flags)
{
	(void)r;
	*flags = e->epfd->flags;
	return e->epfd->fown;
}

/*
 * The number means a descriptor of the first task that has the instance, and that number.
 * @return 0: it is not open
 */
static uint32_t target_id(const struct restore *r, const FileEntry *e,
			  const EventpollTfdEntry *target)
{
	if (target->id)
		return target->id;
	for (size_t i = 0; i < r->files->tables.nr; i++) {
		const struct fd_rows *rows = &r->files->tables.items[i];
		const struct fd_row *row =
		    fd_rows_of_file(rows, e->id) ? fd_rows_find(rows, target->tfd) : NULL;
		if (row)
			return row->id;
	}
	return 0;
}

static int target_fd(struct restore *r, const FileEntry *e, const EventpollTfdEntry *target,
		     struct error *err)
{
	uint32_t id = target_id(r, e, target);
	return id ? files_get(r, id, err)
		  : error_set(err, EBADMSG, "it watches fd %u, which is not open", target->tfd);
}

/* Signals wake the signal handlers (struct sighand) of whoever had it added, nobody else's. */
static bool is_of_task(struct restore *r, const FileEntry *e, const EventpollTfdEntry *target)
{
	const struct file_item *item = file_set_find(r->files, target_id(r, e, target));
	return item && item->type == &file_signalfd;
}

/*
 * A one-shot that fired watches nothing, not even what is always reported, and no call asks for
 * that: it has to fire again, here, or at least to watch as little as can be asked for.
 */
static int add_disarmed(int ep, const EventpollTfdEntry *target)
{
	struct epoll_event event = { target->events | ANY_EVENT, { .u64 = target->data } }, got;
	int number = (int)target->tfd;
	if (epoll_ctl(ep, EPOLL_CTL_ADD, number, &event) < 0)
		return -errno;
	if (epoll_wait(ep, &got, 1, 0) == 1)
		return 0;
	event.events = target->events;
	return epoll_ctl(ep, EPOLL_CTL_MOD, number, &event) < 0 ? -errno : 0;
}

static int add_armed(int ep, const EventpollTfdEntry *target)
{
	struct epoll_event event = { target->events, { .u64 = target->data } };
	return epoll_ctl(ep, EPOLL_CTL_ADD, (int)target->tfd, &event) < 0 ? -errno : 0;
}

typedef int add_fn(int ep, const EventpollTfdEntry *target);

/* Through its number, which this process may be using for something else. */
static int add_through(int ep, int fd, const EventpollTfdEntry *target, add_fn *add)
{
	int number = (int)target->tfd;
	if (fd == number)
		return add(ep, target);
	int saved = fcntl(number, F_DUPFD_CLOEXEC, 3);
	int rc = dup3(fd, number, O_CLOEXEC) < 0 ? -errno : add(ep, target);
	if (saved < 0) {
		fd_close(number);
		return rc;
	}
	dup3(saved, number, number > 2 ? O_CLOEXEC : 0);
	close(saved);
	return rc;
}

static bool is_disarmed(const EventpollTfdEntry *target)
{
	return (target->events & EPOLLONESHOT) && !(target->events & ALWAYS);
}

static int add_again(struct restore *r, int ep, const FileEntry *e, const EventpollTfdEntry *target,
		     add_fn *add, struct error *err)
{
	int fd = target_fd(r, e, target, err);
	if (fd < 0)
		return fd;
	int rc = add_through(ep, fd, target, add);
	return rc < 0
		   ? error_code(err, rc, "watch fd %u for events %#x", target->tfd, target->events)
		   : 0;
}

/* Those that have to fire come first, as long as nothing else can. */
static int epoll_finish(struct restore *r, const FileEntry *e, int fd, struct error *err)
{
	const EventpollFileEntry *ep = e->epfd;
	int rc = 0;
	for (int armed = 0; armed < 2; armed++)
		for (size_t i = 0; rc == 0 && i < ep->n_tfd; i++)
			if (is_disarmed(ep->tfd[i]) == !armed && !is_of_task(r, e, ep->tfd[i]))
				rc = add_again(r, fd, e, ep->tfd[i],
					       armed ? add_armed : add_disarmed, err);
	return rc;
}

/* None of these has to fire, which would take events of the others: a signalfd never reports what
 * others always do, so one that is asked for nothing else is quiet. */
static int epoll_join(struct restore *r, const FileEntry *e, int fd, struct error *err)
{
	const EventpollFileEntry *ep = e->epfd;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < ep->n_tfd; i++)
		if (is_of_task(r, e, ep->tfd[i]))
			rc = add_again(r, fd, e, ep->tfd[i], add_armed, err);
	return rc;
}

const struct file_type file_epoll = {
	.name = "epoll",
	.type = FD_TYPES__EVENTPOLL,
	.match = epoll_match,
	.dump = epoll_dump,
	.check = epoll_check,
	.open = epoll_open,
	.finish = epoll_finish,
	.join = epoll_join,
	.owner = epoll_owner,
};
