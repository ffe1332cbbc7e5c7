#include "domain/message.h"

#include "base/mem.h"
#include "base/pack.h"
#include "domain/template.h"

#include "harness.h"

static struct arena *arena;

static bool from_json(const char *text, struct message *m, struct err *err)
{
    struct json *j = NULL;
    bool ok;

    *err = (struct err){0};
    *m = (struct message){0};
    CHECK(text, json_parse(str_of(text), 65536, &j, err));
    ok = message_from_json(arena, j, m, err);
    json_free(&j);
    return ok;
}

static void test_kinds(void)
{
    for (int i = MESSAGE_TEXT; i <= MESSAGE_READ; i++) {
        enum message_kind kind = MESSAGE_READ;

        CHECK("known", message_kind_parse(str_of(message_kind_name((enum message_kind)i)), &kind));
        CHECK_INT("same", kind, i);
    }
    enum message_kind kind = MESSAGE_TEXT;
    CHECK("document", message_kind_parse(STR("document"), &kind));
    CHECK_INT("document", kind, MESSAGE_MEDIA);
    CHECK("unknown", !message_kind_parse(STR("fax"), &kind));
    CHECK("empty", !message_kind_parse(STR_NONE, &kind));
}

#define ROW "{\"id\":\"1\",\"title\":\"a\"}"
#define TO  "\"to\":{\"user\":\"u1\"}"
static const struct {
    const char *label, *json, *member; /* member NULL: taken */
} rows[] = {
    {"text",                  "{" TO ",\"kind\":\"text\",\"text\":\"hi\"}",                                 NULL                    },
    {"no kind",               "{" TO ",\"text\":\"hi\"}",                                                   "kind"                  },
    {"fax",                   "{" TO ",\"kind\":\"fax\"}",                                                  "kind"                  },
    {"reaction is ours",      "{" TO ",\"kind\":\"reaction\"}",                                             "kind"                  },
    {"no text",               "{" TO ",\"kind\":\"text\"}",                                                 "text"                  },
    {"blank text",            "{" TO ",\"kind\":\"text\",\"text\":\" \\n\"}",                               "text"                  },
    {"text is a number",      "{" TO ",\"kind\":\"text\",\"text\":5}",                                      "text"                  },
    {"no to",                 "{\"kind\":\"text\",\"text\":\"hi\"}",                                        "to"                    },
    {"to is a text",          "{\"to\":\"u1\",\"kind\":\"text\",\"text\":\"hi\"}",                          "to"                    },
    {"to nobody",             "{\"to\":{},\"kind\":\"text\",\"text\":\"hi\"}",                              "to"                    },
    {"to both",
     "{\"to\":{\"user\":\"u1\",\"phone\":\"+12025550117\"},\"kind\":\"text\",\"text\":\"h\"}",              "to"                    },
    {"bad phone",             "{\"to\":{\"phone\":\"2025550117\"},\"kind\":\"text\",\"text\":\"hi\"}",
     "to.phone"                                                                                                                     },
    {"bad priority",          "{" TO ",\"kind\":\"text\",\"text\":\"hi\",\"priority\":\"urgent\"}",
     "priority"                                                                                                                     },
    {"priority is a number",  "{" TO ",\"kind\":\"text\",\"text\":\"hi\",\"priority\":1}",
     "priority"                                                                                                                     },
    {"bad time",              "{" TO ",\"kind\":\"text\",\"text\":\"hi\",\"send_at\":\"soon\"}",            "send_at"               },
    {"null time",             "{" TO ",\"kind\":\"text\",\"text\":\"hi\",\"send_at\":null}",                NULL                    },
    {"bad expiry",            "{" TO ",\"kind\":\"text\",\"text\":\"hi\",\"expires_at\":7}",                "expires_at"            },
    {"no buttons",            "{" TO ",\"kind\":\"buttons\",\"text\":\"hi\"}",                              "buttons"               },
    {"four buttons",
     "{" TO
     ",\"kind\":\"buttons\",\"text\":\"hi\",\"buttons\":[{\"id\":\"1\",\"title\":\"a\"},{\"id\":"
     "\"2\",\"title\":\"b\"},{\"id\":\"3\",\"title\":\"c\"},{\"id\":\"4\",\"title\":\"d\"}]}",              "buttons"               },
    {"button without id",
     "{" TO ",\"kind\":\"buttons\",\"text\":\"hi\",\"buttons\":[{\"title\":\"a\"}]}",
     "buttons.0.id"                                                                                                                 },
    {"button is a text",      "{" TO ",\"kind\":\"buttons\",\"text\":\"hi\",\"buttons\":[\"Yes\"]}",
     "buttons.0"                                                                                                                    },
    {"buttons without text",
     "{" TO ",\"kind\":\"buttons\",\"buttons\":[{\"id\":\"1\",\"title\":\"a\"}]}",                          "text"                  },
    {"list without sections",
     "{" TO ",\"kind\":\"list\",\"text\":\"t\",\"list\":{\"button\":\"b\"}}",                               "list.sections"         },
    {"list without rows",
     "{" TO ",\"kind\":\"list\",\"text\":\"t\",\"list\":{\"button\":\"b\",\"sections\":[{}]}}",
     "list.sections.0.rows"                                                                                                         },
    {"eleven rows",
     "{" TO
     ",\"kind\":\"list\",\"text\":\"t\",\"list\":{\"button\":\"b\",\"sections\":[{\"rows\":[" ROW
     "," ROW "," ROW "," ROW "," ROW "," ROW "]},{\"rows\":[" ROW "," ROW "," ROW "," ROW "," ROW
     "]}]}}",                                                                                               "list.sections.1.rows.4"},
    {"list without button",
     "{" TO ",\"kind\":\"list\",\"text\":\"t\",\"list\":{\"sections\":[{\"rows\":[{\"id\":\"1\","
     "\"title\":\"a\"}]}]}}",                                                                               "list.button"           },
    {"media without url",     "{" TO ",\"kind\":\"media\",\"media\":{\"mime\":\"image/png\"}}",
     "media.url"                                                                                                                    },
    {"media by ftp",          "{" TO ",\"kind\":\"media\",\"media\":{\"url\":\"ftp://x/a.png\"}}",
     "media.url"                                                                                                                    },
    {"media of no type",      "{" TO ",\"kind\":\"media\",\"media\":{\"url\":\"https://x/a\"}}",
     "media.mime"                                                                                                                   },
    {"document",              "{" TO ",\"kind\":\"document\",\"media\":{\"url\":\"https://x/a.PDF?k=1\"}}",
     NULL                                                                                                                           },
    {"no location",           "{" TO ",\"kind\":\"location\"}",                                             "location.latitude"     },
    {"north of the pole",
     "{" TO ",\"kind\":\"location\",\"location\":{\"latitude\":91,\"longitude\":0}}",
     "location.latitude"                                                                                                            },
    {"location",
     "{" TO ",\"kind\":\"location\",\"location\":{\"latitude\":-33,\"longitude\":151.2}}",                  NULL                    },
    {"no template",           "{" TO ",\"kind\":\"template\"}",                                             "template"              },
    {"template without name", "{" TO ",\"kind\":\"template\",\"template\":{}}",                             "template.name"         },
    {"params are a text",
     "{" TO ",\"kind\":\"template\",\"template\":{\"name\":\"a\",\"params\":\"x\"}}",
     "template.params"                                                                                                              },
    {"a param is null",
     "{" TO ",\"kind\":\"template\",\"template\":{\"name\":\"a\",\"params\":[null]}}",
     "template.params"                                                                                                              },
    {"17 params",
     "{" TO
     ",\"kind\":\"template\",\"template\":{\"name\":\"a\",\"params\":[1,2,3,4,5,6,7,8,9,10,11,"
     "12,13,14,15,16,17]}}",                                                                                "template.params"       },
};

static void test_members(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct message m;
        struct err err;
        bool ok = from_json(rows[i].json, &m, &err);

        CHECK_INT(rows[i].label, ok, rows[i].member == NULL);
        if (rows[i].member != NULL) {
            CHECK_INT(rows[i].label, err.code, ERR_INVALID);
            CHECK_Z(rows[i].label, str_of(err.member), rows[i].member);
        }
    }
}

static void test_contents(void)
{
    struct message m;
    struct err err;

    CHECK("text",
          from_json("{\"to\":{\"phone\":\"+12025550117\"},\"kind\":\"text\",\"text\":\"hi\","
                    "\"priority\":\"critical\",\"work_order\":\"WO-7\",\"sender\":\"main\","
                    "\"send_at\":\"2026-09-15T00:00:00Z\",\"expires_at\":"
                    "\"2026-09-15T02:00:00+02:00\"}",
                    &m, &err));
    CHECK_Z("phone", m.phone, "+12025550117");
    CHECK_INT("prio", m.prio, PRIO_CRITICAL);
    CHECK_Z("order", m.order_number, "WO-7");
    CHECK_Z("sender", m.sender, "main");
    CHECK_INT("send_at", m.send_at.ms, 1789430400000);
    CHECK_INT("expires", m.expires.ms, 1789430400000);
    CHECK("list",
          from_json("{" TO ",\"kind\":\"list\",\"text\":\"t\",\"list\":{\"button\":\"Open\","
                    "\"sections\":[{\"title\":\"A\",\"rows\":[{\"id\":\"1\",\"title\":\"a\"},"
                    "{\"id\":\"2\",\"title\":\"b\",\"description\":\"d\"}]},{\"title\":\"B\","
                    "\"rows\":[{\"id\":\"3\",\"title\":\"c\"}]}]}}",
                    &m, &err));
    CHECK_INT("rows", m.noptions, 3);
    CHECK_INT("medium", m.prio, PRIO_NORMAL);
    CHECK_Z("section", m.options[1].section, "A");
    CHECK_Z("section", m.options[2].section, "B");
    CHECK_Z("description", m.options[1].description, "d");
    CHECK_Z("button", m.list_button, "Open");
    CHECK("media", from_json("{" TO ",\"kind\":\"media\",\"media\":{\"url\":\"https://x/a.jpeg\","
                             "\"caption\":\"c\",\"filename\":\"f\"}}",
                             &m, &err));
    CHECK_Z("mime", m.media.mime, "image/jpeg");
    CHECK_Z("caption", m.text, "c");
    CHECK("positional", from_json("{" TO ",\"kind\":\"template\",\"template\":{\"name\":\"n\","
                                  "\"language\":\"en_US\",\"params\":[\"Ada\",7,1.5]}}",
                                  &m, &err));
    CHECK_INT("params", m.template_.nparams, 3);
    CHECK_Z("number", m.template_.params[1].value, "7");
    CHECK_Z("real", m.template_.params[2].value, "1.5");
    CHECK_INT("no name", m.template_.params[0].name.n, 0);
    CHECK("named",
          from_json("{" TO ",\"kind\":\"template\",\"template\":{\"name\":\"n\",\"params\":{"
                    "\"who\":\"Ada\"}}}",
                    &m, &err));
    CHECK_Z("name", m.template_.params[0].name, "who");
    CHECK("pairs",
          from_json("{" TO ",\"kind\":\"template\",\"template\":{\"name\":\"n\",\"params\":[{"
                    "\"name\":\"who\",\"value\":\"Ada\"}]}}",
                    &m, &err));
    CHECK_Z("name", m.template_.params[0].name, "who");
    CHECK_Z("value", m.template_.params[0].value, "Ada");
}

static void full(struct message *m)
{
    *m = (struct message){.id = STR("01J"),
                          .kind = MESSAGE_LIST,
                          .user = STR("u"),
                          .phone = STR("+1"),
                          .bsuid = STR("US.1"),
                          .sender = STR("s"),
                          .prio = PRIO_HIGH,
                          .cls = STR("parts"),
                          .lang = STR("ar"),
                          .text = STR("a\n\"b\" \xf0\x9f\x91\x8d"),
                          .header = STR("h"),
                          .footer = STR("f"),
                          .noptions = 2,
                          .list_button = STR("lb"),
                          .emoji = STR("e"),
                          .typing = true,
                          .quoted = STR("q"),
                          .order_id = STR("o"),
                          .order_number = STR("on"),
                          .cause = STR("c"),
                          .created = {1},
                          .send_at = {2},
                          .expires = {3},
                          .max_sends = 4};
    m->options[0] = (struct message_option){STR("1"), STR("t"), STR("d"), STR("s")};
    m->options[1] = (struct message_option){.id = STR("2"), .title = STR("u")};
    m->media.url = STR("url");
    m->media.provider_id = STR("pid");
    m->media.mime = STR("mime");
    m->media.filename = STR("fn");
    m->location.name = STR("ln");
    m->location.address = STR("la");
    m->template_.name = STR("tn");
    m->template_.language = STR("tl");
    m->template_.content_sid = STR("HX");
    m->template_.nparams = 1;
    m->template_.params[0] = (struct message_param){STR("pn"), STR("pv")};
}

/* Encoding what was decoded gives the same bytes, so nothing is lost on the way. */
static void test_round_trip(void)
{
    struct message m, back = {0};
    struct err err = {0};
    struct buf b, again;

    buf_init(&b, 65536);
    buf_init(&again, 65536);
    full(&m);
    message_encode(&m, &b);
    CHECK("decoded", message_decode(arena, buf_str(&b), &back, &err));
    message_encode(&back, &again);
    CHECK("again", b.n > 150 && str_eq(buf_str(&b), buf_str(&again)));
    CHECK_INT("kind", back.kind, MESSAGE_LIST);
    CHECK_INT("priority", back.prio, PRIO_HIGH);
    CHECK_Z("first text", back.id, "01J");
    CHECK_Z("text", back.text, "a\n\"b\" \xf0\x9f\x91\x8d");
    CHECK_Z("last text", back.cause, "c");
    CHECK_INT("first number", back.created.ms, 1);
    CHECK_INT("last number", back.max_sends, 4);
    CHECK("typing", back.typing);
    CHECK_INT("options", back.noptions, 2);
    CHECK_Z("option", back.options[0].section, "s");
    CHECK_Z("option", back.options[1].title, "u");
    CHECK_INT("parameters", back.template_.nparams, 1);
    CHECK_Z("parameter", back.template_.params[0].value, "pv");
    m = (struct message){.kind = MESSAGE_LOCATION, .prio = PRIO_LOW};
    m.location.latitude = -33.856784;
    m.location.longitude = 151.215297;
    buf_reset(&b);
    message_encode(&m, &b);
    CHECK("location", message_decode(arena, buf_str(&b), &back, &err));
    CHECK("latitude", back.location.latitude == -33.856784);
    CHECK("longitude", back.location.longitude == 151.215297);
    CHECK_INT("empty", back.text.n, 0);
    buf_fini(&b);
    buf_fini(&again);
}

/* A record: @version, kind and priority as given (0: left out), and @options empty options. */
static struct str record(struct buf *b, uint8_t version, int64_t kind, int64_t prio, int options,
                         int params)
{
    buf_reset(b);
    pack_begin(b, version);
    pack_int(b, 120, kind);
    pack_int(b, 121, prio);
    for (; options > 0; options--) {
        pack_bytes(b, 125, STR("\1"));
    }
    for (; params > 0; params--) {
        pack_bytes(b, 126, STR("\1"));
    }
    pack_str(b, 99, STR("of a newer program"));
    return buf_str(b);
}

static void test_damaged(void)
{
    static const struct {
        const char *label;
        uint8_t version;
        int64_t kind, prio;
        int options, params;
    } bad[] = {
        {"version",         2, 1,  1,  0,  0 },
        {"no kind",         1, 0,  1,  0,  0 },
        {"kind",            1, 9,  1,  0,  0 },
        {"kind below",      1, -1, 1,  0,  0 },
        {"no priority",     1, 1,  0,  0,  0 },
        {"priority",        1, 1,  6,  0,  0 },
        {"priority below",  1, 1,  -1, 0,  0 },
        {"many options",    1, 1,  1,  11, 0 },
        {"many parameters", 1, 1,  1,  0,  17},
    };
    struct message m = {.max_sends = 99};
    struct err err = {0};
    struct str whole;
    struct buf b;

    buf_init(&b, 4096);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        err = (struct err){0};
        CHECK(bad[i].label, !message_decode(arena,
                                            record(&b, bad[i].version, bad[i].kind, bad[i].prio,
                                                   bad[i].options, bad[i].params),
                                            &m, &err));
        CHECK_INT(bad[i].label, err.code, ERR_DAMAGED);
        CHECK_INT("untouched", m.max_sends, 99);
    }
    whole = record(&b, 1, 1, 1, 10, 16);
    CHECK("not one byte less", !message_decode(arena, str_slice(whole, 0, whole.n - 1), &m, &err));
    CHECK("nothing", !message_decode(arena, STR(""), &m, &err));
    CHECK("JSON", !message_decode(arena, STR("{\"v\":1}"), &m, &err));
    CHECK("the most there may be", message_decode(arena, whole, &m, &err));
    CHECK_INT("options", m.noptions, 10);
    CHECK_INT("parameters", m.template_.nparams, 16);
    buf_fini(&b);
}

static struct message change(const char *form, const char *text, enum message_kind kind)
{
    struct message m = {.id = str_of(text),
                        .kind = kind,
                        .user = STR("u1"),
                        .sender = STR("main"),
                        .prio = PRIO_NORMAL,
                        .text = str_of(text),
                        .order_id = STR("w1"),
                        .noptions = kind == MESSAGE_BUTTONS ? 1 : 0};

    m.template_.name = str_of(form);
    return m;
}

/* Several changes of one order are one message; anything else is not touched. */
static void test_merge(void)
{
    struct message first = change(TEMPLATE_ASSIGNED, "assigned", MESSAGE_BUTTONS), m = {0};
    struct message next = change(TEMPLATE_STATUS, "on hold", MESSAGE_BUTTONS), other;

    next.noptions = 2;
    CHECK("merged", message_merge(arena, &first, &next, &m));
    CHECK_Z("both texts, in their order", m.text, "assigned\n\non hold");
    CHECK_Z("in the place of the first", m.id, "assigned");
    CHECK_INT("buttons that fit now", (int64_t)m.noptions, 2);
    CHECK_Z("outside the window: that it is his", m.template_.name, TEMPLATE_ASSIGNED);
    CHECK("again", message_merge(arena, &m, &next, &m));
    CHECK_Z("the same words once", m.text, "assigned\n\non hold");
    next = change(TEMPLATE_REMOVED, "no longer yours", MESSAGE_TEXT);
    CHECK("removed", message_merge(arena, &m, &next, &m));
    CHECK("no buttons", m.kind == MESSAGE_TEXT && m.noptions == 0);
    CHECK_Z("the last word", m.template_.name, TEMPLATE_REMOVED);

    first = change(TEMPLATE_STATUS, "open: on hold", MESSAGE_TEXT);
    next = change(TEMPLATE_STATUS, "on hold: open", MESSAGE_TEXT);
    CHECK("there", message_merge(arena, &first, &next, &m));
    CHECK("and back", message_merge(arena, &m, &first, &m));
    CHECK_Z("how it is now", m.text, "open: on hold\n\non hold: open\n\nopen: on hold");
    first = change(TEMPLATE_COMMENT, "Ana: Not yet", MESSAGE_TEXT);
    next = change(TEMPLATE_COMMENT, "Ana: No", MESSAGE_TEXT);
    CHECK("two notes", message_merge(arena, &first, &next, &m));
    CHECK_Z("both", m.text, "Ana: Not yet\n\nAna: No");

    first = change(TEMPLATE_UPDATED, "updated", MESSAGE_TEXT);
    next = first;
    other = next;
    other.order_id = STR("w2");
    CHECK("another order", !message_merge(arena, &first, &other, &m));
    other = next;
    other.sender = STR("tw");
    CHECK("another number", !message_merge(arena, &first, &other, &m));
    other = next;
    other.prio = PRIO_REPLY;
    CHECK("an answer", !message_merge(arena, &first, &other, &m));
    other = next;
    other.template_.name = STR_NONE;
    CHECK("what somebody wrote", !message_merge(arena, &first, &other, &m));
    other = next;
    other.order_id = STR_NONE;
    CHECK("about no order", !message_is_change(&other));
    other = change(TEMPLATE_STATUS, "x", MESSAGE_BUTTONS);
    other.text = arena_printf(arena, "%01020d", 7);
    CHECK("too long together", !message_merge(arena, &first, &other, &m));
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {TEST(test_kinds), TEST(test_members), TEST(test_contents),
                                        TEST(test_round_trip), TEST(test_damaged), TEST(test_merge)};
    int rc;

    arena = arena_new();
    rc = test_main(argc, argv, tests, ARRAY_LEN(tests));
    arena_free(&arena);
    return rc;
}
