/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Files that the CRIU plugin of the selftests puts beside CRIU's own images:
 *
 *   kfd-gpus.img         the GPUs of the machine
 *   kfd-<id>.img         one process: the buckets and the image of CHECKPOINT
 *   kfd-<id>-gpu-<n>.img contents of that process' BOs on its nth device
 *   render-<id>.img      a render node
 *
 * <id> is the number that CRIU gives to the file of /dev/kfd or of the render
 * node, in decimal.  All but the contents are a &struct img_head, whose checksum
 * is over the whole file, and a body.  kfd-<id>.img is written last: where it is,
 * the process is complete.
 *
 * Numbers are as the CPU has them: GPU processes do not change their CPU.
 *
 * Functions return 0 or a negative errno, and then img_why() tells the reason in
 * words.  That text is the calling thread's own.
 */
#ifndef KFD_CRIU_FILES_H
#define KFD_CRIU_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>
#include <linux/kfd_ioctl.h>
#include "../kfd_lib.h"

#define IMG_MAGIC	"KFDFILES"
#define IMG_VERSION	1
#define IMG_NAME	64

enum img_kind { IMG_GPUS = 1, IMG_PROCESS, IMG_RENDER };

/**
 * struct img_head - begin of a file
 * @bytes: of the whole file
 * @crc: CRC-32 of the whole file, taken with 0 in this place
 */
struct img_head {
	char magic[8];
	uint32_t version;
	uint32_t kind;
	uint64_t bytes;
	uint32_t crc;
	uint32_t zero;
};

/**
 * struct img_gpu - a GPU of the machine, one of those in kfd-gpus.img
 * @reach: bit n: it can access the memory of the nth GPU in this file
 */
struct img_gpu {
	uint32_t gpu_id;
	uint32_t render_minor;
	uint32_t gfx_version;
	uint32_t num_xcc;
	uint32_t cwsr_size;
	uint32_t ctl_stack_size;
	uint64_t debug_size;
	uint64_t vram_size;
	uint64_t reach;
	uint32_t num_sdma;
	uint32_t partition;
};

/**
 * struct img_process - begin of the body of kfd-<id>.img
 *
 * Behind it stand the device buckets, the bytes of the contents file of each
 * device, the BO buckets, and the image of the kernel.
 */
struct img_process {
	uint32_t pid;
	uint32_t num_devices;
	uint32_t num_bos;
	uint32_t num_objects;
	uint64_t priv_size;
};

/* Body of render-<id>.img: a gpu_id of kfd-gpus.img. */
struct img_render {
	uint32_t gpu_id;
	uint32_t zero;
};

/**
 * struct img_chunk - stands before each piece of the contents
 * @bo: number of the BO bucket
 * @offset: in the BO
 * @crc: CRC-32 of this, taken with 0 in this place, and of the bytes that follow
 *
 * Contents are a row of these, BO by BO in the order of the buckets, without a
 * head: their size stands in kfd-<id>.img.
 */
struct img_chunk {
	uint32_t bo;
	uint32_t bytes;
	uint64_t offset;
	uint32_t crc;
	uint32_t zero;
};

/* A process as it is in memory; the arrays stand in @body when it was read. */
struct process {
	struct img_process head;
	struct kfd_criu_device_bucket *devices;
	uint64_t *contents;
	struct kfd_criu_bo_bucket *bos;
	uint8_t *priv;
	void *body;
};

/* The GPUs of a machine. */
struct gpus {
	unsigned int num;
	struct img_gpu gpu[KFD_MAX_GPUS];
};

/* Record why something failed, and return -@err. */
int img_fail(int err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
const char *img_why(void);

/* @dir: descriptor of the folder. A file that could not be written is taken away. */
int img_write(int dir, const char *name, enum img_kind kind, const struct iovec *body,
	      unsigned int parts);
/* *@body is to be freed by the caller, and has at least @least bytes. */
int img_read(int dir, const char *name, enum img_kind kind, size_t least, void **body,
	     size_t *bytes);

int img_write_gpus(int dir, const struct gpus *gpus);
int img_read_gpus(int dir, struct gpus *gpus);
/* Look at the contents' sizes, too, when reading. */
int img_write_process(int dir, int id, const struct process *p);
int img_read_process(int dir, int id, struct process *p);
void img_free_process(struct process *p);
int img_write_render(int dir, int id, uint32_t gpu_id);
int img_read_render(int dir, int id, uint32_t *gpu_id);
/* Is there such a file? */
bool img_exists(int dir, const char *name);
void img_name_process(char name[IMG_NAME], int id);
void img_name_contents(char name[IMG_NAME], int id, unsigned int device);
void img_name_render(char name[IMG_NAME], int id);

/* Does the BO have a file of contents, and whose? */
bool img_has_contents(const struct kfd_criu_bo_bucket *bo);
int img_device(const struct process *p, uint32_t user_gpu_id);

int img_write_chunk(int fd, struct img_chunk *chunk, const void *data);
/*
 * Read the next chunk into @data, which has room for @room bytes, and check that
 * it is the one at @offset of BO number @bo.
 */
int img_read_chunk(int fd, uint32_t bo, uint64_t offset, void *data, uint32_t room,
		   struct img_chunk *chunk);

/* The GPUs of this machine. */
int gpus_here(struct gpus *gpus);
/*
 * Which GPU of @here takes the place of each of @image, in @place: one of the same
 * kind, that reaches the same others; the same one where it can be.
 */
int gpus_match(const struct gpus *image, const struct gpus *here, unsigned int *place);
/* Position of a gpu_id, or -1. */
int gpus_find(const struct gpus *gpus, uint32_t gpu_id);
int gpus_find_minor(const struct gpus *gpus, uint32_t render_minor);

#endif
