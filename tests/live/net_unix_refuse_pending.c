/* SPDX-License-Identifier: MIT
 * Bytes sent into a connection nobody has accepted yet cannot be read by anybody: refused.
 * live-refuse: sent data before its connection was accepted
 */
#include <sys/socket.h>
#include <sys/un.h>

#include "tests/live/live.h"

int main(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	char text[8];
	int listener = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", live_path("socket"));
	live_must(bind(listener, (struct sockaddr *)&addr, sizeof(addr)) == 0);
	live_must(listen(listener, 3) == 0);
	live_must(connect(client, (struct sockaddr *)&addr, sizeof(addr)) == 0);
	live_must(write(client, "early", 5) == 5);
	live_ready();
	int server = accept(listener, NULL, NULL);
	live_check(server >= 0 && read(server, text, sizeof(text)) == 5, "the bytes are lost");
	live_pass();
}
