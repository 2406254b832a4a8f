/* SPDX-License-Identifier: MIT
 * Names of signals, capabilities, limits and scheduling policies.
 * Source: linux/capability.h, asm-generic/resource.h, asm/signal.h; signal(7) for the real-time
 * signals: the first two belong to the C library.
 */
#include "convert/describe/words.h"

#include <sched.h>
#include <signal.h>
#include <string.h>

#include "base/array.h"

enum { SIGNALS = 64, FIRST_REAL_TIME = 34 };

int signal_word(unsigned number, struct strbuf *out)
{
	const char *name = number < 32 ? sigabbrev_np((int)number) : NULL;
	if (name)
		return strbuf_printf(out, "SIG%s", name);
	if (number == FIRST_REAL_TIME)
		return strbuf_str(out, "SIGRTMIN");
	if (number > FIRST_REAL_TIME && number <= SIGNALS)
		return strbuf_printf(out, "SIGRTMIN+%u", number - FIRST_REAL_TIME);
	return strbuf_printf(out, "signal %u", number);
}

static int separate(struct strbuf *out, size_t start)
{
	return out->len > start ? strbuf_str(out, ", ") : 0;
}

int signal_set_words(uint64_t set, struct strbuf *out)
{
	int many = __builtin_popcountll(set);
	if (!set)
		return strbuf_str(out, "none");
	if (many == SIGNALS)
		return strbuf_str(out, "all");
	int rc = 0;
	if (many > SIGNALS / 2) {
		rc = strbuf_str(out, "all but ");
		set = ~set;
	}
	size_t start = out->len;
	for (unsigned i = 0; rc == 0 && i < SIGNALS; i++) {
		if (!(set >> i & 1))
			continue;
		rc = separate(out, start);
		if (rc == 0)
			rc = signal_word(i + 1, out);
	}
	return rc;
}

int signal_flag_words(uint64_t flags, struct strbuf *out)
{
	static const struct {
		uint64_t bit;
		const char *name;
	} names[] = {
		{ 0x1, "SA_NOCLDSTOP" },        { 0x2, "SA_NOCLDWAIT" },
		{ 0x4, "SA_SIGINFO" },          { 0x800, "SA_EXPOSE_TAGBITS" },
		{ 0x04000000, "SA_RESTORER" },  { 0x08000000, "SA_ONSTACK" },
		{ 0x10000000, "SA_RESTART" },   { 0x40000000, "SA_NODEFER" },
		{ 0x80000000, "SA_RESETHAND" },
	};
	size_t start = out->len;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(names); i++) {
		if (!(flags & names[i].bit))
			continue;
		rc = separate(out, start);
		if (rc == 0)
			rc = strbuf_str(out, names[i].name);
		flags &= ~names[i].bit;
	}
	if (rc == 0 && flags)
		rc = separate(out, start);
	return rc == 0 && flags ? strbuf_printf(out, "%#llx", (unsigned long long)flags) : rc;
}

static const char *const capabilities[] = {
	"CHOWN",
	"DAC_OVERRIDE",
	"DAC_READ_SEARCH",
	"FOWNER",
	"FSETID",
	"KILL",
	"SETGID",
	"SETUID",
	"SETPCAP",
	"LINUX_IMMUTABLE",
	"NET_BIND_SERVICE",
	"NET_BROADCAST",
	"NET_ADMIN",
	"NET_RAW",
	"IPC_LOCK",
	"IPC_OWNER",
	"SYS_MODULE",
	"SYS_RAWIO",
	"SYS_CHROOT",
	"SYS_PTRACE",
	"SYS_PACCT",
	"SYS_ADMIN",
	"SYS_BOOT",
	"SYS_NICE",
	"SYS_RESOURCE",
	"SYS_TIME",
	"SYS_TTY_CONFIG",
	"MKNOD",
	"LEASE",
	"AUDIT_WRITE",
	"AUDIT_CONTROL",
	"SETFCAP",
	"MAC_OVERRIDE",
	"MAC_ADMIN",
	"SYSLOG",
	"WAKE_ALARM",
	"BLOCK_SUSPEND",
	"AUDIT_READ",
	"PERFMON",
	"BPF",
	"CHECKPOINT_RESTORE",
};

int capability_words(const uint32_t *words, size_t nr, struct strbuf *out)
{
	const uint64_t all = (1ull << ARRAY_SIZE(capabilities)) - 1;
	uint64_t set = nr ? words[0] : 0;
	size_t start = out->len;
	if (nr > 1)
		set |= (uint64_t)words[1] << 32;
	if (!set)
		return strbuf_str(out, "none");
	if ((set & all) == all)
		return strbuf_str(out, "all");
	int rc = 0;
	for (unsigned i = 0; rc == 0 && i < 64; i++) {
		if (!(set >> i & 1))
			continue;
		rc = separate(out, start);
		if (rc == 0)
			rc = i < ARRAY_SIZE(capabilities)
				 ? strbuf_printf(out, "CAP_%s", capabilities[i])
				 : strbuf_printf(out, "capability %u", i);
	}
	return rc;
}

const char *limit_word(size_t number, const char **unit)
{
	static const struct {
		const char *name, *unit;
	} limits[] = {
		{ "CPU time", "s" },           { "file size", "bytes" },
		{ "data", "bytes" },           { "stack", "bytes" },
		{ "core file", "bytes" },      { "resident set", "bytes" },
		{ "processes", "" },           { "open files", "" },
		{ "locked memory", "bytes" },  { "address space", "bytes" },
		{ "file locks", "" },          { "pending signals", "" },
		{ "message queues", "bytes" }, { "nice", "" },
		{ "real-time priority", "" },  { "real-time CPU time", "us" },
	};
	if (number >= ARRAY_SIZE(limits))
		return NULL;
	*unit = limits[number].unit;
	return limits[number].name;
}

const char *policy_word(unsigned policy)
{
	static const char *const names[] = {
		[SCHED_OTHER] = "other", [SCHED_FIFO] = "fifo", [SCHED_RR] = "rr",
		[SCHED_BATCH] = "batch", [SCHED_IDLE] = "idle", [SCHED_DEADLINE] = "deadline",
	};
	return policy < ARRAY_SIZE(names) && names[policy] ? names[policy] : "?";
}
