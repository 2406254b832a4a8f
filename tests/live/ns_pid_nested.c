/* SPDX-License-Identifier: MIT
 * Pid namespaces inside of that of the host: see nested_pids.h.
 */
#include "tests/live/nested_pids.h"

int main(void)
{
	nested_run();
}
