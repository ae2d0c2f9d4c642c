/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The frame of rows about a RESTORE that fails: an image, a fresh process to
 * try it on, a look at all of that process before and after, and the good
 * image in the end.
 */
#ifndef KFD_CRIU_FRESH_H
#define KFD_CRIU_FRESH_H

#include "kfd_criu_row.h"
#include "kfd_criu_snap.h"

static const unsigned int straight[KFD_MAX_GPUS] UNUSED = { 0, 1, 2, 3, 4, 5, 6, 7 };

/* A process such as RESTORE wants it: it has opened /dev/kfd, and that is all. */
static int UNUSED call_open_fresh(struct ctx *c)
{
	c->k.fd = open("/dev/kfd", O_RDWR | O_CLOEXEC);
	NEED(c, c->k.fd >= 0, "/dev/kfd: %s", strerror(errno));
	return 0;
}

/*
 * An image, and a fresh process to try it on, with all that can be seen of it. @more: what
 * the process does before it is dumped, or NULL.
 */
static bool UNUSED fresh_with(struct scene *s, struct snap *before, call_fn more)
{
	int r;

	verdict = BROKEN;
	if (start(s, SRC) || (more && call(SRC, more)) || dump(s, SRC) || reap(SRC) ||
	    spawn(s, DST))
		return false;
	DST->c = SRC->c;
	if (call(DST, call_open_fresh))
		return false;
	/* stock code oopses when it looks for mappings in a VM that is not there */
	r = snap_settled(s, before, DST, !criu_stock_code());
	if (r) {
		note(s, "no checkpoint of a process without a VM: %s", strerror(-r));
		return false;
	}
	verdict = PASSED;
	return true;
}

static bool UNUSED fresh(struct scene *s, struct snap *before)
{
	return fresh_with(s, before, NULL);
}

/* Refused without a trace; and the same process then takes the good image. */
static void UNUSED refused(struct scene *s, struct snap *before, call_fn attempts)
{
	char text[200];

	CHECK(!call(DST, attempts), "attempts");
	CHECK(!snap_compare(s, before, DST, text, sizeof(text)), "the failed RESTORE left %s",
	      text);
	snap_drop(before);
	DST->c.arg[0] = 0;
	CHECK(!call(DST, call_restore), "good image after the bad one");
	CHECK(!resume(s, DST), "RESUME after a failed RESTORE");
	CHECK(!call(DST, call_finish_sdma_job), "SDMA job");
	CHECK(!call(DST, call_finish_aql_job), "AQL job");
}

#define FRESH()							\
	struct snap before;					\
								\
	do { if (!fresh(s, &before)) return; } while (0)

/* One attempt; @err 0: any error will do. */
static int UNUSED attempt(struct ctx *c, struct kfd_image *bad, int err, const char *what)
{
	unsigned int fds = open_fds();
	struct kfd k;
	int next = next_fd(), r = kfd_criu_restore(&k, bad, straight);

	NEED(c, r, "RESTORE succeeds: %s", what);
	NEED(c, open_fds() == fds, "the failed RESTORE left %s: %d, %s", last_fd_kind(),
	     (int)(open_fds() - fds), what);
	NEED(c, !err || r == err, "RESTORE says %s, not %s: %s", strerror(-r), strerror(-err),
	     what);
	NEED(c, next_fd() == next, "the failed RESTORE left reserved descriptors: %s", what);
	return 0;
}

#endif
