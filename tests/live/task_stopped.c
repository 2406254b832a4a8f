/* SPDX-License-Identifier: MIT
 * A stopped child stays stopped, by the same signal, and continues when told to. Its parent hears
 * of the stop when it has not yet.
 */
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/wait.h>

#include "tests/live/live.h"

#ifndef ASKS_AGAIN
#define ASKS_AGAIN 0
#endif

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

static volatile int nr_told;

static void count(int signo, siginfo_t *info, void *context)
{
	(void)signo, (void)context;
	nr_told += info->si_code == CLD_STOPPED;
}

/* A child of its own is stopped, and it has not asked for that yet. */
static pid_t parent_not_told(int code)
{
	pid_t pid = fork();
	live_must(pid >= 0);
	if (pid)
		return pid;
	int status;
	pid_t c = child(code, 1);
	live_sleep_ms(20);
	kill(c, SIGSTOP);
	while (!live_go())
		live_sleep_ms(1);
	live_check(waitpid(c, &status, WUNTRACED) == c && WIFSTOPPED(status) &&
		       WSTOPSIG(status) == SIGSTOP,
		   "the child of a child is said to have %#x", status);
	kill(c, SIGCONT);
	live_check(waitpid(c, &status, 0) == c, "the child of a child is not there");
	_exit(WEXITSTATUS(status));
}

/* It has been told of a stop by waitpid(2); the signal waits, or it has taken that as well. */
static pid_t parent_told(bool takes)
{
	pid_t pid = fork();
	live_must(pid >= 0);
	if (pid)
		return pid;
	int status;
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	pid_t c = child(0, 0);
	live_sleep_ms(20);
	kill(c, SIGSTOP);
	live_must(waitpid(c, &status, WUNTRACED) == c);
	live_must(!takes || sigwaitinfo(&set, NULL) == SIGCHLD);
	while (!live_go())
		live_sleep_ms(1);
	live_sleep_ms(20);
	sigpending(&set);
	live_check(!ASKS_AGAIN || sigismember(&set, SIGCHLD) == !takes,
		   "the signal of a stop waits %d", sigismember(&set, SIGCHLD));
	kill(c, SIGKILL);
	live_check(waitpid(c, &status, 0) == c, "the child of a child is not there");
	_exit(0);
}

static void check_told(pid_t pid)
{
	int status = 0;
	if (!ASKS_AGAIN)
		return;
	live_check(waitpid(pid, &status, WUNTRACED | WNOHANG) == 0,
		   "the stop of a child is told again: %#x", status);
}

int main(void)
{
	int status;
	pid_t a = child(7, 0), b = child(8, 2), other = parent_not_told(9);
	pid_t told[] = { parent_told(true), parent_told(false), parent_told(true) };
	live_sleep_ms(20);
	kill(a, SIGSTOP);
	live_must(waitpid(a, &status, WUNTRACED) == a && WIFSTOPPED(status));
	kill(b, SIGTSTP);
	live_must(waitpid(b, &status, WUNTRACED) == b && WIFSTOPPED(status));
	live_sleep_ms(100); /* other children have stopped theirs */
	kill(told[2], SIGSTOP);
	live_must(waitpid(told[2], &status, WUNTRACED) == told[2] && WIFSTOPPED(status));
	const struct sigaction action = { .sa_sigaction = count,
					  .sa_flags = SA_SIGINFO | SA_RESTART };
	sigaction(SIGCHLD, &action, NULL);

	live_ready();

	live_sleep_ms(50);
	check_told(a);
	check_told(b);
	check_told(told[2]);
	live_check(!ASKS_AGAIN || nr_told == 0,
		   "%d signals came for children that had stopped before", nr_told);
	live_check(state_of(a) == 'T', "the first child is in state %c", state_of(a));
	live_check(state_of(b) == 'T', "the second child is in state %c", state_of(b));
	kill(a, SIGCONT);
	kill(told[2], SIGCONT);
	kill(b, SIGCONT);
	live_check(waitpid(a, &status, 0) == a && WIFEXITED(status) && WEXITSTATUS(status) == 7,
		   "the first child ended with %#x", status);
	live_check(waitpid(b, &status, 0) == b && WIFEXITED(status) && WEXITSTATUS(status) == 8,
		   "the second child ended with %#x", status);
	live_check(waitpid(other, &status, 0) == other && WIFEXITED(status) &&
		       WEXITSTATUS(status) == 9,
		   "the child with a child ended with %#x", status);
	for (int i = 0; i < 3; i++)
		live_check(waitpid(told[i], &status, 0) == told[i] && status == 0,
			   "a child that was told ended with %#x", status);
	live_pass();
}
