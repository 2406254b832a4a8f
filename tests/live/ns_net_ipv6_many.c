/* SPDX-License-Identifier: MIT
 * A connection between addresses of IPv6 of which there are many: the kernel makes their routes one
 * by one and in its own time, and what is restored waits for them.
 *
 * live-unshare: --pid --net
 * live-dump: --tcp-established
 * live-restore: --tcp-established
 */
#include <stdlib.h>

#include "tests/live/tcp.h"

static const char setup[] =
    "set -e; ip link set lo up; "
    "for i in $(seq 1000 1999); do echo addr add 2001:db8::$i/128 dev lo nodad; done | ip -batch -;"
    "for i in 1000 1999; do"
    " until ip -6 route get 2001:db8::$i | grep -q '^local'; do sleep 0.1; done; done";

int main(void)
{
	live_must(system(setup) == 0);
	int first = tcp_listen("2001:db8::1000", 7001), last = tcp_listen("2001:db8::1999", 7001);
	int a = tcp_connect("2001:db8::1000", 7001), b = accept(first, NULL, NULL);
	int c = tcp_connect("2001:db8::1999", 7001), d = accept(last, NULL, NULL);
	live_must(b >= 0 && d >= 0);
	tcp_put(a, "early", "first");

	live_ready();

	tcp_expect(b, "early", "first");
	tcp_put(c, "late", "last");
	tcp_expect(d, "late", "last");
	tcp_put(d, "answer", "last");
	tcp_expect(c, "answer", "last");
	live_pass();
}
