// SPDX-License-Identifier: MIT
/*
 * Front end of the hardware scheduler: what its firmware does with the packets
 * of the HIQ.
 *
 * Packet formats: kfd_pm4_headers_ai.h.  A runlist is a buffer with a
 * MAP_PROCESS for each process, followed by a MAP_QUEUES for each of its
 * queues; UNMAP_QUEUES preempts; QUERY_STATUS writes the fence that KFD waits
 * for.  Everything that a runlist names is mapped at once: when it is longer
 * than the hardware has slots and chained to itself, the time slices of the
 * engine do what the firmware's rotation would.
 */
#include "amdgpu.h"
#include "kfd_pm4_headers_ai.h"
#include "kfd_pm4_opcodes.h"

#include "simgpu_queue.h"

#define HIQ_OPCODE(h)		(((h) >> 8) & 0xff)
#define HIQ_COUNT(h)		(((h) >> 16) & 0x3fff)
#define HIQ_MAX_DWORDS		32
/* the position is at a packet that has to wait until queues have had a turn */
#define HIQ_LATER		1

/**
 * struct simgpu_hws - state of one run over packets
 * @sim: GPU
 * @hiq: the HIQ
 * @space: address space of the process that was mapped last
 * @mapped: a queue was mapped that has not had a turn yet
 */
struct simgpu_hws {
	struct simgpu *sim;
	struct simgpu_queue *hiq;
	int space;
	bool mapped;
};

static int simgpu_hws_run(struct simgpu_hws *hws, struct simgpu_stream *stream);

static u32 simgpu_hws_partition(const struct simgpu_hws *hws)
{
	return hws->hiq->partition;
}

static int simgpu_hws_map_process(struct simgpu_hws *hws, const u32 *packet)
{
	const struct pm4_mes_map_process *map = (const void *)packet;

	if (!map->bitfields2.pasid || !(map->vm_context_page_table_base_addr_lo32 |
					map->vm_context_page_table_base_addr_hi32)) {
		dev_err(hws->sim->adev->dev, "simgpu: HIQ maps PASID %u without page tables\n",
			map->bitfields2.pasid);
		return -EINVAL;
	}
	hws->space = simgpu_mmu_get_space(hws->sim, simgpu_hws_partition(hws),
					  map->bitfields2.pasid);
	if (hws->space < 0)
		return hws->space;
	simgpu_mmu_set_root(hws->sim, hws->space,
			    (map->vm_context_page_table_base_addr_lo32 |
			     (u64)map->vm_context_page_table_base_addr_hi32 << 32) |
			    AMDGPU_PTE_VALID);
	/* these are at the same place in the format of 9.4.2 */
	simgpu_mmu_set_tma(hws->sim, hws->space,
			   (map->sq_shader_tma_lo | (u64)map->sq_shader_tma_hi << 32) << 8);
	simgpu_mmu_set_retry(hws->sim, hws->space, map->sh_mem_config);
	return 0;
}

/* The engine that a MAP_QUEUES is for, by its number in the partition. */
static u32 simgpu_hws_sdma_engine(const struct pm4_mes_map_queues *map)
{
	switch (map->bitfields2.extended_engine_sel) {
	case extended_engine_sel__mes_map_queues__sdma8_to_15_sel:
		return map->bitfields2.engine_sel + 8;
	case extended_engine_sel__mes_map_queues__sdma0_to_7_sel:
		return map->bitfields2.engine_sel;
	default:
		return map->bitfields2.engine_sel - engine_sel__mes_map_queues__sdma0_vi;
	}
}

/* What the packet says, the MQD has to say as well. */
static int simgpu_hws_check_map(struct simgpu *sim, const struct simgpu_queue *queue,
				const struct pm4_mes_map_queues *map)
{
	u64 wptr_va = map->wptr_addr_lo | (u64)map->wptr_addr_hi << 32;
	struct device *dev = sim->adev->dev;
	int ret = 0;

	if (queue->doorbell != map->bitfields3.doorbell_offset) {
		dev_err(dev, "simgpu: MAP_QUEUES has doorbell %#x, the MQD %#x\n",
			map->bitfields3.doorbell_offset, queue->doorbell);
		ret = -EINVAL;
	}
	if (queue->wptr_va != wptr_va) {
		dev_err(dev, "simgpu: MAP_QUEUES has wptr at %#llx, the MQD at %#llx\n", wptr_va,
			queue->wptr_va);
		ret = -EINVAL;
	}
	if (queue->type == SIMGPU_QUEUE_SDMA && queue->sdma.engine != simgpu_hws_sdma_engine(map)) {
		dev_err(dev, "simgpu: MAP_QUEUES has SDMA engine %u, the MQD %u\n",
			simgpu_hws_sdma_engine(map), queue->sdma.engine);
		ret = -EINVAL;
	}
	return ret;
}

static int simgpu_hws_map_queue(struct simgpu_hws *hws, const u32 *packet)
{
	const struct pm4_mes_map_queues *map = (const void *)packet;
	u64 mqd_va = map->mqd_addr_lo | (u64)map->mqd_addr_hi << 32;
	u64 wptr_va = map->wptr_addr_lo | (u64)map->wptr_addr_hi << 32;
	bool sdma = map->bitfields2.extended_engine_sel ||
		    map->bitfields2.engine_sel >= engine_sel__mes_map_queues__sdma0_vi;
	struct simgpu *sim = hws->sim;
	struct simgpu_queue *queue;
	unsigned int xcc;
	int ret;

	if (hws->space <= 0)
		return -EINVAL;
	/* a runlist can come again while its queues are mapped */
	if (simgpu_queue_find(sim, NULL, mqd_va))
		return 0;
	queue = simgpu_queue_alloc(sim, simgpu_hws_partition(hws), NULL, mqd_va);
	if (!queue)
		return -ENOMEM;
	if (sdma)
		ret = simgpu_queue_parse_sdma(sim, queue, hws->space, wptr_va);
	else
		ret = simgpu_queue_parse_compute(sim, queue, hws->space);
	ret = ret ?: simgpu_hws_check_map(sim, queue, map);
	queue->gws = map->bitfields2.gws_control_queue;
	for (xcc = 1; !sdma && !ret && xcc < simgpu_xccs(sim); xcc++)
		ret = simgpu_queue_add_xcc(sim, queue, xcc);
	if (ret) {
		simgpu_queue_free(queue);
		return ret;
	}
	if (!sdma)
		queue->hqd = simgpu_queue_free_hqd(sim, queue->partition);
	simgpu_queue_load(sim, queue);
	hws->mapped = true;
	if (simgpu_fail(sim, SIMGPU_FAIL_QUEUE_LOAD)) {
		queue->halted = true;
		if (!sdma)
			simgpu_queue_refused(queue, EC_QUEUE_PACKET_UNSUPPORTED);
	}
	return 0;
}

static bool simgpu_hws_selected(struct simgpu *sim, const struct pm4_mes_unmap_queues *unmap,
				struct simgpu_queue *queue)
{
	u32 doorbell = queue->doorbell;

	switch (unmap->bitfields2.queue_sel) {
	case queue_sel__mes_unmap_queues__perform_request_on_specified_queues:
		return doorbell == unmap->bitfields3b.doorbell_offset0;
	case queue_sel__mes_unmap_queues__perform_request_on_pasid_queues:
		return simgpu_mmu_pasid(sim, simgpu_queue_space(queue)->id) ==
		       unmap->bitfields3a.pasid;
	default:
		return true;
	}
}

/*
 * A compute queue that does not leave is named in the HIQ's MQD and stays
 * where it is; the fence comes all the same.
 */
static int simgpu_hws_unmap_queues(struct simgpu_hws *hws, const u32 *packet)
{
	const struct pm4_mes_unmap_queues *unmap = (const void *)packet;
	struct simgpu_queue *queue, *next;
	struct simgpu *sim = hws->sim;
	u32 *mqd = hws->hiq->mqd;
	bool all = true;

	/* not every version of KFD forgets the last one by itself */
	mqd[sim->desc->mqd.stuck_queue] = 0;

	list_for_each_entry_safe(queue, next, &sim->queues, node) {
		if (queue->type == SIMGPU_QUEUE_HIQ ||
		    queue->partition != simgpu_hws_partition(hws))
			continue;
		if (!simgpu_hws_selected(sim, unmap, queue)) {
			all = false;
			continue;
		}
		if (unmap->bitfields2.action == action__mes_unmap_queues__reset_queues) {
			simgpu_queue_kill(sim, queue);
			continue;
		}
		if (queue->hqd != SIMGPU_HQD_NONE && simgpu_fail(sim, SIMGPU_FAIL_PREEMPT)) {
			queue->stuck = true;
			queue->halted = true;
			mqd[sim->desc->mqd.stuck_queue] = queue->doorbell;
			all = false;
			continue;
		}
		simgpu_queue_unload(sim, queue);
	}
	/* processes without a queue give their VMID back */
	if (all)
		simgpu_mmu_put_spaces(sim, simgpu_hws_partition(hws), 0);
	return 0;
}

static int simgpu_hws_query_status(struct simgpu_hws *hws, const u32 *packet)
{
	const struct pm4_mes_query_status *query = (const void *)packet;
	struct simgpu_space kernel = { .sim = hws->sim };

	return simgpu_write64(&kernel, query->addr_lo | (u64)query->addr_hi << 32,
			      query->data_lo | (u64)query->data_hi << 32);
}

static int simgpu_hws_run_list(struct simgpu_hws *hws, const u32 *packet, bool nested)
{
	const struct pm4_mes_runlist *run = (const void *)packet;
	struct simgpu_stream list = {
		.base = (run->ordinal2 & ~3U) | (u64)run->ib_base_hi << 32,
		.end = run->bitfields4.ib_size,
	};

	/* the last packet of an oversubscribed runlist leads back to its start */
	if (nested)
		return 0;
	hws->space = 0;
	return simgpu_hws_run(hws, &list);
}

/*
 * Execute the packets of the HIQ itself (a ring) or of a runlist (linear).  On hardware, queues
 * run while the scheduler reads on: between a map and an unmap, they make some progress.
 */
static int simgpu_hws_run(struct simgpu_hws *hws, struct simgpu_stream *stream)
{
	struct simgpu_space kernel = { .sim = hws->sim };
	u32 packet[HIQ_MAX_DWORDS], dwords;
	int ret;

	while (stream->pos < stream->end) {
		ret = simgpu_stream_read(&kernel, stream, 0, packet, 1);
		if (ret)
			return ret;
		/* the unused rest of a runlist */
		if (!packet[0]) {
			stream->pos++;
			continue;
		}
		dwords = HIQ_COUNT(packet[0]) == 0x3fff ? 1 : HIQ_COUNT(packet[0]) + 2;
		ret = simgpu_stream_read(&kernel, stream, 0, packet,
					 min_t(u32, dwords, HIQ_MAX_DWORDS));
		if (ret)
			return ret;

		switch (HIQ_OPCODE(packet[0])) {
		case IT_NOP:
		case IT_SET_RESOURCES:
			/* VMIDs and queues are ours to give out in any case */
		case IT_WRITE_DATA:
			/* grace period of CWSR: there are no waves to wait for */
			break;
		case IT_MAP_PROCESS:
			ret = simgpu_hws_map_process(hws, packet);
			break;
		case IT_MAP_QUEUES:
			ret = simgpu_hws_map_queue(hws, packet);
			break;
		case IT_UNMAP_QUEUES:
			if (hws->mapped)
				return HIQ_LATER;
			ret = simgpu_hws_unmap_queues(hws, packet);
			break;
		case IT_QUERY_STATUS:
			ret = simgpu_hws_query_status(hws, packet);
			break;
		case IT_RUN_LIST:
			ret = simgpu_hws_run_list(hws, packet, !stream->mask);
			break;
		default:
			dev_err(hws->sim->adev->dev, "simgpu: HIQ packet %#010x is not known\n",
				packet[0]);
			ret = -EINVAL;
		}
		if (ret)
			return ret;
		stream->pos += dwords;
	}
	return 0;
}

/**
 * simgpu_hiq_run - execute what the driver has put into the HIQ
 * @sim: GPU
 * @hiq: the HIQ, with the end of its ring set
 *
 * A packet that cannot be executed stops the HIQ: KFD's next wait for it times
 * out, as with firmware that hangs.
 *
 * Context: process context, with sim->lock held.
 * Return: true when there is more to do after the next turn of all queues.
 */
bool simgpu_hiq_run(struct simgpu *sim, struct simgpu_queue *hiq)
{
	struct simgpu_hws hws = { .sim = sim, .hiq = hiq };
	struct simgpu_space kernel = { .sim = sim };
	struct simgpu_stream *ring = &hiq->pm4.ring;
	bool later;
	int ret;

	lockdep_assert_held(&sim->lock);
	ret = simgpu_hws_run(&hws, ring);
	later = ret == HIQ_LATER;
	if (!ret || later)
		ret = simgpu_write32(&kernel, hiq->rptr_va, ring->pos & ring->mask);
	if (!ret)
		return later;
	/* this is how amdkfd makes a scheduler hang on request */
	if (ret == -EAGAIN)
		dev_info(sim->adev->dev, "simgpu: scheduler waits for the rest of a packet\n");
	else
		dev_err(sim->adev->dev, "simgpu: HIQ stopped: %d\n", ret);
	hiq->halted = true;
	return false;
}

/**
 * simgpu_hiq_load - load the HIQ
 * @sim: GPU
 * @mqd: its MQD
 * @inst: XCC
 *
 * Each partition has a HIQ.
 *
 * Context: process context.
 * Return: 0 or a negative errno.
 */
int simgpu_hiq_load(struct simgpu *sim, void *mqd, u32 inst)
{
	u32 partition = inst / simgpu_xccs(sim), xcc = inst % simgpu_xccs(sim);
	struct simgpu_queue *queue;
	int ret;

	if (xcc)
		return simgpu_hqd_load_xcc(sim, mqd, partition, xcc);
	queue = simgpu_queue_alloc(sim, partition, mqd, 0);
	if (!queue)
		return -ENOMEM;
	queue->type = SIMGPU_QUEUE_HIQ;
	ret = simgpu_queue_parse_compute(sim, queue, 0);
	if (!ret && queue->type != SIMGPU_QUEUE_HIQ)
		ret = -EINVAL;
	if (ret) {
		simgpu_queue_free(queue);
		return ret;
	}
	queue->pm4.ring.pos = 0;
	mutex_lock(&sim->lock);
	simgpu_queue_load(sim, queue);
	mutex_unlock(&sim->lock);
	return 0;
}
