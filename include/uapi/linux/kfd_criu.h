/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR MIT) */
/*
 * Checkpoint and restore of processes that compute on AMD GPUs: the arguments
 * of AMDKFD_IOC_CRIU_OP.  Include <linux/kfd_ioctl.h>, which has its number.
 */
#ifndef _UAPI_LINUX_KFD_CRIU_H
#define _UAPI_LINUX_KFD_CRIU_H

#include <linux/types.h>

/**
 * DOC: AMDKFD_IOC_CRIU_OP
 *
 * There are two programs: the *target*, which computes, and the *dumper*, which
 * saves it and brings it back, CRIU with its amdgpu plugin for one.  The ioctl
 * takes what the kernel knows about the target.  All else is the dumper's
 * business: the contents of buffer objects (BOs), which it gets as dma-bufs,
 * and the memory, files and threads of the target.
 *
 * Save.  The dumper has stopped the threads of the target, traces it, and calls
 * on a copy of the target's file of /dev/kfd:
 *
 * 1. %KFD_CRIU_OP_PROCESS_INFO stops the queues of the target and tells how much
 *    there is to save.
 * 2. %KFD_CRIU_OP_CHECKPOINT fills buffers of these sizes, and gives a dma-buf
 *    for each BO that has contents.  The dumper saves both, and the contents.
 *    It may do so more than once, with the dma-bufs of the last time closed:
 *    memory that somebody else can reach is not saved.
 * 3. %KFD_CRIU_OP_UNPAUSE lets the queues run.  This is owed after 1, whatever
 *    comes of 2.  If it fails, the queues are still stopped, and the call may be
 *    repeated.  Queues also run again when the dumper is gone: the last one that
 *    has called 1.  If that is the target itself, nobody else's end counts.
 *
 * Restore.  A new process opens /dev/kfd, and a render node for each GPU, and
 * calls on its own file:
 *
 * 4. %KFD_CRIU_OP_RESTORE makes it what the target was, with all the names that
 *    the target knew: ids of GPUs, queues and events, handles of BOs, addresses
 *    and doorbells.  Either everything is there afterwards or nothing.  BOs with
 *    contents come with a dma-buf, through which the caller writes them.  Queues
 *    do not run, nobody looks at the memory of user pointers, and ranges of
 *    shared virtual memory (SVM) do not exist yet: the memory of the process may
 *    be moved to its place now.
 * 5. %KFD_CRIU_OP_RESUME, when the memory is in its place, by any process which
 *    may trace this one, on a file of /dev/kfd of its own.  It brings user
 *    pointers and SVM ranges to life, and lets the queues run.  If it fails,
 *    the target is told by its hardware exception events, its queues stay
 *    stopped, and the call may be repeated.
 *
 * All of them need CAP_CHECKPOINT_RESTORE or CAP_SYS_ADMIN in the initial user
 * namespace.  Calls for one target are serialised.  Signals that the caller
 * handles wait until RESTORE or RESUME is done.  A signal that kills the caller
 * ends them.  One that stops the caller may: then they begin anew when the caller
 * goes on.
 *
 * The image, which goes through @priv_data of &struct kfd_ioctl_criu_args, is
 * not for user space to interpret.  It begins with its version, and has a
 * checksum.  A kernel refuses what it does not know completely.
 */

/**
 * DOC: Errors of AMDKFD_IOC_CRIU_OP
 *
 * ================  ==================  ==========================================
 * Error             From                Meaning
 * ================  ==================  ==========================================
 * EACCES            all                 no CAP_CHECKPOINT_RESTORE or
 *                                       CAP_SYS_ADMIN in the initial user
 *                                       namespace
 * EAGAIN            RESUME              the memory of the target kept changing,
 *                                       try again
 * EBADF             all                 the file of /dev/kfd is another process'
 *                                       and the caller does not trace it
 * EBADF             RESTORE             the file of /dev/kfd is another process',
 *                                       traced or not
 * EBADF             RESTORE             drm_fd is no render node of that GPU
 * EBUSY             PROCESS_INFO        the target waits for RESUME
 * EBUSY             RESTORE             the process has GPU state already, the VM
 *                                       of drm_fd is in use, or an SDMA engine
 *                                       has no free queue
 * EEXIST            RESTORE             two objects with one id, be it that another
 *                                       thread has just taken it, or two buckets
 *                                       with one GPU
 * EFAULT            all                 a buffer of the caller is not accessible. If that
 *                                       is the arguments, which are written last, the
 *                                       operation has been done
 * EFAULT            RESUME              there is no memory where a user pointer
 *                                       or an SVM range has to have it
 * EINTR             RESTORE, RESUME     the caller is being killed. RESTORE has left
 *                                       nothing; somebody else may call RESUME again
 * EINVAL            all                 unknown op
 * EINVAL            CHECKPOINT          a buffer is missing, or the target is not
 *                                       paused
 * EINVAL            UNPAUSE             the target is not paused
 * EINVAL            RESTORE             the arguments or the image are malformed:
 *                                       counts, alignment, flags, checksum
 * EINVAL            RESUME              the target was not restored, or runs
 *                                       already
 * EIO               all                 a GPU is being reset, or was since the target
 *                                       opened /dev/kfd: its queues do not run again
 * EIO               PROCESS_INFO,       a GPU does not take a queue
 *                   UNPAUSE, RESTORE,
 *                   RESUME
 * EMFILE            CHECKPOINT,         too few descriptors for the dma-bufs
 *                   RESTORE
 * EMSGSIZE          CHECKPOINT,         the image is larger than 256 MiB
 *                   RESTORE
 * ENODEV            PROCESS_INFO,       the target has no GPU
 *                   CHECKPOINT
 * ENODEV            RESTORE             a GPU that the image or a bucket names
 *                                       does not exist
 * ENOMEM            all                 no memory, in the system or on a GPU
 * ENOSPC            CHECKPOINT          the buffers are too small, or there is
 *                                       more or less to save than PROCESS_INFO
 *                                       told: the arguments tell the sizes now
 *                                       and nothing else was written
 * EOPNOTSUPP        PROCESS_INFO,       the target has state that an image cannot
 *                   CHECKPOINT          hold
 * EOPNOTSUPP        RESTORE             the image has state that this kernel or
 *                                       GPU cannot give to a process
 * EOPNOTSUPP        all                 a kernel without CONFIG_HSA_AMD_CRIU
 * EPERM             RESTORE             the device cgroup of the process has not got
 *                                       that GPU
 * EPERM             RESUME              the caller may not trace the target
 * EPROTONOSUPPORT   RESTORE             the image has a version, or needs a
 *                                       feature, that is unknown
 * ESRCH             PROCESS_INFO,       the target is dying
 *                   CHECKPOINT,
 *                   UNPAUSE, RESUME
 * ESRCH             RESUME              no process with that pid, or it has not
 *                                       opened /dev/kfd
 * ETIME             PROCESS_INFO        a queue does not leave its GPU in time
 * EXDEV             RESTORE             a GPU cannot run the image: another
 *                                       generation, number of XCCs, size of
 *                                       doorbells or of queue descriptors; or, if
 *                                       a queue has saved waves or is in the middle
 *                                       of a command, other CUs, firmware or
 *                                       another trap handler of the kernel
 * ================  ==================  ==========================================
 *
 * Which object of the target or of the image is meant by an error is told by the
 * tracepoint kfd_criu_refuse.
 */

/**
 * enum kfd_criu_op - What AMDKFD_IOC_CRIU_OP is to do
 *
 * @KFD_CRIU_OP_PROCESS_INFO: stop the queues, tell how much there is to save
 * @KFD_CRIU_OP_CHECKPOINT: save, between PROCESS_INFO and UNPAUSE
 * @KFD_CRIU_OP_UNPAUSE: let the queues run again
 * @KFD_CRIU_OP_RESTORE: make a process that has only just opened /dev/kfd what
 *	another one was
 * @KFD_CRIU_OP_RESUME: complete a restored process, let its queues run
 */
enum kfd_criu_op {
	KFD_CRIU_OP_PROCESS_INFO,
	KFD_CRIU_OP_CHECKPOINT,
	KFD_CRIU_OP_UNPAUSE,
	KFD_CRIU_OP_RESTORE,
	KFD_CRIU_OP_RESUME,
};

/**
 * struct kfd_ioctl_criu_args - Arguments of AMDKFD_IOC_CRIU_OP
 *
 * @devices: address of @num_devices &struct kfd_criu_device_bucket.  CHECKPOINT
 *	fills them, RESTORE reads them
 * @bos: address of @num_bos &struct kfd_criu_bo_bucket.  CHECKPOINT fills them,
 *	RESTORE reads them and writes back restored_offset and dmabuf_fd
 * @priv_data: address of the image.  CHECKPOINT writes it, RESTORE reads it
 * @priv_data_size: bytes of @priv_data.  PROCESS_INFO tells how many are needed.
 *	CHECKPOINT takes the size of the buffer and gives that of the image.
 *	RESTORE takes that of the image
 * @num_devices: GPUs of the target, also those that it does not use.
 *	PROCESS_INFO tells it, CHECKPOINT and RESTORE want the same number
 * @num_bos: BOs of the target, likewise
 * @num_objects: queues, events and SVM ranges in the image, likewise
 * @pid: from PROCESS_INFO, the target in its own pid namespace; to RESUME, the
 *	target in that of the caller
 * @op: what to do, one of &enum kfd_criu_op
 *
 * What an op neither takes nor gives, it ignores and leaves alone.
 */
struct kfd_ioctl_criu_args {
	__u64 devices;
	__u64 bos;
	__u64 priv_data;
	__u64 priv_data_size;
	__u32 num_devices;
	__u32 num_bos;
	__u32 num_objects;
	__u32 pid;
	__u32 op;
};

/**
 * struct kfd_criu_device_bucket - A GPU of the target
 *
 * @user_gpu_id: the id that the target knows it by, and will know it by
 * @actual_gpu_id: from CHECKPOINT, the gpu_id in the topology of this machine.
 *	To RESTORE, the one of the GPU that takes its place: this is how user space
 *	chooses among GPUs of the same kind
 * @drm_fd: to RESTORE, a render node of that GPU, newly opened, whose VM becomes
 *	the process'.  It is not looked at for GPUs that the target did not use
 * @pad: 0
 *
 * Buckets stand in any order.
 */
struct kfd_criu_device_bucket {
	__u32 user_gpu_id;
	__u32 actual_gpu_id;
	__u32 drm_fd;
	__u32 pad;
};

/**
 * struct kfd_criu_bo_bucket - A BO of the target
 *
 * @addr: GPU virtual address
 * @size: in bytes
 * @offset: from CHECKPOINT, where the target maps it from: in the render node of
 *	its GPU, or in /dev/kfd for doorbells and remapped registers.  It means
 *	nothing for user pointers
 * @restored_offset: from RESTORE, what to map in place of @offset
 * @gpu_id: user_gpu_id of its GPU
 * @alloc_flags: KFD_IOC_ALLOC_MEM_FLAGS that it was allocated with
 * @dmabuf_fd: from CHECKPOINT and RESTORE, a dma-buf to read or write the contents
 *	through, which the caller closes, or KFD_INVALID_FD where the BO has no
 *	contents of its own
 * @pad: 0
 *
 * To RESTORE go the buckets of the CHECKPOINT, in the same order; fields that are
 * not from it alone may have any value.
 */
struct kfd_criu_bo_bucket {
	__u64 addr;
	__u64 size;
	__u64 offset;
	__u64 restored_offset;
	__u32 gpu_id;
	__u32 alloc_flags;
	__u32 dmabuf_fd;
	__u32 pad;
};

#endif
