/* SPDX-License-Identifier: MIT
 * Descriptions of terminals: pseudo terminals, consoles, serial lines, /dev/tty.
 */
#include "engine/files/tty.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "engine/context/hooks.h"
#include "engine/files/external.h"
#include "engine/files/types.h"
#include "engine/ns/user.h"

#define DELETED " (deleted)" /* what the kernel puts behind the path of a slave without master */

static const struct tty_kind kinds[] = {
	{ 5, 2, 2, TTY_TYPE__PTY, true, 0 },      /* /dev/ptmx */
	{ 136, 0, ~0u, TTY_TYPE__PTY, false, 0 }, /* /dev/pts/N */
	{ 5, 0, 0, TTY_TYPE__CTTY, false, 1006 }, /* /dev/tty */
	{ 5, 1, 1, TTY_TYPE__CONSOLE, false, 1002 },
	{ 4, 0, 63, TTY_TYPE__VT, false, 1004 },
	{ 4, 64, 255, TTY_TYPE__SERIAL, false, 1010 },
	{ 188, 0, ~0u, TTY_TYPE__SERIAL, false, 1010 },
	{ 204, 0, ~0u, TTY_TYPE__SERIAL, false, 1010 },
};
static const struct tty_kind external = { 0, 0, 0, TTY_TYPE__EXT_TTY, false, 1013 };

const struct tty_kind *tty_kind_of(dev_t rdev)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (major(rdev) == kinds[i].major && minor(rdev) >= kinds[i].first &&
		    minor(rdev) <= kinds[i].last)
			return &kinds[i];
	return NULL;
}

const char *tty_external_name(dev_t rdev, dev_t dev, char *out, size_t len)
{
	snprintf(out, len, "tty[%lx:%lx]", (unsigned long)rdev, (unsigned long)dev);
	return out;
}

static bool tty_match(const struct open_file *f)
{
	return S_ISCHR(f->st.st_mode) && !(f->flags & O_PATH) && tty_kind_of(f->st.st_rdev);
}

/* Dump. */

struct tty_seen *tty_seen_side(const struct tty_table *t, uint32_t index, bool master)
{
	for (size_t i = 0; i < t->nr; i++) {
		struct tty_seen *s = &t->items[i];
		if (s->kind->type == TTY_TYPE__PTY && s->index == index &&
		    s->kind->master == master)
			return s;
	}
	return NULL;
}

/* As CRIU numbers them, so that it finds the sides of a pair beside each other. */
static uint32_t id_choose(const struct tty_table *t, const struct tty_seen *s)
{
	uint32_t first_free = 2048; /* none of CRIU's, which end at 2176 */
	if (s->kind->type == TTY_TYPE__PTY)
		return (s->index > 1000 ? first_free * 2 : 0) + s->index * 2 + s->kind->master;
	uint32_t id = s->kind->slot * 2;
	for (size_t i = 0; i < t->nr; i++)
		if (t->items[i].id == id) {
			id++;
			i = (size_t)-1;
		}
	return id;
}

static int seen_add(const struct dump *d, struct tty_table *t, const struct open_file *f,
		    const struct tty_kind *kind, uint32_t index, struct error *err)
{
	struct tty_seen s = {
		.kind = kind,
		.index = index,
		.rdev = f->st.st_rdev,
		.dev = f->st.st_dev,
		.uid = id_inside(d->users, ID_USER, f->st.st_uid),
		.gid = id_inside(d->users, ID_GROUP, f->st.st_gid),
		.access = -1,
		.fd = -1,
	};
	s.id = id_choose(t, &s);
	file_holder(f, s.holder, sizeof(s.holder));
	snprintf(s.path, sizeof(s.path), "%s", f->path);
	if (strlen(s.path) > strlen(DELETED) &&
	    !strcmp(s.path + strlen(s.path) - strlen(DELETED), DELETED))
		s.path[strlen(s.path) - strlen(DELETED)] = '\0';
	struct tty_seen *at = array_add(t);
	if (!at)
		return error_set(err, ENOMEM, "out of memory");
	*at = s;
	return 0;
}

static bool is_hung(int fd)
{
	struct winsize size;
	return ioctl(fd, TIOCGWINSZ, &size) < 0 && errno == EIO;
}

/* Whatever is to be asked later on is asked through the description that allows most. */
static int seen_keep(struct tty_seen *s, const struct open_file *f, struct error *err)
{
	char holder[96];
	int access = f->flags & O_ACCMODE;
	bool hung = is_hung(f->fd);
	if (s->fd < 0)
		s->hungup = hung;
	if (s->hungup != hung || (hung && s->kind->type != TTY_TYPE__PTY))
		return error_set(err, ENOTSUP,
				 "%s is terminal %.200s, hung up by vhangup(2) or by the end of a "
				 "session: not supported yet; close it before the dump",
				 file_holder(f, holder, sizeof(holder)), f->path);
	if (s->access == O_RDWR || access == s->access)
		return 0;
	if (s->fd >= 0 && access != O_RDWR)
		return 0;
	int copy = fcntl(f->fd, F_DUPFD_CLOEXEC, 0);
	if (copy < 0)
		return error_sys(err, "duplicate a terminal's descriptor");
	fd_close(s->fd);
	s->fd = copy;
	s->access = access;
	return 0;
}

static int index_of(const struct open_file *f, const struct tty_kind *kind, uint32_t *index,
		    struct error *err)
{
	char holder[96];
	*index = kind->type == TTY_TYPE__PTY ? minor(f->st.st_rdev) : 0;
	if (!kind->master || ioctl(f->fd, TIOCGPTN, index) == 0)
		return 0;
	return error_sys(err, "%s: which terminal %s is", file_holder(f, holder, sizeof(holder)),
			 f->path);
}

static bool is_same(const struct tty_seen *s, const struct tty_kind *kind, uint32_t index,
		    dev_t rdev)
{
	if (s->kind != kind)
		return false;
	return kind->type == TTY_TYPE__PTY ? s->index == index : s->rdev == rdev;
}

static int seen_of(struct dump *d, const struct open_file *f, struct tty_seen **out,
		   struct error *err)
{
	char holder[96], name[48];
	const struct tty_kind *kind = tty_kind_of(f->st.st_rdev);
	uint32_t index;
	tty_external_name(f->st.st_rdev, f->st.st_dev, name, sizeof(name));
	if (external_has(d->opts, name))
		kind = &external;
	int rc = index_of(f, kind, &index, err);
	if (rc < 0)
		return rc;
	struct tty_table *t = &d->files->ttys;
	size_t i = 0;
	while (i < t->nr && !is_same(&t->items[i], kind, index, f->st.st_rdev))
		i++;
	if (i < t->nr && (kind->master || t->items[i].dev != f->st.st_dev))
		return error_set(err, ENOTSUP,
				 "%s is terminal %u of a second devpts file system (%.200s): not "
				 "supported yet; close it before the dump",
				 file_holder(f, holder, sizeof(holder)), index, f->path);
	if (i == t->nr)
		rc = seen_add(d, t, f, kind, index, err);
	if (rc < 0)
		return rc;
	*out = &t->items[i];
	return seen_keep(*out, f, err);
}

/* The name of a slave goes with its master. */
static int dump_nameless(const struct dump *d, const struct open_file *f, const struct tty_seen *s,
			 FileEntry *e, struct error *err)
{
	RegFileEntry *reg = reg_entry_new(f, e, err);
	if (!reg)
		return -ENOMEM;
	reg->name = strdup(s->path);
	if (!reg->name)
		return error_set(err, ENOMEM, "out of memory");
	return owner_dump(d, f, &reg->fown, err);
}

/* Path and mode are those of a file entry of its own. */
static int dump_reg(struct dump *d, const struct open_file *f, const struct tty_seen *s,
		    TtyFileEntry *tty, struct error *err)
{
	FileEntry *file = malloc(sizeof(*file));
	if (!file)
		return error_set(err, ENOMEM, "out of memory");
	file_entry__init(file);
	file->id = tty->regf_id = d->files->next_id++;
	tty->has_regf_id = true;
	file->type = FD_TYPES__REG;
	int rc = f->st.st_nlink ? reg_dump(d, f, file, err) : dump_nameless(d, f, s, file, err);
	if (rc == 0)
		rc = file_table_write(d, file, err);
	file_entry__free_unpacked(file, NULL);
	return rc;
}

static int tty_dump(struct dump *d, const struct open_file *f, FileEntry *e, struct error *err)
{
	struct tty_seen *s;
	int rc = seen_of(d, f, &s, err);
	if (rc < 0)
		return rc;
	TtyFileEntry *tty = malloc(sizeof(*tty));
	if (!tty)
		return error_set(err, ENOMEM, "out of memory");
	tty_file_entry__init(tty);
	e->tty = tty;
	tty->id = e->id;
	tty->tty_info_id = s->id;
	tty->flags = f->flags;
	rc = owner_dump(d, f, &tty->fown, err);
	return rc < 0 || s->kind == &external ? rc : dump_reg(d, f, s, tty, err);
}

int tty_dump_check(struct dump *d, struct error *err)
{
	int rc = tty_sessions_collect(d, err);
	return rc < 0 || !d->files->ttys.nr ? rc : tty_info_dump(d, err);
}

void tty_table_fini(struct tty_table *t)
{
	for (size_t i = 0; i < t->nr; i++)
		fd_close(t->items[i].fd);
	free(t->items);
}

/* Restore. */

static int tty_check(const FileEntry *e, struct error *err)
{
	if (!e->tty)
		return error_set(err, EBADMSG, "terminal without its fields");
	if (e->tty->id != e->id)
		return error_set(err, EBADMSG, "id %u inside says %u", e->id, e->tty->id);
	return owner_check(e->tty->fown, err);
}

/* How a description is opened; what F_SETFL sets comes later, close-on-exec with its number:
 * TIOCGPTPEER would keep it among the flags of the description. */
static int open_flags(const TtyFileEntry *file)
{
	const uint32_t kept = O_ACCMODE | 0100000u; /* the latter is O_LARGEFILE */
	return (int)(file->flags & kept) | O_NOCTTY | O_NONBLOCK;
}

static int open_device(struct restore *r, const TtyFileEntry *file, struct tty *t,
		       struct error *err)
{
	const RegFileEntry *reg = tty_reg(r, file);
	struct stat st;
	auto_fd fd = open(reg->name, open_flags(file));
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_sys(err, "open terminal %s", reg->name);
	/* CRIU has one entry for all virtual consoles */
	const struct tty_kind *kind = S_ISCHR(st.st_mode) ? tty_kind_of(st.st_rdev) : NULL;
	if (!kind || kind->type != t->type)
		return error_set(err, ESTALE, "%s: was terminal %u:%u at the dump and is none now",
				 reg->name, major(t->slave->rdev), minor(t->slave->rdev));
	return take_fd(fd);
}

static int open_external(struct restore *r, const struct tty *t, struct error *err)
{
	char name[48];
	int fd = inherit_find(r->opts,
			      tty_external_name(t->slave->rdev, t->slave->dev, name, sizeof(name)));
	if (fd < 0)
		return error_set(err, EINVAL,
				 "terminal %s was external at the dump: pass --inherit-fd "
				 "'fd[N]:%s' with N an open terminal",
				 name, name);
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return copy < 0 ? error_sys(err, "--inherit-fd fd[%d]:%s", fd, name) : copy;
}

/* What stands for the terminal itself, in this program and in who leads its session. */
static int keep_control(struct restore *r, struct tty *t, int fd, struct error *err)
{
	if (t->control >= 0)
		return 0;
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (copy < 0)
		return error_sys(err, "duplicate a terminal's descriptor");
	t->control = window_take(r->files, copy, err);
	return t->control < 0 ? t->control : 0;
}

static int open_side(struct restore *r, const FileEntry *e, struct tty *t, bool master,
		     struct error *err)
{
	char name[64];
	int rc = pty_make_all(r, err);
	if (rc < 0)
		return rc;
	int fd = -1;
	if (!master)
		fd = pty_open_slave(t, open_flags(e->tty));
	else if ((fd = fcntl(t->master_fd, F_DUPFD_CLOEXEC, 0)) < 0)
		fd = -errno;
	return fd < 0 ? error_code(err, fd, "open the %s of terminal %s",
				   master ? "master" : "slave", tty_name(r, t, name, sizeof(name)))
		      : fd;
}

static int tty_open(struct restore *r, const FileEntry *e, struct error *err)
{
	bool master = false;
	struct tty *t = tty_set_find(&r->files->ttys, e->tty->tty_info_id, &master);
	if (!t)
		return error_set(err, EBADMSG, "terminal %u is missing from tty-info.img",
				 e->tty->tty_info_id);
	auto_fd fd = t->type == TTY_TYPE__PTY       ? open_side(r, e, t, master, err)
		     : t->type == TTY_TYPE__CTTY    ? tty_open_current(r, e, err)
		     : t->type == TTY_TYPE__EXT_TTY ? open_external(r, t, err)
						    : open_device(r, e->tty, t, err);
	if (fd < 0)
		return fd;
	int rc = 0;
	if (t->type != TTY_TYPE__PTY && t->type != TTY_TYPE__CTTY)
		rc = keep_control(r, t, fd, err);
	/* an external one is a duplicate: its flags are the caller's, too */
	if (rc == 0 && t->type != TTY_TYPE__EXT_TTY)
		rc = file_set_flags(fd, e->tty->flags, e->tty->fown, err);
	return rc < 0 ? rc : take_fd(fd);
}

/* A hung up slave has a master only until it is open. */
static void hang_up(struct tty *t)
{
	fd_close(take_fd(t->master_fd));
	fd_close(take_fd(t->control));
}

int tty_open_finish(struct restore *r, struct error *err)
{
	struct tty_set *set = &r->files->ttys;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < set->nr; i++) {
		struct tty *t = &set->items[i];
		char name[64];
		if (t->type == TTY_TYPE__CTTY || (t->control < 0 && t->master_fd < 0))
			continue;
		if (tty_is_hung(t)) {
			hang_up(t);
			continue;
		}
		rc = tty_data_restore(t, err);
		if (rc == 0)
			rc = tty_set_modes(r, t, err);
		if (rc < 0)
			error_wrap(err, rc, "terminal %s", tty_name(r, t, name, sizeof(name)));
		/* one whose slave is closed: closing is what its reader is told of */
		if (rc == 0 && t->master && !t->slave_file && !tty_info(t)->sid)
			fd_close(take_fd(t->control));
	}
	return rc;
}

int tty_give_orphans(struct restore *r, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < r->files->ttys.nr; i++) {
		const struct tty *t = &r->files->ttys.items[i];
		if (t->type == TTY_TYPE__PTY && !t->master_file && t->slave_file &&
		    t->master_fd >= 0)
			rc = hook_give(r->opts, HOOK_ORPHAN_PTS_MASTER, t->master_fd, err);
	}
	return rc;
}

static const FownEntry *tty_owner(struct restore *r, const FileEntry *e, uint32_t *flags)
{
	(void)r;
	*flags = e->tty->flags;
	return e->tty->fown;
}

const struct file_type file_tty = {
	.name = "terminal",
	.type = FD_TYPES__TTY,
	.match = tty_match,
	.dump = tty_dump,
	.check = tty_check,
	.open = tty_open,
	.owner = tty_owner,
};
