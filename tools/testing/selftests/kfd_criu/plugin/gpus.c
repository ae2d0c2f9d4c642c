// SPDX-License-Identifier: GPL-2.0
/*
 * Which GPUs there are, and which takes whose place, see files.h.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "files.h"

#define NODES	"/sys/devices/virtual/kfd/kfd/topology/nodes"

int gpus_find(const struct gpus *gpus, uint32_t gpu_id)
{
	unsigned int i;

	for (i = 0; i < gpus->num; i++)
		if (gpus->gpu[i].gpu_id == gpu_id)
			return i;
	return -1;
}

int gpus_find_minor(const struct gpus *gpus, uint32_t render_minor)
{
	unsigned int i;

	for (i = 0; i < gpus->num; i++)
		if (gpus->gpu[i].render_minor == render_minor)
			return i;
	return -1;
}

/* Links of one kind, "io_links" or "p2p_links", from @node to other GPUs. */
static uint64_t links(const struct kfd *k, int node, const char *kind)
{
	uint64_t reach = 0, to;
	unsigned int i, g;
	char path[160];

	for (i = 0; ; i++) {
		snprintf(path, sizeof(path), NODES "/%d/%s/%u/properties", node, kind, i);
		if (access(path, R_OK))
			return reach;
		to = kfd_file_property(path, "node_to");
		for (g = 0; g < k->ngpu; g++)
			if (k->gpu[g].node == (int)to)
				reach |= 1ULL << g;
	}
}

int gpus_here(struct gpus *gpus)
{
	unsigned int i;
	struct kfd k;
	int err;

	memset(gpus, 0, sizeof(*gpus));
	err = kfd_topology(&k);
	if (err)
		return img_fail(-err, "there are no GPUs that KFD knows: %s", strerror(-err));
	gpus->num = k.ngpu;
	for (i = 0; i < k.ngpu; i++) {
		gpus->gpu[i] = (struct img_gpu) {
			.gpu_id = k.gpu[i].gpu_id,
			.render_minor = k.gpu[i].render_minor,
			.gfx_version = k.gpu[i].gfx_version,
			.num_xcc = k.gpu[i].num_xcc,
			.cwsr_size = k.gpu[i].cwsr_size,
			.ctl_stack_size = k.gpu[i].ctl_stack_size,
			.debug_size = k.gpu[i].debug_size,
			.vram_size = k.gpu[i].vram_size,
			.num_sdma = k.gpu[i].num_sdma,
			.partition = k.gpu[i].partition,
			.reach = links(&k, k.gpu[i].node, "io_links") |
				 links(&k, k.gpu[i].node, "p2p_links"),
		};
	}
	return 0;
}

/* What a queue notices of its GPU; of its partition SDMA queues do, by their doorbells. */
static bool same_kind(const struct img_gpu *a, const struct img_gpu *b)
{
	return a->gfx_version == b->gfx_version && a->num_xcc == b->num_xcc &&
	       a->cwsr_size == b->cwsr_size && a->ctl_stack_size == b->ctl_stack_size &&
	       a->debug_size == b->debug_size && a->num_sdma <= b->num_sdma &&
	       a->partition == b->partition;
}

/**
 * struct match - a search for places
 * @place: for GPUs 0 to n - 1 of @image a GPU of @here
 * @same_vram: only GPUs with as much memory will do
 */
struct match {
	const struct gpus *image, *here;
	unsigned int *place;
	bool same_vram;
};

static bool fits(const struct match *m, unsigned int n, unsigned int h)
{
	const struct img_gpu *want = &m->image->gpu[n], *have = &m->here->gpu[h];
	unsigned int i;

	if (!same_kind(want, have) || (m->same_vram && have->vram_size < want->vram_size))
		return false;
	for (i = 0; i < n; i++) {
		if (m->place[i] == h)
			return false;
		if (want->reach & (1ULL << i) && !(have->reach & (1ULL << m->place[i])))
			return false;
		if (m->image->gpu[i].reach & (1ULL << n) &&
		    !(m->here->gpu[m->place[i]].reach & (1ULL << h)))
			return false;
	}
	return true;
}

static bool search(struct match *m, unsigned int n)
{
	int same;
	unsigned int h;

	if (n == m->image->num)
		return true;
	same = gpus_find(m->here, m->image->gpu[n].gpu_id);
	if (same >= 0 && fits(m, n, same)) {
		m->place[n] = same;
		if (search(m, n + 1))
			return true;
	}
	for (h = 0; h < m->here->num; h++) {
		if ((int)h == same || !fits(m, n, h))
			continue;
		m->place[n] = h;
		if (search(m, n + 1))
			return true;
	}
	return false;
}

int gpus_match(const struct gpus *image, const struct gpus *here, unsigned int *place)
{
	struct match m = { .image = image, .here = here, .place = place, .same_vram = true };
	unsigned int i, h;

	if (image->num > here->num)
		return img_fail(ENODEV, "the process knows %u GPUs, this machine has %u",
				image->num, here->num);
	if (search(&m, 0))
		return 0;
	/* Whether less memory is enough depends on the process. */
	m.same_vram = false;
	if (search(&m, 0))
		return 0;
	for (i = 0; i < image->num; i++) {
		for (h = 0; h < here->num; h++)
			if (same_kind(&image->gpu[i], &here->gpu[h]))
				break;
		if (h == here->num)
			return img_fail(EXDEV,
					"the process was on a GPU with gfx %u and %u XCC, this machine has none of that kind (its first one is gfx %u with %u XCC)",
					image->gpu[i].gfx_version, image->gpu[i].num_xcc,
					here->gpu[0].gfx_version, here->gpu[0].num_xcc);
	}
	return img_fail(EXDEV,
			"this machine has too few GPUs of a kind, or they are not linked as those of the process were");
}
