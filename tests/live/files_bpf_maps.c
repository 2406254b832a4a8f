/* SPDX-License-Identifier: MIT
 * BPF maps: a hash and an array with contents and flags, frozen, read-only descriptors of the same
 * map, a large one.
 * live-modes: SS RR 2S
 * live-skip: [ -w /proc/sys/kernel/unprivileged_bpf_disabled ]
 */
#include <linux/bpf.h>
#include <sys/syscall.h>

#include "tests/live/live.h"

#define NR_LARGE 5000

static int bpf(int cmd, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

static int create(unsigned type, unsigned key, unsigned value, unsigned nr, unsigned flags,
		  const char *name)
{
	union bpf_attr attr = { .map_type = type,
				.key_size = key,
				.value_size = value,
				.max_entries = nr,
				.map_flags = flags };
	strcpy(attr.map_name, name);
	int fd = bpf(BPF_MAP_CREATE, &attr);
	live_must(fd >= 0);
	return fd;
}

static int set(int fd, const void *key, const void *value)
{
	union bpf_attr attr = { .map_fd = (unsigned)fd,
				.key = (unsigned long)key,
				.value = (unsigned long)value };
	return bpf(BPF_MAP_UPDATE_ELEM, &attr);
}

static int get(int fd, const void *key, void *value)
{
	union bpf_attr attr = { .map_fd = (unsigned)fd,
				.key = (unsigned long)key,
				.value = (unsigned long)value };
	return bpf(BPF_MAP_LOOKUP_ELEM, &attr);
}

static struct bpf_map_info info_of(int fd)
{
	struct bpf_map_info info = { 0 };
	union bpf_attr attr = { .info = { .bpf_fd = (unsigned)fd,
					  .info_len = sizeof(info),
					  .info = (unsigned long)&info } };
	live_check(bpf(BPF_OBJ_GET_INFO_BY_FD, &attr) == 0, "fd %d is no map: %s", fd,
		   strerror(errno));
	return info;
}

static int again(int fd, unsigned flags)
{
	union bpf_attr attr = { .map_id = info_of(fd).id, .open_flags = flags };
	int other = bpf(BPF_MAP_GET_FD_BY_ID, &attr);
	live_must(other >= 0);
	return other;
}

static void check_info(int fd, unsigned type, unsigned key, unsigned value, unsigned nr,
		       unsigned flags, const char *name)
{
	struct bpf_map_info info = info_of(fd);
	live_check(info.type == type && info.key_size == key && info.value_size == value &&
		       info.max_entries == nr && info.map_flags == flags,
		   "%s: type %u, key %u, value %u, %u elements, flags %#x", name, info.type,
		   info.key_size, info.value_size, info.max_entries, info.map_flags);
	live_check(!strcmp(info.name, name), "its name is %s, was %s", info.name, name);
}

int main(void)
{
	char key[5] = "k1", value[7];
	unsigned number = 3, large[2];
	int hash = create(BPF_MAP_TYPE_HASH, 5, 7, 10, BPF_F_NO_PREALLOC, "a_hash");
	int array = create(BPF_MAP_TYPE_ARRAY, 4, 7, 9, 0, "an_array");
	int many = create(BPF_MAP_TYPE_HASH, 4, 8, NR_LARGE, 0, "many");
	int frozen = create(BPF_MAP_TYPE_ARRAY, 4, 4, 1, BPF_F_RDONLY_PROG, "frozen");
	int empty = create(BPF_MAP_TYPE_HASH, 4, 4, 1, 0, "");
	live_must(set(hash, key, "value1") == 0 && set(hash, "k2\0\0", "value2") == 0);
	live_must(set(array, &number, "third!") == 0);
	for (unsigned i = 0; i < NR_LARGE; i++) {
		unsigned pair[2] = { i * 7, i + 1 };
		live_must(set(many, &i, pair) == 0);
	}
	unsigned zero = 0, old = 77;
	live_must(set(frozen, &zero, &old) == 0);
	union bpf_attr freeze = { .map_fd = (unsigned)frozen };
	live_must(bpf(BPF_MAP_FREEZE, &freeze) == 0);
	int read_only = again(hash, BPF_F_RDONLY), write_only = again(array, BPF_F_WRONLY);
	int dup_fd = dup(hash);

	live_ready();

	check_info(hash, BPF_MAP_TYPE_HASH, 5, 7, 10, BPF_F_NO_PREALLOC, "a_hash");
	check_info(array, BPF_MAP_TYPE_ARRAY, 4, 7, 9, 0, "an_array");
	check_info(frozen, BPF_MAP_TYPE_ARRAY, 4, 4, 1, BPF_F_RDONLY_PROG, "frozen");
	check_info(empty, BPF_MAP_TYPE_HASH, 4, 4, 1, 0, "");
	live_check(get(hash, "k2\0\0", value) == 0 && !strcmp(value, "value2"), "k2 is %.7s",
		   value);
	live_check(get(array, &number, value) == 0 && !strcmp(value, "third!"), "[3] is %.7s",
		   value);
	number = 4;
	live_check(get(array, &number, value) == 0 && !value[0], "[4] is %.7s", value);
	for (unsigned i = 0; i < NR_LARGE; i++)
		live_check(get(many, &i, large) == 0 && large[0] == i * 7 && large[1] == i + 1,
			   "element %u is %u %u", i, large[0], large[1]);
	live_check(get(empty, &zero, &old) < 0 && errno == ENOENT, "the empty hash has an element");
	live_check(get(frozen, &zero, &old) == 0 && old == 77, "the frozen element is %u", old);
	live_check(set(frozen, &zero, &old) < 0 && errno == EPERM, "the frozen map is not frozen");
	live_check(set(dup_fd, "new\0", "value3") == 0, "cannot add: %s", strerror(errno));
	live_check(get(read_only, "new\0", value) == 0, "no longer the same map");
	live_check(set(read_only, key, "other!") < 0 && errno == EPERM, "not read-only any more");
	live_check(get(write_only, &number, value) < 0 && errno == EPERM,
		   "not write-only any more");
	live_check(info_of(write_only).id == info_of(array).id, "no longer the same array");
	live_pass();
}
