// SPDX-License-Identifier: GPL-2.0 OR MIT
// Checkpoint and restore leave the character device, all but the ioctl itself.
@include@
@@
-#include "amdgpu_dma_buf.h"

@dispatcher@
identifier filep, p, data;
@@
 kfd_ioctl_criu(struct file *filep, struct kfd_process *p, void *data)
 {
-	...
+	return -EOPNOTSUPP;
 }

@criu_checkpoint_process@
@@
-static int criu_checkpoint_process(...) { ... }

@criu_checkpoint_devices@
@@
-static int criu_checkpoint_devices(...) { ... }

@get_process_num_bos@
typedef uint32_t;
@@
-static uint32_t get_process_num_bos(...) { ... }

@criu_get_prime_handle@
@@
-static int criu_get_prime_handle(...) { ... }

@commit_files@
@@
-static void commit_files(...) { ... }

@criu_checkpoint_bos@
@@
-static int criu_checkpoint_bos(...) { ... }

@criu_get_process_object_info@
@@
-static int criu_get_process_object_info(...) { ... }

@criu_checkpoint@
@@
-static int criu_checkpoint(...) { ... }

@criu_restore_process@
@@
-static int criu_restore_process(...) { ... }

@criu_restore_devices@
@@
-static int criu_restore_devices(...) { ... }

@criu_restore_memory_of_gpu@
@@
-static int criu_restore_memory_of_gpu(...) { ... }

@criu_restore_bo@
@@
-static int criu_restore_bo(...) { ... }

@criu_restore_bos@
@@
-static int criu_restore_bos(...) { ... }

@criu_restore_objects@
@@
-static int criu_restore_objects(...) { ... }

@criu_restore@
@@
-static int criu_restore(...) { ... }

@criu_unpause@
@@
-static int criu_unpause(...) { ... }

@criu_resume@
@@
-static int criu_resume(...) { ... }

@criu_process_info@
@@
-static int criu_process_info(...) { ... }

@create_queue@
expression pqm, dev, file, properties, id, offset;
@@
 pqm_create_queue(pqm, dev, file, properties, id, NULL,
-	NULL, NULL,
	offset)
