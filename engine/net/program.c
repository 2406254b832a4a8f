/* SPDX-License-Identifier: MIT
 * Running programs of the system.
 */
#include "engine/net/program.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/spawn.h"

#define MAX_ARGS 6

extern char **environ;

/* Where these programs are when PATH is a user's. */
static const char *const folders[] = { "/usr/sbin", "/sbin", "/usr/local/sbin", NULL };

static bool find_program(const char *name, char out[64])
{
	for (const char *const *folder = folders; *folder; folder++) {
		snprintf(out, 64, "%s/%s", *folder, name);
		if (access(out, X_OK) == 0)
			return true;
	}
	return false;
}

bool program_found(const char *name)
{
	char path[64];
	return find_program(name, path);
}

/* @return its exit status; 128: a signal ended it; -errno */
static int run(char *const argv[], int in, int out)
{
	posix_spawn_file_actions_t files;
	int status;
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, in, 0);
	posix_spawn_file_actions_adddup2(&files, out, 1);
	posix_spawn_file_actions_adddup2(&files, out, 2);
	int rc = spawn_wait(argv[0], argv, environ, &files, &status);
	posix_spawn_file_actions_destroy(&files);
	return rc < 0 ? rc : WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static int read_output(int fd, struct strbuf *output, struct error *err)
{
	char piece[4096];
	ssize_t len;
	lseek(fd, 0, SEEK_SET);
	while ((len = fd_read_full(fd, piece, sizeof(piece))) > 0)
		if (strbuf_add(output, piece, (size_t)len) < 0)
			return error_set(err, ENOMEM, "out of memory");
	return 0;
}

int program_run(const char *name, const char *const *args, const char *input, struct strbuf *output,
		struct error *err)
{
	char path[64];
	char *argv[MAX_ARGS + 2] = { path };
	auto_strbuf said = { 0 };
	if (!find_program(name, path))
		return error_set(err, ENOTSUP, "%s is not installed", name);
	for (size_t i = 0; i < MAX_ARGS && args[i]; i++)
		argv[i + 1] = (char *)(uintptr_t)args[i];
	auto_fd in = memfd_create("input", MFD_CLOEXEC), out = memfd_create("output", MFD_CLOEXEC);
	if (in < 0 || out < 0 || fd_write_full(in, input, strlen(input)) < 0 ||
	    lseek(in, 0, SEEK_SET) < 0)
		return error_sys(err, "prepare to run %s", name);
	int status = run(argv, in, out);
	if (status < 0)
		return error_code(err, status, "run %s", path);
	int rc = read_output(out, output && status == 0 ? output : &said, err);
	if (rc < 0 || status == 0)
		return rc;
	return error_set(err, EIO, "%s: %.*s (status %d)", name,
			 said.data ? (int)strcspn(said.data, "\n") : 0, said.data, status);
}
