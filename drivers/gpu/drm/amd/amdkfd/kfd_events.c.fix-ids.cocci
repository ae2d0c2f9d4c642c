// SPDX-License-Identifier: GPL-2.0 OR MIT
// The report of a fault is a copy, in which the GPU is named as the process
// knows it: see kfd_events.c.fix-ids.ed.
@vm_fault@
identifier data, record;
@@
 kfd_signal_vm_fault_event(...)
 {
	<+...
-	data ? *data : record
+	record
	...+>
 }
