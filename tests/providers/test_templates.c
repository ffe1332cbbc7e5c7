/* Templates as each provider wants and tells them: requests member by member, fixtures of answers.
 */
#include "providers/templates.h"

#include "support.h"

static struct arena *arena;
static const struct sender meta = {.provider = PROVIDER_META,
                                   .business_account_id = S("102"),
                                   .access_token = S("token"),
                                   .api_base = S("https://graph.facebook.com"),
                                   .api_version = S("v23.0")};
static const struct sender twilio = {.provider = PROVIDER_TWILIO,
                                     .account_sid = S("AC1"),
                                     .auth_token = S("secret"),
                                     .content_base = S("https://content.twilio.com")};

static struct template_def def(const char *json)
{
    struct template_def d;
    struct json *j = NULL;
    struct err err = {0};

    if (!json_parse(str_of(json), 1 << 16, &j, &err) ||
        !template_from_json(arena, STR("order_ready"), STR("en_US"), j, &d, &err)) {
        test_fail(__FILE__, __LINE__, "%s: %s", json, err.msg);
    }
    json_free(&j);
    return d;
}

#define CATEGORY "\"category\":\"UTILITY\","

static const struct {
    const char *label, *json, *meta, *twilio_types, *twilio_variables;
} rows[] = {
    {"words alone",                         "{" CATEGORY "\"body\":\"Hello {{1}}, it is ready.\",\"examples\":[\"Ada\"]}",
     "{\"name\":\"order_ready\",\"language\":\"en_US\",\"category\":\"UTILITY\",\"components\":[{"
     "\"type\":\"BODY\",\"text\":\"Hello {{1}}, it is ready.\",\"example\":{\"body_text\":[["
     "\"Ada\"]]}}]}",                                                                           "{\"twilio/text\":{\"body\":\"Hello {{1}}, it is ready.\"}}", "{\"1\":\"Ada\"}"                                 },
    {"no variable",                         "{" CATEGORY "\"body\":\"It is ready.\",\"examples\":[]}",
     "{\"name\":\"order_ready\",\"language\":\"en_US\",\"category\":\"UTILITY\",\"components\":[{"
     "\"type\":\"BODY\",\"text\":\"It is ready.\"}]}",                                          "{\"twilio/text\":{\"body\":\"It is ready.\"}}",              "{}"                                              },
    {"quick replies",
     "{" CATEGORY "\"body\":\"Is {{1}} done?\",\"examples\":[\"it\"],\"buttons\":[\"Yes\","
     "{\"text\":\"View\",\"action\":\"view\"}]}",                                                                          "{\"name\":\"order_ready\",\"language\":\"en_US\",\"category\":\"UTILITY\",\"components\":[{"
     "\"type\":\"BODY\",\"text\":\"Is {{1}} done?\",\"example\":{\"body_text\":[[\"it\"]]}},{"
     "\"type\":\"BUTTONS\",\"buttons\":[{\"type\":\"QUICK_REPLY\",\"text\":\"Yes\"},{\"type\":"
     "\"QUICK_REPLY\",\"text\":\"View\"}]}]}", "{\"twilio/quick-reply\":{\"body\":\"Is {{1}} done?\",\"actions\":[{\"type\":\"QUICK_REPLY\","
     "\"title\":\"Yes\",\"id\":\"{{2}}\"},{\"type\":\"QUICK_REPLY\",\"title\":\"View\",\"id\":"
     "\"{{3}}\"}]}}",                                          "{\"1\":\"it\",\"2\":\"sample\",\"3\":\"sample\"}"},
    {"all there is, replies first at Meta",
     "{" CATEGORY "\"body\":\"Ready.\",\"header\":\"Shop\",\"footer\":\"Bye\",\"examples\":[],"
     "\"buttons\":[{\"text\":\"Open\",\"url\":\"https://x.example\"},{\"text\":\"Call\",\"phone\":"
     "\"+12025550163\"},\"Later\"]}",                                                                                      "{\"name\":\"order_ready\",\"language\":\"en_US\",\"category\":\"UTILITY\",\"components\":[{"
     "\"type\":\"HEADER\",\"format\":\"TEXT\",\"text\":\"Shop\"},{\"type\":\"BODY\",\"text\":"
     "\"Ready.\"},{\"type\":\"FOOTER\",\"text\":\"Bye\"},{\"type\":\"BUTTONS\",\"buttons\":[{"
     "\"type\":\"QUICK_REPLY\",\"text\":\"Later\"},{\"type\":\"URL\",\"text\":\"Open\",\"url\":"
     "\"https://x.example\"},{\"type\":\"PHONE_NUMBER\",\"text\":\"Call\",\"phone_number\":"
     "\"+12025550163\"}]}]}",                              "{\"whatsapp/card\":{\"body\":\"Ready.\",\"header_text\":\"Shop\",\"footer\":\"Bye\","
     "\"actions\":[{\"type\":\"URL\",\"title\":\"Open\",\"url\":\"https://x.example\"},{\"type\":"
     "\"PHONE_NUMBER\",\"title\":\"Call\",\"phone\":\"+12025550163\"},{\"type\":\"QUICK_REPLY\","
     "\"title\":\"Later\",\"id\":\"{{1}}\"}]}}",                                            "{\"1\":\"sample\"}"                              },
    {"one-time code",                       "{\"category\":\"AUTHENTICATION\",\"examples\":[\"483920\"]}",
     "{\"name\":\"order_ready\",\"language\":\"en_US\",\"category\":\"AUTHENTICATION\","
     "\"components\":[{\"type\":\"BODY\",\"add_security_recommendation\":true},{\"type\":"
     "\"FOOTER\",\"code_expiration_minutes\":10},{\"type\":\"BUTTONS\",\"buttons\":[{\"type\":"
     "\"OTP\",\"otp_type\":\"COPY_CODE\"}]}]}",                                                 "{\"whatsapp/authentication\":{\"add_security_recommendation\":true,"
     "\"code_expiration_minutes\":10,\"actions\":[{\"type\":\"COPY_CODE\",\"copy_code_text\":"
     "\"Copy code\"}]}}",                                                                                      "{\"1\":\"483920\"}"                              },
};

static void same_json(const char *label, struct str text, const char *want)
{
    struct json *a = NULL, *b = NULL;

    if (!json_parse(text, 1 << 16, &a, NULL) || !json_parse(str_of(want), 1 << 16, &b, NULL) ||
        !json_eq(a, b)) {
        test_fail(__FILE__, __LINE__, "%s: %.*s\nwant %s", label, STR_ARG(text), want);
    }
    json_free(&a);
    json_free(&b);
}

static struct str part(struct str text, const char *name)
{
    struct json *j = NULL;
    struct buf b;
    struct str s;

    json_parse(text, 1 << 16, &j, NULL);
    buf_init(&b, 1 << 16);
    json_dump(json_get(j, name), &b);
    s = arena_dup(arena, buf_str(&b));
    buf_fini(&b);
    json_free(&j);
    return s;
}

static void test_create(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct template_def d = def(rows[i].json);
        struct outgoing out;

        template_calls_of(PROVIDER_META)->create(arena, &meta, &d, NULL, &out);
        CHECK_Z(rows[i].label, out.url, "https://graph.facebook.com/v23.0/102/message_templates");
        CHECK_Z(rows[i].label, out.headers[0].value, "Bearer token");
        same_json(rows[i].label, out.body, rows[i].meta);
        template_calls_of(PROVIDER_TWILIO)->create(arena, &twilio, &d, NULL, &out);
        CHECK_Z(rows[i].label, out.url, "https://content.twilio.com/v1/Content");
        CHECK_Z(rows[i].label, out.basic_user, "AC1");
        same_json(rows[i].label, part(out.body, "types"), rows[i].twilio_types);
        same_json(rows[i].label, part(out.body, "variables"), rows[i].twilio_variables);
    }
}

/* What was decided at Meta is edited; what is under review is asked for anew, and refused there. */
static void test_edit(void)
{
    static const struct {
        enum template_status status;
        bool edit;
    } states[] = {
        {TEMPLATE_APPROVED, true },
        {TEMPLATE_REJECTED, true },
        {TEMPLATE_PAUSED,   true },
        {TEMPLATE_PENDING,  false},
        {TEMPLATE_DISABLED, false},
    };
    struct template_def d = def(rows[0].json);

    for (size_t i = 0; i < ARRAY_LEN(states); i++) {
        struct template_state known = {.status = states[i].status, .id = STR("77")};
        const char *label = template_status_name(known.status);
        struct outgoing out;

        template_calls_of(PROVIDER_META)->create(arena, &meta, &d, &known, &out);
        CHECK(label, str_ends(out.url, STR("/77")) == states[i].edit);
        CHECK(label, (str_find(out.body, STR("\"name\"")) == SIZE_MAX) == states[i].edit);
    }
}

static void test_list_meta(void)
{
    const struct template_calls *calls = template_calls_of(PROVIDER_META);
    struct template_page page;
    struct outgoing out;
    struct err err = {0};
    struct buf body;

    calls->list(arena, &meta, &out);
    CHECK("path", str_starts(out.url, STR("https://graph.facebook.com/v23.0/102/message_templates"
                                          "?fields=id,name,language,status")));
    fixture("meta", "responses/templates_list.json", &body);
    CHECK("listed", calls->listed(arena, &meta, buf_str(&body), &page, &err));
    buf_fini(&body);
    CHECK_INT("two", page.n, 2);
    CHECK_Z("name", page.v[0].name, "order_ready_v2");
    CHECK_INT("approved", page.v[0].state.status, TEMPLATE_APPROVED);
    CHECK_Z("id", page.v[0].state.id, "1689550000000417");
    CHECK_INT("paused", page.v[1].state.status, TEMPLATE_PAUSED);
    CHECK_Z("category", page.v[1].state.category, "MARKETING");
    CHECK("next by its cursor, at our own address",
          str_starts(page.next.url, STR("https://graph.facebook.com/v23.0/102/")) &&
              str_ends(page.next.url, STR("&after=QVFIUexampleAfter")));
    fixture("meta", "responses/templates_list_last_page.json", &body);
    CHECK("last", calls->listed(arena, &meta, buf_str(&body), &page, &err));
    buf_fini(&body);
    CHECK("no next", page.n == 0 && page.next.method == NULL);
    CHECK("no list", !calls->listed(arena, &meta, STR("{}"), &page, &err));
    CHECK_INT("is an error", err.code, ERR_PROVIDER);
}

/* The words that Meta lists are known again, whatever their order of buttons was with us. */
static void test_same_words(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct template_def d = def(rows[i].json);
        char hash[TEMPLATE_HASH_CHARS + 1];
        struct template_page page;
        struct err err = {0};
        struct str text =
            arena_printf(arena, "{\"data\":[%.*s,\"id\":\"1\",\"status\":\"PENDING\"}]}",
                         (int)strlen(rows[i].meta) - 1, rows[i].meta);

        template_hash(&d, hash);
        CHECK(rows[i].label,
              template_calls_of(PROVIDER_META)->listed(arena, &meta, text, &page, &err));
        CHECK_Z(rows[i].label, page.v[0].state.hash, hash);
    }
}

static void test_list_twilio(void)
{
    const struct template_calls *calls = template_calls_of(PROVIDER_TWILIO);
    struct template_page page;
    struct err err = {0};

    CHECK("listed",
          calls->listed(arena, &twilio,
                        STR("{\"contents\":[{\"sid\":\"HX1\",\"friendly_name\":"
                            "\"order_ready.0123456789abcdef\",\"language\":\"es\"},"
                            "{\"sid\":\"HX2\",\"friendly_name\":\"crewline_0123\",\"language\":"
                            "\"en\"},{\"sid\":\"HX3\",\"language\":\"en\"}],\"meta\":{"
                            "\"next_page_url\":\"https://evil.example/v1/Content?Page=1\"}}"),
                        &page, &err));
    CHECK_INT("ours alone", page.n, 1);
    CHECK_Z("name", page.v[0].name, "order_ready");
    CHECK_Z("hash", page.v[0].state.hash, "0123456789abcdef");
    CHECK_INT("not looked at yet", page.v[0].state.status, TEMPLATE_UNKNOWN);
    CHECK_Z("next", page.next.url, "https://content.twilio.com/v1/Content?Page=1");
}

static const struct {
    const char *file;
    enum template_status status;
    const char *reason;
} approvals[] = {
    {"200-content-approval-approved.json",    TEMPLATE_APPROVED, ""              },
    {"200-content-approval-pending.json",     TEMPLATE_PENDING,  ""              },
    {"200-content-approval-rejected.json",    TEMPLATE_REJECTED, "INVALID_FORMAT"},
    {"200-content-approval-paused.json",      TEMPLATE_PAUSED,   ""              },
    {"200-content-approval-disabled.json",    TEMPLATE_DISABLED, ""              },
    {"200-content-approval-unsubmitted.json", TEMPLATE_MISSING,  ""              },
    {"201-content-approval-received.json",    TEMPLATE_PENDING,  ""              },
};

static void test_answers(void)
{
    const struct template_calls *tw = template_calls_of(PROVIDER_TWILIO),
                                *me = template_calls_of(PROVIDER_META);
    struct template_state s = {.id = STR("HX9")};
    struct err err = {0};
    struct buf body;

    for (size_t i = 0; i < ARRAY_LEN(approvals); i++) {
        s = (struct template_state){.id = STR("HX9")};
        fixture("twilio", arena_printf(arena, "responses/%s", approvals[i].file).p, &body);
        CHECK(approvals[i].file, tw->answered(arena, buf_str(&body), &s, &err));
        buf_fini(&body);
        CHECK_INT(approvals[i].file, s.status, approvals[i].status);
        CHECK_Z(approvals[i].file, s.reason, approvals[i].reason);
        CHECK(approvals[i].file, s.id.n > 0);
    }
    s = (struct template_state){0};
    fixture("meta", "responses/template_create_success.json", &body);
    CHECK("created", me->answered(arena, buf_str(&body), &s, &err));
    buf_fini(&body);
    CHECK_INT("pending", s.status, TEMPLATE_PENDING);
    CHECK_Z("id", s.id, "1689550000000417");
    CHECK("edited", me->answered(arena, STR("{\"success\":true}"), &s, &err));
    CHECK_Z("the same", s.id, "1689550000000417");
    CHECK("nothing", !me->answered(arena, STR("{}"), &s, &err));
    CHECK("nothing", !tw->answered(arena, STR("[]"), &s, &err));
}

static void test_submit_and_remove(void)
{
    const struct template_calls *tw = template_calls_of(PROVIDER_TWILIO),
                                *me = template_calls_of(PROVIDER_META);
    struct template_def d = def(rows[0].json);
    char hash[TEMPLATE_HASH_CHARS + 1];
    struct outgoing out;

    template_hash(&d, hash);
    tw->submit(arena, &twilio, &d, STR("HX7"), &out);
    CHECK_Z("where", out.url,
            "https://content.twilio.com/v1/Content/HX7/ApprovalRequests/whatsapp");
    same_json(
        "what", out.body,
        arena_printf(arena, "{\"name\":\"order_ready_%s\",\"category\":\"UTILITY\"}", hash).p);
    tw->look(arena, &twilio, STR("HX7"), &out);
    CHECK_Z("look", out.url, "https://content.twilio.com/v1/Content/HX7/ApprovalRequests");
    tw->remove(arena, &twilio, STR("order_ready"), STR("HX7"), &out);
    CHECK_Z("remove", out.url, "https://content.twilio.com/v1/Content/HX7");
    CHECK_Z("method", str_of(out.method), "DELETE");
    me->remove(arena, &meta, STR("order_ready"), STR("77"), &out);
    CHECK_Z("one language", out.url,
            "https://graph.facebook.com/v23.0/102/message_templates?name=order_ready&hsm_id=77");
    CHECK("Meta's list tells", me->look == NULL && me->submit == NULL);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {TEST(test_create),           TEST(test_edit),
                                        TEST(test_list_meta),        TEST(test_same_words),
                                        TEST(test_list_twilio),      TEST(test_answers),
                                        TEST(test_submit_and_remove)};
    int code;

    arena = arena_new();
    code = test_main(argc, argv, tests, ARRAY_LEN(tests));
    arena_free(&arena);
    return code;
}
