/* Days and times as people type them, in every language. */
#include "domain/when.h"

#include <stdio.h>

#include "harness.h"

static struct i18n *texts;

static const struct lang *lang(const char *code)
{
    return i18n_lang(texts, str_of(code), STR(""));
}

static struct wall at(const char *text)
{
    struct wall t = {0};

    CHECK(text, wall_parse(str_of(text), &t));
    return t;
}

/* Wednesday, 25 November 2026, 10:00 in Madrid; New York has 04:00. */
#define NOW  "2026-11-25T09:00:00Z"
#define ZONE "Europe/Madrid"

static const char *const results[] = {"", "not", "ambiguous", "past", "no such day"};

/* "2026-12-24", "2026-12-24 14:30", "week of 2026-11-30", "…|…" when ambiguous. */
static const char *show(enum when_result result, const struct when *w, const char *zone, char *out,
                        size_t room)
{
    const struct wall both[] = {w->at, w->other};
    bool none = result == WHEN_NOT || result == WHEN_NO_SUCH_DAY;
    int n = snprintf(out, room, "%s%s", results[result], none || result == WHEN_OK ? "" : " ");

    for (int i = 0; i < (result == WHEN_AMBIGUOUS ? 2 : 1) && !none; i++) {
        char text[WALL_TEXT_BYTES];

        wall_format((struct wall){timezone_shift(str_of(zone), both[i])}, text);
        text[10] = w->grain == WHEN_TIME ? ' ' : '\0';
        text[16] = '\0';
        n += snprintf(out + n, room - (size_t)n, "%s%s%s", i > 0 ? "|" : "",
                      w->grain == WHEN_WEEK ? "week " : "", text);
    }
    if (w->rest.n > 0 && result != WHEN_NOT) {
        snprintf(out + n, room - (size_t)n, " + %.*s", STR_ARG(w->rest));
    }
    return out;
}

struct row {
    const char *lang, *text, *want;
};

static void check_rows(const struct row *rows, size_t n, const char *zone)
{
    for (size_t i = 0; i < n; i++) {
        char label[200], got[200];
        struct when w;
        enum when_result r =
            when_parse(str_of(rows[i].text), lang(rows[i].lang), str_of(zone), at(NOW), &w);

        snprintf(label, sizeof(label), "%s: %s", rows[i].lang, rows[i].text);
        CHECK_Z(label, str_of(show(r, &w, zone, got, sizeof(got))), rows[i].want);
    }
}

static void test_numbers(void)
{
    static const struct row rows[] = {
        {"en", "2026-12-24",                   "2026-12-24"                    },
        {"en", "2026-12-24 14:30",             "2026-12-24 14:30"              },
        {"en", "2026-12-24T14:30",             "2026-12-24 14:30"              },
        {"en", "2026-12-24T14:30:00Z",         "2026-12-24 15:30"              },
        {"en", "2026-12-24T14:30:00+05:30 ok", "2026-12-24 10:00 + ok"         },
        {"en", "2026/12/24",                   "2026-12-24"                    },
        {"en", "24/12",                        "2026-12-24"                    },
        {"en", "12/24",                        "2026-12-24"                    },
        {"en", "24.12.",                       "2026-12-24"                    },
        {"en", "24.12.2026",                   "2026-12-24"                    },
        {"en", "24-12-26",                     "2026-12-24"                    },
        {"en", "24/12/2027 8:15",              "2027-12-24 08:15"              },
        {"es", "3/4",                          "2027-04-03"                    },
        {"en", "3/4",                          "2027-04-03"                    },
        {"en", "1/2",                          "2027-02-01"                    },
        {"en", "25/11",                        "2026-11-25"                    },
        {"en", "24/11",                        "2027-11-24"                    },
        {"en", "24/11/2026",                   "past 2026-11-24"               },
        {"en", "2026-11-25 09:59",             "past 2026-11-25 09:59"         },
        {"en", "31/02",                        "no such day"                   },
        {"en", "32/13",                        "no such day"                   },
        {"en", "29/2",                         "2028-02-29"                    },
        {"en", "29/2/2027",                    "no such day"                   },
        {"en", "tomorrow 25:00",               "no such day"                   },
        {"en", "today 10:75",                  "no such day"                   },
        {"ar", "٢٤/١٢",                    "2026-12-24"                    },
        {"hi", "२४/१२/२०२६",   "2026-12-24"                    },
        {"en", "",                             "not"                           },
        {"en", "12",                           "not"                           },
        {"en", "3 pumps",                      "not"                           },
        {"en", "pump is out",                  "not"                           },
        {"en", "tomorrow the pump is out",     "2026-11-26 + the pump is out"  },
        {"en", "friday, waiting for parts",    "2026-11-27 + waiting for parts"},
        {"en", "24/12 😀 ok",                "2026-12-24 + ok"               },
        {"en", "2 days late",                  "not"                           },
    };

    check_rows(rows, ARRAY_LEN(rows), ZONE);
}

static void test_english(void)
{
    static const struct row rows[] = {
        {"en", "24 dec",                       "2026-12-24"                                 },
        {"en", "Dec 24",                       "2026-12-24"                                 },
        {"en", "24th of December",             "2026-12-24"                                 },
        {"en", "December 24th, 2027",          "2027-12-24"                                 },
        {"en", "24 December 2027 at 2pm",      "2027-12-24 14:00"                           },
        {"en", "the 24th",                     "2026-12-24"                                 },
        {"en", "on the 30th",                  "2026-11-30"                                 },
        {"en", "sept 1",                       "2027-09-01"                                 },
        {"en", "24-dec-2026",                  "2026-12-24"                                 },
        {"en", "today",                        "2026-11-25"                                 },
        {"en", "Today.",                       "2026-11-25"                                 },
        {"en", "later today",                  "2026-11-25"                                 },
        {"en", "tomorrow",                     "2026-11-26"                                 },
        {"en", "day after tomorrow",           "2026-11-27"                                 },
        {"en", "next week",                    "week 2026-11-30"                            },
        {"en", "this week",                    "not"                                        },
        {"en", "monday",                       "2026-11-30"                                 },
        {"en", "Mon 9am",                      "2026-11-30 09:00"                           },
        {"en", "friday",                       "2026-11-27"                                 },
        {"en", "this friday",                  "2026-11-27"                                 },
        {"en", "coming friday",                "2026-11-27"                                 },
        {"en", "next friday",                  "ambiguous 2026-11-27|2026-12-04"            },
        {"en", "next monday",                  "2026-11-30"                                 },
        {"en", "monday next week",             "2026-11-30"                                 },
        {"en", "friday next week",             "2026-12-04"                                 },
        {"en", "next week friday 14:30",       "2026-12-04 14:30"                           },
        {"en", "wednesday",                    "ambiguous 2026-11-25|2026-12-02"            },
        {"en", "wednesday 9:00",               "2026-12-02 09:00"                           },
        {"en", "wednesday 2pm",                "ambiguous 2026-11-25 14:00|2026-12-02 14:00"},
        {"en", "14:30",                        "2026-11-25 14:30"                           },
        {"en", "9:30",                         "2026-11-26 09:30"                           },
        {"en", "2pm",                          "2026-11-25 14:00"                           },
        {"en", "2.30 pm",                      "2026-11-25 14:30"                           },
        {"en", "tomorrow 9.30",                "2026-11-26 09:30"                           },
        {"en", "9.30 tomorrow",                "2026-11-26 09:30"                           },
        {"en", "tomorrow 9.10",                "2026-11-26 09:10"                           },
        {"en", "tomorrow at 12.30",            "2026-11-26 12:30"                           },
        {"en", "at 11.10",                     "2026-11-25 11:10"                           },
        {"en", "friday 9.30",                  "2026-11-27 09:30"                           },
        {"en", "friday 4.12",                  "2026-12-04"                                 },
        {"en", "24.12 9.15",                   "2026-12-24 09:15"                           },
        {"en", "14.30",                        "2026-11-25 14:30"                           },
        {"en", "4.12",                         "2026-12-04"                                 },
        {"en", "tomorrow 24.12.",              "ambiguous 2026-12-24|2026-11-26"            },
        {"en", "tomorrow 9-11",                "ambiguous 2027-11-09|2026-11-26"            },
        {"en", "tomorrow 26/11",               "2026-11-26"                                 },
        {"en", "in 1.5 hours",                 "2026-11-25 11:30"                           },
        {"en", "in 2.5 days",                  "2026-11-27 22:00"                           },
        {"es", "mañana a las 9.30",           "2026-11-26 09:30"                           },
        {"es", "en 1.5 horas",                 "2026-11-25 11:30"                           },
        {"fr", "demain 3.45",                  "2026-11-26 03:45"                           },
        {"en", "2:30 p.m.",                    "2026-11-25 14:30"                           },
        {"en", "12am tomorrow",                "2026-11-26 00:00"                           },
        {"en", "noon",                         "2026-11-25 12:00"                           },
        {"en", "tomorrow at noon",             "2026-11-26 12:00"                           },
        {"en", "tomorrow midnight",            "ambiguous 2026-11-26 00:00|2026-11-27 00:00"},
        {"en", "tomorrow at 3",                "ambiguous 2026-11-26 03:00|2026-11-26 15:00"},
        {"en", "tomorrow 3:30",                "ambiguous 2026-11-26 03:30|2026-11-26 15:30"},
        {"en", "tomorrow 03:30",               "2026-11-26 03:30"                           },
        {"en", "today at 3",                   "2026-11-25 15:00"                           },
        {"en", "today 9am",                    "past 2026-11-25 09:00"                      },
        {"en", "tomorrow at 8",                "2026-11-26 08:00"                           },
        {"en", "tomorrow morning at 8",        "2026-11-26 08:00"                           },
        {"en", "tomorrow at 8 in the evening", "2026-11-26 20:00"                           },
        {"en", "tonight at 8",                 "2026-11-25 20:00"                           },
        {"en", "tonight",                      "2026-11-25"                                 },
        {"en", "this evening 7 o'clock",       "2026-11-25 19:00"                           },
        {"en", "in 2 hours",                   "2026-11-25 12:00"                           },
        {"en", "in 30 min",                    "2026-11-25 10:30"                           },
        {"en", "in 3 days",                    "2026-11-28"                                 },
        {"en", "in 2 weeks at 9am",            "2026-12-09 09:00"                           },
        {"en", "friday 27/11",                 "2026-11-27"                                 },
        {"en", "friday 24/12",                 "ambiguous 2026-12-24|2026-11-27"            },
    };

    check_rows(rows, ARRAY_LEN(rows), ZONE);
}

static void test_languages(void)
{
    static const struct row rows[] = {
        {"es", "hoy",                                               "2026-11-25"                                 },
        {"es", "manana",                                            "2026-11-26"                                 },
        {"es", "pasado mañana",                                    "2026-11-27"                                 },
        {"es", "lunes",                                             "2026-11-30"                                 },
        {"es", "el lunes",                                          "2026-11-30"                                 },
        {"es", "próximo viernes",                                  "2026-11-27"                                 },
        {"es", "el viernes que viene a las 9",                      "2026-11-27 09:00"                           },
        {"es", "la semana que viene",                               "week 2026-11-30"                            },
        {"es", "24 de diciembre",                                   "2026-12-24"                                 },
        {"es", "el 24 de diciembre de 2027",                        "2027-12-24"                                 },
        {"es", "el 30",                                             "2026-11-30"                                 },
        {"es", "mañana a las 3",                                   "ambiguous 2026-11-26 03:00|2026-11-26 15:00"},
        {"es", "mañana a las 3 de la tarde",                       "2026-11-26 15:00"                           },
        {"es", "mañana por la mañana a las 9",                    "2026-11-26 09:00"                           },
        {"es", "a las 3",                                           "2026-11-25 15:00"                           },
        {"es", "mañana 3:30",                                      "2026-11-26 03:30"                           },
        {"es", "mar 24 mar",                                        "ambiguous 2027-03-24|2026-12-01"            },
        {"es", "mar",                                               "2026-12-01"                                 },
        {"es", "24 mar",                                            "2027-03-24"                                 },
        {"es", "en 2 horas",                                        "2026-11-25 12:00"                           },
        {"es", "dentro de 3 días",                                 "2026-11-28"                                 },
        {"es", "11 de la noche",                                    "2026-11-25 23:00"                           },
        {"es", "tomorrow",                                          "2026-11-26"                                 },
        {"pt", "hoje",                                              "2026-11-25"                                 },
        {"pt", "amanha",                                            "2026-11-26"                                 },
        {"pt", "depois de amanhã",                                 "2026-11-27"                                 },
        {"pt", "segunda",                                           "2026-11-30"                                 },
        {"pt", "segunda-feira às 14h",                             "2026-11-30 14:00"                           },
        {"pt", "sexta que vem",                                     "2026-11-27"                                 },
        {"pt", "semana que vem",                                    "week 2026-11-30"                            },
        {"pt", "próxima semana",                                   "week 2026-11-30"                            },
        {"pt", "dia 24",                                            "2026-12-24"                                 },
        {"pt", "24 de dezembro de 2026 às 8h30",                   "2026-12-24 08:30"                           },
        {"pt", "24/dez",                                            "2026-12-24"                                 },
        {"pt", "amanhã às 3 da tarde",                            "2026-11-26 15:00"                           },
        {"pt", "daqui a 2 dias",                                    "2026-11-27"                                 },
        {"fr", "aujourd’hui",                                     "2026-11-25"                                 },
        {"fr", "demain",                                            "2026-11-26"                                 },
        {"fr", "après-demain",                                     "2026-11-27"                                 },
        {"fr", "lundi",                                             "2026-11-30"                                 },
        {"fr", "vendredi prochain",                                 "ambiguous 2026-11-27|2026-12-04"            },
        {"fr", "la semaine prochaine",                              "week 2026-11-30"                            },
        {"fr", "le 24 décembre",                                   "2026-12-24"                                 },
        {"fr", "le 1er janvier",                                    "2027-01-01"                                 },
        {"fr", "24 dec",                                            "2026-12-24"                                 },
        {"fr", "demain à 14h30",                                   "2026-11-26 14:30"                           },
        {"fr", "demain à 14 h 30",                                 "2026-11-26 14:30"                           },
        {"fr", "demain à 15 heures",                               "2026-11-26 15:00"                           },
        {"fr", "demain à 3 heures",                                "ambiguous 2026-11-26 03:00|2026-11-26 15:00"},
        {"fr", "dans 3 heures",                                     "2026-11-25 13:00"                           },
        {"fr", "ce soir",                                           "2026-11-25"                                 },
        {"fr", "demain matin",                                      "2026-11-26"                                 },
        {"fr", "demain midi",                                       "2026-11-26 12:00"                           },
        {"hi", "आज",                                            "2026-11-25"                                 },
        {"hi", "कल",                                            "2026-11-26"                                 },
        {"hi", "परसों",                                   "2026-11-27"                                 },
        {"hi", "सोमवार",                                "2026-11-30"                                 },
        {"hi", "सोमवार को",                         "2026-11-30"                                 },
        {"hi", "गुरुवार",                             "2026-11-26"                                 },
        {"hi", "अगले हफ्ते",                      "week 2026-11-30"                            },
        {"hi", "अगले हफ़्ते",                   "week 2026-11-30"                            },
        {"hi", "24 दिसंबर",                             "2026-12-24"                                 },
        {"hi", "२४ दिसम्बर २०२७",         "2027-12-24"                                 },
        {"hi", "कल सुबह 9 बजे",                   "2026-11-26 09:00"                           },
        {"hi", "कल दोपहर 2 बजे",                "2026-11-26 14:00"                           },
        {"hi", "कल शाम ५ बजे",                    "2026-11-26 17:00"                           },
        {"hi", "कल 3 बजे",                                "ambiguous 2026-11-26 03:00|2026-11-26 15:00"},
        {"hi", "2 घंटे में",                          "2026-11-25 12:00"                           },
        {"hi", "3 दिन बाद",                             "2026-11-28"                                 },
        {"ar", "اليوم",                                        "2026-11-25"                                 },
        {"ar", "غدًا",                                          "2026-11-26"                                 },
        {"ar", "غدا",                                            "2026-11-26"                                 },
        {"ar", "بعد غد",                                       "2026-11-27"                                 },
        {"ar", "الاثنين",                                    "2026-11-30"                                 },
        {"ar", "يوم الإثنين",                             "2026-11-30"                                 },
        {"ar", "اثنين",                                        "2026-11-30"                                 },
        {"ar", "الجمعة القادمة",                       "2026-11-27"                                 },
        {"ar", "الأسبوع القادم",                       "week 2026-11-30"                            },
        {"ar", "الاسبوع المقبل",                       "week 2026-11-30"                            },
        {"ar", "٢٤ ديسمبر",                                 "2026-12-24"                                 },
        {"ar", "24 كانون الأول",                          "2026-12-24"                                 },
        {"ar", "٢٤ ديسمبر ٢٠٢٧ الساعة ١٤:٣٠", "2027-12-24 14:30"                           },
        {"ar", "غدا الساعة ٣ مساء",                   "2026-11-26 15:00"                           },
        {"ar", "غدا الساعة 9 صباحًا",                "2026-11-26 09:00"                           },
        {"ar", "غدا الساعة ٣",                            "ambiguous 2026-11-26 03:00|2026-11-26 15:00"},
        {"ar", "بعد 3 أيام",                                 "2026-11-28"                                 },
    };

    check_rows(rows, ARRAY_LEN(rows), ZONE);
}

/* Who counts months first is asked; others are not. */
static void test_united_states(void)
{
    static const struct row rows[] = {
        {"en", "12/3",         "ambiguous 2027-03-12|2026-12-03"},
        {"en", "12/12",        "2026-12-12"                     },
        {"en", "12/24",        "2026-12-24"                     },
        {"en", "3.12.",        "2026-12-03"                     },
        {"es", "3/12",         "2026-12-03"                     },
        {"en", "tomorrow 2pm", "2026-11-26 14:00"               },
    };

    check_rows(rows, ARRAY_LEN(rows), "America/New_York");
}

/* The hour is the local one on both sides of a change of the clocks. */
static void test_clock_changes(void)
{
    static const struct row rows[] = {
        {"en", "28/03/2027 1:30am", "2027-03-28 01:30"},
        {"en", "28/03/2027 03:30",  "2027-03-28 03:30"},
        {"en", "28/03/2027",        "2027-03-28"      },
        {"en", "31/10/2027 23:00",  "2027-10-31 23:00"},
        {"en", "1/11/2027 00:00",   "2027-11-01 00:00"},
    };

    check_rows(rows, ARRAY_LEN(rows), ZONE);
}

static void test_hostile(void)
{
    static const char *const texts_of[] = {"\xff\xfe",
                                           "99999999999999999999/99999999999999",
                                           "//////",
                                           "1/1/1/1/1/1/1/1/1",
                                           "24/",
                                           "/24",
                                           "::::",
                                           "in in in in",
                                           "next next next",
                                           "in 999 weeks at 99:99:99:99"};
    struct when w;

    for (size_t i = 0; i < ARRAY_LEN(texts_of); i++) {
        for (int l = 0; l < 2; l++) {
            enum when_result r = when_parse(str_of(texts_of[i]), lang(l == 0 ? "en" : "ar"),
                                            STR("No/Where"), at(NOW), &w);

            CHECK(texts_of[i], r != WHEN_OK || w.at.ms > at(NOW).ms - 86400000);
        }
    }
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_numbers),       TEST(test_english),       TEST(test_languages),
        TEST(test_united_states), TEST(test_clock_changes), TEST(test_hostile),
    };
    int rc;

    if (!i18n_new(NULL, &texts, NULL)) {
        return 1;
    }
    rc = test_main(argc, argv, tests, ARRAY_LEN(tests));
    i18n_free(&texts);
    return rc;
}
