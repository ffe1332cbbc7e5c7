#include "base/crypto.h"

#include <mbedtls/md.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "harness.h"

/* FIPS 180-4 examples; RFC 2202 and RFC 4231. */
static const struct {
    const char *label;
    enum hash_kind kind;
    struct str key; /* NULL: plain hash */
    struct str text;
    const char *want;
} rows[] = {
    {"sha1 abc",          HASH_SHA1, {NULL, 0},                                                                                {"abc", 3}, "a9993e364706816aba3e25717850c26c9cd0d89d"},
    {"sha1 empty",        HASH_SHA1, {NULL, 0},                                                                                {"", 0},    "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
    {"sha256 abc",
     HASH_SHA256,                    {NULL, 0},
     {"abc", 3},
     "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"                                                                                                              },
    {"sha256 none",
     HASH_SHA256,                    {NULL, 0},
     {NULL, 0},
     "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"                                                                                                              },
    {"sha256 two blocks",
     HASH_SHA256,                    {NULL, 0},
     {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56},
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"                                                                                                              },
    {"rfc2202 2",
     HASH_SHA1,                      {"Jefe", 4},
     {"what do ya want for nothing?", 28},
     "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"                                                                                                                                      },
    {"rfc4231 1",
     HASH_SHA256,                    {"\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b", 20},
     {"Hi There", 8},
     "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"                                                                                                              },
    {"rfc4231 2",
     HASH_SHA256,                    {"Jefe", 4},
     {"what do ya want for nothing?", 28},
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"                                                                                                              },
    {"empty key",
     HASH_SHA256,                    {"", 0},
     {"", 0},
     "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"                                                                                                              },
};

static void check_hex(const char *label, const uint8_t *got, size_t n, const char *want)
{
    struct buf hex;

    buf_init(&hex, 1000);
    hex_add(&hex, str_make(got, n));
    CHECK_Z(label, buf_str(&hex), want);
    buf_fini(&hex);
}

static void test_hashes(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        /* In pieces of every size: a signature is computed while the bytes arrive. */
        for (size_t piece = 1; piece <= 65; piece += 8) {
            struct hasher h;
            uint8_t out[SHA256_BYTES];
            size_t n;

            if (rows[i].key.p == NULL) {
                hasher_init(&h, rows[i].kind);
            } else {
                hasher_init_hmac(&h, rows[i].kind, rows[i].key);
            }
            for (size_t at = 0; at < rows[i].text.n; at += piece) {
                hasher_add(&h, str_slice(rows[i].text, at, at + piece));
            }
            n = hasher_done(&h, out);
            check_hex(rows[i].label, out, n, rows[i].want);
        }
    }
}

/* A key taken in once gives the same, any number of times. */
static void test_keyed(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct hmac_key key;

        if (rows[i].key.p == NULL || rows[i].kind != HASH_SHA256) {
            continue;
        }
        hmac_key_init(&key, rows[i].key);
        for (int again = 0; again < 3; again++) {
            struct hasher h;
            uint8_t out[SHA256_BYTES];

            hasher_init_keyed(&h, &key);
            hasher_add(&h, rows[i].text);
            CHECK_INT("length", hasher_done(&h, out), SHA256_BYTES);
            check_hex(rows[i].label, out, SHA256_BYTES, rows[i].want);
        }
        hmac_key_fini(&key);
    }
}

/* RFC 2202 test 6, RFC 4231 test 6: keys longer than a block are hashed first. */
static void test_long_keys(void)
{
    static const char text[] = "Test Using Larger Than Block-Size Key - Hash Key First";
    uint8_t out[SHA256_BYTES];
    char key[131];

    memset(key, 0xaa, sizeof(key));
    hmac_sha256(str_make(key, 131), str_of(text), out);
    check_hex("sha256", out, SHA256_BYTES,
              "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    hmac_sha1(str_make(key, 80), str_of(text), out);
    check_hex("sha1", out, SHA1_BYTES, "aa4ae5e15272d00e95705637ce8a3b55ed402112");
    sha256(STR("abc"), out);
    check_hex("at once", out, SHA256_BYTES, rows[2].want);
}

/* mbedtls is the oracle, in pieces of random sizes, whatever sha256() uses on this machine. */
static void test_against_mbedtls(void)
{
    static unsigned char text[2000];
    unsigned wrong = 0;

    random_bytes(text, sizeof(text));
    srand(3);
    for (size_t n = 0; n <= sizeof(text); n += n < 300 ? 1 : 97) {
        uint8_t got[SHA256_BYTES], want[SHA256_BYTES];
        mbedtls_md_context_t md;
        struct hasher h;
        size_t step;

        hasher_init_hmac(&h, HASH_SHA256, STR("a secret"));
        for (size_t at = 0; at < n; at += step) {
            step = 1 + (size_t)rand() % 200;
            hasher_add(&h, str_slice(str_make(text, n), at, at + step));
        }
        hasher_done(&h, got);
        mbedtls_md_init(&md);
        mbedtls_md_setup(&md, mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), 1);
        mbedtls_md_hmac_starts(&md, (const unsigned char *)"a secret", 8);
        mbedtls_md_hmac_update(&md, text, n);
        mbedtls_md_hmac_finish(&md, want);
        mbedtls_md_free(&md);
        wrong += memcmp(got, want, sizeof(got)) != 0;
    }
    CHECK_INT("lengths that differ", wrong, 0);
}

static void test_given_up(void)
{
    struct hasher h;
    bool zero = true;

    memset(&h, 0, sizeof(h));
    hasher_init_hmac(&h, HASH_SHA256, STR("secret key"));
    hasher_add(&h, STR("text"));
    hasher_fini(&h);
    for (size_t i = 0; i < sizeof(h.state); i++) {
        zero = zero && h.state[i] == 0;
    }
    CHECK("nothing of the key is left", zero);
}

static struct sealer *test_sealer(uint8_t first)
{
    uint8_t key[SEAL_KEY_BYTES];

    for (size_t i = 0; i < sizeof(key); i++) {
        key[i] = (uint8_t)(first + i);
    }
    return sealer_new(key);
}

static void test_seal(void)
{
    static const size_t lengths[] = {0, 1, 15, 16, 17, 31, 100, 4096, 100000};
    struct sealer *s = test_sealer(0);
    struct buf text, sealed, again, out;
    struct err err = {0};

    buf_init(&text, 1 << 20);
    buf_init(&sealed, 1 << 20);
    buf_init(&again, 1 << 20);
    buf_init(&out, 1 << 20);
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        buf_reset(&text);
        buf_reset(&sealed);
        buf_reset(&again);
        buf_reset(&out);
        for (size_t k = 0; k < lengths[i]; k++) {
            buf_add_char(&text, (char)k);
        }
        buf_addz(&out, "before|");
        seal(s, STR("acme|m1|text"), buf_str(&text), &sealed);
        seal(s, STR("acme|m1|text"), buf_str(&text), &again);
        CHECK_INT("length", sealed.n, lengths[i] + SEAL_EXTRA_BYTES);
        CHECK("never the same twice", !str_eq(buf_str(&sealed), buf_str(&again)));
        CHECK("opens", unseal(s, STR("acme|m1|text"), buf_str(&sealed), &out, &err));
        CHECK_STR("text", str_slice(buf_str(&out), 7, out.n), buf_str(&text));
    }
    buf_fini(&text);
    buf_fini(&sealed);
    buf_fini(&again);
    buf_fini(&out);
    sealer_free(&s);
    CHECK("cleared", s == NULL);
    sealer_free(&s);
}

/* Made with the AES-256-GCM of OpenSSL by way of node: key 00 01 02 .., nonce 64 65 66 .. */
static void test_seal_oracle(void)
{
    struct sealer *s = test_sealer(0);
    struct buf sealed, out;
    struct err err = {0};

    buf_init(&sealed, 1000);
    buf_init(&out, 1000);
    hex_decode(&sealed, STR("016465666768696a6b6c6d6e6f632aec564bdc63ab0e536edf95c3ed291f0c20ca413e"
                            "fec321f29828"));
    CHECK("opens", unseal(s, STR("acme|user-17|phone"), buf_str(&sealed), &out, &err));
    CHECK_Z("text", buf_str(&out), "+12025550117");
    buf_fini(&sealed);
    buf_fini(&out);
    sealer_free(&s);
}

static void test_damage(void)
{
    struct sealer *s = test_sealer(0), *other = test_sealer(1);
    struct buf sealed, out, few;
    struct err err = {0};
    const struct str aad = STR("acme|m1|text"), text = STR("+12025550117");

    buf_init(&sealed, 1000);
    buf_init(&out, 1000);
    buf_init(&few, 3);
    seal(s, aad, text, &sealed);
    for (size_t bit = 0; bit < sealed.n * 8; bit++) {
        sealed.p[bit / 8] ^= (char)(1 << bit % 8);
        err.code = ERR_NONE;
        CHECK("one bit turned", !unseal(s, aad, buf_str(&sealed), &out, &err));
        CHECK_INT("code", err.code, ERR_DAMAGED);
        sealed.p[bit / 8] ^= (char)(1 << bit % 8);
    }
    for (size_t n = 0; n < sealed.n; n++) {
        CHECK("cut", !unseal(s, aad, str_slice(buf_str(&sealed), 0, n), &out, &err));
        CHECK_INT("code", err.code, ERR_DAMAGED);
    }
    CHECK("moved", !unseal(s, STR("acme|m2|text"), buf_str(&sealed), &out, &err));
    CHECK("no place", !unseal(s, STR_NONE, buf_str(&sealed), &out, &err));
    CHECK("other key", !unseal(other, aad, buf_str(&sealed), &out, &err));
    CHECK_INT("nothing came out", out.n, 0);
    CHECK("too long for the buffer", !unseal(s, aad, buf_str(&sealed), &few, &err));
    CHECK_INT("code", err.code, ERR_TOO_LONG);
    seal(s, aad, text, &few);
    CHECK("no room to seal", !buf_ok(&few) && few.n == 0);
    CHECK("still good", unseal(s, aad, buf_str(&sealed), &out, &err));
    buf_fini(&sealed);
    buf_fini(&out);
    buf_fini(&few);
    sealer_free(&s);
    sealer_free(&other);
}

static void test_random(void)
{
    unsigned counts[6] = {0}, same = 0;
    unsigned char a[400], b[400];

    for (size_t n = 0; n <= sizeof(a); n++) {
        memset(a, 0, sizeof(a));
        memset(b, 0, sizeof(b));
        random_bytes(a, n);
        random_bytes(b, n);
        same += n >= 16 && memcmp(a, b, n) == 0;
        for (size_t i = n; i < sizeof(a); i++) {
            same += a[i] != 0;
        }
    }
    CHECK_INT("never the same, never too much", same, 0);
    for (int i = 0; i < 60000; i++) {
        uint32_t v = random_below(6);

        CHECK("below", v < 6);
        counts[v % 6]++;
    }
    for (size_t i = 0; i < 6; i++) {
        /* Six standard deviations of a fair die. */
        CHECK("even", counts[i] > 10000 - 550 && counts[i] < 10000 + 550);
    }
    /* Of 2^32 values a quarter does not fit: folded back they would make the low third a half. */
    counts[0] = 0;
    for (int i = 0; i < 30000; i++) {
        counts[0] += random_below(3u << 30) < 1u << 30;
    }
    CHECK("no favourites", counts[0] > 10000 - 500 && counts[0] < 10000 + 500);
    CHECK_INT("below one", random_below(1), 0);
    for (int i = 0; i < 100; i++) {
        CHECK("nearly all", random_below(UINT32_MAX) < UINT32_MAX);
    }
}

/* A child must not draw what its parent draws. */
static void test_random_fork(void)
{
    char mine[64], theirs[64], zero[32], id[ID_BYTES], child_id[ID_BYTES];
    int fds[2], status = 0;
    pid_t pid;

    random_bytes(mine, 1);
    id_new(id);
    CHECK_INT("pipe", pipe(fds), 0);
    pid = fork();
    if (pid == 0) {
        random_bytes(theirs, sizeof(theirs));
        id_new(child_id);
        _exit(write(fds[1], theirs, sizeof(theirs)) == sizeof(theirs) &&
                      write(fds[1], child_id, ID_BYTES) == ID_BYTES
                  ? 0
                  : 1);
    }
    random_bytes(mine, sizeof(mine));
    id_new(id);
    waitpid(pid, &status, 0);
    CHECK_INT("child", status, 0);
    CHECK_INT("bytes", read(fds[0], theirs, sizeof(theirs)), sizeof(theirs));
    CHECK_INT("id", read(fds[0], child_id, ID_BYTES), ID_BYTES);
    memset(zero, 0, sizeof(zero));
    CHECK("the child does not draw from a wiped pool", memcmp(theirs, zero, sizeof(zero)) != 0);
    CHECK("differ", memcmp(mine, theirs, sizeof(mine)) != 0);
    /* One step apart would be the same random part. */
    CHECK("ids differ in their random part", memcmp(id + 10, child_id + 10, 12) != 0);
    close(fds[0]);
    close(fds[1]);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_hashes),          TEST(test_keyed), TEST(test_long_keys), TEST(test_given_up),
        TEST(test_against_mbedtls), TEST(test_seal),      TEST(test_seal_oracle),
        TEST(test_damage),          TEST(test_random),    TEST(test_random_fork)};

    return test_main(argc, argv, tests, ARRAY_LEN(tests));
}
