/* SPDX-License-Identifier: MIT
 * Where secrets are looked for, and how often each was found.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "convert/audit/check.h"
#include "convert/audit/secrets.h"
#include "convert/raw/tar-read.h"
#include "convert/describe/process.h"
#include "convert/memory/scan.h"
#include "images/leads.h"
#include "images/process-strings.h"
#include "ipc.pb-c.h"
#include "sockets.pb-c.h"
#include "tty.pb-c.h"

/* Of several places the one that says most is shown. */
static unsigned rank_of(enum rule_id rule)
{
	return rule == RULE_SECRET_MEMORY ? 0 : rule == RULE_SECRET_ENVIRONMENT ? 2 : 1;
}

struct known_secret {
	uint64_t hash[2]; /* of its bytes; 0, 0: a free slot */
	uint32_t finding; /* index; UINT32_MAX: left out */
};

struct search {
	struct audit *audit;
	struct secret_finder *finder;
	struct {
		struct known_secret *slots;
		size_t nr, cap;
	} known;
	struct {
		struct segment_name {
			uint64_t id;
			char *name; /* "memfd:x" */
			uint32_t pid;
			char comm[32];
		} * items;
		size_t nr, cap;
	} segments; /* of which something is known */

	/* The place that is searched. */
	struct finding_place at;
	enum rule_id rule;
	const char *object; /* NULL: memory of this process */
	struct memory_view *memory;
	uint64_t env_start, env_end;
	uint64_t next; /* matches do not overlap: none before this address */
};

int search_new(struct audit *audit, struct search **out, struct error *err)
{
	struct search *s = calloc(1, sizeof(*s));
	if (!s)
		return error_set(err, ENOMEM, "out of memory");
	s->audit = audit;
	int rc = secret_finder_new(&s->finder, err);
	if (rc < 0)
		search_free(s);
	else
		*out = s;
	return rc;
}

void search_free(struct search *s)
{
	if (!s)
		return;
	secret_finder_free(s->finder);
	for (size_t i = 0; i < s->segments.nr; i++)
		free(s->segments.items[i].name);
	free(s->segments.items);
	free(s->known.slots);
	free(s);
}

/* Two hashes of 64 bits: secrets are not kept. */
static void hash_bytes(const char *bytes, size_t len, uint64_t out[2])
{
	out[0] = 0xcbf29ce484222325ull;
	out[1] = 0x9e3779b97f4a7c15ull;
	for (size_t i = 0; i < len; i++) {
		out[0] = (out[0] ^ (unsigned char)bytes[i]) * 0x100000001b3ull;
		out[1] = (out[1] + (unsigned char)bytes[i]) * 0xff51afd7ed558ccdull;
		out[1] ^= out[1] >> 33;
	}
	out[0] |= 1;
}

static struct known_secret *known_slot(struct known_secret *slots, size_t cap,
				       const uint64_t hash[2])
{
	size_t at = hash[1] & (cap - 1);
	while (slots[at].hash[0] && (slots[at].hash[0] != hash[0] || slots[at].hash[1] != hash[1]))
		at = (at + 1) & (cap - 1);
	return &slots[at];
}

/* At most half full. @return the slot of a secret, a free one when it is new; NULL: no memory */
static struct known_secret *known_find(struct search *s, const uint64_t hash[2])
{
	if (2 * (s->known.nr + 1) > s->known.cap) {
		size_t cap = s->known.cap ? 2 * s->known.cap : 64;
		struct known_secret *slots = calloc(cap, sizeof(*slots));
		if (!slots)
			return NULL;
		for (size_t i = 0; i < s->known.cap; i++) {
			const struct known_secret *old = &s->known.slots[i];
			if (old->hash[0])
				*known_slot(slots, cap, old->hash) = *old;
		}
		free(s->known.slots);
		s->known.slots = slots;
		s->known.cap = cap;
	}
	return known_slot(s->known.slots, s->known.cap, hash);
}

struct secret {
	enum severity severity;
	const char *title, *shown; /* the start everybody knows, "" when there is none */
	const char *bytes;
	size_t len;
};

static int evidence_of(const struct search *s, const struct secret *secret, struct strbuf *out)
{
	int rc = strbuf_printf(out, "%s: ", secret->title);
	if (rc == 0 && s->audit->options->reveal)
		return strbuf_add(out, secret->bytes, secret->len);
	return rc < 0 ? rc : strbuf_printf(out, "%s… (%zu bytes)", secret->shown, secret->len);
}

static int secret_report(struct search *s, const struct secret *secret, enum rule_id rule,
			 const char *object, struct error *err)
{
	struct findings *out = s->audit->out;
	auto_strbuf evidence = { 0 };
	uint64_t hash[2];
	hash_bytes(secret->bytes, secret->len, hash);
	struct known_secret *known = known_find(s, hash);
	if (!known)
		return error_set(err, ENOMEM, "out of memory");
	if (known->hash[0]) {
		struct finding *f = known->finding < out->nr ? &out->items[known->finding] : NULL;
		if (!f)
			return 0;
		finding_again(f, s->at.pid);
		return rank_of(rule) > rank_of(f->rule) ? finding_move(f, rule, &s->at, object, err)
							: 0;
	}
	size_t before = out->nr;
	int rc = evidence_of(s, secret, &evidence);
	if (rc < 0)
		return error_set(err, ENOMEM, "out of memory");
	rc = finding_add_alone(out, rule, secret->severity, &s->at, object, evidence.data, err);
	if (rc < 0)
		return rc;
	*known = (struct known_secret){ { hash[0], hash[1] },
					out->nr > before ? (uint32_t)before : UINT32_MAX };
	s->known.nr++;
	return 0;
}

/* The name of the variable a value belongs to, "" when it cannot be seen. */
static void variable_name(const struct scan_window *w, size_t at, char *out, size_t size)
{
	size_t start = at;
	while (start > 0 && at - start < 4096 && w->bytes[start - 1])
		start--;
	const unsigned char *equals = memchr(w->bytes + start, '=', at - start);
	snprintf(out, size, "%.*s", equals ? (int)(equals - (w->bytes + start)) : 0,
		 (const char *)w->bytes + start);
}

static int match_report(struct search *s, const struct scan_window *w,
			const struct secret_match *match, struct error *err)
{
	uint64_t addr = w->addr + match->start;
	const char *bytes = (const char *)w->bytes + match->start;
	char object[512], shown[64] = "";
	for (const char *start = match->rule->starts; *start;) {
		size_t len = strcspn(start, "|");
		if (len < match->len && !memcmp(start, bytes, len))
			snprintf(shown, sizeof(shown), "%.*s", (int)len, start);
		start += len + (start[len] == '|');
	}
	struct secret secret = { match->rule->severity, match->rule->title, shown, bytes,
				 match->len };
	if (!s->memory) {
		snprintf(object, sizeof(object), "%s, byte %" PRIu64, s->object, addr);
		return secret_report(s, &secret, s->rule, object, err);
	}
	if (addr >= s->env_start && addr < s->env_end) {
		variable_name(w, match->start, object, sizeof(object));
		return secret_report(s, &secret, RULE_SECRET_ENVIRONMENT,
				     object[0] ? object : "environment", err);
	}
	const struct area *area = memory_view_find(s->memory, addr);
	snprintf(object, sizeof(object), "%s %#" PRIx64,
		 area ? area->path[0] ? area->path : area_kind_names[area->kind] : "", addr);
	return secret_report(s, &secret, s->rule, object, err);
}

/* The byte before a window is not seen: the first of a window is looked at in the one before. */
static int window_search(void *arg, const struct scan_window *w, struct error *err)
{
	struct search *s = arg;
	size_t from = w->first ? 0 : 1, to = w->fresh < w->len ? w->fresh + 1 : w->len;
	struct secret_match match;
	int rc;
	if (s->next > w->addr + from)
		from = s->next - w->addr < w->len ? (size_t)(s->next - w->addr) : w->len;
	while ((rc = secret_find(s->finder, w->bytes, w->len, from, to, &match, err)) > 0) {
		from = match.start + match.len;
		s->next = w->addr + from;
		rc = match_report(s, w, &match, err);
		if (rc < 0)
			return rc;
	}
	return rc;
}

/* Values of variables whose names say what they are, when no rule knows them. */
static int variable_check(struct search *s, const char *variable, struct error *err)
{
	const char *value = strchr(variable, '=');
	struct secret_match match;
	char name[256];
	if (!value || !secret_name(variable, (size_t)(value - variable)) || value[1] == '/' ||
	    strlen(value + 1) < 4)
		return 0;
	int rc =
	    secret_find(s->finder, variable, strlen(variable), 0, strlen(variable), &match, err);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	snprintf(name, sizeof(name), "%.*s", (int)(value - variable), variable);
	struct secret secret = { SEV_WARNING, "value of a variable of this name", "", value + 1,
				 strlen(value + 1) };
	return secret_report(s, &secret, RULE_SECRET_ENVIRONMENT, name, err);
}

static int search_environment(struct search *s, const struct audit_process *p, struct error *err)
{
	auto_strbuf environment = { 0 };
	size_t at = 0;
	s->at = place_in(p, IMG_MM, p->process->pid);
	int rc = process_strings(p->memory, PROCESS_ENVIRONMENT, &environment, err);
	if (rc <= 0)
		return rc;
	rc = 0;
	for (const char *v; rc == 0 && (v = process_next_string(&environment, &at));)
		rc = variable_check(s, v, err);
	return rc;
}

static struct segment_name *segment_find(struct search *s, uint64_t id)
{
	for (size_t i = 0; i < s->segments.nr; i++) {
		if (s->segments.items[i].id == id)
			return &s->segments.items[i];
	}
	return NULL;
}

static int segment_note(struct search *s, uint64_t id, const char *name, uint32_t pid,
			const char *comm, struct error *err)
{
	if (segment_find(s, id))
		return 0;
	struct segment_name *segment = array_add(&s->segments);
	if (segment)
		segment->name = strdup(name);
	if (!segment || !segment->name)
		return error_set(err, ENOMEM, "out of memory");
	segment->id = id;
	segment->pid = pid;
	snprintf(segment->comm, sizeof(segment->comm), "%s", comm);
	return 0;
}

/* What only this process has; shared segments are searched once, later. */
static int private_ranges(struct search *s, const struct audit_process *p,
			  struct memory_ranges *out, struct error *err)
{
	const struct area *areas;
	size_t nr = memory_view_areas(p->memory, &areas);
	for (size_t i = 0; i < nr; i++) {
		const struct area *area = &areas[i];
		int rc = 0;
		if (area->has_segment)
			rc = segment_note(s, area->segment,
					  area->path[0] ? area->path : area_kind_names[area->kind],
					  p->process->pid, p->comm, err);
		if (rc < 0)
			return rc;
		if ((area->has_segment && !area->private) || area->kind == AREA_VDSO)
			continue;
		struct memory_range *range = array_add(out);
		if (!range)
			return error_set(err, ENOMEM, "out of memory");
		*range = (struct memory_range){ area->vma->start, area->vma->end };
	}
	return 0;
}

int search_process(struct search *s, const struct audit_process *p, struct error *err)
{
	auto_memory_ranges ranges = { 0 };
	const MmEntry *mm = memory_view_mm(p->memory);
	int rc = search_environment(s, p, err);
	if (rc == 0)
		rc = private_ranges(s, p, &ranges, err);
	if (rc < 0)
		return rc;
	s->at = place_in(p, IMG_PAGEMAP, p->process->pid);
	s->at.entry = NO_ENTRY;
	s->rule = RULE_SECRET_MEMORY;
	s->memory = p->memory;
	s->env_start = mm->mm_env_start;
	s->env_end = mm->mm_env_end;
	s->next = 0;
	rc = memory_scan(p->memory, &ranges, SECRET_MAX, s->audit->progress, window_search, s, err);
	s->memory = NULL;
	return rc;
}

static int memfd_note(void *arg, struct image_reader *r, ProtobufCMessage **msg, struct error *err)
{
	const MemfdInodeEntry *inode = (const MemfdInodeEntry *)*msg;
	auto_strbuf name = { 0 };
	(void)r;
	if (strbuf_printf(&name, "memfd:%s", inode->name) < 0)
		return error_set(err, ENOMEM, "out of memory");
	return segment_note(arg, inode->shmid, name.data, 0, "", err);
}

static int search_segment(struct search *s, uint64_t id, struct error *err)
{
	auto_page_store store = NULL;
	const struct segment_name *known = segment_find(s, id);
	int rc = page_store_open_shmem(checkpoint_source(s->audit->cp), id, &store, err);
	if (rc < 0)
		return rc;
	s->at = (struct finding_place){ .pid = known ? known->pid : 0,
					.comm = known ? known->comm : NULL,
					.image = IMG_SHMEM_PAGEMAP,
					.number = id,
					.entry = NO_ENTRY };
	s->object = known ? known->name : "shared memory";
	s->rule = strncmp(s->object, "memfd:", 6) ? RULE_SECRET_MEMORY : RULE_SECRET_FILE;
	s->next = 0;
	return segment_scan(store, SECRET_MAX, s->audit->progress, window_search, s, err);
}

static int pipe_name(struct search *s, const ProtobufCMessage *msg, struct strbuf *out)
{
	(void)s;
	return strbuf_printf(out, "pipe:[%" PRIu32 "]", ((const PipeDataEntry *)msg)->pipe_id);
}

/* Packets are keyed by the file of the socket they wait in, of whichever kind it is. */
static int socket_name(struct search *s, const ProtobufCMessage *msg, struct strbuf *out)
{
	static const FdTypes types[] = { FD_TYPES__UNIXSK, FD_TYPES__NETLINKSK, FD_TYPES__PACKETSK,
					 FD_TYPES__INETSK };
	uint32_t id = ((const SkPacketEntry *)msg)->id_for;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		auto_file_facts facts = { 0 };
		const FileEntry *file;
		if (checkpoint_file(s->audit->cp, types[i], id, &file, NULL) != 1)
			continue;
		int rc = file_describe(s->audit->files, types[i], id, &facts, NULL);
		return rc < 0 ? rc : strbuf_printf(out, "queue of %s", facts.target.data ?: "");
	}
	return strbuf_printf(out, "queue of file %" PRIu32, id);
}

static int tcp_name(struct search *s, const ProtobufCMessage *msg, struct strbuf *out)
{
	(void)msg;
	return strbuf_printf(out, "TCP connection, inode %" PRIu64, s->at.number);
}

static int queue_name(struct search *s, const ProtobufCMessage *msg, struct strbuf *out)
{
	(void)s;
	const IpcMsgEntry *queue = (const IpcMsgEntry *)msg;
	return strbuf_printf(out, "message queue %" PRIu32, queue->desc ? queue->desc->id : 0);
}

static int sysv_name(struct search *s, const ProtobufCMessage *msg, struct strbuf *out)
{
	(void)s;
	const IpcShmEntry *shm = (const IpcShmEntry *)msg;
	return strbuf_printf(out, "SysV segment %" PRIu32, shm->desc ? shm->desc->id : 0);
}

struct ghost_path {
	struct search *s;
	struct strbuf *out; /* the first that is found */
};

static int ghost_remap(void *arg, struct image_reader *r, ProtobufCMessage **msg, struct error *err)
{
	const struct ghost_path *ghost = arg;
	const RemapFilePathEntry *remap = (const RemapFilePathEntry *)*msg;
	(void)r;
	if (ghost->out->len || remap->remap_id != ghost->s->at.number ||
	    (remap->has_remap_type && remap->remap_type != REMAP_TYPE__GHOST))
		return 0;
	const char *path = checkpoint_path(ghost->s->audit->cp, remap->orig_id);
	if (path && strbuf_printf(ghost->out, "%s (deleted)", path) < 0)
		return error_set(err, ENOMEM, "out of memory");
	return 0;
}

static int ghost_name(struct search *s, const ProtobufCMessage *msg, struct strbuf *out)
{
	struct ghost_path ghost = { s, out };
	(void)msg;
	int rc = remaps_each(checkpoint_source(s->audit->cp), ghost_remap, &ghost, NULL);
	if (rc < 0 || out->len)
		return rc;
	return strbuf_printf(out, "deleted file %#" PRIx64, s->at.number);
}

static int bpf_name(struct search *s, const ProtobufCMessage *msg, struct strbuf *out)
{
	(void)s;
	return strbuf_printf(out, "BPF map %" PRIu32, ((const BpfmapDataEntry *)msg)->map_id);
}

/* Images whose entries have bytes behind them. */
static const struct payload_row {
	enum image_id image;
	enum rule_id rule;
	int (*name)(struct search *s, const ProtobufCMessage *msg, struct strbuf *out);
} payload_rows[] = {
	{ IMG_PIPES_DATA, RULE_SECRET_PIPE, pipe_name },
	{ IMG_FIFO_DATA, RULE_SECRET_PIPE, pipe_name },
	{ IMG_SK_QUEUES, RULE_SECRET_SOCKET, socket_name },
	{ IMG_TCP_STREAM, RULE_SECRET_SOCKET, tcp_name },
	{ IMG_IPCNS_MSG, RULE_SECRET_SOCKET, queue_name },
	{ IMG_IPCNS_SHM, RULE_SECRET_MEMORY, sysv_name },
	{ IMG_GHOST_FILE, RULE_SECRET_FILE, ghost_name },
	{ IMG_BPFMAP_DATA, RULE_SECRET_MEMORY, bpf_name },
};

static ssize_t payload_read(void *r, void *buf, size_t len, struct error *err)
{
	return image_payload_read(r, buf, len, err);
}

struct payload_search {
	struct search *s;
	const struct payload_row *row;
	uint64_t entry;
};

static int payload_search(void *arg, struct image_reader *r, ProtobufCMessage **msg,
			  struct error *err)
{
	struct payload_search *ps = arg;
	struct search *s = ps->s;
	struct payload_part part;
	auto_strbuf name = { 0 };
	s->at.entry = ps->entry++;
	s->rule = ps->row->rule;
	int rc = ps->row->name(s, *msg, &name);
	if (rc < 0)
		return error_set(err, ENOMEM, "out of memory");
	s->object = name.data;
	while (rc == 0 && (rc = image_payload_next(r, &part, err)) == 1) {
		s->next = 0;
		rc = stream_scan(payload_read, r, SECRET_MAX, NULL, window_search, s, err);
	}
	return rc;
}

/* What was typed and not read. */
static int tty_search(void *arg, struct image_reader *r, ProtobufCMessage **msg, struct error *err)
{
	struct search *s = arg;
	const TtyDataEntry *data = (const TtyDataEntry *)*msg;
	struct scan_window w = { .bytes = data->data.data,
				 .len = data->data.len,
				 .fresh = data->data.len,
				 .first = true };
	(void)r;
	s->rule = RULE_SECRET_PIPE;
	s->object = "terminal";
	s->at.entry++;
	s->next = 0;
	return window_search(s, &w, err);
}

/* Messages of POSIX queues: each by itself, as they would be received. */
static int mqueue_search(struct search *s, const MqueueEntry *queue, struct error *err)
{
	auto_strbuf name = { 0 };
	int rc = strbuf_printf(&name, "message queue /%s", queue->name);
	if (rc < 0)
		return error_set(err, ENOMEM, "out of memory");
	s->object = name.data;
	for (size_t i = 0; rc == 0 && i < queue->n_messages; i++) {
		const ProtobufCBinaryData *data = &queue->messages[i]->data;
		struct scan_window w = {
			.bytes = data->data, .len = data->len, .fresh = data->len, .first = true
		};
		s->next = 0;
		rc = window_search(s, &w, err);
	}
	return rc;
}

static int mqueues_search(void *arg, struct image_reader *r, ProtobufCMessage **msg,
			  struct error *err)
{
	struct search *s = arg;
	const IpcVarEntry *ipc = (const IpcVarEntry *)*msg;
	int rc = 0;
	(void)r;
	s->rule = RULE_SECRET_SOCKET;
	s->at.entry = 0;
	for (size_t i = 0; rc == 0 && i < ipc->n_mqueues; i++)
		rc = mqueue_search(s, ipc->mqueues[i], err);
	return rc;
}

/* Of a long hole a part at its end: nothing that is looked for lies across. */
static ssize_t member_read(void *tar, void *buf, size_t len, struct error *err)
{
	uint64_t hole = tar_member_hole(tar);
	if (hole > 2 * SECRET_MAX)
		tar_member_pass(tar, hole - 2 * SECRET_MAX);
	return tar_member_read(tar, buf, len, err);
}

static int tar_search(void *arg, const struct tar_member *member, struct error *err)
{
	struct search *s = arg;
	auto_strbuf name = { 0 };
	if (strbuf_printf(&name, "%s in a tmpfs", member->name) < 0)
		return error_set(err, ENOMEM, "out of memory");
	s->object = name.data;
	s->next = 0;
	return stream_scan(member_read, member->tar, SECRET_MAX, NULL, window_search, s, err);
}

static int search_tar(struct search *s, const char *name, struct error *err)
{
	auto_istream in = NULL;
	int rc = source_open_member(checkpoint_source(s->audit->cp), name, &in, err);
	s->rule = RULE_SECRET_FILE;
	s->at.entry = NO_ENTRY;
	return rc < 0 ? rc : tar_walk(in, name, tar_search, s, err);
}

/* The number in an image's name; the type's pattern is known to match. */
static uint64_t number_of(const struct image_type *type, const char *name)
{
	const char *percent = strchr(type->pattern, '%');
	if (!percent || percent[1] == 's')
		return 0;
	return strtoull(name + (percent - type->pattern), NULL, percent[1] == 'x' ? 16 : 10);
}

static int search_member(struct search *s, const struct source_member *m, struct error *err)
{
	const struct image_type *type =
	    strchr(m->name, '/') ? NULL : image_type_by_filename(m->name);
	if (!type)
		return 0;
	s->at = (struct finding_place){ .image = type->id, .number = number_of(type, m->name) };
	if (type->id == IMG_SHMEM_PAGEMAP)
		return search_segment(s, s->at.number, err);
	if ((type->id == IMG_TMPFS_DEV || type->id == IMG_TMPFS_IMG) && m->size)
		return search_tar(s, m->name, err);
	if (type->id == IMG_TTY_DATA) {
		s->at.entry = NO_ENTRY; /* the first is 0 */
		return image_each(checkpoint_source(s->audit->cp), IMG_TTY_DATA, 0, tty_search, s,
				  err);
	}
	if (type->id == IMG_IPC_VAR)
		return image_each(checkpoint_source(s->audit->cp), IMG_IPC_VAR, s->at.number,
				  mqueues_search, s, err);
	for (size_t i = 0; i < ARRAY_SIZE(payload_rows); i++) {
		struct payload_search ps = { s, &payload_rows[i], 0 };
		if (payload_rows[i].image == type->id)
			return image_each(checkpoint_source(s->audit->cp), type->id, s->at.number,
					  payload_search, &ps, err);
	}
	return 0;
}

int search_shared(struct search *s, struct error *err)
{
	struct source *src = checkpoint_source(s->audit->cp);
	const struct source_member *members;
	int rc = image_each(src, IMG_MEMFD_INODE, 0, memfd_note, s, err);
	ssize_t nr = rc < 0 ? rc : source_list(src, &members, err);
	for (ssize_t i = 0; i < nr; i++) {
		struct error why;
		rc = audit_pass(s->audit, search_member(s, &members[i], &why), &why, err);
		if (rc < 0)
			return rc;
	}
	return nr < 0 ? (int)nr : 0;
}
