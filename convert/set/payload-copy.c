/* SPDX-License-Identifier: MIT
 * Payloads, copied.
 */
#include "convert/set/payload-copy.h"

int payload_copy(struct image_reader *r, struct image_writer *w, struct error *err)
{
	struct payload_part part;
	char buf[16384];
	int rc;
	while ((rc = image_payload_next(r, &part, err)) > 0) {
		ssize_t n;
		uint64_t len = 0;
		rc = part.msg ? image_write(w, part.msg, err) : 0;
		while (rc == 0 && (n = image_payload_read(r, buf, sizeof(buf), err)) != 0) {
			rc = n < 0 ? (int)n : image_write_bytes(w, buf, (size_t)n, err);
			len += n < 0 ? 0 : (uint64_t)n;
		}
		if (rc == 0)
			rc = image_write_padding(w, len, err);
		if (rc < 0)
			return rc;
	}
	return rc;
}
