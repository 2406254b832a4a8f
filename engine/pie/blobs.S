/* SPDX-License-Identifier: MIT
 * The linked blobs as bytes inside the engine.
 */
	.section .rodata
	.balign 16
	.globl pie_parasite_start, pie_parasite_end, pie_restorer_start, pie_restorer_end
pie_parasite_start:
	.incbin "parasite.bin"
pie_parasite_end:
	.balign 16
pie_restorer_start:
	.incbin "restorer.bin"
pie_restorer_end:
	.section .note.GNU-stack,"",@progbits
