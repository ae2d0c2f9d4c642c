// SPDX-License-Identifier: GPL-2.0 OR MIT
// A restore that fails gives back what came with the VM of a device.
@ib@
@@
-static
 void kfd_process_device_destroy_ib_mem(struct kfd_process_device *pdd) { ... }

@cwsr@
@@
-static
 void kfd_process_device_destroy_cwsr_dgpu(struct kfd_process_device *pdd) { ... }

@cwsr_prototype@
@@
-void kfd_process_device_destroy_cwsr_dgpu(struct kfd_process_device *pdd);
