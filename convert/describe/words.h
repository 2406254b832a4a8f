/* SPDX-License-Identifier: MIT
 * Names of numbers of the kernel that no field of a message holds alone: sets of signals and
 * capabilities, limits, scheduling.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/strbuf.h"

/** "SIGTERM", "SIGRTMIN+3" (34 and up, as programs count); appended. @return 0 or -ENOMEM */
int signal_word(unsigned number, struct strbuf *out);
/** Bit n - 1 is signal n: "SIGHUP, SIGINT"; "all", "none", "all but SIGKILL" where that is shorter.
 */
int signal_set_words(uint64_t set, struct strbuf *out);
/** Flags of sigaction(2): "SA_RESTART, SA_SIGINFO". */
int signal_flag_words(uint64_t flags, struct strbuf *out);

/** Words of 32 bits, low word first: "CAP_CHOWN, …"; "all" of those Linux has had; "none". */
int capability_words(const uint32_t *words, size_t nr, struct strbuf *out);

/** RLIMIT_… by number: "open files"; NULL: no such limit. @param unit  "bytes", "s", …, "" */
const char *limit_word(size_t number, const char **unit);

/** SCHED_… by number: "other", "fifo", "deadline"; "?": none that is known. */
const char *policy_word(unsigned policy);
