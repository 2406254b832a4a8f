/* SPDX-License-Identifier: MIT
 * See idle-child.h.
 */
#include "base/idle-child.h"

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

_Noreturn void idle_while_child_of(pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (getppid() == parent)
		pause();
	_exit(0);
}
