/* SPDX-License-Identifier: MIT
 * Unix sockets with names: listening in files (absolute, relative, deleted) and in the abstract,
 * accepted connections with and without their listener, one that waits to be accepted.
 * live-modes: SS CS RR 2S
 */
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "tests/live/live.h"

static socklen_t address(struct sockaddr_un *addr, const char *name)
{
	*addr = (struct sockaddr_un){ .sun_family = AF_UNIX };
	size_t len = strlen(name);
	memcpy(addr->sun_path, name, len);
	if (name[0] != '@')
		return sizeof(*addr);
	addr->sun_path[0] = 0;
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
}

static int bound(int type, const char *name)
{
	struct sockaddr_un addr;
	socklen_t len = address(&addr, name);
	int fd = socket(AF_UNIX, type, 0);
	live_must(fd >= 0 && bind(fd, (struct sockaddr *)&addr, len) == 0);
	return fd;
}

static int listening(const char *name)
{
	int fd = bound(SOCK_STREAM, name);
	live_must(listen(fd, 5) == 0);
	return fd;
}

static int try_connect(const char *name)
{
	struct sockaddr_un addr;
	socklen_t len = address(&addr, name);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (connect(fd, (struct sockaddr *)&addr, len) == 0)
		return fd;
	close(fd);
	return -1;
}

static int connected(const char *name)
{
	int fd = try_connect(name);
	live_must(fd >= 0);
	return fd;
}

static void talk(int a, int b, const char *what)
{
	char c = 0;
	live_check(send(a, "x", 1, MSG_NOSIGNAL) == 1, "%s: send: %s", what, strerror(errno));
	live_check(recv(b, &c, 1, MSG_DONTWAIT) == 1 && c == 'x', "%s: nothing arrived", what);
}

static void check_name(int fd, const char *want, const char *what)
{
	struct sockaddr_un addr = { 0 };
	socklen_t len = sizeof(addr);
	live_check(getsockname(fd, (struct sockaddr *)&addr, &len) == 0, "%s: getsockname", what);
	if (len > offsetof(struct sockaddr_un, sun_path) && !addr.sun_path[0])
		addr.sun_path[0] = '@';
	live_check(!strncmp(addr.sun_path, want, sizeof(addr.sun_path)),
		   "%s: named %.100s, want %s", what, addr.sun_path, want);
}

static void serve(int fd, const char *name, const char *what)
{
	int client = try_connect(name);
	live_check(client >= 0, "%s: connect to %s: %s", what, name, strerror(errno));
	int server = accept(fd, NULL, NULL);
	live_check(server >= 0, "%s: accept: %s", what, strerror(errno));
	talk(client, server, what);
	close(client);
	close(server);
}

int main(void)
{
	char file[100], abstract[64], orphan[64];
	snprintf(file, sizeof(file), "%s", live_path("listen.sock"));
	snprintf(abstract, sizeof(abstract), "@stasis-live-%d", getpid());
	snprintf(orphan, sizeof(orphan), "@stasis-orphan-%d", getpid());
	live_must(chdir(live_path("")) == 0);

	int absolute = listening(file);
	live_must(chmod(file, 0620) == 0);
	int relative = listening("relative.sock");
	int nameless = listening(abstract);
	int gone = listening("gone.sock");
	int gone_client = connected("gone.sock"), gone_server = accept(gone, NULL, NULL);
	live_must(unlink("gone.sock") == 0);
	int client = connected(file), server = accept(absolute, NULL, NULL);
	live_must(server >= 0);
	int listener = listening(orphan);
	int client1 = connected(orphan), server1 = accept(listener, NULL, NULL);
	int client2 = connected(orphan), server2 = accept(listener, NULL, NULL);
	live_must(server1 >= 0 && server2 >= 0 && close(listener) == 0);
	int waiting = connected(abstract);

	live_ready();

	struct stat st;
	live_check(stat(file, &st) == 0 && (st.st_mode & 07777) == 0620, "mode of %s", file);
	check_name(absolute, file, "absolute");
	check_name(relative, "relative.sock", "relative");
	check_name(server, file, "accepted");
	check_name(server1, orphan, "accepted, listener closed");
	check_name(gone_server, "gone.sock", "accepted, name deleted");
	talk(waiting, accept(nameless, NULL, NULL), "waiting to be accepted");
	serve(absolute, file, "absolute");
	serve(relative, "relative.sock", "relative");
	serve(nameless, abstract, "abstract");
	live_check(stat("gone.sock", &st) < 0, "the deleted name is back");
	talk(client, server, "accepted");
	talk(server, client, "accepted, back");
	talk(client1, server1, "listener closed");
	talk(server2, client2, "listener closed, the second");
	talk(gone_client, gone_server, "name deleted");
	live_pass();
}
