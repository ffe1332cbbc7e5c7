#include "base/text.h"

#include "fake/clock.h"
#include "harness.h"

static void test_base64(void)
{
    static const struct {
        struct str bytes;
        const char *plain, *url;
    } rows[] = {
        {{"", 0},               "",         ""        },
        {{"f", 1},              "Zg==",     "Zg"      },
        {{"fo", 2},             "Zm8=",     "Zm8"     },
        {{"foo", 3},            "Zm9v",     "Zm9v"    },
        {{"foob", 4},           "Zm9vYg==", "Zm9vYg"  },
        {{"fooba", 5},          "Zm9vYmE=", "Zm9vYmE" },
        {{"foobar", 6},         "Zm9vYmFy", "Zm9vYmFy"},
        {{"\xfb\xff\xfe\0", 4}, "+//+AA==", "-__-AA"  },
    };
    struct buf b;

    buf_init(&b, 1000);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf_reset(&b);
        base64_add(&b, rows[i].bytes);
        CHECK_Z(rows[i].plain, buf_str(&b), rows[i].plain);
        buf_reset(&b);
        base64url_add(&b, rows[i].bytes);
        CHECK_Z(rows[i].url, buf_str(&b), rows[i].url);
        buf_reset(&b);
        CHECK(rows[i].plain, base64_decode(&b, str_of(rows[i].plain)));
        CHECK(rows[i].url, base64_decode(&b, str_of(rows[i].url)));
        CHECK_INT(rows[i].url, b.n, rows[i].bytes.n * 2);
        CHECK_STR(rows[i].plain, str_slice(buf_str(&b), 0, rows[i].bytes.n), rows[i].bytes);
        CHECK_STR(rows[i].url, str_slice(buf_str(&b), rows[i].bytes.n, b.n), rows[i].bytes);
    }
    buf_fini(&b);
}

static void test_refused(void)
{
    static const struct {
        const char *label;
        bool (*decode)(struct buf *out, struct str text);
        struct str text;
    } rows[] = {
        {"one character",       base64_decode, {"Z", 1}       },
        {"five",                base64_decode, {"Zm9vY", 5}   },
        {"pad alone",           base64_decode, {"=", 1}       },
        {"two pads alone",      base64_decode, {"==", 2}      },
        {"three pads",          base64_decode, {"Z===", 4}    },
        {"pad missing",         base64_decode, {"Zg=", 3}     },
        {"pad inside",          base64_decode, {"Zg==Zg==", 8}},
        {"blank",               base64_decode, {"Zm 9", 4}    },
        {"line end",            base64_decode, {"Zm9v\n", 5}  },
        {"NUL",                 base64_decode, {"Zm\0v", 4}   },
        {"bits left over",      base64_decode, {"Zh==", 4}    },
        {"bits left over, two", base64_decode, {"Zm9=", 4}    },
        {"high byte",           base64_decode, {"Zm9\xff", 4} },
        {"odd hex",             hex_decode,    {"abc", 3}     },
        {"no hex",              hex_decode,    {"0g", 2}      },
        {"no hex, high digit",  hex_decode,    {"g0", 2}      },
        {"blank in hex",        hex_decode,    {"0 ", 2}      },
        {"at sign in hex",      hex_decode,    {"0@", 2}      },
    };
    struct buf b;

    buf_init(&b, 1000);
    buf_addz(&b, "kept");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CHECK(rows[i].label, !rows[i].decode(&b, rows[i].text));
        CHECK_Z(rows[i].label, buf_str(&b), "kept");
        CHECK_Z(rows[i].label, str_of(b.p), "kept");
    }
    buf_fini(&b);
}

static void test_hex(void)
{
    struct buf b;

    buf_init(&b, 1000);
    hex_add(&b, str_make("\0\x01\xab\xff", 4));
    CHECK_Z("lower case", buf_str(&b), "0001abff");
    buf_reset(&b);
    CHECK("either case", hex_decode(&b, STR("0001aBFf")));
    CHECK_STR("bytes", buf_str(&b), str_make("\0\x01\xab\xff", 4));
    buf_fini(&b);
    buf_init(&b, 3);
    hex_add(&b, STR("ab"));
    CHECK("no room is remembered", !buf_ok(&b));
    buf_reset(&b);
    base64_add(&b, STR("a"));
    CHECK("so for base64", !buf_ok(&b));
    buf_reset(&b);
    percent_add(&b, STR("abcd"));
    CHECK("and percent", !buf_ok(&b));
    buf_reset(&b);
    json_escape_add(&b, STR("abcd"));
    CHECK("and JSON", !buf_ok(&b));
    CHECK("and decoding", !hex_decode(&b, STR("00112233")) && !base64_decode(&b, STR("Zm9vYmFy")));
    buf_fini(&b);
}

static void test_percent(void)
{
    static const struct {
        const char *text;
        bool plus, ok;
        const char *want;
    } rows[] = {
        {"",        false, true,  ""        },
        {"a%20b+c", false, true,  "a b+c"   },
        {"a%20b+c", true,  true,  "a b c"   },
        {"%c3%A9",  false, true,  "\xc3\xa9"},
        {"%2520",   false, true,  "%20"     },
        {"%2B",     true,  true,  "+"       },
        {"%",       false, false, NULL      },
        {"%4",      false, false, NULL      },
        {"%4g",     false, false, NULL      },
        {"%g4",     false, false, NULL      },
        {"a%00b",   false, false, NULL      },
        {"%%41",    false, false, NULL      },
        {"%u0041",  false, false, NULL      },
    };
    struct buf b;

    buf_init(&b, 1000);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf_reset(&b);
        buf_add_char(&b, '>');
        CHECK_INT(rows[i].text, percent_decode(&b, str_of(rows[i].text), rows[i].plus), rows[i].ok);
        CHECK_Z(rows[i].text, str_slice(buf_str(&b), 1, b.n), rows[i].ok ? rows[i].want : "");
    }
    CHECK("a raw NUL", !percent_decode(&b, str_make("a\0b", 3), false));
    buf_reset(&b);
    percent_add(&b, STR("AZaz09-._~ +/?\xc3\xa9%"));
    CHECK_Z("encoded", buf_str(&b), "AZaz09-._~%20%2B%2F%3F%C3%A9%25");
    buf_fini(&b);
}

static void test_form(void)
{
    static const struct {
        const char *text;
        bool ok;
        const char *want; /* name=value, each ended by ; */
    } rows[] = {
        {"",                                                true,  ""           },
        {"From=whatsapp%3A%2B14155238886&Body=hello+there", true,
         "From=whatsapp:+14155238886;Body=hello there;"                         },
        {"a=1&a=2&b=",                                      true,  "a=1;a=2;b=;"},
        {"a&b=1",                                           true,  "a=;b=1;"    },
        {"&&a=1&&",                                         true,  "a=1;"       },
        {"a=b=c",                                           true,  "a=b=c;"     },
        {"=x",                                              true,  "=x;"        },
        {"a%3Db=c%26d",                                     true,  "a=b=c&d;"   },
        {"a=%",                                             false, NULL         },
        {"%zz=1",                                           false, NULL         },
        {"a=%00",                                           false, NULL         },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct arena *a = arena_new();
        struct pairs got = {0};
        struct err err = {0};
        struct buf b;

        buf_init(&b, 1000);
        CHECK_INT(rows[i].text, form_parse(a, str_of(rows[i].text), &got, &err), rows[i].ok);
        for (size_t k = 0; k < got.n; k++) {
            buf_addf(&b, "%s=%s;", got.v[k].name.p, got.v[k].value.p);
        }
        CHECK_Z(rows[i].text, buf_str(&b), rows[i].ok ? rows[i].want : "");
        CHECK_INT(rows[i].text, err.code, rows[i].ok ? ERR_NONE : ERR_BAD_REQUEST);
        buf_fini(&b);
        arena_free(&a);
    }
}

static void test_form_limit(void)
{
    struct arena *a = arena_new();
    struct pairs got = {0};
    struct err err = {0};
    struct buf b;

    buf_init(&b, 100000);
    for (int i = 0; i < FORM_PAIRS_MAX; i++) {
        buf_addf(&b, "n%d=%d&", i, i);
    }
    CHECK("so many", form_parse(a, buf_str(&b), &got, &err) && got.n == FORM_PAIRS_MAX);
    CHECK_Z("the first of a name", pairs_get(&got, STR("n17")), "17");
    CHECK("no such name", pairs_get(&got, STR("n")).p == NULL);
    buf_addz(&b, "one=more");
    got.n = 0;
    CHECK("and not one more", !form_parse(a, buf_str(&b), &got, &err) && got.n == 0);
    CHECK_INT("code", err.code, ERR_BAD_REQUEST);
    buf_reset(&b);
    for (int i = 0; i < 99999; i++) {
        buf_add_char(&b, '&');
    }
    CHECK("separators alone cost nothing", form_parse(a, buf_str(&b), &got, &err) && got.n == 0);
    buf_fini(&b);
    arena_free(&a);
}

static void test_escape(void)
{
    static const struct {
        struct str text;
        const char *want;
    } rows[] = {
        {{NULL, 0},                                   "\"\""                                    },
        {{"plain", 5},                                "\"plain\""                               },
        {{"a\"b\\c/", 6},                             "\"a\\\"b\\\\c/\""                        },
        {{"\b\f\n\r\t", 5},                           "\"\\b\\f\\n\\r\\t\""                     },
        {{"\x00\x01\x1f\x7f", 4},                     "\"\\u0000\\u0001\\u001f\x7f\""           },
        {{"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 9}, "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\""},
        {{"a\xff"
          "b",
          3},
         "\"a\xef\xbf\xbd"
         "b\""                                                                                  },
        {{"\xc3", 1},                                 "\"\xef\xbf\xbd\""                        },
        {{"\xe2\x82", 2},                             "\"\xef\xbf\xbd\xef\xbf\xbd\""            },
        {{"\xed\xa0\x80", 3},                         "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
    };
    struct buf b;

    buf_init(&b, 1000);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf_reset(&b);
        json_escape_add(&b, rows[i].text);
        CHECK_Z(rows[i].want, buf_str(&b), rows[i].want);
        CHECK(rows[i].want, str_is_utf8(buf_str(&b)));
    }
    buf_fini(&b);
}

static void test_id(void)
{
    char begins[ID_TIME_BYTES];
    char a[ID_BYTES], b[ID_BYTES];
    unsigned wrong = 0;

    fake_clock_set_ms(1469918176385);
    id_new(a);
    CHECK("is one", id_is(str_of(a)));
    /* The time part of the example in the ULID specification. */
    CHECK_Z("time part", str_make(a, 10), "01ARYZ6S41");
    CHECK_INT("time", id_time(str_of(a)).ms, 1469918176385);
    id_of_time((struct wall){1469918176385}, begins);
    CHECK("begins with it", strlen(begins) == 10 && strncmp(a, begins, 10) == 0);
    for (int i = 0; i < 100000; i++) {
        id_new(b);
        wrong += strcmp(a, b) >= 0 || !id_is(str_of(b));
        memcpy(a, b, sizeof(a));
        if (i % 1000 == 0) {
            fake_clock_advance_ms(1);
        }
    }
    CHECK_INT("ascending", wrong, 0);
    fake_clock_advance_ms(-500);
    id_new(b);
    CHECK("also over a small step back", strcmp(a, b) < 0);
    fake_clock_set_ms(1000);
    id_new(b);
    CHECK_INT("a large one is followed", id_time(str_of(b)).ms, 1000);
    fake_clock_set_ms(-5);
    id_new(b);
    CHECK("time before 1970", id_is(str_of(b)));
    fake_clock_set_ms(INT64_MAX);
    id_new(b);
    CHECK("time after the last id", id_is(str_of(b)));
    CHECK_INT("is held at it", id_time(str_of(b)).ms, (1LL << 48) - 1);
    fake_clock_off();
}

static void test_id_is(void)
{
    static const struct {
        const char *text;
        bool ok;
    } rows[] = {
        {"01ARZ3NDEKTSV4RRFFQ69G5FAV",  true },
        {"7ZZZZZZZZZZZZZZZZZZZZZZZZZ",  true },
        {"80000000000000000000000000",  false},
        {"01ARZ3NDEKTSV4RRFFQ69G5FA",   false},
        {"01ARZ3NDEKTSV4RRFFQ69G5FAVV", false},
        {"01arz3ndektsv4rrffq69g5fav",  false},
        {"01ARZ3NDEKTSV4RRFFQ69G5FAI",  false},
        {"01ARZ3NDEKTSV4RRFFQ69G5FAL",  false},
        {"01ARZ3NDEKTSV4RRFFQ69G5FAO",  false},
        {"01ARZ3NDEKTSV4RRFFQ69G5FAU",  false},
        {"01ARZ3NDEKTSV4RRFFQ69G5F-V",  false},
        {"",                            false},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CHECK_INT(rows[i].text, id_is(str_of(rows[i].text)), rows[i].ok);
        CHECK_INT(rows[i].text, id_time(str_of(rows[i].text)).ms != 0, rows[i].ok);
    }
    CHECK("a NUL inside", !id_is(str_make("01ARZ3NDEKTSV4RRFFQ69G5FA\0", 26)));
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_base64),  TEST(test_refused), TEST(test_hex),
        TEST(test_percent), TEST(test_form),    TEST(test_form_limit),
        TEST(test_escape),  TEST(test_id),      TEST(test_id_is)};

    return test_main(argc, argv, tests, ARRAY_LEN(tests));
}
