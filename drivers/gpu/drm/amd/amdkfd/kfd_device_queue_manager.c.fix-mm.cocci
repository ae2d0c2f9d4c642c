// SPDX-License-Identifier: GPL-2.0 OR MIT
// The memory of a process is not that of whatever its lead thread has become.
@mm@
expression p;
@@
-get_task_mm(p->lead_thread)
+kfd_process_get_mm(p)
