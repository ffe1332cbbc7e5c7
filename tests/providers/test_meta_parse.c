#include "providers/provider.h"

#include "support.h"

static struct arena *arena;

static const struct want wants[] = {
#include "want_meta.inc"
};

static bool parse(const char *body, struct inbound_batch *out, struct err *err)
{
    *out = (struct inbound_batch){0};
    *err = (struct err){0};
    return provider_meta.parse(arena, str_of(body), out, err);
}

static void test_wanted(void)
{
    for (size_t i = 0; i < ARRAY_LEN(wants); i++) {
        struct inbound_batch batch = {0};
        struct err err = {0};
        struct buf body;

        fixture("meta", wants[i].file, &body);
        CHECK(wants[i].file, provider_meta.parse(arena, buf_str(&body), &batch, &err));
        /* Nothing in the batch may point into the body: it is gone when jobs read the items. */
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

/* No fixture is forgotten: every file of the folders has all of its items in the table. */
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
    CHECK_INT("inbound", fixtures_each("meta", "inbound", wanted, NULL), 51);
    CHECK_INT("status", fixtures_each("meta", "status", wanted, NULL), 27);
    CHECK_INT("account", fixtures_each("meta", "account", wanted, NULL), 48);
    CHECK_INT("batch", fixtures_each("meta", "batch", wanted, NULL), 6);
}

#define ENVELOPE(value)                                                                           \
    "{\"object\":\"whatsapp_business_account\",\"entry\":[{\"id\":\"1\",\"changes\":[{\"field\":" \
    "\"messages\",\"value\":" value "}]}]}"
#define MESSAGE(members) ENVELOPE("{\"messages\":[{\"id\":\"w\",\"timestamp\":\"1\"," members "}]}")

/* Shapes that no fixture has: each gives one item of this kind and type and never fails. */
static const struct {
    const char *label, *body;
    enum inbound_kind kind;
    enum inbound_type type;
    bool raw;
} odd[] = {
    {"message without id",        ENVELOPE("{\"messages\":[{\"type\":\"text\"}]}"),                        INBOUND_OTHER,   0,
     true                                                                                                                                             },
    {"message is a number",       ENVELOPE("{\"messages\":[5]}"),                                          INBOUND_OTHER,   0,                   true },
    {"message is null",           ENVELOPE("{\"messages\":[null]}"),                                       INBOUND_OTHER,   0,                   true },
    {"status without id",         ENVELOPE("{\"statuses\":[{\"status\":\"sent\"}]}"),                      INBOUND_OTHER,   0,
     true                                                                                                                                             },
    {"status is a text",          ENVELOPE("{\"statuses\":[\"sent\"]}"),                                   INBOUND_OTHER,   0,                   true },
    {"no type",                   MESSAGE("\"from\":\"12025550117\""),                                     INBOUND_MESSAGE, INBOUND_UNSUPPORTED, true },
    {"text is missing",           MESSAGE("\"type\":\"text\""),                                            INBOUND_MESSAGE, INBOUND_UNSUPPORTED, true },
    {"body is a number",          MESSAGE("\"type\":\"text\",\"text\":{\"body\":[]}"),                     INBOUND_MESSAGE,
     INBOUND_UNSUPPORTED,                                                                                                                        true },
    {"image without id",          MESSAGE("\"type\":\"image\",\"image\":{}"),                              INBOUND_MESSAGE,
     INBOUND_UNSUPPORTED,                                                                                                                        true },
    {"sha256 is no base64",       MESSAGE("\"type\":\"image\",\"image\":{\"id\":\"1\",\"sha256\":\"*\"}"),
     INBOUND_MESSAGE,                                                                                                       INBOUND_MEDIA,       false},
    {"button without payload",    MESSAGE("\"type\":\"button\",\"button\":{\"text\":\"x\"}"),
     INBOUND_MESSAGE,                                                                                                       INBOUND_UNSUPPORTED, true },
    {"location without numbers",  MESSAGE("\"type\":\"location\",\"location\":{\"latitude\":\"n\"}"),
     INBOUND_MESSAGE,                                                                                                       INBOUND_UNSUPPORTED, true },
    {"location as texts",
     MESSAGE("\"type\":\"location\",\"location\":{\"latitude\":\"1.5\",\"longitude\":\"-2\"}"),
     INBOUND_MESSAGE,                                                                                                       INBOUND_LOCATION,    false},
    {"contacts are empty",        MESSAGE("\"type\":\"contacts\",\"contacts\":[]"),                        INBOUND_MESSAGE,
     INBOUND_UNSUPPORTED,                                                                                                                        true },
    {"voice",                     MESSAGE("\"type\":\"voice\",\"voice\":{\"id\":\"1\"}"),                  INBOUND_MESSAGE,
     INBOUND_MEDIA,                                                                                                                              false},
    {"older change of number",
     MESSAGE("\"type\":\"system\",\"from\":\"12025550117\",\"system\":{\"type\":"
             "\"customer_changed_number\",\"new_wa_id\":\"12025550118\"}"),
     INBOUND_ID_CHANGE,                                                                                                     0,                   false},
    {"change to nothing",
     MESSAGE("\"type\":\"system\",\"system\":{\"type\":\"user_changed_number\"}"),                         INBOUND_OTHER,   0,
     true                                                                                                                                             },
    {"time is a negative number", ENVELOPE("{\"statuses\":[{\"id\":\"w\",\"timestamp\":-5}]}"),
     INBOUND_STATUS,                                                                                                        0,                   false},
    {"time is far",
     ENVELOPE("{\"statuses\":[{\"id\":\"w\",\"timestamp\":\"999999999999999999\"}]}"),
     INBOUND_STATUS,                                                                                                        0,                   false},
    {"value is empty",            ENVELOPE("{}"),                                                          INBOUND_OTHER,   0,                   true },
    {"value is a text",           ENVELOPE("\"x\""),                                                       INBOUND_OTHER,   0,                   true },
    {"messages are an object",    ENVELOPE("{\"messages\":{\"a\":1}}"),                                    INBOUND_OTHER,   0,                   true },
    {"no changes",                "{\"object\":\"whatsapp_business_account\",\"entry\":[{\"id\":\"1\"}]}",
     INBOUND_OTHER,                                                                                                         0,                   true },
    {"entry is a number",         "{\"object\":\"whatsapp_business_account\",\"entry\":[7]}",              INBOUND_OTHER,
     0,                                                                                                                                          true },
    {"entry is no list",          "{\"object\":\"whatsapp_business_account\",\"entry\":7}",                INBOUND_OTHER,   0,
     true                                                                                                                                             },
    {"change is a number",
     "{\"object\":\"whatsapp_business_account\",\"entry\":[{\"changes\":[7]}]}",                           INBOUND_OTHER,   0,
     true                                                                                                                                             },
    {"no preferences in it",
     "{\"object\":\"whatsapp_business_account\",\"entry\":[{\"changes\":[{\"field\":"
     "\"user_preferences\",\"value\":{}}]}]}",                                                             INBOUND_OTHER,   0,                   true },
    {"calls",
     "{\"object\":\"whatsapp_business_account\",\"entry\":[{\"changes\":[{\"field\":\"calls\","
     "\"value\":"
     "{\"a\":1}}]}]}",                                                                                     INBOUND_OTHER,   0,                   true },
    {"empty object",              "{}",                                                                    INBOUND_OTHER,   0,                   true },
};

static void test_odd(void)
{
    for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
        struct inbound_batch batch;
        struct err err;

        CHECK(odd[i].label, parse(odd[i].body, &batch, &err));
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

static void test_who(void)
{
    struct inbound_batch batch;
    struct err err;

    parse(
        MESSAGE("\"type\":\"text\",\"text\":{\"body\":\"x\"},\"from\":\"US.40918274650193827465\""),
        &batch, &err);
    CHECK_Z("id in from", batch.items[0].bsuid, "US.40918274650193827465");
    CHECK_INT("no phone", batch.items[0].phone.n, 0);
    parse(
        ENVELOPE("{\"contacts\":[{\"profile\":{\"name\":\"Other\"},\"wa_id\":\"12025550199\"},{"
                 "\"profile\":{\"name\":\"Ada\"},\"wa_id\":\"12025550117\"}],\"messages\":[{\"id\":"
                 "\"w\",\"from\":\"12025550117\",\"type\":\"text\",\"text\":{\"body\":\"x\"}}]}"),
        &batch, &err);
    CHECK_Z("own card", batch.items[0].profile_name, "Ada");
    parse(ENVELOPE("{\"statuses\":[{\"id\":\"w\",\"status\":\"sent\",\"recipient_id\":\"R1\"}],"
                   "\"errors\":[{\"code\":1}]}"),
          &batch, &err);
    CHECK_INT("status and account's error", batch.n, 2);
    CHECK_INT("account", batch.items[1].kind, INBOUND_ACCOUNT);
    CHECK_INT("code", batch.items[1].error.code, 1);
}

#define GROUPS(members)                                                                           \
    "{\"object\":\"whatsapp_business_account\",\"entry\":[{\"id\":\"1\",\"changes\":[{\"field\":" \
    "\"group_participants_update\",\"value\":{\"groups\":[{\"group_id\":\"g\"," members "}]}}]}]}"

/* Both spellings, each kind of name; what failed did not happen, and nothing of it fails us. */
static void test_groups(void)
{
    static const struct {
        const char *label, *body, *detail, *subject;
    } rows[] = {
        {"joined",
         GROUPS("\"type\":\"group_add_participants\",\"added_participants\":[{\"wa_id\":"
                "\"12025550117\"},{\"input\":\"+1 202 555 0128\"},{\"user_id\":\"US.4091\"}]"),
         "joined",                                                                                    "+12025550117\n+12025550128\nUS.4091"},
        {"left",
         GROUPS("\"type\":\"group_remove_participants\",\"removed_participants\":[{\"wa_id\":"
                "\"12025550117\"}]"),
         "left",                                                                                      "+12025550117"                       },
        {"not left",
         GROUPS("\"type\":\"group_participants_remove\",\"errors\":[{\"code\":131212}],"
                "\"removed_participants\":[{\"wa_id\":\"12025550117\"}]"),
         "",                                                                                          ""                                   },
        {"nobody",
         GROUPS("\"type\":\"group_participants_add\",\"added_participants\":[7,{},[],null]"),
         "joined",                                                                                    ""                                   },
        {"no list",   GROUPS("\"type\":\"group_participants_add\",\"added_participants\":\"x\""),
         "joined",                                                                                    ""                                   },
        {"no delete", GROUPS("\"type\":\"group_delete\",\"errors\":[{\"code\":131208}]"),         "", ""                                   },
        {"unknown",   GROUPS("\"type\":\"group_renamed\""),                                       "", ""                                   },
    };
    struct inbound_batch batch;
    struct err err;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CHECK(rows[i].label, parse(rows[i].body, &batch, &err) && batch.n == 1);
        CHECK_INT(rows[i].label, batch.items[0].kind, INBOUND_GROUP);
        CHECK_Z(rows[i].label, batch.items[0].group_id, "g");
        CHECK_Z(rows[i].label, batch.items[0].detail, rows[i].detail);
        CHECK_Z(rows[i].label, batch.items[0].subject, rows[i].subject);
        round_trip_check(arena, rows[i].label, &batch.items[0]);
    }
}

/* What belongs to one entry or change must not stick to the next. */
static void test_nothing_sticks(void)
{
    struct inbound_batch batch;
    struct err err;

    parse(
        "{\"object\":\"whatsapp_business_account\",\"entry\":[{\"id\":\"1\",\"time\":1789430400,"
        "\"changes\":[{\"field\":\"messages\",\"value\":{\"metadata\":{\"phone_number_id\":\"n\"},"
        "\"statuses\":[{\"id\":\"w\",\"status\":\"sent\",\"timestamp\":\"1789430405\"}]}},{"
        "\"field\":"
        "\"x\",\"value\":{}},{\"field\":\"x\",\"value\":{\"metadata\":{\"phone_number_id\":\"m\"}}}"
        "]},"
        "{\"id\":\"2\"},{}]}",
        &batch, &err);
    CHECK_INT("items", batch.n, 5);
    CHECK_Z("number", batch.items[0].number_id, "n");
    CHECK_INT("own time", batch.items[0].at.ms, 1789430405000);
    CHECK_INT("next change", batch.items[1].number_id.n, 0);
    CHECK_INT("entry's time", batch.items[1].at.ms, 1789430400000);
    CHECK_Z("raw", batch.items[1].raw,
            "{\"id\":\"1\",\"time\":1789430400,\"field\":\"x\",\"value\":{}}");
    CHECK_Z("its number", batch.items[2].number_id, "m");
    CHECK_Z("next entry", batch.items[3].account, "2");
    CHECK_INT("next entry", batch.items[3].number_id.n, 0);
    CHECK_INT("next entry", batch.items[3].at.ms, 0);
    CHECK_INT("empty entry", batch.items[4].account.n, 0);
}

static void test_refused(void)
{
    static const char *const bad[] = {
        "", "[]", "null", "5", "{", "\"x\"", "{\"a\":1,\"a\":2}", "{\"a\":\"\xff\"}"};
    struct inbound_batch batch;
    struct err err;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        CHECK(bad[i], !parse(bad[i], &batch, &err));
        CHECK_INT(bad[i], err.code, ERR_BAD_REQUEST);
    }
    CHECK("without err", !provider_meta.parse(arena, STR("["), &batch, NULL));
}

static void many(size_t n, struct buf *b)
{
    buf_init(b, 1 << 22);
    buf_addz(b, "{\"object\":\"whatsapp_business_account\",\"entry\":[{\"id\":\"1\",\"changes\":[{"
                "\"field\":\"messages\",\"value\":{\"statuses\":[");
    for (size_t i = 0; i < n; i++) {
        buf_addf(b, "%s{\"id\":\"w%zu\",\"status\":\"read\"}", i == 0 ? "" : ",", i);
    }
    buf_addz(b, "]}}]}]}");
}

static void test_many(void)
{
    struct inbound_batch batch = {0};
    struct err err = {0};
    struct buf b;

    many(INBOUND_ITEMS_MAX, &b);
    CHECK("all", provider_meta.parse(arena, buf_str(&b), &batch, &err));
    CHECK_INT("all", batch.n, INBOUND_ITEMS_MAX);
    CHECK_Z("last", batch.items[INBOUND_ITEMS_MAX - 1].provider_id, "w4095");
    CHECK_Z("first", batch.items[0].provider_id, "w0");
    buf_fini(&b);
    many(INBOUND_ITEMS_MAX + 1, &b);
    CHECK("one more", !provider_meta.parse(arena, buf_str(&b), &batch, &err));
    CHECK_INT("one more", err.code, ERR_BAD_REQUEST);
    buf_fini(&b);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_wanted), TEST(test_every_fixture),  TEST(test_odd),     TEST(test_who),
        TEST(test_groups), TEST(test_nothing_sticks), TEST(test_refused), TEST(test_many)};
    int rc;

    arena = arena_new();
    rc = test_main(argc, argv, tests, ARRAY_LEN(tests));
    arena_free(&arena);
    return rc;
}
