/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the checkpoint/restore code of a kernel is known not to pass, row by
 * row.  Rows that are not named here pass everywhere.
 */
#ifndef KFD_CRIU_EXPECT_H
#define KFD_CRIU_EXPECT_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "../kselftest.h"

enum criu_outcome {
	CRIU_PASS,
	CRIU_FAIL,
	CRIU_NOT_RUN,		/* would take the kernel down */
	CRIU_NO_TEST,		/* nothing to be seen through the UAPI */
};

/**
 * struct criu_expect - one row of the stock kernel's table
 * @hws: outcome with the hardware scheduler
 * @nohws: outcome without it
 * @seen: how the failure starts that is expected, so that another one is not taken for it
 * @reason: why
 */
struct criu_expect {
	const char *row;
	enum criu_outcome hws, nohws;
	const char *seen;
	const char *reason;
};

static const struct criu_expect criu_expectations[] = {
	/* pause and checkpoint */
	{ "dumper_death_lets_queues_run", CRIU_FAIL, CRIU_FAIL, "the SDMA queue does not run",
	  "a pause has no owner: only a privileged UNPAUSE ends it" },
	{ "checkpoint_says_needed_size", CRIU_FAIL, CRIU_FAIL, "the needed size is not told",
	  "any mismatch of counts is EINVAL, nothing is said" },
	{ "checkpoint_fds_close_on_exec", CRIU_FAIL, CRIU_FAIL, "a dma-buf fd survives exec",
	  "DRM_RDWR is passed where fd flags are expected, without O_CLOEXEC" },
	{ "checkpoint_of_process_on_one_gpu", CRIU_NOT_RUN, CRIU_NOT_RUN, "",
	  "oopses: a GPU without a VM is asked for its mappings" },
	/* state that is not in the image */
	{ "event_age_preserved", CRIU_FAIL, CRIU_FAIL,
	  "an event that did not happen wakes the waiter",
	  "event_age is not in the image and restarts from 0" },
	{ "signal_page_without_events", CRIU_FAIL, CRIU_FAIL, "a new event does not fire",
	  "the signal page is stored with the first event only" },
	{ "aql_queue_mem_keeps_its_size", CRIU_FAIL, CRIU_FAIL,
	  "contents after RESTORE: Invalid argument",
	  "the size of an AQL_QUEUE_MEM BO is halved a second time" },
	{ "dmabuf_import_stays_shared", CRIU_FAIL, CRIU_FAIL, "sharing is lost",
	  "imports are restored as private copies" },
	{ "trap_handler_preserved", CRIU_FAIL, CRIU_FAIL, "trap handler",
	  "the second-level trap handler is not in the image" },
	{ "runtime_enable_preserved", CRIU_FAIL, CRIU_FAIL, "the runtime is not enabled any more",
	  "RUNTIME_ENABLE is not in the image" },
	/* other GPUs, other processes */
	{ "sdma_job_finishes_beside_other_process", CRIU_PASS, CRIU_FAIL,
	  "the SDMA job does not finish",
	  "without HWS the queue is loaded with the VMID of the image, now another process'" },
	{ "aql_job_finishes_beside_other_process", CRIU_PASS, CRIU_FAIL,
	  "the AQL job does not finish",
	  "without HWS the queue is loaded with the VMID of the image, now another process'" },
	{ "swap_doorbell_mmap_anew", CRIU_FAIL, CRIU_FAIL, "the SDMA queue does not run",
	  "kfd_mmap takes the id in the offset for an actual one: the other GPU's doorbells" },
	{ "swap_signal_events_fire", CRIU_NOT_RUN, CRIU_NOT_RUN, "",
	  "warns: at exit the signal page's BO is unpinned on the wrong device" },
	{ "swap_fault_raises_memory_event", CRIU_FAIL, CRIU_FAIL, "the event names the other GPU",
	  "the interrupt handler puts the actual id, now the other GPU's, into the event's data" },
	/* RESUME */
	{ "second_resume_harmless", CRIU_FAIL, CRIU_FAIL,
	  "GPU A reads wrong data from a remapped user pointer",
	  "a refused RESUME leaves evicted_bos raised: invalidations no longer stop queues" },
	{ "resume_of_running_process_harmless", CRIU_FAIL, CRIU_FAIL,
	  "GPU A reads wrong data from a remapped user pointer",
	  "a refused RESUME leaves evicted_bos raised: invalidations no longer stop queues" },
	{ "resume_of_process_without_vm", CRIU_NOT_RUN, CRIU_NOT_RUN, "",
	  "oopses: RESUME locks process info that does not exist" },
	{ "resume_needs_ptrace_rights", CRIU_FAIL, CRIU_FAIL, "a stranger may resume",
	  "the capability alone is enough, for any target" },
	{ "resume_reports_missing_userptr_memory", CRIU_FAIL, CRIU_FAIL, "RESUME succeeds",
	  "RESUME returns before anything is validated" },
	{ "queues_stopped_after_failed_resume", CRIU_FAIL, CRIU_FAIL, "the SDMA queue runs",
	  "a user pointer to nothing (EFAULT) counts as success" },
	{ "resume_retry_restores_svm", CRIU_FAIL, CRIU_FAIL, "the SVM range's attributes are lost",
	  "the ranges are freed by the RESUME that fails" },
	/* RESTORE that fails */
	{ "restore_short_image", CRIU_FAIL, CRIU_FAIL, "the failed RESTORE left",
	  "dma-buf fds are installed before the objects are read" },
	{ "restore_long_image", CRIU_FAIL, CRIU_FAIL, "the failed RESTORE left",
	  "dma-buf fds are installed before the objects are read" },
	{ "restore_fewer_bos", CRIU_FAIL, CRIU_FAIL, "the failed RESTORE left",
	  "dma-buf fds are installed before the objects are read" },
	{ "restore_fewer_objects", CRIU_FAIL, CRIU_FAIL, "the failed RESTORE left",
	  "dma-buf fds are installed before the objects are read" },
	{ "restore_more_objects", CRIU_FAIL, CRIU_FAIL, "the failed RESTORE left",
	  "dma-buf fds are installed before the objects are read" },
	{ "restore_fewer_devices", CRIU_FAIL, CRIU_FAIL, "the SDMA job does not finish",
	  "queues stay evicted once more" },
	{ "restore_wrong_version", CRIU_FAIL, CRIU_FAIL, "the SDMA job does not finish",
	  "queues stay evicted once more" },
	{ "restore_unknown_gpu", CRIU_FAIL, CRIU_FAIL, "the SDMA job does not finish",
	  "queues stay evicted once more" },
	{ "restore_bad_render_fd", CRIU_FAIL, CRIU_FAIL, "the SDMA job does not finish",
	  "queues stay evicted once more" },
	{ "restore_same_gpu_twice", CRIU_FAIL, CRIU_FAIL, "RESTORE: Invalid argument",
	  "the VMs of the failed attempt stay" },
	{ "restore_bo_of_unknown_gpu", CRIU_FAIL, CRIU_FAIL, "RESTORE: Invalid argument",
	  "the VMs of the failed attempt stay" },
	{ "restore_huge_count", CRIU_NOT_RUN, CRIU_NOT_RUN, "",
	  "warns: the count goes into an allocation unchecked" },
	{ "restore_over_live_process_refused", CRIU_FAIL, CRIU_FAIL, "the SDMA queue does not run",
	  "queues are evicted before the process is looked at" },
	{ "restore_while_source_lives", CRIU_FAIL, CRIU_FAIL, "RESTORE: Device or resource busy",
	  "sdma_id belongs to the device and is taken" },
	{ "restore_fds_close_on_exec", CRIU_FAIL, CRIU_FAIL, "a dma-buf fd survives exec",
	  "DRM_RDWR is passed where fd flags are expected, without O_CLOEXEC" },
	/* without a test */
	{ "memory_policy_preserved", CRIU_NO_TEST, CRIU_NO_TEST, "",
	  "gfx9 and later ignore the alternate aperture: nothing to be seen" },
	{ "scratch_backing_va_preserved", CRIU_NO_TEST, CRIU_NO_TEST, "",
	  "only ASICs before gfx9 use it" },
	{ "user_cu_mask_flag_preserved", CRIU_NO_TEST, CRIU_NO_TEST, "",
	  "only a debugger's workaround asks for it" },
	{ "debug_session_preserved", CRIU_NO_TEST, CRIU_NO_TEST, "",
	  "a debugger and a dumper cannot both trace the process" },
	{ "gws_preserved", CRIU_NO_TEST, CRIU_NO_TEST, "",
	  "needs firmware with GWS" },
	{ "smi_clients_preserved", CRIU_NO_TEST, CRIU_NO_TEST, "",
	  "CRIU cannot dump the anonymous file" },
	{ "hostile_mqd_refused", CRIU_NO_TEST, CRIU_NO_TEST, "",
	  "the stock kernel would load it: VMID, privileged state and addresses are the image's" },
	{ "hostile_queue_type_refused", CRIU_NO_TEST, CRIU_NO_TEST, "",
	  "the stock kernel would create a HIQ" },
	{ "checkpoint_counts_while_events_come", CRIU_NO_TEST, CRIU_NO_TEST, "",
	  "a race that writes past the caller's buffer" },
};

#define CRIU_EXPECTATIONS	ARRAY_SIZE(criu_expectations)

static inline bool criu_stock_code(void)
{
	const char *kernel = getenv("KFD_CRIU_KERNEL");

	return !kernel || strcmp(kernel, "ours");
}

/* amdgpu's sched_policy: 0 and 1 use the hardware scheduler, 2 does not. */
static inline bool criu_hws(void)
{
	FILE *f = fopen("/sys/module/amdgpu/parameters/sched_policy", "re");
	int policy = 0;

	if (!f)
		return true;
	if (fscanf(f, "%d", &policy) != 1)
		policy = 0;
	fclose(f);
	return policy != 2;
}

static inline const struct criu_expect *criu_expectation(const char *row)
{
	unsigned int i;

	for (i = 0; i < CRIU_EXPECTATIONS; i++)
		if (!strcmp(criu_expectations[i].row, row))
			return &criu_expectations[i];
	return NULL;
}

static inline enum criu_outcome criu_wanted(const struct criu_expect *e)
{
	if (!criu_stock_code())
		return CRIU_PASS;
	return criu_hws() ? e->hws : e->nohws;
}

#endif
