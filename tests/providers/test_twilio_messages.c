#include "providers/twilio_messages.h"

#include "support.h"

static struct arena *arena;
static const struct sender sender = {.provider = PROVIDER_TWILIO,
                                     .number = S("+12025550100"),
                                     .account_sid = S("AC0123456789abcdef0123456789abcdef"),
                                     .auth_token = S("token"),
                                     .api_base = S("https://api.twilio.com")};

#define LIST \
    "https://api.twilio.com/2010-04-01/Accounts/AC0123456789abcdef0123456789abcdef/Messages.json?"
#define MARCH 1772619300000 /* 2026-03-04T10:15:00Z */

static void test_build(void)
{
    struct outgoing out = {0};

    twilio_messages_build(arena, &sender, STR_NONE, (struct wall){MARCH}, &out);
    CHECK_Z("to us", out.url,
            LIST "PageSize=100&To=whatsapp%3A%2B12025550100&DateSent%3E=2026-03-04");
    CHECK_Z("method", str_of(out.method), "GET");
    CHECK_Z("password", out.basic_password, "token");
    twilio_messages_build(arena, &sender, STR("US.1"), (struct wall){MARCH}, &out);
    CHECK_Z(
        "from us", out.url,
        LIST
        "PageSize=100&From=whatsapp%3A%2B12025550100&To=whatsapp%3AUS.1&DateSent%3E=2026-03-04");
}

static void test_parse(void)
{
    static const struct want wants[] = {
        {"status",
         2, 0,
         false, {.kind = INBOUND_STATUS,
          .account = S("AC0123456789abcdef0123456789abcdef"),
          .number_id = S("+12025550100"),
          .provider_id = S("SM94ba358c0861b39fedee91d8fa16ae5e"),
          .phone = S("+14155550123"),
          .text = S("Your order 981 is ready."),
          .at = {MARCH},
          .event = S("delivered"),
          .state = DELIVERY_DELIVERED}},
        {"inbound",
         2, 1,
         false, {.kind = INBOUND_MESSAGE,
          .account = S("AC0123456789abcdef0123456789abcdef"),
          .number_id = S("+12025550100"),
          .provider_id = S("SM5c88074b1963f8de57c4de008a99cc9a"),
          .phone = S("+14155550123"),
          .text = S("Hello, is my order ready?"),
          .at = {MARCH},
          .type = INBOUND_TEXT,
          .event = S("recovered")}    },
    };
    struct inbound_batch batch = {0};
    struct outgoing next = {.method = "x"};
    struct err err = {0};
    struct buf body;

    fixture("twilio", "responses/200-messages-list.json", &body);
    CHECK("parsed",
          twilio_messages_parse(arena, &sender, 200, buf_str(&body), &batch, &next, &err));
    memset(body.p, 'x', body.n);
    buf_fini(&body);
    CHECK_INT("items", batch.n, 2);
    for (size_t i = 0; i < batch.n && i < 2; i++) {
        want_check(&wants[i], &batch.items[i]);
        round_trip_check(arena, "list", &batch.items[i]);
    }
    CHECK("last page", next.method == NULL);
}

static void test_pages(void)
{
    static const struct {
        const char *uri;
        bool follow;
    } rows[] = {
        {"/2010-04-01/Accounts/AC0123456789abcdef0123456789abcdef/Messages.json?Page=1", true },
        {"/2010-04-01/Accounts/AC9999999999abcdef0123456789abcdef/Messages.json?Page=1", false},
        {"https://evil.example/2010-04-01/",                                             false},
        {".evil.example/",                                                               false},
        {"@evil.example/",                                                               false},
        {"",                                                                             false},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct inbound_batch batch = {0};
        struct outgoing next = {0};
        struct err err = {0};
        struct str body =
            arena_printf(arena, "{\"messages\":[],\"next_page_uri\":\"%s\"}", rows[i].uri);

        CHECK(rows[i].uri, twilio_messages_parse(arena, &sender, 200, body, &batch, &next, &err));
        CHECK_INT(rows[i].uri, next.method != NULL, rows[i].follow);
        if (rows[i].follow) {
            CHECK_Z(rows[i].uri, next.url, LIST "Page=1");
        }
    }
}

static void test_odd(void)
{
    static const struct {
        const char *label, *item;
        enum inbound_type type;
        int64_t at;
    } rows[] = {
        {"photo",     "\"num_media\":\"1\",\"body\":\"see\"",                                       INBOUND_UNSUPPORTED, 0    },
        {"place",     "\"num_media\":\"0\",\"body\":\"\"",                                          INBOUND_UNSUPPORTED, 0    },
        {"bad date",  "\"num_media\":\"0\",\"body\":\"x\",\"date_created\":\"yesterday\"",
         INBOUND_TEXT,                                                                                                   0    },
        {"bad month",
         "\"num_media\":\"0\",\"body\":\"x\",\"date_created\":\"Wed, 04 anF 2026 10:15:00 +0000\"", INBOUND_TEXT,        0    },
        {"zone",
         "\"num_media\":\"0\",\"body\":\"x\",\"date_created\":\"Wed, 04 Mar 2026 11:15:00 +0100\"", INBOUND_TEXT,        MARCH},
    };
    struct inbound_batch batch;
    struct outgoing next;
    struct err err = {0};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str body = arena_printf(
            arena, "{\"messages\":[{\"sid\":\"SM1\",\"direction\":\"inbound\",%s},{},5]}",
            rows[i].item);

        CHECK(rows[i].label, twilio_messages_parse(arena, &sender, 200, body, &batch, &next, &err));
        CHECK_INT(rows[i].label, batch.n, 1);
        CHECK_INT(rows[i].label, batch.items[0].type, rows[i].type);
        CHECK_INT(rows[i].label, batch.items[0].raw.n > 0, rows[i].type == INBOUND_UNSUPPORTED);
        CHECK_INT(rows[i].label, batch.items[0].at.ms, rows[i].at);
    }
    CHECK("401", !twilio_messages_parse(arena, &sender, 401, STR("{\"code\":20003}"), &batch, &next,
                                        &err));
    CHECK_INT("401", err.code, ERR_PROVIDER);
    CHECK("503", !twilio_messages_parse(arena, &sender, 503, STR("<html>"), &batch, &next, &err));
    CHECK_INT("503", err.code, ERR_NET_NOT_SENT);
    CHECK("half",
          !twilio_messages_parse(arena, &sender, 200, STR("{\"messages\":["), &batch, &next, &err));
    CHECK("no list", !twilio_messages_parse(arena, &sender, 200, STR("{}"), &batch, &next, &err));
}

static void test_same(void)
{
    const struct inbound item = {.kind = INBOUND_STATUS,
                                 .phone = S("+14155550123"),
                                 .text = S("*Order*\n\nPick  a slot\n\n_Tap one_"),
                                 .at = {MARCH}};
    struct message m = {.kind = MESSAGE_BUTTONS,
                        .phone = S("+14155550123"),
                        .header = S("Order"),
                        .text = S("Pick a slot"),
                        .footer = S("Tap one")};
    struct inbound other = item;

    CHECK("same", twilio_messages_same(&item, &m, (struct wall){MARCH}));
    CHECK("a bit later", twilio_messages_same(&item, &m, (struct wall){MARCH - 60000}));
    CHECK("too late", !twilio_messages_same(&item, &m, (struct wall){MARCH - 60001}));
    CHECK("clock behind", twilio_messages_same(&item, &m, (struct wall){MARCH + 5000}));
    CHECK("before", !twilio_messages_same(&item, &m, (struct wall){MARCH + 5001}));
    m.text = STR("Pick a slo");
    CHECK("other words", !twilio_messages_same(&item, &m, (struct wall){MARCH}));
    m.text = STR("Pick a slot!");
    CHECK("more words", !twilio_messages_same(&item, &m, (struct wall){MARCH}));
    m.text = STR("Pick a slot");
    m.phone = STR("+14155550124");
    CHECK("somebody else", !twilio_messages_same(&item, &m, (struct wall){MARCH}));
    m = (struct message){.kind = MESSAGE_TEMPLATE, .phone = S("+14155550123")};
    CHECK("template", twilio_messages_same(&item, &m, (struct wall){MARCH}));
    other.kind = INBOUND_MESSAGE;
    CHECK("inbound", !twilio_messages_same(&other, &m, (struct wall){MARCH}));
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {TEST(test_build), TEST(test_parse), TEST(test_pages),
                                        TEST(test_odd), TEST(test_same)};
    int rc;

    arena = arena_new();
    rc = test_main(argc, argv, tests, ARRAY_LEN(tests));
    arena_free(&arena);
    return rc;
}
