/* SPDX-License-Identifier: MIT
 * refused STATE: gets into a state that is refused, says "ready PID", and waits. States that no
 * dump can carry are rows of tests/live/errors/dump.tsv, others are for restore.tsv. Exit status
 * 77: this kernel has no such thing.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <linux/netlink.h>
#include <linux/perf_event.h>
#include <linux/rtnetlink.h>
#include <mqueue.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void must(bool done, const char *what)
{
	if (done)
		return;
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	_exit(errno == ENOSYS || errno == EPERM || errno == ENOENT || errno == EOPNOTSUPP ? 77 : 1);
}

/* "ready PID": who is to be dumped */
static void say_ready_of(pid_t pid)
{
	must(dprintf(STDOUT_FILENO, "ready %d\n", pid) > 0, "write");
}

static void say_ready(void)
{
	say_ready_of(getpid());
}

#ifndef PIDFD_GET_PID_FOR_CHILDREN_NAMESPACE
#define PIDFD_GET_PID_FOR_CHILDREN_NAMESPACE _IO(0xFF, 6)
#endif

static void *wait_forever(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static void start_thread(void *(*run)(void *), void *arg)
{
	pthread_t thread;
	errno = pthread_create(&thread, NULL, run, arg);
	must(errno == 0, "pthread_create");
}

/* Somebody who is not below this process any more; returns in it, and this process goes on when it
 * has said so over the pipe. */
static bool is_outsider(int *tell)
{
	int ends[2];
	char c;
	must(pipe(ends) == 0, "pipe");
	pid_t child = fork();
	if (child == 0) {
		if (fork() != 0)
			_exit(0);
		setsid();
		*tell = ends[1];
		close(ends[0]);
		return true;
	}
	waitpid(child, NULL, 0);
	close(ends[1]);
	must(read(ends[0], &c, 1) == 1, "read");
	close(ends[0]);
	return false;
}

static void be_outside(int tell)
{
	must(write(tell, "", 1) == 1, "write");
	wait_forever(NULL);
}

/* Tasks and threads */

static void *ready_when_first_is_gone(void *arg)
{
	char state = 0;
	while (state != 'Z') {
		FILE *f = fopen(arg, "r");
		must(f && fscanf(f, "%*d (%*[^)]) %c", &state) == 1, "read stat");
		fclose(f);
	}
	say_ready();
	return wait_forever(NULL);
}

static void first_thread_gone(void)
{
	static char path[64];
	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", getpid());
	start_thread(ready_when_first_is_gone, path);
	pthread_exit(NULL);
}

static void *with_own_files(void *arg)
{
	must(unshare(CLONE_FILES) == 0, "unshare");
	say_ready();
	return wait_forever(arg);
}

static void thread_files(void)
{
	start_thread(with_own_files, NULL);
	wait_forever(NULL);
}

static void many_timers(void)
{
	timer_t timer;
	struct sigevent none = { .sigev_notify = SIGEV_NONE };
	for (int i = 0; i < 520; i++)
		must(timer_create(CLOCK_MONOTONIC, &none, &timer) == 0, "timer_create");
}

static void *make_timer_and_end(void *arg)
{
	struct sigevent to_me = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGALRM };
	to_me._sigev_un._tid = gettid();
	must(timer_create(CLOCK_MONOTONIC, &to_me, arg) == 0, "timer_create");
	return NULL;
}

static void timer_of_dead_thread(void)
{
	static timer_t timer;
	pthread_t thread;
	errno = pthread_create(&thread, NULL, make_timer_and_end, &timer);
	must(errno == 0 && pthread_join(thread, NULL) == 0, "pthread_create");
}

static void traced(void)
{
	int tell;
	pid_t me = getpid();
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
	if (!is_outsider(&tell))
		return;
	must(ptrace(PTRACE_SEIZE, me, NULL, NULL) == 0, "ptrace");
	be_outside(tell);
}

static void jump_to_32_bits(const uint8_t *code)
{
	__asm__ volatile("pushq $0x23; pushq %0; lretq" : : "r"((uint64_t)(uintptr_t)code));
}

/* Some virtual machines run no such code. */
static void try_32_bits(const uint8_t *code)
{
	pid_t pid = fork();
	must(pid >= 0, "fork");
	if (pid == 0)
		jump_to_32_bits(code);
	usleep(100000);
	if (waitpid(pid, NULL, WNOHANG) == pid)
		_exit(77);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void code_of_32_bits(void)
{
	uint8_t *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	must(code != MAP_FAILED, "mmap");
	memcpy(code, "\xeb\xfe", 2); /* jmp to itself */
	try_32_bits(code);
	say_ready();
	jump_to_32_bits(code);
}

static void *with_children_elsewhere(void *arg)
{
	must(unshare(CLONE_NEWPID) == 0, "unshare");
	say_ready();
	return wait_forever(arg);
}

static void thread_bears_elsewhere(void)
{
	start_thread(with_children_elsewhere, NULL);
	wait_forever(NULL);
}

/* Since Linux 6.11; by then nobody is there that /proc could show it of. */
static void pid_namespace_of_nobody(void)
{
	int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	int back = open("/proc/self/ns/pid", O_RDONLY);
	must(pidfd >= 0 && back >= 0 && unshare(CLONE_NEWPID) == 0, "unshare");
	int ns = ioctl(pidfd, PIDFD_GET_PID_FOR_CHILDREN_NAMESPACE, 0);
	if (ns < 0 && (errno == ENOTTY || errno == EINVAL))
		errno = ENOSYS;
	must(ns >= 0, "PIDFD_GET_PID_FOR_CHILDREN_NAMESPACE");
	must(dup2(ns, 3) == 3 && close(ns) == 0 && setns(back, CLONE_NEWPID) == 0, "setns");
}

/* Among mounts of the host no namespace is made. */
static void mount_namespace_of_nobody(void)
{
	int ready[2], go[2];
	char byte = 0, path[48];
	must(pipe2(ready, O_CLOEXEC) == 0 && pipe2(go, O_CLOEXEC) == 0, "pipe2");
	pid_t pid = fork();
	if (pid == 0) {
		must(unshare(CLONE_NEWNS) == 0, "unshare");
		must(write(ready[1], &byte, 1) == 1 && read(go[0], &byte, 1) == 1, "wait");
		_exit(0);
	}
	must(read(ready[0], &byte, 1) == 1, "read");
	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", pid);
	int fd = open(path, O_RDONLY);
	must(fd >= 0 && write(go[1], &byte, 1) == 1 && waitpid(pid, NULL, 0) == pid, "open");
	must(dup2(fd, 3) == 3 && close(fd) == 0, "dup2");
}

/* Two tasks that can have no children any more. */
static void two_without_heirs(void)
{
	int back = open("/proc/self/ns/pid", O_RDONLY);
	must(back >= 0 && unshare(CLONE_NEWPID) == 0, "unshare");
	pid_t pid = fork();
	if (pid == 0)
		_exit(0);
	must(waitpid(pid, NULL, 0) == pid, "waitpid");
	int dead = open("/proc/self/ns/pid_for_children", O_RDONLY);
	must(dead >= 0 && setns(back, CLONE_NEWPID) == 0, "setns");
	pid = fork();
	must(setns(dead, CLONE_NEWPID) == 0 && close(dead) == 0, "setns");
	if (pid == 0)
		wait_forever(NULL);
	usleep(50000);
}

static void users_without_children(void)
{
	must(unshare(CLONE_NEWUSER | CLONE_NEWPID) == 0, "unshare");
}

static void users_of_two(void)
{
	must(unshare(CLONE_NEWUSER) == 0, "unshare");
	/* with one current directory */
	long pid = syscall(SYS_clone, CLONE_FS | SIGCHLD, NULL, NULL, NULL, 0);
	must(pid >= 0, "clone");
	if (pid == 0)
		wait_forever(NULL);
}

static void second_of_pid_namespace(void)
{
	pid_t pid = 0;
	must(unshare(CLONE_NEWPID) == 0, "unshare");
	for (int i = 0; i < 2; i++) {
		pid = fork();
		if (pid == 0) {
			setsid();
			wait_forever(NULL);
		}
	}
	usleep(50000);
	say_ready_of(pid);
	wait_forever(NULL);
}

/* Sockets */

static struct sockaddr_un name_of(const char *text)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	snprintf(addr.sun_path + 1, sizeof(addr.sun_path) - 1, "%s-%d", text, getpid());
	return addr;
}

static int unix_server(const struct sockaddr_un *addr)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	must(fd >= 0 && bind(fd, (const void *)addr, sizeof(*addr)) == 0 && listen(fd, 5) == 0,
	     "listen");
	return fd;
}

static int unix_client(const struct sockaddr_un *addr)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	must(fd >= 0 && connect(fd, (const void *)addr, sizeof(*addr)) == 0, "connect");
	return fd;
}

static void unix_client_gone(void)
{
	struct sockaddr_un addr = name_of("gone");
	unix_server(&addr);
	close(unix_client(&addr));
}

static void unix_client_outside(void)
{
	struct sockaddr_un addr = name_of("waits");
	int server = unix_server(&addr), tell;
	if (!is_outsider(&tell))
		return;
	close(server);
	unix_client(&addr);
	be_outside(tell);
}

static void netlink_waiting(void)
{
	struct {
		struct nlmsghdr h;
		struct rtgenmsg g;
	} ask = { { sizeof(ask), RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP, 1, 0 }, { AF_UNSPEC } };
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	must(fd >= 0 && send(fd, &ask, sizeof(ask), 0) == sizeof(ask), "netlink");
}

/* For restores: */

static void has_thread(void)
{
	start_thread(wait_forever, NULL);
}

static void listens(void)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(7000) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	inet_pton(AF_INET, "10.9.8.7", &addr.sin_addr);
	must(bind(fd, (void *)&addr, sizeof(addr)) == 0 && listen(fd, 5) == 0, "bind");
}

static void listens_unix(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	char *here = realpath("place", NULL);
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/socket", here ? here : "");
	free(here);
	unix_server(&addr);
}

/* As many datagrams wait as a queue takes of those who are not connected to it alone. */
static void datagrams(void)
{
	const struct sockaddr_un addr = { AF_UNIX, "\0refused-datagrams" };
	const struct sockaddr *to = (const struct sockaddr *)&addr;
	int inbox = socket(AF_UNIX, SOCK_DGRAM, 0);
	int from = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	must(bind(inbox, to, sizeof(addr)) == 0, "bind");
	while (sendto(from, "x", 1, 0, to, sizeof(addr)) == 1)
		continue;
}

/* A datagram waits, and the error that an answer to it was refused. */
static void datagram_refused(void)
{
	struct sockaddr_in a = { AF_INET, 0, { htonl(INADDR_LOOPBACK) }, { 0 } }, b = a;
	struct sockaddr *one = (struct sockaddr *)&a, *other = (struct sockaddr *)&b;
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_DGRAM, 0), gone = socket(AF_INET, SOCK_DGRAM, 0);
	must(bind(fd, one, len) == 0 && bind(gone, other, len) == 0, "bind");
	must(getsockname(fd, one, &len) == 0 && getsockname(gone, other, &len) == 0, "name");
	must(connect(fd, other, len) == 0 && connect(gone, one, len) == 0, "connect");
	must(send(gone, "x", 1, 0) == 1 && close(gone) == 0 && send(fd, "y", 1, 0) == 1, "send");
}

/* Descriptors */

static void ebpf_filter(void)
{
	const struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = 0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr = { .prog_type = BPF_PROG_TYPE_SOCKET_FILTER,
				.insns = (unsigned long)code,
				.insn_cnt = 2,
				.license = (unsigned long)"MIT" };
	int program = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	must(setsockopt(fd, SOL_SOCKET, SO_ATTACH_BPF, &program, sizeof(program)) == 0, "bpf");
	close(program);
}

static void message_queue(void)
{
	mqd_t fd = mq_open("/stasis-refused", O_RDWR | O_CREAT, 0600, NULL);
	must(fd >= 0 && mq_unlink("/stasis-refused") == 0, "mq_open");
}

static int perf_open(void)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_SOFTWARE,
					.size = sizeof(attr),
					.config = PERF_COUNT_SW_DUMMY,
					.disabled = 1,
					.exclude_kernel = 1 };
	int fd = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
	must(fd >= 0, "perf_event_open");
	return fd;
}

static void perf_event(void)
{
	perf_open();
}

static void perf_mapped(void)
{
	int fd = perf_open();
	must(mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) != MAP_FAILED, "mmap");
	close(fd);
}

static void file_system_context(void)
{
	must(syscall(SYS_fsopen, "tmpfs", 0) >= 0, "fsopen");
}

static void secret_memory(void)
{
	must(syscall(SYS_memfd_secret, 0) >= 0, "memfd_secret");
}

static void secret_mapped(void)
{
	int fd = (int)syscall(SYS_memfd_secret, 0);
	must(fd >= 0 && ftruncate(fd, 4096) == 0, "memfd_secret");
	char *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	must(at != MAP_FAILED, "mmap");
	at[0] = 1;
	close(fd);
}

static void kvm(void)
{
	int fd = open("/dev/kvm", O_RDWR);
	must(fd >= 0, "/dev/kvm");
	must(ioctl(fd, 0xae01 /* KVM_CREATE_VM */, 0) >= 0, "KVM_CREATE_VM");
	close(fd);
}

static void block_device(void)
{
	char path[32];
	for (int i = 0; i < 8; i++) {
		snprintf(path, sizeof(path), "/dev/loop%d", i);
		if (open(path, O_RDONLY) >= 0)
			return;
	}
	must(false, "open a loop device");
}

static void mark_file_system(void)
{
	int fd = fanotify_init(FAN_CLASS_NOTIF, O_RDONLY);
	must(fd >= 0 && fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_OPEN, AT_FDCWD,
				      ".") == 0,
	     "fanotify_mark");
}

static void mark_for_permission(void)
{
	int fd = fanotify_init(FAN_CLASS_CONTENT, O_RDONLY),
	    file = open(".", O_TMPFILE | O_RDWR, 0600);
	char path[32];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	must(fd >= 0 && fanotify_mark(fd, FAN_MARK_ADD, FAN_OPEN_PERM, AT_FDCWD, path) == 0,
	     "fanotify_mark");
}

static int ring_open(uint32_t flags)
{
	struct io_uring_params params = { .flags = flags };
	int fd = (int)syscall(SYS_io_uring_setup, 8, &params);
	must(fd >= 0, "io_uring_setup");
	return fd;
}

static void ring_polled(void)
{
	ring_open(IORING_SETUP_SQPOLL);
}

static void ring_of_one(void)
{
	ring_open(IORING_SETUP_SINGLE_ISSUER);
}

static void ring_files(void)
{
	int fd = ring_open(0), file = 0;
	must(syscall(SYS_io_uring_register, fd, IORING_REGISTER_FILES, &file, 1) == 0, "register");
}

static void hung_up_terminal(void)
{
	int tell, master = posix_openpt(O_RDWR | O_NOCTTY);
	must(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0, "posix_openpt");
	must(open(ptsname(master), O_RDWR | O_NOCTTY) >= 0, "open a terminal");
	if (!is_outsider(&tell))
		return;
	/* its leader ends, and takes the terminal with it */
	must(ioctl(open(ptsname(master), O_RDWR), TIOCSCTTY, 0) == 0, "TIOCSCTTY");
	signal(SIGHUP, SIG_IGN);
	must(syscall(SYS_vhangup) == 0, "vhangup");
	be_outside(tell);
}

static void no_address_space(void)
{
	const struct rlimit little = { 1 << 20, 1 << 20 };
	must(setrlimit(RLIMIT_AS, &little) == 0, "setrlimit");
}

static const struct {
	const char *name;
	void (*enter)(void);
} states[] = {
	{ "first-thread-gone", first_thread_gone },
	{ "thread-files", thread_files },
	{ "many-timers", many_timers },
	{ "timer-of-dead-thread", timer_of_dead_thread },
	{ "traced", traced },
	{ "code-of-32-bits", code_of_32_bits },
	{ "thread-bears-elsewhere", thread_bears_elsewhere },
	{ "second-of-pid-namespace", second_of_pid_namespace },
	{ "pid-namespace-of-nobody", pid_namespace_of_nobody },
	{ "mount-namespace-of-nobody", mount_namespace_of_nobody },
	{ "two-without-heirs", two_without_heirs },
	{ "users-without-children", users_without_children },
	{ "users-of-two", users_of_two },
	{ "unix-client-gone", unix_client_gone },
	{ "unix-client-outside", unix_client_outside },
	{ "netlink-waiting", netlink_waiting },
	{ "ebpf-filter", ebpf_filter },
	{ "message-queue", message_queue },
	{ "perf-event", perf_event },
	{ "perf-mapped", perf_mapped },
	{ "file-system-context", file_system_context },
	{ "secret-memory", secret_memory },
	{ "secret-mapped", secret_mapped },
	{ "kvm", kvm },
	{ "block-device", block_device },
	{ "mark-file-system", mark_file_system },
	{ "mark-for-permission", mark_for_permission },
	{ "ring-polled", ring_polled },
	{ "ring-of-one", ring_of_one },
	{ "ring-files", ring_files },
	{ "hung-up-terminal", hung_up_terminal },
	{ "no-address-space", no_address_space },
	{ "has-thread", has_thread },
	{ "listens", listens },
	{ "listens-unix", listens_unix },
	{ "datagrams", datagrams },
	{ "datagram-refused", datagram_refused },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc == 2 && i < sizeof(states) / sizeof(*states); i++) {
		if (strcmp(states[i].name, argv[1]) != 0)
			continue;
		states[i].enter();
		say_ready();
		wait_forever(NULL);
	}
	return 2;
}
