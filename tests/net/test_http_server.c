/* What a request is: parsing, framing, limits, and what the handler is told. */
#include "server_fixture.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/mem.h"
#include "base/text.h"

#define HOST "Host: x\r\n"

static const struct {
    const char *label, *text;
    int status;
    const char *body; /* NULL: not looked at */
} rows[] = {
    {"get",                   "GET /hello HTTP/1.1\r\n" HOST "\r\n",                                     200, "hello"                              },
    {"query",                 "GET /hello?x=1 HTTP/1.1\r\n" HOST "\r\n",                                 200, "hello"                              },
    {"not found",             "GET /nothing HTTP/1.1\r\n" HOST "\r\n",                                   404, "/nothing"                           },
    {"1.0",                   "GET /hello HTTP/1.0\r\n\r\n",                                             200, "hello"                              },
    {"absolute",              "GET http://h/hello HTTP/1.1\r\n" HOST "\r\n",                             200, "hello"                              },
    {"method in 1.1",         "DELETE /hello HTTP/1.1\r\n" HOST "\r\n",                                  200, "hello"                              },
    {"upgrade is not for us",
     "GET /hello HTTP/1.1\r\n" HOST "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
     "HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",                                                         200, "hello"                              },
    {"body",                  "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\nbody",            200, "body"                               },
    {"body on GET",           "GET /echo HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\nbody",             200, "body"                               },
    {"empty body",            "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n",                200, ""                                   },
    {"no length is no body",  "POST /echo HTTP/1.1\r\n" HOST "\r\n",                                     200, ""                                   },
    {"chunks",
     "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
     "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: z\r\n\r\n",                                               200, "abcde"                              },
    {"path decoded once",     "GET /a%25b%C3%A9%2Fc HTTP/1.1\r\n" HOST "\r\n",                           404, "/a%b\xc3\xa9/c"                     },
    {"plus is plus",          "GET /a+b HTTP/1.1\r\n" HOST "\r\n",                                       404, "/a+b"                               },
    {"dots stay",             "GET /a/../%2e%2e/b HTTP/1.1\r\n" HOST "\r\n",                             404, "/a/../../b"                         },
    {"empty query",           "GET /a? HTTP/1.1\r\n" HOST "\r\n",                                        404, "/a"                                 },
    {"%00",                   "GET /a%00b HTTP/1.1\r\n" HOST "\r\n",                                     400,
     "bad-request: the path is not percent-encoded"                                                                                                },
    {"bad escape",            "GET /a%zz HTTP/1.1\r\n" HOST "\r\n",                                      400, NULL                                 },
    {"cut escape",            "GET /a% HTTP/1.1\r\n" HOST "\r\n",                                        400, NULL                                 },
    {"not UTF-8",             "GET /a%ff HTTP/1.1\r\n" HOST "\r\n",                                      400, "bad-request: the path is not UTF-8" },
    {"overlong UTF-8",        "GET /a%c0%af HTTP/1.1\r\n" HOST "\r\n",                                   400, NULL                                 },
    {"garbage",               "\x16\x03\x01\x02\n\n",                                                    400, NULL                                 },
    {"bare LF",               "GET /hello HTTP/1.1\nHost: x\n\n",                                        400, "bad-request: a line ends without CR"},
    {"no Host",               "GET /hello HTTP/1.1\r\n\r\n",                                             400, "bad-request: Host is missing"       },
    {"HTTP/2.0",              "GET /hello HTTP/2.0\r\n" HOST "\r\n",                                     505, NULL                                 },
    {"unknown method",        "FETCH /hello HTTP/1.1\r\n" HOST "\r\n",                                   501, NULL                                 },
    {"unknown coding",        "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip\r\n\r\n",          501, NULL                                 },
    {"CL and TE",
     "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
     "0\r\n\r\n",                                                                                        400, NULL                                 },
    {"bad chunk",             "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400,
     NULL                                                                                                                                          },
    {"at the limit",          "POST /limit?n=4 HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\nbody",       200,
     "body"                                                                                                                                        },
    {"over the limit",        "POST /limit?n=3 HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\nbody",       413,
     "too-long: the body is over 3 bytes"                                                                                                          },
    {"chunks at the limit",
     "POST /limit?n=4 HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
     "2\r\nbo\r\n2\r\ndy\r\n0\r\n\r\n",                                                                  200, "body"                               },
    {"chunks over the limit",
     "POST /limit?n=3 HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
     "2\r\nbo\r\n2\r\ndy\r\n0\r\n\r\n",                                                                  413, "too-long: the body is over 3 bytes" },
    {"204 has no body",       "GET /status?code=204 HTTP/1.1\r\n" HOST "\r\n",                           204, ""                                   },
    {"304 has no body",       "GET /status?code=304 HTTP/1.1\r\n" HOST "\r\n",                           304, ""                                   },
    {"odd status",            "GET /status?code=299 HTTP/1.1\r\n" HOST "\r\n",                           299, "body"                               },
    {"stream",                "GET /stream?n=3&size=2 HTTP/1.1\r\n" HOST "\r\n",                         200, "ssssss"                             },
    {"stream on 1.0",         "GET /stream?n=3&size=2 HTTP/1.0\r\n\r\n",                                 200, "ssssss"                             },
    {"stream of nothing",     "GET /stream?n=0&size=2 HTTP/1.1\r\n" HOST "\r\n",                         200, ""                                   },
};

/* Whole, in one piece, then byte by byte: the answers are the same. */
static void ask_rows(struct fixture *f)
{
    struct buf body;

    buf_init(&body, 1 << 20);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int fd = dial(f), status;

        CHECK_INT(rows[i].label, ask(f, rows[i].text, &body), rows[i].status);
        if (rows[i].body != NULL) {
            CHECK_Z(rows[i].label, buf_str(&body), rows[i].body);
        }
        for (const char *p = rows[i].text; *p != '\0'; p++) {
            say_bytes(fd, str_make(p, 1));
        }
        status = hear(fd, NULL, &body);
        CHECK_INT(rows[i].label, status, rows[i].status);
        if (rows[i].body != NULL) {
            CHECK_Z(rows[i].label, buf_str(&body), rows[i].body);
        }
        close(fd);
    }
    buf_fini(&body);
}

static void test_rows(void)
{
    struct fixture f = {0};

    fixture_run(&f, ask_rows);
    CHECK_INT("every begun request was asked or dropped", f.begun - f.asked, f.gone);
}

static void check_info(struct fixture *f, const char *label, const char *text, const char *line)
{
    struct buf body;

    buf_init(&body, 1 << 20);
    CHECK_INT(label, ask(f, text, &body), 200);
    if (str_find(buf_str(&body), str_of(line)) == SIZE_MAX) {
        test_fail(__FILE__, __LINE__, "%s: no \"%s\" in %s", label, line, body.p);
    }
    buf_fini(&body);
}

static void ask_info(struct fixture *f)
{
    check_info(f, "method", "PUT /info HTTP/1.1\r\n" HOST "\r\n", "method PUT\n");
    check_info(f, "target", "GET /info?a=%41&b HTTP/1.1\r\n" HOST "\r\n",
               "target /info?a=%41&b\npath /info\nquery a=%41&b\n");
    check_info(f, "absolute", "GET http://Y:8/info?a HTTP/1.1\r\n" HOST "\r\n", "target /info?a\n");
    check_info(f, "authority", "GET http://Y:8/info HTTP/1.1\r\n" HOST "\r\n", "host Y:8\n");
    check_info(f, "authority on 1.0", "GET http://Y:8/info HTTP/1.0\r\n\r\n", "fields Host=Y:8");
    check_info(f, "fields", "GET /info HTTP/1.1\r\n" HOST "x: 1\r\nX:  2 \r\n\r\n",
               "xs 2\nfields Host=x x=1 X=2");
    check_info(f, "length", "GET /info HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc",
               "length 3\n");
    check_info(f, "length of chunks",
               "GET /info HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
               "length -1\n");
    check_info(f, "params", "GET /info?a=1&b=2&c HTTP/1.1\r\n" HOST "\r\n", "params 3\n");
    check_info(f, "bad params", "GET /info?a=%zz HTTP/1.1\r\n" HOST "\r\n", "params -1\n");
    check_info(f, "peer", "GET /info HTTP/1.1\r\n" HOST "X-Forwarded-For: 9.9.9.9\r\n\r\n",
               "peer 127.0.0.1\n");
    check_info(f, "loopback", "GET /info HTTP/1.1\r\n" HOST "\r\n", "loopback 1\nnumber 1\n");
}

static void test_info(void)
{
    struct fixture f = {0};

    fixture_run(&f, ask_info);
}

static void ask_forwarded(struct fixture *f)
{
    check_info(f, "none", "GET /info HTTP/1.1\r\n" HOST "\r\n", "peer 127.0.0.1\n");
    check_info(f, "one", "GET /info HTTP/1.1\r\n" HOST "X-Forwarded-For: 9.9.9.9\r\n\r\n",
               "peer 9.9.9.9\n");
    check_info(f, "invented ones are not believed",
               "GET /info HTTP/1.1\r\n" HOST "X-Forwarded-For: 1.1.1.1, 9.9.9.9\r\n\r\n",
               "peer 9.9.9.9\n");
    check_info(f, "through a second proxy",
               "GET /info HTTP/1.1\r\n" HOST "x-forwarded-for: 9.9.9.9, 10.1.2.3\r\n\r\n",
               "peer 9.9.9.9\n");
    check_info(f, "in two fields",
               "GET /info HTTP/1.1\r\n" HOST
               "X-Forwarded-For: 9.9.9.9\r\nX-Forwarded-For: 10.1.2.3\r\n\r\n",
               "peer 9.9.9.9\n");
    check_info(f, "garbage", "GET /info HTTP/1.1\r\n" HOST "X-Forwarded-For: evil\r\n\r\n",
               "peer 127.0.0.1\n");
    check_info(f, "garbage behind a proxy",
               "GET /info HTTP/1.1\r\n" HOST "X-Forwarded-For: evil, 10.1.2.3\r\n\r\n",
               "peer 10.1.2.3\n");
    check_info(f, "all trusted",
               "GET /info HTTP/1.1\r\n" HOST "X-Forwarded-For: 10.9.9.9, 10.1.2.3\r\n\r\n",
               "peer 10.9.9.9\n");
    check_info(f, "IPv6", "GET /info HTTP/1.1\r\n" HOST "X-Forwarded-For: 2001:db8::1\r\n\r\n",
               "peer 2001:db8::1\n");
}

static void test_forwarded(void)
{
    static const struct str trusted[] = {STR("127.0.0.1"), STR("10.0.0.0/8"), STR("nonsense")};
    struct fixture f = {.o = http_server_defaults};

    f.o.trusted_proxies = trusted;
    f.o.ntrusted_proxies = ARRAY_LEN(trusted);
    f.o.connections_per_address_max = 0;
    fixture_run(&f, ask_forwarded);
}

static void ask_hash(struct fixture *f)
{
    size_t n = 3 << 20;
    char *body = mem_new(n), line[200];
    uint8_t digest[SHA256_BYTES];
    struct buf want, got;
    int fd = dial(f);

    buf_init(&want, 100);
    buf_init(&got, 1 << 20);
    for (size_t i = 0; i < n; i++) {
        body[i] = (char)(i * 7);
    }
    sha256(str_make(body, n), digest);
    hex_add(&want, str_make(digest, sizeof(digest)));
    snprintf(line, sizeof(line), "POST /hash HTTP/1.1\r\n" HOST "Content-Length: %zu\r\n\r\n", n);
    say(fd, line);
    say_bytes(fd, str_make(body, n));
    CHECK_INT("whole", hear(fd, NULL, &got), 200);
    CHECK_STR("whole", buf_str(&got), buf_str(&want));
    say(fd, "POST /hash HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n");
    for (size_t at = 0; at < n; at += 1 << 18) {
        say(fd, "40000\r\n");
        say_bytes(fd, str_make(body + at, 1 << 18));
        say(fd, "\r\n");
    }
    say(fd, "0\r\n\r\n");
    CHECK_INT("in chunks", hear(fd, NULL, &got), 200);
    CHECK_STR("in chunks", buf_str(&got), buf_str(&want));
    close(fd);
    buf_fini(&want);
    buf_fini(&got);
    mem_free(&body);
}

static void test_hash(void)
{
    struct fixture f = {0};
    struct loop_stats stats;

    fixture_start(&f);
    fixture_client(&f, ask_hash);
    loop_stats(f.l, &stats, false);
    CHECK("3 MiB did not hold the loop", stats.longest_us < 200000);
    fixture_stop(&f);
}

/* The answer comes before a byte of the body is sent, and is readable while the client still sends.
 */
static void ask_too_long(struct fixture *f)
{
    int fd = dial(f);
    size_t n = 4 << 20;
    char *body = mem_new(n);
    struct buf head;

    buf_init(&head, 1 << 20);
    say(fd, "POST /limit?n=1000 HTTP/1.1\r\n" HOST "Content-Length: 4194304\r\n\r\n");
    CHECK_INT("at once", hear(fd, &head, NULL), 413);
    CHECK("says that it closes",
          str_find(buf_str(&head), STR("\r\nConnection: close\r\n")) != SIZE_MAX);
    close(fd);
    fd = dial(f);
    say(fd, "POST /limit?n=1000 HTTP/1.1\r\n" HOST "Content-Length: 4194304\r\n\r\n");
    CHECK("all can be sent", say_bytes(fd, str_make(body, n)));
    CHECK_INT("after all was sent", hear(fd, &head, NULL), 413);
    CHECK("then closed, not reset", hear_all(fd, &head));
    close(fd);
    fd = dial(f);
    say(fd, "POST /limit?n=1000 HTTP/1.1\r\n" HOST "Content-Length: 4194304\r\n"
            "Expect: 100-continue\r\n\r\n");
    CHECK_INT("instead of 100", hear(fd, NULL, NULL), 413);
    close(fd);
    buf_fini(&head);
    mem_free(&body);
}

static void test_too_long(void)
{
    struct fixture f = {0};

    fixture_run(&f, ask_too_long);
    CHECK_INT("never asked", f.asked, 0);
    CHECK_INT("told each time", f.gone, 3);
}

static void ask_continue(struct fixture *f)
{
    int fd = dial(f);
    struct buf b;

    buf_init(&b, 1000);
    say(fd, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 4\r\nExpect: 100-Continue\r\n\r\n");
    CHECK_INT("asked for", hear(fd, &b, NULL), 100);
    CHECK_Z("nothing else", buf_str(&b), "HTTP/1.1 100 Continue\r\n\r\n");
    say(fd, "body");
    CHECK_INT("then", hear(fd, NULL, &b), 200);
    CHECK_Z("then", buf_str(&b), "body");
    say(fd, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 4\r\nExpect: 100-continue\r\n\r\nmore");
    CHECK_INT("not when it is there", hear(fd, NULL, &b), 200);
    say(fd, "POST /echo HTTP/1.0\r\nConnection: keep-alive\r\n"
            "Content-Length: 4\r\nExpect: 100-continue\r\n\r\n");
    usleep(20000);
    say(fd, "1.0!");
    CHECK_INT("not on 1.0", hear(fd, NULL, &b), 200);
    say(fd, "GET /hello HTTP/1.1\r\n" HOST "Expect: 100-continue\r\n\r\n");
    CHECK_INT("not without a body", hear(fd, NULL, &b), 200);
    say(fd, "POST /early HTTP/1.1\r\n" HOST "Content-Length: 4\r\nExpect: 100-continue\r\n\r\n");
    CHECK_INT("answered instead", hear(fd, NULL, &b), 401);
    CHECK("and closed: what follows is unknown", is_closed(fd, 1000));
    close(fd);
    buf_fini(&b);
}

static void test_continue(void)
{
    struct fixture f = {0};

    fixture_run(&f, ask_continue);
}

/* Answered in on_headers: a short body is read away, a long one ends the connection. */
static void ask_early(struct fixture *f)
{
    int fd = dial(f);
    struct buf b;

    buf_init(&b, 1000);
    say(fd, "POST /early HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\n");
    CHECK_INT("before the body", hear(fd, &b, NULL), 401);
    CHECK("kept", str_find(buf_str(&b), STR("Connection:")) == SIZE_MAX);
    say(fd, "bodyGET /hello HTTP/1.1\r\n" HOST "\r\n");
    CHECK_INT("the next one", hear(fd, NULL, &b), 200);
    CHECK_Z("the next one", buf_str(&b), "hello");
    say(fd, "GET /early HTTP/1.1\r\n" HOST "\r\nGET /hello HTTP/1.1\r\n" HOST "\r\n");
    CHECK_INT("no body", hear(fd, NULL, NULL), 401);
    CHECK_INT("no body, the next one", hear(fd, NULL, NULL), 200);
    say(fd, "GET /wait?ms=50 HTTP/1.1\r\n" HOST "\r\nPOST /early HTTP/1.1\r\n" HOST
            "Content-Length: 4\r\n\r\nbodyGET /hello HTTP/1.1\r\n" HOST "\r\n");
    CHECK_INT("behind another: that one", hear(fd, NULL, NULL), 200);
    CHECK_INT("behind another: it", hear(fd, NULL, NULL), 401);
    CHECK_INT("behind another: the next", hear(fd, NULL, NULL), 200);
    say(fd, "POST /early HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n");
    CHECK_INT("of unknown length", hear(fd, &b, NULL), 401);
    CHECK("closes", str_find(buf_str(&b), STR("Connection: close\r\n")) != SIZE_MAX);
    CHECK("closed", is_closed(fd, 1000));
    close(fd);
    fd = dial(f);
    say(fd, "POST /early HTTP/1.1\r\n" HOST "Content-Length: 100000\r\n\r\n");
    CHECK_INT("long", hear(fd, &b, NULL), 401);
    CHECK("closes", str_find(buf_str(&b), STR("Connection: close\r\n")) != SIZE_MAX);
    close(fd);
    buf_fini(&b);
}

static void test_early(void)
{
    struct fixture f = {0};

    fixture_run(&f, ask_early);
    CHECK_INT("not gone: each had its answer", f.gone, 0);
}

/* A request may not be hidden behind a body that is refused or a connection that closes. */
static void ask_hidden(struct fixture *f)
{
    static const char *const texts[] = {
        "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
        "5\r\nhello0\r\n\r\nGET /hello HTTP/1.1\r\n" HOST "\r\n",
        "POST /limit?n=2 HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc"
        "GET /hello HTTP/1.1\r\n" HOST "\r\n",
        "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello"
        "GET /hello HTTP/1.1\r\n" HOST "\r\n",
        "GET /hello HTTP/1.1\r\n" HOST "X : y\r\n\r\nGET /hello HTTP/1.1\r\n" HOST "\r\n",
    };
    struct buf all;

    buf_init(&all, 1 << 20);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        int fd = dial(f);

        say(fd, texts[i]);
        buf_reset(&all);
        CHECK("ends", hear_all(fd, &all));
        CHECK("refused", str_find(buf_str(&all), STR("HTTP/1.1 4")) == 0);
        CHECK("one answer only",
              str_find(str_slice(buf_str(&all), 8, all.n), STR("HTTP/1.1")) == SIZE_MAX);
        close(fd);
    }
    buf_fini(&all);
}

static void test_hidden(void)
{
    struct fixture f = {0};

    fixture_run(&f, ask_hidden);
    CHECK_INT("none was asked", f.asked, 0);
}

static void ask_fields(struct fixture *f)
{
    int fd = dial(f);
    struct buf head, body;

    buf_init(&head, 1 << 20);
    buf_init(&body, 1 << 20);
    say(fd, "HEAD /hello HTTP/1.1\r\n" HOST "\r\nGET /status HTTP/1.1\r\n" HOST "\r\n");
    buf_reset(&head);
    while (str_find(buf_str(&head), STR("\r\n\r\n")) == SIZE_MAX) {
        char c;

        if (recv(fd, &c, 1, 0) != 1) {
            break;
        }
        buf_add_char(&head, c);
    }
    CHECK("HEAD: the length",
          str_find(buf_str(&head), STR("\r\nContent-Length: 5\r\n")) != SIZE_MAX);
    CHECK_INT("HEAD: no body", hear(fd, &head, &body), 200);
    CHECK_Z("the next one", buf_str(&body), "body");
    CHECK("no field injected",
          str_find(buf_str(&head), STR("\r\nX-Evil: aInjected: b\r\n")) != SIZE_MAX);
    CHECK("empty value", str_find(buf_str(&head), STR("\r\nX-Empty: \r\n")) != SIZE_MAX);
    CHECK("date", str_find(buf_str(&head), STR(" GMT\r\n")) != SIZE_MAX);
    say(fd, "GET /status?code=204 HTTP/1.1\r\n" HOST "\r\n");
    CHECK_INT("204", hear(fd, &head, NULL), 204);
    CHECK("204: no length", str_find(buf_str(&head), STR("Content-Length")) == SIZE_MAX);
    close(fd);
    buf_fini(&head);
    buf_fini(&body);
}

static void test_fields(void)
{
    struct fixture f = {0};

    fixture_run(&f, ask_fields);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_rows),  TEST(test_info),     TEST(test_forwarded),
        TEST(test_hash),  TEST(test_too_long), TEST(test_continue),
        TEST(test_early), TEST(test_hidden),   TEST(test_fields),
    };
    return test_main(argc, argv, tests, ARRAY_LEN(tests));
}
