/* SPDX-License-Identifier: MIT
 * signalfd(2): the signals it takes.
 */
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "engine/files/anon.h"
#include "engine/files/set.h"
#include "engine/files/table.h"
#include "engine/files/types.h"

static bool signalfd_match(const struct open_file *f)
{
	return anon_is(f, "signalfd");
}

static int signalfd_dump(struct dump *d, const struct open_file *f, FileEntry *e, struct error *err)
{
	auto_strbuf text = { 0 };
	(void)d;
	SignalfdEntry *sgfd = malloc(sizeof(*sgfd));
	if (!sgfd)
		return error_set(err, ENOMEM, "out of memory");
	signalfd_entry__init(sgfd);
	e->sgfd = sgfd;
	sgfd->id = e->id;
	sgfd->flags = f->flags;
	int rc = anon_fdinfo_text(f, &text, err);
	if (rc < 0)
		return rc;
	if (!anon_number(text.data, "sigmask:", 16, &sgfd->sigmask))
		return anon_odd(f, "signal mask", err);
	return owner_dump(d, f, &sgfd->fown, err);
}

static int signalfd_check(const FileEntry *e, struct error *err)
{
	const SignalfdEntry *s = e->sgfd;
	return anon_check(e, s, s ? s->id : 0, s ? s->fown : NULL, "signalfd", err);
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

static const FownEntry *signalfd_owner(struct restore *r, const FileEntry *e, uint32_t *flags)
{
	(void)r;
	*flags = e->sgfd->flags;
	return e->sgfd->fown;
}

const struct file_type file_signalfd = {
	.name = "signalfd",
	.type = FD_TYPES__SIGNALFD,
	.match = signalfd_match,
	.dump = signalfd_dump,
	.check = signalfd_check,
	.open = signalfd_open,
	.owner = signalfd_owner,
};
