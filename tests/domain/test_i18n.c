#include "domain/i18n.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness.h"

static struct i18n *texts;
static struct arena *arena;

static const struct lang *lang(const char *code)
{
    return i18n_lang(texts, str_of(code), STR(""));
}

#define UTC               STR("UTC")
#define T(code, key, ...) I18N(arena, lang(code), UTC, key, ##__VA_ARGS__)

static struct wall at(const char *text)
{
    struct wall t = {0};

    CHECK(text, wall_parse(str_of(text), &t));
    return t;
}

static void test_look_up(void)
{
    static const struct {
        const char *code, *otherwise, *want;
    } rows[] = {
        {"es",         "",      "es"},
        {"es-MX",      "",      "es"},
        {"ES_mx",      "",      "es"},
        {"hi-Latn-IN", "",      "hi"},
        {"xx",         "ar",    "ar"},
        {"",           "hi-IN", "hi"},
        {"xx",         "yy",    "en"},
        {"",           "",      "en"},
        {"english",    "",      "en"},
        {"e",          "ar-",   "ar"},
    };
    static const struct {
        const char *name, *want;
    } names[] = {
        {"Español",                 "es"},
        {"spanish",                  "es"},
        {"ESPAÑOL!",                "es"},
        {"es",                       "es"},
        {"es-MX",                    "es"},
        {"अंग्रेजी", "en"},
        {"العربيه",           "ar"},
        {"हिंदी",          "hi"},
        {"francais",                 "fr"},
        {"Português (Brasil)",      NULL},
        {"pt-BR",                    "pt"},
        {"portugues",                "pt"},
        {"klingon",                  NULL},
        {"",                         NULL},
    };
    const struct lang *all[8];

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct lang *l = i18n_lang(texts, str_of(rows[i].code), str_of(rows[i].otherwise));

        CHECK_Z(rows[i].code, lang_code(l), rows[i].want);
    }
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const struct lang *l = i18n_lang_named(texts, str_of(names[i].name));

        CHECK_Z(names[i].name, l == NULL ? STR("") : lang_code(l),
                names[i].want == NULL ? "" : names[i].want);
    }
    CHECK("rtl", lang_is_rtl(lang("ar")) && !lang_is_rtl(lang("hi")));
    CHECK_Z("name", lang_name(lang("es")), "Español");
    CHECK_INT("all", i18n_langs(texts, all, ARRAY_LEN(all)), 6);
    CHECK_Z("English first", lang_code(all[0]), "en");
}

static void test_plurals(void)
{
    static const struct {
        const char *code;
        int64_t n;
        const char *want;
    } rows[] = {
        {"en", 1,    "📋 *You have 1 open work order*"                                                  },
        {"en", 2,    "📋 *You have 2 open work orders*"                                                 },
        {"en", 1234, "📋 *You have 1,234 open work orders*"                                             },
        {"es", 1,    "📋 *Tienes 1 orden de trabajo abierta*"                                           },
        {"es", 12,   "📋 *Tienes 12 órdenes de trabajo abiertas*"                                      },
        {"hi", 1,    "📋 *आपके पास 1 खुला वर्क ऑर्डर है*"   },
        {"hi", 5,    "📋 *आपके पास 5 खुले वर्क ऑर्डर हैं*"},
        {"ar", 1,    "📋 *لديك أمر عمل مفتوح واحد*"                                  },
        {"ar", 2,    "📋 *لديك أمرا عمل مفتوحان*"                                     },
        {"ar", 3,    "📋 *لديك ٣ أوامر عمل مفتوحة*"                                  },
        {"ar", 11,   "📋 *لديك ١١ أمر عمل مفتوحًا*"                                  },
        {"ar", 100,  "📋 *لديك ١٠٠ أمر عمل مفتوح*"                                    },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CHECK_Z(rows[i].code, T(rows[i].code, "reply.my_work", ARG_N("n", rows[i].n)),
                rows[i].want);
    }
    CHECK_Z("exact", T("en", "reply.options", ARG_N("n", 3)), "Reply 1, 2 or 3");
    CHECK_Z("exact", T("en", "reply.options", ARG_N("n", 7)), "Reply with a number from 1 to 7");
    CHECK_Z("exact", T("ar", "reply.options", ARG_N("n", 2)), "أرسل ١ أو ٢");
    CHECK_Z("select", T("es", "reply.which.media", ARG_S("kind", STR("video"))),
            "¿Para qué orden de trabajo es este vídeo?");
    CHECK_Z("select", T("es", "reply.which.media", ARG_S("kind", STR("hologram"))),
            "¿Para qué orden de trabajo es este documento?");
    CHECK_Z("quoted braces", T("en", "reply_with.delay"), "• *DELAY {reason}* - Report delay");
}

static void test_times(void)
{
    struct wall t = at("2024-12-25T20:21:00Z");
    struct text_arg due = ARG_T("due", t), when = ARG_T("at", t);
    struct str madrid = STR("Europe/Madrid"), chicago = STR("America/Chicago");
    struct text_arg resolved[] = {ARG_IDENT("number", STR("1234")), ARG_S("title", STR("Pump")),
                                  when};

    CHECK_Z("en", i18n_text(arena, lang("en"), chicago, "line.due", &due, 1),
            "📅 *Due:* Dec 25, 2024");
    CHECK_Z("next day", i18n_text(arena, lang("en"), STR("Asia/Kolkata"), "line.due", &due, 1),
            "📅 *Due:* Dec 26, 2024");
    CHECK_Z("es", i18n_text(arena, lang("es"), madrid, "line.due_date_time", &due, 1),
            "📅 *Fecha límite:* 25 dic 2024, 21:21");
    CHECK_Z("hi", i18n_text(arena, lang("hi"), STR("Asia/Kolkata"), "line.due_date_time", &due, 1),
            "📅 *नियत समय:* 26 दिस॰ 2024, 1:51 am");
    CHECK_Z("ar", i18n_text(arena, lang("ar"), STR("Asia/Dubai"), "line.due", &due, 1),
            "📅 *تاريخ الاستحقاق:* ٢٦ ديسمبر ٢٠٢٤");
    /* The seeds' "Issue resolved at 3:21 PM", local time; no narrow space before PM. */
    CHECK_Z("resolved",
            i18n_text(arena, lang("en"), STR("America/New_York"), "notice.stakeholder_resolved",
                      resolved, 3),
            "✅ Work Order #1234: Pump\nIssue resolved at 3:21 PM");
    CHECK_Z("unknown zone is UTC",
            i18n_text(arena, lang("es"), STR("Mars/Base"), "line.due_date_time", &due, 1),
            "📅 *Fecha límite:* 25 dic 2024, 20:21");
}

static void test_isolates(void)
{
    CHECK_Z("ltr", T("en", "reply.order", ARG_IDENT("number", STR("WO-1"))), "🔧 *Work Order WO-1*");
    CHECK_Z("rtl", T("ar", "reply.order", ARG_IDENT("number", STR("WO-1"))),
            "🔧 *أمر العمل \u2068WO-1\u2069*");
    CHECK_Z("other text",
            T("ar", "reply.escalated", ARG_IDENT("number", STR("WO-1")),
              ARG_S("supervisor", STR("Ana"))),
            "🆘 تم تصعيد أمر العمل \u2068WO-1\u2069 إلى \u2068Ana\u2069.");
    CHECK_Z("the other way round",
            T("en", "reply.escalated", ARG_IDENT("number", STR("WO-1")),
              ARG_S("supervisor", STR("عمر"))),
            "🆘 Work order WO-1 escalated to \u2068عمر\u2069.");
    CHECK_Z("digits alone", T("ar", "reply.order", ARG_IDENT("number", STR("12-34"))),
            "🔧 *أمر العمل \u206812-34\u2069*");
    CHECK_Z("marks of its own end with it",
            T("en", "reply.order", ARG_IDENT("number", STR("\u202ea\u2069\u2066b\u202c"))),
            "🔧 *Work Order a\u2066b\u2069*");
}

static void test_normalize(void)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"  My   WORK!! ",                 "my work"               },
        {"/wo",                            "wo"                    },
        {"*ACK*",                          "ack"                   },
        {"a\tb\r\nc",                      "a b c"                 },
        {"",                               ""                      },
        {"...",                            ""                      },
        {"👍",                           ""                      },
        {"done ✅",                       "done"                  },
        {"✅done✅now",                  "done now"              },
        {"👨‍👩‍👧 ok 🇮🇳", "ok"                    },
        {"2️⃣",                        "2"                     },
        {"WO–12",                        "wo-12"                 },
        {"It’s",                         "it's"                  },
        {"ÑANDÚ",                        "nandu"                 },
        {"STRASSE Straße",                "strasse strasse"       },
        {"ＡＣＫ",                      "ack"                   },
        {"١٢٣ १२३",               "123 123"               },
        {"\u202bأهلاً\u202c",         "اهلا"              },
        {"मेरा काम।",      "मेरा काम"},
        {"क्‍ष",                   "क्ष"             },
        {"ﷺﷺﷺ",                      ""                      }, /* too long when folded: fits no word */
        {"\xff\xfe ok",                    "ok"                    },
        {"ok \xe2\x82",                    "ok"                    },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf b;

        buf_init(&b, 4096);
        i18n_normalize(str_of(rows[i].text), &b);
        CHECK_Z(rows[i].text, b.n == 0 ? STR("") : buf_str(&b), rows[i].want);
        buf_fini(&b);
    }
}

static void test_cut(void)
{
    static const struct {
        const char *text;
        size_t max;
        const char *want;
    } rows[] = {
        {"Replace Motor Bearing",    24, "Replace Motor Bearing"  },
        {"Replace Motor Bearing",    21, "Replace Motor Bearing"  },
        {"Replace Motor Bearing",    20, "Replace Motor Beari…" },
        {"Replace Motor",            9,  "Replace…"             }, /* no blank before the dots */
        {"abc",                      1,  "…"                    },
        {"abc",                      0,  ""                       },
        {"",                         5,  ""                       },
        {"nandu",                    5,  "nandu"                  },
        {"ab👨‍👩‍👧cd",   6,  "ab…"                  }, /* a family is one cluster of five */
        {"ab👨‍👩‍👧cd",   8,  "ab👨‍👩‍👧…"},
        {"🇮🇳🇪🇸🇦🇪", 4,  "🇮🇳…"            },
        {"किताब",          3,  "कि…"              },
        {"किताब",          2,  "…"                    },
        {"e\u0301a",                 2,  "…"                    }, /* e with a combining accent */
        {"\u2067\u2067\u2067\u2067\u2067\u2067abcdefgh", 13, "\u2067\u2067\u2067\u2067\u2067\u2067…\u2069\u2069\u2069\u2069\u2069\u2069"},
        {"ab\u2067cd\u2069efghij",    6,  "ab\u2067c…\u2069"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CHECK_Z(rows[i].text, i18n_cut(arena, str_of(rows[i].text), rows[i].max), rows[i].want);
    }
}

static void test_words(void)
{
    CHECK("own", i18n_is_word(lang("es"), "words.done", STR("terminado")));
    CHECK("English", i18n_is_word(lang("es"), "words.done", STR("done")));
    CHECK("other language", !i18n_is_word(lang("hi"), "words.done", STR("terminado")));
    CHECK("other list", !i18n_is_word(lang("es"), "words.yes", STR("terminado")));
    CHECK("no list", !i18n_is_word(lang("es"), "words.nothing", STR("terminado")));
    CHECK_Z("first", i18n_word(lang("es"), "commands.my_work", 0), "MIS TRABAJOS");
    CHECK_INT("past the end", i18n_word(lang("es"), "commands.my_work", 99).n, 0);
    CHECK_INT("no list", i18n_word(lang("es"), "commands.none", 0).n, 0);
}

static void test_timezones(void)
{
    static const struct {
        const char *zone, *t;
        int32_t minutes;
        const char *midnight;
    } rows[] = {
        {"UTC",              "2024-12-25T20:21:00Z", 1221, "2024-12-25T00:00:00Z"},
        {"Europe/Madrid",    "2024-12-25T23:30:00Z", 30,   "2024-12-25T23:00:00Z"},
        {"America/New_York", "2024-07-01T03:00:00Z", 1380, "2024-06-30T04:00:00Z"},
        {"Asia/Kolkata",     "2024-07-01T20:00:00Z", 90,   "2024-07-01T18:30:00Z"},
 /* The clocks change at 01:00 UTC: midnight had the other offset. */
        {"Europe/Madrid",    "2024-03-31T12:00:00Z", 840,  "2024-03-30T23:00:00Z"},
        {"Europe/Madrid",    "2024-10-27T12:00:00Z", 780,  "2024-10-26T22:00:00Z"},
        {"Europe/Madrid",    "2024-10-27T00:30:00Z", 150,  "2024-10-26T22:00:00Z"},
        {"UTC",              "1969-12-31T23:00:00Z", 1380, "1969-12-31T00:00:00Z"},
        {"Nowhere/Else",     "2024-12-25T20:21:00Z", 1221, "2024-12-25T00:00:00Z"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct wall midnight;
        int32_t minutes;

        timezone_local(str_of(rows[i].zone), at(rows[i].t), &minutes, &midnight);
        CHECK_INT(rows[i].t, minutes, rows[i].minutes);
        CHECK_INT(rows[i].t, midnight.ms, at(rows[i].midnight).ms);
    }
    CHECK("good", timezone_ok(STR("Europe/Madrid")));
    CHECK("good", timezone_ok(STR("Etc/GMT+3")));
    CHECK("bad", !timezone_ok(STR("Europe/Atlantis")));
    CHECK("bad", !timezone_ok(STR("")));
    CHECK("bad", !timezone_ok(STR("Europe/Madrid; drop")));
    CHECK("long",
          !timezone_ok(STR("America/Argentina/ComodRivadaviaComodRivadaviaComodRivadaviaComod")));
    /* More zones than are kept open. */
    for (int i = 0; i < 600; i++) {
        struct wall midnight;
        int32_t minutes;

        timezone_local(arena_printf(arena, "Etc/GMT%c%d", i % 2 == 0 ? '+' : '-', i % 12),
                       at("2024-12-25T12:00:00Z"), &minutes, &midnight);
        CHECK_INT("offset", minutes, (720 + (i % 2 == 0 ? -60 : 60) * (i % 12) + 1440) % 1440);
    }
}

/* A catalogue of the operator's in a folder of its own; the error's message, or "" when it is
 * taken. */
static const char *load(const char *file, const char *json, struct i18n **out)
{
    static struct err err;
    char dir[] = "/tmp/crewline-i18n-XXXXXX";
    struct str locales, path;
    bool ok = mkdtemp(dir) != NULL;
    FILE *f;

    locales = arena_printf(arena, "%s/locales", dir);
    path = arena_printf(arena, "%s/%s", locales.p, file);
    ok = ok && mkdir(locales.p, 0700) == 0;
    f = fopen(path.p, "w");
    CHECK(file, ok && f != NULL);
    fputs(json, f);
    fclose(f);
    err = (struct err){0};
    *out = NULL;
    ok = i18n_new(dir, out, &err);
    CHECK(file, ok == (*out != NULL));
    CHECK(file, ok || err.code == ERR_CONFIG);
    unlink(path.p);
    rmdir(locales.p);
    rmdir(dir);
    return ok ? "" : err.msg;
}

static void test_own_catalogue(void)
{
    struct i18n *i;
    const struct lang *l;
    const char *why;

    why = load("it.json",
               "{\"lang.name\":\"Italiano\",\"reply.completed\":\"✅ OdL {number} completato.\","
               "\"commands.ack\":[\"RICEVUTO\"]}",
               &i);
    CHECK_Z("a language more", str_of(why), "");
    l = i18n_lang(i, STR("it-CH"), STR(""));
    CHECK_Z("a language more", lang_code(l), "it");
    CHECK_Z("its text", I18N(arena, l, UTC, "reply.completed", ARG_IDENT("number", STR("7"))),
            "✅ OdL 7 completato.");
    CHECK_Z("English where it has none", I18N(arena, l, UTC, "reply.more", ARG_N("n", 2)),
            "Reply *MORE* to see 2 more.");
    CHECK("its words", i18n_is_word(l, "commands.ack", STR("ricevuto")));
    CHECK_Z("by name", lang_code(i18n_lang_named(i, STR("italiano"))), "it");
    i18n_free(&i);

    why = load("es.json", "{\"commands.ack\":[\"LISTO\"],\"button.yes\":\"Sip\"}", &i);
    CHECK_Z("over the built-in", str_of(why), "");
    l = i18n_lang(i, STR("es"), STR(""));
    CHECK("new words", i18n_is_word(l, "commands.ack", STR("listo")));
    CHECK("the old ones are gone", !i18n_is_word(l, "commands.ack", STR("enterado")));
    CHECK("other lists stay", i18n_is_word(l, "words.done", STR("listo")));
    CHECK_Z("new text", I18N(arena, l, UTC, "button.yes"), "Sip");
    CHECK_Z("other texts stay", I18N(arena, l, UTC, "button.no"), "No");
    i18n_free(&i);
}

static void test_bad_catalogues(void)
{
    static const struct {
        const char *json, *why;
    } rows[] = {
        {"{",                                                       "line 1"                                  },
        {"{\"reply.completed\":\"{number\"}",                       "reply.completed: \"}\" missing"          },
        {"{\"reply.completed\":\"number}\"}",                       "\"}\" without \"{\""                     },
        {"{\"reply.completed\":\"{}\"}",                            "a parameter without a name"              },
        {"{\"reply.completed\":\"{number, colour}\"}",              "no kind of parameter"                    },
        {"{\"reply.completed\":\"{who} did it\"}",                  "parameter \"who\" is not that of English"},
        {"{\"reply.completed\":\"{number, date}\"}",                "is not that of English"                  },
        {"{\"reply.more\":\"{n, plural, one {x}}\"}",               "choice \"other\" missing"                },
        {"{\"reply.more\":\"{n, plural, one {x} many more {y}}\"}", "\"{\" expected"                          },
        {"{\"reply.more\":\"{n, plural, lots {x} other {y}}\"}",    "no plural category"                      },
        {"{\"reply.more\":\"{n, plural, =x {x} other {y}}\"}",      "no number"                               },
        {"{\"reply.more\":\"{n, plural other {y}}\"}",              "\",\" expected"                          },
        {"{\"reply.more\":\"{n, plural, other {{n, plural, other {{n, plural, other {{n, plural, "
         "other {x}}}}}}}}\"}",                            "nested too deep"                         },
        {"{\"reply.more\":7}",                                      "neither a text nor a list"               },
        {"{\"words.done\":[\"ok\",\"...\"]}",                       "word 2 has no letter"                    },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct i18n *made;
        const char *why = load("es.json", rows[i].json, &made);

        CHECK(rows[i].json, strstr(why, rows[i].why) != NULL);
        CHECK("names the file", strstr(why, "es.json") != NULL);
        i18n_free(&made);
    }
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_look_up),        TEST(test_plurals),   TEST(test_times),
        TEST(test_isolates),       TEST(test_normalize), TEST(test_cut),
        TEST(test_words),          TEST(test_timezones), TEST(test_own_catalogue),
        TEST(test_bad_catalogues),
    };
    int rc;

    arena = arena_new();
    if (!i18n_new(NULL, &texts, NULL)) {
        return 1;
    }
    rc = test_main(argc, argv, tests, ARRAY_LEN(tests));
    i18n_free(&texts);
    arena_free(&arena);
    return rc;
}
