/* SPDX-License-Identifier: MIT
 * An image to JSON, in a file or on standard output: what show and decode share.
 */
#include "crit/decode.h"

#include <string.h>
#include <unistd.h>

#include "base/args.h"
#include "base/cleanup.h"
#include "base/replace.h"
#include "base/spool.h"
#include "convert/codec/image.h"
#include "crit/image-arg.h"

static int reopen(void *arg, struct image_reader **out, struct error *err)
{
	return image_arg_open(arg, out, err);
}

static int decode_to(void *request_, int fd, const char *name, struct error *err)
{
	const struct decode_request *request = request_;
	auto_image_arg arg = { .text = request->image };
	auto_image_reader r = NULL;
	int rc = image_arg_open(&arg, &r, err);
	if (rc < 0)
		return rc;
	if (request->entries && !image_reader_type(r)->entry)
		return error_set(err, EUSAGE, "%s has no entries to choose from: leave out -e",
				 request->image);
	auto_json_out out = { .fd = -1 };
	rc = json_out_init(&out, fd, name, request->pretty, err);
	if (rc < 0)
		return rc;
	bool again = request->image && strcmp(request->image, "-");
	const struct image_json how = {
		.raw = { request->no_payload, again ? reopen : NULL, &arg },
		.entries = request->entries,
		.nr_entries = request->nr_entries,
	};
	rc = image_to_json(r, &how, &out, err);
	if (rc == 0 && !request->out)
		json_raw(&out, "\n", 1);
	int flushed = json_out_flush(&out, rc < 0 ? NULL : err);
	return rc < 0 ? rc : flushed;
}

int decode_run(struct decode_request *request, struct error *err)
{
	/* which entries there are is known when all have been read */
	if (!request->out && request->entries)
		return spool_whole(decode_to, request, STDOUT_FILENO, "standard output", err);
	if (!request->out)
		return decode_to(request, STDOUT_FILENO, "standard output", err);
	if (image_arg_is_in(request->image, request->out))
		return error_set(err, EINVAL, "%s is what is read: want another name for the JSON",
				 request->out);
	auto_replace target = { .fd = -1 };
	int rc = replace_open(request->out, &target, err);
	if (rc == 0)
		rc = decode_to(request, target.fd, request->out, err);
	if (rc == 0)
		rc = replace_commit(&target, err);
	return rc;
}
