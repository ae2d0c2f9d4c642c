// SPDX-License-Identifier: GPL-2.0 OR MIT
// The state of checkpoint and restore goes before what it points to.
@include@
@@
 #include "kfd_priv.h"
+#include "kfd_criu.h"

@release@
identifier p, ef;
@@
 kfd_process_wq_release(...)
 {
	...
	struct dma_fence *ef;
+
+	kfd_criu_process_release(p);
	...
	pqm_uninit(&p->pqm);
	...
 }
