/* SPDX-License-Identifier: MIT
 * What becomes of TCP connections when the engine of a dump dies: engine/net/warden.c.
 */
#include <arpa/inet.h>
#include <linux/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/net/warden.h"

static int in_repair(int fd)
{
	int on = -1;
	socklen_t len = sizeof(on);
	assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &on, &len), 0);
	return on;
}

static void set_repair(int fd, int on)
{
	if (setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &on, sizeof(on)) < 0)
		skip(); /* for who may do so */
}

/* A connection to itself: one socket, nobody else's port. */
static int connection(void)
{
	struct sockaddr_in here = { .sin_family = AF_INET };
	socklen_t len = sizeof(here);
	here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&here, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&here, &len), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&here, len), 0);
	return fd;
}

/* An engine that dies when its warden lives, and perhaps holds the connection; until both are gone.
 */
static void engine_dies(int fd, bool holding)
{
	struct lock lock = { .method = NETWORK_LOCK_SKIP };
	const struct warden_charge charge = { .lock = &lock, .sockets = &fd, .nr_sockets = 1 };
	struct warden *w;
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	pid_t pid = fork();
	if (pid == 0)
		_exit(warden_start(&charge, &w, NULL) < 0 ||
		      (holding && warden_hold(w, false, NULL) < 0));
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	while (wait(NULL) > 0)
		;
}

static void warden_undoes_what_it_did(void **state)
{
	(void)state;
	int fd = connection();
	set_repair(fd, 0);
	engine_dies(fd, true);
	assert_int_equal(in_repair(fd), 0);
	close(fd);
}

/* The next dump may be that far when the warden hears of the death. */
static void warden_leaves_what_another_did(void **state)
{
	(void)state;
	int fd = connection();
	set_repair(fd, 1);
	engine_dies(fd, false);
	assert_int_equal(in_repair(fd), 1);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(warden_undoes_what_it_did),
		cmocka_unit_test(warden_leaves_what_another_did),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
