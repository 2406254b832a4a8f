/* SPDX-License-Identifier: MIT
 * Unix sockets whose files were renamed after they were bound, as some servers take the place of
 * others, or got another name before they lost the first: clients find them by the new name, they
 * are told the old one.
 *
 * live-modes: SS RR 2S
 */
#include <sys/socket.h>
#include <sys/un.h>

#include "tests/live/live.h"

static int named(const char *name, int (*use)(int, const struct sockaddr *, socklen_t))
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", name);
	live_check(fd >= 0 && use(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0, "%s: %s", name,
		   strerror(errno));
	return fd;
}

static int renamed(const char *from, const char *to)
{
	int fd = named(from, bind);
	live_must(listen(fd, 5) == 0 && chmod(from, 0620) == 0 && rename(from, to) == 0);
	return fd;
}

static int linked(const char *from, const char *to)
{
	int fd = named(from, bind);
	live_must(listen(fd, 5) == 0 && chmod(from, 0620) == 0);
	live_must(link(from, to) == 0 && unlink(from) == 0);
	return fd;
}

static void check(int fd, const char *from, const char *to)
{
	struct sockaddr_un addr = { 0 };
	socklen_t len = sizeof(addr);
	struct stat st;
	live_check(getsockname(fd, (struct sockaddr *)&addr, &len) == 0 &&
		       !strcmp(addr.sun_path, from),
		   "named %.100s, want %s", addr.sun_path, from);
	live_check(stat(from, &st) < 0, "%s is back", from);
	live_check(stat(to, &st) == 0 && (st.st_mode & 07777) == 0620, "mode of %s", to);
	int client = named(to, connect), server = accept(fd, NULL, NULL);
	live_check(server >= 0, "%s: accept: %s", to, strerror(errno));
	close(client);
	close(server);
}

int main(void)
{
	char from[100], to[100];
	snprintf(from, sizeof(from), "%s", live_path("new.sock"));
	snprintf(to, sizeof(to), "%s", live_path("server.sock"));
	live_must(chdir(live_path("")) == 0);
	int old = named(to, bind); /* its file goes as the other one comes */
	int absolute = renamed(from, to), relative = renamed("new-here.sock", "here.sock");
	int by_link = linked("first.sock", "second.sock");

	live_ready();

	check(absolute, from, to);
	check(relative, "new-here.sock", "here.sock");
	check(by_link, "first.sock", "second.sock");
	close(old);
	live_pass();
}
