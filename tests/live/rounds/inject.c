/* SPDX-License-Identifier: MIT
 * See inject.h. x86-64 only, as the registers are.
 */
#include "tests/live/rounds/inject.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define SYSCALL_STOP (SIGTRAP | 0x80)
#define STRAY_MS     3000 /* for what a failing engine leaves to end by itself */
#define MAX_TRACED   512
#define OPTIONS                                                                                    \
	(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |    \
	 PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC)

/* Never fail for whom they are meant, or not in a way anybody could act on. */
static const int cannot_fail[] = {
	SYS_close,        SYS_exit,          SYS_exit_group,      SYS_rt_sigreturn,
	SYS_getpid,       SYS_gettid,        SYS_getppid,         SYS_rt_sigprocmask,
	SYS_getuid,       SYS_geteuid,       SYS_getgid,          SYS_getegid,
	SYS_rt_sigaction, SYS_kill,          SYS_tgkill,          SYS_wait4,
	SYS_waitid,       SYS_futex,         SYS_restart_syscall, SYS_munmap,
	SYS_brk,          SYS_sched_yield,   SYS_nanosleep,       SYS_clock_nanosleep,
	SYS_umask,        SYS_sigaltstack,   SYS_set_tid_address, SYS_set_robust_list,
	SYS_arch_prctl,   SYS_rt_sigpending, SYS_rt_sigtimedwait,
};

static const struct {
	long nr;
	const char *name;
} calls[] = {
#ifdef CALLS
#include CALLS /* made from <sys/syscall.h> */
#endif
	{ -1, NULL },
};

struct tracing {
	struct inject *in;
	pid_t engine;
	pid_t traced[MAX_TRACED];
	size_t nr_traced;
	pid_t failing; /* whose call is to fail at its exit */
	bool loaded; /* the dynamic linker, which survives few failures, is done with the program */
};

const char *inject_call_name(long nr)
{
	static char text[16];
	for (size_t i = 0; calls[i].name; i++) {
		if (calls[i].nr == nr)
			return calls[i].name;
	}
	snprintf(text, sizeof(text), "%ld", nr);
	return text;
}

static void forget(struct tracing *t, pid_t tid)
{
	for (size_t i = 0; i < t->nr_traced; i++) {
		if (t->traced[i] == tid)
			t->traced[i--] = t->traced[--t->nr_traced];
	}
}

static bool remember(struct tracing *t, pid_t tid)
{
	for (size_t i = 0; i < t->nr_traced; i++) {
		if (t->traced[i] == tid)
			return false;
	}
	if (t->nr_traced < MAX_TRACED)
		t->traced[t->nr_traced++] = tid;
	return true;
}

static bool may_fail(const struct __ptrace_syscall_info *info)
{
	long nr = (long)info->entry.nr;
	long request = nr == SYS_ptrace ? (long)info->entry.args[0] : 0;
	if (request == PTRACE_DETACH || request == PTRACE_INTERRUPT)
		return false; /* but for a tracee that is gone */
	for (size_t i = 0; i < sizeof(cannot_fail) / sizeof(*cannot_fail); i++) {
		if (cannot_fail[i] == nr)
			return false;
	}
	return true;
}

static void set_register(pid_t tid, size_t offset, long value)
{
	ptrace(PTRACE_POKEUSER, tid, (void *)offset, (void *)value);
}

/* The engine is about to trace a task itself. */
static void hand_over(struct tracing *t, pid_t tid)
{
	int status;
	if (ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) < 0)
		return;
	if (waitpid(tid, &status, __WALL) == tid && WIFSTOPPED(status))
		ptrace(PTRACE_DETACH, tid, NULL, NULL);
	forget(t, tid);
}

static void on_entry(struct tracing *t, pid_t tid, const struct __ptrace_syscall_info *info)
{
	struct inject *in = t->in;
	long nr = (long)info->entry.nr;
	t->loaded |= nr == SYS_set_robust_list;
	bool counts = t->loaded && (in->kill ? tid == t->engine : may_fail(info));
	if (counts && ++in->seen == in->n) {
		in->injected = true;
		in->nr = nr;
		in->arg = (long)info->entry.args[0];
		in->child = tid != t->engine;
		if (in->kill) {
			kill(tid, SIGKILL);
			return;
		}
		t->failing = tid;
		set_register(tid, offsetof(struct user_regs_struct, orig_rax), -1);
	} else if (nr == SYS_ptrace && info->entry.args[0] == PTRACE_SEIZE) {
		hand_over(t, (pid_t)info->entry.args[1]);
	}
}

static void on_call(struct tracing *t, pid_t tid)
{
	struct __ptrace_syscall_info info;
	if (ptrace(PTRACE_GET_SYSCALL_INFO, tid, (void *)sizeof(info), &info) <= 0)
		return;
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
		on_entry(t, tid, &info);
	} else if (t->failing == tid) {
		t->failing = 0;
		set_register(tid, offsetof(struct user_regs_struct, rax), -t->in->error);
	}
}

static void on_stop(struct tracing *t, pid_t tid, int status)
{
	int signo = WSTOPSIG(status);
	int event = status >> 16;
	remember(t, tid);
	if (event == PTRACE_EVENT_EXEC && tid == t->engine)
		t->loaded = false;
	if (signo == SYSCALL_STOP)
		on_call(t, tid);
	if (event == PTRACE_EVENT_STOP && signo != SIGTRAP) {
		ptrace(PTRACE_LISTEN, tid, NULL, NULL);
		return;
	}
	if (signo == SYSCALL_STOP || event)
		signo = 0;
	ptrace(PTRACE_SYSCALL, tid, NULL, (void *)(long)signo);
}

static void on_alarm(int signo)
{
	(void)signo;
}

/* waitpid(2) is interrupted again and again from then on. */
static void set_alarm(int ms)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	sigaction(SIGALRM, &sa, NULL);
	struct itimerval t = { .it_value = { ms / 1000, ms % 1000 * 1000 },
			       .it_interval = { .tv_usec = ms ? 100000 : 0 } };
	setitimer(ITIMER_REAL, &t, NULL);
}

static void kill_all(struct tracing *t)
{
	for (size_t i = 0; i < t->nr_traced; i++)
		kill(t->traced[i], SIGKILL);
}

static pid_t start_traced(const struct inject *in)
{
	int go[2];
	if (pipe2(go, O_CLOEXEC) < 0)
		return -1;
	pid_t pid = fork();
	if (pid == 0) {
		char c;
		int out = open(in->output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		dup2(out, 1);
		dup2(out, 2);
		if (read(go[0], &c, 1) == 1)
			execv(in->argv[0], in->argv);
		_exit(127);
	}
	close(go[0]);
	int status;
	if (ptrace(PTRACE_SEIZE, pid, NULL, (void *)OPTIONS) < 0 ||
	    ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) < 0 || waitpid(pid, &status, 0) != pid)
		kill(pid, SIGKILL);
	ptrace(PTRACE_SYSCALL, pid, NULL, NULL);
	if (write(go[1], "g", 1) != 1)
		kill(pid, SIGKILL);
	close(go[1]);
	return pid;
}

static bool is_traced_by_us(pid_t pid)
{
	char path[64], line[128];
	int tracer = 0;
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	FILE *f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f) && sscanf(line, "TracerPid: %d", &tracer) != 1)
		;
	if (f)
		fclose(f);
	return tracer == getpid();
}

/* Whoever was born when its parent was killed has not stopped yet, and is our child by now.
 * @return true when there was one */
static bool find_newborn(struct tracing *t)
{
	char path[64];
	int pid;
	size_t before = t->nr_traced;
	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	FILE *f = fopen(path, "re");
	while (f && fscanf(f, "%d", &pid) == 1) {
		if (is_traced_by_us(pid))
			remember(t, pid);
	}
	if (f)
		fclose(f);
	return t->nr_traced > before;
}

void inject_run(struct inject *in)
{
	struct tracing t = { .in = in, .engine = start_traced(in) };
	in->injected = in->late = in->stray = false;
	in->seen = 0;
	remember(&t, t.engine);
	set_alarm(in->timeout_ms);
	bool ended = false;
	while (!ended || t.nr_traced || find_newborn(&t)) {
		int status;
		pid_t tid = waitpid(-1, &status, __WALL);
		if (tid < 0 && errno == EINTR) {
			in->late |= !ended;
			in->stray |= ended;
			kill_all(&t);
		} else if (tid < 0) {
			break;
		} else if (WIFSTOPPED(status)) {
			on_stop(&t, tid, status);
		} else {
			forget(&t, tid);
			if (tid == t.engine) {
				ended = true;
				in->status = status;
				set_alarm(STRAY_MS);
			}
		}
	}
	set_alarm(0);
}
