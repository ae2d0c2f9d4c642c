/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Everything of a process that a refused operation might leave behind, as
 * text: what the kernel shows of it in /proc, sysfs and debugfs, and what a
 * checkpoint of it says.
 */
#ifndef KFD_CRIU_SNAP_H
#define KFD_CRIU_SNAP_H

#include <ctype.h>
#include <dirent.h>
#include "kfd_criu_image_edit.h"
#include "kfd_criu_scene.h"

#define SNAP_SIZE		(512u << 10)

/**
 * struct snap - what was seen
 * @text: lines
 * @img: what a checkpoint said, when @has_img
 * @alone: nobody else uses the GPUs: their memory is worth a look
 */
struct snap {
	char *text;
	size_t len;
	struct kfd_image img;
	bool has_img, alone;
};

static void __attribute__((format(printf, 2, 3)))
snap_say(struct snap *p, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(p->text + p->len, SNAP_SIZE - p->len, fmt, ap);
	va_end(ap);
	if (n > 0 && p->len + n < SNAP_SIZE)
		p->len += n;
}

static int snap_number_order(const struct dirent **a, const struct dirent **b)
{
	return atoi((*a)->d_name) - atoi((*b)->d_name);
}

static void snap_descriptors(struct snap *p, pid_t pid)
{
	struct dirent **names;
	char path[64], target[128];
	ssize_t n;
	int i, count;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	count = scandir(path, &names, NULL, snap_number_order);
	for (i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%.16s", pid, names[i]->d_name);
		n = readlink(path, target, sizeof(target) - 1);
		if (n >= 0) {
			target[n] = 0;
			snap_say(p, "descriptor %s %s\n", names[i]->d_name, target);
		}
		free(names[i]);
	}
	if (count >= 0)
		free(names);
}

/* Mappings of devices, and how many there are at all. */
static void snap_maps(struct snap *p, pid_t pid)
{
	unsigned int lines = 0;
	char path[64], line[512];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		lines++;
		if (strstr(line, "/dev/"))
			snap_say(p, "mapping %s", line);
	}
	if (f)
		fclose(f);
	snap_say(p, "%u mappings\n", lines);
}

/* Time spent evicted and work done are statistics, of refused operations too. */
static bool snap_is_statistic(const char *name)
{
	return !strncmp(name, "stats_", 6) || !strncmp(name, "sdma_", 5) ||
	       !strncmp(name, "counters_", 9);
}

static int snap_order(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void snap_folder(struct snap *p, const char *folder)
{
	struct dirent **names;
	char path[512], text[128];
	int i, n, fd, got;

	n = scandir(folder, &names, NULL, snap_order);
	for (i = 0; i < n; i++) {
		const char *name = names[i]->d_name;

		snprintf(path, sizeof(path), "%.255s/%.200s", folder, name);
		if (name[0] == '.' || snap_is_statistic(name)) {
			;
		} else if (names[i]->d_type == DT_DIR) {
			snap_say(p, "%s\n", path);
			snap_folder(p, path);
		} else if (names[i]->d_type == DT_REG) {
			fd = open(path, O_RDONLY | O_CLOEXEC);
			got = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
			if (fd >= 0)
				close(fd);
			text[got > 0 ? got : 0] = 0;
			snap_say(p, "%s %s\n", path, text);
		}
		free(names[i]);
	}
	if (n >= 0)
		free(names);
}

/* The queues of the process as debugfs shows them, MQDs and all. */
static void snap_mqds(struct snap *p, pid_t pid)
{
	FILE *f = fopen("/sys/kernel/debug/kfd/mqds", "re");
	unsigned int id;
	bool mine = false;
	char line[256];

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "Process %u PASID", &id) == 1)
			mine = id == (unsigned int)pid;
		if (mine)
			snap_say(p, "mqds %s", line);
	}
	if (f)
		fclose(f);
}

static void snap_file(struct snap *p, const char *path)
{
	char line[128];
	FILE *f = fopen(path, "re");

	while (f && fgets(line, sizeof(line), f))
		snap_say(p, "%s %s", path, line);
	if (f)
		fclose(f);
}

/* Memory of each GPU that anybody has, and what KFD counts against its limits. */
static void snap_memory(struct snap *p, const struct kfd *here)
{
	static const char * const files[] = { "mem_info_vram_used", "mem_info_gtt_used" };
	unsigned int g, i;
	char path[128];

	for (g = 0; g < here->ngpu; g++) {
		for (i = 0; i < ARRAY_SIZE(files); i++) {
			snprintf(path, sizeof(path), "/sys/class/drm/renderD%d/device/%s",
				 here->gpu[g].render_minor, files[i]);
			snap_file(p, path);
		}
	}
	snap_file(p, "/sys/kernel/debug/kfd/mem_limit");
}

static void snap_drop(struct snap *p)
{
	free(p->text);
	if (p->has_img)
		kfd_image_free(&p->img);
	memset(p, 0, sizeof(*p));
}

/*
 * A checkpoint of the process, which then goes on.  Its contents are nobody's
 * business here.
 */
static int snap_image(struct snap *p, struct proc *proc)
{
	int fd = grab(proc), r, r2;
	uint32_t i;

	if (fd < 0)
		return fd;
	r = kfd_criu_checkpoint(fd, &p->img);
	if (!r) {
		p->has_img = true;
		for (i = 0; i < p->img.info.num_bos; i++)
			if (p->img.bos[i].dmabuf_fd != (uint32_t)-1)
				close(p->img.bos[i].dmabuf_fd);
	}
	r2 = kfd_criu_unpause(fd);
	let_go(proc, fd);
	return r ? r : r2;
}

/*
 * @image: also by a checkpoint; the process has /dev/kfd open as proc->c.k.fd then
 * @alone: look at memory in use, too
 */
static int snap_take(struct scene *s, struct snap *p, struct proc *proc, bool image, bool alone)
{
	char path[64];
	int r;

	memset(p, 0, sizeof(*p));
	p->alone = alone;
	p->text = malloc(SNAP_SIZE);
	if (!p->text)
		return -ENOMEM;
	if (image) {
		r = snap_image(p, proc);
		if (r) {
			snap_drop(p);
			return r;
		}
	}
	snap_descriptors(p, proc->pid);
	snap_maps(p, proc->pid);
	snprintf(path, sizeof(path), "/sys/devices/virtual/kfd/kfd/proc/%d", proc->pid);
	snap_folder(p, path);
	snap_mqds(p, proc->pid);
	if (alone)
		snap_memory(p, &s->here);
	return 0;
}

/* Two lines of the same file, which tells memory in use, of which there is less now. */
static bool snap_less_memory(const char *x, const char *y)
{
	size_t n = strcspn(x, " ");

	return strstr(x, "/mem_info_") && strstr(x, "/mem_info_") < x + n && !strncmp(x, y, n) &&
	       strtoull(y + n, NULL, 10) < strtoull(x + n, NULL, 10);
}

/* The kind of object that a line tells of: the expectations of the base kernel name it. */
static const char *snap_kind(const char *line, size_t len)
{
	static const struct {
		const char *part, *kind;
	} kinds[] = {
		{ "mem_info_vram", "VRAM" },
		{ "mem_info_gtt", "GTT memory" },
		{ "dmabuf", "a dma-buf" },
		{ "renderD", "a render node" },
		{ "descriptor", "a descriptor" },
		{ "mapping", "a mapping" },
		{ "/queues/", "a queue" },
		{ "mqds", "a queue" },
		{ "/vram_", "BOs" },
		{ "/proc/", "what KFD shows of a process" },
		{ "mem_limit", "memory that KFD counts" },
	};
	const char *at;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		at = memmem(line, len, kinds[i].part, strlen(kinds[i].part));
		if (at)
			return kinds[i].kind;
	}
	return "something";
}

/*
 * The first line that differs, with the kind of its object; false when there is none.
 * @less: less memory in use is no difference, see snap_compare()
 */
static bool snap_differs(const struct snap *a, const struct snap *b, bool less, char *text,
			 size_t len)
{
	const char *x = a->text, *y = b->text;
	size_t n, m;

	while (*x || *y) {
		n = strcspn(x, "\n");
		m = strcspn(y, "\n");
		if ((n != m || memcmp(x, y, n)) && !(less && snap_less_memory(x, y))) {
			snprintf(text, len, "%s: '%.*s' became '%.*s'",
				 m ? snap_kind(y, m) : snap_kind(x, n), (int)(n > 80 ? 80 : n), x,
				 (int)(m > 80 ? 80 : m), y);
			return true;
		}
		x += n + (x[n] == '\n');
		y += m + (y[m] == '\n');
	}
	return a->has_img && b->has_img && !img_same(&a->img, &b->img, text, len);
}

/*
 * The same at rest: memory of processes that have gone is given back by
 * workers.  Where it does not come to rest, others use the GPUs.
 */
static int snap_settled(struct scene *s, struct snap *p, struct proc *proc, bool image)
{
	uint64_t end = scene_clock() + 5000;
	bool differs = true;
	struct snap again;
	char text[200];
	int r;

	r = snap_take(s, p, proc, image, true);
	while (!r && differs) {
		scene_quiet();
		r = snap_take(s, &again, proc, image, scene_clock() < end);
		if (r)
			break;
		differs = again.alone && snap_differs(p, &again, false, text, sizeof(text));
		snap_drop(p);
		*p = again;
	}
	return r;
}

/*
 * 0 when the process is what it was in @before.  Memory is given back by
 * workers and fences, so a difference has some time to go away.  On a busy host what
 * is given back may even have been in use, by a process before, when @before was taken.
 */
static int UNUSED snap_compare(struct scene *s, struct snap *before, struct proc *proc,
			       char *text, size_t len)
{
	uint64_t end = scene_clock() + 5000;
	struct snap now;
	bool differs;
	int r;

	for (;;) {
		r = snap_take(s, &now, proc, before->has_img, before->alone);
		if (r) {
			snprintf(text, len, "no second look: %s", strerror(-r));
			return r;
		}
		differs = snap_differs(before, &now, true, text, len);
		snap_drop(&now);
		if (!differs)
			return 0;
		if (scene_clock() > end)
			return -EUCLEAN;
		usleep(20000);
	}
}

#endif
