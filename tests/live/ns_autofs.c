/* SPDX-License-Identifier: MIT
 * autofs with daemons: of a map of names (indirect), one of which is mounted, and one that is only
 * shown; of a single place (direct), whose daemon has left the pipe to the kernel; and one whose
 * daemon has died. They mount on demand again, with the same timeout; what was mounted is there.
 * live-unshare: --mount --pid --mount-proc
 * live-dump: --external mnt[/dev/shm]:shm
 * live-restore: --external mnt[shm]:/dev/shm --root /
 * live-modes: SS RR 2S
 * live-skip: test -c /dev/autofs
 */
#include <linux/auto_dev-ioctl.h>
#include <linux/auto_fs4.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/vfs.h>
#include <sys/wait.h>

#include "tests/live/live.h"

#define TIMEOUT 77

static const char *top;

static const char *at(const char *name)
{
	static char paths[4][256];
	static unsigned next;
	char *path = paths[next++ % 4];
	snprintf(path, 256, "%s/%s", top, name);
	return path;
}

static int device_open(void)
{
	int fd = open("/dev/autofs", O_RDONLY | O_CLOEXEC);
	live_must(fd >= 0);
	return fd;
}

/* The file system itself, whatever is mounted on it. */
static int root_open(const char *place, unsigned dev)
{
	union {
		struct autofs_dev_ioctl param;
		char room[sizeof(struct autofs_dev_ioctl) + 256];
	} u = { 0 };
	int fd = device_open();
	init_autofs_dev_ioctl(&u.param);
	u.param.size += (uint32_t)strlen(place) + 1;
	u.param.openmount.devid = dev;
	strcpy(u.param.path, place);
	live_must(ioctl(fd, AUTOFS_DEV_IOCTL_OPENMOUNT, &u.param) == 0);
	close(fd);
	return u.param.ioctlfd;
}

static void answer(int root, unsigned token)
{
	struct autofs_dev_ioctl param;
	int fd = device_open();
	init_autofs_dev_ioctl(&param);
	param.ioctlfd = root;
	param.ready.token = token;
	live_must(ioctl(fd, AUTOFS_DEV_IOCTL_READY, &param) == 0);
	close(fd);
}

/* Mount what is asked for. */
static _Noreturn void serve(int in, const char *place)
{
	for (;;) {
		union autofs_v5_packet_union packet;
		char path[512];
		ssize_t n = read(in, &packet, sizeof(packet));
		if (n < 0 && errno == EINTR)
			continue;
		if (n != sizeof(packet))
			_exit(n == 0 ? 0 : 2);
		bool direct = packet.hdr.type == autofs_ptype_missing_direct;
		const struct autofs_v5_packet *p = &packet.v5_packet;
		snprintf(path, sizeof(path), "%s%s%s", place, direct ? "" : "/",
			 direct ? "" : p->name);
		if (!direct && mkdir(path, 0755) < 0 && errno != EEXIST)
			_exit(3);
		if (mount("demand", path, "tmpfs", 0, NULL) < 0)
			_exit(4);
		int root = root_open(place, p->dev);
		answer(root, p->wait_queue_token);
		close(root);
	}
}

static void ready(int fd)
{
	live_must(write(fd, "", 1) == 1);
	close(fd);
}

static pid_t daemon_start(const char *name, const char *type, bool keep)
{
	const char *place = at(name);
	char options[128], c;
	int pipes[2], says[2];
	live_must(mkdir(place, 0755) == 0 && pipe2(says, O_CLOEXEC) == 0);
	pid_t pid = fork();
	live_must(pid >= 0);
	if (pid == 0) {
		unsigned long timeout = TIMEOUT;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		live_must(setpgid(0, 0) == 0 && pipe(pipes) == 0);
		snprintf(options, sizeof(options), "fd=%d,minproto=5,maxproto=5,%s", pipes[1],
			 type);
		live_must(mount("auto", place, "autofs", 0, options) == 0);
		int root = open(place, O_RDONLY | O_DIRECTORY);
		live_must(root >= 0 && ioctl(root, AUTOFS_IOC_SETTIMEOUT, &timeout) == 0);
		close(root);
		if (!strcmp(type, "indirect"))
			live_must(mkdir(at("indirect/shown"), 0755) == 0 &&
				  symlink("shown", at("indirect/link")) == 0);
		if (!keep)
			close(pipes[1]);
		ready(says[1]);
		serve(pipes[0], place);
	}
	close(says[1]);
	live_must(read(says[0], &c, 1) == 1);
	close(says[0]);
	return pid;
}

static void put(const char *name)
{
	int fd = open(at(name), O_WRONLY | O_CREAT | O_EXCL, 0600);
	live_check(fd >= 0, "make %s: %s", name, strerror(errno));
	close(fd);
}

static void is_type(const char *name, long type)
{
	struct statfs fs;
	live_check(statfs(at(name), &fs) == 0 && fs.f_type == type, "%s is of type %#lx", name,
		   (long)fs.f_type);
}

static bool options_have(const char *name, const char *word)
{
	char line[1024], place[256];
	bool found = false;
	FILE *f = fopen("/proc/self/mountinfo", "re");
	snprintf(place, sizeof(place), " %s ", at(name));
	live_must(f != NULL);
	while (fgets(line, sizeof(line), f))
		found |= strstr(line, place) && strstr(line, " autofs ") && strstr(line, word);
	fclose(f);
	return found;
}

static void end(pid_t pid, int want)
{
	int status;
	live_check(kill(pid, want) == 0 && waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) &&
		       WTERMSIG(status) == want,
		   "daemon %d ended with %#x", pid, status);
}

int main(void)
{
	char word[32];
	struct stat st;
	top = strdup(live_path("auto"));
	live_must(mkdir(top, 0755) == 0);
	pid_t indirect = daemon_start("indirect", "indirect", true);
	pid_t direct = daemon_start("direct", "direct", false);
	pid_t dead = daemon_start("dead", "direct", false);
	pid_t idle = daemon_start("idle", "direct", true);
	end(dead, SIGKILL);
	put("indirect/name/file");
	put("direct/file");

	live_ready();

	live_check(stat(at("indirect/name/file"), &st) == 0, "what was mounted is gone");
	live_check(stat(at("direct/file"), &st) == 0, "what was mounted directly is gone");
	live_check(lstat(at("indirect/shown"), &st) == 0 && S_ISDIR(st.st_mode), "no name");
	live_check(lstat(at("indirect/link"), &st) == 0 && S_ISLNK(st.st_mode), "no link");
	put("indirect/name/more");
	put("indirect/other/file");
	put("indirect/shown/file");
	put("idle/file");
	is_type("idle", TMPFS_MAGIC);
	live_check(umount(at("direct")) == 0, "umount: %s", strerror(errno));
	put("direct/file");
	live_check(open(at("dead/file"), O_CREAT | O_WRONLY, 0600) < 0, "a dead daemon answers");
	snprintf(word, sizeof(word), "timeout=%d", TIMEOUT);
	live_check(options_have("indirect", word) && options_have("direct", word), "timeouts");
	snprintf(word, sizeof(word), "pgrp=%d,", indirect);
	live_check(options_have("indirect", word), "another process group");
	live_check(options_have("dead", "fd=-1,"), "a dead daemon has a pipe");
	end(indirect, SIGTERM);
	end(direct, SIGTERM);
	end(idle, SIGTERM);
	live_pass();
}
