/* SPDX-License-Identifier: MIT
 * All vector, mask and x87 registers of a thread that never makes a system call.
 * live-skip: grep -qw avx2 /proc/cpuinfo
 */
#include <cpuid.h>
#include <pthread.h>

#include "tests/live/live.h"

static volatile int stop, spinning;
static unsigned char in[32 * 64], out[32 * 64];
static unsigned long masks[8];
static long double st[2];
static unsigned mxcsr;
static unsigned short control;

#define EACH16(m)                                                                                  \
	m(0) m(1) m(2) m(3) m(4) m(5) m(6) m(7) m(8) m(9) m(10) m(11) m(12) m(13) m(14) m(15)
#define LOAD_Y(n)  "vmovdqu " #n "*64(%[in]), %%ymm" #n "\n"
#define STORE_Y(n) "vmovdqu %%ymm" #n ", " #n "*64(%[out])\n"
#define LOAD_Z(n)  "vmovdqu64 " #n "*64(%[in]), %%zmm" #n "\n"
#define STORE_Z(n) "vmovdqu64 %%zmm" #n ", " #n "*64(%[out])\n"
#define SPIN                                                                                       \
	"fldpi\n fld1\n"                                                                           \
	"movl $1, %[spinning]\n"                                                                   \
	"1: pause\n cmpl $0, %[stop]\n je 1b\n"                                                    \
	"fstpt %[st0]\n fstpt %[st1]\n"
#define OPERANDS                                                                                   \
	: [spinning] "+m"(spinning), [st0] "=m"(st[0]), [st1] "=m"(st[1])                          \
	: [in] "r"(in), [out] "r"(out), [stop] "m"(stop), [masks] "r"(masks)                       \
	: "memory"

static int has_avx512(void)
{
	unsigned a, b = 0, c, d;
	return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_AVX512F) && (b & bit_AVX512BW);
}

static void spin_avx2(void)
{
	__asm__ volatile(EACH16(LOAD_Y) SPIN EACH16(STORE_Y) "vzeroupper\n" OPERANDS);
}

__attribute__((target("avx512f,avx512bw"))) static void spin_avx512(void)
{
	__asm__ volatile(
	    EACH16(LOAD_Z) "vmovdqu64 16*64(%[in]), %%zmm16\n"
			   "vmovdqu64 23*64(%[in]), %%zmm23\n"
			   "vmovdqu64 31*64(%[in]), %%zmm31\n"
			   "kmovq 0(%[masks]), %%k1\n kmovq 56(%[masks]), %%k7\n" SPIN EACH16(
			       STORE_Z) "vmovdqu64 %%zmm16, 16*64(%[out])\n"
					"vmovdqu64 %%zmm23, 23*64(%[out])\n"
					"vmovdqu64 %%zmm31, 31*64(%[out])\n"
					"kmovq %%k1, 8(%[masks])\n kmovq %%k7, 16(%[masks])\n"
					"vzeroupper\n" OPERANDS);
}

static void *spinner(void *arg)
{
	unsigned ours = 0x1f80 | 0x6000 | 0x8000;
	unsigned short word = 0x027f;
	(void)arg;
	__asm__ volatile("ldmxcsr %0\n fldcw %1" : : "m"(ours), "m"(word));
	if (has_avx512())
		spin_avx512();
	else
		spin_avx2();
	__asm__ volatile("stmxcsr %0\n fnstcw %1" : "=m"(mxcsr), "=m"(control));
	return NULL;
}

static void check_register(int n, size_t len)
{
	live_check(!memcmp(in + n * 64, out + n * 64, len), "vector register %d differs", n);
}

int main(void)
{
	pthread_t thread;
	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (unsigned char)(i * 7 + i / 64);
	masks[0] = 0x1122334455667788;
	masks[7] = 0x99aabbccddeeff00;
	live_must(pthread_create(&thread, NULL, spinner, NULL) == 0);
	while (!spinning)
		live_sleep_ms(1);

	live_ready();

	stop = 1;
	pthread_join(thread, NULL);
	for (int i = 0; i < 16; i++)
		check_register(i, has_avx512() ? 64 : 32);
	if (has_avx512()) {
		check_register(16, 64);
		check_register(23, 64);
		check_register(31, 64);
		live_check(masks[1] == masks[0] && masks[2] == masks[7], "mask registers %lx %lx",
			   masks[1], masks[2]);
	}
	live_check(st[0] == 1.0L, "st0 is %Lf", st[0]);
	live_check(st[1] > 3.14L && st[1] < 3.15L, "st1 is %Lf", st[1]);
	live_check((mxcsr & ~0x3fu) == (0x1f80 | 0x6000 | 0x8000), "mxcsr is %#x", mxcsr);
	live_check(control == 0x027f, "x87 control word is %#x", control);
	live_pass();
}
