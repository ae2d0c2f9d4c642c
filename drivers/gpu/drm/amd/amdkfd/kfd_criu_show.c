// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Checkpoint and restore of compute processes: the last image in words, one
 * debugfs file for each process that was checkpointed or restored.
 */

#include <linux/dcache.h>
#include <linux/debugfs.h>
#include <linux/seq_file.h>
#include "amdgpu.h"
#include "kfd_criu.h"
#include "kfd_priv.h"

static struct dentry *root;

static void show_gpus(struct seq_file *m, const struct kfd_criu_image *img, u64 gpus)
{
	u32 i;

	if (!gpus)
		seq_puts(m, " none");
	for (i = 0; i < img->num_devices; i++)
		if (gpus & BIT_ULL(i))
			seq_printf(m, " %u", img->devices[i].user_gpu_id);
}

static void show_process(struct seq_file *m, const struct kfd_criu_image *img)
{
	const struct kfd_criu_process_record *rec = img->process;

	seq_printf(m, "image: version %u, %zu bytes, %u GPUs, %u BOs, %u queues, %u events, %u ranges\n",
		   KFD_CRIU_IMAGE_VERSION, img->size, img->num_devices, img->num_bos,
		   img->num_queues, img->num_events, img->num_ranges);
	seq_printf(m, "process: xnack %s, runtime %s, signal page %s\n",
		   rec->flags & KFD_CRIU_PROCESS_XNACK ? "on" : "off",
		   rec->flags & KFD_CRIU_PROCESS_RUNTIME ? "enabled" : "disabled",
		   rec->flags & KFD_CRIU_PROCESS_PAGE_BO ? "in a BO" :
		   rec->flags & KFD_CRIU_PROCESS_PAGE_KERNEL ? "of the kernel" : "none");
}

static void show_devices(struct seq_file *m, const struct kfd_criu_image *img)
{
	u32 i;

	for (i = 0; i < img->num_devices; i++) {
		const struct kfd_criu_device_record *rec = &img->devices[i];

		seq_printf(m, "gpu %u:", rec->user_gpu_id);
		if (rec->flags & KFD_CRIU_DEVICE_IDENTITY)
			seq_printf(m, " gfx %u.%u.%u, %u XCC, %u CUs, %u+%u SDMA engines,",
				   IP_VERSION_MAJ(rec->gc_version), IP_VERSION_MIN(rec->gc_version),
				   IP_VERSION_REV(rec->gc_version), rec->xcc_count, rec->cu_count,
				   rec->sdma_engines, rec->xgmi_engines);
		if (rec->partitions > 1)
			seq_printf(m, " partition %u of %u,", rec->partition, rec->partitions);
		seq_printf(m, " VM %s%s%s\n", rec->flags & KFD_CRIU_DEVICE_VM ? "acquired" : "none",
			   rec->flags & KFD_CRIU_DEVICE_DOORBELLS ? ", doorbells" : "",
			   rec->tba ? ", trap handler" : "");
	}
}

static void show_dies(struct seq_file *m, const struct kfd_criu_image *img)
{
	u32 i, cus;

	for (i = 0; img->dies && i < img->num_devices; i++) {
		const struct kfd_criu_die_record *die = &img->dies[i];
		const u32 *bits = &die->cus[0][0][0];
		size_t n;

		cus = 0;
		for (n = 0; n < sizeof(die->cus) / sizeof(*bits); n++)
			cus += hweight32(bits[n]);
		seq_printf(m, "die of gpu %u: %u CUs in %u engines of %u arrays, trap handler %#x, MEC firmware %u, SDMA firmware %u\n",
			   img->devices[i].user_gpu_id, cus, die->engines, die->arrays,
			   die->handler_crc, die->mec_firmware, die->sdma_firmware);
	}
}

static const char *bo_type(u32 flags)
{
	return flags & KFD_IOC_ALLOC_MEM_FLAGS_VRAM ? "VRAM" :
	       flags & KFD_IOC_ALLOC_MEM_FLAGS_GTT ? "GTT" :
	       flags & KFD_IOC_ALLOC_MEM_FLAGS_USERPTR ? "user pointer" :
	       flags & KFD_IOC_ALLOC_MEM_FLAGS_DOORBELL ? "doorbells" : "MMIO";
}

static void show_bos(struct seq_file *m, const struct kfd_criu_process *state)
{
	const struct kfd_criu_image *img = &state->image;
	u32 i;

	for (i = 0; i < img->num_bos; i++) {
		const struct kfd_criu_bo_bucket *bucket = &state->buckets[i];

		seq_printf(m, "bo %u of %u: %s, %llu KiB at %#llx, mapped on", img->bos[i].handle,
			   bucket->gpu_id, bo_type(bucket->alloc_flags), bucket->size >> 10,
			   bucket->addr);
		show_gpus(m, img, img->bos[i].gpus);
		if (img->bos[i].flags & KFD_CRIU_BO_NO_PAGES)
			seq_puts(m, ", without pages");
		seq_putc(m, '\n');
	}
}

static void show_queues(struct seq_file *m, const struct kfd_criu_image *img)
{
	const struct kfd_criu_queue_record *q;

	for (q = kfd_criu_image_next_queue(img, NULL); q;
	     q = kfd_criu_image_next_queue(img, q))
		seq_printf(m, "queue %u of %u: %s, ring of %llu KiB at %#llx, priority %u, %u percent%s%s%s\n",
			   q->queue_id, img->devices[q->device].user_gpu_id,
			   q->type != KFD_CRIU_QUEUE_COMPUTE ? "SDMA" :
			   q->format == KFD_CRIU_QUEUE_AQL ? "AQL" : "PM4",
			   q->ring_size >> 10, q->ring, q->priority, q->percent,
			   q->flags & KFD_CRIU_QUEUE_CU_MASK ? ", CU mask" : "",
			   q->flags & KFD_CRIU_QUEUE_GWS ? ", GWS" : "",
			   q->flags & KFD_CRIU_QUEUE_RESET ? ", reset" : "");
}

static void show_events(struct seq_file *m, const struct kfd_criu_image *img)
{
	u32 i;

	for (i = 0; i < img->num_events; i++) {
		const struct kfd_criu_event_record *rec = &img->events[i];

		seq_printf(m, "event %#x: type %u, age %llu%s%s\n", rec->id, rec->type, rec->age,
			   rec->flags & KFD_CRIU_EVENT_SIGNALED ? ", signalled" : "",
			   rec->flags & KFD_CRIU_EVENT_AUTO_RESET ? ", auto reset" : "");
	}
}

static void show_ranges(struct seq_file *m, const struct kfd_criu_image *img)
{
	u32 i;

	for (i = 0; i < img->num_ranges; i++) {
		const struct kfd_criu_range_record *rec = &img->ranges[i];

		seq_printf(m, "range %#llx: %llu KiB, location %u, access by", rec->start << 12,
			   rec->pages << 2, rec->actual);
		show_gpus(m, img, rec->access | rec->in_place);
		seq_putc(m, '\n');
	}
}

static int image_show(struct seq_file *m, void *unused)
{
	struct kfd_criu_process *state = m->private;

	mutex_lock(&state->process->mutex);
	if (!state->image_buf) {
		seq_puts(m, "no image\n");
	} else {
		show_process(m, &state->image);
		show_devices(m, &state->image);
		show_dies(m, &state->image);
		show_bos(m, state);
		show_queues(m, &state->image);
		show_events(m, &state->image);
		show_ranges(m, &state->image);
	}
	mutex_unlock(&state->process->mutex);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(image);

/**
 * kfd_criu_show_init() - Make the folder.
 */
void kfd_criu_show_init(void)
{
	root = debugfs_create_dir("kfd_criu", NULL);
}

/**
 * kfd_criu_show_exit() - Remove it and what is in it.
 */
void kfd_criu_show_exit(void)
{
	debugfs_remove_recursive(root);
	root = NULL;
}

/**
 * kfd_criu_show_add() - Add a process' file, named by its pid.
 * @state: the process'
 *
 * Without debugfs there is just no file.
 *
 * Context: Process context.
 */
void kfd_criu_show_add(struct kfd_criu_process *state)
{
	struct dentry *other;
	char name[16];

	snprintf(name, sizeof(name), "%d", state->process->lead_thread->pid);
	/* A process that had this pid may still be on its way out. */
	other = debugfs_lookup(name, root);
	if (other) {
		dput(other);
		return;
	}
	state->dentry = debugfs_create_file(name, 0400, root, state, &image_fops);
}

/**
 * kfd_criu_show_remove() - Remove a process' file; waits until nobody reads it.
 * @state: the process'
 *
 * Context: Process context; &kfd_process.mutex, which readers take, is not held.
 */
void kfd_criu_show_remove(struct kfd_criu_process *state)
{
	debugfs_remove(state->dentry);
}
