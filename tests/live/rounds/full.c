/* SPDX-License-Identifier: MIT
 * The disk of the images is full, a little later each time: the tree runs on and there is no file,
 * until everything fits; then it restores.
 *   rounds full STASIS DIR FIRST STEP     its size in KiB; needs a mount namespace to itself
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>

#include "tests/live/rounds/rounds.h"

#define MOST_KIB (64L << 10)

static const char *resize(const struct rounds *r, long kib, unsigned long flags)
{
	char options[64];
	snprintf(options, sizeof(options), "size=%ldk", kib);
	return mount("images", r->images, "tmpfs", flags, options) < 0 ? "cannot mount a tmpfs"
								       : NULL;
}

int disk_full(struct rounds *r, int argc, char **argv)
{
	long kib = argc > 0 ? atol(argv[0]) : 4, step = argc > 1 ? atol(argv[1]) : 4, runs = 0;
	const char *why = resize(r, kib, 0);
	if (!why)
		why = rounds_start(r);
	struct inject in = { 0 };
	for (; !why && kib < MOST_KIB; kib += step, runs++) {
		char what[64];
		snprintf(what, sizeof(what), "a disk of %ld KiB", kib);
		why = resize(r, kib, MS_REMOUNT);
		if (why)
			break;
		rounds_note_tree(r);
		rounds_run(r, true, &in);
		if (rounds_succeeded(&in))
			break;
		why = rounds_dump_left(r);
		if (why && rounds_report(r, what, why))
			why = rounds_start(r);
	}
	if (!why)
		why = tree_ends(&r->tree, SETTLE_MS) ? rounds_must_restore(r)
						     : "the tree is still there";
	if (why)
		rounds_report(r, "full", why);
	umount2(r->images, MNT_DETACH);
	return rounds_summary(r, "full: %ld dumps did not fit, one of %ld KiB did", runs, kib);
}
