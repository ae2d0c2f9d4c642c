// SPDX-License-Identifier: MIT
// State of a simulated GPU hangs on the device.
@device@
@@
 struct amdgpu_device {
 	...
+	struct simgpu *simgpu;
 };
