/* SPDX-License-Identifier: MIT
 * eventfd(2): its counter, and whether it counts as a semaphore.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "engine/files/anon.h"
#include "engine/files/set.h"
#include "engine/files/table.h"
#include "engine/files/types.h"

static bool eventfd_match(const struct open_file *f)
{
	return anon_is(f, "eventfd");
}

/* Bit 0 of the flags, which no descriptor has there, says that it counts as a semaphore. */
static int eventfd_dump(struct dump *d, const struct open_file *f, FileEntry *e, struct error *err)
{
	auto_strbuf text = { 0 };
	uint64_t semaphore = 0;
	(void)d;
	EventfdFileEntry *efd = malloc(sizeof(*efd));
	if (!efd)
		return error_set(err, ENOMEM, "out of memory");
	eventfd_file_entry__init(efd);
	e->efd = efd;
	efd->id = e->id;
	int rc = anon_fdinfo_text(f, &text, err);
	if (rc < 0)
		return rc;
	if (!anon_number(text.data, "eventfd-count:", 16, &efd->counter))
		return anon_odd(f, "counter", err);
	anon_number(text.data, "eventfd-semaphore:", 10, &semaphore); /* Linux 6.5 */
	efd->flags = f->flags | (semaphore ? EFD_SEMAPHORE : 0);
	return owner_dump(d, f, &efd->fown, err);
}

static int eventfd_check(const FileEntry *e, struct error *err)
{
	const EventfdFileEntry *efd = e->efd;
	int rc = anon_check(e, efd, efd ? efd->id : 0, efd ? efd->fown : NULL, "eventfd", err);
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

static const FownEntry *eventfd_owner(struct restore *r, const FileEntry *e, uint32_t *flags)
{
	(void)r;
	*flags = e->efd->flags;
	return e->efd->fown;
}

const struct file_type file_eventfd = {
	.name = "eventfd",
	.type = FD_TYPES__EVENTFD,
	.match = eventfd_match,
	.dump = eventfd_dump,
	.check = eventfd_check,
	.open = eventfd_open,
	.owner = eventfd_owner,
};
