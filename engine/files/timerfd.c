/* SPDX-License-Identifier: MIT
 * timerfd_create(2): clock, what is left, interval, expirations nobody has read.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/timerfd.h>
#include <time.h>

#include "base/cleanup.h"
#include "engine/files/anon.h"
#include "engine/files/set.h"
#include "engine/files/table.h"
#include "engine/files/types.h"

#ifndef TFD_IOC_SET_TICKS
#define TFD_IOC_SET_TICKS _IOW('T', 0, uint64_t)
#endif

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
	auto_strbuf text = { 0 };
	uint64_t clock, flags;
	(void)d;
	TimerfdEntry *tfd = malloc(sizeof(*tfd));
	if (!tfd)
		return error_set(err, ENOMEM, "out of memory");
	timerfd_entry__init(tfd);
	e->tfd = tfd;
	tfd->id = e->id;
	tfd->flags = f->flags;
	int rc = anon_fdinfo_text(f, &text, err);
	if (rc < 0)
		return rc;
	if (!anon_number(text.data, "clockid:", 10, &clock) ||
	    !anon_number(text.data, "ticks:", 10, &tfd->ticks) ||
	    !anon_number(text.data, "settime flags:", 8, &flags) ||
	    !find_time(text.data, "it_value:", &tfd->vsec, &tfd->vnsec) ||
	    !find_time(text.data, "it_interval:", &tfd->isec, &tfd->insec))
		return anon_odd(f, "timer", err);
	tfd->clockid = (uint32_t)clock;
	tfd->settime_flags = (uint32_t)flags;
	return owner_dump(d, f, &tfd->fown, err);
}

static int timerfd_check(const FileEntry *e, struct error *err)
{
	const TimerfdEntry *t = e->tfd;
	int rc = anon_check(e, t, t ? t->id : 0, t ? t->fown : NULL, "timerfd", err);
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

/* Those that wake the machine up tell no time where it has no clock that could. */
static clockid_t clock_to_read(uint32_t clock)
{
	return clock == CLOCK_REALTIME_ALARM   ? CLOCK_REALTIME
	       : clock == CLOCK_BOOTTIME_ALARM ? CLOCK_BOOTTIME
					       : (clockid_t)clock;
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
		if (clock_gettime(clock_to_read(t->clockid), &now) < 0)
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

static const FownEntry *timerfd_owner(struct restore *r, const FileEntry *e, uint32_t *flags)
{
	(void)r;
	*flags = e->tfd->flags;
	return e->tfd->fown;
}

const struct file_type file_timerfd = {
	.name = "timerfd",
	.type = FD_TYPES__TIMERFD,
	.match = timerfd_match,
	.dump = timerfd_dump,
	.check = timerfd_check,
	.open = timerfd_open,
	.owner = timerfd_owner,
};
