#include "net/http_gate.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "harness.h"
#include "http_gate_int.h"

static const struct http_gate_limits limits = {1024, 8};

/* "R" stands for a good request line and "H" for a good Host line. */
#define R "GET / HTTP/1.1\r\n"
#define H "Host: a\r\n"
#define E "\r\n"

static const struct {
    const char *label, *text;
    enum err_code code; /* ERR_NONE: passes whole */
} rows[] = {
  /* what must pass */
    {"least",                              R H E,                                                                ERR_NONE           },
    {"post",                               "POST /a?b=c HTTP/1.1\r\n" H "Content-Length: 5\r\n" E,               ERR_NONE           },
    {"1.0 without Host",                   "GET / HTTP/1.0\r\n" E,                                               ERR_NONE           },
    {"1.0 with Host",                      "GET / HTTP/1.0\r\n" H E,                                             ERR_NONE           },
    {"other names",                        R H "X_My_Name: 1\r\n!#$%&'*+-.^_`|~: 1\r\n" E,                       ERR_NONE           },
    {"empty value",                        R H "Accept:\r\n" E,                                                  ERR_NONE           },
    {"blanks around the value",            R "Host: \t a \t \r\n" E,                                             ERR_NONE           },
    {"obs-text in a value",                R H "X: \xc3\xa9\xff\r\n" E,                                          ERR_NONE           },
    {"tab in a value",                     R H "X: a\tb\r\n" E,                                                  ERR_NONE           },
    {"colons in a value",                  R H "X: :a:b:\r\n" E,                                                 ERR_NONE           },
    {"chunked",                            R H "Transfer-Encoding: chunked\r\n" E,                               ERR_NONE           },
    {"chunked in any case",                R H "tRANSFER-eNCODING:  CHUNKED\t\r\n" E,                            ERR_NONE           },
    {"length 0",                           R H "Content-Length: 0\r\n" E,                                        ERR_NONE           },
    {"length with zeros",                  R H "Content-Length: 0005\r\n" E,                                     ERR_NONE           },
    {"length of 18 digits",                R H "Content-Length: 999999999999999999\r\n" E,                       ERR_NONE           },
    {"absolute",                           "GET http://a/b?c HTTP/1.1\r\n" H E,                                  ERR_NONE           },
    {"absolute, any case",                 "GET HTTPS://a:443 HTTP/1.1\r\n" H E,                                 ERR_NONE           },
    {"absolute with a query only",         "GET http://a?b HTTP/1.1\r\n" H E,                                    ERR_NONE           },
    {"host with a port",                   R "Host: wa.example.com:8080\r\n" E,                                  ERR_NONE           },
    {"host with an empty port",            R "Host: a:\r\n" E,                                                   ERR_NONE           },
    {"host IPv4",                          R "Host: 127.0.0.1:80\r\n" E,                                         ERR_NONE           },
    {"host IPv6",                          R "Host: [::1]:80\r\n" E,                                             ERR_NONE           },
    {"host IPv6 with IPv4",                R "Host: [::ffff:1.2.3.4]\r\n" E,                                     ERR_NONE           },
    {"host with _",                        R "Host: my_service\r\n" E,                                           ERR_NONE           },
    {"eight fields",                       R H "A:1\r\nA:2\r\nA:3\r\nA:4\r\nA:5\r\nA:6\r\nA:7\r\n" E,            ERR_NONE           },
    {"all target bytes",                   "GET /!$&'()*+,;=:@-._~%41?/\"<>[]\\^`{|} HTTP/1.1\r\n" H E,          ERR_NONE           },

 /* line ends and control bytes */
    {"bare LF after the request line",     "GET / HTTP/1.1\n" H E,                                               ERR_BAD_REQUEST    },
    {"bare LF after a field",              R "Host: a\n" E,                                                      ERR_BAD_REQUEST    },
    {"bare LF at the end",                 R H "\n",                                                             ERR_BAD_REQUEST    },
    {"LF LF",                              "GET / HTTP/1.1\n\n",                                                 ERR_BAD_REQUEST    },
    {"bare CR in the request line",        "GET /\r HTTP/1.1\r\n" H E,                                           ERR_BAD_REQUEST    },
    {"bare CR in a value",                 R H "X: a\rb\r\n" E,                                                  ERR_BAD_REQUEST    },
    {"bare CR hides a field",              R H "X: a\rContent-Length: 5\r\n" E,                                  ERR_BAD_REQUEST    },
    {"CR CR LF",                           R H "X: a\r\r\n" E,                                                   ERR_BAD_REQUEST    },
    {"bare CR in a name",                  R H "X\rY: a\r\n" E,                                                  ERR_BAD_REQUEST    },
    {"bare CR as the empty line",          R H "\rX: y\r\n" E,                                                   ERR_BAD_REQUEST    },
    {"SOH in a value",                     R H "X: a\001b\r\n" E,                                                ERR_BAD_REQUEST    },
    {"ESC in a long value",                R H "X: abcdefghijklmnop\033qrstuvwxyz\r\n" E,                        ERR_BAD_REQUEST    },
    {"DEL in a value",                     R H "X: abcdefgh\177ijklmnop\r\n" E,                                  ERR_BAD_REQUEST    },
    {"VT before a value",                  R H "X: \013a\r\n" E,                                                 ERR_BAD_REQUEST    },
    {"FF in the request line",             "GET\f/ HTTP/1.1\r\n" H E,                                            ERR_BAD_REQUEST    },
    {"empty line first",                   "\r\n" R H E,                                                         ERR_BAD_REQUEST    },
    {"LF first",                           "\n" R H E,                                                           ERR_BAD_REQUEST    },
    {"blank first",                        " " R H E,                                                            ERR_BAD_REQUEST    },

 /* the request line */
    {"no method",                          " / HTTP/1.1\r\n" H E,                                                ERR_BAD_REQUEST    },
    {"method with a colon",                "GE:T / HTTP/1.1\r\n" H E,                                            ERR_BAD_REQUEST    },
    {"method alone",                       "GET\r\n" H E,                                                        ERR_BAD_REQUEST    },
    {"long method",                        "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGH / HTTP/1.1\r\n" H E,              ERR_BAD_REQUEST    },
    {"HTTP/0.9",                           "GET /\r\n" H E,                                                      ERR_BAD_REQUEST    },
    {"two blanks before the target",       "GET  / HTTP/1.1\r\n" H E,                                            ERR_BAD_REQUEST    },
    {"two blanks after the target",        "GET /  HTTP/1.1\r\n" H E,                                            ERR_BAD_REQUEST    },
    {"tab for a blank",                    "GET\t/ HTTP/1.1\r\n" H E,                                            ERR_BAD_REQUEST    },
    {"blank at the end",                   "GET / HTTP/1.1 \r\n" H E,                                            ERR_BAD_REQUEST    },
    {"blank in the target",                "GET /a b HTTP/1.1\r\n" H E,                                          ERR_BAD_REQUEST    },
    {"HTTP/2.0",                           "GET / HTTP/2.0\r\n" H E,                                             ERR_VERSION        },
    {"HTTP/1.2",                           "GET / HTTP/1.2\r\n" H E,                                             ERR_VERSION        },
    {"HTTP/0.9 by name",                   "GET / HTTP/0.9\r\n" H E,                                             ERR_VERSION        },
    {"HTTP/11",                            "GET / HTTP/11\r\n" H E,                                              ERR_BAD_REQUEST    },
    {"HTTP/1.10",                          "GET / HTTP/1.10\r\n" H E,                                            ERR_BAD_REQUEST    },
    {"http/1.1",                           "GET / http/1.1\r\n" H E,                                             ERR_BAD_REQUEST    },
    {"HTTP/1,1",                           "GET / HTTP/1,1\r\n" H E,                                             ERR_BAD_REQUEST    },
    {"RTSP",                               "GET / RTSP/1.0\r\n" H E,                                             ERR_BAD_REQUEST    },
    {"HTTP/2 preface",                     "PRI * HTTP/2.0\r\n\r\n",                                             ERR_VERSION        },

 /* the target */
    {"asterisk",                           "OPTIONS * HTTP/1.1\r\n" H E,                                         ERR_BAD_REQUEST    },
    {"authority form",                     "CONNECT a:443 HTTP/1.1\r\n" H E,                                     ERR_BAD_REQUEST    },
    {"relative",                           "GET a/b HTTP/1.1\r\n" H E,                                           ERR_BAD_REQUEST    },
    {"other scheme",                       "GET ftp://a/ HTTP/1.1\r\n" H E,                                      ERR_BAD_REQUEST    },
    {"fragment",                           "GET /a#b HTTP/1.1\r\n" H E,                                          ERR_BAD_REQUEST    },
    {"raw UTF-8",                          "GET /\xc3\xa9 HTTP/1.1\r\n" H E,                                     ERR_BAD_REQUEST    },
    {"DEL",                                "GET /\177 HTTP/1.1\r\n" H E,                                         ERR_BAD_REQUEST    },
    {"absolute without a host",            "GET http:/// HTTP/1.1\r\n" H E,                                      ERR_BAD_REQUEST    },
    {"absolute, nothing behind",           "GET http:// HTTP/1.1\r\n" H E,                                       ERR_BAD_REQUEST    },
    {"absolute with a user",               "GET http://u@a/ HTTP/1.1\r\n" H E,                                   ERR_BAD_REQUEST    },
    {"absolute with a bad port",           "GET http://a:x/ HTTP/1.1\r\n" H E,                                   ERR_BAD_REQUEST    },
    {"absolute, Host missing",             "GET http://a/ HTTP/1.1\r\n" E,                                       ERR_BAD_REQUEST    },

 /* Host */
    {"Host missing",                       R E,                                                                  ERR_BAD_REQUEST    },
    {"Host twice",                         R H H E,                                                              ERR_BAD_REQUEST    },
    {"Host twice on 1.0",                  "GET / HTTP/1.0\r\n" H H E,                                           ERR_BAD_REQUEST    },
    {"Host empty",                         R "Host:\r\n" E,                                                      ERR_BAD_REQUEST    },
    {"Host bad on 1.0",                    "GET / HTTP/1.0\r\nHost: a b\r\n" E,                                  ERR_BAD_REQUEST    },
    {"Host with a comma",                  R "Host: a,b\r\n" E,                                                  ERR_BAD_REQUEST    },
    {"Host with a path",                   R "Host: a/b\r\n" E,                                                  ERR_BAD_REQUEST    },
    {"Host with a user",                   R "Host: u@a\r\n" E,                                                  ERR_BAD_REQUEST    },
    {"Host with a port only",              R "Host: :80\r\n" E,                                                  ERR_BAD_REQUEST    },
    {"Host with a bad port",               R "Host: a:80x\r\n" E,                                                ERR_BAD_REQUEST    },
    {"Host with port -1",                  R "Host: a:-1\r\n" E,                                                 ERR_BAD_REQUEST    },
    {"Host with port 65536",               R "Host: a:65536\r\n" E,                                              ERR_BAD_REQUEST    },
    {"Host IPv6 open",                     R "Host: [::1\r\n" E,                                                 ERR_BAD_REQUEST    },
    {"Host IPv6 bare",                     R "Host: ::1\r\n" E,                                                  ERR_BAD_REQUEST    },
    {"Host IPv6 and more",                 R "Host: [::1]x\r\n" E,                                               ERR_BAD_REQUEST    },
    {"Host IPv6 empty",                    R "Host: []\r\n" E,                                                   ERR_BAD_REQUEST    },

 /* fields */
    {"blank before the colon",             R H "X : a\r\n" E,                                                    ERR_BAD_REQUEST    },
    {"tab before the colon",               R H "Content-Length\t: 5\r\n" E,                                      ERR_BAD_REQUEST    },
    {"folded",                             R H "X: a\r\n b\r\n" E,                                               ERR_BAD_REQUEST    },
    {"folded with a tab",                  R H "X: a\r\n\tb\r\n" E,                                              ERR_BAD_REQUEST    },
    {"blank line that is none",            R H " \r\n" E,                                                        ERR_BAD_REQUEST    },
    {"fold before the first field",        R " X: y\r\n" H E,                                                    ERR_BAD_REQUEST    },
    {"empty name",                         R H ": a\r\n" E,                                                      ERR_BAD_REQUEST    },
    {"no colon",                           R H "X\r\n" E,                                                        ERR_BAD_REQUEST    },
    {"name in quotes",                     R H "\"X\": a\r\n" E,                                                 ERR_BAD_REQUEST    },
    {"name with a slash",                  R H "X/Y: a\r\n" E,                                                   ERR_BAD_REQUEST    },
    {"name with a byte over 127",          R H "X\xe9: a\r\n" E,                                                 ERR_BAD_REQUEST    },
    {"nine fields",                        R H "A:1\r\nA:2\r\nA:3\r\nA:4\r\nA:5\r\nA:6\r\nA:7\r\nA:8\r\n" E,
     ERR_HEADERS_TOO_LONG                                                                                                           },
    {"content_length",                     R H "content_length: 5\r\n" E,                                        ERR_BAD_REQUEST    },
    {"Content_Length beside the true one", R H "Content-Length: 5\r\nContent_Length: 0\r\n" E,
     ERR_BAD_REQUEST                                                                                                                },
    {"transfer_encoding",                  R H "Transfer_Encoding: chunked\r\n" E,                               ERR_BAD_REQUEST    },
    {"signature with _",                   R H "X-Hub_Signature-256: sha256=00\r\n" E,                           ERR_BAD_REQUEST    },
    {"twilio signature with _",            R H "x_twilio_signature: a\r\n" E,                                    ERR_BAD_REQUEST    },
    {"idempotency_key",                    R H "Idempotency_Key: a\r\n" E,                                       ERR_BAD_REQUEST    },
    {"x_forwarded_for",                    R H "X_Forwarded_For: 1.1.1.1\r\n" E,                                 ERR_BAD_REQUEST    },

 /* Content-Length */
    {"length twice, equal",                R H "Content-Length: 5\r\nContent-Length: 5\r\n" E,                   ERR_BAD_REQUEST    },
    {"length twice, 0 first",              R H "Content-Length: 0\r\nContent-Length: 5\r\n" E,                   ERR_BAD_REQUEST    },
    {"length list",                        R H "Content-Length: 5, 5\r\n" E,                                     ERR_BAD_REQUEST    },
    {"length with a sign",                 R H "Content-Length: +5\r\n" E,                                       ERR_BAD_REQUEST    },
    {"length negative",                    R H "Content-Length: -5\r\n" E,                                       ERR_BAD_REQUEST    },
    {"length hexadecimal",                 R H "Content-Length: 0x5\r\n" E,                                      ERR_BAD_REQUEST    },
    {"length with a blank",                R H "Content-Length: 5 5\r\n" E,                                      ERR_BAD_REQUEST    },
    {"length with a decimal",              R H "Content-Length: 5.0\r\n" E,                                      ERR_BAD_REQUEST    },
    {"length in quotes",                   R H "Content-Length: \"5\"\r\n" E,                                    ERR_BAD_REQUEST    },
    {"length empty",                       R H "Content-Length:\r\n" E,                                          ERR_BAD_REQUEST    },
    {"length over 18 digits",              R H "Content-Length: 18446744073709551621\r\n" E,                     ERR_TOO_LONG       },

 /* Transfer-Encoding */
    {"TE and CL",                          R H "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n" E,          ERR_BAD_REQUEST    },
    {"CL and TE",                          R H "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n" E,          ERR_BAD_REQUEST    },
    {"CL and an unknown TE",               R H "Content-Length: 5\r\nTransfer-Encoding: gzip\r\n" E,
     ERR_BAD_REQUEST                                                                                                                },
    {"TE twice",                           R H "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n" E,
     ERR_BAD_REQUEST                                                                                                                },
    {"TE twice, one unknown",              R H "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n" E,
     ERR_BAD_REQUEST                                                                                                                },
    {"TE on 1.0",                          "POST / HTTP/1.0\r\n" H "Transfer-Encoding: chunked\r\n" E,           ERR_BAD_REQUEST    },
    {"TE chunked, chunked",                R H "Transfer-Encoding: chunked, chunked\r\n" E,                      ERR_BAD_REQUEST    },
    {"TE chunked with a parameter",        R H "Transfer-Encoding: chunked;q=1\r\n" E,                           ERR_BAD_REQUEST    },
    {"TE in quotes",                       R H "Transfer-Encoding: \"chunked\"\r\n" E,                           ERR_BAD_REQUEST    },
    {"TE with VT",                         R H "Transfer-Encoding: \013chunked\r\n" E,                           ERR_BAD_REQUEST    },
    {"TE empty",                           R H "Transfer-Encoding:\r\n" E,                                       ERR_BAD_REQUEST    },
    {"TE with a comma first",              R H "Transfer-Encoding: , chunked\r\n" E,                             ERR_BAD_REQUEST    },
    {"TE blank inside",                    R H "Transfer-Encoding: chun ked\r\n" E,                              ERR_BAD_REQUEST    },
    {"TE identity",                        R H "Transfer-Encoding: identity\r\n" E,                              ERR_NOT_IMPLEMENTED},
    {"TE xchunked",                        R H "Transfer-Encoding: xchunked\r\n" E,                              ERR_NOT_IMPLEMENTED},
    {"TE gzip, chunked",                   R H "Transfer-Encoding: gzip, chunked\r\n" E,                         ERR_NOT_IMPLEMENTED},
    {"TE chunked, identity",               R H "Transfer-Encoding: chunked, identity\r\n" E,                     ERR_NOT_IMPLEMENTED},
};

static void test_rows(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str text = str_of(rows[i].text);
        struct err err = {0};
        long n = http_gate(text, 0, &limits, &err);

        CHECK_INT(rows[i].label, err.code, rows[i].code);
        CHECK_INT(rows[i].label, n, rows[i].code == ERR_NONE ? (long)text.n : -1);
        CHECK(rows[i].label, rows[i].code == ERR_NONE || err.msg[0] != '\0');
    }
}

/* Cut anywhere, a block that passes is "not yet whole", and one that does not never passes. */
static void test_prefixes(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str text = str_of(rows[i].text);
        size_t already = 0;

        for (size_t n = 0; n < text.n; n++) {
            struct err err = {0};
            long got = http_gate(str_slice(text, 0, n), already, &limits, &err);

            if (rows[i].code == ERR_NONE) {
                CHECK_INT(rows[i].label, got, 0);
            }
            if (got != 0) {
                CHECK_INT(rows[i].label, got, -1);
                break;
            }
            already = n;
        }
        if (rows[i].code == ERR_NONE) {
            CHECK_INT(rows[i].label, http_gate(text, already, &limits, NULL), text.n);
        }
    }
}

/* What follows the block is not looked at. */
static void test_followed(void)
{
    struct err err = {0};

    CHECK_INT("body", http_gate(STR(R H E "\n\r\nGET"), 0, &limits, &err), sizeof(R H E) - 1);
}

static void test_nul(void)
{
    static const struct {
        const char *label;
        struct str text;
    } nul_rows[] = {
        {"in the method", STR("G\0T / HTTP/1.1\r\n" H E)      },
        {"in the target", STR("GET /\0 HTTP/1.1\r\n" H E)     },
        {"in a name",     STR(R H "X\0: a\r\n" E)             },
        {"in a value",    STR(R H "X: a\0b\r\n" E)            },
        {"in Host",       STR(R "Host: a\0b\r\n" E)           },
        {"in a length",   STR(R H "Content-Length: 5\0\r\n" E)},
        {"first",         STR("\0GET / HTTP/1.1\r\n" H E)     },
    };

    for (size_t i = 0; i < ARRAY_LEN(nul_rows); i++) {
        struct err err = {0};

        CHECK_INT(nul_rows[i].label, http_gate(nul_rows[i].text, 0, &limits, &err), -1);
        CHECK_INT(nul_rows[i].label, err.code, ERR_BAD_REQUEST);
    }
}

static void test_sizes(void)
{
    char *p = mem_new(2048);
    struct err err = {0};

    memset(p, 'a', 2048);
    memcpy(p, "GET /", 5);
    CHECK_INT("not yet", http_gate(str_make(p, 1023), 0, &limits, &err), 0);
    CHECK_INT("target too long", http_gate(str_make(p, 1024), 1023, &limits, &err), -1);
    CHECK_INT("target too long", err.code, ERR_URI_TOO_LONG);
    memcpy(p, R "X: ", sizeof(R "X: ") - 1);
    CHECK_INT("headers too long", http_gate(str_make(p, 2048), 0, &limits, &err), -1);
    CHECK_INT("headers too long", err.code, ERR_HEADERS_TOO_LONG);
    memcpy(p + 1024 - 2, "\r\n\r\n", 4);
    CHECK_INT("ends over the limit", http_gate(str_make(p, 2048), 0, &limits, &err), -1);
    CHECK_INT("ends over the limit", err.code, ERR_HEADERS_TOO_LONG);
    memcpy(p + 1024 - 4 - 9,
           "\r\n"
           "Host: a",
           9);
    memcpy(p + 1024 - 4, "\r\n\r\n", 4);
    CHECK_INT("ends at the limit", http_gate(str_make(p, 2048), 0, &limits, &err), 1024);
    mem_free(&p);
}

static void test_findings(void)
{
    static const struct str block =
        STR("PUT http://Me:1/x?y HTTP/1.1\r\nhOST: you\r\nexpect: 100-Continue\r\n"
            "Content-Length: 12\r\nX:  z \r\n\r\n");
    struct pair fields[8];
    struct gate_head head = {.fields = fields};
    struct err err = {0};

    CHECK("passes", http_gate_head(block, &limits, &head, &err));
    CHECK_Z("method", head.method, "PUT");
    CHECK_Z("target", head.target, "/x?y");
    CHECK_Z("authority", head.authority, "Me:1");
    CHECK_Z("host", head.host, "you");
    CHECK_INT("length", head.content_length, 12);
    CHECK("not chunked", !head.chunked);
    CHECK("expects", head.expect_continue);
    CHECK_INT("fields", head.nfields, 4);
    CHECK_Z("name", fields[3].name, "X");
    CHECK_Z("value", fields[3].value, "z");
    CHECK_INT("minor", head.minor, 1);
}

/* The class table again, from the words of RFC 9110 and RFC 3986. */
static void test_classes(void)
{
    static const char marks[] = "!#$%&'*+-.^_`|~";

    for (int c = 0; c < 256; c++) {
        bool alnum = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        bool token = c != 0 && (alnum || strchr(marks, c) != NULL);
        bool host = alnum || (c != 0 && strchr("-._~", c) != NULL);
        bool target = c > ' ' && c < 127 && c != '#';
        char text[64], label[16];
        struct err err = {0};

        snprintf(label, sizeof(label), "byte %02x", c);
        if (c == '\r' || c == '\n' || c == ' ' || c == ':' || c == '?' || c == '/' || c == 0) {
            continue; /* they mean something; rows[] has them */
        }
        snprintf(text, sizeof(text), R H "X%cY: a\r\n" E, c);
        CHECK_INT(label, http_gate(str_of(text), 0, &limits, &err) > 0, token);
        snprintf(text, sizeof(text), R "Host: a%cb\r\n" E, c);
        CHECK_INT(label, http_gate(str_of(text), 0, &limits, &err) > 0, host);
        snprintf(text, sizeof(text), "GET /a%cb HTTP/1.1\r\n" H E, c);
        CHECK_INT(label, http_gate(str_of(text), 0, &limits, &err) > 0, target);
        snprintf(text, sizeof(text), R H "X: a%cb\r\n" E, c);
        CHECK_INT(label, http_gate(str_of(text), 0, &limits, &err) > 0,
                  c == '\t' || (c >= ' ' && c != 127));
    }
}

/* Chunked bodies. */

static const struct {
    const char *label, *text;
    enum err_code code;
    size_t data; /* bytes of data where it passes */
} chunk_rows[] = {
    {"one",                            "5\r\nhello\r\n0\r\n\r\n",                                        ERR_NONE,        5 },
    {"two",                            "1\r\na\r\n2\r\nbc\r\n0\r\n\r\n",                                 ERR_NONE,        3 },
    {"empty",                          "0\r\n\r\n",                                                      ERR_NONE,        0 },
    {"zeros",                          "0005\r\nhello\r\n00000\r\n\r\n",                                 ERR_NONE,        5 },
    {"hex in any case",                "a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n",                ERR_NONE,        20},
    {"line ends as data",              "4\r\n\r\n\r\n\r\n0\r\n\r\n",                                     ERR_NONE,        4 },
    {"extensions",                     "1;a=b;c=\"d e\";f\r\nx\r\n0;g\r\n\r\n",                          ERR_NONE,        1 },
    {"trailers",                       "0\r\nX: y\r\nContent-Length: 7\r\nTransfer-Encoding: x\r\n\r\n", ERR_NONE,        0 },
    {"no size",                        "\r\nhello\r\n",                                                  ERR_BAD_REQUEST, 0 },
    {"no digits before the extension", ";a\r\n",                                                         ERR_BAD_REQUEST, 0 },
    {"blank before the size",          " 5\r\nhello\r\n",                                                ERR_BAD_REQUEST, 0 },
    {"blank after the size",           "5 \r\nhello\r\n",                                                ERR_BAD_REQUEST, 0 },
    {"0x",                             "0x5\r\nhello\r\n",                                               ERR_BAD_REQUEST, 0 },
    {"sign",                           "+5\r\nhello\r\n",                                                ERR_BAD_REQUEST, 0 },
    {"negative",                       "-5\r\nhello\r\n",                                                ERR_BAD_REQUEST, 0 },
    {"no hex",                         "g\r\n",                                                          ERR_BAD_REQUEST, 0 },
    {"17 digits",                      "00000000000000005\r\nhello\r\n",                                 ERR_BAD_REQUEST, 0 },
    {"bare LF after the size",         "5\nhello\r\n",                                                   ERR_BAD_REQUEST, 0 },
    {"bare CR after the size",         "5\rhello\r\n",                                                   ERR_BAD_REQUEST, 0 },
    {"LF in an extension",             "5;a\nhello\r\n",                                                 ERR_BAD_REQUEST, 0 },
    {"CR in an extension",             "5;a\rb\r\nhello\r\n",                                            ERR_BAD_REQUEST, 0 },
    {"control in an extension",        "5;\001\r\nhello\r\n",                                            ERR_BAD_REQUEST, 0 },
    {"data longer than its size",      "4\r\nhello\r\n0\r\n\r\n",                                        ERR_BAD_REQUEST, 0 },
    {"anything for the line end",      "5\r\nhelloXX0\r\n\r\n",                                          ERR_BAD_REQUEST, 0 },
    {"data shorter than its size",     "6\r\nhello\r\n0\r\n\r\n",                                        ERR_BAD_REQUEST, 0 },
    {"bare LF after the data",         "5\r\nhello\n0\r\n\r\n",                                          ERR_BAD_REQUEST, 0 },
    {"bare CR after the data",         "5\r\nhello\r0\r\n\r\n",                                          ERR_BAD_REQUEST, 0 },
    {"bare LF at the end",             "0\r\n\n",                                                        ERR_BAD_REQUEST, 0 },
    {"bare LF after the last size",    "0\n\r\n",                                                        ERR_BAD_REQUEST, 0 },
    {"bare CR at the end",             "0\r\n\rGET / HTTP/1.1\r\n",                                      ERR_BAD_REQUEST, 0 },
    {"trailer without a colon",        "0\r\nGET / HTTP/1.1\r\n\r\n",                                    ERR_BAD_REQUEST, 0 },
    {"trailer without a name",         "0\r\n: a\r\n\r\n",                                               ERR_BAD_REQUEST, 0 },
    {"trailer folded",                 "0\r\nX: a\r\n b\r\n\r\n",                                        ERR_BAD_REQUEST, 0 },
    {"trailer with a bare LF",         "0\r\nX: a\nY: b\r\n\r\n",                                        ERR_BAD_REQUEST, 0 },
    {"trailer with a bare CR",         "0\r\nX: a\rY: b\r\n\r\n",                                        ERR_BAD_REQUEST, 0 },
    {"trailer with a control",         "0\r\nX: \001\r\n\r\n",                                           ERR_BAD_REQUEST, 0 },
};

/* Feeds @text in pieces of @step; counts what the parser would get. */
static enum chunk_step feed_all(struct str text, size_t step, size_t *passed, size_t *taken,
                                struct err *err)
{
    struct chunk_gate g;
    enum chunk_step last = CHUNK_PASS;

    chunk_gate_init(&g);
    *passed = *taken = 0;
    while (text.n > 0 && last != CHUNK_ENDED) {
        struct str piece = str_slice(text, 0, step);
        size_t used = 0;

        last = chunk_gate_feed(&g, piece, &used, err);
        if (last == CHUNK_BAD) {
            break;
        }
        CHECK("moves on", used > 0 && used <= piece.n);
        *passed += last == CHUNK_PASS ? used : 0;
        *taken += used;
        text = str_slice(text, used, text.n);
    }
    return last;
}

static void test_chunks(void)
{
    for (size_t i = 0; i < ARRAY_LEN(chunk_rows); i++) {
        struct str text = str_of(chunk_rows[i].text);

        for (size_t step = 1; step <= text.n; step++) {
            struct err err = {0};
            size_t passed, taken;
            enum chunk_step last = feed_all(text, step, &passed, &taken, &err);

            CHECK_INT(chunk_rows[i].label, err.code, chunk_rows[i].code);
            CHECK_INT(chunk_rows[i].label, last,
                      chunk_rows[i].code == ERR_NONE ? CHUNK_ENDED : CHUNK_BAD);
            if (last == CHUNK_ENDED) {
                CHECK_INT(chunk_rows[i].label, taken, text.n);
                CHECK(chunk_rows[i].label, passed >= chunk_rows[i].data + 3);
            }
        }
    }
}

static void check_long(const char *label, const char *before, size_t n, const char *after,
                       enum err_code code)
{
    struct buf b;
    struct err err = {0};
    size_t passed, taken;

    buf_init(&b, 1 << 20);
    buf_addz(&b, before);
    for (size_t i = 0; i < n; i++) {
        buf_add_char(&b, 'a');
    }
    buf_addz(&b, after);
    feed_all(buf_str(&b), 100, &passed, &taken, &err);
    CHECK_INT(label, err.code, code);
    buf_fini(&b);
}

static void test_chunk_limits(void)
{
    check_long("extension of 256", "1;", CHUNK_EXT_MAX, "\r\nx\r\n0\r\n\r\n", ERR_NONE);
    check_long("extension of 257", "1;", CHUNK_EXT_MAX + 1, "\r\nx\r\n0\r\n\r\n", ERR_TOO_LONG);
    check_long("trailer of 4096", "0\r\nX:", CHUNK_TRAILER_MAX - 2, "\r\n\r\n", ERR_NONE);
    check_long("trailer of 4097", "0\r\nX:", CHUNK_TRAILER_MAX - 1, "\r\n\r\n",
               ERR_HEADERS_TOO_LONG);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_rows),    TEST(test_prefixes), TEST(test_followed),
        TEST(test_nul),     TEST(test_sizes),    TEST(test_findings),
        TEST(test_classes), TEST(test_chunks),   TEST(test_chunk_limits),
    };
    return test_main(argc, argv, tests, ARRAY_LEN(tests));
}
