/* What happens around requests: keeping connections, order, hanging up, time, much data. */
#include "server_fixture.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"

#define HOST  "Host: x\r\n"
#define HELLO "GET /hello HTTP/1.1\r\n" HOST "\r\n"

static bool has(const struct buf *b, const char *text)
{
    return str_find(buf_str(b), str_of(text)) != SIZE_MAX;
}

/* Keeping connections. */

static const struct {
    const char *label, *text;
    bool kept;
    const char *says; /* in the head */
} keep_rows[] = {
    {"1.1",                    HELLO,                                                           true,  NULL                   },
    {"1.1 keep-alive",         "GET /hello HTTP/1.1\r\n" HOST "Connection: keep-alive\r\n\r\n", true,  NULL                   },
    {"1.1 close",              "GET /hello HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n",      false,
     "Connection: close\r\n"                                                                                                  },
    {"1.1 close among others", "GET /hello HTTP/1.1\r\n" HOST "Connection: x, Close\r\n\r\n",   false,
     "Connection: close\r\n"                                                                                                  },
    {"1.0",                    "GET /hello HTTP/1.0\r\n\r\n",                                   false, "Connection: close\r\n"},
    {"1.0 keep-alive",         "GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",         true,
     "Connection: keep-alive\r\n"                                                                                             },
    {"1.0 both",               "GET /hello HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n",  false,
     "Connection: close\r\n"                                                                                                  },
    {"the handler closes",     "GET /close HTTP/1.1\r\n" HOST "\r\n",                           false, "Connection: close\r\n"},
    {"body with close",
     "POST /echo HTTP/1.1\r\n" HOST "Connection: close\r\nContent-Length: 2\r\n\r\nab",         false,
     "Connection: close\r\n"                                                                                                  },
    {"stream on 1.0",          "GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",        false,
     "Connection: close\r\n"                                                                                                  },
};

static void ask_keep(struct fixture *f)
{
    struct buf head;

    buf_init(&head, 1 << 20);
    for (size_t i = 0; i < ARRAY_LEN(keep_rows); i++) {
        int fd = dial(f);

        say(fd, keep_rows[i].text);
        CHECK_INT(keep_rows[i].label, hear(fd, &head, NULL), 200);
        CHECK(keep_rows[i].label, keep_rows[i].says == NULL ? !has(&head, "Connection:")
                                                            : has(&head, keep_rows[i].says));
        say(fd, HELLO);
        CHECK_INT(keep_rows[i].label, hear(fd, NULL, NULL), keep_rows[i].kept ? 200 : 0);
        close(fd);
    }
    buf_fini(&head);
}

static void test_keep(void)
{
    struct fixture f = {0};

    fixture_run(&f, ask_keep);
}

static void ask_crlf(struct fixture *f)
{
    int fd = dial(f);

    say(fd, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nab\r\n" HELLO);
    CHECK_INT("body", hear(fd, NULL, NULL), 200);
    CHECK_INT("one empty line is skipped", hear(fd, NULL, NULL), 200);
    say(fd, "\r");
    usleep(20000);
    say(fd, "\n" HELLO);
    CHECK_INT("also in two pieces", hear(fd, NULL, NULL), 200);
    say(fd, "\r\n\r\n" HELLO);
    CHECK_INT("not two", hear(fd, NULL, NULL), 400);
    close(fd);
    fd = dial(f);
    say(fd, "\r\n" HELLO);
    CHECK_INT("not at the very first", hear(fd, NULL, NULL), 400);
    close(fd);
}

static void test_crlf(void)
{
    struct fixture f = {0};

    fixture_run(&f, ask_crlf);
}

/* Pipelining. */

static void ask_order(struct fixture *f)
{
    int fd = dial(f);
    struct buf b;
    int64_t began = now_ms();

    buf_init(&b, 1 << 20);
    say(fd, "GET /wait?ms=150 HTTP/1.1\r\n" HOST "\r\n" HELLO "GET /wait?ms=100 HTTP/1.1\r\n" HOST
            "\r\n"
            "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc"
            "GET /stream?n=2&size=1 HTTP/1.1\r\n" HOST "\r\n"
            "HEAD /hello HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n" HELLO);
    CHECK("all in order", hear(fd, NULL, &b) == 200 && str_eqz(buf_str(&b), "waited") &&
                              hear(fd, NULL, &b) == 200 && str_eqz(buf_str(&b), "hello") &&
                              hear(fd, NULL, &b) == 200 && str_eqz(buf_str(&b), "waited") &&
                              hear(fd, NULL, &b) == 200 && str_eqz(buf_str(&b), "abc") &&
                              hear(fd, NULL, &b) == 200 && str_eqz(buf_str(&b), "ss"));
    CHECK("side by side", now_ms() - began < 230);
    buf_reset(&b);
    CHECK("the last closes", hear_all(fd, &b));
    CHECK("with its answer", has(&b, "HTTP/1.1 200 OK"));
    CHECK("and nothing behind it", !has(&b, "hello"));
    close(fd);
    buf_fini(&b);
}

static void test_order(void)
{
    struct fixture f = {0};

    fixture_run(&f, ask_order);
    CHECK_INT("asked", f.asked, 6);
    CHECK_INT("gone", f.gone, 0);
}

/* A thousand requests in one write: as many are open as PIPELINE_MAX says, the rest waits unread.
 */
static void ask_deep(struct fixture *f)
{
    int fd = dial(f), good = 0;
    struct buf b;

    buf_init(&b, 1 << 20);
    for (int i = 0; i < 1000; i++) {
        buf_addz(&b, i % 10 == 0 ? "GET /wait?ms=1 HTTP/1.1\r\n" HOST "\r\n" : HELLO);
    }
    say_bytes(fd, buf_str(&b));
    for (int i = 0; i < 1000; i++) {
        good += hear(fd, NULL, &b) == 200 && str_eqz(buf_str(&b), i % 10 == 0 ? "waited" : "hello");
    }
    CHECK_INT("all answered in order", good, 1000);
    close(fd);
    buf_fini(&b);
}

static void test_deep(void)
{
    struct fixture f = {0};

    fixture_run(&f, ask_deep);
}

/* The first of three closes: the others were begun, and are told. */
static void ask_cut(struct fixture *f)
{
    int fd = dial(f);
    struct buf b;

    buf_init(&b, 1 << 20);
    say(fd, "GET /wait?ms=50 HTTP/1.1\r\n" HOST "\r\nGET /close HTTP/1.1\r\n" HOST "\r\n" HELLO
            "GET /hold HTTP/1.1\r\n" HOST "\r\n");
    CHECK("ends", hear_all(fd, &b));
    CHECK("two answers", has(&b, "waited") && has(&b, "bye") && !has(&b, "hello"));
    close(fd);
    fd = dial(f);
    say(fd, "GET /wait?ms=50 HTTP/1.1\r\n" HOST "\r\nBAD\r\n\r\n" HELLO);
    buf_reset(&b);
    CHECK("ends", hear_all(fd, &b));
    CHECK("the error waits for its turn",
          str_find(buf_str(&b), STR("waited")) < str_find(buf_str(&b), STR("400 Bad Request")));
    CHECK("nothing behind it", !has(&b, "hello"));
    close(fd);
    buf_fini(&b);
}

static void test_cut(void)
{
    struct fixture f = {0};

    fixture_run(&f, ask_cut);
}

/* Hanging up. */

static void ask_gone(struct fixture *f)
{
    struct linger hard = {1, 0};
    struct buf b;
    int fd = dial(f);

    buf_init(&b, 1 << 20);
    say(fd, "GET /hold HTTP/1.1\r\n" HOST "\r\nGET /hold HTTP/1.1\r\n" HOST "\r\n");
    wait_for(&f->asked, 2);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
    close(fd);
    wait_for(&f->gone, 2);
    CHECK_INT("reset: both told", f->gone, 2);
    fd = dial(f);
    say(fd, "GET /hold HTTP/1.1\r\n" HOST "\r\n");
    wait_for(&f->asked, 3);
    close(fd);
    wait_for(&f->gone, 3);
    CHECK_INT("closed: told after half_close_ms", f->gone, 3);
    fd = dial(f);
    say(fd, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\nhalf");
    wait_for(&f->begun, 4);
    close(fd);
    wait_for(&f->gone, 4);
    CHECK_INT("in the body", f->gone, 4);
    CHECK_INT("which was not asked", f->asked, 3);
    fd = dial(f);
    say(fd, "POST /wait?ms=50 HTTP/1.1\r\n" HOST "\r\n" HELLO);
    shutdown(fd, SHUT_WR);
    CHECK("half-closed: answered", hear_all(fd, &b) && has(&b, "waited") && has(&b, "hello"));
    CHECK_INT("half-closed: not gone", f->gone, 4);
    close(fd);
    fd = dial(f);
    say(fd, "GET /stream?n=1000000&size=1000 HTTP/1.1\r\n" HOST "\r\n");
    CHECK_INT("a piece", recv(fd, b.p, 10, 0), 10);
    close(fd);
    wait_for(&f->gone, 5);
    CHECK_INT("in a stream", f->gone, 5);
    buf_fini(&b);
}

static void test_gone(void)
{
    struct fixture f = {.o = http_server_defaults};

    f.o.half_close_ms = 200;
    fixture_run(&f, ask_gone);
}

static void ask_free(struct fixture *f)
{
    for (int i = 0; i < 3; i++) {
        say(dial(f), "GET /hold HTTP/1.1\r\n" HOST "\r\n"); /* left open */
    }
    say(dial(f), "GET /stream?n=1000000&size=1000 HTTP/1.1\r\n" HOST "\r\n");
    say(dial(f), "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nab");
    wait_for(&f->begun, 5);
}

static void test_free_with_open_requests(void)
{
    struct fixture f = {0};
    int before = dup(0);

    close(before);
    fixture_run(&f, ask_free);
    CHECK_INT("all told", f.gone, 5);
    for (int fd = before; fd < before + 32; fd++) {
        close(fd); /* the client's ends */
    }
}

/* Time. */

static void ask_slow(struct fixture *f)
{
    struct buf b;
    int fd = dial(f);
    int64_t began = now_ms();

    buf_init(&b, 1 << 20);
    say(fd, "GET /hello HTTP/1.1\r\n");
    for (int i = 0; i < 8 && !is_closed(fd, 40); i++) {
        say(fd, "X");
    }
    CHECK_INT("slow headers", hear(fd, NULL, &b), 408);
    CHECK("in time", now_ms() - began >= 200 && now_ms() - began < 600);
    CHECK_Z("slow headers", buf_str(&b), "request-timeout: the headers did not arrive in time");
    close(fd);
    fd = dial(f);
    began = now_ms();
    say(fd, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 100000\r\n\r\n");
    for (int i = 0; i < 30 && !is_closed(fd, 20); i++) {
        say(fd, "y"); /* 50 bytes a second, not 1000 */
    }
    CHECK_INT("slow body", hear(fd, NULL, &b), 408);
    CHECK("in time", now_ms() - began >= 200 && now_ms() - began < 600);
    close(fd);
    fd = dial(f);
    say(fd, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 1200\r\n\r\n");
    for (int i = 0; i < 12; i++) {
        char part[101] = {0};

        memset(part, 'z', 100);
        say(fd, part);
        usleep(50000); /* 2000 bytes a second */
    }
    CHECK_INT("slow enough is fine", hear(fd, NULL, NULL), 200);
    close(fd);
    fd = dial(f);
    began = now_ms();
    say(fd, HELLO);
    CHECK_INT("idle", hear(fd, NULL, NULL), 200);
    CHECK("idle", is_closed(fd, 1500));
    CHECK("idle, in time", now_ms() - began >= 400 && now_ms() - began < 800);
    close(fd);
    fd = dial(f);
    CHECK("silent from the start", is_closed(fd, 1500));
    CHECK_INT("without a word", hear(fd, NULL, NULL), 0);
    close(fd);
    fd = dial(f);
    say(fd, "GET /wait?ms=700 HTTP/1.1\r\n" HOST "\r\n");
    CHECK_INT("our own slowness is not theirs", hear(fd, NULL, NULL), 200);
    close(fd);
    buf_fini(&b);
}

static void test_slow(void)
{
    struct fixture f = {.o = http_server_defaults};

    f.o.header_timeout_ms = 200;
    f.o.idle_timeout_ms = 400;
    f.o.body_min_bytes_s = 1000;
    fixture_run(&f, ask_slow);
    CHECK_INT("the slow body was told", f.gone, 1);
}

/* A client that does not take its answer: the server stops reading it, then drops it. */
static void ask_deaf(struct fixture *f)
{
    int small = 4096, fd = dial(f);
    int64_t began = now_ms();

    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    say(fd, "GET /big?n=20000000 HTTP/1.1\r\n" HOST "\r\n" HELLO);
    wait_for(&f->asked, 1);
    usleep(100000);
    CHECK_INT("the second is not begun", f->begun, 1);
    for (int i = 0; i < 200; i++) {
        struct pollfd p = {fd, 0, 0};

        if (poll(&p, 1, 20) == 1 && (p.revents & (POLLHUP | POLLERR)) != 0) {
            break;
        }
    }
    CHECK("dropped", now_ms() - began >= 300 && now_ms() - began < 3000);
    close(fd);
}

static void test_deaf(void)
{
    struct fixture f = {.o = http_server_defaults};

    f.o.idle_timeout_ms = 300;
    fixture_run(&f, ask_deaf);
}

/* Much data, both ways, through buffers that fill. */
static void ask_much(struct fixture *f)
{
    struct buf b;
    int fd = dial(f), small = 100000;

    buf_init(&b, 1 << 30);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    say(fd, "GET /big?n=5000000 HTTP/1.1\r\n" HOST "\r\n" HELLO
            "GET /stream?n=300&size=10007 HTTP/1.1\r\n" HOST "\r\n" HELLO);
    usleep(50000); /* the buffers fill */
    CHECK_INT("big", hear(fd, NULL, &b), 200);
    CHECK_INT("big", b.n, 5000000);
    CHECK_INT("hello", hear(fd, NULL, &b), 200);
    CHECK_Z("hello", buf_str(&b), "hello");
    CHECK_INT("stream", hear(fd, NULL, &b), 200);
    CHECK_INT("stream", b.n, 300 * 10007);
    CHECK_INT("hello", hear(fd, NULL, &b), 200);
    CHECK_Z("hello", buf_str(&b), "hello");
    close(fd);
    buf_fini(&b);
}

static void test_much(void)
{
    struct fixture f = {0};

    fixture_run(&f, ask_much);
}

/* Breaking off. */

static void ask_break(struct fixture *f)
{
    struct buf b;
    int fd = dial(f);

    buf_init(&b, 1 << 20);
    say(fd, "GET /break?text=half%20an%20ans HTTP/1.1\r\n" HOST "\r\n" HELLO);
    CHECK("ends cleanly", hear_all(fd, &b));
    CHECK_Z("raw", buf_str(&b), "half an ans");
    close(fd);
    fd = dial(f);
    say(fd, HELLO "GET /break HTTP/1.1\r\n" HOST "\r\n");
    CHECK("is reset", !hear_all(fd, &b) && errno == ECONNRESET);
    close(fd);
    fd = dial(f);
    say(fd, "GET /wait?ms=50 HTTP/1.1\r\n" HOST "\r\nGET /break?text=x HTTP/1.1\r\n" HOST "\r\n");
    buf_reset(&b);
    CHECK("after the one before", hear_all(fd, &b) && has(&b, "waitedx"));
    close(fd);
    buf_fini(&b);
}

static void test_break(void)
{
    struct fixture f = {0};

    fixture_run(&f, ask_break);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_keep),
        TEST(test_crlf),
        TEST(test_order),
        TEST(test_deep),
        TEST(test_cut),
        TEST(test_gone),
        TEST(test_free_with_open_requests),
        TEST(test_slow),
        TEST(test_deaf),
        TEST(test_much),
        TEST(test_break),
    };
    return test_main(argc, argv, tests, ARRAY_LEN(tests));
}
