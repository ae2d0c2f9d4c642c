/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The frame of races: sides that do something in a loop, a count of how often
 * one was inside of a call while another was, and what they say in the end.
 */
#ifndef KFD_CRIU_RACE_H
#define KFD_CRIU_RACE_H

#include <pthread.h>
#include "kfd_criu_row.h"
#include "kfd_criu_image_edit.h"

/* On ours: up to FOE; on the other: from there on. */
enum { US, US_TOO, FOE, SIDES = FOE + 3 };

/* Threads of a process that do not stand still. */
#define FOES			2
#define MIN_ROUNDS		3
#define MAX_ROUNDS		40
/* When a row that had its MIN_ROUNDS ends. */
#define ROW_MS			2500
#define SOAK			30
/* A row goes on for so long if the sides have not met, before it fails. */
#define PATIENCE_MS		300000

/* Memory for the objects of foes, in which a restored process has plain memory. */
#define RACE_VA(foe)		(0x400000000ULL + (foe) * 0x2000000ULL)
#define RACE_SIZE		(FOES * 0x2000000ULL)

/**
 * struct side - one who takes part
 * @seq: odd while inside of a call
 * @calls: how many were made
 * @good: how many succeeded
 * @met: how many of them were under way together with one of the other side
 */
struct side {
	uint32_t seq, calls, good, met;
};

/**
 * struct race - what all processes of a row share
 * @seed: of all delays
 * @rounds: how many there were
 * @restore_ms: how long the last RESTORE took
 * @restored: the process has its objects, by a build or a restore
 * @strict: and it runs: no call of a foe may fail
 * @stop: threads of a process look at it
 * @killed: the target has been killed
 */
struct race {
	struct side side[SIDES];
	uint32_t seed, rounds, restore_ms;
	uint64_t begun;
	bool restored, strict, stop, killed;
};

static struct race *race;
/* What else a row has to see before it may end, or NULL. */
static bool (*race_enough)(void);
static uint32_t race_seed;

static bool soak(void)
{
	const char *s = getenv("KFD_CRIU_SOAK");

	return s && atoi(s);
}

/* Once, before the harness forks a process for each row. */
static void __attribute__((constructor)) choose_seed(void)
{
	const char *s = getenv("KFD_CRIU_SEED");
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	race_seed = s && *s ? strtoul(s, NULL, 0) : (uint32_t)t.tv_nsec ^ (uint32_t)t.tv_sec;
}

static uint32_t rnd(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

static uint32_t rnd_of(unsigned int side)
{
	return race->seed * 2654435761u + side * 40503u + race->rounds;
}

/* Nothing, some instructions, or some time. */
static void dawdle(uint32_t *state)
{
	uint32_t how = rnd(state) % 4, n = rnd(state);

	if (how == 1)
		for (n %= 20000; n; n--)
			__asm__ volatile("" ::: "memory");
	else if (how > 1)
		usleep(n % (how == 2 ? 300 : 3000));
}

static bool other_side(unsigned int i, unsigned int j)
{
	return (i < FOE) != (j < FOE);
}

static void enter(unsigned int i, uint32_t *seen)
{
	unsigned int j;

	for (j = 0; j < SIDES; j++)
		seen[j] = __atomic_load_n(&race->side[j].seq, __ATOMIC_SEQ_CST);
	__atomic_add_fetch(&race->side[i].seq, 1, __ATOMIC_SEQ_CST);
}

static void leave(unsigned int i, const uint32_t *seen, int r)
{
	struct side *me = &race->side[i];
	bool met = false;
	unsigned int j;

	for (j = 0; j < SIDES; j++)
		met |= other_side(i, j) &&
		       (seen[j] & 1 ||
			seen[j] != __atomic_load_n(&race->side[j].seq, __ATOMIC_SEQ_CST));
	__atomic_add_fetch(&me->seq, 1, __ATOMIC_SEQ_CST);
	me->calls++;
	me->good += !r;
	me->met += met;
}

/* A call, counted for side @i. */
#define DO(i, call)					\
({							\
	const unsigned int side_ = (i);			\
	uint32_t seen_[SIDES];				\
	int done_;					\
							\
	enter(side_, seen_);				\
	done_ = (call);					\
	leave(side_, seen_, done_);			\
	done_;						\
})

static bool race_begin(struct scene *s)
{
	race = mmap(NULL, sizeof(*race), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		    -1, 0);
	if (race == MAP_FAILED) {
		verdict = BROKEN;
		note(s, "no memory");
		return false;
	}
	race->seed = race_seed;
	race->begun = scene_clock();
	printf("# seed %u\n", race->seed);
	return true;
}

/* All calls of one side. */
static struct side race_sum(bool foes)
{
	struct side sum = { 0 };
	unsigned int i;

	for (i = foes ? FOE : US; i < (foes ? SIDES : FOE); i++) {
		sum.calls += race->side[i].calls;
		sum.good += race->side[i].good;
		sum.met += race->side[i].met;
	}
	return sum;
}

/* Both sides succeeded, and not only one after the other. */
static bool race_was_one(void)
{
	struct side we = race_sum(false), they = race_sum(true);

	return we.good && they.good && (we.met || they.met);
}

/* Is there another round? */
static bool race_goes_on(struct scene *s)
{
	uint64_t factor = soak() ? SOAK : 1;

	if (s->why[0])
		return false;
	if (race->rounds >= MIN_ROUNDS * factor &&
	    (race->rounds >= MAX_ROUNDS * factor ||
	     scene_clock() > race->begun + ROW_MS * factor) &&
	    ((race_was_one() && (!race_enough || race_enough())) ||
	     scene_clock() > race->begun + PATIENCE_MS))
		return false;
	race->rounds++;
	return true;
}

/* What was tried, for the table; a row in which nobody met anybody shows nothing. */
static void race_end(struct scene *s)
{
	struct side we = race_sum(false), they = race_sum(true);

	snprintf(said, sizeof(said),
		 "%u rounds, %u of %u calls good, %u of %u against them, %u and %u met",
		 race->rounds, we.good, we.calls, they.good, they.calls, we.met, they.met);
	printf("# %s\n", said);
	if (verdict != PASSED)
		return;
	/* a thread or a process that is no part of the row's own has complained */
	if (s->why[0])
		verdict = FAILED;
	else
		CHECK(race_was_one(), "no race: %s", said);
}

/* --- what must not stay behind --- */

/**
 * struct rest - what is in use with none of a row's processes there
 * @vram: bytes on each GPU
 * @gtt: the same
 * @processes: that KFD knows, this one aside
 */
struct rest {
	unsigned long long vram[2], gtt[2];
	unsigned int processes, queues;
};

static unsigned long long memory_used(const struct kfd_gpu *g, const char *kind)
{
	unsigned long long v = 0;
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "/sys/class/drm/renderD%d/device/mem_info_%s_used",
		 g->render_minor, kind);
	f = fopen(path, "re");
	if (!f)
		return 0;
	if (fscanf(f, "%llu", &v) != 1)
		v = 0;
	fclose(f);
	return v;
}

static unsigned int kfd_processes(void)
{
	DIR *d = opendir("/sys/devices/virtual/kfd/kfd/proc");
	unsigned int n = 0;
	struct dirent *e;

	while (d && (e = readdir(d)))
		n += e->d_name[0] != '.' && atoi(e->d_name) != getpid();
	if (d)
		closedir(d);
	return n;
}

/* Queues that debugfs shows, of whomever. */
static unsigned int kfd_queues(void)
{
	FILE *f = fopen("/sys/kernel/debug/kfd/mqds", "re");
	unsigned int n = 0;
	char line[256];

	while (f && fgets(line, sizeof(line), f))
		n += !!strstr(line, "queue on device");
	if (f)
		fclose(f);
	return n;
}

static void rest_take(struct scene *s, struct rest *r)
{
	unsigned int g;

	for (g = 0; g < 2; g++) {
		r->vram[g] = memory_used(&s->here.gpu[g], "vram");
		r->gtt[g] = memory_used(&s->here.gpu[g], "gtt");
	}
	r->processes = kfd_processes();
	r->queues = kfd_queues();
}

/* At the beginning: workers may still give back what the row before had. */
static void rest_settled(struct scene *s, struct rest *r)
{
	struct rest again;
	unsigned int i;

	rest_take(s, r);
	for (i = 0; i < 50; i++) {
		scene_quiet();
		rest_take(s, &again);
		if (!memcmp(r, &again, sizeof(*r)))
			return;
		*r = again;
	}
}

static bool rest_more(const struct rest *now, const struct rest *before, char *text, size_t len)
{
	unsigned int g;

	for (g = 0; g < 2; g++) {
		if (now->vram[g] > before->vram[g] || now->gtt[g] > before->gtt[g]) {
			snprintf(text, len, "GPU %c: VRAM %llu became %llu, GTT %llu became %llu",
				 'A' + g, before->vram[g], now->vram[g], before->gtt[g],
				 now->gtt[g]);
			return true;
		}
	}
	snprintf(text, len, "%u processes became %u, %u queues became %u", before->processes,
		 now->processes, before->queues, now->queues);
	return now->processes > before->processes || now->queues > before->queues;
}

/* All processes of the row have gone: so must have what they had. */
static void rest_check(struct scene *s, const struct rest *before, unsigned int fds)
{
	uint64_t end = scene_clock() + 15000;
	struct rest now;
	unsigned int i;
	char text[160];

	for (i = 0; i < 3; i++)
		CHECK(!reap(&s->p[i]), "KFD keeps a process");
	for (i = 0; i < s->here.ngpu; i++) {
		if (s->here.gpu[i].drm_fd >= 0)
			close(s->here.gpu[i].drm_fd);
		s->here.gpu[i].drm_fd = -1;
	}
	do {
		rest_take(s, &now);
		if (!rest_more(&now, before, text, sizeof(text)))
			break;
		usleep(20000);
	} while (scene_clock() < end);
	CHECK(!rest_more(&now, before, text, sizeof(text)), "left behind: %s", text);
	CHECK(open_fds() <= fds, "%u descriptors are left", open_fds() - fds);
}

/* A row: @fn has its rounds, and everything is as before. */
static void race_row(struct scene *s, void (*fn)(struct scene *s))
{
	unsigned int fds = open_fds();
	struct rest before;

	if (!race_begin(s))
		return;
	rest_settled(s, &before);
	fn(s);
	race_end(s);
	if (verdict == PASSED)
		rest_check(s, &before, fds);
}

#define RACE(name, flags)						\
	static void race_##name(struct scene *s);			\
	ROW(name, flags)						\
	{								\
		race_row(s, race_##name);				\
	}								\
	static void race_##name(struct scene *s)

#endif
