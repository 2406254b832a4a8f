/* SPDX-License-Identifier: MIT
 * Style and script of the page, taken into the program when it is assembled.
 */
#include "convert/report/assets.h"

#define ASSET(symbol, path)                                                                        \
	__asm__(".pushsection .rodata\n"                                                           \
		".global " #symbol "\n" #symbol ":\n"                                              \
		".incbin \"" path "\"\n"                                                           \
		".byte 0\n"                                                                        \
		".popsection\n")

ASSET(report_css, "convert/report/page.css");
ASSET(report_js, "convert/report/page.js");
