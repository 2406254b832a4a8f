/* SPDX-License-Identifier: MIT
 * Every field of the format whose name sounds like an id, an address or a name has a role, or a
 * reason to have none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "files.pb-c.h"
#include "images/roles.h"

static const char *const words[] = {
	"pid",     "uid",    "gid",     "sid",    "pgrp",     "addr",       "port",
	"path",    "name",   "comm",    "owner",  "group",    "local",      "remote",
	"root",    "source", "dir",     "host",   "nodename", "mountpoint", "sarg",
	"options", "interp", "ext_key", "target", "siginfo",  "prefix",
};

/* What requests and answers say is in no set. */
static const char *const other_files[] = { "rpc", "stats", "img-streamer" };

static const struct {
	const char *message, *field, *why;
} exceptions[] = {
	{ "aa_policy", "name", "of a profile, as its contents say it" },
	{ "aa_namespace", "name", "of a namespace of profiles" },
	{ "binfmt_misc_entry", "name", "of a kind of program" },
	{ "fown_entry", "pid_type", "which kind of id the other field is" },
	{ "bpfmap_file_entry", "map_name", "of a map" },
	{ "cgroup_prop_entry", "name", "of a setting" },
	{ "cgroup_dir_entry", "dir_name", "a cgroup: no file of the namespace" },
	{ "cg_controller_entry", "cnames", "of controllers" },
	{ "cg_member_entry", "name", "of a controller" },
	{ "cg_member_entry", "path", "a cgroup: no file of the namespace" },
	{ "cg_member_entry", "cgns_prefix", "length of a text" },
	{ "user_mips_regs_entry", "cp0_badvaddr", "a register" },
	{ "user_s390_regs_entry", "psw_addr", "a register" },
	{ "user_desc_t", "base_addr", "of a segment of memory" },
	{ "task_kobj_ids_entry", "pid_ns_id", "a number inside the set" },
	{ "task_kobj_ids_entry", "cgroup_ns_id", "a number inside the set" },
	{ "sk_opts_entry", "tcp_keepidle", "a time" },
	{ "tcp_opts_entry", "keepidle", "a time" },
	{ "inet_sk_entry", "ifname", "of a device" },
	{ "packet_mclist", "addr", "of a network card" },
	{ "netlink_sk_entry", "portid", "chosen as an address: the program knows it" },
	{ "netlink_sk_entry", "groups", "of messages" },
	{ "netlink_sk_entry", "dst_portid", "as portid" },
	{ "netlink_sk_entry", "dst_group", "of messages" },
	{ "memfd_inode_entry", "name", "only a label" },
	{ "fs_entry", "root_id", "a number inside the set" },
	{ "inventory_entry", "root_cg_set", "a number inside the set" },
	{ "mnt_entry", "root_dev", "a device" },
	{ "mnt_entry", "fsname", "a kind of file system" },
	{ "sysctl_entry", "sarg", "settings, none of which is an address of a host" },
	{ "sit_entry", "encap_sport", "of a tunnel, of no socket" },
	{ "sit_entry", "encap_dport", "of a tunnel, of no socket" },
	{ "sit_entry", "rd_prefixlen", "a length" },
	{ "sit_entry", "relay_prefixlen", "a length" },
	{ "net_device_entry", "name", "of a device" },
	{ "net_device_entry", "address", "of a network card" },
	{ "net_device_entry", "peer_nsid", "a number inside the set" },
	{ "netns_id", "target_ns_id", "a number inside the set" },
	{ "netns_id", "netnsid_value", "a number inside the set" },
	{ "netns_entry", "ext_key", "a word for --external, as the engine's caller chose it" },
	{ "pidns_entry", "ext_key", "a word for --external, as the engine's caller chose it" },
	{ "pagemap_entry", "vaddr", "in memory" },
	{ "utsns_entry", "domainname", "of NIS, which is no host" },
};

/* Fields with a number of our own, which no table tells. */
static const struct {
	const char *message, *field;
} own_fields[] = {
	{ "mqueue_entry", "gid" },           { "mqueue_entry", "uid" },
	{ "net_device_entry", "kind_data" }, { "netns_entry", "mptcp" },
	{ "netns_entry", "objects" },        { "sk_option_entry", "value" },
	{ "sk_opts_entry", "gid" },          { "sk_opts_entry", "uid" },
	{ "sk_packet_entry", "gid" },        { "sk_packet_entry", "sender" },
	{ "sk_packet_entry", "uid" },        { "tun_device_entry", "saved" },
	{ "unix_cred_entry", "gid" },        { "unix_cred_entry", "groups" },
	{ "unix_cred_entry", "pid" },        { "unix_cred_entry", "uid" },
	{ "unix_sk_entry", "renamed" },      { "userns_entry", "owner" },
};

static bool has_row(const char *message, const char *field)
{
	for (size_t i = 0; i < nr_role_rows; i++) {
		if (!strcmp(role_rows[i].message, message) && !strcmp(role_rows[i].field, field))
			return true;
	}
	return false;
}

static bool is_exception(const char *message, const char *field, bool *used)
{
	for (size_t i = 0; i < ARRAY_SIZE(exceptions); i++) {
		if (!strcmp(exceptions[i].message, message) && !strcmp(exceptions[i].field, field))
			return used[i] = true;
	}
	return false;
}

static bool sounds_like_one(const char *file, const char *type, const char *field)
{
	for (size_t i = 0; i < ARRAY_SIZE(other_files); i++) {
		if (!strcmp(file, other_files[i]))
			return false;
	}
	if (!strcmp(type, "bool") || !strncmp(type, "message ", 8))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (strstr(field, words[i]))
			return true;
	}
	return false;
}

static void every_field_has_a_role_or_a_reason(void **state)
{
	(void)state;
	bool used[ARRAY_SIZE(exceptions)] = { 0 };
	auto_file f = fopen("tests/fixtures/format/messages.tsv", "r");
	char line[1024];
	size_t nr_with_role = 0;
	assert_non_null(f);
	assert_non_null(fgets(line, sizeof(line), f)); /* column names */
	while (fgets(line, sizeof(line), f)) {
		char *rest = line, *cols[6];
		for (size_t i = 0; i < ARRAY_SIZE(cols); i++)
			cols[i] = strsep(&rest, "\t\n");
		assert_non_null(cols[5]);
		bool role = has_row(cols[1], cols[5]);
		nr_with_role += role;
		if (role && is_exception(cols[1], cols[5], used))
			fail_msg("%s.%s has a role and a reason to have none", cols[1], cols[5]);
		if (!role && sounds_like_one(cols[0], cols[4], cols[5]) &&
		    !is_exception(cols[1], cols[5], used))
			fail_msg("%s.%s has no role, and no reason to have none", cols[1], cols[5]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(own_fields); i++)
		nr_with_role += has_row(own_fields[i].message, own_fields[i].field);
	assert_int_equal(nr_with_role, nr_role_rows); /* a row is a field of the format */
	for (size_t i = 0; i < ARRAY_SIZE(exceptions); i++) {
		if (!used[i])
			fail_msg("%s.%s is asked for by no field", exceptions[i].message,
				 exceptions[i].field);
	}
}

static void rows_are_sorted(void **state)
{
	(void)state;
	for (size_t i = 1; i < nr_role_rows; i++) {
		const struct role_row *a = &role_rows[i - 1], *b = &role_rows[i];
		int order = strcmp(a->message, b->message);
		assert_true(order < 0 || (order == 0 && strcmp(a->field, b->field) < 0));
	}
}

static void role_find_looks_at_the_message(void **state)
{
	(void)state;
	InetSkEntry tcp = INET_SK_ENTRY__INIT, raw = INET_SK_ENTRY__INIT;
	UnixSkEntry sk = UNIX_SK_ENTRY__INIT;
	RemapFilePathEntry remap = REMAP_FILE_PATH_ENTRY__INIT;
	tcp.type = 1;
	raw.type = 3;
	assert_int_equal(role_find(&tcp.base, "src_port")->role, ROLE_PORT);
	assert_null(role_find(&raw.base, "src_port"));
	assert_int_equal(role_find(&raw.base, "src_addr")->role, ROLE_IP);
	assert_null(role_find(&sk.base, "name"));
	sk.name = (ProtobufCBinaryData){ 5, (uint8_t *)"\0name" };
	assert_null(role_find(&sk.base, "name"));
	sk.name = (ProtobufCBinaryData){ 5, (uint8_t *)"/name" };
	assert_int_equal(role_find(&sk.base, "name")->role, ROLE_PATH);
	assert_null(role_find(&remap.base, "remap_id"));
	remap.has_remap_type = true;
	remap.remap_type = REMAP_TYPE__PROCFS;
	assert_int_equal(role_find(&remap.base, "remap_id")->role, ROLE_PID);
	assert_null(role_find(&remap.base, "orig_id"));
}

static void names_with_a_pid_are_numbers_of_tasks(void **state)
{
	(void)state;
	assert_true(image_named_by_pid(&image_types[IMG_CORE]));
	assert_true(image_named_by_pid(&image_types[IMG_PAGEMAP]));
	assert_false(image_named_by_pid(&image_types[IMG_PAGES]));
	assert_false(image_named_by_pid(&image_types[IMG_FDINFO]));
	assert_false(image_named_by_pid(&image_types[IMG_SHMEM_PAGEMAP]));
	for (size_t i = 0; i < IMG_NR_TYPES; i++) {
		if (image_named_by_pid(&image_types[i]))
			assert_non_null(strstr(image_types[i].pattern, "%u"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_field_has_a_role_or_a_reason),
		cmocka_unit_test(rows_are_sorted),
		cmocka_unit_test(role_find_looks_at_the_message),
		cmocka_unit_test(names_with_a_pid_are_numbers_of_tasks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
