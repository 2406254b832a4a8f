/* SPDX-License-Identifier: MIT
 * What ethtool can switch on and off at a network device, both directions, by the kernel's names:
 * numbers differ from one kernel to the next.
 * Source: ethtool(8), include/uapi/linux/ethtool.h
 */
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "engine/net/ns-link.h"

#define MAX_FEATURES 256 /* of a kernel; Linux 6.18 has 64 */
#define MAX_BLOCKS   (MAX_FEATURES / 32)

/* A request with room for `nr` elements in the array at its end. */
#define ROOM(type, array, nr)                                                                      \
	union {                                                                                    \
		struct type head;                                                                  \
		char room[sizeof(struct type) + (nr) * sizeof(((struct type *)0)->array[0])];      \
	}

struct features {
	size_t nr;
	char (*names)[ETH_GSTRING_LEN];
	uint32_t can[MAX_BLOCKS], on[MAX_BLOCKS]; /* may be changed; somebody wants it */
};

static void features_fini(struct features *f)
{
	free(f->names);
}

static bool is_set(const uint32_t *blocks, size_t i)
{
	return blocks[i / 32] >> i % 32 & 1;
}

static int ask(const char *device, void *request)
{
	struct ifreq ifr = { .ifr_data = request };
	auto_fd sk = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	memcpy(ifr.ifr_name, device, strnlen(device, IFNAMSIZ - 1));
	return sk < 0 || ioctl(sk, SIOCETHTOOL, &ifr) < 0 ? -errno : 0;
}

static int read_names(const char *device, struct features *f)
{
	ROOM(ethtool_sset_info, data, 1)
	info = { .head = { .cmd = ETHTOOL_GSSET_INFO, .sset_mask = 1ULL << ETH_SS_FEATURES } };
	int rc = ask(device, &info);
	uint32_t nr = info.head.data[0];
	if (rc < 0)
		return rc;
	if (!info.head.sset_mask || nr > MAX_FEATURES)
		return -EOPNOTSUPP;
	auto_free struct ethtool_gstrings *names =
	    calloc(1, sizeof(*names) + (size_t)nr * ETH_GSTRING_LEN);
	f->names = calloc(nr + 1, ETH_GSTRING_LEN);
	if (!names || !f->names)
		return -ENOMEM;
	names->cmd = ETHTOOL_GSTRINGS;
	names->string_set = ETH_SS_FEATURES;
	names->len = nr;
	rc = ask(device, names);
	f->nr = rc < 0 || names->len > nr ? 0 : names->len;
	memcpy(f->names, names->data, f->nr * ETH_GSTRING_LEN);
	for (size_t i = 0; i < f->nr; i++)
		f->names[i][ETH_GSTRING_LEN - 1] = 0;
	return rc;
}

static int read_states(const char *device, struct features *f)
{
	ROOM(ethtool_gfeatures, features, MAX_BLOCKS)
	now = { .head = { .cmd = ETHTOOL_GFEATURES, .size = MAX_BLOCKS } };
	int rc = ask(device, &now);
	for (size_t i = 0; rc == 0 && i < now.head.size && i < MAX_BLOCKS; i++) {
		f->can[i] = now.head.features[i].available;
		f->on[i] = now.head.features[i].requested;
	}
	return rc;
}

/* A driver need not have any. @param f  to be released, whatever happens */
static int features_read(const char *device, struct features *f, struct error *err)
{
	*f = (struct features){ 0 };
	int rc = read_names(device, f);
	if (rc == 0)
		rc = read_states(device, f);
	if (rc == -EOPNOTSUPP)
		f->nr = 0;
	return rc < 0 && rc != -EOPNOTSUPP ? error_code(err, rc, "ask for its features") : 0;
}

int link_features_dump(NetDeviceEntry *e, struct error *err)
{
	auto_strbuf text = { 0 };
	struct features f;
	int rc = features_read(e->name, &f, err), room = 0;
	for (size_t i = 0; rc == 0 && room == 0 && i < f.nr; i++)
		if (is_set(f.can, i) && *f.names[i])
			room = strbuf_printf(&text, "%s%s%s", text.len ? "," : "",
					     is_set(f.on, i) ? "" : "-", f.names[i]);
	features_fini(&f);
	if (rc == 0 && room == 0 && text.len)
		e->features = strdup(text.data);
	if (rc == 0 && (room < 0 || (text.len && !e->features)))
		rc = error_set(err, ENOMEM, "out of memory");
	return rc;
}

/* @return 1 on, 0 off, -1 it is not told of */
static int wanted(const char *list, const char *name)
{
	size_t len = strlen(name);
	for (const char *at = list; *at; at += strcspn(at, ","), at += *at == ',') {
		bool off = *at == '-';
		if (!strncmp(at + off, name, len) && strchr(",", at[off + len]))
			return !off;
	}
	return -1;
}

int link_features_set(const NetDeviceEntry *e, struct error *err)
{
	ROOM(ethtool_sfeatures, features, MAX_BLOCKS)
	change = { .room = { 0 } };
	struct features f;
	bool any = false;
	if (!e->features)
		return 0;
	int rc = features_read(e->name, &f, err);
	for (size_t i = 0; rc == 0 && i < f.nr; i++) {
		int want = *f.names[i] ? wanted(e->features, f.names[i]) : -1;
		if (want < 0 || want == is_set(f.on, i))
			continue;
		if (!is_set(f.can, i)) {
			log_warn("network device %s: %s cannot be switched %s here", e->name,
				 f.names[i], want ? "on" : "off");
			continue;
		}
		any = true;
		change.head.features[i / 32].valid |= 1U << i % 32;
		change.head.features[i / 32].requested |= (uint32_t)want << i % 32;
	}
	change.head.cmd = ETHTOOL_SFEATURES;
	change.head.size = (uint32_t)((f.nr + 31) / 32);
	features_fini(&f);
	/* it may be positive: some of them could not be what is wanted for now */
	if (rc < 0 || !any)
		return rc;
	rc = ask(e->name, &change);
	return rc < 0 ? error_code(err, rc, "change its features") : 0;
}
