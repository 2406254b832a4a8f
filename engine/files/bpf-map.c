/* SPDX-License-Identifier: MIT
 * BPF maps: hashes and arrays with what is in them. Programs and other kinds are refused by name.
 * Source: bpf(2), Documentation/bpf/map_hash.rst, map_array.rst.
 */
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "engine/files/anon.h"
#include "engine/files/set.h"
#include "engine/files/table.h"
#include "engine/files/types.h"
#include "images/reader.h"

#define BATCH 1024 /* elements a call */

static int bpf(enum bpf_cmd cmd, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

static uint64_t address(const void *p)
{
	return (uintptr_t)p;
}

static bool is_carried(uint32_t map_type)
{
	return map_type == BPF_MAP_TYPE_HASH || map_type == BPF_MAP_TYPE_ARRAY;
}

static bool bpf_map_match(const struct open_file *f)
{
	return !strcmp(f->path, "anon_inode:bpf-map");
}

static const char *type_name(uint32_t map_type)
{
	static const char *const names[] = {
		[BPF_MAP_TYPE_PROG_ARRAY] = "program array",
		[BPF_MAP_TYPE_PERF_EVENT_ARRAY] = "perf event array",
		[BPF_MAP_TYPE_PERCPU_HASH] = "per-CPU hash",
		[BPF_MAP_TYPE_PERCPU_ARRAY] = "per-CPU array",
		[BPF_MAP_TYPE_STACK_TRACE] = "stack trace",
		[BPF_MAP_TYPE_LRU_HASH] = "LRU hash",
		[BPF_MAP_TYPE_LRU_PERCPU_HASH] = "per-CPU LRU hash",
		[BPF_MAP_TYPE_LPM_TRIE] = "trie",
		[BPF_MAP_TYPE_ARRAY_OF_MAPS] = "array of maps",
		[BPF_MAP_TYPE_HASH_OF_MAPS] = "hash of maps",
		[BPF_MAP_TYPE_SOCKMAP] = "array of sockets",
		[BPF_MAP_TYPE_SOCKHASH] = "hash of sockets",
		[BPF_MAP_TYPE_QUEUE] = "queue",
		[BPF_MAP_TYPE_STACK] = "stack",
		[BPF_MAP_TYPE_RINGBUF] = "ring buffer",
		[BPF_MAP_TYPE_STRUCT_OPS] = "struct_ops",
	};
	const char *name = map_type < ARRAY_SIZE(names) ? names[map_type] : NULL;
	return name ? name : "special";
}

static int read_info(int fd, struct bpf_map_info *out)
{
	union bpf_attr attr = {
		.info = { .bpf_fd = (uint32_t)fd, .info_len = sizeof(*out), .info = address(out) }
	};
	memset(out, 0, sizeof(*out));
	return bpf(BPF_OBJ_GET_INFO_BY_FD, &attr);
}

/* @param access  O_RDONLY, O_WRONLY or O_RDWR */
static int open_by_id(uint32_t id, uint32_t access)
{
	union bpf_attr attr = { .map_id = id };
	attr.open_flags = access == O_RDONLY ? BPF_F_RDONLY : access == O_WRONLY ? BPF_F_WRONLY : 0;
	return bpf(BPF_MAP_GET_FD_BY_ID, &attr);
}

/* Dump. */

struct contents {
	struct strbuf keys, values;
	uint32_t count;
};

static void contents_fini(struct contents *c)
{
	strbuf_fini(&c->keys);
	strbuf_fini(&c->values);
}

/* @return 1: more to come; 0: that was the last; -errno */
static int read_batch(int fd, const BpfmapFileEntry *m, uint32_t want, uint64_t *cursor, bool first,
		      struct contents *c)
{
	if (strbuf_reserve(&c->keys, (size_t)want * m->key_size) < 0 ||
	    strbuf_reserve(&c->values, (size_t)want * m->value_size) < 0)
		return -ENOMEM;
	union bpf_attr attr = { .batch = { .in_batch = first ? 0 : address(cursor),
					   .out_batch = address(cursor),
					   .keys = address(c->keys.data + c->keys.len),
					   .values = address(c->values.data + c->values.len),
					   .count = want,
					   .map_fd = (uint32_t)fd } };
	int rc = bpf(BPF_MAP_LOOKUP_BATCH, &attr) < 0 ? -errno : 1;
	if (rc < 0 && rc != -ENOENT)
		return rc;
	c->keys.len += (size_t)attr.batch.count * m->key_size;
	c->values.len += (size_t)attr.batch.count * m->value_size;
	c->count += attr.batch.count;
	return rc == -ENOENT ? 0 : 1;
}

static int read_all(int fd, const BpfmapFileEntry *m, struct contents *c)
{
	uint64_t cursor[64]; /* as large as a key of an array, or a number: more than enough */
	uint32_t want = BATCH;
	bool first = true;
	for (;;) {
		int rc = read_batch(fd, m, want, cursor, first, c);
		if (rc == -ENOSPC && want < m->max_entries) {
			want *= 2; /* one bucket holds more than that */
			continue;
		}
		if (rc <= 0)
			return rc;
		first = false;
	}
}

static int write_contents(struct dump *d, const BpfmapFileEntry *m, const struct contents *c,
			  struct error *err)
{
	struct file_table *t = d->files;
	int rc =
	    t->bpf_data ? 0 : image_create(d->images_fd, IMG_BPFMAP_DATA, 0, &t->bpf_data, err);
	if (rc < 0)
		return rc;
	BpfmapDataEntry e = BPFMAP_DATA_ENTRY__INIT;
	e.map_id = m->map_id;
	e.keys_bytes = (uint32_t)c->keys.len;
	e.values_bytes = (uint32_t)c->values.len;
	e.count = c->count;
	rc = image_write(t->bpf_data, &e.base, err);
	if (rc == 0)
		rc = image_write_bytes(t->bpf_data, c->keys.data, c->keys.len, err);
	return rc < 0 ? rc : image_write_bytes(t->bpf_data, c->values.data, c->values.len, err);
}

/* Through a descriptor of our own: the task's may be for writing only. */
static int dump_contents(struct dump *d, const char *holder, const BpfmapFileEntry *m,
			 struct error *err)
{
	struct file_table *t = d->files;
	for (size_t i = 0; i < t->bpf_maps.nr; i++)
		if (t->bpf_maps.items[i] == m->map_id)
			return 0;
	uint32_t *seen = array_add(&t->bpf_maps);
	if (!seen)
		return error_set(err, ENOMEM, "out of memory");
	*seen = m->map_id;
	auto_fd fd = open_by_id(m->map_id, O_RDONLY);
	if (fd < 0)
		return error_sys(err, "%s: open BPF map %u", holder, m->map_id);
	struct contents c = { 0 };
	int rc = read_all(fd, m, &c);
	if (rc < 0)
		rc = error_code(err, rc, "%s: read BPF map %u", holder, m->map_id);
	else if (c.keys.len > UINT32_MAX || c.values.len > UINT32_MAX)
		rc = error_set(err, EFBIG, "%s: BPF map %u holds more than 4 GiB", holder,
			       m->map_id);
	else
		rc = write_contents(d, m, &c, err);
	contents_fini(&c);
	return rc;
}

static int fill_entry(const struct open_file *f, const struct bpf_map_info *info, FileEntry *e,
		      struct error *err)
{
	auto_strbuf text = { 0 };
	uint64_t frozen = 0;
	BpfmapFileEntry *m = malloc(sizeof(*m));
	if (!m)
		return error_set(err, ENOMEM, "out of memory");
	bpfmap_file_entry__init(m);
	e->bpf = m;
	int rc = anon_fdinfo_text(f, &text, err);
	if (rc < 0)
		return rc;
	if (!anon_number(text.data, "memlock:", 10, &m->memlock) ||
	    !anon_number(text.data, "frozen:", 10, &frozen))
		return anon_odd(f, "map", err);
	m->id = e->id;
	m->flags = f->flags;
	m->pos = f->pos;
	m->map_type = info->type;
	m->key_size = info->key_size;
	m->value_size = info->value_size;
	m->map_id = info->id;
	m->max_entries = info->max_entries;
	m->map_flags = info->map_flags;
	m->frozen = frozen != 0;
	m->map_name = strndup(info->name, sizeof(info->name));
	m->ifindex = info->ifindex;
	m->has_map_extra = true;
	m->map_extra = info->map_extra;
	return m->map_name ? 0 : error_set(err, ENOMEM, "out of memory");
}

static int bpf_map_dump(struct dump *d, const struct open_file *f, FileEntry *e, struct error *err)
{
	char holder[96];
	struct bpf_map_info info;
	file_holder(f, holder, sizeof(holder));
	if (read_info(f->fd, &info) < 0)
		return error_sys(err, "%s: ask for its BPF map", holder);
	if (!is_carried(info.type))
		return error_set(err, ENOTSUP,
				 "%s is a BPF map of type %u (%s): not supported, only hashes and "
				 "arrays are; close it before the dump",
				 holder, info.type, type_name(info.type));
	if (info.btf_id)
		log_warn("%s: BPF map %u loses the description of its types (BTF)", holder,
			 info.id);
	int rc = fill_entry(f, &info, e, err);
	if (rc == 0)
		rc = owner_dump(d, f, &e->bpf->fown, err);
	return rc < 0 ? rc : dump_contents(d, holder, e->bpf, err);
}

/* Restore. */

static int bpf_map_check(const FileEntry *e, struct error *err)
{
	const BpfmapFileEntry *m = e->bpf;
	int rc = anon_check(e, m, m ? m->id : 0, m ? m->fown : NULL, "BPF map", err);
	if (rc < 0)
		return rc;
	if (!is_carried(m->map_type))
		return error_set(err, ENOTSUP, "BPF map of type %u (%s): not supported",
				 m->map_type, type_name(m->map_type));
	if (!m->key_size || !m->value_size || !m->max_entries)
		return error_set(err, EBADMSG, "BPF map of %u elements of %u and %u bytes",
				 m->max_entries, m->key_size, m->value_size);
	if (strlen(m->map_name) >= BPF_OBJ_NAME_LEN)
		return error_set(err, EBADMSG, "BPF map with a name of %zu bytes",
				 strlen(m->map_name));
	return 0;
}

static int create(const BpfmapFileEntry *m, struct error *err)
{
	union bpf_attr attr = { .map_type = m->map_type,
				.key_size = m->key_size,
				.value_size = m->value_size,
				.max_entries = m->max_entries,
				/* which node it was the kernel does not tell */
				.map_flags = m->map_flags & ~(uint32_t)BPF_F_NUMA_NODE,
				.map_ifindex = m->ifindex,
				.map_extra = m->has_map_extra ? m->map_extra : 0 };
	memcpy(attr.map_name, m->map_name, strlen(m->map_name));
	int fd = bpf(BPF_MAP_CREATE, &attr);
	return fd < 0 ? error_sys(err, "make BPF map %u (%s)", m->map_id, m->map_name) : fd;
}

struct filling {
	const BpfmapFileEntry *map;
	int fd;
};

static int write_elements(const struct filling *f, const char *bytes, uint32_t count)
{
	const BpfmapFileEntry *m = f->map;
	const char *values = bytes + (size_t)count * m->key_size;
	for (uint32_t done = 0; done < count;) {
		uint32_t want = count - done < BATCH ? count - done : BATCH;
		union bpf_attr attr = {
			.batch = { .keys = address(bytes + (size_t)done * m->key_size),
				   .values = address(values + (size_t)done * m->value_size),
				   .count = want,
				   .map_fd = (uint32_t)f->fd }
		};
		if (bpf(BPF_MAP_UPDATE_BATCH, &attr) < 0)
			return -errno;
		done += want;
	}
	return 0;
}

static int fill_from(void *ctx, struct image_reader *reader, ProtobufCMessage **msg,
		     struct error *err)
{
	const struct filling *f = ctx;
	const BpfmapFileEntry *m = f->map;
	const BpfmapDataEntry *e = (const BpfmapDataEntry *)*msg;
	auto_strbuf bytes = { 0 };
	if (e->map_id != m->map_id)
		return 0;
	if (e->count > m->max_entries || e->keys_bytes != (uint64_t)e->count * m->key_size ||
	    e->values_bytes != (uint64_t)e->count * m->value_size)
		return error_set(
		    err, EBADMSG, "%s: BPF map %u: %u elements in %u and %u bytes do not fit it",
		    image_reader_name(reader), m->map_id, e->count, e->keys_bytes, e->values_bytes);
	int rc = image_payload_take(reader, &bytes, err);
	if (rc < 0)
		return rc;
	rc = write_elements(f, bytes.data, e->count);
	return rc < 0 ? error_code(err, rc, "fill BPF map %u", m->map_id) : 0;
}

static int make(struct restore *r, const BpfmapFileEntry *m, struct error *err)
{
	auto_fd fd = create(m, err);
	if (fd < 0)
		return fd;
	struct filling f = { m, fd };
	int rc = image_each(r->images, IMG_BPFMAP_DATA, 0, fill_from, &f, err);
	union bpf_attr attr = { .map_fd = (uint32_t)fd };
	if (rc == 0 && m->frozen && bpf(BPF_MAP_FREEZE, &attr) < 0)
		rc = error_sys(err, "freeze BPF map %u", m->map_id);
	return rc < 0 ? rc : take_fd(fd);
}

/* The same map, opened before for another description. @return borrowed; -1: none */
static int made_before(const struct file_set *set, uint32_t map_id)
{
	for (size_t i = 0; i < set->nr_items; i++) {
		const struct file_item *item = &set->items[i];
		if (item->type == &file_bpf_map && item->fd >= 0 &&
		    item->entry->bpf->map_id == map_id)
			return item->fd;
	}
	return -1;
}

static int bpf_map_open(struct restore *r, const FileEntry *e, struct error *err)
{
	const BpfmapFileEntry *m = e->bpf;
	uint32_t access = m->flags & O_ACCMODE;
	struct bpf_map_info info;
	auto_fd made = -1;
	int any = made_before(r->files, m->map_id);
	if (any < 0)
		any = made = make(r, m, err);
	if (any < 0)
		return any;
	auto_fd fd = -1;
	if (made >= 0 && access == O_RDWR)
		fd = take_fd(made);
	else if (read_info(any, &info) == 0)
		fd = open_by_id(info.id, access);
	if (fd < 0)
		return error_sys(err, "open BPF map %u", m->map_id);
	int rc = file_set_flags(fd, m->flags, m->fown, err);
	return rc < 0 ? rc : take_fd(fd);
}

static const FownEntry *bpf_map_owner(struct restore *r, const FileEntry *e, uint32_t *flags)
{
	(void)r;
	*flags = e->bpf->flags;
	return e->bpf->fown;
}

const struct file_type file_bpf_map = {
	.name = "BPF map",
	.type = FD_TYPES__BPFMAP,
	.match = bpf_map_match,
	.dump = bpf_map_dump,
	.check = bpf_map_check,
	.open = bpf_map_open,
	.owner = bpf_map_owner,
};
