/*
 * crypto: what crewline needs of mbedtls, without its types: HMAC and SHA streaming, AES-256-GCM
 * sealing, random bytes, PBKDF-free key hashing. Random comes from the kernel.
 * Sealed record: byte 1 (format), 12 bytes nonce, ciphertext, 16 bytes tag; AAD = the caller's
 * "tenant|record|field", so a blob moved to another record does not open.
 */
#ifndef CREWLINE_BASE_CRYPTO_H
#define CREWLINE_BASE_CRYPTO_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#define SHA1_BYTES       20
#define SHA256_BYTES     32
#define SEAL_KEY_BYTES   32
#define SEAL_EXTRA_BYTES 29 /* what sealing adds to a text */

enum hash_kind { HASH_SHA1, HASH_SHA256 };

/* Streaming HMAC or plain hash (key NULL). Opaque storage so that it can be embedded. */
struct hasher {
    _Alignas(16) unsigned char state[512];
};
void hasher_init(struct hasher *h, enum hash_kind kind);
void hasher_init_hmac(struct hasher *h, enum hash_kind kind, struct str key);
/* A key of HMAC-SHA256, taken in once: saves half of the work on short texts. Opaque storage too. */
struct hmac_key {
    _Alignas(16) unsigned char state[256];
};
void hmac_key_init(struct hmac_key *k, struct str key);
void hmac_key_fini(struct hmac_key *k); /* wipes it */
/** As hasher_init_hmac(); @k must live until hasher_done(). */
void hasher_init_keyed(struct hasher *h, const struct hmac_key *k);
void hasher_add(struct hasher *h, struct str bytes);
/** Writes SHA1_BYTES or SHA256_BYTES to @out and wipes @h. Returns the length. */
size_t hasher_done(struct hasher *h, uint8_t *out);
void hasher_fini(struct hasher *h); /* for one that is given up */

void sha256(struct str bytes, uint8_t out[SHA256_BYTES]);
void hmac_sha256(struct str key, struct str bytes, uint8_t out[SHA256_BYTES]);
void hmac_sha1(struct str key, struct str bytes, uint8_t out[SHA1_BYTES]);

struct sealer; /* a key, expanded once */
struct sealer *sealer_new(const uint8_t key[SEAL_KEY_BYTES]);
void sealer_free(struct sealer **owner);
/** Appends the sealed form of @text to @out. */
void seal(struct sealer *s, struct str aad, struct str text, struct buf *out);
/** Appends the text to @out; ERR_DAMAGED when the tag, the AAD or the format does not fit. */
bool unseal(struct sealer *s, struct str aad, struct str sealed, struct buf *out, struct err *err);

void random_bytes(void *out, size_t n);
/** Uniform in [0, below) by rejection. */
uint32_t random_below(uint32_t below);

#endif
