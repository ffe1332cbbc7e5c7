#include "base/clock.h"

#include <time.h>

#include "fake/clock.h"
#include "harness.h"

static void test_parse(void)
{
    static const struct {
        const char *text;
        bool ok;
        const char *want;
    } rows[] = {
        {"2026-11-21T08:50:51.123Z",        true,  "2026-11-21T08:50:51.123Z"},
        {"2026-11-21T08:50:51Z",            true,  "2026-11-21T08:50:51.000Z"},
        {"2026-11-21t08:50:51z",            true,  "2026-11-21T08:50:51.000Z"},
        {"2026-11-21 08:50:51Z",            true,  "2026-11-21T08:50:51.000Z"},
        {"2026-11-21T08:50:51.1Z",          true,  "2026-11-21T08:50:51.100Z"},
        {"2026-11-21T08:50:51.123999999Z",  true,  "2026-11-21T08:50:51.123Z"},
        {"2026-11-21T08:50:51.1239999999Z", false, NULL                      },
        {"2026-11-21T10:50:51+02:00",       true,  "2026-11-21T08:50:51.000Z"},
        {"2026-11-20T22:50:51.5-10:00",     true,  "2026-11-21T08:50:51.500Z"},
        {"2026-11-21T08:50:51-00:00",       true,  "2026-11-21T08:50:51.000Z"},
        {"2026-11-21",                      true,  "2026-11-21T00:00:00.000Z"},
        {"2024-02-29",                      true,  "2024-02-29T00:00:00.000Z"},
        {"2000-02-29",                      true,  "2000-02-29T00:00:00.000Z"},
        {"1900-02-29",                      false, NULL                      },
        {"2023-02-29",                      false, NULL                      },
        {"2026-04-31",                      false, NULL                      },
        {"2026-00-10",                      false, NULL                      },
        {"2026-13-10",                      false, NULL                      },
        {"2026-01-00",                      false, NULL                      },
        {"1969-12-31T23:59:59.999Z",        true,  "1969-12-31T23:59:59.999Z"},
        {"0000-01-01T00:00:00Z",            true,  "0000-01-01T00:00:00.000Z"},
        {"9999-12-31T23:59:59.999Z",        true,  "9999-12-31T23:59:59.999Z"},
        {"2016-12-31T23:59:60Z",            true,  "2017-01-01T00:00:00.000Z"},
        {"2026-11-21T24:00:00Z",            false, NULL                      },
        {"2026-11-21T23:60:00Z",            false, NULL                      },
        {"2026-11-21T23:00:61Z",            false, NULL                      },
        {"2026-11-21T08:50:51",             false, NULL                      },
        {"2026-11-21T08:50Z",               false, NULL                      },
        {"2026-11-21T08:50:51.Z",           false, NULL                      },
        {"2026-11-21T08:50:51+0200",        false, NULL                      },
        {"2026-11-21T08:50:51+24:00",       false, NULL                      },
        {"2026-11-21T08:50:51+02:60",       false, NULL                      },
        {"2026-11-21T08:50:51Zx",           false, NULL                      },
        {"2026-11-21T",                     false, NULL                      },
        {"2026-1-21",                       false, NULL                      },
        {"-026-11-21",                      false, NULL                      },
        {"+026-11-21",                      false, NULL                      },
        {"2026-11--1",                      false, NULL                      },
        {"2026-11-21T-8:50:51Z",            false, NULL                      },
        {"20261121",                        false, NULL                      },
        {"",                                false, NULL                      },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct wall got = {-1};
        char text[WALL_TEXT_BYTES];

        CHECK_INT(rows[i].text, wall_parse(str_of(rows[i].text), &got), rows[i].ok);
        if (rows[i].ok) {
            CHECK_Z(rows[i].text, str_of(wall_format(got, text)), rows[i].want);
        } else {
            CHECK_INT(rows[i].text, got.ms, -1);
        }
    }
}

/* The C library is the oracle: every 37 hours and a bit, 1900 to 2400. */
static void test_against_libc(void)
{
    unsigned wrong = 0;

    for (int64_t s = -2208988800; s < 13569465600; s += 133337) {
        struct wall t = {s * 1000 + 7}, back;
        char got[WALL_TEXT_BYTES], want[WALL_TEXT_BYTES + 8];
        time_t secs = (time_t)s;
        struct tm tm;

        gmtime_r(&secs, &tm);
        strftime(want, sizeof(want), "%Y-%m-%dT%H:%M:%S.007Z", &tm);
        wrong += strcmp(wall_format(t, got), want) != 0;
        wrong += !wall_parse(str_of(got), &back) || back.ms != t.ms;
    }
    CHECK_INT("instants that differ", wrong, 0);
}

static void test_extremes(void)
{
    char text[WALL_TEXT_BYTES];

    CHECK_Z("0", str_of(wall_format((struct wall){0}, text)), "1970-01-01T00:00:00.000Z");
    CHECK_Z("earliest", str_of(wall_format((struct wall){INT64_MIN}, text)),
            "0000-01-01T00:00:00.000Z");
    CHECK_Z("latest", str_of(wall_format((struct wall){INT64_MAX}, text)),
            "9999-12-31T23:59:59.999Z");
}

static void test_now(void)
{
    struct mono m = mono_now();
    int64_t drift = wall_now().ms - (int64_t)time(NULL) * 1000;

    CHECK("wall is the system's", drift > -2000 && drift < 3000);
    CHECK("mono does not go back", mono_now().us >= m.us);
    fake_clock_set_ms(5000);
    m = mono_now();
    CHECK_INT("faked", wall_now().ms, 5000);
    CHECK_INT("stands still", mono_now().us, m.us);
    fake_clock_advance_ms(250);
    CHECK_INT("wall goes on", wall_now().ms, 5250);
    CHECK_INT("mono goes on", mono_now().us, m.us + 250000);
    fake_clock_set_ms(1000);
    CHECK_INT("a jump of the wall clock", mono_now().us, m.us + 250000);
    fake_clock_off();
    CHECK("real again", wall_now().ms > 1000000000000);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {TEST(test_parse), TEST(test_against_libc),
                                        TEST(test_extremes), TEST(test_now)};
    return test_main(argc, argv, tests, ARRAY_LEN(tests));
}
