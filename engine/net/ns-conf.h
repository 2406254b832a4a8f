/* SPDX-License-Identifier: MIT
 * Settings of a network namespace and of its devices below /proc/sys/net, both directions. All
 * functions work in the namespace of the caller.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "engine/ns/user.h"
#include "network.pb-c.h"

/** Fill the lists of an entry, which then owns them: free it with …__free_unpacked(). */
int net_conf_read_device(NetDeviceEntry *e, struct error *err);
int net_conf_read(NetnsEntry *e, struct error *err);

int net_conf_check_device(const NetDeviceEntry *e, struct error *err);
int net_conf_check(const NetnsEntry *e, struct error *err);

/** Write what differs. @param weak  a setting this kernel does not have is no error */
int net_conf_write_device(const NetDeviceEntry *e, bool weak, struct error *err);
/** For now, the device does what routers say: net_conf_write_device() has the last word. */
void net_conf_hear_routers(const NetDeviceEntry *e);
/** Those again that change when a device is set up. */
int net_conf_write_up(const NetDeviceEntry *e, bool weak, struct error *err);
/** Ids of groups, which the engine reads as it has them: make them those of a user namespace. */
int net_conf_turn_inside(const NetnsEntry *e, const struct user_maps *maps, struct error *err);
/** Before there are devices: they begin with the defaults. */
int net_conf_write(const NetnsEntry *e, bool weak, struct error *err);
/** Those of net_sysctl_entry, once there are devices; what cannot be set is worth a warning. */
void net_conf_write_more(const NetnsEntry *e);
