// SPDX-License-Identifier: GPL-2.0 OR MIT
// A queue that was reset stays off the hardware, whatever happens to its process later.
@note@
identifier q, pdd;
@@
 set_queue_as_reset(struct device_queue_manager *dqm, struct queue *q, ...)
 {
	...
	pdd->has_reset_queue = true;
+	q->properties.is_reset = true;
	...
 }
