// SPDX-License-Identifier: GPL-2.0 OR MIT
// Checkpoint and restore leave the queues.  What stays of the state that came
// with a queue are the ids that it has to get.
@get_queue_data_sizes@
@@
-static int get_queue_data_sizes(...) { ... }

@kfd_process_get_queue_info@
@@
-int kfd_process_get_queue_info(...) { ... }

@pqm_checkpoint_mqd@
@@
-static int pqm_checkpoint_mqd(...) { ... }

@criu_checkpoint_queue@
@@
-static int criu_checkpoint_queue(...) { ... }

@criu_checkpoint_queues_device@
@@
-static int criu_checkpoint_queues_device(...) { ... }

@kfd_criu_checkpoint_queues@
@@
-int kfd_criu_checkpoint_queues(...) { ... }

@set_queue_properties_from_criu@
@@
-static void set_queue_properties_from_criu(...) { ... }

@kfd_criu_restore_queue@
@@
-int kfd_criu_restore_queue(...) { ... }

@pqm_get_queue_checkpoint_info@
@@
-int pqm_get_queue_checkpoint_info(...) { ... }

@calls@
expression ops, dqm, q, qpd, ids, mqd, stack;
@@
 ops.create_queue(dqm, q, qpd, ids
-	, mqd, stack
	)

@create@
identifier ids, mqd, stack;
parameter list[5] what;
parameter offset;
@@
 pqm_create_queue(what,
-	const struct kfd_criu_queue_priv_data *ids,
+	const struct kfd_queue_restore *ids,
-	const void *mqd,
-	const void *stack,
	offset)
 { ... }
