/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the writable pages of a file held when the dynamic loader was done with it, before the
 * program ran: the file's bytes with its relocations applied. A stand-in for pages that a dump was
 * cut off before. Inside image/ alone.
 */
#ifndef NEC_IMAGE_RELOCATE_H
#define NEC_IMAGE_RELOCATE_H

#include "image/image.h"

/*
 * A copy of the matching file of objfile i, relocated, padded with zeros to whole pages; made when
 * it is first asked for and owned by the objfile. NULL when there is no matching file, or no
 * memory.
 */
const uint8_t *nec_relocated(struct nec_image *image, uint32_t i);

#endif
