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

/* So many BOs are reserved at the same time, for long enough to be worth it. */
#define MAP_AT_ONCE	32

/*
 * References that a dma-buf of ours has when nobody outside uses it: that of the kgd_mem.
 * Each GEM handle that somebody has, in whatever file, adds at least one.
 */
#define DMABUF_OWN_REFS	1

/**
 * struct walk - where a walk over the BOs of a process is
 * @p: the process; its mutex keeps BOs and their mappings as they are
 * @device: index of the GPU
 * @data: whatever the caller needs
 */
struct walk {
	struct kfd_process *p;
	u32 device;
	void *data;
};

/*
 * All BOs in the order of the image. idr_for_each() goes from one to the next, while
 * idr_get_next() begins anew at the root each time.
 */
static int walk_bos(struct kfd_process *p, int (*fn)(int id, void *mem, void *walk), void *data)
{
	struct walk walk = { .p = p, .data = data };
	int err = 0;

	lockdep_assert_held(&p->mutex);
	for (; walk.device < p->n_pdds && !err; walk.device++)
		err = idr_for_each(&p->pdds[walk.device]->alloc_idr, fn, &walk);
	return err;
}

/* Mappings on several GPUs are mostly made in order, so the next GPU is a good guess. */
static u64 mapped_gpus(struct kfd_process *p, const struct kgd_mem *mem)
{
	struct kfd_mem_attachment *entry;
	u32 gpu = 0, tried;
	u64 gpus = 0;

	lockdep_assert_held(&p->mutex);
	list_for_each_entry_reverse(entry, &mem->attachments, list) {
		if (!entry->is_mapped)
			continue;
		for (tried = 0; tried < p->n_pdds; tried++, gpu++) {
			if (gpu >= p->n_pdds)
				gpu = 0;
			if (p->pdds[gpu]->drm_priv &&
			    drm_priv_to_vm(p->pdds[gpu]->drm_priv) == entry->bo_va->base.vm) {
				gpus |= BIT_ULL(gpu++);
				break;
			}
		}
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

static int check_one(int id, void *entry, void *data)
{
	const struct walk *walk = data;
	struct kfd_process_device *pdd = walk->p->pdds[walk->device];
	const struct kgd_mem *mem = entry;

	/* Restored as a copy, it would no longer be the other's memory. */
	if (mem->is_imported)
		return kfd_criu_refuse(-EOPNOTSUPP, "bo", MAKE_HANDLE(pdd->user_gpu_id, id),
				       "is imported", 1, 0);
	if (is_shared(mem))
		return kfd_criu_refuse(-EOPNOTSUPP, "bo", MAKE_HANDLE(pdd->user_gpu_id, id),
				       "is exported", file_count(mem->dmabuf->file),
				       DMABUF_OWN_REFS);
	return 0;
}

static int bo_check(struct kfd_process *p)
{
	return walk_bos(p, check_one, NULL);
}

static int count_one(int id, void *mem, void *data)
{
	const struct walk *walk = data;
	struct kfd_criu_counts *counts = walk->data;

	counts->bos++;
	return 0;
}

static void bo_count(struct kfd_process *p, struct kfd_criu_counts *counts)
{
	walk_bos(p, count_one, counts);
}

/**
 * kfd_criu_settle_bos() - Let user pointers get their pages before they are saved.
 * @p: the process, paused
 *
 * A worker gets pages some time after they have changed. Only then it is known which user
 * pointers have none, see has_no_pages(). The work is done here instead of waiting for the
 * worker: it may drop the last reference of the address space, which waits for readers of the
 * table of processes, and one of these may wait for the mutex.
 *
 * Context: Process context, &kfd_process.mutex held. Takes the locks of the process info and the
 * mmap lock, so &kfd_process.event_mutex and &svm_range_list.lock must not be held.
 */
void kfd_criu_settle_bos(struct kfd_process *p)
{
	struct mm_struct *mm;

	lockdep_assert_held(&p->mutex);
	if (!p->kgd_process_info)
		return;
	mm = kfd_process_get_mm(p);
	if (!mm)
		return;
	amdgpu_amdkfd_gpuvm_restore_userptrs(p->kgd_process_info);
	mmput_async(mm);
}

/*
 * A process may give memory back that a user pointer is for, and go on: the GPU faults if it
 * gets there. Nothing is known as long as the driver's worker has still to look.
 */
static bool has_no_pages(const struct kgd_mem *mem)
{
	struct amdkfd_process_info *info = mem->process_info;
	bool none;

	mutex_lock(&info->notifier_lock);
	none = mem->invalid && !info->evicted_bos;
	mutex_unlock(&info->notifier_lock);
	return none;
}

/**
 * struct saving - how far the BOs are saved, or exported
 * @rec: the record of the next BO
 * @bucket: the bucket of the next BO
 * @file: where the next BO's dma-buf goes
 */
struct saving {
	struct kfd_criu_bo_record *rec;
	struct kfd_criu_bo_bucket *bucket;
	struct file **file;
};

static int save_one(int id, void *entry, void *data)
{
	const struct walk *walk = data;
	struct kfd_process_device *pdd = walk->p->pdds[walk->device];
	u64 mmap_id = KFD_MMAP_GPU_ID(pdd->user_gpu_id);
	struct saving *saving = walk->data;
	struct kfd_criu_bo_bucket *bucket = saving->bucket++;
	struct kfd_criu_bo_record *rec = saving->rec++;
	struct kgd_mem *mem = entry;
	int err = 0;

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

	rec->gpus = mapped_gpus(walk->p, mem);
	rec->handle = id;
	rec->device = walk->device;
	rec->bucket = kfd_criu_bucket_crc(bucket);
	if (mem->alloc_flags & KFD_IOC_ALLOC_MEM_FLAGS_USERPTR) {
		err = amdgpu_ttm_tt_get_userptr(&mem->bo->tbo, &rec->user_addr);
		if (has_no_pages(mem))
			rec->flags = KFD_CRIU_BO_NO_PAGES;
	}
	trace_kfd_criu_object("bo", "save", id, pdd->user_gpu_id, err);
	cond_resched();
	return err;
}

static int bo_save(struct kfd_criu_save *s)
{
	struct saving saving = { .bucket = s->buckets };

	if (!s->counts.bos)
		return 0;
	saving.rec = kfd_criu_write(&s->w, KFD_CRIU_RECORD_BOS, s->counts.bos,
				    sizeof(*saving.rec), 0);
	if (!saving.rec)
		return s->w.err;
	return walk_bos(s->p, save_one, &saving);
}

/*
 * A descriptor for a BO with contents, reserved, in its bucket, and the dma-buf that is to be
 * installed there. Nothing for any other BO.
 */
static int export(struct kgd_mem *mem, struct kfd_criu_bo_bucket *bucket, struct file **file)
{
	struct dma_buf *dmabuf;
	int err, fd;

	bucket->dmabuf_fd = NO_FD;
	if (!(bucket->alloc_flags & BO_CONTENTS))
		return 0;
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	err = amdgpu_amdkfd_gpuvm_export_dmabuf(mem, &dmabuf);
	if (err) {
		put_unused_fd(fd);
		return err;
	}
	bucket->dmabuf_fd = fd;
	*file = dmabuf->file;
	return 0;
}

static int export_one(int id, void *mem, void *data)
{
	const struct walk *walk = data;
	struct saving *saving = walk->data;

	cond_resched();
	return export(mem, saving->bucket++, saving->file++);
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
	struct saving saving = { .bucket = s->buckets, .file = files };

	return walk_bos(s->p, export_one, &saving);
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

/* The VM of each GPU has such addresses; it would say so late, and in the log. */
static int verify_reach(const struct kfd_criu_transaction *r, u32 i)
{
	const struct kfd_criu_bo_bucket *bucket = &r->bo_buckets[i];
	bool twice = bucket->alloc_flags & KFD_IOC_ALLOC_MEM_FLAGS_AQL_QUEUE_MEM;
	u64 last = bucket->addr + (bucket->size << twice) - 1, max_pfn;
	u32 gpu;

	for (gpu = 0; gpu < r->img.num_devices; gpu++) {
		if (!(r->img.bos[i].gpus & BIT_ULL(gpu)))
			continue;
		max_pfn = r->pdds[gpu]->dev->adev->vm_manager.max_pfn;
		if (last >> AMDGPU_GPU_PAGE_SHIFT >= max_pfn)
			return kfd_criu_refuse(-EINVAL, "bo",
					       MAKE_HANDLE(bucket->gpu_id, r->img.bos[i].handle),
					       "address beyond those of the GPU", last,
					       max_pfn << AMDGPU_GPU_PAGE_SHIFT);
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

	/* sort() of a large image takes long, and lets nobody else run by itself */
	cond_resched();
	return x->start < y->start ? -1 : x->start > y->start;
}

/* Sorted only if need be: who allocates one after the other has addresses in order. */
static void sort_spans(struct span *spans, u32 n)
{
	u32 i;

	for (i = 1; i < n; i++) {
		if (spans[i].start < spans[i - 1].start) {
			sort(spans, n, sizeof(*spans), span_order, NULL);
			return;
		}
	}
}

/* What the BOs occupy, by address. Returns how many are mapped. */
static u32 bo_spans(const struct kfd_criu_transaction *r, struct span *spans)
{
	u32 i, n = 0;

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
	sort_spans(spans, n);
	return n;
}

/* What the driver occupies in the VMs, by address. */
static u32 own_spans(const struct kfd_criu_transaction *r, struct span *spans)
{
	u32 i, n = 0;

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
	sort_spans(spans, n);
	return n;
}

/* Spans come in ascending order. @busy_until: for each GPU, the end of those before. */
static int occupy(const struct span *span, u64 *busy_until)
{
	u64 gpus = span->gpus;
	u32 gpu;

	while (gpus) {
		gpu = __ffs64(gpus);
		gpus &= gpus - 1;
		if (span->start < busy_until[gpu])
			return kfd_criu_refuse(-EEXIST, "bo", 0, "address is taken", span->start,
					       busy_until[gpu]);
		busy_until[gpu] = span->end;
	}
	return 0;
}

/* No two BOs at one address of a VM, and none where the driver has its own. */
static int verify_addresses(const struct kfd_criu_transaction *r)
{
	struct span *spans, *own, *bo, *first_bo, *end;
	u64 *busy_until;
	int err = 0;

	spans = kfd_criu_alloc(r->img.num_bos + 2 * r->img.num_devices, sizeof(*spans));
	busy_until = kcalloc(r->img.num_devices, sizeof(*busy_until), GFP_KERNEL_ACCOUNT);
	if (!spans || !busy_until) {
		err = -ENOMEM;
		goto out;
	}
	first_bo = spans + own_spans(r, spans);
	end = first_bo + bo_spans(r, first_bo);
	for (own = spans, bo = first_bo; !err && (own < first_bo || bo < end);) {
		bool is_own = bo == end || (own < first_bo && own->start <= bo->start);

		err = occupy(is_own ? own++ : bo++, busy_until);
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
		err = err ?: verify_reach(r, i);
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
	if (rec->flags & KFD_CRIU_BO_NO_PAGES) {
		err = xa_err(xa_store(&r->state->no_pages,
				      MAKE_HANDLE(pdd->user_gpu_id, rec->handle), mem,
				      GFP_KERNEL_ACCOUNT));
		if (err)
			return err;
	}
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

static int not_created(const struct kfd_criu_transaction *r, u32 i, int err)
{
	return kfd_criu_refuse(err, "bo",
			       MAKE_HANDLE(r->bo_buckets[i].gpu_id, r->img.bos[i].handle),
			       "can't be created", r->bo_buckets[i].size, 0);
}

/* Map the BOs from @first on, @n of them. */
static int map_some(struct kfd_criu_transaction *r, u32 first, u32 n, struct amdgpu_sync *sync)
{
	struct amdgpu_amdkfd_map maps[MAP_AT_ONCE];
	u32 i, mapped = 0;
	int err;

	for (i = first; i < first + n; i++)
		if (r->img.bos[i].gpus)
			maps[mapped++] = (struct amdgpu_amdkfd_map) {
				.mem = r->bos[i].mem,
				.vms = r->img.bos[i].gpus,
			};
	if (!mapped)
		return 0;
	err = amdgpu_amdkfd_gpuvm_map_many(r->p->kgd_process_info, r->drm_privs, maps, mapped,
					   sync);
	if (!err)
		return 0;
	/* The first that is not mapped everywhere is the one to blame. */
	for (i = first; i < first + n - 1; i++)
		if (hweight64(mapped_gpus(r->p, r->bos[i].mem)) < hweight64(r->img.bos[i].gpus))
			break;
	return not_created(r, i, err);
}

static int create_some(struct kfd_criu_transaction *r, u32 first, u32 n, struct amdgpu_sync *sync)
{
	int err;
	u32 i;

	for (i = first; i < first + n; i++) {
		err = kfd_criu_killed() ?: create(r, i);
		if (err)
			return not_created(r, i, err);
		cond_resched();
	}
	err = map_some(r, first, n, sync);
	if (err)
		return err;
	for (i = first; i < first + n; i++) {
		err = kfd_criu_killed() ?: export(r->bos[i].mem, &r->bo_buckets[i],
						  &r->bos[i].file);
		trace_kfd_criu_object("bo", "create", r->img.bos[i].handle,
				      r->bo_buckets[i].gpu_id, err);
		if (err)
			return not_created(r, i, err);
		cond_resched();
	}
	return 0;
}

static int bo_prepare(struct kfd_criu_transaction *r)
{
	struct amdgpu_sync sync;
	int err = 0;
	u32 i, n;

	for (i = 0; i < r->img.num_devices; i++)
		r->drm_privs[i] = r->pdds[i]->drm_priv;
	amdgpu_sync_create(&sync);
	for (i = 0; i < r->img.num_bos && !err; i += n) {
		n = min_t(u32, r->img.num_bos - i, MAP_AT_ONCE);
		err = create_some(r, i, n, &sync);
	}
	/* Page tables are written and seen before anybody may use them. */
	err = err ?: amdgpu_sync_wait(&sync, true);
	amdgpu_sync_free(&sync);
	for (i = 0; i < r->img.num_devices && !err; i++)
		if (r->pdds[i]->drm_priv)
			kfd_flush_tlb(r->pdds[i]);
	return err;
}

static void wait_for_lock(struct amdgpu_bo *bo)
{
	if (!amdgpu_bo_reserve(bo, true))
		amdgpu_bo_unreserve(bo);
}

/*
 * The functions that take a BO back give up if they have to wait for a lock while the caller is
 * being killed. Wait for each of these locks uninterruptibly. Then the caller tries again.
 */
static bool interrupted(const struct kfd_criu_transaction *r, struct kgd_mem *mem, int err)
{
	u32 i;

	if (err != -EINTR && err != -ERESTARTSYS)
		return false;
	wait_for_lock(mem->bo);
	for (i = 0; i < r->img.num_devices; i++)
		if (r->pdds[i]->drm_priv)
			wait_for_lock(drm_priv_to_vm(r->pdds[i]->drm_priv)->root.bo);
	return true;
}

static void undo_one(struct kfd_criu_transaction *r, u32 i)
{
	const struct kfd_criu_bo_record *rec = &r->img.bos[i];
	struct kfd_process_device *pdd = r->pdds[rec->device];
	struct kfd_criu_bo_undo *bo = &r->bos[i];
	u64 gpus;
	int err;

	if (bo->file) {
		put_unused_fd(r->bo_buckets[i].dmabuf_fd);
		fput(bo->file);
	}
	if (!bo->mem)
		return;
	for (gpus = mapped_gpus(r->p, bo->mem); gpus; gpus &= gpus - 1) {
		struct kfd_process_device *at = r->p->pdds[__ffs64(gpus)];

		do {
			err = amdgpu_amdkfd_gpuvm_unmap_memory_from_gpu(at->dev->adev, bo->mem,
									at->drm_priv);
		} while (interrupted(r, bo->mem, err));
	}
	do {
		err = amdgpu_amdkfd_gpuvm_free_memory_of_gpu(pdd->dev->adev, bo->mem,
							     pdd->drm_priv, NULL);
	} while (interrupted(r, bo->mem, err));
	/* A BO that can't be freed keeps its handle, and goes with the process. */
	if (!err) {
		if (r->bo_buckets[i].alloc_flags & KFD_IOC_ALLOC_MEM_FLAGS_VRAM)
			atomic64_sub(r->bo_buckets[i].size, &pdd->vram_usage);
		idr_remove(&pdd->alloc_idr, rec->handle);
	}
}

static void bo_undo(struct kfd_criu_transaction *r)
{
	u32 i;

	for (i = r->img.num_bos; i--;) {
		undo_one(r, i);
		cond_resched();
	}
	xa_destroy(&r->state->no_pages);
}

static void bo_commit(struct kfd_criu_transaction *r)
{
	u32 i;

	for (i = 0; i < r->img.num_bos; i++)
		if (r->bos[i].file)
			fd_install(r->bo_buckets[i].dmabuf_fd, r->bos[i].file);
}

/* --- resume --- */

/* Had this BO no pages when it was saved? It is known by its handle then. */
static bool had_no_pages(const struct walk *walk, int id, const struct kgd_mem *mem)
{
	u64 handle = MAKE_HANDLE(walk->p->pdds[walk->device]->user_gpu_id, id);

	/* The process may have freed it since, and have another one of that handle. */
	return xa_load(&walk->p->criu->no_pages, handle) == mem;
}

/* Can the driver get pages of this memory? It wants to read each of them. */
static bool can_have_pages(const struct vm_area_struct *vma)
{
	return vma && vma->vm_flags & VM_READ && !(vma->vm_flags & (VM_IO | VM_PFNMAP));
}

/*
 * Is there memory below all of a user pointer, and may the GPU do with it what the BO
 * allows? The driver's worker takes memory that is not there for done.
 */
static int check_memory(int id, void *entry, void *data)
{
	const struct walk *walk = data;
	unsigned long wanted = VM_READ, at, end;
	struct mm_struct *mm = walk->data;
	struct vm_area_struct *vma;
	struct kgd_mem *mem = entry;
	u64 addr;
	int err;

	if (!(mem->alloc_flags & KFD_IOC_ALLOC_MEM_FLAGS_USERPTR))
		return 0;
	err = amdgpu_ttm_tt_get_userptr(&mem->bo->tbo, &addr);
	if (err)
		return err;
	if (mem->alloc_flags & KFD_IOC_ALLOC_MEM_FLAGS_WRITABLE)
		wanted |= VM_WRITE;
	end = addr + amdgpu_bo_size(mem->bo);
	for (at = addr; at < end; at = vma->vm_end) {
		vma = vma_lookup(mm, at);
		if (!can_have_pages(vma) && had_no_pages(walk, id, mem))
			return 0;
		if (!can_have_pages(vma) || (vma->vm_flags & wanted) != wanted)
			return kfd_criu_refuse(-EFAULT, "bo", addr,
					       "no memory below a user pointer", at, wanted);
	}
	return 0;
}

static int check_all_memory(struct kfd_process *p, struct mm_struct *mm)
{
	int err;

	mmap_read_lock(mm);
	err = walk_bos(p, check_memory, mm);
	mmap_read_unlock(mm);
	return err;
}

/* The driver has looked for pages: are there some where there have to be? */
static int check_pages(int id, void *entry, void *data)
{
	const struct walk *walk = data;
	const struct kgd_mem *mem = entry;

	lockdep_assert_held(&mem->process_info->notifier_lock);
	if (!(mem->alloc_flags & KFD_IOC_ALLOC_MEM_FLAGS_USERPTR) || !mem->invalid ||
	    had_no_pages(walk, id, mem))
		return 0;
	return kfd_criu_refuse(-EFAULT, "bo", mem->va, "no pages for a user pointer",
			       mem->invalid, 0);
}

/*
 * Do what the driver's worker does after every invalidation. It reads the notifier's
 * sequence anew each time that it tries. It gives back the queues' count that evicted_bos
 * stands for when nothing has changed meanwhile.
 */
static int get_pages(struct kfd_process *p, struct amdkfd_process_info *info)
{
	int err = 0;

	/* An earlier RESUME that failed further down has got here before. */
	mutex_lock(&info->notifier_lock);
	if (!info->evicted_bos) {
		err = kfd_criu_stop_queues(p, KFD_QUEUE_EVICTION_CRIU_RESTORE);
		if (!err)
			info->evicted_bos = 1;
	}
	mutex_unlock(&info->notifier_lock);
	if (err)
		return err;

	amdgpu_amdkfd_gpuvm_restore_userptrs(info);

	/* Those that the worker has found no memory for stay invalid. */
	mutex_lock(&info->notifier_lock);
	if (info->evicted_bos)
		err = kfd_criu_killed() ?: -EAGAIN;
	else
		err = walk_bos(p, check_pages, NULL);
	mutex_unlock(&info->notifier_lock);
	return err;
}

static int bo_resume(struct kfd_process *p)
{
	struct mm_struct *mm;
	int err;

	if (!p->kgd_process_info)
		return 0;
	/*
	 * Nobody below us may drop the last reference: that waits for all readers of the
	 * table of processes, of which one may wait for p->mutex.
	 */
	mm = kfd_process_get_mm(p);
	if (!mm)
		return -ESRCH;
	err = check_all_memory(p, mm);
	err = err ?: get_pages(p, p->kgd_process_info);
	mmput_async(mm);
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
