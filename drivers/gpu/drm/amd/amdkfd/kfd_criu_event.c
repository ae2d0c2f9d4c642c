// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Checkpoint and restore of compute processes: events and the signal page.
 */

#include <linux/slab.h>
#include "kfd_criu.h"
#include "kfd_criu_trace.h"
#include "kfd_events.h"
#include "kfd_priv.h"

static_assert(KFD_CRIU_EVENT_TYPE_SIGNAL == KFD_EVENT_TYPE_SIGNAL);
static_assert(KFD_CRIU_EVENT_TYPE_HW_EXCEPTION == KFD_EVENT_TYPE_HW_EXCEPTION);
static_assert(KFD_CRIU_EVENT_TYPE_DEBUG == KFD_EVENT_TYPE_DEBUG);
static_assert(KFD_CRIU_EVENT_TYPE_MEMORY == KFD_EVENT_TYPE_MEMORY);
static_assert(KFD_CRIU_EVENT_SLOTS == KFD_SIGNAL_EVENT_LIMIT);
static_assert(KFD_CRIU_EVENT_FIRST_OTHER == KFD_FIRST_NONSIGNAL_EVENT_ID);
static_assert(KFD_LAST_NONSIGNAL_EVENT_ID - 1 == KFD_CRIU_EVENT_LAST_OTHER);
static_assert(sizeof(struct kfd_hsa_memory_exception_data) <=
	      sizeof_field(struct kfd_criu_event_record, data));
static_assert(sizeof(struct kfd_hsa_hw_exception_data) <=
	      sizeof_field(struct kfd_criu_event_record, data));

static void event_count(struct kfd_process *p, struct kfd_criu_counts *counts)
{
	struct kfd_event *ev;
	int id;

	lockdep_assert_held(&p->event_mutex);
	idr_for_each_entry(&p->event_idr, ev, id)
		counts->events++;
}

static void save_one(struct kfd_process *p, struct kfd_event *ev,
		     struct kfd_criu_event_record *rec)
{
	/* Interrupts set events without the mutex. */
	spin_lock(&ev->lock);
	rec->id = ev->event_id;
	rec->type = ev->type;
	rec->age = ev->event_age;
	if (ev->auto_reset)
		rec->flags |= KFD_CRIU_EVENT_AUTO_RESET;
	if (ev->signaled)
		rec->flags |= KFD_CRIU_EVENT_SIGNALED;
	if (ev->type == KFD_EVENT_TYPE_MEMORY)
		memcpy(rec->data, &ev->memory_exception_data, sizeof(ev->memory_exception_data));
	else if (ev->type == KFD_EVENT_TYPE_HW_EXCEPTION)
		memcpy(rec->data, &ev->hw_exception_data, sizeof(ev->hw_exception_data));
	spin_unlock(&ev->lock);
	rec->slot = UNSIGNALED_EVENT_SLOT;
	if (ev->type == KFD_EVENT_TYPE_SIGNAL || ev->type == KFD_EVENT_TYPE_DEBUG)
		rec->slot = kfd_event_slot(p, ev->event_id);
}

static int event_save(struct kfd_criu_save *s)
{
	struct kfd_criu_event_record *rec;
	struct kfd_process *p = s->p;
	struct kfd_event *ev;
	int id;

	lockdep_assert_held(&p->event_mutex);
	if (!s->counts.events)
		return 0;
	rec = kfd_criu_write(&s->w, KFD_CRIU_RECORD_EVENTS, s->counts.events, sizeof(*rec), 0);
	if (!rec)
		return s->w.err;
	idr_for_each_entry(&p->event_idr, ev, id) {
		save_one(p, ev, rec++);
		trace_kfd_criu_object("event", "save", id, 0, 0);
	}
	return 0;
}

static int create(struct kfd_process *p, const struct kfd_criu_event_record *rec)
{
	struct kfd_event *ev;
	int err;

	ev = kzalloc(sizeof(*ev), GFP_KERNEL_ACCOUNT);
	if (!ev)
		return -ENOMEM;
	ev->type = rec->type;
	ev->auto_reset = rec->flags & KFD_CRIU_EVENT_AUTO_RESET;
	ev->signaled = rec->flags & KFD_CRIU_EVENT_SIGNALED;
	ev->event_age = rec->age;
	if (rec->type == KFD_EVENT_TYPE_MEMORY)
		memcpy(&ev->memory_exception_data, rec->data, sizeof(ev->memory_exception_data));
	else if (rec->type == KFD_EVENT_TYPE_HW_EXCEPTION)
		memcpy(&ev->hw_exception_data, rec->data, sizeof(ev->hw_exception_data));
	err = kfd_event_restore(p, ev, rec->id);
	if (err) {
		kfree(ev);
		return err;
	}
	kfd_event_set_slot(p, rec->id, rec->slot);
	return 0;
}

static int event_prepare(struct kfd_criu_transaction *r)
{
	const struct kfd_criu_process_record *process = r->img.process;
	struct kfd_process *p = r->p;
	int err = 0;
	u32 i;

	if (process->flags & KFD_CRIU_PROCESS_PAGE_BO) {
		/* This also sets all slots to "not signalled"; the contents come later. */
		err = kfd_kmap_event_page(p, process->signal_handle);
		if (err)
			return kfd_criu_refuse(err, "process", process->signal_handle,
					       "signal page can't be mapped", 0, 0);
		r->page_done = true;
	}
	mutex_lock(&p->event_mutex);
	if (process->flags & KFD_CRIU_PROCESS_PAGE_KERNEL) {
		err = kfd_event_page_restore(p, process->signal_size);
		r->page_done = !err;
	}
	r->events_done = true;
	for (i = 0; i < r->img.num_events && !err; i++) {
		err = kfd_criu_killed() ?: create(p, &r->img.events[i]);
		trace_kfd_criu_object("event", "create", r->img.events[i].id, 0, err);
		if (err)
			kfd_criu_refuse(err, "event", r->img.events[i].id, "can't be created",
					0, 0);
	}
	p->signal_event_limit_reached = process->flags & KFD_CRIU_PROCESS_EVENT_LIMIT;
	mutex_unlock(&p->event_mutex);
	return err;
}

static void event_undo(struct kfd_criu_transaction *r)
{
	struct kfd_process *p = r->p;

	mutex_lock(&p->event_mutex);
	if (r->events_done)
		kfd_event_destroy_all(p);
	p->signal_event_limit_reached = false;
	mutex_unlock(&p->event_mutex);
	if (r->page_done)
		kfd_event_page_release(p);
}

/* --- what the process learns of RESUME --- */

/**
 * kfd_criu_raise_exception() - Tell a process that its GPUs do not go on.
 * @p: the process, restored
 *
 * Its hardware exception events are signaled. A process without one learns nothing, and
 * neither does the log: whoever called RESUME has the error.
 *
 * Context: Process context, &kfd_process.mutex held.
 */
void kfd_criu_raise_exception(struct kfd_process *p)
{
	u32 id = KFD_FIRST_NONSIGNAL_EVENT_ID;
	struct kfd_event *ev;
	void *raised;
	u64 age;

	lockdep_assert_held(&p->mutex);
	mutex_lock(&p->event_mutex);
	idr_for_each_entry_continue(&p->event_idr, ev, id) {
		if (ev->type != KFD_EVENT_TYPE_HW_EXCEPTION)
			continue;
		/* An earlier RESUME may have failed, too. */
		raised = xa_load(&p->criu->raised, id);
		if (raised)
			kfd_event_withdraw(p, ev, xa_to_value(raised));
		age = kfd_event_raise(p, ev);
		/* Without memory for it, the event stays signaled: rather once too often. */
		if (age)
			xa_store(&p->criu->raised, id, xa_mk_value(age), GFP_KERNEL_ACCOUNT);
	}
	mutex_unlock(&p->event_mutex);
}

/**
 * kfd_criu_withdraw_exception() - The GPUs do go on: a RESUME has succeeded after all.
 * @p: the process, restored
 *
 * Events that kfd_criu_raise_exception() has signaled, and nobody since, are as before.
 *
 * Context: Process context, &kfd_process.mutex held.
 */
void kfd_criu_withdraw_exception(struct kfd_process *p)
{
	struct kfd_event *ev;
	unsigned long id;
	void *age;

	lockdep_assert_held(&p->mutex);
	mutex_lock(&p->event_mutex);
	xa_for_each(&p->criu->raised, id, age) {
		ev = idr_find(&p->event_idr, id);
		if (ev && ev->type == KFD_EVENT_TYPE_HW_EXCEPTION)
			kfd_event_withdraw(p, ev, xa_to_value(age));
	}
	mutex_unlock(&p->event_mutex);
	xa_destroy(&p->criu->raised);
}

const struct kfd_criu_class kfd_criu_event_class = {
	.name = "event",
	.count = event_count,
	.save = event_save,
	.prepare = event_prepare,
	.undo = event_undo,
};
