// SPDX-License-Identifier: GPL-2.0
/*
 * AMDKFD_IOC_CRIU_OP for the KFD selftests: the part that CRIU's amdgpu plugin
 * plays, see kfd_lib.h.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "kfd_lib.h"

#define NO_FD			((uint32_t)-1)

static int criu_op(int kfd_fd, struct kfd_ioctl_criu_args *args, uint32_t op)
{
	args->op = op;
	return ioctl(kfd_fd, AMDKFD_IOC_CRIU_OP, args) ? -errno : 0;
}

/* Memory that a forked restorer sees too. */
static void *shared_alloc(size_t size)
{
	void *p;

	if (!size)
		size = 1;
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return p == MAP_FAILED ? NULL : p;
}

static void shared_free(void *p, size_t size)
{
	if (p)
		munmap(p, size ? size : 1);
}

int kfd_criu_process_info(int kfd_fd, struct kfd_ioctl_criu_args *args)
{
	memset(args, 0, sizeof(*args));
	return criu_op(kfd_fd, args, KFD_CRIU_OP_PROCESS_INFO);
}

int kfd_criu_checkpoint(int kfd_fd, struct kfd_image *img)
{
	struct kfd_ioctl_criu_args args;
	int r;

	memset(img, 0, sizeof(*img));
	r = kfd_criu_process_info(kfd_fd, &img->info);
	if (r)
		return r;

	img->devices = shared_alloc(img->info.num_devices * sizeof(*img->devices));
	img->bos = shared_alloc(img->info.num_bos * sizeof(*img->bos));
	img->priv = shared_alloc(img->info.priv_data_size);
	img->contents = shared_alloc(img->info.num_bos * sizeof(*img->contents));
	if (!img->devices || !img->bos || !img->priv || !img->contents) {
		r = -ENOMEM;
		goto fail;
	}

	/* the same arguments again: this is how the plugin calls it */
	img->info.devices = (uintptr_t)img->devices;
	img->info.bos = (uintptr_t)img->bos;
	img->info.priv_data = (uintptr_t)img->priv;
	args = img->info;
	r = criu_op(kfd_fd, &args, KFD_CRIU_OP_CHECKPOINT);
	/* ENOSPC comes with sizes that are not those of the buffers */
	if (r)
		goto fail;
	if (args.priv_data_size < img->info.priv_data_size)
		mremap(img->priv, img->info.priv_data_size, args.priv_data_size, 0);
	img->info = args;
	return 0;
fail:
	kfd_image_free(img);
	return r;
}

void kfd_image_free(struct kfd_image *img)
{
	uint32_t i;

	for (i = 0; img->contents && i < img->info.num_bos; i++)
		shared_free(img->contents[i], img->bos[i].size);
	shared_free(img->contents, img->info.num_bos * sizeof(*img->contents));
	shared_free(img->priv, img->info.priv_data_size);
	shared_free(img->bos, img->info.num_bos * sizeof(*img->bos));
	shared_free(img->devices, img->info.num_devices * sizeof(*img->devices));
	memset(img, 0, sizeof(*img));
}

/* Position of @user_gpu_id among the devices of the image, or -1. */
static int image_device(const struct kfd_image *img, uint32_t user_gpu_id)
{
	uint32_t i;

	for (i = 0; i < img->info.num_devices; i++)
		if (img->devices[i].user_gpu_id == user_gpu_id)
			return i;
	return -1;
}

static int render_open(const struct kfd_gpu *g)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/dev/dri/renderD%d", g->render_minor);
	fd = open(path, O_RDWR | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int save_one(struct kfd *k, struct kfd_image *img, uint32_t i)
{
	struct kfd_criu_bo_bucket *b = &img->bos[i];
	int d = image_device(img, b->gpu_id), g, fd;
	void *p;

	g = d < 0 ? -1 : kfd_gpu_index(k, img->devices[d].actual_gpu_id);
	if (g < 0)
		return -ENODEV;
	if (k->gpu[g].drm_fd < 0) {
		fd = render_open(&k->gpu[g]);
		if (fd < 0)
			return fd;
		k->gpu[g].drm_fd = fd;
	}
	p = kfd_dmabuf_mmap(k->gpu[g].drm_fd, b->dmabuf_fd, b->size);
	if (p == MAP_FAILED)
		return -errno;
	img->contents[i] = shared_alloc(b->size);
	if (img->contents[i])
		memcpy(img->contents[i], p, b->size);
	munmap(p, b->size);
	return img->contents[i] ? 0 : -ENOMEM;
}

int kfd_criu_save_contents(struct kfd *k, struct kfd_image *img)
{
	int r = 0, r2;
	uint32_t i;

	for (i = 0; i < img->info.num_bos; i++) {
		if (img->bos[i].dmabuf_fd == NO_FD)
			continue;
		r2 = r ? 0 : save_one(k, img, i);
		r = r ? r : r2;
		close(img->bos[i].dmabuf_fd);
		img->bos[i].dmabuf_fd = NO_FD;
	}
	return r;
}

int kfd_criu_unpause(int kfd_fd)
{
	struct kfd_ioctl_criu_args args = { 0 };

	return criu_op(kfd_fd, &args, KFD_CRIU_OP_UNPAUSE);
}

int kfd_criu_resume(int kfd_fd, pid_t pid)
{
	struct kfd_ioctl_criu_args args = { .pid = pid };

	return criu_op(kfd_fd, &args, KFD_CRIU_OP_RESUME);
}

int kfd_criu_restore_open(struct kfd *k, struct kfd_image *img, const unsigned int *remap)
{
	struct kfd here;
	uint32_t i;
	int fd, r;

	r = kfd_topology(&here);
	if (r)
		return r;
	memset(k, 0, sizeof(*k));
	k->fd = open("/dev/kfd", O_RDWR | O_CLOEXEC);
	if (k->fd < 0)
		return -errno;

	for (i = 0; i < img->info.num_devices && i < KFD_MAX_GPUS; i++) {
		if (remap[i] >= here.ngpu) {
			r = -ENODEV;
			goto fail;
		}
		fd = render_open(&here.gpu[remap[i]]);
		if (fd < 0) {
			r = fd;
			goto fail;
		}
		/* the process goes on with the ids that it knew */
		k->gpu[i] = here.gpu[remap[i]];
		k->gpu[i].gpu_id = img->devices[i].user_gpu_id;
		k->gpu[i].drm_fd = fd;
		k->ngpu++;
		img->devices[i].actual_gpu_id = here.gpu[remap[i]].gpu_id;
		img->devices[i].drm_fd = fd;
	}
	return 0;
fail:
	kfd_close(k);
	return r;
}

void kfd_criu_restore_args(const struct kfd_image *img, struct kfd_ioctl_criu_args *args)
{
	*args = img->info;
	args->devices = (uintptr_t)img->devices;
	args->bos = (uintptr_t)img->bos;
	args->priv_data = (uintptr_t)img->priv;
	args->pid = 0;
	args->op = KFD_CRIU_OP_RESTORE;
}

void kfd_criu_restore_done(struct kfd *k)
{
	unsigned int i;

	/* what it had not acquired, it has not now */
	for (i = kfd_test_gpus(k->ngpu); i < k->ngpu; i++)
		close(k->gpu[i].drm_fd);
	k->ngpu = kfd_test_gpus(k->ngpu);
}

int kfd_criu_restore(struct kfd *k, struct kfd_image *img, const unsigned int *remap)
{
	struct kfd_ioctl_criu_args args;
	int r;

	r = kfd_criu_restore_open(k, img, remap);
	if (r)
		return r;
	kfd_criu_restore_args(img, &args);
	r = criu_op(k->fd, &args, KFD_CRIU_OP_RESTORE);
	if (r)
		kfd_close(k);
	else
		kfd_criu_restore_done(k);
	return r;
}

static int load_one(struct kfd *k, struct kfd_image *img, uint32_t i)
{
	const uint32_t memory = KFD_IOC_ALLOC_MEM_FLAGS_VRAM | KFD_IOC_ALLOC_MEM_FLAGS_GTT;
	const uint32_t chardev = KFD_IOC_ALLOC_MEM_FLAGS_DOORBELL |
				 KFD_IOC_ALLOC_MEM_FLAGS_MMIO_REMAP;
	struct kfd_criu_bo_bucket *b = &img->bos[i];
	int d = image_device(img, b->gpu_id), fd;
	void *p;

	if (d < 0)
		return -ENODEV;
	fd = k->gpu[d].drm_fd;
	if (img->contents[i]) {
		p = kfd_dmabuf_mmap(fd, b->dmabuf_fd, b->size);
		if (p == MAP_FAILED)
			return -errno;
		memcpy(p, img->contents[i], b->size);
		munmap(p, b->size);
	}
	if (!b->addr || !(b->alloc_flags & (memory | chardev)))
		return 0;
	if (b->alloc_flags & chardev)
		fd = k->fd;
	p = mmap((void *)(uintptr_t)b->addr, b->size, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_FIXED, fd, b->restored_offset);
	return p == MAP_FAILED ? -errno : 0;
}

int kfd_criu_load_contents(struct kfd *k, struct kfd_image *img)
{
	int r = 0, r2;
	uint32_t i;

	for (i = 0; i < img->info.num_bos; i++) {
		r2 = r ? 0 : load_one(k, img, i);
		r = r ? r : r2;
		if (img->bos[i].dmabuf_fd != NO_FD)
			close(img->bos[i].dmabuf_fd);
		img->bos[i].dmabuf_fd = NO_FD;
	}
	return r;
}

/* --- ptrace --- */

int kfd_seize(pid_t pid)
{
	int status;

	if (ptrace(PTRACE_SEIZE, pid, NULL, NULL))
		return -errno;
	if (ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) ||
	    waitpid(pid, &status, __WALL) != pid) {
		int err = errno;

		ptrace(PTRACE_DETACH, pid, NULL, NULL);
		return -err;
	}
	return WIFSTOPPED(status) ? 0 : -ESRCH;
}

int kfd_release(pid_t pid)
{
	return ptrace(PTRACE_DETACH, pid, NULL, NULL) ? -errno : 0;
}

int kfd_steal_fd(pid_t pid, int remote_fd)
{
	int pidfd = syscall(SYS_pidfd_open, pid, 0), fd;

	if (pidfd < 0)
		return -errno;
	fd = syscall(SYS_pidfd_getfd, pidfd, remote_fd, 0);
	if (fd < 0)
		fd = -errno;
	close(pidfd);
	return fd;
}
