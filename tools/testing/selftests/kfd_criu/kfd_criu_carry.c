// SPDX-License-Identifier: GPL-2.0
/*
 * A checkpoint in a file, so that it can be restored after another boot, by
 * another kernel:
 *
 *   kfd_criu_carry save <file>   a process in the middle of its work, into <file>
 *   kfd_criu_carry load <file>   that process again, in a machine with the same GPUs
 *   kfd_criu_carry               both, one after the other
 *
 * The file is for the same build of this program: it is no format.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include "kfd_criu_expect.h"
#include "kfd_criu_scene.h"

#define MAGIC			"KFDCARRY"

static struct scene *scene;

/**
 * struct head - the start of the file
 * @ctx_size: tells builds apart
 * @npages: how many pieces of the process' own memory there are
 * @info: counts and sizes; its pointers mean nothing
 *
 * Behind it: what the process knows of itself, devices, BOs, priv_data, for
 * each BO its contents, each piece of memory, and a checksum.
 */
struct head {
	char magic[8];
	uint32_t ctx_size, npages;
	struct kfd_ioctl_criu_args info;
};

/* A file that is written or read, with the checksum of all that went through. */
struct stream {
	FILE *f;
	bool out, bad;
	uint64_t sum;
};

static void pass(struct stream *st, void *p, uint64_t bytes)
{
	const uint8_t *b = p;
	uint64_t i, h = st->sum;

	if (st->bad || !bytes)
		return;
	if ((st->out ? fwrite(p, 1, bytes, st->f) : fread(p, 1, bytes, st->f)) != bytes) {
		st->bad = true;
		return;
	}
	for (i = 0; i < bytes; i++)
		h = (h ^ b[i]) * 0x100000001b3ULL;
	st->sum = h;
}

static void pass_sum(struct stream *st)
{
	uint64_t sum = st->sum, stored = sum;

	pass(st, &stored, sizeof(stored));
	st->bad |= stored != sum;
}

/* As kfd_criu_lib.c allocates, because kfd_image_free() frees it. */
static void *room(struct stream *st, uint64_t bytes)
{
	void *p;

	if (st->bad)
		return NULL;
	p = mmap(NULL, bytes ? bytes : 1, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		 0);
	st->bad = p == MAP_FAILED;
	return st->bad ? NULL : p;
}

/* In either direction: room is made for what is read. */
static void pass_new(struct stream *st, void **p, uint64_t bytes)
{
	if (!st->out)
		*p = room(st, bytes);
	pass(st, *p, bytes);
}

static void pass_scene(struct stream *st, struct scene *s)
{
	struct head head = { .magic = MAGIC, .ctx_size = sizeof(struct ctx) };
	struct kfd_image *img = &s->img;
	uint32_t i;

	head.npages = s->npages;
	head.info = img->info;
	pass(st, &head, sizeof(head));
	st->bad |= memcmp(head.magic, MAGIC, sizeof(head.magic)) ||
		   head.ctx_size != sizeof(struct ctx) || head.npages > ARRAY_SIZE(s->pages);
	if (st->bad)
		return;
	img->info = head.info;
	pass(st, &s->p[0].c, sizeof(s->p[0].c));
	pass_new(st, (void **)&img->devices, img->info.num_devices * sizeof(*img->devices));
	pass_new(st, (void **)&img->bos, img->info.num_bos * sizeof(*img->bos));
	pass_new(st, (void **)&img->priv, img->info.priv_data_size);
	if (!st->out)
		img->contents = room(st, img->info.num_bos * sizeof(*img->contents));
	for (i = 0; i < img->info.num_bos && !st->bad; i++) {
		uint8_t has = !!img->contents[i];

		pass(st, &has, sizeof(has));
		if (has)
			pass_new(st, &img->contents[i], img->bos[i].size);
	}
	for (i = 0; i < head.npages && !st->bad; i++) {
		struct pages *p = &s->pages[i];

		pass(st, &p->va, sizeof(p->va));
		pass(st, &p->size, sizeof(p->size));
		pass_new(st, &p->data, p->size);
		s->npages = i + 1;
	}
	pass_sum(st);
}

static int carry(struct scene *s, const char *path, bool out)
{
	struct stream st = { .out = out };

	st.f = fopen(path, out ? "we" : "re");
	if (!st.f) {
		note(s, "%s: %s", path, strerror(errno));
		return -1;
	}
	pass_scene(&st, s);
	if (st.bad)
		note(s, out ? "%s: it cannot be written" : "%s: it is not what was saved", path);
	if (fclose(st.f) && !st.bad) {
		note(s, "%s: %s", path, strerror(errno));
		return -1;
	}
	s->p[0].c.s = s;
	return st.bad ? -1 : 0;
}

/* --- saving --- */

static const char *file;

static int save_build(struct scene *s)
{
	return start(s, &s->p[0]);
}

static int save_checkpoint(struct scene *s)
{
	return dump(s, &s->p[0]);
}

/* The version that this kernel was told to write, where it can be told. */
static int save_version(struct scene *s)
{
	uint32_t version, want = kfd_parameter("kfd_criu_image_version", 1);

	if (s->img.info.priv_data_size < sizeof(version)) {
		note(s, "the image is empty");
		return -1;
	}
	memcpy(&version, s->img.priv, sizeof(version));
	ksft_print_msg("image of version %u, %llu bytes\n", version,
		       (unsigned long long)s->img.info.priv_data_size);
	if (version == want)
		return 0;
	note(s, "version %u was wanted", want);
	return -1;
}

static int save_write(struct scene *s)
{
	return carry(s, file, true);
}

static int save_end(struct scene *s)
{
	return reap(&s->p[0]);
}

/* --- loading --- */

static int load_read(struct scene *s)
{
	uint32_t version = 0, i;

	if (carry(s, file, false))
		return -1;
	memcpy(&version, s->img.priv, sizeof(version));
	ksft_print_msg("image of version %u, %u devices, %u BOs, %u other objects\n", version,
		       s->img.info.num_devices, s->img.info.num_bos, s->img.info.num_objects);
	for (i = 0; i < s->img.info.num_devices && i < s->here.ngpu; i++)
		ksft_print_msg("GPU %u goes to GPU %u\n", s->img.devices[i].user_gpu_id,
			       s->here.gpu[i].gpu_id);
	return 0;
}

static int load_restore(struct scene *s)
{
	return restore(s, &s->p[0], &s->p[1], false);
}

static int load_resume(struct scene *s)
{
	int r = resume(s, &s->p[1]);

	if (r)
		note(s, "RESUME: %s", strerror(-r));
	return r;
}

/* What was there before the job and is not touched by it. */
static int call_old_contents(struct ctx *c)
{
	unsigned int i, bad;

	for (i = 0; i < NUM_BO; i++) {
		if (!scene_bo_kinds[i].pattern)
			continue;
		bad = scene_bad(c->bo[i].cpu, HALF, SEED_BO(i));
		NEED(c, !bad, "%u words differ in %s", bad, scene_bo_kinds[i].name);
	}
	bad = scene_bad((void *)(uintptr_t)c->svm, HALF, SEED_SVM);
	NEED(c, !bad, "%u words differ in the SVM range", bad);
	return 0;
}

static int load_contents(struct scene *s)
{
	return call(&s->p[1], call_old_contents);
}

static int load_sdma_job(struct scene *s)
{
	return call(&s->p[1], call_finish_sdma_job);
}

static int load_aql_job(struct scene *s)
{
	return call(&s->p[1], call_finish_aql_job);
}

static int call_events(struct ctx *c)
{
	TRY(c, kfd_event_wait(&c->k, &c->ev[EV_SDMA], c->s->wait_ms, NULL));
	TRY(c, kfd_event_wait(&c->k, &c->ev[EV_AQL], c->s->wait_ms, NULL));
	NEED(c, kfd_event_wait(&c->k, &c->ev[EV_STATE], 0, NULL) == -ETIMEDOUT,
	     "an event fires that nobody raised");
	TRY(c, kfd_event_set(&c->k, &c->ev[EV_STATE]));
	TRY(c, kfd_event_wait(&c->k, &c->ev[EV_STATE], c->s->wait_ms, NULL));
	return 0;
}

static int load_events(struct scene *s)
{
	return call(&s->p[1], call_events);
}

static int load_new_work(struct scene *s)
{
	int r = call(&s->p[1], call_sdma_works);

	return r ? r : call(&s->p[1], call_aql_works);
}

static int load_destroy(struct scene *s)
{
	return call(&s->p[1], call_destroy_restored);
}

static int load_end(struct scene *s)
{
	return reap(&s->p[1]);
}

static const struct step {
	const char *name;
	int (*fn)(struct scene *s);
} save_steps[] = {
	{ "jobs_half_done", save_build },
	{ "checkpoint", save_checkpoint },
	{ "image_version", save_version },
	{ "file_written", save_write },
	{ "source_killed", save_end },
}, load_steps[] = {
	{ "file_read", load_read },
	{ "restore", load_restore },
	{ "resume", load_resume },
	{ "contents", load_contents },
	{ "sdma_job_finishes", load_sdma_job },
	{ "aql_job_finishes", load_aql_job },
	{ "events_fire", load_events },
	{ "queues_take_new_work", load_new_work },
	{ "objects_destroyed", load_destroy },
	{ "copy_killed", load_end },
};

/* Each step needs the one before. */
static void run(const struct step *step, unsigned int n)
{
	bool broken = false;
	unsigned int i;

	scene = scene_new(0);
	if (!scene)
		ksft_exit_fail_msg("no memory\n");
	for (i = 0; i < n; i++, step++) {
		if (broken) {
			ksft_test_result_code(KSFT_SKIP, step->name, "a step before it failed");
			continue;
		}
		if (!step->fn(scene)) {
			ksft_test_result_pass("%s\n", step->name);
			continue;
		}
		broken = true;
		ksft_print_msg("%s: %s\n", step->name,
			       scene->why[0] ? scene->why : "no reason given");
		ksft_test_result_fail("%s\n", step->name);
	}
	/* half a checkpoint must not be taken for one */
	if (broken && step == save_steps + ARRAY_SIZE(save_steps))
		unlink(file);
	scene_free(scene);
}

int main(int argc, char **argv)
{
	bool save = argc == 3 && !strcmp(argv[1], "save");
	bool load = argc == 3 && !strcmp(argv[1], "load");
	char temporary[] = "/tmp/kfd_criu_carry.XXXXXX";
	struct kfd here;
	int fd;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc != 1 && !save && !load) {
		fprintf(stderr, "usage: kfd_criu_carry [save|load <file>]\n");
		return KSFT_FAIL;
	}
	ksft_print_header();
	if (kfd_topology(&here))
		ksft_exit_skip("no KFD on this machine\n");
	if (here.ngpu < 2)
		ksft_exit_skip("two GPUs needed, %u found\n", here.ngpu);
	/* it takes topology_lock under a dqm lock, which closes a cycle of locks */
	if (criu_stock_code())
		kfd_prove_locking(0);

	if (argc == 1) {
		fd = mkstemp(temporary);
		if (fd < 0)
			ksft_exit_fail_msg("%s: %s\n", temporary, strerror(errno));
		close(fd);
	}
	file = argc == 1 ? temporary : argv[2];
	ksft_set_plan((load ? 0 : ARRAY_SIZE(save_steps)) + (save ? 0 : ARRAY_SIZE(load_steps)));
	if (!load)
		run(save_steps, ARRAY_SIZE(save_steps));
	if (!save)
		run(load_steps, ARRAY_SIZE(load_steps));
	if (argc == 1)
		unlink(temporary);
	ksft_finished();
}
