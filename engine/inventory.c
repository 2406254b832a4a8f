/* SPDX-License-Identifier: MIT
 * The checks before anything else of a set is believed.
 */
#include "engine/inventory.h"

#include "images/reader.h"
#include "inventory.pb-c.h"

#define VERSION_MIN 1 /* one magic word, ids of the tasks */
#define VERSION_MAX 2 /* v1.1: two magic words */

int inventory_load(struct restore *r, struct error *err)
{
	auto_message ProtobufCMessage *msg = NULL;
	int rc = image_read_one(r->images, IMG_INVENTORY, 0, &msg, err);
	if (rc == -ENOENT)
		return error_set(err, ENOENT,
				 "no inventory.img in %s: not a set of images, or one whose dump "
				 "did not finish",
				 source_name(r->images));
	if (rc < 0)
		return rc;
	const InventoryEntry *e = (const InventoryEntry *)msg;
	if (e->img_version < VERSION_MIN || e->img_version > VERSION_MAX)
		return error_set(err, ENOTSUP,
				 "inventory.img: version %u of the format; %d to %d "
				 "are known",
				 e->img_version, VERSION_MIN, VERSION_MAX);
	if (e->has_lsmtype && e->lsmtype != LSMTYPE__NO_LSM)
		return error_set(err, ENOTSUP,
				 "inventory.img: the tasks had security labels: not supported yet");
	return 0;
}
