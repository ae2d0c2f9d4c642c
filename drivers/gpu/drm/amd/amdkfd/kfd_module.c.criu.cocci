// SPDX-License-Identifier: GPL-2.0 OR MIT
@include@
@@
 #include "kfd_priv.h"
+#include "kfd_criu.h"

@exit@
@@
 kfd_exit(void)
 {
	...
	kfd_process_destroy_wq();
+	kfd_criu_exit();
	...
 }
