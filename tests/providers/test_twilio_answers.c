#include "providers/provider.h"

#include "support.h"
#include "twilio/twilio_int.h"

static struct arena *arena;

/* Section by section of Twilio's codes: what must follow. R retry, G give up, A alert, W template.
 */
static const struct {
    int64_t code;
    enum outcome_class cls;
    enum outcome_scope scope;
    bool alert;
    int64_t tries_max;
} codes[] = {
    {11751, OUTCOME_REFUSED,        SCOPE_MESSAGE, false, 0},
    {12300, OUTCOME_NOT_SENT,       SCOPE_MESSAGE, false, 3},
    {20001, OUTCOME_REFUSED,        SCOPE_MESSAGE, true,  0},
    {20003, OUTCOME_SENDER_STOPPED, SCOPE_ACCOUNT, true,  0},
    {20005, OUTCOME_SENDER_STOPPED, SCOPE_ACCOUNT, true,  0},
    {20404, OUTCOME_REFUSED,        SCOPE_MESSAGE, true,  0},
    {20422, OUTCOME_REFUSED,        SCOPE_MESSAGE, true,  0},
    {20429, OUTCOME_THROTTLED,      SCOPE_ACCOUNT, false, 0},
    {20500, OUTCOME_AMBIGUOUS,      SCOPE_MESSAGE, false, 0},
    {20503, OUTCOME_AMBIGUOUS,      SCOPE_MESSAGE, false, 0},
    {21211, OUTCOME_REFUSED,        SCOPE_MESSAGE, false, 0},
    {21212, OUTCOME_SENDER_STOPPED, SCOPE_SENDER,  true,  0},
    {21401, OUTCOME_REFUSED,        SCOPE_MESSAGE, false, 0},
    {21408, OUTCOME_REFUSED,        SCOPE_MESSAGE, true,  0},
    {21602, OUTCOME_REFUSED,        SCOPE_MESSAGE, true,  0},
    {21603, OUTCOME_REFUSED,        SCOPE_MESSAGE, true,  0},
    {21604, OUTCOME_REFUSED,        SCOPE_MESSAGE, true,  0},
    {21606, OUTCOME_SENDER_STOPPED, SCOPE_SENDER,  true,  0},
    {21608, OUTCOME_REFUSED,        SCOPE_MESSAGE, true,  0},
    {21609, OUTCOME_SENDER_STOPPED, SCOPE_SENDER,  true,  0},
    {21610, OUTCOME_OPTED_OUT,      SCOPE_MESSAGE, false, 0},
    {21611, OUTCOME_THROTTLED,      SCOPE_SENDER,  false, 0},
    {21614, OUTCOME_REFUSED,        SCOPE_MESSAGE, false, 0},
    {21617, OUTCOME_REFUSED,        SCOPE_MESSAGE, false, 0},
    {21620, OUTCOME_REFUSED,        SCOPE_MESSAGE, false, 0},
    {21623, OUTCOME_REFUSED,        SCOPE_MESSAGE, false, 0},
    {21624, OUTCOME_REFUSED,        SCOPE_MESSAGE, true,  0},
    {21654, OUTCOME_NEED_TEMPLATE,  SCOPE_MESSAGE, false, 0},
    {21655, OUTCOME_REFUSED,        SCOPE_MESSAGE, true,  0},
    {21656, OUTCOME_REFUSED,        SCOPE_MESSAGE, false, 0},
    {21701, OUTCOME_SENDER_STOPPED, SCOPE_SENDER,  true,  0},
    {21702, OUTCOME_SENDER_STOPPED, SCOPE_SENDER,  true,  0},
    {21703, OUTCOME_SENDER_STOPPED, SCOPE_SENDER,  true,  0},
    {21704, OUTCOME_SENDER_STOPPED, SCOPE_SENDER,  true,  0},
    {21705, OUTCOME_SENDER_STOPPED, SCOPE_SENDER,  true,  0},
    {21910, OUTCOME_SENDER_STOPPED, SCOPE_SENDER,  true,  0},
    {30001, OUTCOME_THROTTLED,      SCOPE_SENDER,  false, 0},
    {30002, OUTCOME_SENDER_STOPPED, SCOPE_ACCOUNT, true,  0},
    {30003, OUTCOME_NOT_SENT,       SCOPE_MESSAGE, false, 2},
    {30004, OUTCOME_REFUSED,        SCOPE_MESSAGE, true,  0},
    {30005, OUTCOME_REFUSED,        SCOPE_MESSAGE, false, 0},
    {30006, OUTCOME_REFUSED,        SCOPE_MESSAGE, false, 0},
    {30007, OUTCOME_REFUSED,        SCOPE_MESSAGE, true,  0},
    {30008, OUTCOME_NOT_SENT,       SCOPE_MESSAGE, false, 2},
    {30036, OUTCOME_REFUSED,        SCOPE_MESSAGE, false, 0},
    {35111, OUTCOME_REFUSED,        SCOPE_MESSAGE, true,  0},
    {63001, OUTCOME_SENDER_STOPPED, SCOPE_SENDER,  true,  0},
    {63002, OUTCOME_SENDER_STOPPED, SCOPE_SENDER,  true,  0},
    {63003, OUTCOME_REFUSED,        SCOPE_MESSAGE, false, 0},
    {63005, OUTCOME_REFUSED,        SCOPE_MESSAGE, false, 0},
    {63006, OUTCOME_REFUSED,        SCOPE_MESSAGE, false, 0},
    {63007, OUTCOME_SENDER_STOPPED, SCOPE_SENDER,  true,  0},
    {63008, OUTCOME_SENDER_STOPPED, SCOPE_SENDER,  true,  0},
    {63009, OUTCOME_NOT_SENT,       SCOPE_MESSAGE, false, 0},
    {63010, OUTCOME_NOT_SENT,       SCOPE_MESSAGE, false, 4},
    {63011, OUTCOME_NOT_SENT,       SCOPE_MESSAGE, false, 4},
    {63012, OUTCOME_NOT_SENT,       SCOPE_MESSAGE, false, 0},
    {63013, OUTCOME_REFUSED,        SCOPE_MESSAGE, true,  0},
    {63014, OUTCOME_OPTED_OUT,      SCOPE_MESSAGE, false, 0},
    {63015, OUTCOME_REFUSED,        SCOPE_MESSAGE, false, 0},
    {63016, OUTCOME_NEED_TEMPLATE,  SCOPE_MESSAGE, false, 0},
    {63017, OUTCOME_THROTTLED,      SCOPE_ACCOUNT, false, 0},
    {63018, OUTCOME_THROTTLED,      SCOPE_SENDER,  false, 0},
    {63019, OUTCOME_NOT_SENT,       SCOPE_MESSAGE, false, 3},
    {63020, OUTCOME_SENDER_STOPPED, SCOPE_SENDER,  true,  0},
    {63021, OUTCOME_REFUSED,        SCOPE_MESSAGE, false, 0},
    {63022, OUTCOME_SENDER_STOPPED, SCOPE_SENDER,  true,  0},
    {63023, OUTCOME_NOT_SENT,       SCOPE_MESSAGE, false, 4},
    {63024, OUTCOME_REFUSED,        SCOPE_MESSAGE, false, 0},
    {63025, OUTCOME_NOT_SENT,       SCOPE_MESSAGE, false, 2},
    {63026, OUTCOME_REFUSED,        SCOPE_MESSAGE, true,  0},
    {63027, OUTCOME_REFUSED,        SCOPE_MESSAGE, true,  0},
    {63028, OUTCOME_REFUSED,        SCOPE_MESSAGE, false, 0},
    {63029, OUTCOME_NOT_SENT,       SCOPE_MESSAGE, false, 2},
    {63030, OUTCOME_REFUSED,        SCOPE_MESSAGE, false, 0},
    {63031, OUTCOME_REFUSED,        SCOPE_MESSAGE, false, 0},
    {63032, OUTCOME_REFUSED,        SCOPE_MESSAGE, false, 0},
    {63033, OUTCOME_OPTED_OUT,      SCOPE_MESSAGE, false, 0},
    {63034, OUTCOME_REFUSED,        SCOPE_MESSAGE, false, 0},
    {63035, OUTCOME_REFUSED,        SCOPE_MESSAGE, false, 0},
    {63036, OUTCOME_REFUSED,        SCOPE_MESSAGE, false, 0},
    {63037, OUTCOME_NOT_SENT,       SCOPE_MESSAGE, false, 3},
    {63038, OUTCOME_THROTTLED,      SCOPE_ACCOUNT, true,  0},
    {63039, OUTCOME_REFUSED,        SCOPE_MESSAGE, false, 0},
    {63040, OUTCOME_REFUSED,        SCOPE_MESSAGE, true,  0},
    {63041, OUTCOME_REFUSED,        SCOPE_MESSAGE, true,  0},
    {63042, OUTCOME_REFUSED,        SCOPE_MESSAGE, true,  0},
    {63046, OUTCOME_REFUSED,        SCOPE_MESSAGE, false, 0},
    {63049, OUTCOME_REFUSED,        SCOPE_MESSAGE, false, 0},
    {63050, OUTCOME_OPTED_OUT,      SCOPE_MESSAGE, false, 0},
    {63051, OUTCOME_SENDER_STOPPED, SCOPE_SENDER,  true,  0},
    {63062, OUTCOME_REFUSED,        SCOPE_MESSAGE, true,  0},
    {63112, OUTCOME_SENDER_STOPPED, SCOPE_ACCOUNT, true,  0},
    {90010, OUTCOME_SENDER_STOPPED, SCOPE_ACCOUNT, true,  0},
    {92002, OUTCOME_REFUSED,        SCOPE_MESSAGE, true,  0},
    {92006, OUTCOME_REFUSED,        SCOPE_MESSAGE, true,  0},
    {92007, OUTCOME_REFUSED,        SCOPE_MESSAGE, false, 0},
    {92009, OUTCOME_REFUSED,        SCOPE_MESSAGE, false, 0},
};

static void test_codes(void)
{
    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        const struct provider_error *e = provider_twilio.error_find(codes[i].code, 0);
        struct outcome out;
        char label[32];

        snprintf(label, sizeof(label), "%lld", (long long)codes[i].code);
        CHECK_INT(label, e->code, codes[i].code);
        CHECK_INT(label, e->cls, codes[i].cls);
        CHECK_INT(label, e->scope, codes[i].scope);
        CHECK_INT(label, e->alert, codes[i].alert);
        CHECK_INT(label, e->tries_max, codes[i].tries_max);
        /* The same through an answer, whatever the HTTP status says. */
        provider_twilio.outcome(arena, 400, arena_printf(arena, "{\"code\":%s}", label), 0, NULL,
                                &out);
        CHECK_INT(label, out.cls, codes[i].cls);
        CHECK_INT(label, out.code, codes[i].code);
    }
}

static void test_table(void)
{
    static const int64_t debugger[] = {11200, 11205, 11220, 11750, 11770, 12100, 12200};

    for (size_t i = 0; i < twilio_nerrors; i++) {
        const struct provider_error *e = &twilio_errors[i];

        CHECK(e->title, i == 0 || twilio_errors[i - 1].code < e->code);
        CHECK(e->title, strlen(e->title) > 10 && e->title[strlen(e->title) - 1] != '.');
        CHECK(e->title, strlen(e->advice) > 10 && e->advice[strlen(e->advice) - 1] == '.');
        CHECK(e->title, e->alert || e->cls != OUTCOME_SENDER_STOPPED);
        CHECK(e->title, provider_twilio.error_find(e->code, 0) == e);
    }
    for (size_t i = 0; i < ARRAY_LEN(debugger); i++) {
        CHECK_INT("debugger", provider_twilio.error_find(debugger[i], 0)->code, debugger[i]);
    }
    CHECK_INT("TLS", provider_twilio.error_find(11237, 0)->code, 11220);
    CHECK_INT("scheduling", provider_twilio.error_find(35126, 0)->code, 35111);
    CHECK_INT("unknown", provider_twilio.error_find(63999, 0)->code, 0);
    CHECK("unknown", provider_twilio.error_find(63999, 0)->alert);
    CHECK_INT("none", provider_twilio.error_find(0, 0)->cls, OUTCOME_REFUSED);
    CHECK("none", !provider_twilio.error_find(0, 0)->alert);
}

/* "<http>-<code>.json" is an error of that code, "<http>-<what>" something else. */
static void answer(const char *file, void *ctx)
{
    struct str name = str_of(strchr(file, '/') + 1), status_text, rest, code_text, ending;
    int64_t status, code;
    struct outcome out;
    struct buf b;

    if (!str_cut(name, '-', &status_text, &rest) || !str_to_i64(status_text, 100, 599, &status)) {
        return;
    }
    str_cut(rest, '.', &code_text, &ending);
    fixture("twilio", file, &b);
    provider_twilio.outcome(arena, (int)status, buf_str(&b), 0, NULL, &out);
    if (str_to_i64(code_text, 1, 99999, &code)) {
        CHECK_INT(file, out.code, code);
        CHECK(file, out.details.n > 0 && out.title.n > 0);
        CHECK(file, out.cls == provider_twilio.error_find(code, 0)->cls && out.cls != OUTCOME_SENT);
        CHECK_INT(file, out.provider_id.n, 0);
        ++*(size_t *)ctx;
    } else if (str_starts(rest, STR("message-")) && status == 201) {
        CHECK_INT(file, out.cls, OUTCOME_SENT);
        CHECK_INT(file, out.provider_id.n, 34);
    }
    buf_fini(&b);
}

static void test_every_answer(void)
{
    size_t errors = 0;

    CHECK("answers", fixtures_each("twilio", "responses", answer, &errors) >= 61);
    CHECK_INT("errors", errors, 32);
}

static const struct {
    const char *label;
    int status;
    const char *body;
    enum outcome_class cls;
    enum outcome_scope scope;
    bool alert;
    int64_t code;
} rows[] = {
    {"typing",              200, "{\"success\":true}",                                           OUTCOME_SENT,           SCOPE_MESSAGE, false, 0    },
    {"201 without sid",     201, "{}",                                                           OUTCOME_AMBIGUOUS,      SCOPE_MESSAGE, false, 0    },
    {"201 and nothing",     201, "",                                                             OUTCOME_AMBIGUOUS,      SCOPE_MESSAGE, false, 0    },
    {"201, failed at once", 201, "{\"sid\":\"SM1\",\"status\":\"failed\",\"error_code\":63016}",
     OUTCOME_NEED_TEMPLATE,                                                                                              SCOPE_MESSAGE, false, 63016},
    {"502 in HTML",         502, "<html>",                                                       OUTCOME_AMBIGUOUS,      SCOPE_MESSAGE, false, 0    },
    {"500 and nothing",     500, "",                                                             OUTCOME_AMBIGUOUS,      SCOPE_MESSAGE, false, 0    },
    {"500, unknown code",   500, "{\"code\":99}",                                                OUTCOME_AMBIGUOUS,      SCOPE_MESSAGE, false, 99   },
    {"408",                 408, "",                                                             OUTCOME_AMBIGUOUS,      SCOPE_MESSAGE, false, 0    },
    {"429 without code",    429, "{}",                                                           OUTCOME_THROTTLED,      SCOPE_ACCOUNT, false, 0    },
    {"401 without code",    401, "",                                                             OUTCOME_SENDER_STOPPED, SCOPE_ACCOUNT, true,  0    },
    {"403 in HTML",         403, "<html>",                                                       OUTCOME_REFUSED,        SCOPE_MESSAGE, true,  0    },
    {"400, unknown code",   400, "{\"code\":99}",                                                OUTCOME_REFUSED,        SCOPE_MESSAGE, true,  99   },
    {"302",                 302, "",                                                             OUTCOME_SENDER_STOPPED, SCOPE_SENDER,  true,  0    },
};

static void test_rows(void)
{
    struct outcome out;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        provider_twilio.outcome(arena, rows[i].status, str_of(rows[i].body), 0, NULL, &out);
        CHECK_INT(rows[i].label, out.cls, rows[i].cls);
        CHECK_INT(rows[i].label, out.scope, rows[i].scope);
        CHECK_INT(rows[i].label, out.alert, rows[i].alert);
        CHECK_INT(rows[i].label, out.code, rows[i].code);
        CHECK(rows[i].label, out.title.n > 0);
    }
    provider_twilio.outcome(arena, 429, STR("{\"code\":20429}"), 3, NULL, &out);
    CHECK_INT("Retry-After", out.retry_after_ms, 3000);
}

/* The vectors' parameters are given decoded; the body is parsed too and must give the same verdict.
 */
static bool verdict(const struct json *v, bool from_body)
{
    const struct json *params = json_get(v, "params");
    bool is_json = str_eqz(json_get_str(v, "content_type"), "application/json");
    struct str raw = json_get_str(v, "raw_body");
    struct pairs form = {0};

    if (is_json) {
        return twilio_signature_ok(json_get_str(v, "auth_token"), json_get_str(v, "url"), NULL,
                                   raw.p == NULL ? STR("") : raw, json_get_str(v, "signature"));
    }
    if (from_body) {
        CHECK("form", form_parse(arena, raw, &form, NULL));
    } else {
        form.v = ARENA_ARRAY(arena, struct pair, json_len(params) + 1);
        form.n = json_len(params);
        for (size_t i = 0; i < form.n; i++) {
            form.v[i].name = json_str(json_at(json_at(params, i), 0));
            form.v[i].value = json_str(json_at(json_at(params, i), 1));
        }
    }
    return twilio_signature_ok(json_get_str(v, "auth_token"), json_get_str(v, "url"), &form,
                               STR_NONE, json_get_str(v, "signature"));
}

static void test_vectors(void)
{
    struct json *j = fixture_json("twilio", "signature-vectors.json");
    const struct json *vectors = json_get(j, "vectors");

    CHECK_INT("vectors", json_len(vectors), 41);
    for (size_t i = 0; i < json_len(vectors); i++) {
        const struct json *v = json_at(vectors, i);
        const char *name = json_get_str(v, "name").p;
        bool valid = json_get_bool(v, "valid", false);

        CHECK_INT(name, verdict(v, false), valid);
        if (json_get_str(v, "raw_body").p != NULL) {
            CHECK_INT(name, verdict(v, true), valid);
        }
    }
    json_free(&j);
}

/* Every webhook fixture with the signature that Twilio's own library computed for it. */
static void test_manifest(void)
{
    struct json *j = fixture_json("twilio", "manifest.json");
    const struct json *items = json_get(j, "items");
    struct str token = json_get_str(j, "auth_token");

    CHECK_INT("items", json_len(items), 51);
    for (size_t i = 0; i < json_len(items); i++) {
        const struct json *item = json_at(items, i);
        const char *file = json_get_str(item, "file").p;
        struct str header = json_get_str(json_get(item, "headers"), "X-Twilio-Signature");
        struct pairs form = {0};
        struct buf body;

        fixture("twilio", file, &body);
        CHECK(file, form_parse(arena, buf_str(&body), &form, NULL));
        CHECK(file, twilio_signature_ok(token, json_get_str(item, "url"), &form, STR_NONE, header));
        CHECK(file, !twilio_signature_ok(STR("other"), json_get_str(item, "url"), &form, STR_NONE,
                                         header));
        form.n--;
        CHECK(file,
              !twilio_signature_ok(token, json_get_str(item, "url"), &form, STR_NONE, header));
        buf_fini(&body);
        arena_reset(arena);
    }
    json_free(&j);
}

static void test_urls(void)
{
    static const struct {
        const char *url;
        bool ok;
    } urls[] = {
        {"https://gateway.example.com/twilio/inbound",             true },
        {"https://user:pw@gateway.example.com/twilio/inbound",     true },
        {"https://gateway.example.com/twilio/inbound#rc=3&rp=all", true },
        {"https://gateway.example.com:8443/twilio/inbound",        true }, /* its port may be dropped */
        {"https://gateway.example.com/twilio/inbound?",            false},
        {"https://gateway.example.org/twilio/inbound",             false},
        {"gateway.example.com/twilio/inbound",                     false},
        {"https:///twilio/inbound",                                false},
        {"",                                                       false},
    };
    struct pair pairs[] = {
        {S("Digits"),     S("5678") },
        {S("Digits"),     S("1234") },
        {S("Digits"),     S("1234") },
        {S("Sid"),        S("CA123")},
        {S("SidAccount"), S("AC123")}
    };
    struct pairs form = {pairs, ARRAY_LEN(pairs)};
    struct str token = STR("fedcba9876543210fedcba9876543210"),
               sig = STR("HjZRkkNNgnNWf7wxzPoJUAMyzAY=");

    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        CHECK_INT(urls[i].url,
                  twilio_signature_ok(token, str_of(urls[i].url), &form, STR_NONE, sig),
                  urls[i].ok);
    }
    CHECK("no token", !twilio_signature_ok(STR(""), str_of(urls[0].url), &form, STR_NONE, sig));
    CHECK("URL alphabet", !twilio_signature_ok(token, str_of(urls[0].url), &form, STR_NONE,
                                               STR("HjZRkkNNgnNWf7wxzPoJUAMyzAY")));
    form.n = FORM_PAIRS_MAX + 1;
    CHECK("too many", !twilio_signature_ok(token, str_of(urls[0].url), &form, STR_NONE, sig));
    CHECK("JSON without hash",
          !twilio_signature_ok(token, str_of(urls[0].url), NULL, STR("{}"), sig));
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_codes),   TEST(test_table),    TEST(test_every_answer), TEST(test_rows),
        TEST(test_vectors), TEST(test_manifest), TEST(test_urls)};
    int rc;

    arena = arena_new();
    rc = test_main(argc, argv, tests, ARRAY_LEN(tests));
    arena_free(&arena);
    return rc;
}
