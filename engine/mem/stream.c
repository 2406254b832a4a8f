/* SPDX-License-Identifier: MIT
 * Windows of a mapped file through UFFDIO_COPY: the kernel copies each page once, straight from the
 * page cache, where a window of the file is mapped with all its pages at once. Huge pages are read
 * into: the first byte brings all of one.
 */
#include "engine/mem/stream.h"

#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "base/io.h"
#include "base/page.h"
#include "base/worker.h"
#include "engine/mem/thp.h"

#define WINDOW (4 * THP_SIZE) /* to end a mapping interrupts the other thread, so not too small */

struct work {
	const struct stream *s;
	uint64_t next; /* bytes that somebody has taken on */
};

int stream_put(int uffd, const void *src, uint64_t dst, uint64_t len, struct error *err)
{
	for (uint64_t done = 0; done < len;) {
		struct uffdio_copy c = { .dst = dst + done,
					 .src = (uintptr_t)src + done,
					 .len = len - done };
		if (ioctl(uffd, UFFDIO_COPY, &c) == 0)
			return 0;
		if (c.copy > 0)
			done += c.copy;
		else if (errno != EAGAIN && errno != EINTR)
			return error_sys(err, "fill memory at %#lx", (unsigned long)(dst + done));
	}
	return 0;
}

static int read_window(const struct stream *s, uint64_t at, uint64_t len, struct error *err)
{
	ssize_t n = fd_pread_full(s->fd, (void *)(uintptr_t)(s->dst + at), len, s->offset + at);

	if (n == (ssize_t)len)
		return 0;
	return error_code(err, n < 0 ? n : EIO, "fill memory at %#lx",
			  (unsigned long)(s->dst + at));
}

static int put_window(const struct stream *s, uint64_t at, struct error *err)
{
	uint64_t len = s->len - at < WINDOW ? s->len - at : WINDOW;

	if (s->uffd < 0)
		return read_window(s, at, len, err);
	void *src =
	    mmap(NULL, len, PROT_READ, MAP_SHARED | MAP_POPULATE, s->fd, (off_t)(s->offset + at));
	if (src == MAP_FAILED)
		return error_sys(err, "map %lu bytes of pages", (unsigned long)len);
	int rc = stream_put(s->uffd, src, s->dst + at, len, err);
	munmap(src, len);
	return rc;
}

static int work(void *ctx, struct error *err)
{
	struct work *w = ctx;

	for (;;) {
		uint64_t at = __atomic_fetch_add(&w->next, WINDOW, __ATOMIC_RELAXED);
		if (at >= w->s->len)
			return 0;
		int rc = put_window(w->s, at, err);
		if (rc == 0)
			continue;
		__atomic_store_n(&w->next, w->s->len, __ATOMIC_RELAXED); /* nor the other one */
		return rc;
	}
}

static bool can_map(const struct stream *s)
{
	void *probe =
	    s->offset % PAGE ? MAP_FAILED : mmap(NULL, PAGE, PROT_READ, MAP_SHARED, s->fd, 0);
	if (probe == MAP_FAILED)
		return false;
	munmap(probe, PAGE);
	return true;
}

int stream_copy(const struct stream *s, struct error *err)
{
	struct work all = { .s = s };
	const struct part part = { work, &all };

	return s->uffd < 0 || can_map(s) ? run_both(&part, &part, s->two, err) : 1;
}
