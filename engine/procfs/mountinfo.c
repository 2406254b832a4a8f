/* SPDX-License-Identifier: MIT
 * /proc/PID/mountinfo: id, device and place of each mount.
 */
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "engine/procfs/procfs.h"
#include "engine/procfs/scan.h"

static bool is_octal(struct scan word)
{
	return word.end - word.p >= 3 && word.p[0] >= '0' && word.p[0] <= '3' && word.p[1] >= '0' &&
	       word.p[1] <= '7' && word.p[2] >= '0' && word.p[2] <= '7';
}

/* Blanks, newlines and backslashes stand as \ooo. */
static bool unescape(struct scan word, char *out, size_t size)
{
	size_t n = 0;
	while (word.p < word.end) {
		char c = *word.p++;
		if (c == '\\' && is_octal(word)) {
			c = (char)((word.p[0] - '0') << 6 | (word.p[1] - '0') << 3 |
				   (word.p[2] - '0'));
			word.p += 3;
		}
		if (c == 0 || n + 1 >= size)
			return false;
		out[n++] = c;
	}
	out[n] = 0;
	return true;
}

/* "29 1 254:0 / /mnt/a\040b rw,relatime …" */
static bool parse_line(struct scan line, struct proc_mount *out)
{
	struct scan dev, root, place;
	int parent;
	uint32_t maj, min;
	if (!scan_int(&line, &out->id) || !scan_int(&line, &parent) || !scan_word(&line, &dev) ||
	    !scan_word(&line, &root) || !scan_word(&line, &place))
		return false;
	if (!scan_u32(&dev, 10, &maj) || !scan_literal(&dev, ":") || !scan_u32(&dev, 10, &min))
		return false;
	out->dev = makedev(maj, min);
	return unescape(place, out->path, sizeof(out->path));
}

bool proc_mount_next(const char **text, struct proc_mount *out)
{
	struct scan s = scan_of(*text, strlen(*text)), line;
	while (scan_line(&s, &line)) {
		*text = s.p;
		if (parse_line(line, out))
			return true;
	}
	return false;
}
