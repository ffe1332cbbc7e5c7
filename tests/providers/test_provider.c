#include "providers/provider.h"

#include "provider_int.h"
#include "support.h"

static struct arena *arena;

static void test_names(void)
{
    CHECK("meta", provider_of(PROVIDER_META) == &provider_meta);
    CHECK("twilio", provider_of(PROVIDER_TWILIO) == &provider_twilio);
    CHECK_Z("meta", str_of(provider_meta.name), "meta");
    CHECK_Z("twilio", str_of(provider_twilio.name), "twilio");
    CHECK_INT("twilio", provider_twilio.kind, PROVIDER_TWILIO);
}

static void test_correlation(void)
{
    static const char *const ids[] = {"01J8ZQ4S6Y7N2E5T9R3K0C1V8M", "x",
                                      "123456789012345678901234567890123456789012345678"};
    struct str tenant = STR("acme"), id = STR_NONE;
    struct hmac_key key, wrong;
    int64_t attempt = 0;
    char text[CORRELATION_MAX], other[CORRELATION_MAX];

    hmac_key_init(&key, STR("secret"));
    hmac_key_init(&wrong, STR("other"));
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        correlation_make(&key, tenant, str_of(ids[i]), INT64_MAX, text);
        CHECK("fits", strlen(text) < CORRELATION_MAX);
        CHECK("ours", correlation_check(&key, tenant, str_of(text), &id, &attempt));
        CHECK_Z(ids[i], id, ids[i]);
        CHECK("attempt", attempt == INT64_MAX);
    }
    correlation_make(&key, tenant, str_of(ids[0]), 2, text);
    CHECK("shape", str_starts(str_of(text), STR("01J8ZQ4S6Y7N2E5T9R3K0C1V8M.2.")));
    CHECK_INT("length", strlen(text), 26 + 3 + 16);
    CHECK("key", !correlation_check(&wrong, tenant, str_of(text), &id, &attempt));
    CHECK("tenant", !correlation_check(&key, STR("acm"), str_of(text), &id, &attempt));
    CHECK("cut", !correlation_check(&key, tenant, str_make(text, strlen(text) - 1), &id, &attempt));
    CHECK("empty", !correlation_check(&key, tenant, STR(""), &id, &attempt));
    CHECK("none", !correlation_check(&key, tenant, STR_NONE, &id, &attempt));
    CHECK("foreign",
          !correlation_check(&key, tenant, STR("gw1:01J8ZQ4S6Y7N2E5T9R3K0C1V8M"), &id, &attempt));
    for (size_t i = 0; i < strlen(text); i++) {
        memcpy(other, text, sizeof(other));
        other[i] ^= 1;
        CHECK("one bit", !correlation_check(&key, tenant, str_of(other), &id, &attempt));
    }
    memset(other, 'x', sizeof(other));
    CHECK("long", !correlation_check(&key, tenant, str_make(other, sizeof(other)), &id, &attempt));
}

static void test_phones(void)
{
    static const struct {
        const char *text, *phone;
    } rows[] = {
        {"12025550117",             "+12025550117"},
        {"+12025550117",            "+12025550117"},
        {"+1 (202) 555-0117",       "+12025550117"},
        {"",                        ""            },
        {"1202555",                 ""            },
        {"1234567890123456",        ""            },
        {"12345678901234567890",    ""            },
        {"02025550117",             ""            },
        {"US.40918274650193827465", ""            },
        {"+1202555011x",            ""            },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CHECK_Z(rows[i].text, phone_of(arena, str_of(rows[i].text)), rows[i].phone);
    }
    CHECK("NUL", phone_of(arena, STR("12025550117\0")).n == 0);
}

static void test_bsuids(void)
{
    static const struct {
        const char *text;
        bool ok;
    } rows[] = {
        {"US.40918274650193827465",     true },
        {"US.ENT.51827364509182736455", true },
        {"AE.a",                        true },
        {"12025550117",                 false},
        {"+12025550117",                false},
        {"us.1",                        false},
        {"US",                          false},
        {"US.",                         false},
        {"USA.1",                       false},
        {"US.1 2",                      false},
        {"",                            false},
    };
    char text[200] = "US.";

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CHECK_INT(rows[i].text, bsuid_is(str_of(rows[i].text)), rows[i].ok);
    }
    memset(text + 3, '1', sizeof(text) - 3);
    CHECK("160", bsuid_is(str_make(text, 160)));
    CHECK("161", !bsuid_is(str_make(text, 161)));
}

static void test_text_dup(void)
{
    static const struct {
        const char *text, *clean;
    } rows[] = {
        {"plain",            "plain"                                },
        {"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"                     },
        {"\xff",             "\xef\xbf\xbd"                         },
        {"a\xf0\x9f\x98",    "a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xed\xa0\x80z",    "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz"},
        {"\xc3\xa9\xc3",     "\xc3\xa9\xef\xbf\xbd"                 },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CHECK_Z(rows[i].text, text_dup(arena, str_of(rows[i].text)), rows[i].clean);
    }
    CHECK("none", text_dup(arena, STR_NONE).p == NULL);
}

static void test_silence(void)
{
    static const struct {
        enum err_code code;
        enum outcome_class cls;
    } rows[] = {
        {ERR_NET_NOT_SENT,          OUTCOME_NOT_SENT      },
        {ERR_NET_AMBIGUOUS,         OUTCOME_AMBIGUOUS     },
        {ERR_TIMEOUT,               OUTCOME_AMBIGUOUS     },
        {ERR_CANCELLED,             OUTCOME_AMBIGUOUS     },
        {ERR_TOO_LONG,              OUTCOME_AMBIGUOUS     },
        {ERR_NET_FORBIDDEN_ADDRESS, OUTCOME_SENDER_STOPPED},
    };

    for (int p = PROVIDER_META; p <= PROVIDER_TWILIO; p++) {
        const struct provider *provider = provider_of((enum provider_kind)p);
        struct outcome out;

        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
            struct err err = {.code = rows[i].code, .msg = "no route"};

            provider->outcome(arena, 0, STR(""), 0, &err, &out);
            CHECK_INT(provider->name, out.cls, rows[i].cls);
            CHECK(provider->name, out.title.n > 0 && out.advice.n > 0);
            err.msg[0] = 'x';
            CHECK_Z(provider->name, out.details, "no route");
        }
        provider->outcome(arena, 0, STR(""), 0, NULL, &out);
        CHECK_INT("no reason", out.cls, OUTCOME_AMBIGUOUS);
    }
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {TEST(test_names),    TEST(test_correlation),
                                        TEST(test_phones),   TEST(test_bsuids),
                                        TEST(test_text_dup), TEST(test_silence)};
    int rc;

    arena = arena_new();
    rc = test_main(argc, argv, tests, ARRAY_LEN(tests));
    arena_free(&arena);
    return rc;
}
