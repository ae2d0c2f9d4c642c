// SPDX-License-Identifier: GPL-2.0 OR MIT
@include@
@@
 #include "kfd_priv.h"
+#include "kfd_criu.h"
