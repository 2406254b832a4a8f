/* SPDX-License-Identifier: MIT
 * The processor: its kind, its extended registers, its instructions.
 * Source: Intel SDM volume 1, chapter 13 (XSAVE), and volume 2, CPUID.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/array.h"
#include "convert/compat/check.h"
#include "images/cpu.h"

/* Machines by what uname(2) calls them. */
static const struct {
	CoreEntry__March march;
	const char *name, *machines[4];
} marches[] = {
	{ CORE_ENTRY__MARCH__X86_64, "x86-64", { "x86_64" } },
	{ CORE_ENTRY__MARCH__ARM, "arm", { "armv7l", "armv6l", "armv8l" } },
	{ CORE_ENTRY__MARCH__AARCH64, "aarch64", { "aarch64" } },
	{ CORE_ENTRY__MARCH__PPC64, "ppc64", { "ppc64le", "ppc64" } },
	{ CORE_ENTRY__MARCH__S390, "s390x", { "s390x" } },
	{ CORE_ENTRY__MARCH__MIPS, "mips", { "mips64", "mips" } },
	{ CORE_ENTRY__MARCH__LOONGARCH64, "loongarch64", { "loongarch64" } },
	{ CORE_ENTRY__MARCH__RISCV64, "riscv64", { "riscv64" } },
};

static void check_architecture(struct compat *c, CoreEntry__March march)
{
	struct utsname host = { 0 };
	uname(&host);
	for (size_t i = 0; i < ARRAY_SIZE(marches); i++) {
		bool same = false;
		if (marches[i].march != march)
			continue;
		for (size_t k = 0; k < 4 && marches[i].machines[k]; k++)
			same |= !strcmp(host.machine, marches[i].machines[k]);
		compat_say(c, CHECK_ARCHITECTURE, same ? ANSWER_YES : ANSWER_NO, marches[i].name,
			   "this is %s", host.machine);
		return;
	}
	if (march == CORE_ENTRY__MARCH__UNKNOWN)
		compat_say(c, CHECK_ARCHITECTURE, ANSWER_UNKNOWN, NULL,
			   "no core image says what it was");
	else
		compat_say(c, CHECK_ARCHITECTURE, ANSWER_NO, NULL, "machine type %u is not known",
			   march);
}

/* Parts of the extended state, by bit. */
static const char *const xsave_parts[] = {
	"x87",
	"sse",
	"avx",
	"mpx bounds",
	"mpx config",
	"avx512 masks",
	"avx512 upper halves",
	"avx512 high registers",
	"pt",
	"protection keys",
	"pasid",
	"shadow stack",
	"shadow stack",
	"hdc",
	"uintr",
	"lbr",
	"hwp",
	"amx config",
	"amx tiles",
};

static void check_xsave(struct compat *c, uint64_t used)
{
	uint64_t here = cpu_x86_xsave_here();
	if (!(used & ~here)) {
		compat_say(c, CHECK_XSAVE, ANSWER_YES, NULL,
			   "threads use %#" PRIx64 " of %#" PRIx64 " here", used, here);
		return;
	}
	for (unsigned bit = 0; bit < 64; bit++) {
		if (used & ~here & 1ull << bit)
			compat_say(c, CHECK_XSAVE, ANSWER_NO,
				   bit < ARRAY_SIZE(xsave_parts) ? xsave_parts[bit] : "?",
				   "threads use it (bit %u of xstate_bv), it is not here", bit);
	}
}

static int check_instructions(struct compat *c, const CpuinfoX86Entry *cpu, struct error *err)
{
	auto_strbuf missing = { 0 };
	struct cpu_x86 here;
	if (!cpu_x86_here(&here)) {
		compat_say(c, CHECK_INSTRUCTIONS, ANSWER_UNKNOWN, cpu->model_id,
			   "what this processor has cannot be told");
		return 0;
	}
	if (cpu_x86_missing(cpu, &here, &missing) < 0)
		return error_set(err, ENOMEM, "out of memory");
	if (missing.len)
		compat_say(c, CHECK_INSTRUCTIONS, ANSWER_NO, cpu->model_id,
			   "not here, a program may have found them there:%s", missing.data);
	else
		compat_say(c, CHECK_INSTRUCTIONS, ANSWER_YES, cpu->model_id,
			   "what it had is here as well");
	return 0;
}

static int check_cpuinfo(struct compat *c, struct error *err)
{
	auto_message ProtobufCMessage *msg = NULL;
	struct error why;
	int rc = image_read_one(checkpoint_source(c->cp), IMG_CPUINFO, 0, &msg, &why);
	if (rc < 0 && rc != -ENOENT)
		return error_set(err, rc, "%s", why.text);
	const CpuinfoEntry *cpuinfo = (const CpuinfoEntry *)msg;
	if (!cpuinfo || !cpuinfo->n_x86_entry) {
		compat_say(c, CHECK_INSTRUCTIONS, ANSWER_UNKNOWN, "cpuinfo.img",
			   "the set has none that says what the other processor had");
		return 0;
	}
	return check_instructions(c, cpuinfo->x86_entry[0], err);
}

int compat_machine(struct compat *c, struct error *err)
{
	uint64_t used = 0;
	CoreEntry__March march = CORE_ENTRY__MARCH__UNKNOWN;
	for (size_t i = 0; i < checkpoint_nr_processes(c->cp); i++) {
		const struct process *p = checkpoint_process(c->cp, i);
		for (size_t k = 0; compat_wants(c, p) && k < p->entry->n_threads; k++) {
			auto_message CoreEntry *core = NULL;
			int rc = process_core(c->cp, process_thread(p, k), &core, err);
			if (rc < 0)
				return rc;
			if (march == CORE_ENTRY__MARCH__UNKNOWN)
				march = core->mtype;
			if (core->thread_info && core->thread_info->fpregs &&
			    core->thread_info->fpregs->xsave)
				used |= core->thread_info->fpregs->xsave->xstate_bv;
		}
	}
	check_architecture(c, march);
	if (march != CORE_ENTRY__MARCH__X86_64)
		return 0;
#ifdef __x86_64__
	check_xsave(c, used);
	return check_cpuinfo(c, err);
#else
	return 0;
#endif
}
