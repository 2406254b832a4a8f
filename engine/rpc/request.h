/* SPDX-License-Identifier: MIT
 * The options of a request as a command line: what the table of options does not know cannot be
 * asked for by RPC either, and the other way round.
 */
#pragma once

#include "base/args.h"
#include "base/error.h"
#include "engine/context/options.h"
#include "engine/options.h"
#include "rpc.pb-c.h"

/* The words of one request. What options_from_request() stores borrows from here. */
struct request_words {
	char **items;
	size_t nr, cap;
};
void request_words_fini(struct request_words *words);

/**
 * Fill options as the command line of `cmd` would: configuration files, the request, and over
 * both what opts.config_file says.
 * @param peer   whose descriptor numbers images_dir_fd and work_dir_fd are
 * @param words  to be released after the last use of *out
 * @param out    with owned_only set it takes what OPT_ANYBODY allows: no file is read then, and no
 *               program run, that the peer names
 * @return 0; -EINVAL, -ENOTSUP, -EPERM naming the field
 */
int options_from_request(const struct command *cmd, const CriuOpts *req, pid_t peer,
			 struct request_words *words, struct options *out, struct error *err);

/** Of a request that is refused: where its log would be. @param words, out  as above */
int options_of_log(const struct command *cmd, const CriuOpts *req, pid_t peer,
		   struct request_words *words, struct options *out, struct error *err);
