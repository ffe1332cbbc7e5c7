/* Bodies: held back until it is known whose they are, and how much of them is held at once. */
#include "server_fixture.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"

#define HOST  "Host: x\r\n"
#define HELLO "GET /hello HTTP/1.1\r\n" HOST "\r\n"
#define MB    ((size_t)1 << 20)
#define LONG  (32 * MB) /* more than the kernel takes in for one who does not read */

static bool has(const struct buf *b, const char *text)
{
    return str_find(buf_str(b), str_of(text)) != SIZE_MAX;
}

static size_t held_bytes(const struct fixture *f)
{
    struct http_server_stats stats;

    http_server_stats(f->s, &stats);
    return stats.body_bytes;
}

static size_t connections(const struct fixture *f)
{
    struct http_server_stats stats;

    http_server_stats(f->s, &stats);
    return stats.connections;
}

/* Up to 3 s until so much is held; told by another thread than the one that counts. */
static void wait_for_bytes(const struct fixture *f, size_t n)
{
    for (int i = 0; i < 300 && held_bytes(f) != n; i++) {
        usleep(10000);
    }
}

static char *letters(size_t n)
{
    char *p = mem_new(n + 1);

    for (size_t i = 0; i < n; i++) {
        p[i] = (char)('a' + i % 26);
    }
    return p;
}

/* Says as much of @n bytes as is taken; how much that was. */
static size_t say_some(int fd, const char *bytes, size_t n)
{
    size_t said = 0;
    int quiet = 0;

    while (said < n && quiet < 10) {
        ssize_t got = send(fd, bytes + said, n - said, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (got > 0) {
            said += (size_t)got;
            quiet = 0;
        } else {
            quiet++;
            usleep(10000);
        }
    }
    return said;
}

/* Held. */

static const struct {
    const char *label, *text;
    int status;
    const char *body;
} held_rows[] = {
    {"at once",                        "POST /echo?held=0 HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\nbody",         200, "body" },
    {"for a while",                    "POST /echo?held=50 HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\nbody",        200,
     "body"                                                                                                                       },
    {"chunked",
     "POST /echo?held=50 HTTP/1.1\r\n" HOST
     "Transfer-Encoding: chunked\r\n\r\n2\r\nbo\r\n2\r\ndy\r\n0\r\n\r\n",                                             200, "body" },
    {"without a body",                 "GET /hello?held=50 HTTP/1.1\r\n" HOST "\r\n",                                 200, "hello"},
    {"an empty body",                  "POST /echo?held=50 HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n",            200, ""     },
    {"denied at once",                 "POST /echo?held=0&deny=1 HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\nbody",
     401,                                                                                                                  "no"   },
    {"denied",                         "POST /echo?held=50&deny=1 HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\nbody", 401,
     "no"                                                                                                                         },
    {"denied without a body",          "GET /hello?held=50&deny=1 HTTP/1.1\r\n" HOST "\r\n",                          401, "no"   },
    {"behind one that is open",
     "GET /wait?ms=80 HTTP/1.1\r\n" HOST "\r\nPOST /echo?held=20 HTTP/1.1\r\n" HOST
     "Content-Length: 4\r\n\r\nbody",                                                                                 200, "body" },
    {"denied behind one that is open",
     "GET /wait?ms=80 HTTP/1.1\r\n" HOST "\r\nPOST /echo?held=20&deny=1 HTTP/1.1\r\n" HOST
     "Content-Length: 4\r\n\r\nbody",                                                                                 401, "no"   },
};

/* Each with another request behind it, which is read when its turn has come. */
static void ask_held(struct fixture *f)
{
    struct buf b;
    int fd = dial(f);

    buf_init(&b, 1 << 20);
    for (size_t i = 0; i < ARRAY_LEN(held_rows); i++) {
        say(fd, held_rows[i].text);
        say(fd, HELLO);
        if (str_find(str_of(held_rows[i].text), STR("/wait")) != SIZE_MAX) {
            CHECK_INT(held_rows[i].label, hear(fd, NULL, NULL), 200);
        }
        CHECK_INT(held_rows[i].label, hear(fd, NULL, &b), held_rows[i].status);
        CHECK_Z(held_rows[i].label, buf_str(&b), held_rows[i].body);
        CHECK_INT(held_rows[i].label, hear(fd, NULL, &b), 200);
        CHECK_Z(held_rows[i].label, buf_str(&b), "hello");
    }
    close(fd);
    buf_fini(&b);
}

static void test_held(void)
{
    struct fixture f = {0};

    fixture_run(&f, ask_held);
    CHECK_INT("each answered", f.gone, 0);
    CHECK_INT("each went on, or did not", f.let, (int)ARRAY_LEN(held_rows));
}

static void ask_held_continue(struct fixture *f)
{
    int fd = dial(f);
    struct buf b;
    int64_t began = now_ms();

    buf_init(&b, 1000);
    say(fd, "POST /echo?held=100 HTTP/1.1\r\n" HOST "Content-Length: 4\r\n"
            "Expect: 100-continue\r\n\r\n");
    CHECK_INT("asked for", hear(fd, NULL, NULL), 100);
    CHECK("but not before it may go on", now_ms() - began >= 90);
    say(fd, "body");
    CHECK_INT("then", hear(fd, NULL, &b), 200);
    CHECK_Z("then", buf_str(&b), "body");
    say(fd, "POST /echo?held=50 HTTP/1.1\r\n" HOST "Content-Length: 4\r\n"
            "Expect: 100-continue\r\n\r\nmore");
    CHECK_INT("not when it is there", hear(fd, NULL, &b), 200);
    say(fd, "POST /echo?held=50&deny=1 HTTP/1.1\r\n" HOST "Content-Length: 4\r\n"
            "Expect: 100-continue\r\n\r\n");
    CHECK_INT("denied instead", hear(fd, NULL, &b), 401);
    CHECK("and closed: what follows is unknown", is_closed(fd, 1000));
    close(fd);
    fd = dial(f);
    began = now_ms();
    say(fd, "POST /echo?held=300 HTTP/1.1\r\n" HOST "Content-Length: 99999999\r\n\r\n");
    CHECK_INT("what is too long is not held", hear(fd, NULL, NULL), 413);
    CHECK("at once", now_ms() - began < 250);
    close(fd);
    buf_fini(&b);
}

static void test_held_continue(void)
{
    struct fixture f = {0};

    fixture_run(&f, ask_held_continue);
}

/* A body that does not fit into the kernel stays with its sender while it is held. */
static void ask_held_long(struct fixture *f)
{
    char *body = letters(LONG);
    uint8_t digest[SHA256_BYTES];
    struct buf hex, b;
    int fd = dial(f);
    size_t said;

    buf_init(&hex, 100);
    buf_init(&b, 1000);
    say(fd, "POST /hash?held=400 HTTP/1.1\r\n" HOST "Content-Length: 33554432\r\n\r\n");
    said = say_some(fd, body, LONG);
    CHECK("not all of it is taken", said < LONG);
    CHECK_INT("it is held", f->let, 0);
    CHECK_INT("nothing is read", (int)held_bytes(f), 0);
    CHECK("then the rest", say_bytes(fd, str_make(body + said, LONG - said)));
    CHECK_INT("whole", hear(fd, NULL, &b), 200);
    sha256(str_make(body, LONG), digest);
    hex_add(&hex, str_make(digest, sizeof(digest)));
    CHECK("as it was sent", str_eq(buf_str(&b), buf_str(&hex)));
    wait_for_bytes(f, 0);
    CHECK_INT("and forgotten", (int)held_bytes(f), 0);
    say(fd, "POST /hash?held=400&deny=1 HTTP/1.1\r\n" HOST "Content-Length: 33554432\r\n\r\n");
    said = say_some(fd, body, LONG);
    CHECK("denied: not all of it is taken", said < LONG);
    CHECK_INT("denied", hear(fd, &b, NULL), 401);
    CHECK("closes", has(&b, "Connection: close\r\n"));
    close(fd);
    mem_free(&body);
    buf_fini(&hex);
    buf_fini(&b);
}

static void test_held_long(void)
{
    struct fixture f = {.o = http_server_defaults};

    f.o.header_timeout_ms = 300; /* also the window of its pace, which does not count while held */
    fixture_run(&f, ask_held_long);
    CHECK_INT("asked once", f.asked, 1);
    CHECK_INT("none gone", f.gone, 0);
}

/* Hanging up while held. */
static void ask_held_gone(struct fixture *f)
{
    struct linger hard = {1, 0};
    struct buf b;
    int fd = dial(f);

    buf_init(&b, 1 << 20);
    say(fd, "POST /echo?held=9000 HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\n");
    wait_for(&f->begun, 1);
    close(fd);
    wait_for(&f->gone, 1);
    CHECK_INT("before its body", f->gone, 1);
    fd = dial(f);
    say(fd, "POST /echo?held=9000 HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\nhalf");
    wait_for(&f->begun, 2);
    close(fd);
    wait_for(&f->gone, 2);
    CHECK_INT("in its body", f->gone, 2);
    fd = dial(f);
    say(fd, "POST /echo?held=9000 HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\nbody");
    wait_for(&f->begun, 3);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
    close(fd);
    wait_for(&f->gone, 3);
    CHECK_INT("reset, with all of it sent", f->gone, 3);
    fd = dial(f);
    say(fd, "POST /echo?held=9000 HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n");
    wait_for(&f->begun, 4);
    close(fd);
    wait_for(&f->gone, 4);
    CHECK_INT("of unknown length", f->gone, 4);
    fd = dial(f);
    say(fd, "POST /echo?held=600 HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\nbo");
    wait_for(&f->begun, 5);
    usleep(50000);
    say(fd, "dy");
    shutdown(fd, SHUT_WR);
    CHECK_INT("half-closed with all of it sent: answered", hear(fd, NULL, &b), 200);
    CHECK_Z("half-closed", buf_str(&b), "body");
    CHECK_INT("half-closed: not gone", f->gone, 4);
    CHECK_INT("the only one that was asked", f->asked, 1);
    close(fd);
    fd = dial(f);
    say(fd, "GET /wait?ms=100&close=1 HTTP/1.1\r\n" HOST "\r\n"
            "POST /echo?held=9000 HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\n");
    CHECK_INT("one before it closes", hear(fd, NULL, NULL), 200);
    wait_for(&f->gone, 5);
    CHECK_INT("told", f->gone, 5);
    CHECK("closed", is_closed(fd, 1000));
    close(fd);
    for (int i = 0; i < 100 && connections(f) > 0; i++) {
        usleep(10000);
    }
    CHECK_INT("and nothing is left", (int)connections(f), 0);
    buf_fini(&b);
}

static void test_held_gone(void)
{
    struct fixture f = {0};

    fixture_run(&f, ask_held_gone);
    CHECK_INT("the others are held for ever", f.let, 1);
}

static void leave_held(struct fixture *f)
{
    for (int i = 0; i < 3; i++) {
        say(dial(f), "POST /echo?held=9000 HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\nbo");
    }
    wait_for(&f->begun, 3);
}

static void test_held_free(void)
{
    struct fixture f = {0};
    int before = dup(0);

    close(before);
    fixture_run(&f, leave_held);
    CHECK_INT("all told", f.gone, 3);
    for (int fd = before; fd < before + 32; fd++) {
        close(fd); /* the client's ends */
    }
}

/* The two limits over all bodies: here 1 MiB, which three half bodies of 300 kB fit into. */

#define PART   300000
#define UPLOAD "POST /echo?limit=2000000 HTTP/1.1\r\n" HOST "Content-Length: 400000\r\n\r\n"

static void ask_budget(struct fixture *f)
{
    char *part = letters(PART);
    struct buf head, body;
    int fds[4];

    buf_init(&head, 1 << 20);
    buf_init(&body, 1 << 20);
    for (int i = 0; i < 3; i++) {
        fds[i] = dial(f);
        say(fds[i], UPLOAD);
        say_bytes(fds[i], str_make(part, PART));
        wait_for_bytes(f, (size_t)PART * (size_t)(i + 1));
    }
    CHECK_INT("within", (int)held_bytes(f), 3 * PART);
    fds[3] = dial(f);
    say(fds[3], UPLOAD);
    say_bytes(fds[3], str_make(part, PART));
    CHECK_INT("over", hear(fds[3], &head, &body), 503);
    CHECK("says when", has(&head, "Retry-After: 1\r\n"));
    CHECK("says why", has(&body, "overload: too much is being sent "));
    CHECK("closes", has(&head, "Connection: close\r\n") && is_closed(fds[3], 1000));
    close(fds[3]);
    wait_for_bytes(f, 3 * PART);
    CHECK_INT("none of it is kept", (int)held_bytes(f), 3 * PART);
    CHECK_INT("and its handler told", f->gone, 1);
    fds[3] = dial(f);
    say(fds[3], "GET /hold HTTP/1.1\r\n" HOST "\r\n" UPLOAD);
    say_bytes(fds[3], str_make(part, PART));
    wait_for(&f->gone, 2);
    usleep(50000);
    CHECK_INT("nor while its answer has to wait", (int)held_bytes(f), 3 * PART);
    close(fds[3]);
    fds[3] = dial(f);
    say(fds[3], HELLO);
    CHECK_INT("without a body all goes on", hear(fds[3], NULL, NULL), 200);
    close(fds[2]); /* one hangs up */
    wait_for_bytes(f, 2 * PART);
    CHECK_INT("given back", (int)held_bytes(f), 2 * PART);
    say_bytes(fds[1], str_make(part, 100000));
    CHECK_INT("one is answered", hear(fds[1], NULL, &body), 200);
    CHECK_INT("whole", (int)body.n, 400000);
    wait_for_bytes(f, PART);
    CHECK_INT("given back", (int)held_bytes(f), PART);
    say(fds[3], UPLOAD);
    say_bytes(fds[3], str_make(part, PART));
    say_bytes(fds[3], str_make(part, 100000));
    CHECK_INT("there is room again", hear(fds[3], NULL, NULL), 200);
    say(fds[3],
        "POST /wait?ms=9000&limit=2000000 HTTP/1.1\r\n" HOST "Content-Length: 400000\r\n\r\n");
    say_bytes(fds[3], str_make(part, PART));
    say_bytes(fds[3], str_make(part, 100000));
    wait_for_bytes(f, PART + 400000);
    usleep(50000);
    CHECK_INT("whole but not answered, it counts", (int)held_bytes(f), PART + 400000);
    close(fds[0]);
    close(fds[1]);
    close(fds[3]);
    wait_for_bytes(f, 0);
    CHECK_INT("nothing is left", (int)held_bytes(f), 0);
    mem_free(&part);
    buf_fini(&head);
    buf_fini(&body);
}

static void test_budgets(void)
{
    static const struct str trusted[] = {STR("127.0.0.0/8")};
    struct fixture f = {.o = http_server_defaults};
    struct http_server_stats stats;

    f.o.connections_per_address_max = 0; /* does not matter to the bodies */
    f.o.half_close_ms = 100;
    f.o.body_bytes_per_address_max = MB;
    fixture_start(&f);
    fixture_client(&f, ask_budget);
    http_server_stats(f.s, &stats);
    CHECK("by address", stats.bodies_refused_address == 2 && stats.bodies_refused_total == 0);
    CHECK_INT("which is nobody's bad request", (int)stats.bad_requests, 0);
    fixture_stop(&f);
    f.o.body_bytes_total_max = MB;
    f.o.trusted_proxies = trusted;
    f.o.ntrusted_proxies = 1;
    fixture_start(&f);
    fixture_client(&f, ask_budget);
    http_server_stats(f.s, &stats);
    CHECK("in all, a proxy's address counting for nobody",
          stats.bodies_refused_address == 0 && stats.bodies_refused_total == 2);
    fixture_stop(&f);
}

/* Without limits, or with one that does not hold for this address, as much as each may send. */
static void ask_unlimited(struct fixture *f)
{
    char *part = letters(400000);
    int fds[4];

    for (int i = 0; i < 4; i++) {
        fds[i] = dial(f);
        say(fds[i], UPLOAD);
        say_bytes(fds[i], str_make(part, PART));
    }
    wait_for_bytes(f, (size_t)4 * PART);
    for (int i = 0; i < 4; i++) {
        say_bytes(fds[i], str_make(part, 100000));
        CHECK_INT("taken", hear(fds[i], NULL, NULL), 200);
        close(fds[i]);
    }
    mem_free(&part);
}

static void test_no_budget(void)
{
    static const struct str trusted[] = {STR("127.0.0.1")};
    struct fixture f = {.o = http_server_defaults};

    f.o.body_bytes_per_address_max = f.o.body_bytes_total_max = 0;
    fixture_run(&f, ask_unlimited);
    f.o.body_bytes_per_address_max = 1;
    f.o.trusted_proxies = trusted;
    f.o.ntrusted_proxies = 1;
    fixture_run(&f, ask_unlimited);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_held),      TEST(test_held_continue), TEST(test_held_long), TEST(test_held_gone),
        TEST(test_held_free), TEST(test_budgets),       TEST(test_no_budget),
    };
    return test_main(argc, argv, tests, ARRAY_LEN(tests));
}
