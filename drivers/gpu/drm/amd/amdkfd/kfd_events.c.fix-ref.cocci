// SPDX-License-Identifier: GPL-2.0 OR MIT
// The lookup took a reference.
@vm_fault@
identifier p, user_gpu_id;
@@
 kfd_signal_vm_fault_event(...)
 {
	...
	if (unlikely(user_gpu_id == -EINVAL)) {
		...
+		kfd_unref_process(p);
		return;
	}
	...
	kfd_unref_process(p);
 }
