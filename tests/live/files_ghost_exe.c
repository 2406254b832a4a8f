/* SPDX-License-Identifier: MIT
 * A program whose binary was deleted after it started, replaced by another file or not.
 */
#include "tests/live/live.h"

static void copy_self(const char *to)
{
	char buf[65536];
	ssize_t n;
	int in = open("/proc/self/exe", O_RDONLY), out = open(to, O_WRONLY | O_CREAT, 0755);
	live_must(in >= 0 && out >= 0);
	while ((n = read(in, buf, sizeof(buf))) > 0)
		live_must(write(out, buf, (size_t)n) == n);
	live_must(n == 0 && close(in) == 0 && close(out) == 0);
}

int main(int argc, char **argv)
{
	char path[4096], exe[4200], want[4200], byte;
	snprintf(path, sizeof(path), "%s", live_path("program"));
	if (argc == 1) {
		copy_self(path);
		execl(path, path, "again", NULL);
		live_must(!"exec");
	}
	live_must(!strcmp(argv[1], "again") && unlink(path) == 0);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	live_must(fd >= 0 && write(fd, "new", 3) == 3 && close(fd) == 0);
	live_ready();
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	live_check(n > 0, "read its link: %s", strerror(errno));
	exe[n] = 0;
	/* The name is taken: any other that is deleted as well will do. */
	snprintf(want, sizeof(want), "%s", path);
	live_check(!strncmp(exe, want, strlen(want)) && strstr(exe, " (deleted)"),
		   "the executable is %s", exe);
	fd = open("/proc/self/exe", O_RDONLY);
	live_check(fd >= 0 && pread(fd, &byte, 1, 1) == 1 && byte == 'E', "no ELF file");
	fd = open(path, O_RDONLY);
	live_check(fd >= 0 && read(fd, exe, 8) == 3 && !memcmp(exe, "new", 3),
		   "the file that has the name now is another");
	live_pass();
}
