/* SPDX-License-Identifier: MIT
 * crit view: the checkpoint browser.
 */
#include "viewer/viewer.h"

#include <string.h>

#include "base/array.h"
#include "crit/checkpoint-arg.h"
#include "crit/commands.h"

#define ROW(letter, name, value, help, kind, member)                                               \
	{                                                                                          \
		letter, name, value, help, kind, offsetof(struct viewer_options, member), 0, NULL  \
	}

static const struct arg_row rows[] = {
	{ 'p', "pid", "PID", "begin with this process", ARG_PID,
	  offsetof(struct viewer_options, pid), 0, NULL },
	ROW(0, "sysroot", "DIR", "take file pages that are not in the set from below DIR", ARG_PATH,
	    sysroot),
	ROW(0, "diff", "B", "begin with what differs from checkpoint B", ARG_STRING, diff),
	{ 0, "edit", NULL, "fields may be changed; nothing is written before a review", ARG_FLAG,
	  offsetof(struct viewer_options, edit), 0, NULL },
	ROW(0, "theme", "dark|light|mono", "colours; default: what the terminal is", ARG_STRING,
	    theme),
	ROW(0, "keys", "KEYS", "press these first: characters, <Down>, <C-d>, <lt>", ARG_STRING,
	    keys),
	ROW(0, "print", "text|svg|keys", "print the screen after --keys, or the keymap", ARG_STRING,
	    print),
	ROW(0, "size", "WIDTHxHEIGHT", "of that screen; default: 80x24", ARG_STRING, size),
};

static int view_run(void *opts, int nr_operands, char **operands, struct error *err)
{
	struct viewer_options *o = opts;
	bool keymap = o->print && !strcmp(o->print, "keys");
	if (nr_operands != !keymap)
		return error_set(err, EUSAGE,
				 keymap ? "the keymap is of no checkpoint" : "want one checkpoint");
	if (keymap &&
	    (o->pid || o->sysroot || o->diff || o->edit || o->theme || o->keys || o->size))
		return error_set(err, EUSAGE, "--print keys takes no other option");
	if (o->size && !o->print)
		return error_set(err, EUSAGE, "--size goes with --print");
	o->path = operands[0];
	auto_damage_list passed = { 0 };
	int rc = viewer_run(o, &passed, err);
	if (rc < 0)
		return rc == -EINVAL ? -EUSAGE : rc;
	return damage_tell(&passed, "view");
}

const struct command cmd_view = {
	.name = "view",
	.group = GROUP_LOOK,
	.args = "[-p PID] [--diff B] [--edit] [OPTION…] SRC",
	.summary = "browse a checkpoint on the terminal",
	.detail = "? lists the keys. Nothing is written unless you ask for it.",
	.rows = rows,
	.nr_rows = ARRAY_SIZE(rows),
	.opts_size = sizeof(struct viewer_options),
	.run = view_run,
};
