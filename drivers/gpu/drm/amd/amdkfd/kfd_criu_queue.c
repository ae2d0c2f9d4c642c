// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Checkpoint and restore of compute processes: user queues.
 *
 * A queue is created anew from its properties, with the ids that it had, while
 * the process' queues are stopped. Then all that is not the driver's is put into the
 * new MQD.
 */

#include <linux/bitmap.h>
#include <linux/slab.h>
#include "amdgpu_amdkfd.h"
#include "kfd_criu.h"
#include "kfd_criu_mqd.h"
#include "kfd_criu_trace.h"
#include "kfd_device_queue_manager.h"
#include "kfd_mqd_manager.h"
#include "kfd_priv.h"
#include "kfd_topology.h"

static_assert(KFD_CRIU_QUEUE_COMPUTE == KFD_QUEUE_TYPE_COMPUTE);
static_assert(KFD_CRIU_QUEUE_SDMA == KFD_QUEUE_TYPE_SDMA);
static_assert(KFD_CRIU_QUEUE_SDMA_XGMI == KFD_QUEUE_TYPE_SDMA_XGMI);
static_assert(KFD_CRIU_QUEUE_PM4 == KFD_QUEUE_FORMAT_PM4);
static_assert(KFD_CRIU_QUEUE_AQL == KFD_QUEUE_FORMAT_AQL);

static struct mqd_manager *queue_mqd_mgr(struct kfd_node *node, u32 type)
{
	return node->dqm->mqd_mgrs[type == KFD_CRIU_QUEUE_COMPUTE ? KFD_MQD_TYPE_CP :
								    KFD_MQD_TYPE_SDMA];
}

static u32 queue_xccs(struct kfd_node *node, u32 type)
{
	return type == KFD_CRIU_QUEUE_COMPUTE ? NUM_XCC(node->xcc_mask) : 1;
}

/* Bytes of control stack that lie behind each MQD of a queue. */
static u32 queue_ctl_size(const struct kfd_criu_mqd_layout *layout, const struct queue *q)
{
	if (!layout->ctl_stack || !q->device->kfd->cwsr_enabled ||
	    !q->properties.ctx_save_restore_area_address)
		return 0;
	return q->properties.ctl_stack_size;
}

/**
 * kfd_criu_claim_sdma() - Take an SDMA queue slot on a certain engine.
 * @free: bitmap of free slots, bit n on engine n % @engines
 * @queues: its size in bits
 * @engines: number of engines
 * @wanted: the slot that the queue had
 *
 * The slot that the queue had may be another process' now. Any other of
 * that engine does: the process names the queue by its id and rings it at its
 * doorbell, and both stay.
 *
 * Context: The device queue manager's lock is held.
 * Return: the slot, -EINVAL if there never was such a one, -EBUSY if the engine has
 * no free one
 */
int kfd_criu_claim_sdma(unsigned long *free, u32 queues, u32 engines, u32 wanted)
{
	u32 slot;

	if (!engines || wanted >= queues)
		return -EINVAL;
	if (__test_and_clear_bit(wanted, free))
		return wanted;
	for (slot = wanted % engines; slot < queues; slot += engines)
		if (__test_and_clear_bit(slot, free))
			return slot;
	return -EBUSY;
}

static int check_one(struct kfd_process_device *pdd, const struct queue *q)
{
	const struct queue_properties *qp = &q->properties;

	if (!kfd_criu_mqd_layout(pdd->dev, qp->type))
		return kfd_criu_refuse(-EOPNOTSUPP, "queue", qp->queue_id,
				       "no MQD layout for this generation and type",
				       KFD_GC_VERSION(pdd->dev), qp->type);
	if (qp->is_suspended || qp->is_being_destroyed || qp->is_dbg_wa)
		return kfd_criu_refuse(-EOPNOTSUPP, "queue", qp->queue_id,
				       "is in a debugger's hands", qp->is_suspended, 0);
	return 0;
}

static int queue_check(struct kfd_process *p)
{
	struct process_queue_node *pqn;
	struct kfd_process_device *pdd;
	struct queue *q;
	int err;
	u32 i;

	list_for_each_entry(pqn, &p->pqm.queues, process_queue_list)
		if (pqn->kq)
			return kfd_criu_refuse(-EOPNOTSUPP, "queue", 0,
					       "debugger's interface queue", 1, 0);
	for (i = 0; i < p->n_pdds; i++) {
		pdd = p->pdds[i];
		list_for_each_entry(q, &pdd->qpd.queues_list, list) {
			err = check_one(pdd, q);
			if (err)
				return err;
		}
	}
	return 0;
}

static void queue_count(struct kfd_process *p, struct kfd_criu_counts *counts)
{
	const struct kfd_criu_mqd_layout *layout;
	struct kfd_node *node;
	u32 i, xccs, ctl_size;
	struct queue *q;

	for (i = 0; i < p->n_pdds; i++) {
		node = p->pdds[i]->dev;
		list_for_each_entry(q, &p->pdds[i]->qpd.queues_list, list) {
			layout = kfd_criu_mqd_layout(node, q->properties.type);
			xccs = queue_xccs(node, q->properties.type);
			ctl_size = queue_ctl_size(layout, q);
			counts->queues++;
			counts->queue_data += xccs * (layout->size + ctl_size);
			counts->queue_bytes +=
				kfd_criu_record_size(1, sizeof(struct kfd_criu_queue_record),
						     kfd_criu_queue_data_size(xccs, layout->size,
									      ctl_size));
		}
	}
}

/*
 * The stack grows down from its end, to where the last wave was saved. What is below has
 * never been written to since somebody else had that memory: the image keeps its zeroes.
 */
static void save_ctl_stack(const struct kfd_criu_mqd_layout *layout, const u32 *mqd, void *to,
			   u32 size)
{
	const struct kfd_criu_mqd_field *at = &layout->ctl_stack_offset;
	u32 start = min(mqd[at->dword], size);

	memcpy(to + start, (const void *)mqd + PAGE_SIZE + start, size - start);
}

/* The queue is stopped, so that its MQDs have all there is to know. */
static void save_mqds(const struct kfd_criu_save *s, struct kfd_node *node, struct queue *q,
		      const struct kfd_criu_mqd_layout *layout,
		      const struct kfd_criu_queue_record *rec)
{
	struct mqd_manager *mqd_mgr = queue_mqd_mgr(node, rec->type);
	u32 xcc, stride = mqd_mgr->mqd_stride(mqd_mgr, &q->properties);

	/* The scheduler writes MQDs; nothing may be allocated while it is kept out. */
	dqm_lock(node->dqm);
	for (xcc = 0; xcc < rec->xccs; xcc++) {
		void *mqd = q->mqd + (size_t)xcc * stride;
		void *to = (void *)kfd_criu_queue_mqd(rec, xcc);

		if (s->whole_mqds)
			memcpy(to, mqd, layout->size);
		else
			kfd_criu_mqd_copy(layout, to, mqd);
		if (rec->ctl_size)
			save_ctl_stack(layout, mqd, (void *)kfd_criu_queue_ctl_stack(rec, xcc),
				       rec->ctl_size);
	}
	dqm_unlock(node->dqm);
}

static int save_one(struct kfd_criu_save *s, u32 device, struct queue *q)
{
	struct kfd_node *node = s->p->pdds[device]->dev;
	const struct queue_properties *qp = &q->properties;
	const struct kfd_criu_mqd_layout *layout = kfd_criu_mqd_layout(node, qp->type);
	u32 xccs = queue_xccs(node, qp->type), ctl_size = queue_ctl_size(layout, q);
	struct kfd_criu_queue_record *rec;

	rec = kfd_criu_write(&s->w, KFD_CRIU_RECORD_QUEUE, 1, sizeof(*rec),
			     kfd_criu_queue_data_size(xccs, layout->size, ctl_size));
	if (!rec)
		return s->w.err;
	rec->ring = qp->queue_address;
	rec->ring_size = qp->queue_size;
	rec->rptr = (uintptr_t)qp->read_ptr;
	rec->wptr = (uintptr_t)qp->write_ptr;
	rec->eop = qp->eop_ring_buffer_address;
	rec->eop_size = qp->eop_ring_buffer_size;
	rec->cwsr = qp->ctx_save_restore_area_address;
	rec->cwsr_size = qp->ctx_save_restore_area_size;
	rec->ctl_stack_size = qp->ctl_stack_size;
	rec->exception_status = qp->exception_status;
	rec->device = device;
	rec->type = qp->type;
	rec->format = qp->format;
	rec->queue_id = qp->queue_id;
	rec->doorbell_id = q->doorbell_id;
	rec->sdma_id = q->sdma_id;
	rec->priority = qp->priority;
	rec->percent = qp->queue_percent;
	rec->pm4_target_xcc = qp->pm4_target_xcc;
	if (q->gws)
		rec->flags |= KFD_CRIU_QUEUE_GWS;
	if (qp->is_user_cu_masked)
		rec->flags |= KFD_CRIU_QUEUE_CU_MASK;
	if (qp->type == KFD_QUEUE_TYPE_COMPUTE && rec->cwsr && !qp->cwsr_bo)
		rec->flags |= KFD_CRIU_QUEUE_CWSR_RANGE;
	if (qp->is_reset)
		rec->flags |= KFD_CRIU_QUEUE_RESET;
	rec->xccs = xccs;
	rec->mqd_size = layout->size;
	rec->ctl_size = ctl_size;
	save_mqds(s, node, q, layout, rec);
	return 0;
}

static int queue_save(struct kfd_criu_save *s)
{
	struct kfd_process *p = s->p;
	struct queue *q;
	int err;
	u32 i;

	/* The newest is at the front; they are created in the image's order. */
	for (i = 0; i < p->n_pdds; i++) {
		list_for_each_entry_reverse(q, &p->pdds[i]->qpd.queues_list, list) {
			err = save_one(s, i, q);
			trace_kfd_criu_object("queue", "save", q->properties.queue_id,
					      p->pdds[i]->user_gpu_id, err);
			if (err)
				return err;
		}
	}
	return 0;
}

/*
 * The place of an SDMA doorbell among the process' doorbells tells which of the
 * GPU's engines it rings, and the process knows that place.  The partitions of a
 * GPU have its engines divided among them: an SDMA queue of one partition
 * can't become that of another.
 *
 * Engines have ranges of doorbells, which sdma_doorbell_idx tells the first of, and
 * a second one %KFD_QUEUE_DOORBELL_MIRROR_OFFSET further on.
 */
static int verify_sdma(struct kfd_node *node, const struct kfd_criu_queue_record *rec)
{
	const u32 *first = node->kfd->shared_resources.sdma_doorbell_idx;
	u32 sdma = kfd_get_num_sdma_engines(node);
	u32 xgmi = kfd_get_num_xgmi_sdma_engines(node);
	u32 doorbell = rec->doorbell_id % KFD_QUEUE_DOORBELL_MIRROR_OFFSET;
	u32 engines = rec->type == KFD_CRIU_QUEUE_SDMA ? sdma : xgmi;
	u32 i, all, own, rung;

	if (!engines || rec->sdma_id / engines >= node->kfd->device_info.num_sdma_queues_per_engine)
		return kfd_criu_refuse(-EXDEV, "queue", rec->queue_id, "SDMA queue slot",
				       rec->sdma_id, engines);
	own = node->node_id * (sdma + xgmi) + rec->sdma_id % engines;
	if (rec->type == KFD_CRIU_QUEUE_SDMA_XGMI)
		own += sdma;
	all = min_t(u32, node->kfd->num_nodes * (sdma + xgmi),
		    ARRAY_SIZE(node->adev->doorbell_index.sdma_engine));
	rung = all;
	for (i = 0; i < all; i++)
		if (first[i] <= doorbell && (rung == all || first[i] > first[rung]))
			rung = i;
	if (rung != own)
		return kfd_criu_refuse(-EXDEV, "queue", rec->queue_id,
				       "doorbell of another SDMA engine", rung, own);
	return 0;
}

/*
 * Version 1 has the size of a control stack only where its contents are in the image
 * too. It is the same for all queues of a GPU: the driver accepts no other one.
 */
static u32 ctl_stack_size(const struct kfd_criu_transaction *r,
			  const struct kfd_criu_queue_record *rec)
{
	const struct kfd_topology_device *topo;

	if (rec->ctl_stack_size || !rec->cwsr ||
	    (r->img.devices[rec->device].flags & KFD_CRIU_DEVICE_IDENTITY))
		return rec->ctl_stack_size;
	topo = kfd_topology_device_by_id(r->pdds[rec->device]->dev->id);
	return topo ? topo->node_props.ctl_stack_size : 0;
}

static int compare(const struct kfd_criu_queue_record *rec, const char *what, u32 found, u32 wanted)
{
	return found == wanted ? 0 : kfd_criu_refuse(-EXDEV, "queue", rec->queue_id, what, found,
						     wanted);
}

/*
 * In the middle of a command or a dispatch, firmware has left its own notes; waves were
 * saved by a handler, which has a format of its own, too, and come back to where they were.
 */
static int verify_busy(const struct kfd_criu_queue_record *rec,
		       const struct kfd_criu_die_record *here,
		       const struct kfd_criu_die_record *die)
{
	int err;

	if (rec->type != KFD_CRIU_QUEUE_COMPUTE)
		return compare(rec, "SDMA firmware of a command in its middle",
			       here->sdma_firmware, die->sdma_firmware);
	err = compare(rec, "trap handler that has saved waves", here->handler_crc,
		      die->handler_crc);
	err = err ?: compare(rec, "size of the trap handler that has saved waves",
			     here->handler_size, die->handler_size);
	err = err ?: compare(rec, "MEC firmware of waves that were saved", here->mec_firmware,
			     die->mec_firmware);
	err = err ?: compare(rec, "shader engines of waves that were saved", here->engines,
			     die->engines);
	err = err ?: compare(rec, "shader arrays of waves that were saved", here->arrays,
			     die->arrays);
	if (!err && !kfd_criu_die_same_cus(here, die))
		err = kfd_criu_refuse(-EXDEV, "queue", rec->queue_id,
				      "CUs of waves that were saved", 0, 0);
	return err;
}

/* A CU mask of another die can be understood if the process has set it, by numbers of CUs. */
static int verify_cu_mask(const struct kfd_criu_mqd_layout *layout, u32 gc_version,
			  const struct kfd_criu_queue_record *rec,
			  const struct kfd_criu_die_record *here,
			  const struct kfd_criu_die_record *die)
{
	u32 masks[KFD_CRIU_DIE_ENGINES];
	u32 xcc;

	if (kfd_criu_die_same_cus(here, die))
		return 0;
	for (xcc = 0; xcc < rec->xccs; xcc++) {
		kfd_criu_mqd_get_cu_mask(layout, kfd_criu_queue_mqd(rec, xcc), masks);
		if (!kfd_criu_die_translate(die, here, gc_version, xcc, masks))
			return kfd_criu_refuse(-EXDEV, "queue", rec->queue_id,
					       "CU mask of CUs that the die did not have", xcc, 0);
	}
	return 0;
}

/* Version 1 tells nothing of dies: whoever restores it has to know that they are the same. */
static int verify_die(const struct kfd_criu_transaction *r,
		      const struct kfd_criu_mqd_layout *layout,
		      const struct kfd_criu_queue_record *rec)
{
	struct kfd_node *node = r->pdds[rec->device]->dev;
	bool mask = rec->flags & KFD_CRIU_QUEUE_CU_MASK, busy = false;
	const struct kfd_criu_die_record *die;
	struct kfd_criu_die_record here = {};
	u32 xcc;
	int err;

	for (xcc = 0; xcc < rec->xccs; xcc++)
		busy |= kfd_criu_mqd_busy(layout, kfd_criu_queue_mqd(rec, xcc),
					  ctl_stack_size(r, rec));
	if (!busy && !mask)
		return 0;
	if (!(r->img.devices[rec->device].flags & KFD_CRIU_DEVICE_IDENTITY))
		return 0;
	if (!r->img.dies)
		return kfd_criu_refuse(-EINVAL, "queue", rec->queue_id,
				       "saved waves or CU mask of a die that is not told", busy, 0);
	die = &r->img.dies[rec->device];
	kfd_criu_die_describe(node, &here);
	err = busy ? verify_busy(rec, &here, die) : 0;
	if (!err && mask)
		err = verify_cu_mask(layout, KFD_GC_VERSION(node), rec, &here, die);
	return err;
}

/*
 * XCCs share the grids of an AQL queue by numbers that follow each other, from any of them on.
 * The numbers stay: in the middle of a grid, an XCC with another one would take workgroups that
 * have run already on its neighbour, and leave others out.
 */
static int verify_logical_xccs(const struct kfd_criu_mqd_layout *layout,
			       const struct kfd_criu_queue_record *rec)
{
	u32 first = 0, xcc, wanted;
	const u32 *mqd;

	if (!layout->logical_xcc)
		return 0;
	for (xcc = 0; xcc < rec->xccs; xcc++) {
		mqd = kfd_criu_queue_mqd(rec, xcc);
		if (!xcc && rec->format == KFD_CRIU_QUEUE_AQL)
			first = mqd[layout->logical_xcc] % rec->xccs;
		wanted = rec->format == KFD_CRIU_QUEUE_AQL ? (first + xcc) % rec->xccs : 0;
		if (mqd[layout->logical_xcc] != wanted)
			return kfd_criu_refuse(-EINVAL, "queue", rec->queue_id,
					       "numbers of XCCs that do not follow each other",
					       mqd[layout->logical_xcc], wanted);
	}
	return 0;
}

static int verify_one(const struct kfd_criu_transaction *r, const struct kfd_criu_queue_record *rec)
{
	struct kfd_node *node = r->pdds[rec->device]->dev;
	const struct kfd_criu_mqd_layout *layout = kfd_criu_mqd_layout(node, rec->type);
	u32 xcc;
	int err;

	if (!layout)
		return kfd_criu_refuse(-EOPNOTSUPP, "queue", rec->queue_id,
				       "queues of this generation can't be restored",
				       KFD_GC_VERSION(node), rec->type);
	if (rec->mqd_size != layout->size)
		return kfd_criu_refuse(-EXDEV, "queue", rec->queue_id, "MQD size", rec->mqd_size,
				       layout->size);
	if (rec->xccs != queue_xccs(node, rec->type))
		return kfd_criu_refuse(-EXDEV, "queue", rec->queue_id, "number of XCCs",
				       rec->xccs, queue_xccs(node, rec->type));
	if (rec->ctl_size && (!layout->ctl_stack || !node->kfd->cwsr_enabled || !rec->cwsr ||
			      rec->ctl_size > rec->ctl_stack_size))
		return kfd_criu_refuse(-EINVAL, "queue", rec->queue_id, "control stack",
				       rec->ctl_size, rec->ctl_stack_size);
	if (rec->type != KFD_CRIU_QUEUE_COMPUTE) {
		err = verify_sdma(node, rec);
		if (err)
			return err;
	}
	if (rec->flags & KFD_CRIU_QUEUE_GWS && !node->gws)
		return kfd_criu_refuse(-EXDEV, "queue", rec->queue_id, "GPU has no GWS", 0, 1);
	if (!access_ok(u64_to_user_ptr(rec->rptr), sizeof(u64)) ||
	    !access_ok(u64_to_user_ptr(rec->wptr), sizeof(u64)) ||
	    (rec->ring && !access_ok(u64_to_user_ptr(rec->ring), rec->ring_size)))
		return kfd_criu_refuse(-EINVAL, "queue", rec->queue_id, "addresses", rec->ring,
				       TASK_SIZE_MAX);
	for (xcc = 0; xcc < rec->xccs; xcc++) {
		err = kfd_criu_mqd_check(layout, kfd_criu_queue_mqd(rec, xcc), rec,
					 ctl_stack_size(r, rec));
		if (err)
			return kfd_criu_refuse(err, "queue", rec->queue_id,
					       "progress that can't be", xcc, 0);
	}
	err = verify_logical_xccs(layout, rec);
	return err ?: verify_die(r, layout, rec);
}

static int queue_verify(struct kfd_criu_transaction *r)
{
	const struct kfd_criu_queue_record *rec;
	int err;

	for (rec = kfd_criu_image_next_queue(&r->img, NULL); rec;
	     rec = kfd_criu_image_next_queue(&r->img, rec)) {
		err = verify_one(r, rec);
		if (err)
			return err;
	}
	return 0;
}

static void fill_properties(struct queue_properties *qp, const struct kfd_criu_queue_record *rec)
{
	*qp = (struct queue_properties) {
		.type = rec->type,
		.format = rec->format,
		.queue_address = rec->ring,
		.queue_size = rec->ring_size,
		.priority = rec->priority,
		.queue_percent = rec->percent,
		.read_ptr = u64_to_user_ptr(rec->rptr),
		.write_ptr = u64_to_user_ptr(rec->wptr),
		.pm4_target_xcc = rec->pm4_target_xcc,
		.eop_ring_buffer_address = rec->eop,
		.eop_ring_buffer_size = rec->eop_size,
		.ctx_save_restore_area_address = rec->cwsr,
		.ctx_save_restore_area_size = rec->cwsr_size,
		/* A save area that is no BO: its range does not exist before RESUME. */
		.cwsr_deferred = rec->type == KFD_QUEUE_TYPE_COMPUTE,
		.is_reset = rec->flags & KFD_CRIU_QUEUE_RESET,
	};
}

/* What verify_cu_mask() has found to be possible. */
static void move_cu_mask(const struct kfd_criu_mqd_layout *layout, u32 gc_version,
			 const struct kfd_criu_die_record *die,
			 const struct kfd_criu_die_record *here, u32 xcc, u32 *mqd)
{
	u32 masks[KFD_CRIU_DIE_ENGINES];

	kfd_criu_mqd_get_cu_mask(layout, mqd, masks);
	kfd_criu_die_translate(die, here, gc_version, xcc, masks);
	kfd_criu_mqd_set_cu_mask(layout, mqd, masks);
}

/* The scheduler has not seen the queue yet: the process' queues are stopped. */
static void load_progress(struct kfd_process_device *pdd, struct queue *q,
			  const struct kfd_criu_queue_record *rec,
			  const struct kfd_criu_die_record *die)
{
	const struct kfd_criu_mqd_layout *layout = kfd_criu_mqd_layout(pdd->dev, rec->type);
	struct mqd_manager *mqd_mgr = queue_mqd_mgr(pdd->dev, rec->type);
	bool move = die && rec->flags & KFD_CRIU_QUEUE_CU_MASK;
	struct kfd_criu_die_record here = {};
	u32 xcc, stride = mqd_mgr->mqd_stride(mqd_mgr, &q->properties);

	if (move) {
		kfd_criu_die_describe(pdd->dev, &here);
		move = !kfd_criu_die_same_cus(&here, die);
	}
	dqm_lock(pdd->dev->dqm);
	for (xcc = 0; xcc < rec->xccs; xcc++) {
		void *mqd = q->mqd + (size_t)xcc * stride;

		kfd_criu_mqd_copy(layout, mqd, kfd_criu_queue_mqd(rec, xcc));
		if (move)
			move_cu_mask(layout, KFD_GC_VERSION(pdd->dev), die, &here, xcc, mqd);
		if (rec->ctl_size)
			memcpy(mqd + PAGE_SIZE, kfd_criu_queue_ctl_stack(rec, xcc),
			       rec->ctl_size);
	}
	/* No CU mask by the process: then it is the debugger workaround's to set one. */
	q->properties.is_user_cu_masked = rec->flags & KFD_CRIU_QUEUE_CU_MASK;
	q->properties.exception_status = rec->exception_status;
	dqm_unlock(pdd->dev->dqm);
}

static int create(struct kfd_criu_transaction *r, const struct kfd_criu_queue_record *rec)
{
	const struct kfd_queue_restore ids = {
		.q_id = rec->queue_id,
		.doorbell_id = rec->doorbell_id,
		.sdma_id = rec->sdma_id,
	};
	struct kfd_process_device *pdd = r->pdds[rec->device];
	struct process_queue_manager *pqm = &r->p->pqm;
	struct queue_properties qp;
	unsigned int id;
	int err;

	fill_properties(&qp, rec);
	qp.ctl_stack_size = ctl_stack_size(r, rec);
	err = kfd_queue_acquire_buffers(pdd, &qp);
	if (err)
		return err;
	err = pqm_create_queue(pqm, pdd->dev, NULL, &qp, &id, &ids, NULL);
	if (err) {
		kfd_queue_unref_bo_vas(pdd, &qp);
		kfd_queue_release_buffers(pdd, &qp);
		return err;
	}
	/* From here on undo has to destroy it. */
	r->queues_done++;
	if (rec->flags & KFD_CRIU_QUEUE_GWS) {
		err = pqm_set_gws(pqm, id, pdd->dev->gws);
		if (err)
			return err;
	}
	load_progress(pdd, pqm_get_user_queue(pqm, id), rec,
		      r->img.dies ? &r->img.dies[rec->device] : NULL);
	return 0;
}

static int queue_prepare(struct kfd_criu_transaction *r)
{
	const struct kfd_criu_queue_record *rec;
	int err;

	for (rec = kfd_criu_image_next_queue(&r->img, NULL); rec;
	     rec = kfd_criu_image_next_queue(&r->img, rec)) {
		err = kfd_criu_killed() ?: create(r, rec);
		trace_kfd_criu_object("queue", "create", rec->queue_id,
				      r->img.devices[rec->device].user_gpu_id, err);
		if (err)
			return kfd_criu_refuse(err, "queue", rec->queue_id, "can't be created",
					       rec->type, 0);
	}
	return 0;
}

static void queue_undo(struct kfd_criu_transaction *r)
{
	const struct kfd_criu_queue_record *rec;
	u32 n = 0;

	for (rec = kfd_criu_image_next_queue(&r->img, NULL); rec;
	     rec = kfd_criu_image_next_queue(&r->img, rec)) {
		if (n++ == r->queues_done)
			break;
		pqm_destroy_queue(&r->p->pqm, rec->queue_id);
	}
}

/* Save areas in SVM ranges, which exist now: they must not go while the queue lives. */
static int queue_resume(struct kfd_process *p)
{
	struct queue *q;
	int err;
	u32 i;

	for (i = 0; i < p->n_pdds; i++) {
		list_for_each_entry(q, &p->pdds[i]->qpd.queues_list, list) {
			if (!q->properties.cwsr_deferred)
				continue;
			err = kfd_queue_acquire_deferred(p->pdds[i], &q->properties);
			if (err)
				return kfd_criu_refuse(-EFAULT, "queue", q->properties.queue_id,
						       "save area is in no SVM range", err, 0);
		}
	}
	return 0;
}

const struct kfd_criu_class kfd_criu_queue_class = {
	.name = "queue",
	.check = queue_check,
	.count = queue_count,
	.save = queue_save,
	.verify = queue_verify,
	.prepare = queue_prepare,
	.undo = queue_undo,
	.resume = queue_resume,
};
