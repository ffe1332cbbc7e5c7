#include "base/pack.h"

#include "harness.h"

static void test_round_trip(void)
{
    static const int64_t numbers[] = {1, -1, 63, 64, -64, -65, 8191, INT64_MAX, INT64_MIN};
    struct unpack u;
    struct str value;
    struct buf b;
    uint8_t tag;

    buf_init(&b, 4096);
    pack_begin(&b, 7);
    pack_str(&b, 1, STR("text"));
    pack_str(&b, 2, STR(""));
    pack_str(&b, 3, STR_NONE);
    pack_int(&b, 4, 0);
    pack_real(&b, 5, -33.856784);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        pack_int(&b, (uint8_t)(10 + i), numbers[i]);
    }
    CHECK("fits", buf_ok(&b));
    CHECK_INT("version", unpack_begin(&u, buf_str(&b)), 7);
    CHECK("text", unpack_next(&u, &tag, &value) && tag == 1 && str_eqz(value, "text"));
    CHECK("what is empty is absent", unpack_next(&u, &tag, &value) && tag == 5);
    CHECK("real", unpack_real(value) == -33.856784);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        CHECK("next", unpack_next(&u, &tag, &value) && tag == 10 + i);
        CHECK_INT("number", unpack_int(value), numbers[i]);
    }
    CHECK("end", !unpack_next(&u, &tag, &value) && !u.broken);
    buf_fini(&b);
}

/* Lengths around the steps of the 7-bit groups. */
static void test_lengths(void)
{
    static const size_t lengths[] = {1, 127, 128, 16383, 16384, 70000};
    static char text[70000];
    struct unpack u;
    struct str value;
    struct buf b;
    uint8_t tag;

    memset(text, 'x', sizeof(text));
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        buf_init(&b, 100000);
        pack_begin(&b, 1);
        pack_str(&b, 255, str_make(text, lengths[i]));
        pack_int(&b, 0, 5);
        unpack_begin(&u, buf_str(&b));
        CHECK("long", unpack_next(&u, &tag, &value) && tag == 255);
        CHECK_INT("length", value.n, lengths[i]);
        CHECK("behind it", unpack_next(&u, &tag, &value) && unpack_int(value) == 5);
        buf_fini(&b);
    }
}

static void test_bad_text(void)
{
    struct unpack u;
    struct str value;
    struct buf b;
    uint8_t tag;

    buf_init(&b, 4096);
    pack_begin(&b, 1);
    pack_str(&b, 1, STR("a\xff\xc3\xa9\xed\xa0\x80z\0"));
    unpack_begin(&u, buf_str(&b));
    CHECK("there", unpack_next(&u, &tag, &value));
    CHECK_Z("repaired", value,
            "a\xef\xbf\xbd\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz\xef\xbf\xbd");
    buf_fini(&b);
    buf_init(&b, 10);
    pack_str(&b, 1, STR("eleven char"));
    CHECK("a full buffer says so", !buf_ok(&b));
    buf_fini(&b);
}

/* Every cut of a record reads without a step outside, and the cut inside a member is seen. */
static void test_damaged(void)
{
    static const struct str bad[] = {
        {"\1\1",                                           2 },
        {"\1\1\5abc",                                      6 },
        {"\1\1\x80",                                       3 },
        {"\1\1\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\1", 13},
        {"\1\1\xff\xff\xff\xff\xff\xff\xff\xff\xff\1",     12},
    };
    struct unpack u;
    struct str value;
    uint8_t tag;

    CHECK_INT("nothing", unpack_begin(&u, STR("")), -1);
    CHECK("no member", !unpack_next(&u, &tag, &value) && !u.broken);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        CHECK_INT("version", unpack_begin(&u, bad[i]), 1);
        CHECK("broken", !unpack_next(&u, &tag, &value) && u.broken);
        CHECK("and stays so", !unpack_next(&u, &tag, &value));
    }
    CHECK_INT("no number", unpack_int(STR("\x80")), 0);
    CHECK_INT("no number either", unpack_int(STR_NONE), 0);
    CHECK("no real", unpack_real(STR("abc")) == 0);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {TEST(test_round_trip), TEST(test_lengths),
                                        TEST(test_bad_text), TEST(test_damaged)};
    return test_main(argc, argv, tests, ARRAY_LEN(tests));
}
