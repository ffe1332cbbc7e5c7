#include "providers/provider.h"

#include "support.h"

static struct arena *arena;

static const struct want wants[] = {
#include "want_twilio.inc"
};

static bool parse(const char *body, const char *query, struct inbound_batch *out, struct err *err)
{
    *out = (struct inbound_batch){0};
    *err = (struct err){0};
    return twilio_parse_query(arena, str_of(body), str_of(query), out, err);
}

static void test_wanted(void)
{
    for (size_t i = 0; i < ARRAY_LEN(wants); i++) {
        struct inbound_batch batch = {0};
        struct err err = {0};
        struct buf body;

        fixture("twilio", wants[i].file, &body);
        CHECK(wants[i].file,
              twilio_parse_query(arena, buf_str(&body), STR("c=out-000042"), &batch, &err));
        memset(body.p, 'x', body.n);
        buf_fini(&body);
        CHECK_INT(wants[i].file, batch.n, wants[i].items);
        if (wants[i].at < batch.n) {
            want_check(&wants[i], &batch.items[wants[i].at]);
            round_trip_check(arena, wants[i].file, &batch.items[wants[i].at]);
        }
        arena_reset(arena);
    }
}

static void wanted(const char *file, void *ctx)
{
    size_t rows = 0, items = 0;

    (void)ctx;
    for (size_t i = 0; i < ARRAY_LEN(wants); i++) {
        if (strcmp(wants[i].file, file) == 0) {
            rows++;
            items = wants[i].items;
        }
    }
    CHECK_INT(file, rows, items == 0 ? 1 : items);
}

static void test_every_fixture(void)
{
    CHECK_INT("inbound", fixtures_each("twilio", "inbound", wanted, NULL), 27);
    CHECK_INT("status", fixtures_each("twilio", "status", wanted, NULL), 24);
}

static const struct {
    const char *label, *body;
    enum inbound_kind kind;
    enum inbound_type type;
    bool raw;
} odd[] = {
    {"no id",                  "From=whatsapp%3A%2B12025550117&Body=x",                        INBOUND_OTHER,   0,                   true },
    {"no sender",              "MessageSid=SM1&Body=x",                                        INBOUND_OTHER,   0,                   true },
    {"something else",         "a=b",                                                          INBOUND_OTHER,   0,                   true },
    {"nothing said",           "MessageSid=SM1&From=whatsapp%3A%2B12025550117&Body=",          INBOUND_MESSAGE,
     INBOUND_UNSUPPORTED,                                                                                                            true },
    {"older id",               "SmsSid=SM1&From=whatsapp%3A%2B12025550117&Body=x",             INBOUND_MESSAGE, INBOUND_TEXT,
     false                                                                                                                                },
    {"place is no number",     "MessageSid=SM1&From=whatsapp%3A%2B12025550117&Latitude=north",
     INBOUND_MESSAGE,                                                                                           INBOUND_UNSUPPORTED, true },
    {"file name without type",
     "MessageSid=SM1&From=whatsapp%3A%2B12025550117&Body=a.pdf&MediaUrl0=u&MediaContentType0="
     "application%2Fpdf",                                                                      INBOUND_MESSAGE, INBOUND_MEDIA,       false},
    {"status of nothing",      "MessageStatus=sent",                                           INBOUND_OTHER,   0,                   true },
};

static void test_odd(void)
{
    for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
        struct inbound_batch batch;
        struct err err;

        CHECK(odd[i].label, parse(odd[i].body, NULL, &batch, &err));
        CHECK_INT(odd[i].label, batch.n, 1);
        if (batch.n == 1) {
            CHECK_INT(odd[i].label, batch.items[0].kind, odd[i].kind);
            CHECK_INT(odd[i].label, batch.items[0].raw.n > 0, odd[i].raw);
            if (odd[i].kind == INBOUND_MESSAGE) {
                CHECK_INT(odd[i].label, batch.items[0].type, odd[i].type);
            }
            round_trip_check(arena, odd[i].label, &batch.items[0]);
        }
    }
}

static void test_details(void)
{
    struct inbound_batch batch;
    struct err err;

    CHECK("status",
          parse("MessageSid=SM1&MessageStatus=sent", "x=1&c=01J.2.ab%2Bcd&y", &batch, &err));
    CHECK_Z("correlation", batch.items[0].correlation, "01J.2.ab+cd");
    CHECK("no query", parse("MessageSid=SM1&MessageStatus=sent", NULL, &batch, &err));
    CHECK_INT("none", batch.items[0].correlation.n, 0);
    CHECK("broken query", parse("MessageSid=SM1&MessageStatus=sent", "c=%zz", &batch, &err));
    CHECK_INT("none", batch.items[0].correlation.n, 0);
    CHECK("bare address", parse("MessageSid=SM1&From=%2B12025550117&Body=x", NULL, &batch, &err));
    CHECK_Z("phone", batch.items[0].phone, "+12025550117");
    CHECK("SMS",
          parse("MessageSid=SM1&From=%2B12025550117&To=%2B12025550188&Body=x", NULL, &batch, &err));
    CHECK_INT("no message of WhatsApp", batch.items[0].kind, INBOUND_OTHER);
    CHECK("status of an SMS", parse("MessageSid=SM1&From=%2B12025550188&To=%2B12025550117&"
                                    "MessageStatus=delivered",
                                    "c=01J.1.ab", &batch, &err));
    CHECK_INT("delivered", batch.items[0].state, DELIVERY_DELIVERED);
    CHECK_Z("our number", batch.items[0].number_id, "+12025550188");
    CHECK("id and number",
          parse("MessageSid=SM1&From=whatsapp%3AUS.13490000000000000191&WaId=12025550117&Body=x",
                NULL, &batch, &err));
    CHECK_Z("phone", batch.items[0].phone, "+12025550117");
    CHECK_Z("id", batch.items[0].bsuid, "US.13490000000000000191");
    CHECK("document", parse("MessageSid=SM1&From=whatsapp%3A%2B12025550117&Body=a.pdf&MediaUrl0=u&"
                            "MediaContentType0=application%2Fpdf",
                            NULL, &batch, &err));
    CHECK_Z("name", batch.items[0].media.filename, "a.pdf");
    CHECK_INT("no text", batch.items[0].text.n, 0);
    CHECK("bad bytes",
          parse("MessageSid=SM1&From=%2B12025550117&Body=a%FFb%C3", NULL, &batch, &err));
    CHECK_Z("replaced", batch.items[0].text,
            "a\xef\xbf\xbd"
            "b\xef\xbf\xbd");
    CHECK("first wins",
          parse("MessageSid=SM1&From=%2B12025550117&Body=a&Body=b", NULL, &batch, &err));
    CHECK_Z("text", batch.items[0].text, "a");
    CHECK("code", parse("MessageSid=SM1&MessageStatus=failed&ErrorCode=x", NULL, &batch, &err));
    CHECK_INT("code", batch.items[0].error.code, 0);
}

static void test_refused(void)
{
    static const char *const bad[] = {"", "a=%", "a=%zz", "a=%00"};
    struct inbound_batch batch;
    struct err err;
    struct buf b;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        CHECK(bad[i], !parse(bad[i], NULL, &batch, &err));
        CHECK_INT(bad[i], err.code, ERR_BAD_REQUEST);
    }
    buf_init(&b, 65536);
    for (size_t i = 0; i <= FORM_PAIRS_MAX; i++) {
        buf_addf(&b, "%sa%zu=1", i == 0 ? "" : "&", i);
    }
    CHECK("too many", !provider_twilio.parse(arena, buf_str(&b), &batch, &err));
    CHECK_INT("too many", err.code, ERR_BAD_REQUEST);
    buf_fini(&b);
}

/* Advanced Opt-Out: Twilio took the word, and has answered it; HELP is a command as ever. */
static void test_opt_out(void)
{
    static const struct {
        const char *type;
        enum inbound_kind kind;
    } rows[] = {
        {"STOP",  INBOUND_OPT_OUT},
        {"START", INBOUND_OPT_OUT},
        {"HELP",  INBOUND_MESSAGE}
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str body =
            arena_printf(arena,
                         "AccountSid=AC1&MessageSid=SM1&From=whatsapp%%3A%%2B12025550117&"
                         "To=whatsapp%%3A%%2B12025550100&Body=Stop&OptOutType=%s",
                         rows[i].type);
        struct inbound_batch batch;
        struct err err;

        CHECK(rows[i].type, parse(body.p, NULL, &batch, &err) && batch.n == 1);
        CHECK_INT(rows[i].type, batch.items[0].kind, rows[i].kind);
        CHECK_Z(rows[i].type, batch.items[0].phone, "+12025550117");
        if (rows[i].kind == INBOUND_OPT_OUT) {
            CHECK_Z("what", batch.items[0].event, rows[i].type);
            CHECK_Z("of everything", batch.items[0].subject, "all");
        }
    }
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {TEST(test_wanted),  TEST(test_every_fixture),
                                        TEST(test_odd),     TEST(test_details),
                                        TEST(test_opt_out), TEST(test_refused)};
    int rc;

    arena = arena_new();
    rc = test_main(argc, argv, tests, ARRAY_LEN(tests));
    arena_free(&arena);
    return rc;
}
