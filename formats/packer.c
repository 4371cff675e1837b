/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Packing a file; see packer.h. */
#include "config.h"

#include "formats/packer.h"

#ifdef HAVE_ZSTD
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <zstd.h>

#include "base/cleanup.h"

enum {
	LEVEL = 3,
	BUFFER = 4 << 20,
	WORKERS = 2,
};

static void free_stream(ZSTD_CCtx **stream)
{
	ZSTD_freeCCtx(*stream);
}

static struct nec_error *put(int out, const char *data, size_t size, uint64_t min_free)
{
	struct statvfs st;
	ssize_t n;

	if (!fstatvfs(out, &st) && (uint64_t)st.f_bavail * st.f_frsize < min_free + size)
		return nec_error_create(NEC_ERR_NOSPACE,
					"the disk would have less than %" PRIu64
					" bytes free: packing given up",
					min_free);
	while (size) {
		n = write(out, data, size);
		if (n < 0 && errno != EINTR)
			return nec_error_os(errno, "packing");
		if (n > 0) {
			data += n;
			size -= (size_t)n;
		}
	}
	return NULL;
}

struct nec_error *nec_pack_zstd(int in, int out, uint64_t min_free, struct nec_progress *progress)
{
	_cleanup_free_ char *from = malloc(BUFFER), *to = malloc(BUFFER);
	_cleanup_(free_stream) ZSTD_CCtx *stream = ZSTD_createCCtx();
	struct stat st;
	uint64_t done = 0;
	size_t left;
	ssize_t n;

	if (!from || !to || !stream)
		return &nec_enomem;
	if (fstat(in, &st))
		return nec_error_os(errno, "packing");
	ZSTD_CCtx_setParameter(stream, ZSTD_c_compressionLevel, LEVEL);
	ZSTD_CCtx_setParameter(stream, ZSTD_c_checksumFlag, 1);
	/* A library without threads refuses, and packs with one. */
	ZSTD_CCtx_setParameter(stream, ZSTD_c_nbWorkers, WORKERS);
	ZSTD_CCtx_setPledgedSrcSize(stream, (unsigned long long)st.st_size);
	do {
		n = pread(in, from, BUFFER, (off_t)done);
		if (n < 0)
			return nec_error_os(errno, "packing");
		done += (uint64_t)n;
		ZSTD_inBuffer input = {from, (size_t)n, 0};
		ZSTD_EndDirective end =
			done < (uint64_t)st.st_size && n ? ZSTD_e_continue : ZSTD_e_end;
		do {
			ZSTD_outBuffer output = {to, BUFFER, 0};

			left = ZSTD_compressStream2(stream, &output, &input, end);
			if (ZSTD_isError(left))
				return nec_error_create(NEC_ERR_OTHER, "packing: %s",
							ZSTD_getErrorName(left));
			if (output.pos)
				NEC_TRY(put(out, to, output.pos, min_free));
		} while (end == ZSTD_e_end ? left : input.pos < input.size);
		NEC_TRY(nec_progress_step(progress, "pack", done, (uint64_t)st.st_size));
	} while (done < (uint64_t)st.st_size && n);
	return NULL;
}
#else
struct nec_error *nec_pack_zstd(int in, int out, uint64_t min_free, struct nec_progress *progress)
{
	(void)in, (void)out, (void)min_free, (void)progress;
	return nec_error_create(NEC_ERR_UNSUPPORTED, "this build has no zstd to pack with");
}
#endif
