/* SPDX-License-Identifier: MIT
 * eventfd, signalfd, timerfd: all there is to know is in fdinfo.
 */
#include "engine/files/anon.h"

#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "engine/files/set.h"
#include "engine/files/table.h"
#include "engine/files/types.h"

#ifndef TFD_IOC_SET_TICKS
#define TFD_IOC_SET_TICKS _IOW('T', 0, uint64_t)
#endif

bool anon_is(const struct open_file *f, const char *name)
{
	static const char prefix[] = "anon_inode:[";
	size_t len = strlen(name);
	const char *at = f->path + strlen(prefix);
	return !strncmp(f->path, prefix, strlen(prefix)) && !strncmp(at, name, len) &&
	       !strcmp(at + len, "]");
}

ssize_t anon_read_fdinfo(const struct open_file *f, char *buf, size_t size, struct error *err)
{
	char name[32], holder[96];
	snprintf(name, sizeof(name), "fdinfo/%d", f->task_fd);
	auto_fd fd = openat(f->task->proc_fd, name, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -errno : fd_read_full(fd, buf, size - 1);
	if (len < 0)
		return error_code(err, (int)len, "%s: read %s",
				  file_holder(f, holder, sizeof(holder)), name);
	buf[len] = 0;
	return len;
}

int anon_odd(const struct open_file *f, const char *what, struct error *err)
{
	char holder[96];
	return error_set(err, EPROTO, "%s: the kernel tells no %s of it in fdinfo",
			 file_holder(f, holder, sizeof(holder)), what);
}

/* The number behind "KEY:", in a base. */
static bool find_number(const char *text, const char *key, int base, uint64_t *out)
{
	const char *at = strstr(text, key);
	if (!at)
		return false;
	char *end;
	*out = strtoull(at + strlen(key), &end, base);
	return end != at + strlen(key);
}

static void *entry_new(size_t size, void (*init)(void *), struct error *err)
{
	void *entry = malloc(size);
	if (entry)
		init(entry);
	else
		error_set(err, ENOMEM, "out of memory");
	return entry;
}
#define ENTRY_NEW(type, init, err)                                                                 \
	((type *)entry_new(sizeof(type), (void (*)(void *))(void (*)(type *))(init), err))

static bool eventfd_match(const struct open_file *f)
{
	return anon_is(f, "eventfd");
}

/* Bit 0 of the flags, which no descriptor has there, says that it counts as a semaphore. */
static int eventfd_dump(struct dump *d, const struct open_file *f, FileEntry *e, struct error *err)
{
	char text[4096];
	uint64_t semaphore = 0;
	(void)d;
	EventfdFileEntry *efd = e->efd = ENTRY_NEW(EventfdFileEntry, eventfd_file_entry__init, err);
	if (!efd)
		return -ENOMEM;
	efd->id = e->id;
	ssize_t len = anon_read_fdinfo(f, text, sizeof(text), err);
	if (len < 0)
		return (int)len;
	if (!find_number(text, "eventfd-count:", 16, &efd->counter))
		return anon_odd(f, "counter", err);
	find_number(text, "eventfd-semaphore:", 10, &semaphore); /* Linux 6.5 */
	efd->flags = f->flags | (semaphore ? EFD_SEMAPHORE : 0);
	return owner_dump(f, &efd->fown, err);
}

static int check_ids(const FileEntry *e, const void *fields, uint32_t id, const FownEntry *fown,
		     const char *what, struct error *err)
{
	if (!fields)
		return error_set(err, EBADMSG, "%s without its fields", what);
	if (id != e->id)
		return error_set(err, EBADMSG, "id %u inside says %u", e->id, id);
	return owner_check(fown, err);
}

static int eventfd_check(const FileEntry *e, struct error *err)
{
	const EventfdFileEntry *efd = e->efd;
	int rc = check_ids(e, efd, efd ? efd->id : 0, efd ? efd->fown : NULL, "eventfd", err);
	if (rc == 0 && efd->counter == UINT64_MAX)
		rc = error_set(err, EBADMSG, "eventfd with a counter of all ones");
	return rc;
}

static int eventfd_open(struct restore *r, const FileEntry *e, struct error *err)
{
	const EventfdFileEntry *efd = e->efd;
	(void)r;
	int semaphore = (efd->flags & O_ACCMODE) == 3 ? EFD_SEMAPHORE : 0;
	auto_fd fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | semaphore);
	if (fd < 0)
		return error_sys(err, "make an eventfd");
	if (efd->counter && write(fd, &efd->counter, sizeof(efd->counter)) < 0)
		return error_sys(err, "set the counter of an eventfd to %" PRIu64, efd->counter);
	int rc = file_set_flags(fd, efd->flags, efd->fown, err);
	return rc < 0 ? rc : take_fd(fd);
}

static const FownEntry *eventfd_owner(struct restore *r, const FileEntry *e)
{
	(void)r;
	return e->efd->fown;
}

static bool signalfd_match(const struct open_file *f)
{
	return anon_is(f, "signalfd");
}

static int signalfd_dump(struct dump *d, const struct open_file *f, FileEntry *e, struct error *err)
{
	char text[4096];
	(void)d;
	SignalfdEntry *sgfd = e->sgfd = ENTRY_NEW(SignalfdEntry, signalfd_entry__init, err);
	if (!sgfd)
		return -ENOMEM;
	sgfd->id = e->id;
	sgfd->flags = f->flags;
	ssize_t len = anon_read_fdinfo(f, text, sizeof(text), err);
	if (len < 0)
		return (int)len;
	if (!find_number(text, "sigmask:", 16, &sgfd->sigmask))
		return anon_odd(f, "signal mask", err);
	return owner_dump(f, &sgfd->fown, err);
}

static int signalfd_check(const FileEntry *e, struct error *err)
{
	const SignalfdEntry *s = e->sgfd;
	return check_ids(e, s, s ? s->id : 0, s ? s->fown : NULL, "signalfd", err);
}

static int signalfd_open(struct restore *r, const FileEntry *e, struct error *err)
{
	const SignalfdEntry *sgfd = e->sgfd;
	(void)r;
	auto_fd fd =
	    (int)syscall(SYS_signalfd4, -1, &sgfd->sigmask, sizeof(sgfd->sigmask), O_CLOEXEC);
	if (fd < 0)
		return error_sys(err, "make a signalfd");
	int rc = file_set_flags(fd, sgfd->flags, sgfd->fown, err);
	return rc < 0 ? rc : take_fd(fd);
}

static const FownEntry *signalfd_owner(struct restore *r, const FileEntry *e)
{
	(void)r;
	return e->sgfd->fown;
}

static bool timerfd_match(const struct open_file *f)
{
	return anon_is(f, "timerfd");
}

/* "KEY (seconds, nanoseconds)" */
static bool find_time(const char *text, const char *key, uint64_t *sec, uint64_t *nsec)
{
	const char *at = strstr(text, key);
	return at && sscanf(at + strlen(key), " (%" SCNu64 ", %" SCNu64 ")", sec, nsec) == 2;
}

static int timerfd_dump(struct dump *d, const struct open_file *f, FileEntry *e, struct error *err)
{
	char text[4096];
	uint64_t clock, flags;
	(void)d;
	TimerfdEntry *tfd = e->tfd = ENTRY_NEW(TimerfdEntry, timerfd_entry__init, err);
	if (!tfd)
		return -ENOMEM;
	tfd->id = e->id;
	tfd->flags = f->flags;
	ssize_t len = anon_read_fdinfo(f, text, sizeof(text), err);
	if (len < 0)
		return (int)len;
	if (!find_number(text, "clockid:", 10, &clock) ||
	    !find_number(text, "ticks:", 10, &tfd->ticks) ||
	    !find_number(text, "settime flags:", 8, &flags) ||
	    !find_time(text, "it_value:", &tfd->vsec, &tfd->vnsec) ||
	    !find_time(text, "it_interval:", &tfd->isec, &tfd->insec))
		return anon_odd(f, "timer", err);
	tfd->clockid = (uint32_t)clock;
	tfd->settime_flags = (uint32_t)flags;
	return owner_dump(f, &tfd->fown, err);
}

static int timerfd_check(const FileEntry *e, struct error *err)
{
	const TimerfdEntry *t = e->tfd;
	int rc = check_ids(e, t, t ? t->id : 0, t ? t->fown : NULL, "timerfd", err);
	if (rc < 0)
		return rc;
	if (t->vnsec >= 1000000000 || t->insec >= 1000000000 || t->vsec > INT64_MAX / 2 ||
	    t->isec > INT64_MAX / 2)
		return error_set(err, EBADMSG, "timerfd with a time of %" PRIu64 ".%09" PRIu64 " s",
				 t->vsec, t->vnsec);
	return 0;
}

/*
 * A repeating timer that ran out stands still until it is read. So it has to run out again here:
 * at once, and before its ticks are set. One that was never started only keeps its interval.
 */
static int arm_expired(int fd, const TimerfdEntry *t, struct itimerspec *spec)
{
	bool waits = t->ticks && (t->isec || t->insec);
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	spec->it_value.tv_nsec = waits ? 1 : 0;
	if (timerfd_settime(fd, (int)t->settime_flags, spec, NULL) < 0)
		return -1;
	return waits && poll(&poll_fd, 1, 1000) != 1 ? -1 : 0;
}

/* What was left, counted from now: of an absolute time too, or it would expire in the restore. */
static int arm(int fd, const TimerfdEntry *t)
{
	struct itimerspec spec = { { (time_t)t->isec, (long)t->insec },
				   { (time_t)t->vsec, (long)t->vnsec } };
	struct timespec now;
	if (!t->vsec && !t->vnsec)
		return arm_expired(fd, t, &spec);
	if (t->settime_flags & TFD_TIMER_ABSTIME) {
		if (clock_gettime((clockid_t)t->clockid, &now) < 0)
			return -1;
		spec.it_value.tv_sec += now.tv_sec;
		spec.it_value.tv_nsec += now.tv_nsec;
		if (spec.it_value.tv_nsec >= 1000000000) {
			spec.it_value.tv_nsec -= 1000000000;
			spec.it_value.tv_sec++;
		}
	}
	return timerfd_settime(fd, (int)t->settime_flags, &spec, NULL);
}

static int timerfd_open(struct restore *r, const FileEntry *e, struct error *err)
{
	const TimerfdEntry *t = e->tfd;
	(void)r;
	auto_fd fd = timerfd_create((int)t->clockid, TFD_CLOEXEC);
	if (fd < 0)
		return error_sys(err, "make a timerfd of clock %u", t->clockid);
	if (arm(fd, t) < 0)
		return error_sys(err, "start a timerfd");
	if (t->ticks && ioctl(fd, TFD_IOC_SET_TICKS, &t->ticks) < 0)
		return error_sys(err, "set the ticks of a timerfd (CONFIG_CHECKPOINT_RESTORE)");
	int rc = file_set_flags(fd, t->flags, t->fown, err);
	return rc < 0 ? rc : take_fd(fd);
}

static const FownEntry *timerfd_owner(struct restore *r, const FileEntry *e)
{
	(void)r;
	return e->tfd->fown;
}

#define ROW(kind, fd_type)                                                                         \
	const struct file_type file_##kind = {                                                     \
		.name = #kind,                                                                     \
		.type = fd_type,                                                                   \
		.match = kind##_match,                                                             \
		.dump = kind##_dump,                                                               \
		.check = kind##_check,                                                             \
		.open = kind##_open,                                                               \
		.owner = kind##_owner,                                                             \
	}

ROW(eventfd, FD_TYPES__EVENTFD);
ROW(signalfd, FD_TYPES__SIGNALFD);
ROW(timerfd, FD_TYPES__TIMERFD);
