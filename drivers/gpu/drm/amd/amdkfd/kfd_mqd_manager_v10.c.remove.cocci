// SPDX-License-Identifier: GPL-2.0 OR MIT
// No MQD is saved or restored as a whole any more.
@hooks@
identifier hook = {checkpoint_mqd, restore_mqd};
expression manager, function;
@@
-manager->hook = function;

@checkpoint_mqd@
@@
-static void checkpoint_mqd(...) { ... }

@restore_mqd@
@@
-static void restore_mqd(...) { ... }

@checkpoint_mqd_sdma@
@@
-static void checkpoint_mqd_sdma(...) { ... }

@restore_mqd_sdma@
@@
-static void restore_mqd_sdma(...) { ... }
