/* SPDX-License-Identifier: MIT
 * libnftables; its few functions are declared here.
 * Source: libnftables(3).
 */
#include "engine/net/nft.h"

#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/library.h"

#define SONAME "libnftables.so.1"

struct nft {
	void *context;
	void *(*ctx_new)(uint32_t flags);
	void (*ctx_free)(void *context);
	int (*ctx_buffer_output)(void *context);
	int (*ctx_buffer_error)(void *context);
	const char *(*ctx_get_output_buffer)(void *context);
	const char *(*ctx_get_error_buffer)(void *context);
	int (*run_cmd_from_buffer)(void *context, const char *text);
};

static const struct library_symbol functions[] = {
#define F(name)                                                                                    \
	{                                                                                          \
		"nft_" #name, offsetof(struct nft, name)                                           \
	}
	F(ctx_new),
	F(ctx_free),
	F(ctx_buffer_output),
	F(ctx_buffer_error),
	F(ctx_get_output_buffer),
	F(ctx_get_error_buffer),
	F(run_cmd_from_buffer),
#undef F
};

void nft_close(struct nft *nft)
{
	if (!nft)
		return;
	if (nft->context)
		nft->ctx_free(nft->context);
	free(nft); /* the library stays: it leaves threads' data and handlers behind */
}

void nft_preload(void)
{
	dlopen(SONAME, RTLD_NOW | RTLD_LOCAL);
}

static int load(struct nft *nft, struct error *err)
{
	int rc = library_load(SONAME, "packet filter rules (nftables) need libnftables", functions,
			      ARRAY_SIZE(functions), nft, err);
	if (rc < 0)
		return rc;
	nft->context = nft->ctx_new(0);
	if (!nft->context)
		return error_set(err, ENOMEM, "out of memory");
	nft->ctx_buffer_output(nft->context);
	nft->ctx_buffer_error(nft->context);
	return 0;
}

int nft_open(struct nft **out, struct error *err)
{
	struct nft *nft = calloc(1, sizeof(*nft));
	if (!nft)
		return error_set(err, ENOMEM, "out of memory");
	int rc = load(nft, err);
	if (rc < 0)
		nft_close(nft);
	else
		*out = nft;
	return rc;
}

int nft_run(struct nft *nft, const char *text, struct error *err)
{
	if (nft->run_cmd_from_buffer(nft->context, text) == 0)
		return 0;
	char why[256] = "";
	const char *said = nft->ctx_get_error_buffer(nft->context);
	if (said)
		snprintf(why, sizeof(why), "%.*s", (int)strcspn(said, "\n"), said);
	return error_set(err, EIO, "nftables: %s", why);
}

int nft_print(struct nft *nft, const char *text, struct strbuf *out, struct error *err)
{
	int rc = nft_run(nft, text, err);
	const char *said = rc == 0 ? nft->ctx_get_output_buffer(nft->context) : NULL;
	return said && strbuf_str(out, said) < 0 ? error_set(err, ENOMEM, "out of memory") : rc;
}
