/* SPDX-License-Identifier: MIT
 * /proc/PID/timers: four lines per POSIX timer, "ID:" starting the next one.
 */
#include <signal.h>
#include <stdlib.h>

#include "base/array.h"
#include "engine/procfs/procfs.h"
#include "engine/procfs/scan.h"

/* "signal: 14/00007ffd1c3e6a48": number and sigev_value, a pointer in hex. */
static bool parse_signal(struct scan s, struct proc_timer *t)
{
	return scan_int(&s, &t->signo) && scan_literal(&s, "/") && scan_u64(&s, 16, &t->sival_ptr);
}

/* "notify: signal/pid.123", "none/pid.123", "thread/tid.124" */
static bool parse_notify(struct scan s, struct proc_timer *t)
{
	scan_blanks(&s);
	if (scan_literal(&s, "signal/"))
		t->notify = SIGEV_SIGNAL;
	else if (scan_literal(&s, "none/"))
		t->notify = SIGEV_NONE;
	else if (scan_literal(&s, "thread/"))
		t->notify = SIGEV_THREAD;
	else
		return false;
	bool one_thread = scan_literal(&s, "tid.");
	if (!one_thread && !scan_literal(&s, "pid."))
		return false;
	if (!scan_int(&s, &t->notify_tid))
		return false;
	/* What user space calls SIGEV_THREAD is a plain signal to the kernel. */
	if (one_thread)
		t->notify |= SIGEV_THREAD_ID;
	return true;
}

int proc_timers_parse(const char *buf, size_t len, struct proc_timers *out, struct error *err)
{
	struct scan s = scan_of(buf, len), line;
	struct proc_timers list = { 0 };
	while (scan_line(&s, &line)) {
		struct proc_timer *last = list.nr ? &list.items[list.nr - 1] : NULL;
		bool ok = true;
		if (scan_literal(&line, "ID:")) {
			last = array_add(&list);
			ok = last && scan_int(&line, &last->id);
		} else if (scan_literal(&line, "signal:")) {
			ok = last && parse_signal(line, last);
		} else if (scan_literal(&line, "notify:")) {
			ok = last && parse_notify(line, last);
		} else if (scan_literal(&line, "ClockID:")) {
			ok = last && scan_int(&line, &last->clock);
		}
		if (!ok) {
			free(list.items);
			return error_set(err, EPROTO, "/proc timers: cannot read timer %zu",
					 list.nr);
		}
	}
	*out = list;
	return 0;
}
