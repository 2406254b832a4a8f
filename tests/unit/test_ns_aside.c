/* SPDX-License-Identifier: MIT
 * Visits by a process that shares this one's memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/ns/aside.h"

static int hide_memory(void *ctx, struct error *err)
{
	(void)err;
	*(pid_t *)ctx = getpid();
	return prctl(PR_SET_DUMPABLE, 0) == 0 ? 7 : -errno;
}

static int be_killed(void *ctx, struct error *err)
{
	(void)ctx, (void)err;
	return raise(SIGKILL);
}

static void ns_aside_leaves_the_memory_as_it_was(void **state)
{
	(void)state;
	pid_t pid = 0;
	assert_int_equal(prctl(PR_GET_DUMPABLE), 1);
	assert_int_equal(ns_aside(hide_memory, &pid, NULL), 7);
	assert_true(pid && pid != getpid());
	assert_int_equal(prctl(PR_GET_DUMPABLE), 1);
}

static void ns_aside_tells_who_was_killed(void **state)
{
	(void)state;
	struct error err;
	assert_int_equal(ns_aside(be_killed, NULL, &err), -ECHILD);
	assert_non_null(strstr(err.text, "has died of signal 9"));
}

static bool forbid_more_processes(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAGAIN),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(*code), code };
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static void ns_aside_says_which_limit_is_too_low(void **state)
{
	(void)state;
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		struct error err = { 0 };
		bool told = forbid_more_processes() && ns_aside(be_killed, NULL, &err) == -EAGAIN &&
			    strstr(err.text, "raise the limit of tasks");
		_exit(told ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ns_aside_leaves_the_memory_as_it_was),
		cmocka_unit_test(ns_aside_tells_who_was_killed),
		cmocka_unit_test(ns_aside_says_which_limit_is_too_low),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
