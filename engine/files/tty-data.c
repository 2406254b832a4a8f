/* SPDX-License-Identifier: MIT
 * Bytes that wait in a pair, typed but not read, or printed but not shown: tty-data.img.
 *
 * They can only be had by reading them, so they are put back at once, by a process of its own: the
 * engine may be killed in between. TIOCSTI puts them where they were, past echo and translation.
 */
#include <asm/termbits.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/keeper.h"
#include "base/log.h"
#include "engine/files/tty.h"
#include "images/writer.h"

#define LINE_MAX_BYTES 4095u       /* what the line discipline holds */
#define CAPACITY       (64u << 10) /* with what waits in front of it, each byte quoted */

struct waiting { /* at one side, shared with the process that reads */
	size_t len;
	int code;      /* errno that stopped it */
	bool closed;   /* of a master: nobody has the slave open any more */
	uint8_t event; /* a packet mode event, which is lost */
	unsigned char bytes[CAPACITY];
};

struct pair {
	const struct tty_seen *master, *slave; /* slave NULL: nobody in the tree has it open */
	int slave_fd;                          /* reads and writes */
};

struct pairs {
	struct pair *items;
	size_t nr, cap;
	struct waiting (*waiting)[2]; /* as struct tty.data: [0] at the slave, [1] at the master */
};

static bool is_by_line(const struct termios2 *t)
{
	return (t->c_lflag & ICANON) && !(t->c_lflag & EXTPROC);
}

static bool may_insert(void)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2] = { { 0 } };
	if (syscall(SYS_capget, &head, data) < 0)
		return false;
	return data[0].effective & (1u << CAP_SYS_ADMIN);
}

static bool is_readable(int fd, bool *closed)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	if (poll(&p, 1, 0) <= 0)
		return false;
	if (closed)
		*closed = p.revents & POLLHUP;
	return p.revents & POLLIN;
}

static bool has_byte(const struct waiting *w, unsigned char c)
{
	return c && memchr(w->bytes, c, w->len);
}

/* The settings, so changed that bytes go in as they are: read by lines or not stays. */
static struct termios2 quiet(const struct termios2 *t, const struct waiting *w)
{
	struct termios2 q = *t;
	q.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ISIG);
	q.c_iflag &= ~(tcflag_t)(INLCR | ICRNL | IGNCR | ISTRIP | IUCLC | PARMRK);
	q.c_oflag &= ~(tcflag_t)OPOST;
	/* clearing IXON starts output that ^S stopped: not without need */
	if (has_byte(w, t->c_cc[VSTOP]) || has_byte(w, t->c_cc[VSTART]))
		q.c_iflag &= ~(tcflag_t)IXON;
	return q;
}

static void put(struct waiting *w, unsigned char c)
{
	if (w->len < CAPACITY)
		w->bytes[w->len++] = c;
	else
		w->code = EFBIG;
}

/* Does it mean something when it is typed? */
static bool is_special(const struct termios2 *t, unsigned char c)
{
	static const int always[] = { VEOF, VEOL, VERASE, VKILL, VINTR, VQUIT, VSUSP };
	static const int extended[] = { VEOL2, VWERASE, VREPRINT, VLNEXT };
	for (size_t i = 0; i < ARRAY_SIZE(always); i++)
		if (c && t->c_cc[always[i]] == c)
			return true;
	for (size_t i = 0; i < ARRAY_SIZE(extended); i++)
		if (c && t->c_cc[extended[i]] == c)
			return true;
	return c == '\r' || c == '\n' || c == t->c_cc[VSTART] || c == t->c_cc[VSTOP];
}

/* A byte of a line, as it would have to be typed. */
static void put_typed(struct waiting *w, const struct termios2 *t, unsigned char c)
{
	bool quote = (t->c_lflag & IEXTEN) && t->c_cc[VLNEXT] && is_special(t, c);
	if (quote)
		put(w, t->c_cc[VLNEXT]);
	put(w, c);
}

static void put_line(struct waiting *w, const struct termios2 *t, const unsigned char *line,
		     size_t len)
{
	unsigned char last = len ? line[len - 1] : 0;
	bool ended = last == '\n' || (last && (last == t->c_cc[VEOL] || last == t->c_cc[VEOL2]));
	for (size_t i = 0; i + ended < len; i++)
		put_typed(w, t, line[i]);
	put(w, ended ? last : t->c_cc[VEOF]);
}

/* Line by line, then what is not a line yet: only without ICANON can that be read. */
static void read_slave(int fd, const struct termios2 *t, struct waiting *w)
{
	unsigned char buf[LINE_MAX_BYTES + 1];
	ssize_t n;
	while (is_by_line(t) && is_readable(fd, NULL) && (n = read(fd, buf, sizeof(buf))) >= 0)
		put_line(w, t, buf, (size_t)n);
	struct termios2 raw = *t;
	raw.c_lflag &= ~(tcflag_t)ICANON;
	raw.c_cc[VMIN] = raw.c_cc[VTIME] = 0; /* read(2) never waits */
	if (ioctl(fd, TCSETS2, &raw) < 0) {
		w->code = errno;
		return;
	}
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		for (ssize_t i = 0; i < n; i++) {
			if (is_by_line(t))
				put_typed(w, t, buf[i]);
			else
				put(w, buf[i]);
		}
}

static void read_master(int fd, struct waiting *w)
{
	unsigned char buf[LINE_MAX_BYTES + 1];
	int packet = 0;
	ssize_t n;
	ioctl(fd, TIOCGPKT, &packet);
	while (is_readable(fd, &w->closed) && (n = read(fd, buf, sizeof(buf))) > 0) {
		if (packet)
			w->event |= buf[0];
		for (ssize_t i = packet; i < n; i++)
			put(w, buf[i]);
	}
}

/* @return how many bytes went straight into the line discipline of this side */
static size_t insert(int fd, const struct waiting *w)
{
	size_t n = 0;
	while (may_insert() && n < w->len && n < LINE_MAX_BYTES &&
	       ioctl(fd, TIOCSTI, (const char *)&w->bytes[n]) == 0)
		n++;
	return n;
}

/* What did not fit there waits in front of it: it came through the other end. */
static int send_rest(int fd, const struct waiting *w, size_t from)
{
	while (from < w->len) {
		struct pollfd p = { .fd = fd, .events = POLLOUT };
		ssize_t n = -1;
		if (poll(&p, 1, 1000) == 1 && (p.revents & POLLOUT))
			n = write(fd, w->bytes + from, w->len - from);
		if (n <= 0)
			return EAGAIN;
		from += (size_t)n;
	}
	return 0;
}

/* The kernel takes what is written over in its own time; settings must not change before. */
static void settle(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 20 * 1000 * 1000 }, NULL);
}

static int put_back(int slave, int master, const struct termios2 *t, struct waiting w[2])
{
	int code = 0;
	struct termios2 q = quiet(t, &w[0]);
	if (ioctl(slave, TCSETS2, &q) < 0)
		return errno;
	if (w[0].len) {
		size_t done = insert(slave, &w[0]);
		code = send_rest(master, &w[0], done);
		if (done < w[0].len)
			settle();
	}
	if (w[1].len) {
		size_t done = insert(master, &w[1]);
		int rc = send_rest(slave, &w[1], done);
		code = code ? code : rc;
	}
	return code;
}

/* In the process that does nothing else. */
static void look_into(const struct pair *p, struct waiting w[2])
{
	int master = p->master->fd, slave = p->slave_fd;
	struct termios2 t;
	if (slave < 0) {
		if (is_readable(master, &w[1].closed) || w[1].closed)
			read_master(master, &w[1]);
		if (insert(master, &w[1]) < w[1].len)
			w[1].code = EPERM;
		return;
	}
	if (ioctl(slave, TCGETS2, &t) < 0) {
		w[0].code = errno;
		return;
	}
	read_master(master, &w[1]);
	read_slave(slave, &t, &w[0]);
	int code = put_back(slave, master, &t, w);
	if (ioctl(slave, TCSETS2, &t) < 0 || code)
		w[0].code = code ? code : errno;
}

/* A master alone is read when it was hung up on, and what is read can be put back. */
static bool is_to_be_read(const struct pair *p)
{
	bool closed = false;
	if (p->slave)
		return true;
	is_readable(p->master->fd, &closed);
	return closed && may_insert();
}

static int pair_add(struct pairs *pairs, const struct pair *p, struct error *err)
{
	struct pair *at = array_add(pairs);
	if (!at)
		return error_set(err, ENOMEM, "out of memory");
	*at = *p;
	return 0;
}

static int find_pairs(const struct tty_table *t, struct pairs *pairs, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < t->nr; i++) {
		struct pair p = { .master = &t->items[i], .slave_fd = -1 };
		if (p.master->kind->type != TTY_TYPE__PTY || !p.master->kind->master)
			continue;
		p.slave = tty_seen_side(t, p.master->index, false);
		if (!is_to_be_read(&p))
			continue;
		if (p.slave && p.slave->access == O_RDWR)
			p.slave_fd = fcntl(p.slave->fd, F_DUPFD_CLOEXEC, 0);
		else if (p.slave)
			p.slave_fd = ioctl(p.master->fd, TIOCGPTPEER,
					   O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
		if (p.slave && p.slave_fd < 0)
			return error_sys(err, "%s: open terminal %s to see what waits in it",
					 p.slave->holder, p.slave->path);
		rc = pair_add(pairs, &p, err);
		if (rc < 0)
			fd_close(p.slave_fd);
	}
	return rc;
}

static int look_into_all(const struct pairs *pairs, struct error *err)
{
	pid_t pid = fork();
	if (pid == 0) {
		keeper_become("stasis-keeper");
		for (size_t i = 0; i < pairs->nr; i++)
			look_into(&pairs->items[i], pairs->waiting[i]);
		_exit(0);
	}
	int status = 0;
	while (pid > 0 && waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return error_sys(err, "wait for what reads terminals");
	if (pid < 0 || status != 0)
		return error_code(err, pid < 0 ? errno : EIO, "read what waits in terminals");
	return 0;
}

static int write_side(const struct tty_seen *s, const struct waiting *w, struct image_writer *out,
		      struct error *err)
{
	TtyDataEntry e = TTY_DATA_ENTRY__INIT;
	if (w->code)
		return error_code(err, w->code, "%s: what waits in terminal %s", s->holder,
				  s->path);
	if (w->event)
		log_warn("%s: packet mode event %#x of terminal %s is lost", s->holder, w->event,
			 s->path);
	/* of a master without slave an empty one tells that the slave was closed */
	if (!w->len && !w->closed)
		return 0;
	e.tty_id = s->id;
	e.data.data = (uint8_t *)w->bytes;
	e.data.len = w->len;
	return image_write(out, &e.base, err);
}

static int write_all(struct dump *d, const struct pairs *pairs, struct error *err)
{
	auto_image_writer out = NULL;
	int rc = image_create(d->images_fd, IMG_TTY_DATA, 0, &out, err);
	for (size_t i = 0; rc == 0 && i < pairs->nr; i++) {
		const struct pair *p = &pairs->items[i];
		if (p->slave)
			rc = write_side(p->slave, &pairs->waiting[i][0], out, err);
		if (rc == 0)
			rc = write_side(p->master, &pairs->waiting[i][1], out, err);
	}
	return rc < 0 ? rc : image_finish(out, err);
}

int tty_data_dump(struct dump *d, struct error *err)
{
	struct pairs pairs = { 0 };
	int rc = find_pairs(&d->files->ttys, &pairs, err);
	size_t size = pairs.nr * sizeof(*pairs.waiting);
	if (rc == 0 && pairs.nr) {
		pairs.waiting =
		    mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		rc = pairs.waiting == MAP_FAILED ? error_sys(err, "map memory") : 0;
		if (rc == 0)
			rc = look_into_all(&pairs, err);
		if (rc == 0)
			rc = write_all(d, &pairs, err);
		if (pairs.waiting != MAP_FAILED)
			munmap(pairs.waiting, size);
	}
	for (size_t i = 0; i < pairs.nr; i++)
		fd_close(pairs.items[i].slave_fd);
	free(pairs.items);
	return rc;
}

/* Restore. */

static struct waiting *waiting_new(const struct tty *t, struct error *err)
{
	struct waiting *w = calloc(2, sizeof(*w));
	if (!w) {
		error_set(err, ENOMEM, "out of memory");
		return NULL;
	}
	for (int i = 0; i < 2; i++) {
		w[i].len = t->data[i].len < CAPACITY ? t->data[i].len : CAPACITY;
		if (w[i].len)
			memcpy(w[i].bytes, t->data[i].data, w[i].len);
	}
	return w;
}

int tty_data_restore(struct tty *t, struct error *err)
{
	struct termios2 settings;
	if (!t->data[0].len && !t->data[1].len)
		return 0;
	if (t->control < 0 || t->master_fd < 0)
		return error_set(err, EBADMSG, "bytes wait in a terminal that is no pair");
	if (t->data[0].len > CAPACITY || t->data[1].len > CAPACITY)
		return error_set(err, EBADMSG, "%zu and %zu bytes wait, more than fit",
				 t->data[0].len, t->data[1].len);
	const TtyInfoEntry *info = t->slave ? t->slave : t->master;
	int rc = tty_set_termios(t->control, info, err);
	if (rc < 0)
		return rc;
	if (ioctl(t->control, TCGETS2, &settings) < 0)
		return error_sys(err, "settings");
	struct waiting *w = waiting_new(t, err);
	if (!w)
		return -ENOMEM;
	int code = put_back(t->control, t->master_fd, &settings, w);
	free(w);
	return code ? error_code(err, code, "put back what waits in it") : 0;
}
