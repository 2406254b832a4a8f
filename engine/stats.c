/* SPDX-License-Identifier: MIT
 * Times and page counts of a dump and of a restore.
 */
#include "engine/stats.h"

#include <fcntl.h>
#include <inttypes.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "images/writer.h"
#include "stats.pb-c.h"

static int write_stats(int work_fd, const char *name, const StatsEntry *e, struct error *err)
{
	auto_fd fd = openat(work_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return error_sys(err, "create %s", name);
	auto_image_writer w = NULL;
	int rc = image_writer_open_fd(fd, name, &image_types[IMG_STATS], HEAD_SERVICE, &w, err);
	if (rc == 0)
		rc = image_write(w, &e->base, err);
	return rc < 0 ? rc : image_finish(w, err);
}

/* The images are whole and the tasks where they should be: too late to fail. */
static void write_or_warn(int work_fd, const char *name, const StatsEntry *e)
{
	struct error err;
	if (write_stats(work_fd, name, e, &err) < 0)
		log_warn("%s", err.text);
}

/* To the log, whatever its level: standard output may be a container's. */
static void show_time(const char *what, uint32_t usec)
{
	log_write(LOG_MSG, "time %s: %" PRIu32 " us", what, usec);
}

static void show_count(const char *what, uint64_t nr)
{
	log_write(LOG_MSG, "%s: %" PRIu64, what, nr);
}

void dump_stats_write(const struct dump *d)
{
	const struct dump_stats *s = &d->stats;
	DumpStatsEntry dump = DUMP_STATS_ENTRY__INIT;
	dump.freezing_time = s->freezing_time;
	dump.frozen_time = s->frozen_time;
	dump.memdump_time = s->memdump_time;
	dump.memwrite_time = s->memwrite_time;
	dump.pages_scanned = s->pages_scanned;
	dump.pages_skipped_parent = s->pages_skipped_parent;
	dump.pages_written = s->pages_written;
	dump.pages_lazy = s->pages_lazy;
	dump.has_irmap_resolve = dump.has_page_pipes = dump.has_page_pipe_bufs = true;
	dump.has_shpages_scanned = dump.has_shpages_skipped_parent = dump.has_shpages_written =
	    true;
	dump.shpages_scanned = s->shpages_scanned;
	dump.shpages_written = s->shpages_written;
	StatsEntry e = STATS_ENTRY__INIT;
	e.dump = &dump;
	if (d->opts->display_stats) {
		show_time("freezing", s->freezing_time);
		show_time("frozen", s->frozen_time);
		show_time("writing memory", s->memdump_time);
		show_count("pages looked at", s->pages_scanned);
		show_count("pages in the parent set", s->pages_skipped_parent);
		show_count("pages written", s->pages_written + s->shpages_written);
		show_count("pages left behind (lazy)", s->pages_lazy);
	}
	write_or_warn(d->work_fd, "stats-dump", &e);
}

/* Of this clock a time namespace, which the coordinator may be in for a while, is no matter. */
void restore_stats_start(struct restore_stats *stats)
{
	clock_gettime(CLOCK_REALTIME, &stats->start);
	stats->forked = stats->start;
}

void restore_stats_forked(struct restore_stats *stats)
{
	clock_gettime(CLOCK_REALTIME, &stats->forked);
}

static uint32_t usec_between(const struct timespec *a, const struct timespec *b)
{
	return (uint32_t)((b->tv_sec - a->tv_sec) * 1000000 + (b->tv_nsec - a->tv_nsec) / 1000);
}

void restore_stats_write(const struct restore_stats *stats, const struct restore *r)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	RestoreStatsEntry restore = RESTORE_STATS_ENTRY__INIT;
	restore.pages_compared = r->shared->pages_compared;
	restore.pages_skipped_cow = r->shared->pages_skipped_cow;
	restore.has_pages_restored = true;
	restore.pages_restored = r->shared->pages_restored;
	restore.forking_time = usec_between(&stats->start, &stats->forked);
	restore.restore_time = usec_between(&stats->start, &now);
	StatsEntry e = STATS_ENTRY__INIT;
	e.restore = &restore;
	if (r->opts->display_stats) {
		show_time("until all tasks were born", restore.forking_time);
		show_time("restoring", restore.restore_time);
		show_count("pages restored", restore.pages_restored);
		show_count("pages compared", restore.pages_compared);
		show_count("pages shared by fork", restore.pages_skipped_cow);
	}
	write_or_warn(r->work_fd, "stats-restore", &e);
}
