// SPDX-License-Identifier: GPL-2.0 OR MIT
// A process that has no VM when it is evicted may have one when it is restored.
@time@
identifier pdd;
statement S1, S2;
@@
 evict_process_queues_cpsch(...)
 {
	...
	pdd = qpd_to_pdd(qpd);
+	pdd->last_evict_timestamp = get_jiffies_64();
	...
	if (!pdd->drm_priv) S1
	...
-	pdd->last_evict_timestamp = get_jiffies_64();
	if (!dqm->dev->kfd->shared_resources.enable_mes) S2
	...
 }
