/* SPDX-License-Identifier: MIT
 * Seccomp: strict mode; chains of filters with and without no_new_privs, with the log flag, shared
 * by inheritance, another one in each thread; a thread that may not make the calls of a restore.
 *
 * live-modes: SS SC CS RR 2S
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/live/live.h"

#define BIT_SYS_ADMIN (1u << 21)

/* The call fails with an error of our choice; what is not named passes. */
static void deny(int nr, int error, unsigned int flags)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned int)nr, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned int)error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { 4, code };
	live_must(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program) == 0);
}

static int mode(void)
{
	char buf[4096];
	int fd = open("/proc/thread-self/status", O_RDONLY);
	ssize_t n = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	if (n <= 0)
		return -1;
	buf[n] = 0;
	const char *at = strstr(buf, "Seccomp:");
	return at ? atoi(at + 8) : -1;
}

static int denied(int nr, int error)
{
	return syscall(nr, -1, -1, -1, -1, -1, -1) < 0 && errno == error;
}

static void *other(void *arg)
{
	deny(SYS_getresgid, EXDEV, 0);
	*(volatile int *)arg = 1;
	live_wait();
	live_check(denied(SYS_getresgid, EXDEV) && denied(SYS_getresuid, EDOM),
		   "thread: its filters are gone");
	live_check(mode() == 2, "thread: mode %d", mode());
	return NULL;
}

/* What a restore needs itself is denied to it. */
static void hindered(void)
{
	static const int calls[] = { SYS_munmap, SYS_prctl,  SYS_futex,
				     SYS_mremap, SYS_capset, SYS_setresuid };
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		deny(calls[i], EL2HLT, 0);
	deny(SYS_seccomp, EL2NSYNC, 0);
	live_say("hindered", "x");
	live_wait();
	live_check(denied(SYS_munmap, EL2HLT) && denied(SYS_seccomp, EL2NSYNC),
		   "hindered: its filters are gone");
	_exit(5);
}

static void drop_admin(void)
{
	struct {
		unsigned version;
		int pid;
	} head = { 0x20080522, 0 };
	struct {
		unsigned eff, prm, inh;
	} data[2];
	live_must(syscall(SYS_capget, &head, data) == 0);
	data[0].eff &= ~BIT_SYS_ADMIN;
	data[0].prm &= ~BIT_SYS_ADMIN;
	live_must(syscall(SYS_capset, &head, data) == 0);
}

static void privileged(void)
{
	deny(SYS_getresuid, ENOTUNIQ, SECCOMP_FILTER_FLAG_LOG);
	drop_admin();
	live_say("privileged", "x");
	live_wait();
	unsigned head[2] = { 0x20080522, 0 }, data[6] = { 0 };
	live_check(syscall(SYS_capget, head, data) == 0 && !(data[0] & BIT_SYS_ADMIN) &&
		       !(data[1] & BIT_SYS_ADMIN),
		   "privileged: capabilities %x %x", data[0], data[1]);
	live_check(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0, "privileged: no_new_privs is set");
	live_check(denied(SYS_getresuid, ENOTUNIQ), "privileged: its filter is gone");
	_exit(6);
}

/* read, write and exit alone are allowed: told to go on through a pipe. */
static void strict(int fd)
{
	char byte = 'x';
	live_must(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT, 0, 0, 0) == 0);
	if (read(fd, &byte, 1) != 1 || byte != 'g')
		syscall(SYS_exit, 1);
	syscall(SYS_getpid); /* kills */
	syscall(SYS_exit, 2);
}

static pid_t child(void (*run)(void))
{
	pid_t pid = fork();
	live_must(pid >= 0);
	if (pid == 0)
		run();
	return pid;
}

static void until_there(const char *name)
{
	struct stat st;
	while (stat(live_path(name), &st) < 0)
		live_sleep_ms(5);
}

int main(void)
{
	int pipe_fd[2], status;
	volatile int started = 0;
	pthread_t thread;
	live_must(pipe(pipe_fd) == 0);
	pid_t privileged_pid = child(privileged);
	pid_t strict_pid = fork();
	if (strict_pid == 0)
		strict(pipe_fd[0]);
	live_must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	deny(SYS_getresuid, EDOM, 0);
	pid_t hindered_pid = child(hindered);
	live_must(pthread_create(&thread, NULL, other, (void *)&started) == 0);
	while (!started)
		live_sleep_ms(5);
	deny(SYS_getsid, ERANGE, 0);
	until_there("hindered");
	until_there("privileged");
	live_ready();

	live_check(mode() == 2, "mode is %d", mode());
	live_check(denied(SYS_getresuid, EDOM) && denied(SYS_getsid, ERANGE),
		   "the first thread's filters are gone");
	live_check(!denied(SYS_getresgid, EXDEV), "it has that of another thread");
	pthread_join(thread, NULL);
	live_check(waitpid(hindered_pid, &status, 0) == hindered_pid && WIFEXITED(status) &&
		       WEXITSTATUS(status) == 5,
		   "hindered ended with %#x", status);
	live_check(waitpid(privileged_pid, &status, 0) == privileged_pid && WIFEXITED(status) &&
		       WEXITSTATUS(status) == 6,
		   "privileged ended with %#x", status);
	live_check(write(pipe_fd[1], "g", 1) == 1, "write: %s", strerror(errno));
	live_check(waitpid(strict_pid, &status, 0) == strict_pid && WIFSIGNALED(status) &&
		       WTERMSIG(status) == SIGKILL,
		   "strict ended with %#x", status);
	live_pass();
}
