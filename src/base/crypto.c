#include "base/crypto.h"

#include <mbedtls/gcm.h>
#include <mbedtls/sha1.h>
#include <mbedtls/sha256.h>
#include <mbedtls/version.h>
#include <stdalign.h>
#include <stdlib.h>

#include "base/mem.h"

/* 2.x names the functions that can fail ..._ret; 3.x dropped the others and the ending. */
#if MBEDTLS_VERSION_NUMBER < 0x03000000
#define sha1_starts   mbedtls_sha1_starts_ret
#define sha1_update   mbedtls_sha1_update_ret
#define sha1_finish   mbedtls_sha1_finish_ret
#define sha256_starts mbedtls_sha256_starts_ret
#define sha256_update mbedtls_sha256_update_ret
#define sha256_finish mbedtls_sha256_finish_ret
#else
#define sha1_starts   mbedtls_sha1_starts
#define sha1_update   mbedtls_sha1_update
#define sha1_finish   mbedtls_sha1_finish
#define sha256_starts mbedtls_sha256_starts
#define sha256_update mbedtls_sha256_update
#define sha256_finish mbedtls_sha256_finish
#endif

#define HASH_BLOCK_BYTES 64
#define HMAC_INNER       0x36
#define HMAC_OUTER       0x5c
#define SEAL_FORMAT      1
#define SEAL_NONCE_BYTES 12
#define SEAL_TAG_BYTES   16

/* What lies in struct hasher. HMAC (RFC 2104) is done here: mbedtls_md would use the heap. */
struct state {
    enum hash_kind kind;
    bool keyed;
    union {
        mbedtls_sha1_context sha1;
        mbedtls_sha256_context sha256;
    } ctx;
    unsigned char outer[HASH_BLOCK_BYTES]; /* key xor opad */
    const struct key *key;                 /* or the state behind that block */
};
/* What lies in struct hmac_key: SHA-256 behind the block of the key, for either pass. */
struct key {
    mbedtls_sha256_context inner, outer;
};
_Static_assert(sizeof(struct state) <= sizeof(((struct hasher *)0)->state), "hasher is too small");
_Static_assert(sizeof(struct key) <= sizeof(((struct hmac_key *)0)->state),
               "hmac_key is too small");
_Static_assert(alignof(struct state) <= 16, "hasher is aligned too low");
_Static_assert(SEAL_EXTRA_BYTES == 1 + SEAL_NONCE_BYTES + SEAL_TAG_BYTES, "sealed record");

/* The software implementation cannot fail; an accelerator that does leaves nothing to trust. */
static void must(int rc)
{
    if (rc != 0) {
        abort();
    }
}

static struct state *state_of(struct hasher *h)
{
    return (struct state *)(void *)h->state;
}

static void start(struct state *s)
{
    if (s->kind == HASH_SHA1) {
        mbedtls_sha1_init(&s->ctx.sha1);
        must(sha1_starts(&s->ctx.sha1));
    } else {
        mbedtls_sha256_init(&s->ctx.sha256);
        must(sha256_starts(&s->ctx.sha256, 0));
    }
}

static void update(struct state *s, const unsigned char *p, size_t n)
{
    if (n == 0) {
        return;
    }
    if (s->kind == HASH_SHA1) {
        must(sha1_update(&s->ctx.sha1, p, n));
    } else {
        must(sha256_update(&s->ctx.sha256, p, n));
    }
}

static size_t finish(struct state *s, unsigned char *out)
{
    if (s->kind == HASH_SHA1) {
        must(sha1_finish(&s->ctx.sha1, out));
        mbedtls_sha1_free(&s->ctx.sha1);
        return SHA1_BYTES;
    }
    must(sha256_finish(&s->ctx.sha256, out));
    mbedtls_sha256_free(&s->ctx.sha256);
    return SHA256_BYTES;
}

void hasher_init(struct hasher *h, enum hash_kind kind)
{
    struct state *s = state_of(h);

    s->kind = kind;
    s->keyed = false;
    s->key = NULL;
    start(s);
}

void hasher_init_hmac(struct hasher *h, enum hash_kind kind, struct str key)
{
    struct state *s = state_of(h);
    unsigned char block[HASH_BLOCK_BYTES] = {0};

    s->kind = kind;
    s->keyed = true;
    s->key = NULL;
    if (key.n > sizeof(block)) {
        start(s);
        update(s, (const unsigned char *)key.p, key.n);
        finish(s, block);
    } else if (key.n > 0) {
        memcpy(block, key.p, key.n);
    }
    for (size_t i = 0; i < sizeof(block); i++) {
        s->outer[i] = block[i] ^ HMAC_OUTER;
        block[i] ^= HMAC_INNER;
    }
    start(s);
    update(s, block, sizeof(block));
    mem_wipe(block, sizeof(block));
}

void hmac_key_init(struct hmac_key *k, struct str key)
{
    struct key *to = (struct key *)(void *)k->state;
    struct hasher h;
    struct state *s = state_of(&h);

    hasher_init_hmac(&h, HASH_SHA256, key);
    mbedtls_sha256_init(&to->inner);
    mbedtls_sha256_clone(&to->inner, &s->ctx.sha256);
    start(s);
    update(s, s->outer, sizeof(s->outer));
    mbedtls_sha256_init(&to->outer);
    mbedtls_sha256_clone(&to->outer, &s->ctx.sha256);
    hasher_fini(&h);
}

void hmac_key_fini(struct hmac_key *k)
{
    mem_wipe(k->state, sizeof(k->state));
}

void hasher_init_keyed(struct hasher *h, const struct hmac_key *k)
{
    struct state *s = state_of(h);

    s->kind = HASH_SHA256;
    s->keyed = true;
    s->key = (const struct key *)(const void *)k->state;
    mbedtls_sha256_init(&s->ctx.sha256);
    mbedtls_sha256_clone(&s->ctx.sha256, &s->key->inner);
}

void hasher_add(struct hasher *h, struct str bytes)
{
    update(state_of(h), (const unsigned char *)bytes.p, bytes.n);
}

size_t hasher_done(struct hasher *h, uint8_t *out)
{
    struct state *s = state_of(h);
    size_t n = finish(s, out);

    if (s->key != NULL) {
        mbedtls_sha256_init(&s->ctx.sha256);
        mbedtls_sha256_clone(&s->ctx.sha256, &s->key->outer);
    } else if (s->keyed) {
        start(s);
        update(s, s->outer, sizeof(s->outer));
    }
    if (s->keyed) {
        update(s, out, n);
        n = finish(s, out);
    }
    mem_wipe(s, sizeof(*s));
    return n;
}

void hasher_fini(struct hasher *h)
{
    mem_wipe(h->state, sizeof(struct state));
}

void sha256(struct str bytes, uint8_t out[SHA256_BYTES])
{
    struct hasher h;

    hasher_init(&h, HASH_SHA256);
    hasher_add(&h, bytes);
    hasher_done(&h, out);
}

void hmac_sha256(struct str key, struct str bytes, uint8_t out[SHA256_BYTES])
{
    struct hasher h;

    hasher_init_hmac(&h, HASH_SHA256, key);
    hasher_add(&h, bytes);
    hasher_done(&h, out);
}

void hmac_sha1(struct str key, struct str bytes, uint8_t out[SHA1_BYTES])
{
    struct hasher h;

    hasher_init_hmac(&h, HASH_SHA1, key);
    hasher_add(&h, bytes);
    hasher_done(&h, out);
}

struct sealer {
    mbedtls_gcm_context gcm;
};

struct sealer *sealer_new(const uint8_t key[SEAL_KEY_BYTES])
{
    struct sealer *s = MEM_NEW(struct sealer);

    mbedtls_gcm_init(&s->gcm);
    must(mbedtls_gcm_setkey(&s->gcm, MBEDTLS_CIPHER_ID_AES, key, SEAL_KEY_BYTES * 8));
    return s;
}

void sealer_free(struct sealer **owner)
{
    if (*owner != NULL) {
        mbedtls_gcm_free(&(*owner)->gcm);
        mem_wipe(*owner, sizeof(**owner));
        mem_free(owner);
    }
}

void seal(struct sealer *s, struct str aad, struct str text, struct buf *out)
{
    unsigned char *to;

    to =
        text.n > SIZE_MAX / 2 ? NULL : (unsigned char *)buf_reserve(out, text.n + SEAL_EXTRA_BYTES);
    if (to == NULL) {
        out->over = true;
        return;
    }
    to[0] = SEAL_FORMAT;
    random_bytes(to + 1, SEAL_NONCE_BYTES);
    must(mbedtls_gcm_crypt_and_tag(&s->gcm, MBEDTLS_GCM_ENCRYPT, text.n, to + 1, SEAL_NONCE_BYTES,
                                   (const unsigned char *)aad.p, aad.n,
                                   (const unsigned char *)text.p, to + 1 + SEAL_NONCE_BYTES,
                                   SEAL_TAG_BYTES, to + 1 + SEAL_NONCE_BYTES + text.n));
    buf_grew(out, text.n + SEAL_EXTRA_BYTES);
}

bool unseal(struct sealer *s, struct str aad, struct str sealed, struct buf *out, struct err *err)
{
    const unsigned char *from = (const unsigned char *)sealed.p;
    unsigned char *to;
    size_t n;

    if (sealed.n < SEAL_EXTRA_BYTES) {
        return err_set(err, ERR_DAMAGED, "sealed record is shorter than %d bytes",
                       SEAL_EXTRA_BYTES);
    }
    if (from[0] != SEAL_FORMAT) {
        return err_set(err, ERR_DAMAGED, "sealed record has the unknown format %u", from[0]);
    }
    n = sealed.n - SEAL_EXTRA_BYTES;
    to = (unsigned char *)buf_reserve(out, n);
    if (to == NULL) {
        return err_set(err, ERR_TOO_LONG, "sealed text of %zu bytes is too long", n);
    }
    if (mbedtls_gcm_auth_decrypt(&s->gcm, n, from + 1, SEAL_NONCE_BYTES,
                                 (const unsigned char *)aad.p, aad.n,
                                 from + sealed.n - SEAL_TAG_BYTES, SEAL_TAG_BYTES,
                                 from + 1 + SEAL_NONCE_BYTES, to) != 0) {
        buf_grew(out, 0);
        return err_set(err, ERR_DAMAGED, "sealed record does not open: wrong key, place or bytes");
    }
    buf_grew(out, n);
    return true;
}
