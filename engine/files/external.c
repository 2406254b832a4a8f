/* SPDX-License-Identifier: MIT
 * --external RESOURCE and --inherit-fd fd[N]:RESOURCE.
 */
#include "engine/files/external.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool external_has(const struct options *opts, const char *name)
{
	for (size_t i = 0; i < opts->external.nr; i++)
		if (!strcmp(opts->external.items[i], name))
			return true;
	return false;
}

bool external_has_socket(const struct options *opts, uint32_t ino)
{
	char name[32];
	snprintf(name, sizeof(name), "unix[%u]", ino);
	for (size_t i = 0; i < opts->ext_unix.nr; i++)
		if (opts->ext_unix.items[i] && strtoul(opts->ext_unix.items[i], NULL, 10) == ino)
			return true;
	return external_has(opts, name);
}

const char *external_value(const struct options *opts, const char *kind, const char *key)
{
	size_t kind_len = strlen(kind), key_len = strlen(key);
	for (size_t i = 0; i < opts->external.nr; i++) {
		const char *at = opts->external.items[i];
		if (strncmp(at, kind, kind_len) != 0 || at[kind_len] != '[')
			continue;
		at += kind_len + 1;
		if (!strncmp(at, key, key_len) && !strncmp(at + key_len, "]:", 2))
			return at + key_len + 2;
	}
	return NULL;
}

/* "fd[12]:tty[8800:19]": the number, and where the name starts; NULL: it is no such thing. */
static const char *split(const char *value, int *fd)
{
	if (strncmp(value, "fd[", 3) || value[3] < '0' || value[3] > '9')
		return NULL;
	char *end;
	errno = 0;
	long number = strtol(value + 3, &end, 10);
	if (errno || number > INT_MAX || strncmp(end, "]:", 2) || !end[2])
		return NULL;
	*fd = (int)number;
	return end + 2;
}

int inherit_find(const struct options *opts, const char *name)
{
	for (size_t i = 0; i < opts->inherit.nr; i++) {
		int fd = -1;
		const char *known = split(opts->inherit.items[i], &fd);
		if (known && !strcmp(known, name))
			return fd;
	}
	return -1;
}

int inherit_check(const struct options *opts, struct error *err)
{
	for (size_t i = 0; i < opts->inherit.nr; i++) {
		const char *value = opts->inherit.items[i];
		int fd;
		if (!split(value, &fd))
			return error_set(err, EINVAL, "--inherit-fd: %s is not fd[N]:RESOURCE",
					 value);
		if (fcntl(fd, F_GETFD) < 0)
			return error_set(err, EINVAL, "--inherit-fd: %s: descriptor %d is not open",
					 value, fd);
	}
	return 0;
}
