// SPDX-License-Identifier: MIT
// A simulated GPU brings IP blocks of its own, and has no BIOS to read or to
// post.
@include@
@@
 #include "amdgpu.h"
+#include "../simgpu/simgpu.h"

@bios@
identifier adev;
@@
 amdgpu_device_read_bios(struct amdgpu_device *adev)
 {
+	if (adev->flags & AMD_IS_SIMGPU)
+		return false;
 	...
 }

@ip_blocks@
identifier adev, r;
@@
 amdgpu_device_ip_early_init(struct amdgpu_device *adev)
 {
 	<+...
-	r = amdgpu_discovery_set_ip_blocks(adev);
+	if (adev->flags & AMD_IS_SIMGPU)
+		r = simgpu_set_ip_blocks(adev);
+	else
+		r = amdgpu_discovery_set_ip_blocks(adev);
 	...+>
 }
