/* SPDX-License-Identifier: MIT
 * A process whose first thread has exited while another runs.
 * live-link: -pthread
 * live-refuse: its first thread has exited
 */
#include <pthread.h>

#include "tests/live/live.h"

static void *go_on(void *arg)
{
	char path[64], text[256] = "";
	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", getpid());
	while (!strstr(text, ") Z")) {
		int fd = open(path, O_RDONLY);
		live_must(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0 && close(fd) == 0);
		live_sleep_ms(1);
	}
	live_ready();
	live_pass();
	return arg;
}

int main(void)
{
	pthread_t thread;
	live_must(pthread_create(&thread, NULL, go_on, NULL) == 0);
	pthread_exit(NULL);
}
