/*
 * Every text that people may be sent, in every language, against
 * tests/data/golden/notices/<code>.txt: notices as session messages and in their template form,
 * then each pattern of the catalogue. With GOLDEN_WRITE=1 the files are written anew; read the
 * difference before it is committed.
 *
 * A new notice is a function that calls it and a row in golden_scenes.c; a new parameter of a
 * pattern may have a row in params[] with a value that reads well. Everything is rendered with
 * titles in English and in Arabic (the golden text), and with long ones (only the limits are looked
 * at).
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/embed.h"
#include "base/json.h"
#include "domain/broadcast.h"
#include "domain/notice.h"
#include "domain/template.h"
#include "domain/translate.h"
#include "golden_scenes.h"
#include "golden_text.h"
#include "harness.h"

extern const struct embedded locales_embedded[];

static const struct {
    const char *code, *template_code, *zone;
} languages[] = {
    {"en", "en_US", "America/Chicago"  },
    {"es", "es",    "Europe/Madrid"    },
    {"hi", "hi",    "Asia/Kolkata"     },
    {"ar", "ar",    "Asia/Dubai"       },
    {"pt", "pt_BR", "America/Sao_Paulo"},
    {"fr", "fr",    "Europe/Paris"     },
};

/* What a CMMS and people bring. */
#define MECHANIC "\xf0\x9f\x91\xa9\xf0\x9f\x8f\xbd\xe2\x80\x8d\xf0\x9f\x94\xa7" /* one character \
                                                                                 */
#define TEN(x) x x x x x x x x x x
static const struct golden_words sets[] = {
    {.name = "latin",
     .number = "WO-2024-001",
     .title = "Replace main drive motor bearing and realign the coupling after the vibration alarm",
     .asset = "Conveyor Belt A-01",
     .location = "Hall 2, north side",
     .person = "John Smith",
     .text = "Waiting for the 6204-2RS bearing; supplier says Tuesday."},
    {.name = "arabic",
     .number = "WO-2024-001",
     .title = "استبدال محمل المحرك الرئيسي A-01 بعد إنذار الاهتزاز",
     .asset = "سير ناقل A-01",
     .location = "الصالة 2، الجهة الشمالية",
     .person = "عمر حداد",
     .text = "بانتظار المحمل 6204-2RS من المورد." },
    {.name = "long",
     .number = "WO-2024-001",
     .title = TEN(MECHANIC) TEN(MECHANIC)
         TEN(MECHANIC) "\xe2\x80\xae\xe2\x81\xa7 and no end \xe2\x81\xa9\xe2\x81\xa9",
     .asset = TEN("क्षेत्र ") TEN("क्षेत्र "),
     .location = "\xe2\x81\xa6 never closed",
     .person = "\xe2\x80\xab turned",
     .text = "\xe2\x80\xae reversed"                                   },
};
enum { SETS_IN_FILE = 2, ARGS_MAX = 16 };

static struct i18n *i18n;
static struct templates *templates;
static struct arena *arena;
static struct settings settings;
static struct tenant_settings conf;
static struct tenant tenant;

/* ---- templates ---- */

/* The body of the template with the values in it. */
static struct str filled(const struct template_def *d, const struct message *form)
{
    struct buf b;
    struct str out;

    buf_init(&b, 1 << 16);
    for (size_t i = 0; i < d->body.n; i++) {
        size_t n;

        if (d->body.p[i] == '{' && i + 1 < d->body.n && d->body.p[i + 1] == '{') {
            n = (size_t)strtol(d->body.p + i + 2, NULL, 10);
            buf_add(&b, form->template_.params[n - 1].value);
            i = str_find_char(d->body, '}', i) + 1;
        } else {
            buf_add_char(&b, d->body.p[i]);
        }
    }
    out = arena_dup(arena, buf_str(&b));
    buf_fini(&b);
    return out;
}

static void add_template(const char *label, const struct message *m, size_t l, struct buf *out)
{
    const struct template_def *d =
        templates_find(templates, m->template_.name, str_of(languages[l].template_code));
    struct message form;

    CHECK(label, d != NULL && template_form(arena, d, m, &form));
    if (d == NULL || !template_form(arena, d, m, &form)) {
        return;
    }
    form.text = filled(d, &form);
    golden_check_text(label, form.text, 1024, strcmp(languages[l].code, "ar") == 0);
    buf_addf(out, "~ %.*s\n%.*s\n", STR_ARG(d->name), STR_ARG(form.text));
    golden_add_options(&form, out);
}

/* ---- notices ---- */

static void set_stage(struct stage *s, const struct golden_words *w, size_t l)
{
    *s = (struct stage){.w = w,
                        .l = i18n_lang(i18n, str_of(languages[l].code), STR("")),
                        .conf = &conf,
                        .text = str_of(w->text),
                        .by = str_of(w->person)};
    plan_init(&s->p, arena, &tenant, golden_moment("2024-12-20T10:00:00Z"), STR("in1"));
    s->o = (struct order){.id = STR("w1"),
                          .number = str_of(w->number),
                          .title = str_of(w->title),
                          .description = str_of(w->text),
                          .asset_name = str_of(w->asset),
                          .location_name = str_of(w->location),
                          .priority = ORDER_PRIO_HIGH,
                          .due = golden_moment("2024-12-25T17:00:00Z"),
                          .rev = 1};
    s->to = (struct user){.id = STR("u1"),
                          .name = str_of(w->person),
                          .phone = STR("+12025550117"),
                          .roles = ROLE_TECHNICIAN | ROLE_STAKEHOLDER,
                          .verified = true,
                          .consented = true,
                          .language = str_of(languages[l].code),
                          .timezone = str_of(languages[l].zone)};
}

static void play(size_t scene, const struct golden_words *w, size_t l, struct buf *out)
{
    char label[80];
    struct stage s;

    snprintf(label, sizeof(label), "%s, %s, %s", languages[l].code, golden_scenes[scene].name,
             w->name);
    buf_addf(out, "\n== %s, %s\n", golden_scenes[scene].name, w->name);
    set_stage(&s, w, l);
    golden_scenes[scene].play(&s);
    CHECK(label, s.p.nmessages > 0 && !s.p.over);
    for (size_t i = 0; i < s.p.nmessages; i++) {
        const struct message *m = &s.p.messages[i].m;

        golden_check_message(label, m, strcmp(languages[l].code, "ar") == 0);
        buf_addz(out, i > 0 ? "--\n" : "");
        golden_add_message(m, out);
        if (m->template_.name.n > 0) {
            add_template(label, m, l, out);
        }
    }
}

/* ---- patterns ---- */

/* Of a pattern's parameter: a text, or the key of a name in his language. */
static const struct {
    const char *name, *latin, *arabic, *key;
} params[] = {
    {"number",     "WO-2024-001",                "WO-2024-001",                          NULL                     },
    {"title",      "Replace Motor Bearing",      "استبدال محمل المحرك", NULL                     },
    {"task",       "Monthly filter replacement", "تغيير الفلتر الشهري", NULL                     },
    {"asset",      "Conveyor Belt A-01",         "سير ناقل A-01",                 NULL                     },
    {"location",   "Hall 2",                     "الصالة 2",                       NULL                     },
    {"team",       "Mechanics",                  "الميكانيكا",                 NULL                     },
    {"name",       "John Smith",                 "عمر حداد",                      NULL                     },
    {"names",      "John Smith, Ana Ruiz",       "عمر حداد, Ana Ruiz",            NULL                     },
    {"supervisor", "John Smith",                 "عمر حداد",                      NULL                     },
    {"company",    "Acme Plant",                 "مصنع أكمي",                    NULL                     },
    {"reason",     "waiting for parts",          "بانتظار القطع",            NULL                     },
    {"text",       "It leaks again (P-02)",      "تسريب مرة أخرى P-02",      NULL                     },
    {"advice",     "Look at its log",            "Look at its log",                      NULL                     },
    {"parts",      "Bearing 6204 (2), Grease",   "محمل 6204 (2), شحم",            NULL                     },
    {"qty",        "2",                          "2",                                    NULL                     },
    {"typed",      "abc1",                       "abc1",                                 NULL                     },
    {"word",       "FOO",                        "كلمة",                             NULL                     },
    {"commands",   "*STATUS*",                   "*STATUS*",                             NULL                     },
    {"example",    "ES",                         "ES",                                   NULL                     },
    {"url",        "https://wa.example.com/x",   "https://wa.example.com/x",             NULL                     },
    {"phone",      "+12025550117",               "+12025550117",                         NULL                     },
    {"component",  "redis",                      "redis",                                NULL                     },
    {"fields",     NULL,                         NULL,                                   "name.field.due_at"      },
    {"field",      NULL,                         NULL,                                   "name.field.due_at"      },
    {"before",     NULL,                         NULL,                                   "name.priority.medium"   },
    {"after",      NULL,                         NULL,                                   "name.priority.high"     },
    {"priority",   NULL,                         NULL,                                   "name.priority.high"     },
    {"status",     NULL,                         NULL,                                   "name.status.in_progress"},
    {"type",       NULL,                         NULL,                                   "name.type.preventive"   },
    {"class",      NULL,                         NULL,                                   "name.class.assignments" },
    {"left",       "2 h",                        "2 h",                                  NULL                     },
    {"kind",       "photo",                      "photo",                                NULL                     },
    {"due",        "2024-12-25T17:00:00Z",       NULL,                                   NULL                     },
    {"at",         "2024-12-20T14:21:00Z",       NULL,                                   NULL                     },
};

static size_t row_of(struct str name)
{
    size_t i = 0;

    while (i < ARRAY_LEN(params) && !str_eqz(name, params[i].name)) {
        i++;
    }
    return i;
}

/* What a parameter without a row holds: its own name, or a number or time where it is used as one.
 */
static struct text_arg guessed(struct str name, struct str use, int64_t n)
{
    const char *own = arena_printf(arena, "%.*s", STR_ARG(name)).p;

    if (str_starts(use, STR(", plural")) || str_starts(use, STR(", number"))) {
        return ARG_N(own, n);
    }
    if (str_starts(use, STR(", date")) || str_starts(use, STR(", time"))) {
        return ARG_T(own, golden_moment("2024-12-25T17:00:00Z"));
    }
    return ARG_S(own, str_of(own));
}

static struct text_arg known(size_t row, const struct lang *l, struct str zone, bool arabic,
                             int64_t n)
{
    const char *text =
        arabic && params[row].arabic != NULL ? params[row].arabic : params[row].latin;
    struct wall t;

    if (params[row].key != NULL) {
        return ARG_S(params[row].name, i18n_text(arena, l, zone, params[row].key, NULL, 0));
    }
    if (text != NULL && params[row].arabic == NULL && wall_parse(str_of(text), &t)) {
        return ARG_T(params[row].name, t);
    }
    return text != NULL ? ARG_S(params[row].name, str_of(text)) : ARG_N(params[row].name, n);
}

/*
 * Values for what English asks for. In braces stand parameters, and between the braces of a plural
 * or select the texts of its choices.
 */
static size_t arguments(struct str pattern, const struct lang *l, struct str zone, bool arabic,
                        int64_t n, struct text_arg *out)
{
    bool choices[16] = {false}; /* by depth of braces: names of choices stand there */
    size_t depth = 0, count = 0;

    for (size_t i = 0; i < pattern.n; i++) {
        if (pattern.p[i] == '}' && depth > 0) {
            depth--;
        } else if (pattern.p[i] == '{' && depth + 1 < ARRAY_LEN(choices) && count < ARGS_MAX &&
                   (i == 0 || pattern.p[i - 1] != '\'')) {
            bool text = choices[depth];
            struct str name, use;
            size_t end = i + 1, row;

            while (end < pattern.n &&
                   ((pattern.p[end] >= 'a' && pattern.p[end] <= 'z') || pattern.p[end] == '_')) {
                end++;
            }
            name = str_slice(pattern, i + 1, end);
            use = str_slice(pattern, end, pattern.n);
            choices[++depth] =
                !text && (str_starts(use, STR(", plural")) || str_starts(use, STR(", select")));
            row = row_of(name);
            if (!text) {
                out[count++] = row < ARRAY_LEN(params) ? known(row, l, zone, arabic, n)
                                                       : guessed(name, use, n);
            }
        }
    }
    return count;
}

static void add_pattern(const char *key, struct str pattern, size_t l, struct buf *out)
{
    static const int64_t counts[] = {0, 1, 2, 3, 11, 100};
    const struct lang *lang = i18n_lang(i18n, str_of(languages[l].code), STR(""));
    struct str zone = str_of(languages[l].zone), before = STR("");
    bool plural = str_find(pattern, STR(", plural")) != SIZE_MAX;

    buf_addf(out, "\n= %s\n", key);
    for (size_t i = 0; i < (plural ? ARRAY_LEN(counts) : 2); i++) {
        bool arabic = !plural && i == 1;
        struct text_arg args[ARGS_MAX];
        size_t n = arguments(pattern, lang, zone, arabic, plural ? counts[i] : 5, args);
        struct str text = i18n_text(arena, lang, zone, key, args, n);

        golden_check_text(key, text, 4096, lang_is_rtl(lang));
        if (!str_eq(text, before)) {
            buf_addf(out, "%.*s\n", STR_ARG(text));
        }
        before = text;
    }
}

static void add_patterns(size_t l, struct buf *out)
{
    struct json *en = NULL;
    struct str key;

    CHECK("English",
          json_parse(embed_find(locales_embedded, STR("en.json")), GOLDEN_MAX, &en, NULL));
    for (size_t i = 0; i < json_len(en); i++) {
        const struct json *value = json_member_at(en, i, &key);

        if (json_kind(value) == JSON_STRING && str_find_char(key, '@', 0) == SIZE_MAX) {
            add_pattern(arena_printf(arena, "%.*s", STR_ARG(key)).p, json_str(value), l, out);
        }
    }
    json_free(&en);
}

static size_t nscenes(void)
{
    size_t n = 0;

    while (golden_scenes[n].name != NULL) {
        n++;
    }
    return n;
}

static void test_golden(void)
{
    for (size_t l = 0; l < ARRAY_LEN(languages); l++) {
        struct buf out;

        buf_init(&out, GOLDEN_MAX);
        buf_addf(&out, "What people read in %s. See tests/domain/test_golden.c.\n",
                 languages[l].code);
        for (size_t scene = 0; scene < nscenes(); scene++) {
            for (size_t w = 0; w < SETS_IN_FILE; w++) {
                play(scene, &sets[w], l, &out);
            }
        }
        add_patterns(l, &out);
        golden_compare(languages[l].code, buf_str(&out));
        buf_fini(&out);
    }
}

static void test_limits(void)
{
    for (size_t l = 0; l < ARRAY_LEN(languages); l++) {
        for (size_t scene = 0; scene < nscenes(); scene++) {
            struct buf out;

            buf_init(&out, GOLDEN_MAX);
            play(scene, &sets[SETS_IN_FILE], l, &out);
            buf_fini(&out);
        }
    }
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {TEST(test_golden), TEST(test_limits)};
    int rc;

    arena = arena_new();
    if (!i18n_new(NULL, &i18n, NULL) || !templates_new(NULL, &templates, NULL)) {
        return 1;
    }
    settings.public_url = STR("https://wa.example.com");
    conf = (struct tenant_settings){.id = STR("acme"),
                                    .name = STR("Acme Plant"),
                                    .timezone = STR("Europe/Madrid"),
                                    .default_language = STR("en")};
    tenant = (struct tenant){.conf = &conf, .id = conf.id, .settings = &settings, .i18n = i18n};
    rc = test_main(argc, argv, tests, ARRAY_LEN(tests));
    templates_free(&templates);
    i18n_free(&i18n);
    arena_free(&arena);
    return rc;
}
