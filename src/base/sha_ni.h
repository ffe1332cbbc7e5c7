/*
 * sha_ni: SHA-256 by the processor's own instructions, where it has them. Every webhook's signature
 * runs over its whole body: 700 bytes take mbedtls 2.28, which knows no such instructions, 3 us and
 * these 0.6. tests/base/test_crypto.c holds the two against each other.
 */
#ifndef CREWLINE_SHA_NI_H
#define CREWLINE_SHA_NI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHA_BLOCK_BYTES 64

struct sha_ni {
    uint32_t state[8];
    uint64_t bytes;
    unsigned char pending[SHA_BLOCK_BYTES]; /* bytes % 64 of them */
};

/** Whether this machine can; asked once. Nothing else here may be called where it cannot. */
bool sha_ni_here(void);
void sha_ni_start(struct sha_ni *s);
void sha_ni_update(struct sha_ni *s, const unsigned char *p, size_t n);
void sha_ni_finish(struct sha_ni *s, unsigned char out[32]);

#endif
