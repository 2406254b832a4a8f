/* SPDX-License-Identifier: MIT
 * nftables by libnftables, which is loaded when it is first needed.
 */
#pragma once

#include "base/error.h"
#include "base/strbuf.h"

struct nft;

/** Load the library, some milliseconds before it is needed; whether that worked nft_open() tells.
 */
void nft_preload(void);
/** A netlink socket in the network namespace of the caller; it stays there. */
int nft_open(struct nft **out, struct error *err);
void nft_close(struct nft *nft); /* NULL is fine */
/** Commands of nft(8), as one transaction: all of it or nothing. */
int nft_run(struct nft *nft, const char *text, struct error *err);
/** The same, and what they print. @param out  appended to */
int nft_print(struct nft *nft, const char *text, struct strbuf *out, struct error *err);

static inline void nft_cleanup_(struct nft **nft)
{
	nft_close(*nft);
}
#define auto_nft __attribute__((cleanup(nft_cleanup_))) struct nft *
