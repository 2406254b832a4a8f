/* SPDX-License-Identifier: MIT
 * Packets of the service protocol: one protobuf message each, over a SEQPACKET socket.
 */
#pragma once

#include <sys/socket.h>

#include "base/error.h"
#include "rpc.pb-c.h"

/* Longest request taken; runc's with all its mounts are about 3 KiB. */
#define RPC_REQUEST_MAX (1 << 20)

/**
 * The next request. @param out  the caller frees it: criu_req__free_unpacked()
 * @return 1; 0 when the peer has hung up; -EBADMSG for what is no request, -errno
 */
int rpc_receive(int sock, CriuReq **out, struct error *err);

/** Send one answer. @param fd  goes with it; -1: none @return 0; -EPIPE when the peer is gone,
 * -errno */
int rpc_send(int sock, const CriuResp *resp, int fd, struct error *err);

/** Who is at the other end. For a socketpair: who made it. */
int rpc_peer(int sock, struct ucred *out, struct error *err);

static inline void rpc_request_cleanup_(CriuReq **req)
{
	if (*req)
		criu_req__free_unpacked(*req, NULL);
}
#define auto_rpc_request __attribute__((cleanup(rpc_request_cleanup_))) CriuReq *
