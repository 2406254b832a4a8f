/* SPDX-License-Identifier: MIT
 * Fields of messages by what they stand for.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "convert/remap/remapping.h"
#include "images/siginfo.h"
#include "images/fields.h"
#include "images/proc-path.h"
#include "images/roles.h"
#include "sockets.pb-c.h"
#include "task.pb-c.h"

/* A field with a role. */
struct place {
	ProtobufCMessage *msg;
	const ProtobufCFieldDescriptor *field;
	enum role role;
	size_t nr; /* of values */
};

static const enum remap_kind kinds[] = {
	[ROLE_PID] = REMAP_PID,           [ROLE_UID] = REMAP_UID,        [ROLE_GID] = REMAP_GID,
	[ROLE_PORT] = REMAP_PORT,         [ROLE_PEER_PORT] = REMAP_PORT, [ROLE_COMM] = REMAP_COMM,
	[ROLE_HOSTNAME] = REMAP_HOSTNAME,
};

static int note_numbers(struct remapping *r, uint32_t from, uint32_t to, struct error *err)
{
	char a[16], b[16];
	snprintf(a, sizeof(a), "%" PRIu32, from);
	snprintf(b, sizeof(b), "%" PRIu32, to);
	return remapping_note(r, NULL, a, b, err);
}

int remap_number(struct remapping *r, enum remap_kind kind, uint32_t *value, struct error *err)
{
	uint32_t old = *value;
	struct remap_rule *rule = rule_for_number(r->rules, kind, old);
	if (!rule)
		return 0;
	rule->found++;
	*value = rule->to;
	return old == rule->to ? 0 : note_numbers(r, old, rule->to, err);
}

static int numbers(struct remapping *r, const struct place *p, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < p->nr; i++) {
		uint32_t *value = field_value(p->msg, p->field, i);
		bool none = p->role == ROLE_PID ? (int32_t)*value <= 0 : *value == UINT32_MAX;
		if (none)
			continue;
		if (p->role == ROLE_PID && r->looking)
			rc = facts_add_pid(&r->facts, *value, err);
		if (rc == 0)
			rc = remap_number(r, kinds[p->role], value, err);
	}
	return rc;
}

/* The other end's port is the set's when its socket is in the set. */
static int peer_port(struct remapping *r, const struct place *p, struct error *err)
{
	const InetSkEntry *sk = (const InetSkEntry *)p->msg;
	uint32_t *port = field_value(p->msg, p->field, 0);
	if ((sk->n_dst_addr != 1 && sk->n_dst_addr != 4) ||
	    !rule_for_number(r->rules, REMAP_PORT, *port))
		return 0;
	struct ip ip = ip_from_bytes(sk->dst_addr, sk->n_dst_addr * 4);
	return facts_own_end(&r->facts, &ip, *port) ? remap_number(r, REMAP_PORT, port, err) : 0;
}

int remap_ip(struct remapping *r, void *bytes, size_t len, unsigned bits, struct error *err)
{
	char from[64], to[64];
	struct ip old, new;
	return rules_turn_ip(r->rules, bytes, len, bits, &old, &new)
		   ? remapping_note(r, NULL, ip_text(&old, from), ip_text(&new, to), err)
		   : 0;
}

/* A prefix has its length beside it: rd_prefix and rd_prefixlen. */
static unsigned prefix_bits(const struct place *p)
{
	char name[64];
	snprintf(name, sizeof(name), "%slen", p->field->name);
	const ProtobufCFieldDescriptor *f =
	    protobuf_c_message_descriptor_get_field_by_name(p->msg->descriptor, name);
	if (!f || !field_count(p->msg, f))
		return IP_BITS;
	uint32_t len = *(uint32_t *)field_value(p->msg, f, 0);
	return IP_BITS - (unsigned)p->nr * 32 + (len < p->nr * 32 ? len : (uint32_t)p->nr * 32);
}

/* The addresses were not yet changed when the peer's port was looked at: see remap_message(). */
static int address(struct remapping *r, const struct place *p, struct error *err)
{
	return p->nr == 1 || p->nr == 4
		   ? remap_ip(r, field_value(p->msg, p->field, 0), p->nr * 4, prefix_bits(p), err)
		   : 0;
}

static int set_string(struct remapping *r, const struct place *p, size_t i, const char *new,
		      struct error *err)
{
	char **at = field_value(p->msg, p->field, i);
	if (!strcmp(*at, new))
		return 0;
	int rc = remapping_note(r, NULL, *at, new, err);
	char *copy = rc == 0 ? strdup(new) : NULL;
	if (!copy)
		return rc < 0 ? rc : error_set(err, ENOMEM, "out of memory");
	if (*at != p->field->default_value)
		free(*at);
	*at = copy;
	return 0;
}

static uint32_t new_pid(void *ctx, uint32_t pid)
{
	const struct remapping *r = ctx;
	struct remap_rule *rule = rule_for_number(r->rules, REMAP_PID, pid);
	if (rule)
		rule->found++;
	return rule ? rule->to : pid;
}

/* @return 1 when `out` is a new path; 0: nothing is to be done; -ENOMEM */
static int path_becomes(struct remapping *r, const char *path, size_t len, struct strbuf *out)
{
	struct remap_rule *rule = rule_for_path(r->rules, path, len);
	if (rule) {
		rule->found++;
		return rule_new_path(rule, path, len, out) < 0 ? -ENOMEM : 1;
	}
	return proc_path_renumber(path, len, new_pid, r, out);
}

/* A socket's name is bytes, some with a NUL at their end. */
int remap_socket_path(struct remapping *r, ProtobufCBinaryData *data, size_t skip,
		      struct error *err)
{
	const char *at = (const char *)data->data + skip;
	size_t left = data->len - skip, len = strnlen(at, left);
	auto_strbuf new = { 0 };
	auto_strbuf all = { 0 };
	auto_free char *old = strndup(at, len);
	int rc = old ? path_becomes(r, old, len, &new) : -ENOMEM;
	if (rc == 0)
		return 0;
	if (rc > 0 && new.len >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
		return error_set(err, EINVAL, "%s would be %s: too long for a socket", old,
				 new.data);
	if (rc < 0 || strbuf_add(&all, data->data, skip) < 0 ||
	    strbuf_add(&all, new.data, new.len) < 0 || strbuf_add(&all, at + len, left - len) < 0)
		return error_set(err, ENOMEM, "out of memory");
	free(data->data);
	data->len = all.len;
	data->data = (uint8_t *)take_ptr(all.data);
	return remapping_note(r, NULL, old, new.data, err);
}

static int path(struct remapping *r, const struct place *p, struct error *err)
{
	if (p->field->type == PROTOBUF_C_TYPE_BYTES)
		return remap_socket_path(r, field_value(p->msg, p->field, 0), 0, err);
	auto_strbuf new = { 0 };
	const char *old = *(char **)field_value(p->msg, p->field, 0);
	int rc = path_becomes(r, old, strlen(old), &new);
	if (rc < 0)
		return error_set(err, ENOMEM, "out of memory");
	return rc ? set_string(r, p, 0, new.data, err) : 0;
}

static int name(struct remapping *r, const struct place *p, struct error *err)
{
	const char *old = *(char **)field_value(p->msg, p->field, 0);
	struct remap_rule *rule = rule_for_text(r->rules, kinds[p->role], old);
	if (!rule)
		return 0;
	rule->found++;
	return set_string(r, p, 0, rule->to_text, err);
}

/* @return 1 when `out` got another value than was there */
static int option_becomes(struct remapping *r, const char *key, size_t key_len, const char *value,
			  size_t len, struct strbuf *out)
{
	static const struct {
		const char *key;
		enum remap_kind kind;
	} ids[] = { { "uid=", REMAP_UID }, { "gid=", REMAP_GID } };
	char *end;
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		if (key_len != strlen(ids[i].key) || memcmp(key, ids[i].key, key_len) != 0)
			continue;
		unsigned long id = strtoul(value, &end, 10);
		struct remap_rule *rule =
		    id <= UINT32_MAX ? rule_for_number(r->rules, ids[i].kind, (uint32_t)id) : NULL;
		if (!rule || end != value + len)
			break;
		rule->found++;
		return strbuf_printf(out, "%" PRIu32, rule->to) < 0 ? -ENOMEM : rule->to != id;
	}
	int rc = len && *value == '/' ? path_becomes(r, value, len, out) : 0;
	if (rc == 0)
		return strbuf_add(out, value, len) < 0 ? -ENOMEM : 0;
	return rc;
}

/* key=value,key=/a:/b,flag */
static int options(struct remapping *r, const struct place *p, struct error *err)
{
	const char *at = *(char **)field_value(p->msg, p->field, 0), *key = at;
	auto_strbuf new = { 0 };
	bool changed = false;
	while (*at) {
		size_t len = strcspn(at, ",:=");
		int rc = len && at[len] != '='
			     ? option_becomes(r, key, (size_t)(at - key), at, len, &new)
			     : strbuf_add(&new, at, len);
		if (rc < 0 || (at[len] && strbuf_char(&new, at[len]) < 0))
			return error_set(err, ENOMEM, "out of memory");
		changed |= rc > 0;
		if (at[len] == ',')
			key = at + len + 1;
		at += len + (at[len] != 0);
	}
	return changed ? set_string(r, p, 0, new.data, err) : 0;
}

static int sender(struct remapping *r, const struct place *p, struct error *err)
{
	ProtobufCBinaryData *data = field_value(p->msg, p->field, 0);
	struct siginfo_sender s;
	if (!siginfo_sender(data->data, data->len, r->mtype, &s))
		return 0;
	struct siginfo_sender old = s;
	int rc = (int32_t)s.pid > 0 ? remap_number(r, REMAP_PID, &s.pid, err) : 0;
	if (rc == 0 && s.uid != UINT32_MAX)
		rc = remap_number(r, REMAP_UID, &s.uid, err);
	if (rc == 0 && (old.pid != s.pid || old.uid != s.uid))
		siginfo_set_sender(data->data, data->len, r->mtype, &s);
	return rc;
}

static int netlink(struct remapping *r, const struct place *p, struct error *err)
{
	const ProtobufCBinaryData *data = field_value(p->msg, p->field, 0);
	return remap_netlink_bytes(r, p->role == ROLE_MPTCP ? &netlink_mptcp : NULL, data, err);
}

static int link_data(struct remapping *r, const struct place *p, struct error *err)
{
	return remap_netlink_attrs(r, &netlink_vxlan, field_value(p->msg, p->field, 0), err);
}

static int sockaddr(struct remapping *r, const struct place *p, struct error *err)
{
	return remap_sockaddr(r, field_value(p->msg, p->field, 0), err);
}

static int sock_option(struct remapping *r, const struct place *p, struct error *err)
{
	return remap_sock_option(r, (SkOptionEntry *)p->msg, err);
}

/* NULL: nothing of the message changes. */
static int (*const handlers[])(struct remapping *r, const struct place *p, struct error *err) = {
	[ROLE_PID] = numbers,
	[ROLE_UID] = numbers,
	[ROLE_GID] = numbers,
	[ROLE_IP] = address,
	[ROLE_PORT] = numbers,
	[ROLE_PEER_PORT] = peer_port,
	[ROLE_PATH] = path,
	[ROLE_COMM] = name,
	[ROLE_HOSTNAME] = name,
	[ROLE_SIGINFO] = sender,
	[ROLE_MOUNT_OPTIONS] = options,
	[ROLE_NETLINK] = netlink,
	[ROLE_MPTCP] = netlink,
	[ROLE_VXLAN] = link_data,
	[ROLE_SOCKADDR] = sockaddr,
	[ROLE_SOCK_OPTION] = sock_option,
	[ROLE_TID_ADDR] = NULL, /* memory.c */
	[ROLE_ROBUST_LIST] = NULL,
};

static void field_cut(struct remapping *r, size_t len)
{
	r->field.len = len;
	if (r->field.data)
		r->field.data[len] = 0;
}

static int walk(struct remapping *r, ProtobufCMessage *msg, struct error *err);

/* The reader has bounded how deep messages are. */
static int walk_field(struct remapping *r, ProtobufCMessage *msg,
		      const ProtobufCFieldDescriptor *field, struct error *err)
{
	size_t nr = field_count(msg, field), len = r->field.len;
	const struct role_row *row = nr ? role_find(msg, field->name) : NULL;
	int rc = 0;
	if (!row && field->type != PROTOBUF_C_TYPE_MESSAGE)
		return 0;
	if (strbuf_printf(&r->field, "%s%s", len ? "." : "", field->name) < 0)
		return error_set(err, ENOMEM, "out of memory");
	size_t name_len = r->field.len;
	if (row && handlers[row->role]) {
		const struct place place = { msg, field, row->role, nr };
		rc = handlers[row->role](r, &place, err);
	}
	for (size_t i = 0; rc == 0 && field->type == PROTOBUF_C_TYPE_MESSAGE && i < nr; i++) {
		field_cut(r, name_len);
		if (field_is_list(field) && strbuf_printf(&r->field, "[%zu]", i) < 0)
			return error_set(err, ENOMEM, "out of memory");
		rc = walk(r, *(ProtobufCMessage **)field_value(msg, field, i), err);
	}
	field_cut(r, len);
	return rc;
}

static int walk(struct remapping *r, ProtobufCMessage *msg, struct error *err)
{
	int rc = 0;
	for (unsigned i = 0; rc == 0 && i < msg->descriptor->n_fields; i++)
		rc = walk_field(r, msg, &msg->descriptor->fields[i], err);
	return rc;
}

int remap_message(struct remapping *r, ProtobufCMessage *msg, struct error *err)
{
	if (msg->descriptor == &core_entry__descriptor)
		r->mtype = (uint32_t)((CoreEntry *)msg)->mtype;
	strbuf_reset(&r->field);
	int rc = walk(r, msg, err);
	return rc == 0 && msg->descriptor == &netns_entry__descriptor
		   ? remap_rule_sets(r, (NetnsEntry *)msg, err)
		   : rc;
}
