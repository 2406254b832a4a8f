/* SPDX-License-Identifier: MIT
 * Network namespaces of sockets.
 * Source: ioctl SIOCGSKNS, since Linux 4.10; ioctl_ns(2).
 */
#include "engine/net/sock-ns.h"

#include <errno.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "engine/files/external.h"
#include "engine/files/table.h"
#include "engine/net/lock-ns.h"
#include "engine/net/ns.h"
#include "engine/net/unix.h"
#include "engine/ns/held.h"
#include "engine/procfs/root.h"

#ifndef SIOCGSKNS
#define SIOCGSKNS 0x894C
#endif

/* What is given at the restore is no copy. */
static bool is_external(const struct dump *d, ino_t ino)
{
	char key[32];
	snprintf(key, sizeof(key), "%lu", (unsigned long)ino);
	return external_value(d->opts, "net", key) != NULL;
}

static int add_held(struct dump *d, int fd, const char *what, const struct ns_seen **out,
		    struct error *err)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return error_sys(err, "%s: look at its network namespace", what);
	int rc = is_external(d, st.st_ino) ? 0 : ns_held_check(d, NS_NET, fd, what, err);
	if (rc == 0)
		rc = ns_add_held(d, NS_NET, fd, out, err);
	if (rc == 0)
		ns_note_holder(d, *out, what);
	if (rc == 0)
		rc = netns_collect(d, *out, err);
	if (rc == 0)
		rc = net_table_new(d, err);
	return rc < 0 ? rc : net_lock_add(d, *out, err);
}

int sock_ns_held(struct dump *d, int fd, const char *what, uint32_t *out, struct error *err)
{
	struct stat st;
	const struct ns_seen *ns = fstat(fd, &st) == 0 ? ns_find(d, NS_NET, st.st_ino) : NULL;
	int rc = ns ? 0 : add_held(d, fd, what, &ns, err);
	if (rc == 0)
		*out = ns->id;
	return rc;
}

int sock_ns_enter(struct dump *d, struct open_file *f, struct sock_visit *visit, struct error *err)
{
	char holder[96];
	*visit = (struct sock_visit){ .before = ns_own_id(NS_NET) };
	f->net_ns = visit->before;
	if (!d->ns)
		return 0;
	f->net_ns = visit->before = d->ns->net_here;
	auto_fd fd = ioctl(f->fd, SIOCGSKNS);
	if (fd < 0)
		return 0; /* it takes CAP_NET_ADMIN: without that, nobody has left its namespace */
	int rc = sock_ns_held(d, fd, file_holder(f, holder, sizeof(holder)), &f->net_ns, err);
	if (rc < 0 || f->net_ns == visit->before)
		return rc;
	rc = ns_visit_fd(fd, NS_NET, &visit->visit, err);
	if (rc == 0)
		d->ns->net_here = f->net_ns;
	return rc;
}

int sock_ns_leave(struct dump *d, struct sock_visit *visit, struct error *err)
{
	if (!visit->visit.row)
		return 0;
	d->ns->net_here = visit->before;
	return ns_visit_end(&visit->visit, err);
}

/* Restore. */

uint32_t sock_ns_of(const FileEntry *e)
{
	if (e->usk && e->usk->has_ns_id)
		return e->usk->ns_id;
	if (e->isk && e->isk->has_ns_id)
		return e->isk->ns_id;
	if (e->nlsk && e->nlsk->has_ns_id)
		return e->nlsk->ns_id;
	if (e->psk && e->psk->has_ns_id)
		return e->psk->ns_id;
	return e->tunf && e->tunf->has_ns_id ? e->tunf->ns_id : 0;
}
