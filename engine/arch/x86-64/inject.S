/* SPDX-License-Identifier: MIT
 * The code that is put into unused bytes of a task. Straight line, no stack of the task, no
 * dependence on anything that could be gone: if the tracer dies anywhere, the thread falls
 * through to `heal`. Literals stand behind the code; inject.c fills them in.
 */
#define SYS_close          3
#define SYS_munmap         11
#define SYS_rt_sigprocmask 14
#define SYS_gettid         186
#define SYS_tkill          200
#define SIG_SETMASK        2

	.section .rodata
	.balign 16
	.globl inject_code, inject_code_mmap, inject_code_protect, inject_code_call, inject_code_thread
	.globl inject_code_bye, inject_code_heal, inject_code_literals, inject_code_end
	.hidden inject_code, inject_code_mmap, inject_code_protect, inject_code_call, inject_code_thread
	.hidden inject_code_bye, inject_code_heal, inject_code_literals, inject_code_end

/* Marks the slot as ours, should a killed engine have left it behind. Never executed. */
inject_code:
	.ascii "STASIS injected\0"

/* rax and the argument registers are those of mmap; r13 its length. The tracer sees the result
   at the exit stop and sends the thread on to inject_code_call. */
inject_code_mmap:
	syscall
	mov	%rax, %r12
	jmp	unmap

/* rax and the argument registers are those of mprotect; r12, r13: mapping. */
inject_code_protect:
	syscall
	jmp	unmap

/* rbx: entry, rdi, rsi: its arguments, rbp: stack, r12, r13: mapping. */
inject_code_call:
	mov	%rbp, %rsp
	call	*%rbx
	jmp	unmap

/* rdi: descriptor, r12, r13: mapping. */
inject_code_bye:
	mov	$SYS_close, %eax
	syscall
unmap:
	mov	%r12, %rdi
	mov	%r13, %rsi
	mov	$SYS_munmap, %eax
	syscall
	mov	%rax, %r13
	jmp	tell

/* A slot of another thread begins here. The same as inject_code_call, but the mapping is not its
   own: the word at r12 says that we are out of it. */
	.balign 16
inject_code_thread:
	mov	%rbp, %rsp
	call	*%rbx
	movl	$1, (%r12)

/* A tracer sees this signal come, although it means nothing to the task; without one, nothing
   happens. Where it is none (0), a filter of seccomp may be in force that lets no such call pass. */
tell:
	mov	tell_signo(%rip), %ebx
	test	%ebx, %ebx
	jz	inject_code_heal
	mov	lit_rsp(%rip), %rsp
	mov	$SIG_SETMASK, %edi
	lea	all_but_tell(%rip), %rsi
	xor	%edx, %edx
	mov	$8, %r10d
	mov	$SYS_rt_sigprocmask, %eax
	syscall
	mov	$SYS_gettid, %eax
	syscall
	mov	%eax, %edi
	mov	%ebx, %esi
	mov	$SYS_tkill, %eax
	syscall

/* No signal may come while rsp points at the literals: no frame could be pushed there. The
   system call that unblocks them keeps the flags, and mov does not touch them. */
inject_code_heal:
	mov	$SIG_SETMASK, %edi
	lea	all_signals(%rip), %rsi
	xor	%edx, %edx
	mov	$8, %r10d
	mov	$SYS_rt_sigprocmask, %eax
	syscall
	lea	lit_flags(%rip), %rsp
	popfq
	mov	lit_rsp(%rip), %rsp
	mov	$SIG_SETMASK, %edi
	lea	lit_mask(%rip), %rsi
	mov	$0, %edx
	mov	$8, %r10d
	mov	$SYS_rt_sigprocmask, %eax
	syscall
	mov	lit_r15(%rip), %r15
	mov	lit_r14(%rip), %r14
	mov	lit_r13(%rip), %r13
	mov	lit_r12(%rip), %r12
	mov	lit_rbp(%rip), %rbp
	mov	lit_rbx(%rip), %rbx
	mov	lit_r11(%rip), %r11
	mov	lit_r10(%rip), %r10
	mov	lit_r9(%rip), %r9
	mov	lit_r8(%rip), %r8
	mov	lit_rax(%rip), %rax
	mov	lit_rcx(%rip), %rcx
	mov	lit_rdx(%rip), %rdx
	mov	lit_rsi(%rip), %rsi
	mov	lit_rdi(%rip), %rdi
	jmp	*lit_rip(%rip)

/* struct inject_literals of inject.c, in its order. */
	.balign 8
inject_code_literals:
all_signals:	.quad -1
lit_mask:	.quad 0
lit_flags:	.quad 0
lit_rsp:	.quad 0
lit_r15:	.quad 0
lit_r14:	.quad 0
lit_r13:	.quad 0
lit_r12:	.quad 0
lit_rbp:	.quad 0
lit_rbx:	.quad 0
lit_r11:	.quad 0
lit_r10:	.quad 0
lit_r9:		.quad 0
lit_r8:		.quad 0
lit_rax:	.quad 0
lit_rcx:	.quad 0
lit_rdx:	.quad 0
lit_rsi:	.quad 0
lit_rdi:	.quad 0
lit_rip:	.quad 0
all_but_tell:	.quad 0
tell_signo:	.quad 0
	.balign 16
inject_code_end:
	.section .note.GNU-stack,"",@progbits
