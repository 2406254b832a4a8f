/* SPDX-License-Identifier: MIT
 * Requests and answers as packets.
 */
#include "engine/rpc/wire.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* The kernel tells a packet's length when asked for none of its bytes. */
static ssize_t next_length(int sock)
{
	ssize_t len;
	do {
		len = recv(sock, NULL, 0, MSG_PEEK | MSG_TRUNC);
	} while (len < 0 && errno == EINTR);
	return len;
}

int rpc_receive(int sock, CriuReq **out, struct error *err)
{
	ssize_t len = next_length(sock);
	if (len < 0 && errno != ECONNRESET)
		return error_sys(err, "wait for a request");
	if (len <= 0)
		return 0;
	if (len > RPC_REQUEST_MAX)
		return error_set(err, EBADMSG, "request of %zd bytes, at most %d are taken", len,
				 RPC_REQUEST_MAX);
	auto_free uint8_t *bytes = malloc((size_t)len);
	if (!bytes)
		return error_set(err, ENOMEM, "out of memory");
	ssize_t got = recv(sock, bytes, (size_t)len, 0);
	if (got < 0)
		return error_sys(err, "receive a request");
	CriuReq *req = criu_req__unpack(NULL, (size_t)got, bytes);
	if (!req)
		return error_set(err, EBADMSG, "packet of %zd bytes is no request", got);
	*out = req;
	return 1;
}

int rpc_send(int sock, const CriuResp *resp, int fd, struct error *err)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	size_t len = criu_resp__get_packed_size(resp);
	auto_free uint8_t *bytes = malloc(len);
	if (!bytes)
		return error_set(err, ENOMEM, "out of memory");
	criu_resp__pack(resp, bytes);
	struct iovec part = { bytes, len };
	struct msghdr msg = { .msg_iov = &part, .msg_iovlen = 1 };
	if (fd >= 0) {
		msg.msg_control = control.bytes;
		msg.msg_controllen = sizeof(control.bytes);
		control.head.cmsg_level = SOL_SOCKET;
		control.head.cmsg_type = SCM_RIGHTS;
		control.head.cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	}
	ssize_t sent;
	do {
		sent = sendmsg(sock, &msg, MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	return sent < 0 ? error_sys(err, "answer the request") : 0;
}

int rpc_peer(int sock, struct ucred *out, struct error *err)
{
	socklen_t len = sizeof(*out);
	if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, out, &len) < 0)
		return error_sys(err, "descriptor %d: ask who the peer is", sock);
	return 0;
}
