/* SPDX-License-Identifier: MIT
 * Rings of io_uring: with completions nobody has taken, requests not submitted yet, counters far
 * along, without the array of indexes, shared with a child, not enabled yet, with idle workers.
 * live-modes: SS RR 2S
 * live-skip: [ "$(cat /proc/sys/kernel/io_uring_disabled || echo 0)" = 0 ]
 */
#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/live/live.h"

#define NO_SQARRAY (1u << 16)
#define ROUNDS     1000

struct ring {
	int fd;
	unsigned flags, *sq_head, *sq_tail, *cq_head, *cq_tail, *array, sq_mask, cq_mask, tail;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
};

/* As liburing does: the array is filled at once, the tail is its own until it is submitted. */
static int ring_new(struct ring *r, unsigned entries, unsigned cq_entries, unsigned flags)
{
	struct io_uring_params p = { .flags = flags | IORING_SETUP_CQSIZE,
				     .cq_entries = cq_entries };
	r->fd = (int)syscall(SYS_io_uring_setup, entries, &p);
	if (r->fd < 0)
		return -1;
	size_t len = p.cq_off.cqes + p.cq_entries * sizeof(*r->cqes);
	if (!(flags & NO_SQARRAY))
		len = p.sq_off.array + p.sq_entries * sizeof(unsigned);
	char *rings = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, r->fd,
			   IORING_OFF_SQ_RING);
	r->sqes = mmap(NULL, p.sq_entries * sizeof(*r->sqes), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_POPULATE, r->fd, IORING_OFF_SQES);
	live_must(rings != MAP_FAILED && r->sqes != MAP_FAILED);
	r->flags = flags;
	r->sq_head = (unsigned *)(rings + p.sq_off.head);
	r->sq_tail = (unsigned *)(rings + p.sq_off.tail);
	r->cq_head = (unsigned *)(rings + p.cq_off.head);
	r->cq_tail = (unsigned *)(rings + p.cq_off.tail);
	r->cqes = (struct io_uring_cqe *)(rings + p.cq_off.cqes);
	r->array = (unsigned *)(rings + p.sq_off.array);
	r->sq_mask = p.sq_entries - 1;
	r->cq_mask = p.cq_entries - 1;
	r->tail = 0;
	for (unsigned i = 0; !(flags & NO_SQARRAY) && i < p.sq_entries; i++)
		r->array[i] = i;
	return 0;
}

static struct io_uring_sqe *next(struct ring *r, int opcode, unsigned long data)
{
	live_check(r->tail - *r->sq_head <= r->sq_mask, "the ring is full: tail %u, head %u",
		   r->tail, *r->sq_head);
	struct io_uring_sqe *sqe = &r->sqes[r->tail++ & r->sq_mask];
	memset(sqe, 0, sizeof(*sqe));
	sqe->opcode = (unsigned char)opcode;
	sqe->user_data = data;
	return sqe;
}

static void submit(struct ring *r, unsigned want, unsigned wait)
{
	__atomic_store_n(r->sq_tail, r->tail, __ATOMIC_RELEASE);
	long n = syscall(SYS_io_uring_enter, r->fd, want, wait, wait ? IORING_ENTER_GETEVENTS : 0,
			 NULL, 0);
	live_check(n == want, "%ld of %u requests submitted: %s", n, want, strerror(errno));
}

static void expect(struct ring *r, unsigned long data, int result)
{
	unsigned head = *r->cq_head;
	live_check(head != __atomic_load_n(r->cq_tail, __ATOMIC_ACQUIRE), "no completion %lu",
		   data);
	const struct io_uring_cqe *c = &r->cqes[head & r->cq_mask];
	live_check(c->user_data == data && c->res == result, "completion %llu: %d, want %lu: %d",
		   c->user_data, c->res, data, result);
	__atomic_store_n(r->cq_head, head + 1, __ATOMIC_RELEASE);
}

static void nops(struct ring *r, unsigned long nr)
{
	for (unsigned long i = 0; i < nr; i++) {
		next(r, IORING_OP_NOP, i);
		submit(r, 1, 1);
		expect(r, i, 0);
	}
}

static void write_pipe(struct ring *r, int fd, const char *text, unsigned long data)
{
	struct io_uring_sqe *sqe = next(r, IORING_OP_WRITE, data);
	sqe->fd = fd;
	sqe->addr = (unsigned long)text;
	sqe->len = (unsigned)strlen(text);
	sqe->off = -1;
}

static void expect_text(int fd, const char *text)
{
	char buf[16] = "";
	live_check(read(fd, buf, sizeof(buf)) == (ssize_t)strlen(text) && !strcmp(buf, text),
		   "the pipe holds '%s', want '%s'", buf, text);
}

static void child(struct ring *r, int fd)
{
	live_say("child", "set up\n");
	live_wait();
	while (access(live_path("parent-is-done"), F_OK) < 0)
		live_sleep_ms(2);
	r->tail = *r->sq_tail; /* the parent went on */
	write_pipe(r, fd, "child", 77);
	submit(r, 1, 1);
	expect(r, 77, 5);
	_exit(0);
}

int main(void)
{
	struct ring waiting, bare, wide, later;
	int ends[2], status;
	live_must(pipe(ends) == 0);
	live_must(ring_new(&waiting, 8, 16, 0) == 0);
	int has_bare = ring_new(&bare, 16, 32, NO_SQARRAY) == 0; /* Linux 6.6 */
	live_must(ring_new(&wide, 256, 4096, 0) == 0);
	live_must(ring_new(&later, 4, 8, IORING_SETUP_R_DISABLED) == 0);
	live_must(madvise(later.sqes, 4096, MADV_DONTFORK) == 0);

	nops(&waiting, 5);
	for (unsigned long i = 100; i < 103; i++)
		next(&waiting, IORING_OP_NOP, i);
	submit(&waiting, 3, 3); /* completions nobody takes */
	write_pipe(&waiting, ends[1], "first", 200);
	write_pipe(&waiting, ends[1], "second", 201);
	if (has_bare)
		nops(&bare, ROUNDS + 3);
	nops(&wide, ROUNDS);
	next(&wide, IORING_OP_NOP, 7)->flags = IOSQE_ASYNC; /* a worker takes it, and lingers */
	submit(&wide, 1, 1);
	expect(&wide, 7, 0);
	pid_t pid = fork();
	live_must(pid >= 0);
	if (pid == 0)
		child(&waiting, ends[1]);
	while (access(live_path("child"), F_OK) < 0)
		live_sleep_ms(1);

	live_ready();

	submit(&waiting, 2, 2);
	for (unsigned long i = 100; i < 103; i++)
		expect(&waiting, i, 0);
	expect(&waiting, 200, 5);
	expect(&waiting, 201, 6);
	expect_text(ends[0], "firstsecond");
	nops(&waiting, 50);
	live_say("parent-is-done", "\n");
	live_must(waitpid(pid, &status, 0) == pid);
	live_check(status == 0, "the child ended with %#x", status);
	expect_text(ends[0], "child");
	if (has_bare)
		nops(&bare, 50);
	nops(&wide, 600);
	live_check(
	    syscall(SYS_io_uring_register, later.fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0) == 0,
	    "it was enabled already: %s", strerror(errno));
	nops(&later, 9);
	live_pass();
}
