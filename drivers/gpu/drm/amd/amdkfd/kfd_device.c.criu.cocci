// SPDX-License-Identifier: GPL-2.0 OR MIT
// What a reset does to a process looks like an eviction afterwards.
@include@
@@
 #include "kfd_priv.h"
+#include "kfd_criu.h"

@reset@
identifier kfd;
@@
 kgd2kfd_pre_reset(struct kfd_dev *kfd, ...)
 {
	...
	kgd2kfd_suspend(kfd, false);
+	kfd_criu_gpu_reset();
	...
 }
