/* SPDX-License-Identifier: MIT
 * The local descriptor table of a process: segments of its own, as Wine and DOSEMU have them.
 * Descriptors: Intel SDM volume 3, 3.4.5; entries: <asm/ldt.h>.
 */
#include "engine/arch/x86-64/ldt.h"

#include <asm/ldt.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "engine/arch/arch.h"

_Static_assert(sizeof(struct user_desc) == ARCH_LDT_ENTRY, "modify_ldt(2)");

/* Bits of a descriptor's upper half. */
#define ACCESSED       (1u << 8)  /* the kernel sets it whatever was asked for */
#define WRITABLE       (1u << 9)  /* of code: readable */
#define CONTENTS_BIT   10         /* stack or code, two bits */
#define FOR_USERS      (7u << 12) /* code or data, for the least privileged */
#define PRESENT        (1u << 15)
#define AVAILABLE      (1u << 20)
#define LONG_MODE      (1u << 21)
#define OF_32_BITS     (1u << 22)
#define LIMIT_IN_PAGES (1u << 23)

static size_t nr_of(const CoreEntry *core)
{
	const ThreadInfoX86 *ti = core->thread_info;
	return ti && ti->has_ldt ? ti->ldt.len / LDT_ENTRY_SIZE : 0;
}

static void halves(const CoreEntry *core, size_t i, uint32_t out[2])
{
	memcpy(out, core->thread_info->ldt.data + i * LDT_ENTRY_SIZE, LDT_ENTRY_SIZE);
}

int arch_ldt_fill(CoreEntry *core, const void *table, size_t len, struct error *err)
{
	const uint8_t *bytes = table;
	while (len >= LDT_ENTRY_SIZE &&
	       bytes_are_zero(bytes + len - LDT_ENTRY_SIZE, LDT_ENTRY_SIZE))
		len -= LDT_ENTRY_SIZE;
	if (!len)
		return 0;
	ThreadInfoX86 *ti = core->thread_info;
	ti->ldt.data = malloc(len);
	if (!ti->ldt.data)
		return error_set(err, ENOMEM, "out of memory");
	memcpy(ti->ldt.data, table, len);
	ti->ldt.len = len;
	ti->has_ldt = true;
	return 0;
}

/* What the kernel makes of an entry, or none at all. */
static bool is_users(const uint32_t d[2])
{
	bool conforming = (d[1] >> CONTENTS_BIT & 3) == 3 && (d[1] & PRESENT);
	return (!d[0] && !d[1]) || ((d[1] & FOR_USERS) == FOR_USERS && (d[1] & ACCESSED) &&
				    !(d[1] & LONG_MODE) && !conforming);
}

int ldt_check(const CoreEntry *core, struct error *err)
{
	const ThreadInfoX86 *ti = core->thread_info;
	if (!ti->has_ldt)
		return 0;
	if (ti->ldt.len % LDT_ENTRY_SIZE || ti->ldt.len > LDT_ENTRIES * LDT_ENTRY_SIZE)
		return error_set(err, EBADMSG, "ldt is %zu bytes, want up to %d entries of %d",
				 ti->ldt.len, LDT_ENTRIES, LDT_ENTRY_SIZE);
	for (size_t i = 0; i < nr_of(core); i++) {
		uint32_t d[2];
		halves(core, i, d);
		if (!is_users(d))
			return error_set(err, EBADMSG,
					 "ldt: entry %zu is no segment of a user program", i);
	}
	return 0;
}

size_t arch_ldt_count(const CoreEntry *core)
{
	size_t nr = 0;
	for (size_t i = 0; i < nr_of(core); i++) {
		uint32_t d[2];
		halves(core, i, d);
		nr += d[0] || d[1];
	}
	return nr;
}

static struct user_desc entry_of(size_t i, const uint32_t d[2])
{
	return (struct user_desc){
		.entry_number = (unsigned)i,
		.base_addr = d[0] >> 16 | (d[1] & 0xff) << 16 | (d[1] & 0xff000000),
		.limit = (d[0] & 0xffff) | (d[1] & 0xf0000),
		.seg_32bit = !!(d[1] & OF_32_BITS),
		.contents = d[1] >> CONTENTS_BIT & 3,
		.read_exec_only = !(d[1] & WRITABLE),
		.limit_in_pages = !!(d[1] & LIMIT_IN_PAGES),
		.seg_not_present = !(d[1] & PRESENT),
		.useable = !!(d[1] & AVAILABLE),
	};
}

void arch_ldt_entries(const CoreEntry *core, void *out)
{
	struct user_desc *next = out;
	/* from the end, so that the kernel's table has its size at once */
	for (size_t i = nr_of(core); i-- > 0;) {
		uint32_t d[2];
		halves(core, i, d);
		if (d[0] || d[1])
			*next++ = entry_of(i, d);
	}
}
