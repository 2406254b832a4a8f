/* SPDX-License-Identifier: MIT
 * Chains of seccomp filters from images: what is refused, and which calls put a thread under them.
 */
#include "tests/unit/image_fixture.h"

#include <linux/filter.h>
#include <sys/syscall.h>

#include "engine/task/seccomp.h"

/* A task of one thread, whose chain is the filters 0 and 2 of three. */
struct set {
	uint64_t code[3][2];
	SeccompFilter filters[3];
	ThreadCoreEntry thread;
	CredsEntry creds;
	uint32_t caps[2];
	struct error err;
};

static void set_init(struct set *s)
{
	memset(s, 0, sizeof(*s));
	for (uint32_t i = 0; i < 3; i++) {
		seccomp_filter__init(&s->filters[i]);
		s->filters[i].filter.data = (uint8_t *)s->code[i];
		s->filters[i].filter.len = 8 * (1 + (i == 0));
	}
	s->filters[2].has_prev = true;
	s->filters[2].has_flags = true;
	s->filters[2].flags = 2;
	thread_core_entry__init(&s->thread);
	creds_entry__init(&s->creds);
	s->thread.creds = &s->creds;
	s->creds.cap_eff = s->creds.cap_prm = s->creds.cap_inh = s->caps;
	s->creds.n_cap_eff = s->creds.n_cap_prm = s->creds.n_cap_inh = 2;
	s->thread.has_seccomp_mode = s->thread.has_seccomp_filter = true;
	s->thread.seccomp_mode = SECCOMP_MODE__filter;
	s->thread.seccomp_filter = 2;
}

/* @param calls  what the thread is to do, NULL: only load */
static int set_try(struct set *s, struct temp_dir *dir, struct seccomp_call calls[4], size_t *nr)
{
	SeccompFilter *list[] = { &s->filters[0], &s->filters[1], &s->filters[2] };
	SeccompEntry e = SECCOMP_ENTRY__INIT;
	CoreEntry core = CORE_ENTRY__INIT;
	CoreEntry *cores[] = { &core };
	uint32_t tid = 12;
	e.seccomp_filters = list;
	e.n_seccomp_filters = 3;
	core.thread_core = &s->thread;
	assert_int_equal(image_write_one(dir->fd, IMG_SECCOMP, 0, &e.base, &s->err), 0);
	struct rtask task = {
		.pid = 12, .state = TASK_ALIVE, .tids = &tid, .nr_threads = 1, .cores = cores
	};
	struct rtask *tasks[] = { &task };
	struct restore r = { .tasks = tasks, .nr_tasks = 1 };
	auto_free struct restore_shared *shared =
	    calloc(1, sizeof(*shared) + sizeof(shared->slots[0]));
	r.shared = shared;
	shared->slots[0].seccomp_addr = 0x1000;
	r.images = open_dir(dir);
	int rc = seccomp_load(&r, &s->err);
	for (*nr = 0; rc == 0 && calls && *nr < 4 && seccomp_call(&r, &task, 0, *nr, &calls[*nr]);)
		++*nr;
	source_close(r.images);
	if (r.seccomp)
		seccomp_entry__free_unpacked(r.seccomp, NULL);
	return rc;
}

static void later_prev(struct set *s)
{
	s->filters[0].has_prev = true;
	s->filters[0].prev = 2;
}
static void own_prev(struct set *s)
{
	s->filters[2].prev = 2;
}
static void odd_length(struct set *s)
{
	s->filters[1].filter.len = 7;
}
static void empty(struct set *s)
{
	s->filters[1].filter.len = 0;
}
static void no_filter(struct set *s)
{
	s->thread.seccomp_filter = 3;
}
static void no_index(struct set *s)
{
	s->thread.has_seccomp_filter = false;
}
static void no_mode(struct set *s)
{
	s->thread.seccomp_mode = (SeccompMode)7;
}

static void images_that_lie_are_refused(void **state)
{
	static const struct {
		void (*change)(struct set *s);
		const char *words;
	} cases[] = {
		{ later_prev, "filter 0 was installed after filter 2" },
		{ own_prev, "filter 2 was installed after filter 2" },
		{ odd_length, "filter 1 has 7 bytes" },
		{ empty, "filter 1 has 0 bytes" },
		{ no_filter, "core-12.img: seccomp filter 3 is missing" },
		{ no_index, "is missing from seccomp.img" },
		{ no_mode, "core-12.img: seccomp mode 7" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct set s;
		size_t nr;
		set_init(&s);
		cases[i].change(&s);
		int rc = set_try(&s, *state, NULL, &nr);
		if (rc != -EBADMSG || !strstr(s.err.text, cases[i].words))
			fail_msg("case %zu: %d: %s", i, rc, rc < 0 ? s.err.text : "");
	}
}

static void chain_is_installed_oldest_first_then_the_capability_goes(void **state)
{
	struct set s;
	struct seccomp_call calls[4];
	size_t nr;
	set_init(&s);
	assert_int_equal(set_try(&s, *state, calls, &nr), 0);
	assert_int_equal(nr, 3);
	assert_int_equal(calls[0].nr, SYS_seccomp);
	assert_int_equal(calls[0].args[1], 0);
	assert_int_equal(calls[0].args[2], 0x1000 + 32);
	assert_int_equal(calls[1].args[1], 2);
	assert_int_equal(calls[1].args[2], 0x1000 + 32 + sizeof(struct sock_fprog) + 16);
	assert_int_equal(calls[2].nr, SYS_capset);
	assert_int_equal(calls[2].args[0], 0x1000);

	s.creds.has_no_new_privs = s.creds.no_new_privs = 1;
	assert_int_equal(set_try(&s, *state, calls, &nr), 0);
	assert_int_equal(nr, 2);

	s.thread.seccomp_mode = SECCOMP_MODE__strict;
	s.thread.has_seccomp_filter = false;
	assert_int_equal(set_try(&s, *state, calls, &nr), 0);
	assert_int_equal(nr, 1);
	assert_int_equal(calls[0].args[0], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEMP_TEST(images_that_lie_are_refused),
		TEMP_TEST(chain_is_installed_oldest_first_then_the_capability_goes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
