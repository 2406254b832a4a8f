/* SPDX-License-Identifier: MIT
 * The input is a request packet. What is one becomes options or an error.
 */
#include <stdint.h>
#include <stdlib.h>

#include "engine/commands.h"
#include "engine/options.h"
#include "engine/rpc/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Options alone are made: no command is run. */
static const struct command any = {
	.name = "dump",
	.rows = option_rows,
	.nr_rows = NR_OPTION_ROWS,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CriuReq *req = criu_req__unpack(NULL, size, data);
	struct request_words words = { 0 };
	struct options opts = { 0 };
	struct error err;
	unsetenv("HOME");
	if (!req)
		return 0;
	if (req->opts && !req->opts->config_file)
		options_from_request(&any, req->opts, 1, &words, &opts, &err);
	args_release(option_rows, NR_OPTION_ROWS, &opts);
	request_words_fini(&words);
	criu_req__free_unpacked(req, NULL);
	return 0;
}
