// SPDX-License-Identifier: GPL-2.0 OR MIT
// The lookup took a reference.
@bad_queue@
identifier p, dqm, ret;
expression pasid;
@@
 kfd_dqm_suspend_bad_queue_mes(...)
 {
	...
	struct kfd_process *p = kfd_lookup_process_by_pasid(pasid);
	...
	dqm_unlock(dqm);
+	kfd_unref_process(p);
	return ret;
 }
