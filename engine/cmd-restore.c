/* SPDX-License-Identifier: MIT
 * stasis restore: bring a process tree back from its images.
 */
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/commands.h"
#include "engine/context/options.h"
#include "engine/context/restore.h"
#include "engine/options.h"
#include "engine/restore.h"

/* As for CRIU, how the tree ends is not the restore's success or failure. */
static int wait_for_tree(void)
{
	while (waitpid(-1, NULL, 0) >= 0 || errno == EINTR)
		;
	return 0;
}

static int restore_run(void *opts, int nr_operands, char **operands, struct error *err)
{
	const struct options *o = opts;
	if (nr_operands > 0 && !o->exec_cmd)
		return error_set(err, EUSAGE, "unexpected argument %s", operands[0]);
	if (nr_operands == 0 && o->exec_cmd)
		return error_set(err, EUSAGE, "--exec-cmd: which command? Give it behind --");
	if (o->restore_sibling && !o->restore_detached)
		return error_set(err, EUSAGE,
				 "--restore-sibling needs --restore-detached: only the caller can "
				 "wait for its child");
	int pid = restore_tree(o, err);
	if (pid < 0)
		return pid;
	if (o->exec_cmd) {
		signal(SIGXFSZ, SIG_DFL); /* as it was before program_main() */
		execvp(operands[0], operands);
		return error_sys(err, "the tree runs, but --exec-cmd %s cannot be run",
				 operands[0]);
	}
	return o->restore_detached ? 0 : wait_for_tree();
}

const struct command cmd_restore = {
	.name = "restore",
	.args = "[-D DIR] [OPTION…]",
	.summary = "bring a process tree back from its images",
	.detail = "Restores the tree in DIR with the pids it had and waits for its root to end,\n"
		  "unless -d says otherwise. If anything fails, no task of it is left.",
	.rows = option_rows,
	.nr_rows = NR_OPTION_ROWS,
	.mask = OPT_RESTORE,
	.opts_size = sizeof(struct options),
	.run = restore_run,
};
