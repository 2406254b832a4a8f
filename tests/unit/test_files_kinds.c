/* SPDX-License-Identifier: MIT
 * What files/ says to images of kernel objects, locks and memfds it should not believe.
 */
#include <sched.h>

#include "tests/unit/files_fixture.h"

static void use_epoll(struct set *s)
{
	static EventpollTfdEntry *targets[1];
	targets[0] = &s->target;
	s->second.type = s->fd2.type = FD_TYPES__EVENTPOLL;
	s->second.id = s->fd2.id = s->epoll.id = 2;
	s->second.epfd = &s->epoll;
	s->epoll.fown = &s->fown;
	s->epoll.n_tfd = 1;
	s->epoll.tfd = targets;
	s->fd2.fd = 4;
}
static void epoll_empty(struct set *s)
{
	use_epoll(s);
	s->second.epfd = NULL;
}
static void epoll_range(struct set *s)
{
	use_epoll(s);
	s->target.tfd = 0x40000000;
}
static void epoll_directory(struct set *s)
{
	use_epoll(s); /* fd 0 is a directory */
}
static void epoll_closed(struct set *s)
{
	use_epoll(s);
	s->target.tfd = 77;
}
static void epoll_unknown(struct set *s)
{
	use_epoll(s);
	s->target.id = 99;
}
static void use_memfd(struct set *s)
{
	static char name[] = "some";
	s->second.type = s->fd2.type = FD_TYPES__MEMFD;
	s->second.id = s->fd2.id = s->memfd.id = 2;
	s->second.memfd = &s->memfd;
	s->memfd.fown = &s->fown;
	s->memfd.inode_id = s->inode.inode_id = 4;
	s->memfd.flags = O_RDWR;
	s->inode.name = name;
	s->inode.size = 5000;
	s->fd2.fd = 4;
}
static void memfd_empty(struct set *s)
{
	use_memfd(s);
	s->second.memfd = NULL;
}
static void memfd_other_inode(struct set *s)
{
	use_memfd(s);
	s->memfd.inode_id = 5;
}
static void memfd_name(struct set *s)
{
	static char name[251];
	use_memfd(s);
	s->inode.name = memset(name, 'x', sizeof(name) - 1);
}
static void memfd_seals(struct set *s)
{
	use_memfd(s);
	s->inode.seals = 0x80;
}
static void memfd_flag(struct set *s)
{
	use_memfd(s);
	s->inode.has_hugetlb_flag = true;
	s->inode.hugetlb_flag = 1;
	s->inode.size = 2 << 20;
}
static void memfd_huge_size(struct set *s)
{
	use_memfd(s);
	s->inode.has_hugetlb_flag = true;
	s->inode.hugetlb_flag = MFD_HUGETLB;
}
static void memfd_too_large(struct set *s)
{
	use_memfd(s);
	s->inode.size = INT64_MAX;
}
static void memfd_offset(struct set *s)
{
	use_memfd(s);
	s->memfd.pos = UINT64_MAX;
}
static void lock_no_fd(struct set *s)
{
	s->lock.flag = 2;
	s->lock.fd = 9;
}
static void lock_no_task(struct set *s)
{
	s->lock.flag = 2;
	s->lock.pid = 13;
}
static void lock_kind(struct set *s)
{
	s->lock.flag = 3;
}
static void lock_type(struct set *s)
{
	s->lock.flag = 1;
	s->lock.type = 4;
}
static void lock_range(struct set *s)
{
	s->lock.flag = 4;
	s->lock.start = s->lock.len = INT64_MAX;
}
static void use_inotify(struct set *s)
{
	static InotifyWdEntry *wds[1];
	static char path[] = "/";
	wds[0] = &s->wd;
	s->second.type = s->fd2.type = FD_TYPES__INOTIFY;
	s->second.id = s->fd2.id = s->inotify.id = 2;
	s->second.ify = &s->inotify;
	s->inotify.fown = &s->fown;
	s->inotify.n_wd = 1;
	s->inotify.wd = wds;
	s->wd.wd = 3;
	s->wd.mask = 1;
	s->wd.f_handle = &s->fh;
	s->fh.path = path;
	s->fd2.fd = 4;
}
static void inotify_number(struct set *s)
{
	use_inotify(s);
	s->wd.wd = 0x80000000;
}
static void inotify_relative(struct set *s)
{
	static char path[] = "etc";
	use_inotify(s);
	s->fh.path = path;
}
static void inotify_gone(struct set *s)
{
	static char path[] = "/no/such/file";
	use_inotify(s);
	s->fh.path = path;
}
static void inotify_nowhere(struct set *s)
{
	use_inotify(s);
	s->fh.path = NULL;
	s->fh.bytes = 200;
}
static void fanotify_mark_empty(struct set *s)
{
	static FanotifyMarkEntry *marks[1];
	marks[0] = &s->mark;
	s->second.type = s->fd2.type = FD_TYPES__FANOTIFY;
	s->second.id = s->fd2.id = s->fanotify.id = 2;
	s->second.ffy = &s->fanotify;
	s->fanotify.fown = &s->fown;
	s->fanotify.n_mark = 1;
	s->fanotify.mark = marks;
	s->mark.type = MARK_TYPE__MOUNT;
	s->fd2.fd = 4;
}
static void use_pidfd(struct set *s)
{
	s->second.type = s->fd2.type = FD_TYPES__PIDFD;
	s->second.id = s->fd2.id = s->pidfd.id = 2;
	s->second.pidfd = &s->pidfd;
	s->pidfd.fown = &s->fown;
	s->pidfd.nspid = -1;
	s->fd2.fd = 4;
}
static void use_namespace(struct set *s)
{
	s->second.type = s->fd2.type = FD_TYPES__NS;
	s->second.id = s->fd2.id = s->nsf.id = 2;
	s->second.nsf = &s->nsf;
	s->nsf.ns_id = 7;
	s->nsf.ns_cflag = CLONE_NEWNET;
	s->fd2.fd = 4;
}
static void namespace_empty(struct set *s)
{
	use_namespace(s);
	s->second.nsf = NULL;
}
static void namespace_kind(struct set *s)
{
	use_namespace(s);
	s->nsf.ns_cflag = CLONE_VM;
}
static void pidfd_number(struct set *s)
{
	use_pidfd(s);
	s->pidfd.nspid = 0;
}
static void pidfd_stranger(struct set *s)
{
	use_pidfd(s);
	s->pidfd.nspid = 13;
}
static void use_bpf(struct set *s)
{
	static char name[] = "map";
	s->second.type = s->fd2.type = FD_TYPES__BPFMAP;
	s->second.id = s->fd2.id = s->bpf.id = 2;
	s->second.bpf = &s->bpf;
	s->bpf.fown = &s->fown;
	s->bpf.map_type = 1;
	s->bpf.key_size = s->bpf.value_size = s->bpf.max_entries = 4;
	s->bpf.map_name = name;
	s->fd2.fd = 4;
}
static void bpf_type(struct set *s)
{
	use_bpf(s);
	s->bpf.map_type = 27;
}
static void bpf_size(struct set *s)
{
	use_bpf(s);
	s->bpf.key_size = 0;
}
static void bpf_name(struct set *s)
{
	static char name[] = "sixteen  letters";
	use_bpf(s);
	s->bpf.map_name = name;
}

static const struct set_case cases[] = {
	{ "epoll empty", epoll_empty, -EBADMSG, "file id 2: epoll instance without its fields" },
	{ "epoll range", epoll_range, -EBADMSG, "watches fd 1073741824: out of range" },
	{ "epoll directory", epoll_directory, -EPERM, "pid 12 (?): fd 4: epoll: watch fd 0 for" },
	{ "epoll closed", epoll_closed, -EBADMSG, "fd 4: epoll: it watches fd 77, which is not" },
	{ "epoll unknown", epoll_unknown, -EBADMSG, "file id 99" },
	{ "memfd", use_memfd, 0, "" },
	{ "memfd empty", memfd_empty, -EBADMSG, "file id 2: memfd without its fields" },
	{ "memfd inode", memfd_other_inode, -EBADMSG, "fd 4: memfd.img has no inode 5" },
	{ "memfd name", memfd_name, -EBADMSG, "memfd.img: a name of 250 bytes" },
	{ "memfd seals", memfd_seals, -ENOTSUP, "\"some\": unknown seals 0x80" },
	{ "memfd flag", memfd_flag, -EBADMSG, "odd flag 0x1" },
	{ "memfd huge size", memfd_huge_size, -EBADMSG, "a size of 5000 bytes" },
	{ "memfd too large", memfd_too_large, -EBADMSG, "a size of 9223372036854775807 bytes" },
	{ "memfd offset", memfd_offset, -EBADMSG, "memfd with an offset of 0xffffffffffffffff" },
	{ "lock, no fd", lock_no_fd, -EBADMSG, "filelocks.img: pid 12 has no fd 9" },
	{ "lock, no task", lock_no_task, -EBADMSG, "filelocks.img: pid 13 has no fd 0" },
	{ "lock kind", lock_kind, -ENOTSUP, "filelocks.img: pid 12, fd 0: unknown kind 0x3" },
	{ "lock type", lock_type, -EBADMSG, "filelocks.img: pid 12, fd 0: type 4" },
	{ "lock range", lock_range, -EBADMSG, "9223372036854775807 bytes from 92233720368547" },
	{ "inotify", use_inotify, 0, "" },
	{ "inotify number", inotify_number, -EBADMSG, "file id 2: watch number 2147483648" },
	{ "inotify relative", inotify_relative, -EBADMSG, "watched path \"etc\" is not absolute" },
	{ "inotify gone", inotify_gone, -ENOENT, "fd 4: inotify: watched file /no/such/file" },
	{ "inotify nowhere", inotify_nowhere, -ESTALE, "its handle leads nowhere" },
	{ "fanotify mark", fanotify_mark_empty, -EBADMSG, "a mark of type 2 without its fields" },
	{ "BPF map type", bpf_type, -ENOTSUP, "file id 2: BPF map of type 27 (ring buffer)" },
	{ "BPF map size", bpf_size, -EBADMSG, "BPF map of 4 elements of 0 and 4 bytes" },
	{ "BPF map name", bpf_name, -EBADMSG, "BPF map with a name of 16 bytes" },
	{ "namespace", use_namespace, -EBADMSG, "file id 2: no task is in net namespace 7" },
	{ "namespace empty", namespace_empty, -EBADMSG, "file id 2: namespace without its fields" },
	{ "namespace kind", namespace_kind, -EBADMSG, "a namespace of unknown kind 0x100" },
	{ "pidfd", use_pidfd, 0, "" },
	{ "pidfd number", pidfd_number, -EBADMSG, "file id 2: pidfd of pid 0" },
	{ "pidfd stranger", pidfd_stranger, -EBADMSG, "pid 13, which is not in pstree.img" },
};

static void kinds_are_checked_before_anything_is_opened(void **state)
{
	(void)state;
	set_try_all(cases, ARRAY_SIZE(cases));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds_are_checked_before_anything_is_opened),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
