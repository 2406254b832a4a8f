/* SPDX-License-Identifier: MIT
 * Datagrams that wait come from whom they came from: named senders get their answer; the user who
 * sent a message is told to who wants to know (SO_PASSCRED).
 * live-modes: SS RR 2S
 */
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "tests/live/live.h"

#define OTHER_USER 4321

static struct sockaddr_un addr;

/* '@': an abstract name. @return its length */
static socklen_t name_it(const char *name)
{
	memset(&addr, 0, sizeof(addr));
	addr.sun_family = AF_UNIX;
	if (name[0] != '@') {
		snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", live_path(name));
		return sizeof(addr);
	}
	int len =
	    snprintf(addr.sun_path + 1, sizeof(addr.sun_path) - 1, "%s%d", name + 1, getpid());
	return (socklen_t)offsetof(struct sockaddr_un, sun_path) + 1 + (socklen_t)len;
}

static int named(const char *name)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	socklen_t len = name_it(name);
	live_must(fd >= 0 && bind(fd, (struct sockaddr *)&addr, len) == 0);
	return fd;
}

static void send_to(int fd, const char *server, const char *text)
{
	socklen_t len = name_it(server);
	live_must(sendto(fd, text, strlen(text), 0, (struct sockaddr *)&addr, len) > 0);
}

/* A message and, unless it came from a socket without a name, an answer to it. */
static void answer(int server, const char *text, int client)
{
	char buf[32] = "";
	struct sockaddr_un from = { 0 };
	socklen_t len = sizeof(from);
	ssize_t n =
	    recvfrom(server, buf, sizeof(buf), MSG_DONTWAIT, (struct sockaddr *)&from, &len);
	live_check(n == (ssize_t)strlen(text) && !strcmp(buf, text), "got '%s', want '%s'", buf,
		   text);
	if (client < 0) {
		live_check(len <= sizeof(sa_family_t), "'%s' comes from somebody", text);
		return;
	}
	live_check(sendto(server, "re", 2, 0, (struct sockaddr *)&from, len) == 2,
		   "answer to '%s' (%s): %s", text, from.sun_path, strerror(errno));
	live_check(recv(client, buf, sizeof(buf), MSG_DONTWAIT) == 2, "the answer to '%s' is lost",
		   text);
}

static uid_t sender_of(int fd)
{
	char text[8];
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(struct ucred))];
	} control;
	struct iovec iov = { text, sizeof(text) };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	live_check(recvmsg(fd, &msg, MSG_DONTWAIT) > 0, "no message: %s", strerror(errno));
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	live_check(c && c->cmsg_type == SCM_CREDENTIALS, "the message does not tell who sent it");
	struct ucred creds;
	memcpy(&creds, CMSG_DATA(c), sizeof(creds));
	return creds.uid;
}

int main(void)
{
	int server = named("server"), hidden = named("@hidden"), curious = named("curious");
	int file = named("client"), abstract = named("@client"), on = 1;
	int stranger = socket(AF_UNIX, SOCK_DGRAM, 0);
	send_to(file, "server", "from a file");
	send_to(stranger, "server", "from nobody");
	send_to(abstract, "server", "from the abstract");
	send_to(file, "server", "from a file again");
	send_to(file, "@hidden", "to the abstract");
	send_to(server, "@hidden", "between servers");
	live_must(setsockopt(curious, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) == 0);
	chmod(live_path("curious"), 0777);
	pid_t pid = fork();
	if (pid == 0) {
		live_must(setuid(OTHER_USER) == 0);
		send_to(socket(AF_UNIX, SOCK_DGRAM, 0), "curious", "other");
		_exit(0);
	}
	live_must(waitpid(pid, NULL, 0) == pid);
	send_to(file, "curious", "own");

	live_ready();

	answer(server, "from a file", file);
	answer(server, "from nobody", -1);
	answer(server, "from the abstract", abstract);
	answer(server, "from a file again", file);
	answer(hidden, "to the abstract", file);
	answer(hidden, "between servers", server);
	live_check(sender_of(curious) == OTHER_USER, "another user sent it");
	live_check(sender_of(curious) == getuid(), "another user sent the second one");
	live_pass();
}
