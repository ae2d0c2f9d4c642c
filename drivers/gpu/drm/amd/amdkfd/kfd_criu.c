// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Checkpoint and restore of compute processes: order, locks and transaction of
 * the five operations of AMDKFD_IOC_CRIU_OP. What the objects are is the
 * classes' business, see struct kfd_criu_class.
 */

#include <linux/delay.h>
#include <linux/mmu_notifier.h>
#include <linux/moduleparam.h>
#include <linux/pid.h>
#include <linux/ptrace.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "amdgpu_amdkfd.h"
#include "kfd_criu.h"
#include "kfd_device_queue_manager.h"
#include "kfd_priv.h"
#include "kfd_smi_events.h"
#include "kfd_svm.h"

#define CREATE_TRACE_POINTS
#include "kfd_criu_trace.h"

/**
 * DOC: States and locks
 *
 * A process is in one of three states::
 *
 *             PROCESS_INFO                 RESTORE
 *              -------->                   -------->
 *      running           paused    (fresh)           restored
 *              <--------                   -------->
 *          UNPAUSE, or the                  RESUME      running
 *          dumper's end
 *
 * *Running*: PROCESS_INFO pauses it. RESTORE is refused unless the process is
 * fresh: it has opened /dev/kfd and nothing else.
 *
 * *Paused*: no queue of the process runs. CHECKPOINT is possible in this state
 * alone, as often as wanted. The process that paused it owns the pause: when its
 * address space goes, because it exits or is killed, the queues run again. A
 * second PROCESS_INFO by somebody else takes the ownership over.
 *
 * *Restored*: all objects are there, but user pointers have no pages and SVM
 * ranges do not exist yet, because CRIU puts the memory into place later. RESUME
 * does that and lets the queues run. If it fails, the queues stay stopped, the
 * process' hardware exception events fire, and RESUME may be tried again.
 *
 * Locks, in this order::
 *
 *      kfd_process.mutex
 *        -> kfd_process.event_mutex
 *          -> mmap_lock
 *            -> svm_range_list.lock
 *              -> svm_range.migrate_mutex
 *              -> device_queue_manager lock (no allocation below)
 *
 * Counts and contents of a checkpoint are taken under the same hold of the first,
 * second and fourth; mmap_lock only while ranges are brought up to date. Waiting for events
 * reads user memory under event_mutex, hence its place. The eviction worker of user pointers takes
 * amdkfd_process_info.lock and no lock before it, so RESUME may wait for it.
 */

/**
 * DOC: What holds the queues
 *
 * The queue manager counts reasons for which a process' queues must not run. A
 * pause is one such count. A restored process has two: one of RESTORE itself,
 * given back at the very end of RESUME; and the one that belongs to
 * amdkfd_process_info.evicted_bos being above 0, as after an invalidation of a user pointer,
 * which the driver's worker gives back once all user pointers have pages. With
 * evicted_bos above 0 an invalidation only counts and marks the BO, it neither
 * stops queues nor starts the worker. So the address space may change under a
 * restored process as often as CRIU likes, and nothing that changed is missed.
 *
 * A reset of a GPU, of whichever, is a reason that never goes away: the driver
 * adds one count for each process that is there, on all GPUs, and keeps it. What the
 * queues did on the GPU that was reset is not in their MQDs. So there is nothing to
 * save or to resume any more: each operation says -EIO, and leaves counts as they were.
 */

/* The interface is as old as Linux 5.18, and programs in the field are built with it. */
static_assert(KFD_CRIU_OP_PROCESS_INFO == 0);
static_assert(KFD_CRIU_OP_CHECKPOINT == 1);
static_assert(KFD_CRIU_OP_UNPAUSE == 2);
static_assert(KFD_CRIU_OP_RESTORE == 3);
static_assert(KFD_CRIU_OP_RESUME == 4);
static_assert(_IOC_NR(AMDKFD_IOC_CRIU_OP) == 0x22);
static_assert(sizeof(struct kfd_ioctl_criu_args) == 56);
static_assert(offsetof(struct kfd_ioctl_criu_args, priv_data_size) == 24);
static_assert(offsetof(struct kfd_ioctl_criu_args, num_devices) == 32);
static_assert(offsetof(struct kfd_ioctl_criu_args, num_bos) == 36);
static_assert(offsetof(struct kfd_ioctl_criu_args, num_objects) == 40);
static_assert(offsetof(struct kfd_ioctl_criu_args, pid) == 44);
static_assert(offsetof(struct kfd_ioctl_criu_args, op) == 48);
static_assert(sizeof(struct kfd_criu_device_bucket) == 16);
static_assert(offsetof(struct kfd_criu_device_bucket, drm_fd) == 8);
static_assert(sizeof(struct kfd_criu_bo_bucket) == 48);
static_assert(offsetof(struct kfd_criu_bo_bucket, restored_offset) == 24);
static_assert(offsetof(struct kfd_criu_bo_bucket, gpu_id) == 32);
static_assert(offsetof(struct kfd_criu_bo_bucket, dmabuf_fd) == 40);

static int image_version = KFD_CRIU_IMAGE_VERSION;
module_param_named(kfd_criu_image_version, image_version, int, 0644);
MODULE_PARM_DESC(kfd_criu_image_version,
		 "Version of checkpoint images to write: 2 (default), or 1 for kernels without it");

/*
 * As they are restored and resumed; undone from the end. Queues have their rings in
 * BOs, and their save areas perhaps in ranges.
 */
static const struct kfd_criu_class * const classes[] = {
	&kfd_criu_process_class,
	&kfd_criu_device_class,
	&kfd_criu_bo_class,
	&kfd_criu_event_class,
	&kfd_criu_range_class,
	&kfd_criu_queue_class,
};

/* RESUME tries for so long while the target's memory keeps changing. */
#define RESUME_TIMEOUT_MS	10000

/**
 * kfd_criu_refuse() - Say why an object can't be saved or restored.
 * @err: the error
 * @class: the class
 * @id: which object, as the process names it
 * @why: what is wrong
 * @found: the value
 * @wanted: the value that it should be, or its limit
 *
 * Return: @err
 */
int kfd_criu_refuse(int err, const char *class, u64 id, const char *why, u64 found, u64 wanted)
{
	trace_kfd_criu_refuse(class, id, why, found, wanted, err);
	return err;
}

/**
 * kfd_criu_killed() - To be asked in each loop over the objects of an image.
 *
 * Return: -EINTR if the caller is being killed, or 0
 */
int kfd_criu_killed(void)
{
	return fatal_signal_pending(current) ? -EINTR : 0;
}

static int image_complaint(int err, const struct kfd_criu_complaint *why)
{
	return kfd_criu_refuse(err, "image", ((u64)why->type << 32) | why->index,
			       why->what ?: "?", why->found, why->wanted);
}

/* The state is made when it is first needed: most processes never do. */
static struct kfd_criu_process *get_state(struct kfd_process *p)
{
	struct kfd_criu_process *state = p->criu;

	lockdep_assert_held(&p->mutex);
	if (state)
		return state;
	state = kzalloc(sizeof(*state), GFP_KERNEL_ACCOUNT);
	if (!state)
		return NULL;
	state->process = p;
	xa_init(&state->no_pages);
	xa_init(&state->raised);
	INIT_LIST_HEAD(&state->paused);
	p->criu = state;
	kfd_criu_show_add(state);
	return state;
}

static void drop_image(struct kfd_criu_process *state)
{
	kvfree(state->buckets);
	kvfree(state->image_buf);
	state->buckets = NULL;
	state->image_buf = NULL;
	memset(&state->image, 0, sizeof(state->image));
}

/* --- resets --- */

/**
 * kfd_criu_gpu_reset() - A GPU is being reset: remember who was there.
 *
 * Context: Process context. The queues of all processes have been stopped for good, and
 * nobody can open /dev/kfd.
 */
void kfd_criu_gpu_reset(void)
{
	struct kfd_process *p;
	unsigned int bucket;
	int idx;

	idx = srcu_read_lock(&kfd_processes_srcu);
	hash_for_each_rcu(kfd_processes_table, bucket, p, kfd_processes)
		WRITE_ONCE(p->lost_queues, true);
	srcu_read_unlock(&kfd_processes_srcu, idx);
}

/*
 * Have the process' queues been lost in a reset? Yes from the beginning of the reset on: it
 * stops queues without having saved what they did, and that looks like any other
 * reason for a queue not to run.
 */
static int check_reset(struct kfd_process *p)
{
	bool lost = false;
	u32 i;

	lockdep_assert_held(&p->mutex);
	for (i = 0; i < p->n_pdds; i++)
		lost |= amdgpu_in_reset(p->pdds[i]->dev->adev);
	/* A reset that is over has left its mark: it took locks in between. */
	smp_rmb();
	if (!lost && !READ_ONCE(p->lost_queues))
		return 0;
	return kfd_criu_refuse(-EIO, "process", p->lead_thread->pid, "a GPU was reset", 1, 0);
}

/* --- the owner of a pause --- */

/**
 * struct kfd_criu_dumper - a process that has paused others
 * @mn: tells when its address space goes
 * @paused: those that it has paused, &struct kfd_criu_process each
 *
 * Each entry of @paused holds one reference of @mn.
 */
struct kfd_criu_dumper {
	struct mmu_notifier mn;
	struct list_head paused;
};

/* All &kfd_criu_dumper.paused, &kfd_criu_process.paused and .dumper. */
static DEFINE_SPINLOCK(dumpers_lock);

static void dumper_release(struct mmu_notifier *mn, struct mm_struct *mm)
{
	struct kfd_criu_dumper *dumper = container_of(mn, struct kfd_criu_dumper, mn);
	struct kfd_criu_process *state;
	struct kfd_process *p;

	for (;;) {
		spin_lock(&dumpers_lock);
		state = list_first_entry_or_null(&dumper->paused, struct kfd_criu_process,
						 paused);
		if (!state) {
			spin_unlock(&dumpers_lock);
			return;
		}
		list_del_init(&state->paused);
		/* The end of the dumper before may be looking at it, see below. */
		WRITE_ONCE(state->dumper, NULL);
		/* A process without references is past caring, and waits for this lock. */
		p = state->process;
		if (!kref_get_unless_zero(&p->ref))
			p = NULL;
		spin_unlock(&dumpers_lock);

		if (p) {
			mutex_lock(&p->mutex);
			/* Somebody else may have come in between and own the pause now. */
			if (p->queues_paused && !READ_ONCE(state->dumper) && !state->by_itself) {
				p->queues_paused = false;
				kfd_process_restore_queues(p);
			}
			mutex_unlock(&p->mutex);
			kfd_unref_process(p);
		}
		mmu_notifier_put(mn);
	}
}

static struct mmu_notifier *dumper_alloc(struct mm_struct *mm)
{
	struct kfd_criu_dumper *dumper = kzalloc(sizeof(*dumper), GFP_KERNEL_ACCOUNT);

	if (!dumper)
		return ERR_PTR(-ENOMEM);
	INIT_LIST_HEAD(&dumper->paused);
	return &dumper->mn;
}

static void dumper_free(struct mmu_notifier *mn)
{
	kfree(container_of(mn, struct kfd_criu_dumper, mn));
}

static const struct mmu_notifier_ops dumper_ops = {
	.release = dumper_release,
	.alloc_notifier = dumper_alloc,
	.free_notifier = dumper_free,
};

static void disown_pause(struct kfd_criu_process *state)
{
	struct kfd_criu_dumper *dumper;

	spin_lock(&dumpers_lock);
	dumper = state->dumper;
	state->dumper = NULL;
	list_del_init(&state->paused);
	spin_unlock(&dumpers_lock);
	if (dumper)
		mmu_notifier_put(&dumper->mn);
}

/* The calling process answers for the pause from now on. */
static int own_pause(struct kfd_process *p, struct kfd_criu_process *state)
{
	struct kfd_criu_dumper *dumper;
	struct mmu_notifier *mn;

	lockdep_assert_held(&p->mutex);
	/* One that pauses itself takes its queues along when it goes. */
	if (current->mm == p->mm) {
		disown_pause(state);
		state->by_itself = true;
		return 0;
	}
	mn = mmu_notifier_get(&dumper_ops, current->mm);
	if (IS_ERR(mn))
		return PTR_ERR(mn);
	dumper = container_of(mn, struct kfd_criu_dumper, mn);
	disown_pause(state);
	state->by_itself = false;
	spin_lock(&dumpers_lock);
	state->dumper = dumper;
	list_add(&state->paused, &dumper->paused);
	spin_unlock(&dumpers_lock);
	return 0;
}

/* --- the queues --- */

static int stop_gpu(struct kfd_process_device *pdd, u32 trigger)
{
	struct device_queue_manager *dqm = pdd->dev->dqm;
	int err;

	kfd_smi_event_queue_eviction(pdd->dev, pdd->process->lead_thread->pid, trigger);
	err = dqm->ops.evict_process_queues(dqm, &pdd->qpd);
	if (!err) {
		/* Those who stop and start the scheduler look at it under the lock. */
		dqm_lock(dqm);
		dqm->is_hws_hang = false;
		dqm_unlock(dqm);
	}
	return err;
}

static int start_gpu(struct kfd_process_device *pdd)
{
	struct device_queue_manager *dqm = pdd->dev->dqm;

	kfd_smi_event_queue_restore(pdd->dev, pdd->process->lead_thread->pid);
	return dqm->ops.restore_process_queues(dqm, &pdd->qpd);
}

/**
 * kfd_criu_stop_queues() - Stop the queues of a process once more.
 * @p: the process
 * @trigger: why, for those who listen to events
 *
 * As kfd_process_evict_queues(), but a failure leaves every count as it was, that of
 * the GPU that failed and of one that is being reset (-EIO) included. Queues that a reset has
 * stopped before, with all they did lost, are such a failure.
 *
 * Context: Process context, &kfd_process.mutex held.
 * Return: 0 or an error
 */
int kfd_criu_stop_queues(struct kfd_process *p, u32 trigger)
{
	int err = 0;
	u32 i;

	lockdep_assert_held(&p->mutex);
	for (i = 0; i < p->n_pdds && !err; i++)
		err = stop_gpu(p->pdds[i], trigger);
	/* Not before: a reset that begins now finds them stopped, and their state saved. */
	if (!err)
		err = check_reset(p);
	while (err && i--)
		start_gpu(p->pdds[i]);
	return err;
}

static bool scheduled_by_mes(const struct kfd_node *node)
{
	return node->kfd->shared_resources.enable_mes &&
	       node->dqm->sched_policy != KFD_SCHED_POLICY_NO_HWS;
}

/* Without a hardware scheduler, queues are loaded with the memory of their process at hand. */
static bool has_memory(struct kfd_process *p)
{
	struct mm_struct *mm = kfd_process_get_mm(p);

	if (mm)
		mmput_async(mm);
	return mm;
}

/*
 * As kfd_process_restore_queues(), but a failure leaves all queues stopped, and every
 * count as it was. The queue manager gives a count back also when it then finds no
 * memory to tell the scheduler. MES keeps it when it refuses a queue, and is reset; without
 * a scheduler it is kept if the process has no memory any more.
 */
static int start_queues(struct kfd_process *p, u32 trigger)
{
	u64 kept = 0;
	int err = 0, r;
	u32 i;

	static_assert(MAX_GPU_INSTANCE <= 64);

	lockdep_assert_held(&p->mutex);
	/* All counts could be given back, and no queue would run. */
	err = check_reset(p);
	if (err)
		return err;
	for (i = 0; i < p->n_pdds; i++) {
		r = start_gpu(p->pdds[i]);
		if (r && (scheduled_by_mes(p->pdds[i]->dev) || (r == -EFAULT && !has_memory(p))))
			kept |= BIT_ULL(i);
		err = err ?: r;
	}
	for (i = 0; err && i < p->n_pdds; i++)
		if (!(kept & BIT_ULL(i)))
			stop_gpu(p->pdds[i], trigger);
	return err && !has_memory(p) ? -ESRCH : err;
}

/* --- checkpoint --- */

static int check_all(struct kfd_process *p)
{
	unsigned int i;
	int err;

	lockdep_assert_held(&p->mutex);
	for (i = 0; i < ARRAY_SIZE(classes); i++) {
		if (!classes[i]->check)
			continue;
		err = classes[i]->check(p);
		if (err)
			return err;
	}
	return 0;
}

#if IS_ENABLED(CONFIG_HSA_AMD_SVM)
/*
 * Work on ranges that an munmap() left behind is done first, so that there is
 * no range over nothing.
 */
static void lock_ranges(struct kfd_process *p, struct mm_struct *mm)
{
	svm_range_list_lock_and_flush_work(&p->svms, mm);
	mutex_lock(&p->svms.lock);
	mmap_write_unlock(mm);
}

static void unlock_ranges(struct kfd_process *p)
{
	mutex_unlock(&p->svms.lock);
}

static bool has_ranges(struct kfd_process *p)
{
	bool ranges;

	mutex_lock(&p->svms.lock);
	ranges = !list_empty(&p->svms.list);
	mutex_unlock(&p->svms.lock);
	return ranges;
}
#else
static void lock_ranges(struct kfd_process *p, struct mm_struct *mm) {}
static void unlock_ranges(struct kfd_process *p) {}

static bool has_ranges(struct kfd_process *p)
{
	return false;
}
#endif

/* Hold what p->mutex does not: SVM ranges and events change without it. */
static int lock_objects(struct kfd_process *p)
{
	struct mm_struct *mm;

	lockdep_assert_held(&p->mutex);
	mm = kfd_process_get_mm(p);
	if (!mm)
		return -ESRCH;
	mutex_lock(&p->event_mutex);
	lock_ranges(p, mm);
	mmput_async(mm);
	return 0;
}

static void unlock_objects(struct kfd_process *p)
{
	unlock_ranges(p);
	mutex_unlock(&p->event_mutex);
}

static void count_all(struct kfd_process *p, struct kfd_criu_counts *counts)
{
	unsigned int i;

	memset(counts, 0, sizeof(*counts));
	for (i = 0; i < ARRAY_SIZE(classes); i++)
		if (classes[i]->count)
			classes[i]->count(p, counts);
}

/* Bytes of the image in our own version. */
static size_t image_size(struct kfd_process *p, const struct kfd_criu_counts *n)
{
	size_t size = sizeof(struct kfd_criu_image_header);

	size += kfd_criu_record_size(1, sizeof(struct kfd_criu_process_record), 0);
	size += kfd_criu_record_size(p->n_pdds, sizeof(struct kfd_criu_device_record), 0);
	if (n->bos)
		size += kfd_criu_record_size(n->bos, sizeof(struct kfd_criu_bo_record), 0);
	if (n->events)
		size += kfd_criu_record_size(n->events, sizeof(struct kfd_criu_event_record), 0);
	if (n->ranges)
		size += kfd_criu_record_size(n->ranges, sizeof(struct kfd_criu_range_record), 0);
	if (n->dies)
		size += kfd_criu_record_size(n->dies, sizeof(struct kfd_criu_die_record), 0);
	return size + n->queue_bytes;
}

/* What the caller needs to know, and to have room for. */
static void tell_sizes(struct kfd_process *p, const struct kfd_criu_counts *n, bool v1,
		       struct kfd_ioctl_criu_args *args)
{
	args->num_devices = p->n_pdds;
	args->num_bos = n->bos;
	args->num_objects = n->queues + n->events + n->ranges;
	args->priv_data_size = v1 ?
		kfd_criu_v1_size_of(p->n_pdds, n->bos, n->queues, n->queue_data, n->events,
				    n->ranges) :
		image_size(p, n);
}

/**
 * kfd_criu_process_info() - KFD_CRIU_OP_PROCESS_INFO
 * @filep: the process' /dev/kfd
 * @p: the process
 * @args: out: pid, the numbers of objects and the size of the image
 *
 * Stops the process' queues until UNPAUSE, or until the caller is gone.
 *
 * Context: Process context, the caller traces @p or is @p.
 * Return: 0, -ENODEV without a GPU, -EBUSY between RESTORE and RESUME,
 * -EOPNOTSUPP if there is something that can't be preserved, -EIO if a GPU was reset,
 * -ENOMEM, or whatever the queue manager says when it can't stop the queues
 */
int kfd_criu_process_info(struct file *filep, struct kfd_process *p,
			  struct kfd_ioctl_criu_args *args)
{
	bool v1 = READ_ONCE(image_version) == KFD_CRIU_IMAGE_VERSION_1;
	struct kfd_criu_counts counts = {};
	struct kfd_criu_process *state;
	int err;

	mutex_lock(&p->mutex);
	if (!p->n_pdds) {
		err = -ENODEV;
		goto out;
	}
	state = get_state(p);
	if (!state) {
		err = -ENOMEM;
		goto out;
	}
	if (state->stage == KFD_CRIU_RESTORED) {
		err = kfd_criu_refuse(-EBUSY, "process", p->lead_thread->pid, "waits for RESUME",
				      1, 0);
		goto out;
	}
	err = check_reset(p);
	if (!err)
		err = check_all(p);
	if (err)
		goto out;
	err = lock_objects(p);
	if (err)
		goto out;
	count_all(p, &counts);
	unlock_objects(p);

	err = own_pause(p, state);
	if (err)
		goto out;
	/* UNPAUSE gives back one count, however often it was paused. */
	if (!p->queues_paused) {
		err = kfd_criu_stop_queues(p, KFD_QUEUE_EVICTION_CRIU_CHECKPOINT);
		if (err) {
			disown_pause(state);
			goto out;
		}
		p->queues_paused = true;
	}

	args->pid = task_pid_nr_ns(p->lead_thread, task_active_pid_ns(p->lead_thread));
	tell_sizes(p, &counts, v1, args);
out:
	mutex_unlock(&p->mutex);
	trace_kfd_criu_op(KFD_CRIU_OP_PROCESS_INFO, p->lead_thread->pid, args->num_bos,
			  args->num_objects, args->priv_data_size, err);
	return err;
}

/* The image in our version, in s->w.buf, verified; frees nothing on error. */
static int make_image(struct kfd_criu_save *s, struct kfd_criu_image *img,
		      struct kfd_ioctl_criu_args *args)
{
	struct kfd_ioctl_criu_args needed = *args;
	struct kfd_criu_complaint why = {};
	struct kfd_process *p = s->p;
	unsigned int i;
	size_t size;
	void *buf;
	int err;

	err = lock_objects(p);
	if (err)
		return err;
	count_all(p, &s->counts);
	tell_sizes(p, &s->counts, s->whole_mqds, &needed);
	if (args->num_devices != needed.num_devices || args->num_bos != needed.num_bos ||
	    args->num_objects != needed.num_objects ||
	    args->priv_data_size < needed.priv_data_size) {
		/* More or fewer than when PROCESS_INFO told: nothing is written. */
		err = kfd_criu_refuse(-ENOSPC, "process", p->lead_thread->pid,
				      "the caller's buffers have other sizes",
				      args->priv_data_size, needed.priv_data_size);
		*args = needed;
		goto unlock;
	}
	*args = needed;

	size = image_size(p, &s->counts);
	if (size > KFD_CRIU_IMAGE_MAX) {
		err = kfd_criu_refuse(-EMSGSIZE, "process", p->lead_thread->pid, "image too large",
				      size, KFD_CRIU_IMAGE_MAX);
		goto unlock;
	}
	buf = kfd_criu_alloc(1, size);
	s->buckets = kfd_criu_alloc(max(s->counts.bos, 1u), sizeof(*s->buckets));
	if (!buf || !s->buckets) {
		kvfree(buf);
		err = -ENOMEM;
		goto unlock;
	}
	kfd_criu_writer_init(&s->w, buf, size);
	for (i = 0; i < ARRAY_SIZE(classes) && !err; i++) {
		if (!classes[i]->save)
			continue;
		err = classes[i]->save(s);
		trace_kfd_criu_class(classes[i]->name, "save", err);
	}
unlock:
	unlock_objects(p);
	if (err)
		return err;
	err = kfd_criu_writer_finish(&s->w, img, &why);
	return err ? image_complaint(err, &why) : 0;
}

static int save_devices(struct kfd_process *p, void __user *to)
{
	struct kfd_criu_device_bucket *buckets;
	int err = 0;
	u32 i;

	buckets = kcalloc(p->n_pdds, sizeof(*buckets), GFP_KERNEL_ACCOUNT);
	if (!buckets)
		return -ENOMEM;
	for (i = 0; i < p->n_pdds; i++) {
		buckets[i].user_gpu_id = p->pdds[i]->user_gpu_id;
		buckets[i].actual_gpu_id = p->pdds[i]->dev->id;
	}
	if (copy_to_user(to, buckets, p->n_pdds * sizeof(*buckets)))
		err = -EFAULT;
	kfree(buckets);
	return err;
}

static void install_files(struct file **files, const struct kfd_criu_bo_bucket *buckets, u32 n)
{
	u32 i;

	for (i = 0; i < n; i++)
		if (files[i])
			fd_install(buckets[i].dmabuf_fd, files[i]);
}

static void drop_files(struct file **files, const struct kfd_criu_bo_bucket *buckets, u32 n)
{
	u32 i;

	for (i = 0; i < n; i++) {
		if (!files[i])
			continue;
		put_unused_fd(buckets[i].dmabuf_fd);
		fput(files[i]);
	}
}

/* Image and buckets stay for debugfs; both are the state's then. */
static void keep_image(struct kfd_criu_process *state, const struct kfd_criu_image *img,
		       void *buf, struct kfd_criu_bo_bucket *buckets)
{
	drop_image(state);
	state->image = *img;
	state->image_buf = buf;
	state->buckets = buckets;
}

/**
 * kfd_criu_checkpoint() - KFD_CRIU_OP_CHECKPOINT
 * @filep: the process' /dev/kfd
 * @p: the process, paused
 * @args: as PROCESS_INFO left them, with pointers to three buffers
 *
 * Fills the buffers and installs a descriptor for each BO that has contents
 * of its own. On error nothing is installed; what is in the buffers then is
 * undefined only after -EFAULT, and untouched otherwise.
 *
 * Context: Process context, the caller traces @p or is @p.
 * Return: 0, -EINVAL if the process is not paused, -ENOSPC with the needed
 * sizes in @args if the buffers don't fit, -EIO if a GPU was reset, -EOPNOTSUPP,
 * -ENOMEM, -EMFILE, -EFAULT
 */
int kfd_criu_checkpoint(struct file *filep, struct kfd_process *p,
			struct kfd_ioctl_criu_args *args)
{
	bool v1 = READ_ONCE(image_version) == KFD_CRIU_IMAGE_VERSION_1;
	struct kfd_criu_save s = { .p = p, .whole_mqds = v1 };
	struct kfd_criu_complaint why = {};
	struct kfd_criu_image img;
	struct file **files = NULL;
	void *v1_buf = NULL;
	size_t size;
	int err;

	mutex_lock(&p->mutex);
	if (!p->n_pdds) {
		err = -ENODEV;
		goto out;
	}
	if (!args->devices || (args->num_bos && !args->bos) || !args->priv_data ||
	    !p->queues_paused || !p->criu) {
		err = -EINVAL;
		goto out;
	}
	err = check_reset(p);
	if (!err)
		err = check_all(p);
	if (err)
		goto out;
	kfd_criu_settle_bos(p);
	err = make_image(&s, &img, args);
	if (err)
		goto out;
	size = s.w.pos;
	if (v1) {
		err = kfd_criu_check_bos_v1(&s);
		if (err)
			goto out;
		size = kfd_criu_v1_size(&img);
		v1_buf = kfd_criu_alloc(1, size);
		if (!v1_buf) {
			err = -ENOMEM;
			goto out;
		}
		err = kfd_criu_v1_write(&img, v1_buf, size, &why);
		if (err) {
			image_complaint(err, &why);
			goto out;
		}
	}

	files = kfd_criu_alloc(max(s.counts.bos, 1u), sizeof(*files));
	if (!files) {
		err = -ENOMEM;
		goto out;
	}
	err = kfd_criu_export_bos(&s, files);
	if (err)
		goto out_files;
	err = save_devices(p, u64_to_user_ptr(args->devices));
	if (err)
		goto out_files;
	if (copy_to_user(u64_to_user_ptr(args->bos), s.buckets,
			 s.counts.bos * sizeof(*s.buckets)) ||
	    copy_to_user(u64_to_user_ptr(args->priv_data), v1 ? v1_buf : s.w.buf, size)) {
		err = -EFAULT;
		goto out_files;
	}
	install_files(files, s.buckets, s.counts.bos);
	args->priv_data_size = size;
	keep_image(p->criu, &img, s.w.buf, s.buckets);
	s.w.buf = NULL;
	s.buckets = NULL;
	goto out;

out_files:
	drop_files(files, s.buckets, s.counts.bos);
out:
	mutex_unlock(&p->mutex);
	kvfree(files);
	kvfree(v1_buf);
	kvfree(s.buckets);
	kvfree(s.w.buf);
	trace_kfd_criu_op(KFD_CRIU_OP_CHECKPOINT, p->lead_thread->pid, args->num_bos,
			  args->num_objects, args->priv_data_size, err);
	return err;
}

/**
 * kfd_criu_unpause() - KFD_CRIU_OP_UNPAUSE
 * @filep: the process' /dev/kfd
 * @p: the process
 * @args: not used
 *
 * Context: Process context, the caller traces @p or is @p.
 * Return: 0, -EINVAL if the process is not paused, -ESRCH if it is dying, or what the
 * queue manager says; the process is paused then as it was before
 */
int kfd_criu_unpause(struct file *filep, struct kfd_process *p,
		     struct kfd_ioctl_criu_args *args)
{
	int err = -EINVAL;

	mutex_lock(&p->mutex);
	if (p->queues_paused) {
		err = start_queues(p, KFD_QUEUE_EVICTION_CRIU_CHECKPOINT);
		if (!err) {
			p->queues_paused = false;
			disown_pause(p->criu);
		}
	}
	mutex_unlock(&p->mutex);
	trace_kfd_criu_op(KFD_CRIU_OP_UNPAUSE, p->lead_thread->pid, 0, 0, 0, err);
	return err;
}

/* --- restore --- */

/*
 * One copy of everything that the caller gives, then no look at user memory
 * any more. Nothing is allocated that the size of the image does not justify.
 */
static int copy_arguments(struct kfd_criu_transaction *r, const struct kfd_ioctl_criu_args *args,
			  void **image)
{
	size_t size;

	if (!args->devices || !args->priv_data || !args->num_devices ||
	    (args->num_bos && !args->bos))
		return -EINVAL;
	if (args->priv_data_size > KFD_CRIU_IMAGE_MAX)
		return kfd_criu_refuse(-EMSGSIZE, "image", 0, "too large", args->priv_data_size,
				       KFD_CRIU_IMAGE_MAX);
	size = args->priv_data_size;
	/* Enough to tell the version; the rest is the verifier's business. */
	if (size < sizeof(u64))
		return kfd_criu_refuse(-EINVAL, "image", 0, "too short", size, sizeof(u64));
	if (args->num_devices > KFD_CRIU_MAX_DEVICES)
		return kfd_criu_refuse(-EINVAL, "image", 0, "too many devices",
				       args->num_devices, KFD_CRIU_MAX_DEVICES);
	if (args->num_bos > size / sizeof(struct kfd_criu_bo_record))
		return kfd_criu_refuse(-EINVAL, "image", 0, "more BOs than fit into it",
				       args->num_bos, size / sizeof(struct kfd_criu_bo_record));

	*image = kfd_criu_alloc(1, size);
	r->device_buckets = kcalloc(args->num_devices, sizeof(*r->device_buckets),
				    GFP_KERNEL_ACCOUNT);
	r->bo_buckets = kfd_criu_alloc(max(args->num_bos, 1u), sizeof(*r->bo_buckets));
	r->bos = kfd_criu_alloc(max(args->num_bos, 1u), sizeof(*r->bos));
	if (!*image || !r->device_buckets || !r->bo_buckets || !r->bos)
		return -ENOMEM;
	if (copy_from_user(*image, u64_to_user_ptr(args->priv_data), size) ||
	    copy_from_user(r->device_buckets, u64_to_user_ptr(args->devices),
			   args->num_devices * sizeof(*r->device_buckets)) ||
	    copy_from_user(r->bo_buckets, u64_to_user_ptr(args->bos),
			   args->num_bos * sizeof(*r->bo_buckets)))
		return -EFAULT;
	return 0;
}

/* The image alone: of what version ever, it is one of ours afterwards. */
static int open_image(struct kfd_criu_transaction *r, const struct kfd_ioctl_criu_args *args,
		      void **image)
{
	struct kfd_criu_complaint why = {};
	size_t size = args->priv_data_size;
	u32 objects;
	void *v2;
	int err;

	if (*(u32 *)*image == KFD_CRIU_IMAGE_VERSION_1) {
		err = kfd_criu_v1_read(*image, size, r->device_buckets, args->num_devices,
				       r->bo_buckets, args->num_bos, args->num_objects, &v2,
				       &size, &why);
		if (err)
			return image_complaint(err, &why);
		kvfree(*image);
		*image = v2;
	}
	err = kfd_criu_image_open(&r->img, *image, size, &why);
	if (err)
		return image_complaint(err, &why);

	objects = r->img.num_queues + r->img.num_events + r->img.num_ranges;
	if (args->num_devices != r->img.num_devices)
		return kfd_criu_refuse(-EINVAL, "image", 0, "number of devices",
				       args->num_devices, r->img.num_devices);
	if (args->num_bos != r->img.num_bos)
		return kfd_criu_refuse(-EINVAL, "image", 0, "number of BOs", args->num_bos,
				       r->img.num_bos);
	if (args->num_objects != objects)
		return kfd_criu_refuse(-EINVAL, "image", 0, "number of objects",
				       args->num_objects, objects);
	return 0;
}

static int verify_all(struct kfd_criu_transaction *r)
{
	unsigned int i;
	int err;

	lockdep_assert_held(&r->p->mutex);
	for (i = 0; i < ARRAY_SIZE(classes); i++) {
		if (!classes[i]->verify)
			continue;
		err = classes[i]->verify(r);
		trace_kfd_criu_class(classes[i]->name, "verify", err);
		if (err)
			return err;
	}
	return 0;
}

/* A process that has opened /dev/kfd, and that is all. */
static int verify_fresh(struct kfd_process *p, const struct kfd_criu_process *state)
{
	int id = 0;
	bool events;
	u32 i;

	if (state->stage != KFD_CRIU_RUNNING || p->queues_paused)
		return -EBUSY;
	for (i = 0; i < p->n_pdds; i++) {
		struct kfd_process_device *pdd = p->pdds[i];

		if (pdd->drm_file || pdd->drm_priv || !idr_is_empty(&pdd->alloc_idr) ||
		    pdd->qpd.queue_count)
			return -EBUSY;
	}
	mutex_lock(&p->event_mutex);
	events = p->signal_page || idr_get_next(&p->event_idr, &id);
	mutex_unlock(&p->event_mutex);
	if (events || has_ranges(p) || p->debug_trap_enabled ||
	    p->runtime_info.runtime_state != DEBUG_RUNTIME_STATE_DISABLED)
		return -EBUSY;
	return 0;
}

static void undo(struct kfd_criu_transaction *r, unsigned int from)
{
	int i;

	for (i = from; i >= 0; i--) {
		if (!classes[i]->undo)
			continue;
		classes[i]->undo(r);
		trace_kfd_criu_class(classes[i]->name, "undo", 0);
	}
}

/*
 * Many functions that RESTORE and RESUME call give up when a signal comes. A caller with an
 * interval timer would never get to the end. So signals that the caller handles wait until the
 * operation is done. Those that end the caller are not held back.
 */
static void hold_signals(sigset_t *old)
{
	/* A task that runs has its own until it ends. */
	struct sighand_struct *sighand = rcu_dereference_protected(current->sighand, true);
	const struct k_sigaction *action = sighand->action;
	sigset_t handled;
	int sig;

	sigemptyset(&handled);
	spin_lock_irq(&sighand->siglock);
	for (sig = 1; sig <= _NSIG; sig++)
		if (action[sig - 1].sa.sa_handler != SIG_DFL &&
		    action[sig - 1].sa.sa_handler != SIG_IGN)
			sigaddset(&handled, sig);
	spin_unlock_irq(&sighand->siglock);
	sigprocmask(SIG_BLOCK, &handled, old);
}

static void release_signals(sigset_t *old)
{
	sigprocmask(SIG_SETMASK, old, NULL);
}

static int prepare_all(struct kfd_criu_transaction *r, struct kfd_ioctl_criu_args *args)
{
	unsigned int i;
	int err;

	/* No queue may run before RESUME; also those that are yet to be created. */
	err = kfd_criu_stop_queues(r->p, KFD_QUEUE_EVICTION_CRIU_RESTORE);
	if (err)
		return err;
	for (i = 0; i < ARRAY_SIZE(classes); i++) {
		if (!classes[i]->prepare)
			continue;
		err = classes[i]->prepare(r);
		trace_kfd_criu_class(classes[i]->name, "prepare", err);
		if (err)
			goto fail;
	}
	/* The last thing that can fail: from here on the caller's descriptors show. */
	if (copy_to_user(u64_to_user_ptr(args->bos), r->bo_buckets,
			 r->img.num_bos * sizeof(*r->bo_buckets))) {
		err = -EFAULT;
		i = ARRAY_SIZE(classes) - 1;
		goto fail;
	}
	return 0;

fail:
	undo(r, i);
	kfd_process_restore_queues(r->p);
	return err;
}

static void commit_all(struct kfd_criu_transaction *r)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(classes); i++)
		if (classes[i]->commit)
			classes[i]->commit(r);
	r->state->stage = KFD_CRIU_RESTORED;
}

/**
 * kfd_criu_restore() - KFD_CRIU_OP_RESTORE
 * @filep: the /dev/kfd of the process that is to become the image's
 * @p: that process, the caller
 * @args: image, device buckets with the GPUs to use, BO buckets
 *
 * All or nothing: on error no object, id, descriptor or count is left, and the
 * same process may try again.
 *
 * Context: Process context.
 * Return: 0 or an error, see the table in the uapi header
 */
int kfd_criu_restore(struct file *filep, struct kfd_process *p,
		     struct kfd_ioctl_criu_args *args)
{
	struct kfd_criu_transaction *r;
	void *image = NULL;
	sigset_t signals;
	int err;
	u32 i;

	r = kzalloc(sizeof(*r), GFP_KERNEL_ACCOUNT);
	if (!r)
		return -ENOMEM;
	r->p = p;
	/* Notifiers of user pointers watch the caller's memory. */
	if (current->mm != p->mm) {
		err = -EBADF;
		goto out;
	}
	err = copy_arguments(r, args, &image);
	if (err)
		goto out;
	err = open_image(r, args, &image);
	if (err)
		goto out;

	hold_signals(&signals);
	mutex_lock(&p->mutex);
	r->state = get_state(p);
	err = r->state ? verify_fresh(p, r->state) : -ENOMEM;
	if (!err)
		err = verify_all(r);
	if (!err)
		err = prepare_all(r, args);
	if (!err) {
		commit_all(r);
		keep_image(r->state, &r->img, image, r->bo_buckets);
		image = NULL;
		r->bo_buckets = NULL;
	}
	mutex_unlock(&p->mutex);
	release_signals(&signals);
out:
	for (i = 0; i < KFD_CRIU_MAX_DEVICES; i++)
		if (r->drm_files[i])
			fput(r->drm_files[i]);
	kvfree(image);
	kvfree(r->bos);
	kvfree(r->bo_buckets);
	kfree(r->device_buckets);
	kfree(r);
	trace_kfd_criu_op(KFD_CRIU_OP_RESTORE, p->lead_thread->pid, args->num_bos,
			  args->num_objects, args->priv_data_size, err);
	return err;
}

/* --- resume --- */

static int resume_class(const struct kfd_criu_class *class, struct kfd_process *p)
{
	int err = class->resume(p);

	trace_kfd_criu_class(class->name, "resume", err);
	return err;
}

static int resume_all(struct kfd_process *p)
{
	unsigned long end = jiffies + msecs_to_jiffies(RESUME_TIMEOUT_MS);
	unsigned int i;
	int err;

	lockdep_assert_held(&p->mutex);
	for (i = 0; i < ARRAY_SIZE(classes); i++) {
		if (!classes[i]->resume)
			continue;
		err = resume_class(classes[i], p);
		/* Memory that changes under us is looked at anew, for a while. */
		while (err == -EAGAIN && time_before(jiffies, end) &&
		       !fatal_signal_pending(current)) {
			usleep_range(500, 1000);
			err = resume_class(classes[i], p);
		}
		if (err)
			return err;
	}
	return 0;
}

/* Nothing is wrong with the process, and the same RESUME may succeed. */
static bool may_be_tried_again(int err)
{
	return err == -EAGAIN || err == -EINTR || err == -ERESTARTSYS || err == -ENOMEM;
}

/**
 * kfd_criu_resume() - KFD_CRIU_OP_RESUME
 * @filep: the caller's own /dev/kfd
 * @p: the caller
 * @args: in: pid of the process to resume, in the caller's namespace
 *
 * When this returns 0, user pointers and SVM ranges have their pages and the queues
 * run.
 *
 * Context: Process context.
 * Return: 0, -ESRCH if there is no such process, or it is dying or has no /dev/kfd, -EPERM
 * without the right to trace it, -EINVAL if it does not wait for RESUME, -EFAULT if memory is
 * missing, -EAGAIN if it kept changing, -EINTR if the caller is being killed, -EIO if a GPU was
 * reset, -ENOMEM
 */
int kfd_criu_resume(struct file *filep, struct kfd_process *p,
		    struct kfd_ioctl_criu_args *args)
{
	struct kfd_process *target = NULL;
	struct task_struct *task;
	sigset_t signals;
	struct pid *pid;
	int err;

	pid = find_get_pid(args->pid);
	task = get_pid_task(pid, PIDTYPE_PID);
	if (!task) {
		err = -ESRCH;
		goto out;
	}
	/* RESUME works on somebody else's memory, on his behalf. */
	if (!ptrace_may_access(task, PTRACE_MODE_ATTACH_REALCREDS)) {
		err = -EPERM;
		goto out_task;
	}
	target = kfd_lookup_process_by_pid(pid);
	if (!target) {
		err = -ESRCH;
		goto out_task;
	}

	hold_signals(&signals);
	mutex_lock(&target->mutex);
	if (!target->criu || target->criu->stage != KFD_CRIU_RESTORED) {
		err = -EINVAL;
		goto unlock;
	}
	err = check_reset(target);
	if (!err)
		err = resume_all(target);
	if (!err)
		err = start_queues(target, KFD_QUEUE_EVICTION_CRIU_RESTORE);
	if (err) {
		/* Its runtime reports an error then, instead of waiting for ever. */
		if (!may_be_tried_again(err))
			kfd_criu_raise_exception(target);
		goto unlock;
	}
	kfd_criu_withdraw_exception(target);
	target->criu->stage = KFD_CRIU_RUNNING;
	kvfree(target->criu->ranges);
	target->criu->ranges = NULL;
	target->criu->num_ranges = 0;
	xa_destroy(&target->criu->no_pages);
unlock:
	mutex_unlock(&target->mutex);
	release_signals(&signals);
	kfd_unref_process(target);
out_task:
	put_task_struct(task);
out:
	put_pid(pid);
	trace_kfd_criu_op(KFD_CRIU_OP_RESUME, args->pid, 0, 0, 0, err);
	return err;
}

/* --- lifetime --- */

/**
 * kfd_criu_process_release() - Forget a process that goes.
 * @p: the process, without references
 *
 * Context: Process context, no locks.
 */
void kfd_criu_process_release(struct kfd_process *p)
{
	struct kfd_criu_process *state = p->criu;

	if (!state)
		return;
	kfd_criu_show_remove(state);
	disown_pause(state);
	drop_image(state);
	kvfree(state->ranges);
	xa_destroy(&state->no_pages);
	xa_destroy(&state->raised);
	p->criu = NULL;
	kfree(state);
}

/**
 * kfd_criu_init() - Set up checkpoint and restore when the driver is loaded.
 *
 * Return: 0
 */
int kfd_criu_init(void)
{
	kfd_criu_show_init();
	return 0;
}

/**
 * kfd_criu_exit() - Take it down, after all processes have been released.
 */
void kfd_criu_exit(void)
{
	kfd_criu_show_exit();
	/* dumper_free() must have run before the code goes. */
	mmu_notifier_synchronize();
}
