/* SPDX-License-Identifier: MIT
 * Times and page counts of a restore.
 */
#include "engine/restore-stats.h"

#include <fcntl.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "images/writer.h"
#include "stats.pb-c.h"

void restore_stats_start(struct restore_stats *stats)
{
	clock_gettime(CLOCK_MONOTONIC, &stats->start);
	stats->forked = stats->start;
}

void restore_stats_forked(struct restore_stats *stats)
{
	clock_gettime(CLOCK_MONOTONIC, &stats->forked);
}

static uint32_t usec_between(const struct timespec *a, const struct timespec *b)
{
	return (uint32_t)((b->tv_sec - a->tv_sec) * 1000000 + (b->tv_nsec - a->tv_nsec) / 1000);
}

static int write_stats(int work_fd, const StatsEntry *e, struct error *err)
{
	auto_fd fd =
	    openat(work_fd, "stats-restore", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return error_sys(err, "create stats-restore");
	auto_image_writer w = NULL;
	int rc = image_writer_open_fd(fd, "stats-restore", &image_types[IMG_STATS], HEAD_SERVICE,
				      &w, err);
	if (rc == 0)
		rc = image_write(w, &e->base, err);
	return rc < 0 ? rc : image_finish(w, err);
}

void restore_stats_write(const struct restore_stats *stats, const struct restore *r)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	RestoreStatsEntry restore = RESTORE_STATS_ENTRY__INIT;
	restore.pages_compared = r->shared->pages_compared;
	restore.pages_skipped_cow = r->shared->pages_skipped_cow;
	restore.has_pages_restored = true;
	restore.pages_restored = r->shared->pages_restored;
	restore.forking_time = usec_between(&stats->start, &stats->forked);
	restore.restore_time = usec_between(&stats->start, &now);
	StatsEntry e = STATS_ENTRY__INIT;
	e.restore = &restore;
	struct error err;
	if (write_stats(r->work_fd, &e, &err) < 0)
		log_warn("%s", err.text);
}
