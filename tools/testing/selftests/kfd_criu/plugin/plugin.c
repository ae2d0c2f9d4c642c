// SPDX-License-Identifier: GPL-2.0
/*
 * A CRIU plugin for processes that compute on AMD GPUs: what the selftests of
 * AMDKFD_IOC_CRIU_OP dump and restore with.  CRIU's own amdgpu plugin is what
 * users have; this one speaks the same protocol and is small enough to read.
 *
 * Dump, all in the process of CRIU:
 *   HANDLE_DEVICE_VMA   which mapped devices are ours
 *   DUMP_EXT_FILE       /dev/kfd: stop the queues, save buckets, image, contents;
 *                       a render node: remember of which GPU
 *   exit                let the queues run.  Not before: CRIU saves the memory of
 *                       the process after its files, and the GPUs write there
 *
 * Restore, in each restored process:
 *   RESTORE_EXT_FILE    /dev/kfd: check all files, RESTORE, contents;
 *                       a render node: the one that RESTORE was given
 *   UPDATE_VMA_MAP      where a mapping of a device is found now
 * and when all memory is in place, in the process of CRIU, for each pid:
 *   RESUME_DEVICES_LATE RESUME
 *
 * An error is one line in CRIU's log, with "kfd:" in it.
 *
 * KFD_CRIU_STOP_AT=<phase> in the environment makes the plugin stop by SIGSTOP
 * there, so that a test can end CRIU in the middle: checkpoint, contents, dumped,
 * restore, load, resume.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <linux/kcmp.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <criu/criu-plugin.h>
#include "copy.h"
#include "files.h"

#define KFD_PATH	"/dev/kfd"
#define DRM_MAJOR	226
#define RENDER_BASE	128
#define NO_FD		((uint32_t)-1)
#define MIB		(1ULL << 20)

/* Exported by criu; levels of its log. */
extern void print_on_level(unsigned int level, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
#define LOG_ERROR	1
#define LOG_INFO	3

/* A descriptor of a paused process, and the next one. */
struct paused {
	struct paused *next;
	int fd;
};

static struct paused *paused;
static uint64_t paused_since, contents_bytes;
/* Microseconds of the pause that went into stopping queues, images, and contents. */
static uint64_t stopping_us, image_us, contents_us;
static unsigned int num_processes;
static bool gpus_written;

/**
 * struct restored - the process that is being restored, in that process
 * @known: @image, @here and @place are valid
 * @image: the GPUs that it had
 * @here: those that it gets, which @place tells for each of @image
 * @drm_fd: for each of @image, the render node it was given to, or -1
 * @kfd_fd: its file of KFD, or -1
 * @process: its buckets
 * @settled: descriptors of ours are replaced by its own
 */
static struct restored {
	bool known, settled;
	struct gpus image, here;
	unsigned int place[KFD_MAX_GPUS];
	int drm_fd[KFD_MAX_GPUS];
	int kfd_fd;
	struct process process;
} restored = { .kfd_fd = -1 };

/* --- small things --- */

/* Log why something failed; returns @err for CRIU. */
static int complain(int err, const char *what)
{
	print_on_level(LOG_ERROR, "Error (kfd): %s: %s\n", what, img_why());
	return err;
}

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000ULL + t.tv_nsec / 1000;
}

static void stop_at(const char *phase)
{
	const char *wanted = getenv("KFD_CRIU_STOP_AT");

	if (wanted && !strcmp(wanted, phase))
		kill(getpid(), SIGSTOP);
}

static bool is_kfd(const struct stat *st)
{
	struct stat kfd;

	return S_ISCHR(st->st_mode) && !stat(KFD_PATH, &kfd) && st->st_rdev == kfd.st_rdev;
}

/* Minor of a render node, or -1. */
static int render_minor(const struct stat *st)
{
	if (!S_ISCHR(st->st_mode) || major(st->st_rdev) != DRM_MAJOR ||
	    minor(st->st_rdev) < RENDER_BASE)
		return -1;
	return minor(st->st_rdev);
}

static int open_render(uint32_t minor)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/dev/dri/renderD%u", minor);
	fd = open(path, O_RDWR | O_CLOEXEC);
	return fd < 0 ? img_fail(errno, "%s: %s", path, strerror(errno)) : fd;
}

static int criu_op(int kfd_fd, struct kfd_ioctl_criu_args *args, uint32_t op)
{
	args->op = op;
	return ioctl(kfd_fd, AMDKFD_IOC_CRIU_OP, args) ? -errno : 0;
}

static unsigned long long max_descriptors(void)
{
	struct rlimit limit = { 0 };

	getrlimit(RLIMIT_NOFILE, &limit);
	return limit.rlim_cur;
}

static int no_descriptor(int err)
{
	return img_fail(err,
			"no descriptor: %s, %llu in all are allowed by RLIMIT_NOFILE (fs.nr_open)",
			strerror(err), max_descriptors());
}

/* In words, what an operation of KFD refused. */
static int op_failed(int err, const char *op, uint32_t num_bos)
{
	if (err == -EMFILE)
		return img_fail(EMFILE,
				"%s needs a descriptor for each of up to %u BOs, and %llu in all are allowed: raise RLIMIT_NOFILE (fs.nr_open)",
				op, num_bos, max_descriptors());
	return img_fail(-err, "%s: %s (see the tracepoint kfd_criu_refuse)", op, strerror(-err));
}

/* On a file of the caller: KFD hears nobody else on one but for CRIU_OP. */
static int check_version(int kfd_fd)
{
	struct kfd_ioctl_get_version_args v = { 0 };

	if (ioctl(kfd_fd, AMDKFD_IOC_GET_VERSION, &v))
		return img_fail(errno, "KFD tells no version: %s", strerror(errno));
	if (v.major_version != 1 || v.minor_version < 8)
		return img_fail(EPROTONOSUPPORT, "KFD has version %u.%u, 1.8 is needed",
				v.major_version, v.minor_version);
	return 0;
}

/* --- contents, one thread for each GPU --- */

/**
 * struct transfer - the contents of all BOs on one GPU
 * @drm_fd: its render node
 * @dir: folder of the images
 * @written: bytes of the file
 * @bo: the one that is at work
 * @why: words for @err
 */
struct transfer {
	pthread_t thread;
	bool started;
	struct process *p;
	unsigned int device;
	int drm_fd, dir, id, file;
	uint64_t written;
	uint32_t bo;
	int err;
	char why[512];
};

static int to_file(void *arg, uint64_t offset, void *data, uint32_t bytes)
{
	struct transfer *t = arg;
	struct img_chunk chunk = { .bo = t->bo, .bytes = bytes, .offset = offset };
	int err = img_write_chunk(t->file, &chunk, data);

	if (err)
		return img_fail(-err, "contents can't be written, %llu MiB are: %s",
				(unsigned long long)(t->written / MIB), strerror(-err));
	t->written += sizeof(chunk) + bytes;
	stop_at("contents");
	return 0;
}

static int from_file(void *arg, uint64_t offset, void *data, uint32_t bytes)
{
	struct transfer *t = arg;
	struct img_chunk chunk;
	int err = img_read_chunk(t->file, t->bo, offset, data, bytes, &chunk);

	if (!err && chunk.bytes != bytes)
		err = img_fail(EINVAL, "the contents of BO %u come in pieces of another size",
			       t->bo);
	stop_at("load");
	return err;
}

static int transfer_bos(struct transfer *t, bool save)
{
	struct copier *c;
	int err;

	err = copier_open(t->drm_fd, &c);
	if (err)
		return err;
	for (t->bo = 0; t->bo < t->p->head.num_bos && !err; t->bo++) {
		const struct kfd_criu_bo_bucket *b = &t->p->bos[t->bo];

		if (!img_has_contents(b) || img_device(t->p, b->gpu_id) != (int)t->device)
			continue;
		err = save ? copier_save(c, b->dmabuf_fd, b->size, to_file, t) :
			     copier_load(c, b->dmabuf_fd, b->size, from_file, t);
	}
	copier_close(c);
	return err;
}

static int transfer(struct transfer *t, bool save)
{
	char name[IMG_NAME];
	int err;

	img_name_contents(name, t->id, t->device);
	t->file = openat(t->dir, name, save ? O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC :
			 O_RDONLY | O_CLOEXEC, 0600);
	if (t->file < 0)
		return img_fail(errno, "%s: %s", name, strerror(errno));
	err = transfer_bos(t, save);
	if (close(t->file) && !err)
		err = img_fail(errno, "%s: %s", name, strerror(errno));
	if (err && save)
		unlinkat(t->dir, name, 0);
	return err;
}

static void finish(struct transfer *t, int err)
{
	t->err = err;
	if (err)
		snprintf(t->why, sizeof(t->why), "GPU %u: %s",
			 t->p->devices[t->device].actual_gpu_id, img_why());
}

static void *save_thread(void *arg)
{
	finish(arg, transfer(arg, true));
	return NULL;
}

static void *load_thread(void *arg)
{
	finish(arg, transfer(arg, false));
	return NULL;
}

static bool has_contents(const struct process *p, unsigned int device)
{
	uint32_t i;

	for (i = 0; i < p->head.num_bos; i++)
		if (img_has_contents(&p->bos[i]) &&
		    img_device(p, p->bos[i].gpu_id) == (int)device)
			return true;
	return false;
}

/*
 * All contents of a process; @drm_fd has a render node for each device that
 * has any.  Closes the dma-bufs.
 */
static int transfer_all(struct process *p, int id, const int *drm_fd, bool save)
{
	struct transfer *t;
	uint32_t i;
	int err = 0;

	t = calloc(p->head.num_devices, sizeof(*t));
	if (!t)
		return img_fail(ENOMEM, "no memory");
	for (i = 0; i < p->head.num_devices && !err; i++) {
		t[i].p = p;
		t[i].device = i;
		t[i].dir = criu_get_image_dir();
		t[i].id = id;
		t[i].drm_fd = drm_fd[i];
		if (!has_contents(p, i))
			continue;
		err = -pthread_create(&t[i].thread, NULL, save ? save_thread : load_thread, &t[i]);
		t[i].started = !err;
		if (err)
			img_fail(-err, "no thread for the contents: %s", strerror(-err));
	}
	for (i = 0; i < p->head.num_devices; i++) {
		if (!t[i].started)
			continue;
		pthread_join(t[i].thread, NULL);
		if (!err && t[i].err)
			err = img_fail(-t[i].err, "%s", t[i].why);
		if (save)
			p->contents[i] = t[i].written;
		contents_bytes += t[i].written;
	}
	free(t);
	return err;
}

static void close_dmabufs(struct process *p)
{
	uint32_t i;

	for (i = 0; i < p->head.num_bos; i++)
		if (img_has_contents(&p->bos[i]))
			close(p->bos[i].dmabuf_fd);
}

/* --- dump --- */

static void unpause_all(void)
{
	struct kfd_ioctl_criu_args args = { 0 };
	struct paused *p;

	while ((p = paused)) {
		int err = criu_op(p->fd, &args, KFD_CRIU_OP_UNPAUSE);

		/* not much that could be done about it, but it should be known */
		if (err) {
			op_failed(err, "UNPAUSE", 0);
			complain(err, "queues stay stopped");
		}
		close(p->fd);
		paused = p->next;
		free(p);
	}
}

/* From now on the queues are stopped, and unpause_all() is owed. */
static int pause_process(int kfd_fd, struct kfd_ioctl_criu_args *args)
{
	struct paused *mine = malloc(sizeof(*mine));
	int err;

	if (!mine)
		return img_fail(ENOMEM, "no memory");
	mine->fd = fcntl(kfd_fd, F_DUPFD_CLOEXEC, 0);
	if (mine->fd < 0) {
		err = no_descriptor(errno);
		free(mine);
		return err;
	}
	if (!paused)
		paused_since = now_us();
	err = criu_op(kfd_fd, args, KFD_CRIU_OP_PROCESS_INFO);
	if (err) {
		close(mine->fd);
		free(mine);
		return op_failed(err, "PROCESS_INFO", 0);
	}
	mine->next = paused;
	paused = mine;
	return 0;
}

static int checkpoint(int kfd_fd, struct process *p)
{
	struct kfd_ioctl_criu_args args = { 0 };
	uint64_t begun = now_us();
	int err;

	err = pause_process(kfd_fd, &args);
	stopping_us += now_us() - begun;
	if (err)
		return err;
	p->devices = calloc(args.num_devices, sizeof(*p->devices));
	p->contents = calloc(args.num_devices, sizeof(*p->contents));
	p->bos = calloc(args.num_bos, sizeof(*p->bos));
	p->priv = calloc(1, args.priv_data_size);
	if (!p->devices || !p->contents || (args.num_bos && !p->bos) || !p->priv)
		return img_fail(ENOMEM, "no memory for %u BOs", args.num_bos);
	args.devices = (uintptr_t)p->devices;
	args.bos = (uintptr_t)p->bos;
	args.priv_data = (uintptr_t)p->priv;
	begun = now_us();
	err = criu_op(kfd_fd, &args, KFD_CRIU_OP_CHECKPOINT);
	image_us += now_us() - begun;
	if (err)
		return op_failed(err, "CHECKPOINT", args.num_bos);
	p->head = (struct img_process) {
		.pid = args.pid,
		.num_devices = args.num_devices,
		.num_bos = args.num_bos,
		.num_objects = args.num_objects,
		.priv_size = args.priv_data_size,
	};
	return 0;
}

static int save_contents(struct process *p, int id, const struct gpus *here)
{
	uint64_t begun = now_us();
	int *drm_fd, err = 0, at;
	uint32_t i;

	drm_fd = malloc(p->head.num_devices * sizeof(*drm_fd));
	if (!drm_fd)
		return img_fail(ENOMEM, "no memory");
	for (i = 0; i < p->head.num_devices; i++)
		drm_fd[i] = -1;
	for (i = 0; i < p->head.num_devices && !err; i++) {
		at = gpus_find(here, p->devices[i].actual_gpu_id);
		if (at < 0)
			err = img_fail(ENODEV, "GPU %u is not in the topology",
				       p->devices[i].actual_gpu_id);
		else if (has_contents(p, i))
			drm_fd[i] = open_render(here->gpu[at].render_minor);
		if (drm_fd[i] < -1)
			err = drm_fd[i];
	}
	if (!err)
		err = transfer_all(p, id, drm_fd, true);
	for (i = 0; i < p->head.num_devices; i++)
		if (drm_fd[i] >= 0)
			close(drm_fd[i]);
	free(drm_fd);
	contents_us += now_us() - begun;
	return err;
}

/* The id that the process knows a GPU by. */
static uint32_t user_gpu_id(const struct process *p, uint32_t actual)
{
	uint32_t i;

	for (i = 0; i < p->head.num_devices; i++)
		if (p->devices[i].actual_gpu_id == actual)
			return p->devices[i].user_gpu_id;
	return 0;
}

/* Both kinds of files need the table of GPUs; it is the same for all of a dump. */
static int write_gpus(struct gpus *here)
{
	int err = gpus_here(here);

	if (!err && !gpus_written)
		err = img_write_gpus(criu_get_image_dir(), here);
	gpus_written |= !err;
	return err;
}

/**
 * struct mapping - a mapping of a GPU's file
 * @minor: of the render node; 0: it is one of /dev/kfd
 */
struct mapping {
	unsigned long long start, end, offset;
	unsigned int minor;
};

static FILE *open_maps(const char *pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%.20s/maps", pid);
	return fopen(path, "re");
}

static bool next_mapping(FILE *maps, struct mapping *m)
{
	char line[512], *path;

	while (fgets(line, sizeof(line), maps)) {
		path = strchr(line, '/');
		m->minor = 0;
		if (!path || (strncmp(path, KFD_PATH, strlen(KFD_PATH)) &&
			      sscanf(path, "/dev/dri/renderD%u", &m->minor) != 1))
			continue;
		if (sscanf(line, "%llx-%llx %*s %llx", &m->start, &m->end, &m->offset) == 3)
			return true;
	}
	return false;
}

/*
 * A mapping outlives its BO.  What is behind it then has no name that KFD knows, and
 * the restore would fail.
 */
static int check_mappings(const struct process *p, const struct gpus *here)
{
	struct mapping m;
	char pid[16];
	int at, err = 0;
	FILE *maps;
	uint32_t i;

	snprintf(pid, sizeof(pid), "%u", p->head.pid);
	maps = open_maps(pid);
	if (!maps)
		return img_fail(errno, "no mappings of process %s: %s", pid, strerror(errno));
	while (!err && next_mapping(maps, &m)) {
		if (!m.minor)
			continue;
		at = gpus_find_minor(here, m.minor);
		for (i = 0; at >= 0 && i < p->head.num_bos; i++)
			if (p->bos[i].gpu_id == user_gpu_id(p, here->gpu[at].gpu_id) &&
			    m.offset >= p->bos[i].offset &&
			    m.offset - p->bos[i].offset < p->bos[i].size)
				break;
		if (at < 0 || i == p->head.num_bos)
			err = img_fail(ENXIO,
				       "process %s has a mapping at %#llx of a buffer that KFD does not know, or not any more",
				       pid, m.start);
	}
	fclose(maps);
	return err;
}

static int dump_kfd(int fd, int id)
{
	struct process p = { 0 };
	struct gpus here;
	char name[IMG_NAME];
	int err, own;

	/* An older one of the same name would speak for what is written now. */
	img_name_process(name, id);
	unlinkat(criu_get_image_dir(), name, 0);
	own = open(KFD_PATH, O_RDWR | O_CLOEXEC);
	if (own < 0)
		return img_fail(errno, KFD_PATH ": %s", strerror(errno));
	err = check_version(own);
	close(own);
	if (!err)
		err = write_gpus(&here);
	if (!err)
		err = checkpoint(fd, &p);
	if (!err) {
		stop_at("checkpoint");
		err = check_mappings(&p, &here);
		if (!err)
			err = save_contents(&p, id, &here);
		close_dmabufs(&p);
	}
	if (!err)
		err = img_write_process(criu_get_image_dir(), id, &p);
	if (!err) {
		num_processes++;
		print_on_level(LOG_INFO,
			       "kfd: process %u saved: %u GPUs, %u BOs, %u queues, events and ranges, %llu bytes of private data\n",
			       p.head.pid, p.head.num_devices, p.head.num_bos, p.head.num_objects,
			       (unsigned long long)p.head.priv_size);
	}
	free(p.devices);
	free(p.contents);
	free(p.bos);
	free(p.priv);
	return err;
}

static int dump_render(unsigned int minor, int id)
{
	struct gpus here;
	int err, at;

	err = write_gpus(&here);
	if (err)
		return err;
	at = gpus_find_minor(&here, minor);
	if (at < 0)
		return img_fail(ENODEV, "render node %u is no GPU of KFD", minor);
	return img_write_render(criu_get_image_dir(), id, here.gpu[at].gpu_id);
}

static int dump_file(int fd, int id)
{
	struct stat st;
	int err;

	if (fstat(fd, &st))
		return -errno;
	if (is_kfd(&st))
		err = dump_kfd(fd, id);
	else if (render_minor(&st) >= 0)
		err = dump_render(render_minor(&st), id);
	else
		return -ENOTSUP;
	return err ? complain(-1, "dump") : 0;
}

CR_PLUGIN_REGISTER_HOOK(CR_PLUGIN_HOOK__DUMP_EXT_FILE, dump_file)

/* Is this a task that CRIU is dumping: one that it has stopped? */
static bool is_dumped(const char *pid)
{
	char path[64], line[64];
	int tracer = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%.20s/status", pid);
	f = fopen(path, "re");
	while (f && !tracer && fgets(line, sizeof(line), f))
		if (sscanf(line, "TracerPid: %d", &tracer) == 1 && !tracer)
			break;
	if (f)
		fclose(f);
	return tracer == getpid();
}

/* Does it have /dev/kfd open? */
static bool has_kfd(const char *pid)
{
	char path[300];
	struct dirent *d;
	bool found = false;
	struct stat st;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%.20s/fd", pid);
	dir = opendir(path);
	while (dir && !found && (d = readdir(dir))) {
		snprintf(path, sizeof(path), "/proc/%.20s/fd/%.200s", pid, d->d_name);
		found = !stat(path, &st) && is_kfd(&st);
	}
	if (dir)
		closedir(dir);
	return found;
}

/*
 * KFD keeps a process that has closed the file, but nobody can be asked for it any
 * more.  CRIU does not say whose mapping it asks for: look at all that it dumps.
 */
static int check_tasks(void)
{
	struct mapping m;
	struct dirent *d;
	DIR *dir = opendir("/proc");
	int err = 0;
	FILE *maps;

	while (dir && !err && (d = readdir(dir))) {
		if (d->d_name[0] < '1' || d->d_name[0] > '9' || !is_dumped(d->d_name) ||
		    has_kfd(d->d_name))
			continue;
		maps = open_maps(d->d_name);
		if (maps && next_mapping(maps, &m))
			err = img_fail(EBADF,
				       "process %s has closed %s, and still has a mapping of a GPU at %#llx",
				       d->d_name, KFD_PATH, (unsigned long long)m.start);
		if (maps)
			fclose(maps);
	}
	if (dir)
		closedir(dir);
	return err;
}

static int handle_vma(int fd, const struct stat *st)
{
	static bool checked;

	if (!is_kfd(st) && render_minor(st) < 0)
		return -ENOTSUP;
	/* All tasks are stopped before the first mapping is looked at. */
	if (!checked && check_tasks())
		return complain(-1, "dump");
	checked = true;
	return 0;
}

CR_PLUGIN_REGISTER_HOOK(CR_PLUGIN_HOOK__HANDLE_DEVICE_VMA, handle_vma)

/* --- restore --- */

/*
 * CRIU wants low descriptors for the process, and some above those for itself.
 * Closes @fd.
 */
static int out_of_the_way(int fd)
{
	unsigned long long most = max_descriptors();
	int high, err;

	if (most > 65536)
		most = 65536;
	high = fcntl(fd, F_DUPFD_CLOEXEC, most / 4 * 3);
	err = errno;
	close(fd);
	return high < 0 ? no_descriptor(err) : high;
}

/* GPUs then and now; the same for all files of all processes. */
static int learn_gpus(struct restored *r)
{
	unsigned int i;
	int err;

	if (r->known)
		return 0;
	err = img_read_gpus(criu_get_image_dir(), &r->image);
	if (!err)
		err = gpus_here(&r->here);
	if (!err)
		err = gpus_match(&r->image, &r->here, r->place);
	if (err)
		return err;
	for (i = 0; i < KFD_MAX_GPUS; i++)
		r->drm_fd[i] = -1;
	r->known = true;
	return 0;
}

/* The render node in place of the GPU at @at in the image. */
static int render_of(struct restored *r, unsigned int at)
{
	int fd;

	if (r->drm_fd[at] >= 0)
		return r->drm_fd[at];
	fd = open_render(r->here.gpu[r->place[at]].render_minor);
	if (fd >= 0)
		fd = out_of_the_way(fd);
	if (fd >= 0)
		r->drm_fd[at] = fd;
	return fd;
}

/* Does what was in use on each GPU fit into the one that takes its place? */
static int check_vram(const struct restored *r, const struct process *p, unsigned int device,
		      unsigned int at)
{
	const struct img_gpu *have = &r->here.gpu[r->place[at]];
	uint64_t used = 0;
	uint32_t i;

	for (i = 0; i < p->head.num_bos; i++)
		if (p->bos[i].alloc_flags & KFD_IOC_ALLOC_MEM_FLAGS_VRAM &&
		    img_device(p, p->bos[i].gpu_id) == (int)device)
			used += p->bos[i].size;
	if (used > have->vram_size)
		return img_fail(ENOMEM,
				"the process has %llu MiB of VRAM in use on a GPU, and GPU %u has %llu MiB",
				(unsigned long long)(used / MIB), have->gpu_id,
				(unsigned long long)(have->vram_size / MIB));
	return 0;
}

static int name_gpus(struct restored *r, int *drm_fd)
{
	struct process *p = &r->process;
	uint32_t i;
	int at, err;

	for (i = 0; i < p->head.num_devices; i++) {
		at = gpus_find(&r->image, p->devices[i].actual_gpu_id);
		if (at < 0)
			return img_fail(EINVAL, "GPU %u of the process is not in the table of GPUs",
					p->devices[i].actual_gpu_id);
		err = check_vram(r, p, i, at);
		if (err)
			return err;
		drm_fd[i] = render_of(r, at);
		if (drm_fd[i] < 0)
			return drm_fd[i];
	}
	/* Only now: each bucket was looked up by the id that it had. */
	for (i = 0; i < p->head.num_devices; i++) {
		at = gpus_find(&r->image, p->devices[i].actual_gpu_id);
		print_on_level(LOG_INFO,
			       "kfd: GPU %u in place of GPU %u, which process %u knows as %u\n",
			       r->here.gpu[r->place[at]].gpu_id, p->devices[i].actual_gpu_id,
			       p->head.pid, p->devices[i].user_gpu_id);
		p->devices[i].actual_gpu_id = r->here.gpu[r->place[at]].gpu_id;
		p->devices[i].drm_fd = drm_fd[i];
	}
	return 0;
}

/* Buckets come back from the kernel with new dma-bufs, for BOs with contents. */
static int restore_process(int kfd_fd, struct process *p)
{
	struct kfd_ioctl_criu_args args = {
		.devices = (uintptr_t)p->devices,
		.bos = (uintptr_t)p->bos,
		.priv_data = (uintptr_t)p->priv,
		.priv_data_size = p->head.priv_size,
		.num_devices = p->head.num_devices,
		.num_bos = p->head.num_bos,
		.num_objects = p->head.num_objects,
	};
	int err = criu_op(kfd_fd, &args, KFD_CRIU_OP_RESTORE);

	return err ? op_failed(err, "RESTORE", p->head.num_bos) : 0;
}

static int restore_kfd(struct restored *r, int id)
{
	uint64_t begun = now_us(), restored_at;
	int *drm_fd = NULL, err, fd;

	if (r->kfd_fd >= 0)
		return img_fail(EOPNOTSUPP, "a second file of " KFD_PATH " in one process");
	err = img_read_process(criu_get_image_dir(), id, &r->process);
	if (!err)
		err = learn_gpus(r);
	if (err)
		return err;
	drm_fd = malloc((r->process.head.num_devices + 1) * sizeof(*drm_fd));
	if (!drm_fd)
		return img_fail(ENOMEM, "no memory");
	err = name_gpus(r, drm_fd);
	if (err)
		goto out;
	fd = open(KFD_PATH, O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		err = img_fail(errno, KFD_PATH ": %s", strerror(errno));
		goto out;
	}
	r->kfd_fd = out_of_the_way(fd);
	err = r->kfd_fd < 0 ? r->kfd_fd : check_version(r->kfd_fd);
	if (!err)
		err = restore_process(r->kfd_fd, &r->process);
	if (err)
		goto out;
	restored_at = now_us();
	stop_at("restore");
	err = transfer_all(&r->process, id, drm_fd, false);
	close_dmabufs(&r->process);
	if (!err)
		print_on_level(LOG_INFO,
			       "kfd: process %u restored: %llu us for its objects, %llu us for the contents of its BOs\n",
			       r->process.head.pid, (unsigned long long)(restored_at - begun),
			       (unsigned long long)(now_us() - restored_at));
out:
	free(drm_fd);
	return err;
}

static int restore_render(struct restored *r, int id)
{
	uint32_t gpu_id;
	int err, at;

	err = img_read_render(criu_get_image_dir(), id, &gpu_id);
	if (!err)
		err = learn_gpus(r);
	if (err)
		return err;
	at = gpus_find(&r->image, gpu_id);
	if (at < 0)
		return img_fail(EINVAL, "GPU %u of a render node is not in the table of GPUs",
				gpu_id);
	return render_of(r, at);
}

/* What is returned becomes the process'; ours stays until settle(). */
static int give(int fd)
{
	int copy = fd < 0 ? fd : fcntl(fd, F_DUPFD_CLOEXEC, 0);

	return copy == -1 ? no_descriptor(errno) : copy;
}

static int restore_file(int id)
{
	char kfd[IMG_NAME], render[IMG_NAME];
	int dir = criu_get_image_dir(), fd;

	img_name_process(kfd, id);
	img_name_render(render, id);
	if (img_exists(dir, kfd)) {
		fd = restore_kfd(&restored, id);
		fd = give(fd ? fd : restored.kfd_fd);
	} else if (img_exists(dir, render)) {
		fd = give(restore_render(&restored, id));
	} else {
		return -ENOTSUP;
	}
	return fd < 0 ? complain(-1, "restore") : fd;
}

CR_PLUGIN_REGISTER_HOOK(CR_PLUGIN_HOOK__RESTORE_EXT_FILE, restore_file)

/* --- where mappings are found after a restore --- */

static bool same_file(int a, int b)
{
	pid_t me = getpid();

	return !syscall(SYS_kcmp, me, me, KCMP_FILE, a, b);
}

/*
 * The process has all of its descriptors by the time that its first mapping is
 * asked for.  Go on with those, so that none of ours stays behind in it.
 */
static void replace_by_own(int *fd)
{
	DIR *d = *fd < 0 ? NULL : opendir("/proc/self/fd");
	struct dirent *e;
	int own;

	while (d && (e = readdir(d))) {
		own = atoi(e->d_name);
		if (e->d_name[0] == '.' || own == *fd || own == dirfd(d) || !same_file(own, *fd))
			continue;
		close(*fd);
		*fd = own;
		break;
	}
	if (d)
		closedir(d);
}

static void settle(struct restored *r)
{
	unsigned int i;

	if (r->settled)
		return;
	replace_by_own(&r->kfd_fd);
	for (i = 0; i < r->image.num; i++)
		replace_by_own(&r->drm_fd[i]);
	r->settled = true;
}

/* The BO that was mapped from @offset of the GPU at @at, or of /dev/kfd if that is -1. */
static const struct kfd_criu_bo_bucket *find_bo(const struct restored *r, int at, uint64_t offset)
{
	const uint32_t kfds = KFD_IOC_ALLOC_MEM_FLAGS_DOORBELL |
			      KFD_IOC_ALLOC_MEM_FLAGS_MMIO_REMAP;
	const struct process *p = &r->process;
	const struct kfd_criu_bo_bucket *b;
	bool of_kfd = at < 0;
	uint32_t i;

	for (i = 0; i < p->head.num_bos; i++) {
		b = &p->bos[i];
		if (b->alloc_flags & KFD_IOC_ALLOC_MEM_FLAGS_USERPTR ||
		    !!(b->alloc_flags & kfds) != of_kfd || offset < b->offset ||
		    offset - b->offset >= b->size)
			continue;
		if (of_kfd || p->devices[img_device(p, b->gpu_id)].actual_gpu_id ==
			      r->here.gpu[r->place[at]].gpu_id)
			return b;
	}
	return NULL;
}

static int update_vma(const char *path, const uint64_t addr, const uint64_t old_pgoff,
		      uint64_t *new_pgoff, int *fd)
{
	const struct kfd_criu_bo_bucket *b;
	struct restored *r = &restored;
	unsigned int minor = 0;
	int at = -1;

	if (r->kfd_fd < 0)
		return -ENOTSUP;
	if (sscanf(path, "/dev/dri/renderD%u", &minor) == 1)
		at = gpus_find_minor(&r->image, minor);
	else if (strcmp(path, KFD_PATH))
		return -ENOTSUP;
	if (minor && at < 0) {
		img_fail(ENODEV, "%s at %#llx is no GPU of the process", path,
			 (unsigned long long)addr);
		return complain(-1, "mapping");
	}
	settle(r);
	b = find_bo(r, at, old_pgoff);
	if (!b && minor) {
		img_fail(EINVAL, "there is no BO at %#llx of %s", (unsigned long long)old_pgoff,
			 path);
		return complain(-1, "mapping");
	}
	/* Doorbells without a BO go by the id that the process knows, then and now. */
	*new_pgoff = b ? b->restored_offset + (old_pgoff - b->offset) : old_pgoff;
	*fd = minor ? r->drm_fd[at] : r->kfd_fd;
	return 1;
}

CR_PLUGIN_REGISTER_HOOK(CR_PLUGIN_HOOK__UPDATE_VMA_MAP, update_vma)

/* --- the end of both --- */

static int resume_process(int pid)
{
	struct kfd_ioctl_criu_args args = { .pid = pid };
	int fd, err;

	fd = open(KFD_PATH, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -ENOTSUP;
	stop_at("resume");
	err = criu_op(fd, &args, KFD_CRIU_OP_RESUME);
	close(fd);
	/* CRIU asks for every process: one without a GPU is not known to KFD. */
	if (err == -ESRCH)
		return -ENOTSUP;
	if (!err)
		return 0;
	img_fail(-err, "process %d: its queues do not run: %s", pid, strerror(-err));
	return complain(-1, "resume");
}

CR_PLUGIN_REGISTER_HOOK(CR_PLUGIN_HOOK__RESUME_DEVICES_LATE, resume_process)

static int plugin_init(int stage)
{
	return 0;
}

static void plugin_exit(int stage, int ret)
{
	if (stage != CR_PLUGIN_STAGE__DUMP || !paused)
		return;
	stop_at("dumped");
	unpause_all();
	print_on_level(LOG_INFO,
		       "kfd: %u processes, %llu bytes of contents, queues stood still for %llu us: %llu us to stop them, %llu us for the kernel's image, %llu us for contents\n",
		       num_processes, (unsigned long long)contents_bytes,
		       (unsigned long long)(now_us() - paused_since),
		       (unsigned long long)stopping_us, (unsigned long long)image_us,
		       (unsigned long long)contents_us);
}

CR_PLUGIN_REGISTER("kfd_criu_plugin", plugin_init, plugin_exit)
