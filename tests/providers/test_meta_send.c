#include "providers/provider.h"

#include "support.h"

#define GROUP "Y2FwaV9ncm91cDoxMjAyNTU1MDE0MzoxMjAzNjM0MDQ2OTQyMzM5OTkZD"
#define WAMID "wamid.HBgLMTIwMjU1NTAxMTcVAgASGBQzQUY0Mzc2MEQzRUVFQzk2QUYzRQA="

static struct arena *arena;
static const struct sender sender = {.id = S("main"),
                                     .number = S("+12025550143"),
                                     .phone_number_id = S("306540352242917"),
                                     .access_token = S("EAAtoken"),
                                     .api_base = S("https://graph.example"),
                                     .api_version = S("v23.0")};

/* What each fixture of requests/ asks for, as a message of ours. */
#define TO .phone = S("+12025550117")
static const struct {
    const char *file;
    struct message m;
    const char *correlation;
} goldens[] = {
    {"text",
     {TO, .kind = MESSAGE_TEXT, .text = S("Your order 8841 is ready for pickup.")},
     "gw1:01J8ZQ4S6Y7N2E5T9R3K0C1V8M"                                                                           },
    {"text_reply_context",
     {TO, .kind = MESSAGE_TEXT, .text = S("Yes, we have it."), .quoted = S(WAMID)},
     NULL                                                                                                       },
    {"text_to_bsuid",
     {.bsuid = S("US.88120374650193821934"), .kind = MESSAGE_TEXT, .text = S("Hello Sam")},
     NULL                                                                                                       },
    {"text_to_phone_and_bsuid",
     {TO, .bsuid = S("US.40918274650193827465"), .kind = MESSAGE_TEXT,
      .text = S("Phone wins when both are present")},
     NULL                                                                                                       },
    {"interactive_buttons",
     {TO, .kind = MESSAGE_BUTTONS, .header = S("Pickup"), .text = S("When would you like to come?"),
      .footer = S("Tap one option"), .noptions = 3,
      .options = {{.id = S("slot-09"), .title = S("09:00")},
                  {.id = S("slot-11"), .title = S("11:00")},
                  {.id = S("slot-none"), .title = S("None of these")}}},
     NULL                                                                                                       },
    {"interactive_buttons_image_header",
     {TO, .kind = MESSAGE_BUTTONS, .text = S("Is this the right part?"), .noptions = 2,
      .media = {.provider_id = S("1403383421380417"), .mime = S("image/png")},
      .options = {{.id = S("part-yes"), .title = S("Yes")},
                  {.id = S("part-no"), .title = S("No")}}},
     NULL                                                                                                       },
    {"interactive_list",
     {TO, .kind = MESSAGE_LIST, .header = S("Shipping"), .text = S("Which option do you prefer?"),
      .footer = S("Prices include tax"), .list_button = S("Choose"), .noptions = 3,
      .options = {{S("ship-express"), S("Express"), S("1-2 days"), S("Fast")},
                  {S("ship-courier"), S("Courier"), S("Same day"), S("Fast")},
                  {.id = S("ship-post"), .title = S("Post"), .section = S("Cheap")}}},
     NULL                                                                                                       },
    {"location",
     {TO, .kind = MESSAGE_LOCATION,
      .location = {38.889805, -77.009056, S("Pickup desk"),
                   S("10 Example St SE, Washington, DC 20003")}},
     NULL                                                                                                       },
    {"reaction",
     {TO, .kind = MESSAGE_REACTION, .quoted = S(WAMID), .emoji = S("\xf0\x9f\x91\x8d")},
     "unused"                                                                                                   },
    {"reaction_remove",                     {TO, .kind = MESSAGE_REACTION, .quoted = S(WAMID)},         NULL    },
    {"mark_read",                           {.kind = MESSAGE_READ, .quoted = S(WAMID)},                 "unused"},
    {"mark_read_typing",                    {.kind = MESSAGE_READ, .quoted = S(WAMID), .typing = true}, NULL    },
    {"image_by_id",
     {TO, .kind = MESSAGE_MEDIA, .text = S("Before and after"),
      .media = {.provider_id = S("1403383421380417"), .mime = S("image/jpeg")}},
     NULL                                                                                                       },
    {"image_by_link",
     {TO, .kind = MESSAGE_MEDIA, .text = S("Before and after"),
      .media = {.url = S("https://example.org/media/8841.jpg"), .mime = S("IMAGE/JPEG")}},
     NULL                                                                                                       },
    {"video_by_id",
     {TO, .kind = MESSAGE_MEDIA, .text = S("Before and after"),
      .media = {.provider_id = S("1403383421380417"), .mime = S("video/mp4")}},
     NULL                                                                                                       },
    {"video_by_link",
     {TO, .kind = MESSAGE_MEDIA, .text = S("Before and after"),
      .media = {.url = S("https://example.org/media/8841.mp4"), .mime = S("video/3gpp")}},
     NULL                                                                                                       },
    {"audio_by_id",
     {TO, .kind = MESSAGE_MEDIA,
      .media = {.provider_id = S("1403383421380418"), .mime = S("audio/mpeg")}},
     NULL                                                                                                       },
    {"audio_by_link",
     {TO, .kind = MESSAGE_MEDIA,
      .media = {.url = S("https://example.org/media/8841.mp3"), .mime = S("audio/mpeg")}},
     NULL                                                                                                       },
    {"audio_voice_note",
     {TO, .kind = MESSAGE_MEDIA,
      .media = {.provider_id = S("1403383421380419"), .mime = S("audio/ogg; codecs=opus")}},
     NULL                                                                                                       },
    {"document_by_id",
     {TO, .kind = MESSAGE_MEDIA, .text = S("Invoice"),
      .media = {.provider_id = S("1403383421380420"),
                .mime = S("application/pdf"),
                .filename = S("invoice-8841.pdf")}},
     NULL                                                                                                       },
    {"document_by_link",
     {TO, .kind = MESSAGE_MEDIA, .text = S("Invoice"),
      .media = {.url = S("https://example.org/media/invoice-8841.pdf"),
                .mime = S("application/pdf"),
                .filename = S("invoice-8841.pdf")}},
     NULL                                                                                                       },
    {"sticker_by_id",
     {TO, .kind = MESSAGE_MEDIA,
      .media = {.provider_id = S("1403383421380421"), .mime = S("image/webp")}},
     NULL                                                                                                       },
    {"text_group",
     {.kind = MESSAGE_TEXT,
      .group = S(GROUP),
      .user = S("~team:mech"),
      .text = S("Technician arrives at 10:00")},
     NULL                                                                                                       },
    {"template_group_message",
     {.kind = MESSAGE_TEMPLATE,
      .group = S(GROUP),
      .template_ = {.name = S("order_ready_group"),
                    .language = S("en_US"),
                    .nparams = 1,
                    .params = {{.value = S("8841")}}}},
     NULL                                                                                                       },
    {"template_no_params",
     {TO, .kind = MESSAGE_TEMPLATE,
      .template_ = {.name = S("hello_world"), .language = S("en_US")}},
     NULL                                                                                                       },
    {"template_positional",
     {TO, .kind = MESSAGE_TEMPLATE,
      .template_ = {.name = S("order_ready_v2"),
                    .language = S("en-US"),
                    .nparams = 2,
                    .params = {{.value = S("Ada")}, {.value = S("8841")}}}},
     "gw1:01J8ZQ4S6Y7N2E5T9R3K0C1V8M"                                                                           },
    {"template_named",
     {TO, .kind = MESSAGE_TEMPLATE,
      .template_ = {.name = S("order_ready_named"),
                    .language = S("en_US"),
                    .nparams = 2,
                    .params = {{S("first_name"), S("Ada")}, {S("order_number"), S("8841")}}}},
     NULL                                                                                                       },
    {"template_authentication_otp",
     {TO, .kind = MESSAGE_TEMPLATE,
      .template_ = {.name = S("login_code"),
                    .language = S("en_US"),
                    .nparams = 2,
                    .params = {{.value = S("483920")}, {S("button.0.url"), S("483920")}}}},
     NULL                                                                                                       },
    {"template_copy_code_coupon",
     {TO, .kind = MESSAGE_TEMPLATE,
      .template_ = {.name = S("coupon_offer"),
                    .language = S("en_US"),
                    .nparams = 2,
                    .params = {{.value = S("Ada")}, {S("button.0.code"), S("SAVE17")}}}},
     NULL                                                                                                       },
    {"template_document_header_url_button",
     {TO, .kind = MESSAGE_TEMPLATE,
      .media = {.provider_id = S("1403383421380420"),
                .mime = S("application/pdf"),
                .filename = S("invoice-8841.pdf")},
      .template_ = {.name = S("invoice_ready"),
                    .language = S("en_US"),
                    .nparams = 2,
                    .params = {{S("button.0.url"), S("8841")}, {.value = S("8841")}}}},
     NULL                                                                                                       },
    {"template_image_header_quick_replies",
     {TO, .kind = MESSAGE_TEMPLATE, .noptions = 2,
      .options = {{.id = S("confirm:order-8841")}, {.id = S("cancel:order-8841")}},
      .media = {.url = S("https://example.org/media/banner.jpg"), .mime = S("image/jpeg")},
      .template_ = {.name = S("pickup_choice"),
                    .language = S("en_US"),
                    .nparams = 1,
                    .params = {{.value = S("Ada")}}}},
     NULL                                                                                                       },
};

/* What we do not send: other calls, and contents that a message of ours cannot have. */
static const char *const not_ours[] = {
    "contacts",
    "group_create",
    "group_invite_link_reset",
    "group_join_requests_approve",
    "group_remove_participants",
    "interactive_cta_url",
    "interactive_flow",
    "interactive_location_request",
    "interactive_request_contact_info",
    "phone_override_webhook",
    "register_phone",
    "subscribed_apps_override",
    "template_create_authentication",
    "template_create_media_header",
    "template_create_named",
    "template_create_positional",
    "template_currency_date",
    "template_edit_components",
    "template_flow_button",
    "template_group_invite",
    "text_preview_url",
};

static void test_goldens(void)
{
    for (size_t i = 0; i < ARRAY_LEN(goldens); i++) {
        struct outgoing out = {0};
        struct err err = {0};
        struct json *got = NULL, *want;
        char file[128];

        snprintf(file, sizeof(file), "requests/%s.json", goldens[i].file);
        want = fixture_json("meta", file);
        CHECK(file, provider_meta.build(arena, &sender, &goldens[i].m,
                                        goldens[i].correlation == NULL ||
                                                strcmp(goldens[i].correlation, "unused") == 0
                                            ? STR_NONE
                                            : str_of(goldens[i].correlation),
                                        STR_NONE, &out, &err));
        CHECK(file, json_parse(out.body, 65536, &got, &err));
        if (!json_eq(got, want)) {
            test_fail(__FILE__, __LINE__, "%s: got %.*s", file, STR_ARG(out.body));
        }
        json_free(&got);
        json_free(&want);
    }
}

static void known(const char *file, void *ctx)
{
    size_t n = 0;
    char name[128];

    (void)ctx;
    for (size_t i = 0; i < ARRAY_LEN(goldens); i++) {
        snprintf(name, sizeof(name), "requests/%s.json", goldens[i].file);
        n += strcmp(name, file) == 0;
    }
    for (size_t i = 0; i < ARRAY_LEN(not_ours); i++) {
        snprintf(name, sizeof(name), "requests/%s.json", not_ours[i]);
        n += strcmp(name, file) == 0;
    }
    CHECK_INT(file, n, 1);
}

static void test_every_request(void)
{
    CHECK_INT("requests", fixtures_each("meta", "requests", known, NULL),
              ARRAY_LEN(goldens) + ARRAY_LEN(not_ours));
}

static void test_request(void)
{
    struct message m = {TO, .kind = MESSAGE_TEXT, .text = S("a\"\n\x01")};
    struct outgoing out = {0};
    struct err err = {0};

    CHECK("built",
          provider_meta.build(arena, &sender, &m, STR("c"), STR("https://us"), &out, &err));
    CHECK_Z("method", str_of(out.method), "POST");
    CHECK_Z("url", out.url, "https://graph.example/v23.0/306540352242917/messages");
    CHECK_INT("headers", out.nheaders, 2);
    CHECK_Z("token", out.headers[0].value, "Bearer EAAtoken");
    CHECK_Z("type", out.headers[1].value, "application/json");
    CHECK_INT("no password", out.basic_user.n, 0);
    CHECK_Z("body", out.body,
            "{\"messaging_product\":\"whatsapp\",\"recipient_type\":\"individual\",\"to\":"
            "\"+12025550117\",\"type\":\"text\",\"text\":{\"preview_url\":false,\"body\":"
            "\"a\\\"\\n\\u0001\"},\"biz_opaque_callback_data\":\"c\"}");
    m.kind = MESSAGE_READ;
    m.quoted = STR("w");
    CHECK("read", provider_meta.build(arena, &sender, &m, STR("c"), STR_NONE, &out, &err));
    CHECK("no correlation", str_find(out.body, STR("biz_opaque")) == SIZE_MAX);
    CHECK("probe", provider_meta.probe(arena, &sender, &out));
    CHECK_Z("probe", out.url, "https://graph.example/v23.0/306540352242917?fields=id,status");
    CHECK_Z("probe", str_of(out.method), "GET");
    CHECK_INT("probe", out.body.n, 0);
}

/* Texts of n characters, of which each has four bytes. */
static struct str smileys(size_t n)
{
    char *p = arena_alloc(arena, 4 * n + 1);

    for (size_t i = 0; i < n; i++) {
        memcpy(p + 4 * i, "\xf0\x9f\x98\x80", 4);
    }
    return str_make(p, 4 * n);
}

/* The limit is taken, one more is refused, and the member is named. */
static void at_limit(const char *member, struct message *m, struct str *text, size_t max)
{
    struct err err = {0};
    struct str before = *text;

    *text = smileys(max);
    CHECK(member, provider_meta.check(m, &err));
    *text = smileys(max + 1);
    CHECK(member, !provider_meta.check(m, &err));
    CHECK_INT(member, err.code, ERR_INVALID);
    CHECK_Z(member, str_of(err.member), member);
    *text = STR("\xff");
    CHECK(member, !provider_meta.check(m, &err));
    *text = before;
}

static void test_lengths(void)
{
    struct message m = goldens[0].m;
    struct message_option *o = m.options;

    at_limit("text", &m, &m.text, 4096);
    m = goldens[4].m; /* buttons */
    at_limit("text", &m, &m.text, 1024);
    at_limit("header", &m, &m.header, 60);
    at_limit("footer", &m, &m.footer, 60);
    at_limit("buttons.1.title", &m, &o[1].title, 20);
    at_limit("buttons.2.id", &m, &o[2].id, 256);
    m = goldens[6].m; /* list */
    at_limit("text", &m, &m.text, 1024);
    at_limit("list.button", &m, &m.list_button, 20);
    at_limit("list.rows.0.title", &m, &o[0].title, 24);
    at_limit("list.rows.0.description", &m, &o[0].description, 72);
    at_limit("list.rows.2.section", &m, &o[2].section, 24);
    at_limit("list.rows.1.id", &m, &o[1].id, 200);
    m = (struct message){
        TO, .kind = MESSAGE_MEDIA, .media = {.url = S("https://x"), .mime = S("image/png")}
    };
    at_limit("media.caption", &m, &m.text, 1024);
    at_limit("media.filename", &m, &m.media.filename, 240);
    m = (struct message){
        TO, .kind = MESSAGE_TEMPLATE, .noptions = 1, .options = {{.id = S("1")}                },
        .template_ = {
                                                                 .name = S("n"), .language = S("en"), .nparams = 1, .params = {{.value = S("v")}}}
    };
    at_limit("template.params.0", &m, &m.template_.params[0].value, 1024);
    at_limit("buttons.0.id", &m, &o[0].id, 128);
}

/* Groups are Meta's, and carry neither buttons nor lists, places nor reactions. */
static void test_groups(void)
{
    struct message m = goldens[4].m;
    struct err err = {0};

    for (int kind = 0; kind <= MESSAGE_READ; kind++) {
        bool taken = kind == MESSAGE_TEXT || kind == MESSAGE_READ;

        m = (struct message){.kind = (enum message_kind)kind, .group = S(GROUP), .text = S("x")};
        m.quoted = taken ? STR(WAMID) : STR_NONE;
        CHECK_INT(message_kind_name(m.kind), provider_meta.check(&m, &err), taken);
        CHECK("not Twilio's", !provider_twilio.check(&m, &err));
        CHECK_Z("why", str_of(err.member), "to.group");
    }
    m = goldens[4].m; /* buttons, good for a person */
    CHECK("a person", provider_meta.check(&m, &err));
    m.group = STR(GROUP);
    CHECK("a group", !provider_meta.check(&m, &err));
    CHECK_Z("why", str_of(err.member), "kind");
}

#define OPTION(i, t)              \
    {                             \
        .id = S(i), .title = S(t) \
    }
static const struct {
    const char *label;
    struct message m;
    const char *member; /* NULL: fine */
} rows[] = {
    {"no text",                              {TO, .kind = MESSAGE_TEXT},                                        "text"      },
    {"blank text",                           {TO, .kind = MESSAGE_TEXT, .text = S(" \n ")},                     "text"      },
    {"digits without +",
     {.phone = S("12025550117"), .kind = MESSAGE_TEXT, .text = S("x")},
     "to.phone"                                                                                                             },
    {"id is a number",
     {.bsuid = S("12025550117"), .kind = MESSAGE_TEXT, .text = S("x")},
     "to.bsuid"                                                                                                             },
    {"no buttons",                           {TO, .kind = MESSAGE_BUTTONS, .text = S("x")},                     "buttons"   },
    {"four buttons",
     {TO, .kind = MESSAGE_BUTTONS, .text = S("x"), .noptions = 4,
      .options = {OPTION("1", "a"), OPTION("2", "b"), OPTION("3", "c"), OPTION("4", "d")}},
     "buttons"                                                                                                              },
    {"same id",
     {TO, .kind = MESSAGE_BUTTONS, .text = S("x"), .noptions = 2,
      .options = {OPTION("1", "a"), OPTION("1", "b")}},
     "buttons.1.id"                                                                                                         },
    {"same title",
     {TO, .kind = MESSAGE_BUTTONS, .text = S("x"), .noptions = 2,
      .options = {OPTION("1", "a"), OPTION("2", " a ")}},
     "buttons.1.title"                                                                                                      },
    {"blank title",
     {TO, .kind = MESSAGE_BUTTONS, .text = S("x"), .noptions = 1, .options = {OPTION("1", "  ")}},
     "buttons.0.title"                                                                                                      },
    {"no id",
     {TO, .kind = MESSAGE_BUTTONS, .text = S("x"), .noptions = 1, .options = {OPTION("", "a")}},
     "buttons.0.id"                                                                                                         },
    {"audio in a header",
     {TO, .kind = MESSAGE_BUTTONS, .text = S("x"), .noptions = 1, .options = {OPTION("1", "a")},
      .media = {.url = S("https://x"), .mime = S("audio/ogg")}},
     "media"                                                                                                                },
    {"no rows",                              {TO, .kind = MESSAGE_LIST, .text = S("x"), .list_button = S("b")}, "list.rows" },
    {"no list button",
     {TO, .kind = MESSAGE_LIST, .text = S("x"), .noptions = 1, .options = {OPTION("1", "a")}},
     "list.button"                                                                                                          },
    {"rows of one title",
     {TO, .kind = MESSAGE_LIST, .text = S("x"), .list_button = S("b"), .noptions = 2,
      .options = {OPTION("1", "a"), OPTION("2", "a")}},
     NULL                                                                                                                   },
    {"rows of one id",
     {TO, .kind = MESSAGE_LIST, .text = S("x"), .list_button = S("b"), .noptions = 2,
      .options = {OPTION("1", "a"), OPTION("1", "b")}},
     "list.rows.1.id"                                                                                                       },
    {"section without title beside another",
     {TO, .kind = MESSAGE_LIST, .text = S("x"), .list_button = S("b"), .noptions = 2,
      .options = {{.id = S("1"), .title = S("a"), .section = S("A")}, OPTION("2", "b")}},
     "list.rows.1.section"                                                                                                  },
    {"picture in a list",
     {TO, .kind = MESSAGE_LIST, .text = S("x"), .list_button = S("b"), .noptions = 1,
      .options = {OPTION("1", "a")}, .media = {.url = S("https://x"), .mime = S("image/png")}},
     "media"                                                                                                                },
    {"unknown type",
     {TO, .kind = MESSAGE_MEDIA, .media = {.url = S("https://x"), .mime = S("image/gif")}},
     "media.mime"                                                                                                           },
    {"no type",                              {TO, .kind = MESSAGE_MEDIA, .media = {.url = S("https://x")}},     "media.mime"},
    {"no file",                              {TO, .kind = MESSAGE_MEDIA, .media = {.mime = S("image/png")}},    "media.url" },
    {"audio with a caption",
     {TO, .kind = MESSAGE_MEDIA, .text = S("x"),
      .media = {.url = S("https://x"), .mime = S("audio/aac")}},
     "media.caption"                                                                                                        },
    {"sticker with a caption",
     {TO, .kind = MESSAGE_MEDIA, .text = S("x"),
      .media = {.url = S("https://x"), .mime = S("image/webp")}},
     "media.caption"                                                                                                        },
    {"beyond the pole",
     {TO, .kind = MESSAGE_LOCATION, .location = {.latitude = -90.1}},
     "location.latitude"                                                                                                    },
    {"round the world",
     {TO, .kind = MESSAGE_LOCATION, .location = {.longitude = 180.1}},
     "location.longitude"                                                                                                   },
    {"capitals in a name",
     {TO, .kind = MESSAGE_TEMPLATE, .template_ = {.name = S("Hello"), .language = S("en")}},
     "template.name"                                                                                                        },
    {"line break in a value",
     {TO, .kind = MESSAGE_TEMPLATE,
      .template_ =
          {.name = S("n"), .language = S("en"), .nparams = 1, .params = {{.value = S("a\nb")}}}},
     "template.params.0"                                                                                                    },
    {"tab in a value",
     {TO, .kind = MESSAGE_TEMPLATE,
      .template_ =
          {.name = S("n"), .language = S("en"), .nparams = 1, .params = {{.value = S("a\tb")}}}},
     "template.params.0"                                                                                                    },
    {"four blanks in a value",
     {TO, .kind = MESSAGE_TEMPLATE,
      .template_ =
          {.name = S("n"), .language = S("en"), .nparams = 1, .params = {{.value = S("a    b")}}}},
     NULL                                                                                                                   },
    {"five blanks in a value",
     {TO, .kind = MESSAGE_TEMPLATE,
      .template_ =
          {.name = S("n"), .language = S("en"), .nparams = 1, .params = {{.value = S("a     b")}}}},
     "template.params.0"                                                                                                    },
    {"empty value",
     {TO, .kind = MESSAGE_TEMPLATE,
      .template_ =
          {.name = S("n"), .language = S("en"), .nparams = 1, .params = {{.value = S("")}}}},
     "template.params.0"                                                                                                    },
    {"named and numbered",
     {TO, .kind = MESSAGE_TEMPLATE,
      .template_ = {.name = S("n"),
                    .language = S("en"),
                    .nparams = 2,
                    .params = {{.value = S("a")}, {S("b"), S("c")}}}},
     "template.params"                                                                                                      },
    {"header beside named",
     {TO, .kind = MESSAGE_TEMPLATE,
      .template_ = {.name = S("n"),
                    .language = S("en"),
                    .nparams = 2,
                    .params = {{S("header.text"), S("a")}, {S("b"), S("c")}}}},
     NULL                                                                                                                   },
    {"unknown button",
     {TO, .kind = MESSAGE_TEMPLATE,
      .template_ = {.name = S("n"),
                    .language = S("en"),
                    .nparams = 1,
                    .params = {{S("button.0.flow"), S("a")}}}},
     "template.params.0"                                                                                                    },
    {"eleventh button",
     {TO, .kind = MESSAGE_TEMPLATE,
      .template_ = {.name = S("n"),
                    .language = S("en"),
                    .nparams = 1,
                    .params = {{S("button.10.url"), S("a")}}}},
     "template.params.0"                                                                                                    },
    {"audio as header",
     {TO, .kind = MESSAGE_TEMPLATE, .template_ = {.name = S("n"), .language = S("en")},
      .media = {.url = S("https://x"), .mime = S("audio/aac")}},
     "media"                                                                                                                },
    {"reaction to nothing",                  {TO, .kind = MESSAGE_REACTION, .emoji = S("x")},                   "quoted"    },
    {"nothing read",                         {.kind = MESSAGE_READ},                                            "quoted"    },
    {"no address yet",                       {.kind = MESSAGE_TEXT, .text = S("x")},                            NULL        },
};

static void test_limits(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct outgoing out = {.method = "untouched"};
        struct err err = {0};

        CHECK_INT(rows[i].label, provider_meta.check(&rows[i].m, &err), rows[i].member == NULL);
        CHECK_Z(rows[i].label, str_of(err.member), rows[i].member == NULL ? "" : rows[i].member);
        if (rows[i].member != NULL) {
            CHECK_INT(rows[i].label, err.code, ERR_INVALID);
            CHECK(rows[i].label,
                  !provider_meta.build(arena, &sender, &rows[i].m, STR_NONE, STR_NONE, &out, &err));
            CHECK_Z(rows[i].label, str_of(out.method), "untouched");
        }
    }
}

static void test_unfinished(void)
{
    struct message m = {.kind = MESSAGE_TEXT, .text = S("x")};
    struct outgoing out = {0};
    struct err err = {0};

    CHECK("to", !provider_meta.build(arena, &sender, &m, STR_NONE, STR_NONE, &out, &err));
    CHECK_Z("to", str_of(err.member), "to");
    m = (struct message){TO, .kind = MESSAGE_TEMPLATE, .template_ = {.name = S("n")}};
    CHECK("check", provider_meta.check(&m, &err));
    CHECK("language", !provider_meta.build(arena, &sender, &m, STR_NONE, STR_NONE, &out, &err));
    CHECK_Z("language", str_of(err.member), "template.language");
}

static void test_header_text(void)
{
    struct message m = {
        TO, .kind = MESSAGE_TEMPLATE,
        .template_ = {.name = S("n"),
                      .language = S("en"),
                      .nparams = 3,
                      .params = {{S("header.text"), S("h")},
                                 {.value = S("b")},
                                 {S("button.1.payload"), S("p")}}}
    };
    struct outgoing out = {0};
    struct err err = {0};

    CHECK("built", provider_meta.build(arena, &sender, &m, STR_NONE, STR_NONE, &out, &err));
    CHECK(
        "components",
        str_find(
            out.body,
            STR("\"components\":[{\"type\":\"header\",\"parameters\":[{\"type\":\"text\",\"text\":"
                "\"h\"}]},{\"type\":\"body\",\"parameters\":[{\"type\":\"text\",\"text\":\"b\"}]},{"
                "\"type\":\"button\",\"sub_type\":\"quick_reply\",\"index\":\"1\",\"parameters\":[{"
                "\"type\":\"payload\",\"payload\":\"p\"}]}]")) != SIZE_MAX);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {TEST(test_goldens),    TEST(test_every_request),
                                        TEST(test_request),    TEST(test_lengths),
                                        TEST(test_groups),     TEST(test_limits),
                                        TEST(test_unfinished), TEST(test_header_text)};
    int rc;

    arena = arena_new();
    rc = test_main(argc, argv, tests, ARRAY_LEN(tests));
    arena_free(&arena);
    return rc;
}
