// SPDX-License-Identifier: GPL-2.0 OR MIT
// Checkpoint and restore leave shared virtual memory.
@kfd_criu_resume_svm@
@@
-int kfd_criu_resume_svm(...) { ... }

@kfd_criu_restore_svm@
@@
-int kfd_criu_restore_svm(...) { ... }

@svm_range_get_info@
@@
-int svm_range_get_info(...) { ... }

@kfd_criu_checkpoint_svm@
@@
-int kfd_criu_checkpoint_svm(...) { ... }

@metadata@
@@
-struct criu_svm_metadata { ... };

@list@
identifier svms;
@@
-INIT_LIST_HEAD(&svms->criu_svm_metadata_list);
