/* SPDX-License-Identifier: MIT
 * Parts of a core image: what the dump writes is what the restorer gets; bad images are named.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "engine/mem/arena.h"
#include "engine/ns/cpuset.h"
#include "engine/pie/settings.h"
#include "engine/task/parts.h"
#include "images/message.h"
#include "images/reader.h"

/* An arena of the test's own: a bump allocator. */
struct arena {
	char bytes[1 << 16];
	size_t used;
};

void *arena_alloc(struct arena *a, size_t size, size_t align)
{
	size_t at = (a->used + align - 1) / align * align;
	if (at + size > sizeof(a->bytes))
		return NULL;
	a->used = at + size;
	return a->bytes + at;
}

struct fixture {
	struct arena arena;
	struct thread th;
	struct task t;
	TaskCoreEntry *tc;
	ThreadCoreEntry *thc;
	struct restorer_args args;
	struct restorer_thread out;
	struct error err;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	f->t.pid = f->t.vpid = f->th.tid = f->th.vtid = getpid();
	f->t.state = TASK_ALIVE;
	f->t.threads = &f->th;
	f->t.nr_threads = 1;
	f->t.proc_fd = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < PARASITE_NR_LIMITS; i++)
		syscall(SYS_prlimit64, 0, i, NULL, &f->t.inside.limits[i]);
	f->tc = message_new(&task_core_entry__descriptor);
	f->tc->comm = strdup("x");
	f->thc = message_new(&thread_core_entry__descriptor);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	close(f->t.proc_fd);
	task_core_entry__free_unpacked(f->tc, NULL);
	thread_core_entry__free_unpacked(f->thc, NULL);
	free(f);
	return 0;
}

#define expect_bad(call, words)                                                                    \
	do {                                                                                       \
		struct error err_ = { 0 };                                                         \
		struct error *err = &err_;                                                         \
		assert_true((call) < 0);                                                           \
		if (!strstr(err_.text, words))                                                     \
			fail_msg("'%s' does not say '%s'", err_.text, words);                      \
	} while (0)

static void creds_come_through(void **state)
{
	struct fixture *f = *state;
	uint32_t groups[] = { 10, 4000000000u };
	f->th.status = (struct proc_status){
		.uids = { 1, 2, 3, 4 },
		.gids = { 5, 6, 7, 8 },
		.groups = groups,
		.nr_groups = 2,
		.cap_inh = 1,
		.cap_prm = 0x1ff00000002,
		.cap_eff = 3,
		.cap_bnd = 4,
		.cap_amb = 5ull << 32,
		.no_new_privs = 1,
	};
	f->th.inside.securebits = 20;
	assert_int_equal(creds_dump(&f->th, f->thc, &f->err), 0);
	assert_int_equal(creds_check(f->thc->creds, &f->err), 0);
	assert_int_equal(creds_fill(f->thc->creds, &f->arena, &f->out.creds, &f->err), 0);
	const struct restorer_creds *c = &f->out.creds;
	assert_int_equal(c->ids.uid, 1);
	assert_int_equal(c->ids.euid, 2);
	assert_int_equal(c->ids.suid, 3);
	assert_int_equal(c->ids.fsuid, 4);
	assert_int_equal(c->ids.gid, 5);
	assert_int_equal(c->ids.fsgid, 8);
	assert_int_equal(c->ids.nr_groups, 2);
	assert_memory_equal(c->ids.groups, groups, sizeof(groups));
	assert_int_equal(c->cap_prm[0], 2);
	assert_int_equal(c->cap_prm[1], 0x1ff);
	assert_int_equal(c->cap_amb[1], 5);
	assert_int_equal(c->securebits, 20);
	assert_int_equal(c->no_new_privs, 1);
}

static void creds_check_refuses_bad_arrays(void **state)
{
	struct fixture *f = *state;
	expect_bad(creds_check(NULL, err), "missing");
	assert_int_equal(creds_dump(&f->th, f->thc, &f->err), 0);
	CredsEntry *c = f->thc->creds;
	c->n_cap_eff = 1;
	expect_bad(creds_check(c, err), "cap_eff: 1 words");
	c->n_cap_eff = 2;
	c->n_groups = 1 << 20;
	expect_bad(creds_check(c, err), "groups");
	c->n_groups = 0;
	c->secbits = 0x100;
	expect_bad(creds_check(c, err), "secbits");
}

static void signals_come_through(void **state)
{
	struct fixture *f = *state;
	siginfo_t infos[2] = { { .si_signo = 35 }, { .si_signo = 36 } };
	f->t.shared_siginfos = infos;
	f->t.nr_shared_siginfos = 2;
	f->th.siginfos = &infos[1];
	f->th.nr_siginfos = 1;
	f->th.sigmask = 0xf0;
	f->th.inside.sas_sp = 0x7000;
	f->th.inside.sas_size = 0x2000;
	for (int i = 0; i < 64; i++)
		f->t.inside.sigactions[i].handler = (uint64_t)i + 1;
	assert_int_equal(signals_dump(&f->t, f->tc, &f->err), 0);
	assert_int_equal(signals_dump_thread(&f->th, f->thc, &f->err), 0);
	assert_int_equal(f->tc->n_sigactions, 62);
	assert_int_equal(f->tc->blk_sigset, 0xf0);
	assert_int_equal(signals_check(f->tc, &f->err), 0);
	assert_int_equal(signals_check_thread(f->thc, &f->err), 0);
	assert_int_equal(signals_fill(f->tc, &f->arena, &f->args, &f->err), 0);
	assert_int_equal(signals_fill_thread(f->thc, &f->arena, &f->out, &f->err), 0);
	for (int signo = 1; signo <= 64; signo++) {
		uint64_t want = signo == SIGKILL || signo == SIGSTOP ? 0 : (uint64_t)signo;
		assert_int_equal(f->args.sigactions[signo - 1].handler, want);
	}
	assert_int_equal(f->args.nr_siginfos, 2);
	assert_memory_equal(f->args.siginfos, infos, sizeof(infos));
	assert_int_equal(f->out.nr_siginfos, 1);
	assert_memory_equal(f->out.siginfos, &infos[1], sizeof(infos[1]));
	assert_int_equal(f->out.sas_sp, 0x7000);
}

static void signals_check_refuses_bad_queues(void **state)
{
	struct fixture *f = *state;
	siginfo_t info = { .si_signo = 65 };
	expect_bad(signals_check(f->tc, err), "sigactions: 0");
	f->t.shared_siginfos = &info;
	f->t.nr_shared_siginfos = 1;
	assert_int_equal(signals_dump(&f->t, f->tc, &f->err), 0);
	expect_bad(signals_check(f->tc, err), "number 65");
	f->tc->signals_s->signals[0]->siginfo.len = 127;
	expect_bad(signals_check(f->tc, err), "127 bytes");
	f->tc->sigactions[3]->compat_sigaction = true;
	expect_bad(signals_check(f->tc, err), "32-bit");
	assert_int_equal(signals_dump_thread(&f->th, f->thc, &f->err), 0);
	f->thc->sas->ss_flags = 8;
	expect_bad(signals_check_thread(f->thc, err), "ss_flags");
}

static void timers_come_through(void **state)
{
	struct fixture *f = *state;
	struct sigevent none = { .sigev_notify = SIGEV_NONE, .sigev_value.sival_ptr = f };
	struct sigevent sig = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = 40 };
	sig._sigev_un._tid = getpid();
	timer_t a, b;
	assert_int_equal(timer_create(CLOCK_MONOTONIC, &none, &a), 0);
	assert_int_equal(timer_create(CLOCK_REALTIME, &sig, &b), 0);
	struct parasite_posix_timer told[] = {
		{ .id = (int)(intptr_t)b, .interval_sec = 7, .value_nsec = 9 },
		{ .id = (int)(intptr_t)a },
	};
	f->t.inside.nr_timers = 2;
	f->t.timers = told;
	f->t.inside.itimers[2].interval_usec = 5;
	int rc = timers_dump(&f->t, f->tc, &f->err);
	timer_delete(a);
	timer_delete(b);
	assert_int_equal(rc, 0);
	assert_int_equal(timers_check(f->tc->timers, &f->err), 0);
	assert_int_equal(timers_fill(f->tc->timers, &f->arena, &f->args, &f->err), 0);
	assert_int_equal(f->args.itimers[2].iusec, 5);
	assert_int_equal(f->args.nr_timers, 2);
	bool first = f->args.timers[0].id == (int)(intptr_t)a;
	const struct restorer_timer *ta = &f->args.timers[first ? 0 : 1];
	const struct restorer_timer *tb = &f->args.timers[first ? 1 : 0];
	assert_int_equal(ta->notify, SIGEV_NONE);
	assert_int_equal(ta->clock, CLOCK_MONOTONIC);
	assert_int_equal(ta->sival_ptr, (uintptr_t)f);
	assert_int_equal(tb->notify, SIGEV_THREAD_ID);
	assert_int_equal(tb->notify_tid, getpid());
	assert_int_equal(tb->signo, 40);
	assert_int_equal(tb->interval_sec, 7);
	assert_int_equal(tb->value_nsec, 9);
}

static TaskTimersEntry *one_timer(struct fixture *f)
{
	assert_int_equal(timers_dump(&f->t, f->tc, &f->err), 0);
	TaskTimersEntry *t = f->tc->timers;
	t->posix = message_array(&posix_timer_entry__descriptor, 2, &t->n_posix);
	t->posix[0]->si_signo = t->posix[1]->si_signo = SIGALRM;
	t->posix[1]->it_id = 1;
	assert_int_equal(timers_check(t, &f->err), 0);
	return t;
}

static void timers_check_refuses_bad_values(void **state)
{
	struct fixture *f = *state;
	expect_bad(timers_check(NULL, err), "missing");
	TaskTimersEntry *t = one_timer(f);
	t->real->vusec = 1000000;
	expect_bad(timers_check(t, err), "timers.real");
	t->real->vusec = 0;
	t->posix[1]->it_id = 0;
	expect_bad(timers_check(t, err), "posix[1]: id 0 again");
	t->posix[1]->it_id = 1u << 31;
	expect_bad(timers_check(t, err), "bad id");
	t->posix[1]->it_id = 1;
	t->posix[1]->insec = 1000000000;
	expect_bad(timers_check(t, err), "not a time");
	t->posix[1]->insec = 0;
	t->posix[1]->si_signo = 65;
	expect_bad(timers_check(t, err), "number 65");
	t->posix[1]->si_signo = 1;
	t->posix[1]->it_sigev_notify = SIGEV_THREAD_ID;
	expect_bad(timers_check(t, err), "no thread");
	t->posix[1]->it_sigev_notify = 9;
	expect_bad(timers_check(t, err), "notification 9");
}

static void timers_fill_rearms_an_expired_itimer(void **state)
{
	struct fixture *f = *state;
	f->t.inside.itimers[0].interval_usec = 2000;
	f->t.inside.itimers[1].interval_usec = 3000;
	assert_int_equal(timers_dump(&f->t, f->tc, &f->err), 0);
	assert_int_equal(timers_fill(f->tc->timers, &f->arena, &f->args, &f->err), 0);
	assert_int_equal(f->args.itimers[0].vusec, 2000);
	assert_int_equal(f->args.itimers[1].vusec, 0);
}

static void timers_dump_wants_the_inside_of_each(void **state)
{
	struct fixture *f = *state;
	struct sigevent none = { .sigev_notify = SIGEV_NONE };
	timer_t a;
	assert_int_equal(timer_create(CLOCK_MONOTONIC, &none, &a), 0);
	struct parasite_posix_timer other = { .id = 77 };
	f->t.inside.nr_timers = 1;
	f->t.timers = &other;
	int rc = timers_dump(&f->t, f->tc, &f->err);
	timer_delete(a);
	assert_int_equal(rc, -EPROTO);
}

static void limits_come_through(void **state)
{
	struct fixture *f = *state;
	struct rlimit want;
	assert_int_equal(limits_dump(&f->t, f->tc, &f->err), 0);
	assert_int_equal(limits_check(f->tc->rlimits, &f->err), 0);
	assert_int_equal(limits_fill(f->tc->rlimits, &f->args, &f->err), 0);
	assert_int_equal(f->args.nr_rlimits, 16);
	for (int i = 0; i < 16; i++) {
		assert_int_equal(getrlimit((unsigned)i, &want), 0);
		assert_int_equal(f->args.rlimits[i].rlim_cur, want.rlim_cur);
		assert_int_equal(f->args.rlimits[i].rlim_max, want.rlim_max);
	}
}

static void limits_check_refuses_bad_values(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(limits_dump(&f->t, f->tc, &f->err), 0);
	TaskRlimitsEntry *e = f->tc->rlimits;
	e->rlimits[7]->cur = 10;
	e->rlimits[7]->max = 9;
	expect_bad(limits_check(e, err), "rlimits[7]");
	e->n_rlimits = 17;
	expect_bad(limits_check(e, err), "17");
	e->n_rlimits = 16;
}

/* Without the capability, as most restores run; the test's own process keeps its limits. */
static void limits_fill_says_which_limit_may_not_be_raised(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(limits_dump(&f->t, f->tc, &f->err), 0);
	pid_t pid = fork();
	if (pid == 0) {
		struct rlimit low = { 50, 60 };
		f->tc->rlimits->rlimits[RLIMIT_NOFILE]->max = 100;
		f->tc->rlimits->rlimits[RLIMIT_NOFILE]->cur = 50;
		bool ready = setrlimit(RLIMIT_NOFILE, &low) == 0 &&
			     (geteuid() != 0 || setresuid(65534, 65534, 65534) == 0);
		int rc = limits_fill(f->tc->rlimits, &f->args, &f->err);
		_exit(ready && rc == -EPERM && strstr(f->err.text, "Max open files") ? 0 : 1);
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void sched_comes_through(void **state)
{
	struct fixture *f = *state;
	const struct sched_host host = { 0 };
	int nice = getpriority(PRIO_PROCESS, 0) < 5 ? 5 : getpriority(PRIO_PROCESS, 0);
	assert_int_equal(setpriority(PRIO_PROCESS, 0, nice), 0);
	assert_int_equal(sched_dump(&f->th, &host, f->thc, &f->err), 0);
	assert_false(f->thc->has_sched_prio);
	assert_int_equal(sched_check(f->thc, &f->err), 0);
	sched_fill(f->thc, &f->out);
	assert_int_equal(f->out.sched_nice, nice);
	assert_int_equal(f->out.sched_policy, SCHED_OTHER);
}

static void sched_check_refuses_bad_values(void **state)
{
	struct fixture *f = *state;
	ThreadCoreEntry *t = f->thc;
	t->has_sched_nice = true;
	t->sched_nice = 20;
	expect_bad(sched_check(t, err), "sched_nice");
	t->sched_nice = 0;
	t->has_sched_policy = true;
	t->sched_policy = SCHED_FIFO;
	expect_bad(sched_check(t, err), "sched_prio: 0");
	t->has_sched_prio = true;
	t->sched_prio = 100;
	expect_bad(sched_check(t, err), "sched_prio: 100");
	t->sched_prio = 1;
	assert_int_equal(sched_check(t, &f->err), 0);
	t->sched_policy = SCHED_RR | SCHED_RESET_ON_FORK;
	assert_int_equal(sched_check(t, &f->err), 0);
	t->sched_policy = SCHED_OTHER;
	expect_bad(sched_check(t, err), "sched_prio");
	t->sched_policy = 4;
	expect_bad(sched_check(t, err), "sched_policy");
}

static void sched_more_check_refuses_bad_values(void **state)
{
	struct fixture *f = *state;
	ThreadCoreEntry *t = f->thc;
	assert_int_equal(sched_more_check(t, &f->err), 0);
	t->has_sched_policy = true;
	t->sched_policy = 6;
	expect_bad(sched_more_check(t, err), "deadline");
	SchedMoreEntry *e = t->sched_more = message_new(&sched_more_entry__descriptor);
	expect_bad(sched_more_check(t, err), "deadline");
	e->has_runtime = e->has_deadline = e->has_period = true;
	assert_int_equal(sched_more_check(t, &f->err), 0);
	e->has_ioprio = true;
	e->ioprio = 4 << 13;
	expect_bad(sched_more_check(t, err), "I/O priority 0x8000");
	e->ioprio = 3;
	expect_bad(sched_more_check(t, err), "I/O priority 0x3");
	e->has_ioprio = false;
	e->has_util_min = true;
	e->util_max = 1025;
	expect_bad(sched_more_check(t, err), "utilisation 0 to 1025");
	e->has_util_min = false;
	e->has_cpus = true;
	expect_bad(sched_more_check(t, err), "CPUs of 0 bytes");
	e->cpus.len = CPU_MASK_MAX + 1;
	expect_bad(sched_more_check(t, err), "CPUs of 1025 bytes");
	e->cpus.len = 0;
}

static void cpu_list_parse_takes_lists(void **state)
{
	uint8_t mask[CPU_MASK_MAX];
	(void)state;
	assert_true(cpu_list_parse("0-2,9\n", 6, mask));
	assert_int_equal(mask[0], 7);
	assert_int_equal(mask[1], 2);
	assert_true(cpu_list_parse("\n", 1, mask));
	assert_int_equal(mask[0], 0);
	static const char *const bad[] = { "2-1", "8192", "0-", "x", "1 2", "0-8192" };
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(cpu_list_parse(bad[i], strlen(bad[i]), mask));
}

static void settings_come_through(void **state)
{
	struct fixture *f = *state;
	for (size_t i = 0; i < NR_SETTINGS; i++)
		f->th.inside.settings[i] = prctl_settings[i].usual;
	f->th.inside.settings[0] = 77; /* timer slack */
	f->th.inside.settings[1] = -EINVAL;
	f->th.inside.settings[2] = 0; /* machine checks */
	f->th.inside.settings[4] = 5; /* speculation: off */
	f->th.inside.settings[8] = 3; /* huge pages: not, but where advised */
	f->th.inside.settings[9] = 1;
	assert_int_equal(settings_dump(&f->th, true, f->thc, &f->err), 0);
	assert_int_equal(settings_check(f->thc, &f->err), 0);
	settings_fill(f->thc, &f->out);
	const struct restorer_setting want[] = {
		{ 29, 77, 0 }, { 33, 1, 0 }, { 53, 0, 4 }, { 41, 1, 2 }, { 65, 1, 0 },
	};
	assert_int_equal(f->out.nr_settings, ARRAY_SIZE(want));
	assert_memory_equal(f->out.settings, want, sizeof(want));
}

static void settings_check_refuses_other_calls(void **state)
{
	struct fixture *f = *state;
	PrctlEntry e = PRCTL_ENTRY__INIT, *list[] = { &e };
	ThreadCoreEntry t = THREAD_CORE_ENTRY__INIT;
	(void)f;
	t.settings = list;
	t.n_settings = 1;
	e.option = 8; /* PR_SET_KEEPCAPS */
	expect_bad(settings_check(&t, err), "prctl(8, 0) is none");
	e.option = 53;
	e.arg2 = 9;
	expect_bad(settings_check(&t, err), "prctl(53, 0x9) is none");
	t.n_settings = NR_SETTINGS + 1;
	expect_bad(settings_check(&t, err), "at most");
}

static void misc_comes_through(void **state)
{
	struct fixture *f = *state;
	f->t.stat.flags = 0x400040;
	f->t.inside.child_subreaper = 1;
	f->t.inside.membarrier = 16;
	f->t.state = TASK_STOPPED;
	f->t.stop_signo = SIGTTIN;
	f->t.stop_told = true;
	strcpy(f->th.status.comm, "fifteen letters");
	f->th.robust_list = 0x1000;
	f->th.robust_list_len = 24;
	f->th.inside.pdeath_signal = SIGUSR1;
	f->th.rseq = (struct arch_rseq){ .addr = 0x2000, .size = 32, .signature = 0x53053053 };
	const struct dump d = { 0 };
	assert_int_equal(misc_dump(&d, &f->t, f->tc, &f->err), 0);
	assert_int_equal(misc_dump_thread(&f->th, f->thc, &f->err), 0);
	assert_int_equal(misc_check(f->tc, &f->err), 0);
	assert_int_equal(misc_check_thread(f->thc, &f->err), 0);

	CoreEntry core = CORE_ENTRY__INIT;
	CoreEntry *cores[] = { &core };
	core.tc = f->tc;
	core.thread_core = f->thc;
	struct rtask rt = { .pid = getpid(), .state = TASK_STOPPED, .cores = cores };
	assert_int_equal(misc_fill(&rt, &f->args, &f->err), 0);
	uint32_t was = f->tc->personality;
	f->tc->personality = 40000; /* as CRIU has ADDR_NO_RANDOMIZE */
	assert_int_equal(misc_fill(&rt, &f->args, &f->err), 0);
	assert_int_equal(f->args.personality, 0x40000);
	f->tc->personality = was;
	assert_int_equal(misc_fill(&rt, &f->args, &f->err), 0);
	misc_fill_thread(f->thc, &f->out);
	assert_int_equal(f->tc->stop_signo, SIGTTIN);
	assert_true(f->tc->stop_told);
	assert_int_equal(f->args.child_subreaper, 1);
	assert_int_equal(f->args.membarrier, 16);
	assert_string_equal(f->out.comm, "fifteen letters");
	assert_int_equal(f->out.robust_list, 0x1000);
	assert_int_equal(f->out.pdeath_signal, SIGUSR1);
	assert_int_equal(f->out.rseq_addr, 0x2000);
	assert_int_equal(f->out.rseq_size, 32);
}

static void misc_check_refuses_bad_values(void **state)
{
	struct fixture *f = *state;
	TaskCoreEntry *tc = f->tc;
	tc->has_oom_score_adj = true;
	tc->oom_score_adj = 1001;
	expect_bad(misc_check(tc, err), "oom_score_adj");
	tc->oom_score_adj = 0;
	tc->has_stop_signo = true;
	tc->stop_signo = SIGKILL;
	expect_bad(misc_check(tc, err), "stop_signo");
	tc->has_stop_signo = false;
	tc->has_membarrier_registration_mask = true;
	tc->membarrier_registration_mask = 1;
	expect_bad(misc_check(tc, err), "membarrier");
	tc->has_membarrier_registration_mask = false;
	free(tc->comm);
	tc->comm = strdup("sixteen  letters");
	expect_bad(misc_check(tc, err), "comm is 16");

	ThreadCoreEntry *th = f->thc;
	th->has_pdeath_sig = true;
	th->pdeath_sig = 65;
	expect_bad(misc_check_thread(th, err), "pdeath_sig");
	th->pdeath_sig = 0;
	th->rseq_entry = message_new(&rseq_entry__descriptor);
	th->rseq_entry->rseq_abi_pointer = 8;
	expect_bad(misc_check_thread(th, err), "rseq");
}

int main(void)
{
#define T(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(creds_come_through),
		T(creds_check_refuses_bad_arrays),
		T(signals_come_through),
		T(signals_check_refuses_bad_queues),
		T(timers_come_through),
		T(timers_check_refuses_bad_values),
		T(timers_fill_rearms_an_expired_itimer),
		T(timers_dump_wants_the_inside_of_each),
		T(limits_come_through),
		T(limits_check_refuses_bad_values),
		T(limits_fill_says_which_limit_may_not_be_raised),
		T(sched_comes_through),
		T(sched_check_refuses_bad_values),
		T(misc_comes_through),
		T(misc_check_refuses_bad_values),
		T(sched_more_check_refuses_bad_values),
		T(cpu_list_parse_takes_lists),
		T(settings_come_through),
		T(settings_check_refuses_other_calls),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
