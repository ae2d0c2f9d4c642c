/* SPDX-License-Identifier: MIT */
/*
 * User queues on the simulated hardware.
 */
#ifndef SIMGPU_QUEUE_H
#define SIMGPU_QUEUE_H

#include "simgpu_dispatch.h"
#include "simgpu_packet.h"

enum simgpu_queue_type {
	SIMGPU_QUEUE_SDMA,
	SIMGPU_QUEUE_PM4,
	SIMGPU_QUEUE_AQL,
	SIMGPU_QUEUE_HIQ,
};

/* A queue that has no place which the driver could ask about. */
#define SIMGPU_HQD_NONE		U32_MAX

/**
 * struct simgpu_queue - a queue that is loaded
 * @node: in simgpu.queues
 * @sim: GPU
 * @type: which executor runs it
 * @mqd: MQD in kernel memory, as KFD passes it when it loads queues itself
 * @mqd_va: its address in the kernel's address space, when firmware loads it
 * @partition: partition that it runs on
 * @stride: bytes from the MQD of an XCC to that of the next
 * @xccs: bit mask of the partition's XCCs whose MQDs are loaded
 * @hqd: place of a compute queue on the hardware, pipe * slots + slot, or %SIMGPU_HQD_NONE
 * @doorbell: doorbell, as a dword index into the BAR
 * @rptr_va: where the rptr is reported
 * @wptr_va: where the producer keeps the wptr
 * @fresh: not looked at since it was loaded: the wptr has to be read
 * @halted: stopped at a packet or a fault, for good
 * @stuck: did not leave the hardware when it was told to
 * @gws: it has the resources of global wave sync
 * @round: of the HIQ alone: the engine's last round in which it had its turn
 * @reported: rptr as it was reported last
 * @dispatch: what a compute queue dispatches, else NULL
 * @sdma: executor of %SIMGPU_QUEUE_SDMA
 * @pm4: executor of %SIMGPU_QUEUE_PM4 and, for its ring, of %SIMGPU_QUEUE_HIQ
 * @aql: executor of %SIMGPU_QUEUE_AQL
 *
 * All of it is under simgpu.lock once the queue is in the list.
 */
struct simgpu_queue {
	struct list_head node;
	struct simgpu *sim;
	enum simgpu_queue_type type;
	void *mqd;
	u64 mqd_va;
	u32 partition;
	u32 stride;
	u32 xccs;
	u32 hqd;
	u32 doorbell;
	u64 rptr_va;
	u64 wptr_va;
	bool fresh;
	bool halted;
	bool stuck;
	bool gws;
	u32 round;
	u64 reported;
	struct simgpu_dispatch *dispatch;
	union {
		struct simgpu_sdma sdma;
		struct simgpu_pm4 pm4;
		struct simgpu_aql aql;
	};
};

struct simgpu_queue *simgpu_queue_alloc(struct simgpu *sim, u32 partition, void *mqd, u64 mqd_va);
void simgpu_queue_free(struct simgpu_queue *queue);
int simgpu_queue_stack(const struct simgpu_queue *queue, unsigned int xcc, u64 pos, void *data,
		       size_t len, bool write);
int simgpu_queue_parse_compute(struct simgpu *sim, struct simgpu_queue *queue, u32 space);
int simgpu_queue_parse_sdma(struct simgpu *sim, struct simgpu_queue *queue, u32 space,
			    u64 wptr_va);
int simgpu_queue_add_xcc(struct simgpu *sim, struct simgpu_queue *queue, unsigned int xcc);
void simgpu_queue_load(struct simgpu *sim, struct simgpu_queue *queue);
void simgpu_queue_unload(struct simgpu *sim, struct simgpu_queue *queue);
void simgpu_queue_kill(struct simgpu *sim, struct simgpu_queue *queue);
void simgpu_queue_refused(struct simgpu_queue *queue, u32 exception);
struct simgpu_queue *simgpu_queue_find(struct simgpu *sim, const void *mqd, u64 mqd_va);
struct simgpu_queue *simgpu_queue_find_xcc(struct simgpu *sim, u32 partition, const void *mqd,
					   unsigned int xcc);
struct simgpu_space *simgpu_queue_space(struct simgpu_queue *queue);
u64 simgpu_queue_base(const struct simgpu_queue *queue);
u64 simgpu_queue_dwords(const struct simgpu_queue *queue);
u32 simgpu_queue_free_hqd(struct simgpu *sim, u32 partition);
void simgpu_queues_suspend(struct simgpu *sim, bool suspend);
void simgpu_queues_kill(struct simgpu *sim);
bool simgpu_doorbell_take(struct simgpu *sim, u32 doorbell, u64 *value);

int simgpu_engine_start(struct simgpu *sim);
void simgpu_engine_stop(struct simgpu *sim);

/* simgpu_kfd.c */
int simgpu_hqd_load_xcc(struct simgpu *sim, void *mqd, u32 partition, unsigned int xcc);

/* simgpu_hws.c */
bool simgpu_hiq_run(struct simgpu *sim, struct simgpu_queue *hiq);
int simgpu_hiq_load(struct simgpu *sim, void *mqd, u32 inst);

#endif
