/* Who may connect and where, the end of a server, what a connection costs, and noise. */
#include "server_fixture.h"

#include <arpa/inet.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"

#define HOST  "Host: x\r\n"
#define HELLO "GET /hello HTTP/1.1\r\n" HOST "\r\n"

static bool has(const struct buf *b, const char *text)
{
    return str_find(buf_str(b), str_of(text)) != SIZE_MAX;
}

/* Limits. */

static void ask_limits(struct fixture *f)
{
    struct buf head;
    int fds[4];

    buf_init(&head, 1 << 20);
    for (int i = 0; i < 3; i++) {
        fds[i] = dial(f);
        say(fds[i], HELLO);
        CHECK_INT("within", hear(fds[i], NULL, NULL), 200);
    }
    fds[3] = dial(f);
    CHECK_INT("over", hear(fds[3], &head, NULL), 503);
    CHECK("says when", has(&head, "Retry-After: 1\r\n"));
    CHECK("closes", has(&head, "Connection: close\r\n") && is_closed(fds[3], 1000));
    close(fds[3]);
    close(fds[0]);
    for (int i = 0; i < 100; i++) {
        fds[0] = dial(f);
        say(fds[0], HELLO);
        if (hear(fds[0], NULL, NULL) == 200) {
            break;
        }
        close(fds[0]); /* the server has not seen the other go */
        usleep(10000);
    }
    say(fds[0], HELLO);
    CHECK_INT("one went, one came", hear(fds[0], NULL, NULL), 200);
    for (int i = 0; i < 3; i++) {
        close(fds[i]);
    }
    buf_fini(&head);
}

static void test_limits(void)
{
    static const struct str trusted[] = {STR("127.0.0.0/8")};
    struct fixture f = {.o = http_server_defaults};
    struct http_server_stats stats;

    f.o.connections_per_address_max = 3;
    fixture_start(&f);
    fixture_client(&f, ask_limits);
    http_server_stats(f.s, &stats);
    CHECK("by address", stats.refused_address > 0 && stats.refused_total == 0);
    fixture_stop(&f);
    f.o.connections_max = 3;
    f.o.trusted_proxies = trusted;
    f.o.ntrusted_proxies = 1;
    fixture_start(&f);
    fixture_client(&f, ask_limits);
    http_server_stats(f.s, &stats);
    CHECK("in all, a proxy's address counting for nobody",
          stats.refused_address == 0 && stats.refused_total > 0);
    CHECK("counted", stats.accepted >= 4 && stats.requests >= 4);
    fixture_stop(&f);
}

/* Draining. */

static void on_drained(void *ctx)
{
    struct fixture *f = ctx;

    f->drained = 1;
}

static void ask_before_drain(struct fixture *f)
{
    (void)f;
}

static int drain_idle, drain_busy, drain_half;

static void open_three(struct fixture *f)
{
    drain_idle = dial(f);
    say(drain_idle, HELLO);
    CHECK_INT("idle", hear(drain_idle, NULL, NULL), 200);
    drain_busy = dial(f);
    say(drain_busy,
        "GET /wait?ms=150 HTTP/1.1\r\n" HOST "\r\nGET /wait?ms=200 HTTP/1.1\r\n" HOST "\r\n");
    drain_half = dial(f);
    say(drain_half, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\nbo");
    wait_for(&f->begun, 4);
}

static void see_drain(struct fixture *f)
{
    struct buf b;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)f->port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    buf_init(&b, 1 << 20);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK("no new ones", connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0);
    close(fd);
    CHECK("the idle one is closed", is_closed(drain_idle, 1000));
    CHECK_INT("not yet drained", f->drained, 0);
    say(drain_half, "dy");
    CHECK_INT("an open request is finished", hear(drain_half, &b, NULL), 200);
    CHECK("and its connection closed",
          has(&b, "Connection: close\r\n") && is_closed(drain_half, 1000));
    CHECK_INT("the first of two", hear(drain_busy, &b, NULL), 200);
    CHECK("does not close", !has(&b, "Connection: close\r\n"));
    CHECK_INT("the second", hear(drain_busy, &b, NULL), 200);
    CHECK("does", has(&b, "Connection: close\r\n") && is_closed(drain_busy, 1000));
    close(drain_idle);
    close(drain_busy);
    close(drain_half);
    wait_for(&f->drained, 1);
    CHECK_INT("drained", f->drained, 1);
    buf_fini(&b);
}

static void see_retire(struct fixture *f)
{
    struct buf b;
    int fd = dial(f);

    buf_init(&b, 1 << 20);
    say(fd, HELLO);
    CHECK_INT("a new one is served", hear(fd, &b, NULL), 200);
    CHECK("once", has(&b, "Connection: close\r\n") && is_closed(fd, 1000));
    close(fd);
    CHECK("an idle one is left", !is_closed(drain_idle, 100));
    say(drain_idle, HELLO);
    CHECK_INT("until it asks again", hear(drain_idle, NULL, NULL), 200);
    CHECK("and is closed then", is_closed(drain_idle, 1000));
    close(drain_idle);
    buf_fini(&b);
}

static void open_one(struct fixture *f)
{
    drain_idle = dial(f);
    say(drain_idle, HELLO);
    CHECK_INT("idle", hear(drain_idle, NULL, NULL), 200);
}

static void test_retire(void)
{
    struct fixture f = {0};

    fixture_start(&f);
    fixture_client(&f, open_one);
    http_server_retire(f.s);
    fixture_client(&f, see_retire);
    http_server_drain(f.s, on_drained, &f);
    fixture_client(&f, ask_before_drain);
    CHECK_INT("drained", f.drained, 1);
    fixture_stop(&f);
}

static void test_drain(void)
{
    struct fixture f = {0};

    fixture_start(&f);
    fixture_client(&f, open_three);
    http_server_drain(f.s, on_drained, &f);
    CHECK_INT("not before it returns", f.drained, 0);
    fixture_client(&f, see_drain);
    CHECK_INT("none gone", f.gone, 0);
    fixture_stop(&f);
    fixture_start(&f);
    http_server_drain(f.s, on_drained, &f);
    fixture_client(&f, ask_before_drain);
    CHECK_INT("with no connection, at once", f.drained, 1);
    fixture_stop(&f);
}

/* Where to listen. */

static const struct {
    const char *where, *why; /* NULL: it works */
} listen_rows[] = {
    {"localhost:0",          NULL                                                      },
    {"127.0.0.1:0",          NULL                                                      },
    {"127.0.0.1",            "cannot listen on 127.0.0.1: not host:port"               },
    {":80",                  "cannot listen on :80: not host:port"                     },
    {"127.0.0.1:x",          "cannot listen on 127.0.0.1:x: not host:port"             },
    {"127.0.0.1:70000",      "cannot listen on 127.0.0.1:70000: not host:port"         },
    {"::1:80",               "cannot listen on ::1:80: not host:port"                  },
    {"192.0.2.1:1",          "cannot listen on 192.0.2.1:1: address not available"     },
    {"unix:",                "cannot listen on unix:: a path has 1 to 107 bytes"       },
    {"unix:/nowhere/at/all", "cannot listen on unix:/nowhere/at/all: permission denied"},
};

static void test_listen(void)
{
    struct fixture f = {0};
    char taken[64], want[128];
    struct err err = {0};

    fixture_start(&f);
    for (size_t i = 0; i < ARRAY_LEN(listen_rows); i++) {
        bool ok = http_server_listen(f.s, str_of(listen_rows[i].where), NULL, &err);

        CHECK(listen_rows[i].where, ok == (listen_rows[i].why == NULL));
        if (!ok) {
            CHECK_INT(listen_rows[i].where, err.code, ERR_IO);
            CHECK_Z(listen_rows[i].where, str_of(err.msg), listen_rows[i].why);
        }
    }
    snprintf(taken, sizeof(taken), "127.0.0.1:%d", f.port);
    snprintf(want, sizeof(want), "cannot listen on %s: address already in use", taken);
    CHECK("taken", !http_server_listen(f.s, str_of(taken), NULL, &err));
    CHECK_Z("taken", str_of(err.msg), want);
    CHECK_INT("the first port stays", http_server_port(f.s), f.port);
    fixture_stop(&f);
}

static char unix_path[64];

static void ask_unix(struct fixture *f)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    struct buf b;

    (void)f;
    buf_init(&b, 1 << 20);
    memcpy(to.sun_path, unix_path, sizeof(unix_path));
    CHECK_INT("connect", connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    say(fd, "GET /info HTTP/1.1\r\n" HOST "\r\n");
    CHECK_INT("answered", hear(fd, NULL, &b), 200);
    CHECK("peer", has(&b, "peer unix\n") && has(&b, "loopback 1\n"));
    say(fd, "GET /break HTTP/1.1\r\n" HOST "\r\n");
    CHECK_INT("ended", hear(fd, NULL, &b), 0);
    close(fd);
    buf_fini(&b);
}

static void test_unix(void)
{
    struct fixture f = {0}, second = {0};
    struct err err = {0};
    char dir[] = "/tmp/crewline-net-XXXXXX", where[80];

    CHECK("dir", mkdtemp(dir) != NULL);
    snprintf(unix_path, sizeof(unix_path), "%s/s", dir);
    snprintf(where, sizeof(where), "unix:%s", unix_path);
    fixture_start(&f);
    CHECK("listens", http_server_listen(f.s, str_of(where), NULL, &err));
    fixture_start(&second);
    CHECK("a living one is not pushed aside",
          !http_server_listen(second.s, str_of(where), NULL, &err));
    fixture_client(&f, ask_unix);
    fixture_stop(&f);
    CHECK("removed", access(unix_path, F_OK) != 0);
    {
        struct sockaddr_un dead = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);

        memcpy(dead.sun_path, unix_path, sizeof(unix_path));
        CHECK_INT("left over", bind(fd, (struct sockaddr *)&dead, sizeof(dead)), 0);
        close(fd);
    }
    CHECK("one that nobody serves is replaced",
          http_server_listen(second.s, str_of(where), NULL, &err));
    fixture_client(&second, ask_unix);
    fixture_stop(&second);
    rmdir(dir);
}

/* Memory: 2,000 connections that have asked once and keep quiet. */

#define MANY 2000
static size_t bytes_before, bytes_after;

static size_t heap_bytes(void)
{
    return mallinfo2().uordblks + mallinfo2().hblkhd;
}

static void ask_many(struct fixture *f)
{
    static int fds[MANY];
    int good = 0;

    bytes_before = heap_bytes();
    for (int i = 0; i < MANY; i++) {
        fds[i] = dial(f);
        say(fds[i], "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nab");
    }
    for (int i = 0; i < MANY; i++) {
        good += hear(fds[i], NULL, NULL) == 200;
        say(fds[i], "GET /big?n=40000 HTTP/1.1\r\n" HOST "\r\n");
    }
    for (int i = 0; i < MANY; i++) {
        good -= hear(fds[i], NULL, NULL) != 200;
    }
    CHECK_INT("all answered", good, MANY);
    for (int i = 0; i < 100; i++) {
        usleep(1000); /* the loop comes to rest */
    }
    bytes_after = heap_bytes();
    for (int i = 0; i < MANY; i++) {
        close(fds[i]);
    }
}

static void test_memory(void)
{
    struct rlimit files = {8192, 8192};
    struct fixture f = {.o = http_server_defaults};
    size_t each;

    if (setrlimit(RLIMIT_NOFILE, &files) != 0) {
        printf("2,000 connections need more open files than are allowed here: left out\n");
        return;
    }
    f.o.connections_per_address_max = 0;
    fixture_run(&f, ask_many);
    /* Under the address sanitizer mallinfo2() says nothing. */
    each = bytes_after > bytes_before ? (bytes_after - bytes_before) / MANY : 0;
    printf("an idle connection costs %zu bytes\n", each);
    CHECK("under 4 KB", each < 4096);
}

/* Good requests with bytes changed, doubled and lost, from a fixed seed: the server stays up. */

static uint64_t noise_state = 20261121;

static unsigned noise(unsigned below)
{
    noise_state = noise_state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(noise_state >> 33) % below;
}

static void add_noisy(struct buf *b, const char *text)
{
    static const char bytes[] = "\r\n\t :;,/%0159afAFxX\0\x7f\xff";

    for (const char *p = text; *p != '\0'; p++) {
        switch (noise(60)) {
        case 0:
            break;
        case 1:
            buf_add_char(b, *p);
            buf_add_char(b, *p);
            break;
        case 2:
            buf_add_char(b, bytes[noise(sizeof(bytes) - 1)]);
            break;
        default:
            buf_add_char(b, *p);
        }
    }
}

static void ask_noise(struct fixture *f)
{
    static const char *const texts[] = {
        HELLO,
        "POST /echo?a=%41 HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\n0123456789",
        "POST /limit?n=9 HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nExpect: 100-continue"
        "\r\n\r\n5;a=b\r\nhello\r\n0\r\nT: v\r\n\r\n",
        "POST /early HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc",
        "GET /wait?ms=1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        "GET http://a/stream?n=3&size=2 HTTP/1.1\r\n" HOST "\r\n",
    };
    struct buf b, all;

    buf_init(&b, 1 << 20);
    buf_init(&all, 1 << 24);
    for (int i = 0; i < 1500; i++) {
        int fd = dial(f);

        buf_reset(&b);
        for (unsigned n = 1 + noise(5); n > 0; n--) {
            add_noisy(&b, texts[noise(ARRAY_LEN(texts))]);
        }
        say_bytes(fd, str_slice(buf_str(&b), 0, b.n / 2));
        if (noise(4) == 0) {
            usleep(200);
        }
        say_bytes(fd, str_slice(buf_str(&b), b.n / 2, b.n));
        shutdown(fd, SHUT_WR);
        buf_reset(&all);
        if (noise(8) != 0) {
            hear_all(fd, &all);
            CHECK("nothing but answers",
                  all.n == 0 || str_find(buf_str(&all), STR("HTTP/1.1 ")) == 0);
        }
        close(fd);
    }
    CHECK_INT("still there", ask(f, HELLO, &all), 200);
    buf_fini(&b);
    buf_fini(&all);
}

static void test_noise(void)
{
    struct fixture f = {.o = http_server_defaults};

    f.o.half_close_ms = 50;
    fixture_run(&f, ask_noise);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_limits), TEST(test_drain),  TEST(test_retire), TEST(test_listen),
        TEST(test_unix),   TEST(test_memory), TEST(test_noise),
    };
    return test_main(argc, argv, tests, ARRAY_LEN(tests));
}
