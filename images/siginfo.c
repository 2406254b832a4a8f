/* SPDX-License-Identifier: MIT
 * Senders of signals.
 * Source: include/uapi/asm-generic/siginfo.h, siginfo_layout() of kernel/signal.c. MIPS has errno
 * and code the other way round, 32-bit machines have no padding before the union.
 */
#include "images/siginfo.h"

#include <signal.h>
#include <string.h>

#include "task.pb-c.h"

enum { NR_CLD_CODES = 6 };

uint32_t machine_word(const uint8_t *bytes, uint32_t mtype)
{
	uint32_t value;
	memcpy(&value, bytes, sizeof(value));
	return mtype == CORE_ENTRY__MARCH__S390 ? __builtin_bswap32(value) : value;
}

void machine_set_word(uint8_t *bytes, uint32_t mtype, uint32_t value)
{
	if (mtype == CORE_ENTRY__MARCH__S390)
		value = __builtin_bswap32(value);
	memcpy(bytes, &value, sizeof(value));
}

static size_t union_at(uint32_t mtype)
{
	return mtype == CORE_ENTRY__MARCH__ARM ? 12 : 16;
}

/* SIGCHLD is 18 on MIPS, 17 elsewhere. */
static bool has_sender(int32_t signo, int32_t code, uint32_t mtype)
{
	if (code == SI_TIMER || code == SI_SIGIO)
		return false;
	if (code <= 0)
		return true;
	return signo == (mtype == CORE_ENTRY__MARCH__MIPS ? 18 : 17) && code <= NR_CLD_CODES;
}

bool siginfo_sender(const uint8_t *bytes, size_t len, uint32_t mtype, struct siginfo_sender *out)
{
	size_t at = union_at(mtype);
	if (len < at + 8)
		return false;
	int32_t signo = (int32_t)machine_word(bytes, mtype);
	int32_t code =
	    (int32_t)machine_word(bytes + (mtype == CORE_ENTRY__MARCH__MIPS ? 4 : 8), mtype);
	if (!has_sender(signo, code, mtype))
		return false;
	out->pid = machine_word(bytes + at, mtype);
	out->uid = machine_word(bytes + at + 4, mtype);
	return true;
}

void siginfo_set_sender(uint8_t *bytes, size_t len, uint32_t mtype,
			const struct siginfo_sender *sender)
{
	size_t at = union_at(mtype);
	if (len < at + 8)
		return;
	machine_set_word(bytes + at, mtype, sender->pid);
	machine_set_word(bytes + at + 4, mtype, sender->uid);
}
