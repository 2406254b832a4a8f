/* SPDX-License-Identifier: MIT
 * What a dump or a restore took, for those who watch it: stats-dump and stats-restore.
 */
#pragma once

#include <time.h>

#include "engine/context/dump.h"
#include "engine/context/restore.h"

/** Write d->stats to stats-dump in the work directory; a failure is only worth a warning. */
void dump_stats_write(const struct dump *d);

struct restore_stats {
	struct timespec start, forked;
};

void restore_stats_start(struct restore_stats *stats);
/** All tasks are born. */
void restore_stats_forked(struct restore_stats *stats);
/** Write stats-restore to the work directory; a failure is only worth a warning. */
void restore_stats_write(const struct restore_stats *stats, const struct restore *r);
