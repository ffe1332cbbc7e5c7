/* What is to be translated, how the services are asked, and what of their answers counts. */
#include "domain/translate.h"

#include "harness.h"

static struct i18n *texts;
static struct arena *a;
static struct settings settings;
static struct tenant_settings conf = {
    .id = {"acme", 4},
      .default_language = {"en",   2}
};
static struct tenant plant;

static void set(bool apertium)
{
    settings = (struct settings){.translate_url = STR("http://t"),
                                 .translate_api_key = apertium ? STR_NONE : STR("k\"1"),
                                 .translate_apertium = apertium};
    plant = (struct tenant){.conf = &conf, .settings = &settings, .i18n = texts};
}

static void test_requests(void)
{
    const struct translation one = {STR("es"), STR("Grease & \"oil\" é"), STR_NONE};
    const struct translation strange = {STR("tlh"), STR("x"), STR_NONE};
    struct translate_request r;

    set(false);
    CHECK("libre", translate_request(a, &plant, &one, &r));
    CHECK_Z("libre", r.url, "http://t/translate");
    CHECK_Z(
        "libre", r.body,
        "{\"q\":\"Grease & \\\"oil\\\" é\",\"source\":\"en\",\"target\":\"es\",\"format\":\"text\","
        "\"api_key\":\"k\\\"1\"}");
    CHECK_Z("libre", str_of(r.content_type), "application/json");
    set(true);
    CHECK("apertium", translate_request(a, &plant, &one, &r));
    CHECK_Z("apertium", r.body,
            "langpair=eng%7Cspa&markUnknown=no&q=Grease%20%26%20%22oil%22%20%C3%A9");
    CHECK("a language without a name there", !translate_request(a, &plant, &strange, &r));
}

static void test_answers(void)
{
    static const struct {
        const char *label, *body, *want; /* NULL: none */
        bool apertium;
    } rows[] = {
        {"libre",                "{\"translatedText\":\" Engrasar \"}",                                         "Engrasar", false},
        {"the text itself",      "{\"translatedText\":\"Grease\"}",                                             NULL,       false},
        {"nothing",              "{\"translatedText\":\"\"}",                                                   NULL,       false},
        {"an error",             "{\"error\":\"no such language\"}",                                            NULL,       false},
        {"of the other dialect", "{\"responseData\":{\"translatedText\":\"Engrasar\"}}",                        NULL,
         false                                                                                                                   },
        {"a number",             "{\"translatedText\":7}",                                                      NULL,       false},
        {"no JSON",              "<html>",                                                                      NULL,       false},
        {"apertium",             "{\"responseData\":{\"translatedText\":\"Engrasar\"},\"responseStatus\":200}",
         "Engrasar",                                                                                                        true },
        {"its error",            "{\"responseData\":null}",                                                     NULL,       true },
    };
    const struct translation one = {STR("es"), STR("Grease"), STR_NONE};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str out = STR_NONE;

        set(rows[i].apertium);
        CHECK(rows[i].label, translate_answer(a, &plant, &one, str_of(rows[i].body), &out) ==
                                 (rows[i].want != NULL));
        CHECK_Z(rows[i].label, out, rows[i].want == NULL ? "" : rows[i].want);
    }
}

/* "es:Grease es:Use …": one of each language and text, in order. */
static struct str wanted(const char *data, const char *type, const char *const *langs, size_t n)
{
    struct json *j = NULL;
    struct translations *t = ARENA_NEW(a, struct translations);
    struct cmms_reads *reads = ARENA_NEW(a, struct cmms_reads);
    struct user *users[4] = {NULL};
    struct cmms_view view = {.users = users};
    struct cmms_event e = {.type = str_of(type)};
    struct buf out;
    struct str text;

    CHECK(data, json_parse(str_of(data), 65536, &j, NULL));
    e.data = j;
    for (size_t i = 0; i < n; i++) {
        users[i] = langs[i] == NULL ? NULL : ARENA_NEW(a, struct user);
        if (users[i] != NULL) {
            users[i]->language = str_of(langs[i]);
        }
    }
    reads->nusers = n;
    set(false);
    translate_wanted(a, &plant, &e, reads, &view, t);
    buf_init(&out, 65536);
    for (size_t i = 0; i < t->n; i++) {
        buf_addf(&out, "%s%.*s:%.*s", i > 0 ? " " : "", STR_ARG(t->v[i].lang),
                 STR_ARG(t->v[i].text));
    }
    text = arena_dup(a, out.n > 0 ? buf_str(&out) : STR(""));
    buf_fini(&out);
    json_free(&j);
    return text;
}

#define CREATED "cmms.workorder.created.v1"
#define NOTED   "cmms.workorder.comment_added.v1"

static void test_wanted(void)
{
    static const char *const crew[] = {"es-MX", NULL, "en", "es"};
    static const char *const two[] = {"hi", "ar"};

    CHECK_Z("each language once, English and strangers not",
            wanted("{\"workorder\":{\"title\":\"Grease\",\"description\":\"Use red\"}}", CREATED,
                   crew, 4),
            "es:Grease es:Use red");
    CHECK_Z(
        "a note, for two",
        wanted("{\"workorder\":{\"title\":\"T\"},\"comment\":{\"text\":\"Mind\"}}", NOTED, two, 2),
        "hi:Mind ar:Mind");
    CHECK_Z(
        "critical",
        wanted("{\"workorder\":{\"title\":\"Leak\",\"priority\":\"critical\"}}", CREATED, two, 2),
        "");
    CHECK_Z("numbers say the same everywhere",
            wanted("{\"workorder\":{\"title\":\"12-34\"}}", CREATED, two, 2), "");
    CHECK_Z("other events",
            wanted("{\"workorder\":{\"title\":\"T\"}}", "cmms.person.removed.v1", two, 2), "");
}

static void test_find(void)
{
    struct translations t = {
        .v = {{STR("es"), STR("Grease"), STR("Engrasar")}, {STR("es"), STR("Oil"), STR_NONE}},
        .n = 2
    };

    CHECK_Z("found, blanks aside", translate_find(&t, STR("es"), STR(" Grease ")), "Engrasar");
    CHECK_Z("another language", translate_find(&t, STR("fr"), STR("Grease")), "");
    CHECK_Z("not translated", translate_find(&t, STR("es"), STR("Oil")), "");
    CHECK_Z("no table", translate_find(NULL, STR("es"), STR("Oil")), "");
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {TEST(test_requests), TEST(test_answers), TEST(test_wanted),
                                        TEST(test_find)};
    int rc;

    a = arena_new();
    if (!i18n_new(NULL, &texts, NULL)) {
        return 1;
    }
    rc = test_main(argc, argv, tests, ARRAY_LEN(tests));
    i18n_free(&texts);
    arena_free(&a);
    return rc;
}
