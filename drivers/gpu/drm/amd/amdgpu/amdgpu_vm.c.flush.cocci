// SPDX-License-Identifier: GPL-2.0 OR MIT
// Page tables that are freed have to wait for a flush of their own.
@fence@
expression params, vm;
@@
-if (!params->unlocked && vm->is_compute_context) {
+if (!params->unlocked && vm->is_compute_context &&
+    !(vm->flushed_later && list_empty(&params->tlb_flush_waitlist))) {
 ...
 }
