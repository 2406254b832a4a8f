/* SPDX-License-Identifier: MIT
 * Connections that wait to be accepted, of a stream and of a sequenced packet socket: they are
 * accepted in their order, each with its client; one more can connect; the backlog is what it was.
 */
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "tests/live/live.h"

#define NR 3

static struct sockaddr_un addr;

static int listener(const char *name, int type)
{
	int fd = socket(AF_UNIX, type | SOCK_NONBLOCK, 0);
	addr.sun_family = AF_UNIX;
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", live_path(name));
	live_must(fd >= 0 && bind(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0);
	live_must(listen(fd, NR) == 0); /* one more than that fits */
	return fd;
}

static int client(int type)
{
	int fd = socket(AF_UNIX, type | SOCK_NONBLOCK, 0);
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0)
		return fd;
	close(fd);
	return -1;
}

static void check(const char *what, int fd, const int *clients)
{
	for (int i = 0; i < NR; i++) {
		char c = (char)('a' + i), got = 0;
		int server = accept(fd, NULL, NULL);
		live_check(server >= 0, "%s: connection %d is lost: %s", what, i, strerror(errno));
		live_check(write(clients[i], &c, 1) == 1, "%s: client %d cannot send: %s", what, i,
			   strerror(errno));
		live_check(recv(server, &got, 1, MSG_DONTWAIT) == 1 && got == c,
			   "%s: connection %d is that of '%c'", what, i, got);
		live_check(write(server, "r", 1) == 1 && read(clients[i], &got, 1) == 1,
			   "%s: connection %d does not answer", what, i);
		close(server);
	}
}

int main(void)
{
	static const struct {
		const char *name;
		int type;
	} kinds[] = { { "stream", SOCK_STREAM }, { "packets", SOCK_SEQPACKET } };
	int listeners[2], clients[2][NR];
	for (int k = 0; k < 2; k++) {
		listeners[k] = listener(kinds[k].name, kinds[k].type);
		for (int i = 0; i < NR; i++)
			live_must((clients[k][i] = client(kinds[k].type)) >= 0);
	}

	live_ready();

	for (int k = 0; k < 2; k++) {
		snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", live_path(kinds[k].name));
		int more = client(kinds[k].type);
		live_check(more >= 0, "%s: nobody can connect: %s", kinds[k].name, strerror(errno));
		live_check(client(kinds[k].type) < 0, "%s: too many can connect", kinds[k].name);
		check(kinds[k].name, listeners[k], clients[k]);
		live_check(accept(listeners[k], NULL, NULL) >= 0, "%s: the new one is lost",
			   kinds[k].name);
		live_check(accept(listeners[k], NULL, NULL) < 0, "%s: one too many", kinds[k].name);
		close(more);
	}
	live_pass();
}
