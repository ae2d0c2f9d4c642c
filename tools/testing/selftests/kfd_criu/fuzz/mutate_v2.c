// SPDX-License-Identifier: GPL-2.0
/*
 * Changes to images of version 2: fields, entries, records, and what is behind queues.
 */
#include "mutate.h"

static const struct field header_fields[] = {
	FIELD(image_header, version), FIELD(image_header, magic), FIELD(image_header, size),
	FIELD(image_header, header_size), FIELD(image_header, records),
	FIELD(image_header, required), FIELD(image_header, optional),
	FIELD(image_header, reserved),
};

static const struct field record_fields[] = {
	FIELD(record, type), FIELD(record, flags), FIELD(record, size), FIELD(record, count),
	FIELD(record, stride),
};

static const struct field process_fields[] = {
	FIELD(process_record, flags), FIELD(process_record, signal_size),
	FIELD(process_record, signal_handle), FIELD(process_record, r_debug),
	FIELD(process_record, exception_status),
};

static const struct field device_fields[] = {
	FIELD(device_record, user_gpu_id), FIELD(device_record, flags),
	FIELD(device_record, gc_version), FIELD(device_record, xcc_count),
	FIELD(device_record, mqd_size), FIELD(device_record, sdma_mqd_size),
	FIELD(device_record, ctl_stack_size), FIELD(device_record, cwsr_size),
	FIELD(device_record, sdma_engines), FIELD(device_record, partitions),
	FIELD(device_record, mec_interface), FIELD(device_record, sdma_interface),
	FIELD(device_record, tba), FIELD(device_record, exception_status),
};

static const struct field bo_fields[] = {
	FIELD(bo_record, gpus), FIELD(bo_record, user_addr), FIELD(bo_record, handle),
	FIELD(bo_record, bucket), FIELD(bo_record, device), FIELD(bo_record, flags),
	FIELD(bo_record, reserved),
};

static const struct field queue_fields[] = {
	FIELD(queue_record, ring), FIELD(queue_record, ring_size), FIELD(queue_record, cwsr),
	FIELD(queue_record, cwsr_size), FIELD(queue_record, ctl_stack_size),
	FIELD(queue_record, device), FIELD(queue_record, type), FIELD(queue_record, format),
	FIELD(queue_record, queue_id), FIELD(queue_record, doorbell_id),
	FIELD(queue_record, sdma_id), FIELD(queue_record, priority),
	FIELD(queue_record, percent), FIELD(queue_record, pm4_target_xcc),
	FIELD(queue_record, flags), FIELD(queue_record, xccs), FIELD(queue_record, mqd_size),
	FIELD(queue_record, ctl_size),
};

static const struct field event_fields[] = {
	FIELD(event_record, id), FIELD(event_record, type), FIELD(event_record, age),
	FIELD(event_record, slot), FIELD(event_record, flags), FIELD(event_record, reserved),
	{ offsetof(struct kfd_criu_event_record, data), 8 },
	{ offsetof(struct kfd_criu_event_record, data) + 12, 8 },
	{ offsetof(struct kfd_criu_event_record, data) + 24, 8 },
};

static const struct field range_fields[] = {
	FIELD(range_record, start), FIELD(range_record, pages), FIELD(range_record, access),
	FIELD(range_record, in_place), FIELD(range_record, preferred),
	FIELD(range_record, prefetch), FIELD(range_record, actual),
	FIELD(range_record, svm_flags), FIELD(range_record, granularity),
	FIELD(range_record, reserved),
};

static const struct field die_fields[] = {
	FIELD(die_record, handler_crc), FIELD(die_record, mec_firmware),
	FIELD(die_record, engines), FIELD(die_record, arrays), FIELD(die_record, reserved),
	{ offsetof(struct kfd_criu_die_record, cus), 4 },
	{ offsetof(struct kfd_criu_die_record, cus) + 64, 4 },
};

#define KIND(record, fields)	{ sizeof(struct kfd_criu_##record), fields, ARRAY_SIZE(fields) }

static const struct kind {
	u32 stride;
	const struct field *fields;
	u32 num_fields;
} kinds[] = {
	[KFD_CRIU_RECORD_PROCESS] = KIND(process_record, process_fields),
	[KFD_CRIU_RECORD_DEVICES] = KIND(device_record, device_fields),
	[KFD_CRIU_RECORD_BOS] = KIND(bo_record, bo_fields),
	[KFD_CRIU_RECORD_QUEUE] = KIND(queue_record, queue_fields),
	[KFD_CRIU_RECORD_EVENTS] = KIND(event_record, event_fields),
	[KFD_CRIU_RECORD_RANGES] = KIND(range_record, range_fields),
	[KFD_CRIU_RECORD_DIES] = KIND(die_record, die_fields),
};

#define LAST_KIND	KFD_CRIU_RECORD_DIES

static void find_records(struct draft *d)
{
	size_t at = sizeof(struct kfd_criu_image_header);

	d->records = 0;
	while (at % 8 == 0 && at + sizeof(struct kfd_criu_record) <= d->size &&
	       d->records < MAX_RECORDS) {
		const struct kfd_criu_record *rec = (const void *)(d->image + at);

		if (rec->size > d->size - at - sizeof(*rec))
			break;
		d->at[d->records++] = at;
		at += sizeof(*rec) + rec->size;
	}
}

static struct kfd_criu_record *record(struct draft *d, u32 i)
{
	return (void *)(d->image + d->at[i]);
}

static struct kfd_criu_record *any_record(struct draft *d)
{
	return d->records ? record(d, chance(d->records)) : NULL;
}

/* One with entries that are as long as they should be. */
static struct kfd_criu_record *any_table(struct draft *d)
{
	struct kfd_criu_record *rec;
	u32 tries;

	for (tries = 0; tries < 4; tries++) {
		rec = any_record(d);
		if (rec && rec->type && rec->type <= LAST_KIND && rec->count &&
		    rec->stride == kinds[rec->type].stride &&
		    size_mul(rec->count, rec->stride) <= rec->size)
			return rec;
	}
	return NULL;
}

static struct kfd_criu_record *find_type(struct draft *d, u32 type)
{
	u32 i;

	for (i = 0; i < d->records; i++)
		if (record(d, i)->type == type)
			return record(d, i);
	return NULL;
}

static struct kfd_criu_queue_record *any_queue(struct draft *d)
{
	struct kfd_criu_record *rec = any_table(d);

	return rec && rec->type == KFD_CRIU_RECORD_QUEUE ? (void *)(rec + 1) : NULL;
}

static struct kfd_criu_device_record *any_device(struct draft *d, u32 *index)
{
	struct kfd_criu_record *rec = find_type(d, KFD_CRIU_RECORD_DEVICES);
	struct kfd_criu_device_record *dev;

	if (!rec || !rec->count || size_mul(rec->count, sizeof(*dev)) > rec->size)
		return NULL;
	dev = (void *)(rec + 1);
	*index = chance(rec->count);
	return &dev[*index];
}

static void mutate_header(struct draft *d)
{
	change(d->image, header_fields[chance(ARRAY_SIZE(header_fields))]);
}

static void mutate_record(struct draft *d)
{
	struct kfd_criu_record *rec = any_record(d);

	if (!rec)
		return;
	/* To just before or behind the image's end, or just another length. */
	if (chance(4) == 0)
		rec->size = d->image + d->size - (u8 *)(rec + 1) + 8 * chance(9) - 32;
	else if (chance(4) == 0)
		rec->size += 8 * chance(9) - 32;
	else
		change(rec, record_fields[chance(ARRAY_SIZE(record_fields))]);
}

static void mutate_field(struct draft *d)
{
	struct kfd_criu_record *rec = any_table(d), *from;
	struct field field;
	void *entry;

	if (!rec)
		return;
	entry = (void *)(rec + 1) + chance(rec->count) * rec->stride;
	field = kinds[rec->type].fields[chance(kinds[rec->type].num_fields)];
	if (chance(4))
		return change(entry, field);
	/* The same as another one of that type has, or a name that is used elsewhere. */
	from = any_table(d);
	if (!from)
		return;
	if (from->type != rec->type)
		field.offset &= ~3;
	if (field.offset + field.size > from->stride)
		return;
	set(entry, field, get((void *)(from + 1) + chance(from->count) * from->stride, field));
}

static void mutate_entry(struct draft *d)
{
	struct kfd_criu_record *rec = any_table(d);
	size_t at, stride;
	u8 swap[sizeof(struct kfd_criu_die_record)];
	void *x, *y;
	bool bo;

	if (!rec || rec->type == KFD_CRIU_RECORD_QUEUE)
		return;
	bo = rec->type == KFD_CRIU_RECORD_BOS;
	stride = rec->stride;
	at = (u8 *)(rec + 1) - d->image + chance(rec->count) * stride;
	switch (chance(3)) {
	case 0:
		rec->count--;
		rec->size -= stride;
		cut(d, at, stride);
		break;
	case 1:
		if (stride > ROOM - d->size)
			break;
		rec->count++;
		rec->size += stride;
		repeat(d, at, stride, at);
		/* With another name, most of the time. */
		if (chance(8))
			change(d->image + at, kinds[rec->type].fields[bo ? 2 : 0]);
		break;
	case 2:
		x = d->image + at;
		y = (void *)(rec + 1) + chance(rec->count) * stride;
		memcpy(swap, x, stride);
		memmove(x, y, stride);
		memcpy(y, swap, stride);
		break;
	}
}

static void mutate_order(struct draft *d)
{
	struct kfd_criu_record *rec = any_record(d);
	struct kfd_criu_record unknown = { .type = 7 + chance(3) * 1000, .size = 8 * chance(5),
					   .count = 1, .stride = 8 };
	size_t at, size, to;

	if (!rec)
		return;
	at = (u8 *)rec - d->image;
	size = sizeof(*rec) + rec->size;
	switch (chance(5)) {
	case 0:
		cut(d, at, size);
		break;
	case 1:
		repeat(d, at, size, at);
		break;
	case 2:
		move(d, at, size, d->at[chance(d->records)]);
		break;
	case 3:
		unknown.flags = chance(4) ? KFD_CRIU_RECORD_OPTIONAL : 0;
		if (insert(d, at, NULL, sizeof(unknown) + unknown.size))
			memcpy(d->image + at, &unknown, sizeof(unknown));
		break;
	case 4:
		/* It ends earlier, and says so or not. */
		to = min_t(size_t, 8 * (1 + chance(4)), rec->size);
		cut(d, at + size - to, to);
		rec->size -= chance(4) ? to : 0;
		break;
	}
}

static const u32 queue_types[] = {
	KFD_CRIU_QUEUE_COMPUTE, KFD_CRIU_QUEUE_SDMA, KFD_CRIU_QUEUE_SDMA_XGMI,
};

static const u32 event_types[] = {
	KFD_CRIU_EVENT_TYPE_SIGNAL, KFD_CRIU_EVENT_TYPE_HW_EXCEPTION,
	KFD_CRIU_EVENT_TYPE_DEBUG, KFD_CRIU_EVENT_TYPE_MEMORY,
};

static const u32 mqd_sizes[] = { 2048, 2048, 512, 520, 4, 8, 12, 60, 64, 4096 };

/* Other sizes of what is behind a queue, and data of that size. */
static void mutate_shape(struct draft *d)
{
	struct kfd_criu_queue_record *q = any_queue(d);
	struct kfd_criu_record *rec;
	size_t at, size;

	if (!q)
		return;
	rec = (struct kfd_criu_record *)q - 1;
	if (rec->size < sizeof(*q))
		return;
	switch (chance(4)) {
	case 0:
		q->xccs = 1 + chance(8);
		break;
	case 1:
		q->mqd_size = mqd_sizes[chance(ARRAY_SIZE(mqd_sizes))];
		break;
	case 2:
		q->ctl_size = chance(2) ? 4 * chance(64) : chance(200);
		if (chance(4))
			q->ctl_stack_size = max(q->ctl_size, q->ctl_stack_size);
		break;
	case 3:
		q->type = queue_types[chance(ARRAY_SIZE(queue_types))];
		if (q->type) {
			q->xccs = 1;
			q->ctl_size = 0;
			q->flags = 0;
			q->format = 0;
		}
		break;
	}
	size = kfd_criu_queue_data_size(q->xccs, q->mqd_size, q->ctl_size);
	if (size > SZ_64K)
		return;
	at = (u8 *)(q + 1) - d->image;
	cut(d, at, rec->size - sizeof(*q));
	rec->size = sizeof(*q);
	if (insert(d, at, NULL, size))
		rec->size += size;
	/* Progress like that of a queue in the middle of its work: everything is set. */
	if (chance(2))
		memset(d->image + at, chance(2) ? 0xff : chance(256), rec->size - sizeof(*q));
}

static void mutate_progress(struct draft *d)
{
	struct kfd_criu_queue_record *q = any_queue(d);
	struct kfd_criu_record *rec;

	if (!q)
		return;
	rec = (struct kfd_criu_record *)q - 1;
	if (rec->size >= sizeof(*q))
		mutate_mqd(q + 1, rec->size - sizeof(*q), q->ring_size, q->ctl_stack_size,
			   q->cwsr_size);
}

/* Fields that set limits to each other, in one record or another. */
static void mutate_limit(struct draft *d)
{
	struct kfd_criu_record *process = find_type(d, KFD_CRIU_RECORD_PROCESS);
	struct kfd_criu_record *devices = find_type(d, KFD_CRIU_RECORD_DEVICES);
	struct kfd_criu_record *rec = any_table(d);
	struct kfd_criu_process_record *p;
	struct kfd_criu_range_record *range;
	struct kfd_criu_event_record *event;
	struct kfd_criu_queue_record *q;
	struct kfd_criu_bo_record *bo;
	u32 i;

	if (!rec || !devices || !process || process->size < sizeof(*p))
		return;
	p = (void *)(process + 1);
	i = chance(rec->count);
	switch (rec->type) {
	case KFD_CRIU_RECORD_PROCESS:
		p->signal_size = near(4096) * 8;
		p->flags ^= chance(2) ? KFD_CRIU_PROCESS_PAGE_KERNEL : KFD_CRIU_PROCESS_PAGE_BO;
		break;
	case KFD_CRIU_RECORD_BOS:
		bo = (struct kfd_criu_bo_record *)(rec + 1) + i;
		if (chance(2))
			bo->device = near(devices->count);
		else
			bo->gpus = BIT_ULL(devices->count % 64) - near(1);
		break;
	case KFD_CRIU_RECORD_QUEUE:
		q = (void *)(rec + 1);
		if (chance(2))
			q->device = near(devices->count);
		else if (chance(2))
			q->ctl_size = near(ALIGN(q->ctl_stack_size, SZ_4K));
		else if (!q->ctl_size)
			/* as it comes from version 1 */
			q->ctl_stack_size = 0;
		break;
	case KFD_CRIU_RECORD_EVENTS:
		event = (struct kfd_criu_event_record *)(rec + 1) + i;
		if (chance(2))
			event->id = near(p->signal_size / 8);
		else
			p->signal_size = near(event->id + 1) * 8;
		break;
	case KFD_CRIU_RECORD_RANGES:
		range = (struct kfd_criu_range_record *)(rec + 1) + i;
		if (chance(2))
			range->pages = near(BIT_ULL(52) - range->start);
		else
			range[0].start = near(range[-(s32)chance(i + 1)].start + range->pages);
		break;
	}
}

/* What an honest process could have in addition. */
static void mutate_more(struct draft *d)
{
	struct {
		struct kfd_criu_record rec;
		union {
			struct kfd_criu_bo_record bo;
			struct kfd_criu_queue_record queue;
			struct kfd_criu_event_record event;
			struct kfd_criu_range_record range;
		};
	} new = { };
	struct kfd_criu_record *rec = &new.rec, *table;
	struct kfd_criu_device_record *dev;
	bool identity, compute;
	u32 index, type;
	size_t data = 0;

	dev = any_device(d, &index);
	if (!dev)
		return;
	identity = dev->flags & KFD_CRIU_DEVICE_IDENTITY;
	type = KFD_CRIU_RECORD_BOS + chance(4);
	switch (type) {
	case KFD_CRIU_RECORD_BOS:
		new.bo.device = index;
		new.bo.gpus = BIT_ULL(index % 64);
		new.bo.handle = chance(INT_MAX);
		break;
	case KFD_CRIU_RECORD_QUEUE:
		compute = chance(2);
		new.queue.device = index;
		new.queue.type = compute ? KFD_CRIU_QUEUE_COMPUTE : KFD_CRIU_QUEUE_SDMA;
		new.queue.format = compute ? chance(2) : 0;
		new.queue.queue_id = chance(1024);
		new.queue.doorbell_id = chance(1024);
		new.queue.ring = BIT_ULL(46) + (u64)chance(U32_MAX) * SZ_256;
		new.queue.ring_size = SZ_1K << chance(20);
		new.queue.percent = chance(101);
		new.queue.cwsr = BIT_ULL(45);
		new.queue.cwsr_size = SZ_1M;
		new.queue.ctl_stack_size = SZ_4K;
		new.queue.xccs = identity && compute ? dev->xcc_count % 16 : 1;
		new.queue.mqd_size = !identity ? mqd_sizes[chance(ARRAY_SIZE(mqd_sizes))] :
				     compute ? dev->mqd_size : dev->sdma_mqd_size;
		data = kfd_criu_queue_data_size(new.queue.xccs, new.queue.mqd_size, 0);
		break;
	case KFD_CRIU_RECORD_EVENTS:
		new.event.type = event_types[chance(ARRAY_SIZE(event_types))];
		new.event.id = new.event.type == 3 || new.event.type == 8 ?
			       BIT_ULL(30) + chance(BIT_ULL(30)) : 1 + chance(4095);
		new.event.age = 1 + chance(3);
		new.event.slot = U64_MAX;
		break;
	case KFD_CRIU_RECORD_RANGES:
		new.range.start = (u64)chance(U32_MAX) << chance(12);
		new.range.pages = 1 + chance(1024);
		new.range.access = BIT_ULL(index % 64);
		break;
	}
	if (data > SZ_64K)
		return;
	table = type == KFD_CRIU_RECORD_QUEUE ? NULL : find_type(d, type);
	if (table) {
		table->count++;
		table->size += kinds[type].stride;
		insert(d, (u8 *)(table + 1) - d->image, rec + 1, kinds[type].stride);
		return;
	}
	rec->type = type;
	rec->count = 1;
	rec->stride = kinds[type].stride;
	rec->size = rec->stride + data;
	if (insert(d, d->size, rec, sizeof(*rec) + rec->stride))
		insert(d, d->size, NULL, data);
}

/* The buckets say what the image does. */
static void match_call(struct draft *d)
{
	const struct kfd_criu_record *devices = find_type(d, KFD_CRIU_RECORD_DEVICES);
	const struct kfd_criu_record *bos = find_type(d, KFD_CRIU_RECORD_BOS);
	const struct kfd_criu_device_record *dev;
	struct kfd_criu_bo_record *bo;
	u32 i;

	d->call.num_objects = 0;
	for (i = 0; i < d->records; i++)
		if (record(d, i)->type >= KFD_CRIU_RECORD_QUEUE &&
		    record(d, i)->type <= KFD_CRIU_RECORD_RANGES)
			d->call.num_objects += record(d, i)->count;
	if (!devices || devices->size / sizeof(*dev) < devices->count ||
	    devices->count > MAX_DEVICES ||
	    (bos && (bos->size / sizeof(*bo) < bos->count || bos->count > MAX_BOS)))
		return;
	dev = (const void *)(devices + 1);
	bo = bos ? (void *)(bos + 1) : NULL;
	/* A BO that is new is like the first one, somewhere else. */
	for (i = d->call.num_bos; bos && i < bos->count; i++) {
		if (i)
			d->bos[i] = d->bos[0];
		else
			memset(d->bos, 0, BO_SIZE);
		d->bos[i].addr += (u64)i * SZ_256M;
	}
	set_devices(d, devices->count);
	for (i = 0; i < d->call.num_devices; i++)
		d->devices[i].user_gpu_id = dev[i].user_gpu_id;
	d->call.num_bos = bos ? bos->count : 0;
	for (i = 0; i < d->call.num_bos; i++) {
		if (bo[i].device < devices->count)
			d->bos[i].gpu_id = dev[bo[i].device].user_gpu_id;
		bo[i].bucket = kfd_criu_bucket_crc(&d->bos[i]);
	}
}

/* Headers as they have to be, and nothing behind the last record. */
static void mend_headers(struct draft *d)
{
	struct kfd_criu_image_header *header = (void *)d->image;
	struct kfd_criu_record *rec;
	u32 i;

	*header = (struct kfd_criu_image_header) {
		.version = KFD_CRIU_IMAGE_VERSION,
		.magic = KFD_CRIU_IMAGE_MAGIC,
		.header_size = sizeof(*header),
		.optional = header->optional,
	};
	find_records(d);
	if (find_type(d, KFD_CRIU_RECORD_DIES))
		header->required = KFD_CRIU_FEATURE_DIES;
	for (i = 0; i < d->records; i++) {
		rec = record(d, i);
		rec->flags &= KFD_CRIU_RECORD_FLAGS;
		if (!rec->type || rec->type > LAST_KIND)
			rec->flags |= KFD_CRIU_RECORD_OPTIONAL;
		else
			rec->stride = kinds[rec->type].stride;
		if (rec->type == KFD_CRIU_RECORD_QUEUE)
			rec->count = 1;
		else if (rec->type && rec->type <= LAST_KIND && rec->size % rec->stride == 0)
			rec->count = rec->size / rec->stride;
	}
	if (d->records)
		d->size = d->at[i - 1] + sizeof(*rec) + rec->size;
}

static void mend(struct draft *d)
{
	struct kfd_criu_image_header *header = (void *)d->image;

	if (d->size < sizeof(*header))
		return;
	if (chance(4))
		mend_headers(d);
	if (chance(32)) {
		find_records(d);
		header->size = d->size;
		header->records = d->records;
		/* Some more than there are, perhaps, or than could be found. */
		if (!chance(16))
			header->records += 1 + chance(2);
	}
	if (chance(8))
		match_call(d);
	if (chance(64)) {
		header->crc = 0;
		header->crc = crc32_le(~0U, d->image, d->size);
	}
}

/* The more often it stands here, the more often it is done. */
static void (* const version_2[])(struct draft *d) = {
	mutate_field, mutate_field, mutate_field, mutate_field, mutate_field, mutate_field,
	mutate_entry, mutate_entry, mutate_entry, mutate_more, mutate_more, mutate_shape,
	mutate_shape, mutate_progress, mutate_progress, mutate_limit, mutate_limit,
	mutate_order, mutate_order,
	mutate_record, mutate_header, mutate_bytes, mutate_end, mutate_call,
};

void mutate_version_2(struct draft *d)
{
	do {
		find_records(d);
		version_2[chance(ARRAY_SIZE(version_2))](d);
	} while (!chance(3) && d->size >= sizeof(struct kfd_criu_image_header));
	mend(d);
}

/**
 * cross_version_2 - take over records of another image
 * @d: the image
 * @from: the other one
 *
 * They come as entries where a table can be only once.
 */
void cross_version_2(struct draft *d, struct draft *from)
{
	struct kfd_criu_record *rec, *to;
	u32 n;

	find_records(from);
	for (n = 1 + chance(3); n; n--) {
		find_records(d);
		rec = any_record(from);
		if (!rec)
			return;
		to = find_type(d, rec->type);
		if (!to || rec->type == KFD_CRIU_RECORD_QUEUE || !chance(16)) {
			insert(d, d->size, rec, sizeof(*rec) + rec->size);
		} else if (to->stride == rec->stride && rec->size <= ROOM - d->size &&
			   rec->type != KFD_CRIU_RECORD_PROCESS) {
			to->size += rec->size;
			to->count += rec->count;
			insert(d, (u8 *)(to + 1) - d->image, rec + 1, rec->size);
		}
	}
	mend(d);
}
