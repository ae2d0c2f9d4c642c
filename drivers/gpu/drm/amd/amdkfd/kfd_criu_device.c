// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Checkpoint and restore of compute processes: the GPUs, and what a process has
 * set on each of them.
 */

#include <kunit/visibility.h>
#include <linux/crc32.h>
#include <linux/export.h>
#include <linux/file.h>
#include <drm/drm_file.h>
#include "amdgpu.h"
#include "amdgpu_amdkfd.h"
#include "amdgpu_xcp.h"
#include "kfd_criu.h"
#include "kfd_criu_trace.h"
#include "kfd_device_queue_manager.h"
#include "kfd_mqd_manager.h"
#include "kfd_priv.h"
#include "kfd_topology.h"

/*
 * What an image relies on. MQDs and save areas are laid out by generation, XCCs
 * and firmware; queues are tied to engines, CU masks to CUs.
 */
static void identify(struct kfd_node *node, struct kfd_criu_device_record *rec)
{
	struct kfd_topology_device *topo = kfd_topology_device_by_id(node->id);
	struct mqd_manager **mqd_mgrs = node->dqm->mqd_mgrs;

	rec->flags |= KFD_CRIU_DEVICE_IDENTITY;
	rec->gc_version = KFD_GC_VERSION(node);
	rec->sdma_version = amdgpu_ip_version(node->adev, SDMA0_HWIP, 0);
	rec->xcc_count = NUM_XCC(node->xcc_mask);
	rec->mqd_size = mqd_mgrs[KFD_MQD_TYPE_CP]->mqd_size;
	rec->sdma_mqd_size = mqd_mgrs[KFD_MQD_TYPE_SDMA]->mqd_size;
	rec->doorbell_size = kfd_doorbell_process_slice(node->kfd);
	rec->sdma_engines = kfd_get_num_sdma_engines(node);
	rec->xgmi_engines = kfd_get_num_xgmi_sdma_engines(node);
	rec->engine_queues = node->kfd->device_info.num_sdma_queues_per_engine;
	rec->partitions = node->kfd->num_nodes;
	rec->partition = node->node_id;
	rec->mec_interface = node->adev->gfx.mec_feature_version;
	rec->sdma_interface = node->adev->sdma.instance[0].feature_version;
	if (topo) {
		rec->ctl_stack_size = topo->node_props.ctl_stack_size;
		rec->cwsr_size = topo->node_props.cwsr_size;
		rec->cu_count = topo->node_props.simd_count /
				max(topo->node_props.simd_per_cu, 1u);
	}
}

/**
 * kfd_criu_die_describe() - Tell what the state of a GPU's queues depends on.
 * @node: the GPU
 * @rec: zeroed, filled
 *
 * Context: any.
 */
void kfd_criu_die_describe(struct kfd_node *node, struct kfd_criu_die_record *rec)
{
	const struct amdgpu_gfx_config *config = &node->adev->gfx.config;
	const struct amdgpu_cu_info *info = &node->adev->gfx.cu_info;
	u32 major = IP_VERSION_MAJ(KFD_GC_VERSION(node));
	/* Where engines from the fifth on stand in a table of four by four. */
	u32 more = major == 11 || major == 12 ? 2 : 1;
	u32 xccs = min_t(u32, NUM_XCC(node->xcc_mask), KFD_CRIU_DIE_XCCS);
	u32 xcc, engine, array;

	static_assert(KFD_CRIU_DIE_XCCS == AMDGPU_MAX_GC_INSTANCES);
	if (node->kfd->cwsr_enabled) {
		rec->handler_size = node->kfd->cwsr_isa_size;
		rec->handler_crc = crc32_le(~0U, node->kfd->cwsr_isa, rec->handler_size);
	}
	rec->mec_firmware = node->adev->gfx.mec_fw_version;
	rec->sdma_firmware = node->adev->sdma.instance[0].fw_version;
	rec->engines = min_t(u32, config->max_shader_engines, KFD_CRIU_DIE_ENGINES);
	rec->arrays = min_t(u32, config->max_sh_per_se, KFD_CRIU_DIE_ARRAYS);
	for (xcc = 0; xcc < xccs; xcc++)
		for (engine = 0; engine < rec->engines; engine++)
			for (array = 0; array < rec->arrays; array++)
				rec->cus[xcc][engine][array] =
					info->bitmap[xcc + ffs(node->xcc_mask) - 1][engine % 4]
						    [array + engine / 4 * more];
}
EXPORT_SYMBOL_IF_KUNIT(kfd_criu_die_describe);

/* The handler that the first-level one jumps to, or the only one. */
static void get_trap_handler(const struct qcm_process_device *qpd, u64 *tba, u64 *tma)
{
	if (qpd->cwsr_kaddr) {
		const u64 *first_level = qpd->cwsr_kaddr + KFD_CWSR_TMA_OFFSET;

		*tba = READ_ONCE(first_level[0]);
		*tma = READ_ONCE(first_level[1]);
	} else {
		*tba = qpd->tba_addr;
		*tma = qpd->tma_addr;
	}
}

static int device_check(struct kfd_process *p)
{
	u32 i;

	for (i = 0; i < p->n_pdds; i++) {
		struct kfd_process_device *pdd = p->pdds[i];

		/* Before SOC15, doorbells are by queue id and memory policies differ. */
		if (pdd->drm_priv && !KFD_IS_SOC15(pdd->dev))
			return kfd_criu_refuse(-EOPNOTSUPP, "device", pdd->user_gpu_id,
					       "generation is not supported",
					       KFD_GC_VERSION(pdd->dev), IP_VERSION(9, 0, 1));
		if (pdd->qpd.is_debug || pdd->alloc_watch_ids || pdd->spi_dbg_launch_mode)
			return kfd_criu_refuse(-EOPNOTSUPP, "device", pdd->user_gpu_id,
					       "has debugger state", pdd->alloc_watch_ids, 0);
	}
	return 0;
}

/* Only queues depend on it. */
static void device_count(struct kfd_process *p, struct kfd_criu_counts *counts)
{
	u32 i;

	for (i = 0; i < p->n_pdds; i++)
		if (!list_empty(&p->pdds[i]->qpd.queues_list))
			counts->dies = p->n_pdds;
}

static int save_dies(struct kfd_criu_save *s)
{
	struct kfd_criu_die_record *rec;
	u32 i;

	if (!s->counts.dies)
		return 0;
	rec = kfd_criu_write(&s->w, KFD_CRIU_RECORD_DIES, s->counts.dies, sizeof(*rec), 0);
	if (!rec)
		return s->w.err;
	for (i = 0; i < s->counts.dies; i++)
		kfd_criu_die_describe(s->p->pdds[i]->dev, &rec[i]);
	return 0;
}

static int device_save(struct kfd_criu_save *s)
{
	struct kfd_criu_device_record *rec;
	struct kfd_process *p = s->p;
	u32 i;

	rec = kfd_criu_write(&s->w, KFD_CRIU_RECORD_DEVICES, p->n_pdds, sizeof(*rec), 0);
	if (!rec)
		return s->w.err;
	for (i = 0; i < p->n_pdds; i++, rec++) {
		struct kfd_process_device *pdd = p->pdds[i];

		identify(pdd->dev, rec);
		rec->user_gpu_id = pdd->user_gpu_id;
		rec->exception_status = pdd->exception_status;
		if (!pdd->drm_priv)
			continue;
		rec->flags |= KFD_CRIU_DEVICE_VM;
		if (pdd->qpd.proc_doorbells)
			rec->flags |= KFD_CRIU_DEVICE_DOORBELLS;
		if (pdd->has_reset_queue)
			rec->flags |= KFD_CRIU_DEVICE_RESET;
		get_trap_handler(&pdd->qpd, &rec->tba, &rec->tma);
		rec->scratch_va = pdd->qpd.sh_hidden_private_base;
	}
	return save_dies(s);
}

static int compare(u32 id, const char *what, u32 found, u32 wanted)
{
	return found == wanted ? 0 : kfd_criu_refuse(-EXDEV, "device", id, what, found, wanted);
}

/* Can this GPU go on where that of the image was? */
static int verify_identity(struct kfd_node *node, const struct kfd_criu_device_record *rec)
{
	struct kfd_criu_device_record here = {};
	u32 id = rec->user_gpu_id;
	int err;

	if (!(rec->flags & KFD_CRIU_DEVICE_IDENTITY))
		return 0;
	identify(node, &here);
	err = compare(id, "GC version", here.gc_version, rec->gc_version);
	err = err ?: compare(id, "SDMA version", here.sdma_version, rec->sdma_version);
	err = err ?: compare(id, "number of XCCs", here.xcc_count, rec->xcc_count);
	err = err ?: compare(id, "MQD size", here.mqd_size, rec->mqd_size);
	err = err ?: compare(id, "SDMA MQD size", here.sdma_mqd_size, rec->sdma_mqd_size);
	err = err ?: compare(id, "doorbell size", here.doorbell_size, rec->doorbell_size);
	err = err ?: compare(id, "control stack size", here.ctl_stack_size,
			     rec->ctl_stack_size);
	err = err ?: compare(id, "save area size", here.cwsr_size, rec->cwsr_size);
	err = err ?: compare(id, "number of SDMA engines", here.sdma_engines,
			     rec->sdma_engines);
	err = err ?: compare(id, "number of XGMI engines", here.xgmi_engines,
			     rec->xgmi_engines);
	err = err ?: compare(id, "queues per engine", here.engine_queues, rec->engine_queues);
	err = err ?: compare(id, "number of CUs", here.cu_count, rec->cu_count);
	err = err ?: compare(id, "number of partitions", here.partitions, rec->partitions);
	err = err ?: compare(id, "MEC firmware interface", here.mec_interface,
			     rec->mec_interface);
	/* Another partition is for queue_verify() to judge: only SDMA queues mind. */
	return err ?: compare(id, "SDMA firmware interface", here.sdma_interface,
			      rec->sdma_interface);
}

/* The file must be a render node of that GPU (of that partition), with an unused VM. */
static int verify_drm_file(struct kfd_node *node, struct file *file, u32 id)
{
	struct drm_device *ddev = node->xcp ? node->xcp->ddev : adev_to_drm(node->adev);
	struct amdgpu_fpriv *fpriv;
	struct drm_file *drm_file;

	if (amdgpu_file_to_fpriv(file, &fpriv))
		return kfd_criu_refuse(-EBADF, "device", id, "not a render node of amdgpu", 0, 1);
	drm_file = file->private_data;
	/* All partitions of a GPU have the GPU as their minors' device. */
	if (drm_file->minor != ddev->render && drm_file->minor != ddev->primary)
		return kfd_criu_refuse(-EBADF, "device", id, "render node of another GPU",
				       drm_file->minor->index, ddev->render->index);
	if (fpriv->vm.process_info)
		return kfd_criu_refuse(-EBUSY, "device", id, "render node's VM is in use", 1, 0);
	return 0;
}

static const struct kfd_criu_device_bucket *
find_bucket(const struct kfd_criu_transaction *r, u32 id)
{
	u32 i;

	for (i = 0; i < r->img.num_devices; i++)
		if (r->device_buckets[i].user_gpu_id == id)
			return &r->device_buckets[i];
	return NULL;
}

/* No other GPU of the process may have an id that the image brings. */
static int verify_ids(const struct kfd_criu_transaction *r)
{
	struct kfd_process *p = r->p;
	u32 i, j;

	for (i = 0; i < p->n_pdds; i++) {
		bool used = false;

		for (j = 0; j < r->img.num_devices; j++)
			used |= r->pdds[j] == p->pdds[i];
		if (!used && find_bucket(r, p->pdds[i]->user_gpu_id))
			return kfd_criu_refuse(-EEXIST, "device", p->pdds[i]->user_gpu_id,
					       "id is that of a GPU that is not restored", 1, 0);
	}
	return 0;
}

static int device_verify(struct kfd_criu_transaction *r)
{
	u32 i, j;
	int err;

	for (i = 0; i < r->img.num_devices; i++) {
		const struct kfd_criu_device_record *rec = &r->img.devices[i];
		const struct kfd_criu_device_bucket *bucket = find_bucket(r, rec->user_gpu_id);
		struct kfd_node *node;

		if (!bucket)
			return kfd_criu_refuse(-ENODEV, "device", rec->user_gpu_id,
					       "no bucket for it", 0, 1);
		node = kfd_device_by_id(bucket->actual_gpu_id);
		r->pdds[i] = node ? kfd_get_process_device_data(node, r->p) : NULL;
		if (!r->pdds[i])
			return kfd_criu_refuse(-ENODEV, "device", rec->user_gpu_id,
					       "no such GPU here", bucket->actual_gpu_id, 0);
		for (j = 0; j < i; j++)
			if (r->pdds[j] == r->pdds[i])
				return kfd_criu_refuse(-EEXIST, "device", rec->user_gpu_id,
						       "GPU is named twice", node->id, 0);
		if (!(rec->flags & KFD_CRIU_DEVICE_VM))
			continue;
		if (kfd_devcgroup_check_permission(node))
			return kfd_criu_refuse(-EPERM, "device", rec->user_gpu_id,
					       "no permission for the GPU", node->id, 0);
		err = verify_identity(node, rec);
		if (err)
			return err;
		/* A file is a node of one GPU alone, and none is named twice. */
		r->drm_files[i] = fget(bucket->drm_fd);
		err = verify_drm_file(node, r->drm_files[i], rec->user_gpu_id);
		if (err)
			return err;
	}
	return verify_ids(r);
}

static int prepare_one(struct kfd_criu_transaction *r, u32 i)
{
	const struct kfd_criu_device_record *rec = &r->img.devices[i];
	struct kfd_process_device *pdd = r->pdds[i];
	int err;

	pdd->exception_status = rec->exception_status;
	if (!(rec->flags & KFD_CRIU_DEVICE_VM))
		return 0;
	err = kfd_process_device_init_vm(pdd, r->drm_files[i]);
	if (err)
		return err;
	/* It is the process' now. */
	r->drm_files[i] = NULL;
	pdd = kfd_bind_process_to_device(pdd->dev, r->p);
	if (IS_ERR(pdd))
		return PTR_ERR(pdd);
	if (rec->flags & KFD_CRIU_DEVICE_DOORBELLS) {
		err = kfd_alloc_process_doorbells(pdd->dev->kfd, pdd);
		if (err)
			return err;
	}
	if (rec->tba || rec->tma)
		kfd_process_set_trap_handler(&pdd->qpd, rec->tba, rec->tma);
	pdd->qpd.sh_hidden_private_base = rec->scratch_va;
	pdd->has_reset_queue = rec->flags & KFD_CRIU_DEVICE_RESET;
	return 0;
}

/* All user pointers count as invalidated from now on: see "What holds the queues". */
static int hold_userptrs(struct kfd_process *p)
{
	struct amdkfd_process_info *info = p->kgd_process_info;
	int err;

	if (!info)
		return 0;
	err = kfd_criu_stop_queues(p, KFD_QUEUE_EVICTION_CRIU_RESTORE);
	if (err)
		return err;
	mutex_lock(&info->notifier_lock);
	info->evicted_bos = 1;
	mutex_unlock(&info->notifier_lock);
	return 0;
}

static void release_userptrs(struct kfd_process *p)
{
	struct amdkfd_process_info *info = p->kgd_process_info;
	bool held;

	if (!info)
		return;
	mutex_lock(&info->notifier_lock);
	held = info->evicted_bos;
	info->evicted_bos = 0;
	mutex_unlock(&info->notifier_lock);
	if (held)
		kfd_process_restore_queues(p);
}

static int device_prepare(struct kfd_criu_transaction *r)
{
	int err;
	u32 i;

	/* All ids before any VM: there is no moment with an id twice. */
	for (i = 0; i < r->img.num_devices; i++) {
		r->old_ids[i] = r->pdds[i]->user_gpu_id;
		r->pdds[i]->user_gpu_id = r->img.devices[i].user_gpu_id;
	}
	for (i = 0; i < r->img.num_devices; i++) {
		r->devices_done = i + 1;
		err = prepare_one(r, i);
		trace_kfd_criu_object("device", "create", r->pdds[i]->dev->id,
				      r->pdds[i]->user_gpu_id, err);
		if (err)
			return kfd_criu_refuse(err, "device", r->pdds[i]->user_gpu_id,
					       "can't be set up", 0, 0);
	}
	return hold_userptrs(r->p);
}

/* Everything that lies in the VM; the VM itself is still there afterwards. */
static void empty_vm(struct kfd_process_device *pdd)
{
	pdd->exception_status = 0;
	pdd->has_reset_queue = false;
	pdd->qpd.sh_hidden_private_base = 0;
	if (!pdd->drm_file)
		return;
	kfd_process_device_destroy_cwsr_dgpu(pdd);
	kfd_process_device_destroy_ib_mem(pdd);
	/* What MES keeps of a process comes with its first queue. */
	if (pdd->proc_ctx_cpu_ptr) {
		amdgpu_amdkfd_free_gtt_mem(pdd->dev->adev, &pdd->proc_ctx_bo);
		pdd->proc_ctx_cpu_ptr = NULL;
		pdd->proc_ctx_gpu_addr = 0;
	}
	pdd->qpd.tba_addr = 0;
	pdd->qpd.tma_addr = 0;
	kfd_free_process_doorbells(pdd->dev->kfd, pdd);
	pdd->drm_priv = NULL;
}

/* The caller's render node gets its VM back. */
static void release_vm(struct kfd_process_device *pdd)
{
	void *drm_priv;

	if (!pdd->drm_file)
		return;
	drm_priv = pdd->drm_file->private_data;
	amdgpu_amdkfd_gpuvm_release_process_vm(pdd->dev->adev, drm_priv);
	amdgpu_amdkfd_gpuvm_destroy_cb(pdd->dev->adev, drm_priv_to_vm(drm_priv));
	fput(pdd->drm_file);
	pdd->drm_file = NULL;
}

static void device_undo(struct kfd_criu_transaction *r)
{
	struct kfd_process *p = r->p;
	u32 i;

	release_userptrs(p);
	for (i = r->devices_done; i--;)
		empty_vm(r->pdds[i]);
	/* Evictions end here, while what they work on still exists. */
	kfd_process_forget_vms(p);
	for (i = r->devices_done; i--;)
		release_vm(r->pdds[i]);
	for (i = 0; i < r->img.num_devices; i++)
		if (r->old_ids[i])
			r->pdds[i]->user_gpu_id = r->old_ids[i];
}

const struct kfd_criu_class kfd_criu_device_class = {
	.name = "device",
	.check = device_check,
	.count = device_count,
	.save = device_save,
	.verify = device_verify,
	.prepare = device_prepare,
	.undo = device_undo,
};
