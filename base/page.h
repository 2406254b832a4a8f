/* SPDX-License-Identifier: MIT
 * The page: what memory is counted in, in images and on this machine.
 */
#pragma once

/**
 * Bytes of a page. Images count memory in pages (pagemap_entry.nr_pages) and say nowhere how large
 * one is: it is that of the machine they were dumped on, 4 KiB on x86-64, the only one the engine
 * is built for. Sets of CRIU from arm64, ppc64 or loongarch64 kernels with larger pages are not
 * told apart from others: their pages files are longer than the page maps say, which `crit verify`
 * finds. An unsigned long, so that a number of pages times this does not wrap at 32 bits.
 */
#define PAGE 4096ul
