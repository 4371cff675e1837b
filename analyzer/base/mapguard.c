/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * See mapguard.h. The handler calls nothing but mmap: a page, or all that is left of what was
 * announced, is replaced by zeros. Anonymous pages beside one another are one mapping for the
 * kernel, so that their limit (vm.max_map_count) is far.
 */
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mapguard.h"

/* Dumps that are open at a time: `memory' compares workers. What finds no room is replaced page by
 * page. */
enum { SLOTS = 64, NAME_SIZE = 512 };

static struct slot {
	atomic_uintptr_t start; /* 0: free */
	size_t size;
	char path[NAME_SIZE];
	atomic_int hit; /* the slot is not used again: the error has its name */
} slots[SLOTS];

static atomic_int hits;

static void on_bus(int signo, siginfo_t *info, void *context)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE),
		  at = (uintptr_t)info->si_addr & ~(page - 1);
	size_t size = page;

	(void)context;
	for (int i = 0; i < SLOTS; i++) {
		uintptr_t start = atomic_load(&slots[i].start);

		if (!start || at < start || at - start >= slots[i].size)
			continue;
		size = slots[i].size - (at - start);
		atomic_store(&slots[i].hit, 1);
	}
	atomic_fetch_add(&hits, 1);
	if (info->si_code != BUS_ADRERR ||
	    mmap((void *)at, size, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0) == MAP_FAILED)
		signal(signo, SIG_DFL);
}

void nec_mapguard_install(void)
{
	struct sigaction action = {.sa_sigaction = on_bus, .sa_flags = SA_SIGINFO | SA_NODEFER};

	sigaction(SIGBUS, &action, NULL);
}

void nec_mapguard_add(const void *data, size_t size, const char *path)
{
	for (int i = 0; i < SLOTS; i++) {
		struct slot *slot = &slots[i];

		if (atomic_load(&slot->start) || atomic_load(&slot->hit))
			continue;
		slot->size = size;
		snprintf(slot->path, sizeof(slot->path), "%s", path);
		atomic_store(&slot->start, (uintptr_t)data);
		return;
	}
}

void nec_mapguard_remove(const void *data)
{
	for (int i = 0; i < SLOTS; i++)
		if (atomic_load(&slots[i].start) == (uintptr_t)data)
			atomic_store(&slots[i].start, 0);
}

struct nec_error *nec_mapguard_check(void)
{
	if (!atomic_load(&hits))
		return NULL;
	for (int i = 0; i < SLOTS; i++)
		if (atomic_load(&slots[i].hit))
			return nec_error_create(
				NEC_ERR_OS,
				"%s became shorter while it was read, or its disk fails",
				slots[i].path);
	return nec_error_create(NEC_ERR_OS,
				"a file became shorter while it was read, or the disk fails");
}
