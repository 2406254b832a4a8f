/* SPDX-License-Identifier: MIT
 * /proc/PID/status: "Key:\tvalue" lines, one row of the table per key that is needed.
 */
#include <string.h>

#include "base/array.h"
#include "engine/procfs/procfs.h"
#include "engine/procfs/scan.h"

struct status_key {
	const char *key;
	bool (*parse)(struct scan s, struct proc_status *out, size_t offset);
	size_t offset;
	bool required;
};

static bool four_ids(struct scan s, struct proc_status *out, size_t offset)
{
	uint32_t *ids = (uint32_t *)((char *)out + offset);
	for (int i = 0; i < 4; i++) {
		if (!scan_u32(&s, 10, &ids[i]))
			return false;
	}
	return true;
}

static bool hex_u64(struct scan s, struct proc_status *out, size_t offset)
{
	return scan_u64(&s, 16, (uint64_t *)((char *)out + offset));
}

static bool octal_u32(struct scan s, struct proc_status *out, size_t offset)
{
	return scan_u32(&s, 8, (uint32_t *)((char *)out + offset));
}

static bool number(struct scan s, struct proc_status *out, size_t offset)
{
	return scan_int(&s, (int *)((char *)out + offset));
}

/* The kernel escapes a newline and the backslash. */
static bool name(struct scan s, struct proc_status *out, size_t offset)
{
	char *to = (char *)out + offset, *last = to + sizeof(out->comm) - 1;
	if (!scan_literal(&s, "\t"))
		return false;
	for (; s.p < s.end && to < last; s.p++) {
		bool escaped = *s.p == '\\' && s.p + 1 < s.end;
		s.p += escaped;
		*to++ = escaped && *s.p == 'n' ? '\n' : *s.p;
	}
	*to = 0;
	return s.p == s.end;
}

/* NSpid and its like: one id per nested pid namespace, outermost first. */
static bool levels(struct scan s, struct proc_status *out, size_t offset)
{
	int nr = 0, *ids = (int *)((char *)out + offset);
	for (scan_blanks(&s); s.p < s.end; scan_blanks(&s)) {
		if (nr == PROC_PID_LEVELS || !scan_int(&s, &ids[nr++]))
			return false;
	}
	if (offset == offsetof(struct proc_status, pids))
		out->ns_pid_depth = nr;
	return nr > 0;
}

static bool group_list(struct scan s, struct proc_status *out, size_t offset)
{
	(void)offset;
	struct {
		uint32_t *items;
		size_t nr, cap;
	} list = { 0 };
	for (scan_blanks(&s); s.p < s.end; scan_blanks(&s)) {
		uint32_t *gid = array_add(&list);
		if (!gid || !scan_u32(&s, 10, gid)) {
			free(list.items);
			return false;
		}
	}
	free(out->groups);
	out->groups = list.items;
	out->nr_groups = list.nr;
	return true;
}

#define KEY(key, parse, member, required)                                                          \
	{                                                                                          \
		key ":", parse, offsetof(struct proc_status, member), required                     \
	}

static const struct status_key keys[] = {
	KEY("Name", name, comm, true),
	KEY("Umask", octal_u32, umask, false), /* absent in zombies */
	KEY("TracerPid", number, tracer_pid, true),
	KEY("Uid", four_ids, uids, true),
	KEY("Gid", four_ids, gids, true),
	KEY("FDSize", number, fd_size, false),
	KEY("Groups", group_list, groups, true),
	KEY("NSpid", levels, pids, true),
	KEY("NSpgid", levels, pgids, true),
	KEY("NSsid", levels, sids, true),
	KEY("Threads", number, nr_threads, true),
	KEY("SigPnd", hex_u64, sig_pending, true),
	KEY("ShdPnd", hex_u64, shared_pending, true),
	KEY("SigBlk", hex_u64, sig_blocked, true),
	KEY("SigIgn", hex_u64, sig_ignored, true),
	KEY("SigCgt", hex_u64, sig_caught, true),
	KEY("CapInh", hex_u64, cap_inh, true),
	KEY("CapPrm", hex_u64, cap_prm, true),
	KEY("CapEff", hex_u64, cap_eff, true),
	KEY("CapBnd", hex_u64, cap_bnd, true),
	KEY("CapAmb", hex_u64, cap_amb, false), /* since Linux 4.3 */
	KEY("NoNewPrivs", number, no_new_privs, false),
	KEY("Seccomp", number, seccomp_mode, false), /* only with CONFIG_SECCOMP */
};

static int parse_line(struct scan line, uint32_t *seen, struct proc_status *out, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(keys) && line.p < line.end; i++) {
		struct scan value = line;
		if (*line.p != *keys[i].key || !scan_literal(&value, keys[i].key))
			continue;
		if (!keys[i].parse(value, out, keys[i].offset))
			return error_set(err, EPROTO, "/proc status: cannot read the %s line",
					 keys[i].key);
		*seen |= 1u << i;
		return 0;
	}
	return 0;
}

int proc_status_parse(const char *buf, size_t len, struct proc_status *out, struct error *err)
{
	struct scan s = scan_of(buf, len), line;
	struct proc_status st = { 0 };
	uint32_t seen = 0;
	_Static_assert(ARRAY_SIZE(keys) <= 32, "a bit per key");

	int rc = 0;
	while (rc == 0 && scan_line(&s, &line))
		rc = parse_line(line, &seen, &st, err);
	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(keys); i++) {
		if (keys[i].required && !(seen & 1u << i))
			rc = error_set(err, EPROTO, "/proc status: no %s line", keys[i].key);
	}
	if (rc < 0) {
		proc_status_fini(&st);
		return rc;
	}
	*out = st;
	return 0;
}

void proc_status_fini(struct proc_status *st)
{
	free(st->groups);
	st->groups = NULL;
	st->nr_groups = 0;
}
