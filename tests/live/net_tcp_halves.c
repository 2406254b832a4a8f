/* SPDX-License-Identifier: MIT
 * TCP connections on their way to the end: every state a socket with a descriptor can be in, with
 * peers outside of the tree, and bytes that wait in front of the end.
 *
 * live-dump: --tcp-established --network-lock nftables
 * live-restore: --tcp-established
 * live-net: true
 * live-skip: nft list ruleset
 */
#include "tests/live/tcp.h"

#define PORT 7100

enum { MINE_FIRST, THEIRS_FIRST, BOTH_DONE, NR_CASES };

/* A peer per case; what it does first stands before the dump. */
static void peer(void *arg)
{
	int which = *(int *)arg;
	int fd = tcp_connect("127.0.0.1", PORT + which);
	switch (which) {
	case MINE_FIRST: /* the tree has shut down its side: FIN_WAIT2 there */
		tcp_expect(fd, "last words", "peer 0");
		tcp_expect_end(fd, "peer 0");
		tcp_put(fd, "still here", "peer 0");
		live_wait();
		tcp_put(fd, ", and on", "peer 0");
		break;
	case THEIRS_FIRST: /* CLOSE_WAIT there */
		tcp_put(fd, "goodbye", "peer 1");
		live_must(shutdown(fd, SHUT_WR) == 0);
		live_wait();
		tcp_expect(fd, "answer", "peer 1");
		tcp_expect_end(fd, "peer 1");
		live_say("peer1", "done\n");
		break;
	case BOTH_DONE: /* it ends there as well: CLOSE, with bytes left to read */
		tcp_put(fd, "legacy", "peer 2");
		live_must(shutdown(fd, SHUT_WR) == 0);
		tcp_expect_end(fd, "peer 2");
		break;
	}
	_exit(0);
}

int main(void)
{
	int fds[NR_CASES];
	for (int i = 0; i < NR_CASES; i++) {
		int listening = tcp_listen("127.0.0.1", PORT + i);
		tcp_outside(peer, &i, -1);
		fds[i] = accept(listening, NULL, NULL);
		live_must(fds[i] >= 0);
		close(listening);
	}
	tcp_put(fds[MINE_FIRST], "last words", "first");
	live_must(shutdown(fds[MINE_FIRST], SHUT_WR) == 0);
	tcp_readable(fds[MINE_FIRST], "first");
	tcp_wait_state(fds[MINE_FIRST], TCP_FIN_WAIT2);
	tcp_wait_state(fds[THEIRS_FIRST], TCP_CLOSE_WAIT);
	tcp_wait_state(fds[BOTH_DONE], TCP_CLOSE_WAIT);
	live_must(shutdown(fds[BOTH_DONE], SHUT_WR) == 0);
	tcp_wait_state(fds[BOTH_DONE], TCP_CLOSE);

	live_ready();

	live_check(tcp_state(fds[THEIRS_FIRST]) == TCP_CLOSE_WAIT, "state is %d, want CLOSE_WAIT",
		   tcp_state(fds[THEIRS_FIRST]));
	tcp_expect(fds[MINE_FIRST], "still here, and on", "first");
	tcp_expect_end(fds[MINE_FIRST], "first");
	tcp_expect(fds[THEIRS_FIRST], "goodbye", "second");
	tcp_expect_end(fds[THEIRS_FIRST], "second");
	tcp_put(fds[THEIRS_FIRST], "answer", "second");
	live_check(close(fds[THEIRS_FIRST]) == 0, "close: %s", strerror(errno));
	for (int i = 0; access(live_path("peer1"), F_OK) < 0; i++) {
		live_check(i < 3000, "the peer does not hear the end");
		live_sleep_ms(5);
	}
	tcp_expect(fds[BOTH_DONE], "legacy", "third");
	tcp_expect_end(fds[BOTH_DONE], "third");
	live_check(tcp_state(fds[BOTH_DONE]) == TCP_CLOSE, "state is %d, want CLOSE",
		   tcp_state(fds[BOTH_DONE]));
	live_pass();
}
