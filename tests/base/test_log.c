/* log: what reaches stderr. The tests put a pipe in its place and read it back. */
#include "base/log.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/json.h"
#include "base/text.h"
#include "fake/clock.h"
#include "harness.h"

static struct {
    int saved, reader;
} pipes;

static void capture(void)
{
    int fds[2];

    CHECK_INT("pipe", pipe(fds), 0);
    pipes.saved = dup(STDERR_FILENO);
    pipes.reader = fds[0];
    dup2(fds[1], STDERR_FILENO);
    close(fds[1]);
    fcntl(fds[0], F_SETFL, O_NONBLOCK);
}

static size_t drain(char *out, size_t bytes)
{
    size_t n = 0;
    ssize_t got;

    while (n + 1 < bytes && (got = read(pipes.reader, out + n, bytes - n - 1)) > 0) {
        n += (size_t)got;
    }
    out[n] = '\0';
    return n;
}

static void release(void)
{
    dup2(pipes.saved, STDERR_FILENO);
    close(pipes.saved);
    close(pipes.reader);
}

static void test_mask(void)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"",                                 ""                                },
        {"+12025550117",                     "+12******117"                    },
        {"12025550117",                      "12******117"                     },
        {"tel:+447700900123,+4915112345678", "tel:+44*******123,+49********678"},
        {"whatsapp:+14155238886",            "whatsapp:+14******886"           },
        {"123456",                           "123456"                          },
        {"1234567",                          "12**567"                         },
        {"a1234567b",                        "a12**567b"                       },
        {"work order 17 for 34600111222!",   "work order 17 for 34******222!"  },
        {"2026-11-21T08:50:51.123Z",         "2026-11-21T08:50:51.123Z"        },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char got[64];

        log_mask(str_of(rows[i].text), got, sizeof(got));
        CHECK_Z(rows[i].text, str_of(got), rows[i].want);
        /* Cut short it must still mask: the end of the run is judged on the whole text. */
        for (size_t room = 1; room < 12; room++) {
            char few[12];

            log_mask(str_of(rows[i].text), few, room);
            CHECK(rows[i].text, strlen(few) < room && strncmp(few, rows[i].want, strlen(few)) == 0);
        }
    }
    log_mask(STR("x"), NULL, 0);
}

/* No way into a line leaves seven digits of a phone number standing. */
static void test_masked_everywhere(void)
{
    static const enum log_format formats[] = {LOG_TEXT, LOG_JSON};
    static const enum log_level levels[] = {LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR};

    for (size_t f = 0; f < ARRAY_LEN(formats); f++) {
        for (size_t l = 0; l < ARRAY_LEN(levels); l++) {
            char line[4096];
            size_t run = 0, longest = 0;

            capture();
            log_setup(LOG_DEBUG, formats[f]);
            log_event(levels[l], "message sent", LF_Z("to", "+12025550117"),
                      LF_STR("from", STR("whatsapp:+14155238886")),
                      LF_Z("error", "number \"+34600111222\" is unknown"),
                      LF_INT("phone", 34600111222), LF_INT("negative", -34600111222));
            drain(line, sizeof(line));
            release();
            CHECK("there is a line", strstr(line, "message sent") != NULL);
            CHECK("masked", strstr(line, "+12******117") != NULL);
            CHECK("masked integer", strstr(line, "34******222") != NULL);
            for (const char *p = line; *p != '\0'; p++) {
                run = *p >= '0' && *p <= '9' ? run + 1 : 0;
                longest = run > longest ? run : longest;
            }
            CHECK_INT("longest run of digits", longest, 4);
        }
    }
}

static void test_lines(void)
{
    static const struct {
        const char *label;
        enum log_format format;
        struct log_field field;
        const char *want;
    } rows[] = {
        {"text",              LOG_TEXT, {"tenant", LOG_F_STR, {"acme", 4}, 0},                    " tenant=acme\n"         },
        {"text, blanks",      LOG_TEXT, {"why", LOG_F_STR, {"no way", 6}, 0},                     " why=\"no way\"\n"      },
        {"text, line end",    LOG_TEXT, {"why", LOG_F_STR, {"a\nb", 3}, 0},                       " why=\"a\\nb\"\n"       },
        {"text, escape",
         LOG_TEXT,                      {"why", LOG_F_STR, {"a\x1b[31m", 6}, 0},
         " why=\"a\\u001b[31m\"\n"                                                                                         },
        {"text, empty",       LOG_TEXT, {"why", LOG_F_STR, {"", 0}, 0},                           " why=\"\"\n"            },
        {"text, none",        LOG_TEXT, {"why", LOG_F_STR, {NULL, 0}, 0},                         " why=\"\"\n"            },
        {"text, number",      LOG_TEXT, {"ms", LOG_F_INT, {NULL, 0}, -12},                        " ms=-12\n"              },
        {"json",              LOG_JSON, {"tenant", LOG_F_STR, {"acme", 4}, 0},                    ",\"tenant\":\"acme\"}\n"},
        {"json, number",      LOG_JSON, {"ms", LOG_F_INT, {NULL, 0}, 999999999},                  ",\"ms\":999999999}\n"   },
        {"json, bad bytes",
         LOG_JSON,                      {"x", LOG_F_STR, {"\xff", 1}, 0},
         ",\"x\":\"\xef\xbf\xbd\"}\n"                                                                                      },
        {"an id stays whole",
         LOG_TEXT,                      {"id", LOG_F_STR, {"01M7YNQT4J12345678D6PF1ZA9", 26}, 0},
         " id=01M7YNQT4J12345678D6PF1ZA9\n"                                                                                },
    };

    fake_clock_set_ms(1700000000123);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char line[4096], want[256];
        const char *head = rows[i].format == LOG_TEXT
                               ? "2023-11-14T22:13:20.123Z warn  slow"
                               : "{\"time\":\"2023-11-14T22:13:20.123Z\",\"level\":\"warn\","
                                 "\"event\":\"slow\"";

        capture();
        log_setup(LOG_INFO, rows[i].format);
        log_write(LOG_WARN, "slow", &rows[i].field, 1);
        drain(line, sizeof(line));
        release();
        snprintf(want, sizeof(want), "%s%s", head, rows[i].want);
        CHECK_Z(rows[i].label, str_of(line), want);
    }
    fake_clock_off();
}

static void test_levels(void)
{
    enum log_level level = LOG_DEBUG;
    char line[4096];

    CHECK("parse", log_level_parse(STR("warn"), &level) && level == LOG_WARN);
    CHECK("parse error", !log_level_parse(STR("WARN"), &level) && level == LOG_WARN);
    capture();
    log_setup(LOG_WARN, LOG_AUTO);
    CHECK("off", !log_on(LOG_INFO) && log_on(LOG_ERROR));
    log_info("quiet", LF_INT("n", 1));
    log_debug("quiet");
    log_write(LOG_INFO, "quiet", NULL, 0);
    CHECK_INT("nothing written", drain(line, sizeof(line)), 0);
    log_warn("loud");
    log_error("louder", LF_Z("why", NULL));
    CHECK("a pipe gets JSON", drain(line, sizeof(line)) > 0 && line[0] == '{');
    CHECK("both", strstr(line, "\"loud\"") != NULL && strstr(line, "\"louder\"") != NULL);
    release();
}

/* More than a line holds: what does not fit goes as whole fields, and the line stays JSON. */
static void test_long(void)
{
    static char text[20000], line[8192];
    struct log_field fields[40];
    struct json *j = NULL;
    struct err err = {0};

    for (size_t i = 0; i < sizeof(text) - 3; i += 3) {
        memcpy(text + i, "\xe2\x82\xac", 3);
    }
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        fields[i] = LF_STR("field", str_make(text, i < 3 ? sizeof(text) : 100));
    }
    capture();
    log_setup(LOG_INFO, LOG_JSON);
    /* Also with every length of the last field, so that some end at each byte of the limit. */
    for (size_t n = 0; n <= ARRAY_LEN(fields) + 120; n++) {
        size_t got;

        for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
            static char names[40][4];

            snprintf(names[i], sizeof(names[i]), "f%zu", i);
            fields[i].name = names[i];
        }
        if (n > ARRAY_LEN(fields)) {
            fields[ARRAY_LEN(fields) - 1].s.n = (n - ARRAY_LEN(fields)) * 3;
        }
        log_write(LOG_INFO, "long", fields, n < ARRAY_LEN(fields) ? n : ARRAY_LEN(fields));
        got = drain(line, sizeof(line));
        CHECK("at most what enters a pipe whole", got > 0 && got <= 4096);
        CHECK("one line", line[got - 1] == '\n' && memchr(line, '\n', got) == line + got - 1);
        CHECK("JSON", json_parse(str_make(line, got), sizeof(line), &j, &err));
        json_free(&j);
    }
    release();
}

static void test_blocked(void)
{
    static char line[1 << 17];
    size_t lines = 0;

    capture();
    log_setup(LOG_INFO, LOG_JSON);
    /* Nobody reads: the pipe fills up, the rest is dropped and nothing waits. */
    for (int i = 0; i < 5000; i++) {
        log_info("flood", LF_INT("n", i));
    }
    drain(line, sizeof(line));
    for (const char *p = line; (p = strchr(p, '\n')) != NULL; p++) {
        lines++;
    }
    CHECK("some came through", lines > 10 && lines < 5000);
    log_info("after");
    drain(line, sizeof(line));
    {
        char want[64];

        snprintf(want, sizeof(want), "\"lines\":%zu}", 5000 - lines);
        CHECK("and the others are counted", strstr(line, want) != NULL);
    }
    log_info("again");
    drain(line, sizeof(line));
    CHECK("once", strstr(line, "dropped") == NULL && strstr(line, "again") != NULL);
    close(STDERR_FILENO);
    log_info("nowhere");
    release();
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {TEST(test_mask),  TEST(test_masked_everywhere),
                                        TEST(test_lines), TEST(test_levels),
                                        TEST(test_long),  TEST(test_blocked)};
    return test_main(argc, argv, tests, ARRAY_LEN(tests));
}
