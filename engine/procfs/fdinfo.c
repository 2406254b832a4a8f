/* SPDX-License-Identifier: MIT
 * /proc/PID/fdinfo/N: the lines every type of descriptor has.
 */
#include "engine/procfs/procfs.h"
#include "engine/procfs/scan.h"

int proc_fdinfo_parse(const char *buf, size_t len, struct proc_fdinfo *out, struct error *err)
{
	struct scan s = scan_of(buf, len), line;
	struct proc_fdinfo info = { .mnt_id = -1 };
	bool has_flags = false;
	while (scan_line(&s, &line)) {
		bool ok = true;
		if (scan_literal(&line, "pos:"))
			ok = scan_u64(&line, 10, &info.pos);
		else if (scan_literal(&line, "flags:"))
			ok = has_flags = scan_u32(&line, 8, &info.flags);
		else if (scan_literal(&line, "mnt_id:"))
			ok = scan_int(&line, &info.mnt_id);
		else if (scan_literal(&line, "ino:")) /* since Linux 5.14 */
			ok = scan_u64(&line, 10, &info.ino);
		if (!ok)
			return error_set(err, EPROTO, "/proc fdinfo: a line without its number");
	}
	if (!has_flags)
		return error_set(err, EPROTO, "/proc fdinfo: no flags line");
	*out = info;
	return 0;
}
