// SPDX-License-Identifier: GPL-2.0 OR MIT
// The doorbell of an SDMA queue is no function of its slot any more.
@doorbell@
typedef u32, uint32_t;
identifier qpd, q, restore_id, engine_base, id;
expression e, where;
@@
 allocate_doorbell(struct qcm_process_device *qpd, struct queue *q, uint32_t const *restore_id)
 {
	<+...
	u32 engine_base = where;
-	u32 id;
+	int r;
	...
-	id = e;
-	if (restore_id && *restore_id != id)
-		return -EINVAL;
-	q->doorbell_id = id;
+	r = allocate_sdma_doorbell(qpd, q, engine_base, restore_id);
+	if (r)
+		return r;
	...+>
 }
