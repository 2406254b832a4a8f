/* SPDX-License-Identifier: MIT
 * Bits of vma_entry.status: what a mapping is.
 */
#pragma once

enum vma_status {
	VMA_AREA_NONE = 0,
	VMA_AREA_REGULAR = 0x1,
	VMA_AREA_STACK = 0x2,
	VMA_AREA_VSYSCALL = 0x4,
	VMA_AREA_VDSO = 0x8,
	VMA_AREA_HEAP = 0x20,
	VMA_FILE_PRIVATE = 0x40,
	VMA_FILE_SHARED = 0x80,
	VMA_ANON_SHARED = 0x100,
	VMA_ANON_PRIVATE = 0x200,
	VMA_AREA_SYSVIPC = 0x400,
	VMA_AREA_SOCKET = 0x800,
	VMA_AREA_VVAR = 0x1000,
	VMA_AREA_AIORING = 0x2000,
	VMA_AREA_MEMFD = 0x4000,
	VMA_AREA_SHSTK = 0x8000,
	VMA_AREA_GUARD = 0x10000, /* a guard region inside a mapping */
	VMA_AREA_UPROBES = 0x20000,
	VMA_EXT_PLUGIN = 0x8000000, /* of a device that a plugin of the dumper carries */
	VMA_UNSUPP = 0x80000000,    /* what only a plugin can carry */
};
