#include "base/err.h"

#include "harness.h"

static void test_table(void)
{
    for (int code = ERR_NONE + 1; code < ERR_COUNT; code++) {
        const char *slug = err_slug((enum err_code)code);

        CHECK(slug,
              err_status((enum err_code)code) >= 400 && err_status((enum err_code)code) < 600);
        CHECK("slug", slug[0] != '\0');
        for (int other = ERR_NONE + 1; other < code; other++) {
            CHECK(slug, strcmp(slug, err_slug((enum err_code)other)) != 0);
        }
    }
    CHECK_INT("status", err_status(ERR_STORE_UNAVAILABLE), 503);
    CHECK_Z("slug", str_of(err_slug(ERR_TOO_LONG)), "too-long");
    CHECK("retry", err_retry(ERR_TIMEOUT) && !err_retry(ERR_BAD_REQUEST));
    CHECK_INT("last row", err_status(ERR_CANCELLED), 500);
    CHECK_INT("a code out of range is ours", err_status((enum err_code)9999), 500);
}

static void test_text(void)
{
    struct err err = {.retry_after_s = 5};
    char text[400];

    CHECK("set is false", !err_set(&err, ERR_BAD_REQUEST, "due date \"%s\" is bad", "x"));
    CHECK_INT("code", err.code, ERR_BAD_REQUEST);
    CHECK_Z("text", str_of(err.msg), "due date \"x\" is bad");
    CHECK_INT("set clears the rest", err.retry_after_s, 0);
    CHECK("member is false", !err_member(&err, "data.%s", "number"));
    CHECK_Z("member", str_of(err.member), "data.number");
    CHECK("wrap is false", !err_wrap(&err, "work order \"%d\"", 17));
    CHECK_Z("wrapped", str_of(err.msg), "work order \"17\": due date \"x\" is bad");
    CHECK_Z("wrap keeps the member", str_of(err.member), "data.number");
    err_set(&err, ERR_INVALID, "again: %s", err.msg);
    CHECK_Z("its own text as argument", str_of(err.msg),
            "again: work order \"17\": due date \"x\" is bad");
    CHECK_Z("member cleared", str_of(err.member), "");
    CHECK("NULL is fine",
          !err_set(NULL, ERR_INVALID, "x") && !err_wrap(NULL, "x") && !err_member(NULL, "x"));
    for (size_t i = 0; i < sizeof(text) - 1; i += 3) {
        memcpy(text + i, "\xe2\x82\xac", 3);
    }
    text[399] = '\0';
    for (int shift = 0; shift < 3; shift++) {
        err_set(&err, ERR_INVALID, "%.*s%s", shift, "ab", text);
        CHECK("a long text is cut between characters",
              str_is_utf8(str_of(err.msg)) && strlen(err.msg) > 250);
        err_wrap(&err, "%s", text);
        CHECK("so is a wrapped one", str_is_utf8(str_of(err.msg)) && strlen(err.msg) > 250);
        err_member(&err, "%.*s%s", shift, "ab", text);
        CHECK("and a member", str_is_utf8(str_of(err.member)) && strlen(err.member) > 90);
    }
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {TEST(test_table), TEST(test_text)};
    return test_main(argc, argv, tests, ARRAY_LEN(tests));
}
