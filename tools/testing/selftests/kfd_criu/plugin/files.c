// SPDX-License-Identifier: GPL-2.0
/*
 * The files of the CRIU plugin, see files.h.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
#include <zlib.h>
#include "files.h"

#define GPUS_NAME	"kfd-gpus.img"
#define NO_FD		((uint32_t)-1)
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

static __thread char why[512];

int img_fail(int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	return -err;
}

const char *img_why(void)
{
	return why;
}

void img_name_process(char name[IMG_NAME], int id)
{
	snprintf(name, IMG_NAME, "kfd-%d.img", id);
}

void img_name_contents(char name[IMG_NAME], int id, unsigned int device)
{
	snprintf(name, IMG_NAME, "kfd-%d-gpu-%u.img", id, device);
}

void img_name_render(char name[IMG_NAME], int id)
{
	snprintf(name, IMG_NAME, "render-%d.img", id);
}

bool img_exists(int dir, const char *name)
{
	return !faccessat(dir, name, F_OK, 0);
}

/* --- bytes in and out --- */

static int put(int fd, const void *data, size_t bytes)
{
	const uint8_t *p = data;
	ssize_t n;

	while (bytes) {
		n = write(fd, p, bytes);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		bytes -= n;
	}
	return 0;
}

/* -ENODATA at the end of the file */
static int get(int fd, void *data, size_t bytes)
{
	uint8_t *p = data;
	ssize_t n;

	while (bytes) {
		n = read(fd, p, bytes);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			return -ENODATA;
		p += n;
		bytes -= n;
	}
	return 0;
}

static uint32_t crc_of(uint32_t crc, const void *data, size_t bytes)
{
	return crc32_z(crc, data, bytes);
}

/* --- whole files --- */

int img_write(int dir, const char *name, enum img_kind kind, const struct iovec *body,
	      unsigned int parts)
{
	struct img_head head = { .version = IMG_VERSION, .kind = kind, .bytes = sizeof(head) };
	unsigned int i;
	uint32_t crc;
	int fd, err;

	memcpy(head.magic, IMG_MAGIC, sizeof(head.magic));
	for (i = 0; i < parts; i++)
		head.bytes += body[i].iov_len;
	crc = crc_of(0, &head, sizeof(head));
	for (i = 0; i < parts; i++)
		crc = crc_of(crc, body[i].iov_base, body[i].iov_len);
	head.crc = crc;

	fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return img_fail(errno, "%s: %s", name, strerror(errno));
	err = put(fd, &head, sizeof(head));
	for (i = 0; i < parts && !err; i++)
		err = put(fd, body[i].iov_base, body[i].iov_len);
	if (close(fd) && !err)
		err = -errno;
	if (err) {
		unlinkat(dir, name, 0);
		return img_fail(-err, "%s can't be written: %s", name, strerror(-err));
	}
	return 0;
}

static int check_head(const char *name, enum img_kind kind, const struct img_head *head,
		      uint64_t bytes)
{
	if (memcmp(head->magic, IMG_MAGIC, sizeof(head->magic)))
		return img_fail(EINVAL, "%s is not a file of this plugin", name);
	if (head->version != IMG_VERSION)
		return img_fail(EPROTONOSUPPORT, "%s has version %u, this plugin knows %u", name,
				head->version, IMG_VERSION);
	if (head->kind != kind)
		return img_fail(EINVAL, "%s is of kind %u instead of %u", name, head->kind, kind);
	if (head->bytes != bytes)
		return img_fail(EINVAL, "%s is %s: %llu bytes of %llu are there", name,
				bytes < head->bytes ? "truncated" : "too long",
				(unsigned long long)bytes, (unsigned long long)head->bytes);
	return 0;
}

int img_read(int dir, const char *name, enum img_kind kind, size_t least, void **body,
	     size_t *bytes)
{
	struct img_head head;
	void *data = NULL;
	struct stat st;
	uint32_t crc;
	int fd, err;

	fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return img_fail(errno, "%s: %s", name, strerror(errno));
	if (fstat(fd, &st)) {
		err = img_fail(errno, "%s: %s", name, strerror(errno));
		goto out;
	}
	if (st.st_size < (off_t)(sizeof(head) + least)) {
		err = img_fail(EINVAL,
			       "%s is truncated: %lld bytes are there, at least %zu are needed",
			       name, (long long)st.st_size, sizeof(head) + least);
		goto out;
	}
	/* No memory for a file that is none of ours, or not whole. */
	err = get(fd, &head, sizeof(head));
	if (err) {
		err = img_fail(-err, "%s can't be read: %s", name, strerror(-err));
		goto out;
	}
	err = check_head(name, kind, &head, st.st_size);
	if (err)
		goto out;
	*bytes = st.st_size - sizeof(head);
	data = malloc(*bytes ? *bytes : 1);
	if (!data) {
		err = img_fail(ENOMEM, "%s: no memory", name);
		goto out;
	}
	err = get(fd, data, *bytes);
	if (err) {
		err = img_fail(-err, "%s can't be read: %s", name, strerror(-err));
		goto out;
	}
	crc = head.crc;
	head.crc = 0;
	if (crc_of(crc_of(0, &head, sizeof(head)), data, *bytes) != crc)
		err = img_fail(EINVAL, "%s is damaged: its checksum is wrong", name);
out:
	close(fd);
	if (err) {
		free(data);
		return err;
	}
	*body = data;
	return 0;
}

int img_write_gpus(int dir, const struct gpus *gpus)
{
	struct iovec body = { (void *)gpus->gpu, gpus->num * sizeof(gpus->gpu[0]) };

	return img_write(dir, GPUS_NAME, IMG_GPUS, &body, 1);
}

int img_read_gpus(int dir, struct gpus *gpus)
{
	size_t bytes;
	void *body;
	int err;

	err = img_read(dir, GPUS_NAME, IMG_GPUS, sizeof(gpus->gpu[0]), &body, &bytes);
	if (err)
		return err;
	gpus->num = bytes / sizeof(gpus->gpu[0]);
	if (bytes % sizeof(gpus->gpu[0]) || gpus->num > KFD_MAX_GPUS)
		err = img_fail(EINVAL, GPUS_NAME " has %zu bytes, which are not 1 to %u GPUs",
			       bytes, KFD_MAX_GPUS);
	else
		memcpy(gpus->gpu, body, bytes);
	free(body);
	return err;
}

int img_write_render(int dir, int id, uint32_t gpu_id)
{
	struct img_render render = { .gpu_id = gpu_id };
	struct iovec body = { &render, sizeof(render) };
	char name[IMG_NAME];

	img_name_render(name, id);
	return img_write(dir, name, IMG_RENDER, &body, 1);
}

int img_read_render(int dir, int id, uint32_t *gpu_id)
{
	struct img_render *render;
	char name[IMG_NAME];
	size_t bytes;
	void *body;
	int err;

	img_name_render(name, id);
	err = img_read(dir, name, IMG_RENDER, sizeof(*render), &body, &bytes);
	if (err)
		return err;
	render = body;
	*gpu_id = render->gpu_id;
	free(body);
	return 0;
}

int img_write_process(int dir, int id, const struct process *p)
{
	struct iovec body[] = {
		{ (void *)&p->head, sizeof(p->head) },
		{ p->devices, p->head.num_devices * sizeof(*p->devices) },
		{ p->contents, p->head.num_devices * sizeof(*p->contents) },
		{ p->bos, p->head.num_bos * sizeof(*p->bos) },
		{ p->priv, p->head.priv_size },
	};
	char name[IMG_NAME];

	img_name_process(name, id);
	return img_write(dir, name, IMG_PROCESS, body, ARRAY_SIZE(body));
}

/* The files of contents have to be there before anything has an effect. */
static int check_contents(int dir, int id, const struct process *p)
{
	char name[IMG_NAME];
	struct stat st;
	uint32_t i;

	for (i = 0; i < p->head.num_devices; i++) {
		if (!p->contents[i])
			continue;
		img_name_contents(name, id, i);
		if (fstatat(dir, name, &st, 0))
			return img_fail(errno, "%s: %s", name, strerror(errno));
		if ((uint64_t)st.st_size != p->contents[i])
			return img_fail(EINVAL, "%s is %s: %llu bytes of %llu are there", name,
					(uint64_t)st.st_size < p->contents[i] ? "truncated" :
					"too long", (unsigned long long)st.st_size,
					(unsigned long long)p->contents[i]);
	}
	return 0;
}

int img_read_process(int dir, int id, struct process *p)
{
	uint64_t devices, contents, bos, want;
	char name[IMG_NAME];
	size_t bytes;
	uint32_t i;
	int err;

	memset(p, 0, sizeof(*p));
	img_name_process(name, id);
	err = img_read(dir, name, IMG_PROCESS, sizeof(p->head), &p->body, &bytes);
	if (err)
		return err;
	memcpy(&p->head, p->body, sizeof(p->head));
	devices = sizeof(p->head);
	contents = devices + (uint64_t)p->head.num_devices * sizeof(*p->devices);
	bos = contents + (uint64_t)p->head.num_devices * sizeof(*p->contents);
	want = bos + (uint64_t)p->head.num_bos * sizeof(*p->bos);
	if (want > bytes || p->head.priv_size != bytes - want) {
		err = img_fail(EINVAL, "%s is damaged: its counts do not make its size", name);
		goto fail;
	}
	p->devices = p->body + devices;
	p->contents = p->body + contents;
	p->bos = p->body + bos;
	p->priv = p->body + want;
	for (i = 0; i < p->head.num_bos; i++)
		if (img_device(p, p->bos[i].gpu_id) < 0) {
			err = img_fail(EINVAL,
				       "%s is damaged: BO %u is on GPU %u, which is not in it",
				       name, i, p->bos[i].gpu_id);
			goto fail;
		}
	err = check_contents(dir, id, p);
	if (!err)
		return 0;
fail:
	img_free_process(p);
	return err;
}

void img_free_process(struct process *p)
{
	free(p->body);
	memset(p, 0, sizeof(*p));
}

bool img_has_contents(const struct kfd_criu_bo_bucket *bo)
{
	return bo->dmabuf_fd != NO_FD;
}

int img_device(const struct process *p, uint32_t user_gpu_id)
{
	uint32_t i;

	for (i = 0; i < p->head.num_devices; i++)
		if (p->devices[i].user_gpu_id == user_gpu_id)
			return i;
	return -1;
}

/* --- contents --- */

static uint32_t chunk_crc(const struct img_chunk *chunk, const void *data)
{
	struct img_chunk copy = *chunk;

	copy.crc = 0;
	return crc_of(crc_of(0, &copy, sizeof(copy)), data, chunk->bytes);
}

int img_write_chunk(int fd, struct img_chunk *chunk, const void *data)
{
	int err;

	chunk->crc = chunk_crc(chunk, data);
	err = put(fd, chunk, sizeof(*chunk));
	return err ? err : put(fd, data, chunk->bytes);
}

int img_read_chunk(int fd, uint32_t bo, uint64_t offset, void *data, uint32_t room,
		   struct img_chunk *chunk)
{
	int err;

	err = get(fd, chunk, sizeof(*chunk));
	if (!err && (chunk->bo != bo || chunk->offset != offset || chunk->bytes > room ||
		     !chunk->bytes))
		return img_fail(EINVAL, "the contents of BO %u are damaged at byte %llu", bo,
				(unsigned long long)offset);
	if (!err)
		err = get(fd, data, chunk->bytes);
	if (err)
		return img_fail(-err, "the contents of BO %u can't be read: %s", bo,
				err == -ENODATA ? "the file ends too early" : strerror(-err));
	if (chunk_crc(chunk, data) != chunk->crc)
		return img_fail(EINVAL,
				"the contents of BO %u are damaged: the checksum of %u bytes at %llu is wrong",
				bo, chunk->bytes, (unsigned long long)offset);
	return 0;
}
