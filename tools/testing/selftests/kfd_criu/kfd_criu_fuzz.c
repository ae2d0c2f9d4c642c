// SPDX-License-Identifier: GPL-2.0
/*
 * Broken images, buckets and arguments for AMDKFD_IOC_CRIU_OP, beside a process that
 * computes and must not notice.
 *
 * The images of a few honest processes are mutated by fuzz/mutate*.c, which know what
 * an image is made of, and given to RESTORE, most of them with a checksum that is right.
 * Workers are such processes as RESTORE wants. One that was refused goes on with the next
 * image; from time to time it must still take an honest one and be the same as the source
 * of that image, byte by byte. One whose image was taken is asked for more, and ends.
 *
 * KFD_CRIU_FUZZ=<n> images, KFD_CRIU_SOAK=1 for many. An image is made of KFD_CRIU_SEED and
 * its number alone, and KFD_CRIU_FUZZ_ONLY=<number> tries just that one and tells what is done.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <pthread.h>
#include <sys/resource.h>
#include "fuzz/call.h"
#include "kfd_criu_expect.h"
#include "kfd_criu_image_edit.h"
#include "kfd_criu_log.h"
#include "kfd_criu_scene.h"

#define WORKERS		2
#define IMAGES		8000
#define SOAK_IMAGES	200000
/* Images until a worker has to show with an honest one that it is as good as new. */
#define LIFE		1000
#define SHORT_LIFE	20
/* For one call, and for one round of the job beside. */
#define STALL_MS	90000u
/* What there is with fewer images may be missing by chance. */
#define ENOUGH		4000

#define INPUT_MAX	(128u << 10)
#define NO_FD		((uint32_t)-1)
#define OPS		(KFD_CRIU_OP_RESUME + 1)
#define MAX_REASONS	256

static const char * const op_names[OPS + 1] = {
	"PROCESS_INFO", "CHECKPOINT", "UNPAUSE", "RESTORE", "RESUME", "unknown",
};

/*
 * What the table in the UAPI header says, but for EACCES and RESTORE's EPERM: nobody here
 * lacks a right.
 */
static const int documented[OPS + 1][16] = {
	[KFD_CRIU_OP_PROCESS_INFO] = { EBADF, EBUSY, EFAULT, ENODEV, ENOMEM, EOPNOTSUPP },
	[KFD_CRIU_OP_CHECKPOINT] = {
		EBADF, EFAULT, EINVAL, EMFILE, EMSGSIZE, ENODEV, ENOMEM, ENOSPC, EOPNOTSUPP,
	},
	[KFD_CRIU_OP_UNPAUSE] = { EBADF, EFAULT, EINVAL, ENOMEM, ESRCH },
	[KFD_CRIU_OP_RESTORE] = {
		EBADF, EBUSY, EEXIST, EFAULT, EINVAL, EMFILE, EMSGSIZE, ENODEV, ENOMEM,
		EOPNOTSUPP, EPROTONOSUPPORT, EXDEV,
	},
	[KFD_CRIU_OP_RESUME] = { EAGAIN, EBADF, EFAULT, EINVAL, ENOMEM, EPERM, ESRCH },
	[OPS] = { EBADF, EFAULT, EINVAL },
};

/* Honest images. */
enum { FULL, FULL_V1, SMALL, SMALL_V1, EMPTY, SEEDS };

static struct seed {
	struct kfd_image img;
	uint8_t *input;		/* in the form of fuzz/call.h */
	size_t size;
} seeds[SEEDS];

/* What the processes tell each other. */
struct shared {
	uint64_t next;		/* image */
	uint64_t calls[OPS + 1];
	uint64_t results[OPS + 1][256];
	uint64_t images, restored, resumed, honest, scribbled;
	uint64_t rounds;	/* of the job */
	uint64_t beat[WORKERS + 1];
	bool stop, stop_job, failed;
	bool woken[WORKERS];	/* somebody else may have called RESUME for it */
	pid_t pid[WORKERS];
	char error[300];
	uint64_t v1_size;
	uint8_t v1[INPUT_MAX];	/* see get_reference() */
};

static struct shared *sh;
static struct kfd here;
static uint64_t run_seed, only = UINT64_MAX, limit;
static int foreign_fd;		/* of /dev/kfd, the parent's */

static uint64_t add(uint64_t *counter)
{
	return __atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

static uint64_t env_number(const char *name, uint64_t value)
{
	const char *s = getenv(name);

	return s && *s ? strtoull(s, NULL, 0) : value;
}

/* --- chance --- */

static uint64_t state;

/* xorshift64*: below @n */
static uint32_t rnd(uint32_t n)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (state * 0x2545f4914f6cdd1dULL >> 32) % n;
}

static bool once_in(uint32_t n)
{
	return !rnd(n);
}

static void begin_image(uint64_t number)
{
	state = run_seed * 0x9e3779b97f4a7c15ULL + (number + 1) * 0xbf58476d1ce4e5b9ULL;
	state ^= state >> 31;
	state = state ? state : 1;
	rnd(2);
	rnd(2);
}

/* Mutations that know nothing of images: what the others come back to at times. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size)
{
	uint32_t n = 1 + rnd(4), at;

	while (n-- && size) {
		at = rnd(size);
		switch (rnd(5)) {
		case 0:
			data[at] ^= 1 << rnd(8);
			break;
		case 1:
			data[at] = rnd(256);
			break;
		case 2:
			memset(data + at, rnd(2) ? 0xff : 0, size - at < 8 ? size - at : 8);
			break;
		case 3:
			memmove(data + at, data + at + 1, size - at - 1);
			size--;
			break;
		case 4:
			if (size == max_size)
				break;
			memmove(data + at + 1, data + at, size - at);
			size++;
			break;
		}
	}
	return size;
}

/* --- the memory of a caller: all of it ends where nothing can be read or written --- */

struct arena {
	uint8_t *base;
	size_t size;
};

enum { A_ARGS, A_DEVICES, A_BOS, A_IMAGE, ARENAS };

static const size_t arena_sizes[ARENAS] = { KFD_PAGE, 4 * KFD_PAGE, 16 * KFD_PAGE, 64 * KFD_PAGE };

static struct arena arenas[ARENAS];

static bool arenas_make(void)
{
	unsigned int i;

	for (i = 0; i < ARENAS; i++) {
		struct arena *a = &arenas[i];

		a->size = arena_sizes[i];
		a->base = mmap(NULL, a->size + KFD_PAGE, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (a->base == MAP_FAILED || mprotect(a->base + a->size, KFD_PAGE, PROT_NONE))
			return false;
	}
	return true;
}

/* At the end of an arena, or a few bytes before it, aligned to nothing. */
static uint8_t *place(unsigned int arena, const void *from, size_t size, unsigned int before)
{
	struct arena *a = &arenas[arena];
	uint8_t *to = a->base + a->size - size - before;

	if (from)
		memcpy(to, from, size);
	return to;
}

/* An address that is not what it should be. */
static uint64_t bad_address(uint64_t good)
{
	static const uint64_t bad[] = {
		0, 1, 8, 0xffffffffffffffff, 0xffff888000000000, 0xffffffff81000000,
		0x7ffffffff000, 0x800000000000, 0x8000000000000000,
	};

	switch (rnd(4)) {
	case 0:
		return (uint64_t)(uintptr_t)arenas[A_IMAGE].base + arenas[A_IMAGE].size;
	case 1:
		/* the first bytes are there */
		return good + 1 + rnd(48);
	case 2:
		/* where something else is */
		return (uint64_t)(uintptr_t)arenas[rnd(ARENAS)].base;
	default:
		return bad[rnd(ARRAY_SIZE(bad))];
	}
}

static uint64_t bad_number(uint64_t good)
{
	static const uint64_t bad[] = {
		0, 1, 2, 7, 8, 63, 64, 65, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000,
		(256ULL << 20) + 1, 1ULL << 62, UINT64_MAX,
	};

	switch (rnd(4)) {
	case 0:
		return good + 1;
	case 1:
		return good - 1;
	case 2:
		return good ^ 1ULL << rnd(20);
	default:
		return bad[rnd(ARRAY_SIZE(bad))];
	}
}

/* --- calls --- */

struct worker {
	unsigned int index;
	uint64_t image;
	struct kfd k;
	int spare;		/* the lowest descriptor that is free */
	bool armed;		/* a thread writes into the arguments meanwhile */
	pthread_t scribbler;
};

/* The first thing that went wrong is what matters. */
static void __attribute__((format(printf, 1, 2))) fail(const char *fmt, ...)
{
	va_list ap;

	if (__atomic_exchange_n(&sh->failed, true, __ATOMIC_RELAXED))
		return;
	va_start(ap, fmt);
	vsnprintf(sh->error, sizeof(sh->error), fmt, ap);
	va_end(ap);
	sh->stop = true;
}

static void __attribute__((format(printf, 2, 3))) wrong(struct worker *w, const char *fmt, ...)
{
	char what[200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	fail("seed %llu, image %llu: %s", (unsigned long long)run_seed,
	     (unsigned long long)w->image, what);
	_exit(1);
}

#define MUST(w, cond, ...)	do { if (!(cond)) wrong(w, __VA_ARGS__); } while (0)

static void beat(unsigned int who)
{
	__atomic_store_n(&sh->beat[who], scene_clock(), __ATOMIC_RELAXED);
}

static void __attribute__((format(printf, 1, 2))) tell(const char *fmt, ...)
{
	va_list ap;

	if (only == UINT64_MAX)
		return;
	va_start(ap, fmt);
	printf("# ");
	vprintf(fmt, ap);
	va_end(ap);
	fflush(stdout);
}

/* The last write wins, or it does not: the kernel has to look once. */
static void *scribble(void *arg)
{
	struct worker *w = arg;
	uint32_t n = w->image;

	while (__atomic_load_n(&w->armed, __ATOMIC_RELAXED)) {
		struct arena *a = &arenas[1 + n % (ARENAS - 1)];

		n = n * 1664525 + 1013904223;
		a->base[a->size - 1 - (n >> 8) % (a->size / 16)] ^= n >> 4;
	}
	return NULL;
}

static void arm(struct worker *w)
{
	w->armed = true;
	if (pthread_create(&w->scribbler, NULL, scribble, w))
		w->armed = false;
	else
		add(&sh->scribbled);
}

static void disarm(struct worker *w)
{
	if (!w->armed)
		return;
	__atomic_store_n(&w->armed, false, __ATOMIC_RELAXED);
	pthread_join(w->scribbler, NULL);
}

/* One call. @fd -1: the worker's own. What comes back is what the table allows. */
static int criu(struct worker *w, int fd, uint32_t op, struct kfd_ioctl_criu_args *args)
{
	const unsigned int kind = op < OPS ? op : OPS;
	const uint64_t end = (uint64_t)(uintptr_t)arenas[A_ARGS].base + KFD_PAGE;
	unsigned long cmd = AMDKFD_IOC_CRIU_OP;
	uint64_t at;
	unsigned int i;
	int r;

	args->op = op;
	at = (uint64_t)(uintptr_t)place(A_ARGS, args, sizeof(*args), once_in(8) ? rnd(8) : 0);
	beat(w->index);
	add(&sh->calls[kind]);
	if (once_in(500)) {
		/* not even the arguments can be read, or the last of them */
		const uint64_t lost[] = { 0, 8, end, end - 8, 0xffff888000000000, 1ULL << 63 };

		at = lost[rnd(ARRAY_SIZE(lost))];
		r = ioctl(w->k.fd, cmd, at) ? errno : 0;
		MUST(w, r == EFAULT, "%s with arguments at %#llx: %s", op_names[kind],
		     (unsigned long long)at, strerror(r));
		add(&sh->results[kind][r]);
		return r;
	}
	r = ioctl(fd < 0 ? w->k.fd : fd, cmd, at) ? errno : 0;
	beat(w->index);
	memcpy(args, (void *)(uintptr_t)at, sizeof(*args));
	add(&sh->results[kind][r & 255]);
	tell("%s: %s; %u GPUs, %u BOs, %u objects, %llu bytes\n", op_names[kind], strerror(r),
	     args->num_devices, args->num_bos, args->num_objects,
	     (unsigned long long)args->priv_data_size);
	for (i = 0; r && i < ARRAY_SIZE(documented[kind]); i++)
		if (documented[kind][i] == r)
			break;
	MUST(w, i < ARRAY_SIZE(documented[kind]), "%s says %s, which it should not",
	     op_names[kind], strerror(r));
	return r;
}

/* Descriptors that a call has left are in the way of the next one. */
static void no_more_descriptors(struct worker *w, const char *what)
{
	int fd = dup(w->k.fd);

	MUST(w, fd == w->spare, "%s left descriptor %d", what, w->spare);
	close(fd);
}

static void limit_descriptors(rlim_t n)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = n ? n : limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static void close_contents(struct worker *w, const uint8_t *bos, uint32_t n)
{
	struct kfd_criu_bo_bucket b;

	for (; n; n--, bos += sizeof(b)) {
		memcpy(&b, bos, sizeof(b));
		if (b.dmabuf_fd == NO_FD)
			continue;
		MUST(w, !close(b.dmabuf_fd), "descriptor %u of a BO is none", b.dmabuf_fd);
	}
}

/* --- RESTORE --- */

/* An input as RESTORE's arguments. */
struct request {
	struct kfd_ioctl_criu_args args;
	uint8_t *bos, *devices, *image;
	uint32_t num_bos;
};

/* The nodes are this worker's. */
static void give_nodes(struct worker *w, uint8_t *devices, uint32_t n, bool honest)
{
	struct kfd_criu_device_bucket d;
	uint32_t i, odd = honest || !once_in(20) ? n : rnd(n + 1);
	int g;

	for (i = 0; i < n; i++, devices += sizeof(d)) {
		memcpy(&d, devices, sizeof(d));
		g = kfd_gpu_index(&here, d.actual_gpu_id);
		d.drm_fd = w->k.gpu[g < 0 ? i % here.ngpu : (unsigned int)g].drm_fd;
		if (i == odd) {
			const uint32_t odd_fd[] = {
				NO_FD, w->k.fd, 0, d.drm_fd + 1, d.drm_fd - 1, 0x7fffffff,
			};

			d.drm_fd = odd_fd[rnd(ARRAY_SIZE(odd_fd))];
		}
		memcpy(devices, &d, sizeof(d));
	}
}

static void request_make(struct worker *w, struct request *q, const uint8_t *input, size_t size,
			 bool honest)
{
	size_t devices, bos;
	struct call call;

	memset(q, 0, sizeof(*q));
	memset(&call, 0, sizeof(call));
	if (size >= sizeof(call)) {
		memcpy(&call, input, sizeof(call));
		input += sizeof(call);
		size -= sizeof(call);
	}
	devices = call.num_devices * sizeof(struct kfd_criu_device_bucket);
	devices = devices < size ? devices : size / 16 * 16;
	devices = devices < arena_sizes[A_DEVICES] ? devices : arena_sizes[A_DEVICES];
	q->devices = place(A_DEVICES, input, devices, honest ? 0 : rnd(2) * rnd(8));
	input += devices;
	size -= devices;
	bos = call.num_bos * sizeof(struct kfd_criu_bo_bucket);
	bos = bos < size ? bos : size / 48 * 48;
	bos = bos < arena_sizes[A_BOS] ? bos : arena_sizes[A_BOS] / 48 * 48;
	q->bos = place(A_BOS, input, bos, honest ? 0 : rnd(2) * rnd(8));
	input += bos;
	size -= bos;
	q->image = place(A_IMAGE, input, size, honest ? 0 : rnd(2) * rnd(8));

	q->num_bos = bos / sizeof(struct kfd_criu_bo_bucket);
	q->args.num_devices = devices / sizeof(struct kfd_criu_device_bucket);
	q->args.num_bos = q->num_bos;
	q->args.num_objects = call.num_objects;
	q->args.priv_data_size = size;
	q->args.devices = (uintptr_t)q->devices;
	q->args.bos = (uintptr_t)q->bos;
	q->args.priv_data = (uintptr_t)q->image;
	give_nodes(w, q->devices, q->args.num_devices, honest);
}

static void mutate_addresses(struct kfd_ioctl_criu_args *args)
{
	switch (rnd(3)) {
	case 0:
		args->devices = bad_address(args->devices);
		break;
	case 1:
		args->bos = bad_address(args->bos);
		break;
	case 2:
		args->priv_data = bad_address(args->priv_data);
		break;
	}
}

static void mutate_numbers(struct kfd_ioctl_criu_args *args)
{
	switch (rnd(5)) {
	case 0:
		args->num_devices = bad_number(args->num_devices);
		break;
	case 1:
		args->num_bos = bad_number(args->num_bos);
		break;
	case 2:
		args->num_objects = bad_number(args->num_objects);
		break;
	case 3:
		args->priv_data_size = bad_number(args->priv_data_size);
		break;
	case 4:
		args->pid = rnd(UINT32_MAX);
		break;
	}
}

static int restore_honest(struct worker *w, unsigned int seed, struct request *q)
{
	request_make(w, q, seeds[seed].input, seeds[seed].size, true);
	return criu(w, -1, KFD_CRIU_OP_RESTORE, &q->args);
}

/* What a call without success has to leave as it was. */
static void nothing_changed(struct worker *w, const struct request *q,
			    const struct kfd_ioctl_criu_args *before, const uint8_t *bos)
{
	const struct kfd_ioctl_criu_args *now = &q->args;

	MUST(w, now->devices == before->devices && now->bos == before->bos &&
	     now->priv_data == before->priv_data && now->pid == before->pid &&
	     now->priv_data_size == before->priv_data_size &&
	     now->num_devices == before->num_devices && now->num_bos == before->num_bos &&
	     now->num_objects == before->num_objects, "a refused RESTORE changes its arguments");
	MUST(w, !bos || !memcmp(bos, q->bos, q->num_bos * sizeof(struct kfd_criu_bo_bucket)),
	     "a refused RESTORE writes into the buckets");
}

static unsigned int choose_seed(void)
{
	static const uint8_t often[] = {
		SMALL, SMALL, SMALL, SMALL, SMALL, SMALL, SMALL, SMALL_V1, SMALL_V1, FULL, FULL,
		FULL, FULL_V1, EMPTY,
	};

	return often[rnd(ARRAY_SIZE(often))];
}

/* One on top of another, a large one, an address or flags that are rare; all may be allowed. */
static void strange_bucket(uint8_t *input)
{
	struct kfd_criu_bo_bucket b, other;
	struct call call;
	uint8_t *bos, *at;

	memcpy(&call, input, sizeof(call));
	if (!call.num_bos)
		return;
	bos = input + sizeof(call) + call.num_devices * sizeof(struct kfd_criu_device_bucket);
	at = bos + rnd(call.num_bos) * sizeof(b);
	memcpy(&b, at, sizeof(b));
	memcpy(&other, bos + rnd(call.num_bos) * sizeof(b), sizeof(b));
	switch (rnd(5)) {
	case 0:
		b.addr = other.addr + rnd(3) * KFD_PAGE - KFD_PAGE;
		break;
	case 1:
		b.size = (uint64_t)KFD_PAGE << rnd(16);
		break;
	case 2:
		b.addr = 1ULL << (12 + rnd(52));
		break;
	case 3:
		b.alloc_flags ^= 1U << rnd(32);
		break;
	case 4:
		b.alloc_flags |= UINT32_MAX << rnd(32);
		break;
	}
	memcpy(at, &b, sizeof(b));
}

static size_t make_input(uint8_t *to)
{
	unsigned int from = choose_seed(), other, n;
	static uint8_t crossed[INPUT_MAX];
	size_t size = seeds[from].size, more;

	memcpy(to, seeds[from].input, size);
	/* Of an honest image, only the arguments may be bad. */
	if (once_in(40))
		return size;
	/* the mutations have the image say the same */
	if (once_in(5))
		strange_bucket(to);
	for (n = once_in(3) ? 1 : 2 + rnd(8); n; n--) {
		other = choose_seed();
		if (once_in(8)) {
			more = LLVMFuzzerCustomCrossOver(to, size, seeds[other].input,
							 seeds[other].size, crossed, INPUT_MAX,
							 rnd(UINT32_MAX));
			if (more) {
				memcpy(to, crossed, more);
				size = more;
				continue;
			}
		}
		size = LLVMFuzzerCustomMutator(to, size, INPUT_MAX, rnd(UINT32_MAX));
	}
	return size;
}

/*
 * To restore a process and see it off takes a hundred times as long as to refuse one.
 * So most images are refused in any case, but not before all of them was looked at, or
 * the GPUs, or the BOs.
 */
static void be_refused(struct worker *w, struct request *q)
{
	struct kfd_criu_device_bucket *device = (void *)q->devices;
	struct kfd_criu_bo_bucket *bo = (void *)q->bos;
	const uint32_t none = w->k.fd;

	switch (rnd(3)) {
	case 0:
		q->args.num_objects++;
		break;
	case 1:
		if (!q->args.num_devices)
			break;
		device += rnd(q->args.num_devices);
		memcpy(&device->drm_fd, &none, sizeof(none));
		break;
	case 2:
		if (!q->num_bos)
			break;
		bo += rnd(q->num_bos);
		((uint8_t *)&bo->size)[1] ^= 0x10;
		break;
	}
}

static void ask(struct worker *w, bool restored);

static void try_image(struct worker *w)
{
	static uint8_t input[INPUT_MAX], bos[16 * KFD_PAGE];
	bool read_only = once_in(100), few = once_in(100);
	struct kfd_ioctl_criu_args before;
	struct request q;
	int r;

	request_make(w, &q, input, make_input(input), false);
	if (!once_in(24))
		be_refused(w, &q);
	if (once_in(15))
		mutate_addresses(&q.args);
	if (once_in(15))
		mutate_numbers(&q.args);
	before = q.args;
	memcpy(bos, q.bos, q.num_bos * sizeof(struct kfd_criu_bo_bucket));
	if (read_only)
		mprotect(arenas[A_BOS].base, arenas[A_BOS].size, PROT_READ);
	else if (few)
		limit_descriptors(w->spare + rnd(3));
	else if (once_in(50))
		arm(w);
	add(&sh->images);
	r = criu(w, -1, KFD_CRIU_OP_RESTORE, &q.args);
	if (read_only)
		mprotect(arenas[A_BOS].base, arenas[A_BOS].size, PROT_READ | PROT_WRITE);
	if (few)
		limit_descriptors(0);
	if (r) {
		bool compare = !w->armed && r != EFAULT;

		disarm(w);
		nothing_changed(w, &q, &before, compare ? bos : NULL);
		no_more_descriptors(w, "a refused RESTORE");
		return;
	}
	add(&sh->restored);
	if (w->armed || q.args.bos != (uintptr_t)q.bos) {
		/* where its descriptors are is not known */
		disarm(w);
		_exit(0);
	}
	close_contents(w, q.bos, q.args.num_bos);
	no_more_descriptors(w, "a RESTORE, beside those of BOs,");
	ask(w, true);
	_exit(0);
}

/* --- the other operations --- */

static uint32_t some_pid(void)
{
	unsigned int other;

	switch (rnd(6)) {
	case 0:
		other = rnd(WORKERS);
		sh->woken[other] = true;
		return sh->pid[other];
	case 1:
		return getppid();
	case 2:
		return 1 + rnd(100);
	case 3:
		return rnd(UINT32_MAX);
	default:
		return getpid();
	}
}

/* @info: what PROCESS_INFO said, or zeros */
static void checkpoint(struct worker *w, const struct kfd_ioctl_criu_args *info)
{
	struct kfd_ioctl_criu_args args = *info;
	size_t devices = info->num_devices * sizeof(struct kfd_criu_device_bucket);
	size_t bos = info->num_bos * sizeof(struct kfd_criu_bo_bucket);
	size_t image = info->priv_data_size, i;
	bool few = once_in(30), sizes;
	uint8_t *p[3];
	int r;

	if (devices > arena_sizes[A_DEVICES] || bos > arena_sizes[A_BOS] ||
	    image > arena_sizes[A_IMAGE])
		return;
	p[0] = place(A_DEVICES, NULL, devices, 0);
	p[1] = place(A_BOS, NULL, bos, 0);
	p[2] = place(A_IMAGE, NULL, image, 0);
	memset(p[0], 0xa5, devices);
	memset(p[1], 0xa5, bos);
	memset(p[2], 0xa5, image);
	args.devices = (uintptr_t)p[0];
	args.bos = (uintptr_t)p[1];
	args.priv_data = (uintptr_t)p[2];
	if (once_in(3))
		mutate_numbers(&args);
	sizes = args.num_devices == info->num_devices && args.num_bos == info->num_bos;
	if (once_in(4))
		mutate_addresses(&args);
	if (few)
		limit_descriptors(w->spare + rnd(3));
	r = criu(w, -1, KFD_CRIU_OP_CHECKPOINT, &args);
	if (few)
		limit_descriptors(0);
	if (!r) {
		MUST(w, sizes, "CHECKPOINT into buffers of another size");
		if (args.bos == (uintptr_t)p[1])
			close_contents(w, p[1], args.num_bos);
		else if (args.num_bos)
			_exit(0);
		return;
	}
	no_more_descriptors(w, "a refused CHECKPOINT");
	if (r == EFAULT)
		return;
	for (i = 0; i < devices + bos + image; i++) {
		uint8_t *at = i < devices ? p[0] + i :
			      i < devices + bos ? p[1] + i - devices : p[2] + i - devices - bos;

		MUST(w, *at == 0xa5, "CHECKPOINT says %s and writes", strerror(r));
	}
}

/* @restored: the process waits for RESUME; else it is one that RESTORE wants */
static void ask(struct worker *w, bool restored)
{
	struct kfd_ioctl_criu_args info = { 0 }, args;
	bool paused = false, waits = restored;
	unsigned int n = 2 + rnd(6), op;
	struct request q;
	int r;

	while (n--) {
		memset(&args, 0, sizeof(args));
		switch (rnd(10)) {
		case 0:
		case 1:
			r = criu(w, -1, KFD_CRIU_OP_PROCESS_INFO, &args);
			MUST(w, r || !waits || sh->woken[w->index], "PROCESS_INFO before RESUME");
			if (r)
				break;
			info = args;
			paused = true;
			break;
		case 2:
		case 3:
		case 4:
			checkpoint(w, &info);
			break;
		case 5:
			r = criu(w, -1, KFD_CRIU_OP_UNPAUSE, &args);
			MUST(w, paused || r, "UNPAUSE of one that is not paused");
			if (!r)
				paused = false;
			break;
		case 6:
		case 7:
			args.pid = some_pid();
			op = args.pid == (uint32_t)getpid();
			r = criu(w, -1, KFD_CRIU_OP_RESUME, &args);
			MUST(w, r || !op || waits, "RESUME of a process that runs");
			if (!r && op) {
				add(&sh->resumed);
				waits = false;
			}
			break;
		case 8:
			if (!restored && !paused)
				break;
			r = restore_honest(w, EMPTY, &q);
			MUST(w, r, "RESTORE into a process that is in use");
			break;
		case 9:
			op = rnd(OPS + 1);
			args.pid = getpid();
			r = criu(w, foreign_fd, op < OPS ? op : rnd(UINT32_MAX) | 8, &args);
			MUST(w, r, "%s by the file of another process", op_names[op]);
			break;
		}
	}
	memset(&args, 0, sizeof(args));
	while (paused && criu(w, -1, KFD_CRIU_OP_UNPAUSE, &args))
		;
	no_more_descriptors(w, "this");
}

/* --- lives of workers --- */

/* Of the process there is nothing: no memory, no queue. */
static void check_traceless(struct worker *w)
{
	char path[96], text[32];
	unsigned int g;
	FILE *f;

	for (g = 0; g < here.ngpu; g++) {
		snprintf(path, sizeof(path), "/sys/devices/virtual/kfd/kfd/proc/%d/vram_%u",
			 getpid(), here.gpu[g].gpu_id);
		f = fopen(path, "re");
		if (!f)
			continue;
		MUST(w, fgets(text, sizeof(text), f) && !atoll(text),
		     "refused images have left %s bytes of VRAM", text);
		fclose(f);
	}
}

/*
 * What a process comes to that is restored from an honest image of version 1, which leaves
 * some to be guessed: the same as the first such process, before there was a broken image.
 */
static void get_reference(struct worker *w, const struct kfd_image *got, struct kfd_image *want)
{
	if (!sh->v1_size) {
		MUST(w, got->info.priv_data_size <= sizeof(sh->v1), "an image of %llu bytes",
		     (unsigned long long)got->info.priv_data_size);
		memcpy(sh->v1, got->priv, got->info.priv_data_size);
		sh->v1_size = got->info.priv_data_size;
	}
	*want = seeds[SMALL].img;
	want->priv = sh->v1;
	want->info.priv_data_size = sh->v1_size;
}

/* The end of a life: the process is still what RESTORE wants, and becomes what it should. */
static void show_honest(struct worker *w, unsigned int seed)
{
	struct kfd_ioctl_criu_args args = { .pid = getpid() };
	uint64_t end = scene_clock() + 30000;
	struct kfd_image want, got;
	struct request q;
	char text[160];
	uint32_t i;
	int r;

	check_traceless(w);
	do {
		/* others may have all of something for a while */
		r = restore_honest(w, seed, &q);
	} while ((r == ENOMEM || r == EBUSY || r == EFAULT) && scene_clock() < end &&
		 !usleep(20000));
	MUST(w, !r, "an honest image after the broken ones: %s", strerror(r));
	close_contents(w, q.bos, q.args.num_bos);
	/* the others need their memory back before they can be resumed */
	if (seed == FULL || seed == FULL_V1)
		goto done;
	r = kfd_criu_resume(w->k.fd, args.pid);
	MUST(w, !r, "RESUME of an honest image: %s", strerror(-r));
	r = kfd_criu_checkpoint(w->k.fd, &got);
	MUST(w, !r, "CHECKPOINT of an honest image: %s", strerror(-r));
	want = seeds[seed].img;
	if (seed == SMALL_V1)
		get_reference(w, &got, &want);
	/* any slot of the same SDMA engine will do */
	if (img_entry(&got, IMG_QUEUE, 0) && img_entry(&want, IMG_QUEUE, 0))
		memcpy(img_entry(&got, IMG_QUEUE, 0) + Q_SDMA_ID,
		       img_entry(&want, IMG_QUEUE, 0) + Q_SDMA_ID, sizeof(uint32_t));
	MUST(w, img_same(&want, &got, text, sizeof(text)), "an honest image is another one: %s",
	     text);
	for (i = 0; i < got.info.num_bos; i++)
		if (got.bos[i].dmabuf_fd != NO_FD)
			close(got.bos[i].dmabuf_fd);
	r = kfd_criu_unpause(w->k.fd);
	MUST(w, !r, "UNPAUSE: %s", strerror(-r));
done:
	add(&sh->honest);
	_exit(0);
}

static unsigned int life = LIFE;
/* The time is over, and nobody has come to the end of his life yet. */
static bool last;

/* @honest: the image to end with, SEEDS for any */
static void __attribute__((noreturn)) live(unsigned int index, unsigned int honest)
{
	static const uint8_t choice[] = { SMALL, SMALL, SMALL_V1, EMPTY, FULL, FULL_V1 };
	struct worker w = { .index = index };
	char path[64];
	unsigned int g, n;
	char name[16];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	beat(index);
	sh->woken[index] = false;
	w.k = here;
	w.k.fd = open("/dev/kfd", O_RDWR | O_CLOEXEC);
	MUST(&w, w.k.fd >= 0 && arenas_make(), "a worker: %s", strerror(errno));
	for (g = 0; g < here.ngpu; g++) {
		snprintf(path, sizeof(path), "/dev/dri/renderD%d", here.gpu[g].render_minor);
		w.k.gpu[g].drm_fd = open(path, O_RDWR | O_CLOEXEC);
		MUST(&w, w.k.gpu[g].drm_fd >= 0, "%s: %s", path, strerror(errno));
	}
	/* of what it chooses itself */
	begin_image(UINT64_MAX - sh->next);
	w.spare = dup(w.k.fd);
	close(w.spare);

	for (n = 0; n < life && (last || !sh->stop); n++) {
		w.image = only != UINT64_MAX ? only : add(&sh->next);
		if (w.image >= limit && only == UINT64_MAX)
			break;
		begin_image(w.image);
		/* a report of the kernel has it, and may be the last thing that is heard */
		snprintf(name, sizeof(name), "fuzz%llu", (unsigned long long)w.image);
		prctl(PR_SET_NAME, name);
		if (once_in(30))
			ask(&w, false);
		try_image(&w);
		if (only != UINT64_MAX)
			break;
	}
	show_honest(&w, honest < SEEDS ? honest : choice[rnd(ARRAY_SIZE(choice))]);
	_exit(0);
}

/* --- the job beside --- */

#define JOB_BYTES	0x8000u
#define JOB_BEAT	WORKERS

struct job {
	struct kfd k;
	struct kfd_bo in, out, fence, vram[2], kept[2];
	struct kfd_queue sdma[2], pm4[2];
};

static void job_failed(const char *what, unsigned int gpu, uint64_t round, long long detail)
{
	fail("the job, GPU %u, round %llu: %s (%lld)", gpu, (unsigned long long)round, what,
	     detail);
	_exit(1);
}

static int job_make(struct job *j)
{
	unsigned int g;
	int r;

	r = kfd_open_all(&j->k);
	if (!r)
		r = kfd_bo_create(&j->k, &j->in, 0, 0, JOB_BYTES, KFD_BO_GTT, ON_AB);
	if (!r)
		r = kfd_bo_create(&j->k, &j->out, 0, 0, JOB_BYTES, KFD_BO_GTT, ON_AB);
	if (!r)
		r = kfd_bo_create(&j->k, &j->fence, 0, 0, KFD_PAGE, KFD_BO_GTT, ON_AB);
	for (g = 0; !r && g < 2; g++) {
		r = kfd_bo_create(&j->k, &j->vram[g], g, 0, JOB_BYTES, KFD_BO_VRAM, ON_AB);
		if (!r)
			r = kfd_bo_create(&j->k, &j->kept[g], g, 0, 8 * JOB_BYTES, KFD_BO_VRAM,
					  1u << g);
		if (!r)
			r = kfd_queue_create(&j->k, &j->sdma[g], KFD_Q_SDMA, g, 0);
		if (!r)
			r = kfd_queue_create(&j->k, &j->pm4[g], KFD_Q_PM4, g, 0);
		if (!r)
			scene_fill(j->kept[g].cpu, 8 * JOB_BYTES, SEED_BO(g));
	}
	return r;
}

/* Through the VRAM of the other GPU and back, and words that PM4 packets write. */
static void job_round(struct job *j, unsigned int g, uint32_t round)
{
	volatile uint32_t *fence = (uint32_t *)j->fence.cpu + 4 * g;
	const uint64_t fence_va = j->fence.va + 16 * g;
	struct kfd_queue *sdma = &j->sdma[g], *pm4 = &j->pm4[g];
	uint32_t words[64], bad;

	scene_fill(j->in.cpu, JOB_BYTES, round);
	memset(j->out.cpu, 0, JOB_BYTES);
	sdma_copy(sdma, j->vram[!g].va, j->in.va, JOB_BYTES);
	sdma_copy(sdma, j->out.va, j->vram[!g].va, JOB_BYTES);
	sdma_fence(sdma, fence_va, round);
	kfd_queue_submit(sdma);
	if (!kfd_wait32(fence, round, STALL_MS))
		job_failed("SDMA does not finish", g, round, *fence);
	bad = scene_bad(j->out.cpu, JOB_BYTES, round);
	if (bad)
		job_failed("SDMA: wrong words", g, round, bad);

	scene_fill(words, sizeof(words), ~round);
	pm4_write_data(pm4, j->vram[g].va + 4096, words, ARRAY_SIZE(words));
	pm4_release_mem(pm4, fence_va + 8, round, 0);
	kfd_queue_submit(pm4);
	if (!kfd_wait32(fence + 2, round, STALL_MS))
		job_failed("PM4 does not finish", g, round, fence[2]);
	bad = scene_bad((char *)j->vram[g].cpu + 4096, sizeof(words), ~round);
	if (bad)
		job_failed("PM4: wrong words", g, round, bad);

	/* what nobody touches */
	if (round % 16)
		return;
	bad = scene_bad(j->kept[g].cpu, 8 * JOB_BYTES, SEED_BO(g));
	if (bad)
		job_failed("VRAM lost words", g, round, bad);
}

static void __attribute__((noreturn)) job_main(void)
{
	static struct job j;
	uint32_t round;
	int r;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	r = job_make(&j);
	if (r)
		job_failed("can't be made", 0, 0, r);
	for (round = 1; !sh->stop_job; round++) {
		job_round(&j, round % 2, round);
		add(&sh->rounds);
		beat(JOB_BEAT);
		/* the images are what the machine is to be busy with */
		usleep(50000);
	}
	_exit(0);
}

/* --- honest images --- */

static int call_build_small(struct ctx *c)
{
	TRY(c, kfd_open_all(&c->k));
	TRY(c, kfd_bo_create(&c->k, &c->bo[BO_VRAM_AB], GPU_B, SCENE_VA(BO_VRAM_AB), KFD_PAGE,
			     KFD_BO_VRAM, ON_AB));
	TRY(c, kfd_bo_create(&c->k, &c->bo[BO_GTT_B], GPU_A, SCENE_VA(BO_GTT_B), 2 * KFD_PAGE,
			     KFD_BO_GTT, ON_B));
	TRY(c, kfd_event_page(&c->k, &c->bo[BO_PAGE], SCENE_VA(BO_PAGE)));
	TRY(c, kfd_event_create(&c->k, &c->ev[EV_SDMA], KFD_IOC_EVENT_SIGNAL, true,
				&c->bo[BO_PAGE]));
	TRY(c, kfd_event_create(&c->k, &c->ev[EV_MEMORY], KFD_IOC_EVENT_MEMORY, true, NULL));
	TRY(c, kfd_queue_create(&c->k, &c->sdma, KFD_Q_SDMA, GPU_A, SCENE_VA(SLOT_SDMA)));
	return 0;
}

static int call_build_empty(struct ctx *c)
{
	TRY(c, kfd_open_all(&c->k));
	return 0;
}

static const struct {
	call_fn build;
	const char *version;
} sources[SEEDS] = {
	[FULL] = { call_build, "2" },
	[FULL_V1] = { call_build, "1" },
	[SMALL] = { call_build_small, "2" },
	[SMALL_V1] = { call_build_small, "1" },
	[EMPTY] = { call_build_empty, "2" },
};

static bool seed_encode(struct seed *seed)
{
	const struct kfd_image *img = &seed->img;
	size_t devices = img->info.num_devices * sizeof(*img->devices);
	size_t bos = img->info.num_bos * sizeof(*img->bos);
	struct call call = {
		.num_devices = img->info.num_devices,
		.num_bos = img->info.num_bos,
		.num_objects = img->info.num_objects,
	};

	seed->size = sizeof(call) + devices + bos + img->info.priv_data_size;
	seed->input = malloc(seed->size);
	if (!seed->input || seed->size > INPUT_MAX)
		return false;
	memcpy(seed->input, &call, sizeof(call));
	memcpy(seed->input + sizeof(call), img->devices, devices);
	memcpy(seed->input + sizeof(call) + devices, img->bos, bos);
	memcpy(seed->input + sizeof(call) + devices + bos, img->priv, img->info.priv_data_size);
	return true;
}

static bool seed_make(unsigned int i)
{
	static const char parameter[] = "/sys/module/amdgpu/parameters/kfd_criu_image_version";
	struct scene *s = scene_new(0);
	bool ok = false;
	int r;

	if (!s)
		return false;
	r = kfd_write_text(parameter, sources[i].version);
	if (r)
		note(s, "%s: %s", parameter, strerror(-r));
	else if (!spawn(s, &s->p[0]) && !call(&s->p[0], sources[i].build) && !dump(s, &s->p[0]))
		ok = img_copy(&seeds[i].img, &s->img) && seed_encode(&seeds[i]);
	kfd_write_text(parameter, "2");
	if (!ok)
		ksft_print_msg("image %u: %s\n", i, s->why);
	if (reap(&s->p[0]))
		ok = false;
	scene_free(s);
	return ok;
}

/* --- what the kernel tells --- */

static struct reason {
	char text[96];
	uint64_t count;
} reasons[MAX_REASONS];

static unsigned int num_reasons;
static uint64_t verified, refused;
static int trace_fd = -1;
static int log_fd = -1;
static uint64_t log_errors;
static char log_error[512];		/* the first one */

static void log_read(void)
{
	char line[sizeof(log_error)];

	while (log_has_error(log_fd, line, sizeof(line))) {
		/* the queues of one that was restored and resumed do what they like */
		if (strstr(line, "unhandled exception"))
			continue;
		if (!log_errors++)
			memcpy(log_error, line, sizeof(line));
	}
}

static void trace_begin(void)
{
	if (!kfd_write_text(TRACE_EVENTS "/kfd_criu_class/filter",
			    "class == \"process\" && verb == \"prepare\"") &&
	    !kfd_write_text(TRACE_EVENTS "/kfd_criu_class/enable", "1") &&
	    !kfd_write_text(TRACE_EVENTS "/kfd_criu_refuse/enable", "1"))
		trace_fd = open(TRACING "/trace_pipe", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
}

static void trace_end(void)
{
	kfd_write_text(TRACE_EVENTS "/kfd_criu_class/enable", "0");
	kfd_write_text(TRACE_EVENTS "/kfd_criu_refuse/enable", "0");
	kfd_write_text(TRACE_EVENTS "/kfd_criu_class/filter", "0");
}

/* "kfd_criu_refuse: image 0x300000001: two BOs (found 0x1, wanted 0x2) err=-17" */
static void trace_line(char *line)
{
	char *at = strstr(line, "kfd_criu_refuse: "), *why, *end;
	char text[sizeof(reasons->text)];
	unsigned int i;

	if (!at) {
		verified += !!strstr(line, "kfd_criu_class: ");
		return;
	}
	at += strlen("kfd_criu_refuse: ");
	why = strstr(at, ": ");
	end = strstr(at, " (found ");
	if (!why || !end || end < why)
		return;
	*end = 0;
	snprintf(text, sizeof(text), "%.*s%s", (int)strcspn(at, " "), at, why);
	refused++;
	for (i = 0; i < num_reasons; i++)
		if (!strcmp(reasons[i].text, text))
			break;
	if (i == num_reasons) {
		if (num_reasons == MAX_REASONS)
			return;
		memcpy(reasons[num_reasons++].text, text, sizeof(text));
	}
	reasons[i].count++;
}

static void trace_read(void)
{
	static char buf[65536];
	static size_t have;
	char *line, *end;
	ssize_t n;

	while (trace_fd >= 0 && (n = read(trace_fd, buf + have, sizeof(buf) - 1 - have)) > 0) {
		have += n;
		buf[have] = 0;
		for (line = buf; (end = strchr(line, '\n')); line = end + 1) {
			*end = 0;
			trace_line(line);
		}
		have = strlen(line);
		memmove(buf, line, have);
		if (have == sizeof(buf) - 1)
			have = 0;
	}
}

static uint64_t reason_count(const char *text)
{
	unsigned int i;

	for (i = 0; i < num_reasons; i++)
		if (!strcmp(reasons[i].text, text))
			return reasons[i].count;
	return 0;
}

/* Those that were good enough to be looked at behind the header of the image. */
static uint64_t past_checksum(void)
{
	static const char * const early[] = {
		"image: too large", "image: too short", "image: too many devices",
		"image: more BOs than fit into it", "image: image shorter than its version",
		"image: unknown version", "image: image shorter than its header",
		"image: wrong magic number", "image: image of another size than its header says",
		"image: header of another size", "image: wrong checksum",
	};
	/* what PROCESS_INFO and CHECKPOINT say */
	static const char * const others[] = {
		"process: waits for RESUME", "process: the caller's buffers have other sizes",
	};
	uint64_t n = refused;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(early); i++)
		n -= reason_count(early[i]);
	for (i = 0; i < ARRAY_SIZE(others); i++)
		n -= reason_count(others[i]);
	return n + sh->restored;
}

/* Bytes of each GPU's memory that anybody has. */
static uint64_t memory_used(void)
{
	static const char * const files[] = { "vram", "gtt" };
	unsigned int g, i;
	uint64_t sum = 0;
	char path[128];
	FILE *f;

	for (g = 0; g < 2 * here.ngpu; g++) {
		unsigned long long v = 0;

		i = g % 2;
		snprintf(path, sizeof(path), "/sys/class/drm/renderD%d/device/mem_info_%s_used",
			 here.gpu[g / 2].render_minor, files[i]);
		f = fopen(path, "re");
		if (!f)
			continue;
		if (fscanf(f, "%llu", &v) == 1)
			sum += v;
		fclose(f);
	}
	return sum;
}

/* Beside ourselves. */
static unsigned int kfd_processes(void)
{
	DIR *d = opendir("/sys/devices/virtual/kfd/kfd/proc");
	struct dirent *e;
	unsigned int n = 0;

	while (d && (e = readdir(d)))
		n += e->d_name[0] != '.' && atoi(e->d_name) != getpid();
	if (d)
		closedir(d);
	return n;
}

/* --- the run --- */

static void run_workers(void)
{
	const char *who[WORKERS + 1] = { "worker 0", "worker 1", "the job" };
	uint64_t said = scene_clock() + 20000;
	bool more = true;
	unsigned int i, alive = 0;
	int status;
	pid_t pid;

	do {
		more = !sh->stop && (only == UINT64_MAX ? sh->next < limit : !sh->images);
		for (i = 0; i < (only == UINT64_MAX ? WORKERS : 1); i++) {
			if (sh->pid[i] || !more)
				continue;
			fflush(stdout);
			beat(i);
			pid = fork();
			if (!pid)
				live(i, SEEDS);
			sh->pid[i] = pid;
			alive++;
		}
		for (i = 0; i < WORKERS; i++) {
			if (!sh->pid[i] || waitpid(sh->pid[i], &status, WNOHANG) != sh->pid[i])
				continue;
			sh->pid[i] = 0;
			alive--;
			if (status)
				fail("seed %llu: worker %u died near image %llu, wait status %#x",
				     (unsigned long long)run_seed, i,
				     (unsigned long long)sh->next, status);
		}
		for (i = 0; i <= WORKERS; i++) {
			if ((i < WORKERS && !sh->pid[i]) ||
			    scene_clock() < sh->beat[i] + STALL_MS + 30000)
				continue;
			fail("seed %llu: %s hangs near image %llu", (unsigned long long)run_seed,
			     who[i], (unsigned long long)sh->next);
			if (i < WORKERS)
				kill(sh->pid[i], SIGKILL);
			sh->beat[i] = scene_clock();
		}
		trace_read();
		log_read();
		if (scene_clock() > said) {
			said = scene_clock() + 20000;
			ksft_print_msg("%llu images, %llu restored, %u reasons; %llu rounds\n",
				       (unsigned long long)sh->images,
				       (unsigned long long)sh->restored, num_reasons,
				       (unsigned long long)sh->rounds);
			fflush(stdout);
		}
		usleep(2000);
	} while (more || alive);
}

/* A life of so many images, that ends with one of @honest. */
static void live_once(uint64_t images, unsigned int honest)
{
	int status;
	pid_t pid;

	life = images;
	fflush(stdout);
	beat(0);
	pid = fork();
	if (!pid)
		live(0, honest);
	if (waitpid(pid, &status, 0) != pid || status)
		fail("seed %llu: a worker by itself died near image %llu, wait status %#x",
		     (unsigned long long)run_seed, (unsigned long long)sh->next, status);
}

/* What a worker has to be able to behind broken images, it is without them: each twice. */
static void show_each_honest(void)
{
	unsigned int i;

	for (i = 0; i < SEEDS && !sh->failed; i++) {
		live_once(0, i);
		live_once(0, i);
	}
	sh->honest = 0;
	life = LIFE;
}

/*
 * A worker whose image was restored has no end to show, and restoring takes most of the
 * time: when that is over, it may be that none has shown one.
 */
static void show_one_honest(void)
{
	last = true;
	limit = UINT64_MAX;
	while (!sh->honest && !sh->failed)
		live_once(SHORT_LIFE, SEEDS);
}

static unsigned int print_results(void)
{
	unsigned int op, err, i, errnos = 0;
	char line[400];
	int n;

	for (op = 0; op <= OPS; op++) {
		n = snprintf(line, sizeof(line), "%s: %llu calls:", op_names[op],
			     (unsigned long long)sh->calls[op]);
		for (err = 0; err < 256; err++) {
			if (!sh->results[op][err])
				continue;
			if (op == KFD_CRIU_OP_RESTORE && err)
				errnos++;
			n += snprintf(line + n, sizeof(line) - n, " %llu %s",
				      (unsigned long long)sh->results[op][err],
				      err ? strerrorname_np(err) : "done");
		}
		ksft_print_msg("%s\n", line);
	}
	for (i = 0; i < num_reasons; i++)
		ksft_print_msg("refused %llu times: %s\n", (unsigned long long)reasons[i].count,
			       reasons[i].text);
	return errnos;
}

int main(void)
{
	uint64_t start, memory, images, past, until;
	unsigned int i, errnos;
	bool judged;
	pid_t job;
	int status;

	ksft_print_header();
	if (kfd_topology(&here) || here.ngpu < 2 || access("/dev/kfd", R_OK | W_OK))
		ksft_exit_skip("two GPUs of KFD needed\n");
	if (criu_stock_code())
		ksft_exit_skip("not for the checkpoint code of the base kernel\n");
	limit = env_number("KFD_CRIU_FUZZ",
			   env_number("KFD_CRIU_SOAK", 0) ? SOAK_IMAGES : IMAGES);
	run_seed = env_number("KFD_CRIU_SEED", time(NULL));
	only = env_number("KFD_CRIU_FUZZ_ONLY", UINT64_MAX);
	sh = mmap(NULL, sizeof(*sh), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (sh == MAP_FAILED)
		ksft_exit_fail_msg("no memory\n");

	ksft_print_msg("seed %llu\n", (unsigned long long)run_seed);
	memory = memory_used();
	for (i = 0; i < SEEDS; i++)
		if (!seed_make(i))
			ksft_exit_fail_msg("no honest image\n");
	ksft_print_msg("honest images of %zu, %zu, %zu, %zu, %zu bytes\n", seeds[FULL].size,
		       seeds[FULL_V1].size, seeds[SMALL].size, seeds[SMALL_V1].size,
		       seeds[EMPTY].size);
	fflush(stdout);
	beat(JOB_BEAT);
	job = fork();
	if (!job)
		job_main();
	foreign_fd = open("/dev/kfd", O_RDWR);
	trace_begin();
	log_fd = log_open();
	start = scene_clock();
	if (only == UINT64_MAX)
		show_each_honest();
	run_workers();
	if (only == UINT64_MAX)
		show_one_honest();
	start = scene_clock() - start;
	trace_end();
	trace_read();
	sh->stop_job = true;
	waitpid(job, &status, 0);
	close(foreign_fd);

	images = sh->images;
	past = past_checksum();
	errnos = print_results();
	ksft_print_msg("TRIED: %llu images in %llu s with seed %llu\n", (unsigned long long)images,
		       (unsigned long long)start / 1000, (unsigned long long)run_seed);
	ksft_print_msg("TRIED: past the checksum %llu, past the verifier %llu\n",
		       (unsigned long long)past, (unsigned long long)verified);
	ksft_print_msg("restored %llu, resumed %llu; changed in the middle of the call %llu\n",
		       (unsigned long long)sh->restored, (unsigned long long)sh->resumed,
		       (unsigned long long)sh->scribbled);
	if (log_errors)
		ksft_print_msg("errors in the log: %llu, the first: %.*s\n",
			       (unsigned long long)log_errors, (int)strcspn(log_error, "\n"),
			       log_error);
	if (sh->error[0]) {
		ksft_print_msg("%s\n", sh->error);
		ksft_print_msg("again with KFD_CRIU_SEED=%llu KFD_CRIU_FUZZ_ONLY=<image>\n",
			       (unsigned long long)run_seed);
	}
	judged = trace_fd >= 0 && images >= ENOUGH;
	if (!judged)
		ksft_print_msg("%s, so reasons are not counted\n",
			       trace_fd < 0 ? "a kernel without tracing" : "few images");
	ksft_set_plan(judged ? 7 : 5);
	ksft_test_result(!sh->error[0] && images, "%llu images\n", (unsigned long long)images);
	ksft_test_result(!status && sh->rounds, "the job beside: %llu rounds\n",
			 (unsigned long long)sh->rounds);
	ksft_test_result(sh->honest, "%llu honest images in between\n",
			 (unsigned long long)sh->honest);

	/* a fuzzer that gets nowhere would find nothing */
	if (judged) {
		ksft_test_result(errnos >= 8 && num_reasons >= 80,
				 "%u errnos of RESTORE, %u reasons\n", errnos, num_reasons);
		ksft_test_result(past > images / 2 && verified > images / 1000 && sh->restored,
				 "%llu %% past the checksum, %llu past the verifier\n",
				 (unsigned long long)(past * 100 / images),
				 (unsigned long long)verified);
	}

	/* memory is given back by workers */
	for (until = scene_clock() + 30000; scene_clock() < until; usleep(20000))
		if (!kfd_processes() && memory_used() <= memory)
			break;
	ksft_test_result(!kfd_processes(), "no process is left\n");
	ksft_test_result(memory_used() <= memory, "memory: %llu bytes before, %llu after\n",
			 (unsigned long long)memory, (unsigned long long)memory_used());
	ksft_finished();
}
