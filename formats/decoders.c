/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * gzip (RFC 1952), xz, zstd (RFC 8878) and lz4 frames, by their own libraries. Frames may follow
 * one another in a file, as parallel packers write them.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#ifdef HAVE_ZLIB
#include <zlib.h>
#endif
#ifdef HAVE_LZMA
#include <lzma.h>
#endif
#ifdef HAVE_ZSTD
#include <zstd.h>
#endif
#ifdef HAVE_LZ4
#include <lz4frame.h>
#endif

#include "formats/decoder.h"

#ifdef HAVE_ZLIB
static struct nec_error *gzip_open(struct nec_decode *d)
{
	z_stream *z = calloc(1, sizeof(*z));

	if (!z || inflateInit2(z, 15 + 16) != Z_OK) { /* 16: with a gzip header */
		free(z);
		return &nec_enomem;
	}
	d->state = z;
	return NULL;
}

static bool gzip_decode(struct nec_decode *d)
{
	z_stream *z = d->state;
	int rc;

	if (d->at_end && inflateReset(z) != Z_OK)
		return false;
	d->at_end = false;
	z->next_in = (Bytef *)(uintptr_t)d->in + d->in_pos;
	z->avail_in = (uInt)(d->in_size - d->in_pos);
	z->next_out = d->out + d->out_pos;
	z->avail_out = (uInt)(d->out_size - d->out_pos);
	rc = inflate(z, Z_NO_FLUSH);
	d->in_pos = d->in_size - z->avail_in;
	d->out_pos = d->out_size - z->avail_out;
	d->at_end = rc == Z_STREAM_END;
	d->problem = z->msg ? z->msg : "damaged";
	return rc == Z_OK || rc == Z_STREAM_END || rc == Z_BUF_ERROR;
}

static void gzip_close(struct nec_decode *d)
{
	inflateEnd(d->state);
	free(d->state);
}
#endif

#ifdef HAVE_LZMA
enum { XZ_MEMORY = 512 << 20 }; /* bytes: xz -9 needs 65 MiB to unpack */

static struct nec_error *xz_open(struct nec_decode *d)
{
	lzma_stream *x = malloc(sizeof(*x));

	if (!x)
		return &nec_enomem;
	*x = (lzma_stream)LZMA_STREAM_INIT;
	if (lzma_stream_decoder(x, XZ_MEMORY, 0) != LZMA_OK) {
		free(x);
		return &nec_enomem;
	}
	d->state = x;
	return NULL;
}

static bool xz_decode(struct nec_decode *d)
{
	lzma_stream *x = d->state;
	lzma_ret rc;

	if (d->at_end && lzma_stream_decoder(x, XZ_MEMORY, 0) != LZMA_OK)
		return false;
	d->at_end = false;
	x->next_in = d->in + d->in_pos;
	x->avail_in = d->in_size - d->in_pos;
	x->next_out = d->out + d->out_pos;
	x->avail_out = d->out_size - d->out_pos;
	rc = lzma_code(x, LZMA_RUN);
	d->in_pos = d->in_size - x->avail_in;
	d->out_pos = d->out_size - x->avail_out;
	d->at_end = rc == LZMA_STREAM_END;
	d->problem = rc == LZMA_MEMLIMIT_ERROR ? "needs more than 512 MiB to unpack" : "damaged";
	return rc == LZMA_OK || rc == LZMA_STREAM_END || rc == LZMA_BUF_ERROR;
}

static void xz_close(struct nec_decode *d)
{
	lzma_end(d->state);
	free(d->state);
}
#endif

#ifdef HAVE_ZSTD
static uint64_t zstd_content_size(const uint8_t *head, size_t size)
{
	unsigned long long n = ZSTD_getFrameContentSize(head, size);

	return n == ZSTD_CONTENTSIZE_UNKNOWN || n == ZSTD_CONTENTSIZE_ERROR ? 0 : n;
}

static struct nec_error *zstd_open(struct nec_decode *d)
{
	d->state = ZSTD_createDStream();
	return d->state ? NULL : &nec_enomem;
}

static bool zstd_decode(struct nec_decode *d)
{
	ZSTD_inBuffer in = {d->in, d->in_size, d->in_pos};
	ZSTD_outBuffer out = {d->out, d->out_size, d->out_pos};
	size_t rc = ZSTD_decompressStream(d->state, &out, &in);

	d->in_pos = in.pos;
	d->out_pos = out.pos;
	d->at_end = rc == 0;
	if (!ZSTD_isError(rc))
		return true;
	d->problem = ZSTD_getErrorName(rc);
	return false;
}

static void zstd_close(struct nec_decode *d)
{
	ZSTD_freeDStream(d->state);
}
#endif

#ifdef HAVE_LZ4
static uint64_t lz4_content_size(const uint8_t *head, size_t size)
{
	uint64_t n = 0;

	/* Magic, FLG (bit 3: size follows), BD, size: lz4_Frame_format.md. */
	if (size >= 14 && head[4] & 8)
		memcpy(&n, head + 6, sizeof(n));
	return n;
}

static struct nec_error *lz4_open(struct nec_decode *d)
{
	LZ4F_dctx *ctx;

	if (LZ4F_isError(LZ4F_createDecompressionContext(&ctx, LZ4F_VERSION)))
		return &nec_enomem;
	d->state = ctx;
	return NULL;
}

static bool lz4_decode(struct nec_decode *d)
{
	size_t in = d->in_size - d->in_pos, out = d->out_size - d->out_pos;
	size_t rc =
		LZ4F_decompress(d->state, d->out + d->out_pos, &out, d->in + d->in_pos, &in, NULL);

	d->in_pos += in;
	d->out_pos += out;
	d->at_end = rc == 0;
	if (!LZ4F_isError(rc))
		return true;
	d->problem = LZ4F_getErrorName(rc);
	return false;
}

static void lz4_close(struct nec_decode *d)
{
	LZ4F_freeDecompressionContext(d->state);
}
#endif

static const struct nec_decoder decoders[] = {
	{
		.name = "gzip",
		.magic = {0x1f, 0x8b, 8},
		.magic_size = 3,
#ifdef HAVE_ZLIB
		.open = gzip_open,
		.decode = gzip_decode,
		.close = gzip_close,
#endif
	},
	{
		.name = "xz",
		.magic = {0xfd, '7', 'z', 'X', 'Z', 0},
		.magic_size = 6,
#ifdef HAVE_LZMA
		.open = xz_open,
		.decode = xz_decode,
		.close = xz_close,
#endif
	},
	{
		.name = "zstd",
		.magic = {0x28, 0xb5, 0x2f, 0xfd},
		.magic_size = 4,
#ifdef HAVE_ZSTD
		.content_size = zstd_content_size,
		.open = zstd_open,
		.decode = zstd_decode,
		.close = zstd_close,
#endif
	},
	{
		.name = "lz4",
		.magic = {0x04, 0x22, 0x4d, 0x18},
		.magic_size = 4,
#ifdef HAVE_LZ4
		.content_size = lz4_content_size,
		.open = lz4_open,
		.decode = lz4_decode,
		.close = lz4_close,
#endif
	},
};

const struct nec_decoder *nec_decoder_find(const uint8_t *head, size_t size)
{
	for (size_t i = 0; i < sizeof(decoders) / sizeof(decoders[0]); i++) {
		if (size >= decoders[i].magic_size &&
		    !memcmp(head, decoders[i].magic, decoders[i].magic_size))
			return &decoders[i];
	}
	return NULL;
}
