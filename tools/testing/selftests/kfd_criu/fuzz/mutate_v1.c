// SPDX-License-Identifier: GPL-2.0
/*
 * Changes to images of version 1: its objects have no lengths, but places and sizes that
 * are known, see kfd_criu_image_v1.c.
 */
#include "mutate.h"

#define V1_BO_NEW		272
#define V1_BO_OLD		80
#define V1_QUEUE_SIZE		120
#define V1_EVENT_SIZE		64
#define V1_RANGE_SIZE(devices)	(24 + 8 * (4 + (devices)))

static const struct field v1_process_fields[] = { { 0, 4 }, { 4, 4 } };

static const struct field v1_queue_fields[] = {
	{ 0, 4 }, { 8, 8 }, { 16, 8 }, { 24, 8 }, { 32, 8 }, { 48, 8 }, { 56, 8 }, { 64, 4 },
	{ 68, 4 }, { 72, 4 }, { 76, 4 }, { 80, 4 }, { 84, 4 }, { 88, 4 }, { 92, 4 }, { 96, 4 },
	{ 100, 4 }, { 104, 4 }, { 108, 4 }, { 112, 4 },
};

static const struct field v1_event_fields[] = {
	{ 0, 4 }, { 8, 8 }, { 16, 4 }, { 20, 4 }, { 24, 4 }, { 28, 4 }, { 32, 8 }, { 48, 8 },
};

static size_t v1_object_size(const struct draft *d, size_t at)
{
	u32 type, mqd, ctl;

	if (at + sizeof(type) > d->size)
		return 0;
	memcpy(&type, d->image + at, sizeof(type));
	if (type == 1)
		return V1_EVENT_SIZE;
	if (type == 2)
		return V1_RANGE_SIZE(d->call.num_devices);
	if (type || at + V1_QUEUE_SIZE > d->size)
		return 0;
	memcpy(&ctl, d->image + at + 108, sizeof(ctl));
	memcpy(&mqd, d->image + at + 112, sizeof(mqd));
	return size_add(V1_QUEUE_SIZE, size_add(mqd, ctl));
}

/* Fills in where objects are; how many were found in a row. */
static u32 v1_find(struct draft *d, u32 bo_size)
{
	size_t at = 8 + 8 * d->call.num_devices + bo_size * d->call.num_bos;
	u32 n = 0;

	while (at < d->size && n < MAX_RECORDS) {
		size_t size = v1_object_size(d, at);

		if (!size || size > d->size - at)
			break;
		d->at[n++] = at;
		at += size;
	}
	d->records = n;
	return at == d->size ? n : 0;
}

static u32 v1_bo_size(struct draft *d)
{
	u32 found = v1_find(d, V1_BO_NEW);

	if (found || (!d->call.num_objects && !d->call.num_bos) || !v1_find(d, V1_BO_OLD)) {
		v1_find(d, V1_BO_NEW);
		return V1_BO_NEW;
	}
	return V1_BO_OLD;
}

static void v1_mutate_field(struct draft *d)
{
	size_t at;
	u32 type;

	if (!d->records)
		return;
	at = d->at[chance(d->records)];
	memcpy(&type, d->image + at, sizeof(type));
	if (type == 0)
		change(d->image + at, v1_queue_fields[chance(ARRAY_SIZE(v1_queue_fields))]);
	else if (type == 1)
		change(d->image + at, v1_event_fields[chance(ARRAY_SIZE(v1_event_fields))]);
	else if (chance(2))
		change(d->image + at, (struct field) { 8 * chance(3), 8 });
	else if (chance(2) || !d->call.num_devices)
		change(d->image + at,
		       (struct field) { 24 + 4 * chance(8 + 2 * d->call.num_devices), 4 });
	else
		/* a location, or access for a GPU, perhaps for the second time */
		set(d->image + at,
		    (struct field) { 28 + 8 * chance(4 + d->call.num_devices), 4 },
		    d->devices[chance(d->call.num_devices)].user_gpu_id);
}

static void v1_mutate_progress(struct draft *d)
{
	u32 cwsr_size, ctl_size, mqd_size;
	u64 ring_size;
	u8 *queue;

	if (!d->records)
		return;
	queue = d->image + d->at[chance(d->records)];
	if (get(queue, (struct field) { 0, 4 }))
		return;
	ring_size = get(queue, (struct field) { 16, 8 });
	cwsr_size = get(queue, (struct field) { 104, 4 });
	ctl_size = get(queue, (struct field) { 108, 4 });
	mqd_size = get(queue, (struct field) { 112, 4 });
	mutate_mqd(queue + V1_QUEUE_SIZE, mqd_size, ring_size, ctl_size, cwsr_size);
}

static void v1_mutate_bo(struct draft *d)
{
	u32 size = v1_bo_size(d), i, gpu = chance(d->call.num_devices + 1);
	size_t first = 8 + 8 * d->call.num_devices, at;

	if (!d->call.num_bos || first + size * d->call.num_bos > d->size)
		return;
	i = chance(d->call.num_bos);
	at = first + size * i;
	switch (chance(5)) {
	case 0:
		change(d->image + at, (struct field) { 0, 8 });
		break;
	case 1:
		change(d->image + at, (struct field) { 8, 4 });
		break;
	case 2:
		/* one more GPU, perhaps one that is there already */
		set(d->image + at, (struct field) { 12 + 4 * chance((size - 12) / 4), 4 },
		    gpu < d->call.num_devices ? d->devices[gpu].user_gpu_id : chance(3));
		break;
	case 3:
		cut(d, at, size);
		d->call.num_bos--;
		memmove(&d->bos[i], &d->bos[i + 1], (d->call.num_bos - i) * BO_SIZE);
		break;
	case 4:
		if (d->call.num_bos == MAX_BOS)
			break;
		repeat(d, at, size, at);
		memmove(&d->bos[i + 1], &d->bos[i], (d->call.num_bos - i) * BO_SIZE);
		d->call.num_bos++;
		change(d->image + at, (struct field) { 8, 4 });
		break;
	}
}

static void v1_mutate_object(struct draft *d)
{
	size_t at, size, to;

	if (!d->records)
		return;
	at = d->at[chance(d->records)];
	size = v1_object_size(d, at);
	to = d->at[chance(d->records)];
	switch (chance(3)) {
	case 0:
		cut(d, at, size);
		d->call.num_objects--;
		break;
	case 1:
		repeat(d, at, size, to);
		d->call.num_objects++;
		/* another id */
		if (chance(4))
			change(d->image + to,
			       (struct field) { size == V1_EVENT_SIZE ? 16 : 76, 4 });
		break;
	case 2:
		move(d, at, size, to);
		break;
	}
}

/* A kernel with room for another number of GPUs. */
static void v1_mutate_layout(struct draft *d)
{
	u32 i, size = v1_bo_size(d);
	size_t at = 8 + 8 * d->call.num_devices;

	if (at + size * d->call.num_bos > d->size)
		return;
	for (i = 0; i < d->call.num_bos; i++) {
		if (size == V1_BO_NEW) {
			cut(d, at + V1_BO_OLD - 4, V1_BO_NEW - V1_BO_OLD);
			at += V1_BO_OLD;
		} else {
			insert(d, at + V1_BO_OLD - 4, NULL, V1_BO_NEW - V1_BO_OLD);
			at += V1_BO_NEW;
		}
	}
}

static void v1_mutate_process(struct draft *d)
{
	change(d->image, v1_process_fields[chance(2)]);
}

static void (* const version_1[])(struct draft *d) = {
	v1_mutate_field, v1_mutate_field, v1_mutate_field, v1_mutate_field, v1_mutate_field,
	v1_mutate_object, v1_mutate_object, v1_mutate_progress, v1_mutate_bo, v1_mutate_bo,
	v1_mutate_layout, v1_mutate_process, mutate_bytes, mutate_end, mutate_call, mutate_call,
};

void mutate_version_1(struct draft *d)
{
	do {
		v1_bo_size(d);
		version_1[chance(ARRAY_SIZE(version_1))](d);
	} while (!chance(3) && d->size > 8);
	if (d->size <= 8)
		return;
	v1_bo_size(d);
	if (d->records && chance(4)) {
		size_t last = d->at[d->records - 1];

		d->size = last + v1_object_size(d, last);
	}
	if (chance(8))
		d->call.num_objects = d->records;
}

