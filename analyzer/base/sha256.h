/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sha256.h - SHA-256 (FIPS 180-4), for small texts. */
#ifndef BASE_SHA256_H
#define BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

enum { SHA256_BYTES = 32, SHA256_BASE64 = 45 };

void sha256(const void *bytes, size_t len, uint8_t out[SHA256_BYTES]);
/* The same as base64, with a NUL behind it: as a page's Content-Security-Policy names a script. */
void sha256_base64(const void *bytes, size_t len, char out[SHA256_BASE64]);

#endif
