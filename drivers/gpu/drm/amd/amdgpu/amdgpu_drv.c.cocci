// SPDX-License-Identifier: MIT
// Simulated GPUs bind to the driver like any other, on a bus that comes after
// the driver and goes before it.
@include@
@@
 #include "amdgpu.h"
+#include "../simgpu/simgpu.h"

@id@
@@
 struct pci_device_id pciidlist[] = {
+	{0x1002, SIMGPU_DEVICE_ID, PCI_ANY_ID, PCI_ANY_ID, 0, 0, CHIP_RENOIR|AMD_IS_SIMGPU},
 	...
 };

@init@
identifier r;
@@
 int amdgpu_init(void)
 {
 	int r;
 	...
-	return pci_register_driver(&amdgpu_kms_pci_driver);
+	r = pci_register_driver(&amdgpu_kms_pci_driver);
+	if (!r)
+		simgpu_bus_init();
+	return r;
 	...
 }

@exit@
@@
 void amdgpu_exit(void)
 {
+	simgpu_bus_exit();
 	...
 }
