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
#define ROOM           19968u      /* in front of it, when it is filled as send_rest() does */
#define FLUSHES        (TIOCPKT_FLUSHREAD | TIOCPKT_FLUSHWRITE)

struct waiting { /* at one side, shared with the process that reads */
	size_t len;
	int code;      /* errno that stopped it */
	bool closed;   /* of a master: nobody has the slave open any more */
	bool packet;   /* of a master: it is in packet mode */
	uint8_t event; /* of a master: what that has to tell; lost when nobody has the slave */
	enum tty_stop stopped; /* of a slave: its output */
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
	/* a master in packet mode is told when IXON is cleared: not without need */
	if (w->stopped || has_byte(w, t->c_cc[VSTOP]) || has_byte(w, t->c_cc[VSTART]))
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
	ssize_t n;
	while (is_readable(fd, &w->closed) && (n = read(fd, buf, sizeof(buf))) > 0) {
		if (w->packet)
			w->event |= buf[0];
		for (ssize_t i = w->packet; i < n; i++)
			put(w, buf[i]);
	}
}

/* Echo that found no room waits for the next to write. */
static void read_echo(int slave, int master, struct waiting *w)
{
	if (write(slave, "", 0) == 0)
		read_master(master, w);
}

static void set_packet_mode(int master, bool on)
{
	ioctl(master, TIOCPKT, &(int){ on });
}

/* There is room for more, as nothing waits: if not, it is stopped. */
static bool is_held_back(int slave)
{
	struct pollfd p = { .fd = slave, .events = POLLOUT };
	return poll(&p, 1, 0) >= 0 && !(p.revents & (POLLOUT | POLLHUP | POLLERR));
}

/* Key and call do not undo each other: clearing IXON does what ^Q does. */
static enum tty_stop start(int slave, const struct termios2 *t)
{
	struct termios2 q = *t;
	if (!is_held_back(slave))
		return TTY_RUNS;
	q.c_iflag &= ~(tcflag_t)IXON;
	ioctl(slave, TCSETS2, &q);
	if (!is_held_back(slave))
		return TTY_STOPPED_BY_KEY;
	ioctl(slave, TCXONC, TCOON);
	return TTY_STOPPED_BY_CALL;
}

/* A key as if it had been typed, so that ^Q ends it. */
static int stop(int slave, const struct termios2 *t, enum tty_stop how)
{
	bool typed = how == TTY_STOPPED_BY_KEY && t->c_iflag & IXON && t->c_cc[VSTOP] &&
		     ioctl(slave, TIOCSTI, &t->c_cc[VSTOP]) == 0;
	return how == TTY_RUNS || typed || ioctl(slave, TCXONC, TCOOFF) == 0 ? 0 : errno;
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

/* The kernel takes what is written over in its own time; settings must not change before. */
static void settle(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 20 * 1000 * 1000 }, NULL);
}

/* What has been read counts until the kernel comes round to it. */
static size_t write_piece(int fd, const unsigned char *bytes, size_t len)
{
	size_t done = 0;
	for (int i = 0; i < 3 && done < len; i++) {
		if (i > 0)
			settle();
		ssize_t n = write(fd, bytes + done, len - done);
		done += n > 0 ? (size_t)n : 0;
	}
	return done;
}

/*
 * What did not fit there waits in front of it: it came through the other end. The kernel takes it
 * until its buffers have 8 KiB in them, each of which has room for as much as it counts once more:
 * these sizes leave nothing of that empty. Small ones have buffers of their own that have been in
 * use.
 */
static int send_rest(int fd, const struct waiting *w, size_t from)
{
	static const struct {
		size_t len, times;
	} pieces[] = { { 1792, 8 }, { 1024, 2 }, { 1792, 2 }, { 256, CAPACITY } };
	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++)
		for (size_t k = 0; k < pieces[i].times && from < w->len; k++) {
			size_t len = w->len - from < pieces[i].len ? w->len - from : pieces[i].len;
			size_t done = write_piece(fd, w->bytes + from, len);
			from += done;
			if (done < len)
				break;
		}
	return from < w->len ? EAGAIN : 0;
}

/* Small buffers that have been in use are kept, and taken even when there are too many. */
static void make_room(int from, int to, size_t len)
{
	char piece[256] = "";
	if (len <= ROOM)
		return;
	while (write(from, piece, sizeof(piece)) > 0)
		;
	ioctl(to, TCFLSH, TCIFLUSH);
}

static int put_side(int fd, int from, const struct waiting *w)
{
	if (!w->len)
		return 0;
	make_room(from, fd, w->len);
	size_t done = insert(fd, w);
	int code = send_rest(from, w, done);
	if (done < w->len)
		settle();
	return code;
}

/* What packet mode tells of changes of the slave: that they happen again. */
static int raise_events(int slave, const struct termios2 *t, uint8_t event)
{
	struct termios2 q = *t;
	int rc = 0;
	if (event & (TIOCPKT_DOSTOP | TIOCPKT_NOSTOP)) {
		q.c_iflag ^= IXON;
		q.c_cc[VSTOP] = 'S' & 037;
		q.c_cc[VSTART] = 'Q' & 037;
		rc |= ioctl(slave, TCSETS2, &q) | ioctl(slave, TCSETS2, t);
	}
	if (event & TIOCPKT_IOCTL) {
		q = *t;
		q.c_lflag |= EXTPROC;
		rc |= ioctl(slave, TCSETS2, &q) | ioctl(slave, TCSETS2, t);
	}
	if (event & TIOCPKT_START)
		rc |= ioctl(slave, TCXONC, TCOOFF) | ioctl(slave, TCXONC, TCOON);
	return rc < 0 ? errno : 0;
}

/* One that tells of a flush has to be raised before there is anything that would be flushed. */
static void raise_flushes(int slave, int master, uint8_t event)
{
	if (!(event & FLUSHES))
		return;
	set_packet_mode(master, true);
	if (event & TIOCPKT_FLUSHREAD)
		ioctl(slave, TCFLSH, TCIFLUSH);
	if (event & TIOCPKT_FLUSHWRITE)
		ioctl(slave, TCFLSH, TCOFLUSH);
}

static int fill(int slave, int master, const struct termios2 *t, struct waiting w[2])
{
	const struct termios2 q = quiet(t, &w[0]);
	uint8_t event = w[1].event;
	set_packet_mode(master, false);
	if (ioctl(slave, TCSETS2, &q) < 0)
		return errno;
	raise_flushes(slave, master, event);
	int code = put_side(slave, master, &w[0]);
	int rc = put_side(master, slave, &w[1]);
	code = code ? code : rc;
	if (ioctl(slave, TCSETS2, t) < 0)
		code = errno;
	bool told = w[1].packet && event & TIOCPKT_STOP;
	rc = told ? 0 : stop(slave, t, w[0].stopped);
	code = code ? code : rc;
	if (!w[1].packet)
		return code;
	set_packet_mode(master, true);
	rc = raise_events(slave, t, event);
	code = code ? code : rc;
	rc = told ? stop(slave, t, w[0].stopped) : 0;
	return code ? code : rc;
}

/* Put everything back, with all that is to be told of it, and none of it waits. */
static int put_back(int slave, int master, const struct termios2 *t, struct waiting w[2])
{
	int fds[2] = { slave, master }, flags[2];
	for (int i = 0; i < 2; i++) {
		flags[i] = fcntl(fds[i], F_GETFL);
		fcntl(fds[i], F_SETFL, flags[i] | O_NONBLOCK);
	}
	int code = fill(slave, master, t, w);
	for (int i = 0; i < 2; i++)
		fcntl(fds[i], F_SETFL, flags[i]);
	return code;
}

/* In the process that does nothing else. */
static void look_into(const struct pair *p, struct waiting w[2])
{
	int master = p->master->fd, slave = p->slave_fd, packet = 0;
	struct termios2 t;
	ioctl(master, TIOCGPKT, &packet);
	w[1].packet = packet;
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
	set_packet_mode(master, false);
	w[1].packet = false;
	w[0].stopped = start(slave, &t);
	read_echo(slave, master, &w[1]);
	read_slave(slave, &t, &w[0]);
	if (!w[0].stopped) /* there may have been a ^S among it */
		w[0].stopped = start(slave, &t);
	read_echo(slave, master, &w[1]);
	w[1].packet = packet;
	int code = put_back(slave, master, &t, w);
	if (code)
		w[0].code = code;
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
	if (w->event && w->closed)
		log_warn("%s: packet mode event %#x of terminal %s is lost", s->holder, w->event,
			 s->path);
	/* of a master without slave an empty one tells that the slave was closed */
	if (!w->len && !w->closed && !w->event && !w->stopped)
		return 0;
	e.has_event = w->event && !w->closed;
	e.event = w->event;
	e.has_stopped = w->stopped;
	e.stopped = w->stopped;
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
	w[0].stopped = t->stopped;
	w[1].packet = t->master && t->master->packet_mode;
	w[1].event = w[1].packet ? t->event : 0;
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
	if (!t->data[0].len && !t->data[1].len && !t->event && !t->stopped)
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
	t->settled = true;
	return code ? error_code(err, code, "put back what waits in it") : 0;
}
