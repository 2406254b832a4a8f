/* SPDX-License-Identifier: MIT
 * Network namespaces of sockets.
 * Source: ioctl SIOCGSKNS, since Linux 4.10.
 */
#include "engine/net/sock-ns.h"

#include <errno.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "engine/ns/ns.h"

#ifndef SIOCGSKNS
#define SIOCGSKNS 0x894C
#endif

int sock_ns_id(const struct dump *d, int fd, const char *what, uint32_t *out, struct error *err)
{
	struct stat st;
	const struct ns_table *table = d->ns;
	*out = table ? ns_id(d->tasks[0], NS_NET) : ns_own_id(NS_NET);
	auto_fd ns = table ? ioctl(fd, SIOCGSKNS) : -1;
	if (ns < 0 || fstat(ns, &st) < 0)
		return 0; /* it takes CAP_NET_ADMIN: without that, nobody has left its namespace */
	for (size_t i = 0; i < table->nr; i++) {
		const struct ns_seen *seen = &table->items[i];
		if (seen->kind != NS_NET || seen->ino != st.st_ino)
			continue;
		*out = seen->id;
		return 0;
	}
	return error_set(err, ENOTSUP,
			 "%s is a socket of a network namespace that no task of the tree is in: "
			 "close it before the dump",
			 what);
}
