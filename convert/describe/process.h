/* SPDX-License-Identifier: MIT
 * What a process is, in plain words.
 */
#pragma once

#include "base/strbuf.h"
#include "images/memory-view.h"

struct process_facts {
	const struct process *process;
	CoreEntry *core; /* of the leader */
	const char *comm;
	const char *state;            /* "alive", "stopped", "zombie", … */
	const char *exe, *cwd, *root; /* paths; NULL: not known */
	bool has_owner;
	uint32_t uid, gid;               /* effective */
	bool has_args, has_environment;  /* false: their bytes are not in the checkpoint */
	struct strbuf args, environment; /* strings, each ended by a NUL */
};

/** @param strings  read arguments and environment too. @return 0; -EBADMSG, … */
int process_describe(struct checkpoint *cp, const struct process *p, bool strings,
		     struct process_facts *out, struct error *err);
/** Only what the core image says: name, state, owner. */
int process_describe_core(struct checkpoint *cp, const struct process *p, struct process_facts *out,
			  struct error *err);
/** Add arguments and environment. */
int process_describe_strings(struct memory_view *mv, struct process_facts *out, struct error *err);
void process_facts_fini(struct process_facts *facts);
#define auto_process_facts __attribute__((cleanup(process_facts_fini))) struct process_facts

/**
 * Arguments as one line, quoted as a shell would need them, so that it says where each ends.
 * @return 0 or -ENOMEM
 */
int process_command_line(const struct process_facts *facts, struct strbuf *out);

/** Append one word, quoted when a shell would need it so. @return 0 or -ENOMEM */
int shell_word(const char *arg, struct strbuf *out);

/** The next string of args or environment. @param at  0 at first. @return NULL after the last */
const char *process_next_string(const struct strbuf *strings, size_t *at);
