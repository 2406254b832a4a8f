/* SPDX-License-Identifier: MIT
 * What files/ says to images it should not believe.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "engine/files/set.h"
#include "engine/net/net.h"
#include "images/reader.h"
#include "images/writer.h"

#define PID      12
#define FILES_ID 2

/* One set: what a test changes of it is what it is about. */
struct set {
	FownEntry fown;
	RegFileEntry reg;
	PipeEntry pipe;
	EventpollFileEntry epoll;
	EventpollTfdEntry target;
	InotifyFileEntry inotify;
	InotifyWdEntry wd;
	FhEntry fh;
	FanotifyFileEntry fanotify;
	FanotifyMarkEntry mark;
	FileLockEntry lock; /* when its flag is not 0 */
	MemfdFileEntry memfd;
	MemfdInodeEntry inode; /* when its name is not NULL */
	UnixSkEntry sk, sk2;
	SkOptsEntry opts;
	InetSkEntry inet;
	TcpStreamEntry tcp; /* when stream is set */
	bool stream, established;
	FileEntry file, second; /* second is written when its id is not 0 */
	FdinfoEntry fd, fd2;    /* likewise fd2, when fd2.id is not 0 */
	FsEntry fs;
	PipeDataEntry data; /* when its pipe_id is not 0 */
	RemapFilePathEntry remap;
	GhostFileEntry ghost; /* when its mode is not 0, with one chunk */
	GhostChunkEntry chunk;
	char dir[64];
	struct error err;
};

static void set_init(struct set *s)
{
	static char root[] = "/";
	memset(s, 0, sizeof(*s));
	fown_entry__init(&s->fown);
	reg_file_entry__init(&s->reg);
	pipe_entry__init(&s->pipe);
	eventpoll_file_entry__init(&s->epoll);
	eventpoll_tfd_entry__init(&s->target);
	inotify_file_entry__init(&s->inotify);
	inotify_wd_entry__init(&s->wd);
	fh_entry__init(&s->fh);
	fanotify_file_entry__init(&s->fanotify);
	fanotify_mark_entry__init(&s->mark);
	file_lock_entry__init(&s->lock);
	s->lock.pid = PID;
	memfd_file_entry__init(&s->memfd);
	memfd_inode_entry__init(&s->inode);
	unix_sk_entry__init(&s->sk);
	unix_sk_entry__init(&s->sk2);
	sk_opts_entry__init(&s->opts);
	inet_sk_entry__init(&s->inet);
	tcp_stream_entry__init(&s->tcp);
	file_entry__init(&s->file);
	file_entry__init(&s->second);
	fdinfo_entry__init(&s->fd);
	fdinfo_entry__init(&s->fd2);
	fs_entry__init(&s->fs);
	pipe_data_entry__init(&s->data);
	remap_file_path_entry__init(&s->remap);
	ghost_file_entry__init(&s->ghost);
	ghost_chunk_entry__init(&s->chunk);
	s->reg.id = s->file.id = s->fd.id = s->fs.cwd_id = s->fs.root_id = 1;
	s->reg.name = root;
	s->reg.fown = s->pipe.fown = &s->fown;
	s->file.type = s->fd.type = FD_TYPES__REG;
	s->file.reg = &s->reg;
	strcpy(s->dir, "/tmp/test-files-images.XXXXXX");
	assert_non_null(mkdtemp(s->dir));
}

static void write_two(int dirfd, enum image_id type, uint64_t id, const ProtobufCMessage *one,
		      const ProtobufCMessage *two)
{
	struct error err;
	auto_image_writer w = NULL;
	assert_int_equal(image_create(dirfd, type, id, &w, &err), 0);
	assert_int_equal(image_write(w, one, &err), 0);
	if (two)
		assert_int_equal(image_write(w, two, &err), 0);
	assert_int_equal(image_finish(w, &err), 0);
}

/* One chunk of a page, of which it may say that it is longer. */
static void write_ghost(int dirfd, const struct set *s)
{
	static const char page[4096];
	struct error err;
	auto_image_writer w = NULL;
	assert_int_equal(image_create(dirfd, IMG_GHOST_FILE, 7, &w, &err), 0);
	assert_int_equal(image_write(w, &s->ghost.base, &err), 0);
	assert_int_equal(image_write(w, &s->chunk.base, &err), 0);
	assert_int_equal(image_write_bytes(w, page, sizeof(page), &err), 0);
	assert_int_equal(image_finish(w, &err), 0);
}

static void set_write(const struct set *s)
{
	auto_fd dir = open(s->dir, O_RDONLY | O_DIRECTORY);
	write_two(dir, IMG_FILES, 0, &s->file.base, s->second.id ? &s->second.base : NULL);
	write_two(dir, IMG_FDINFO, FILES_ID, &s->fd.base, s->fd2.id ? &s->fd2.base : NULL);
	write_two(dir, IMG_FS, PID, &s->fs.base, NULL);
	if (s->stream)
		write_two(dir, IMG_TCP_STREAM, s->inet.ino, &s->tcp.base, NULL);
	if (s->data.pipe_id)
		write_two(dir, IMG_PIPES_DATA, 0, &s->data.base, NULL);
	if (s->lock.flag)
		write_two(dir, IMG_FILE_LOCKS, 0, &s->lock.base, NULL);
	if (s->inode.name)
		write_two(dir, IMG_MEMFD_INODE, 0, &s->inode.base, NULL);
	if (s->remap.orig_id)
		write_two(dir, IMG_REMAP_FPATH, 0, &s->remap.base, NULL);
	if (s->ghost.mode)
		write_ghost(dir, s);
}

/* @return what loading and opening it gives; s->err says why */
static int set_try(struct set *s)
{
	struct options opts = { .tcp_established = s->established };
	TaskKobjIdsEntry ids;
	task_kobj_ids_entry__init(&ids);
	ids.files_id = ids.fs_id = FILES_ID;
	struct rtask task = { .pid = PID, .state = TASK_ALIVE, .ids = &ids };
	struct rtask *tasks[] = { &task };
	struct restore r = { .opts = &opts, .tasks = tasks, .nr_tasks = 1 };

	set_write(s);
	int rc = source_open(s->dir, &r.images, &s->err);
	if (rc == 0)
		rc = files_load(&r, &s->err);
	if (rc == 0)
		rc = net_load(&r, &s->err);
	if (rc == 0)
		rc = files_open_all(&r, &s->err);
	if (rc == 0)
		rc = files_finish(&r, &s->err);
	if (rc == 0)
		rc = files_watch(&r, &s->err);
	file_set_free(r.files);
	net_set_free(r.net);
	source_close(r.images);
	char command[128];
	snprintf(command, sizeof(command), "%s/deep", s->dir);
	assert_true(access(command, F_OK) < 0); /* a name that passed may not stay */
	snprintf(command, sizeof(command), "rm -rf '%s'", s->dir);
	assert_int_equal(system(command), 0);
	return rc;
}

static void plain(struct set *s)
{
	(void)s;
}
static void relative_path(struct set *s)
{
	static char path[] = "etc/passwd";
	s->reg.name = path;
}
static void empty_path(struct set *s)
{
	static char path[] = "";
	s->reg.name = path;
}
static void no_fields(struct set *s)
{
	s->file.reg = NULL;
}
static void wrong_inner_id(struct set *s)
{
	s->reg.id = 9;
}
static void bad_owner(struct set *s)
{
	s->fown.pid_type = 7;
}
static void bad_signal(struct set *s)
{
	s->fown.signum = 65;
}
static void external(struct set *s)
{
	s->reg.has_ext = s->reg.ext = true;
}
static void twice(struct set *s)
{
	s->second = s->file;
}
static void unknown_file(struct set *s)
{
	s->fd.id = 5;
}
static void unknown_cwd(struct set *s)
{
	s->fs.cwd_id = 77;
}
static void other_type(struct set *s)
{
	s->fd.type = FD_TYPES__PIPE;
}
static void fd_too_big(struct set *s)
{
	s->fd.fd = 0x40000000;
}
static void fd_above_limit(struct set *s)
{
	s->fd.fd = 0x3fffffff;
}
static void fd_twice(struct set *s)
{
	s->fd2 = s->fd;
}
static void bad_umask(struct set *s)
{
	s->fs.has_umask = true;
	s->fs.umask = 01000;
}
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
static void type_needed(struct set *s)
{
	s->second.type = FD_TYPES__NETLINKSK;
	s->second.id = s->fd2.id = 2;
	s->fd2.fd = 4;
	s->fd2.type = FD_TYPES__NETLINKSK;
}
static void type_unused(struct set *s)
{
	s->second.type = FD_TYPES__NETLINKSK;
	s->second.id = 2;
}
static void use_pipe(struct set *s)
{
	s->second.id = s->fd2.id = s->pipe.id = 2;
	s->second.type = s->fd2.type = FD_TYPES__PIPE;
	s->second.pipe = &s->pipe;
	s->pipe.pipe_id = 44;
	s->fd2.fd = 4;
}
static void remap(struct set *s, RemapType type, uint32_t id)
{
	s->remap.orig_id = 1;
	s->remap.remap_id = id;
	s->remap.has_remap_type = true;
	s->remap.remap_type = type;
}
static void ghost_missing(struct set *s)
{
	remap(s, REMAP_TYPE__GHOST, 7);
}
static void remap_unknown(struct set *s)
{
	remap(s, REMAP_TYPE__GHOST, 7);
	s->remap.orig_id = 9;
}
static void remap_kind(struct set *s)
{
	remap(s, (RemapType)9, 7);
}
static void remap_pipe(struct set *s)
{
	use_pipe(s);
	remap(s, REMAP_TYPE__LINKED, 1);
	s->remap.orig_id = 2;
}
static void link_unknown(struct set *s)
{
	remap(s, REMAP_TYPE__LINKED, 7);
}
static void link_gone(struct set *s)
{
	static char path[] = "/none/link_remap.2";
	static RegFileEntry to;
	reg_file_entry__init(&to);
	to.id = s->second.id = 2;
	to.name = path;
	to.fown = &s->fown;
	s->second.type = FD_TYPES__REG;
	s->second.reg = &to;
	remap(s, REMAP_TYPE__LINKED, 2);
}
static void dead_pid_elsewhere(struct set *s)
{
	static char path[] = "/proc/77/status";
	s->reg.name = path;
	remap(s, REMAP_TYPE__PROCFS, 78);
}
static void dead_pid_taken(struct set *s)
{
	static char path[] = "/proc/1/status";
	s->reg.name = path;
	remap(s, REMAP_TYPE__PROCFS, 1);
}
/* A ghost of a kind, its entry changed by the case. */
static void ghost_of(struct set *s, uint32_t mode, uint64_t size, uint64_t off, uint64_t len)
{
	static char path[64];
	snprintf(path, sizeof(path), "%s/deep/gone", s->dir);
	s->reg.name = path;
	remap(s, REMAP_TYPE__GHOST, 7);
	s->ghost.mode = mode;
	s->ghost.has_chunks = s->ghost.chunks = s->ghost.has_size = true;
	s->ghost.size = size;
	s->chunk.off = off;
	s->chunk.len = len;
}
static void ghost_plain(struct set *s)
{
	ghost_of(s, S_IFREG | 0600, 8192, 4096, 4096);
}
static void ghost_chunk_far(struct set *s)
{
	ghost_of(s, S_IFREG | 0600, 8192, 8192, 4096);
}
static void ghost_chunk_overflow(struct set *s)
{
	ghost_of(s, S_IFREG | 0600, 8192, UINT64_MAX, 4096);
}
static void ghost_chunk_short(struct set *s)
{
	ghost_of(s, S_IFREG | 0600, 8192, 0, 8192);
}
static void ghost_size(struct set *s)
{
	ghost_of(s, S_IFREG | 0600, UINT64_MAX, 0, 4096);
}
static void ghost_mode(struct set *s)
{
	ghost_of(s, 0600, 0, 0, 4096);
}
static void other_mode(struct set *s)
{
	s->reg.has_mode = true;
	s->reg.mode = S_IFREG | 0644;
}
static void other_build(struct set *s)
{
	static uint32_t words[] = { 1, 2, 3, 4, 5 };
	static char path[] = "/proc/self/exe";
	s->reg.name = path;
	s->reg.n_build_id = ARRAY_SIZE(words);
	s->reg.build_id = words;
}
static void huge_build(struct set *s)
{
	static uint32_t words[200];
	s->reg.n_build_id = ARRAY_SIZE(words);
	s->reg.build_id = words;
}
static void use_unix(struct set *s)
{
	s->second.id = s->fd2.id = s->sk.id = 2;
	s->second.type = s->fd2.type = FD_TYPES__UNIXSK;
	s->second.usk = &s->sk;
	s->fd2.fd = 1;
	s->sk.ino = 4711;
	s->sk.type = SOCK_DGRAM;
	s->sk.state = TCP_CLOSE;
	s->sk.fown = &s->fown;
	s->sk.opts = &s->opts;
}
static void unix_type(struct set *s)
{
	use_unix(s);
	s->sk.type = 9;
}
static void unix_name(struct set *s)
{
	static uint8_t name[200];
	use_unix(s);
	s->sk.name = (ProtobufCBinaryData){ sizeof(name), name };
}
static void unix_peer(struct set *s)
{
	use_unix(s);
	s->sk.peer = 12;
}
static void unix_twice(struct set *s)
{
	use_unix(s);
	s->file.type = s->fd.type = FD_TYPES__UNIXSK;
	s->file.reg = NULL;
	s->file.usk = &s->sk2;
	s->sk2 = s->sk;
	s->sk2.id = 1;
}
static void unix_name_taken(struct set *s)
{
	static uint8_t name[] = "/etc/passwd";
	use_unix(s);
	s->sk.name = (ProtobufCBinaryData){ sizeof(name), name };
}

static void use_inet(struct set *s)
{
	static uint32_t src[4] = { 0x0100007f }, dst[4];
	s->second.id = s->fd2.id = s->inet.id = 2;
	s->second.type = s->fd2.type = FD_TYPES__INETSK;
	s->second.isk = &s->inet;
	s->fd2.fd = 1;
	s->inet.ino = 0x4711;
	s->inet.family = AF_INET;
	s->inet.type = SOCK_STREAM;
	s->inet.proto = IPPROTO_TCP;
	s->inet.state = TCP_CLOSE;
	s->inet.src_addr = src;
	s->inet.dst_addr = dst;
	s->inet.n_src_addr = s->inet.n_dst_addr = 1;
	s->inet.fown = &s->fown;
	s->inet.opts = &s->opts;
}
static void inet_no_fields(struct set *s)
{
	use_inet(s);
	s->second.isk = NULL;
}
static void inet_inner_id(struct set *s)
{
	use_inet(s);
	s->inet.id = 8;
}
static void inet_family(struct set *s)
{
	use_inet(s);
	s->inet.family = AF_NETLINK;
}
static void inet_type(struct set *s)
{
	use_inet(s);
	s->inet.type = SOCK_SEQPACKET;
}
static void inet_address(struct set *s)
{
	use_inet(s);
	s->inet.family = AF_INET6;
}
static void inet_port(struct set *s)
{
	use_inet(s);
	s->inet.src_port = 65536;
}
static void inet_state(struct set *s)
{
	use_inet(s);
	s->inet.state = 12;
}
static void inet_request(struct set *s)
{
	use_inet(s);
	s->inet.state = TCP_SYN_RECV;
}
static void inet_udp_listens(struct set *s)
{
	use_inet(s);
	s->inet.type = SOCK_DGRAM;
	s->inet.proto = IPPROTO_UDP;
	s->inet.state = TCP_LISTEN;
}
static void inet_one_end(struct set *s)
{
	use_inet(s);
	s->inet.state = TCP_ESTABLISHED;
}
static void inet_filter(struct set *s)
{
	static uint32_t words[9];
	static IpOptsRawEntry raw;
	static IpOptsEntry ip;
	use_inet(s);
	ip_opts_entry__init(&ip);
	ip_opts_raw_entry__init(&raw);
	s->inet.type = SOCK_RAW;
	s->inet.proto = IPPROTO_ICMP;
	s->inet.ip_opts = &ip;
	ip.raw = &raw;
	raw.icmpv_filter = words;
	raw.n_icmpv_filter = ARRAY_SIZE(words);
}
static void inet_options(struct set *s)
{
	use_inet(s);
	s->opts.so_sndbuf = 0x80000000;
}
static void use_connection(struct set *s)
{
	use_inet(s);
	s->inet.state = TCP_ESTABLISHED;
	s->inet.src_port = 80;
	s->inet.dst_port = 4000;
	s->tcp.has_unsq_len = true;
	s->established = s->stream = true;
}
static void tcp_not_asked(struct set *s)
{
	use_connection(s);
	s->established = false;
}
static void tcp_no_stream(struct set *s)
{
	use_connection(s);
	s->stream = false;
}
static void tcp_queue_short(struct set *s)
{
	use_connection(s);
	s->tcp.outq_len = 5;
}
static void tcp_queue_huge(struct set *s)
{
	use_connection(s);
	s->tcp.inq_len = UINT32_MAX;
}
static void tcp_unsent(struct set *s)
{
	use_connection(s);
	s->tcp.unsq_len = 1;
}
static void tcp_no_unsent(struct set *s)
{
	use_connection(s);
	s->tcp.has_unsq_len = false;
}
static void tcp_no_scale(struct set *s)
{
	use_connection(s);
	s->tcp.opt_mask = TCPI_OPT_WSCALE;
}
static void tcp_no_timestamp(struct set *s)
{
	use_connection(s);
	s->tcp.opt_mask = TCPI_OPT_TIMESTAMPS;
}

static void pipe_payload_missing(struct set *s)
{
	use_pipe(s);
	s->data.pipe_id = 44;
	s->data.bytes = 1000;
}
static void pipe_payload_huge(struct set *s)
{
	use_pipe(s);
	s->data.pipe_id = 44;
	s->data.bytes = 0x90000000;
}

static const struct {
	const char *name;
	void (*change)(struct set *s);
	int code;
	const char *words;
} cases[] = {
	{ "plain", plain, 0, "" },
	{ "relative path", relative_path, -EBADMSG, "file id 1: path \"etc/passwd\" is not absol" },
	{ "empty path", empty_path, -EBADMSG, "is not absolute" },
	{ "no fields", no_fields, -EBADMSG, "file id 1: regular file without its fields" },
	{ "wrong inner id", wrong_inner_id, -EBADMSG, "id 1 inside says 9" },
	{ "bad owner", bad_owner, -EBADMSG, "owner is of type 7" },
	{ "bad signal", bad_signal, -EBADMSG, "signal is 65" },
	{ "external", external, -ENOTSUP, "external file" },
	{ "twice", twice, -EBADMSG, "file id 1 stands twice" },
	{ "unknown file", unknown_file, -EBADMSG, "fd 0 is file id 5, which files.img has not" },
	{ "unknown cwd", unknown_cwd, -EBADMSG,
	  "file id 77 (pid 12, its current directory) is missing from files.img" },
	{ "other type", other_type, -EBADMSG, "of type 2 here, 1 there" },
	{ "fd too big", fd_too_big, -EBADMSG, "out of range" },
	{ "fd above limit", fd_above_limit, -EMFILE, "the hard limit of open files is" },
	{ "fd twice", fd_twice, -EBADMSG, "fd 0 stands twice" },
	{ "bad umask", bad_umask, -EBADMSG, "umask 01000" },
	{ "epoll empty", epoll_empty, -EBADMSG, "file id 2: epoll instance without its fields" },
	{ "epoll range", epoll_range, -EBADMSG, "watches fd 1073741824: out of range" },
	{ "epoll directory", epoll_directory, -EPERM, "pid 12, fd 4: epoll: watch fd 0 for" },
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
	{ "type needed", type_needed, -ENOTSUP, "(pid 12, fd 4) is of type NETLINKSK: not sup" },
	{ "type unused", type_unused, 0, "" },
	{ "ghost missing", ghost_missing, -ENOENT, "ghost-file-7.img" },
	{ "remap unknown", remap_unknown, -EBADMSG, "file id 9 is not in files.img" },
	{ "remap kind", remap_kind, -EBADMSG, "file id 1: unknown kind 9" },
	{ "remap pipe", remap_pipe, -EBADMSG, "file id 2 is no file with a path" },
	{ "link unknown", link_unknown, -EBADMSG, "as file id 7, which is not in files.img" },
	{ "link gone", link_gone, -ENOENT, "/none/link_remap.2, which the dump has made" },
	{ "dead pid elsewhere", dead_pid_elsewhere, -EBADMSG, "is no file of process 78" },
	{ "dead pid taken", dead_pid_taken, -EEXIST, "pid 1 is taken" },
	{ "ghost plain", ghost_plain, 0, "" },
	{ "ghost chunk far", ghost_chunk_far, -EBADMSG, "4096 bytes at 8192 are not in the file" },
	{ "ghost chunk overflow", ghost_chunk_overflow, -EBADMSG, "are not in the file" },
	{ "ghost chunk short", ghost_chunk_short, -EBADMSG, "ghost-file-7.img" },
	{ "ghost size", ghost_size, -EBADMSG, "size 18446744073709551615" },
	{ "ghost mode", ghost_mode, -EBADMSG, "mode 0600 is no kind of file" },
	{ "other mode", other_mode, -ESTALE, "/: mode is 0" },
	{ "other build", other_build, -ESTALE, "was 0100000002000000030000000400000005000000 at" },
	{ "huge build", huge_build, -EBADMSG, "build id of 200 words" },
	{ "pipe", use_pipe, 0, "" },
	{ "unix socket", use_unix, 0, "" },
	{ "unix type", unix_type, -EBADMSG, "unix socket of type 9" },
	{ "unix name", unix_name, -EBADMSG, "unix socket with a name of 200 bytes" },
	{ "unix peer", unix_peer, -EBADMSG, "its peer 12 is not in files.img" },
	{ "unix twice", unix_twice, -EBADMSG, "file ids 1 and 2 are one unix socket, 4711" },
	{ "unix name taken", unix_name_taken, -EEXIST, "/etc/passwd is no socket now" },
	{ "socket", use_inet, 0, "" },
	{ "socket fields", inet_no_fields, -EBADMSG, "IPv4 or IPv6 socket without its fields" },
	{ "socket inner id", inet_inner_id, -EBADMSG, "id 2 inside says 8" },
	{ "socket family", inet_family, -EBADMSG, "socket of family 16, want IPv4 or IPv6" },
	{ "socket type", inet_type, -EBADMSG, "socket of type 5, protocol 6" },
	{ "socket address", inet_address, -EBADMSG, "addresses of 1 and 1 words, want 4" },
	{ "socket port", inet_port, -EBADMSG, "ports 65536 and 0" },
	{ "socket state", inet_state, -EBADMSG, "socket in state 12" },
	{ "socket request", inet_request, -EBADMSG, "socket in state 3" },
	{ "UDP listens", inet_udp_listens, -EBADMSG, "socket of protocol 17 that listens" },
	{ "TCP with one end", inet_one_end, -EBADMSG, "TCP connection without its other end" },
	{ "ICMP filter", inet_filter, -EBADMSG, "ICMP filter of 9 words, want 1" },
	{ "socket options", inet_options, -EBADMSG, "socket buffers of 2147483648" },
	{ "TCP not asked for", tcp_not_asked, -EINVAL, "use --tcp-established to keep it" },
	{ "TCP without stream", tcp_no_stream, -ENOENT, "tcp-stream-4711.img" },
	{ "TCP queue short", tcp_queue_short, -EBADMSG, "tcp-stream-4711.img" },
	{ "TCP queue huge", tcp_queue_huge, -EBADMSG, "tcp-stream-4711.img" },
	{ "TCP unsent", tcp_unsent, -EBADMSG, "1 bytes of 0 in the send queue not sent" },
	{ "TCP no unsent", tcp_no_unsent, -EBADMSG, "tcp-stream-4711.img: no unsq_len" },
	{ "TCP no scale", tcp_no_scale, -EBADMSG, "no rcv_wscale" },
	{ "TCP no timestamp", tcp_no_timestamp, -EBADMSG, "no timestamp" },
	{ "pipe payload missing", pipe_payload_missing, -EBADMSG, "pipes-data.img" },
	{ "pipe payload huge", pipe_payload_huge, -EBADMSG, "pipes-data.img" },
};

static void images_are_checked_before_anything_is_opened(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct set s;
		set_init(&s);
		cases[i].change(&s);
		int rc = set_try(&s);
		if (rc != cases[i].code || (rc < 0 && !strstr(s.err.text, cases[i].words)))
			fail_msg("%s: want %d \"%s\", got %d: %s", cases[i].name, cases[i].code,
				 cases[i].words, rc, s.err.text);
	}
}

/* Real sets: everything they hold is understood or named, nothing else. */
static void corpus_is_loaded(void **state)
{
	(void)state;
	static const char *const sets[] = { "a1", "a1n", "a2",  "a3",  "a4",
					    "a5", "a9",  "a11", "a13", "a17" };
	const char *corpus = getenv("CORPUS") ? getenv("CORPUS") : "../shared/corpus";
	if (access(corpus, R_OK) < 0) {
		print_message("no corpus at %s\n", corpus);
		skip();
	}
	for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
		char path[4096];
		struct error err = { 0 };
		struct options opts = { 0 };
		struct restore r = { .opts = &opts };
		snprintf(path, sizeof(path), "%s/%s", corpus, sets[i]);
		assert_int_equal(source_open(path, &r.images, &err), 0);
		int rc = files_load(&r, &err);
		/* no tasks are loaded here, so locks have no owner */
		if (rc < 0 && !strstr(err.text, "not supported yet") &&
		    !strstr(err.text, "filelocks.img: pid 4101 has no fd 25"))
			fail_msg("%s: %s", sets[i], err.text);
		assert_true(r.files->nr_items >= 3);
		file_set_free(r.files);
		source_close(r.images);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(images_are_checked_before_anything_is_opened),
		cmocka_unit_test(corpus_is_loaded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
