#include "base/str.h"

#include "harness.h"

static void test_i64(void)
{
    static const struct {
        const char *text;
        int64_t min, max;
        bool ok;
        int64_t want;
    } rows[] = {
        {"0",                          0,         9,         true,  0        },
        {"-0",                         0,         9,         true,  0        },
        {"007",                        0,         9,         true,  7        },
        {"42",                         0,         42,        true,  42       },
        {"43",                         0,         42,        false, 0        },
        {"-1",                         0,         42,        false, 0        },
        {"9223372036854775807",        INT64_MIN, INT64_MAX, true,  INT64_MAX},
        {"-9223372036854775808",       INT64_MIN, INT64_MAX, true,  INT64_MIN},
        {"9223372036854775808",        INT64_MIN, INT64_MAX, false, 0        },
        {"-9223372036854775809",       INT64_MIN, INT64_MAX, false, 0        },
        {"99999999999999999999999999", INT64_MIN, INT64_MAX, false, 0        },
        {"",                           INT64_MIN, INT64_MAX, false, 0        },
        {"-",                          INT64_MIN, INT64_MAX, false, 0        },
        {"--1",                        INT64_MIN, INT64_MAX, false, 0        },
        {"+1",                         INT64_MIN, INT64_MAX, false, 0        },
        {" 1",                         INT64_MIN, INT64_MAX, false, 0        },
        {"1 ",                         INT64_MIN, INT64_MAX, false, 0        },
        {"1.0",                        INT64_MIN, INT64_MAX, false, 0        },
        {"0x1",                        INT64_MIN, INT64_MAX, false, 0        },
        {"\xd9\xa1",                   INT64_MIN, INT64_MAX, false, 0        },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t got = 77;

        CHECK_INT(rows[i].text, str_to_i64(str_of(rows[i].text), rows[i].min, rows[i].max, &got),
                  rows[i].ok);
        CHECK_INT(rows[i].text, got, rows[i].ok ? rows[i].want : 77);
    }
    CHECK("no view", !str_to_i64(STR_NONE, 0, 1, &(int64_t){0}));
}

static void test_double(void)
{
    static const struct {
        const char *text;
        bool ok;
        double want;
    } rows[] = {
        {"1",      true,  1   },
        {"-2.5",   true,  -2.5},
        {"1e3",    true,  1000},
        {"1.5E-1", true,  0.15},
        {"",       false, 0   },
        {"-",      false, 0   },
        {".5",     false, 0   },
        {"5.",     false, 0   },
        {"1e",     false, 0   },
        {"1e+",    false, 0   },
        {"inf",    false, 0   },
        {"nan",    false, 0   },
        {"0x10",   false, 0   },
        {" 1",     false, 0   },
        {"1 ",     false, 0   },
        {"1e999",  false, 0   },
        {"1,5",    false, 0   },
        {"1e5",    true,  1e5 },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        double got = 77;

        CHECK_INT(rows[i].text, str_to_double(str_of(rows[i].text), &got), rows[i].ok);
        CHECK(rows[i].text, got == (rows[i].ok ? rows[i].want : 77));
    }
}

static void test_utf8(void)
{
    static const struct {
        const char *label;
        struct str text;
        bool ok;
        size_t points;
    } rows[] = {
        {"empty",                  {"", 0},                               true,  0 },
        {"no view",                {NULL, 0},                             true,  0 },
        {"ascii",                  {"hello, world, more than eight", 29}, true,  29},
        {"two",                    {"\xc3\xa9", 2},                       true,  1 },
        {"three",                  {"\xe2\x82\xac", 3},                   true,  1 },
        {"four",                   {"\xf0\x9f\x98\x80", 4},               true,  1 },
        {"last point",             {"\xf4\x8f\xbf\xbf", 4},               true,  1 },
        {"mixed over words",
         {"12345678\xc3\xa9"
          "2345678\xe2\x82\xac",
          20},
         true,                                                                   17},
        {"NUL",                    {"a\0b", 3},                           false, 0 },
        {"NUL in a word of eight", {"abcd\0fgh", 8},                      false, 0 },
        {"over the end",           {"\xf4\x90\x80\x80", 4},               false, 0 },
        {"f5",                     {"\xf5\x80\x80\x80", 4},               false, 0 },
        {"overlong two",           {"\xc0\x80", 2},                       false, 0 },
        {"overlong c1",            {"\xc1\xbf", 2},                       false, 0 },
        {"overlong three",         {"\xe0\x9f\xbf", 3},                   false, 0 },
        {"overlong four",          {"\xf0\x8f\xbf\xbf", 4},               false, 0 },
        {"surrogate",              {"\xed\xa0\x80", 3},                   false, 0 },
        {"last before surrogates", {"\xed\x9f\xbf", 3},                   true,  1 },
        {"cut two",                {"\xc3", 1},                           false, 0 },
        {"cut three",              {"a\xe2\x82", 3},                      false, 0 },
        {"cut four",               {"\xf0\x9f\x98", 3},                   false, 0 },
        {"lone tail",              {"\x80", 1},                           false, 0 },
        {"bad third",              {"\xe2\x82\x28", 3},                   false, 0 },
        {"bad fourth",             {"\xf0\x9f\x98\x28", 4},               false, 0 },
        {"bad in the ninth byte",  {"12345678\xff", 9},                   false, 0 },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CHECK_INT(rows[i].label, str_is_utf8(rows[i].text), rows[i].ok);
        if (rows[i].ok) {
            CHECK_INT(rows[i].label, str_utf8_len(rows[i].text), rows[i].points);
        }
    }
}

static void test_e164(void)
{
    static const struct {
        const char *text;
        bool ok;
    } rows[] = {
        {"+12025550117",      true },
        {"+12345678",         true },
        {"+123456789012345",  true },
        {"+1234567890123456", false},
        {"+1234567",          false},
        {"12025550117",       false},
        {"+02025550117",      false},
        {"+1202555o117",      false},
        {"+1 2025550117",     false},
        {"",                  false},
        {"+",                 false},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CHECK_INT(rows[i].text, str_is_e164(str_of(rows[i].text)), rows[i].ok);
    }
}

static void test_compare(void)
{
    CHECK("equal", str_eq(STR("ab"), STR("ab")));
    CHECK("length", !str_eq(STR("ab"), STR("abc")));
    CHECK("none is empty", str_eq(STR_NONE, STR("")));
    CHECK("case", str_ieq(STR("Content-LENGTH"), STR("content-length")));
    CHECK("only letters fold", !str_ieq(STR("[@"), STR("{`")));
    CHECK("bytes above 127 stay", !str_ieq(STR("\xc3\x89"), STR("\xc3\xa9")));
    CHECK_INT("less", str_cmp(STR("a"), STR("b")), -1);
    CHECK_INT("more", str_cmp(STR("b"), STR("a")), 1);
    CHECK_INT("prefix", str_cmp(STR("a"), STR("ab")), -1);
    CHECK_INT("longer", str_cmp(STR("ab"), STR("a")), 1);
    CHECK_INT("same", str_cmp(STR("ab"), STR("ab")), 0);
    CHECK_INT("unsigned", str_cmp(STR("\x80"), STR("a")), 1);
    CHECK_INT("none", str_cmp(STR_NONE, STR_NONE), 0);
    CHECK("secret equal", str_eq_secret(STR("s3cret"), STR("s3cret")));
    CHECK("secret first byte", !str_eq_secret(STR("s3cret"), STR("t3cret")));
    CHECK("secret last byte", !str_eq_secret(STR("s3cret"), STR("s3creu")));
    CHECK("secret length", !str_eq_secret(STR("s3cret"), STR("s3cre")));
    CHECK("secret empty", str_eq_secret(STR_NONE, STR("")));
    CHECK("starts", str_starts(STR("abc"), STR("ab")));
    CHECK("starts with nothing", str_starts(STR_NONE, STR("")));
    CHECK("too short", !str_starts(STR("a"), STR("ab")));
    CHECK("ends", str_ends(STR("abc"), STR("bc")));
    CHECK("ends not", !str_ends(STR("abc"), STR("ab")));
    CHECK("ends longer", !str_ends(STR("c"), STR("bc")));
}

static void test_find(void)
{
    CHECK_INT("char", str_find_char(STR("a,b,c"), ',', 2), 3);
    CHECK("char missing", str_find_char(STR("abc"), ',', 0) == SIZE_MAX);
    CHECK("char past the end", str_find_char(STR("abc"), 'a', 9) == SIZE_MAX);
    CHECK("char in none", str_find_char(STR_NONE, 'a', 0) == SIZE_MAX);
    CHECK_INT("needle", str_find(STR("hello"), STR("ll")), 2);
    CHECK_INT("empty needle", str_find(STR("hello"), STR("")), 0);
    CHECK("missing", str_find(STR("hello"), STR("lx")) == SIZE_MAX);
    CHECK("needle too long", str_find(STR("l"), STR("ll")) == SIZE_MAX);
    CHECK_Z("slice", str_slice(STR("hello"), 1, 3), "el");
    CHECK_Z("slice past the end", str_slice(STR("hello"), 3, 99), "lo");
    CHECK_INT("slice reversed", str_slice(STR("hello"), 3, 1).n, 0);
    CHECK("slice of none", str_slice(STR_NONE, 1, 3).p == NULL);
    CHECK_Z("trim", str_trim(STR(" \t\r\n a b \n")), "a b");
    CHECK_INT("trim blanks", str_trim(STR("   ")).n, 0);
    CHECK_Z("vertical tab stays", str_trim(STR("\v")), "\v");
}

static void test_cut(void)
{
    struct str rest = STR("a,,b"), item;
    char joined[16] = "";

    while (rest.n > 0) {
        str_cut(rest, ',', &item, &rest);
        strncat(joined, item.p, item.n);
        strncat(joined, ".", 2);
    }
    CHECK_Z("loop", str_of(joined), "a..b.");
    CHECK("no separator", !str_cut(STR("abc"), ',', &item, &rest));
    CHECK_Z("head is all", item, "abc");
    CHECK_INT("tail is empty", rest.n, 0);
    CHECK("separator last", str_cut(STR("abc,"), ',', &item, &rest));
    CHECK_INT("empty tail", rest.n, 0);
    CHECK("none", !str_cut(STR_NONE, ',', &item, &rest));
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {TEST(test_i64),  TEST(test_double),  TEST(test_utf8),
                                        TEST(test_e164), TEST(test_compare), TEST(test_find),
                                        TEST(test_cut)};
    return test_main(argc, argv, tests, ARRAY_LEN(tests));
}
