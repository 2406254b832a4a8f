/* SPDX-License-Identifier: MIT
 * Sets of real images that are no part of the tree (tests/run, CORPUS=DIR).
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/** The path of a set, "" for the folder of all. @return out; NULL: it is not here */
static inline const char *corpus_find(const char *set, char out[512])
{
	const char *corpus = getenv("CORPUS");
	snprintf(out, 512, "%s/%s", corpus ? corpus : "", set);
	return corpus && *corpus && access(out, R_OK) == 0 ? out : NULL;
}
