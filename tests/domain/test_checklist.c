/* Answers to items of checklists, as people type them; and what of a list the event may say. */
#include "domain/checklist.h"

#include "base/mem.h"
#include "domain/talk.h"
#include "harness.h"

static struct i18n *words;
static struct arena *a;

static const struct checklist_item oil = {.kind = ITEM_CHECK, .required = true};
static const struct checklist_item leaks = {.kind = ITEM_YES_NO_NA};
static const struct checklist_item belts = {.kind = ITEM_PASS_FLAG_FAIL, .required = true};
static const struct checklist_item bar = {
    .kind = ITEM_NUMBER, .required = true, .has_min = true, .min = -2, .has_max = true, .max = 10};
static const struct checklist_item note = {.kind = ITEM_TEXT};
static const struct checklist_item noise = {
    .kind = ITEM_CHOICE,
    .required = true,
    .choices = {{{"low", 3}, {"Low", 3}}, {{"m", 1}, {"Middle of it", 12}}},
    .nchoices = 2
};
static const struct checklist_item photo = {.kind = ITEM_PHOTO, .required = true};

static const struct {
    const char *lang, *text;
    const struct checklist_item *item;
    enum item_verdict verdict;
    const char *value;
} answers[] = {
    {"en", "done",                   &oil,   ITEM_TAKEN,          "done"     },
    {"en", "  DONE!! ",              &oil,   ITEM_TAKEN,          "done"     },
    {"en", "ok",                     &oil,   ITEM_TAKEN,          "done"     },
    {"en", "✔",                    &oil,   ITEM_TAKEN,          "done"     },
    {"en", "✔ Done",               &oil,   ITEM_TAKEN,          "done"     },
    {"en", "✖ Not Done",           &oil,   ITEM_TAKEN,          "not_done" },
    {"en", "👎",                   &oil,   ITEM_TAKEN,          "not_done" },
    {"en", "no",                     &oil,   ITEM_TAKEN,          "not_done" },
    {"en", "the pump is hot",        &oil,   ITEM_NOT_UNDERSTOOD, NULL       },
    {"en", "skip",                   &oil,   ITEM_NEEDED,         NULL       },
    {"es", "hecho",                  &oil,   ITEM_TAKEN,          "done"     },
    {"es", "no hecho",               &oil,   ITEM_TAKEN,          "not_done" },
    {"es", "done",                   &oil,   ITEM_TAKEN,          "done"     },
    {"hi", "हो गया",       &oil,   ITEM_TAKEN,          "done"     },
    {"hi", "नहीं हुआ", &oil,   ITEM_TAKEN,          "not_done" },
    {"ar", "تم",                   &oil,   ITEM_TAKEN,          "done"     },
    {"ar", "لم يتم",            &oil,   ITEM_TAKEN,          "not_done" },
    {"pt", "feito",                  &oil,   ITEM_TAKEN,          "done"     },
    {"pt", "não feito",             &oil,   ITEM_TAKEN,          "not_done" },
    {"fr", "fait",                   &oil,   ITEM_TAKEN,          "done"     },
    {"fr", "pas fait",               &oil,   ITEM_TAKEN,          "not_done" },
    {"en", "yes",                    &leaks, ITEM_TAKEN,          "yes"      },
    {"en", "n/a",                    &leaks, ITEM_TAKEN,          "na"       },
    {"en", "❌",                    &leaks, ITEM_TAKEN,          "no"       },
    {"en", "skip",                   &leaks, ITEM_LEFT_OUT,       NULL       },
    {"es", "no aplica",              &leaks, ITEM_TAKEN,          "na"       },
    {"ar", "لا ينطبق",        &leaks, ITEM_TAKEN,          "na"       },
    {"en", "passed",                 &belts, ITEM_TAKEN,          "pass"     },
    {"en", "FLAG",                   &belts, ITEM_TAKEN,          "flag"     },
    {"en", "failed",                 &belts, ITEM_TAKEN,          "fail"     },
    {"es", "mal",                    &belts, ITEM_TAKEN,          "fail"     },
    {"fr", "à surveiller",          &belts, ITEM_TAKEN,          "flag"     },
    {"pt", "reprovado",              &belts, ITEM_TAKEN,          "fail"     },
    {"hi", "खराब",           &belts, ITEM_TAKEN,          "fail"     },
    {"en", "7",                      &bar,   ITEM_TAKEN,          "7"        },
    {"en", "7.25 bar",               &bar,   ITEM_TAKEN,          "7.25"     },
    {"es", "7,25",                   &bar,   ITEM_TAKEN,          "7.25"     },
    {"en", "-1.5",                   &bar,   ITEM_TAKEN,          "-1.5"     },
    {"en", "+3",                     &bar,   ITEM_TAKEN,          "3"        },
    {"ar", "٧",                     &bar,   ITEM_TAKEN,          "7"        },
    {"hi", "७",                    &bar,   ITEM_TAKEN,          "7"        },
    {"en", "10",                     &bar,   ITEM_TAKEN,          "10"       },
    {"en", "10.01",                  &bar,   ITEM_UNSURE,         "10.01"    },
    {"en", "-2.5",                   &bar,   ITEM_UNSURE,         "-2.5"     },
    {"en", "80%",                    &bar,   ITEM_UNSURE,         "80"       },
    {"en", "about 7",                &bar,   ITEM_NOT_UNDERSTOOD, NULL       },
    {"en", "7 of the 9 bolts",       &bar,   ITEM_NOT_UNDERSTOOD, NULL       },
    {"en", "1.2.3",                  &bar,   ITEM_NOT_UNDERSTOOD, NULL       },
    {"en", "WO-12",                  &bar,   ITEM_NOT_UNDERSTOOD, NULL       },
    {"en", ".5",                    &bar,   ITEM_TAKEN,          "0.5"      },
    {"en", "-.5",                   &bar,   ITEM_TAKEN,          "-0.5"     },
    {"en", "5.",                    &bar,   ITEM_TAKEN,          "5"        },
    {"en", "12 m3",                 &bar,   ITEM_UNSURE,         "12"       },
    {"en", "−1",                    &bar,   ITEM_TAKEN,          "-1"       },
    {"en", "–1",                    &bar,   ITEM_TAKEN,          "-1"       },
    {"ar", "\u200e-1",              &bar,   ITEM_TAKEN,          "-1"       },
    {"ar", "١٫٥",                   &bar,   ITEM_TAKEN,          "1.5"      },
    {"ar", "١٬٢٣٤",                 &bar,   ITEM_NOT_UNDERSTOOD, NULL       },
    {"fr", "1 234",                 &bar,   ITEM_NOT_UNDERSTOOD, NULL       },
    {"fr", "1\u202f234,5",          &bar,   ITEM_NOT_UNDERSTOOD, NULL       },
    {"en", "1'234",                 &bar,   ITEM_NOT_UNDERSTOOD, NULL       },
    {"en", "1,234",                 &bar,   ITEM_NOT_UNDERSTOOD, NULL       },
    {"es", "0,125",                 &bar,   ITEM_TAKEN,          "0.125"    },
    {"en", "0,125",                 &bar,   ITEM_TAKEN,          "0.125"    },
    {"en", "-0,125",                 &bar,   ITEM_TAKEN,          "-0.125"   },
    {"en", ",125",                   &bar,   ITEM_TAKEN,          "0.125"    },
    {"en", "120/80",                &bar,   ITEM_NOT_UNDERSTOOD, NULL       },
    {"en", "10:30",                 &bar,   ITEM_NOT_UNDERSTOOD, NULL       },
    {"en", "5-6",                   &bar,   ITEM_NOT_UNDERSTOOD, NULL       },
    {"en", "5 6",                   &bar,   ITEM_NOT_UNDERSTOOD, NULL       },
    {"en", "5 l/min",               &bar,   ITEM_TAKEN,          "5"        },
    {"en", "-",                      &bar,   ITEM_NEEDED,         NULL       },
    {"en", "all quiet",              &note,  ITEM_TAKEN,          "all quiet"},
    {"en", "done",                   &note,  ITEM_TAKEN,          "done"     },
    {"en", "-",                      &note,  ITEM_LEFT_OUT,       NULL       },
    {"fr", "passer",                 &note,  ITEM_LEFT_OUT,       NULL       },
    {"en", "low",                    &noise, ITEM_TAKEN,          "low"      },
    {"en", "MIDDLE OF IT.",          &noise, ITEM_TAKEN,          "m"        },
    {"en", "loud",                   &noise, ITEM_NOT_UNDERSTOOD, NULL       },
    {"en", "it is in order",         &photo, ITEM_NOT_UNDERSTOOD, NULL       },
};

static void test_read(void)
{
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        const struct lang *l = i18n_lang(words, str_of(answers[i].lang), STR_NONE);
        struct str value = STR_NONE;

        CHECK_INT(answers[i].text,
                  item_read(a, l, answers[i].item, str_of(answers[i].text), &value),
                  answers[i].verdict);
        if (answers[i].value != NULL) {
            CHECK_Z(answers[i].text, value, answers[i].value);
        }
    }
}

/* What a button says in each language is an answer when it is typed. */
static void test_buttons_are_words(void)
{
    const struct lang *langs[16];
    size_t nlangs = i18n_langs(words, langs, ARRAY_LEN(langs));

    for (size_t i = 0; i < nlangs; i++) {
        for (int kind = 0; kind <= ITEM_PASS_FLAG_FAIL; kind++) {
            struct checklist_item item = {.kind = (enum item_kind)kind, .required = true};
            size_t n;
            const struct item_option *options = item_options(item.kind, &n);

            for (size_t k = 0; k < n; k++) {
                struct str label = i18n_text(a, langs[i], STR_NONE, options[k].key, NULL, 0);
                struct str value = STR_NONE;

                CHECK_INT(label.p, item_read(a, langs[i], &item, label, &value), ITEM_TAKEN);
                CHECK_Z(label.p, value, options[k].value);
            }
        }
    }
}

static bool same(const struct checklist_item *x, const struct checklist_item *y)
{
    return str_eq(x->id, y->id) && str_eq(x->label, y->label) && str_eq(x->unit, y->unit) &&
           x->kind == y->kind && x->required == y->required && x->has_min == y->has_min &&
           x->has_max == y->has_max && x->min == y->min && x->max == y->max &&
           x->nchoices == y->nchoices && x->state == y->state && str_eq(x->value, y->value) &&
           str_eq(x->note, y->note) && str_eq(x->by, y->by) && x->at.ms == y->at.ms;
}

/* What is stored is what is read. */
static void test_stored(void)
{
    struct checklist_item items[] = {oil, bar, noise, note};
    struct checklist was = {
        .id = STR("C1"),
        .name = STR("Round"),
        .round = 7,
        .items = items,
        .nitems = ARRAY_LEN(items),
        .at = 2,
        .state = CHECKLIST_RUNNING,
        .asked = ASKED_SURE,
        .pending = STR("12"),
        .holder = STR("u1"),
        .overdue = {99        },
        .told = true,
        .npeople = 2,
        .people = { STR("u1"), STR("u2")}
    };
    struct checklist got;
    struct err err = {0};
    struct buf text;

    for (size_t i = 0; i < was.nitems; i++) {
        items[i].id = arena_printf(a, "i%zu", i);
        items[i].label = STR("Label");
    }
    items[1].state = ITEM_ANSWERED;
    items[1].value = STR("7.5");
    items[1].note = STR("why");
    items[1].by = STR("u1");
    items[1].at.ms = 1234;
    items[3].state = ITEM_SKIPPED;
    buf_init(&text, 64 * 1024);
    checklist_encode(&was, &text);
    CHECK("decodes", checklist_decode(a, buf_str(&text), &got, &err));
    CHECK_INT("items", got.nitems, was.nitems);
    for (size_t i = 0; i < got.nitems; i++) {
        CHECK("item", same(&got.items[i], &items[i]));
    }
    CHECK("the rest", got.round == 7 && got.at == 2 && got.state == CHECKLIST_RUNNING &&
                          got.asked == ASKED_SURE && str_eqz(got.pending, "12") &&
                          got.overdue.ms == 99 && got.told && !got.taken_told && got.npeople == 2 &&
                          str_eqz(got.people[1], "u2"));
    CHECK_INT("open", checklist_open_item(&got), 0);
    CHECK_INT("missing", checklist_missing(&got), 2);
    buf_fini(&text);
}

/* ---- what is said to a round, and what is not ---- */

#define MINUTES(n) ((int64_t)(n)*60 * 1000)
static const struct wall now = {1798000000000};

static const struct {
    const char *label, *text, *quoted;
    int64_t asked_ago_ms;
    enum checklist_asked asked;
    int answers;       /* events */
    const char *reply; /* in what he is told */
} turns[] = {
    {"an answer",                "done",      "",  MINUTES(1),   ASKED_ITEM, 1, "2/4"                },
    {"within two hours",         "done",      "",  MINUTES(119), ASKED_ITEM, 1, "2/4"                },
    {"left for long",            "done",      "",  MINUTES(121), ASKED_ITEM, 0, "you stopped at 1/4" },
    {"a command after long",     "MY WORK",   "",  MINUTES(500), ASKED_ITEM, 0, "you stopped at 1/4" },
    {"a command in between",     "MY WORK",   "",  MINUTES(1),   ASKED_ITEM, 0, "no open work orders"},
    {"goes on after long",       "CHECKLIST", "",  MINUTES(500), ASKED_ITEM, 0, "1/4"                },
    {"in answer to another one", "done",      "x", MINUTES(1),   ASKED_ITEM, 0, "in progress"        },
    {"words that say nothing",   "whatever",  "",  MINUTES(1),   ASKED_ITEM, 0, "could not read that"},
    {"the number of its button", "1",         "",  MINUTES(1),   ASKED_ITEM, 1, "2/4"                },
    {"why not",                  "it leaks",  "",  MINUTES(1),   ASKED_WHY,  1, "1/4"                },
    {"why not: left out",        "skip",      "",  MINUTES(1),   ASKED_WHY,  0, "1/4"                },
    {"why not: a command",       "MY WORK",   "",  MINUTES(1),   ASKED_WHY,  0, "no open work orders"},
    {"CORRECT",                  "CORRECT",   "",  MINUTES(1),   ASKED_ITEM, 0, "Nothing is answered"},
};

static struct matter *running(int64_t asked_ago_ms, enum checklist_asked asked)
{
    struct checklist_item *items = ARENA_ARRAY(a, struct checklist_item, 4);
    struct checklist c = {.id = STR("C1"),
                          .name = STR("Round"),
                          .round = 1,
                          .items = items,
                          .nitems = 4,
                          .state = CHECKLIST_RUNNING,
                          .asked = asked,
                          .asked_at = {now.ms - asked_ago_ms},
                          .holder = STR("u1"),
                          .told = true,
                          .npeople = 1,
                          .people = {STR("u1")}};
    struct matter *m = ARENA_NEW(a, struct matter);
    struct buf text;

    for (size_t i = 0; i < 4; i++) {
        items[i] = oil;
        items[i].id = arena_printf(a, "i%zu", i);
        items[i].label = STR("Label");
    }
    buf_init(&text, 64 * 1024);
    checklist_encode(&c, &text);
    *m = (struct matter){
        .kind = MATTER_CHECKLIST, .id = c.id, .version = 3, .body = arena_dup(a, buf_str(&text))};
    buf_fini(&text);
    return m;
}

static void test_said_to_it(void)
{
    static struct settings settings;
    static struct tenant_settings conf = {
        .timezone = {"UTC", 3},
          .default_language = {"en",  2}
    };
    struct tenant tenant = {.conf = &conf, .settings = &settings, .i18n = words};
    struct user user = {.id = STR("u1"),
                        .name = STR("Ana"),
                        .roles = ROLE_TECHNICIAN,
                        .verified = true,
                        .sender = STR("main"),
                        .version = 3};

    for (size_t i = 0; i < ARRAY_LEN(turns); i++) {
        struct view *view = ARENA_NEW(a, struct view);
        struct inbound in = {.type = INBOUND_TEXT,
                             .at = now,
                             .text = str_of(turns[i].text),
                             .quoted = str_of(turns[i].quoted)};
        struct plan plan;

        *view = (struct view){.tenant = &tenant, .user = &user, .person = user.id, .nmatters = 1};
        view->matters[0] =
            (struct view_matter){running(turns[i].asked_ago_ms, turns[i].asked), VIEW_ASKED};
        plan_init(&plan, a, &tenant, now, STR("in1"));
        talk_decide(view, &in, STR("main"), &plan);
        CHECK_INT(turns[i].label, plan.nevents, turns[i].answers);
        CHECK(turns[i].label, plan.nmessages == 1 && str_find(plan.messages[0].m.text,
                                                              str_of(turns[i].reply)) != SIZE_MAX);
    }
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {TEST(test_read), TEST(test_buttons_are_words),
                                        TEST(test_stored), TEST(test_said_to_it)};
    struct err err = {0};
    int code;

    a = arena_new();
    if (!i18n_new(NULL, &words, &err)) {
        test_fail(__FILE__, __LINE__, "%s", err.msg);
    }
    code = test_main(argc, argv, tests, ARRAY_LEN(tests));
    i18n_free(&words);
    arena_free(&a);
    return code;
}
