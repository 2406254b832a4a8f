/* SPDX-License-Identifier: MIT
 * /proc/PID/stat: one line, the name in parentheses (which it may contain itself), then numbers.
 */
#include <string.h>

#include "engine/procfs/procfs.h"
#include "engine/procfs/scan.h"

#include "base/array.h"

/* Where a field goes; numbers are those of proc(5), the state being 3. */
struct stat_field {
	int nr;
	enum { FIELD_INT, FIELD_U32, FIELD_U64 } kind;
	size_t offset;
};

#define FIELD(nr, kind, member)                                                                    \
	{                                                                                          \
		nr, FIELD_##kind, offsetof(struct proc_stat, member)                               \
	}

static const struct stat_field fields[] = {
	FIELD(4, INT, ppid),         FIELD(5, INT, pgid),         FIELD(6, INT, sid),
	FIELD(7, INT, tty_nr),       FIELD(8, INT, tpgid),        FIELD(9, U32, flags),
	FIELD(19, INT, nice),        FIELD(22, U64, start_time),  FIELD(26, U64, start_code),
	FIELD(27, U64, end_code),    FIELD(28, U64, start_stack), FIELD(38, INT, exit_signal),
	FIELD(40, INT, rt_priority), FIELD(41, INT, policy),      FIELD(45, U64, start_data),
	FIELD(46, U64, end_data),    FIELD(47, U64, start_brk),   FIELD(48, U64, arg_start),
	FIELD(49, U64, arg_end),     FIELD(50, U64, env_start),   FIELD(51, U64, env_end),
	FIELD(52, INT, exit_code),
};
#define LAST_FIELD 52

static bool store(const struct stat_field *f, struct scan word, struct proc_stat *out)
{
	void *at = (char *)out + f->offset;
	switch (f->kind) {
	case FIELD_INT:
		return scan_int(&word, at) && word.p == word.end;
	case FIELD_U32:
		return scan_u32(&word, 10, at) && word.p == word.end;
	case FIELD_U64:
		return scan_u64(&word, 10, at) && word.p == word.end;
	}
	return false;
}

static const char *last_parenthesis(struct scan s)
{
	for (const char *p = s.end; p > s.p; p--) {
		if (p[-1] == ')')
			return p - 1;
	}
	return NULL;
}

/* "123 (name) " */
static int parse_name(struct scan *s, struct proc_stat *out, struct error *err)
{
	if (!scan_int(s, &out->pid) || !scan_literal(s, " ("))
		return error_set(err, EPROTO, "/proc stat: does not start with a pid and a name");
	const char *close = last_parenthesis(*s);
	if (!close || (size_t)(close - s->p) >= sizeof(out->comm))
		return error_set(err, EPROTO, "/proc stat: the name does not end");
	memcpy(out->comm, s->p, (size_t)(close - s->p));
	s->p = close + 1;
	return 0;
}

int proc_stat_parse(const char *buf, size_t len, struct proc_stat *out, struct error *err)
{
	struct scan s = scan_of(buf, len), word;
	struct proc_stat st = { 0 };
	int rc = parse_name(&s, &st, err);
	if (rc < 0)
		return rc;
	if (!scan_word(&s, &word) || word.end - word.p != 1)
		return error_set(err, EPROTO, "/proc stat: no state after the name");
	st.state = *word.p;

	size_t next = 0;
	for (int nr = 4; nr <= LAST_FIELD; nr++) {
		if (!scan_word(&s, &word))
			return error_set(err, EPROTO, "/proc stat: ends before field %d", nr);
		if (fields[next].nr != nr)
			continue;
		if (!store(&fields[next], word, &st))
			return error_set(err, EPROTO, "/proc stat: field %d is no number", nr);
		next++;
	}
	*out = st;
	return 0;
}
