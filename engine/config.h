/* SPDX-License-Identifier: MIT
 * Configuration files: options that stand before those of the command line.
 */
#pragma once

#include "base/args.h"

/**
 * Put the options of configuration files in front of a command's own: /etc/criu/default.conf,
 * $HOME/.criu/default.conf (neither with --no-default-config), the file CRIU_CONFIG_FILE names in
 * the environment, that of --config FILE. A line is an option without its dashes and its value,
 * between them blanks or =; # starts a comment, "quotes" keep spaces.
 * @param argv  the command's, [0] its name; set to new ones, which live as long as the program
 */
int config_expand(const struct command *cmd, int *argc, char ***argv, struct error *err);

/** The options of one file alone as a command line of cmd; one that is not there has none. */
int config_read(const struct command *cmd, const char *path, int *argc, char ***argv,
		struct error *err);
