/* SPDX-License-Identifier: MIT
 * Datagram sockets connected in a chain. Whoever is connected takes no new connections but from its
 * peer, so they have to be connected from the far end on.
 * live-modes: SS RR 2S
 */
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "tests/live/live.h"

static socklen_t chain_name(struct sockaddr_un *addr, int i)
{
	*addr = (struct sockaddr_un){ .sun_family = AF_UNIX };
	int len = snprintf(addr->sun_path + 1, sizeof(addr->sun_path) - 1, "stasis-chain-%d-%d",
			   getpid(), i);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len);
}

/* The first to the second to the third: in this order, as the kernel refuses any other. */
static void make_chain(int chain[3])
{
	struct sockaddr_un addr;
	for (int i = 2; i >= 0; i--) {
		socklen_t len = chain_name(&addr, i);
		chain[i] = socket(AF_UNIX, SOCK_DGRAM, 0);
		live_must(bind(chain[i], (struct sockaddr *)&addr, len) == 0);
	}
	for (int i = 0; i < 2; i++) {
		socklen_t len = chain_name(&addr, i + 1);
		live_must(connect(chain[i], (struct sockaddr *)&addr, len) == 0);
	}
}

static void check_chain(const int chain[3])
{
	for (int i = 0; i < 2; i++) {
		struct sockaddr_un want, got = { 0 };
		socklen_t len = sizeof(got), want_len = chain_name(&want, i + 1);
		live_check(getpeername(chain[i], (struct sockaddr *)&got, &len) == 0 &&
			       len == want_len && !memcmp(&got, &want, len),
			   "link %d of the chain is not connected to the next", i);
	}
}

int main(void)
{
	int chain[3];
	make_chain(chain);
	live_ready();
	check_chain(chain);
	live_pass();
}
