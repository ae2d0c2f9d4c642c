// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Checkpoint and restore of compute processes: state of the process as a whole.
 */

#include "amdgpu_amdkfd.h"
#include "kfd_criu.h"
#include "kfd_debug.h"
#include "kfd_events.h"
#include "kfd_priv.h"

/*
 * A debugger's session can't move: it is state of the debugger too, and a
 * debugger and a dumper can't both trace the process.
 */
static int process_check(struct kfd_process *p)
{
	u32 state = p->runtime_info.runtime_state;

	if (p->debug_trap_enabled)
		return kfd_criu_refuse(-EOPNOTSUPP, "process", p->lead_thread->pid,
				       "is being debugged", 1, 0);
	if (atomic_read(&p->debugged_process_count))
		return kfd_criu_refuse(-EOPNOTSUPP, "process", p->lead_thread->pid,
				       "debugs others", atomic_read(&p->debugged_process_count), 0);
	if (state != DEBUG_RUNTIME_STATE_DISABLED && state != DEBUG_RUNTIME_STATE_ENABLED)
		return kfd_criu_refuse(-EOPNOTSUPP, "process", p->lead_thread->pid,
				       "is in the middle of RUNTIME_ENABLE", state,
				       DEBUG_RUNTIME_STATE_ENABLED);
	return 0;
}

static int process_save(struct kfd_criu_save *s)
{
	struct kfd_criu_process_record *rec;
	struct kfd_process *p = s->p;

	rec = kfd_criu_write(&s->w, KFD_CRIU_RECORD_PROCESS, 1, sizeof(*rec), 0);
	if (!rec)
		return s->w.err;
	if (p->xnack_enabled)
		rec->flags |= KFD_CRIU_PROCESS_XNACK;
	if (p->runtime_info.runtime_state == DEBUG_RUNTIME_STATE_ENABLED) {
		rec->flags |= KFD_CRIU_PROCESS_RUNTIME;
		if (p->runtime_info.ttmp_setup)
			rec->flags |= KFD_CRIU_PROCESS_TTMP;
		rec->r_debug = p->runtime_info.r_debug;
	}
	if (p->signal_page) {
		rec->flags |= kfd_event_page_is_bo(p) ? KFD_CRIU_PROCESS_PAGE_BO :
							KFD_CRIU_PROCESS_PAGE_KERNEL;
		rec->signal_size = p->signal_mapped_size;
		rec->signal_handle = kfd_event_page_is_bo(p) ? p->signal_handle : 0;
	}
	if (p->signal_event_limit_reached)
		rec->flags |= KFD_CRIU_PROCESS_EVENT_LIMIT;
	rec->exception_status = p->exception_status;
	return 0;
}

static int process_verify(struct kfd_criu_transaction *r)
{
	if (r->img.process->flags & KFD_CRIU_PROCESS_XNACK &&
	    !kfd_process_xnack_mode(r->p, true))
		return kfd_criu_refuse(-EXDEV, "process", r->p->lead_thread->pid,
				       "XNACK is not possible on these GPUs", 0, 1);
	return 0;
}

static int process_prepare(struct kfd_criu_transaction *r)
{
	/* Before the first queue of a GPU, which takes the mode over. */
	r->p->xnack_enabled = r->img.process->flags & KFD_CRIU_PROCESS_XNACK;
	return 0;
}

static void process_undo(struct kfd_criu_transaction *r)
{
	r->p->xnack_enabled = kfd_process_xnack_mode(r->p, false);
}

/*
 * What RUNTIME_ENABLE does besides remembering: TTMP registers are set up. The
 * conditions are those under which the driver takes it back when the process ends.
 */
static void enable_ttmps(struct kfd_process *p)
{
	u32 i;

	for (i = 0; i < p->n_pdds; i++) {
		struct kfd_process_device *pdd = p->pdds[i];
		struct amdgpu_device *adev = pdd->dev->adev;

		if (!pdd->dev->kfd2kgd->enable_debug_trap)
			continue;
		if (!kfd_dbg_is_rlc_restore_supported(pdd->dev)) {
			amdgpu_gfx_off_ctrl(adev, false);
			pdd->dev->kfd2kgd->enable_debug_trap(adev, true,
							     pdd->dev->vm_info.last_vmid_kfd);
		} else if (kfd_dbg_is_per_vmid_supported(pdd->dev)) {
			pdd->spi_dbg_override =
				pdd->dev->kfd2kgd->enable_debug_trap(adev, false, 0);
		}
	}
}

static void process_commit(struct kfd_criu_transaction *r)
{
	const struct kfd_criu_process_record *rec = r->img.process;
	struct kfd_process *p = r->p;

	p->exception_status = rec->exception_status;
	if (!(rec->flags & KFD_CRIU_PROCESS_RUNTIME))
		return;
	p->runtime_info.runtime_state = DEBUG_RUNTIME_STATE_ENABLED;
	p->runtime_info.r_debug = rec->r_debug;
	p->runtime_info.ttmp_setup = !!(rec->flags & KFD_CRIU_PROCESS_TTMP);
	if (p->runtime_info.ttmp_setup)
		enable_ttmps(p);
}

const struct kfd_criu_class kfd_criu_process_class = {
	.name = "process",
	.check = process_check,
	.save = process_save,
	.verify = process_verify,
	.prepare = process_prepare,
	.undo = process_undo,
	.commit = process_commit,
};
