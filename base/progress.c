/* SPDX-License-Identifier: MIT
 * The progress line.
 */
#include "base/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

#define FIRST_MS 500
#define EVERY_MS 200

void progress_start(struct progress *p, const char *what, uint64_t total)
{
	*p = (struct progress){ .what = what, .total = total };
	p->on = isatty(STDERR_FILENO);
	p->next_ms = p->on ? clock_ms() + FIRST_MS : 0;
}

static void print(const struct progress *p)
{
	double mib = (double)p->done / (1 << 20);
	if (p->total)
		fprintf(stderr, "\r%s: %.0f of %.0f MiB, %.0f%%\033[K", p->what, mib,
			(double)p->total / (1 << 20), 100.0 * (double)p->done / (double)p->total);
	else
		fprintf(stderr, "\r%s: %.0f MiB\033[K", p->what, mib);
	fflush(stderr);
}

void progress_add(struct progress *p, uint64_t bytes)
{
	if (!p)
		return;
	p->done += bytes;
	if (!p->on)
		return;
	int64_t now = clock_ms();
	if (now < p->next_ms)
		return;
	p->next_ms = now + EVERY_MS;
	p->shown = true;
	print(p);
}

void progress_end(struct progress *p)
{
	if (p->shown)
		fprintf(stderr, "\r\033[K");
	p->shown = false;
}
