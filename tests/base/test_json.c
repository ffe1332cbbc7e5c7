#include "base/json.h"

#include <math.h>
#include <stdlib.h>

#include "harness.h"
#include "json_int.h"

#define LIMIT 1000

static void test_refused(void)
{
    static const struct {
        const char *label;
        struct str text;
        const char *msg;
    } rows[] = {
        {"empty",                  {"", 0},                             "line 1, column 0: JSON is empty"},
        {"none",                   {NULL, 0},                           "line 1, column 0: JSON is empty"},
        {"blanks",                 {"  ", 2},                           "line 1, column 2: unexpected token near end of file"},
        {"duplicate",              {"{\"a\":1,\n\"a\":2}", 14},         "line 2, column 3: duplicate object key"},
        {"duplicate below",        {"[{\"a\":{\"b\":1,\"b\":1}}]", 21}, NULL                                        },
        {"duplicate by escape",    {"{\"a\":1,\"\\u0061\":2}", 18},     NULL                                        },
        {"raw NUL",                {"\"a\0\"", 4},                      "line 1, column 3: NUL byte"},
        {"NUL after the end",      {"1\0", 2},                          "line 1, column 2: NUL byte"},
        {"NUL behind a backslash", {"\"\\\0\"", 4},                     "line 1, column 3: NUL byte"},
        {"escaped NUL",            {"\"\\u0000\"", 8},                  NULL                                        },
        {"NUL in a name",          {"{\"a\\u0000\":1}", 13},            NULL                                        },
        {"lone surrogate",         {"\"\\ud800\"", 8},                  NULL                                        },
        {"surrogates reversed",    {"\"\\udc00\\ud800\"", 14},          NULL                                        },
        {"not UTF-8",              {"\"\xff\"", 3},                     NULL                                        },
        {"overlong",               {"\"\xc0\x80\"", 4},                 NULL                                        },
        {"cut UTF-8",              {"\"\xc3\"", 3},                     NULL                                        },
        {"two values",             {"1 2", 3},                          "line 1, column 3: end of file expected"},
        {"trailing comma",         {"[1,]", 4},                         NULL                                        },
        {"comment",                {"/*x*/1", 6},                       NULL                                        },
        {"single quotes",          {"'a'", 3},                          NULL                                        },
        {"NaN",                    {"NaN", 3},                          NULL                                        },
        {"leading zero",           {"01", 2},                           NULL                                        },
        {"plus",                   {"+1", 2},                           NULL                                        },
        {"integer too big",        {"9223372036854775808", 19},         NULL                                        },
        {"real too big",           {"1e999", 5},                        NULL                                        },
        {"control character",      {"\"a\nb\"", 5},                     NULL                                        },
        {"string not closed",      {"\"abc", 4},                        NULL                                        },
        {"object not closed",      {"{\"a\":1", 6},                     NULL                                        },
        {"closed too often",       {"[]]", 3},                          NULL                                        },
        {"BOM",                    {"\xef\xbb\xbf{}", 5},               NULL                                        },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct json *j = NULL;
        struct err err = {0};

        CHECK(rows[i].label, !json_parse(rows[i].text, LIMIT, &j, &err));
        CHECK(rows[i].label, j == NULL);
        CHECK_INT(rows[i].label, err.code, ERR_BAD_JSON);
        CHECK(rows[i].label, strncmp(err.msg, "line ", 5) == 0);
        if (rows[i].msg != NULL) {
            CHECK_Z(rows[i].label, str_of(err.msg), rows[i].msg);
        }
        json_free(&j);
    }
}

/* A number or a string off its rules, and the mistakes jansson words otherwise. */
static void test_accepted(void)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {" \t\r\n 1 \t\r\n ",                                                                   "1"                           },
        {"-0",                                                                                  "0"                           },
        {"-9223372036854775808",                                                                "-9223372036854775808"        },
        {"0.000000000000000000000000000000000000000000000000000000000000000000000000000000001",
         "1e-81"                                                                                                              },
        {"1e-999",                                                                              "0.0"                         },
        {"1E+2",                                                                                "100.0"                       },
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",                                                      "\"\\\"\\\\/\\b\\f\\n\\r\\t\""},
        {"\"\\u0041\\u00e9\\u20AC\\uD83d\\uDe00\\uffff\"",
         "\"A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xef\xbf\xbf\""                                                              },
        {"\"clean text longer than eight, then \\n and more of it\"",
         "\"clean text longer than eight, then \\n and more of it\""                                                          },
        {"{\"\\u0061\" : {\"b\\n\":\"c\\t\"}, \"b\" :[ ] }",
         "{\"a\":{\"b\\n\":\"c\\t\"},\"b\":[]}"                                                                               },
        {"[true , false,null]",                                                                 "[true,false,null]"           },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct json *j = NULL;
        struct err err = {0};
        struct buf b;

        buf_init(&b, LIMIT);
        CHECK(rows[i].text, json_parse(str_of(rows[i].text), LIMIT, &j, &err));
        json_dump(j, &b);
        CHECK_Z(rows[i].text, buf_str(&b), rows[i].want);
        json_free(&j);
        buf_fini(&b);
    }
}

/*
 * jansson is the oracle: texts changed at random are taken by both or by none, and mean the same.
 * Only the depth limit is ours alone, and no seed comes near it.
 */
static void test_against_jansson(void)
{
    static const char *const seeds[] = {
        "{\"a\":[1,-2.5e3,\"x\\u00e9\\ud83d\\ude00\\n\",true,null],\"b\":{\"a\":{}}}",
        "[{\"id\":\"wamid.HBg\",\"t\":\"1750030073\"},{\"id\":9223372036854775807},0.1,1e308]",
        "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80 plain text and more of it\"",
    };
    static const char bytes[] = "{}[]:,\"\\utn019.-+eE \n\t/\x00\x7f\x80\xc3\xed\xff";
    unsigned wrong = 0, taken = 0;

    srand(7);
    for (int i = 0; i < 60000; i++) {
        char text[128];
        struct json *j = NULL;
        struct err err = {0};
        json_error_t e;
        json_t *want;
        size_t n = strlen(seeds[i % 3]);

        memcpy(text, seeds[i % 3], n);
        for (int k = rand() % 4; k > 0; k--) {
            size_t at = (size_t)rand() % n;

            if (rand() % 3 == 0) {
                memmove(text + at, text + at + 1, n - at - 1);
                n--;
            } else {
                text[at] = bytes[(size_t)rand() % (sizeof(bytes) - 1)];
            }
        }
        want = json_loadb(text, n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &e);
        if (memchr(text, '\0', n) != NULL) {
            /* jansson steps over a NUL behind a number. */
            json_decref(want);
            want = NULL;
        }
        taken += want != NULL;
        if (json_parse(str_make(text, n), LIMIT, &j, &err) != (want != NULL) ||
            (want != NULL && json_equal(want, json_in(j)) != 1)) {
            wrong++;
            printf("differs: %.*s\n", (int)n, text);
        }
        json_decref(want);
        json_free(&j);
    }
    CHECK_INT("differences", wrong, 0);
    CHECK("some are taken, most are not", taken > 10000 && taken < 50000);
}

/* The error must not carry what it stumbled over: it may be a token or a phone number. */
static void test_error_is_silent(void)
{
    struct json *j = NULL;
    struct err err = {0};

    CHECK("bad", !json_parse(STR("{\"token\": \"EAAG-secret\" \"x\"}"), LIMIT, &j, &err));
    CHECK("no secret", strstr(err.msg, "secret") == NULL && strstr(err.msg, "near") == NULL);
    CHECK("bad", !json_parse(STR("{\"to\": +12025550117}"), LIMIT, &j, &err));
    CHECK("no number", strstr(err.msg, "1202") == NULL);
}

static void test_limits(void)
{
    struct buf b;
    struct json *j = NULL;
    struct err err = {0};

    buf_init(&b, 1 << 20);
    for (int depth = JSON_DEPTH_MAX - 1; depth <= JSON_DEPTH_MAX + 1; depth++) {
        for (int shape = 0; shape < 2; shape++) {
            buf_reset(&b);
            for (int i = 0; i < depth; i++) {
                buf_addz(&b, shape == 0 ? "[" : i == depth - 1 ? "{" : "{\"a\":");
            }
            for (int i = 0; i < depth; i++) {
                buf_add_char(&b, shape == 0 ? ']' : '}');
            }
            err.code = ERR_NONE;
            CHECK_INT("depth", json_parse(buf_str(&b), LIMIT, &j, &err), depth <= JSON_DEPTH_MAX);
            CHECK_INT("code", err.code, depth <= JSON_DEPTH_MAX ? ERR_NONE : ERR_BAD_JSON);
            json_free(&j);
        }
    }
    buf_reset(&b);
    for (int i = 0; i < 100000; i++) {
        buf_add_char(&b, '[');
    }
    CHECK("a flood of braces", !json_parse(buf_str(&b), 1 << 20, &j, &err));
    CHECK_Z("is seen first", str_of(err.msg), "line 1, column 33: nested deeper than 32 levels");
    CHECK("braces in a string do not count",
          json_parse(STR("\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[[[{{{{\""), LIMIT, &j,
                     &err));
    json_free(&j);
    CHECK("at the limit", json_parse(STR("[1,2]"), 5, &j, &err));
    json_free(&j);
    CHECK("over it", !json_parse(STR("[1,2]"), 4, &j, &err));
    CHECK_INT("code", err.code, ERR_TOO_LONG);
    buf_fini(&b);
}

static void test_getters(void)
{
    static const char text[] =
        "{\"s\":\"caf\\u00e9\",\"i\":-5,\"r\":2.5,\"t\":true,\"f\":false,\"n\":null,\"big\":"
        "9223372036854775807,\"entry\":[{\"id\":7,\"changes\":[\"a\",\"b\"]}]}";
    struct arena *a = arena_new();
    struct json *j = NULL, *other;
    struct err err = {0};
    struct str name;

    CHECK("parsed", json_parse(str_of(text), LIMIT, &j, &err));
    CHECK_INT("kind", json_kind(j), JSON_OBJECT);
    CHECK_INT("string", json_kind(json_get(j, "s")), JSON_STRING);
    CHECK_INT("int", json_kind(json_get(j, "i")), JSON_INT);
    CHECK_INT("real", json_kind(json_get(j, "r")), JSON_REAL);
    CHECK_INT("true", json_kind(json_get(j, "t")), JSON_BOOL);
    CHECK_INT("false", json_kind(json_get(j, "f")), JSON_BOOL);
    CHECK_INT("null", json_kind(json_get(j, "n")), JSON_NULL);
    CHECK_INT("array", json_kind(json_get(j, "entry")), JSON_ARRAY);
    CHECK_INT("missing", json_kind(json_get(j, "x")), JSON_NONE);
    CHECK("of NULL",
          json_get(NULL, "x") == NULL && json_len(NULL) == 0 && json_at(NULL, 0) == NULL);
    CHECK("of a string",
          json_get(json_get(j, "s"), "x") == NULL && json_len(json_get(j, "s")) == 0);
    CHECK_Z("text", json_get_str(j, "s"), "caf\xc3\xa9");
    CHECK("no text", json_get_str(j, "i").p == NULL && json_str(NULL).p == NULL);
    CHECK_Z("a string as text", json_get_text(j, "s", a), "caf\xc3\xa9");
    CHECK_Z("a number as text", json_get_text(j, "big", a), "9223372036854775807");
    CHECK("a real is no text", json_get_text(j, "r", a).p == NULL);
    CHECK_INT("int", json_get_int(j, "i", 1), -5);
    CHECK_INT("a real is no int", json_get_int(j, "r", 1), 1);
    CHECK("real", json_get_real(j, "r", 1) == 2.5 && json_get_real(j, "i", 1) == -5);
    CHECK("no real", json_get_real(j, "s", 1) == 1);
    CHECK("bool", json_get_bool(j, "t", false) && !json_get_bool(j, "f", true));
    CHECK("no bool", json_get_bool(j, "i", true) && json_as_bool(NULL, true));
    CHECK_INT("item", json_as_int(json_path(j, "entry.0.id"), 0), 7);
    CHECK_Z("path", json_str(json_path(j, "entry.0.changes.1")), "b");
    CHECK("no such index", json_path(j, "entry.1.changes") == NULL);
    CHECK("no index", json_path(j, "entry.x") == NULL && json_path(j, "entry.-1") == NULL);
    CHECK("through a string", json_path(j, "s.x") == NULL);
    CHECK("of NULL", json_path(NULL, "a.b") == NULL);
    CHECK_INT("length", json_len(j), 8);
    CHECK_INT("forward", json_as_int(json_member_at(j, 1, &name), 0), -5);
    CHECK_Z("its name", name, "i");
    CHECK_Z("back again", json_str(json_member_at(j, 0, &name)), "caf\xc3\xa9");
    CHECK("past the end", json_member_at(j, 8, &name) == NULL && name.p == NULL);
    CHECK("no object", json_member_at(json_get(j, "entry"), 0, &name) == NULL);
    other = json_ref(j);
    json_free(&j);
    CHECK_INT("a second owner", json_get_int(other, "i", 1), -5);
    json_free(&other);
    json_free(&other);
    CHECK("NULL has no owners", json_ref(NULL) == NULL);
    arena_free(&a);
}

static void test_build(void)
{
    struct json *o = json_new_object(), *a = json_new_array(), *copy;
    struct str name;
    struct buf b;

    buf_init(&b, 1000);
    json_set_str(o, "s", STR("x\xff"));
    json_set_int(o, "i", INT64_MIN);
    json_set(o, "r", json_new_real(0.1));
    json_set(o, "inf", json_new_real(INFINITY));
    json_set(o, "t", json_new_bool(true));
    json_set(o, "n", json_new_null());
    json_set(o, "none", json_new_str(STR_NONE));
    json_push(a, json_new_int(1));
    json_push(a, json_new_str(str_make("a\0b", 3)));
    json_set(o, "a", a);
    json_dump(o, &b);
    CHECK_Z("in insertion order", buf_str(&b),
            "{\"s\":\"x\xef\xbf\xbd\",\"i\":-9223372036854775808,\"r\":0.1,\"inf\":null,\"t\":true,"
            "\"n\":null,\"none\":\"\",\"a\":[1,\"a\\u0000b\"]}");
    copy = json_dup(o);
    CHECK("equal", json_eq(o, copy));
    CHECK_INT("walk to 1", json_as_int(json_member_at(o, 1, &name), 0), INT64_MIN);
    json_del(o, "i");
    CHECK_INT("a walk after a change", json_kind(json_member_at(o, 2, &name)), JSON_NULL);
    CHECK_Z("name", name, "inf");
    CHECK("not equal any more", !json_eq(o, copy));
    json_set_int(o, "s", 5);
    CHECK_INT("replaced", json_get_int(o, "s", 0), 5);
    json_del(o, "nothing");
    CHECK("NULL", json_eq(NULL, NULL) && !json_eq(o, NULL) && !json_eq(NULL, o));
    buf_reset(&b);
    json_dump(NULL, &b);
    CHECK_Z("nothing", buf_str(&b), "null");
    json_free(&copy);
    json_free(&o);
    buf_fini(&b);
}

static void test_writer(void)
{
    struct json *j = NULL;
    struct err err = {0};
    struct buf b;
    struct jw w;

    buf_init(&b, LIMIT);
    jw_init(&w, &b);
    jw_open(&w, NULL, '{');
    jw_str(&w, "s", STR("a\"b"));
    jw_z(&w, "z", "z");
    jw_int(&w, "i", -1);
    jw_real(&w, "r", 1.5);
    jw_real(&w, "whole", 3);
    jw_real(&w, "tiny", 5e-324);
    jw_real(&w, "nan", NAN);
    jw_bool(&w, "t", true);
    jw_null(&w, "n");
    jw_wall(&w, "at", (struct wall){1700000000123});
    jw_wall(&w, "never", (struct wall){0});
    jw_open(&w, "a", '[');
    jw_int(&w, NULL, 1);
    jw_open(&w, NULL, '{');
    jw_close(&w, '}');
    jw_open(&w, NULL, '[');
    jw_close(&w, ']');
    jw_raw(&w, NULL, STR("{\"x\":1}"));
    jw_close(&w, ']');
    jw_json(&w, "j", NULL);
    jw_close(&w, '}');
    CHECK_Z("text", buf_str(&b),
            "{\"s\":\"a\\\"b\",\"z\":\"z\",\"i\":-1,\"r\":1.5,\"whole\":3.0,\"tiny\":"
            "4.94065645841247e-324,\"nan\":null,\"t\":true,\"n\":null,\"at\":"
            "\"2023-11-14T22:13:20.123Z\",\"never\":null,\"a\":[1,{},[],{\"x\":1}],\"j\":null}");
    CHECK("it is JSON", json_parse(buf_str(&b), LIMIT, &j, &err));
    CHECK("a real comes back whole", json_get_real(j, "tiny", 0) == 5e-324);
    json_free(&j);
    buf_fini(&b);
}

/* What is parsed, dumped and parsed again is the same. */
static void test_round_trip(void)
{
    static const char *const texts[] = {
        "null",
        "true",
        "-0.0",
        "[]",
        "{}",
        "\"\"",
        "[[[]],{\"\":{}}]",
        "1e-7",
        "123456789.125",
        "0.1",
        "1e300",
        "{\"z\":1,\"a\":2,\"m\":[1,2,{\"b\":null}]}",
        "\"\\u20ac\\ud83d\\ude00\\n\"",
    };

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct json *j = NULL, *again = NULL;
        struct err err = {0};
        struct buf b, c;

        buf_init(&b, LIMIT);
        buf_init(&c, LIMIT);
        CHECK(texts[i], json_parse(str_of(texts[i]), LIMIT, &j, &err));
        json_dump(j, &b);
        CHECK(texts[i], json_parse(buf_str(&b), LIMIT, &again, &err));
        CHECK(texts[i], json_eq(j, again));
        json_dump(again, &c);
        CHECK_STR(texts[i], buf_str(&c), buf_str(&b));
        json_free(&j);
        json_free(&again);
        buf_fini(&b);
        buf_fini(&c);
    }
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_refused),         TEST(test_accepted), TEST(test_against_jansson),
        TEST(test_error_is_silent), TEST(test_limits),   TEST(test_getters),
        TEST(test_build),           TEST(test_writer),   TEST(test_round_trip)};

    return test_main(argc, argv, tests, ARRAY_LEN(tests));
}
