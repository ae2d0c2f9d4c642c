/* SPDX-License-Identifier: GPL-2.0 */
/* The reset of a GPU on request, and where debugfs has the files of a GPU. */
#ifndef KFD_RESET_H
#define KFD_RESET_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "kfd_lib.h"

#define DEBUGFS		"/sys/kernel/debug/dri"

/* Path of @name of a GPU's: DRM shows it under the number of every minor. */
static inline bool gpu_debugfs(const struct kfd_gpu *gpu, const char *name, char *path, size_t len)
{
	char nodes[128];
	struct dirent *d;
	bool found;
	DIR *drm;

	snprintf(path, len, DEBUGFS "/%d/%s", gpu->render_minor, name);
	if (!access(path, F_OK))
		return true;
	/* else under that of the primary node */
	snprintf(nodes, sizeof(nodes), "/sys/class/drm/renderD%d/device/drm", gpu->render_minor);
	drm = opendir(nodes);
	if (!drm)
		return false;
	do {
		d = readdir(drm);
	} while (d && strncmp(d->d_name, "card", 4));
	if (d)
		snprintf(path, len, DEBUGFS "/%d/%s", atoi(d->d_name + 4), name);
	found = d && !access(path, F_OK);
	closedir(drm);
	return found;
}

/*
 * amdgpu resets the GPU when this is read, and tells how it went.  No process of KFD's
 * that is there has a queue that runs after this, on any GPU.
 */
static inline int gpu_reset(const struct kfd_gpu *gpu)
{
	char path[96], text[32] = "";
	int fd, r;

	if (!gpu_debugfs(gpu, "amdgpu_gpu_recover", path, sizeof(path)))
		return -ENOENT;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = read(fd, text, sizeof(text) - 1) > 0 ? atoi(text) : -EIO;
	close(fd);
	return r;
}

#endif
