/* SPDX-License-Identifier: MIT
 * Nothing goes wrong, many times: after each round the tree finds all it has, /proc says the same
 * of it as after the first, and nothing grows.
 *   rounds soak STASIS DIR ROUNDS
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/live/rounds/rounds.h"

#define SETTLED  3   /* rounds, after which nothing may grow any more */
#define SLACK    10  /* per cent */
#define SPARE_KB 256 /* or this much */

struct size {
	long rss_kib, images_kib;
};

static long images_kib(const struct rounds *r)
{
	char command[PATH_MAX + 64];
	long kib = 0;
	snprintf(command, sizeof(command), "du -sk --apparent-size '%s'", r->images);
	FILE *f = popen(command, "re");
	if (!f || fscanf(f, "%ld", &kib) != 1)
		kib = -1;
	if (f)
		pclose(f);
	return kib;
}

static bool has_grown(long from, long to)
{
	return to > from + from * SLACK / 100 + SPARE_KB;
}

static const char *round_trip(struct rounds *r, struct size *now)
{
	const char *why = rounds_clear_images(r);
	if (!why)
		why = rounds_must_dump(r);
	now->images_kib = images_kib(r);
	if (!why)
		why = rounds_must_restore(r);
	now->rss_kib = tree_rss_kib(&r->tree);
	tree_look(&r->tree, false, r->after);
	return why;
}

int soak(struct rounds *r, int argc, char **argv)
{
	long rounds = argc > 0 ? atol(argv[0]) : 500;
	struct size first = { 0 }, now = { 0 };
	const char *why = rounds_start(r);
	long done = 0;
	for (; !why && done < rounds; done++) {
		why = round_trip(r, &now);
		/* neighbours among mappings become one when they are mapped again */
		if (done == 0)
			memcpy(r->before, r->after, sizeof(r->before));
		if (!why)
			why = look_differs(r->before, r->after);
		if (done == SETTLED)
			first = now;
		if (!why && done > SETTLED && has_grown(first.rss_kib, now.rss_kib))
			why = "its memory grows";
		if (!why && done > SETTLED && has_grown(first.images_kib, now.images_kib))
			why = "its images grow";
	}
	if (why) {
		char what[64];
		snprintf(what, sizeof(what), "soak, round %ld", done);
		rounds_report(r, what, why);
	}
	return rounds_summary(r, "soak: %ld rounds; memory %ld to %ld KiB, images %ld to %ld KiB",
			      done, first.rss_kib, now.rss_kib, first.images_kib, now.images_kib);
}
