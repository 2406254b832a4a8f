/* SPDX-License-Identifier: MIT
 * See mixed.h. Root: the threads of jobs.h. Holder: descriptors, locks, queues and memory.
 * Sleeper: waits in a pipe for the holder, shares memory with it.
 */
#include "tests/live/rounds/mixed.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define QUEUED    3000 /* bytes that wait in each queue */
#define MEMORY    (1u << 20)
#define GHOST     "ghost"
#define LOCKED    "locked"
#define LOCK_AT   100
#define LOCK_LEN  50
#define EVENTS    42
#define TIMER_SEC 36000

static struct mixed *mixed;
static uint32_t *in_common; /* anonymous memory of holder and sleeper */

static struct {
	int pipe[2], pair[2], tcp, listener, flocked, ranged, ghost, events, timer, epoll;
	int to_sleeper[2], from_sleeper[2];
	uint8_t *memory;
	char dir[256];
} held;

#define CHECK(cond)                                                                                \
	do {                                                                                       \
		if (!(cond))                                                                       \
			board_complain(&mixed->board, "%s:%d: %s: %s", __FILE__, __LINE__, #cond,  \
				       strerror(errno));                                           \
	} while (0)
#define MUST(cond)                                                                                 \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #cond,              \
				strerror(errno));                                                  \
			_exit(1);                                                                  \
		}                                                                                  \
	} while (0)

/* ---- queues: what was written in the last round is read in this one ---- */

static void queue_put(int fd, uint32_t round, size_t len)
{
	uint8_t bytes[QUEUED];
	for (size_t i = 0; i < len; i++)
		bytes[i] = mixed_pattern(round, i);
	CHECK(write(fd, bytes, len) == (ssize_t)len);
}

static void queue_get(const char *what, int fd, uint32_t round, size_t len)
{
	for (size_t done = 0; done < len;) {
		uint8_t bytes[QUEUED];
		struct pollfd p = { .fd = fd, .events = POLLIN };
		ssize_t got = poll(&p, 1, PATIENCE_MS) == 1 ? read(fd, bytes, len - done) : -1;
		if (got <= 0) {
			board_complain(&mixed->board, "%s: %zu of %zu bytes, then %s", what, done,
				       len, got < 0 ? strerror(errno) : "the end");
			return;
		}
		for (ssize_t i = 0; i < got; i++) {
			if (bytes[i] != mixed_pattern(round, done + (size_t)i))
				board_complain(&mixed->board, "%s: byte %zu of round %u differs",
					       what, done + (size_t)i, round);
		}
		done += (size_t)got;
	}
}

static void queues_put(uint32_t round)
{
	queue_put(held.pipe[1], round, QUEUED);
	queue_put(held.pair[0], round, QUEUED);
	queue_put(held.pair[1], round + 1, QUEUED);
	CHECK(write(held.tcp, &round, sizeof(round)) == sizeof(round));
}

static void queues_get(uint32_t round)
{
	queue_get("pipe", held.pipe[0], round, QUEUED);
	queue_get("unix socket", held.pair[1], round, QUEUED);
	queue_get("other unix socket", held.pair[0], round + 1, QUEUED);
	queue_get("TCP", held.tcp, round, ANSWER_SIZE);
}

/* ---- what stays as it is ---- */

static int open_in_dir(const char *name, int flags)
{
	char path[512];
	snprintf(path, sizeof(path), "%s/%s", held.dir, name);
	return open(path, flags | O_CLOEXEC, 0600);
}

static void check_locks(void)
{
	int other = open_in_dir(LOCKED, O_RDWR);
	CHECK(other >= 0);
	CHECK(flock(other, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK);
	struct flock range = { .l_type = F_WRLCK, .l_start = LOCK_AT, .l_len = 1 };
	CHECK(fcntl(other, F_OFD_GETLK, &range) == 0);
	CHECK(range.l_type == F_WRLCK && range.l_pid == getpid() && range.l_start == LOCK_AT &&
	      range.l_len == LOCK_LEN);
	if (other < 0)
		return;
	/* closing any descriptor of the file drops the ranges of the process */
	close(other);
	range = (struct flock){ .l_type = F_WRLCK, .l_start = LOCK_AT, .l_len = LOCK_LEN };
	CHECK(fcntl(held.ranged, F_SETLK, &range) == 0);
}

static void check_files(void)
{
	char text[16] = "";
	struct stat st;
	CHECK(pread(held.ghost, text, sizeof(text), 0) == sizeof(GHOST));
	CHECK(strcmp(text, GHOST) == 0 && lseek(held.ghost, 0, SEEK_CUR) == 3);
	CHECK(fstat(held.ghost, &st) == 0 && st.st_nlink == 0);
	uint64_t count = 0;
	CHECK(read(held.events, &count, sizeof(count)) == sizeof(count) && count == EVENTS);
	CHECK(write(held.events, &count, sizeof(count)) == sizeof(count));
	struct itimerspec left;
	CHECK(timerfd_gettime(held.timer, &left) == 0);
	CHECK(left.it_value.tv_sec > TIMER_SEC / 2 && left.it_value.tv_sec <= TIMER_SEC);
	struct epoll_event event;
	CHECK(epoll_wait(held.epoll, &event, 1, 0) == 1 && event.data.u64 == EVENTS);
	int on = 0;
	socklen_t len = sizeof(on);
	CHECK(getsockopt(held.listener, SOL_SOCKET, SO_ACCEPTCONN, &on, &len) == 0 && on == 1);
}

static void check_memory(uint32_t round)
{
	for (size_t i = 0; i < MEMORY; i++) {
		if (held.memory[i] != mixed_pattern((uint32_t)(i >> 12), i)) {
			board_complain(&mixed->board, "memory: byte %zu differs", i);
			return;
		}
	}
	in_common[0] = round;
	char c = 's';
	struct pollfd p = { .fd = held.from_sleeper[0], .events = POLLIN };
	CHECK(write(held.to_sleeper[1], &c, 1) == 1);
	CHECK(poll(&p, 1, PATIENCE_MS) == 1 && read(p.fd, &c, 1) == 1);
	CHECK(in_common[1] == round);
}

/* ---- the three processes ---- */

static _Noreturn void sleeper(void)
{
	mixed->pids[MIXED_SLEEPER] = getpid();
	setpgid(0, 0);
	char c;
	while (read(held.to_sleeper[0], &c, 1) == 1) {
		in_common[1] = in_common[0];
		if (write(held.from_sleeper[1], &c, 1) != 1)
			break;
	}
	_exit(1);
}

static void connect_peer(int port)
{
	struct sockaddr_in peer = { .sin_family = AF_INET,
				    .sin_port = htons((uint16_t)port),
				    .sin_addr = { htonl(INADDR_LOOPBACK) } };
	held.tcp = socket(AF_INET, SOCK_STREAM, 0);
	MUST(connect(held.tcp, (struct sockaddr *)&peer, sizeof(peer)) == 0);
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	held.listener = socket(AF_INET, SOCK_STREAM, 0);
	MUST(bind(held.listener, (struct sockaddr *)&any, sizeof(any)) == 0);
	MUST(listen(held.listener, 5) == 0);
}

static void open_files(void)
{
	char path[512];
	MUST(pipe(held.pipe) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, held.pair) == 0);
	held.flocked = open_in_dir(LOCKED, O_RDWR | O_CREAT);
	held.ranged = open_in_dir(LOCKED, O_RDWR);
	MUST(flock(held.flocked, LOCK_EX) == 0);
	struct flock range = { .l_type = F_WRLCK, .l_start = LOCK_AT, .l_len = LOCK_LEN };
	MUST(fcntl(held.ranged, F_SETLK, &range) == 0);
	held.ghost = open_in_dir(GHOST, O_RDWR | O_CREAT);
	MUST(write(held.ghost, GHOST, sizeof(GHOST)) == sizeof(GHOST));
	MUST(lseek(held.ghost, 3, SEEK_SET) == 3);
	snprintf(path, sizeof(path), "%s/%s", held.dir, GHOST);
	MUST(unlink(path) == 0);
	held.events = eventfd(EVENTS, EFD_NONBLOCK);
	held.timer = timerfd_create(CLOCK_MONOTONIC, 0);
	struct itimerspec later = { .it_value = { .tv_sec = TIMER_SEC } };
	MUST(timerfd_settime(held.timer, 0, &later, NULL) == 0);
	held.epoll = epoll_create1(0);
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = EVENTS };
	MUST(epoll_ctl(held.epoll, EPOLL_CTL_ADD, held.pipe[0], &event) == 0);
}

static void fill_memory(void)
{
	held.memory =
	    mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	MUST(held.memory != MAP_FAILED);
	for (size_t i = 0; i < MEMORY; i++)
		held.memory[i] = mixed_pattern((uint32_t)(i >> 12), i);
}

static _Noreturn void holder(int port)
{
	uint32_t round = 0;
	open_files();
	connect_peer(port);
	fill_memory();
	queues_put(round);
	mixed->pids[MIXED_HOLDER] = getpid();
	for (;;) {
		if (mixed->answered == mixed->asked) {
			sleep_us(1000);
			continue;
		}
		queues_get(round++);
		check_locks();
		check_memory(round);
		queues_put(round);
		check_files();
		mixed->answered = mixed->asked;
	}
}

_Noreturn void mixed_run(const char *dir, int port)
{
	MUST(setsid() > 0);
	snprintf(held.dir, sizeof(held.dir), "%s", dir);
	int fd = open_in_dir(MIXED_BOARD, O_RDWR);
	mixed = mmap(NULL, sizeof(*mixed), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	in_common = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	MUST(mixed != MAP_FAILED && in_common != MAP_FAILED);
	close(fd);
	MUST(pipe(held.to_sleeper) == 0 && pipe(held.from_sleeper) == 0);
	pid_t pid = fork();
	if (pid == 0) {
		pid = fork();
		if (pid == 0)
			sleeper();
		holder(port);
	}
	MUST(pid > 0);
	jobs_start(&mixed->board);
	mixed->pids[MIXED_ROOT] = getpid();
	for (;;)
		pause();
}
