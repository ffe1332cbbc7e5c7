/* Bodies: held back until it is known whose they are. */
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

static size_t connections(const struct fixture *f)
{
    struct http_server_stats stats;

    http_server_stats(f->s, &stats);
    return stats.connections;
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
    CHECK("then the rest", say_bytes(fd, str_make(body + said, LONG - said)));
    CHECK_INT("whole", hear(fd, NULL, &b), 200);
    sha256(str_make(body, LONG), digest);
    hex_add(&hex, str_make(digest, sizeof(digest)));
    CHECK("as it was sent", str_eq(buf_str(&b), buf_str(&hex)));
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

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_held),      TEST(test_held_continue), TEST(test_held_long),
        TEST(test_held_gone), TEST(test_held_free),
    };
    return test_main(argc, argv, tests, ARRAY_LEN(tests));
}
