/* SPDX-License-Identifier: MIT
 * Answering requests of the service protocol.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"

/**
 * Answer the requests that come over a socket until the peer hangs up or its last one did not ask
 * to keep the connection open.
 * @param guarded  the peer may be anybody (a listening service): it is served what it owns
 * @return 0 when the last request was answered with success; -errno: it was not, and the peer was
 *         told why, as long as it was there
 */
int rpc_serve(int sock, bool guarded, struct error *err);
/**
 * Tell a peer why it is not served. Its request is waited for for a moment, as who closes a socket
 * that holds one resets the connection, and the answer is lost.
 */
void rpc_refuse(int sock, struct error *why);
