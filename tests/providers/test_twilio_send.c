#include "providers/provider.h"

#include "support.h"

#define HX "HXfa4416cd81f6afeed5807685fbb8ebec"

static struct arena *arena;
static const struct sender sender = {.id = S("backup"),
                                     .provider = PROVIDER_TWILIO,
                                     .number = S("+12025550100"),
                                     .account_sid = S("AC0123456789abcdef0123456789abcdef"),
                                     .auth_token = S("token"),
                                     .api_base = S("https://api.twilio.com"),
                                     .content_base = S("https://content.twilio.com")};

#define TO .phone = S("+14155550123")
static const struct {
    const char *file;
    struct message m;
    bool service, no_number; /* the sender has a Messaging Service; and no number of its own */
} goldens[] = {
    {"send-text",                       {TO, .kind = MESSAGE_TEXT, .text = S("Your order 981 is ready.")}, false, false},
    {"send-text-unicode",
     {TO, .kind = MESSAGE_TEXT,
      .text =
          S("Ol\xc3\xa1 Zo\xc3\xab \xf0\x9f\x91\x8b\nlinha 2 \xe2\x80\x94 50% & mais + \"aspas\"")},
     false,                                                                                                       false},
    {"send-text-bsuid",
     {.bsuid = S("US.13490000000000000191"), .kind = MESSAGE_TEXT, .text = S("hello")},
     false,                                                                                                       false},
    {"send-text-messaging-service",
     {TO, .kind = MESSAGE_TEXT, .text = S("via service")},
     true,                                                                                                        true },
    {"send-text-service-pinned-sender",
     {TO, .kind = MESSAGE_TEXT, .text = S("via service, fixed sender")},
     true,                                                                                                        false},
    {"send-image-caption",
     {TO, .kind = MESSAGE_MEDIA, .text = S("Your label"),
      .media = {.url = S("https://gateway.example.com/media/label-981.png"),
                .mime = S("image/png")}},
     false,                                                                                                       false},
    {"send-audio",
     {TO, .kind = MESSAGE_MEDIA,
      .media = {.url = S("https://gateway.example.com/media/note.ogg"), .mime = S("audio/ogg")}},
     false,                                                                                                       false},
    {"send-document",
     {TO, .kind = MESSAGE_MEDIA,
      .media = {.url = S("https://gateway.example.com/media/invoice.pdf"),
                .mime = S("application/pdf")}},
     false,                                                                                                       false},
    {"send-location",
     {TO, .kind = MESSAGE_LOCATION,
      .location = {38.897957, -77.03656, S("Example Store"), S("1 Example Street")}},
     false,                                                                                                       false},
    {"send-content-variables",
     {TO, .kind = MESSAGE_TEMPLATE,
      .template_ = {.content_sid = S("HXfb860cf29a6dc20c3cfc68e36cebaf8a"),
                    .nparams = 2,
                    .params = {{.value = S("Ana")}, {.value = S("28 March")}}}},
     false,                                                                                                       false},
    {"send-content-quick-reply",
     {TO, .kind = MESSAGE_TEMPLATE,
      .template_ = {.content_sid = S("HX205b0761c5d418fd2c79d7362c7f6253")}},
     false,                                                                                                       false},
    {"send-content-list-picker",
     {TO, .kind = MESSAGE_TEMPLATE,
      .template_ = {.content_sid = S(HX), .nparams = 1, .params = {{.value = S("Pick a slot")}}}},
     false,                                                                                                       false},
};

/* Other calls, and parameters that we never use. */
static const char *const not_ours[] = {
    "cancel-scheduled.form",
    "content-approval.json",
    "content-create-card.json",
    "content-create-list-picker.json",
    "content-create-media.json",
    "content-create-quick-reply.json",
    "content-create-text.json",
    "redact-body.form",
    "send-scheduled.form",
    "send-text-validity.form",
    "typing-v2.form",
    "typing-v3.json",
};

static bool has(const struct pairs *p, struct str name, struct str value)
{
    for (size_t i = 0; i < p->n; i++) {
        if (str_eq(p->v[i].name, name) && str_eq(p->v[i].value, value)) {
            return true;
        }
    }
    return false;
}

static bool number(struct str s)
{
    double d;

    return str_to_double(s, &d);
}

/* The same pairs in any order; the fixtures' StatusCallback is replaced by what ours must be. */
static void same_form(const char *label, struct str got, struct str want, struct str callback)
{
    struct pairs a = {0}, b = {0};
    struct err err = {0};

    CHECK(label, form_parse(arena, got, &a, &err));
    CHECK(label, form_parse(arena, want, &b, &err));
    CHECK_INT(label, a.n, b.n);
    for (size_t i = 0; i < b.n; i++) {
        struct str value = str_eqz(b.v[i].name, "StatusCallback") ? callback : b.v[i].value;

        if (!has(&a, b.v[i].name, value)) {
            test_fail(__FILE__, __LINE__, "%s: %.*s=%.*s is missing in %.*s", label,
                      STR_ARG(b.v[i].name), STR_ARG(value), STR_ARG(got));
        }
    }
}

static void test_goldens(void)
{
    for (size_t i = 0; i < ARRAY_LEN(goldens); i++) {
        struct outgoing out = {0};
        struct sender s = sender;
        struct err err = {0};
        struct buf want;
        char file[128];

        if (goldens[i].service) {
            s.messaging_service_sid = STR("MG00112233445566778899aabbccddeeff");
        }
        if (goldens[i].no_number) {
            s.number = STR_NONE;
        }
        snprintf(file, sizeof(file), "requests/%s.form", goldens[i].file);
        fixture("twilio", file, &want);
        CHECK(file, provider_twilio.build(arena, &s, &goldens[i].m, STR("01J+x.1.ab"),
                                          STR("https://us.example:8443"), &out, &err));
        same_form(file, out.body, buf_str(&want),
                  STR("https://us.example:8443/api/whatsappwebhook/status?c=01J%2Bx.1.ab"));
        buf_fini(&want);
    }
}

static void known(const char *file, void *ctx)
{
    size_t n = 0;
    char name[128];

    (void)ctx;
    for (size_t i = 0; i < ARRAY_LEN(goldens); i++) {
        snprintf(name, sizeof(name), "requests/%s.form", goldens[i].file);
        n += strcmp(name, file) == 0;
    }
    for (size_t i = 0; i < ARRAY_LEN(not_ours); i++) {
        snprintf(name, sizeof(name), "requests/%s", not_ours[i]);
        n += strcmp(name, file) == 0;
    }
    CHECK_INT(file, n, 1);
}

static void test_every_request(void)
{
    CHECK_INT("requests", fixtures_each("twilio", "requests", known, NULL),
              ARRAY_LEN(goldens) + ARRAY_LEN(not_ours));
}

static void test_request(void)
{
    struct message m = {TO, .kind = MESSAGE_TEXT, .text = S("x")};
    struct sender s = sender;
    struct outgoing out = {0};
    struct err err = {0};

    CHECK("built", provider_twilio.build(arena, &s, &m, STR_NONE, STR("https://us"), &out, &err));
    CHECK_Z("method", str_of(out.method), "POST");
    CHECK_Z("url", out.url,
            "https://api.twilio.com/2010-04-01/Accounts/AC0123456789abcdef0123456789abcdef/"
            "Messages.json");
    CHECK_Z("user", out.basic_user, "AC0123456789abcdef0123456789abcdef");
    CHECK_Z("password", out.basic_password, "token");
    CHECK_Z("type", out.headers[0].value, "application/x-www-form-urlencoded");
    CHECK_Z("no callback", out.body,
            "To=whatsapp%3A%2B14155550123&From=whatsapp%3A%2B12025550100&Body=x");
    CHECK("built", provider_twilio.build(arena, &s, &m, STR("c"), STR_NONE, &out, &err));
    CHECK("no base", str_find(out.body, STR("StatusCallback")) == SIZE_MAX);
    m = (struct message){.kind = MESSAGE_READ, .quoted = S("SM5c88074b1963f8de57c4de008a99cc9a")};
    CHECK("read", provider_twilio.build(arena, &s, &m, STR("c"), STR("b"), &out, &err));
    CHECK_Z("typing", out.url, "https://messaging.twilio.com/v2/Indicators/Typing.json");
    CHECK_Z("typing", out.body, "channel=whatsapp&messageId=SM5c88074b1963f8de57c4de008a99cc9a");
    s.api_base = STR("https://api.dublin.ie1.twilio.com");
    CHECK("read", provider_twilio.build(arena, &s, &m, STR_NONE, STR_NONE, &out, &err));
    CHECK_Z("region", out.url, "https://messaging.dublin.ie1.twilio.com/v2/Indicators/Typing.json");
    s.api_base = STR("http://127.0.0.1:9090");
    CHECK("read", provider_twilio.build(arena, &s, &m, STR_NONE, STR_NONE, &out, &err));
    CHECK_Z("sandbox", out.url, "http://127.0.0.1:9090/v2/Indicators/Typing.json");
    CHECK("probe", provider_twilio.probe(arena, &sender, &out));
    CHECK_Z("probe", out.url,
            "https://api.twilio.com/2010-04-01/Accounts/AC0123456789abcdef0123456789abcdef.json");
    m = (struct message){
        TO, .kind = MESSAGE_LOCATION, .location = {.latitude = 1, .longitude = 2}
    };
    CHECK("bare place", provider_twilio.build(arena, &s, &m, STR_NONE, STR_NONE, &out, &err));
    CHECK("body",
          str_ends(out.body, STR("Body=1.000000%2C%202.000000&PersistentAction=geo%3A1.000000%2C"
                                 "2.000000")));
    CHECK("a number", number(STR("1.000000")));
}

static struct str smileys(size_t n)
{
    char *p = arena_alloc(arena, 4 * n + 1);

    for (size_t i = 0; i < n; i++) {
        memcpy(p + 4 * i, "\xf0\x9f\x98\x80", 4);
    }
    return str_make(p, 4 * n);
}

static void at_limit(const char *member, struct message *m, struct str *text, size_t max)
{
    struct err err = {0};
    struct str before = *text;

    *text = smileys(max);
    CHECK(member, provider_twilio.check(m, &err));
    *text = smileys(max + 1);
    CHECK(member, !provider_twilio.check(m, &err));
    CHECK_INT(member, err.code, ERR_INVALID);
    CHECK_Z(member, str_of(err.member), member);
    *text = before;
}

#define OPTION(i, t)              \
    {                             \
        .id = S(i), .title = S(t) \
    }
static const struct message buttons = {
    TO,
    .kind = MESSAGE_BUTTONS,
    .lang = S("es"),
    .text = S("First line\n\nSecond\tline      here\n"),
    .header = S("Order"),
    .footer = S("Tap one"),
    .noptions = 2,
    .options = {OPTION("go:1", "Start"), OPTION("no:1", "Later")}
};
static const struct message list = {
    TO,
    .kind = MESSAGE_LIST,
    .text = S("Your work"),
    .list_button = S("Open"),
    .noptions = 2,
    .options = {{S("wo:1"), S("Pump"), S("Hall 2"), S("Urgent")},
                {.id = S("wo:2"), .title = S("Door"), .section = S("Other")}}
};

/* The same form without the channel's prefix, from the number for SMS; no service chooses another.
 */
static void test_sms(void)
{
    struct message m = {TO, .kind = MESSAGE_TEXT, .text = S("Gas leak"), .sms = true};
    struct sender s = sender;
    struct outgoing out;
    struct pairs form;
    struct err err = {0};

    s.messaging_service_sid = STR("MG0123456789abcdef0123456789abcdef");
    CHECK("no number", !provider_twilio.build(arena, &s, &m, STR("01J.1.ab"), STR("https://x.test"),
                                              &out, &err));
    s.sms_from = STR("+12025550188");
    CHECK("built",
          provider_twilio.build(arena, &s, &m, STR("01J.1.ab"), STR("https://x.test"), &out, &err));
    CHECK("a form", form_parse(arena, out.body, &form, &err));
    CHECK_Z("to", pairs_get(&form, STR("To")), "+14155550123");
    CHECK_Z("from", pairs_get(&form, STR("From")), "+12025550188");
    CHECK_Z("words", pairs_get(&form, STR("Body")), "Gas leak");
    CHECK_INT("no service", (int64_t)pairs_get(&form, STR("MessagingServiceSid")).n, 0);
    CHECK("statuses come back", pairs_get(&form, STR("StatusCallback")).n > 0);
    m = (struct message){.bsuid = S("US.1"), .kind = MESSAGE_TEXT, .text = S("x"), .sms = true};
    CHECK("an id is no number", !provider_twilio.build(arena, &s, &m, STR("01J.1.ab"),
                                                       STR("https://x.test"), &out, &err));
}

static void test_lengths(void)
{
    struct message m = {TO, .kind = MESSAGE_TEXT};

    at_limit("text", &m, &m.text, 1600);
    m = buttons;
    at_limit("buttons.0.title", &m, &m.options[0].title, 20);
    at_limit("buttons.1.id", &m, &m.options[1].id, 200);
    at_limit("header", &m, &m.header, 60);
    m.header = m.footer = STR_NONE;
    at_limit("text", &m, &m.text, 1024);
    m.header = STR("123456"); /* "*123456*\n\n" takes 10 of them */
    at_limit("text", &m, &m.text, 1014);
    m = list;
    at_limit("list.button", &m, &m.list_button, 20);
    at_limit("list.rows.0.title", &m, &m.options[0].title, 24);
    at_limit("list.rows.1.id", &m, &m.options[1].id, 200);
    at_limit("list.rows.1.description", &m, &m.options[1].description, 72);
    m = (struct message){
        TO, .kind = MESSAGE_MEDIA, .media = {.url = S("https://x"), .mime = S("video/mp4")}
    };
    at_limit("media.caption", &m, &m.text, 1024);
    m = (struct message){
        TO, .kind = MESSAGE_TEMPLATE, .template_ = {.nparams = 1, .params = {{.value = S("v")}}}
    };
    at_limit("template.params.0", &m, &m.template_.params[0].value, 1600);
}

static const struct {
    const char *label;
    struct message m;
    const char *member;
} rows[] = {
    {"no text",                 {TO, .kind = MESSAGE_TEXT},                                          "text"     },
    {"reaction",                {TO, .kind = MESSAGE_REACTION, .quoted = S("SM1"), .emoji = S("x")}, "kind"     },
    {"nothing read",            {.kind = MESSAGE_READ},                                              "quoted"   },
    {"no file",                 {TO, .kind = MESSAGE_MEDIA, .media = {.mime = S("image/png")}},      "media.url"},
    {"caption of a document",
     {TO, .kind = MESSAGE_MEDIA, .text = S("x"),
      .media = {.url = S("https://x"), .mime = S("application/pdf")}},
     "media.caption"                                                                                            },
    {"caption of a voice note",
     {TO, .kind = MESSAGE_MEDIA, .text = S("x"),
      .media = {.url = S("https://x"), .mime = S("audio/ogg")}},
     "media.caption"                                                                                            },
    {"caption of a sticker",
     {TO, .kind = MESSAGE_MEDIA, .text = S("x"),
      .media = {.url = S("https://x"), .mime = S("image/webp")}},
     "media.caption"                                                                                            },
    {"no buttons",              {TO, .kind = MESSAGE_BUTTONS, .text = S("x")},                       "buttons"  },
    {"no rows",                 {TO, .kind = MESSAGE_LIST, .text = S("x"), .list_button = S("b")},   "list.rows"},
    {"same id",
     {TO, .kind = MESSAGE_BUTTONS, .text = S("x"), .noptions = 2,
      .options = {OPTION("1", "a"), OPTION("1", "b")}},
     "buttons.1.id"                                                                                             },
    {"line break in a value",
     {TO, .kind = MESSAGE_TEMPLATE, .template_ = {.nparams = 1, .params = {{.value = S("a\nb")}}}},
     "template.params.0"                                                                                        },
    {"empty value",
     {TO, .kind = MESSAGE_TEMPLATE, .template_ = {.nparams = 1, .params = {{.value = S("")}}}},
     "template.params.0"                                                                                        },
    {"long name",
     {TO, .kind = MESSAGE_TEMPLATE,
      .template_ = {.nparams = 1, .params = {{S("seventeen_letters"), S("x")}}}},
     "template.params.0"                                                                                        },
    {"name of a button",
     {TO, .kind = MESSAGE_TEMPLATE,
      .template_ = {.nparams = 1, .params = {{S("button.0.payload.x"), S("x")}}}},
     NULL                                                                                                       },
    {"beyond the pole",
     {TO, .kind = MESSAGE_LOCATION, .location = {.latitude = 90.1}},
     "location.latitude"                                                                                        },
    {"digits without +",
     {.phone = S("12025550117"), .kind = MESSAGE_TEXT, .text = S("x")},
     "to.phone"                                                                                                 },
    {"no address yet",          {.kind = MESSAGE_TEXT, .text = S("x")},                              NULL       },
};

static void test_limits(void)
{
    struct message m = buttons;
    struct err err = {0};
    struct buf b;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        err = (struct err){0};
        CHECK_INT(rows[i].label, provider_twilio.check(&rows[i].m, &err), rows[i].member == NULL);
        CHECK_Z(rows[i].label, str_of(err.member), rows[i].member == NULL ? "" : rows[i].member);
    }
    buf_init(&b, 4096);
    for (size_t i = 0; i < 96; i++) {
        buf_addz(&b, "a\n");
    }
    m.text = buf_str(&b); /* 96 lines, header, footer and two ids: 100 */
    CHECK("100 variables", provider_twilio.check(&m, &err));
    buf_addz(&b, "b");
    m.text = buf_str(&b);
    CHECK("101 variables", !provider_twilio.check(&m, &err));
    CHECK_Z("101 variables", str_of(err.member), "text");
    buf_fini(&b);
}

static struct str key_of(const struct message *m)
{
    struct buf b;
    struct str s;

    buf_init(&b, 128);
    twilio_content_key(m, &b);
    s = arena_dup(arena, buf_str(&b));
    buf_fini(&b);
    return s;
}

static void test_content_build(void)
{
    struct outgoing out = {0};
    struct str key = key_of(&buttons);

    twilio_content_build(arena, &sender, &buttons, &out);
    CHECK_Z("url", out.url, "https://content.twilio.com/v1/Content");
    CHECK_Z("type", out.headers[0].value, "application/json");
    CHECK_Z("user", out.basic_user, "AC0123456789abcdef0123456789abcdef");
    CHECK_STR("body", out.body,
              arena_printf(
                  arena,
                  "{\"friendly_name\":\"crewline_%.16s\",\"language\":\"es\",\"variables\":{\"1\":"
                  "\"sample\",\"2\":\"sample\",\"3\":\"sample\",\"4\":\"sample\",\"5\":\"sample\","
                  "\"6\":\"sample\"},\"types\":{\"twilio/quick-reply\":{\"body\":\"{{1}}\\n\\n{{2}}"
                  "\\n\\n{{3}}\\n\\n\\n{{4}}\",\"actions\":[{\"type\":\"QUICK_REPLY\",\"title\":"
                  "\"Start\",\"id\":\"{{5}}\"},{\"type\":\"QUICK_REPLY\",\"title\":\"Later\","
                  "\"id\":\"{{6}}\"}]}}}",
                  key.p));
    key = key_of(&list);
    twilio_content_build(arena, &sender, &list, &out);
    CHECK_STR("list", out.body,
              arena_printf(
                  arena,
                  "{\"friendly_name\":\"crewline_%.16s\",\"language\":\"en\",\"variables\":{\"1\":"
                  "\"sample\",\"2\":\"sample\",\"3\":\"sample\",\"4\":\"sample\",\"5\":\"sample\","
                  "\"6\":\"sample\"},\"types\":{\"twilio/list-picker\":{\"body\":\"{{1}}\","
                  "\"button\":\"Open\",\"items\":[{\"id\":\"{{2}}\",\"item\":\"{{3}}\","
                  "\"description\":\"{{4}}\"},{\"id\":\"{{5}}\",\"item\":\"{{6}}\"}]}}}",
                  key.p));
}

static void test_content_send(void)
{
    struct message m = buttons;
    struct outgoing out = {0};
    struct pairs form = {0};
    struct err err = {0};

    CHECK("needed", twilio_content_needed(&sender, &m));
    m.template_.content_sid = STR(HX);
    CHECK("known", !twilio_content_needed(&sender, &m));
    CHECK("built", provider_twilio.build(arena, &sender, &m, STR_NONE, STR_NONE, &out, &err));
    CHECK("form", form_parse(arena, out.body, &form, &err));
    CHECK_INT("no Body", pairs_get(&form, STR("Body")).n, 0);
    CHECK_Z("sid", pairs_get(&form, STR("ContentSid")), HX);
    CHECK_Z(
        "variables", pairs_get(&form, STR("ContentVariables")),
        "{\"1\":\"*Order*\",\"2\":\"First line\",\"3\":\"Second line    here\",\"4\":\"_Tap one_\","
        "\"5\":\"go:1\",\"6\":\"no:1\"}");
    m = list;
    m.template_.content_sid = STR(HX);
    CHECK("built", provider_twilio.build(arena, &sender, &m, STR_NONE, STR_NONE, &out, &err));
    CHECK("form", form_parse(arena, out.body, &form, &err));
    CHECK_Z(
        "variables", pairs_get(&form, STR("ContentVariables")),
        "{\"1\":\"Your work\",\"2\":\"wo:1\",\"3\":\"Pump\",\"4\":\"Hall 2\",\"5\":\"wo:2\",\"6\":"
        "\"Door\"}");
    m = (struct message){
        TO, .kind = MESSAGE_TEMPLATE, .noptions = 1, .options = {OPTION("yes", "Yes")},
        .template_ = { .content_sid = S(HX),
                                                                 .nparams = 3,
                                                                 .params = {{.name = S("who"), .value = S("Ada")},
                                 {.value = S("a \"b\"")},
                                 {S("button.0.url"), S("x")}}}
    };
    CHECK("built", provider_twilio.build(arena, &sender, &m, STR_NONE, STR_NONE, &out, &err));
    CHECK("form", form_parse(arena, out.body, &form, &err));
    CHECK_Z("variables", pairs_get(&form, STR("ContentVariables")),
            "{\"who\":\"Ada\",\"1\":\"a \\\"b\\\"\",\"2\":\"x\",\"3\":\"yes\"}");
    m.template_.content_sid = STR_NONE;
    CHECK("no sid", !provider_twilio.build(arena, &sender, &m, STR_NONE, STR_NONE, &out, &err));
    CHECK_Z("no sid", str_of(err.member), "template");
}

/* Equal keys share one resource: what varies must not be in the key, what is literal must be. */
static void test_content_key(void)
{
    struct str key = key_of(&buttons);
    struct message m = buttons;
    struct outgoing out = {0};

    CHECK_INT("hex", key.n, 64);
    m.text = STR("Other\n\nwords\n");
    m.header = STR("Title");
    m.options[0].id = STR("other");
    m.phone = STR("+12025550199");
    CHECK_STR("texts and ids", key_of(&m), key);
    m.options[0].title = STR("Go");
    CHECK("title", !str_eq(key_of(&m), key));
    m = buttons;
    m.text = STR("One line");
    CHECK("lines", !str_eq(key_of(&m), key));
    m = buttons;
    m.lang = STR("es-MX");
    CHECK("language", !str_eq(key_of(&m), key));
    twilio_content_build(arena, &sender, &m, &out);
    CHECK("its spelling", str_find(out.body, STR("\"language\":\"es_MX\"")) != SIZE_MAX);
    m = buttons;
    m.noptions = 1;
    CHECK("options", !str_eq(key_of(&m), key));
    m = list;
    m.options[1].title = STR("Gate");
    m.options[1].section = STR("All");
    CHECK_STR("rows are variables", key_of(&m), key_of(&list));
    m.options[1].description = STR("Hall 3");
    CHECK("description or none", !str_eq(key_of(&m), key_of(&list)));
    m = list;
    m.options[1].description = STR(" \t ");
    CHECK_STR("one of blanks is none", key_of(&m), key_of(&list));
    m.template_.content_sid = STR(HX);
    CHECK("built", provider_twilio.build(arena, &sender, &m, STR_NONE, STR_NONE, &out, &(struct err){0}));
    CHECK("no variable is empty", str_find(out.body, STR("%22%22")) == SIZE_MAX);
    m = list;
    m.list_button = STR("Show");
    CHECK("label", !str_eq(key_of(&m), key_of(&list)));
}

static void test_content_sid(void)
{
    struct str sid = STR("none");
    struct buf b;

    fixture("twilio", "responses/201-content-quick-reply.json", &b);
    CHECK("sid", twilio_content_sid(arena, 201, buf_str(&b), &sid));
    CHECK_Z("sid", sid, "HX205b0761c5d418fd2c79d7362c7f6253");
    CHECK("status", !twilio_content_sid(arena, 400, buf_str(&b), &sid));
    buf_fini(&b);
    CHECK("short", !twilio_content_sid(arena, 201, STR("{\"sid\":\"HX1\"}"), &sid));
    CHECK("no sid", !twilio_content_sid(arena, 201, STR("{}"), &sid));
    CHECK("no JSON", !twilio_content_sid(arena, 201, STR("<html>"), &sid));
}

static void test_numbered(void)
{
    struct sender s = sender;
    struct outgoing out = {0};
    struct pairs form = {0};
    struct message m = buttons;
    struct err err = {0};
    struct str text;

    twilio_numbered_text(arena, &buttons, STR("Reply 1 or 2"), &text);
    CHECK_Z("buttons", text,
            "*Order*\n\nFirst line\n\nSecond\tline      here\n\n\n1. Start\n2. Later\n\nReply 1 or "
            "2\n\n"
            "_Tap one_");
    twilio_numbered_text(arena, &list, STR_NONE, &text);
    CHECK_Z("list", text, "Your work\n\n*Urgent*\n1. Pump (Hall 2)\n*Other*\n2. Door");
    s.numbered_options = true;
    CHECK("numbered", !twilio_content_needed(&s, &m));
    CHECK("built", provider_twilio.build(arena, &s, &m, STR_NONE, STR_NONE, &out, &err));
    CHECK("form", form_parse(arena, out.body, &form, &err));
    CHECK("body", str_find(pairs_get(&form, STR("Body")), STR("1. Start\n2. Later")) != SIZE_MAX);
    CHECK_INT("no sid", pairs_get(&form, STR("ContentSid")).n, 0);
    m = (struct message){TO, .kind = MESSAGE_TEXT, .text = S("x")};
    CHECK("text", !twilio_content_needed(&sender, &m));
    /* A list at all its limits goes as a text too, without what explains its rows. */
    m = list;
    m.text = smileys(1024);
    m.noptions = 10;
    for (size_t i = 0; i < 10; i++) {
        m.options[i] = (struct message_option){
            .id = arena_printf(arena, "%zu", i), .title = smileys(24), .description = smileys(72)};
    }
    CHECK("check", provider_twilio.check(&m, &err));
    CHECK("built", provider_twilio.build(arena, &s, &m, STR_NONE, STR_NONE, &out, &err));
    CHECK("form", form_parse(arena, out.body, &form, &err));
    CHECK("titles", str_find(pairs_get(&form, STR("Body")), STR("\n10. ")) != SIZE_MAX);
    CHECK("no descriptions", str_find(pairs_get(&form, STR("Body")), STR(" (")) == SIZE_MAX);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_goldens),       TEST(test_every_request), TEST(test_request),
        TEST(test_sms),           TEST(test_lengths),       TEST(test_limits),
        TEST(test_content_build), TEST(test_content_send),  TEST(test_content_key),
        TEST(test_content_sid),   TEST(test_numbered)};
    int rc;

    arena = arena_new();
    rc = test_main(argc, argv, tests, ARRAY_LEN(tests));
    arena_free(&arena);
    return rc;
}
