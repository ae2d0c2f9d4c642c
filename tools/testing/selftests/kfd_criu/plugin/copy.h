/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Contents of BOs through the SDMA engine of their GPU, by command submission on
 * a render node, so that it does not matter what the CPU can see of them.
 *
 * Both ways data passes through a staging buffer of fixed size in two halves: the
 * engine works on one while the CPU works on the other.  Errors as in files.h.
 */
#ifndef KFD_CRIU_COPY_H
#define KFD_CRIU_COPY_H

#include <stdint.h>

/* Bytes that go in one piece. */
#define COPY_CHUNK	(4U << 20)

struct copier;

/**
 * copier_open() - make ready for copies on one GPU
 * @drm_fd: render node; it stays the caller's
 * @cp: what to give to the other functions
 *
 * Addresses are taken from the upper half of the address space where there is
 * one, because @drm_fd may have a process' VM, in which those below are the process'.
 */
int copier_open(int drm_fd, struct copier **cp);
void copier_close(struct copier *c);

/* One piece: read it from @data, or put it there. Not more than COPY_CHUNK @bytes. */
typedef int (*copy_piece)(void *arg, uint64_t offset, void *data, uint32_t bytes);

/* Give each piece of the BO to @sink, in order. */
int copier_save(struct copier *c, int dmabuf_fd, uint64_t size, copy_piece sink, void *arg);
/* Fill the BO with pieces from @source, in order. */
int copier_load(struct copier *c, int dmabuf_fd, uint64_t size, copy_piece source, void *arg);

#endif
