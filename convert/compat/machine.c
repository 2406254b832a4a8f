/* SPDX-License-Identifier: MIT
 * The processor: its kind, its extended registers, its instructions.
 * Source: Intel SDM volume 1, chapter 13 (XSAVE), and volume 2, CPUID.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/utsname.h>
#ifdef __x86_64__
#include <cpuid.h>
#endif

#include "base/array.h"
#include "convert/compat/check.h"
#include "cpuinfo.pb-c.h"

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
	compat_say(c, CHECK_ARCHITECTURE, ANSWER_NO, NULL, "machine type %u is not known", march);
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

#ifdef __x86_64__
static uint64_t xsave_here(void)
{
	uint32_t a, b, c, d;
	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE))
		return 3; /* x87 and sse */
	__asm__ volatile("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
	uint64_t enabled = (uint64_t)d << 32 | a;
	/* what is switched on for the kernel only, as shadow stacks */
	if (__get_cpuid_count(0xd, 1, &a, &b, &c, &d))
		enabled |= (uint64_t)d << 32 | c;
	return enabled;
}

/* A word of cpuinfo_x86_entry.capability as this processor has it. @return false: not of CPUID */
static bool capability_here(unsigned word, uint32_t *out)
{
	static const struct {
		unsigned word, leaf, subleaf, reg; /* registers eax, ebx, ecx, edx */
	} leaves[] = {
		{ 0, 1, 0, 3 }, { 1, 0x80000001, 0, 3 }, { 4, 1, 0, 2 },  { 6, 0x80000001, 0, 2 },
		{ 9, 7, 0, 1 }, { 11, 7, 0, 2 },         { 18, 7, 0, 3 },
	};
	for (size_t i = 0; i < ARRAY_SIZE(leaves); i++) {
		uint32_t regs[4] = { 0 };
		if (leaves[i].word != word)
			continue;
		__get_cpuid_count(leaves[i].leaf, leaves[i].subleaf, &regs[0], &regs[1], &regs[2],
				  &regs[3]);
		*out = regs[leaves[i].reg];
		return true;
	}
	return false;
}
#else
static uint64_t xsave_here(void)
{
	return 0;
}

static bool capability_here(unsigned word, uint32_t *out)
{
	(void)word;
	(void)out;
	return false;
}
#endif

static void check_xsave(struct compat *c, uint64_t used)
{
	uint64_t here = xsave_here();
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
	static const struct {
		unsigned word, bit;
		const char *name;
	} instructions[] = {
#define INSTRUCTION(word, bit, name) { word, bit, name },
#include "convert/compat/instructions.def"
#undef INSTRUCTION
	};
	auto_strbuf missing = { 0 };
	for (size_t i = 0; i < ARRAY_SIZE(instructions); i++) {
		unsigned word = instructions[i].word;
		uint32_t here = 0, bit = 1u << instructions[i].bit;
		if (word >= cpu->n_capability || !(cpu->capability[word] & bit) ||
		    !capability_here(word, &here) || here & bit)
			continue;
		if (strbuf_printf(&missing, " %s", instructions[i].name) < 0)
			return error_set(err, ENOMEM, "out of memory");
	}
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
		for (size_t k = 0; k < p->entry->n_threads; k++) {
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
