/* SPDX-License-Identifier: GPL-2.0 */
/* Knobs of the simulated GPU, see Documentation/gpu/amdgpu/simgpu.rst. */
#ifndef SIMGPU_KNOBS_H
#define SIMGPU_KNOBS_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "../kselftest.h"
#include "kfd_lib.h"

#define DEBUGFS		"/sys/kernel/debug/dri"

/* Directory of a GPU's knobs: DRM shows it under the number of every minor. */
static inline bool knob_dir(const struct kfd_gpu *gpu, char *dir, size_t len)
{
	char path[128];
	struct dirent *d;
	bool found;
	DIR *drm;

	snprintf(dir, len, DEBUGFS "/%d/simgpu", gpu->render_minor);
	if (!access(dir, F_OK))
		return true;
	/* else under that of the primary node */
	snprintf(path, sizeof(path), "/sys/class/drm/renderD%d/device/drm", gpu->render_minor);
	drm = opendir(path);
	if (!drm)
		return false;
	do {
		d = readdir(drm);
	} while (d && strncmp(d->d_name, "card", 4));
	if (d)
		snprintf(dir, len, DEBUGFS "/%d/simgpu", atoi(d->d_name + 4));
	found = d && !access(dir, F_OK);
	closedir(drm);
	return found;
}

static inline int64_t knob_get(const char *dir, const char *name)
{
	char path[128];
	long long value;
	FILE *f;
	int n;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "re");
	if (!f)
		return -errno;
	n = fscanf(f, "%lld", &value);
	fclose(f);
	return n == 1 ? value : -EIO;
}

static inline int knob_set(const char *dir, const char *name, uint64_t value)
{
	char path[128], text[24];
	int fd, n, r;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = snprintf(text, sizeof(text), "%llu\n", (unsigned long long)value);
	r = write(fd, text, n) == n ? 0 : -errno;
	close(fd);
	return r;
}

/* No hardware scheduler: KFD loads and unloads each queue itself. */
static inline bool no_hws(void)
{
	return knob_get("/sys/module/amdgpu/parameters", "sched_policy") == 2;
}

static const char * const failures[] = {
	"fail_bo_alloc", "fail_map", "fail_queue_load", "fail_preempt", "fail_fence",
};

static inline int knobs_reset(const char *dir)
{
	unsigned int i;
	int r = knob_set(dir, "rings_paused", 0);

	if (!r)
		r = knob_set(dir, "fence_delay_us", 0);
	for (i = 0; !r && i < ARRAY_SIZE(failures); i++)
		r = knob_set(dir, failures[i], 0);
	return r;
}

#endif
