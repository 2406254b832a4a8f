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
/*
 * For who lets many threads make a call at the same time: each begins one, and goes on; both end
 * with a stop that is to be waited for. Registers are set later.
 */
int remote_call_start(struct restore *r, const struct rtask *t, size_t thread,
		      const struct remote_call *call, struct error *err);
/** @param what  as that of the call */
int remote_call_go_on(const struct rtask *t, size_t thread, const char *what, struct error *err);
/** @param result  what the call returned: -errno when it failed */
int remote_call_result(const struct rtask *t, size_t thread, long *result, struct error *err);
/**
 * Let a stopped thread make a call; its registers are set later.
 * @param result  what the call returned: -errno when it failed
 */
int remote_call(struct restore *r, const struct rtask *t, size_t thread,
		const struct remote_call *call, long *result, struct error *err);
