/* SPDX-License-Identifier: MIT
 * /proc/self/mountinfo in words that stay the same when all numbers change.
 */
#pragma once

#include <sys/mount.h>

#include "tests/live/live.h"

#define MOUNTS_TEXT (256 * 1024)

struct mounts_line {
	int id, parent, shared, master;
	char dev[32], root[512], place[512], flags[256], type[64], source[256], options[1024];
};

static inline int mounts_compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static inline int mounts_parse(const char *text, struct mounts_line *m)
{
	char rest[2048], *dash;
	m->shared = m->master = 0;
	if (sscanf(text, "%d %d %31s %511s %511s %255s %2047[^\n]", &m->id, &m->parent, m->dev,
		   m->root, m->place, m->flags, rest) != 7)
		return 0;
	char *tag = strstr(rest, "shared:");
	dash = strstr(rest, "- ");
	if (tag && tag < dash)
		m->shared = atoi(tag + 7);
	tag = strstr(rest, "master:");
	if (tag && tag < dash)
		m->master = atoi(tag + 7);
	if (strstr(rest, "unbindable") == rest)
		strcat(m->flags, ",unbindable");
	return sscanf(dash, "- %63s %255s %1023s", m->type, m->source, m->options) == 3;
}

/* The first one of a file system or group, in the order of places, stands for its number. */
static inline const char *mounts_first(const struct mounts_line *lines, int nr, const char *dev,
				       int group)
{
	const char *first = "-";
	for (int i = 0; i < nr; i++) {
		int is = dev ? !strcmp(lines[i].dev, dev) : lines[i].shared == group;
		if (is && (first[0] == '-' || strcmp(lines[i].place, first) < 0))
			first = lines[i].place;
	}
	return first;
}

/** The mounts as sorted lines; owned by the caller. */
static inline char *mounts_describe(void)
{
	static struct mounts_line lines[512];
	static char *text[512];
	char buf[4096], *all = calloc(1, MOUNTS_TEXT);
	int nr = 0;
	FILE *f = fopen("/proc/self/mountinfo", "re");
	live_must(f != NULL && all != NULL);
	while (fgets(buf, sizeof(buf), f) && nr < 512)
		nr += mounts_parse(buf, &lines[nr]);
	fclose(f);
	for (int i = 0; i < nr; i++) {
		struct mounts_line *m = &lines[i];
		const char *on = "-";
		for (int k = 0; k < nr; k++)
			if (lines[k].id == m->parent)
				on = lines[k].place;
		live_must(asprintf(&text[i],
				   "%s on %s: %s of %s %s %s %s, %s, peers %s, master %s\n",
				   m->place, on, m->root, mounts_first(lines, nr, m->dev, 0),
				   m->type, m->source, m->options, m->flags,
				   m->shared ? mounts_first(lines, nr, NULL, m->shared) : "-",
				   m->master ? mounts_first(lines, nr, NULL, m->master) : "-") > 0);
	}
	qsort(text, (size_t)nr, sizeof(*text), mounts_compare);
	for (int i = 0; i < nr; i++) {
		strcat(all, text[i]);
		free(text[i]);
	}
	return all;
}

/** Fail with the first line that differs. */
static inline void mounts_same(const char *before, const char *after)
{
	while (*before || *after) {
		size_t a = strcspn(before, "\n"), b = strcspn(after, "\n");
		live_check(a == b && !memcmp(before, after, a), "was %.*s; is %.*s", (int)a, before,
			   (int)b, after);
		before += a + (before[a] == '\n');
		after += b + (after[b] == '\n');
	}
}

/** Take off what a copy of the host's mounts has besides the usual. */
static inline void mounts_only_usual(void)
{
	static const char *const usual[] = { "/proc", "/sys", "/dev" };
	static struct mounts_line m;
	char buf[4096], *places[512];
	int nr = 0;
	FILE *f = fopen("/proc/self/mountinfo", "re");
	live_must(f != NULL);
	while (fgets(buf, sizeof(buf), f) && nr < 512)
		if (mounts_parse(buf, &m))
			places[nr++] = strdup(m.place);
	fclose(f);
	while (nr-- > 0) {
		int keep = !strcmp(places[nr], "/");
		for (size_t i = 0; i < sizeof(usual) / sizeof(*usual); i++)
			keep |= !strncmp(places[nr], usual[i], strlen(usual[i]));
		if (!keep)
			umount2(places[nr], MNT_DETACH | UMOUNT_NOFOLLOW);
		free(places[nr]);
	}
}
