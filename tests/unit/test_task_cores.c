/* SPDX-License-Identifier: MIT
 * Whole core images: of this process and back, and those CRIU made.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "engine/procfs/read.h"
#include "engine/task/core.h"
#include "images/reader.h"
#include "images/source.h"
#include "images/writer.h"
#include "tests/unit/corpus.h"

struct fixture {
	char dir[64];
	struct dump d;
	struct task t;
	struct thread th;
	struct restore r;
	struct error err;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	snprintf(f->dir, sizeof(f->dir), "/tmp/test_task_cores.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	f->d.images_fd = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	f->t.proc_fd = -1;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	auto_dir d = opendir(f->dir);
	for (struct dirent *e; d && (e = readdir(d));)
		unlinkat(f->d.images_fd, e->d_name, 0);
	rmdir(f->dir);
	close(f->d.images_fd);
	fd_close(f->t.proc_fd);
	arch_regs_fini(&f->th.regs);
	proc_status_fini(&f->th.status);
	source_close(f->r.images);
	free(f);
	return 0;
}

/* A stopped child, as the freeze would describe it. */
static pid_t make_task(struct fixture *f)
{
	pid_t pid = fork();
	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		_exit(1);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	char path[32];
	snprintf(path, sizeof(path), "/proc/%d", pid);
	f->t.proc_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	f->t.pid = f->t.vpid = f->th.tid = f->th.vtid = pid;
	f->t.state = TASK_ALIVE;
	f->t.threads = &f->th;
	f->t.nr_threads = 1;
	f->t.ns_ids[NS_PID] = 1;
	assert_int_equal(proc_stat_read(f->t.proc_fd, "stat", &f->t.stat, &f->err), 0);
	assert_int_equal(proc_status_read(f->t.proc_fd, "status", &f->th.status, &f->err), 0);
	assert_int_equal(arch_regs_get(pid, &f->th.regs, &f->err), 0);
	return pid;
}

static void kill_task(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void init_rtask(struct fixture *f, struct rtask *rt, uint32_t *tid)
{
	assert_int_equal(source_open(f->dir, &f->r.images, &f->err), 0);
	*rt = (struct rtask){
		.pid = (pid_t)*tid, .tids = tid, .nr_threads = 1, .messages = &f->r.messages[0]
	};
}

static void forget(struct restore *r, struct rtask *rt)
{
	free(rt->cores);
	pool_fini(&r->messages[0]);
}

static void cores_come_through(void **state)
{
	struct fixture *f = *state;
	pid_t pid = make_task(f);
	int rc = task_dump_cores(&f->d, &f->t, &f->err);
	kill_task(pid);
	if (rc < 0)
		fail_msg("%s", f->err.text);
	uint32_t tid = (uint32_t)pid;
	struct rtask rt;
	init_rtask(f, &rt, &tid);
	rc = task_load_cores(&f->r, &rt, &f->err);
	if (rc < 0)
		fail_msg("%s", f->err.text);
	assert_int_equal(rt.state, TASK_ALIVE);
	assert_string_equal(rt.cores[0]->tc->comm, f->t.stat.comm);
	assert_int_equal(rt.cores[0]->thread_info->gpregs->ip, f->th.regs.gp.rip);
	assert_true(rt.ids->vm_id > 1);
	assert_int_equal(rt.ids->pid_ns_id, 1);
	assert_true(task_args_size(&rt) > 0);
	forget(&f->r, &rt);
}

static void zombie_is_stored_dead_and_loaded_as_zombie(void **state)
{
	struct fixture *f = *state;
	f->t.pid = f->t.vpid = 4242;
	f->t.state = TASK_ZOMBIE;
	f->t.exit_code = 7 << 8;
	strcpy(f->t.stat.comm, "gone");
	assert_int_equal(task_dump_cores(&f->d, &f->t, &f->err), 0);
	uint32_t tid = 4242;
	struct rtask rt;
	init_rtask(f, &rt, &tid);
	assert_int_equal(task_load_cores(&f->r, &rt, &f->err), 0);
	assert_int_equal(rt.state, TASK_ZOMBIE);
	assert_int_equal(rt.cores[0]->tc->task_state, TASK_DEAD);
	assert_int_equal(rt.cores[0]->tc->exit_code, 7 << 8);
	assert_null(rt.ids);
	forget(&f->r, &rt);
}

static void load_names_image_and_entry(void **state)
{
	struct fixture *f = *state;
	CoreEntry core = CORE_ENTRY__INIT;
	TaskCoreEntry tc = TASK_CORE_ENTRY__INIT;
	core.mtype = CORE_ENTRY__MARCH__X86_64;
	core.tc = &tc;
	tc.comm = (char *)"x";
	tc.task_state = 9;
	assert_int_equal(image_write_one(f->d.images_fd, IMG_CORE, 12, &core.base, &f->err), 0);
	uint32_t tid = 12;
	struct rtask rt;
	init_rtask(f, &rt, &tid);
	assert_int_equal(task_load_cores(&f->r, &rt, &f->err), -EBADMSG);
	assert_non_null(strstr(f->err.text, "core-12.img: entry 0: task_state: unknown state 9"));
	forget(&f->r, &rt);
}

static int load_set(const char *set, const char *words)
{
	char dir[512];
	struct restore r = { 0 };
	struct error err = { 0 };
	if (!corpus_find(set, dir))
		return -ENOENT;
	assert_int_equal(source_open(dir, &r.images, &err), 0);
	auto_image_reader pstree = NULL;
	assert_int_equal(image_open(r.images, "pstree.img", &pstree, &err), 0);
	int rc = 0;
	for (ProtobufCMessage *msg; rc == 0 && image_next(pstree, &msg, &err) == 1;) {
		auto_message PstreeEntry *e = (PstreeEntry *)msg;
		struct rtask rt = { .pid = (pid_t)e->pid,
				    .tids = e->threads,
				    .nr_threads = e->n_threads };
		rt.messages = &r.messages[0];
		rc = task_load_cores(&r, &rt, &err);
		forget(&r, &rt);
	}
	source_close(r.images);
	if (rc < 0 && (!words || !strstr(err.text, words)))
		fail_msg("%s: %s", set, err.text);
	return rc;
}

static void sets_of_criu_load(void **state)
{
	(void)state;
	static const char *const sets[] = {
		"a1", "a1n", "a2", "a3", "a5", "a11", "a12", "a13", "a9"
	};
	/* recorded where there was AVX-512, which glibc uses */
	const char *other_cpu =
	    __builtin_cpu_supports("avx512f") ? NULL : "which this CPU does not have";
	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		if (load_set(sets[i], other_cpu) == -ENOENT) {
			print_message("corpus set %s is not here (CORPUS)\n", sets[i]);
			skip();
		}
	}
}

int main(void)
{
#define T(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(cores_come_through),
		T(zombie_is_stored_dead_and_loaded_as_zombie),
		T(load_names_image_and_entry),
		cmocka_unit_test(sets_of_criu_load),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
