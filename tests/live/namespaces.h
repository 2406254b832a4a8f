/* SPDX-License-Identifier: MIT
 * Which namespaces there are, by what leads to them; and files of /proc that set them up.
 */
#pragma once

#include <linux/sockios.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "tests/live/live.h"

static inline int ns_open(const char *path)
{
	int fd = open(path, O_RDONLY);
	live_check(fd >= 0, "open %s: %s", path, strerror(errno));
	return fd;
}

/* @param pid  as /proc has it; @param name  as there: "uts" */
static inline int ns_open_of(pid_t pid, const char *name)
{
	char path[48];
	snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, name);
	return ns_open(path);
}

static inline int ns_open_own(const char *name)
{
	char path[48];
	snprintf(path, sizeof(path), "/proc/self/ns/%s", name);
	return ns_open(path);
}

/* The number of the one that a descriptor leads to. */
static inline ino_t ns_number(int fd)
{
	struct stat st;
	live_check(fd >= 0 && fstat(fd, &st) == 0, "no namespace: %s", strerror(errno));
	return st.st_ino;
}

/* Of the network namespace that a socket is in. */
static inline ino_t ns_number_of_socket(int fd)
{
	int ns = ioctl(fd, SIOCGSKNS);
	ino_t number = ns_number(ns);
	close(ns);
	return number;
}

static inline ino_t ns_own_number(const char *name)
{
	int fd = ns_open_own(name);
	ino_t number = ns_number(fd);
	close(fd);
	return number;
}

/* This process, as /proc has it, which may show other pids than those of the tree. */
static inline pid_t ns_own_pid(void)
{
	char text[16] = "";
	live_must(readlink("/proc/self", text, sizeof(text) - 1) > 0);
	return atoi(text);
}

static inline void ns_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	live_check(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text),
		   "write %s to %s: %s", text, path, strerror(errno));
	close(fd);
}
