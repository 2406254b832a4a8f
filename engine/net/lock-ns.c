/* SPDX-License-Identifier: MIT
 * Locking network namespaces, both directions.
 */
#include "engine/net/lock-ns.h"

#include <errno.h>

#include "base/log.h"
#include "engine/dump.h"
#include "engine/hooks.h"
#include "engine/net/ns-set.h"
#include "engine/net/unix.h"
#include "engine/ns/ns.h"

/* Dump. */

static int lock_inside(struct dump *d, struct error *err)
{
	struct net_lock *l = &d->net->ns_lock;
	if (!d->opts->network_lock_given)
		d->network_lock = NETWORK_LOCK_NFTABLES;
	l->lock = (struct lock){ .method = d->network_lock, .run_id = d->run_id, .whole = true };
	const struct warden_charge charge = { .lock = &l->lock };
	int rc = warden_start(&charge, &l->warden, err);
	return rc < 0 ? rc : warden_lock(l->warden, err);
}

int net_lock_begin(struct dump *d, struct error *err)
{
	struct ns_visit visit;
	if (!ns_is_apart(d, NS_NET))
		return 0;
	int rc = net_table_new(d, err);
	if (rc == 0)
		rc = hook_call(d->opts, HOOK_NETWORK_LOCK, d->images_fd, d->opts->pid, err);
	if (rc == 0)
		rc = ns_visit_begin(d->tasks[0], NS_NET, &visit, err);
	if (rc < 0)
		return rc;
	rc = lock_inside(d, err);
	int back = ns_visit_end(&visit, rc < 0 ? NULL : err);
	return rc < 0 ? rc : back;
}

int net_lock_keep(struct dump *d, struct error *err)
{
	struct net_lock *l = &d->net->ns_lock;
	return l->warden && !d->opts->leave_running ? warden_keep(l->warden, err) : 0;
}

void net_lock_end(struct dump *d)
{
	struct net_lock *l = &d->net->ns_lock;
	struct error err;
	if (!l->warden)
		return;
	warden_end(l->warden, !l->held);
	l->warden = NULL;
	if (!l->held &&
	    hook_call(d->opts, HOOK_NETWORK_UNLOCK, d->images_fd, d->opts->pid, &err) < 0)
		log_warn("%s", err.text);
}

/* Restore. */

/* A namespace that was left outside still has what the dump has set. */
int net_lock_restored(struct restore *r, struct error *err)
{
	struct lock *l = &r->netns->lock;
	*l = (struct lock){ .method = NETWORK_LOCK_NFTABLES, .run_id = r->run_id, .whole = true };
	if (r->opts->network_lock_given)
		l->method = r->opts->network_lock;
	else if (r->netns->external >= 0)
		l->method = r->network_lock;
	return lock_again(l, err);
}

int net_unlock_restored(struct restore *r, struct error *err)
{
	return lock_drop(&r->netns->lock, err);
}
