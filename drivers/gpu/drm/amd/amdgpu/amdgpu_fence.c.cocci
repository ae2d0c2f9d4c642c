// SPDX-License-Identifier: MIT
// A reset clears the fences of jobs while no interrupt handler runs. The rings of a
// simulated GPU have no interrupt number that could be disabled.
@include@
@@
 #include "amdgpu_reset.h"
+#include "../simgpu/simgpu.h"

@toggle@
identifier adev, stop, i;
@@
 amdgpu_fence_driver_isr_toggle(struct amdgpu_device *adev, bool stop)
 {
 	int i;
+
+	if (adev->flags & AMD_IS_SIMGPU)
+		simgpu_rings_irq(adev->simgpu, !stop);
 	...
 }
