/* SPDX-License-Identifier: MIT
 * Labels of security modules: what attr/current may say and what is written to it, over a directory
 * that stands for /proc/PID.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "engine/context/task.h"
#include "engine/net/sock-label.h"
#include "engine/procfs/root.h"
#include "engine/task/label.h"

#define TID 7

struct fixture {
	char path[32];
	int proc; /* has task/7/attr and self/attr */
	struct label_host host;
	struct thread th;
	struct strbuf text;
	struct error err;
};

static const char *const dirs[] = { "task",      "task/7",      "task/7/attr",     "self",
				    "self/attr", "thread-self", "thread-self/attr" };
#define NR_DIRS (sizeof(dirs) / sizeof(*dirs))

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	strcpy(f->path, "/tmp/test_label.XXXXXX");
	assert_non_null(mkdtemp(f->path));
	f->proc = open(f->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < NR_DIRS; i++)
		assert_int_equal(mkdirat(f->proc, dirs[i], 0700), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	unlinkat(f->proc, "task/7/attr/current", 0);
	unlinkat(f->proc, "task/7/attr/sockcreate", 0);
	unlinkat(f->proc, "self/attr/current", 0);
	unlinkat(f->proc, "thread-self/attr/sockcreate", 0);
	for (size_t i = NR_DIRS; i-- > 0;)
		assert_int_equal(unlinkat(f->proc, dirs[i], AT_REMOVEDIR), 0);
	rmdir(f->path);
	close(f->proc);
	label_host_fini(&f->host);
	label_thread_fini(&f->th);
	strbuf_fini(&f->text);
	free(f);
	return 0;
}

static void write_label(struct fixture *f, const char *path, const char *text, size_t len)
{
	int fd = openat(f->proc, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, text, len), len);
	close(fd);
}

static void set_own(struct fixture *f, const char *own)
{
	write_label(f, "self/attr/current", own, strlen(own));
	assert_int_equal(label_host_find(f->proc, &f->host, &f->err), 0);
}

static int collect(struct fixture *f, const char *own, const char *label)
{
	set_own(f, own);
	write_label(f, "task/7/attr/current", label, strlen(label));
	label_thread_fini(&f->th);
	f->th = (struct thread){ .tid = TID };
	return label_collect(&f->host, f->proc, &f->th, &f->err);
}

static void host_has_no_module_without_labels(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(label_host_find(f->proc, &f->host, &f->err), 0);
	assert_int_equal(f->host.module, LSMTYPE__NO_LSM);
	assert_int_equal(label_collect(&f->host, f->proc, &f->th, &f->err), 0);
	assert_null(f->th.label);
}

static void host_is_told_by_its_labels(void **state)
{
	struct fixture *f = *state;
	set_own(f, "unconfined\n");
	assert_int_equal(f->host.module, LSMTYPE__APPARMOR);
	set_own(f, "lxc-start (enforce)\n");
	assert_int_equal(f->host.module, LSMTYPE__APPARMOR);
	set_own(f, "system_u:system_r:init_t:s0");
	assert_int_equal(f->host.module, LSMTYPE__SELINUX);
	set_own(f, "_");
	assert_int_equal(f->host.module, LABEL_UNKNOWN);
}

static void collect_leaves_out_who_is_not_confined(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(collect(f, "unconfined\n", "unconfined\n"), 0);
	assert_null(f->th.label);
	assert_int_equal(collect(f, "_", "_"), 0);
	assert_null(f->th.label);
}

static void collect_cuts_the_mode_of_a_profile(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(collect(f, "unconfined\n", "docker-default (enforce)\n"), 0);
	assert_string_equal(f->th.label, "docker-default");
	assert_int_equal(collect(f, "unconfined\n", "a//&b (mixed)\n"), 0);
	assert_string_equal(f->th.label, "a//&b");
}

static void collect_takes_both_labels_of_selinux(void **state)
{
	struct fixture *f = *state;
	const char sock[] = "system_u:object_r:container_t:s0:c1,c2";
	write_label(f, "task/7/attr/sockcreate", sock, sizeof(sock));
	assert_int_equal(
	    collect(f, "system_u:system_r:init_t:s0", "system_u:system_r:container_t:s0:c1,c2"), 0);
	assert_string_equal(f->th.label, "system_u:system_r:container_t:s0:c1,c2");
	assert_string_equal(f->th.sock_label, sock);
}

static void collect_refuses_what_nobody_can_set(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(collect(f, "unconfined\n", ":lxd_ns:unconfined\n"), -ENOTSUP);
	assert_non_null(strstr(f->err.text, "thread 7 has the security label :lxd_ns:unconfined"));
	assert_int_equal(collect(f, "unconfined\n", "a//&:ns:b (enforce)\n"), -ENOTSUP);
	assert_int_equal(collect(f, "system_u:system_r:init_t:s0", "kernel"), -ENOTSUP);
	assert_int_equal(collect(f, "_", "User"), -ENOTSUP);
}

static void check_refuses_threads_with_labels_of_their_own(void **state)
{
	struct fixture *f = *state;
	char a[] = "a:b:c:d", b[] = "a:b:e:d";
	struct thread same[] = { { .label = a }, { .label = a } };
	struct thread differ[] = { { .label = a }, { .label = b } };
	set_own(f, "system_u:system_r:init_t:s0");
	assert_int_equal(label_check_threads(&f->host, same, 2, &f->err), 0);
	assert_int_equal(label_check_threads(&f->host, differ, 2, &f->err), -ENOTSUP);
	set_own(f, "unconfined");
	assert_int_equal(label_check_threads(&f->host, differ, 2, &f->err), 0);
}

/* What is written for a label; or the error */
static const char *choose(struct fixture *f, int module, const char *label, const char *want)
{
	int rc = label_choose(&f->host, module, label, want, &f->text, &f->err);
	if (rc < 0)
		return f->err.text;
	return f->text.len ? f->text.data : "";
}

static void choose_changes_a_profile(void **state)
{
	struct fixture *f = *state;
	set_own(f, "unconfined\n");
	const int aa = LSMTYPE__APPARMOR;
	assert_string_equal(choose(f, aa, "a", NULL), "changeprofile a");
	assert_string_equal(choose(f, LSMTYPE__NO_LSM, "a", NULL), "changeprofile a");
	assert_string_equal(choose(f, aa, "a", "apparmor:b"), "changeprofile b");
	assert_string_equal(choose(f, aa, "a", "none"), "");
	set_own(f, "a (enforce)\n");
	assert_string_equal(choose(f, aa, "a", NULL), "");
	assert_string_equal(choose(f, aa, "b", NULL), "changeprofile b");
}

static void choose_takes_a_context_as_it_is(void **state)
{
	struct fixture *f = *state;
	set_own(f, "system_u:system_r:init_t:s0");
	assert_string_equal(choose(f, LSMTYPE__SELINUX, "a:b:c:d", NULL), "a:b:c:d");
	assert_string_equal(choose(f, LSMTYPE__SELINUX, "a:b:c:d", "selinux:e:f:g:h"), "e:f:g:h");
	assert_string_equal(choose(f, LSMTYPE__SELINUX, "system_u:system_r:init_t:s0", NULL), "");
}

static void choose_refuses_other_modules_and_bad_labels(void **state)
{
	struct fixture *f = *state;
	const int aa = LSMTYPE__APPARMOR;
	assert_non_null(strstr(choose(f, aa, "a", NULL), "this kernel is none"));
	set_own(f, "system_u:system_r:init_t:s0");
	assert_non_null(strstr(choose(f, aa, "a", NULL), "a (AppArmor)"));
	assert_non_null(strstr(choose(f, aa, "a", "apparmor:a"), "is SELinux"));
	assert_non_null(strstr(choose(f, aa, "a", "smack:a"), "want apparmor:NAME"));
	assert_string_equal(choose(f, aa, "a", "none"), "");
	set_own(f, "unconfined");
	assert_non_null(strstr(choose(f, aa, "", NULL), "no label"));
	assert_non_null(strstr(choose(f, aa, "a\nb", NULL), "no label"));
	assert_non_null(strstr(choose(f, aa, "a", "apparmor:"), "no label"));
}

static void sockets_keep_their_labels(void **state)
{
	struct fixture *f = *state;
	const char label[] = "system_u:object_r:container_t:s0";
	char now[64] = "";
	FdinfoEntry e = FDINFO_ENTRY__INIT;
	auto_fd fd = openat(f->proc, "thread-self/attr/sockcreate", O_RDWR | O_CREAT, 0600);
	assert_true(fd >= 0);
	assert_int_equal(sock_label_dump(fd, &e, &f->err), 0);
	assert_null(e.xattr_security_selinux);
	if (fsetxattr(fd, "security.selinux", label, sizeof(label), 0) == 0) { /* by root only */
		assert_int_equal(sock_label_dump(fd, &e, &f->err), 0);
		assert_string_equal(e.xattr_security_selinux, label);
		free(e.xattr_security_selinux);
	}
	procfs_move(openat(f->proc, ".", O_PATH | O_DIRECTORY | O_CLOEXEC));
	assert_int_equal(sock_label_set(label, &f->err), 0);
	assert_int_equal(sock_label_set(NULL, &f->err), 0);
	assert_int_equal(pread(fd, now, sizeof(now), 0), strlen(label));
	assert_string_equal(now, label);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(host_has_no_module_without_labels),
		T(host_is_told_by_its_labels),
		T(collect_leaves_out_who_is_not_confined),
		T(collect_cuts_the_mode_of_a_profile),
		T(collect_takes_both_labels_of_selinux),
		T(collect_refuses_what_nobody_can_set),
		T(check_refuses_threads_with_labels_of_their_own),
		T(choose_changes_a_profile),
		T(choose_takes_a_context_as_it_is),
		T(choose_refuses_other_modules_and_bad_labels),
		T(sockets_keep_their_labels),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
