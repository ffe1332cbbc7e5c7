#include "providers/fetch.h"

#include "support.h"

static struct arena *arena;
static const struct sender meta = {.provider = PROVIDER_META,
                                   .phone_number_id = S("306540352242917"),
                                   .access_token = S("EAAtoken"),
                                   .api_base = S("https://graph.facebook.com"),
                                   .api_version = S("v23.0")};
static const struct sender twilio = {.provider = PROVIDER_TWILIO,
                                     .account_sid = S("AC0123456789abcdef0123456789abcdef"),
                                     .auth_token = S("token"),
                                     .api_base = S("https://api.twilio.com")};

static void test_locate(void)
{
    struct inbound in = {.media = {.id = S("1503383421380001")}};
    struct outgoing out = {0};
    struct err err = {0};

    CHECK("first step", fetch_needs_place(&meta));
    CHECK("one step", !fetch_needs_place(&twilio));
    CHECK("built", fetch_locate(arena, &meta, &in, &out, &err));
    CHECK_Z("url", out.url,
            "https://graph.facebook.com/v23.0/1503383421380001?phone_number_id=306540352242917");
    CHECK_Z("method", str_of(out.method), "GET");
    CHECK_Z("token", out.headers[0].value, "Bearer EAAtoken");
    in.media.id = STR("../me");
    CHECK("path", !fetch_locate(arena, &meta, &in, &out, &err));
    in.media.id = STR("");
    CHECK("none", !fetch_locate(arena, &meta, &in, &out, &err));
    CHECK_INT("none", err.code, ERR_INVALID);
}

static void test_located(void)
{
    static const char *const files[] = {"responses/media_get_url.json",
                                        "responses/media_get_url_file_size_string.json"};
    static const struct {
        const char *body;
        int status;
        enum err_code code;
    } bad[] = {
        {"{\"error\":{\"code\":100,\"error_subcode\":33}}", 400, ERR_NOT_FOUND   },
        {"",                                                404, ERR_NOT_FOUND   },
        {"{\"error\":{\"code\":190}}",                      401, ERR_PROVIDER    },
        {"{\"error\":{\"code\":4}}",                        400, ERR_NET_NOT_SENT},
        {"{\"error\":{\"code\":2}}",                        503, ERR_NET_NOT_SENT},
        {"<html>",                                          502, ERR_NET_NOT_SENT},
        {"{}",                                              200, ERR_NET_NOT_SENT},
        {"{\"url\":\"\"}",                                  200, ERR_NET_NOT_SENT},
    };
    struct fetch_place place;
    struct err err = {0};
    struct buf body;

    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        fixture("meta", files[i], &body);
        CHECK(files[i], fetch_located(arena, 200, buf_str(&body), &place, &err));
        buf_fini(&body);
        CHECK(files[i],
              str_starts(place.url, STR("https://lookaside.fbsbx.com/whatsapp_business/")));
        CHECK_Z(files[i], place.mime, "image/png");
        CHECK_Z(files[i], place.sha256_hex,
                "1724e18675c6be16739b6b19cf97f819afcae50d827cfd090e9476a663cbaece");
        CHECK_INT(files[i], place.bytes, 69);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        CHECK(bad[i].body, !fetch_located(arena, bad[i].status, str_of(bad[i].body), &place, &err));
        CHECK_INT(bad[i].body, err.code, bad[i].code);
    }
}

static const struct {
    const struct sender *sender;
    const char *url;
    bool file, redirect;
} rows[] = {
    {&meta,   "https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=1", true,  false},
    {&meta,   "https://LOOKASIDE.FBSBX.COM/x",                                    true,  false},
    {&meta,   "https://scontent.xx.fbcdn.net/x",                                  true,  false},
    {&meta,   "https://graph.facebook.com/x",                                     true,  false},
    {&meta,   "http://lookaside.fbsbx.com/x",                                     false, false},
    {&meta,   "https://lookaside.fbsbx.com:8443/x",                               false, false},
    {&meta,   "https://fbsbx.com.evil.example/x",                                 false, false},
    {&meta,   "https://evilfbsbx.com/x",                                          false, false},
    {&meta,   "https://evil.example/lookaside.fbsbx.com",                         false, false},
    {&meta,   "https://lookaside.fbsbx.com@evil.example/x",                       false, false},
    {&meta,   "https://evil.example\\@lookaside.fbsbx.com/x",                     false, false},
    {&meta,   "https://evil.example#.fbsbx.com",                                  false, false},
    {&meta,   "https://evil.example?.fbsbx.com",                                  false, false},
    {&meta,   "https://evil.example .fbsbx.com/",                                 false, false},
    {&meta,   "https://graph.facebook.com.evil.example/x",                        false, false},
    {&meta,   "http://graph.facebook.com/x",                                      false, false},
    {&meta,   "//lookaside.fbsbx.com/x",                                          false, false},
    {&meta,   "https:///x",                                                       false, false},
    {&meta,   "",                                                                 false, false},
    {&twilio,
     "https://api.twilio.com/2010-04-01/Accounts/AC0123456789abcdef0123456789abcdef/Messages/MM1/"
     "Media/"
     "ME1",                                                                       true,  true },
    {&twilio,
     "https://api.twilio.com/2010-04-01/Accounts/AC9123456789abcdef0123456789abcdef/Messages/MM1/"
     "Media/"
     "ME1",                                                                       false, true },
    {&twilio,
     "https://api.twilio.com/2010-04-01/Accounts/AC0123456789abcdef0123456789abcdef/Messages/MM1/"
     "Media/"
     "ME1.json",                                                                  false, true },
    {&twilio,
     "https://api.twilio.com/2010-04-01/Accounts/AC0123456789abcdef0123456789abcdef/Messages/../"
     "Media/"
     "ME1",                                                                       false, true },
    {&twilio,
     "https://api.twilio.com/2010-04-01/Accounts/AC0123456789abcdef0123456789abcdef/Messages/MM1/"
     "Media/",                                                                    false, true },
    {&twilio,
     "https://api.twilio.com.evil.example/2010-04-01/Accounts/AC0123456789abcdef0123456789abcdef/"
     "Messages/MM1/Media/ME1",                                                    false, false},
    {&twilio, "https://mms.twiliocdn.com/AC1/x?sig=1",                            false, true },
    {&twilio, "https://s3-external-1.amazonaws.com/media/x",                      false, true },
    {&twilio, "http://mms.twiliocdn.com/x",                                       false, false},
    {&twilio, "https://169.254.169.254/x",                                        false, false},
    {&twilio, "https://evil.example/x",                                           false, false},
    {&twilio, "file:///etc/passwd",                                               false, false},
    {&twilio, "/relative",                                                        false, false},
};

static void test_urls(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct sender *s = rows[i].sender;
        struct outgoing out = {0};
        struct err err = {0};

        CHECK_INT(rows[i].url, fetch_file(arena, s, str_of(rows[i].url), &out, &err), rows[i].file);
        if (rows[i].file) {
            CHECK_Z(rows[i].url, out.url, rows[i].url);
            CHECK_INT(rows[i].url, out.nheaders, s == &meta);
            CHECK_INT(rows[i].url, out.basic_password.n > 0, s == &twilio);
        } else {
            CHECK_INT(rows[i].url, err.code, ERR_INVALID);
        }
        out = (struct outgoing){0};
        CHECK_INT(rows[i].url, fetch_redirect(arena, s, str_of(rows[i].url), &out, &err),
                  rows[i].redirect);
        CHECK_INT("no credentials", out.nheaders + out.basic_user.n + out.basic_password.n, 0);
    }
}

/* With a simulator for an API, its own addresses are fine, with port and without TLS. */
static void test_simulator(void)
{
    struct sender m = meta, t = twilio;
    struct outgoing out = {0};
    struct err err = {0};

    m.api_base = t.api_base = STR("http://127.0.0.1:9090");
    CHECK("file", fetch_file(arena, &m, STR("http://127.0.0.1:9090/lookaside?x=1"), &out, &err));
    CHECK("port", !fetch_file(arena, &m, STR("http://127.0.0.1:9091/x"), &out, &err));
    CHECK("longer port", !fetch_file(arena, &m, STR("http://127.0.0.1:90900/x"), &out, &err));
    CHECK("redirect", fetch_redirect(arena, &t, STR("http://127.0.0.1:9090/cdn/x"), &out, &err));
    CHECK("elsewhere", !fetch_redirect(arena, &t, STR("http://127.0.0.2:9090/cdn/x"), &out, &err));
    CHECK("file", fetch_file(arena, &t,
                             STR("http://127.0.0.1:9090/2010-04-01/Accounts/"
                                 "AC0123456789abcdef0123456789abcdef/Messages/MM1/Media/ME1"),
                             &out, &err));
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {TEST(test_locate), TEST(test_located), TEST(test_urls),
                                        TEST(test_simulator)};
    int rc;

    arena = arena_new();
    rc = test_main(argc, argv, tests, ARRAY_LEN(tests));
    arena_free(&arena);
    return rc;
}
