// SPDX-License-Identifier: GPL-2.0 OR MIT
// A process names its GPUs by user_gpu_id, in every handle and offset.
@signal_bo@
identifier p, kdev, pdd;
@@
 kfd_process_kunmap_signal_bo(struct kfd_process *p)
 {
	...
-	struct kfd_node *kdev;
	...
-	kdev = kfd_device_by_id(GET_GPU_ID(p->signal_handle));
-	if (!kdev)
-		return;
	...
-	pdd = kfd_get_process_device_data(kdev, p);
+	pdd = kfd_process_device_data_by_id(p, GET_GPU_ID(p->signal_handle));
	...
 }

@cwsr@
identifier p, dev, offset, filep;
expression i;
@@
 kfd_process_init_cwsr_apu(struct kfd_process *p, struct file *filep)
 {
	<+...
	struct kfd_node *dev = p->pdds[i]->dev;
	...
-	offset = KFD_MMAP_TYPE_RESERVED_MEM | KFD_MMAP_GPU_ID(dev->id);
+	offset = KFD_MMAP_TYPE_RESERVED_MEM | KFD_MMAP_GPU_ID(p->pdds[i]->user_gpu_id);
	...+>
 }
