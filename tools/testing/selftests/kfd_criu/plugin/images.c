// SPDX-License-Identifier: GPL-2.0
/*
 * Look at the files that the CRIU plugin of the selftests writes, see files.h.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "copy.h"
#include "files.h"

#define KIB	1024ULL

static const char usage[] =
	"usage: kfd_criu_images show <folder>    what was dumped\n"
	"       kfd_criu_images check <folder>   every size and checksum\n"
	"       kfd_criu_images forge <folder> <gfx version>\n"
	"                                        pretend that the GPUs were others (for tests)\n";

static const char *bo_kind(uint32_t flags)
{
	if (flags & KFD_IOC_ALLOC_MEM_FLAGS_VRAM)
		return "VRAM";
	if (flags & KFD_IOC_ALLOC_MEM_FLAGS_GTT)
		return "GTT";
	if (flags & KFD_IOC_ALLOC_MEM_FLAGS_USERPTR)
		return "userptr";
	if (flags & KFD_IOC_ALLOC_MEM_FLAGS_DOORBELL)
		return "doorbell";
	return flags & KFD_IOC_ALLOC_MEM_FLAGS_MMIO_REMAP ? "MMIO" : "unknown";
}

static int show_gpus(int dir)
{
	struct gpus gpus;
	unsigned int i;
	int err;

	err = img_read_gpus(dir, &gpus);
	if (err)
		return err;
	for (i = 0; i < gpus.num; i++)
		printf("GPU %u: gfx %u, %u XCC, %llu MiB of VRAM, /dev/dri/renderD%u\n",
		       gpus.gpu[i].gpu_id, gpus.gpu[i].gfx_version, gpus.gpu[i].num_xcc,
		       (unsigned long long)(gpus.gpu[i].vram_size / KIB / KIB),
		       gpus.gpu[i].render_minor);
	return 0;
}

static int show_process(int dir, int id)
{
	struct process p;
	uint32_t i;
	int err;

	err = img_read_process(dir, id, &p);
	if (err)
		return err;
	printf("process %u: %u GPUs, %u BOs, %u queues, events and ranges, ", p.head.pid,
	       p.head.num_devices, p.head.num_bos, p.head.num_objects);
	printf("%llu bytes of private data\n", (unsigned long long)p.head.priv_size);
	for (i = 0; i < p.head.num_devices; i++)
		printf("  GPU %u, known to it as %u: %llu KiB of contents\n",
		       p.devices[i].actual_gpu_id, p.devices[i].user_gpu_id,
		       (unsigned long long)(p.contents[i] / KIB));
	for (i = 0; i < p.head.num_bos; i++)
		printf("  BO %u: %-8s %8llu KiB at %#llx of GPU %u\n", i,
		       bo_kind(p.bos[i].alloc_flags), (unsigned long long)(p.bos[i].size / KIB),
		       (unsigned long long)p.bos[i].addr, p.bos[i].gpu_id);
	img_free_process(&p);
	return 0;
}

/* As a restore reads it, without a GPU. */
static int check_contents(int dir, int id, const struct process *p, unsigned int device, void *data)
{
	const struct kfd_criu_bo_bucket *b;
	struct img_chunk chunk;
	char name[IMG_NAME];
	uint64_t offset;
	int fd, err = 0;
	uint32_t i;

	img_name_contents(name, id, device);
	fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return img_fail(errno, "%s: %s", name, strerror(errno));
	for (i = 0; i < p->head.num_bos && !err; i++) {
		b = &p->bos[i];
		if (!img_has_contents(b) || img_device(p, b->gpu_id) != (int)device)
			continue;
		for (offset = 0; offset < b->size && !err; offset += chunk.bytes)
			err = img_read_chunk(fd, i, offset, data, COPY_CHUNK, &chunk);
	}
	close(fd);
	return err;
}

static int check_process(int dir, int id)
{
	void *data = malloc(COPY_CHUNK);
	struct process p;
	uint32_t i;
	int err;

	if (!data)
		return img_fail(ENOMEM, "no memory");
	err = img_read_process(dir, id, &p);
	for (i = 0; !err && i < p.head.num_devices; i++)
		if (p.contents[i])
			err = check_contents(dir, id, &p, i, data);
	if (!err)
		img_free_process(&p);
	free(data);
	return err;
}

static int check_gpus(int dir)
{
	struct gpus gpus;

	return img_read_gpus(dir, &gpus);
}

static int forge(int dir, uint32_t gfx_version)
{
	struct gpus gpus;
	unsigned int i;
	int err;

	err = img_read_gpus(dir, &gpus);
	for (i = 0; !err && i < gpus.num; i++)
		gpus.gpu[i].gfx_version = gfx_version;
	return err ? err : img_write_gpus(dir, &gpus);
}

/* Call @process for every process in the folder. */
static int each_process(int dir, int (*process)(int dir, int id), unsigned int *n)
{
	char name[IMG_NAME];
	struct dirent *e;
	int err = 0, id;
	DIR *d;

	d = fdopendir(dup(dir));
	if (!d)
		return img_fail(errno, "%s", strerror(errno));
	while (!err && (e = readdir(d))) {
		if (sscanf(e->d_name, "kfd-%d", &id) != 1)
			continue;
		img_name_process(name, id);
		if (strcmp(name, e->d_name))
			continue;
		err = process(dir, id);
		*n += !err;
	}
	closedir(d);
	return err;
}

int main(int argc, char **argv)
{
	bool show = argc == 3 && !strcmp(argv[1], "show");
	bool check = argc == 3 && !strcmp(argv[1], "check");
	unsigned int n = 0;
	int dir, err;

	if (!show && !check && !(argc == 4 && !strcmp(argv[1], "forge"))) {
		fputs(usage, stderr);
		return 2;
	}
	dir = open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0) {
		fprintf(stderr, "error: %s: %s\n", argv[2], strerror(errno));
		return 1;
	}
	if (argc == 4) {
		err = forge(dir, strtoul(argv[3], NULL, 0));
	} else {
		err = show ? show_gpus(dir) : check_gpus(dir);
		if (!err)
			err = each_process(dir, show ? show_process : check_process, &n);
		if (!err && !n)
			err = img_fail(ENOENT, "no process in it");
	}
	if (err) {
		fprintf(stderr, "error: %s: %s\n", argv[2], img_why());
		return 1;
	}
	if (check)
		printf("%u process%s, every size and checksum is right\n", n, n > 1 ? "es" : "");
	return 0;
}
