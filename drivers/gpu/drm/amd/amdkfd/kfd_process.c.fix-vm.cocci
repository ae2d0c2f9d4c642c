// SPDX-License-Identifier: GPL-2.0 OR MIT
// When no VM is left, neither is what the VMs of a process share: the
// pointers go before amdgpu frees it.
@error_path@
identifier pdd, drm_file, p;
@@
 kfd_process_device_init_vm(struct kfd_process_device *pdd, struct file *drm_file)
 {
	...
	p = pdd->process;
	<+...
	pdd->drm_priv = NULL;
+	kfd_process_forget_vms(p);
	...+>
 }

@worker@
identifier p;
@@
 restore_process_helper(struct kfd_process *p)
 {
+	void *info = READ_ONCE(p->kgd_process_info);
	<+...
-	p->kgd_process_info
+	info
	...+>
 }
