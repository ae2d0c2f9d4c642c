/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the checkpoint/restore code of Linux is known not to pass, row by row, in the
 * release that criu_expected_release names.  Rows that are not named here pass there.
 * Ours passes every row that has a test.
 */
#ifndef KFD_CRIU_EXPECT_H
#define KFD_CRIU_EXPECT_H

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/utsname.h>
#include "../kselftest.h"
#include "kfd_lib.h"

enum criu_outcome {
	CRIU_PASS,
	CRIU_FAIL,
	CRIU_NOT_RUN,		/* would take the kernel down, or has nothing to run on */
	CRIU_NO_TEST,		/* nothing to be seen, whatever the kernel */
};

/**
 * struct criu_expect - what stock code does with a row
 * @hws: outcome with the hardware scheduler
 * @nohws: outcome without it
 * @seen: how the failure starts that is expected, so that another one is not taken for it; one
 *	of several, with | in between, if it depends on what comes first
 * @reason: why
 * @alone: no other process may get a queue before the row has failed: a new queue makes the
 *	scheduler load all queues anew, and then the lost work is found
 */
struct criu_expect {
	const char *row;
	enum criu_outcome hws, nohws;
	const char *seen;
	const char *reason;
	bool alone;
};

#define FAILS(row, seen, reason)	{ row, CRIU_FAIL, CRIU_FAIL, seen, reason, false }
#define FAILS_ALONE(row, seen, reason)	{ row, CRIU_FAIL, CRIU_FAIL, seen, reason, true }
#define FAILS_HWS(row, seen, reason)	{ row, CRIU_FAIL, CRIU_PASS, seen, reason, false }
#define FAILS_NOHWS(row, seen, reason)	{ row, CRIU_PASS, CRIU_FAIL, seen, reason, false }
#define NOT_RUN(row, reason)		{ row, CRIU_NOT_RUN, CRIU_NOT_RUN, "", reason, false }
#define NOT_RUN_NOHWS(row, reason)	{ row, CRIU_PASS, CRIU_NOT_RUN, "", reason, false }
#define NO_TEST(row, reason)		{ row, CRIU_NO_TEST, CRIU_NO_TEST, "", reason, false }

/* The release that has these defects.  Another one may have mended some, or have others. */
static const char criu_expected_release[] = "6.12.117";

/* kfd_criu_test.c: a process moves */
static const struct criu_expect criu_move_rows[] = {
	/* pause and checkpoint */
	FAILS("dumper_death_lets_queues_run", "the SDMA queue does not run",
	      "a pause has no owner: only a privileged UNPAUSE ends it"),
	FAILS("checkpoint_with_wrong_counts_refused",
	      "CHECKPOINT with a wrong count says Invalid argument",
	      "any mismatch of counts is EINVAL, nothing is said"),
	FAILS("checkpoint_says_needed_size", "the needed size is not told",
	      "any mismatch of counts is EINVAL, nothing is said"),
	FAILS("checkpoint_fds_close_on_exec", "a dma-buf fd survives exec",
	      "DRM_RDWR is passed where fd flags are expected, without O_CLOEXEC"),
	/* state that is not in the image */
	FAILS("event_age_preserved", "an event that did not happen wakes the waiter",
	      "event_age is not in the image and restarts from 0"),
	FAILS("signal_page_without_events", "a new event does not fire",
	      "the signal page is stored with the first event only"),
	FAILS("signal_in_slot_preserved", "the signal that waits in its slot is lost",
	      "slots of events in memory of the kernel are not in the image"),
	FAILS("aql_queue_mem_keeps_its_size", "contents after RESTORE: Invalid argument",
	      "the size of an AQL_QUEUE_MEM BO is halved a second time"),
	FAILS("trap_handler_preserved", "trap handler",
	      "the second-level trap handler is not in the image"),
	FAILS("runtime_enable_preserved", "the runtime is not enabled any more",
	      "RUNTIME_ENABLE is not in the image"),
	/* other GPUs, other processes */
	FAILS_NOHWS("sdma_job_finishes_beside_other_process", "the SDMA job does not finish",
		    "the queue is loaded with the image's VMID, which is another process' now"),
	FAILS_NOHWS("aql_job_finishes_beside_other_process", "the AQL job does not finish",
		    "the queue is loaded with the image's VMID, which is another process' now"),
	FAILS_ALONE("swap_doorbell_mmap_anew", "the SDMA queue does not run",
		    "kfd_mmap takes the offset's id for an actual one: the other GPU's doorbells"),
	NOT_RUN("swap_signal_events_fire",
		"warns: at exit the signal page's BO is unpinned on the wrong device"),
	FAILS("swap_fault_raises_memory_event", "the event names the other GPU",
	      "the interrupt handler tells the actual id, which is the other GPU's now"),
	/* RESUME */
	FAILS("second_resume_harmless", "GPU A reads wrong data from a remapped user pointer",
	      "a refused RESUME leaves evicted_bos raised: invalidations no longer stop queues"),
	FAILS("resume_of_running_process_harmless",
	      "GPU A reads wrong data from a remapped user pointer",
	      "a refused RESUME leaves evicted_bos raised: invalidations no longer stop queues"),
	NOT_RUN("resume_of_process_without_vm",
		"oopses: RESUME locks process info that does not exist"),
	FAILS("resume_needs_ptrace_rights", "a stranger may resume",
	      "the capability alone is enough, for any target"),
	FAILS("resume_reports_missing_userptr_memory", "RESUME succeeds",
	      "RESUME returns before anything is validated"),
	FAILS("resume_reports_readonly_userptr_memory",
	      "RESUME over memory that is not for writing says Success",
	      "RESUME returns before anything is validated"),
	FAILS("userptr_without_memory_faults", "the GPU writes to memory that was given back",
	      "the driver maps the old pages again"),
	FAILS("userptr_without_memory_resumes", "RESUME with a hole that was none says Success",
	      "RESUME returns before anything is validated"),
	FAILS("queues_stopped_after_failed_resume", "the SDMA queue runs",
	      "a user pointer to nothing (EFAULT) counts as success"),
	FAILS("resume_retry_restores_svm", "the SVM range's attributes are lost",
	      "the ranges are freed by the RESUME that fails"),
	/* RESTORE */
	FAILS("restore_while_source_lives", "RESTORE: Device or resource busy",
	      "sdma_id belongs to the device and is taken"),
	FAILS("restore_fds_close_on_exec", "a dma-buf fd survives exec",
	      "DRM_RDWR is passed where fd flags are expected, without O_CLOEXEC"),
};

/* kfd_criu_state_test.c: state that is easily lost, and processes that do not stand still */
static const struct criu_expect criu_state_rows[] = {
	FAILS("import_is_freed_alone", "no mapping of BO",
	      "an import frees the GEM handle of another BO"),
	FAILS("dumper_takes_over_own_pause", "work that was submitted while paused is lost",
	      "a pause has no owner: only a privileged UNPAUSE ends it"),
	NOT_RUN("checkpoint_of_process_on_one_gpu",
		"oopses: a GPU without a VM is asked for its mappings"),
	FAILS("dmabuf_import_stays_shared", "sharing is lost",
	      "imports are restored as private copies"),
	FAILS("imported_bo_refused", "a checkpoint with an imported BO is not refused",
	      "imports are restored as private copies"),
	FAILS("exported_bo_refused", "a checkpoint with an exported BO is not refused",
	      "whoever has the dma-buf is left with a memory of his own"),
	NOT_RUN_NOHWS("pause_of_process_on_one_gpu",
		      "oopses: UNPAUSE asks a GPU without a VM for its page directory"),
	FAILS("no_hw_exception_after_resume", "RESUME",
	      "RESUME returns before anything is validated"),
	FAILS("failed_resume_is_not_logged", "RESUME",
	      "RESUME returns before anything is validated"),
	FAILS("resume_of_memory_that_main_thread_left", "the program dies of Bus error",
	      "RESUME works on the memory that the main thread has now"),
	FAILS("main_thread_has_ended",
	      "GPU A does not finish a copy from the SVM range|kfd_criu_unpause(c->k.fd): Bad",
	      "the main thread is asked for memory, and has none any more"),
	FAILS("userptr_anew_without_main_thread",
	      "GPU A does not finish a copy from the user pointer",
	      "the main thread is asked for memory, and has none any more"),
	FAILS("debug_session_preserved", "a checkpoint of a debugged process is not refused",
	      "the session is state of the debugger too; nothing of it is in the image"),
	FAILS("debugger_refused", "a checkpoint of a debugger is not refused",
	      "the session is state of the process that is debugged, too"),
	NOT_RUN("event_limit_preserved", "that is about images of version 2"),
	FAILS("runtime_info_for_debugger", "a debugger finds r_debug 0",
	      "RUNTIME_ENABLE is not in the image"),
	FAILS("pending_exceptions_preserved", "a debugger finds a new queue",
	      "every restored queue counts as new"),
	FAILS("scratch_backing_va_preserved", "the scratch address is not in the image",
	      "SET_SCRATCH_BACKING_VA is not in the image"),
	FAILS("user_cu_mask_flag_preserved", "the mask's owner is not in the image",
	      "that the process set the CU mask is not in the image"),
	FAILS("cwsr_in_svm_range", "RESTORE: Invalid argument",
	      "the save area has to be there at RESTORE, SVM ranges come with RESUME"),
	FAILS("aql_doorbell_flags_preserved", "doorbell control",
	      "BIF_DROP, which AQL queues have, comes back with the next update only"),
	FAILS("mqd_knows_its_own_address", "two live queues have one MQD address",
	      "the MQD is the image's, with the address of the old one"),
	FAILS("image_has_version_of_its_own", "the image says version 1",
	      "the version was never raised, although the layout changed"),
	NOT_RUN("image_has_no_stale_memory", "that is about images of version 2"),
	FAILS("second_image_equals_first", "byte",
	      "addresses of the old machine's memory are in the MQDs"),
	FAILS("swap_twice_image_equals_first", "byte",
	      "addresses of the old machine's memory are in the MQDs"),
	FAILS("process_info_before_resume_refused",
	      "PROCESS_INFO of a process that waits for RESUME",
	      "nothing says that a process is half restored"),
	NOT_RUN("resume_retries_while_memory_changes",
		"RESUME returns before anything is validated"),
	FAILS("hw_exception_after_failed_resume", "no hardware exception",
	      "RESUME does not see that memory is missing"),
	FAILS("page_lists_die_with_process", "dead processes leave memory",
	      "a list of pages is taken for that of a living process, or of none"),
	NOT_RUN("last_vms_close_at_once", "frees twice what VMs share"),
	NOT_RUN("checkpoint_counts_while_events_come",
		"a race that writes past the caller's buffer"),
	/* without a test */
	NO_TEST("checkpoint_lock_order",
		"lockdep sees it: make test DEBUG=1, where only stock code is spared"),
	NO_TEST("memory_policy_preserved",
		"gfx9 and later ignore the alternate aperture: nothing to be seen"),
	NO_TEST("metadata_ring_preserved", "queues of Linux 6.12 have none"),
	NO_TEST("pm4_target_xcc_preserved", "no GPU here has an XCC to choose"),
	NO_TEST("secondary_processes_preserved", "Linux 6.12 has no secondary processes"),
	NO_TEST("smi_clients_preserved", "CRIU cannot dump the anonymous file"),
	NO_TEST("svm_under_vram_pressure",
		"a defect of the base driver, without any checkpoint: kfd_stress"),
	NOT_RUN("idle_queue_goes_to_other_die", "version 1 does not say what waves depend on"),
	NOT_RUN("cu_mask_goes_to_other_die", "version 1 does not say what CUs there were"),
};

/* kfd_criu_refuse_test.c: what must be refused without a trace */
static const struct criu_expect criu_refuse_rows[] = {
	FAILS("restore_short_image", "the failed RESTORE left dma-bufs",
	      "dma-buf fds are installed before the objects are read"),
	FAILS("restore_long_image", "the failed RESTORE left dma-bufs",
	      "dma-buf fds are installed before the objects are read"),
	FAILS("restore_fewer_bos", "the failed RESTORE left dma-bufs",
	      "dma-buf fds are installed before the objects are read"),
	FAILS("restore_fewer_objects", "the failed RESTORE left dma-bufs",
	      "dma-buf fds are installed before the objects are read"),
	FAILS("restore_more_objects", "the failed RESTORE left dma-bufs",
	      "dma-buf fds are installed before the objects are read"),
	FAILS("restore_fewer_devices", "the SDMA job does not finish",
	      "queues stay evicted once more"),
	FAILS("restore_wrong_version", "the SDMA job does not finish",
	      "queues stay evicted once more"),
	FAILS("restore_unknown_gpu", "the SDMA job does not finish",
	      "queues stay evicted once more"),
	FAILS("restore_bad_render_fd", "the SDMA job does not finish",
	      "queues stay evicted once more"),
	FAILS("restore_same_gpu_twice", "the failed RESTORE left VRAM",
	      "the VMs of the failed attempt stay"),
	FAILS("restore_bo_of_unknown_gpu", "the failed RESTORE left VRAM",
	      "the VMs of the failed attempt stay"),
	NOT_RUN("restore_huge_count", "warns: the count goes into an allocation unchecked"),
	FAILS("restore_over_live_process_refused",
	      "the refused RESTORE left: a queue|the SDMA queue does not run",
	      "queues are evicted before the process is looked at"),
	FAILS("restore_without_descriptors", "RESTORE without descriptors: Invalid argument",
	      "the first failure, which is undone half, decides about the second"),
	FAILS("restore_fails_after_many_bos", "RESTORE without descriptors: Invalid argument",
	      "the first failure, which is undone half, decides about the second"),
	FAILS("restore_to_readonly_buckets", "the failed RESTORE left BOs",
	      "nothing of what was created is undone"),
	FAILS("restore_fails_often", "RESTORE says Invalid argument",
	      "nothing of what was created is undone"),
	/* errnos */
	FAILS("errno_image_too_large", "the failed RESTORE left dma-bufs",
	      "there is no limit"),
	FAILS("errno_unknown_version", "RESTORE says Invalid argument", "any mismatch is EINVAL"),
	FAILS("errno_live_process", "RESTORE says Invalid argument", "any mismatch is EINVAL"),
	FAILS("errno_truncated", "the failed RESTORE left dma-bufs",
	      "dma-buf fds are installed before the objects are read"),
	FAILS("errno_gpu_named_twice", "RESTORE says Invalid argument", "any mismatch is EINVAL"),
	FAILS("errno_node_of_other_gpu", "RESTORE succeeds",
	      "that a render node belongs to the GPU is not checked"),
	FAILS("errno_no_render_node", "RESTORE says Invalid argument", "any mismatch is EINVAL"),
	FAILS("errno_unknown_gpu", "RESTORE says Invalid argument", "any mismatch is EINVAL"),
	NOT_RUN("errno_no_version_1", "every image is of version 1"),
	FAILS("errno_bad_arguments", "RESTORE with BOs from nowhere says Invalid argument",
	      "the first failure, which is undone half, decides about the second"),
	FAILS("errno_process_with_event", "the failed RESTORE left dma-bufs",
	      "the process is not looked at, and what fails half way leaves dma-buf fds"),
	FAILS("errno_node_in_use", "RESTORE says Invalid argument", "any mismatch is EINVAL"),
	NOT_RUN("errno_id_of_other_gpu", "version 1 has all GPUs of a process"),
	/* telling why */
	FAILS("refusal_is_traced", "no tracepoint for refusals", "there are no tracepoints"),
	FAILS("image_in_words", "no image in words", "an image cannot be looked at"),
	FAILS("signal_page_in_words", "words about an image that is not there",
	      "an image cannot be looked at"),
	/* forged images */
	FAILS("bucket_of_another_bo_refused", "RESTORE succeeds",
	      "nothing ties the image to its buckets"),
	NOT_RUN("hostile_header_refused", "version 1 has no header and no checksum"),
	NOT_RUN("hostile_queue_type_refused", "the stock code would create a HIQ"),
	NOT_RUN("hostile_queue_fields_refused", "sizes of an image become allocations unchecked"),
	NOT_RUN("hostile_mqd_refused",
		"the stock code loads it: VMID, privileges and addresses are the image's"),
	NOT_RUN("hostile_mqd_has_no_effect",
		"the stock code loads it: VMID, privileges and addresses are the image's"),
	NOT_RUN("hostile_bo_refused", "the checks of ALLOC_MEMORY_OF_GPU are skipped"),
	NOT_RUN("crafted_image_refused", "what the image asks for is not compared with the GPUs"),
	NOT_RUN("save_area_in_nothing_refused", "the save area has to be there at RESTORE"),
	FAILS("refused_checkpoint_leaves_no_trace",
	      "CHECKPOINT of a BO more says Invalid argument", "any mismatch of counts is EINVAL"),
	FAILS("refused_during_pause_leaves_no_trace", "CHECKPOINT with an exported BO says Success",
	      "whoever has the dma-buf is left with a memory of his own"),
	NOT_RUN("waves_of_other_die_refused", "version 1 does not say what waves depend on"),
	NOT_RUN("sdma_command_of_other_firmware_refused",
		"version 1 does not say what commands depend on"),
	NOT_RUN("image_of_other_generation_refused", "version 1 does not say where it was made"),
	NOT_RUN("damaged_anywhere_refused", "what is damaged goes to the hardware"),
	NOT_RUN("damaged_and_sealed_refused_or_restored", "what is damaged goes to the hardware"),
	NOT_RUN("unknown_optional_record_skipped", "version 1 has no records"),
};

/* kfd_criu_perm_test.c: who may do what */
static const struct criu_expect criu_perm_rows[] = {
	NOT_RUN("restore_of_traced_process_refused",
		"it works, on the memory of the wrong process, and oopses without HWS"),
	FAILS("resume_by_other_user_with_checkpoint_restore_refused", "RESUME: Success",
	      "the capability alone is enough, for any target"),
	FAILS("resume_by_own_user_of_closed_process_refused", "RESUME: Success",
	      "the capability alone is enough, for any target"),
};

/* kfd_criu_kernel_test.c: kernels in the middle of their grid */
static const struct criu_expect criu_kernel_rows[] = {
	NOT_RUN("kernel_waves_need_same_die", "version 1 does not say what waves depend on"),
};

/* kfd_criu_signal_test.c: callers that are killed */
#define KILLS(row)	NOT_RUN(row, "no tracepoint tells how far an operation comes")

static const struct criu_expect criu_signal_rows[] = {
	KILLS("restore_of_bos_ends_when_killed"),
	KILLS("restore_of_events_ends_when_killed"),
	KILLS("resume_of_userptrs_ends_when_killed"),
	KILLS("resume_of_ranges_ends_when_killed"),
};

/* kfd_criu_many_test.c: four GPUs that change places */
static const struct criu_expect criu_many_rows[] = {
	FAILS("four_rotated_gpus_fault", "the event names GPU",
	      "the interrupt handler puts the actual id, now another GPU's, into the event's data"),
	FAILS("four_reversed_gpus_fault", "the event names GPU",
	      "the interrupt handler puts the actual id, now another GPU's, into the event's data"),
};

/* simgpu_criu_test.c: GPUs that fail on demand */
#define RESETS(row)	NOT_RUN(row, "nothing in the stock code knows of resets")

static const struct criu_expect criu_simgpu_rows[] = {
	FAILS("restore_despite_a_signal", "RESTORE: Interrupted system call",
	      "a signal ends it, and a caller with a timer begins anew for ever"),
	FAILS("restore_when_bo_fails", "RESTORE says Invalid argument",
	      "nothing of what was created is undone"),
	FAILS_HWS("queue_reset_preserved", "a queue that was reset runs",
		  "queues that are stopped and go on forget that they were reset"),
	FAILS_NOHWS("process_info_when_preemption_fails", "a new queue of GPU B does not run",
		    "the GPU that fails keeps its count of reasons, and stays stopped"),
	FAILS_NOHWS("resume_when_queue_load_fails", "RESUME succeeds",
		    "RESUME returns before anything runs"),
	FAILS("restore_flushes_tlbs_once", "the TLB of GPU",
	      "it is flushed for each BO of another GPU"),
	/* resets */
	RESETS("reset_refuses_checkpoint"),
	RESETS("reset_refuses_paused_process"),
	RESETS("reset_refuses_restore"),
	RESETS("reset_refuses_resume"),
	RESETS("process_ends_in_reset"),
};

/* kfd_criu_fault_test.c: allocations and copies that fail */
static const struct criu_expect criu_fault_rows[] = {
	NOT_RUN("process_info_survives_faults", "oopses and leaks are known without a sweep"),
	NOT_RUN("checkpoint_survives_faults", "oopses and leaks are known without a sweep"),
	NOT_RUN("first_checkpoint_survives_faults", "oopses and leaks are known without a sweep"),
	NOT_RUN("checkpoint_v1_survives_faults", "oopses and leaks are known without a sweep"),
	NOT_RUN("restore_v1_survives_faults", "oopses and leaks are known without a sweep"),
	NOT_RUN("unpause_survives_faults", "oopses and leaks are known without a sweep"),
	NOT_RUN("restore_survives_faults", "oopses and leaks are known without a sweep"),
	NOT_RUN("free_survives_faults", "corrupts a list: what FREE does first, it does again"),
	NOT_RUN("resume_survives_faults", "oopses and leaks are known without a sweep"),
};

/* simgpu_criu_fault_test.c: GPUs that refuse one thing after another */
static const struct criu_expect criu_simgpu_fault_rows[] = {
	NOT_RUN("process_info_survives_gpu_a", "oopses and leaks are known without a sweep"),
	NOT_RUN("process_info_survives_gpu_b", "oopses and leaks are known without a sweep"),
	NOT_RUN("checkpoint_survives_gpu_a", "oopses and leaks are known without a sweep"),
	NOT_RUN("checkpoint_survives_gpu_b", "oopses and leaks are known without a sweep"),
	NOT_RUN("unpause_survives_gpu_a", "oopses and leaks are known without a sweep"),
	NOT_RUN("unpause_survives_gpu_b", "oopses and leaks are known without a sweep"),
	NOT_RUN("restore_survives_gpu_a", "oopses and leaks are known without a sweep"),
	NOT_RUN("restore_survives_gpu_b", "oopses and leaks are known without a sweep"),
	NOT_RUN("resume_survives_gpu_a", "oopses and leaks are known without a sweep"),
	NOT_RUN("resume_survives_gpu_b", "oopses and leaks are known without a sweep"),
};

/* kfd_criu_race.c: operations and something else at the same time */
#define RACES(row)	NOT_RUN(row, "nobody has to lose a race to know that the locks are missing")

static const struct criu_expect criu_race_rows[] = {
	RACES("dump_against_bos"),
	RACES("dump_against_queues"),
	RACES("dump_against_events"),
	RACES("dump_against_svm_attributes"),
	RACES("dump_against_migration"),
	RACES("dump_against_memory"),
	RACES("dump_against_fork"),
	RACES("dump_against_lost_pages"),
	RACES("dump_against_dump"),
	RACES("dump_against_eviction"),
	RACES("dump_against_reset"),
	RACES("dump_against_exit"),
	RACES("dump_against_end_of_dumper"),
	RACES("restore_against_bos"),
	RACES("restore_against_queues"),
	RACES("restore_against_events"),
	RACES("restore_against_svm_attributes"),
	RACES("restore_against_migration"),
	RACES("restore_against_memory"),
	RACES("restore_against_fork"),
	RACES("restore_against_eviction"),
	RACES("restore_against_reset"),
	RACES("restore_against_exit"),
	RACES("restore_against_restore"),
	RACES("restore_against_its_image"),
	RACES("resume_against_resume"),
};

/* The version of images that are written from now on: no other checkpoint code has it. */
#define IMAGE_VERSION	"/sys/module/amdgpu/parameters/kfd_criu_image_version"

/*
 * Only the kernel says which checkpoint code runs.  The answer is not kept: amdgpu may be
 * loaded anew, with another version.
 */
static inline bool criu_stock_code(void)
{
	return access(IMAGE_VERSION, F_OK);
}

/* The name of that code in the output of tests. */
static inline const char *criu_code_name(void)
{
	return criu_stock_code() ? "stock" : "ours";
}

/* What a row comes to on the running kernel. */
static inline enum criu_outcome criu_wanted(const struct criu_expect *e)
{
	if (!criu_stock_code())
		return CRIU_PASS;
	return kfd_has_hws() ? e->hws : e->nohws;
}

/* Is @release, as uname tells it, @base or a build of it, and not another point release? */
static inline bool criu_release_is(const char *release, const char *base)
{
	size_t n = strlen(base);

	return !strncmp(release, base, n) && release[n] != '.' && !isdigit(release[n]);
}

/*
 * What is expected of the stock code holds for one release and for this generation, one that
 * it can restore at all.  On others its results are told, and nobody is surprised.
 */
#define CRIU_EXPECTED_GFX	90006

static inline bool criu_judged(const struct kfd *here)
{
	struct utsname name;
	unsigned int g;

	if (!criu_stock_code())
		return true;
	if (uname(&name) || !criu_release_is(name.release, criu_expected_release))
		return false;
	for (g = 0; g < here->ngpu; g++)
		if (here->gpu[g].gfx_version != CRIU_EXPECTED_GFX)
			return false;
	return true;
}

/* The table's column of the stock code: with a hardware scheduler, and without if it differs. */
static inline const char *criu_stock_says(const struct criu_expect *e)
{
	static const char * const words[] = {
		[CRIU_PASS] = "pass",
		[CRIU_FAIL] = "fail",
		[CRIU_NOT_RUN] = "not run",
		[CRIU_NO_TEST] = "no test",
	};
	static char text[32];

	if (!e)
		return words[CRIU_PASS];
	if (e->hws == e->nohws)
		return words[e->hws];
	snprintf(text, sizeof(text), "%s/%s", words[e->hws], words[e->nohws]);
	return text;
}

#endif
