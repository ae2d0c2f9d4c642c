// SPDX-License-Identifier: GPL-2.0 OR MIT
// A restored queue starts from an MQD like that of any queue.
@hooks@
identifier hook = {get_queue_checkpoint_info, checkpoint_mqd};
identifier dqm, function;
@@
-dqm->ops.hook = function;

@get_queue_checkpoint_info@
@@
-static void get_queue_checkpoint_info(...) { ... }

@mqd_size@
@@
-size_t mqd_size_from_queue_type(...) { ... }

@checkpoint_mqd@
@@
-static int checkpoint_mqd(...) { ... }

@nocpsch@
identifier dqm, q, qpd, ids, mqd, stack, manager;
statement init;
@@
 create_queue_nocpsch(struct device_queue_manager *dqm, struct queue *q,
	struct qcm_process_device *qpd,
-	const struct kfd_criu_queue_priv_data *ids, const void *mqd, const void *stack
+	const struct kfd_queue_restore *ids
	)
 {
	...
-	if (ids && !manager->restore_mqd) { ... }
	...
-	if (ids) manager->restore_mqd(...); else
	init
	...
 }

@cpsch@
identifier dqm, q, qpd, ids, mqd, stack, manager;
statement init;
@@
 create_queue_cpsch(struct device_queue_manager *dqm, struct queue *q,
	struct qcm_process_device *qpd,
-	const struct kfd_criu_queue_priv_data *ids, const void *mqd, const void *stack
+	const struct kfd_queue_restore *ids
	)
 {
	...
-	if (ids && !manager->restore_mqd) { ... }
	...
-	if (ids) manager->restore_mqd(...); else
	init
	...
 }
