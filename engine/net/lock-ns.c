/* SPDX-License-Identifier: MIT
 * Locking network namespaces, both directions.
 */
#include "engine/net/lock-ns.h"

#include <errno.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/log.h"
#include "engine/context/dump.h"
#include "engine/context/hooks.h"
#include "engine/net/ns-set.h"
#include "engine/net/unix.h"
#include "engine/ns/ns.h"

/* Dump. */

static int lock_inside(struct dump *d, struct net_lock *l, struct error *err)
{
	l->lock =
	    (struct lock){ .method = NETWORK_LOCK_NFTABLES, .run_id = d->run_id, .whole = true };
	if (d->opts->network_lock_given)
		l->lock.method = d->network_lock;
	const struct warden_charge charge = { .lock = &l->lock };
	int rc = warden_start(&charge, &l->warden, err);
	return rc < 0 ? rc : warden_lock(l->warden, err);
}

int net_lock_add(struct dump *d, const struct ns_seen *ns, struct error *err)
{
	struct ns_visit visit;
	struct net_lock **slot = array_add(&d->net->ns_locks);
	if (!slot || !(*slot = calloc(1, sizeof(**slot)))) {
		d->net->ns_locks.nr -= slot != NULL;
		return error_set(err, ENOMEM, "out of memory");
	}
	int rc = ns_visit_seen(ns, &visit, err);
	if (rc < 0)
		return rc;
	rc = lock_inside(d, *slot, err);
	int back = ns_visit_end(&visit, rc < 0 ? NULL : err);
	return rc < 0 ? rc : back;
}

int net_lock_begin(struct dump *d, struct error *err)
{
	int rc = 0;
	if (ns_is_apart(d, NS_NET))
		rc = hook_call(d->opts, HOOK_NETWORK_LOCK, d->images_fd, d->opts->pid, err);
	if (ns_is_apart(d, NS_NET) && !d->opts->network_lock_given)
		d->network_lock = NETWORK_LOCK_NFTABLES;
	for (size_t i = 0; rc == 0 && d->ns && i < d->ns->nr; i++) {
		const struct ns_seen *ns = &d->ns->items[i];
		if (ns->kind != NS_NET || ns->own)
			continue;
		rc = net_table_new(d, err);
		if (rc == 0)
			rc = net_lock_add(d, ns, err);
	}
	return rc;
}

int net_lock_keep(struct dump *d, struct error *err)
{
	struct net_locks *all = &d->net->ns_locks;
	int rc = 0;
	for (size_t i = 0; rc == 0 && !d->opts->leave_running && i < all->nr; i++)
		rc = warden_keep(all->items[i]->warden, err);
	return rc;
}

void net_lock_end(struct dump *d)
{
	struct net_locks *all = &d->net->ns_locks;
	struct error err;
	if (!all->nr || all->ended)
		return;
	all->ended = true;
	for (size_t i = 0; i < all->nr; i++)
		warden_end(all->items[i]->warden, !all->held);
	if (!all->held && ns_is_apart(d, NS_NET) &&
	    hook_call(d->opts, HOOK_NETWORK_UNLOCK, d->images_fd, d->opts->pid, &err) < 0)
		log_warn("%s", err.text);
}

void net_locks_fini(struct net_locks *all)
{
	for (size_t i = 0; i < all->nr; i++) {
		warden_free(all->items[i]->warden);
		free(all->items[i]);
	}
	free(all->items);
}

/* Restore. */

/* A namespace that was left outside still has what the dump has set. */
int net_lock_restored(const struct restore *r, struct netns *ns, struct error *err)
{
	struct lock *l = &ns->lock;
	*l = (struct lock){ .method = NETWORK_LOCK_NFTABLES, .run_id = r->run_id, .whole = true };
	if (r->opts->network_lock_given)
		l->method = r->opts->network_lock;
	else if (ns->root && ns->external >= 0)
		l->method = r->network_lock;
	return lock_again(l, err);
}
