/* SPDX-License-Identifier: MIT
 * A network device with an XDP program.
 * live-unshare: --net
 * live-refuse: network device lo: it has an XDP program
 */
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "tests/live/live.h"

static int load(void)
{
	static const struct bpf_insn pass[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = XDP_PASS },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr = { .prog_type = BPF_PROG_TYPE_XDP,
				.insn_cnt = 2,
				.insns = (uintptr_t)pass,
				.license = (uintptr_t) "GPL" };
	return (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
}

int main(void)
{
	struct {
		struct nlmsghdr head;
		struct ifinfomsg link;
		struct nlattr nest, fd;
		int32_t prog;
		struct nlattr flags;
		uint32_t mode;
	} ask = {
		{ sizeof(ask), RTM_SETLINK, NLM_F_REQUEST | NLM_F_ACK, 1, 0 },
		{ .ifi_index = (int)if_nametoindex("lo") },
		{ sizeof(ask) - offsetof(__typeof__(ask), nest), IFLA_XDP | NLA_F_NESTED },
		{ 8, IFLA_XDP_FD },
		load(),
		{ 8, IFLA_XDP_FLAGS },
		XDP_FLAGS_SKB_MODE,
	};
	struct {
		struct nlmsghdr head;
		struct nlmsgerr err;
		char more[256];
	} answer = { 0 };
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	live_must(fd >= 0 && ask.prog >= 0);
	live_must(send(fd, &ask, sizeof(ask), 0) == sizeof(ask));
	live_must(recv(fd, &answer, sizeof(answer), 0) > 0);
	live_check(answer.head.nlmsg_type == NLMSG_ERROR && answer.err.error == 0, "attach: %s",
		   strerror(-answer.err.error));
	close(ask.prog);
	close(fd);
	live_ready();
	live_pass();
}
