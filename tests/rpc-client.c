/* SPDX-License-Identifier: MIT
 * rpc-client swrk PROGRAM | connect PATH, then requests as JSON: send each, print every answer as
 * a line of JSON. Notifications are agreed to, except --refuse NAME's. "raw:TEXT" sends the text
 * itself as a packet. A member "dir" of descriptor numbers is the shell's own: 7<images.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "convert/codec/message.h"
#include "rpc.pb-c.h"

#define PACKET_MAX 65536

static int fail(const char *what)
{
	perror(what);
	return -1;
}

static int start_swrk(const char *program, pid_t *child)
{
	int pair[2];
	char number[16];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) < 0)
		return fail("socketpair");
	*child = fork();
	if (*child == 0) {
		close(pair[0]);
		snprintf(number, sizeof(number), "%d", pair[1]);
		execlp(program, program, "swrk", number, NULL);
		_exit(127);
	}
	close(pair[1]);
	return pair[0];
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	int sock = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	if (sock < 0 || connect(sock, (struct sockaddr *)&address, sizeof(address)) < 0)
		return fail(path);
	return sock;
}

static int send_request(int sock, const char *text)
{
	struct error err;
	ProtobufCMessage *msg = NULL;
	struct json_in in;
	if (!strncmp(text, "raw:", 4))
		return send(sock, text + 4, strlen(text + 4), MSG_NOSIGNAL) < 0 ? fail("send") : 0;
	json_in_init_text(&in, text, strlen(text), "request");
	if (message_from_json(&in, &criu_req__descriptor, NULL, NULL, &msg, &err) < 0) {
		fprintf(stderr, "rpc-client: %s\n", err.text);
		return -1;
	}
	size_t len = protobuf_c_message_get_packed_size(msg);
	uint8_t *bytes = malloc(len);
	protobuf_c_message_pack(msg, bytes);
	int rc = send(sock, bytes, len, MSG_NOSIGNAL) < 0 ? fail("send") : 0;
	free(bytes);
	protobuf_c_message_free_unpacked(msg, NULL);
	return rc;
}

static void print_answer(const CriuResp *resp)
{
	struct json_out out;
	struct error err;
	if (json_out_init(&out, STDOUT_FILENO, "answer", false, &err) < 0)
		return;
	message_to_json(&resp->base, &out);
	json_raw(&out, "\n", 1);
	json_out_flush(&out, &err);
	json_out_fini(&out);
}

static int agree(int sock, const CriuNotify *note, const char *refused)
{
	CriuReq req = CRIU_REQ__INIT;
	uint8_t bytes[64];
	req.type = CRIU_REQ_TYPE__NOTIFY;
	req.has_notify_success = true;
	req.notify_success = !refused || strcmp(note->script, refused);
	size_t len = criu_req__pack(&req, bytes);
	return send(sock, bytes, len, MSG_NOSIGNAL) < 0 ? fail("send") : 0;
}

/* @param fd  set to a descriptor that came with it */
static ssize_t receive(int sock, void *packet, size_t size, int *fd)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec part = { packet, size };
	struct msghdr msg = { .msg_iov = &part,
			      .msg_iovlen = 1,
			      .msg_control = control.bytes,
			      .msg_controllen = sizeof(control.bytes) };
	ssize_t len = recvmsg(sock, &msg, 0);
	if (len > 0 && msg.msg_controllen && control.head.cmsg_type == SCM_RIGHTS)
		memcpy(fd, CMSG_DATA(&control.head), sizeof(*fd));
	return len;
}

/* The master of a restored program's terminal: type a word, show what comes back. */
static void use_terminal(int fd)
{
	char text[4096] = "";
	size_t len = 0;
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	if (write(fd, "typed\n", 6) != 6)
		return;
	while (!strstr(text, "got typed") && len + 1 < sizeof(text) && poll(&ready, 1, 3000) == 1) {
		ssize_t n = read(fd, text + len, sizeof(text) - 1 - len);
		if (n <= 0)
			break;
		len += (size_t)n;
		text[len] = 0;
	}
	printf("terminal: %s\n", text);
}

/* Up to the answer to the request itself. @return 0; -1: none came */
static int answers(int sock, const char *refused)
{
	static uint8_t packet[PACKET_MAX];
	int terminal = -1;
	for (;;) {
		ssize_t len = receive(sock, packet, sizeof(packet), &terminal);
		if (len <= 0)
			return -1;
		CriuResp *resp = criu_resp__unpack(NULL, (size_t)len, packet);
		if (!resp)
			return -1;
		print_answer(resp);
		bool last = resp->type != CRIU_REQ_TYPE__NOTIFY || !resp->notify;
		int rc = last ? 0 : agree(sock, resp->notify, refused);
		criu_resp__free_unpacked(resp, NULL);
		if (last && terminal >= 0)
			use_terminal(terminal);
		if (last || rc < 0)
			return rc;
	}
}

int main(int argc, char **argv)
{
	const char *refused = NULL;
	pid_t child = 0;
	if (argc > 3 && !strcmp(argv[1], "--refuse")) {
		refused = argv[2];
		argv += 2;
		argc -= 2;
	}
	if (argc < 4)
		return 2;
	int sock = !strcmp(argv[1], "swrk") ? start_swrk(argv[2], &child) : connect_to(argv[2]);
	int rc = sock < 0 ? -1 : 0;
	for (int i = 3; rc == 0 && i < argc; i++) {
		rc = send_request(sock, argv[i]);
		if (rc == 0)
			rc = answers(sock, refused);
	}
	close(sock);
	if (child)
		waitpid(child, NULL, 0);
	return rc < 0;
}
