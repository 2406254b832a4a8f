/* SPDX-License-Identifier: MIT
 * The root of the tree is in a user namespace, and in others that belong to it, but in no pid
 * namespace of its own.
 */
#define ALONE
#include "tests/live/ns_user_nested_owned.c"
