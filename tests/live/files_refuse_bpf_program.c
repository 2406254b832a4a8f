/* SPDX-License-Identifier: MIT
 * BPF programs are refused by name.
 * live-refuse: fd 3 is a BPF program
 */
#include <linux/bpf.h>
#include <sys/syscall.h>

#include "tests/live/live.h"

int main(void)
{
	const struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = 0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr = { .prog_type = BPF_PROG_TYPE_SOCKET_FILTER,
				.insns = (unsigned long)code,
				.insn_cnt = 2,
				.license = (unsigned long)"MIT" };
	live_must(syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr)) == 3);
	live_ready();
	live_pass();
}
