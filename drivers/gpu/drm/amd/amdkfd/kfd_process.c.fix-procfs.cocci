// SPDX-License-Identifier: GPL-2.0 OR MIT
// A folder that could not be made need not be removed.
@del@
identifier q;
@@
 kfd_procfs_del_queue(struct queue *q)
 {
-	if (!q)
+	if (!q || !q->kobj.state_in_sysfs)
		return;
	...
 }
