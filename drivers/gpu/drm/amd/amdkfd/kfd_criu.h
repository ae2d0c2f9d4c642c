/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Checkpoint and restore of compute processes: the five operations of
 * AMDKFD_IOC_CRIU_OP, and what the classes of objects give them.
 */
#ifndef KFD_CRIU_H
#define KFD_CRIU_H

#include <linux/errno.h>
#include <linux/types.h>

struct file;
struct kfd_ioctl_criu_args;
struct kfd_process;

#if IS_ENABLED(CONFIG_HSA_AMD_CRIU)

#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/xarray.h>
#include "kfd_priv.h"
#include "kfd_criu_image.h"

struct kfd_criu_dumper;
struct kgd_mem;

/**
 * enum kfd_criu_stage - where a process is on its way through a restore
 * @KFD_CRIU_RUNNING: it is not being restored, or was and is back
 * @KFD_CRIU_RESTORED: RESTORE succeeded, its queues wait for RESUME
 */
enum kfd_criu_stage {
	KFD_CRIU_RUNNING,
	KFD_CRIU_RESTORED,
};

/**
 * struct kfd_criu_process - what checkpoint and restore know about a process
 * @process: the process; not a reference, it owns this
 * @stage: see there
 * @ranges: SVM ranges of the image that RESUME has still to create
 * @num_ranges: how many
 * @no_pages: handles of the BOs that RESUME need find no pages for
 * @raised: ages of the events that a failed RESUME has signaled, by their ids
 * @devices: the GPUs that the bits of their access masks mean, user_gpu_id each
 * @num_devices: how many
 * @paused: on @dumper's list while the process is paused by another one
 * @dumper: who paused it, or NULL
 * @by_itself: the process was the last to pause itself, and nobody else's end ends that
 * @image: the image of the last checkpoint or restore, for debugfs
 * @buckets: that image's buckets
 * @image_buf: memory of both
 * @dentry: the debugfs file
 *
 * &kfd_process.mutex protects all but @paused and @dumper, which have a
 * spinlock in kfd_criu.c.
 */
struct kfd_criu_process {
	struct kfd_process *process;
	enum kfd_criu_stage stage;
	struct kfd_criu_range_record *ranges;
	u32 num_ranges;
	struct xarray no_pages;
	struct xarray raised;
	u32 devices[KFD_CRIU_MAX_DEVICES];
	u32 num_devices;
	struct list_head paused;
	struct kfd_criu_dumper *dumper;
	bool by_itself;
	struct kfd_criu_image image;
	struct kfd_criu_bo_bucket *buckets;
	void *image_buf;
	struct dentry *dentry;
};

/**
 * struct kfd_criu_counts - how much there is to save
 * @bos: buffer objects
 * @queues: queues
 * @events: events
 * @ranges: SVM ranges
 * @queue_data: bytes of MQDs and control stacks, without padding
 * @queue_bytes: bytes of all queues' records
 * @dies: GPUs to tell of what their queues depend on
 */
struct kfd_criu_counts {
	u32 bos;
	u32 queues;
	u32 events;
	u32 ranges;
	size_t queue_data;
	size_t queue_bytes;
	u32 dies;
};

/**
 * struct kfd_criu_save - a checkpoint that is being made
 * @p: the process
 * @w: its image
 * @counts: what was counted under the same locks
 * @buckets: BO buckets, as many as @counts says
 * @whole_mqds: MQDs go into the image as they are, for version 1
 */
struct kfd_criu_save {
	struct kfd_process *p;
	struct kfd_criu_writer w;
	struct kfd_criu_counts counts;
	struct kfd_criu_bo_bucket *buckets;
	bool whole_mqds;
};

/**
 * struct kfd_criu_bo_undo - what has become of one BO of the image so far
 * @mem: the BO
 * @file: its dma-buf, with the descriptor in the bucket reserved for it
 */
struct kfd_criu_bo_undo {
	struct kgd_mem *mem;
	struct file *file;
};

/**
 * struct kfd_criu_transaction - a restore that is under way
 * @p: the process, see &kfd_process.mutex
 * @state: its checkpoint/restore state
 * @img: the image, verified
 * @device_buckets: device buckets, @img->num_devices of them
 * @bo_buckets: BO buckets, @img->num_bos of them
 * @pdds: the GPU for each device of the image
 * @drm_files: the render node for each, referenced, or NULL
 * @drm_privs: the VM for each, or NULL, while BOs are mapped
 * @old_ids: user_gpu_id of @pdds before
 * @devices_done: how many devices prepare has begun with
 * @bos: state of each BO
 * @queues_done: queues that exist
 * @page_done: the signal page is set
 * @events_done: event ids may be taken
 */
struct kfd_criu_transaction {
	struct kfd_process *p;
	struct kfd_criu_process *state;
	struct kfd_criu_image img;
	struct kfd_criu_device_bucket *device_buckets;
	struct kfd_criu_bo_bucket *bo_buckets;
	struct kfd_process_device *pdds[KFD_CRIU_MAX_DEVICES];
	struct file *drm_files[KFD_CRIU_MAX_DEVICES];
	void *drm_privs[KFD_CRIU_MAX_DEVICES];
	u32 old_ids[KFD_CRIU_MAX_DEVICES];
	u32 devices_done;
	struct kfd_criu_bo_undo *bos;
	u32 queues_done;
	bool page_done;
	bool events_done;
};

/**
 * struct kfd_criu_class - a class of objects
 * @name: for tracepoints
 * @check: preserve or refuse: 0, or -EOPNOTSUPP if the process has state of this
 *	class that an image can't hold
 * @count: add to the counts
 * @save: write the records, exactly as many as were counted
 * @verify: check what needs the driver: the image against the process and its
 *	GPUs. No effect on either
 * @prepare: create; may fail half way
 * @undo: take back what prepare has done, however far it came
 * @commit: make visible; can't fail
 * @resume: complete what needs the process' address space. May be called again after
 *	it has failed
 *
 * All in process context, with &kfd_process.mutex held; @count and @save also with
 * &svm_range_list.lock and &kfd_process.event_mutex. A missing verb has nothing to do.
 */
struct kfd_criu_class {
	const char *name;
	int (*check)(struct kfd_process *p);
	void (*count)(struct kfd_process *p, struct kfd_criu_counts *counts);
	int (*save)(struct kfd_criu_save *s);
	int (*verify)(struct kfd_criu_transaction *r);
	int (*prepare)(struct kfd_criu_transaction *r);
	void (*undo)(struct kfd_criu_transaction *r);
	void (*commit)(struct kfd_criu_transaction *r);
	int (*resume)(struct kfd_process *p);
};

extern const struct kfd_criu_class kfd_criu_process_class;
extern const struct kfd_criu_class kfd_criu_device_class;
extern const struct kfd_criu_class kfd_criu_bo_class;
extern const struct kfd_criu_class kfd_criu_event_class;
extern const struct kfd_criu_class kfd_criu_queue_class;
extern const struct kfd_criu_class kfd_criu_range_class;

/* kfd_criu.c */
int kfd_criu_refuse(int err, const char *class, u64 id, const char *why, u64 found, u64 wanted);
int kfd_criu_killed(void);
int kfd_criu_stop_queues(struct kfd_process *p, u32 trigger);
int kfd_criu_process_info(struct file *filep, struct kfd_process *p,
			  struct kfd_ioctl_criu_args *args);
int kfd_criu_checkpoint(struct file *filep, struct kfd_process *p,
			struct kfd_ioctl_criu_args *args);
int kfd_criu_unpause(struct file *filep, struct kfd_process *p,
		     struct kfd_ioctl_criu_args *args);
int kfd_criu_restore(struct file *filep, struct kfd_process *p,
		     struct kfd_ioctl_criu_args *args);
int kfd_criu_resume(struct file *filep, struct kfd_process *p,
		    struct kfd_ioctl_criu_args *args);
void kfd_criu_gpu_reset(void);
void kfd_criu_process_release(struct kfd_process *p);
int kfd_criu_init(void);
void kfd_criu_exit(void);

/* kfd_criu_event.c */
void kfd_criu_raise_exception(struct kfd_process *p);
void kfd_criu_withdraw_exception(struct kfd_process *p);

/* kfd_criu_bo.c */
void kfd_criu_settle_bos(struct kfd_process *p);
int kfd_criu_export_bos(struct kfd_criu_save *s, struct file **files);
int kfd_criu_check_bos_v1(const struct kfd_criu_save *s);

/* kfd_criu_queue.c */
int kfd_criu_claim_sdma(unsigned long *free, u32 queues, u32 engines, u32 wanted);

/* kfd_criu_mqd.c */

struct kfd_criu_mqd_layout;

const struct kfd_criu_mqd_layout *kfd_criu_mqd_layout(struct kfd_node *node, u32 type);
int kfd_criu_mqd_check(const struct kfd_criu_mqd_layout *layout, const u32 *mqd,
		       const struct kfd_criu_queue_record *q, u32 ctl_stack_size);
bool kfd_criu_mqd_busy(const struct kfd_criu_mqd_layout *layout, const u32 *mqd,
		       u32 ctl_stack_size);
void kfd_criu_mqd_get_cu_mask(const struct kfd_criu_mqd_layout *layout, const u32 *mqd,
			      u32 *masks);
void kfd_criu_mqd_set_cu_mask(const struct kfd_criu_mqd_layout *layout, u32 *mqd,
			      const u32 *masks);
void kfd_criu_mqd_copy(const struct kfd_criu_mqd_layout *layout, u32 *to, const u32 *from);

/* kfd_criu_device.c */
void kfd_criu_die_describe(struct kfd_node *node, struct kfd_criu_die_record *rec);

/* kfd_criu_die.c */
bool kfd_criu_die_same_cus(const struct kfd_criu_die_record *a,
			   const struct kfd_criu_die_record *b);
bool kfd_criu_die_translate(const struct kfd_criu_die_record *from,
			    const struct kfd_criu_die_record *to, u32 gc_version, u32 xcc,
			    u32 *masks);

/* kfd_criu_show.c */
#if defined(CONFIG_DEBUG_FS)
void kfd_criu_show_init(void);
void kfd_criu_show_exit(void);
void kfd_criu_show_add(struct kfd_criu_process *state);
void kfd_criu_show_remove(struct kfd_criu_process *state);
#else
static inline void kfd_criu_show_init(void) {}
static inline void kfd_criu_show_exit(void) {}
static inline void kfd_criu_show_add(struct kfd_criu_process *state) {}
static inline void kfd_criu_show_remove(struct kfd_criu_process *state) {}
#endif

#else /* !CONFIG_HSA_AMD_CRIU */

static inline int kfd_criu_process_info(struct file *filep, struct kfd_process *p,
					struct kfd_ioctl_criu_args *args)
{
	return -EOPNOTSUPP;
}

static inline int kfd_criu_checkpoint(struct file *filep, struct kfd_process *p,
				      struct kfd_ioctl_criu_args *args)
{
	return -EOPNOTSUPP;
}

static inline int kfd_criu_unpause(struct file *filep, struct kfd_process *p,
				   struct kfd_ioctl_criu_args *args)
{
	return -EOPNOTSUPP;
}

static inline int kfd_criu_restore(struct file *filep, struct kfd_process *p,
				   struct kfd_ioctl_criu_args *args)
{
	return -EOPNOTSUPP;
}

static inline int kfd_criu_resume(struct file *filep, struct kfd_process *p,
				  struct kfd_ioctl_criu_args *args)
{
	return -EOPNOTSUPP;
}

static inline void kfd_criu_gpu_reset(void) {}
static inline void kfd_criu_process_release(struct kfd_process *p) {}
static inline int kfd_criu_init(void) { return 0; }
static inline void kfd_criu_exit(void) {}

/* Nobody asks for a certain queue then. */
static inline int kfd_criu_claim_sdma(unsigned long *free, u32 queues, u32 engines, u32 wanted)
{
	return -EOPNOTSUPP;
}

#endif

#endif
