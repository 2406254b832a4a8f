/* SPDX-License-Identifier: MIT
 * Labels of security modules.
 */
#include "engine/task/label.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/io.h"

/* Modules end it with a newline, a NUL or neither. */
static void cut_end(struct strbuf *label)
{
	while (label->len > 0 &&
	       (label->data[label->len - 1] == '\n' || label->data[label->len - 1] == '\0'))
		label->data[--label->len] = '\0';
}

int label_read(int proc, const char *path, struct strbuf *out, struct error *err)
{
	char file[64];
	struct error why = { 0 };
	snprintf(file, sizeof(file), "%s/attr/current", path);
	int rc = file_read_at(proc, file, out, &why);
	if (rc == -ENOENT || rc == -EINVAL) { /* built without modules; none that gives labels */
		strbuf_reset(out);
		return 0;
	}
	if (rc < 0)
		return error_set(err, rc, "%s", why.text);
	cut_end(out);
	return 0;
}

static bool is_free(const struct strbuf *label, const struct strbuf *own)
{
	return label->len == 0 || !strcmp(label->data, "unconfined") ||
	       (own->len > 0 && !strcmp(label->data, own->data));
}

int label_check(int proc_fd, pid_t tid, const struct strbuf *own, struct error *err)
{
	char path[32];
	auto_strbuf label = { 0 };
	snprintf(path, sizeof(path), "task/%d", tid);
	int rc = label_read(proc_fd, path, &label, err);
	if (rc < 0 || is_free(&label, own))
		return rc;
	return error_set(
	    err, ENOTSUP,
	    "thread %d has the security label %s, which images do not carry: it would "
	    "come back without; start it without one (unconfined), or dump and restore "
	    "from inside of the same",
	    tid, label.data);
}
