/* SPDX-License-Identifier: MIT
 * An image set inside an archive: which folder of the archive it is, and the sets it links to.
 */
#include "images/backend.h"

#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/strbuf.h"
#include "images/archive.h"
#include "images/image-type.h"
#include "images/seekable.h"

/* of the sets that were not taken */
enum { OTHERS_NAMED = 4 };

struct source_archive {
	struct source base;
	struct archive_index *index;
	char *prefix; /* "checkpoint/", or "": without "./" */
	struct strbuf choice;
	struct source_member *list;
};

/* A folder of the archive that holds images. */
struct folder {
	const char *path; /* borrowed, not terminated */
	size_t len;       /* up to and including the last slash */
	size_t depth, nr_images;
	bool has_inventory, has_pstree;
	bool is_parent; /* another set leads to it */
};

static int folder_compare(const void *a_, const void *b_)
{
	const struct folder *a = a_, *b = b_;
	size_t len = a->len < b->len ? a->len : b->len;
	int rc = memcmp(a->path, b->path, len);
	return rc ? rc : (a->len > b->len) - (a->len < b->len);
}

/* A whole set before part of one, a final set before a pre-dump, the last of a chain before the
 * others, then the shallower, the larger. */
static bool folder_better(const struct folder *a, const struct folder *b)
{
	if (a->has_inventory != b->has_inventory)
		return a->has_inventory;
	if (a->has_pstree != b->has_pstree)
		return a->has_pstree;
	if (a->is_parent != b->is_parent)
		return b->is_parent;
	if (a->depth != b->depth)
		return a->depth < b->depth;
	return a->nr_images > b->nr_images;
}

static void folder_of(const struct archive_member *m, struct folder *out)
{
	const char *slash = strrchr(m->bare, '/');
	const char *name = slash ? slash + 1 : m->bare;
	*out = (struct folder){
		.path = m->bare,
		.len = (size_t)(name - m->bare),
		.nr_images = 1,
		.has_inventory = !strcmp(name, "inventory.img"),
		.has_pstree = !strcmp(name, "pstree.img"),
	};
	for (size_t i = 0; i < out->len; i++)
		out->depth += m->bare[i] == '/';
}

static void folders_merge(struct folder *folders, size_t *nr)
{
	size_t kept = 0;
	for (size_t i = 0; i < *nr; i++) {
		if (kept && !folder_compare(&folders[kept - 1], &folders[i])) {
			struct folder *same = &folders[kept - 1];
			same->nr_images++;
			same->has_inventory |= folders[i].has_inventory;
			same->has_pstree |= folders[i].has_pstree;
		} else {
			folders[kept++] = folders[i];
		}
	}
	*nr = kept;
}

/*
 * "checkpoint/" and "../pre-checkpoint" to "pre-checkpoint/": text only, nothing is looked up.
 * @return 0; -ENOENT when the way leads out of the archive
 */
static int join_folder(const char *prefix, const char *link, struct strbuf *out)
{
	auto_strbuf all = { 0 };
	int rc = *link == '/' ? -ENOENT : strbuf_printf(&all, "%s%s/", prefix, link);
	if (rc < 0)
		return rc;
	for (char *part = all.data, *end; (end = strchr(part, '/')); part = end + 1) {
		*end = '\0';
		if (!*part || !strcmp(part, "."))
			continue;
		if (strcmp(part, "..")) {
			rc = strbuf_printf(out, "%s/", part);
			if (rc < 0)
				return rc;
			continue;
		}
		if (!out->len)
			return -ENOENT;
		do {
			out->len--;
		} while (out->len && out->data[out->len - 1] != '/');
		out->data[out->len] = '\0';
	}
	return out->len ? 0 : strbuf_str(out, "");
}

/* A link `parent` of a set leads to the one before it. */
static int mark_parents(const struct archive_member *members, size_t nr, struct folder *folders,
			size_t nr_folders)
{
	for (size_t i = 0; i < nr; i++) {
		struct folder set;
		auto_strbuf to = { 0 };
		const struct archive_member *m = &members[i];
		folder_of(m, &set);
		if (!m->link || m->hard || strcmp(m->bare + set.len, "parent"))
			continue;
		auto_free char *prefix = strndup(set.path, set.len);
		int rc = prefix ? join_folder(prefix, m->link, &to) : -ENOMEM;
		if (rc == -ENOMEM)
			return rc;
		const struct folder key = { .path = to.data, .len = to.len };
		struct folder *parent =
		    rc < 0 ? NULL
			   : bsearch(&key, folders, nr_folders, sizeof(*folders), folder_compare);
		if (parent)
			parent->is_parent = true;
	}
	return 0;
}

static int folder_name(const struct folder *folder, const char *before, struct strbuf *out)
{
	if (!folder->len)
		return strbuf_printf(out, "%s./", before);
	return strbuf_printf(out, "%s%.*s", before, (int)folder->len, folder->path);
}

/* Whole sets that no other leads to, besides the one that is taken. */
static int choice_tell(const struct folder *folders, size_t nr, const struct folder *best,
		       struct strbuf *out)
{
	size_t others = 0;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < nr; i++) {
		if (&folders[i] == best || !folders[i].has_pstree || folders[i].is_parent)
			continue;
		if (++others == 1)
			rc = folder_name(best, "", out);
		if (rc == 0 && others <= OTHERS_NAMED)
			rc = folder_name(&folders[i], others == 1 ? ", not " : ", ", out);
	}
	if (rc == 0 && others > OTHERS_NAMED)
		rc = strbuf_printf(out, " and %zu more", others - OTHERS_NAMED);
	return rc;
}

/*
 * The prefix of the image set; "" when nothing in the archive looks like one.
 * @param choice  what was left for it; empty: nothing
 */
static int find_prefix(const struct archive_index *index, char **out, struct strbuf *choice)
{
	const struct archive_member *members;
	size_t nr = archive_index_members(index, &members);
	auto_free struct folder *folders = calloc(nr + 1, sizeof(*folders));
	if (!folders)
		return -ENOMEM;
	size_t nr_folders = 0;
	for (size_t i = 0; i < nr; i++) {
		if ((!members[i].link || members[i].hard) &&
		    image_type_by_filename(members[i].path))
			folder_of(&members[i], &folders[nr_folders++]);
	}
	qsort(folders, nr_folders, sizeof(*folders), folder_compare);
	folders_merge(folders, &nr_folders);
	if (mark_parents(members, nr, folders, nr_folders) < 0)
		return -ENOMEM;
	size_t best = 0;
	for (size_t i = 1; i < nr_folders; i++) {
		if (folder_better(&folders[i], &folders[best]))
			best = i;
	}
	if (nr_folders && choice_tell(folders, nr_folders, &folders[best], choice) < 0)
		return -ENOMEM;
	*out = nr_folders ? strndup(folders[best].path, folders[best].len) : strdup("");
	return *out ? 0 : -ENOMEM;
}

static int member_compare(const void *a, const void *b)
{
	return strverscmp(((const struct source_member *)a)->name,
			  ((const struct source_member *)b)->name);
}

static ssize_t archive_list(struct source *src, struct source_member **out, struct error *err)
{
	struct source_archive *sa = (struct source_archive *)src;
	const struct archive_member *members;
	size_t nr_all = archive_index_members(sa->index, &members), nr = 0;
	size_t prefix_len = strlen(sa->prefix);
	free(sa->list);
	sa->list = calloc(nr_all + 1, sizeof(*sa->list));
	if (!sa->list)
		return error_set(err, ENOMEM, "%s: out of memory", src->name);
	for (size_t i = 0; i < nr_all; i++) {
		const struct archive_member *m = &members[i];
		if (m->link && !m->hard)
			continue;
		bool inside = !strncmp(m->bare, sa->prefix, prefix_len);
		const char *name = m->bare + (inside ? prefix_len : 0);
		for (int hops = 0; m && m->hard && hops < 8; hops++)
			m = archive_index_find(sa->index, m->link);
		if (m && !m->link)
			sa->list[nr++] = (struct source_member){
				.name = name,
				.path = members[i].path,
				.own = inside && !strchr(name, '/'),
				.size = m->size,
				.mode = m->mode,
				.mtime_s = m->mtime_s,
			};
	}
	qsort(sa->list, nr, sizeof(*sa->list), member_compare);
	*out = sa->list;
	return (ssize_t)nr;
}

static const struct archive_member *find_in_set(const struct source_archive *sa, const char *name)
{
	auto_free char *path = NULL;
	if (asprintf(&path, "%s%s", sa->prefix, name) < 0) {
		path = NULL;
		return NULL;
	}
	return archive_index_find(sa->index, path);
}

/* Another set of the archive may have one of this name. Engines put statistics beside the set. */
static bool is_of_set(const char *name)
{
	const struct image_type *type = image_type_by_filename(name);
	return !strchr(name, '/') && (seekable_name(name) || (type && type->id != IMG_STATS));
}

static int archive_open_member(struct source *src, const char *name, struct istream **out,
			       struct error *err)
{
	struct source_archive *sa = (struct source_archive *)src;
	const struct archive_member *m = find_in_set(sa, name);
	if (!m && !is_of_set(name))
		m = archive_index_find(sa->index, name);
	if (!m)
		return error_set(err, ENOENT, "%s has no member %s%s", src->name,
				 strchr(name, '/') ? "" : sa->prefix, name);
	return archive_index_stream(sa->index, m, name, out, err);
}

static bool folder_exists(const struct archive_index *index, const char *prefix)
{
	const struct archive_member *members;
	size_t nr = archive_index_members(index, &members);
	for (size_t i = 0; i < nr; i++) {
		if (!strncmp(members[i].bare, prefix, strlen(prefix)))
			return true;
	}
	return false;
}

/* Takes the index reference and the prefix, also when it fails. */
static int archive_new(const struct source_ops *ops, struct archive_index *index, char *prefix_,
		       const char *name, struct source **out, struct error *err)
{
	auto_free char *prefix = prefix_;
	auto_free char *copy = strdup(name);
	struct source_archive *sa = calloc(1, sizeof(*sa));
	if (!sa || !copy || !prefix) {
		free(sa);
		archive_index_unref(index);
		return error_set(err, ENOMEM, "%s: out of memory", name);
	}
	sa->base = (struct source){ .ops = ops, .name = take_ptr(copy) };
	sa->index = index;
	sa->prefix = take_ptr(prefix);
	*out = &sa->base;
	return 0;
}
static int archive_open_parent(struct source *src, struct source **out, struct error *err)
{
	struct source_archive *sa = (struct source_archive *)src;
	const struct archive_member *m = find_in_set(sa, "parent");
	if (!m || !m->link || m->hard)
		return 0;
	auto_strbuf folder = { 0 };
	int rc = join_folder(sa->prefix, m->link, &folder);
	if (rc == -ENOMEM)
		return error_set(err, ENOMEM, "%s: out of memory", src->name);
	const char *prefix = rc == 0 ? folder.data : "";
	if (rc < 0 || !folder_exists(sa->index, prefix))
		return error_set(err, ENOENT,
				 "%s: its parent set %s is not in the archive, pack them together",
				 src->name, m->link);
	auto_free char *name = NULL;
	if (asprintf(&name, "%s:%s", src->name, prefix) < 0) {
		name = NULL;
		return error_set(err, ENOMEM, "%s: out of memory", src->name);
	}
	return archive_new(src->ops, archive_index_ref(sa->index), strdup(prefix), name, out, err);
}

static int archive_empty_folders(struct source *src, source_folder_fn found, void *arg,
				 struct error *err)
{
	struct source_archive *sa = (struct source_archive *)src;
	char *const *folders;
	size_t nr = archive_index_empty_folders(sa->index, &folders);
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < nr; i++)
		rc = found(arg, folders[i], err);
	return rc;
}

static int archive_doubles(struct source *src, source_folder_fn found, void *arg, struct error *err)
{
	struct source_archive *sa = (struct source_archive *)src;
	const struct archive_member *members;
	size_t nr = archive_index_members(sa->index, &members);
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < nr; i++)
		rc = members[i].again ? found(arg, members[i].path, err) : 0;
	return rc;
}

static int archive_lacks_nothing(struct source *src, bool folders, struct error *err)
{
	struct source_archive *sa = (struct source_archive *)src;
	const struct archive_member *members;
	size_t nr = archive_index_members(sa->index, &members);
	const char *other = archive_index_other(sa->index);
	(void)folders;
	if (other)
		return error_set(
		    err, EINVAL,
		    "%s: member %s is neither a file nor a folder: it would be left out", src->name,
		    other);
	for (size_t i = 0; i < nr; i++) {
		const char *slash = strrchr(members[i].bare, '/');
		if (members[i].link && !members[i].hard &&
		    strcmp(slash ? slash + 1 : members[i].bare, "parent"))
			return error_set(err, EINVAL,
					 "%s: member %s is a link, which would be left out",
					 src->name, members[i].path);
	}
	return 0;
}

static const char *archive_choice(const struct source *src)
{
	const struct source_archive *sa = (const struct source_archive *)src;
	return sa->choice.len ? sa->choice.data : NULL;
}

static void archive_close(struct source *src)
{
	struct source_archive *sa = (struct source_archive *)src;
	archive_index_unref(sa->index);
	free(sa->prefix);
	strbuf_fini(&sa->choice);
	free(sa->list);
	free(sa);
}

static const struct source_ops archive_ops = {
	.list = archive_list,
	.open_member = archive_open_member,
	.open_parent = archive_open_parent,
	.empty_folders = archive_empty_folders,
	.doubles = archive_doubles,
	.lacks_nothing = archive_lacks_nothing,
	.choice = archive_choice,
	.close = archive_close,
	.is_archive = true,
};

int source_archive_open(int fd, const char *name, struct error *damage, struct progress *progress,
			struct source **out, struct error *err)
{
	struct archive_index *index;
	int rc = archive_index_open(fd, name, damage, progress, &index, err);
	if (rc < 0)
		return rc;
	char *prefix;
	auto_strbuf choice = { 0 };
	rc = find_prefix(index, &prefix, &choice);
	if (rc < 0) {
		archive_index_unref(index);
		return error_code(err, rc, "%s", name);
	}
	rc = archive_new(&archive_ops, index, prefix, name, out, err);
	if (rc == 0) {
		((struct source_archive *)*out)->choice = choice;
		choice = (struct strbuf){ 0 };
	}
	return rc;
}
