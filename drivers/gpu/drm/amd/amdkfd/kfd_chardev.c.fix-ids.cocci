// SPDX-License-Identifier: GPL-2.0 OR MIT
// A process names its GPUs by user_gpu_id, in every handle and offset.
@mmap@
identifier process, dev, id;
@@
 kfd_mmap(...)
 {
	...
	struct kfd_process *process;
+	struct kfd_process_device *pdd;
	...
-	if (id)
-		dev = kfd_device_by_id(id);
+	pdd = kfd_process_device_data_by_id(process, id);
+	if (pdd)
+		dev = pdd->dev;
	...
 }

@export@
identifier filep, p, data, args, pdd, node;
@@
 kfd_ioctl_export_dmabuf(struct file *filep, struct kfd_process *p, void *data)
 {
	...
-	struct kfd_node *node;
	...
-	node = kfd_device_by_id(GET_GPU_ID(args->handle));
-	if (!node)
-		return -EINVAL;
	...
-	pdd = kfd_get_process_device_data(node, p);
+	pdd = kfd_process_device_data_by_id(p, GET_GPU_ID(args->handle));
	...
 }

@apertures@
identifier pdd;
expression slot;
@@
 kfd_ioctl_get_process_apertures(...)
 {
	<+...
-	slot = pdd->dev->id;
+	slot = pdd->user_gpu_id;
	...+>
 }

@apertures_new@
identifier pdd;
expression slot;
@@
 kfd_ioctl_get_process_apertures_new(...)
 {
	<+...
-	slot = pdd->dev->id;
+	slot = pdd->user_gpu_id;
	...+>
 }

@dmabuf@
identifier filep, p, data, args, r;
expression id1, id2;
@@
 kfd_ioctl_get_dmabuf_info(struct file *filep, struct kfd_process *p, void *data)
 {
	...
	int r;
+	int user_gpu_id;
	...
	if (xcp_id >= 0)
		args->gpu_id = id1;
	else
		args->gpu_id = id2;
+	user_gpu_id = kfd_process_get_user_gpu_id(p, args->gpu_id);
+	if (user_gpu_id != -EINVAL)
+		args->gpu_id = user_gpu_id;
	...
 }
