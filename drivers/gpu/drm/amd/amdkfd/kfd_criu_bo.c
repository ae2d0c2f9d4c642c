// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Checkpoint and restore of compute processes: buffer objects.
 */

#include <linux/dma-buf.h>
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sort.h>
#include "amdgpu.h"
#include "amdgpu_amdkfd.h"
#include "amdgpu_ttm.h"
#include "amdgpu_xgmi.h"
#include "kfd_criu.h"
#include "kfd_criu_trace.h"
#include "kfd_priv.h"

/* One of these each BO is, */
#define BO_TYPES							\
	(KFD_IOC_ALLOC_MEM_FLAGS_VRAM | KFD_IOC_ALLOC_MEM_FLAGS_GTT |	\
	 KFD_IOC_ALLOC_MEM_FLAGS_USERPTR |				\
	 KFD_IOC_ALLOC_MEM_FLAGS_DOORBELL |				\
	 KFD_IOC_ALLOC_MEM_FLAGS_MMIO_REMAP)
/* and any of these may go with it. */
#define BO_ATTRIBUTES							\
	(KFD_IOC_ALLOC_MEM_FLAGS_WRITABLE |				\
	 KFD_IOC_ALLOC_MEM_FLAGS_EXECUTABLE |				\
	 KFD_IOC_ALLOC_MEM_FLAGS_PUBLIC |				\
	 KFD_IOC_ALLOC_MEM_FLAGS_NO_SUBSTITUTE |			\
	 KFD_IOC_ALLOC_MEM_FLAGS_AQL_QUEUE_MEM |			\
	 KFD_IOC_ALLOC_MEM_FLAGS_COHERENT |				\
	 KFD_IOC_ALLOC_MEM_FLAGS_UNCACHED |				\
	 KFD_IOC_ALLOC_MEM_FLAGS_EXT_COHERENT |				\
	 KFD_IOC_ALLOC_MEM_FLAGS_CONTIGUOUS)
/* Those with contents of their own: the caller gets a dma-buf to read or write them. */
#define BO_CONTENTS	(KFD_IOC_ALLOC_MEM_FLAGS_VRAM | KFD_IOC_ALLOC_MEM_FLAGS_GTT)

#define NO_FD		(~0U)

/*
 * References that a dma-buf of ours has when nobody outside uses it: that of
 * the kgd_mem, of the GEM object, and of the driver's own GEM handle.
 */
#define DMABUF_OWN_REFS	3

/* &kfd_process.mutex keeps BOs and their mappings as they are. */
static u64 mapped_gpus(struct kfd_process *p, const struct kgd_mem *mem)
{
	struct kfd_mem_attachment *entry;
	u64 gpus = 0;
	u32 i;

	list_for_each_entry(entry, &mem->attachments, list) {
		if (!entry->is_mapped)
			continue;
		for (i = 0; i < p->n_pdds; i++)
			if (p->pdds[i]->drm_priv &&
			    drm_priv_to_vm(p->pdds[i]->drm_priv) == entry->bo_va->base.vm)
				gpus |= BIT_ULL(i);
	}
	return gpus;
}

/* Does anybody but this process hold the BO's dma-buf? */
static bool is_shared(const struct kgd_mem *mem)
{
	struct kfd_mem_attachment *entry;
	long refs = DMABUF_OWN_REFS;

	if (!mem->dmabuf)
		return false;
	/* Mapping on a peer imports it there. */
	list_for_each_entry(entry, &mem->attachments, list)
		refs += entry->type == KFD_MEM_ATT_DMABUF;
	return file_count(mem->dmabuf->file) > refs;
}

static int bo_check(struct kfd_process *p)
{
	struct kfd_process_device *pdd;
	struct kgd_mem *mem;
	void *entry;
	int id;
	u32 i;

	for (i = 0; i < p->n_pdds; i++) {
		pdd = p->pdds[i];
		idr_for_each_entry(&pdd->alloc_idr, entry, id) {
			mem = entry;
			/* Restored as a copy, it would no longer be the other's memory. */
			if (mem->is_imported)
				return kfd_criu_refuse(-EOPNOTSUPP, "bo",
						       MAKE_HANDLE(pdd->user_gpu_id, id),
						       "is imported", 1, 0);
			if (is_shared(mem))
				return kfd_criu_refuse(-EOPNOTSUPP, "bo",
						       MAKE_HANDLE(pdd->user_gpu_id, id),
						       "is exported",
						       file_count(mem->dmabuf->file),
						       DMABUF_OWN_REFS);
		}
	}
	return 0;
}

static void bo_count(struct kfd_process *p, struct kfd_criu_counts *counts)
{
	void *mem;
	int id;
	u32 i;

	for (i = 0; i < p->n_pdds; i++)
		idr_for_each_entry(&p->pdds[i]->alloc_idr, mem, id)
			counts->bos++;
}

static int save_one(struct kfd_criu_save *s, u32 device, u32 id, struct kgd_mem *mem,
		    struct kfd_criu_bo_record *rec, struct kfd_criu_bo_bucket *bucket)
{
	struct kfd_process_device *pdd = s->p->pdds[device];
	u64 mmap_id = KFD_MMAP_GPU_ID(pdd->user_gpu_id);

	/* Of an AQL queue's ring that is the size of the memory, mapped twice. */
	bucket->size = amdgpu_bo_size(mem->bo);
	bucket->addr = mem->va;
	bucket->gpu_id = pdd->user_gpu_id;
	bucket->alloc_flags = mem->alloc_flags;
	bucket->dmabuf_fd = NO_FD;
	/* The offset that the process has used with mmap(). */
	if (mem->alloc_flags & KFD_IOC_ALLOC_MEM_FLAGS_DOORBELL)
		bucket->offset = KFD_MMAP_TYPE_DOORBELL | mmap_id;
	else if (mem->alloc_flags & KFD_IOC_ALLOC_MEM_FLAGS_MMIO_REMAP)
		bucket->offset = KFD_MMAP_TYPE_MMIO | mmap_id;
	else
		bucket->offset = amdgpu_bo_mmap_offset(mem->bo);

	rec->gpus = mapped_gpus(s->p, mem);
	rec->handle = id;
	rec->device = device;
	rec->bucket = kfd_criu_bucket_crc(bucket);
	if (mem->alloc_flags & KFD_IOC_ALLOC_MEM_FLAGS_USERPTR)
		return amdgpu_ttm_tt_get_userptr(&mem->bo->tbo, &rec->user_addr);
	return 0;
}

static int bo_save(struct kfd_criu_save *s)
{
	struct kfd_criu_bo_bucket *bucket = s->buckets;
	struct kfd_criu_bo_record *rec;
	struct kfd_process *p = s->p;
	void *mem;
	int id, err;
	u32 i;

	if (!s->counts.bos)
		return 0;
	rec = kfd_criu_write(&s->w, KFD_CRIU_RECORD_BOS, s->counts.bos, sizeof(*rec), 0);
	if (!rec)
		return s->w.err;
	for (i = 0; i < p->n_pdds; i++) {
		idr_for_each_entry(&p->pdds[i]->alloc_idr, mem, id) {
			err = save_one(s, i, id, mem, rec++, bucket++);
			trace_kfd_criu_object("bo", "save", id, p->pdds[i]->user_gpu_id, err);
			if (err)
				return err;
		}
	}
	return 0;
}

/**
 * kfd_criu_export_bos() - Reserve a descriptor for each BO with contents.
 * @s: the checkpoint, saved
 * @files: out: a file for each bucket whose dmabuf_fd is valid afterwards, else NULL;
 *	to be installed or dropped by the caller, also after an error
 *
 * Context: Process context, &kfd_process.mutex held since the save.
 * Return: 0, -EMFILE, -ENOMEM
 */
int kfd_criu_export_bos(struct kfd_criu_save *s, struct file **files)
{
	struct kfd_process *p = s->p;
	struct dma_buf *dmabuf;
	int id, err, fd;
	u32 i, n = 0;
	void *mem;

	lockdep_assert_held(&p->mutex);
	for (i = 0; i < p->n_pdds; i++) {
		idr_for_each_entry(&p->pdds[i]->alloc_idr, mem, id) {
			struct kfd_criu_bo_bucket *bucket = &s->buckets[n++];

			if (!(bucket->alloc_flags & BO_CONTENTS))
				continue;
			fd = get_unused_fd_flags(O_CLOEXEC);
			if (fd < 0)
				return fd;
			err = amdgpu_amdkfd_gpuvm_export_dmabuf(mem, &dmabuf);
			if (err) {
				put_unused_fd(fd);
				return err;
			}
			bucket->dmabuf_fd = fd;
			files[n - 1] = dmabuf->file;
		}
	}
	return 0;
}

/**
 * kfd_criu_check_bos_v1() - Would the kernels of version 1 restore these BOs?
 * @s: the checkpoint, saved
 *
 * The memory of an AQL ring is mapped twice in a row. Those kernels save its size and take
 * that for the size of both mappings.
 *
 * Return: 0 or -EOPNOTSUPP
 */
int kfd_criu_check_bos_v1(const struct kfd_criu_save *s)
{
	u32 i;

	for (i = 0; i < s->counts.bos; i++)
		if (s->buckets[i].alloc_flags & KFD_IOC_ALLOC_MEM_FLAGS_AQL_QUEUE_MEM)
			return kfd_criu_refuse(-EOPNOTSUPP, "bo", s->buckets[i].addr,
					       "ring of an AQL queue in version 1",
					       s->buckets[i].size, 0);
	return 0;
}

/* --- verify --- */

/* What ALLOC_MEMORY_OF_GPU wants, and what it forgets to ask for. */
static int verify_bucket(const struct kfd_criu_transaction *r, u32 i)
{
	const struct kfd_criu_bo_bucket *bucket = &r->bo_buckets[i];
	const struct kfd_criu_bo_record *rec = &r->img.bos[i];
	struct kfd_process_device *pdd = r->pdds[rec->device];
	u64 handle = MAKE_HANDLE(bucket->gpu_id, rec->handle);
	u32 type = bucket->alloc_flags & BO_TYPES;
	u64 end, size = bucket->size;

	if (bucket->gpu_id != r->img.devices[rec->device].user_gpu_id)
		return kfd_criu_refuse(-EINVAL, "bo", handle, "bucket names another GPU",
				       bucket->gpu_id,
				       r->img.devices[rec->device].user_gpu_id);
	if (kfd_criu_bucket_crc(bucket) != rec->bucket)
		return kfd_criu_refuse(-EINVAL, "bo", handle, "bucket of another BO",
				       kfd_criu_bucket_crc(bucket), rec->bucket);
	if (bucket->alloc_flags & ~(BO_TYPES | BO_ATTRIBUTES))
		return kfd_criu_refuse(-EINVAL, "bo", handle, "unknown flags",
				       bucket->alloc_flags, BO_TYPES | BO_ATTRIBUTES);
	if (hweight32(type) != 1)
		return kfd_criu_refuse(-EINVAL, "bo", handle, "not of one type",
				       bucket->alloc_flags, BO_TYPES);
	if (!size || !PAGE_ALIGNED(size) || !PAGE_ALIGNED(bucket->addr))
		return kfd_criu_refuse(-EINVAL, "bo", handle, "size or address not in pages",
				       size, bucket->addr);
	if (check_add_overflow(bucket->addr, size << 1, &end) || size << 1 < size)
		return kfd_criu_refuse(-EINVAL, "bo", handle, "size", size, 0);
	/* VRAM may have no address, for export alone; it is mapped nowhere. */
	if (!bucket->addr && (rec->gpus || type != KFD_IOC_ALLOC_MEM_FLAGS_VRAM))
		return kfd_criu_refuse(-EINVAL, "bo", handle, "no address", 0, 1);
	if (bucket->alloc_flags & KFD_IOC_ALLOC_MEM_FLAGS_PUBLIC &&
	    type == KFD_IOC_ALLOC_MEM_FLAGS_VRAM && !kfd_dev_is_large_bar(pdd->dev))
		return kfd_criu_refuse(-EXDEV, "bo", handle, "VRAM is not visible here", 0, 1);
	if (bucket->alloc_flags & KFD_IOC_ALLOC_MEM_FLAGS_AQL_QUEUE_MEM &&
	    !(type & (BO_CONTENTS | KFD_IOC_ALLOC_MEM_FLAGS_USERPTR)))
		return kfd_criu_refuse(-EINVAL, "bo", handle, "a ring of that type", type, 0);

	switch (type) {
	case KFD_IOC_ALLOC_MEM_FLAGS_USERPTR:
		if (!rec->user_addr ||
		    !access_ok(u64_to_user_ptr(untagged_addr(rec->user_addr)), size))
			return kfd_criu_refuse(-EINVAL, "bo", handle, "user address",
					       rec->user_addr, TASK_SIZE_MAX);
		return 0;
	case KFD_IOC_ALLOC_MEM_FLAGS_DOORBELL:
		if (!(r->img.devices[rec->device].flags & KFD_CRIU_DEVICE_DOORBELLS) ||
		    size != kfd_doorbell_process_slice(pdd->dev->kfd))
			return kfd_criu_refuse(-EXDEV, "bo", handle, "size of doorbells", size,
					       kfd_doorbell_process_slice(pdd->dev->kfd));
		break;
	case KFD_IOC_ALLOC_MEM_FLAGS_MMIO_REMAP:
		if (size != PAGE_SIZE || PAGE_SIZE > SZ_4K ||
		    !pdd->dev->adev->rmmio_remap.bus_addr)
			return kfd_criu_refuse(-EXDEV, "bo", handle, "no such MMIO page", size,
					       PAGE_SIZE);
		break;
	}
	if (rec->user_addr)
		return kfd_criu_refuse(-EINVAL, "bo", handle, "user address of no user pointer",
				       rec->user_addr, 0);
	return 0;
}

/* Peers must be able to reach what is not in system memory. */
static int verify_access(const struct kfd_criu_transaction *r, u32 i)
{
	const struct kfd_criu_bo_record *rec = &r->img.bos[i];
	struct amdgpu_device *own = r->pdds[rec->device]->dev->adev;
	u32 type = r->bo_buckets[i].alloc_flags & BO_TYPES, gpu;

	if (type & (KFD_IOC_ALLOC_MEM_FLAGS_GTT | KFD_IOC_ALLOC_MEM_FLAGS_USERPTR))
		return 0;
	for (gpu = 0; gpu < r->img.num_devices; gpu++) {
		struct amdgpu_device *adev;

		if (!(rec->gpus & BIT_ULL(gpu)))
			continue;
		adev = r->pdds[gpu]->dev->adev;
		if (adev == own || adev->flags & AMD_IS_APU ||
		    (type == KFD_IOC_ALLOC_MEM_FLAGS_VRAM && amdgpu_xgmi_same_hive(adev, own)) ||
		    amdgpu_device_is_peer_accessible(own, adev))
			continue;
		return kfd_criu_refuse(-EXDEV, "bo",
				       MAKE_HANDLE(r->bo_buckets[i].gpu_id, rec->handle),
				       "GPU can't reach the peer's memory here",
				       r->img.devices[gpu].user_gpu_id, 0);
	}
	return 0;
}

/**
 * struct span - addresses that something occupies
 * @start: first byte
 * @end: first byte behind
 * @gpus: in whose VMs
 */
struct span {
	u64 start, end, gpus;
};

static int span_order(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/* No two BOs at one address of a VM, and none where the driver has its own. */
static int verify_addresses(const struct kfd_criu_transaction *r)
{
	u64 *busy_until;
	struct span *spans;
	u32 i, gpu, n = 0;
	int err = 0;

	spans = kvmalloc_array(r->img.num_bos + 2 * r->img.num_devices, sizeof(*spans),
			       GFP_KERNEL_ACCOUNT);
	busy_until = kcalloc(r->img.num_devices, sizeof(*busy_until), GFP_KERNEL_ACCOUNT);
	if (!spans || !busy_until) {
		err = -ENOMEM;
		goto out;
	}
	for (i = 0; i < r->img.num_bos; i++) {
		const struct kfd_criu_bo_bucket *bucket = &r->bo_buckets[i];
		bool twice = bucket->alloc_flags & KFD_IOC_ALLOC_MEM_FLAGS_AQL_QUEUE_MEM;

		if (!r->img.bos[i].gpus)
			continue;
		spans[n++] = (struct span) {
			.start = bucket->addr & AMDGPU_GMC_HOLE_MASK,
			.end = (bucket->addr & AMDGPU_GMC_HOLE_MASK) + (bucket->size << twice),
			.gpus = r->img.bos[i].gpus,
		};
	}
	for (i = 0; i < r->img.num_devices; i++) {
		const struct qcm_process_device *qpd = &r->pdds[i]->qpd;

		if (!(r->img.devices[i].flags & KFD_CRIU_DEVICE_VM))
			continue;
		if (qpd->cwsr_base)
			spans[n++] = (struct span) {
				.start = qpd->cwsr_base & AMDGPU_GMC_HOLE_MASK,
				.end = (qpd->cwsr_base & AMDGPU_GMC_HOLE_MASK) +
				       KFD_CWSR_TBA_TMA_SIZE,
				.gpus = BIT_ULL(i),
			};
		if (qpd->ib_base)
			spans[n++] = (struct span) {
				.start = qpd->ib_base & AMDGPU_GMC_HOLE_MASK,
				.end = (qpd->ib_base & AMDGPU_GMC_HOLE_MASK) + PAGE_SIZE,
				.gpus = BIT_ULL(i),
			};
	}
	sort(spans, n, sizeof(*spans), span_order, NULL);
	for (i = 0; i < n && !err; i++) {
		for (gpu = 0; gpu < r->img.num_devices; gpu++) {
			if (!(spans[i].gpus & BIT_ULL(gpu)))
				continue;
			if (spans[i].start < busy_until[gpu])
				err = kfd_criu_refuse(-EEXIST, "bo", 0, "address is taken",
						      spans[i].start, busy_until[gpu]);
			busy_until[gpu] = max(busy_until[gpu], spans[i].end);
		}
	}
out:
	kfree(busy_until);
	kvfree(spans);
	return err;
}

/* The signal page is mapped into the kernel: of all types that is only GTT's. */
static int verify_signal_page(const struct kfd_criu_transaction *r)
{
	u64 handle = r->img.process->signal_handle;
	u32 i;

	if (!(r->img.process->flags & KFD_CRIU_PROCESS_PAGE_BO))
		return 0;
	for (i = 0; i < r->img.num_bos; i++) {
		const struct kfd_criu_bo_bucket *bucket = &r->bo_buckets[i];

		if (MAKE_HANDLE(bucket->gpu_id, r->img.bos[i].handle) != handle)
			continue;
		if ((bucket->alloc_flags & BO_TYPES) == KFD_IOC_ALLOC_MEM_FLAGS_GTT &&
		    bucket->size == r->img.process->signal_size)
			return 0;
		break;
	}
	return kfd_criu_refuse(-EINVAL, "process", handle, "no BO for the signal page",
			       r->img.process->signal_size, 0);
}

static int bo_verify(struct kfd_criu_transaction *r)
{
	int err = 0;
	u32 i;

	for (i = 0; i < r->img.num_bos && !err; i++) {
		err = verify_bucket(r, i);
		err = err ?: verify_access(r, i);
	}
	err = err ?: verify_addresses(r);
	return err ?: verify_signal_page(r);
}

/* --- prepare --- */

static int create(struct kfd_criu_transaction *r, u32 i)
{
	struct kfd_criu_bo_bucket *bucket = &r->bo_buckets[i];
	const struct kfd_criu_bo_record *rec = &r->img.bos[i];
	struct kfd_process_device *pdd = r->pdds[rec->device];
	struct amdgpu_device *adev = pdd->dev->adev;
	bool twice = bucket->alloc_flags & KFD_IOC_ALLOC_MEM_FLAGS_AQL_QUEUE_MEM;
	struct kgd_mem *mem;
	u64 offset = 0;
	int err;

	if (bucket->alloc_flags & KFD_IOC_ALLOC_MEM_FLAGS_USERPTR) {
		offset = rec->user_addr;
	} else if (bucket->alloc_flags & KFD_IOC_ALLOC_MEM_FLAGS_DOORBELL) {
		offset = kfd_get_process_doorbells(pdd);
		if (!offset)
			return -ENOMEM;
	} else if (bucket->alloc_flags & KFD_IOC_ALLOC_MEM_FLAGS_MMIO_REMAP) {
		offset = adev->rmmio_remap.bus_addr;
	}
	err = amdgpu_amdkfd_gpuvm_alloc_memory_of_gpu(adev, bucket->addr, bucket->size << twice,
						      pdd->drm_priv, &mem, &offset,
						      bucket->alloc_flags, true);
	if (err)
		return err;
	err = idr_alloc(&pdd->alloc_idr, mem, rec->handle, rec->handle + 1, GFP_KERNEL);
	if (err < 0) {
		amdgpu_amdkfd_gpuvm_free_memory_of_gpu(adev, mem, pdd->drm_priv, NULL);
		return err == -ENOSPC ? -EEXIST : err;
	}
	r->bos[i].mem = mem;
	if (bucket->alloc_flags & KFD_IOC_ALLOC_MEM_FLAGS_VRAM)
		atomic64_add(bucket->size, &pdd->vram_usage);

	if (bucket->alloc_flags & BO_CONTENTS)
		bucket->restored_offset = offset;
	else if (bucket->alloc_flags & KFD_IOC_ALLOC_MEM_FLAGS_DOORBELL)
		bucket->restored_offset = KFD_MMAP_TYPE_DOORBELL |
					  KFD_MMAP_GPU_ID(pdd->user_gpu_id);
	else if (bucket->alloc_flags & KFD_IOC_ALLOC_MEM_FLAGS_MMIO_REMAP)
		bucket->restored_offset = KFD_MMAP_TYPE_MMIO | KFD_MMAP_GPU_ID(pdd->user_gpu_id);
	return 0;
}

static int map(struct kfd_criu_transaction *r, u32 i)
{
	u64 gpus = r->img.bos[i].gpus;
	int err;
	u32 gpu;

	for (gpu = 0; gpu < r->img.num_devices; gpu++) {
		struct kfd_process_device *pdd = r->pdds[gpu];

		if (!(gpus & BIT_ULL(gpu)))
			continue;
		err = amdgpu_amdkfd_gpuvm_map_memory_to_gpu(pdd->dev->adev, r->bos[i].mem,
							    pdd->drm_priv);
		if (err)
			return err;
		r->bos[i].mapped |= BIT_ULL(gpu);
	}
	return 0;
}

static int export(struct kfd_criu_transaction *r, u32 i)
{
	struct kfd_criu_bo_bucket *bucket = &r->bo_buckets[i];
	struct dma_buf *dmabuf;
	int err, fd;

	bucket->dmabuf_fd = NO_FD;
	if (!(bucket->alloc_flags & BO_CONTENTS))
		return 0;
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	err = amdgpu_amdkfd_gpuvm_export_dmabuf(r->bos[i].mem, &dmabuf);
	if (err) {
		put_unused_fd(fd);
		return err;
	}
	bucket->dmabuf_fd = fd;
	r->bos[i].file = dmabuf->file;
	return 0;
}

/* Page tables are written and seen before anybody may use them. */
static int finish_mappings(struct kfd_criu_transaction *r)
{
	int err;
	u32 i;

	for (i = 0; i < r->img.num_bos; i++) {
		struct kfd_process_device *pdd = r->pdds[r->img.bos[i].device];

		if (!r->bos[i].mapped)
			continue;
		err = amdgpu_amdkfd_gpuvm_sync_memory(pdd->dev->adev, r->bos[i].mem, true);
		if (err)
			return err;
	}
	for (i = 0; i < r->img.num_devices; i++)
		if (r->pdds[i]->drm_priv)
			kfd_flush_tlb(r->pdds[i]);
	return 0;
}

static int bo_prepare(struct kfd_criu_transaction *r)
{
	int err = 0;
	u32 i;

	for (i = 0; i < r->img.num_bos; i++) {
		err = create(r, i);
		err = err ?: map(r, i);
		err = err ?: export(r, i);
		trace_kfd_criu_object("bo", "create", r->img.bos[i].handle,
				      r->bo_buckets[i].gpu_id, err);
		if (err)
			return kfd_criu_refuse(err, "bo",
					       MAKE_HANDLE(r->bo_buckets[i].gpu_id,
							   r->img.bos[i].handle),
					       "can't be created", r->bo_buckets[i].size, 0);
	}
	return finish_mappings(r);
}

/* A pending signal must not keep us from cleaning up. */
static bool interrupted(int err)
{
	if (err != -EINTR && err != -ERESTARTSYS)
		return false;
	cpu_relax();
	cond_resched();
	return true;
}

static void undo_one(struct kfd_criu_transaction *r, u32 i)
{
	const struct kfd_criu_bo_record *rec = &r->img.bos[i];
	struct kfd_process_device *pdd = r->pdds[rec->device];
	struct kfd_criu_bo_undo *bo = &r->bos[i];
	int err;
	u32 gpu;

	if (bo->file) {
		put_unused_fd(r->bo_buckets[i].dmabuf_fd);
		fput(bo->file);
	}
	if (!bo->mem)
		return;
	for (gpu = 0; gpu < r->img.num_devices; gpu++) {
		if (!(bo->mapped & BIT_ULL(gpu)))
			continue;
		do {
			err = amdgpu_amdkfd_gpuvm_unmap_memory_from_gpu(r->pdds[gpu]->dev->adev,
									bo->mem,
									r->pdds[gpu]->drm_priv);
		} while (interrupted(err));
	}
	if (r->bo_buckets[i].alloc_flags & KFD_IOC_ALLOC_MEM_FLAGS_VRAM)
		atomic64_sub(r->bo_buckets[i].size, &pdd->vram_usage);
	idr_remove(&pdd->alloc_idr, rec->handle);
	amdgpu_amdkfd_gpuvm_free_memory_of_gpu(pdd->dev->adev, bo->mem, pdd->drm_priv, NULL);
}

static void bo_undo(struct kfd_criu_transaction *r)
{
	u32 i;

	for (i = r->img.num_bos; i--;)
		undo_one(r, i);
}

static void bo_commit(struct kfd_criu_transaction *r)
{
	u32 i;

	for (i = 0; i < r->img.num_bos; i++)
		if (r->bos[i].file)
			fd_install(r->bo_buckets[i].dmabuf_fd, r->bos[i].file);
}

/* --- resume --- */

/*
 * Is there memory below all of a user pointer, and may the GPU do with it what the BO
 * allows? The driver's worker takes memory that is not there for done.
 */
static int check_memory(struct mm_struct *mm, struct kgd_mem *mem)
{
	unsigned long wanted = VM_READ, at, end;
	struct vm_area_struct *vma;
	u64 addr;
	int err;

	err = amdgpu_ttm_tt_get_userptr(&mem->bo->tbo, &addr);
	if (err)
		return err;
	if (mem->alloc_flags & KFD_IOC_ALLOC_MEM_FLAGS_WRITABLE)
		wanted |= VM_WRITE;
	end = addr + amdgpu_bo_size(mem->bo);
	for (at = addr; at < end; at = vma->vm_end) {
		vma = vma_lookup(mm, at);
		if (!vma || (vma->vm_flags & wanted) != wanted ||
		    vma->vm_flags & (VM_IO | VM_PFNMAP))
			return kfd_criu_refuse(-EFAULT, "bo", addr,
					       "no memory below a user pointer", at, wanted);
	}
	return 0;
}

static int check_all_memory(struct kfd_process *p)
{
	struct mm_struct *mm = get_task_mm(p->lead_thread);
	struct kfd_process_device *pdd;
	int id, err = 0;
	void *entry;
	u32 i;

	if (!mm)
		return -ESRCH;
	mmap_read_lock(mm);
	for (i = 0; i < p->n_pdds && !err; i++) {
		pdd = p->pdds[i];
		idr_for_each_entry(&pdd->alloc_idr, entry, id) {
			struct kgd_mem *mem = entry;

			if (mem->alloc_flags & KFD_IOC_ALLOC_MEM_FLAGS_USERPTR)
				err = check_memory(mm, mem);
			if (err)
				break;
		}
	}
	mmap_read_unlock(mm);
	mmput_async(mm);
	return err;
}

/*
 * Let the driver's worker, which does the same after every invalidation, get the
 * pages. It reads the notifier's sequence anew each time that it tries. It gives
 * back the queues' count that evicted_bos stands for when nothing has changed meanwhile.
 */
static int bo_resume(struct kfd_process *p)
{
	struct amdkfd_process_info *info = p->kgd_process_info;
	bool missing;
	int err;

	if (!info)
		return 0;
	err = check_all_memory(p);
	if (err)
		return err;

	/* An earlier RESUME that failed further down has got here before. */
	mutex_lock(&info->notifier_lock);
	if (!info->evicted_bos) {
		err = kfd_process_evict_queues(p, KFD_QUEUE_EVICTION_CRIU_RESTORE);
		if (!err)
			info->evicted_bos = 1;
	}
	mutex_unlock(&info->notifier_lock);
	if (err)
		return err;

	mod_delayed_work(system_freezable_wq, &info->restore_userptr_work, 0);
	flush_delayed_work(&info->restore_userptr_work);

	mutex_lock(&info->lock);
	mutex_lock(&info->notifier_lock);
	err = info->evicted_bos ? -EAGAIN : 0;
	missing = !list_empty(&info->userptr_inval_list);
	mutex_unlock(&info->notifier_lock);
	mutex_unlock(&info->lock);
	/* Those that the worker found no memory for stay on that list. */
	if (!err && missing)
		err = -EFAULT;
	return err;
}

const struct kfd_criu_class kfd_criu_bo_class = {
	.name = "bo",
	.check = bo_check,
	.count = bo_count,
	.save = bo_save,
	.verify = bo_verify,
	.prepare = bo_prepare,
	.undo = bo_undo,
	.commit = bo_commit,
	.resume = bo_resume,
};
