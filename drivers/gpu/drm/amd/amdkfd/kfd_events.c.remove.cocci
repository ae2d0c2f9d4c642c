// SPDX-License-Identifier: GPL-2.0 OR MIT
// Checkpoint and restore leave the events.
@kfd_criu_restore_event@
@@
-int kfd_criu_restore_event(...) { ... }

@kfd_criu_checkpoint_events@
@@
-int kfd_criu_checkpoint_events(...) { ... }

@kfd_get_num_events@
@@
-int kfd_get_num_events(...) { ... }
