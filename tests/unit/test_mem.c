/* SPDX-License-Identifier: MIT
 * Memory of a real stopped child into images, and from there into this process.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/page.h"
#include "engine/files/file.h"
#include "engine/files/io-uring.h"
#include "engine/mem/mem.h"
#include "engine/mem/pagemap.h"
#include "engine/mem/pages.h"
#include "engine/mem/shmem.h"
#include "engine/mem/uapi.h"
#include "engine/net/packet.h"
#include "engine/ns/nested.h"
#include "engine/pie/restore-shared.h"
#include "engine/tree/birth-plan.h"
#include "images/writer.h"
#include "memory.pb-c.h"

static int data_fd = -1; /* the one mapped file of these tests */

/* The engine's files are not what is tested here: every mapped file is data_fd. */
int files_dump_mapped(struct dump *d, struct task *t, const struct vma *vma, uint32_t *id,
		      struct error *err)
{
	(void)d, (void)t, (void)vma, (void)err;
	*id = 1;
	return 0;
}
int files_dump_exe(struct dump *d, struct task *t, uint32_t *id, struct error *err)
{
	return files_dump_mapped(d, t, NULL, id, err);
}
bool memfd_is_held(const struct dump *d, dev_t dev, ino_t ino)
{
	(void)d, (void)dev, (void)ino;
	return false;
}
uint32_t packet_mapped_id(const struct dump *d, uint32_t ino)
{
	(void)d, (void)ino;
	return 0;
}
bool files_is_unmovable(const struct restore *r, uint32_t id)
{
	(void)r;
	(void)id;
	return false;
}

bool io_uring_is_mapped(const struct vma *v)
{
	(void)v;
	return false;
}

int io_uring_mapped_id(const struct dump *d, dev_t dev, ino_t ino, uint32_t *id)
{
	(void)d;
	(void)dev;
	(void)ino;
	(void)id;
	return -ENOENT;
}

int files_get(struct restore *r, uint32_t id, struct error *err)
{
	(void)r, (void)id, (void)err;
	return data_fd;
}
int files_get_mapped(struct restore *r, uint32_t id, uint32_t flags, struct error *err)
{
	(void)r, (void)id, (void)flags, (void)err;
	return data_fd;
}

int files_keep(struct restore *r, int fd, struct error *err)
{
	(void)r, (void)err;
	return fd;
}

/* Nor are namespaces: all is in that of the test. */
int ns_visit_fd(int fd, enum ns_kind kind, struct ns_visit *visit, struct error *err)
{
	(void)fd, (void)kind, (void)err;
	*visit = (struct ns_visit){ .back = -1 };
	return 0;
}
int ns_visit_if(int fd, enum ns_kind kind, struct ns_visit *visit, struct error *err)
{
	return ns_visit_fd(fd, kind, visit, err);
}
int ns_visit_seen(const struct ns_seen *ns, struct ns_visit *visit, struct error *err)
{
	return ns_visit_fd(ns->fd, ns->kind, visit, err);
}
int ns_visit_end(struct ns_visit *visit, struct error *err)
{
	(void)visit, (void)err;
	return 0;
}
bool ns_has_nested(const struct restore *r)
{
	(void)r;
	return false;
}
bool ns_nested_next(const struct restore *r, enum ns_kind kind, size_t *at, uint32_t *id)
{
	(void)r, (void)kind, (void)at, (void)id;
	return false;
}
int ns_nested_fd(const struct restore *r, enum ns_kind kind, uint32_t id)
{
	(void)r, (void)kind, (void)id;
	return -1;
}

static const struct options no_options;

struct child {
	pid_t pid;
	struct task task;
	char *dir;
	struct dump dump;
};

static uint8_t *map(size_t pages, int prot, int flags)
{
	uint8_t *p = mmap(NULL, pages * PAGE, prot, MAP_ANONYMOUS | flags, -1, 0);
	if (p == MAP_FAILED)
		_exit(3);
	return p;
}

/* The layout of the child, which it leaves in a page shared with the test. */
struct layout {
	uint8_t *holes, *none, *write_only, *shared, *file, *guard, *drop, *grow, *locked, *zero;
};

static void set_up(struct layout *at)
{
	at->holes = map(64, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	for (size_t i = 0; i < 64; i += 3)
		memset(at->holes + i * PAGE, (int)i + 1, PAGE);
	at->none = map(4, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	memset(at->none, 'n', 4 * PAGE);
	mprotect(at->none, 4 * PAGE, PROT_NONE);
	at->write_only = map(2, PROT_WRITE, MAP_PRIVATE);
	at->write_only[0] = 'w';
	at->shared = map(8, PROT_READ | PROT_WRITE, MAP_SHARED);
	at->shared[PAGE] = 's';
	at->file = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, data_fd, PAGE);
	at->file[2 * PAGE] = 'C';
	mprotect(at->file, 8 * PAGE, PROT_READ);
	at->guard = map(8, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	memset(at->guard, 'g', 8 * PAGE);
	madvise(at->guard + 2 * PAGE, 2 * PAGE, MADV_GUARD_INSTALL);
	at->drop =
	    mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_DROPPABLE, -1, 0);
	at->grow = map(8, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_GROWSDOWN);
	at->grow[7 * PAGE] = 'G';
	at->locked = map(4, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	at->locked[0] = 'L';
	mlock2(at->locked, 4 * PAGE, MLOCK_ONFAULT);
	at->zero = map(4, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	madvise(at->zero, 4 * PAGE, MADV_DONTFORK);
}

static struct layout *new_layout(void)
{
	return mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

static void child_freeze(struct child *c)
{
	char path[64];
	int status;

	assert_int_equal(ptrace(PTRACE_SEIZE, c->pid, 0, 0), 0);
	assert_int_equal(ptrace(PTRACE_INTERRUPT, c->pid, 0, 0), 0);
	assert_int_equal(waitpid(c->pid, &status, __WALL), c->pid);
	snprintf(path, sizeof(path), "/proc/%d", c->pid);
	c->task.pid = c->task.vpid = c->pid;
	c->task.proc_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	c->task.mem_fd = openat(c->task.proc_fd, "mem", O_RDWR | O_CLOEXEC);
	assert_true(c->task.mem_fd >= 0);
	char dir[] = "/dev/shm/test-mem.XXXXXX";
	c->dir = strdup(mkdtemp(dir));
	c->dump.images_fd = open(c->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(c->dump.images_fd >= 0);
}

static void child_start(struct child *c, struct layout *at, void (*run)(struct layout *))
{
	int ready[2];
	char byte;

	*c = (struct child){ .dump.opts = &no_options };
	assert_int_equal(pipe(ready), 0);
	c->pid = fork();
	if (c->pid == 0) {
		run(at);
		if (write(ready[1], "", 1) != 1)
			_exit(4);
		for (;;)
			pause();
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	child_freeze(c);
}

static void child_end(struct child *c)
{
	char command[128];

	kill(c->pid, SIGKILL);
	waitpid(c->pid, NULL, __WALL);
	vma_list_fini(&c->task.vmas);
	shmem_table_free(c->dump.shmem);
	close(c->task.proc_fd);
	close(c->task.mem_fd);
	close(c->dump.images_fd);
	snprintf(command, sizeof(command), "rm -rf %s", c->dir);
	assert_int_equal(system(command), 0);
	free(c->dir);
}

static void child_dump(struct child *c)
{
	struct error err = { 0 };
	struct mem_run_list pages = { 0 };

	if (mem_read(&c->task, &err) < 0 || mem_collect(&c->dump, &c->task, &err) < 0 ||
	    mem_dump_task(&c->dump, &c->task, &pages, &err) < 0 ||
	    pages_dump_task(&c->dump, &c->task, &pages, &err) < 0 ||
	    mem_dump_shared(&c->dump, &err) < 0)
		fail_msg("%s", err.text);
	free(pages.items);
}

static void load(struct child *c, struct restore *r, struct rtask *t)
{
	struct error err = { 0 };

	if (source_open_dirfd(c->dump.images_fd, "test", &r->images, &err) < 0 ||
	    mem_load(r, t, &err) < 0)
		fail_msg("%s", err.text);
}

static void unload(struct restore *r, struct rtask *t)
{
	free(r->kernel_maps);
	r->kernel_maps = NULL;
	munmap((void *)t->premap.start, t->premap.end - t->premap.start);
	for (size_t i = 0; i < t->vmas.nr; i++)
		if (t->vmas.items[i].premapped == t->vmas.items[i].start)
			munmap((void *)t->vmas.items[i].start, vma_len(&t->vmas.items[i]));
	free(t->runs);
	vma_list_fini(&t->vmas);
	mm_entry__free_unpacked(t->mm, NULL);
	shmem_set_free(r->shmem);
	free(r->busy.items);
	free(r->own.items);
	source_close(r->images);
}

static const uint8_t *waiting(const struct rtask *t, const void *addr)
{
	const struct vma *v = vma_list_find(&t->vmas, (uintptr_t)addr);

	assert_non_null(v);
	assert_int_not_equal(v->premapped, 0);
	return (const uint8_t *)(v->premapped + ((uintptr_t)addr - v->start));
}

static void check_bytes(const struct rtask *t, const uint8_t *addr, size_t pages, int value)
{
	uint8_t want[PAGE], got[PAGE];
	int mem = open("/proc/self/mem", O_RDONLY);

	memset(want, value, PAGE);
	for (size_t i = 0; i < pages; i++) {
		assert_int_equal(pread(mem, got, PAGE, (off_t)waiting(t, addr + i * PAGE)), PAGE);
		assert_memory_equal(got, want, PAGE);
	}
	close(mem);
}

static uint32_t flags_of(const struct rtask *t, const void *addr)
{
	const struct vma *v = vma_list_find(&t->vmas, (uintptr_t)addr);

	assert_non_null(v);
	return v->flags;
}

static void memory_round_trip(void **state)
{
	(void)state;
	struct layout *at = new_layout();
	struct child c;
	child_start(&c, at, set_up);
	child_dump(&c);

	struct rtask t = { .pid = c.pid };
	struct rtask *tasks[] = { &t };
	struct restore_shared shared = { 0 };
	struct birth_plan plan = { .nr = 1 };
	struct restore r = { .plan = &plan,
			     .tasks = tasks,
			     .nr_tasks = 1,
			     .shared = &shared,
			     .user_end = mem_user_end() };
	struct error err = { 0 };
	load(&c, &r, &t);
	if (mem_prepare_shared(&r, &err) < 0 || mem_premap(&r, &t, &err) < 0)
		fail_msg("%s", err.text);

	assert_int_not_equal(shared.pages_restored, 0);
	assert_int_equal(shared.pages_compared, 0);
	for (size_t i = 0; i < 64; i++)
		check_bytes(&t, at->holes + i * PAGE, 1, i % 3 ? 0 : (int)i + 1);
	check_bytes(&t, at->none, 4, 'n');
	assert_int_equal(vma_list_find(&t.vmas, (uintptr_t)at->none)->prot, PROT_NONE);
	assert_int_equal(waiting(&t, at->shared)[PAGE], 's');
	assert_int_equal(waiting(&t, at->shared)[0], 0);
	assert_int_equal(waiting(&t, at->file)[0], 'b');
	assert_int_equal(waiting(&t, at->file)[2 * PAGE], 'C');
	assert_int_equal(waiting(&t, at->file)[2 * PAGE + 1], 'd');
	check_bytes(&t, at->guard, 2, 'g');
	check_bytes(&t, at->guard + 4 * PAGE, 4, 'g');
	assert_int_equal(t.vmas.guards.nr, 1);
	assert_int_equal(t.vmas.guards.items[0].start, (uintptr_t)at->guard + 2 * PAGE);
	assert_true(flags_of(&t, at->grow + 7 * PAGE) & MAP_GROWSDOWN);
	assert_int_equal(waiting(&t, at->grow + 7 * PAGE)[0], 'G');
	if (at->drop != MAP_FAILED)
		assert_true(flags_of(&t, at->drop) & MAP_DROPPABLE);
	assert_true(flags_of(&t, at->locked) & MAP_LOCKED);
	assert_true(vma_list_find(&t.vmas, (uintptr_t)at->locked)->status & VMA_LOCK_ONFAULT);
	assert_int_equal(vma_list_find(&t.vmas, (uintptr_t)at->zero)->madv, 1 << MADV_DONTFORK);

	unload(&r, &t);
	child_end(&c);
	munmap(at, PAGE);
}

/* Is the page at `addr` of this process mapped by someone else, too? By its frame. */
static uint64_t frame_of(pid_t pid, const void *addr)
{
	char path[64];
	uint64_t word = 0;

	snprintf(path, sizeof(path), "/proc/%d/pagemap", pid);
	int fd = open(path, O_RDONLY);
	assert_int_equal(pread(fd, &word, 8, (uintptr_t)addr / PAGE * 8), 8);
	close(fd);
	return word & ((1ull << 55) - 1);
}

static uint8_t *cow_area;

static void set_up_cow(struct layout *at)
{
	cow_area = at->holes = map(64, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	for (size_t i = 0; i < 64; i++)
		memset(cow_area + i * PAGE, (int)i + 1, PAGE);
}

static void change_cow(struct layout *at)
{
	cow_area = at->holes;
	cow_area[5 * PAGE] = 'x';
	madvise(cow_area + 9 * PAGE, PAGE, MADV_DONTNEED);
	mprotect(cow_area + 32 * PAGE, 8 * PAGE, PROT_READ);
}

static void fork_and_change(struct layout *at)
{
	set_up_cow(at);
	if (fork() == 0) {
		change_cow(at);
		at->none = (uint8_t *)(uintptr_t)getpid();
		for (;;)
			pause();
	}
	while (!*(uint8_t *volatile *)&at->none)
		usleep(1000);
}

/* In a forked process, as a restored child: every page but the changed ones is the parent's. */
static int check_child(struct restore *r, struct rtask *t, const struct layout *at)
{
	struct error err = { 0 };
	const struct rtask *parent = t->parent;
	uint64_t frames[64];

	for (size_t i = 0; i < 64; i++)
		frames[i] = frame_of(getpid(), waiting(parent, at->holes + i * PAGE));
	if (mem_premap(r, t, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		return 10;
	}
	for (size_t i = 0; i < 64; i++) {
		const uint8_t *p = waiting(t, at->holes + i * PAGE);
		bool same = frame_of(getpid(), p) == frames[i];
		if (same != (i != 5 && i != 9))
			return 20 + (int)i;
		if (*p != (i == 5 ? 'x' : i == 9 ? 0 : i + 1))
			return 100 + (int)i;
	}
	return 0;
}

static void pages_equal_to_the_parents_stay_shared(void **state)
{
	(void)state;
	struct layout *at = new_layout();
	struct child c, k = { .dump.opts = &no_options };
	child_start(&c, at, fork_and_change);
	child_dump(&c);
	k.pid = (pid_t)(uintptr_t)at->none;
	/* The grandchild is not our child: seize it, and let its images join the parent's. */
	child_freeze(&k);
	close(k.dump.images_fd);
	k.dump.images_fd = dup(c.dump.images_fd);
	k.dump.last_pages_id = c.dump.last_pages_id;
	child_dump(&k);

	struct rtask parent = { .pid = c.pid };
	struct rtask t = { .pid = k.pid, .parent = &parent, .memory_of = &parent };
	struct rtask *tasks[] = { &parent, &t };
	struct restore_shared *shared =
	    mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct birth_plan plan = { .nr = 2 };
	struct restore r = { .plan = &plan,
			     .tasks = tasks,
			     .nr_tasks = 2,
			     .shared = shared,
			     .user_end = mem_user_end() };
	struct error err = { 0 };
	load(&c, &r, &parent);
	assert_int_equal(mem_load(&r, &t, &err), 0);
	if (mem_prepare_shared(&r, &err) < 0 || mem_premap(&r, &parent, &err) < 0)
		fail_msg("%s", err.text);
	pid_t pid = fork();
	if (pid == 0)
		_exit(check_child(&r, &t, at));
	int status;
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
	assert_true(shared->pages_compared >= 63);
	assert_true(shared->pages_skipped_cow >= 62);
	assert_true(shared->pages_skipped_cow < shared->pages_compared);

	munmap(shared, PAGE);
	vma_list_fini(&t.vmas);
	mm_entry__free_unpacked(t.mm, NULL);
	unload(&r, &parent);
	child_end(&k);
	child_end(&c);
	munmap(at, PAGE);
}

static void set_up_userfault(struct layout *at)
{
	struct uffdio_api api = { .api = UFFD_API };
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);

	at->file = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct uffdio_register reg = { .range = { (uintptr_t)at->file, PAGE },
				       .mode = UFFDIO_REGISTER_MODE_MISSING };
	if (fd < 0 || ioctl(fd, UFFDIO_API, &api) < 0 || ioctl(fd, UFFDIO_REGISTER, &reg) < 0)
		_exit(3);
}

static void what_cannot_be_carried_is_refused_by_name(void **state)
{
	(void)state;
	struct layout *at = new_layout();
	struct child c;
	struct error err = { 0 };
	char want[128];
	child_start(&c, at, set_up_userfault);

	assert_int_equal(mem_read(&c.task, &err), 0);
	assert_int_equal(mem_collect(&c.dump, &c.task, &err), -EINVAL);
	snprintf(want, sizeof(want), "pid %d (): mapping %#lx", c.pid, (unsigned long)at->file);
	assert_non_null(strstr(err.text, want));
	assert_non_null(strstr(err.text, "userfaultfd"));

	child_end(&c);
	munmap(at, PAGE);
}

/* A good mapping, and what turns it into one that must be refused. */
struct bad_vma {
	const char *text;
	uint64_t start, end, pgoff, madv;
	uint32_t prot, flags, status;
	int rc;
};

#define GOOD_FLAGS  (MAP_PRIVATE | MAP_ANONYMOUS)
#define GOOD_STATUS (VMA_AREA_REGULAR | VMA_ANON_PRIVATE)

static const struct bad_vma bad_vmas[] = {
	{ "empty", 0x1000, 0x1000, 0, 0, 0, GOOD_FLAGS, GOOD_STATUS, -EBADMSG },
	{ "upside down", 0x3000, 0x1000, 0, 0, 0, GOOD_FLAGS, GOOD_STATUS, -EBADMSG },
	{ "aligned", 0x1001, 0x2000, 0, 0, 0, GOOD_FLAGS, GOOD_STATUS, -EBADMSG },
	{ "(la57)", 0x1000, 1ull << 47, 0, 0, 0, GOOD_FLAGS, GOOD_STATUS, -ENOTSUP },
	{ "(la57)", 1ull << 55, (1ull << 56) - PAGE, 0, 0, 0, GOOD_FLAGS, GOOD_STATUS, -ENOTSUP },
	{ "outside", 0x1000, 1ull << 56, 0, 0, 0, GOOD_FLAGS, GOOD_STATUS, -EBADMSG },
	{ "outside", 0x1000, UINT64_MAX - 0xfff, 0, 0, 0, GOOD_FLAGS, GOOD_STATUS, -EBADMSG },
	{ "offset", 0x1000, 0x2000, UINT64_MAX - 0xfff, 0, 0, GOOD_FLAGS, GOOD_STATUS, -EBADMSG },
	{ "offset", 0x1000, 0x2000, 1, 0, 0, GOOD_FLAGS, GOOD_STATUS, -EBADMSG },
	{ "protection", 0x1000, 0x2000, 0, 0, 8, GOOD_FLAGS, GOOD_STATUS, -EBADMSG },
	{ "advice", 0x1000, 0x2000, 0, 1 << 4, 0, GOOD_FLAGS, GOOD_STATUS, -EBADMSG },
	{ "unknown flags", 0x1000, 0x2000, 0, 0, 0, GOOD_FLAGS | MAP_FIXED, GOOD_STATUS, -EBADMSG },
	{ "odd flags", 0x1000, 0x2000, 0, 0, 0, MAP_SHARED | MAP_ANONYMOUS, GOOD_STATUS, -EBADMSG },
	{ "odd flags", 0x1000, 0x2000, 0, 0, 0, GOOD_FLAGS, VMA_FILE_PRIVATE, -EBADMSG },
	{ "no kind", 0x1000, 0x2000, 0, 0, 0, GOOD_FLAGS, VMA_AREA_REGULAR, -EBADMSG },
	{ "several", 0x1000, 0x2000, 0, 0, 0, GOOD_FLAGS, GOOD_STATUS | VMA_FILE_SHARED, -EBADMSG },
	{ "guard region", 0x1000, 0x2000, 0, 0, 0, 0, VMA_AREA_GUARD, -EBADMSG },
	{ "its huge pages", 0x1000, 0x2000, 0, 0, 0, GOOD_FLAGS | MAP_HUGETLB, GOOD_STATUS,
	  -EBADMSG },
	{ "its huge pages", 2 << 20, 4 << 20, 0, 0, 0, GOOD_FLAGS | MAP_HUGETLB | 30 << 26,
	  GOOD_STATUS, -EBADMSG },
	{ "odd flags", 0x1000, 0x2000, 0, 0, 0, GOOD_FLAGS, GOOD_STATUS | VMA_AREA_SYSVIPC,
	  -EBADMSG },
	{ "odd flags", 0x1000, 0x2000, 0, 0, 0, GOOD_FLAGS, VMA_AREA_AIORING, -EBADMSG },
	{ "1 rings of asynchronous I/O", 0x1000, 0x2000, 0, 0, 0, MAP_SHARED, VMA_AREA_AIORING,
	  -EBADMSG },
	{ "order", 0x8000, 0x9000, 0, 0, 0, GOOD_FLAGS, GOOD_STATUS, -EBADMSG },
};

static void load_bad(int dirfd, const struct bad_vma *bad)
{
	MmEntry mm = MM_ENTRY__INIT;
	VmaEntry a = VMA_ENTRY__INIT, b = VMA_ENTRY__INIT, *list[] = { &a, &b };
	a.start = 0x8000;
	a.end = 0xa000;
	a.flags = GOOD_FLAGS;
	a.status = GOOD_STATUS;
	b.start = bad->start;
	b.end = bad->end;
	b.pgoff = bad->pgoff;
	b.prot = bad->prot;
	b.flags = bad->flags;
	b.status = bad->status;
	b.has_madv = bad->madv != 0;
	b.madv = bad->madv;
	mm.vmas = list;
	mm.n_vmas = 2;
	if (bad->start < 0x8000 && !(bad->status & VMA_AREA_GUARD)) {
		list[0] = &b;
		list[1] = &a;
	}
	struct rtask t = { .pid = 5 };
	struct restore r = { .user_end = (1ull << 47) - PAGE };
	struct error err = { 0 };
	assert_int_equal(image_write_one(dirfd, IMG_MM, 5, &mm.base, &err), 0);
	assert_int_equal(source_open_dirfd(dirfd, "test", &r.images, &err), 0);
	assert_int_equal(mem_load(&r, &t, &err), bad->rc);
	if (!strstr(err.text, bad->text) || !strstr(err.text, "mm-5.img"))
		fail_msg("\"%s\" does not name \"%s\"", err.text, bad->text);
	vma_list_fini(&t.vmas);
	mm_entry__free_unpacked(t.mm, NULL);
	shmem_set_free(r.shmem);
	source_close(r.images);
}

static void mem_load_refuses_hostile_mappings(void **state)
{
	(void)state;
	char dir[] = "/dev/shm/test-mem.XXXXXX", command[128];
	int fd = open(mkdtemp(dir), O_RDONLY | O_DIRECTORY);
	assert_true(fd >= 0);
	for (size_t i = 0; i < sizeof(bad_vmas) / sizeof(*bad_vmas); i++)
		load_bad(fd, &bad_vmas[i]);
	close(fd);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	assert_int_equal(system(command), 0);
}

static int open_data(void **state)
{
	char name[] = "/dev/shm/test-mem-data.XXXXXX", page[PAGE];

	(void)state;
	data_fd = mkstemp(name);
	unlink(name);
	for (int i = 0; i < 16; i++) {
		memset(page, 'a' + i, PAGE);
		if (write(data_fd, page, PAGE) != (ssize_t)PAGE)
			return -1;
	}
	return ftruncate(data_fd, 64 << 20); /* every program and library fits */
}

static void addresses_of_57_bits_load_where_they_are(void **state)
{
	(void)state;
	char dir[] = "/dev/shm/test-mem.XXXXXX", command[128];
	int fd = open(mkdtemp(dir), O_RDONLY | O_DIRECTORY);
	MmEntry mm = MM_ENTRY__INIT;
	VmaEntry v = VMA_ENTRY__INIT, *list[] = { &v };
	v.start = 1ull << 55;
	v.end = (1ull << 56) - PAGE;
	v.flags = GOOD_FLAGS;
	v.status = GOOD_STATUS;
	v.has_sealed = v.sealed = true;
	mm.vmas = list;
	mm.n_vmas = 1;
	struct rtask t = { .pid = 5 };
	struct restore r = { .user_end = (1ull << 56) - PAGE };
	struct error err = { 0 };
	assert_true(fd >= 0);
	assert_int_equal(image_write_one(fd, IMG_MM, 5, &mm.base, &err), 0);
	assert_int_equal(source_open_dirfd(fd, "test", &r.images, &err), 0);
	assert_int_equal(mem_load(&r, &t, &err), 0);
	assert_int_equal(t.vmas.items[0].end, v.end);
	assert_int_equal(t.vmas.items[0].status, GOOD_STATUS | VMA_SEALED);
	vma_list_fini(&t.vmas);
	mm_entry__free_unpacked(t.mm, NULL);
	source_close(r.images);
	close(fd);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	assert_int_equal(system(command), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_round_trip),
		cmocka_unit_test(pages_equal_to_the_parents_stay_shared),
		cmocka_unit_test(what_cannot_be_carried_is_refused_by_name),
		cmocka_unit_test(mem_load_refuses_hostile_mappings),
		cmocka_unit_test(addresses_of_57_bits_load_where_they_are),
	};

	if (geteuid() != 0) {
		puts("1..0 # SKIP needs root for ptrace and map_files");
		return 77;
	}
	return cmocka_run_group_tests(tests, open_data, NULL);
}
