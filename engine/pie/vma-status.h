/* SPDX-License-Identifier: MIT
 * Bits of vma.status that are ours, beside those of images/vma-status.h; never written.
 */
#pragma once

#define VMA_UNMOVABLE    0x04000000u /* the kernel takes no address for it */
#define VMA_SEALED       0x08000000u /* by mseal(2) */
#define VMA_CLOSE        0x10000000u /* fd is closed after mapping */
#define VMA_LOCK_ONFAULT 0x20000000u /* locked as pages come */
#define VMA_OLD_VDSO     0x40000000u /* vdso of another kernel, kept as code */
#define VMA_OWN_BITS     (VMA_UNMOVABLE | VMA_SEALED | VMA_CLOSE | VMA_LOCK_ONFAULT | VMA_OLD_VDSO)
