/* SPDX-License-Identifier: MIT
 * Page contents from images into memory of this process. A page fault costs more than ten times
 * the copy, so pages are put in place by UFFDIO_COPY, which takes none.
 */
#include "engine/mem/fill.h"

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/log.h"
#include "base/page.h"
#include "engine/mem/stream.h"
#include "engine/mem/thp.h"
#include "engine/procfs/root.h"

#ifndef UFFD_USER_MODE_ONLY
#define UFFD_USER_MODE_ONLY 1
#endif

#define PIECE       (512u << 10) /* stays in the second-level cache between the two copies */
#define STREAM_PAYS (4ull << 20)

static int open_uffd(void)
{
	/* Only our own copies go through it, so the unprivileged form will do. */
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);
	struct uffdio_api api = { .api = UFFD_API };

	if (fd < 0 && errno == EINVAL) /* before Linux 5.11 */
		fd = syscall(SYS_userfaultfd, O_CLOEXEC);
	if (fd >= 0 && ioctl(fd, UFFDIO_API, &api) < 0) {
		fd_close(fd);
		fd = -1;
	}
	if (fd < 0)
		log_debug("no userfaultfd (%m): pages are written one by one");
	return fd;
}

int fill_init(struct fill *f, struct page_store *ps, struct error *err)
{
	*f = (struct fill){ .ps = ps, .uffd = -1, .mem_fd = -1 };
	f->buf = mmap(NULL, PIECE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (f->buf == MAP_FAILED) {
		f->buf = NULL;
		return error_sys(err, "allocate a page buffer");
	}
	return 0;
}

void fill_fini(struct fill *f)
{
	fd_close(f->uffd);
	fd_close(f->mem_fd);
	if (f->buf)
		munmap(f->buf, PIECE);
	*f = (struct fill){ .uffd = -1, .mem_fd = -1 };
}

void fill_register(struct fill *f, uint64_t start, uint64_t end)
{
	struct uffdio_register reg = { .range = { start, end - start },
				       .mode = UFFDIO_REGISTER_MODE_MISSING };

	if (f->uffd < 0)
		f->uffd = open_uffd();
	if (f->uffd < 0)
		return;
	if (ioctl(f->uffd, UFFDIO_REGISTER, &reg) < 0) {
		log_debug("userfaultfd does not take %#lx-%#lx: %m", (unsigned long)start,
			  (unsigned long)end);
		return;
	}
	f->watched = start;
	f->watched_end = end;
}

static bool is_watched(const struct fill *f, uint64_t dst)
{
	return dst >= f->watched && dst < f->watched_end;
}

bool fill_is_in_file(const struct fill *f, const struct page_run *run)
{
	return run->kind == PAGE_PRESENT && page_store_pages_fd(f->ps) >= 0;
}

static int check_end(struct fill *f, uint64_t end, uint64_t promised, struct error *err)
{
	if (end >= promised)
		return 0;
	return error_set(err, EBADMSG, "pages-%u.img ends at %lu, pages up to %lu are promised",
			 page_store_pages_id(f->ps), (unsigned long)end, (unsigned long)promised);
}

static int read_file(struct fill *f, uint64_t offset, size_t len, struct error *err)
{
	ssize_t n = fd_pread_full(page_store_pages_fd(f->ps), f->buf, len, offset);

	if (n < 0)
		return error_code(err, n, "read pages-%u.img", page_store_pages_id(f->ps));
	return check_end(f, offset + (uint64_t)n, offset + len, err);
}

static int read_run(struct fill *f, const struct page_run *run, uint64_t skip, size_t len,
		    struct error *err)
{
	if (fill_is_in_file(f, run))
		return read_file(f, run->offset + skip, len, err);
	return page_store_read(f->ps, run->addr + skip, f->buf, len, NULL, err);
}

/* What user code may not write, /proc/self/mem may, as long as the mapping is private. */
static int write_self(struct fill *f, const char *src, uint64_t dst, size_t len, struct error *err)
{
	if (f->mem_fd < 0)
		f->mem_fd = procfs_open("self/mem", O_RDWR);
	if (f->mem_fd < 0)
		return error_sys(err, "open /proc/self/mem");
	while (len) {
		ssize_t n = pwrite(f->mem_fd, src, len, dst);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return error_code(err, n < 0 ? errno : EIO, "write memory at %#lx",
					  (unsigned long)dst);
		src += n;
		dst += n;
		len -= n;
	}
	return 0;
}

static int copy_fresh(struct fill *f, uint64_t dst, uint64_t len, struct error *err)
{
	return is_watched(f, dst) ? stream_put(f->uffd, f->buf, dst, len, err)
				  : write_self(f, f->buf, dst, len, err);
}

static int write_differing(struct fill *f, uint64_t dst, uint64_t len, struct error *err)
{
	char now[PAGE];

	f->compared += len / PAGE;
	for (uint64_t at = 0; at < len; at += PAGE) {
		if (f->mem_fd < 0)
			f->mem_fd = procfs_open("self/mem", O_RDWR);
		if (pread(f->mem_fd, now, PAGE, dst + at) == (ssize_t)PAGE &&
		    !memcmp(now, f->buf + at, PAGE)) {
			f->equal++;
			continue;
		}
		int rc = write_self(f, f->buf + at, dst + at, PAGE, err);
		if (rc < 0)
			return rc;
		f->restored++;
	}
	return 0;
}

enum fill_way { FRESH, OVER, DIFFERING };

static int fill_pieces(struct fill *f, const struct page_run *run, uint64_t skip, uint64_t dst,
		       uint64_t len, enum fill_way way, struct error *err)
{
	for (uint64_t done = 0; done < len;) {
		size_t n = len - done < PIECE ? len - done : PIECE;
		int rc = read_run(f, run, skip + done, n, err);
		if (rc == 0 && way == FRESH)
			rc = copy_fresh(f, dst + done, n, err);
		else if (rc == 0 && way == OVER)
			rc = write_self(f, f->buf, dst + done, n, err);
		else if (rc == 0)
			rc = write_differing(f, dst + done, n, err);
		if (rc < 0)
			return rc;
		if (way != DIFFERING)
			f->restored += n / PAGE;
		done += n;
	}
	return 0;
}

static int fill_stream(struct fill *f, int uffd, uint64_t offset, uint64_t dst, uint64_t len,
		       struct error *err)
{
	struct stream s = { .fd = page_store_pages_fd(f->ps),
			    .offset = offset,
			    .uffd = uffd,
			    .dst = dst,
			    .len = len,
			    .two = f->two_threads };
	struct stat st;

	if (fstat(s.fd, &st) < 0)
		return error_sys(err, "stat pages-%u.img", page_store_pages_id(f->ps));
	int rc = check_end(f, (uint64_t)st.st_size, offset + len, err);
	if (rc < 0)
		return rc;
	rc = stream_copy(&s, err);
	return rc < 0 ? error_wrap(err, rc, "pages-%u.img", page_store_pages_id(f->ps)) : rc;
}

static int put_small(struct fill *f, uint64_t offset, uint64_t dst, uint64_t len, struct error *err)
{
	int stream = is_watched(f, dst) && len >= STREAM_PAYS
			 ? fill_stream(f, f->uffd, offset, dst, len, err)
			 : 1;

	if (stream <= 0)
		return stream;
	for (uint64_t done = 0; done < len;) {
		size_t n = len - done < PIECE ? len - done : PIECE;
		int rc = read_file(f, offset + done, n, err);
		if (rc == 0)
			rc = copy_fresh(f, dst + done, n, err);
		if (rc < 0)
			return rc;
		done += n;
	}
	return 0;
}

/* Whole huge pages. What userfaultfd watches gets none, so it no longer does. */
static int put_huge(struct fill *f, uint64_t offset, uint64_t dst, uint64_t len, struct error *err)
{
	struct uffdio_range range = { dst, len };

	if (is_watched(f, dst) && ioctl(f->uffd, UFFDIO_UNREGISTER, &range) < 0)
		return put_small(f, offset, dst, len, err);
	return fill_stream(f, -1, offset, dst, len, err);
}

/* One piece, of any length. */
static int flush_one(struct fill *f, uint64_t dst, uint64_t len, struct error *err)
{
	uint64_t head = -dst & (THP_SIZE - 1);
	uint64_t huge = f->huge && len > head ? (len - head) & ~(THP_SIZE - 1) : 0;

	if (!huge)
		return put_small(f, f->offset, dst, len, err);
	int rc = put_small(f, f->offset, dst, head, err);
	if (rc == 0)
		rc = put_huge(f, f->offset + head, dst + head, huge, err);
	return rc < 0 ? rc
		      : put_small(f, f->offset + head + huge, dst + head + huge, len - head - huge,
				  err);
}

/* Several that follow each other in the file, none of them watched: one system call for all. */
static int flush_many(struct fill *f, uint64_t len, size_t nr, struct error *err)
{
	const struct iovec from = { f->buf, len };
	int rc = read_file(f, f->offset, len, err);

	if (rc < 0 || process_vm_writev(getpid(), &from, 1, f->pieces, nr, 0) == (ssize_t)len)
		return rc;
	/* memory that may not be written, or a system that forbids that call */
	for (size_t i = 0, at = 0; rc == 0 && i < nr; at += f->pieces[i++].iov_len)
		rc = write_self(f, f->buf + at, (uintptr_t)f->pieces[i].iov_base,
				f->pieces[i].iov_len, err);
	return rc;
}

int fill_flush(struct fill *f, struct error *err)
{
	uint64_t len = f->len;
	size_t nr = f->nr_pieces;

	f->len = f->nr_pieces = 0;
	int rc = nr > 1    ? flush_many(f, len, nr, err)
		 : nr == 1 ? flush_one(f, (uintptr_t)f->pieces[0].iov_base, len, err)
			   : 0;
	if (rc == 0)
		f->restored += len / PAGE;
	return rc;
}

/* Can what comes next in the file wait with the others? */
static bool joins(const struct fill *f, uint64_t offset, uint64_t dst, uint64_t len)
{
	if (f->nr_pieces == 0 || f->offset + f->len != offset)
		return false;
	const struct iovec *last = &f->pieces[f->nr_pieces - 1];
	if (f->nr_pieces == 1 && (uintptr_t)last->iov_base + last->iov_len == dst)
		return true;
	return f->nr_pieces < FILL_PIECES && f->len + len <= PIECE && !is_watched(f, dst);
}

int fill_fresh(struct fill *f, const struct page_run *run, uint64_t skip, uint64_t dst,
	       uint64_t len, struct error *err)
{
	if (!fill_is_in_file(f, run))
		return fill_pieces(f, run, skip, dst, len, FRESH, err);
	uint64_t offset = run->offset + skip;
	int rc = 0;
	if (!joins(f, offset, dst, len)) {
		rc = fill_flush(f, err);
		f->offset = offset;
	}
	struct iovec *last = f->nr_pieces ? &f->pieces[f->nr_pieces - 1] : NULL;
	if (last && (uintptr_t)last->iov_base + last->iov_len == dst)
		last->iov_len += len;
	else
		f->pieces[f->nr_pieces++] = (struct iovec){ (void *)(uintptr_t)dst, len };
	f->len += len;
	return rc;
}

int fill_over(struct fill *f, const struct page_run *run, uint64_t skip, uint64_t dst, uint64_t len,
	      struct error *err)
{
	return fill_pieces(f, run, skip, dst, len, OVER, err);
}

int fill_differing(struct fill *f, const struct page_run *run, uint64_t skip, uint64_t dst,
		   uint64_t len, struct error *err)
{
	return fill_pieces(f, run, skip, dst, len, DIFFERING, err);
}

static int map_segment_run(struct fill *f, const struct page_run *run, int fd, uint64_t size,
			   struct error *err)
{
	uint64_t len = run->nr_pages * PAGE;
	/* whole: huge pages are mapped only as such */
	char *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		return error_sys(err,
				 "map shared memory of %lu bytes (are there enough huge pages?)",
				 (unsigned long)size);
	int rc = page_store_read(f->ps, run->addr, at + run->addr, len, NULL, err);
	munmap(at, size);
	return rc;
}

static int write_segment_run(struct fill *f, const struct page_run *run, int fd, struct error *err)
{
	uint64_t len = run->nr_pages * PAGE;

	for (uint64_t done = 0; done < len;) {
		size_t n = len - done < PIECE ? len - done : PIECE;
		int rc = read_run(f, run, done, n, err);
		if (rc < 0)
			return rc;
		for (size_t at = 0; at < n;) {
			ssize_t w = pwrite(fd, f->buf + at, n - at, run->addr + done + at);
			if (w < 0 && errno == EINTR)
				continue;
			if (w <= 0)
				return error_code(err, w < 0 ? errno : EIO, "fill shared memory");
			at += w;
		}
		done += n;
	}
	return 0;
}

static int fill_segment_from(struct page_store *ps, uint64_t shmid, int fd, uint64_t size,
			     bool mapped, struct error *err)
{
	struct page_run run;
	struct fill f;
	int rc = fill_init(&f, ps, err);

	while (rc >= 0 && (rc = page_store_next(ps, &run, err)) > 0) {
		uint64_t end;
		if (__builtin_mul_overflow(run.nr_pages, PAGE, &end) ||
		    __builtin_add_overflow(end, run.addr, &end) || end > size)
			rc = error_set(err, EBADMSG,
				       "pagemap-shmem-%lu.img: pages at %#lx lie outside the "
				       "segment of %lu bytes",
				       (unsigned long)shmid, (unsigned long)run.addr,
				       (unsigned long)size);
		else if (run.kind != PAGE_ZERO)
			rc = mapped ? map_segment_run(&f, &run, fd, size, err)
				    : write_segment_run(&f, &run, fd, err);
	}
	fill_fini(&f);
	return rc;
}

int fill_segment(struct source *images, uint64_t shmid, int fd, uint64_t size, bool mapped,
		 struct error *err)
{
	struct page_store *ps = NULL;
	int rc = page_store_open_shmem(images, shmid, &ps, err);

	if (rc == -ENOENT) /* nobody ever wrote to it */
		return 0;
	if (rc < 0)
		return rc;
	rc = fill_segment_from(ps, shmid, fd, size, mapped, err);
	page_store_close(ps);
	return rc;
}
