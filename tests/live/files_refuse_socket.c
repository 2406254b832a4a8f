/* SPDX-License-Identifier: MIT
 * A socket of a family nobody restores is refused by name, and goes on working.
 * live-refuse: is a vsock
 * live-skip: grep -q AF_VSOCK /proc/net/protocols
 */
#include <linux/vm_sockets.h>
#include <sys/socket.h>

#include "tests/live/live.h"

int main(void)
{
	struct sockaddr_vm addr = { .svm_family = AF_VSOCK,
				    .svm_cid = VMADDR_CID_ANY,
				    .svm_port = VMADDR_PORT_ANY };
	int fd = socket(AF_VSOCK, SOCK_STREAM, 0);
	live_must(fd >= 0 && bind(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0);
	live_ready();
	live_check(getsockname(fd, (struct sockaddr *)&addr, &(socklen_t){ sizeof(addr) }) == 0,
		   "the socket is gone: %s", strerror(errno));
	live_pass();
}
