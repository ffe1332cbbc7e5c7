#include "providers/provider.h"

#include <stdlib.h>

#include "base/crypto.h"
#include "base/mem.h"
#include "meta/meta_int.h"
#include "support.h"

static struct arena *arena;

/* The words of responses/INDEX.json as outcomes. */
static const struct {
    const char *action;
    enum outcome_class cls;
    enum outcome_scope scope;
    bool alert;
    int64_t tries_max, wait_ms;
} actions[] = {
    {"retry",                OUTCOME_NOT_SENT,       SCOPE_MESSAGE, false, 0, 0      },
    {"retry_limited",        OUTCOME_NOT_SENT,       SCOPE_MESSAGE, false, 3, 0      },
    {"retry_once_if_link",   OUTCOME_NOT_SENT,       SCOPE_MESSAGE, false, 2, 0      },
    {"retry_after_1h_alert", OUTCOME_NOT_SENT,       SCOPE_MESSAGE, true,  0, 3600000},
    {"retry_after_60s",      OUTCOME_THROTTLED,      SCOPE_SENDER,  false, 0, 60000  },
    {"throttle_pair",        OUTCOME_THROTTLED,      SCOPE_PAIR,    false, 0, 0      },
    {"throttle_number",      OUTCOME_THROTTLED,      SCOPE_SENDER,  false, 0, 0      },
    {"throttle_account",     OUTCOME_THROTTLED,      SCOPE_ACCOUNT, false, 0, 0      },
    {"throttle_app",         OUTCOME_THROTTLED,      SCOPE_ACCOUNT, false, 0, 0      },
    {"pause_number_alert",   OUTCOME_THROTTLED,      SCOPE_SENDER,  true,  0, 3600000},
    {"pause_account_alert",  OUTCOME_THROTTLED,      SCOPE_ACCOUNT, true,  0, 3600000},
    {"stop_number_alert",    OUTCOME_SENDER_STOPPED, SCOPE_SENDER,  true,  0, 0      },
    {"stop_account_alert",   OUTCOME_SENDER_STOPPED, SCOPE_ACCOUNT, true,  0, 0      },
    {"drop",                 OUTCOME_REFUSED,        SCOPE_MESSAGE, false, 0, 0      },
    {"drop_or_use_phone",    OUTCOME_REFUSED,        SCOPE_MESSAGE, false, 0, 0      },
    {"drop_alert",           OUTCOME_REFUSED,        SCOPE_MESSAGE, true,  0, 0      },
    {"hold_template_alert",  OUTCOME_REFUSED,        SCOPE_MESSAGE, true,  0, 0      },
    {"stop_template_alert",  OUTCOME_REFUSED,        SCOPE_MESSAGE, true,  0, 0      },
    {"stop_flow_alert",      OUTCOME_REFUSED,        SCOPE_MESSAGE, true,  0, 0      },
    {"admin_only",           OUTCOME_REFUSED,        SCOPE_MESSAGE, true,  0, 0      },
    {"drop_need_template",   OUTCOME_NEED_TEMPLATE,  SCOPE_MESSAGE, false, 0, 0      },
};

static void answer(const char *file, int status, struct outcome *out)
{
    struct buf body;
    char path[128];

    snprintf(path, sizeof(path), "responses/%s", file);
    fixture("meta", path, &body);
    provider_meta.outcome(arena, status, buf_str(&body), 0, NULL, out);
    memset(body.p, 'x', body.n);
    buf_fini(&body);
}

static void check_action(const char *file, const struct json *row, const struct outcome *got)
{
    struct str action = json_get_str(row, "action");
    size_t i = 0;

    while (i < ARRAY_LEN(actions) && !str_eqz(action, actions[i].action)) {
        i++;
    }
    CHECK(file, i < ARRAY_LEN(actions));
    if (i == ARRAY_LEN(actions)) {
        return;
    }
    CHECK_INT(file, got->code, json_get_int(row, "code", -1));
    CHECK_INT(file, got->cls, actions[i].cls);
    CHECK_INT(file, got->scope, actions[i].scope);
    CHECK_INT(file, got->alert, actions[i].alert);
    CHECK_INT(file, got->tries_max, actions[i].tries_max);
    CHECK_INT(file, got->retry_after_ms, actions[i].wait_ms);
}

static void test_index(void)
{
    struct json *index = fixture_json("meta", "responses/INDEX.json");
    const struct json *errors = json_get(index, "errors");

    CHECK_INT("rows", json_len(errors), 54);
    for (size_t i = 0; i < json_len(errors); i++) {
        struct str name;
        const struct json *row = json_member_at(errors, i, &name);
        struct outcome out;

        answer(name.p, (int)json_get_int(row, "http_status", 0), &out);
        check_action(name.p, row, &out);
        CHECK(name.p, out.title.n > 0 && out.advice.n > 0 && out.details.n > 0);
        CHECK_INT(name.p, out.provider_id.n, 0);
    }
    json_free(&index);
}

/* Every error_*.json has its row in INDEX.json, and every send_*.json is a success. */
static void known(const char *file, void *ctx)
{
    const struct json *errors = ctx;
    const char *name = strchr(file, '/') + 1;
    struct outcome out;

    if (strncmp(name, "error_", 6) == 0) {
        CHECK(file, json_get(errors, name) != NULL);
    } else if (strncmp(name, "send_", 5) == 0) {
        answer(name, 200, &out);
        CHECK_INT(file, out.cls, OUTCOME_SENT);
        CHECK(file, str_starts(out.provider_id, STR("wamid.")));
    }
}

static void test_every_answer(void)
{
    struct json *index = fixture_json("meta", "responses/INDEX.json");

    CHECK("answers", fixtures_each("meta", "responses", known, json_get(index, "errors")) > 70);
    json_free(&index);
}

/* Every code and subcode of the fact sheet. */
static const int64_t sheet[] = {
    0,      1,      2,      3,      4,      10,     33,     100,    102,    104,    190,    200,
    250,    299,    368,    613,    80007,  130403, 130429, 130472, 130497, 131000, 131005, 131008,
    131009, 131016, 131020, 131021, 131026, 131030, 131031, 131037, 131041, 131042, 131045, 131047,
    131048, 131049, 131050, 131051, 131052, 131053, 131055, 131056, 131057, 131059, 131060, 131062,
    131063, 131064, 131201, 131202, 131204, 131207, 131208, 131209, 131210, 131211, 131212, 131213,
    131214, 131215, 132000, 132001, 132005, 132007, 132008, 132012, 132015, 132016, 132018, 132068,
    132069, 133000, 133004, 133005, 133006, 133008, 133009, 133010, 133015, 133016, 134011, 134100,
    134101, 134102, 135000, 137000, 138024, 141006, 141010, 147001, 147002, 147003, 147004, 147005,
};
static const int64_t subcodes[][2] = {
    {100, 33     },
    {100, 2388019},
    {100, 2388024},
    {100, 2388039},
    {100, 2388040},
    {100, 2388047},
    {100, 2388072},
    {100, 2388073},
    {100, 2388293},
    {100, 2388299},
    {190, 458    },
    {190, 459    },
    {190, 460    },
    {190, 463    },
    {190, 467    },
};

static void test_table(void)
{
    for (size_t i = 1; i < meta_nerrors; i++) {
        const struct provider_error *a = &meta_errors[i - 1], *b = &meta_errors[i];

        CHECK(b->title, a->code < b->code || (a->code == b->code && a->subcode < b->subcode));
    }
    for (size_t i = 0; i < meta_nerrors; i++) {
        const struct provider_error *e = &meta_errors[i];

        CHECK(e->title, strlen(e->title) > 10 && e->title[strlen(e->title) - 1] != '.');
        CHECK(e->title, strlen(e->advice) > 10 && e->advice[strlen(e->advice) - 1] == '.');
        CHECK(e->title, e->alert || (e->cls != OUTCOME_SENDER_STOPPED));
        CHECK_INT(e->title, provider_meta.error_find(e->code, e->subcode) == e, e->code != 0);
    }
    for (size_t i = 1; i < ARRAY_LEN(sheet); i++) {
        const struct provider_error *e = provider_meta.error_find(sheet[i], 0);

        CHECK_INT("sheet", e->code, sheet[i] >= 200 && sheet[i] <= 299 ? 200 : sheet[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(subcodes); i++) {
        const struct provider_error *e = provider_meta.error_find(subcodes[i][0], subcodes[i][1]);

        CHECK_INT("subcode", e->subcode, subcodes[i][1]);
    }
    CHECK_INT("other subcode", provider_meta.error_find(190, 999)->subcode, 0);
    CHECK_INT("unknown", provider_meta.error_find(99999999, 0)->code, 0);
    CHECK("unknown", provider_meta.error_find(99999999, 0)->alert);
    /* A failed status without a code must not stop the account. */
    CHECK_INT("no code", provider_meta.error_find(0, 0)->cls, OUTCOME_REFUSED);
}

static const struct {
    const char *label;
    int status;
    const char *body;
    enum outcome_class cls;
    enum outcome_scope scope;
    bool alert;
    const char *id;
} rows[] = {
    {"read",                    200, "{\"success\":true}",                               OUTCOME_SENT,           SCOPE_MESSAGE, false, "" },
    {"201",                     201, "{\"messages\":[{\"id\":\"w\"}]}",                  OUTCOME_SENT,           SCOPE_MESSAGE, false, "w"},
    {"200 without id",          200, "{\"messages\":[{}]}",                              OUTCOME_AMBIGUOUS,      SCOPE_MESSAGE, false, "" },
    {"200 without messages",    200, "{}",                                               OUTCOME_AMBIGUOUS,      SCOPE_MESSAGE, false, "" },
    {"200 and nothing",         200, "",                                                 OUTCOME_AMBIGUOUS,      SCOPE_MESSAGE, false, "" },
    {"200 and half",            200, "{\"messages\":[{\"id\":\"w",                       OUTCOME_AMBIGUOUS,      SCOPE_MESSAGE, false,
     ""                                                                                                                                   },
    {"200, no success",         200, "{\"success\":false}",                              OUTCOME_AMBIGUOUS,      SCOPE_MESSAGE, false, "" },
    {"200 with an error",       200, "{\"error\":{\"code\":131056}}",                    OUTCOME_THROTTLED,      SCOPE_PAIR,
     false,                                                                                                                            "" },
    {"500 in HTML",             500, "<html>",                                           OUTCOME_AMBIGUOUS,      SCOPE_MESSAGE, false, "" },
    {"502 and nothing",         502, "",                                                 OUTCOME_AMBIGUOUS,      SCOPE_MESSAGE, false, "" },
    {"503, other JSON",         503, "{\"x\":1}",                                        OUTCOME_AMBIGUOUS,      SCOPE_MESSAGE, false, "" },
    {"408",                     408, "",                                                 OUTCOME_AMBIGUOUS,      SCOPE_MESSAGE, false, "" },
    {"500 with an id",          500, "{\"messages\":[{\"id\":\"w\"}]}",                  OUTCOME_AMBIGUOUS,      SCOPE_MESSAGE,
     false,                                                                                                                            "" },
    {"429 in HTML",             429, "<html>",                                           OUTCOME_THROTTLED,      SCOPE_SENDER,  false, "" },
    {"401 in HTML",             401, "<html>",                                           OUTCOME_SENDER_STOPPED, SCOPE_ACCOUNT, true,  "" },
    {"403 in HTML",             403, "<html>",                                           OUTCOME_REFUSED,        SCOPE_MESSAGE, true,  "" },
    {"302",                     302, "",                                                 OUTCOME_SENDER_STOPPED, SCOPE_SENDER,  true,  "" },
    {"unknown code, 500",       500, "{\"error\":{\"code\":777}}",                       OUTCOME_NOT_SENT,       SCOPE_MESSAGE, false,
     ""                                                                                                                                   },
    {"unknown code, transient", 400, "{\"error\":{\"code\":777,\"is_transient\":true}}",
     OUTCOME_NOT_SENT,                                                                                           SCOPE_MESSAGE, false, "" },
    {"unknown code, 429",       429, "{\"error\":{\"code\":777}}",                       OUTCOME_THROTTLED,      SCOPE_SENDER,  false,
     ""                                                                                                                                   },
    {"unknown code, 401",       401, "{\"error\":{\"code\":777}}",                       OUTCOME_SENDER_STOPPED, SCOPE_ACCOUNT,
     true,                                                                                                                             "" },
    {"unknown code, 400",       400, "{\"error\":{\"code\":777}}",                       OUTCOME_REFUSED,        SCOPE_MESSAGE, true,
     ""                                                                                                                                   },
    {"no code, 400",            400, "{\"error\":{}}",                                   OUTCOME_REFUSED,        SCOPE_MESSAGE, true,  "" },
    {"code 0, 401",             401, "{\"error\":{\"code\":0}}",                         OUTCOME_SENDER_STOPPED, SCOPE_ACCOUNT, true,
     ""                                                                                                                                   },
    {"code 0, 400",             400, "{\"error\":{\"code\":0}}",                         OUTCOME_SENDER_STOPPED, SCOPE_ACCOUNT, true,
     ""                                                                                                                                   },
    {"permission 273",          403, "{\"error\":{\"code\":273}}",                       OUTCOME_SENDER_STOPPED, SCOPE_ACCOUNT,
     true,                                                                                                                             "" },
    {"opted out",               400, "{\"error\":{\"code\":131050}}",                    OUTCOME_OPTED_OUT,      SCOPE_MESSAGE, false,
     ""                                                                                                                                   },
    {"permanent at 500",        500, "{\"error\":{\"code\":131045}}",                    OUTCOME_SENDER_STOPPED, SCOPE_SENDER,
     true,                                                                                                                             "" },
};

/* The usual answer is read without a tree: where it is not quite that, the tree decides. */
#define CONTACTS \
    "{\"messaging_product\":\"whatsapp\",\"contacts\":[{\"input\":\"1\",\"wa_id\":\"1\"}],"

static void test_usual(void)
{
    static const struct {
        const char *label, *body;
        int status;
        enum outcome_class cls;
        const char *id, *details;
    } usual[] = {
        {"usual",                 CONTACTS "\"messages\":[{\"id\":\"wamid.x\"}]}",                       200, OUTCOME_SENT,      "wamid.x",
         ""                                                                                                                                       },
        {"held",                  CONTACTS "\"messages\":[{\"id\":\"w\",\"message_status\":\"held\"}]}", 200,
         OUTCOME_SENT,                                                                                                           "w",       "held"},
        {"blanks",                " " CONTACTS "\n\t\"messages\" : [ { \"id\" : \"w\" } ] }\r\n",        200,
         OUTCOME_SENT,                                                                                                           "w",       ""    },
        {"a blank in a name",     CONTACTS "\"mess ages\":[{\"id\":\"w\"}]}",                            200, OUTCOME_AMBIGUOUS,
         "",                                                                                                                                ""    },
        {"escapes",               CONTACTS "\"messages\":[{\"id\":\"w\\u0041\"}]}",                      200, OUTCOME_SENT,      "wA",      ""    },
        {"more members",          CONTACTS "\"messages\":[{\"id\":\"w\",\"x\":[1]}]}",                   200, OUTCOME_SENT,
         "w",                                                                                                                               ""    },
        {"empty id",              CONTACTS "\"messages\":[{\"id\":\"\"}]}",                              200, OUTCOME_AMBIGUOUS, "",        ""    },
        {"more behind it",        CONTACTS "\"messages\":[{\"id\":\"w\"}]}x",                            200, OUTCOME_AMBIGUOUS, "",
         ""                                                                                                                                       },
        {"cut off",               CONTACTS "\"messages\":[{\"id\":\"w\"}]",                              200, OUTCOME_AMBIGUOUS, "",        ""    },
        {"cut off in the id",     CONTACTS "\"messages\":[{\"id\":\"w",                                  200, OUTCOME_AMBIGUOUS, "",        ""    },
        {"cut off before the id", CONTACTS "\"messages\":[{\"id\":",                                     200, OUTCOME_AMBIGUOUS, "",
         ""                                                                                                                                       },
        {"at 500",                CONTACTS "\"messages\":[{\"id\":\"w\"}]}",                             500, OUTCOME_AMBIGUOUS, "",        ""    },
    };

    for (size_t i = 0; i < ARRAY_LEN(usual); i++) {
        char *body = mem_dupz(str_of(usual[i].body)); /* to its end, and no further */
        struct outcome out;

        provider_meta.outcome(arena, usual[i].status, str_of(body), 0, NULL, &out);
        CHECK_INT(usual[i].label, out.cls, usual[i].cls);
        CHECK_Z(usual[i].label, out.provider_id, usual[i].id);
        CHECK_Z(usual[i].label, out.cls == OUTCOME_SENT ? out.details : STR(""), usual[i].details);
        mem_free(&body);
    }
}

static void test_rows(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct outcome out;

        provider_meta.outcome(arena, rows[i].status, str_of(rows[i].body), 0, NULL, &out);
        CHECK_INT(rows[i].label, out.cls, rows[i].cls);
        CHECK_INT(rows[i].label, out.scope, rows[i].scope);
        CHECK_INT(rows[i].label, out.alert, rows[i].alert);
        CHECK_Z(rows[i].label, out.provider_id, rows[i].id);
        CHECK(rows[i].label, out.title.n > 0);
    }
}

static void test_details(void)
{
    struct outcome out;

    answer("error_100_error_data_is_string.json", 400, &out);
    CHECK_Z("text", out.details, "Parameter name is not valid");
    answer("error_100_invalid_parameter.json", 400, &out);
    CHECK_Z("object", out.details, "Parameter 'text.body' is required.");
    answer("error_100_33_unknown_object.json", 400, &out);
    CHECK("message", str_starts(out.details, STR("Unsupported post request.")));
    answer("send_success_template_held.json", 200, &out);
    CHECK_Z("held", out.details, "held_for_quality_assessment");
    provider_meta.outcome(arena, 429, STR(""), 7, NULL, &out);
    CHECK_INT("Retry-After", out.retry_after_ms, 7000);
    provider_meta.outcome(arena, 400, STR("{\"error\":{\"code\":131048}}"), 9, NULL, &out);
    CHECK_INT("Retry-After wins", out.retry_after_ms, 9000);
    provider_meta.outcome(arena, 429, STR(""), INT64_MAX, NULL, &out);
    CHECK_INT("bounded", out.retry_after_ms, 86400000);
}

static void test_signatures(void)
{
    struct json *j = fixture_json("meta", "signature/vectors.json");
    const struct json *vectors = json_get(j, "vectors");

    CHECK_INT("vectors", json_len(vectors), 10);
    for (size_t i = 0; i < json_len(vectors); i++) {
        const struct json *v = json_at(vectors, i);
        const char *name = json_get_str(v, "name").p;
        uint8_t theirs[32] = {0}, ours[32];
        char file[128];
        struct buf body;
        bool ok;

        snprintf(file, sizeof(file), "signature/%s", json_get_str(v, "body_file").p);
        fixture("meta", file, &body);
        hmac_sha256(json_get_str(v, "app_secret"), buf_str(&body), ours);
        ok = meta_signature_parse(json_get_str(v, "header"), theirs) &&
             memcmp(theirs, ours, 32) == 0;
        CHECK_INT(name, ok, json_get_bool(v, "valid", false));
        buf_fini(&body);
    }
    json_free(&j);
}

static void test_signature_shapes(void)
{
    static const char *const bad[] = {
        "sha256=E6351841246b1262c37789df6ef1d2f959092c32e3f2672da5bb64a45bc5a36b",
        "SHA256=e6351841246b1262c37789df6ef1d2f959092c32e3f2672da5bb64a45bc5a36b",
        "sha256= 6351841246b1262c37789df6ef1d2f959092c32e3f2672da5bb64a45bc5a36b",
        "sha256=g6351841246b1262c37789df6ef1d2f959092c32e3f2672da5bb64a45bc5a36b",
        "sha256=:6351841246b1262c37789df6ef1d2f959092c32e3f2672da5bb64a45bc5a36b",
        "sha256=`6351841246b1262c37789df6ef1d2f959092c32e3f2672da5bb64a45bc5a36b",
        "sha256=e6351841246b1262c37789df6ef1d2f959092c32e3f2672da5bb64a45bc5a36b0",
        "sha256=",
    };
    uint8_t mac[32];

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        CHECK(bad[i], !meta_signature_parse(str_of(bad[i]), mac));
    }
}

/*
 * The fixture is Meta's side; what we promise outside is narrower in two cases: a challenge is
 * echoed only if it is made of [0-9A-Za-z_-], and without a token the answer is 403, whatever else
 * is missing.
 */
static int promised(struct str query, int fixture_status)
{
    if (str_eqz(query, "")) {
        return 403;
    }
    return str_find(query, STR("abc%2Bdef")) == SIZE_MAX ? fixture_status : 400;
}

static void test_handshake(void)
{
    struct json *j = fixture_json("meta", "signature/verify_handshake.json");
    const struct json *cases = json_get(j, "cases");
    const struct str tokens[] = {STR(""), STR("other"), json_get_str(j, "verify_token")};

    CHECK_INT("cases", json_len(cases), 6);
    for (size_t i = 0; i < json_len(cases); i++) {
        const struct json *c = json_at(cases, i);
        struct str query = json_get_str(c, "query"), challenge = STR("");
        struct pairs pairs = {0};
        int status;

        CHECK(query.p, form_parse(arena, query, &pairs, NULL));
        status = meta_handshake(&pairs, tokens, ARRAY_LEN(tokens), &challenge);
        CHECK_INT(query.p, status, promised(query, (int)json_get_int(c, "status", 0)));
        CHECK_STR(query.p, challenge, status == 200 ? json_get_str(c, "body") : STR(""));
    }
    json_free(&j);
}

static void test_handshake_shapes(void)
{
    static const struct {
        const char *query;
        int status;
    } cases[] = {
        {"hub.mode=subscribe&hub.challenge=A-b_9&hub.verify_token=t",        200},
        {"hub.mode=subscribe&hub.challenge=%3Cscript%3E&hub.verify_token=t", 400},
        {"hub.mode=subscribe&hub.challenge=&hub.verify_token=t",             400},
        {"hub.mode=subscribe&hub.challenge=1",                               403},
        {"hub.mode=subscribe&hub.challenge=1&hub.verify_token=",             403},
        {"hub.challenge=1&hub.verify_token=t",                               403},
    };
    const struct str tokens[] = {STR(""), STR("t")};
    struct str challenge = STR("");
    struct pairs pairs = {0};
    struct buf b;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CHECK(cases[i].query, form_parse(arena, str_of(cases[i].query), &pairs, NULL));
        CHECK_INT(cases[i].query, meta_handshake(&pairs, tokens, 2, &challenge), cases[i].status);
    }
    CHECK_INT("no tokens", meta_handshake(&pairs, NULL, 0, &challenge), 403);
    buf_init(&b, 1024);
    buf_addz(&b, "hub.mode=subscribe&hub.verify_token=t&hub.challenge=");
    for (size_t i = 0; i < 128; i++) {
        buf_add_char(&b, '1');
    }
    CHECK("128", form_parse(arena, buf_str(&b), &pairs, NULL));
    CHECK_INT("128", meta_handshake(&pairs, tokens, 2, &challenge), 200);
    buf_add_char(&b, '1');
    CHECK("129", form_parse(arena, buf_str(&b), &pairs, NULL));
    CHECK_INT("129", meta_handshake(&pairs, tokens, 2, &challenge), 400);
    buf_fini(&b);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {TEST(test_index),
                                        TEST(test_every_answer),
                                        TEST(test_table),
                                        TEST(test_usual), TEST(test_rows),
                                        TEST(test_details),
                                        TEST(test_signatures),
                                        TEST(test_signature_shapes),
                                        TEST(test_handshake),
                                        TEST(test_handshake_shapes)};
    int rc;

    arena = arena_new();
    rc = test_main(argc, argv, tests, ARRAY_LEN(tests));
    arena_free(&arena);
    return rc;
}
