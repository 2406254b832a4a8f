/* SPDX-License-Identifier: MIT
 * A stopped child stays stopped, by the same signal, and continues when told to.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#include "tests/live/live.h"

static char state_of(pid_t pid)
{
	char path[64], state = '?';
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	FILE *f = fopen(path, "r");
	if (f && fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
		state = '?';
	if (f)
		fclose(f);
	return state;
}

static void *thread(void *arg)
{
	(void)arg;
	for (;;)
		live_sleep_ms(1000);
	return NULL;
}

static pid_t child(int code, int threads)
{
	pid_t pid = fork();
	live_must(pid >= 0);
	setpgid(pid, 0); /* SIGTSTP does nothing in an orphaned process group */
	if (pid)
		return pid;
	pthread_t t;
	for (int i = 0; i < threads; i++)
		live_must(pthread_create(&t, NULL, thread, NULL) == 0);
	while (!live_go())
		live_sleep_ms(1);
	_exit(code);
}

int main(void)
{
	int status;
	pid_t a = child(7, 0), b = child(8, 2);
	live_sleep_ms(20);
	kill(a, SIGSTOP);
	live_must(waitpid(a, &status, WUNTRACED) == a && WIFSTOPPED(status));
	kill(b, SIGTSTP);
	live_must(waitpid(b, &status, WUNTRACED) == b && WIFSTOPPED(status));

	live_ready();

	live_sleep_ms(50);
	live_check(state_of(a) == 'T', "the first child is in state %c", state_of(a));
	live_check(state_of(b) == 'T', "the second child is in state %c", state_of(b));
	kill(a, SIGCONT);
	kill(b, SIGCONT);
	live_check(waitpid(a, &status, 0) == a && WIFEXITED(status) && WEXITSTATUS(status) == 7,
		   "the first child ended with %#x", status);
	live_check(waitpid(b, &status, 0) == b && WIFEXITED(status) && WEXITSTATUS(status) == 8,
		   "the second child ended with %#x", status);
	live_pass();
}
