/* SPDX-License-Identifier: MIT
 * Rings of io_uring: what their memory tells of them, what is refused, how counters are brought on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "engine/files/table.h"
#include "engine/files/types.h"
#include "engine/files/uring.h"

#define SQ          4u
#define CQ          8u
#define CQES        64u
#define PLAIN_ARRAY (CQES + CQ * 16)
#define WIDE_ARRAY  (2 * (CQES + CQ * 16))
#define ROOM        1024u

static const uint32_t offsets[URING_NR_WORDS] = { 0, 4, 16, 24, 36, 32, 8, 12, 20, 28, 44, CQES };

struct memory {
	uint32_t rings[ROOM / 4];
	uint8_t sqes[ROOM];
};

static struct uring_view view_of(const struct memory *m)
{
	return (
	    struct uring_view){ (const uint8_t *)m->rings, m->sqes, ROOM, ROOM, offsets, SQ, CQ };
}

static uint32_t shape(const struct memory *m)
{
	struct uring_view v = view_of(m);
	return uring_guess_shape(&v);
}

static void number_array(struct memory *m, uint32_t at)
{
	for (uint32_t i = 0; i < SQ; i++)
		m->rings[at / 4 + i] = i;
}

static void shape_is_told_by_the_array(void **state)
{
	(void)state;
	struct memory m = { 0 };
	assert_int_equal(shape(&m), IORING_SETUP_NO_SQARRAY);
	number_array(&m, PLAIN_ARRAY);
	assert_int_equal(shape(&m), 0);
	memset(&m, 0, sizeof(m));
	number_array(&m, WIDE_ARRAY);
	assert_int_equal(shape(&m), IORING_SETUP_CQE32);
}

static void shape_of_a_program_that_fills_the_array_itself(void **state)
{
	(void)state;
	struct memory m = { 0 };
	m.rings[0] = m.rings[1] = 5;
	m.sqes[0] = 1; /* always the same request */
	assert_int_equal(shape(&m), 0);
	m.sqes[64] = 1; /* one after the other */
	assert_int_equal(shape(&m), IORING_SETUP_NO_SQARRAY);
	m.rings[PLAIN_ARRAY / 4] = 3;
	assert_int_equal(shape(&m), 0);
}

static void shape_is_told_by_what_does_not_fit(void **state)
{
	(void)state;
	struct memory m = { 0 };
	number_array(&m, PLAIN_ARRAY);
	m.sqes[SQ * 64] = 1;
	assert_int_equal(shape(&m), IORING_SETUP_SQE128);
	memset(&m, 0, sizeof(m));
	m.rings[(PLAIN_ARRAY + SQ * 4) / 4] = 9;
	assert_int_equal(shape(&m), IORING_SETUP_CQE32 | IORING_SETUP_NO_SQARRAY);
}

static void under_way_is_what_has_not_ended(void **state)
{
	(void)state;
	struct memory m = { 0 };
	struct uring_view v = view_of(&m);
	assert_int_equal(uring_under_way(&v, 0), 0);
	m.rings[0] = 5; /* begun */
	m.rings[3] = 3; /* completed */
	assert_int_equal(uring_under_way(&v, 0), 2);
	m.rings[8] = 2; /* dropped */
	assert_int_equal(uring_under_way(&v, 0), 0);
	m.rings[CQES / 4 + 3] = IORING_CQE_F_MORE; /* completion 0 was not the last word */
	assert_int_equal(uring_under_way(&v, 0), 1);
	m.rings[3] = 20; /* more than are kept */
	assert_int_equal(uring_under_way(&v, 0), 3 - 19);
	m.rings[0] = UINT32_MAX;
	m.rings[8] = 0;
	m.rings[3] = 0xfffffffe;
	assert_int_equal(uring_under_way(&v, 0), 1 + 1);
}

static void advance_counts_as_far_as_told(void **state)
{
	static const uint32_t goals[][2] = { { 0, 0 }, { 5, 5 }, { 100, 3 }, { 7, 200 }, { 0, 9 } };
	static const uint32_t kinds[] = { 0, IORING_SETUP_NO_SQARRAY, IORING_SETUP_SQE128 };
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(goals) * ARRAY_SIZE(kinds); i++) {
		const uint32_t *goal = goals[i / ARRAY_SIZE(kinds)];
		struct error err = { 0 };
		struct uring u;
		int rc = uring_new(kinds[i % ARRAY_SIZE(kinds)], SQ, CQ, &u, &err);
		if (rc == -EINVAL || rc == -ENOSYS || rc == -EPERM)
			continue; /* this kernel has no such rings */
		if (rc < 0 || uring_advance(&u, goal[0], goal[1], &err) < 0)
			fail_msg("%s", err.text);
		struct uring_view v = { .rings = u.rings, .offsets = u.offsets };
		assert_int_equal(uring_value(&v, URING_SQ_HEAD), goal[0]);
		assert_int_equal(uring_value(&v, URING_CQ_TAIL), goal[1]);
		uring_close(&u);
	}
}

/* What is refused: how a ring gets that way, and the words. */
static struct io_uring_sqe *request(struct uring *u, int opcode)
{
	struct io_uring_sqe *sqe = (struct io_uring_sqe *)u->sqes;
	memset(sqe, 0, sizeof(*sqe));
	sqe->opcode = (uint8_t)opcode;
	return sqe;
}
static bool submit(struct uring *u)
{
	*(uint32_t *)(u->rings + u->offsets[URING_SQ_TAIL]) += 1;
	return syscall(SYS_io_uring_enter, u->fd, 1, 0, 0, NULL, 0) == 1;
}
static bool eventfd_ring(struct uring *u)
{
	int fd = eventfd(0, EFD_CLOEXEC);
	return uring_register(u->fd, IORING_REGISTER_EVENTFD, &fd, 1) == 0;
}
static bool files_ring(struct uring *u)
{
	int fds[] = { 0 };
	return uring_register(u->fd, IORING_REGISTER_FILES, fds, 1) == 0;
}
static bool buffers_ring(struct uring *u)
{
	static char page[4096];
	struct iovec v = { page, sizeof(page) };
	return uring_register(u->fd, IORING_REGISTER_BUFFERS, &v, 1) == 0;
}
static bool poll_ring(struct uring *u)
{
	static int ends[2];
	struct io_uring_sqe *sqe = request(u, IORING_OP_POLL_ADD);
	if (pipe2(ends, O_CLOEXEC) < 0)
		return false;
	sqe->fd = ends[0];
	sqe->poll32_events = 1;
	return submit(u);
}
static bool timeout_ring(struct uring *u)
{
	static struct __kernel_timespec hour = { .tv_sec = 3600 };
	struct io_uring_sqe *sqe = request(u, IORING_OP_TIMEOUT);
	sqe->addr = (uintptr_t)&hour;
	sqe->len = 1;
	return submit(u);
}
static bool provided_ring(struct uring *u)
{
	static char page[4096];
	struct io_uring_sqe *sqe = request(u, IORING_OP_PROVIDE_BUFFERS);
	sqe->addr = (uintptr_t)page;
	sqe->len = sizeof(page);
	sqe->fd = 1;
	sqe->buf_group = 777;
	return submit(u);
}
static bool restricted_ring(struct uring *u)
{
	struct io_uring_restriction only[] = {
		{ .opcode = IORING_RESTRICTION_REGISTER_OP,
		  .register_op = IORING_REGISTER_ENABLE_RINGS },
		{ .opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_NOP },
	};
	return uring_register(u->fd, IORING_REGISTER_RESTRICTIONS, only, 2) == 0;
}
static bool as_is(struct uring *u)
{
	(void)u;
	return true;
}

static const struct refusal {
	uint32_t flags;
	bool (*prepare)(struct uring *u);
	const char *wanted; /* NULL: not refused */
	bool passes;        /* by itself, once the tree runs */
} refusals[] = {
	{ 0, as_is, NULL },
	{ IORING_SETUP_R_DISABLED, as_is, NULL },
	{ 0, eventfd_ring, "has a registered eventfd" },
	{ 0, files_ring, "has registered files" },
	{ 0, buffers_ring, "has registered buffers" },
	{ 0, poll_ring, "has requests under way (waiting for files" },
	{ 0, timeout_ring, "has 1 requests under way", .passes = true },
	{ 0, provided_ring, "has groups of provided buffers" },
	{ IORING_SETUP_R_DISABLED, restricted_ring, "has restrictions" },
	{ IORING_SETUP_SQPOLL, as_is, "a thread of the kernel polls" },
};

static int try_dump(int fd, struct error *err)
{
	struct task self = { .pid = getpid(), .vpid = getpid() };
	struct dump d = { 0 };
	struct open_file f = { .fd = fd, .task = &self, .task_fd = fd, .flags = O_RDWR };
	FileEntry *e = malloc(sizeof(*e));
	file_entry__init(e);
	self.proc_fd = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(file_table_new(&d, err), 0);
	snprintf(f.path, sizeof(f.path), "anon_inode:[io_uring]");
	assert_true(file_io_uring.match(&f));
	int rc = file_io_uring.dump(&d, &f, e, err);
	file_entry__free_unpacked(e, NULL);
	files_dump_free(d.files);
	close(self.proc_fd);
	return rc;
}

static void what_is_not_carried_is_refused_by_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		const struct refusal *r = &refusals[i];
		struct error err = { 0 };
		struct uring u;
		if (uring_new(r->flags, SQ, CQ, &u, &err) < 0)
			continue;
		if (r->prepare(&u)) {
			int rc = try_dump(u.fd, &err);
			int code = r->passes ? -EBUSY : -ENOTSUP;
			if (rc != (r->wanted ? code : 0) ||
			    (r->wanted && !strstr(err.text, r->wanted)))
				fail_msg("want \"%s\", got %d: %s", r->wanted ? r->wanted : "", rc,
					 err.text);
		}
		uring_close(&u);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shape_is_told_by_the_array),
		cmocka_unit_test(shape_of_a_program_that_fills_the_array_itself),
		cmocka_unit_test(shape_is_told_by_what_does_not_fit),
		cmocka_unit_test(under_way_is_what_has_not_ended),
		cmocka_unit_test(advance_counts_as_far_as_told),
		cmocka_unit_test(what_is_not_carried_is_refused_by_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
