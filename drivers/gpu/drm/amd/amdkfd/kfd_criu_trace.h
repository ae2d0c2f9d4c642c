/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#if !defined(KFD_CRIU_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define KFD_CRIU_TRACE_H

#include <linux/tracepoint.h>
#include <uapi/linux/kfd_ioctl.h>

#undef TRACE_SYSTEM
#define TRACE_SYSTEM kfd_criu
#define TRACE_INCLUDE_FILE kfd_criu_trace

/* An operation is over. */
TRACE_EVENT(kfd_criu_op,
	    TP_PROTO(u32 op, int pid, u32 bos, u32 objects, u64 bytes, int err),
	    TP_ARGS(op, pid, bos, objects, bytes, err),
	    TP_STRUCT__entry(__field(u32, op)
			     __field(int, pid)
			     __field(u32, bos)
			     __field(u32, objects)
			     __field(u64, bytes)
			     __field(int, err)
	    ),
	    TP_fast_assign(__entry->op = op;
			   __entry->pid = pid;
			   __entry->bos = bos;
			   __entry->objects = objects;
			   __entry->bytes = bytes;
			   __entry->err = err;
	    ),
	    TP_printk("%s pid=%d bos=%u objects=%u bytes=%llu err=%d",
		      __print_symbolic(__entry->op,
				       { KFD_CRIU_OP_PROCESS_INFO, "PROCESS_INFO" },
				       { KFD_CRIU_OP_CHECKPOINT, "CHECKPOINT" },
				       { KFD_CRIU_OP_UNPAUSE, "UNPAUSE" },
				       { KFD_CRIU_OP_RESTORE, "RESTORE" },
				       { KFD_CRIU_OP_RESUME, "RESUME" }),
		      __entry->pid, __entry->bos, __entry->objects, __entry->bytes,
		      __entry->err)
);

/* A step of an operation on all objects of a class. */
TRACE_EVENT(kfd_criu_class,
	    TP_PROTO(const char *class, const char *verb, int err),
	    TP_ARGS(class, verb, err),
	    TP_STRUCT__entry(__string(class, class)
			     __string(verb, verb)
			     __field(int, err)
	    ),
	    TP_fast_assign(__assign_str(class);
			   __assign_str(verb);
			   __entry->err = err;
	    ),
	    TP_printk("%s %s err=%d", __get_str(class), __get_str(verb), __entry->err)
);

/* One object. */
TRACE_EVENT(kfd_criu_object,
	    TP_PROTO(const char *class, const char *verb, u64 id, u32 gpu, int err),
	    TP_ARGS(class, verb, id, gpu, err),
	    TP_STRUCT__entry(__string(class, class)
			     __string(verb, verb)
			     __field(u64, id)
			     __field(u32, gpu)
			     __field(int, err)
	    ),
	    TP_fast_assign(__assign_str(class);
			   __assign_str(verb);
			   __entry->id = id;
			   __entry->gpu = gpu;
			   __entry->err = err;
	    ),
	    TP_printk("%s %s id=%#llx gpu=%#x err=%d", __get_str(class), __get_str(verb),
		      __entry->id, __entry->gpu, __entry->err)
);

/* An object that can't be saved or restored, and why. */
TRACE_EVENT(kfd_criu_refuse,
	    TP_PROTO(const char *class, u64 id, const char *why, u64 found, u64 wanted, int err),
	    TP_ARGS(class, id, why, found, wanted, err),
	    TP_STRUCT__entry(__string(class, class)
			     __field(u64, id)
			     __string(why, why)
			     __field(u64, found)
			     __field(u64, wanted)
			     __field(int, err)
	    ),
	    TP_fast_assign(__assign_str(class);
			   __entry->id = id;
			   __assign_str(why);
			   __entry->found = found;
			   __entry->wanted = wanted;
			   __entry->err = err;
	    ),
	    TP_printk("%s %#llx: %s (found %#llx, wanted %#llx) err=%d", __get_str(class),
		      __entry->id, __get_str(why), __entry->found, __entry->wanted,
		      __entry->err)
);

#endif

/* Found by the -I of amdgpu's Makefile. */
#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#include <trace/define_trace.h>
