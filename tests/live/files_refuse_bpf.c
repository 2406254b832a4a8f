/* SPDX-License-Identifier: MIT
 * A BPF map of a kind that is not carried is refused by its name.
 * live-refuse: fd 3 is a BPF map of type 5 (per-CPU hash)
 */
#include <linux/bpf.h>
#include <sys/syscall.h>

#include "tests/live/live.h"

int main(void)
{
	union bpf_attr attr = { .map_type = BPF_MAP_TYPE_PERCPU_HASH,
				.key_size = 4,
				.value_size = 4,
				.max_entries = 1 };
	live_must(syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr)) == 3);
	live_ready();
	live_pass();
}
