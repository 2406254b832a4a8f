/* SPDX-License-Identifier: MIT
 * sock_diag(7) through libmnl.
 */
#include "engine/net/diag.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <sys/socket.h>

static int receive(struct mnl_socket *nl, mnl_cb_t each, void *arg)
{
	static const size_t size = 64 * 1024;
	char *buf = malloc(size);
	if (!buf)
		return -ENOMEM;
	int rc = MNL_CB_OK;
	while (rc > MNL_CB_STOP) {
		ssize_t len = mnl_socket_recvfrom(nl, buf, size);
		rc = len < 0
			 ? -1
			 : mnl_cb_run(buf, (size_t)len, 0, mnl_socket_get_portid(nl), each, arg);
	}
	int code = rc < 0 ? -errno : 0;
	free(buf);
	return code;
}

int diag_ask(const void *ask, size_t len, mnl_cb_t each, void *arg)
{
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC);
	int rc = nl ? 0 : -errno;
	if (rc == 0 &&
	    (mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0 || mnl_socket_sendto(nl, ask, len) < 0))
		rc = -errno;
	if (rc == 0)
		rc = receive(nl, each, arg);
	if (nl)
		mnl_socket_close(nl);
	return rc;
}
