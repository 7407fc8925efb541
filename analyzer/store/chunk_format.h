/* SPDX-License-Identifier: GPL-3.0-or-later */
/* chunk_format.h - what writer and reader of chunks agree on. docs/store-format.md has the whole of it. */
#ifndef STORE_CHUNK_FORMAT_H
#define STORE_CHUNK_FORMAT_H

#define CHUNK_MAGIC       "ILUC"
#define CHUNK_VERSION     1
#define CHUNK_BLOCK_BYTES (32 * 1024) /* a block is closed once it has as many */

#endif
