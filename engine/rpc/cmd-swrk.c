/* SPDX-License-Identifier: MIT
 * stasis swrk: answer the requests of who started it, over a socket it left open for us.
 */
#include "engine/commands.h"
#include "engine/context/options.h"
#include "engine/options.h"
#include "engine/rpc/serve.h"

/* Standard error may belong to a container and the peer hears everything: nothing is printed. */
static int swrk_run(void *opts, int nr_operands, char **operands, struct error *err)
{
	int sock;
	(void)opts;
	if (nr_operands != 1 || parse_int(operands[0], &sock) < 0 || sock < 0)
		return error_set(err, EUSAGE, "want one number: the descriptor of a socket");
	return rpc_serve(sock, false, NULL) < 0 ? 1 : 0;
}

const struct command cmd_swrk = {
	.name = "swrk",
	.args = "FD",
	.summary = "answer requests on a socket inherited as FD",
	.detail =
	    "What libcriu, runc and podman start. Requests and answers are protobuf messages,\n"
	    "one a packet (rpc.proto); the program ends after the last one.",
	.rows = option_rows,
	.nr_rows = NR_OPTION_ROWS,
	.mask = OPT_SERVICE,
	.opts_size = sizeof(struct options),
	.run = swrk_run,
};
