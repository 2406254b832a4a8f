/* SPDX-License-Identifier: MIT
 * Registers of every machine as ELF notes: sizes as its kernel has them, numbers in its byte order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/array.h"
#include "convert/core/machine.h"

#define MANY 200 /* elements of every repeated field: more than any machine has */

/* Every number of a message counts up; every submessage is there. */
static void fill(ProtobufCMessage *msg, uint64_t *next)
{
	for (unsigned i = 0; i < msg->descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *f = &msg->descriptor->fields[i];
		void *at = (char *)msg + f->offset;
		size_t size = f->type == PROTOBUF_C_TYPE_UINT64 ? 8 : 4;
		if (f->type == PROTOBUF_C_TYPE_MESSAGE) {
			if (f->label == PROTOBUF_C_LABEL_REPEATED)
				continue;
			const ProtobufCMessageDescriptor *desc = f->descriptor;
			ProtobufCMessage *inner = calloc(1, desc->sizeof_message);
			desc->message_init(inner);
			fill(inner, next);
			*(ProtobufCMessage **)at = inner;
		} else if (f->label == PROTOBUF_C_LABEL_REPEATED) {
			char *items = calloc(MANY, size);
			for (size_t k = 0; k < MANY; k++, ++*next)
				memcpy(items + k * size, next, size);
			*(void **)at = items;
			*(size_t *)((char *)msg + f->quantifier_offset) = MANY;
		} else if (f->type == PROTOBUF_C_TYPE_UINT64 || f->type == PROTOBUF_C_TYPE_UINT32) {
			memcpy(at, next, size);
			++*next;
		}
	}
}

/* A core image with the registers of one machine and nothing else. */
static CoreEntry *core_new(CoreEntry__March march, const char *field)
{
	uint64_t next = 1;
	CoreEntry *core = malloc(sizeof(*core));
	core_entry__init(core);
	core->mtype = march;
	const ProtobufCFieldDescriptor *f =
	    protobuf_c_message_descriptor_get_field_by_name(&core_entry__descriptor, field);
	const ProtobufCMessageDescriptor *desc = f->descriptor;
	ProtobufCMessage *info = calloc(1, desc->sizeof_message);
	desc->message_init(info);
	fill(info, &next);
	*(ProtobufCMessage **)((char *)core + f->offset) = info;
	return core;
}

static uint64_t number(const struct notes *n, size_t at, unsigned size)
{
	uint64_t value = 0;
	for (unsigned i = 0; i < size; i++) {
		unsigned char byte = (unsigned char)n->buf.data[at + (n->big ? i : size - 1 - i)];
		value = value << 8 | byte;
	}
	return value;
}

struct expect {
	CoreEntry__March march;
	const char *field;
	unsigned word;        /* bytes of a register */
	size_t gregs;         /* bytes of all */
	uint32_t sizes[8][2]; /* type and length of the notes, in order */
};

static const struct expect machines[] = {
	{ CORE_ENTRY__MARCH__X86_64, "thread_info", 8, 216, { { 2, 512 }, { 0x202, 2696 } } },
	{ CORE_ENTRY__MARCH__AARCH64,
	  "ti_aarch64",
	  8,
	  272,
	  { { 2, 528 }, { 0x401, 8 }, { 0x407, 64 }, { 0x408, 16 } } },
	{ CORE_ENTRY__MARCH__ARM, "ti_arm", 4, 72, { { 0x400, 260 }, { 0x401, 4 } } },
	{ CORE_ENTRY__MARCH__PPC64,
	  "ti_ppc64",
	  8,
	  384,
	  { { 2, 264 }, { 0x100, 544 }, { 0x102, 256 } } },
	{ CORE_ENTRY__MARCH__S390,
	  "ti_s390",
	  8,
	  216,
	  { { 2, 136 },
	    { 0x307, 4 },
	    { 0x309, 128 },
	    { 0x30a, 256 },
	    { 0x30b, 32 },
	    { 0x30c, 32 } } },
	{ CORE_ENTRY__MARCH__MIPS, "ti_mips", 8, 360, { { 2, 264 } } },
	{ CORE_ENTRY__MARCH__LOONGARCH64, "ti_loongarch64", 8, 360, { { 2, 272 } } },
	{ CORE_ENTRY__MARCH__RISCV64, "ti_riscv64", 8, 256, { { 2, 264 } } },
};

static void check_gregs(const struct expect *e, const struct core_machine *m, const CoreEntry *core)
{
	struct notes n = { .is64 = m->is64, .big = m->big };
	note_begin(&n, "CORE", 1);
	size_t begin = n.buf.len;
	m->gregs(&n, core);
	assert_false(n.failed);
	assert_int_equal(m->gregs_len, e->gregs);
	assert_true(n.buf.len - begin <= e->gregs);
	/* the first registers are the first numbers, one after the other */
	uint64_t first = number(&n, begin, e->word);
	assert_true(first >= 1 && first <= 4);
	for (unsigned i = 1; i < 8; i++)
		assert_int_equal(number(&n, begin + i * e->word, e->word), first + i);
	strbuf_fini(&n.buf);
}

static void check_others(const struct expect *e, const struct core_machine *m,
			 const CoreEntry *core)
{
	struct notes n = { .is64 = m->is64, .big = m->big };
	m->others(&n, core);
	assert_false(n.failed);
	size_t at = 0;
	for (size_t i = 0; i < ARRAY_SIZE(e->sizes) && e->sizes[i][1]; i++) {
		assert_true(at + 12 <= n.buf.len);
		size_t name = number(&n, at, 4), len = number(&n, at + 4, 4);
		assert_int_equal(number(&n, at + 8, 4), e->sizes[i][0]);
		assert_int_equal(len, e->sizes[i][1]);
		at += 12 + ((name + 3) & ~3ul) + ((len + 3) & ~3ul);
	}
	assert_int_equal(at, n.buf.len);
	strbuf_fini(&n.buf);
}

static void machine_notes_have_the_kernels_sizes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(machines); i++) {
		struct error err;
		CoreEntry *core = core_new(machines[i].march, machines[i].field);
		const struct core_machine *m = core_machine_of(core, &err);
		assert_non_null(m);
		assert_int_equal(m->march, machines[i].march);
		check_gregs(&machines[i], m, core);
		check_others(&machines[i], m, core);
		core_entry__free_unpacked(core, NULL);
	}
}

static void machine_without_registers_is_refused(void **state)
{
	(void)state;
	struct error err;
	CoreEntry core;
	core_entry__init(&core);
	core.mtype = CORE_ENTRY__MARCH__S390;
	assert_null(core_machine_of(&core, &err));
	assert_int_equal(err.code, -EBADMSG);
	core.mtype = CORE_ENTRY__MARCH__UNKNOWN;
	assert_null(core_machine_of(&core, &err));
	assert_int_equal(err.code, -ENOTSUP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(machine_notes_have_the_kernels_sizes),
		cmocka_unit_test(machine_without_registers_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
