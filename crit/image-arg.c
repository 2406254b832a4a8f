/* SPDX-License-Identifier: MIT
 * IMAGE on the command line: a path, ARCHIVE:MEMBER, or - for standard input.
 */
#include "crit/image-arg.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "crit/checkpoint-arg.h"

static int open_stdin(struct image_reader **out, struct error *err)
{
	/* a copy: the stream closes what it is given */
	int fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return error_sys(err, "standard input");
	struct istream *in;
	int rc = istream_open_fd(fd, "standard input", &in, err);
	return rc < 0 ? rc : image_open_stream(in, "standard input", out, err);
}

/* What somebody may have meant that is no image. */
static int not_an_image(const char *path, int rc, struct error *err)
{
	auto_source src = NULL;
	struct source_member const *members;
	if (rc != -EBADMSG || source_open(path, &src, NULL) < 0 ||
	    source_list(src, &members, NULL) <= 0)
		return rc;
	return error_set(err, EBADMSG,
			 "%s is an archive: name an image in it, %s:%s (`crit ls %s`)", path, path,
			 members[0].name, path);
}

static int open_path(const char *path, struct image_reader **out, struct error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return error_sys(err, "open %s", path);
	struct istream *in;
	int rc = istream_open_fd(fd, path, &in, err);
	if (rc == 0)
		rc = image_open_stream(in, path, out, err);
	return rc < 0 ? not_an_image(path, rc, err) : 0;
}

/* The colon that ends the name of an existing file or directory; NULL: none does. */
static const char *member_of(const char *text, char **source_path)
{
	for (const char *colon = strchr(text, ':'); colon; colon = strchr(colon + 1, ':')) {
		char *path = strndup(text, (size_t)(colon - text));
		struct stat st;
		if (path && colon[1] && stat(path, &st) == 0) {
			*source_path = path;
			return colon + 1;
		}
		free(path);
	}
	return NULL;
}

int image_arg_open(struct image_arg *arg, struct image_reader **out, struct error *err)
{
	if (!arg->text || !strcmp(arg->text, "-"))
		return open_stdin(out, err);
	struct stat st;
	bool exists = stat(arg->text, &st) == 0;
	if (exists && S_ISDIR(st.st_mode))
		return error_set(err, EISDIR,
				 "%s is a directory: name an image in it (`crit ls %s`)", arg->text,
				 arg->text);
	if (exists)
		return open_path(arg->text, out, err);
	auto_free char *path = NULL;
	const char *member = member_of(arg->text, &path);
	if (!member)
		return open_path(arg->text, out, err);
	/* with its folder an image is of the set that is meant */
	int rc = arg->src              ? 0
		 : strchr(member, '/') ? source_open(path, &arg->src, err)
				       : source_arg_open(path, &arg->src, err);
	return rc < 0 ? rc : image_open(arg->src, member, out, err);
}

int image_arg_set(struct image_arg *arg, const char **name, struct error *err)
{
	if (!arg->text || !strcmp(arg->text, "-"))
		return error_set(err, EINVAL, "the rest of the set of standard input is not here");
	struct stat st;
	auto_free char *path = NULL;
	const char *slash = strrchr(arg->text, '/');
	*name = stat(arg->text, &st) == 0 ? NULL : member_of(arg->text, &path);
	if (!*name) {
		path = slash ? strndup(arg->text, (size_t)(slash - arg->text) + 1) : strdup(".");
		*name = slash ? slash + 1 : arg->text;
	}
	if (!path)
		return error_set(err, ENOMEM, "out of memory");
	return arg->src ? 0 : source_open(path, &arg->src, err);
}

bool image_arg_is_in(const char *text, const char *path)
{
	struct stat from, to;
	auto_free char *src = NULL, *file = NULL;
	if (!text || stat(path, &to) < 0 || !S_ISREG(to.st_mode))
		return false;
	const char *member = stat(text, &from) < 0 ? member_of(text, &src) : NULL;
	if (member && stat(src, &from) == 0 && S_ISDIR(from.st_mode) &&
	    asprintf(&file, "%s/%s", src, member) < 0) {
		file = NULL;
		return false;
	}
	return stat(file ?: src ?: text, &from) == 0 && from.st_dev == to.st_dev &&
	       from.st_ino == to.st_ino;
}

void image_arg_fini(struct image_arg *arg)
{
	source_close(arg->src);
	arg->src = NULL;
}
