// SPDX-License-Identifier: GPL-2.0 OR MIT
// The CWSR area of a restored queue may be an SVM range that does not exist
// before the process has its memory back.
@acquire@
identifier pdd, properties, node, total, err;
expression sum;
@@
 kfd_queue_acquire_buffers(struct kfd_process_device *pdd, struct queue_properties *properties)
 {
	<+...
(
-	total = sum + node->node_props.debug_memory_size;
-	if (check_mul_overflow(...)) {
-		err = -EINVAL;
-		goto out_err_unreserve;
-	}
-	total = ALIGN(...);
+	err = kfd_queue_cwsr_area_size(pdd, node, properties, &total);
+	if (err)
+		goto out_err_unreserve;
|
-	if (!err) goto out_unreserve;
+	if (!err) {
+		properties->cwsr_deferred = false;
+		goto out_unreserve;
+	}
+	if (properties->cwsr_deferred)
+		goto out_unreserve;
)
	...+>
 }

@release@
identifier pdd, properties, node, total;
expression sum;
@@
 kfd_queue_release_buffers(struct kfd_process_device *pdd, struct queue_properties *properties)
 {
	...
	u64 total;
+	int err;

	kfd_queue_put_bos(properties);
+	if (properties->cwsr_deferred)
+		return 0;
	...
-	total = sum + node->node_props.debug_memory_size;
-	if (check_mul_overflow(...))
-		return -EINVAL;
-	total = ALIGN(...);
+	err = kfd_queue_cwsr_area_size(pdd, node, properties, &total);
+	if (err)
+		return err;
	...
 }
