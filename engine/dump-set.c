/* SPDX-License-Identifier: MIT
 * The image set as a whole. inventory.img is written last: without it there is no set.
 */
#include "engine/dump-set.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "engine/task/core.h"
#include "images/image-type.h"
#include "images/writer.h"
#include "inventory.pb-c.h"
#include "namespaces.pb-c.h"
#include "security.pb-c.h"
#include "stats.pb-c.h"

#define IMG_VERSION     2 /* v1.1: two magic words, ids per object */
#define ROOT_CGROUP_SET 1

struct dump_set {
	char **items; /* names of the images that were there */
	size_t nr, cap;
};

static DIR *open_images(const struct dump *d)
{
	int fd = openat(d->images_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir)
		fd_close(fd);
	return dir;
}

static bool was_there(const struct dump_set *before, const char *name)
{
	for (size_t i = 0; i < before->nr; i++) {
		if (!strcmp(before->items[i], name))
			return true;
	}
	return false;
}

void dump_set_free(struct dump_set *before)
{
	if (!before)
		return;
	for (size_t i = 0; i < before->nr; i++)
		free(before->items[i]);
	free(before->items);
	free(before);
}

static int list_images(const struct dump *d, struct dump_set *set, struct error *err)
{
	auto_dir dir = open_images(d);
	if (!dir)
		return error_sys(err, "read the images directory");
	struct dirent *de;
	while ((de = readdir(dir))) {
		if (!image_type_by_filename(de->d_name))
			continue;
		char **slot = array_add(set);
		if (slot)
			*slot = strdup(de->d_name);
		if (!slot || !*slot)
			return error_set(err, ENOMEM, "out of memory");
	}
	return 0;
}

int dump_set_begin(struct dump *d, struct dump_set **out, struct error *err)
{
	struct dump_set *set = calloc(1, sizeof(*set));
	if (!set)
		return error_set(err, ENOMEM, "out of memory");
	int rc = list_images(d, set, err);
	if (rc == 0 && unlinkat(d->images_fd, "inventory.img", 0) < 0 && errno != ENOENT)
		rc = error_sys(err, "remove the old inventory.img");
	if (rc < 0) {
		dump_set_free(set);
		return rc;
	}
	*out = set;
	return 0;
}

void dump_set_undo(struct dump *d, struct dump_set *before)
{
	auto_dir dir = open_images(d);
	struct dirent *de;
	while (dir && (de = readdir(dir))) {
		if (!image_type_by_filename(de->d_name) || was_there(before, de->d_name))
			continue;
		if (unlinkat(dirfd(dir), de->d_name, 0) < 0)
			log_warn("cannot remove %s of the failed dump", de->d_name);
	}
}

static int write_pstree_entry(struct image_writer *w, const struct task *t, struct error *err)
{
	auto_free uint32_t *threads = calloc(t->nr_threads, sizeof(*threads));
	if (!threads)
		return error_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; i < t->nr_threads; i++)
		threads[i] = (uint32_t)t->threads[i].vtid;
	PstreeEntry e = PSTREE_ENTRY__INIT;
	e.pid = (uint32_t)t->vpid;
	e.ppid = (uint32_t)t->ppid;
	e.pgid = (uint32_t)t->pgid;
	e.sid = (uint32_t)t->sid;
	e.n_threads = t->nr_threads;
	e.threads = threads;
	return image_write(w, &e.base, err);
}

static int write_pstree(struct dump *d, struct error *err)
{
	auto_image_writer w = NULL;
	int rc = image_create(d->images_fd, IMG_PSTREE, 0, &w, err);
	for (size_t i = 0; rc == 0 && i < d->nr_tasks; i++)
		rc = write_pstree_entry(w, d->tasks[i], err);
	return rc < 0 ? rc : image_finish(w, err);
}

static int write_seccomp(struct dump *d, struct error *err)
{
	SeccompEntry e = SECCOMP_ENTRY__INIT; /* seccomped tasks were refused: no filters */
	return image_write_one(d->images_fd, IMG_SECCOMP, 0, &e.base, err);
}

static void set_time(Timespec *ts, clockid_t clock)
{
	struct timespec now;
	clock_gettime(clock, &now);
	ts->tv_sec = (uint64_t)now.tv_sec;
	ts->tv_nsec = (uint64_t)now.tv_nsec;
}

/* The clocks a restore elsewhere would have to continue from. */
static int write_timens(struct dump *d, struct error *err)
{
	Timespec monotonic = TIMESPEC__INIT, boottime = TIMESPEC__INIT;
	set_time(&monotonic, CLOCK_MONOTONIC);
	set_time(&boottime, CLOCK_BOOTTIME);
	TimensEntry e = TIMENS_ENTRY__INIT;
	e.monotonic = &monotonic;
	e.boottime = &boottime;
	return image_write_one(d->images_fd, IMG_TIMENS, 0, &e.base, err);
}

/* A random (version 4) UUID: tells incremental dumps which run they build on. */
static void make_run_id(char out[37])
{
	uint8_t b[16];
	if (getrandom(b, sizeof(b), 0) != sizeof(b))
		memset(b, 0, sizeof(b));
	b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
	b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
	snprintf(out, 37, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
		 b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12],
		 b[13], b[14], b[15]);
}

static int write_inventory(struct dump *d, struct error *err)
{
	char run_id[37];
	make_run_id(run_id);
	TaskKobjIdsEntry ids = TASK_KOBJ_IDS_ENTRY__INIT;
	task_root_ids(&ids);
	PluginsEntry plugins = PLUGINS_ENTRY__INIT;
	InventoryEntry e = INVENTORY_ENTRY__INIT;
	e.img_version = IMG_VERSION;
	e.has_fdinfo_per_id = e.fdinfo_per_id = true;
	e.root_ids = &ids;
	e.has_ns_per_id = e.ns_per_id = true;
	e.has_root_cg_set = true;
	e.root_cg_set = ROOT_CGROUP_SET;
	e.has_lsmtype = true;
	e.lsmtype = LSMTYPE__NO_LSM;
	e.has_network_lock_method = true;
	e.plugins_entry = &plugins;
	e.dump_criu_run_id = run_id;
	return image_write_one(d->images_fd, IMG_INVENTORY, 0, &e.base, err);
}

int dump_set_finish(struct dump *d, struct error *err)
{
	int rc = write_pstree(d, err);
	if (rc == 0)
		rc = write_seccomp(d, err);
	if (rc == 0)
		rc = write_timens(d, err);
	return rc < 0 ? rc : write_inventory(d, err);
}

int dump_set_stats(struct dump *d, struct error *err)
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

	auto_fd fd =
	    openat(d->work_fd, "stats-dump", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return error_sys(err, "create stats-dump");
	auto_image_writer w = NULL;
	int rc =
	    image_writer_open_fd(fd, "stats-dump", &image_types[IMG_STATS], HEAD_SERVICE, &w, err);
	if (rc == 0)
		rc = image_write(w, &e.base, err);
	return rc < 0 ? rc : image_finish(w, err);
}
