/* SPDX-License-Identifier: MIT
 * main() for a fuzz target without a fuzzer: every file of the named folders goes through it once.
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
	FILE *f = fopen(path, "re");
	if (!f) {
		printf("not ok - %s: %s\n", path, strerror(errno));
		return 1;
	}
	struct stat st;
	size_t size = fstat(fileno(f), &st) == 0 ? (size_t)st.st_size : 0;
	uint8_t *data = malloc(size ? size : 1); /* exact, so that sanitizers see overruns */
	if (data && fread(data, 1, size, f) == size)
		LLVMFuzzerTestOneInput(data, size);
	free(data);
	fclose(f);
	return 0;
}

static int replay_dir(const char *dir)
{
	struct dirent **names;
	int nr = scandir(dir, &names, NULL, alphasort);
	if (nr < 0) {
		printf("ok - %s # SKIP no corpus\n", dir);
		return 0;
	}
	int failed = 0, done = 0;
	for (int i = 0; i < nr; i++) {
		char path[4096];
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]->d_name);
		if (names[i]->d_name[0] != '.') {
			failed |= replay_file(path);
			done++;
		}
		free(names[i]);
	}
	free(names);
	printf("%s - %s: %d inputs\n", failed ? "not ok" : "ok", dir, done);
	return failed;
}

int main(int argc, char **argv)
{
	int failed = 0;
	for (int i = 1; i < argc; i++)
		failed |= replay_dir(argv[i]);
	return failed;
}
