/* SPDX-License-Identifier: MIT
 * What a terminal is: settings, window size, modes, session. tty-info.img, one entry for each side
 * of a pair.
 */
#include "engine/files/tty.h"

#include <asm/termbits.h>
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "images/reader.h"
#include "images/writer.h"

/* c_cc of the images: so many numbers, and the characters are the first bytes of them. */
#define CC_WORDS  NCCS
#define INDEX_MAX (1u << 20)

struct info_entry { /* an entry and what hangs on it */
	TtyInfoEntry info;
	TermiosEntry termios, locked;
	WinsizeEntry winsize;
	TtyPtyEntry pty;
	uint32_t cc[2][CC_WORDS];
};

/* Dump. */

static int ask(const struct tty_seen *s, unsigned long request, void *out, const char *what,
	       struct error *err)
{
	if (ioctl(s->fd, request, out) == 0)
		return 0;
	return error_sys(err, "%s: %s of terminal %s", s->holder, what, s->path);
}

static void put_termios(TermiosEntry *e, uint32_t cc[CC_WORDS], const struct termios2 *t)
{
	termios_entry__init(e);
	memcpy(cc, t->c_cc, sizeof(t->c_cc));
	e->n_c_cc = CC_WORDS;
	e->c_cc = cc;
	e->c_iflag = t->c_iflag;
	e->c_oflag = t->c_oflag;
	e->c_cflag = t->c_cflag;
	e->c_lflag = t->c_lflag;
	e->c_line = t->c_line;
	e->c_ispeed = t->c_ispeed;
	e->c_ospeed = t->c_ospeed;
}

/* Others have no settings, or other ones. */
static int check_discipline(const struct tty_seen *s, struct error *err)
{
	int discipline = 0;
	int rc = ask(s, TIOCGETD, &discipline, "line discipline", err);
	if (rc < 0 || discipline == N_TTY)
		return rc;
	return error_set(err, ENOTSUP,
			 "%s: terminal %s has line discipline %d: not supported yet; set it to 0 "
			 "(N_TTY) before the dump",
			 s->holder, s->path, discipline);
}

static int collect_termios(const struct tty_seen *s, struct info_entry *e, struct error *err)
{
	struct termios2 now = { 0 }, fixed = { 0 };
	struct termios locked = { 0 };
	struct winsize size = { 0 };
	int rc;
	if ((rc = check_discipline(s, err)) < 0 ||
	    (rc = ask(s, TCGETS2, &now, "settings", err)) < 0 ||
	    (rc = ask(s, TIOCGLCKTRMIOS, &locked, "locked settings", err)) < 0 ||
	    (rc = ask(s, TIOCGWINSZ, &size, "window size", err)) < 0)
		return rc;
	memcpy(&fixed, &locked, sizeof(locked)); /* it begins with the same members */
	put_termios(&e->termios, e->cc[0], &now);
	put_termios(&e->locked, e->cc[1], &fixed);
	e->info.termios = &e->termios;
	e->info.termios_locked = &e->locked;
	winsize_entry__init(&e->winsize);
	e->winsize.ws_row = size.ws_row;
	e->winsize.ws_col = size.ws_col;
	e->winsize.ws_xpixel = size.ws_xpixel;
	e->winsize.ws_ypixel = size.ws_ypixel;
	e->info.winsize = &e->winsize;
	return 0;
}

static int collect_modes(const struct tty_seen *s, TtyInfoEntry *info, struct error *err)
{
	int exclusive = 0, locked = 0, packet = 0;
	int rc = ask(s, TIOCGEXCL, &exclusive, "exclusive mode", err);
	if (rc == 0 && s->kind->master)
		rc = ask(s, TIOCGPTLCK, &locked, "lock", err);
	if (rc == 0 && s->kind->master)
		rc = ask(s, TIOCGPKT, &packet, "packet mode", err);
	info->exclusive = exclusive;
	info->locked = locked;
	info->packet_mode = packet;
	return rc;
}

static int info_dump(const struct tty_seen *s, struct image_writer *w, struct error *err)
{
	struct info_entry e;
	memset(&e, 0, sizeof(e));
	tty_info_entry__init(&e.info);
	tty_pty_entry__init(&e.pty);
	e.info.id = s->id;
	e.info.type = s->kind->type;
	e.info.sid = (uint32_t)s->sid;
	e.info.pgrp = (uint32_t)s->pgrp;
	e.info.rdev = (uint32_t)s->rdev;
	e.info.has_dev = e.info.has_uid = e.info.has_gid = true;
	e.info.dev = (uint32_t)s->dev;
	e.info.uid = s->uid;
	e.info.gid = s->gid;
	e.pty.index = s->index;
	if (s->kind->type == TTY_TYPE__PTY)
		e.info.pty = &e.pty;
	int rc = 0;
	if (!s->hungup)
		rc = collect_termios(s, &e, err);
	if (rc == 0 && !s->hungup)
		rc = collect_modes(s, &e.info, err);
	return rc < 0 ? rc : image_write(w, &e.info.base, err);
}

int tty_info_dump(struct dump *d, struct error *err)
{
	const struct tty_table *t = &d->files->ttys;
	auto_image_writer w = NULL;
	int rc = image_create(d->images_fd, IMG_TTY_INFO, 0, &w, err);
	for (size_t i = 0; rc == 0 && i < t->nr; i++)
		rc = info_dump(&t->items[i], w, err);
	return rc < 0 ? rc : image_finish(w, err);
}

/* Restore: what the image says. */

static int termios_check(const TermiosEntry *e, struct error *err)
{
	if (e->n_c_cc * sizeof(*e->c_cc) < NCCS)
		return error_set(err, EBADMSG, "%zu numbers of control characters", e->n_c_cc);
	return 0;
}

static int info_check(const TtyInfoEntry *e, struct error *err)
{
	if (e->type < TTY_TYPE__PTY || e->type > TTY_TYPE__SERIAL)
		return error_set(err, EBADMSG, "unknown type %d", e->type);
	if (!e->pty != (e->type != TTY_TYPE__PTY))
		return error_set(err, EBADMSG, "type %d %s an index", e->type,
				 e->pty ? "with" : "without");
	if (e->pty && e->pty->index >= INDEX_MAX)
		return error_set(err, EBADMSG, "index %u", e->pty->index);
	if (!e->termios != !e->termios_locked || !e->termios != !e->winsize)
		return error_set(err, EBADMSG, "only a part of its settings");
	if (!e->termios)
		return 0;
	int rc = termios_check(e->termios, err);
	return rc < 0 ? rc : termios_check(e->termios_locked, err);
}

static bool is_master(const TtyInfoEntry *e)
{
	const struct tty_kind *kind = tty_kind_of(e->rdev);
	return e->type == TTY_TYPE__PTY && kind && kind->master;
}

static struct tty *terminal_for(struct tty_set *set, const TtyInfoEntry *e)
{
	for (size_t i = 0; i < set->nr && e->pty; i++)
		if (set->items[i].type == TTY_TYPE__PTY && set->items[i].index == e->pty->index)
			return &set->items[i];
	struct tty *t = array_add(set);
	if (!t)
		return NULL;
	t->type = e->type;
	t->index = e->pty ? e->pty->index : 0;
	t->master_fd = t->control = -1;
	return t;
}

static int info_add(void *ctx, struct image_reader *reader, ProtobufCMessage **msg,
		    struct error *err)
{
	(void)reader;
	struct tty_set *set = ctx;
	TtyInfoEntry *e = (TtyInfoEntry *)*msg;
	int rc = info_check(e, err);
	if (rc < 0)
		return error_wrap(err, rc, "tty-info.img: terminal %u", e->id);
	if (tty_set_find(set, e->id, NULL))
		return error_set(err, EBADMSG, "tty-info.img: terminal %u stands twice", e->id);
	struct tty *t = terminal_for(set, e);
	if (!t)
		return error_set(err, ENOMEM, "out of memory");
	TtyInfoEntry **side = is_master(e) ? &t->master : &t->slave;
	if (*side)
		return error_set(err, EBADMSG,
				 "tty-info.img: terminals %u and %u are one side of pair %u",
				 (*side)->id, e->id, t->index);
	if (is_master(e) && !e->termios)
		return error_set(err, EBADMSG, "tty-info.img: master %u has no settings", e->id);
	*side = e;
	*msg = NULL;
	return 0;
}

static int data_add(void *ctx, struct image_reader *reader, ProtobufCMessage **msg,
		    struct error *err)
{
	(void)reader;
	struct tty_set *set = ctx;
	const TtyDataEntry *e = (const TtyDataEntry *)*msg;
	bool master = false;
	struct tty *t = tty_set_find(set, e->tty_id, &master);
	if (!t || t->type != TTY_TYPE__PTY)
		return error_set(err, EBADMSG, "tty-data.img: terminal %u is missing", e->tty_id);
	if (e->stopped > TTY_STOPPED_BY_CALL || (e->stopped && master))
		return error_set(err, EBADMSG, "tty-data.img: terminal %u is stopped by %u",
				 e->tty_id, e->stopped);
	t->has_data[master] = true;
	if (master)
		t->event = (uint8_t)e->event;
	else
		t->stopped = e->stopped;
	if (strbuf_add(&t->data[master], e->data.data, e->data.len) < 0)
		return error_set(err, ENOMEM, "out of memory");
	return 0;
}

/* Who has it open: a description of each side stands for all of them. */
static int find_file(struct restore *r, const TtyFileEntry *file, struct error *err)
{
	bool master = false;
	struct tty *t = tty_set_find(&r->files->ttys, file->tty_info_id, &master);
	if (!t)
		return error_set(err, EBADMSG,
				 "files.img: file id %u: terminal %u is missing from tty-info.img",
				 file->id, file->tty_info_id);
	if (t->type != TTY_TYPE__EXT_TTY && !tty_reg(r, file))
		return error_set(err, EBADMSG, "files.img: file id %u: terminal without its path",
				 file->id);
	if (master && t->master_file)
		return error_set(err, EBADMSG,
				 "files.img: file ids %u and %u are one master of terminal %u",
				 t->master_file->id, file->id, t->index);
	if (master)
		t->master_file = file;
	else if (!t->slave_file)
		t->slave_file = file;
	return 0;
}

static int index_compare(const void *left, const void *right)
{
	const struct tty *a = left, *b = right;
	return a->index < b->index ? -1 : a->index > b->index;
}

static int check_outside(struct restore *r, struct tty *t, struct error *err)
{
	char user[64], name[64];
	if (t->type != TTY_TYPE__PTY || t->master_file || !t->slave_file || tty_is_hung(t))
		return 0;
	if (r->opts->orphan_pts_master)
		return 0; /* it is made, and given away: tty_give_orphans() */
	if (!r->opts->shell_job)
		return error_set(err, EINVAL,
				 "%s: the master of terminal %s was outside of the tree: use "
				 "--shell-job to go on in the terminal of stasis",
				 file_set_user(r, t->slave_file->id, user, sizeof(user)),
				 tty_name(r, t, name, sizeof(name)));
	if (!isatty(STDIN_FILENO))
		return error_set(err, EINVAL,
				 "--shell-job: terminal %s is to be the terminal of stasis, whose "
				 "standard input is none",
				 tty_name(r, t, name, sizeof(name)));
	t->outside = true;
	return 0;
}

int tty_set_load(struct restore *r, struct error *err)
{
	struct tty_set *set = &r->files->ttys;
	int rc = image_each(r->images, IMG_TTY_INFO, 0, info_add, set, err);
	if (rc == 0)
		rc = image_each(r->images, IMG_TTY_DATA, 0, data_add, set, err);
	if (rc == 0 && set->nr)
		qsort(set->items, set->nr, sizeof(*set->items), index_compare);
	for (size_t i = 0; rc == 0 && i < r->files->nr_items; i++)
		if (r->files->items[i].type && r->files->items[i].entry->tty)
			rc = find_file(r, r->files->items[i].entry->tty, err);
	for (size_t i = 0; rc == 0 && i < set->nr; i++)
		rc = check_outside(r, &set->items[i], err);
	return rc;
}

void tty_set_free(struct tty_set *set)
{
	for (size_t i = 0; i < set->nr; i++) {
		struct tty *t = &set->items[i];
		fd_close(t->master_fd);
		fd_close(t->control);
		strbuf_fini(&t->data[0]);
		strbuf_fini(&t->data[1]);
		if (t->master)
			tty_info_entry__free_unpacked(t->master, NULL);
		if (t->slave)
			tty_info_entry__free_unpacked(t->slave, NULL);
	}
	free(set->items);
}

struct tty *tty_set_find(const struct tty_set *set, uint32_t info_id, bool *master)
{
	for (size_t i = 0; i < set->nr; i++) {
		struct tty *t = &set->items[i];
		bool is = t->master && t->master->id == info_id;
		if (!is && (!t->slave || t->slave->id != info_id))
			continue;
		if (master)
			*master = is;
		return t;
	}
	return NULL;
}

const TtyInfoEntry *tty_info(const struct tty *t)
{
	return t->master ? t->master : t->slave;
}

bool tty_is_hung(const struct tty *t)
{
	return !tty_info(t)->termios;
}

const RegFileEntry *tty_reg(struct restore *r, const TtyFileEntry *file)
{
	if (!file)
		return NULL;
	const struct file_item *item =
	    file_set_find(r->files, file->has_regf_id ? file->regf_id : file->id);
	return item ? item->entry->reg : NULL;
}

const char *tty_name(struct restore *r, const struct tty *t, char *out, size_t len)
{
	const RegFileEntry *reg = tty_reg(r, t->slave_file);
	if (reg)
		snprintf(out, len, "%s", reg->name);
	else if (t->type == TTY_TYPE__PTY)
		snprintf(out, len, "/dev/pts/%u", t->index);
	else
		tty_external_name(tty_info(t)->rdev, tty_info(t)->dev, out, len);
	return out;
}

/* Restore: settings. */

int tty_set_termios(int fd, const TtyInfoEntry *info, struct error *err)
{
	if (!info || !info->termios)
		return 0;
	const TermiosEntry *e = info->termios;
	struct termios2 t = {
		.c_iflag = e->c_iflag,
		.c_oflag = e->c_oflag,
		.c_cflag = e->c_cflag,
		.c_lflag = e->c_lflag,
		.c_line = (cc_t)e->c_line,
		.c_ispeed = e->c_ispeed,
		.c_ospeed = e->c_ospeed,
	};
	memcpy(t.c_cc, e->c_cc, sizeof(t.c_cc));
	/* CRIU stores no speeds beside those of c_cflag */
	unsigned long request = t.c_ospeed ? TCSETS2 : TCSETS;
	return ioctl(fd, request, &t) < 0 ? error_sys(err, "set its settings") : 0;
}

static int set_locked(int fd, const TtyInfoEntry *info, struct error *err)
{
	const TermiosEntry *e = info->termios_locked;
	struct termios t, now;
	memset(&t, 0, sizeof(t));
	memset(&now, 0, sizeof(now));
	t.c_iflag = e->c_iflag;
	t.c_oflag = e->c_oflag;
	t.c_cflag = e->c_cflag;
	t.c_lflag = e->c_lflag;
	t.c_line = (cc_t)e->c_line;
	memcpy(t.c_cc, e->c_cc, sizeof(t.c_cc));
	/* setting it takes CAP_SYS_ADMIN: not when there is nothing to set */
	if (ioctl(fd, TIOCGLCKTRMIOS, &now) == 0 && !memcmp(&now, &t, sizeof(t)))
		return 0;
	return ioctl(fd, TIOCSLCKTRMIOS, &t) < 0 ? error_sys(err, "lock its settings") : 0;
}

static int set_winsize(int fd, const TtyInfoEntry *info, struct error *err)
{
	struct winsize size = {
		.ws_row = (unsigned short)info->winsize->ws_row,
		.ws_col = (unsigned short)info->winsize->ws_col,
		.ws_xpixel = (unsigned short)info->winsize->ws_xpixel,
		.ws_ypixel = (unsigned short)info->winsize->ws_ypixel,
	};
	return ioctl(fd, TIOCSWINSZ, &size) < 0 ? error_sys(err, "set its window size") : 0;
}

static int set_side_modes(int fd, const TtyInfoEntry *info, struct error *err)
{
	int one = 1;
	if (fd < 0 || !info)
		return 0;
	if (info->packet_mode && ioctl(fd, TIOCPKT, &one) < 0)
		return error_sys(err, "set packet mode");
	if (info->exclusive && ioctl(fd, TIOCEXCL) < 0)
		return error_sys(err, "set exclusive mode");
	if (info->locked && ioctl(fd, TIOCSPTLCK, &one) < 0)
		return error_sys(err, "lock the slave");
	return 0;
}

/* The terminal of the restorer keeps its size: that is how large it is. */
int tty_set_modes(struct restore *r, struct tty *t, struct error *err)
{
	(void)r;
	int fd = t->control >= 0 ? t->control : t->master_fd;
	const TtyInfoEntry *info = t->slave ? t->slave : t->master;
	int rc = t->settled ? 0 : tty_set_termios(fd, info, err);
	if (rc < 0 || t->outside || !info->termios)
		return rc;
	rc = set_locked(fd, info, err);
	if (rc == 0)
		rc = set_winsize(fd, info, err);
	if (rc == 0)
		rc = set_side_modes(t->control, t->slave, err);
	return rc < 0 ? rc : set_side_modes(t->master_fd, t->master, err);
}
