/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sampling private memory; see peak.h. Fields of /proc/PID/status: proc(5), since Linux 4.5. */
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/peak.h"

enum { SAMPLE_MS = 25 };

struct nec_peak {
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	int64_t highest;
	bool stop;
};

/* "NAME:   123 kB" in bytes, -1 when it is not there. */
static int64_t field(const char *status, const char *name)
{
	const char *p = strstr(status, name);

	return p ? strtoll(p + strlen(name), NULL, 10) * 1024 : -1;
}

int64_t nec_private_bytes(void)
{
	_cleanup_close_ int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	char status[4096];
	int64_t anon, shmem;
	ssize_t n;

	n = fd < 0 ? -1 : read(fd, status, sizeof(status) - 1);
	if (n < 0)
		return -1;
	status[n] = '\0';
	anon = field(status, "\nRssAnon:");
	shmem = field(status, "\nRssShmem:");
	return anon < 0 || shmem < 0 ? -1 : anon + shmem;
}

static void *run(void *arg)
{
	struct nec_peak *peak = arg;
	struct timespec until;
	int64_t bytes;

	pthread_mutex_lock(&peak->mutex);
	while (!peak->stop) {
		bytes = nec_private_bytes();
		if (bytes > peak->highest)
			peak->highest = bytes;
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += SAMPLE_MS * 1000000L;
		until.tv_sec += until.tv_nsec / 1000000000L;
		until.tv_nsec %= 1000000000L;
		pthread_cond_timedwait(&peak->changed, &peak->mutex, &until);
	}
	pthread_mutex_unlock(&peak->mutex);
	return NULL;
}

struct nec_peak *nec_peak_start(void)
{
	struct nec_peak *peak = calloc(1, sizeof(*peak));

	if (!peak)
		return NULL;
	peak->highest = nec_private_bytes();
	pthread_mutex_init(&peak->mutex, NULL);
	pthread_cond_init(&peak->changed, NULL);
	if (pthread_create(&peak->thread, NULL, run, peak)) {
		free(peak);
		return NULL;
	}
	return peak;
}

void nec_peak_stop(struct nec_peak *peak)
{
	if (!peak)
		return;
	pthread_mutex_lock(&peak->mutex);
	peak->stop = true;
	pthread_cond_signal(&peak->changed);
	pthread_mutex_unlock(&peak->mutex);
	pthread_join(peak->thread, NULL);
	pthread_cond_destroy(&peak->changed);
	pthread_mutex_destroy(&peak->mutex);
	free(peak);
}

int64_t nec_peak_take(struct nec_peak *peak)
{
	int64_t now = nec_private_bytes(), highest;

	if (!peak)
		return now;
	pthread_mutex_lock(&peak->mutex);
	highest = peak->highest > now ? peak->highest : now;
	peak->highest = now;
	pthread_mutex_unlock(&peak->mutex);
	return highest;
}
