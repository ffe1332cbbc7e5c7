/* The catalogue of templates, how one is chosen, and messages in that form. */
#include "domain/template.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness.h"

#define S(z)                   \
    {                          \
        "" z "", sizeof(z) - 1 \
    }

static struct arena *a;
static struct templates *catalogue;

static const char *const languages[] = {"ar", "en_US", "es", "fr", "hi", "pt_BR"};

static const struct {
    const char *name;
    size_t params, buttons;
} shapes[] = {
    {TEMPLATE_ASSIGNED,   6, 3},
    {TEMPLATE_REMOVED,    2, 0},
    {TEMPLATE_UPDATED,    3, 1},
    {TEMPLATE_STATUS,     4, 1},
    {TEMPLATE_PRIORITY,   4, 1},
    {TEMPLATE_REMINDER,   4, 1},
    {TEMPLATE_PARTS,      3, 1},
    {TEMPLATE_COMMENT,    4, 1},
    {TEMPLATE_ESCALATED,  4, 1},
    {TEMPLATE_CREATED,    2, 0},
    {TEMPLATE_PROGRESS,   3, 0},
    {TEMPLATE_RESOLVED,   3, 0},
    {TEMPLATE_REQUEST,    2, 0},
    {TEMPLATE_ASSET,      3, 0},
    {TEMPLATE_REFUSED,    3, 0},
    {TEMPLATE_NO_NOTE,    2, 0},
    {TEMPLATE_ALERT,         3, 2},
    {TEMPLATE_ALERT_TAKEN,   3, 0},
    {TEMPLATE_ALERT_CLEARED, 2, 0},
    {TEMPLATE_ALERT_STILL,   2, 2},
    {TEMPLATE_PM,         3, 3},
    {TEMPLATE_PM_DONE,    2, 0},
    {TEMPLATE_PM_MOVED,   3, 0},
    {TEMPLATE_PM_REFUSED, 2, 0},
    {TEMPLATE_TEAM,       3, 0},
    {TEMPLATE_CHECKLIST,  1, 1},
    {TEMPLATE_CHECKLIST_TAKEN, 2, 0},
    {TEMPLATE_CHECKLIST_LATE,  3, 0},
    {TEMPLATE_WELCOME,         1, 0},
    {TEMPLATE_VERIFY,          2, 0},
    {TEMPLATE_BROADCAST,       2, 0},
    {TEMPLATE_ASK_ACK,         2, 1},
    {TEMPLATE_ASK_SAFETY,      2, 2},
    {TEMPLATE_TRAINING,        2, 0},
    {TEMPLATE_TRAINING_READ,   2, 1},
    {TEMPLATE_WAITING,         1, 1},
    {TEMPLATE_TEST,            1, 0},
    {TEMPLATE_CODE,            1, 0},
};

static void test_catalogue(void)
{
    for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
        CHECK(shapes[i].name, templates_has(catalogue, str_of(shapes[i].name)));
        for (size_t l = 0; l < ARRAY_LEN(languages); l++) {
            const struct template_def *d =
                templates_find(catalogue, str_of(shapes[i].name), str_of(languages[l]));

            CHECK(shapes[i].name, d != NULL);
            if (d != NULL) {
                CHECK_INT(shapes[i].name, d->nparams, shapes[i].params);
                CHECK_INT(shapes[i].name, d->nbuttons, shapes[i].buttons);
            }
        }
    }
    CHECK_INT("and no others", templates_count(catalogue),
              ARRAY_LEN(shapes) * ARRAY_LEN(languages));
    CHECK("unknown", !templates_has(catalogue, STR("crewline_nothing")));
    CHECK("unknown language", templates_find(catalogue, STR(TEMPLATE_TEST), STR("xx")) == NULL);
}

/* ---- from JSON ---- */

#define BODY(text) "{\"category\":\"UTILITY\",\"body\":\"" text "\",\"examples\":[\"a\"]}"

static const struct {
    const char *label, *name, *language, *json, *member; /* NULL: it is good */
} json_rows[] = {
    {"good",                   "t", "es",    BODY("Hi {{1}}, hello."),                                 NULL       },
    {"a small category",       "t", "pt_BR", "{\"category\":\"utility\",\"body\":\"x\"}",              NULL       },
    {"a code",                 "t", "es",    "{\"category\":\"AUTHENTICATION\",\"examples\":[\"1\"]}", NULL       },
    {"capital in the name",    "T", "es",    BODY("Hi {{1}}, hello."),                                 "name"     },
    {"no name",                "",  "es",    BODY("Hi {{1}}, hello."),                                 "name"     },
    {"a language with a dash", "t", "es-MX", BODY("Hi {{1}}, hello."),                                 "language" },
    {"no category",            "t", "es",    "{\"body\":\"x\"}",                                       "category" },
    {"no body",                "t", "es",    "{\"category\":\"UTILITY\"}",                             "body"     },
    {"begins with one",        "t", "es",    BODY("{{1}} hello."),                                     "body"     },
    {"begins with a bold one", "t", "es",    BODY("*{{1}}* hello."),                                   "body"     },
    {"ends with one",          "t", "es",    BODY("Hi {{1}}"),                                         "body"     },
    {"two side by side",       "t", "es",    BODY("Hi {{1}} {{2}} x"),                                 "body"     },
    {"a gap",                  "t", "es",    BODY("Hi {{1}}, {{3}} x"),                                "body"     },
    {"twice",                  "t", "es",    BODY("Hi {{1}}, {{1}} x"),                                "body"     },
    {"a name for a number",    "t", "es",    BODY("Hi {{name}} x"),                                    "body"     },
    {"open braces",            "t", "es",    BODY("Hi {{1 x"),                                         "body"     },
    {"no example",             "t", "es",    "{\"category\":\"UTILITY\",\"body\":\"a {{1}} b\"}",      "examples" },
    {"an empty example",       "t", "es",
     "{\"category\":\"UTILITY\",\"body\":\"a {{1}} b\",\"examples\":[\" \"]}",                         "examples" },
    {"a footer with one",      "t", "es",
     "{\"category\":\"UTILITY\",\"body\":\"a\",\"footer\":\"{{1}}\"}",                                 "footer"   },
    {"a header that is none",  "t", "es",    "{\"category\":\"UTILITY\",\"body\":\"a\",\"header\":7}",
     "header"                                                                                                     },
    {"a label too long",       "t", "es",
     "{\"category\":\"UTILITY\",\"body\":\"a\",\"buttons\":[\"12345678901234567890123456\"]}",         "buttons.0"},
    {"one label twice",        "t", "es",
     "{\"category\":\"UTILITY\",\"body\":\"a\",\"buttons\":[\"x\",\"x\"]}",                            "buttons.1"},
    {"four buttons",           "t", "es",
     "{\"category\":\"UTILITY\",\"body\":\"a\",\"buttons\":[\"1\",\"2\",\"3\",\"4\"]}",                "buttons"  },
    {"a url without tls",      "t", "es",
     "{\"category\":\"UTILITY\",\"body\":\"a\",\"buttons\":[{\"text\":\"x\",\"url\":\"http://"
     "x\"}]}",                                                                                         "buttons.0"},
};

static void test_json(void)
{
    for (size_t i = 0; i < ARRAY_LEN(json_rows); i++) {
        struct template_def d;
        struct json *j = NULL;
        struct err err = {0};
        bool ok;

        CHECK(json_rows[i].label, json_parse(str_of(json_rows[i].json), 4096, &j, &err));
        ok = template_from_json(a, str_of(json_rows[i].name), str_of(json_rows[i].language), j, &d,
                                &err);
        CHECK_INT(json_rows[i].label, ok, json_rows[i].member == NULL);
        if (json_rows[i].member != NULL) {
            CHECK_Z(json_rows[i].label, str_of(err.member), json_rows[i].member);
        }
        json_free(&j);
    }
}

/* What is written is read again, and the hash is of what people see. */
static void test_round_trip(void)
{
    char before[TEMPLATE_HASH_CHARS + 1], after[TEMPLATE_HASH_CHARS + 1];

    for (size_t i = 0; i < templates_count(catalogue); i++) {
        const struct template_def *d = templates_at(catalogue, i);
        struct template_def again;
        struct json *j = NULL;
        struct err err = {0};
        struct buf b;
        struct jw w;

        buf_init(&b, 65536);
        jw_init(&w, &b);
        jw_open(&w, NULL, '{');
        template_write(d, &w);
        jw_close(&w, '}');
        CHECK(d->name.p, json_parse(buf_str(&b), 65536, &j, &err));
        CHECK(d->name.p, template_from_json(a, d->name, d->language, j, &again, &err));
        template_hash(d, before);
        template_hash(&again, after);
        CHECK_Z(d->name.p, str_of(after), before);
        again.body = arena_printf(a, "%.*s.", STR_ARG(again.body));
        template_hash(&again, after);
        CHECK(d->name.p, template_is_code(d) == (strcmp(before, after) == 0));
        json_free(&j);
        buf_fini(&b);
    }
}

static void test_state(void)
{
    const struct template_state s = {TEMPLATE_PAUSED, S("UTILITY"), S("FIRST_PAUSE"),
                                     S("123"),        S("abc"),     {1700000000000}};
    struct template_state got;
    struct err err = {0};
    struct buf b;

    buf_init(&b, 1024);
    template_state_encode(&s, &b);
    CHECK("decodes", template_state_decode(a, buf_str(&b), &got, &err));
    CHECK_INT("status", got.status, s.status);
    CHECK_STR("category", got.category, s.category);
    CHECK_STR("reason", got.reason, s.reason);
    CHECK_STR("id", got.id, s.id);
    CHECK_STR("hash", got.hash, s.hash);
    CHECK_INT("at", got.at.ms, s.at.ms);
    CHECK("cut off", !template_state_decode(a, str_slice(buf_str(&b), 0, b.n - 3), &got, &err));
    CHECK("nothing", !template_state_decode(a, STR_NONE, &got, &err));
    buf_fini(&b);
    CHECK_INT("Meta", template_status_of(STR("APPROVED")), TEMPLATE_APPROVED);
    CHECK_INT("Twilio", template_status_of(STR("approved")), TEMPLATE_APPROVED);
    CHECK_INT("received", template_status_of(STR("received")), TEMPLATE_PENDING);
    CHECK_INT("locked", template_status_of(STR("LOCKED")), TEMPLATE_DISABLED);
    CHECK_INT("never heard", template_status_of(STR("SOMETHING")), TEMPLATE_DISABLED);
}

/* ---- choosing ---- */

static const char *approved, *paused; /* languages, each with a blank behind */

static const struct template_state *state_of(void *ctx, struct str name, struct str language)
{
    static struct template_state s;
    char word[32];

    (void)ctx;
    (void)name;
    snprintf(word, sizeof(word), "%.*s ", STR_ARG(language));
    s.status = strstr(approved, word) != NULL ? TEMPLATE_APPROVED
               : strstr(paused, word) != NULL ? TEMPLATE_PAUSED
                                              : TEMPLATE_UNKNOWN;
    return s.status == TEMPLATE_UNKNOWN ? NULL : &s;
}

static const struct {
    const char *label, *lang, *otherwise, *approved, *paused, *want;
    enum template_status why;
} choose_rows[] = {
    {"his own",              "es",    "en", "en_US es ",    "",    "es",    TEMPLATE_UNKNOWN},
    {"his own, of a region", "es-MX", "en", "en_US es ",    "",    "es",    TEMPLATE_UNKNOWN},
    {"en is en_US",          "en",    "es", "en_US es ",    "",    "en_US", TEMPLATE_UNKNOWN},
    {"pt is pt_BR",          "pt",    "en", "en_US pt_BR ", "",    "pt_BR", TEMPLATE_UNKNOWN},
    {"of Portugal too",      "pt-PT", "en", "en_US pt_BR ", "",    "pt_BR", TEMPLATE_UNKNOWN},
    {"the tenant's",         "hi",    "es", "en_US es ",    "",    "es",    TEMPLATE_UNKNOWN},
    {"English",              "hi",    "es", "ar en_US ",    "",    "en_US", TEMPLATE_UNKNOWN},
    {"any",                  "hi",    "es", "ar ",          "",    "ar",    TEMPLATE_UNKNOWN},
    {"no language set",      "",      "",   "es ",          "",    "es",    TEMPLATE_UNKNOWN},
    {"paused, another goes", "es",    "en", "hi ",          "es ", "hi",    TEMPLATE_PAUSED },
    {"paused, none goes",    "es",    "en", "",             "es ", NULL,    TEMPLATE_PAUSED },
    {"none",                 "es",    "en", "",             "",    NULL,    TEMPLATE_UNKNOWN},
};

static void test_choose(void)
{
    for (size_t i = 0; i < ARRAY_LEN(choose_rows); i++) {
        enum template_status why;
        const struct template_def *d;

        approved = choose_rows[i].approved;
        paused = choose_rows[i].paused;
        d = template_choose(catalogue, STR(TEMPLATE_TEST), str_of(choose_rows[i].lang),
                            str_of(choose_rows[i].otherwise), state_of, NULL, &why);
        CHECK_STR(choose_rows[i].label, d == NULL ? STR_NONE : d->language,
                  str_of(choose_rows[i].want));
        if (choose_rows[i].want == NULL) {
            CHECK_INT(choose_rows[i].label, why, choose_rows[i].why);
        }
    }
}

/* ---- forms ---- */

static const struct template_def *def(const char *name, const char *language)
{
    return templates_find(catalogue, str_of(name), str_of(language));
}

static void test_form(void)
{
    struct message m = {.kind = MESSAGE_BUTTONS,
                        .text = STR("the session form"),
                        .header = STR("h"),
                        .order_id = STR("w1"),
                        .noptions = 1,
                        .options = {{.id = S("complete:w1"), .title = S("Complete")}}},
                   f;

    TEMPLATE_SET(a, &m, TEMPLATE_ASSIGNED, STR("WO-1"), STR("Two\nlines \t and  blanks "), STR_NONE,
                 STR(" "), STR("High"), STR("Dec 25"));
    CHECK("fits", template_form(a, def(TEMPLATE_ASSIGNED, "es"), &m, &f));
    CHECK_INT("kind", f.kind, MESSAGE_TEMPLATE);
    CHECK_STR("language", f.template_.language, STR("es"));
    CHECK_STR("one line", f.template_.params[1].value, STR("Two lines and blanks"));
    CHECK_STR("never empty", f.template_.params[2].value, STR("–"));
    CHECK_STR("nor blank", f.template_.params[3].value, STR("–"));
    CHECK_INT("its own buttons", f.noptions, 3);
    CHECK_STR("with our payloads", f.options[0].id, STR("start:w1"));
    CHECK_STR("with our payloads", f.options[2].id, STR("ack:w1"));
    CHECK_INT("no header left", f.header.n + f.text.n, 0);
    m.template_.nparams--;
    CHECK("a value is missing", !template_form(a, def(TEMPLATE_ASSIGNED, "es"), &m, &f));
}

static void test_form_answers(void)
{
    struct message m =
                       {
                           .kind = MESSAGE_BUTTONS,
                           .noptions = 2,
                           .options = {{.id = S("safe:b7")}, {.id = S("help:b7")}}
    },
                   f;

    template_set_broadcast(a, &m, STR("Gas leak"), STR("Leave hall 2"));
    CHECK_STR("a roll call", m.template_.name, STR(TEMPLATE_ASK_SAFETY));
    CHECK("fits", template_form(a, def(TEMPLATE_ASK_SAFETY, "hi"), &m, &f));
    CHECK_STR("the message's own", f.options[1].id, STR("help:b7"));
    m.noptions = 1;
    CHECK("an answer is missing", !template_form(a, def(TEMPLATE_ASK_SAFETY, "hi"), &m, &f));
    template_set_broadcast(a, &m, STR("Gas leak"), STR("Leave hall 2"));
    CHECK_STR("one answer", m.template_.name, STR(TEMPLATE_ASK_ACK));
    m.noptions = 0;
    template_set_broadcast(a, &m, STR("Gas leak"), STR("Leave hall 2"));
    CHECK_STR("none", m.template_.name, STR(TEMPLATE_BROADCAST));
}

/* Whatever is put in, the body stays within the limit, and short values stay whole. */
static void test_form_fits(void)
{
    char *text = malloc(9001);

    for (size_t i = 0; i < 9000; i += 3) {
        memcpy(text + i, "न", 3);
    }
    for (size_t l = 0; l < ARRAY_LEN(languages); l++) {
        const struct template_def *d = def(TEMPLATE_BROADCAST, languages[l]);
        struct message m = {.kind = MESSAGE_TEXT}, f;
        size_t n = str_utf8_len(d->body);

        template_set_broadcast(a, &m, STR("Gas leak"), str_make(text, 9000));
        CHECK(languages[l], template_form(a, d, &m, &f));
        n += str_utf8_len(f.template_.params[0].value) + str_utf8_len(f.template_.params[1].value);
        CHECK(languages[l], n <= TEMPLATE_BODY_MAX && n > TEMPLATE_BODY_MAX - 100);
        CHECK(languages[l], str_find(f.template_.params[0].value, STR("Gas leak")) != SIZE_MAX);
        CHECK(languages[l], str_ends(f.template_.params[1].value, STR("…")) ||
                                str_ends(f.template_.params[1].value, STR("…\u2069")));
    }
    free(text);
}

static void test_isolates(void)
{
    struct message m = {.kind = MESSAGE_TEXT}, f;

    TEMPLATE_SET(a, &m, TEMPLATE_REMOVED, STR("WO-1"), STR("محمل"));
    CHECK("fits", template_form(a, def(TEMPLATE_REMOVED, "ar"), &m, &f));
    CHECK_STR("an identifier", f.template_.params[0].value, STR("\u2068WO-1\u2069"));
    CHECK_STR("its own script", f.template_.params[1].value, STR("محمل"));
    CHECK("fits", template_form(a, def(TEMPLATE_REMOVED, "en_US"), &m, &f));
    CHECK_STR("left to right", f.template_.params[0].value, STR("WO-1"));
}

static void test_waiting(void)
{
    const struct message m = {.id = S("m1"),
                              .kind = MESSAGE_MEDIA,
                              .user = S("u1"),
                              .phone = S("+12025550117"),
                              .sender = S("main"),
                              .prio = PRIO_HIGH,
                              .lang = S("es"),
                              .order_number = S("WO-7"),
                              .order_id = S("w7")};
    struct message g, f;

    template_waiting(a, &m, STR("Acme"), &g);
    CHECK_STR("about the order", g.template_.params[0].value, STR("WO-7"));
    CHECK_STR("because of", g.cause, STR("m1"));
    CHECK_INT("as urgent", g.prio, PRIO_HIGH);
    CHECK("fits", template_form(a, def(TEMPLATE_WAITING, "es"), &g, &f));
    CHECK_STR("its button", f.options[0].id, STR("read:w7"));
    g = m;
    g.order_id = g.order_number = STR_NONE;
    template_waiting(a, &g, STR("Acme"), &f);
    CHECK_STR("about nothing special", f.template_.params[0].value, STR("Acme"));
}

/* The operator's own files add and replace; a bad one is named. */
static void test_own(void)
{
    char dir[] = "/tmp/crewline-templates-XXXXXX", path[128];
    struct templates *own = NULL;
    struct err err = {0};
    FILE *f;

    CHECK("folder", mkdtemp(dir) != NULL);
    CHECK("no folder of templates", templates_new(dir, &own, &err));
    CHECK_INT("the built-in ones", templates_count(own), templates_count(catalogue));
    templates_free(&own);
    snprintf(path, sizeof(path), "%s/templates", dir);
    CHECK_INT("folder", mkdir(path, 0700), 0);
    snprintf(path, sizeof(path), "%s/templates/es.json", dir);
    f = fopen(path, "w");
    fputs("{\"language\":\"es\",\"templates\":{\"crewline_test\":{\"category\":\"UTILITY\","
          "\"body\":\"Prueba de {{1}}, gracias.\",\"examples\":[\"x\"]},\"own_one\":"
          "{\"category\":\"UTILITY\",\"body\":\"Hola\"}}}",
          f);
    fclose(f);
    CHECK("reads", templates_new(dir, &own, &err));
    CHECK_INT("one more", templates_count(own), templates_count(catalogue) + 1);
    CHECK("replaced",
          str_starts(templates_find(own, STR("crewline_test"), STR("es"))->body, STR("Prueba de")));
    templates_free(&own);
    f = fopen(path, "w");
    fputs("{\"language\":\"es\",\"templates\":{\"x\":{\"category\":\"UTILITY\"}}}", f);
    fclose(f);
    CHECK("refused", !templates_new(dir, &own, &err));
    CHECK_INT("as configuration", err.code, ERR_CONFIG);
    CHECK("names the file", strstr(err.msg, "es.json") != NULL && strstr(err.msg, "body") != NULL);
    unlink(path);
    snprintf(path, sizeof(path), "%s/templates", dir);
    rmdir(path);
    rmdir(dir);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_catalogue), TEST(test_json),    TEST(test_round_trip),   TEST(test_state),
        TEST(test_choose),    TEST(test_form),    TEST(test_form_answers), TEST(test_form_fits),
        TEST(test_isolates),  TEST(test_waiting), TEST(test_own)};
    struct err err = {0};
    int rc;

    a = arena_new();
    if (!templates_new(NULL, &catalogue, &err)) {
        printf("%s\n0 passed, 1 failed\n", err.msg);
        return 1;
    }
    rc = test_main(argc, argv, tests, ARRAY_LEN(tests));
    templates_free(&catalogue);
    arena_free(&a);
    return rc;
}
