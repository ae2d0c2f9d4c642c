/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the kernel tells: its log, in which what was refused as it should be has left no
 * error, and the events of checkpoint and restore in its trace.
 */
#ifndef KFD_CRIU_LOG_H
#define KFD_CRIU_LOG_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "kfd_lib.h"

/* From here on; -1 where that can't be read. */
static inline int log_open(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0)
		lseek(fd, 0, SEEK_END);
	return fd;
}

/* Is there an error of the driver's, and which? */
static inline bool log_has_error(int fd, char *line, size_t size)
{
	char *text;
	ssize_t n;

	while (fd >= 0 && ((n = read(fd, line, size - 1)) > 0 || (n < 0 && errno == EPIPE))) {
		if (n < 0)
			continue;
		line[n] = 0;
		text = strchr(line, ';');
		/* "<level and facility>,<number>,<time>,-;<text>" */
		if (text && (strtoul(line, NULL, 10) & 7) <= 3 && strstr(text, "amdgpu"))
			return true;
	}
	return false;
}

#define TRACING		"/sys/kernel/tracing"
#define TRACE_EVENTS	TRACING "/events/kfd_criu"

static inline bool traces(void)
{
	return !access(TRACING "/events", F_OK);
}

/* Is there a line of @path with both words in it?  Returns how many. */
static inline unsigned int lines_with(const char *path, const char *a, const char *b)
{
	FILE *f = fopen(path, "re");
	unsigned int n = 0;
	char line[512];

	while (f && fgets(line, sizeof(line), f))
		n += strstr(line, a) && strstr(line, b);
	if (f)
		fclose(f);
	return n;
}

#endif
