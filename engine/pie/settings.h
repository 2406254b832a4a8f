/* SPDX-License-Identifier: MIT
 * Settings of prctl(2) and arch_prctl(2) that the image format has no fields for: a row each. The
 * parasite reads them, the restorer makes again what differs from a new process.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum setting_form {
	SETTING_PLAIN,       /* the call returns it; arg2 sets it */
	SETTING_STORED,      /* an int that arg2 points to; arg2 sets it */
	SETTING_SECOND,      /* the call returns it; arg3 sets it, behind `which` */
	SETTING_SPECULATION, /* one bit of a status; arg3 sets it, behind `which` in both */
	SETTING_PROCESSOR,   /* of arch_prctl(2): the call returns it; arg2 sets it */
	SETTING_FLAGS,       /* bit 0 is in the images already; the others are set by arg3 */
};

struct setting {
	uint32_t get, set; /* options of prctl(2), or of arch_prctl(2): the numbers differ */
	uint32_t which;    /* a constant arg2, where the form has one */
	uint8_t form;
	bool whole_task; /* the same for all threads: asked of the first */
	int32_t usual;   /* what a new process has */
};

#define SPECULATION_PER_TASK 1u    /* PR_SPEC_PRCTL: may be set */
#define SPECULATION_CHOICE   0x1eu /* enable, disable, for ever, until exec */

#define SETTING_SET_CPUID 0x1012u /* ARCH_SET_CPUID */

/* <linux/prctl.h>, <asm/prctl.h>; numbers, as headers may be older than kernels */
static const struct setting prctl_settings[] = {
	{ 30, 29, 0, SETTING_PLAIN, false, 50000 },   /* timer slack, ns; 0 of real-time threads */
	{ 25, 26, 0, SETTING_STORED, false, 1 },      /* rdtsc allowed */
	{ 34, 33, 1, SETTING_SECOND, false, 2 },      /* machine checks kill early */
	{ 58, 57, 0, SETTING_PLAIN, false, 0 },       /* I/O flusher */
	{ 52, 53, 0, SETTING_SPECULATION, false, 3 }, /* speculative store bypass */
	{ 52, 53, 1, SETTING_SPECULATION, false, 3 }, /* indirect branches */
	{ 52, 53, 2, SETTING_SPECULATION, false, 5 }, /* flush of the L1 cache */
	{ 68, 67, 0, SETTING_PLAIN, true, 0 },        /* merge equal pages */
	{ 42, 41, 1, SETTING_FLAGS, true, 0 },        /* huge pages only where advised */
	{ 66, 65, 0, SETTING_PLAIN, true, 0 },        /* no memory that is written and executed */
	{ 0x1011, SETTING_SET_CPUID, 0, SETTING_PROCESSOR, false, 1 }, /* cpuid allowed */
};
#define NR_RING_FDS 16 /* IO_RINGFD_REG_MAX: rings a thread may register for itself */
#define NR_SETTINGS (sizeof(prctl_settings) / sizeof(prctl_settings[0]))
