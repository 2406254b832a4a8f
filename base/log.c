/* SPDX-License-Identifier: MIT
 * The log. Its descriptor and level are, with that of /proc (engine/procfs/root.c), the only
 * process-wide state outside curses and pie.
 */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/utf8.h"

static struct {
	int fd;
	enum log_level level;
	bool timed;
	int64_t start; /* µs */
} log_state = { .fd = STDERR_FILENO, .level = LOG_WARN };

void log_move(int fd)
{
	if (log_state.fd > STDERR_FILENO && log_state.fd != fd)
		close(log_state.fd);
	log_state.fd = fd;
}

void log_to(int fd, enum log_level level)
{
	log_move(fd);
	log_state.level = level;
	log_state.timed = true;
	log_state.start = clock_us();
}

int log_fd(void)
{
	return log_state.fd;
}

void log_write(enum log_level level, const char *fmt, ...)
{
	if (level > log_state.level)
		return;

	char line[2048]; /* a line end stands only at its end, whatever is in names */
	int len = 0;
	if (log_state.timed) {
		long usec = clock_us() - log_state.start;
		len =
		    snprintf(line, sizeof(line), "(%02ld.%06ld) ", usec / 1000000, usec % 1000000);
	}
	if (level == LOG_ERROR || level == LOG_WARN)
		len += snprintf(line + len, sizeof(line) - (size_t)len,
				"%s: ", level == LOG_ERROR ? "Error" : "Warn");

	char text[sizeof(line)];
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	len += (int)utf8_show(text, strlen(text), line + len, sizeof(line) - (size_t)len - 1);
	line[len++] = '\n';
	fd_write_full(log_state.fd, line, (size_t)len); /* a full disk must not stop the work */
}
