/* SPDX-License-Identifier: MIT
 * Descriptors of a real child: dumped, loaded, installed in another child, which checks them; and
 * every kind that is refused, by name.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/array.h"
#include "base/build-id.h"
#include "base/cleanup.h"
#include "engine/files/set.h"
#include "engine/files/table.h"
#include "engine/ns/ns.h"
#include "images/reader.h"

#define LARGEFILE 0100000

static char dir[64]; /* scratch, made anew for every test */

static int scratch_new(void **state)
{
	(void)state;
	strcpy(dir, "/dev/shm/test-files.XXXXXX");
	if (!mkdtemp(dir))
		strcpy(dir, "/tmp/test-files.XXXXXX");
	return access(dir, W_OK) == 0 || mkdtemp(dir) ? 0 : -1;
}

static int scratch_free(void **state)
{
	(void)state;
	char command[128];
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return system(command);
}

static const char *in_dir(const char *name)
{
	static char path[4][128];
	static unsigned int next;
	char *out = path[next++ % 4];
	snprintf(out, 128, "%s/%s", dir, name);
	return out;
}

/* A child that sets itself up and waits to be looked at; everything else is closed in it. */
static pid_t child_new(void (*setup)(void))
{
	int ready[2];
	assert_int_equal(pipe(ready), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		int done = fcntl(ready[1], F_DUPFD, 900);
		syscall(SYS_close_range, 0, 899, 0);
		setup();
		close(done);
		for (;;)
			pause();
	}
	close(ready[1]);
	char c;
	assert_int_equal(read(ready[0], &c, 1), 0);
	close(ready[0]);
	return pid;
}

struct fixture {
	struct options opts;
	struct dump dump;
	struct ns_table namespaces;
	struct task task;
	struct restore restore;
	struct rtask rtask, *tasks[1];
	TaskKobjIdsEntry ids;
	struct error err;
};

static void fixture_init(struct fixture *f, pid_t pid)
{
	char proc[32];
	memset(f, 0, sizeof(*f));
	snprintf(proc, sizeof(proc), "/proc/%d", pid);
	f->task.pid = f->task.vpid = pid;
	f->task.state = TASK_ALIVE;
	strcpy(f->task.stat.comm, "child");
	f->task.proc_fd = open(proc, O_PATH | O_DIRECTORY | O_CLOEXEC);
	f->task.pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	f->task.files_id = 7;
	f->task.status.umask = 027;
	assert_true(f->task.proc_fd >= 0 && f->task.pidfd >= 0);
	mkdir(in_dir("images"), 0700);
	f->dump.ns = &f->namespaces;
	f->dump.opts = f->restore.opts = &f->opts;
	f->dump.images_fd = open(in_dir("images"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void fixture_fini(struct fixture *f)
{
	kill(f->task.pid, SIGKILL);
	waitpid(f->task.pid, NULL, 0);
	files_dump_free(f->dump.files);
	file_set_free(f->restore.files);
	pool_fini(&f->restore.messages[0]);
	source_close(f->restore.images);
	close(f->task.proc_fd);
	close(f->task.pidfd);
	close(f->dump.images_fd);
}

static int fixture_dump(struct fixture *f)
{
	int rc = file_table_new(&f->dump, &f->err);
	if (rc == 0)
		rc = files_dump_task(&f->dump, &f->task, &f->err);
	return rc < 0 ? rc : files_dump_finish(&f->dump, &f->err);
}

static int fixture_load(struct fixture *f)
{
	task_kobj_ids_entry__init(&f->ids);
	f->ids.files_id = f->task.files_id;
	f->rtask.pid = f->task.pid;
	f->rtask.state = TASK_ALIVE;
	f->rtask.ids = &f->ids;
	f->tasks[0] = &f->rtask;
	f->restore.tasks = f->tasks;
	f->restore.nr_tasks = 1;
	int rc = source_open(in_dir("images"), &f->restore.images, &f->err);
	if (rc == 0)
		rc = files_load(&f->restore, &f->err);
	return rc < 0 ? rc : files_open_all(&f->restore, &f->err);
}

/* What is wrong in the restored child: a line number, 0 when all is well. */
#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition))                                                                  \
			return __LINE__;                                                           \
	} while (0)

static int restored_in_child(struct fixture *f, int (*verify)(void))
{
	int out[2];
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (pid == 0) {
		struct error err = { 0 };
		int result = -1, tell = files_keep(&f->restore, out[1], &err);
		if (tell < 0 || files_install(&f->restore, &f->rtask, &err) < 0)
			dprintf(tell < 0 ? out[1] : tell, "%s", err.text);
		else {
			unsigned int first, last;
			files_window(&f->restore, &first, &last);
			for (unsigned int fd = first; fd <= last; fd++)
				if (fd != (unsigned int)tell)
					close((int)fd);
			result = verify();
			if (result)
				dprintf(tell, "line %d", result);
		}
		_exit(result ? 1 : 0);
	}
	close(out[1]);
	char said[1100] = "";
	ssize_t n = read(out[0], said, sizeof(said) - 1);
	close(out[0]);
	int status = -1;
	waitpid(pid, &status, 0);
	if (n > 0)
		print_message("restored child: %s\n", said);
	return status;
}

static void round_trip(void (*setup)(void), int (*verify)(void))
{
	struct fixture f;
	fixture_init(&f, child_new(setup));
	int rc = fixture_dump(&f);
	kill(f.task.pid, SIGKILL); /* from here on pipes live in the images only */
	waitpid(f.task.pid, NULL, 0);
	if (rc < 0 || fixture_load(&f) < 0)
		fail_msg("%s", f.err.text);
	assert_int_equal(restored_in_child(&f, verify), 0);
	fixture_fini(&f);
}

static int flags_of(int fd)
{
	return fcntl(fd, F_GETFL);
}

static void regular_setup(void)
{
	int fd = open(in_dir("data"), O_RDWR | O_CREAT, 0640); /* 0 */
	if (write(fd, "0123456789", 10) != 10)
		_exit(1);
	lseek(fd, 4, SEEK_SET);
	dup(fd);                                                  /* 1: shares the offset */
	open(in_dir("log"), O_WRONLY | O_APPEND | O_CREAT, 0600); /* 2 */
	open(in_dir("data"), O_RDONLY | O_CLOEXEC);               /* 3: its own offset */
	open(dir, O_RDONLY | O_DIRECTORY);                        /* 4 */
	open(in_dir("data"), O_PATH);                             /* 5 */
	open("/dev/null", O_RDWR);                                /* 6 */
	dup2(fd, 700);
	fcntl(700, F_SETFD, FD_CLOEXEC);
}

static int regular_verify(void)
{
	char buf[16];
	CHECK(lseek(0, 0, SEEK_CUR) == 4 && read(1, buf, 2) == 2 && !memcmp(buf, "45", 2));
	CHECK(lseek(0, 0, SEEK_CUR) == 6 && lseek(700, 0, SEEK_CUR) == 6);
	CHECK(lseek(3, 0, SEEK_CUR) == 0 && flags_of(3) == (O_RDONLY | LARGEFILE));
	CHECK(flags_of(0) == (O_RDWR | LARGEFILE) &&
	      flags_of(2) == (O_WRONLY | O_APPEND | LARGEFILE));
	CHECK(fcntl(0, F_GETFD) == 0 && fcntl(3, F_GETFD) == FD_CLOEXEC);
	CHECK(fcntl(700, F_GETFD) == FD_CLOEXEC);
	CHECK(openat(4, "data", O_RDONLY | O_CLOEXEC) == 7);
	CHECK((flags_of(5) & O_PATH) && write(6, "x", 1) == 1);
	CHECK(fcntl(8, F_GETFD) < 0 && fcntl(699, F_GETFD) < 0);
	return 0;
}

static void regular_files_come_back(void **state)
{
	(void)state;
	round_trip(regular_setup, regular_verify);
}

static void pipe_setup(void)
{
	int fds[2];
	char block[8192];
	pipe(fds); /* 0, 1 */
	fcntl(fds[1], F_SETPIPE_SZ, 262144);
	if (write(1, "hello", 5) != 5)
		_exit(1);
	pipe2(fds, O_NONBLOCK); /* 2, 3: read end only stays */
	memset(block, 'b', sizeof(block));
	for (int i = 0; i < 7; i++)
		if (write(3, block, sizeof(block)) != sizeof(block))
			_exit(1);
	close(3);
	pipe(fds); /* 3, 4: write end only stays */
	close(3);
	pipe(fds);                                      /* 3, 5 */
	open("/proc/self/fd/5", O_WRONLY | O_NONBLOCK); /* 6: another description */
	open("/proc/self/fd/3", O_RDWR);                /* 7 */
	mkfifo(in_dir("fifo"), 0600);
	open(in_dir("fifo"), O_RDWR); /* 8 */
	if (write(8, "in the fifo", 11) != 11)
		_exit(1);
	open(in_dir("fifo"), O_RDONLY | O_NONBLOCK); /* 9 */
}

static int pipe_verify(void)
{
	static char buf[65536];
	CHECK(fcntl(0, F_GETPIPE_SZ) == 262144 && read(0, buf, 16) == 5 &&
	      !memcmp(buf, "hello", 5));
	CHECK(write(1, "x", 1) == 1 && read(0, buf, 16) == 1);
	CHECK(flags_of(2) == (O_RDONLY | O_NONBLOCK) && flags_of(0) == O_RDONLY);
	CHECK(read(2, buf, sizeof(buf)) == 7 * 8192 && buf[0] == 'b' && buf[7 * 8192 - 1] == 'b');
	CHECK(read(2, buf, 1) == 0); /* nobody has the other end */
	signal(SIGPIPE, SIG_IGN);
	CHECK(write(4, "x", 1) < 0 && errno == EPIPE);
	CHECK(flags_of(5) == O_WRONLY && flags_of(6) == (O_WRONLY | O_NONBLOCK | LARGEFILE));
	CHECK(flags_of(7) == (O_RDWR | LARGEFILE));
	CHECK(write(6, "y", 1) == 1 && read(7, buf, 4) == 1 && buf[0] == 'y');
	CHECK(write(7, "z", 1) == 1 && read(3, buf, 4) == 1 && buf[0] == 'z');
	CHECK(read(9, buf, 32) == 11 && !memcmp(buf, "in the fifo", 11));
	CHECK(read(9, buf, 32) < 0 && errno == EAGAIN);
	return 0;
}

static void pipes_come_back_with_contents(void **state)
{
	(void)state;
	round_trip(pipe_setup, pipe_verify);
}

static void fs_setup(void)
{
	mkdir(in_dir("cwd"), 0755);
	if (chdir(in_dir("cwd")) < 0)
		_exit(1);
	if (geteuid() == 0 && (chroot(dir) < 0 || chdir("/cwd") < 0))
		_exit(1);
}

static int fs_verify(void)
{
	char cwd[256];
	CHECK(umask(0) == 027);
	CHECK(getcwd(cwd, sizeof(cwd)));
	CHECK(geteuid() != 0 || !strcmp(cwd, "/cwd"));
	return 0;
}

static void directories_and_umask_come_back(void **state)
{
	(void)state;
	round_trip(fs_setup, fs_verify);
}

static void owner_setup(void)
{
	int fds[2];
	pipe(fds);
	struct f_owner_ex owner = { .type = F_OWNER_PID, .pid = 1 };
	fcntl(0, F_SETOWN_EX, &owner);
	fcntl(0, F_SETSIG, 41);
	fcntl(0, F_SETFL, fcntl(0, F_GETFL) | O_ASYNC);
}

static int owner_verify(void)
{
	struct f_owner_ex owner = { 0 };
	CHECK(fcntl(0, F_GETOWN_EX, &owner) == 0 && owner.pid == 1 && owner.type == F_OWNER_PID);
	CHECK(fcntl(0, F_GETSIG) == 41 && (flags_of(0) & O_ASYNC));
	return 0;
}

static void owners_come_back(void **state)
{
	(void)state;
	struct fixture f;
	fixture_init(&f, child_new(owner_setup));
	if (fixture_dump(&f) < 0 || fixture_load(&f) < 0 ||
	    files_set_owners(&f.restore, &f.err) < 0)
		fail_msg("%s", f.err.text);
	assert_int_equal(restored_in_child(&f, owner_verify), 0);
	fixture_fini(&f);
}

/* Every kind that is refused: how to get one as descriptor 0, what must be said. */
static void pidfd_setup(void)
{
	syscall(SYS_pidfd_open, getpid(), 0);
}
static void moved_setup(void)
{
	open(in_dir("first"), O_RDWR | O_CREAT, 0600);
	mkdir(in_dir("elsewhere"), 0700);
	link(in_dir("first"), in_dir("elsewhere/second"));
	unlink(in_dir("first"));
}
static void covered_setup(void)
{
	open(in_dir("first"), O_RDWR | O_CREAT, 0600);
	mkdir(in_dir("elsewhere"), 0700);
	link(in_dir("first"), in_dir("elsewhere/kept"));
	close(open(in_dir("second"), O_RDWR | O_CREAT, 0600));
	if (rename(in_dir("second"), in_dir("first")) < 0)
		_exit(1);
	/* the dentry of the old name is gone: the kernel calls it deleted */
}
static void namespace_setup(void)
{
	open("/proc/self/ns/uts", O_RDONLY);
}
static void fuse_setup(void)
{
	open("/dev/fuse", O_RDWR);
}
static void flock_setup(void)
{
	flock(open(in_dir("locked"), O_RDWR | O_CREAT, 0600), LOCK_EX);
}
static void lease_setup(void)
{
	fcntl(open(in_dir("leased"), O_RDWR | O_CREAT, 0600), F_SETLEASE, F_WRLCK);
}

static const struct {
	void (*setup)(void);
	const char *wanted;
	bool optional; /* this kernel or user may not make one */
} refused[] = {
	{ pidfd_setup, "fd 0 is a pidfd", false },
	{ moved_setup, "whose name was removed", false },
	{ covered_setup, "fd 0 is ", false },
	{ namespace_setup, ", which no task of the tree is in, but pid ", false },
	{ fuse_setup, "fd 0 is a character device 10:229 (/dev/fuse)", true },
	{ flock_setup, "locked) holds a file lock", false },
	{ lease_setup, "leased) holds a file lock or lease", false },
};

static void unsupported_kinds_are_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		struct fixture f;
		fixture_init(&f, child_new(refused[i].setup));
		int rc = fixture_dump(&f);
		if (rc == 0 && refused[i].optional) {
			fixture_fini(&f);
			continue;
		}
		if (rc != -ENOTSUP || !strstr(f.err.text, refused[i].wanted))
			fail_msg("want \"%s\", got %d: %s", refused[i].wanted, rc, f.err.text);
		assert_int_equal(kill(f.task.pid, 0), 0);
		fixture_fini(&f);
	}
}

static void changed_file_is_refused(void **state)
{
	(void)state;
	struct fixture f;
	fixture_init(&f, child_new(regular_setup));
	if (fixture_dump(&f) < 0)
		fail_msg("%s", f.err.text);
	assert_int_equal(truncate(in_dir("data"), 3), 0);
	assert_int_equal(fixture_load(&f), -ESTALE);
	assert_non_null(strstr(f.err.text, "fd 0"));
	assert_non_null(strstr(f.err.text, "/data: size is 3, was 10 at the dump"));
	fixture_fini(&f);
}

static void missing_file_is_named_with_its_user(void **state)
{
	(void)state;
	struct fixture f;
	fixture_init(&f, child_new(regular_setup));
	if (fixture_dump(&f) < 0)
		fail_msg("%s", f.err.text);
	assert_int_equal(unlink(in_dir("log")), 0);
	assert_int_equal(fixture_load(&f), -ENOENT);
	assert_non_null(strstr(f.err.text, "fd 2: open"));
	assert_non_null(strstr(f.err.text, "/log: No such file"));
	fixture_fini(&f);
}

static void many_setup(void)
{
	for (int i = 0; i < 400; i++)
		dup2(open("/dev/null", O_RDONLY), 400 + i);
}

static int many_verify(void)
{
	for (int i = 0; i < 400; i++) {
		CHECK(fcntl(i, F_GETFD) == 0);
		CHECK(syscall(SYS_kcmp, getpid(), getpid(), 0, i, 400 + i) == 0);
		CHECK(i == 0 || syscall(SYS_kcmp, getpid(), getpid(), 0, i, i - 1) != 0);
	}
	return 0;
}

static void descriptions_of_one_file_stay_apart(void **state)
{
	(void)state;
	round_trip(many_setup, many_verify);
}

static void window_avoids_numbers_of_tasks(void **state)
{
	(void)state;
	static const uint32_t used[] = { 0, 1, 2, 3, 10, 100, 1000 };
	unsigned int first = 0;
	assert_true(window_find(used, ARRAY_SIZE(used), 6, 1024, &first));
	assert_int_equal(first, 4);
	assert_true(window_find(used, ARRAY_SIZE(used), 7, 1024, &first));
	assert_int_equal(first, 11);
	assert_true(window_find(used, ARRAY_SIZE(used), 899, 1024, &first));
	assert_int_equal(first, 101);
	assert_false(window_find(used, ARRAY_SIZE(used), 900, 1024, &first));
	assert_true(window_find(used, ARRAY_SIZE(used), 900, 2048, &first));
	assert_int_equal(first, 1001);
	assert_true(window_find(NULL, 0, 10, 1024, &first));
	assert_int_equal(first, 3);
}

static void build_id_survives_hostile_elf(void **state)
{
	(void)state;
	uint8_t id[BUILD_ID_MAX], self[4096];
	auto_fd exe = open("/proc/self/exe", O_RDONLY);
	size_t len = build_id_read(exe, id);
	assert_true(len == 0 || len >= 8);
	ssize_t size = pread(exe, self, sizeof(self), 0);
	assert_true(size > 128);
	for (unsigned int seed = 1; seed < 300; seed++) {
		auto_fd fd = memfd_create("elf", 0);
		uint8_t copy[4096];
		memcpy(copy, self, (size_t)size);
		srand(seed);
		for (int i = 0; i < 8; i++)
			copy[4 + rand() % 1200] = (uint8_t)rand();
		assert_int_equal(write(fd, copy, (size_t)size), size);
		assert_true(build_id_read(fd, id) <= BUILD_ID_MAX);
	}
}

int main(void)
{
#define SCRATCH(test) cmocka_unit_test_setup_teardown(test, scratch_new, scratch_free)
	const struct CMUnitTest tests[] = {
		SCRATCH(regular_files_come_back),
		SCRATCH(pipes_come_back_with_contents),
		SCRATCH(directories_and_umask_come_back),
		SCRATCH(owners_come_back),
		SCRATCH(unsupported_kinds_are_named),
		SCRATCH(changed_file_is_refused),
		SCRATCH(missing_file_is_named_with_its_user),
		SCRATCH(descriptions_of_one_file_stay_apart),
		cmocka_unit_test(window_avoids_numbers_of_tasks),
		cmocka_unit_test(build_id_survives_hostile_elf),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
