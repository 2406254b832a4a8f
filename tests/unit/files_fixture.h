/* SPDX-License-Identifier: MIT
 * A small set of images about files, of which each case changes what it is about.
 */
#pragma once

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
	PidfdEntry pidfd;
	NsFileEntry nsf;
	BpfmapFileEntry bpf;
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
	PacketSockEntry packet;
	NetlinkSkEntry netlink;
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
	pidfd_entry__init(&s->pidfd);
	ns_file_entry__init(&s->nsf);
	bpfmap_file_entry__init(&s->bpf);
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
	packet_sock_entry__init(&s->packet);
	netlink_sk_entry__init(&s->netlink);
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
	uint32_t tid = PID;
	struct rtask task = { .pid = PID, .state = TASK_ALIVE, .ids = &ids, .tids = &tid };
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

struct set_case {
	const char *name;
	void (*change)(struct set *s);
	int code;
	const char *words;
};

static void set_try_all(const struct set_case *cases, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		struct set s;
		set_init(&s);
		cases[i].change(&s);
		int rc = set_try(&s);
		if (rc != cases[i].code || (rc < 0 && !strstr(s.err.text, cases[i].words)))
			fail_msg("%s: want %d \"%s\", got %d: %s", cases[i].name, cases[i].code,
				 cases[i].words, rc, s.err.text);
	}
}
