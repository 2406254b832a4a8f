/* SPDX-License-Identifier: MIT
 * The small files of /proc: what their text means, and what is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/array.h"
#include "engine/procfs/procfs.h"
#include "engine/procfs/read.h"
#include "engine/procfs/scan.h"

#define STAT_TAIL                                                                                  \
	" S 1 12 13 34816 -1 4194560 1 2 3 4 5 6 7 8 20 -5 1 0 99 1 2 3 4 5 6 7 8 9 10 11 12 13 "  \
	"14 15 17 1 40 2 0 0 0 21 22 23 24 25 26 27 256\n"

static int parse_stat(const char *text, struct proc_stat *st)
{
	return proc_stat_parse(text, strlen(text), st, NULL);
}

static void stat_parse_reads_every_field(void **state)
{
	(void)state;
	struct proc_stat st;
	assert_int_equal(parse_stat("12 (sh)" STAT_TAIL, &st), 0);
	assert_int_equal(st.pid, 12);
	assert_string_equal(st.comm, "sh");
	assert_int_equal(st.state, 'S');
	assert_int_equal(st.ppid, 1);
	assert_int_equal(st.pgid, 12);
	assert_int_equal(st.sid, 13);
	assert_int_equal(st.tty_nr, 34816);
	assert_int_equal(st.tpgid, -1);
	assert_int_equal(st.flags, 4194560);
	assert_int_equal(st.nice, -5);
	assert_int_equal(st.start_time, 99);
	assert_int_equal(st.start_code, 4);
	assert_int_equal(st.end_code, 5);
	assert_int_equal(st.start_stack, 6);
	assert_int_equal(st.rt_priority, 40);
	assert_int_equal(st.policy, 2);
	assert_int_equal(st.start_data, 21);
	assert_int_equal(st.end_data, 22);
	assert_int_equal(st.start_brk, 23);
	assert_int_equal(st.arg_start, 24);
	assert_int_equal(st.arg_end, 25);
	assert_int_equal(st.env_start, 26);
	assert_int_equal(st.env_end, 27);
	assert_int_equal(st.exit_code, 256);
}

static void stat_parse_takes_names_with_parentheses(void **state)
{
	(void)state;
	struct proc_stat st;
	assert_int_equal(parse_stat("12 (a) R 1 (b c)" STAT_TAIL, &st), 0);
	assert_string_equal(st.comm, "a) R 1 (b c");
	assert_int_equal(st.ppid, 1);
	assert_int_equal(parse_stat("12 ()" STAT_TAIL, &st), 0);
	assert_string_equal(st.comm, "");
}

static void stat_parse_refuses_what_is_cut_short(void **state)
{
	(void)state;
	struct proc_stat st;
	const char text[] = "12 (sh)" STAT_TAIL;
	for (size_t len = 0; len < sizeof(text) - 5; len++)
		assert_int_equal(proc_stat_parse(text, len, &st, NULL), -EPROTO);
	assert_int_equal(parse_stat("12 (sh) S x 12 13 0 -1 4 1", &st), -EPROTO);
}

#define STATUS_TEXT                                                                                \
	"Name:\tUid:\t7\nUmask:\t0022\nTracerPid:\t9\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\n"        \
	"Groups:\t4 24 4294967295 \nNSpid:\t70\t5\t1\nNSpgid:\t70\t5\t2\nNSsid:\t70\t5\t3\n"       \
	"Threads:\t3\nSigPnd:\t0000000000000001\nShdPnd:\t0000000000000002\n"                      \
	"SigBlk:\t8000000000000000\nSigIgn:\tffffffffffffffff\nSigCgt:\t0000000000000003\n"        \
	"CapInh:\t0\nCapPrm:\t000001ffffffffff\nCapEff:\t1\nCapBnd:\t2\nCapAmb:\t4\n"              \
	"NoNewPrivs:\t1\nSeccomp:\t2\n"

static void status_parse_reads_every_key(void **state)
{
	(void)state;
	struct proc_status st;
	assert_int_equal(proc_status_parse(STATUS_TEXT, strlen(STATUS_TEXT), &st, NULL), 0);
	assert_string_equal(st.comm, "Uid:\t7");
	assert_int_equal(st.umask, 022);
	assert_int_equal(st.tracer_pid, 9);
	assert_int_equal(st.uids[0], 1);
	assert_int_equal(st.uids[3], 4);
	assert_int_equal(st.gids[1], 6);
	assert_int_equal(st.nr_groups, 3);
	assert_int_equal(st.groups[2], UINT32_MAX);
	assert_int_equal(st.ns_pid_depth, 3);
	assert_int_equal(st.pids[0], 70);
	assert_int_equal(st.pids[2], 1);
	assert_int_equal(st.pgids[2], 2);
	assert_int_equal(st.sids[2], 3);
	assert_int_equal(st.nr_threads, 3);
	assert_int_equal(st.sig_pending, 1);
	assert_int_equal(st.shared_pending, 2);
	assert_true(st.sig_blocked == 1ull << 63);
	assert_true(st.sig_ignored == UINT64_MAX);
	assert_int_equal(st.sig_caught, 3);
	assert_true(st.cap_prm == 0x1ffffffffff);
	assert_int_equal(st.cap_amb, 4);
	assert_int_equal(st.no_new_privs, 1);
	assert_int_equal(st.seccomp_mode, 2);
	proc_status_fini(&st);
}

static void status_parse_takes_any_name(void **state)
{
	(void)state;
	static const struct {
		const char *text, *name;
	} cases[] = {
		{ "Name:\t\n", "" },
		{ "Name:\ta\\nb\n", "a\nb" },
		{ "Name:\t\\\\n (\n", "\\n (" },
		{ "Name:\t\\\\\n", "\\" },
		{ "Name:\t\t \n", "\t " },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[1024];
		struct proc_status st;
		int len = snprintf(text, sizeof(text), "%s%s", cases[i].text,
				   strchr(STATUS_TEXT, '\n') + 1);
		assert_int_equal(proc_status_parse(text, (size_t)len, &st, NULL), 0);
		assert_string_equal(st.comm, cases[i].name);
		proc_status_fini(&st);
	}
}

static void status_parse_names_the_missing_key(void **state)
{
	(void)state;
	struct proc_status st;
	struct error err = { 0 };
	const char text[] = "Name:\ta\nTracerPid:\t0\nUid:\t1\t2\t3\t4\n";
	assert_int_equal(proc_status_parse(text, strlen(text), &st, &err), -EPROTO);
	assert_non_null(strstr(err.text, "Gid:"));
	assert_int_equal(proc_status_parse("Uid:\t1\t2\n", 9, &st, &err), -EPROTO);
	assert_non_null(strstr(err.text, "Uid:"));
}

static void fdinfo_parse_reads_octal_flags(void **state)
{
	(void)state;
	struct proc_fdinfo info;
	const char text[] = "pos:\t4096\nflags:\t02100002\nmnt_id:\t29\nino:\t1044\n";
	assert_int_equal(proc_fdinfo_parse(text, strlen(text), &info, NULL), 0);
	assert_int_equal(info.pos, 4096);
	assert_int_equal(info.flags, 02100002);
	assert_int_equal(info.mnt_id, 29);
	assert_int_equal(info.ino, 1044);
	assert_int_equal(proc_fdinfo_parse("pos:\t1\n", 7, &info, NULL), -EPROTO);
	assert_int_equal(proc_fdinfo_parse("flags:\t9\n", 9, &info, NULL), -EPROTO);
}

static void locks_parse_finds_the_inode_of_each(void **state)
{
	(void)state;
	struct proc_locks locks = { 0 };
	const char text[] = "1: POSIX  ADVISORY  WRITE 26141 00:1b:309050 100 199\n"
			    "1: -> POSIX  ADVISORY  READ 7 00:1b:309051 0 EOF\n"
			    "2: OFDLCK ADVISORY  READ -1 fe:01:18446744073709551615 0 EOF\n"
			    "3: FLOCK  ADVISORY  WRITE 12 <none>:0 0 EOF\n";
	assert_int_equal(proc_locks_parse(text, strlen(text), &locks, NULL), 0);
	assert_int_equal(locks.nr, 4);
	assert_true(locks.items[0] == 309050 && locks.items[1] == 309051);
	assert_true(locks.items[2] == UINT64_MAX && locks.items[3] == 0);
	proc_locks_fini(&locks);
	assert_int_equal(proc_locks_parse("", 0, &locks, NULL), 0);
	assert_int_equal(locks.nr, 0);
	assert_int_equal(proc_locks_parse("1: FLOCK 1:2 3", 14, &locks, NULL), -EPROTO);
}

static void timers_parse_tells_who_is_notified(void **state)
{
	(void)state;
	struct proc_timers t = { 0 };
	const char text[] = "ID: 0\nsignal: 14/00007ffd1c3e6a48\nnotify: signal/pid.123\n"
			    "ClockID: 1\nID: 8\nsignal: 33/00000000deadbeef\n"
			    "notify: signal/tid.124\nClockID: -6\n";
	assert_int_equal(proc_timers_parse(text, strlen(text), &t, NULL), 0);
	assert_int_equal(t.nr, 2);
	assert_int_equal(t.items[0].signo, 14);
	assert_true(t.items[0].sival_ptr == 0x7ffd1c3e6a48);
	assert_int_equal(t.items[0].notify, SIGEV_SIGNAL);
	assert_int_equal(t.items[1].id, 8);
	assert_int_equal(t.items[1].notify, SIGEV_SIGNAL | SIGEV_THREAD_ID);
	assert_int_equal(t.items[1].notify_tid, 124);
	assert_int_equal(t.items[1].clock, -6);
	free(t.items);
	assert_int_equal(proc_timers_parse("ClockID: 1\n", 11, &t, NULL), -EPROTO);
	assert_int_equal(proc_timers_parse("ID: 1\nnotify: x\n", 16, &t, NULL), -EPROTO);
	assert_int_equal(proc_timers_parse("", 0, &t, NULL), 0);
	assert_int_equal(t.nr, 0);
}

static void mounts_are_parsed(void **state)
{
	(void)state;
	struct proc_mounts list;
	static const char text[] =
	    "29 1 254:16 / / rw,relatime shared:1 - ext4 /dev/vda rw,discard,sync,resuid=5\n"
	    "31 29 0:27 /a /mnt/b\\040c\\134 ro,nosuid,noatime master:7 propagate_from:2 - "
	    "tmpfs tmpfs ro\n"
	    "32 29 0:28 / /x rw unbindable - proc proc rw";
	assert_int_equal(proc_mounts_parse(text, sizeof(text) - 1, &list, NULL), 0);
	assert_int_equal(list.nr, 3);
	const struct proc_mount *m = list.items;
	assert_int_equal(m[0].id, 29);
	assert_int_equal(m[0].dev, makedev(254, 16));
	assert_string_equal(m[0].path, "/");
	assert_int_equal(m[0].flags, MS_RELATIME);
	assert_int_equal(m[0].sb_flags, MS_SYNCHRONOUS);
	assert_string_equal(m[0].options, "discard,resuid=5");
	assert_int_equal(m[0].shared, 1);
	assert_int_equal(m[1].parent, 29);
	assert_string_equal(m[1].path, "/mnt/b c\\");
	assert_int_equal(m[1].flags, MS_RDONLY | MS_NOSUID | MS_NOATIME);
	assert_int_equal(m[1].sb_flags, MS_RDONLY);
	assert_int_equal(m[1].master, 7);
	assert_true(m[2].unbindable);
	assert_int_equal(m[2].flags, MS_STRICTATIME);
	proc_mounts_fini(&list);
	assert_int_equal(proc_mounts_parse("no mount\n", 9, &list, NULL), -EPROTO);
	assert_int_equal(proc_mounts_parse("1 0 0:1 / / rw - ext4\n", 22, &list, NULL), -EPROTO);
}

static void scan_numbers_stop_at_their_limits(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		bool ok;
		int64_t value;
	} cases[] = {
		{ "0", true, 0 },
		{ " \t-1", true, -1 },
		{ "9223372036854775807", true, INT64_MAX },
		{ "9223372036854775808", false, 0 },
		{ "-9223372036854775808", true, INT64_MIN },
		{ "- 1", false, 0 },
		{ "", false, 0 },
		{ "x", false, 0 },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct scan s = scan_of(cases[i].text, strlen(cases[i].text));
		int64_t v = 0;
		assert_int_equal(scan_i64(&s, &v), cases[i].ok);
		if (cases[i].ok)
			assert_true(v == cases[i].value);
	}
	uint64_t u;
	struct scan big = scan_of("18446744073709551616", 20);
	assert_false(scan_u64(&big, 10, &u));
}

static void cgroups_parse_sorts_hierarchies(void **state)
{
	(void)state;
	static const char text[] = "5:name=x:/b:c\n4:cpu,cpuacct:/\n0::/a\n";
	struct proc_cgroups list;
	struct error err = { 0 };
	assert_int_equal(proc_cgroups_parse(text, strlen(text), &list, &err), 0);
	assert_int_equal(list.nr, 3);
	assert_string_equal(list.items[0].name, "");
	assert_string_equal(list.items[0].path, "/a");
	assert_string_equal(list.items[1].name, "cpu,cpuacct");
	assert_string_equal(list.items[2].path, "/b:c");
	proc_cgroups_fini(&list);
	/* hierarchy 10 was unmounted and is about to go */
	static const char gone[] = "10::/\n4:cpu:/\n0::/a\n";
	assert_int_equal(proc_cgroups_parse(gone, strlen(gone), &list, &err), 0);
	assert_int_equal(list.nr, 2);
	assert_string_equal(list.items[0].path, "/a");
	assert_string_equal(list.items[1].name, "cpu");
	proc_cgroups_fini(&list);
	assert_int_equal(proc_cgroups_parse("4:cpu", 5, &list, &err), -EBADMSG);
	assert_int_equal(proc_cgroups_parse("4:cpu:a", 7, &list, &err), -EBADMSG);
}

static void read_understands_this_kernel(void **state)
{
	(void)state;
	struct proc_stat st;
	struct proc_status status;
	struct error err = { 0 };
	int dir = open("/proc/self", O_PATH | O_DIRECTORY);
	assert_int_equal(proc_stat_read(dir, "stat", &st, &err), 0);
	assert_int_equal(st.pid, getpid());
	assert_int_equal(st.ppid, getppid());
	assert_true(st.start_stack > st.start_code);
	assert_int_equal(proc_status_read(dir, "status", &status, &err), 0);
	assert_int_equal(status.pids[status.ns_pid_depth - 1], getpid());
	assert_int_equal(status.uids[1], geteuid());
	proc_status_fini(&status);
	struct proc_ids ids = { 0 };
	assert_int_equal(proc_ids_of_dir(dir, "task", &ids, &err), 0);
	assert_int_equal(ids.nr, 1);
	assert_int_equal(ids.items[0], getpid());
	free(ids.items);
	assert_int_equal(proc_stat_read(dir, "task/1/stat", &st, &err), -ESRCH);
	close(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stat_parse_reads_every_field),
		cmocka_unit_test(stat_parse_takes_names_with_parentheses),
		cmocka_unit_test(stat_parse_refuses_what_is_cut_short),
		cmocka_unit_test(status_parse_reads_every_key),
		cmocka_unit_test(status_parse_takes_any_name),
		cmocka_unit_test(status_parse_names_the_missing_key),
		cmocka_unit_test(fdinfo_parse_reads_octal_flags),
		cmocka_unit_test(locks_parse_finds_the_inode_of_each),
		cmocka_unit_test(timers_parse_tells_who_is_notified),
		cmocka_unit_test(mounts_are_parsed),
		cmocka_unit_test(scan_numbers_stop_at_their_limits),
		cmocka_unit_test(cgroups_parse_sorts_hierarchies),
		cmocka_unit_test(read_understands_this_kernel),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
