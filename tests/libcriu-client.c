/* SPDX-License-Identifier: MIT
 * A program that uses libcriu: it has its child dumped and restored by the program it is given.
 * libcriu-client STASIS IMAGES: a line for each answer. Built by tests/cli/libcriu.bats.
 */
#if __has_include(<criu/criu.h>)
#include <criu/criu.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define NO_PID 4194303

static int told(char *action, criu_notify_arg_t note)
{
	(void)note;
	printf("told of %s\n", action);
	return 0;
}

/* A child that ends with 7 when there is a file `leave`. */
static pid_t child_start(void)
{
	pid_t pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);
		for (int fd = 0; fd < null; fd++)
			dup2(null, fd);
		setsid();
		while (access("leave", F_OK) < 0)
			usleep(10000);
		_exit(7);
	}
	while (pid > 0 && getsid(pid) != pid)
		usleep(1000);
	return pid;
}

static int request_begin(const char *binary, int images_fd, const char *log)
{
	if (criu_init_opts() < 0)
		return -1;
	criu_set_service_binary(binary);
	criu_set_images_dir_fd(images_fd);
	criu_set_log_level(4);
	criu_set_log_file(log);
	criu_set_notify_cb(told);
	return 0;
}

static void say(const char *what, int rc)
{
	printf("%s: %d%s%s\n", what, rc, rc < 0 ? ", " : "", rc < 0 ? strerror(errno) : "");
}

static int dump_and_restore(const char *binary, int images_fd)
{
	int status = 0;
	pid_t pid = child_start();
	if (pid < 0 || request_begin(binary, images_fd, "dump.log") < 0)
		return 1;
	criu_set_pid(pid);
	say("dump", criu_dump());
	waitpid(pid, &status, 0);
	close(open("leave", O_CREAT | O_WRONLY, 0600));
	request_begin(binary, images_fd, "restore.log");
	pid_t restored = criu_restore_child();
	say("restored under the same pid", restored == pid);
	waitpid(pid, &status, 0);
	say("exit status", WEXITSTATUS(status));
	return 0;
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	int images_fd = open(argv[2], O_RDONLY | O_DIRECTORY);
	if (images_fd < 0 || request_begin(argv[1], images_fd, "check.log") < 0)
		return 1;
	setvbuf(stdout, NULL, _IONBF, 0);
	say("version", criu_get_version());
	say("check", criu_check());
	criu_set_pid(NO_PID);
	say("dump of nobody", criu_dump());
	return dump_and_restore(argv[1], images_fd);
}
#endif
