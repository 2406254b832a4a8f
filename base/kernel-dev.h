/* SPDX-License-Identifier: MIT
 * Numbers of devices as the kernel has them inside, and prints them in hexadecimal: 20 bits of the
 * minor number below the major one. stat(2) has others.
 */
#pragma once

#include <stdint.h>
#include <sys/sysmacros.h>
#include <sys/types.h>

#define KERNEL_MINOR_BITS 20

static inline dev_t kernel_dev_decode(uint32_t dev)
{
	return makedev(dev >> KERNEL_MINOR_BITS, dev & ((1u << KERNEL_MINOR_BITS) - 1));
}

static inline uint32_t kernel_dev_encode(dev_t dev)
{
	return major(dev) << KERNEL_MINOR_BITS | minor(dev);
}
