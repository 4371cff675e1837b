/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/death.h"

#include "cli/session.h"

/* Signals that leave a core, by the numbers of Linux on x86-64 and aarch64: signal(7). To add one:
 * a line. */
static const struct {
	int signo;
	const char *name;
	const char *meaning;
	bool has_addr; /* si_addr says where */
} signals[] = {
	{3, "SIGQUIT", "somebody asked it to quit with a core", false},
	{4, "SIGILL", "it ran into something that is no instruction", true},
	{5, "SIGTRAP", "a breakpoint or trap", false},
	{6, "SIGABRT", "abort(): it, or a library, gave up by itself", false},
	{7, "SIGBUS", "it touched memory whose file or device is not there", true},
	{8, "SIGFPE", "a division by zero, or the like", true},
	{11, "SIGSEGV", "it touched memory that it must not", true},
	{24, "SIGXCPU", "its limit of CPU time was reached", false},
	{25, "SIGXFSZ", "its limit of file size was reached", false},
	{31, "SIGSYS", "it made a system call that it must not", true},
};

/* si_code of a signal that a process sent: SI_USER, SI_QUEUE, SI_TKILL. */
static bool is_sent(int64_t code)
{
	return code == 0 || code == -1 || code == -6;
}

void nec_death_describe(struct nec_text *text, struct nec_db *db)
{
	int64_t signo = nec_db_meta_int(db, "signal", -1);
	int64_t code = nec_db_meta_int(db, "signal_code", INT64_MAX);
	int64_t addr = nec_db_meta_int(db, "signal_address", -1);
	int64_t pid = nec_db_meta_int(db, "signal_pid", 0);
	int64_t own = nec_db_meta_int(db, "pid", -1);

	if (signo < 0)
		return;
	if (!signo) {
		nec_text_puts(text, "nothing: it was alive, this is a copy of it");
		return;
	}
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		if (signals[i].signo != signo)
			continue;
		nec_text_printf(text, "%s (%d): %s", signals[i].name, signals[i].signo,
				signals[i].meaning);
		if (signals[i].has_addr && addr >= 0 && !is_sent(code))
			nec_text_printf(text, ", at 0x%llx", (unsigned long long)addr);
		if (is_sent(code) && pid > 0 && pid != own)
			nec_text_printf(text, "; sent by process %lld", (long long)pid);
		return;
	}
	nec_text_printf(text, "signal %lld", (long long)signo);
}
