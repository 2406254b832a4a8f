/* SPDX-License-Identifier: MIT
 * Kinds of namespaces, in the order in which CRIU numbers those it is in itself (ns_own_id());
 * rows in ns/ns.c.
 */
#pragma once

enum ns_kind {
	NS_PID,
	NS_NET,
	NS_IPC,
	NS_UTS,
	NS_TIME,
	NS_MNT,
	NS_USER,
	NS_CGROUP,
	NS_KINDS,
};
