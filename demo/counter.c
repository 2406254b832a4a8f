/* SPDX-License-Identifier: MIT
 * A process worth saving: four threads count, the main thread writes the sum into a file.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#define NR_THREADS 4

static atomic_ulong counts[NR_THREADS];

static void *count(void *arg)
{
	atomic_ulong *mine = arg;
	for (;;) {
		(*mine)++;
		usleep(1000);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	FILE *out = fopen(argc > 1 ? argv[1] : "/dev/stdout", "we");
	if (!out)
		return 1;
	setvbuf(out, NULL, _IOLBF, 0);
	pthread_t threads[NR_THREADS];
	for (int i = 0; i < NR_THREADS; i++)
		pthread_create(&threads[i], NULL, count, &counts[i]);
	for (unsigned long line = 1;; line++) {
		unsigned long sum = 0;
		for (int i = 0; i < NR_THREADS; i++)
			sum += counts[i];
		fprintf(out, "line %lu: %d threads counted to %lu\n", line, NR_THREADS, sum);
		usleep(100000);
	}
}
