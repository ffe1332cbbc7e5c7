#include "base/buf.h"

#include <stdio.h>

#include "base/mem.h"
#include "harness.h"

static void test_append(void)
{
    struct buf b;

    buf_init(&b, 1000);
    CHECK_Z("NUL behind nothing", str_of(b.p), "");
    buf_add(&b, STR("ab"));
    buf_add(&b, STR_NONE);
    buf_addz(&b, "cd");
    buf_add_char(&b, 'e');
    buf_addf(&b, "-%d-%s", 7, "x");
    CHECK_Z("text", buf_str(&b), "abcde-7-x");
    CHECK_INT("NUL behind", b.p[b.n], 0);
    buf_drop(&b, 2);
    CHECK_Z("dropped", buf_str(&b), "cde-7-x");
    buf_cut(&b, 3);
    CHECK_Z("cut", buf_str(&b), "cde");
    buf_cut(&b, 30);
    CHECK_INT("a cut never lengthens", b.n, 3);
    buf_drop(&b, 30);
    CHECK_INT("all dropped", b.n, 0);
    CHECK_Z("NUL kept", str_of(b.p), "");
    buf_addf(&b, "%0400d", 1);
    CHECK_INT("long format", b.n, 400);
    CHECK("fits", buf_ok(&b));
    buf_fini(&b);
    buf_fini(&b);
}

static void test_i64(void)
{
    static const struct {
        int64_t v;
        const char *want;
    } rows[] = {
        {0,             "0"                   },
        {7,             "7"                   },
        {-7,            "-7"                  },
        {1234567890123, "1234567890123"       },
        {INT64_MAX,     "9223372036854775807" },
        {INT64_MIN,     "-9223372036854775808"},
    };
    struct buf b;

    buf_init(&b, 1000);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf_reset(&b);
        buf_add_i64(&b, rows[i].v);
        CHECK_Z(rows[i].want, buf_str(&b), rows[i].want);
    }
    buf_fini(&b);
}

/* Every limit from 0 on: exactly so much fits, and the refusal is remembered. */
static void test_limit(void)
{
    for (size_t max = 0; max < 300; max++) {
        struct buf b;

        buf_init(&b, max);
        for (size_t i = 0; i < max; i++) {
            buf_add_char(&b, 'x');
        }
        CHECK("up to the limit", buf_ok(&b) && b.n == max);
        buf_add_char(&b, 'y');
        CHECK("past it", !buf_ok(&b) && b.n == max);
        buf_cut(&b, max / 2);
        buf_add_char(&b, 'z');
        CHECK("a refusal lasts", !buf_ok(&b) && b.n == max / 2);
        CHECK("no room", max == 0 || buf_reserve(&b, 1) == NULL);
        buf_reset(&b);
        CHECK("reset forgets it", buf_ok(&b) && b.n == 0);
        buf_fini(&b);
    }
}

static void test_overflow(void)
{
    struct buf b;

    buf_init(&b, SIZE_MAX / 2);
    buf_add(&b, STR("x"));
    CHECK("a huge wish is refused, not wrapped", buf_reserve(&b, SIZE_MAX - 1) == NULL);
    CHECK("and remembered", !buf_ok(&b));
    buf_fini(&b);
    buf_init(&b, 10);
    buf_addf(&b, "%0300d", 1);
    CHECK("a long format is refused whole", !buf_ok(&b) && b.n == 0);
    buf_fini(&b);
}

/* Appending a byte at a time must not copy everything a byte at a time. */
static void test_growth(void)
{
    size_t cap = 0, grown = 0;
    struct buf b;

    buf_init(&b, 1000000);
    for (int i = 0; i < 1000000; i++) {
        buf_add_char(&b, 'x');
        grown += b.cap != cap;
        cap = b.cap;
    }
    CHECK("fits", buf_ok(&b));
    CHECK("it doubles", grown < 20);
    CHECK_INT("up to the limit and its NUL", b.cap, 1000001);
    buf_fini(&b);
}

static void test_reserve_and_take(void)
{
    struct buf b;
    char *out, *to;

    buf_init(&b, 100);
    to = buf_reserve(&b, 5);
    memcpy(to, "hello", 5);
    buf_grew(&b, 5);
    CHECK_Z("written in place", buf_str(&b), "hello");
    CHECK_INT("taken", buf_take(&b, &out), 5);
    CHECK_Z("moved out", str_of(out), "hello");
    CHECK_INT("empty again", b.n, 0);
    mem_free(&out);
    CHECK_INT("nothing to take", buf_take(&b, &out), 0);
    CHECK_Z("is an empty text", str_of(out), "");
    mem_free(&out);
    buf_add(&b, STR("again"));
    CHECK_Z("usable after take", buf_str(&b), "again");
    buf_fini_secret(&b);
    CHECK_INT("wiped and empty", b.n, 0);
}

/* What is formatted here reads as printf has it, at every length around the room on the stack. */
static void test_formats(void)
{
    static const int64_t numbers[] = {0,   1,         -1,        9,         10,
                                      -10, INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN};
    char want[1024], filler[300];
    struct buf b;

    buf_init(&b, 4096);
    memset(filler, 'x', sizeof(filler));
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        for (int n = 0; n < 300; n += n < 200 ? 50 : 1) {
            snprintf(want, sizeof(want), "{%.*s}:%s|%d|%lld|%zu.%05d%%", n, filler, "z",
                     (int)numbers[i], (long long)numbers[i], (size_t)numbers[i], (int)numbers[i]);
            buf_reset(&b);
            buf_addf(&b, "{%.*s}:%s|%d|%lld|%zu.", n, filler, "z", (int)numbers[i],
                     (long long)numbers[i], (size_t)numbers[i]);
            buf_addf(&b, "%05d%%", (int)numbers[i]);
            CHECK_Z("as printf", buf_str(&b), want);
        }
    }
    buf_reset(&b);
    buf_addf(&b, "[%.*s][%.*s]", 0, filler, 5, "ab\0cd");
    CHECK_Z("views end at a NUL, none is empty", buf_str(&b), "[][ab]");
    buf_fini(&b);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {TEST(test_append), TEST(test_i64),
                                        TEST(test_limit),  TEST(test_overflow),
                                        TEST(test_growth), TEST(test_reserve_and_take),
                                        TEST(test_formats)};
    return test_main(argc, argv, tests, ARRAY_LEN(tests));
}
