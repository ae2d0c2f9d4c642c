/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Kernels for the GPU: the code objects that are built of kernels/, in memory
 * that a GPU can execute, and their dispatch.
 */
#ifndef KFD_KERNEL_H
#define KFD_KERNEL_H

#include <elf.h>
#include <limits.h>

#include "kfd_test.h"

/**
 * struct kernel - a kernel that is ready
 * @bo: the code object, and behind it places for arguments
 * @descriptor: address of the kernel descriptor
 * @group_size: bytes of LDS that it says it needs
 * @args: offset of the places for arguments
 */
struct kernel {
	struct kfd_bo bo;
	uint64_t descriptor;
	uint32_t group_size;
	uint64_t args;
};

#define KERNEL_ARGS	(4 * KIB)

/* "gfx90a" for 90010. */
static inline void gfx_name(uint32_t version, char *name, size_t len)
{
	snprintf(name, len, "gfx%u%u%x", version / 10000, version / 100 % 100, version % 100);
}

/* The file of a kernel, beside the program.  Returns bytes, or -ENOENT when it was not built. */
static inline ssize_t kernel_file(const struct kfd_gpu *g, const char *name, char *buf, size_t len)
{
	char path[PATH_MAX] = "", gfx[16], *end;
	ssize_t got;
	FILE *f;

	if (readlink("/proc/self/exe", path, sizeof(path) - 1) < 0)
		return -errno;
	end = strrchr(path, '/') + 1;
	gfx_name(g->gfx_version, gfx, sizeof(gfx));
	snprintf(end, sizeof(path) - (end - path), "%s-%s.co", name, gfx);
	f = fopen(path, "r");
	if (!f)
		return -errno;
	got = fread(buf, 1, len, f);
	fclose(f);
	return got;
}

/* Address of a symbol of the file, 0 when there is none. */
static inline uint64_t kernel_symbol(const char *file, const char *name)
{
	const Elf64_Ehdr *header = (const void *)file;
	const Elf64_Shdr *section = (const void *)(file + header->e_shoff);
	unsigned int i, j;

	for (i = 0; i < header->e_shnum; i++) {
		const Elf64_Sym *symbol = (const void *)(file + section[i].sh_offset);
		const char *names;

		if (section[i].sh_type != SHT_DYNSYM)
			continue;
		names = file + section[section[i].sh_link].sh_offset;
		for (j = 0; j < section[i].sh_size / sizeof(*symbol); j++)
			if (!strcmp(names + symbol[j].st_name, name))
				return symbol[j].st_value;
	}
	return 0;
}

/* Load kernel @name for GPU @gpu.  -ENOENT when it was not built. */
static inline int kernel_load(struct kfd *k, struct kernel *kernel, unsigned int gpu,
			      const char *name)
{
	static char file[64 * KIB] __attribute__((aligned(8)));
	const Elf64_Ehdr *header = (const void *)file;
	const Elf64_Phdr *part;
	uint64_t end = 0, symbol;
	char descriptor[64];
	ssize_t len;
	unsigned int i;
	int r;

	len = kernel_file(&k->gpu[gpu], name, file, sizeof(file));
	if (len < 0)
		return len;
	if (len < (ssize_t)sizeof(*header) || memcmp(file, ELFMAG, SELFMAG))
		return -ENOEXEC;
	part = (const void *)(file + header->e_phoff);
	for (i = 0; i < header->e_phnum; i++)
		if (part[i].p_type == PT_LOAD && part[i].p_vaddr + part[i].p_memsz > end)
			end = part[i].p_vaddr + part[i].p_memsz;
	snprintf(descriptor, sizeof(descriptor), "%s.kd", name);
	symbol = kernel_symbol(file, descriptor);
	if (!end || !symbol)
		return -ENOEXEC;
	kernel->args = (end + KFD_PAGE - 1) / KFD_PAGE * KFD_PAGE;
	r = kfd_bo_create(k, &kernel->bo, gpu, 0, kernel->args + KERNEL_ARGS, KFD_BO_GTT,
			  1u << gpu);
	if (r)
		return r;
	memset(kernel->bo.cpu, 0, kernel->bo.size);
	for (i = 0; i < header->e_phnum; i++)
		if (part[i].p_type == PT_LOAD)
			memcpy((char *)kernel->bo.cpu + part[i].p_vaddr, file + part[i].p_offset,
			       part[i].p_filesz);
	kernel->descriptor = kernel->bo.va + symbol;
	memcpy(&kernel->group_size, (char *)kernel->bo.cpu + symbol, 4);
	return 0;
}

/* Put arguments into place @slot.  Returns their address. */
static inline uint64_t kernel_args(struct kernel *kernel, unsigned int slot, const void *args,
				   size_t len)
{
	uint64_t offset = kernel->args + slot * 64;

	memcpy((char *)kernel->bo.cpu + offset, args, len);
	return kernel->bo.va + offset;
}

/* Dispatch a grid of one dimension. */
static inline void kernel_dispatch(struct kfd_queue *q, const struct kernel *kernel,
				   uint64_t args, uint32_t grid, uint16_t group,
				   uint64_t completion)
{
	aql_dispatch_grid(q, kernel->descriptor, args, grid, group, kernel->group_size,
			  completion);
}

#endif
