// SPDX-License-Identifier: GPL-2.0 OR MIT
// A restored SDMA queue may get another slot of its engine.
@include@
@@
 #include "kfd_priv.h"
+#include "kfd_criu.h"

@sdma@
identifier wanted, q, bit;
expression size, size1, other;
@@
 allocate_sdma_queue(...)
 {
	<+...
	if (
-	    bitmap_empty(dqm->sdma_bitmap, size)
+	    !wanted && bitmap_empty(dqm->sdma_bitmap, size)
	   ) { ... }
	if (wanted) {
-		if (*wanted >= size1) return -EINVAL;
-		if (!test_bit(*wanted, dqm->sdma_bitmap)) { ... }
-		clear_bit(*wanted, dqm->sdma_bitmap);
-		q->sdma_id = *wanted;
+		bit = kfd_criu_claim_sdma(dqm->sdma_bitmap, get_num_sdma_queues(dqm),
+					  kfd_get_num_sdma_engines(dqm->dev), *wanted);
+		if (bit < 0)
+			return bit;
+		q->sdma_id = bit;
	} else {
		bit = other;
		...
	}
	...+>
 }

@xgmi_sdma@
identifier wanted, q, bit;
expression size, size1, other;
@@
 allocate_sdma_queue(...)
 {
	<+...
	if (
-	    bitmap_empty(dqm->xgmi_sdma_bitmap, size)
+	    !wanted && bitmap_empty(dqm->xgmi_sdma_bitmap, size)
	   ) { ... }
	if (wanted) {
-		if (*wanted >= size1) return -EINVAL;
-		if (!test_bit(*wanted, dqm->xgmi_sdma_bitmap)) { ... }
-		clear_bit(*wanted, dqm->xgmi_sdma_bitmap);
-		q->sdma_id = *wanted;
+		bit = kfd_criu_claim_sdma(dqm->xgmi_sdma_bitmap, get_num_xgmi_sdma_queues(dqm),
+					  kfd_get_num_xgmi_sdma_engines(dqm->dev), *wanted);
+		if (bit < 0)
+			return bit;
+		q->sdma_id = bit;
	} else {
		bit = other;
		...
	}
	...+>
 }
