// SPDX-License-Identifier: MIT
// KFD reaches a simulated GPU through functions of its own, whatever
// generation it plays.
@include@
@@
 #include "amdgpu_amdkfd.h"
+#include "../simgpu/simgpu.h"

@kfd2kgd@
struct kfd_dev *kfd;
expression f2g;
@@
-	kfd->kfd2kgd = f2g;
+	kfd->kfd2kgd = adev->flags & AMD_IS_SIMGPU ? simgpu_kfd2kgd_calls() : f2g;
