// SPDX-License-Identifier: GPL-2.0 OR MIT
// No MQD is saved or restored as a whole any more.
@include@
@@
-#include "kfd_topology.h"

@hooks@
identifier hook = {checkpoint_mqd, restore_mqd, get_checkpoint_info};
expression manager, function;
@@
-manager->hook = function;

@get_checkpoint_info@
@@
-static void get_checkpoint_info(...) { ... }

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
