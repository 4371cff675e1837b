/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The note of our own that capture puts into a core, and who reads it: lines of a name and a
 * number, see capture/notes.c. */
#ifndef NEC_BASE_CORENOTE_H
#define NEC_BASE_CORENOTE_H

#define NEC_NOTE_OWNER   "NECROPSY"
#define NEC_NOTE_ACCOUNT 1

#endif
