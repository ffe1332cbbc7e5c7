/* How the HTTP client names what went wrong, and that nothing is ever sent twice behind our back.
 */
#include "client_fixture.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"

#include "http_client_int.h"

static const struct {
    const char *label;
    struct http_attempt a;
    enum err_code want;
} classes[] = {
    {"answer",                    {.code = CURLE_OK, .answer_begun = true, .answer_whole = true},      ERR_NONE                 },
    {"half a head",
     {.code = CURLE_OK, .request_sent = true, .answer_begun = true},
     ERR_NET_AMBIGUOUS                                                                                                          },
    {"no name",                   {.code = CURLE_COULDNT_RESOLVE_HOST, .body_n = 5},                   ERR_NET_NOT_SENT         },
    {"no connection",             {.code = CURLE_COULDNT_CONNECT, .allowed = true},                    ERR_NET_NOT_SENT         },
    {"bad certificate",           {.code = CURLE_PEER_FAILED_VERIFICATION},                            ERR_NET_NOT_SENT         },
    {"head only",                 {.code = CURLE_SEND_ERROR, .request_sent = true, .body_n = 5},       ERR_NET_NOT_SENT         },
    {"part",                      {.code = 56, .request_sent = true, .body_n = 5, .uploaded = 4},      ERR_NET_NOT_SENT         },
    {"all, then reset",
     {.code = 56, .request_sent = true, .body_n = 5, .uploaded = 5},
     ERR_NET_AMBIGUOUS                                                                                                          },
    {"all, then time",
     {.code = 28, .request_sent = true, .body_n = 5, .uploaded = 5},
     ERR_NET_AMBIGUOUS                                                                                                          },
    {"time before",               {.code = CURLE_OPERATION_TIMEDOUT, .body_n = 5},                     ERR_NET_NOT_SENT         },
    {"part, but an answer began",
     {.code = 56, .request_sent = true, .answer_begun = true, .body_n = 5, .uploaded = 4},
     ERR_NET_AMBIGUOUS                                                                                                          },
    {"65 with nothing counted",   {.code = CURLE_SEND_FAIL_REWIND, .body_n = 5},                       ERR_NET_AMBIGUOUS        },
    {"no body, sent",             {.code = CURLE_GOT_NOTHING, .request_sent = true},                   ERR_NET_AMBIGUOUS        },
    {"no body, not sent",         {.code = CURLE_GOT_NOTHING},                                         ERR_NET_NOT_SENT         },
    {"too long",                  {.code = CURLE_WRITE_ERROR, .too_long = true, .request_sent = true}, ERR_TOO_LONG             },
    {"stopped",                   {.code = CURLE_WRITE_ERROR, .stopped = true, .request_sent = true},  ERR_CANCELLED            },
    {"forbidden",                 {.code = CURLE_COULDNT_CONNECT, .refused = true},                    ERR_NET_FORBIDDEN_ADDRESS},
    {"one forbidden, one down",
     {.code = CURLE_COULDNT_CONNECT, .refused = true, .allowed = true},
     ERR_NET_NOT_SENT                                                                                                           },
    {"bad url",                   {.code = CURLE_URL_MALFORMAT},                                       ERR_INVALID              },
    {"no http",                   {.code = CURLE_UNSUPPORTED_PROTOCOL, .request_sent = true},          ERR_NET_AMBIGUOUS        },
};

static void test_classes(void)
{
    for (size_t i = 0; i < ARRAY_LEN(classes); i++) {
        CHECK_INT(classes[i].label, http_attempt_class(&classes[i].a), classes[i].want);
    }
}

/* The ends of a fresh connection, each with a body and without. */
static void ends(void)
{
    static const struct {
        const char *path;
        enum err_code code;
    } rows[] = {
        {"/half",      ERR_NET_AMBIGUOUS},
        {"/half-head", ERR_NET_AMBIGUOUS},
        {"/empty",     ERR_NET_AMBIGUOUS},
        {"/garbage",   ERR_NET_AMBIGUOUS},
        {"/reset",     ERR_NET_AMBIGUOUS},
    };
    struct client_fixture f;

    client_setup(&f, 8);
    for (size_t i = 0; i < ARRAY_LEN(rows) * 4; i++) {
        size_t k = i / 4;
        struct shot s;
        int seen = rude_seen(f.server, rows[k].path);

        shot_run(&s, &f, i % 4 == 3 ? "GET" : "POST", rows[k].path,
                 i % 4 < 2 ? STR("{\"a\":1}") : STR_NONE, i % 4 == 1 ? HTTP_IDEMPOTENT : 0);
        CHECK_INT(rows[k].path, s.err.code, rows[k].code);
        CHECK_INT(rows[k].path, rude_seen(f.server, rows[k].path), seen + 1);
        CHECK("the message has no path", strstr(s.err.msg, rows[k].path) == NULL);
        shot_fini(&s);
    }
    client_teardown(&f);
}

static void test_ends(void)
{
    for (int i = 0; i < 2; i++) {
        client_one_write = i == 1;
        ends();
    }
    client_one_write = false;
}

static int dead_port(void)
{
    struct sockaddr_in addr = {.sin_family = AF_INET};
    socklen_t len = sizeof(addr);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) != 0 ||
        getsockname(fd, (struct sockaddr *)&addr, &len) != 0) {
        return 1;
    }
    close(fd);
    return ntohs(addr.sin_port);
}

static void test_not_sent(void)
{
    struct client_fixture f;
    struct shot s;
    char url[128];

    client_setup(&f, 8);
    /* First a good one, so that the easy handle's figures of the last transfer could mislead. */
    shot_run(&s, &f, "POST", "/ok", STR("body"), 0);
    CHECK_INT("good", s.status, 200);
    shot_fini(&s);
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/x?secret=1", dead_port());
    shot_run(&s, &f, "POST", url, STR("body"), 0);
    CHECK_INT("refused", s.err.code, ERR_NET_NOT_SENT);
    CHECK("no secrets in the message", strstr(s.err.msg, "secret") == NULL);
    shot_fini(&s);
    shot_run(&s, &f, "GET", url, STR_NONE, 0);
    CHECK_INT("refused, no body", s.err.code, ERR_NET_NOT_SENT);
    shot_fini(&s);
    shot_run(&s, &f, "POST", "http://api.invalid/x", STR("body"), 0);
    CHECK_INT("no such name", s.err.code, ERR_NET_NOT_SENT);
    shot_fini(&s);
    snprintf(url, sizeof(url), "https://127.0.0.1:%d/ok", rude_port(f.server));
    shot_init(&s, &f, "POST", url);
    s.call.body = STR("body");
    s.call.timeout_ms = 500;
    shot_start(&s, &f);
    CHECK("ended", shot_wait(&s, &f, 3000));
    CHECK_INT("no TLS there", s.err.code, ERR_NET_NOT_SENT);
    shot_fini(&s);
    client_teardown(&f);
}

static void test_bad_calls(void)
{
    static const struct pair split =
                                 {
                                     {"X-A",         3},
                                     {"1\r\nX-B: 2", 9}
    },
                             nameless = {{"", 0}, {"v", 1}}, colon = {{"X:A", 3}, {"1", 1}};
    static const struct {
        const char *url;
        const struct pair *header;
    } rows[] = {
        {"ftp://127.0.0.1/",          NULL     },
        {"file:///etc/passwd",        NULL     },
        {"gopher://127.0.0.1/",       NULL     },
        {"127.0.0.1/ok",              NULL     },
        {"http://",                   NULL     },
        {"http:///ok",                NULL     },
        {"",                          NULL     },
        {"http://user:pw@127.0.0.1/", NULL     },
        {"http://127.0.0.1/a b",      NULL     },
        {"http://127.0.0.1/\r\nX: y", NULL     },
        {"http://127.0.0.1:99999/",   NULL     },
        {"http://127.0.0.1:x/",       NULL     },
        {"/ok",                       &split   },
        {"/ok",                       &nameless},
        {"/ok",                       &colon   },
    };
    struct client_fixture f;

    client_setup(&f, 8);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct shot s;

        shot_init(&s, &f, "POST", rows[i].url);
        if (rows[i].header == NULL) {
            snprintf(s.url, sizeof(s.url), "%s", rows[i].url);
        }
        s.call.headers = rows[i].header;
        s.call.nheaders = rows[i].header != NULL;
        s.call.body = STR("body");
        shot_start(&s, &f);
        CHECK(rows[i].url, shot_wait(&s, &f, 3000));
        CHECK_INT(rows[i].url, s.err.code, ERR_INVALID);
        shot_fini(&s);
    }
    CHECK_INT("nothing arrived", rude_seen(f.server, ""), 0);
    client_teardown(&f);
}

/*
 * The trap: a connection that served one request dies under the next. libcurl then takes a new one
 * by itself. With a callback for the body it can do so only while nothing of the body has gone out.
 */
static void repost(void)
{
    static const struct {
        const char *first;
        enum err_code code; /* ERR_COUNT: any but a second arrival */
        int arrived;        /* how often the server read the second request whole; -1: 0 or 1 */
    } rows[] = {
        {"/next-read",   ERR_NET_AMBIGUOUS, 1 }, /* it has it, and never said so */
        {"/next-reset",  ERR_NET_AMBIGUOUS, 1 },
        {"/next-unread", ERR_COUNT,         -1},
        {"/next-head",   ERR_COUNT,         -1},
        {"/next-gone",   ERR_COUNT,         -1},
    };
    static char large[300000];

    memset(large, 'L', sizeof(large));
    for (size_t i = 0; i < ARRAY_LEN(rows) * 3; i++) {
        size_t k = i / 3;
        struct str body = i % 3 == 0 ? STR("{\"a\":1}")
                                     : (i % 3 == 1 ? str_make(large, sizeof(large)) : STR_NONE);
        struct client_fixture f;
        struct shot s;
        int seen;

        client_setup(&f, 1);
        shot_run(&s, &f, "POST", rows[k].first, STR("warm"), 0);
        CHECK_INT(rows[k].first, s.status, 200);
        shot_fini(&s);
        shot_run(&s, &f, "POST", "/ok/second", body, 0);
        seen = rude_seen(f.server, "second");
        CHECK(rows[k].first, seen <= 1);
        if (s.err.code == ERR_NET_NOT_SENT) {
            CHECK_INT("not sent means not there", seen, 0);
        } else if (s.err.code == ERR_NONE) {
            CHECK_INT("answered means there", seen, 1);
        } else {
            CHECK_INT(rows[k].first, s.err.code, ERR_NET_AMBIGUOUS);
        }
        if (rows[k].code != ERR_COUNT && body.n > 0) {
            CHECK_INT(rows[k].first, s.err.code, rows[k].code);
            CHECK_INT(rows[k].first, seen, rows[k].arrived);
        }
        if (body.n == 0) {
            CHECK_INT("without a body: on a connection of its own", s.status, 200);
        }
        shot_fini(&s);
        client_teardown(&f);
    }
}

/*
 * The body arrived over a reused connection that then died, and libcurl's second connection is
 * refused. libcurl's own count of uploaded bytes begins anew with the second, so it must not be
 * asked.
 */
static void repost_refused(void)
{
    struct client_fixture f;
    struct shot s;

    for (int i = 0; i < 3; i++) {
        client_setup(&f, 1);
        shot_run(&s, &f, "POST", "/next-read", STR("warm"), 0);
        shot_fini(&s);
        rude_deafen(f.server);
        shot_run(&s, &f, i == 1 ? "GET" : "POST", "/ok/second", i == 1 ? STR_NONE : STR("body"),
                 i == 2 ? HTTP_IDEMPOTENT : 0);
        CHECK_INT("it has it", rude_seen(f.server, "second"), 1);
        CHECK_INT("so we do not know", s.err.code, ERR_NET_AMBIGUOUS);
        shot_fini(&s);
        client_teardown(&f);
    }
}

/*
 * The call after one that libcurl wanted to repeat and could not: nothing of that is left over, so
 * it arrives. (libcurl's handle would keep "rewind first" for ever.)
 */
static void repost_then_well(void)
{
    struct client_fixture f, other;
    struct shot s;

    for (int i = 0; i < 2; i++) {
        client_setup(&f, 1);
        client_setup(&other, 1);
        shot_run(&s, &f, "POST", "/next-read", STR("warm"), 0);
        shot_fini(&s);
        if (i == 1) {
            rude_deafen(
                f.server); /* the repetition meets no server: the end comes before the rewind */
        }
        shot_run(&s, &f, "POST", "/ok/second", STR("body"), 0);
        CHECK_INT("ambiguous", s.err.code, ERR_NET_AMBIGUOUS);
        shot_fini(&s);
        shot_init(&s, &other, "POST", "/ok/third");
        s.call.body = STR("body");
        shot_start(&s, &f);
        CHECK("ends", shot_wait(&s, &f, 3000));
        CHECK_INT(s.err.msg, s.status, 200);
        CHECK_INT("arrived", rude_seen(other.server, "third"), 1);
        shot_fini(&s);
        client_teardown(&other);
        client_teardown(&f);
    }
}

/* Both ways a body that may go once can take: the read callback, and POSTFIELDS with a guard. */
static void test_repost(void)
{
    for (int i = 0; i < 2; i++) {
        client_one_write = i == 1;
        repost();
        repost_refused();
        repost_then_well();
    }
    client_one_write = false;
}

/* The other side of it: what may be sent again is, and the server sees it twice. So the trap is
 * real. */
static void test_repost_idempotent(void)
{
    struct client_fixture f;
    struct shot s;

    client_setup(&f, 1);
    shot_run(&s, &f, "POST", "/next-read", STR("warm"), 0);
    shot_fini(&s);
    shot_run(&s, &f, "POST", "/ok/second", STR("body"), HTTP_IDEMPOTENT);
    CHECK_INT("answered", s.status, 200);
    CHECK_INT("on the second arrival", rude_seen(f.server, "second"), 2);
    shot_fini(&s);
    shot_run(&s, &f, "POST", "/next-read", STR("warm"), 0);
    shot_fini(&s);
    shot_run(&s, &f, "GET", "/ok/third", STR_NONE, 0);
    CHECK_INT("so does a GET", s.status, 200);
    CHECK_INT("twice", rude_seen(f.server, "third"), 2);
    shot_fini(&s);
    client_teardown(&f);
}

static void test_timeouts(void)
{
    static const struct {
        const char *path;
        int64_t timeout_ms;
        enum err_code code;
    } rows[] = {
        {"/slow/60000",         200,  ERR_NET_AMBIGUOUS},
        {"/drip/100",           300,  ERR_NET_AMBIGUOUS},
        {"/drip/10",            2000, ERR_NONE         },
        {"http://slow.test/ok", 200,  ERR_NET_NOT_SENT },
    };
    struct client_fixture f;

    client_setup(&f, 8);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct shot s;
        struct loop_stats ls;
        int64_t t = mono_now().us, took;

        loop_stats(f.loop, &ls, true);
        shot_init(&s, &f, "POST", rows[i].path);
        s.call.body = STR("body");
        s.call.timeout_ms = rows[i].timeout_ms;
        shot_start(&s, &f);
        CHECK(rows[i].path, shot_wait(&s, &f, 5000));
        took = (mono_now().us - t) / 1000;
        CHECK_INT(rows[i].path, s.err.code, rows[i].code);
        CHECK(rows[i].path, s.err.code == ERR_NONE || took >= rows[i].timeout_ms - 5);
        CHECK(rows[i].path, took < rows[i].timeout_ms + 500);
        loop_stats(f.loop, &ls, true);
        CHECK("the loop was not held", ls.longest_us < 300000);
        shot_fini(&s);
    }
    client_teardown(&f);
}

/* The deadline runs while a call waits for its host, too. */
static void test_timeout_in_queue(void)
{
    struct client_fixture f;
    struct shot first, second;
    int64_t t = mono_now().us;

    client_setup(&f, 1);
    shot_init(&first, &f, "POST", "/slow/60000");
    first.call.body = STR("body");
    shot_start(&first, &f);
    shot_init(&second, &f, "POST", "/ok/second");
    second.call.body = STR("body");
    second.call.timeout_ms = 200;
    shot_start(&second, &f);
    CHECK("ended", shot_wait(&second, &f, 3000));
    CHECK("in time", mono_now().us - t < 1000000);
    CHECK_INT("not sent", second.err.code, ERR_NET_NOT_SENT);
    CHECK_INT("not there", rude_seen(f.server, "second"), 0);
    op_cancel(&first.op);
    shot_fini(&first);
    shot_fini(&second);
    client_teardown(&f);
}

/* 1 MiB into a server that reads the head and goes away; and one that answers before it is read. */
static void test_upload(void)
{
    static char body[1 << 20];
    struct client_fixture f;
    struct shot s;
    struct rude_counts counts;

    memset(body, 'u', sizeof(body));
    client_setup(&f, 8);
    for (int i = 0; i < 3; i++) {
        shot_run(&s, &f, "POST", "/mid", str_make(body, sizeof(body)), 0);
        rude_counts(f.server, &counts);
        CHECK_INT("not read whole", counts.bodies, 0);
        CHECK_INT("reset in the middle", s.err.code, ERR_NET_NOT_SENT);
        shot_fini(&s);
    }
    shot_run(&s, &f, "POST", "/mid", STR("small"), 0);
    CHECK_INT("all of it went into the buffer", s.err.code, ERR_NET_AMBIGUOUS);
    shot_fini(&s);
    shot_run(&s, &f, "POST", "/early", str_make(body, 400000), 0);
    CHECK("an early answer is an answer, or unknown",
          s.status == 413 || s.err.code == ERR_NET_AMBIGUOUS || s.err.code == ERR_NET_NOT_SENT);
    shot_fini(&s);
    shot_run(&s, &f, "POST", "/ok", str_make(body, sizeof(body)), 0);
    CHECK_INT("1 MiB arrives", s.status, 200);
    rude_counts(f.server, &counts);
    CHECK_INT("to the last byte", counts.body_bytes, sizeof(body));
    shot_fini(&s);
    client_teardown(&f);
}

static void test_retry_after(void)
{
    static const struct {
        const char *value;
        int64_t want;
    } rows[] = {
        {"120",                            120   },
        {" 7 ",                            7     },
        {"0",                              0     },
        {"-5",                             0     },
        {"",                               0     },
        {"soon",                           0     },
        {"1.5",                            0     },
        {"99999999999",                    604800},
        {"99999999999999999999999",        0     },
        {"Sun, 06 Nov 1994 08:49:37 GMT",  30    },
        {"Sunday, 06-Nov-94 08:49:37 GMT", 30    },
        {"Sun Nov  6 08:49:37 1994",       30    },
        {"Sun, 06 Nov 1994 08:49:07 GMT",  0     },
        {"Sun, 06 Nov 1994 08:00:00 GMT",  0     },
        {"Wed, 21 Oct 2099 07:28:00 GMT",  604800},
    };
    struct client_fixture f;
    struct shot s;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CHECK_INT(rows[i].value, http_retry_after(str_of(rows[i].value), 784111777 - 30),
                  rows[i].want);
    }
    client_setup(&f, 8);
    shot_run(&s, &f, "POST", "/retry/17", STR("x"), 0);
    CHECK_INT("status", s.status, 429);
    CHECK_INT("seconds", s.retry_after_s, 17);
    shot_fini(&s);
    shot_run(&s, &f, "POST", "/retry-date/40", STR("x"), 0);
    CHECK("date", s.retry_after_s >= 38 && s.retry_after_s <= 41);
    shot_fini(&s);
    client_teardown(&f);
}

/* All of it at once, with calls given up at any moment: each ends once, or never after its cancel.
 */
static void test_mixed(void)
{
    static const char *const paths[] = {
        "/ok",   "/ok",        "/slow/20",   "/drip/5",     "/big/200000", "/chunked/50000",
        "/half", "/empty",     "/reset",     "/garbage",    "/next-read",  "/next-unread",
        "/mid",  "/next-gone", "/next-head", "/next-reset", "/close",      "http://none.test/",
        "bad",
    };
    static struct shot shots[400];
    static bool given_up[ARRAY_LEN(shots)];
    struct client_fixture f;
    struct http_client_stats st;
    uint32_t seed = 20261121;

    client_setup(&f, 8);
    for (size_t i = 0; i < ARRAY_LEN(shots); i++) {
        seed = seed * 1664525 + 1013904223;
        shot_init(&shots[i], &f, (seed >> 28) % 2 == 0 ? "POST" : "GET",
                  paths[(seed >> 8) % ARRAY_LEN(paths)]);
        shots[i].call.body = (seed >> 28) % 2 == 0 ? STR("body") : STR_NONE;
        shots[i].call.flags = (seed >> 20) % 16 == 0 ? HTTP_PUBLIC_ONLY : 0;
        shots[i].call.timeout_ms = (seed >> 16) % 8 == 0 ? 10 : 4000;
        shot_start(&shots[i], &f);
        if ((seed >> 24) % 4 == 0) {
            size_t victim = (seed >> 4) % (i + 1);

            given_up[victim] = given_up[victim] || shots[victim].ends == 0;
            op_cancel(&shots[victim].op);
        }
        if (i % 7 == 0) {
            run_ms(&f, 3);
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(shots); i++) {
        CHECK("ended", given_up[i] || shot_wait(&shots[i], &f, 10000));
        CHECK_INT(shots[i].url, shots[i].ends, given_up[i] ? 0 : 1);
        shot_fini(&shots[i]);
    }
    http_client_stats(f.client, &st);
    CHECK_INT("nothing left", st.in_flight, 0);
    client_teardown(&f);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_classes),  TEST(test_ends),
        TEST(test_not_sent), TEST(test_bad_calls),
        TEST(test_repost),   TEST(test_repost_idempotent),
        TEST(test_timeouts), TEST(test_timeout_in_queue),
        TEST(test_upload),   TEST(test_retry_after),
        TEST(test_mixed),
    };

    return test_main(argc, argv, tests, ARRAY_LEN(tests));
}
