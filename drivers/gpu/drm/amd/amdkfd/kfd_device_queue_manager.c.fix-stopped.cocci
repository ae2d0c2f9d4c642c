// SPDX-License-Identifier: GPL-2.0 OR MIT
// Without a hardware scheduler a queue may go while the queue manager is
// stopped, in a reset: it is only the hardware that has nothing of it then.
@destroy@
identifier dqm, r;
expression call;
@@
 destroy_queue_nocpsch_locked(struct device_queue_manager *dqm, ...)
 {
-	int r;
+	int r = 0;
	<+...
-	if (!dqm->sched_running) {
-		WARN_ONCE(...);
-		return 0;
-	}
-	r = call;
+	if (dqm->sched_running)
+		r = call;
	...+>
 }
