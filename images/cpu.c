/* SPDX-License-Identifier: MIT
 * This processor by CPUID, and what another one has beside it.
 */
#include "images/cpu.h"

#include <errno.h>
#include <string.h>
#ifdef __x86_64__
#include <cpuid.h>
#endif

#include "base/array.h"

static const struct instruction {
	unsigned word, bit;
	const char *name;
} instructions[] = {
#define INSTRUCTION(word, bit, name) { word, bit, name },
#include "images/cpu-instructions.def"
#undef INSTRUCTION
};

#ifdef __x86_64__

enum reg { EAX, EBX, ECX, EDX, NR_REGS };

struct leaf {
	unsigned word, leaf, subleaf;
	enum reg reg;
};
static const struct leaf leaves[] = {
	{ 0, 1, 0, EDX },           { 1, 0x80000001, 0, EDX },  { 4, 1, 0, ECX },
	{ 6, 0x80000001, 0, ECX },  { 9, 7, 0, EBX },           { 10, 0xd, 1, EAX },
	{ 11, 7, 0, ECX },          { 13, 0x80000008, 0, EBX }, { 14, 6, 0, EAX },
	{ 15, 0x8000000a, 0, EDX }, { 16, 0xf, 0, EDX },        { 17, 0x80000007, 0, EBX },
	{ 18, 7, 0, EDX },
};

/* What Linux decides itself: word 3. */
#define WORD_LINUX   3
#define BIT_REP_GOOD 16
#define BIT_NOPL     20
#define BIT_CPUID    25

/* User parts of the extended state, each with the instructions that come with it. */
static const struct {
	unsigned part, word, bit;
} parts[] = {
	{ 0, 0, 0 },  { 2, 4, 28 }, { 3, 9, 14 }, { 4, 9, 14 },
	{ 5, 9, 16 }, { 6, 9, 16 }, { 7, 9, 16 }, { 9, 11, 3 },
};

static bool ask(unsigned leaf, unsigned subleaf, uint32_t regs[NR_REGS])
{
	memset(regs, 0, NR_REGS * sizeof(*regs));
	return __get_cpuid_count(leaf, subleaf, &regs[EAX], &regs[EBX], &regs[ECX], &regs[EDX]);
}

static void read_identity(struct cpu_x86 *out)
{
	uint32_t r[NR_REGS];
	ask(1, 0, r);
	out->family = r[EAX] >> 8 & 0xf;
	out->model = r[EAX] >> 4 & 0xf;
	out->stepping = r[EAX] & 0xf;
	if (out->family == 0xf)
		out->family += r[EAX] >> 20 & 0xff;
	if (out->family >= 6)
		out->model += (r[EAX] >> 16 & 0xf) << 4;
	uint32_t name[12] = { 0 };
	for (unsigned i = 0; i < 3; i++)
		ask(0x80000002 + i, 0, name + 4 * i);
	const char *text = (const char *)name;
	size_t len = strnlen(text, sizeof(name)), blanks = strspn(text, " ");
	blanks = blanks < len ? blanks : len;
	memcpy(out->model_id, text + blanks, len - blanks);
}

static void read_xsave(struct cpu_x86 *out)
{
	uint32_t r[NR_REGS];
	if (!cpu_x86_has(out->words, 4, 26) || !ask(0xd, 0, r))
		return;
	uint64_t has = (uint64_t)r[EDX] << 32 | r[EAX];
	out->xsave_size = r[EBX];
	out->xsave_size_max = r[ECX];
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (has >> parts[i].part & 1 &&
		    cpu_x86_has(out->words, parts[i].word, parts[i].bit))
			out->xfeatures |= 1ull << parts[i].part;
}

bool cpu_x86_here(struct cpu_x86 *out)
{
	uint32_t r[NR_REGS];
	*out = (struct cpu_x86){ 0 };
	if (!ask(0, 0, r))
		return false;
	const uint32_t vendor[] = { r[EBX], r[EDX], r[ECX] };
	if (!memcmp(vendor, "GenuineIntel", 12))
		out->vendor = CPUINFO_X86_ENTRY__VENDOR__INTEL;
	else if (!memcmp(vendor, "AuthenticAMD", 12) || !memcmp(vendor, "HygonGenuine", 12))
		out->vendor = CPUINFO_X86_ENTRY__VENDOR__AMD;
	else
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(leaves); i++)
		if (ask(leaves[i].leaf, leaves[i].subleaf, r))
			out->words[leaves[i].word] = r[leaves[i].reg];
	/* every 64-bit one has the long no-operation, and strings move fast on all but the first */
	out->words[WORD_LINUX] = 1u << BIT_REP_GOOD | 1u << BIT_NOPL | 1u << BIT_CPUID;
	read_identity(out);
	read_xsave(out);
	return true;
}

uint64_t cpu_x86_xsave_here(void)
{
	uint32_t a, d, r[NR_REGS];
	if (!ask(1, 0, r) || !(r[ECX] & bit_OSXSAVE))
		return 3; /* x87 and sse */
	__asm__ volatile("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
	uint64_t enabled = (uint64_t)d << 32 | a;
	/* what is switched on for the kernel only, as shadow stacks */
	if (ask(0xd, 1, r))
		enabled |= (uint64_t)r[EDX] << 32 | r[ECX];
	return enabled;
}

#else

bool cpu_x86_here(struct cpu_x86 *out)
{
	*out = (struct cpu_x86){ 0 };
	return false;
}

uint64_t cpu_x86_xsave_here(void)
{
	return 0;
}

#endif

int cpu_x86_missing(const CpuinfoX86Entry *theirs, const struct cpu_x86 *here, struct strbuf *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(instructions); i++) {
		const struct instruction *in = &instructions[i];
		if (in->word >= theirs->n_capability ||
		    !cpu_x86_has(theirs->capability, in->word, in->bit) ||
		    cpu_x86_has(here->words, in->word, in->bit))
			continue;
		if (strbuf_printf(out, " %s", in->name) < 0)
			return -ENOMEM;
	}
	return 0;
}
