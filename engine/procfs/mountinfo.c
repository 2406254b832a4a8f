/* SPDX-License-Identifier: MIT
 * /proc/PID/mountinfo: every mount of a namespace.
 * Source: proc(5), mount(2) for the flags.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>

#include "base/array.h"
#include "engine/procfs/procfs.h"

struct flag_word {
	const char *word;
	uint32_t flag;
};

/* Of the mount, and of the file system. */
static const struct flag_word mount_words[] = {
	{ "ro", MS_RDONLY },         { "nosuid", MS_NOSUID },   { "nodev", MS_NODEV },
	{ "noexec", MS_NOEXEC },     { "noatime", MS_NOATIME }, { "nodiratime", MS_NODIRATIME },
	{ "relatime", MS_RELATIME }, { "nosymfollow", 256 },
};
static const struct flag_word sb_words[] = {
	{ "ro", MS_RDONLY },     { "sync", MS_SYNCHRONOUS },  { "dirsync", MS_DIRSYNC },
	{ "mand", MS_MANDLOCK }, { "lazytime", MS_LAZYTIME },
};

static uint32_t flag_of(const struct flag_word *words, size_t nr, const char *word)
{
	for (size_t i = 0; i < nr; i++)
		if (!strcmp(words[i].word, word))
			return words[i].flag;
	return 0;
}

static void parse_flags(char *words, struct proc_mount *m)
{
	char *word;
	while ((word = strsep(&words, ",")) != NULL) {
		m->flags |= flag_of(mount_words, ARRAY_SIZE(mount_words), word);
		m->idmapped = m->idmapped || !strcmp(word, "idmapped");
	}
	if (!(m->flags & (MS_RELATIME | MS_NOATIME)))
		m->flags |= MS_STRICTATIME; /* it has no word */
}

/* What is no flag stays, in its place. */
static uint32_t parse_options(char *words)
{
	uint32_t flags = 0;
	char *out = words, *word;
	bool first = true;
	for (char *rest = words; (word = strsep(&rest, ",")) != NULL;) {
		uint32_t flag = flag_of(sb_words, ARRAY_SIZE(sb_words), word);
		flags |= flag;
		if (flag || !strcmp(word, "rw") || !*word)
			continue;
		size_t len = strlen(word);
		if (!first)
			*out++ = ',';
		memmove(out, word, len);
		out += len;
		first = false;
	}
	*out = 0;
	return flags;
}

static bool is_octal(const char *p)
{
	return p[0] >= '0' && p[0] <= '3' && p[1] >= '0' && p[1] <= '7' && p[2] >= '0' &&
	       p[2] <= '7';
}

/* Blanks, newlines and backslashes stand as \ooo. */
static bool unescape(char *text)
{
	char *out = text;
	while (*text) {
		char c = *text++;
		if (c == '\\' && is_octal(text)) {
			c = (char)((text[0] - '0') << 6 | (text[1] - '0') << 3 | (text[2] - '0'));
			text += 3;
		}
		if (c == 0)
			return false;
		*out++ = c;
	}
	*out = 0;
	return true;
}

static bool parse_number(const char *word, int *out)
{
	char *end;
	long n = word ? strtol(word, &end, 10) : -1;
	if (!word || end == word || *end || n < 0 || n > INT32_MAX)
		return false;
	*out = (int)n;
	return true;
}

static bool parse_dev(char *word, dev_t *out)
{
	int maj, min;
	char *colon = word ? strchr(word, ':') : NULL;
	if (!colon)
		return false;
	*colon = 0;
	if (!parse_number(word, &maj) || !parse_number(colon + 1, &min))
		return false;
	*out = makedev((unsigned)maj, (unsigned)min);
	return true;
}

/* "shared:3", up to a lone "-". */
static bool parse_optional(char **rest, struct proc_mount *m)
{
	char *word;
	while ((word = strsep(rest, " ")) != NULL && strcmp(word, "-") != 0) {
		if (!strncmp(word, "shared:", 7) && !parse_number(word + 7, &m->shared))
			return false;
		if (!strncmp(word, "master:", 7) && !parse_number(word + 7, &m->master))
			return false;
		if (!strcmp(word, "unbindable"))
			m->unbindable = true;
	}
	return word != NULL;
}

/* "29 1 254:0 / /mnt/a\040b rw,relatime shared:1 - ext4 /dev/vda rw,discard" */
static bool parse_line(char *line, struct proc_mount *m)
{
	*m = (struct proc_mount){ 0 };
	char *rest = line;
	if (!parse_number(strsep(&rest, " "), &m->id) ||
	    !parse_number(strsep(&rest, " "), &m->parent) ||
	    !parse_dev(strsep(&rest, " "), &m->dev))
		return false;
	m->root = strsep(&rest, " ");
	m->path = strsep(&rest, " ");
	char *flags = strsep(&rest, " ");
	if (!flags || !parse_optional(&rest, m))
		return false;
	m->type = strsep(&rest, " ");
	m->source = strsep(&rest, " ");
	m->options = rest;
	if (!m->source || !rest || !unescape(m->root) || !unescape(m->path) ||
	    !unescape(m->source) || !unescape(m->options))
		return false;
	parse_flags(flags, m);
	m->sb_flags = parse_options(m->options);
	return true;
}

void proc_mounts_fini(struct proc_mounts *list)
{
	free(list->items);
	free(list->text);
	*list = (struct proc_mounts){ 0 };
}

int proc_mounts_parse(const char *buf, size_t len, struct proc_mounts *out, struct error *err)
{
	struct proc_mounts list = { .text = strndup(buf, len) };
	int rc = list.text ? 0 : error_set(err, ENOMEM, "out of memory");
	char *rest = list.text, *line;
	while (rc == 0 && rest && (line = strsep(&rest, "\n")) != NULL) {
		if (!*line)
			continue;
		struct proc_mount *m = array_add(&list);
		if (!m)
			rc = error_set(err, ENOMEM, "out of memory");
		else if (!parse_line(line, m))
			rc = error_set(err, EPROTO, "/proc/PID/mountinfo: line %zu is none",
				       list.nr);
	}
	if (rc < 0) {
		proc_mounts_fini(&list);
		return rc;
	}
	*out = list;
	return 0;
}
