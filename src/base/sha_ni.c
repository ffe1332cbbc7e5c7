#include "sha_ni.h"

#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

/* Source: FIPS 180-4, 4.2.2. */
static const uint32_t constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

bool sha_ni_here(void)
{
    static int known = -1;
    unsigned a, b, c, d;

    if (known < 0) {
        /* SSSE3 and SSE4.1 for the shuffles, then leaf 7: SHA extensions. */
        known = __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_SSSE3) != 0 &&
                (c & bit_SSE4_1) != 0 && __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 &&
                (b & bit_SHA) != 0;
    }
    return known != 0;
}

/* Four rounds with the words @w, and the words sixteen further on into @w. */
#define ROUNDS(i, w, x, y, z)                                                                    \
    do {                                                                                         \
        __m128i wk_ = _mm_add_epi32(w, _mm_loadu_si128((const __m128i *)(constants + 4 * (i)))); \
        cdgh = _mm_sha256rnds2_epu32(cdgh, abef, wk_);                                           \
        abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(wk_, 0x0e));                  \
        w = _mm_add_epi32(_mm_sha256msg1_epu32(w, x), _mm_alignr_epi8(z, y, 4));                 \
        w = _mm_sha256msg2_epu32(w, z);                                                          \
    } while (0)

__attribute__((target("sha,sse4.1,ssse3"))) static void blocks(uint32_t state[8],
                                                               const unsigned char *p, size_t count)
{
    const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    __m128i low = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)state), 0xb1);
    __m128i high = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(state + 4)), 0x1b);
    __m128i abef = _mm_alignr_epi8(low, high, 8), cdgh = _mm_blend_epi16(high, low, 0xf0);

    for (; count > 0; count--, p += SHA_BLOCK_BYTES) {
        const __m128i *in = (const __m128i *)(const void *)p;
        __m128i abef0 = abef, cdgh0 = cdgh;
        __m128i w = _mm_shuffle_epi8(_mm_loadu_si128(in), swap);
        __m128i x = _mm_shuffle_epi8(_mm_loadu_si128(in + 1), swap);
        __m128i y = _mm_shuffle_epi8(_mm_loadu_si128(in + 2), swap);
        __m128i z = _mm_shuffle_epi8(_mm_loadu_si128(in + 3), swap);

        /* The words the last turn makes are not used: cheaper than a turn of its own. */
        for (int i = 0; i < 16; i += 4) {
            ROUNDS(i, w, x, y, z);
            ROUNDS(i + 1, x, y, z, w);
            ROUNDS(i + 2, y, z, w, x);
            ROUNDS(i + 3, z, w, x, y);
        }
        abef = _mm_add_epi32(abef, abef0);
        cdgh = _mm_add_epi32(cdgh, cdgh0);
    }
    low = _mm_shuffle_epi32(abef, 0x1b);
    high = _mm_shuffle_epi32(cdgh, 0xb1);
    _mm_storeu_si128((__m128i *)state, _mm_blend_epi16(low, high, 0xf0));
    _mm_storeu_si128((__m128i *)(state + 4), _mm_alignr_epi8(high, low, 8));
}

#else

bool sha_ni_here(void)
{
    return false;
}

static void blocks(uint32_t state[8], const unsigned char *p, size_t count)
{
    (void)state;
    (void)p;
    (void)count;
    abort();
}

#endif

void sha_ni_start(struct sha_ni *s)
{
    /* Source: FIPS 180-4, 5.3.3. */
    static const uint32_t first[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

    memcpy(s->state, first, sizeof(first));
    s->bytes = 0;
}

void sha_ni_update(struct sha_ni *s, const unsigned char *p, size_t n)
{
    size_t have = s->bytes % SHA_BLOCK_BYTES, room = SHA_BLOCK_BYTES - have;

    s->bytes += n;
    if (n < room) {
        memcpy(s->pending + have, p, n);
        return;
    }
    if (have > 0) {
        memcpy(s->pending + have, p, room);
        blocks(s->state, s->pending, 1);
        p += room;
        n -= room;
    }
    blocks(s->state, p, n / SHA_BLOCK_BYTES);
    memcpy(s->pending, p + n / SHA_BLOCK_BYTES * SHA_BLOCK_BYTES, n % SHA_BLOCK_BYTES);
}

static void put_be(unsigned char *to, uint64_t v, int bytes)
{
    while (bytes-- > 0) {
        to[bytes] = (unsigned char)v;
        v >>= 8;
    }
}

void sha_ni_finish(struct sha_ni *s, unsigned char out[32])
{
    size_t have = s->bytes % SHA_BLOCK_BYTES;

    s->pending[have++] = 0x80;
    if (have > SHA_BLOCK_BYTES - 8) {
        memset(s->pending + have, 0, SHA_BLOCK_BYTES - have);
        blocks(s->state, s->pending, 1);
        have = 0;
    }
    memset(s->pending + have, 0, SHA_BLOCK_BYTES - 8 - have);
    put_be(s->pending + SHA_BLOCK_BYTES - 8, s->bytes * 8, 8);
    blocks(s->state, s->pending, 1);
    for (size_t i = 0; i < 8; i++) {
        put_be(out + 4 * i, s->state[i], 4);
    }
}
