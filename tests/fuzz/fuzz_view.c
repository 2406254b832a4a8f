/* SPDX-License-Identifier: MIT
 * A byte that says how many keys follow, the keys, and a set (set.h). Whatever the images say and
 * whatever is pressed, the browser draws it, and what it writes stays in the folder of the set.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "tests/fuzz/look-names.h"
#include "tests/fuzz/set.h"
#include "viewer/app.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { KEYS_MAX = 64, AT_ONCE = 0xff };

static void folder_empty(const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;
	while (dir && (entry = readdir(dir)))
		unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
}

static void set_write(const struct fuzz_set *set, const char *path)
{
	auto_fd dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (ssize_t i = 0; i < set->nr; i++) {
		auto_fd fd = openat(dir, set->members[i].name,
				    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd >= 0 && fd_write_full(fd, set->bytes[i], set->members[i].size) < 0)
			abort();
	}
}

/* Keys with names are above characters; `w` would write anywhere. */
static uint32_t key_of(uint8_t byte)
{
	return byte == 'w' ? KEY_NONE : byte < 0x80 ? byte : KEY_CODE_UP + (byte - 0x80u);
}

/* @param nr  keys; those behind AT_ONCE come before anything is done about them */
static void keys_press(struct app *app, const uint8_t *keys, size_t nr)
{
	bool at_once = false;
	for (size_t i = 0; i < nr && !app->quit; i++) {
		struct key_event event = { key_of(keys[i]), keys[i] & 31, keys[nr - 1 - i] & 15 };
		if (event.key > KEY_CODE_WHEEL_DOWN || keys[i] == AT_ONCE) {
			at_once = !at_once;
			continue;
		}
		app_key(app, &event);
		if (!at_once)
			app_settle(app);
		if (app->reopen && app_reopen(app, NULL) < 0)
			return; /* there is nothing left to show */
	}
	app_settle(app);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[] = "/tmp/stasis-fuzz-XXXXXX";
	struct fuzz_set set = { 0 };
	struct app *app;
	struct error err = { 0 };
	size_t nr_keys = size ? data[0] % KEYS_MAX : 0;
	if (size < nr_keys + 2)
		return 0;
	if (!mkdtemp(path))
		abort();
	fuzz_set_fill(&set, look_names, nr_look_names, data + 1 + nr_keys, size - 1 - nr_keys);
	set_write(&set, path);
	int rc = app_new(&(struct app_options){ .path = path, .edit = true }, &app, &err);
	if (rc == 0) {
		app_settle(app);
		keys_press(app, data + 1, nr_keys);
		app_free(app);
	} else if (!err.code) {
		abort();
	}
	folder_empty(path);
	rmdir(path);
	return 0;
}
