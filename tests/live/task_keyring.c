/* SPDX-License-Identifier: MIT
 * Keys in the keyrings of a process and of its thread are not carried, of which the log tells.
 * live-modes: SS RR
 * live-between: grep -q "the keys of its process keyring are not carried" dump.log || exit 1
 * live-between: grep -q "the keys of its thread keyring are not carried" dump.log
 */
#include <linux/keyctl.h>
#include <sys/syscall.h>

#include "tests/live/live.h"

static void add_key(const char *name, long keyring)
{
	live_must(syscall(SYS_add_key, "user", name, "secret", 6ul, keyring) > 0);
}

int main(void)
{
	add_key("live key of the thread", KEY_SPEC_THREAD_KEYRING);
	add_key("live key of the process", KEY_SPEC_PROCESS_KEYRING);

	live_ready();

	live_check(syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0l) > 0,
		   "no session keyring: %s", strerror(errno));
	live_pass();
}
