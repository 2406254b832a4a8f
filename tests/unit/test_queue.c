/* SPDX-License-Identifier: MIT
 * Queues of unix sockets are looked at without leaving anything behind in who looks, nor anything
 * out.
 */
#include "tests/unit/image_fixture.h"

#include <dirent.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "engine/net/queue.h"
#include "engine/ns/user.h"
#include "sockets.pb-c.h"

#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76 /* Linux 6.5 */
#endif
#define MESSAGES 5
#define RIGHTS   30

static size_t nr_open(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t nr = 0;
	assert_non_null(dir);
	while (readdir(dir))
		nr++;
	closedir(dir);
	return nr;
}

/* A socket that is to be told of its peer gets a pidfd with each message, even when it only looks.
 */
static void queue_dump_closes_pidfds(void **state)
{
	const struct temp_dir *dir = *state;
	struct dump d = { .images_fd = open(dir->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) };
	struct error err = { 0 };
	struct image_writer *w = NULL;
	int on = 1, ends[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	if (setsockopt(ends[1], SOL_SOCKET, SO_PASSPIDFD, &on, sizeof(on)) < 0)
		skip();
	for (int i = 0; i < MESSAGES; i++)
		assert_int_equal(send(ends[0], "text", 4, 0), 4);
	const struct queue_source q = { .fd = ends[1], .id = 7, .what = "a socket" };
	size_t before = nr_open();
	int rc = queue_dump(&d, &q, &w, &err);
	if (rc < 0)
		print_error("%s\n", err.text);
	assert_int_equal(rc, 0);
	assert_non_null(w);
	assert_int_equal(image_finish(w, &err), 0);
	image_writer_close(w);
	assert_int_equal(nr_open(), before);
	close(ends[0]);
	close(ends[1]);
	close(d.images_fd);
}

/* Who sent a message is in the image as the tree sees it, as all ids are. */
static void queue_dump_turns_ids_inside(void **state)
{
	const struct temp_dir *dir = *state;
	struct user_maps maps = { 0 };
	struct dump d = { .images_fd = open(dir->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
			  .users = &maps };
	struct error err = { 0 };
	struct image_writer *w = NULL;
	auto_source src = NULL;
	auto_image_reader in = NULL;
	auto_message ProtobufCMessage *msg = NULL;
	int on = 1, ends[2];
	const struct id_extent user = { 7, getuid(), 1 }, group = { 8, getgid(), 1 };
	assert_int_equal(id_map_add(&maps.kinds[ID_USER], user, &err), 0);
	assert_int_equal(id_map_add(&maps.kinds[ID_GROUP], group, &err), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	assert_int_equal(setsockopt(ends[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)), 0);
	assert_int_equal(send(ends[0], "text", 4, 0), 4);
	const struct queue_source q = { .fd = ends[1], .id = 7, .what = "a socket" };
	assert_int_equal(queue_dump(&d, &q, &w, &err), 0);
	assert_int_equal(image_finish(w, &err), 0);
	image_writer_close(w);
	assert_int_equal(source_open(dir->path, &src, &err), 0);
	assert_int_equal(image_open_typed(src, IMG_SK_QUEUES, 0, &in, &err), 0);
	assert_int_equal(image_next(in, &msg, &err), 1);
	const SkPacketEntry *e = (const SkPacketEntry *)msg;
	assert_int_equal(e->uid, 7);
	assert_int_equal(e->gid, 8);
	free(maps.kinds[ID_USER].items);
	free(maps.kinds[ID_GROUP].items);
	close(ends[0]);
	close(ends[1]);
	close(d.images_fd);
}

static void send_rights(int sock)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(RIGHTS * sizeof(int))];
	} control = { { 0 } };
	char text[] = "text";
	struct iovec one = { text, 4 };
	struct msghdr msg = { .msg_iov = &one,
			      .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(RIGHTS * sizeof(int));
	for (size_t i = 0; i < RIGHTS; i++)
		memcpy(CMSG_DATA(c) + i * sizeof(int), &sock, sizeof(sock));
	assert_int_equal(sendmsg(sock, &msg, 0), 4);
}

/* The kernel hands out as many as there is room for, and says no more than that some are left. */
static void queue_dump_rejects_rights_beyond_the_limit(void **state)
{
	const struct temp_dir *dir = *state;
	struct dump d = { .images_fd = open(dir->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) };
	struct error err = { 0 };
	struct image_writer *w = NULL;
	struct rlimit before, few;
	int ends[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	send_rights(ends[0]);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = before;
	few.rlim_cur = (rlim_t)ends[1] + 10;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	const struct queue_source q = { .fd = ends[1], .id = 7, .what = "a socket" };
	int rc = queue_dump(&d, &q, &w, &err);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(rc, -EMFILE);
	assert_non_null(strstr(err.text, "ulimit -n"));
	assert_null(w);
	close(ends[0]);
	close(ends[1]);
	close(d.images_fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEMP_TEST(queue_dump_closes_pidfds),
		TEMP_TEST(queue_dump_turns_ids_inside),
		TEMP_TEST(queue_dump_rejects_rights_beyond_the_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
