/* SPDX-License-Identifier: MIT
 * A signed TCP connection (TCP_MD5SIG) that one side has closed is refused: what closes it again
 * would have to be signed.
 *
 * live-dump: --tcp-established
 * live-net: true
 * live-refuse: signed with MD5
 * live-skip: grep -q tcp_md5_do_add /proc/kallsyms
 */
#include "tests/live/tcp.h"

static void sign(int fd)
{
	union tcp_addr addr;
	struct tcp_md5sig key = { .tcpm_keylen = 6 };
	tcp_addr(&addr, "127.0.0.1", 0);
	memcpy(&key.tcpm_addr, &addr, sizeof(addr));
	memcpy(key.tcpm_key, "secret", 6);
	live_must(setsockopt(fd, SOL_TCP, TCP_MD5SIG, &key, sizeof(key)) == 0);
}

int main(void)
{
	union tcp_addr addr;
	socklen_t len = tcp_addr(&addr, "127.0.0.1", 7825);
	int listening = tcp_listen("127.0.0.1", 7825), fd = socket(AF_INET, SOCK_STREAM, 0);
	sign(listening);
	sign(fd);
	live_must(connect(fd, &addr.any, len) == 0);
	int accepted = accept(listening, NULL, NULL);
	live_must(accepted >= 0 && shutdown(fd, SHUT_WR) == 0);
	tcp_wait_state(accepted, TCP_CLOSE_WAIT);
	live_ready();
	tcp_put(accepted, "still", "server");
	tcp_expect(fd, "still", "client");
	live_pass();
}
