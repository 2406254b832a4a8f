/* SPDX-License-Identifier: MIT
 * A socket of the engine's that is to be as one of a task.
 */
#pragma once

/**
 * As socket(2), close-on-exec, for who may make none: only some groups may make those of ping(8).
 * @return it, owned by the caller; -1 with errno
 */
int sock_new(int family, int type, int protocol);
