// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Checkpoint and restore of compute processes: ranges of shared virtual memory.
 *
 * A range needs the process' memory, which is not there before RESUME. Until then
 * the records wait in struct kfd_criu_process.
 */

#include <linux/sched/mm.h>
#include <linux/slab.h>
#include "amdgpu_amdkfd.h"
#include "kfd_criu.h"
#include "kfd_criu_trace.h"
#include "kfd_priv.h"
#include "kfd_svm.h"

static_assert(PAGE_SHIFT >= 12);
static_assert(KFD_CRIU_LOCATION_NONE == KFD_IOCTL_SVM_LOCATION_UNDEFINED);
static_assert(KFD_CRIU_LOCATION_SYSTEM == KFD_IOCTL_SVM_LOCATION_SYSMEM);

/* Ranges count in pages of the CPU, an image in those of 4 KiB. */
#define IMAGE_PAGES	(PAGE_SHIFT - 12)

#if IS_ENABLED(CONFIG_HSA_AMD_SVM)

static void range_count(struct kfd_process *p, struct kfd_criu_counts *counts)
{
	struct svm_range *prange;

	lockdep_assert_held(&p->svms.lock);
	list_for_each_entry(prange, &p->svms.list, list)
		counts->ranges++;
}

/* Bits of a range's masks are positions among the process' GPUs, as in the image. */
static u64 gpus(const unsigned long *mask)
{
	u64 result = 0;
	u32 i;

	for_each_set_bit(i, mask, KFD_CRIU_MAX_DEVICES)
		result |= BIT_ULL(i);
	return result;
}

/* Of the GPUs that the process uses; it has no access from others, whatever is set. */
static u64 acquired(struct kfd_process *p)
{
	u64 result = 0;
	u32 i;

	for (i = 0; i < p->n_pdds; i++)
		if (p->pdds[i]->drm_priv)
			result |= BIT_ULL(i);
	return result;
}

static int range_save(struct kfd_criu_save *s)
{
	struct kfd_criu_range_record *rec;
	struct kfd_process *p = s->p;
	u64 mask = acquired(p);
	struct svm_range *prange;

	static_assert(MAX_GPU_INSTANCE <= KFD_CRIU_MAX_DEVICES);

	lockdep_assert_held(&p->svms.lock);
	if (!s->counts.ranges)
		return 0;
	rec = kfd_criu_write(&s->w, KFD_CRIU_RECORD_RANGES, s->counts.ranges, sizeof(*rec), 0);
	if (!rec)
		return s->w.err;
	list_for_each_entry(prange, &p->svms.list, list) {
		rec->start = (u64)prange->start << IMAGE_PAGES;
		rec->pages = (u64)prange->npages << IMAGE_PAGES;
		rec->in_place = gpus(prange->bitmap_aip) & mask;
		rec->access = gpus(prange->bitmap_access) & mask & ~rec->in_place;
		rec->preferred = prange->preferred_loc;
		rec->prefetch = prange->prefetch_loc;
		/* The eviction of VRAM migrates without the list's lock. */
		mutex_lock(&prange->migrate_mutex);
		rec->actual = prange->actual_loc;
		mutex_unlock(&prange->migrate_mutex);
		rec->svm_flags = prange->flags;
		rec->granularity = prange->granularity;
		trace_kfd_criu_object("range", "save", rec->start, rec->actual, 0);
		rec++;
		cond_resched();
	}
	return 0;
}

static int range_verify(struct kfd_criu_transaction *r)
{
	u32 i, gpu;

	for (i = 0; i < r->img.num_ranges; i++) {
		const struct kfd_criu_range_record *rec = &r->img.ranges[i];
		u64 page = rec->start, end = rec->start + rec->pages;

		if ((rec->start | rec->pages) & (BIT_ULL(IMAGE_PAGES) - 1))
			return kfd_criu_refuse(-EXDEV, "range", page, "not in pages of this CPU",
					       rec->pages, PAGE_SIZE);
		if (end > TASK_SIZE_MAX >> 12)
			return kfd_criu_refuse(-EINVAL, "range", page, "behind user memory", end,
					       TASK_SIZE_MAX >> 12);
		for (gpu = 0; gpu < r->img.num_devices; gpu++)
			if ((rec->access | rec->in_place) & BIT_ULL(gpu) &&
			    !KFD_IS_SVM_API_SUPPORTED(r->pdds[gpu]->dev->adev))
				return kfd_criu_refuse(-EXDEV, "range", page,
						       "GPU has no SVM here",
						       r->img.devices[gpu].user_gpu_id, 0);
	}
	return 0;
}

static int range_prepare(struct kfd_criu_transaction *r)
{
	struct kfd_criu_process *state = r->state;
	u32 i;

	state->num_devices = r->img.num_devices;
	for (i = 0; i < r->img.num_devices; i++)
		state->devices[i] = r->img.devices[i].flags & KFD_CRIU_DEVICE_VM ?
				    r->img.devices[i].user_gpu_id : 0;
	if (!r->img.num_ranges)
		return 0;
	state->ranges = kfd_criu_alloc(r->img.num_ranges, sizeof(*state->ranges));
	if (!state->ranges)
		return -ENOMEM;
	memcpy(state->ranges, r->img.ranges, r->img.num_ranges * sizeof(*state->ranges));
	state->num_ranges = r->img.num_ranges;
	return 0;
}

static void range_undo(struct kfd_criu_transaction *r)
{
	kvfree(r->state->ranges);
	r->state->ranges = NULL;
	r->state->num_ranges = 0;
	r->state->num_devices = 0;
}

/* Migration overwrites the location that the process has last asked for. */
static void set_prefetch_location(struct kfd_process *p, unsigned long start,
				  unsigned long last, u32 location)
{
	struct interval_tree_node *node;
	struct svm_range *prange;

	mutex_lock(&p->svms.lock);
	for (node = interval_tree_iter_first(&p->svms.objects, start, last); node;
	     node = interval_tree_iter_next(node, start, last)) {
		prange = container_of(node, struct svm_range, it_node);
		/* That eviction reads it, for those who listen to events. */
		mutex_lock(&prange->migrate_mutex);
		prange->prefetch_loc = location;
		mutex_unlock(&prange->migrate_mutex);
	}
	mutex_unlock(&p->svms.lock);
}

static int resume_one(struct kfd_process *p, struct mm_struct *mm,
		      const struct kfd_criu_range_record *rec,
		      struct kfd_ioctl_svm_attribute *attrs)
{
	unsigned long start = rec->start >> IMAGE_PAGES;
	unsigned long pages = rec->pages >> IMAGE_PAGES;
	u32 i, n = 0;
	int err;

	attrs[n++] = (struct kfd_ioctl_svm_attribute) {
		KFD_IOCTL_SVM_ATTR_PREFERRED_LOC, rec->preferred
	};
	attrs[n++] = (struct kfd_ioctl_svm_attribute) {
		KFD_IOCTL_SVM_ATTR_SET_FLAGS, rec->svm_flags
	};
	attrs[n++] = (struct kfd_ioctl_svm_attribute) {
		KFD_IOCTL_SVM_ATTR_CLR_FLAGS, ~rec->svm_flags
	};
	attrs[n++] = (struct kfd_ioctl_svm_attribute) {
		KFD_IOCTL_SVM_ATTR_GRANULARITY, rec->granularity
	};
	for (i = 0; i < p->criu->num_devices; i++) {
		if (!p->criu->devices[i])
			continue;
		attrs[n++] = (struct kfd_ioctl_svm_attribute) {
			rec->access & BIT_ULL(i) ? KFD_IOCTL_SVM_ATTR_ACCESS :
			rec->in_place & BIT_ULL(i) ? KFD_IOCTL_SVM_ATTR_ACCESS_IN_PLACE :
						     KFD_IOCTL_SVM_ATTR_NO_ACCESS,
			p->criu->devices[i]
		};
	}
	/* Its pages go where they were. */
	if (rec->actual != KFD_CRIU_LOCATION_SYSTEM)
		attrs[n++] = (struct kfd_ioctl_svm_attribute) {
			KFD_IOCTL_SVM_ATTR_PREFETCH_LOC, rec->actual
		};
	err = svm_range_set_attr(p, mm, start, pages, n, attrs);
	if (err)
		return kfd_criu_refuse(err, "range", rec->start, "can't be created", rec->pages,
				       0);
	set_prefetch_location(p, start, start + pages - 1, rec->prefetch);
	return 0;
}

static int range_resume(struct kfd_process *p)
{
	struct kfd_criu_process *state = p->criu;
	struct kfd_ioctl_svm_attribute *attrs;
	struct mm_struct *mm;
	int err = 0;
	u32 i;

	if (!state->num_ranges)
		return 0;
	mm = kfd_process_get_mm(p);
	if (!mm)
		return -ESRCH;
	attrs = kcalloc(state->num_devices + 5, sizeof(*attrs), GFP_KERNEL_ACCOUNT);
	if (!attrs) {
		mmput_async(mm);
		return -ENOMEM;
	}
	/* From the first one on, also after a failure: setting attributes twice is the same. */
	for (i = 0; i < state->num_ranges && !err; i++) {
		err = kfd_criu_killed() ?: resume_one(p, mm, &state->ranges[i], attrs);
		trace_kfd_criu_object("range", "create", state->ranges[i].start,
				      state->ranges[i].actual, err);
	}
	kfree(attrs);
	mmput_async(mm);
	return err;
}

const struct kfd_criu_class kfd_criu_range_class = {
	.name = "range",
	.count = range_count,
	.save = range_save,
	.verify = range_verify,
	.prepare = range_prepare,
	.undo = range_undo,
	.resume = range_resume,
};

#else

static int range_verify(struct kfd_criu_transaction *r)
{
	if (!r->img.num_ranges)
		return 0;
	return kfd_criu_refuse(-EOPNOTSUPP, "range", r->img.ranges[0].start,
			       "this kernel has no SVM", r->img.num_ranges, 0);
}

const struct kfd_criu_class kfd_criu_range_class = {
	.name = "range",
	.verify = range_verify,
};

#endif
