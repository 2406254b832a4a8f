/* SPDX-License-Identifier: MIT
 * System calls made by threads that the launcher has stopped, before they are let go.
 */
#pragma once

#include "base/error.h"
#include "engine/context/restore.h"

/** Wait until a traced thread stops. */
int remote_wait_stop(const struct rtask *t, size_t thread, struct error *err);
struct remote_call {
	long nr;
	uint64_t args[4];
	const char *what; /* it does, for errors: "put it under seccomp" */
};
/**
 * Let a stopped thread make a call; its registers are set later.
 * @param result  what the call returned: -errno when it failed
 */
int remote_call(struct restore *r, const struct rtask *t, size_t thread,
		const struct remote_call *call, long *result, struct error *err);
