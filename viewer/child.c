/* SPDX-License-Identifier: MIT
 * Another process at work.
 */
#include "viewer/child.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"

enum { WAIT_MS = 5, PIECE = 65536 };
enum { ENDED_WELL, ENDED_FAILED, ENDED_DAMAGED };

struct work {
	struct view *v;
	child_run *run;
	enum doc_format format;
	child_write *write; /* instead of run, with this */
	void *arg;
};

static int document_write(const struct work *work, int fd, struct error *err)
{
	struct doc *doc;
	int rc = doc_open(fd, "pipe", work->format, &doc, err);
	if (rc < 0)
		return rc;
	rc = work->run(work->v, doc, err);
	int closed = doc_close(doc, rc < 0 ? NULL : err);
	return rc < 0 ? rc : closed;
}

/* What was passed over goes to who reads the document: a line each. @return how it ended */
static int passed_write(const struct damage_list *passed, int fd)
{
	for (size_t i = 0; i < passed->nr; i++) {
		fd_write_full(fd, passed->items[i], strlen(passed->items[i]));
		fd_write_full(fd, "\n", 1);
	}
	return passed->nr ? ENDED_DAMAGED : ENDED_WELL;
}

/* After the document comes a byte 0 and, when it failed, why. */
__attribute__((noreturn)) static void do_work(const struct work *work, int fd)
{
	struct error err = { 0 };
	struct damage_list passed = { 0 };
	sigset_t none;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* the terminal is not its own to give back when it crashes, nor to be told of what ends it
	 */
	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (work->v)
		source_pass_damage(work->v->app->src, &passed);
	if (work->v && !work->v->process)
		app_note(work->v->app, &work->v->app->damage);
	int rc = work->write ? work->write(work->arg, fd, &err) : document_write(work, fd, &err);
	fd_write_full(fd, "", 1);
	if (rc == 0)
		_exit(passed_write(&passed, fd));
	fd_write_full(fd, err.text, strlen(err.text));
	_exit(ENDED_FAILED);
}

static int start(struct child *child, const struct work *work, struct error *err)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_sys(err, "pipe");
	pid_t pid = fork();
	if (pid < 0) {
		error_sys(err, "fork");
		fd_close(ends[0]);
		fd_close(ends[1]);
		return err ? err->code : -EAGAIN;
	}
	if (pid == 0) {
		fd_close(ends[0]);
		do_work(work, ends[1]);
	}
	fd_close(ends[1]);
	*child = (struct child){ .pid = pid, .fd = ends[0], .app = work->v ? work->v->app : NULL };
	return 0;
}

int child_start(struct child *child, struct view *v, child_run *run, enum doc_format format,
		struct error *err)
{
	return start(child, &(struct work){ .v = v, .run = run, .format = format }, err);
}

int child_start_plain(struct child *child, child_write *write, void *arg, struct error *err)
{
	return start(child, &(struct work){ .write = write, .arg = arg }, err);
}

/* @return -ENODATA with the first of what was passed over */
static int passed_keep(struct child *child, char *lines, struct error *err)
{
	size_t nr = 0;
	struct error first = { 0 }, one;
	for (char *line; (line = strsep(&lines, "\n")) && *line; nr++) {
		error_set(&one, EBADMSG, "%s", line);
		app_note(child->app, &one);
		first = nr ? first : one;
	}
	return nr > 1 ? error_set(err, ENODATA, "%s, and %zu more", first.text, nr - 1)
		      : error_set(err, ENODATA, "%s", first.text);
}

/* The end of what it wrote. */
static int outcome(struct child *child, struct error *err)
{
	char *mark = memchr(child->text.data ?: "", 0, child->text.len);
	int status = 0;
	waitpid(child->pid, &status, 0);
	child->pid = 0;
	fd_close(take_fd(child->fd));
	child->died = !mark;
	if (!mark && WIFSIGNALED(status))
		return error_set(err, EIO, "the process at work was ended by signal %d (%s)",
				 WTERMSIG(status), strsignal(WTERMSIG(status)));
	if (!mark)
		return error_set(err, EIO, "the process at work ended early");
	child->text.len = (size_t)(mark - child->text.data);
	if (WIFEXITED(status) && WEXITSTATUS(status) == ENDED_DAMAGED)
		return passed_keep(child, mark + 1, err);
	return status ? error_set(err, EIO, "%s", mark + 1) : 0;
}

int child_read(struct child *child, struct error *err)
{
	char piece[PIECE];
	struct pollfd poll_fd = { child->fd, POLLIN, 0 };
	if (poll(&poll_fd, 1, WAIT_MS) <= 0)
		return 1;
	ssize_t n = read(child->fd, piece, sizeof(piece));
	if (n < 0)
		return errno == EINTR || errno == EAGAIN ? 1 : error_sys(err, "read");
	if (n == 0)
		return outcome(child, err);
	return strbuf_add(&child->text, piece, (size_t)n) < 0
		   ? error_set(err, ENOMEM, "out of memory")
		   : 1;
}

int child_stop(struct child *child, struct error *err)
{
	int rc;
	kill(child->pid, SIGTERM);
	while ((rc = child_read(child, err)) > 0)
		;
	return rc;
}

void child_fini(struct child *child)
{
	if (child->pid) {
		kill(child->pid, SIGKILL);
		waitpid(child->pid, NULL, 0);
		fd_close(child->fd);
	}
	strbuf_fini(&child->text);
	*child = (struct child){ .fd = -1 };
}
