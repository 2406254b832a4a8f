/* SPDX-License-Identifier: MIT
 * Segments of TCP connections carry as much after the restore as before it.
 *
 * live-modes: SS CS RR 2S
 * live-dump: --tcp-established
 * live-restore: --tcp-established
 * live-net: true
 */
#include "tests/live/tcp.h"

static const char *const addresses[] = { "127.0.0.1", "::1" };
#define NR_WAYS 2

/* Bytes, as far as a program may ask for so many. */
static unsigned segment(int fd)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);
	live_must(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0);
	return info.tcpi_snd_mss < 32000 ? info.tcpi_snd_mss : 32000;
}

int main(void)
{
	int ends[NR_WAYS][2];
	unsigned before[NR_WAYS][2];
	for (int i = 0; i < NR_WAYS; i++) {
		int listening = tcp_listen(addresses[i], 7001 + i);
		ends[i][0] = tcp_connect(addresses[i], 7001 + i);
		ends[i][1] = accept(listening, NULL, NULL);
		live_must(ends[i][1] >= 0);
		tcp_put(ends[i][0], "sent", addresses[i]);
		tcp_readable(ends[i][1], "sent");
		for (int k = 0; k < 2; k++)
			before[i][k] = segment(ends[i][k]);
	}

	live_ready();

	for (int i = 0; i < NR_WAYS; i++) {
		for (int k = 0; k < 2; k++) {
			unsigned now = segment(ends[i][k]);
			live_check(now >= before[i][k], "%s: segments of %u bytes, were %u",
				   addresses[i], now, before[i][k]);
		}
		tcp_expect(ends[i][1], "sent", addresses[i]);
		tcp_put(ends[i][1], "back", addresses[i]);
		tcp_expect(ends[i][0], "back", addresses[i]);
	}
	live_pass();
}
