/* Alerts, pure: levels with hysteresis and hold, the steps of the ladder, the stored form. */
#include "domain/alert.h"

#include "domain/threshold.h"
#include "harness.h"

static struct arena *a;

/* ---- thresholds: a row is a stream of readings ---- */

/* "96@10": a value and its second. Steps: '.' same, 'b' hold begun, 'd' dropped, 'R' raised, 'C'
 * cleared. */
static const struct {
    const char *label, *readings, *steps;
    double level, hysteresis;
    int64_t hold_s;
    bool below;
} streams[] = {
    {"at the level is not above",    "94@0 95@1 95.1@2",                 "..R",    95, 0, 0,  false},
    {"once while it stays",          "96@0 97@1 120@2",                  "R..",    95, 0, 0,  false},
    {"back at the level",            "96@0 95@1 96@2",                   "RCR",    95, 0, 0,  false},
    {"hysteresis keeps it",          "96@0 94@1 93@2 92@3 96@4",         "R..CR",  95, 3, 0,  false},
    {"trembling around the level",   "96@0 94.9@1 95.1@2 94.9@3 92.1@4", "R....",  95, 3, 0,  false},
    {"a hold not reached",           "96@0 97@30 94@50 96@60",           "b.db",   95, 3, 60, false},
    {"a hold reached",               "96@0 97@30 98@60 99@70",           "b.R.",   95, 3, 60, false},
    {"any value within ends a hold", "96@0 95@1 96@2 96@61 96@62",       "bdb.R",  95, 3, 60, false},
    {"below",                        "11@0 10@1 9@2 10@3 11.9@4 12@5",   "..R..C", 10, 2, 0,  true },
    {"below with hold",              "9@0 9@9 9@10",                     "b.R",    10, 2, 10, true },
};

static double number(struct str s)
{
    struct json *j = NULL;
    struct err err = {0};
    double v;

    CHECK("a number", json_parse(arena_printf(a, "[%.*s]", STR_ARG(s)), 64, &j, &err));
    v = json_as_real(json_at(j, 0), 0);
    json_free(&j);
    return v;
}

static void test_streams(void)
{
    for (size_t i = 0; i < ARRAY_LEN(streams); i++) {
        const struct threshold th = {.level = streams[i].level,
                                     .hysteresis = streams[i].hysteresis,
                                     .below = streams[i].below,
                                     .hold_ms = streams[i].hold_s * 1000,
                                     .max_age_ms = 900000};
        struct str rest = str_of(streams[i].readings), one, value, second;
        struct crossing kept = {0};
        bool has = false;
        char steps[32] = "";
        size_t n = 0;

        while (rest.n > 0) {
            struct wall at = {1000000};
            int64_t s = 0;
            enum crossing_step step;

            str_cut(rest, ' ', &one, &rest);
            str_cut(one, '@', &value, &second);
            CHECK(streams[i].label, str_to_i64(second, 0, 10000, &s));
            at.ms += s * 1000;
            step = threshold_step(&th, has ? &kept : NULL, number(value), at, at);
            steps[n++] = ".bdRC"[step];
            if (step == CROSSING_BEGIN || step == CROSSING_RAISE) {
                kept.state = step == CROSSING_BEGIN ? CROSSING_HOLD : CROSSING_ON;
                kept.since = at;
                has = true;
            }
            has = has && step != CROSSING_DROP && step != CROSSING_CLEAR;
        }
        CHECK_Z(streams[i].label, str_make(steps, n), streams[i].steps);
    }
}

static void test_old_reading(void)
{
    const struct threshold th = {.level = 95, .max_age_ms = 900000};
    const struct crossing on = {.state = CROSSING_ON};
    const struct wall now = {10000000};

    CHECK_INT("too old to begin", threshold_step(&th, NULL, 99, (struct wall){9099999}, now),
              CROSSING_SAME);
    CHECK_INT("not yet", threshold_step(&th, NULL, 99, (struct wall){9100000}, now),
              CROSSING_RAISE);
    CHECK_INT("but it ends", threshold_step(&th, &on, 90, (struct wall){1}, now), CROSSING_CLEAR);
}

static const struct {
    const char *label, *asset, *metric, *site;
    bool fits;
} about[] = {
    {"this",          "P-01", "temperature", "North", true },
    {"another too",   "P-02", "temperature", "North", true },
    {"not this one",  "P-03", "temperature", "North", false},
    {"other metric",  "P-01", "pressure",    "North", false},
    {"another plant", "P-01", "temperature", "South", false},
};

static void test_about(void)
{
    struct str assets[] = {STR("P-01"), STR("P-02")};
    const struct threshold th = {
        .metric = STR("temperature"), .site = STR("North"), .assets = assets, .nassets = 2};

    for (size_t i = 0; i < ARRAY_LEN(about); i++) {
        const struct reading r = {.asset_id = str_of(about[i].asset),
                                  .metric = str_of(about[i].metric),
                                  .site = str_of(about[i].site)};

        CHECK_INT(about[i].label, threshold_fits(&th, &r), about[i].fits);
    }
}

/* ---- the ladder: a row is a story ---- */

#define MS(s) ((int64_t)(s)*1000)

static struct alert alert_of(const char *ladder)
{
    struct json *j = NULL;
    struct alert al = {0};
    struct err err = {0};

    CHECK("alert",
          json_parse(arena_printf(a,
                                  "{\"id\":\"AL-1\",\"text\":\"hot\",\"severity\":\"high\","
                                  "\"ladder\":%s}",
                                  ladder),
                     65536, &j, &err) &&
              alert_from_json(a, j, NULL, &al, &err));
    json_free(&j);
    al.raised.ms = MS(1000);
    return al;
}

#define TWO                                                                                        \
    "[{\"to\":{\"users\":[\"u1\",\"u2\"]},\"wait_s\":60},{\"to\":{\"users\":[\"u3\"]},\"wait_s\":" \
    "30}]"
#define NEED2                                                                                      \
    "[{\"to\":{\"users\":[\"u1\",\"u2\"]},\"wait_s\":60,\"need\":2},{\"to\":{\"users\":[\"u3\"]}," \
    "\"wait_s\":30}]"
#define REOPEN                                                                                  \
    "{\"reopen_s\":600,\"rungs\":[{\"to\":{\"users\":[\"u1\",\"u2\"]},\"wait_s\":60},{\"to\":{" \
    "\"users\":[\"u3\"]},\"wait_s\":30}]}"
#define BOTH2                                                                                   \
    "{\"reopen_s\":600,\"rungs\":[{\"to\":{\"users\":[\"u1\",\"u2\"]},\"wait_s\":60},{\"to\":{" \
    "\"users\":[\"u3\"]},\"wait_s\":30,\"need\":2}]}"

/*
 * Steps: "t1" u1 is told, "f" the rung is full, "g" its time is over, "r1" u1 responds, "e1" u1
 * escalates, "n" news were told, "s" who responded is silent, "c" cleared. Behind it state (o r u c), rung, what comes next (-
 * fill news rung ask reopen).
 */
static const struct {
    const char *label, *ladder, *steps, *end;
} stories[] = {
    {"raised",                        TWO,    "",                         "o1 fill"  },
    {"told, waits",                   TWO,    "t1 t2 f",                  "o1 rung"  },
    {"silence",                       TWO,    "t1 f g",                   "o2 fill"  },
    {"silence to the end",            TWO,    "t1 f g t3 f g",            "u2 -"     },
    {"responds",                      TWO,    "t1 t2 f r1",               "r1 news"  },
    {"and that is told",              TWO,    "t1 t2 f r1 n",             "r1 -"     },
    {"while others are still told",   TWO,    "t1 r1",                    "r1 news"  },
    {"the second is late",            TWO,    "t1 t2 f r1 n r2",          "r1 -"     },
    {"twice the same",                TWO,    "t1 f r1 n r1",             "r1 -"     },
    {"responds after the end",        TWO,    "t1 f g t3 f g r1 n",       "r2 -"     },
    {"escalated",                     TWO,    "t1 f e1",                  "o2 fill"  },
    {"escalated twice at once",       TWO,    "t1 t2 f e1 e2",            "o2 fill"  },
    {"escalated on the last",         TWO,    "t1 f g t3 f e3",           "u2 -"     },
    {"by who responded",              TWO,    "t1 f r1 n e1",             "o2 fill"  },
    {"by another than who responded", TWO,    "t1 t2 f r1 n e2",          "r1 -"     },
    {"nobody reached: at once",       TWO,    "x1 f",                     "o2 fill"  },
    {"nobody at all",                 TWO,    "x1 f x3 f",                "u2 -"     },
    {"one of two needed",             NEED2,  "t1 t2 f r1 n",             "o1 rung"  },
    {"both",                          NEED2,  "t1 t2 f r1 n r2",          "r1 news"  },
    {"one of two, then silence",      NEED2,  "t1 t2 f r1 n g t3 f r3 n", "r2 -"     },
    {"cleared while told",            TWO,    "t1 c n",                   "c1 -"     },
    {"cleared, then words",           TWO,    "t1 f c n r1 e1",           "c1 -"     },
    {"cleared overtakes other news",  TWO,    "t1 f r1 c n",              "c1 -"     },
    {"asked again after a time",      REOPEN, "t1 f r1 n",                "r1 ask"   },
    {"he is still on it",             REOPEN, "t1 f r1 n a r1",           "r1 ask"   },
    {"he says nothing",               REOPEN, "t1 f r1 n a",              "r1 reopen"},
    {"so it goes on",                 REOPEN, "t1 f r1 n a g t3 f",       "o2 rung"  },
    {"to its end",                    REOPEN, "t1 f r1 n a g t3 f g",     "u2 -"     },
    {"he says so late",               REOPEN, "t1 f r1 n a s g t3 f r1",  "r2 news"  },
    {"behind the end",                REOPEN, "t1 f r1 n a s g t3 g r1",  "r2 news"  },
    {"when another has it",           REOPEN, "t1 f r1 a s g t3 r3 n r1", "r2 ask"   },
    {"silent he counts no more",      BOTH2,  "t1 f r1 a s g t3 f r3 n",  "o2 rung"  },
    {"but when he says so",           BOTH2,  "t1 f r1 a s g t3 r3 n r1", "r2 news"  },
};

static void step(struct alert *al, char what, char who)
{
    const struct wall now = {MS(2000)};
    struct str id = arena_printf(a, "u%c", who);
    const struct user u = {.id = id, .name = id};

    switch (what) {
    case 't':
        alert_add_told(a, al, &u, id, STR_NONE, now);
        break;
    case 'x':
        alert_add_told(a, al, &u, id, STR("not verified"), now);
        break;
    case 'f':
        alert_filled(al, now);
        break;
    case 'g':
        alert_go_on(al);
        break;
    case 'r':
        alert_respond(a, al, id, id, now);
        break;
    case 'e':
        alert_escalate(al, id, id, STR_NONE, alert_find_told(al, id)->rung);
        break;
    case 'n':
        al->nnews = 0;
        break;
    case 's':
        alert_silence(al);
        break;
    case 'a':
        al->asked = true;
        break;
    default:
        alert_clear(al, now);
    }
}

static struct str end_of(const struct alert *al)
{
    static const char *const next[] = {"-", "fill", "news", "rung", "ask", "reopen"};
    struct wall when;

    return arena_printf(a, "%c%zu %s", "oruc"[al->state], al -> rung + 1,
                        next[alert_next(al, (struct wall){MS(2000)}, &when)]);
}

/* Every step goes through the stored form, as it does in the gateway. */
static void test_stories(void)
{
    for (size_t i = 0; i < ARRAY_LEN(stories); i++) {
        struct alert al = alert_of(stories[i].ladder), again;
        struct str rest = str_of(stories[i].steps), one;
        struct err err = {0};
        struct buf body;

        while (rest.n > 0) {
            str_cut(rest, ' ', &one, &rest);
            step(&al, one.p[0], one.n > 1 ? one.p[1] : '0');
            buf_init(&body, 65536);
            alert_encode(&al, &body);
            CHECK(stories[i].label, alert_decode(a, buf_str(&body), &again, &err));
            buf_fini(&body);
            al = again;
        }
        CHECK_Z(stories[i].label, end_of(&al), stories[i].end);
    }
}

static void test_times(void)
{
    struct alert al = alert_of(TWO);
    const struct user u = {.id = STR("u1"), .name = STR("Ana")};
    struct wall when, now = {MS(1005)};

    alert_add_told(a, &al, &u, u.id, STR_NONE, now);
    alert_filled(&al, now);
    CHECK_INT("waits for the rung's time", (alert_next(&al, now, &when), when.ms), MS(1065));
    alert_respond(a, &al, u.id, u.name, (struct wall){MS(1042)});
    CHECK_INT("measured from the acceptance", al.answers[0].after_ms, MS(42));
    CHECK_INT("told at once", (alert_next(&al, now, &when), when.ms), now.ms);
}

static void test_graver(void)
{
    struct alert al = alert_of(TWO), fresh = alert_of(TWO);
    const struct user u = {.id = STR("u1"), .supervisor = STR("boss")};

    fresh.severity = STR("critical");
    CHECK("graver", alert_is_graver(fresh.severity, al.severity));
    CHECK("not the same", !alert_is_graver(al.severity, STR("major")));
    CHECK("not less", !alert_is_graver(STR("low"), al.severity));
    alert_add_told(a, &al, &u, u.id, STR_NONE, al.raised);
    alert_filled(&al, al.raised);
    alert_respond(a, &al, u.id, u.id, al.raised);
    alert_restart(&al, &fresh);
    CHECK_Z("anew", end_of(&al), "o1 fill");
    CHECK_INT("who was told is known", al.ntold, 1);
    CHECK_INT("but not of this round", al.told[0].rung, 0);
    CHECK_INT("who responded must again", al.nanswers, 0);
    CHECK_Z("his supervisor too", al.supervisors[0], "boss");
}

/* ---- who a rung calls ---- */

static const struct {
    const char *label, *to, *site;
    bool widened, fits[4]; /* Ana: technician North; Ben: technician South; Cara, Dan: supervisors,
                              Dan Ana's */
} calls[] = {
    {"one",             "{\"users\":[\"ana\"]}",        "North", false, {true, false, false, false}},
    {"a team",          "{\"teams\":[\"pumps\"]}",      "North", false, {false, true, false, false}},
    {"a role",          "{\"roles\":[\"supervisor\"]}", "",      false, {false, false, true, true} },
    {"a site",          "{\"sites\":[\"South\"]}",      "",      false, {false, true, true, false} },
    {"all",             "{\"all\":true}",               "",      false, {true, true, true, true}   },
    {"the site's crew", "{\"audience\":true}",          "North", false, {true, false, false, false}},
    {"all technicians", "{\"audience\":true}",          "North", true,  {true, true, false, false} },
    {"its supervisors", "{\"supervisors\":true}",       "South", false, {false, false, true, true} },
    {"all supervisors", "{\"supervisors\":true}",       "",      true,  {false, false, true, true} },
    {"of those told",   "{\"supervisors\":true}",       "",      false, {false, false, false, true}},
    {"two at once",
     "{\"users\":[\"cara\"],\"teams\":[\"pumps\"]}",    "",
     false,                                                             {false, true, true, false} },
};

static void test_calls(void)
{
    const struct user people[] = {
        {.id = STR("ana"),          .site = STR("North"), .roles = ROLE_TECHNICIAN     },
        {.id = STR("ben"),
         .site = STR("South"),
         .roles = ROLE_TECHNICIAN,
         .teams = {STR("pumps")},
         .nteams = 1},
        {.id = STR("cara"),               .site = STR("South"),                                   .roles = ROLE_SUPERVISOR                                               },
        {.id = STR("dan"), .site = STR("Head office"),.roles = ROLE_SUPERVISOR},
    };

    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        struct alert al = alert_of(arena_printf(a, "[{\"to\":%s}]", calls[i].to).p);
        struct str boss = STR("dan");

        al.site = str_of(calls[i].site);
        al.widened = calls[i].widened;
        al.supervisors = &boss;
        al.nsupervisors = 1;
        for (size_t k = 0; k < ARRAY_LEN(people); k++) {
            CHECK_INT(arena_printf(a, "%s: %.*s", calls[i].label, STR_ARG(people[k].id)).p,
                      alert_rung_fits(&al, &people[k]), calls[i].fits[k]);
        }
    }
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_streams), TEST(test_old_reading), TEST(test_about), TEST(test_stories),
        TEST(test_times),   TEST(test_graver),      TEST(test_calls)};
    int code;

    a = arena_new();
    code = test_main(argc, argv, tests, ARRAY_LEN(tests));
    arena_free(&a);
    return code;
}
