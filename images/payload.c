/* SPDX-License-Identifier: MIT
 * One row per payload kind: its parts, their lengths, their padding.
 */
#include "images/payload.h"

#include "files.pb-c.h"
#include "ipc.pb-c.h"
#include "sockets.pb-c.h"

static void plan_one(struct payload_plan *plan, uint64_t len)
{
	plan->nr_parts = 1;
	plan->len[0] = len;
}

static void plan_pipe(const ProtobufCMessage *entry, struct payload_plan *plan)
{
	plan_one(plan, ((const PipeDataEntry *)entry)->bytes);
}

static void plan_sk_queue(const ProtobufCMessage *entry, struct payload_plan *plan)
{
	plan_one(plan, ((const SkPacketEntry *)entry)->length);
}

static void plan_tcp(const ProtobufCMessage *entry, struct payload_plan *plan)
{
	const TcpStreamEntry *tse = (const TcpStreamEntry *)entry;
	plan->nr_parts = 2;
	plan->len[0] = tse->inq_len;
	plan->len[1] = tse->outq_len;
}

static void plan_ipc_shm(const ProtobufCMessage *entry, struct payload_plan *plan)
{
	const IpcShmEntry *shm = (const IpcShmEntry *)entry;
	if (!shm->has_in_pagemaps || !shm->in_pagemaps)
		plan_one(plan, shm->size);
}

static void plan_ipc_msg(const ProtobufCMessage *entry, struct payload_plan *plan)
{
	plan->nr_parts = ((const IpcMsgEntry *)entry)->qnum;
	plan->header = &ipc_msg__descriptor;
}

static void plan_ipc_sem(const ProtobufCMessage *entry, struct payload_plan *plan)
{
	plan_one(plan, (uint64_t)((const IpcSemEntry *)entry)->nsems * 2);
}

static void plan_ghost(const ProtobufCMessage *entry, struct payload_plan *plan)
{
	const GhostFileEntry *gfe = (const GhostFileEntry *)entry;
	if (gfe->has_chunks && gfe->chunks) {
		plan->nr_parts = PAYLOAD_TO_END;
		plan->header = &ghost_chunk_entry__descriptor;
	} else {
		plan_one(plan, PAYLOAD_TO_END);
		plan->to_end = true;
	}
}

static void plan_bpfmap(const ProtobufCMessage *entry, struct payload_plan *plan)
{
	const BpfmapDataEntry *bde = (const BpfmapDataEntry *)entry;
	plan_one(plan, (uint64_t)bde->keys_bytes + bde->values_bytes);
}

static const struct {
	void (*plan)(const ProtobufCMessage *entry, struct payload_plan *plan);
	unsigned align; /* of what follows a part; 0: none */
} codecs[] = {
	[PAYLOAD_NONE] = { NULL, 0 },
	[PAYLOAD_PIPE] = { plan_pipe, 0 },
	[PAYLOAD_SK_QUEUE] = { plan_sk_queue, 0 },
	[PAYLOAD_TCP] = { plan_tcp, 0 },
	[PAYLOAD_IPC_SHM] = { plan_ipc_shm, 4 },
	[PAYLOAD_IPC_MSG] = { plan_ipc_msg, 8 },
	[PAYLOAD_IPC_SEM] = { plan_ipc_sem, 8 },
	[PAYLOAD_GHOST] = { plan_ghost, 0 },
	[PAYLOAD_BPFMAP] = { plan_bpfmap, 0 },
};

void payload_plan(enum image_payload kind, const ProtobufCMessage *entry, struct payload_plan *out)
{
	*out = (struct payload_plan){ 0 };
	if (codecs[kind].plan)
		codecs[kind].plan(entry, out);
}

uint64_t payload_part_len(const struct payload_plan *plan, uint64_t index,
			  const ProtobufCMessage *header)
{
	if (!header)
		return index < 2 ? plan->len[index] : 0;
	if (header->descriptor == &ipc_msg__descriptor)
		return ((const IpcMsg *)header)->msize;
	return ((const GhostChunkEntry *)header)->len;
}

size_t payload_padding(enum image_payload kind, uint64_t len)
{
	unsigned align = codecs[kind].align;
	return align ? (align - len % align) % align : 0;
}

uint64_t payload_part_address(const ProtobufCMessage *header, uint64_t end)
{
	const uint64_t step = UINT64_C(1) << 32;
	if (header && header->descriptor == &ghost_chunk_entry__descriptor &&
	    ((const GhostChunkEntry *)header)->off >= end)
		return ((const GhostChunkEntry *)header)->off;
	return end > UINT64_MAX - step ? end : (end + step - 1) / step * step;
}
