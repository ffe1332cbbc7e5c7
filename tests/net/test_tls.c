/* HTTPS, as curl and openssl see it. */
#include "net/tls.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/child.h"
#include "server_fixture.h"

static char dir[64];

struct run {
    struct fixture *f;
    struct child *c;
    int status;
};

static void on_exit_seen(void *ctx, int exit_status, int signum)
{
    struct run *run = ctx;

    run->status = signum != 0 ? 1000 + signum : exit_status;
    child_free(&run->c);
    loop_stop(run->f->l);
}

/* Runs @script in the shell, in dir, with the server's port in $P; output in *out (NULL: dropped).
 */
static int shell(struct fixture *f, const char *script, struct buf *out)
{
    struct run run = {.f = f, .status = -1};
    char port[32], home[80], log_path[80], part[4096];
    const char *argv[] = {"sh", "-c", script, NULL};
    const char *env[] = {port, home, "PATH=/usr/local/bin:/usr/bin:/bin", NULL};
    struct err err = {0};
    size_t n;
    FILE *file;

    snprintf(port, sizeof(port), "P=%d", f->port);
    snprintf(home, sizeof(home), "D=%s", dir);
    snprintf(log_path, sizeof(log_path), "%s/log", dir);
    unlink(log_path);
    if (!child_start(f->l, argv, env, log_path, on_exit_seen, &run, &run.c, &err)) {
        printf("%s\n", err.msg);
        return -1;
    }
    loop_run(f->l);
    if (out != NULL) {
        buf_reset(out);
        file = fopen(log_path, "rb");
        while (file != NULL && (n = fread(part, 1, sizeof(part), file)) > 0) {
            buf_add(out, str_make(part, n));
        }
        if (file != NULL) {
            fclose(file);
        }
    }
    return run.status;
}

static bool has(const struct buf *b, const char *text)
{
    return str_find(buf_str(b), str_of(text)) != SIZE_MAX;
}

static const char *in_dir(const char *name)
{
    static char paths[4][96];
    static unsigned next;
    char *path = paths[next++ % 4];

    snprintf(path, sizeof(paths[0]), "%s/%s", dir, name);
    return path;
}

static void make_certificates(void)
{
    struct fixture f = {.l = loop_new()};
    int status = shell(
        &f,
        "cd $D && for n in a b rsa; do k='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1'; "
        "[ $n = rsa ] && k='-newkey rsa:2048'; openssl req -x509 $k -nodes -keyout $n.key "
        "-out $n.pem -days 2 -subj /CN=$n -addext subjectAltName=IP:127.0.0.1 || exit 1; done; "
        "cp a.pem now.pem; cp a.key now.key; echo nonsense > bad.pem",
        NULL);

    CHECK_INT("openssl makes certificates", status, 0);
    loop_free(&f.l);
}

static void start(struct fixture *f, const char *name)
{
    char cert[16], key[16];
    struct err err = {0};

    snprintf(cert, sizeof(cert), "%s.pem", name);
    snprintf(key, sizeof(key), "%s.key", name);
    if (!tls_server_new(in_dir(cert), in_dir(key), &f->tls, &err)) {
        printf("%s\n", err.msg);
        abort();
    }
    fixture_start(f);
}

static void stop(struct fixture *f)
{
    fixture_stop(f);
    tls_server_free(&f->tls);
}

static const struct {
    const char *label, *script;
    int status;
    const char *out; /* NULL: not looked at */
} rows[] = {
    {"hello",                 "curl -sS --cacert $D/a.pem https://127.0.0.1:$P/hello",                              0,  "hello"                  },
    {"http/1.1 is agreed on",
     "curl -sS --http2 --cacert $D/a.pem -w '%{http_version}' https://127.0.0.1:$P/hello",                          0,
     "hello1.1"                                                                                                                                  },
    {"unknown authority",     "curl -sS --cacert $D/b.pem https://127.0.0.1:$P/hello",                              60, NULL                     },
    {"TLS 1.2",               "curl -sS --tls-max 1.2 --cacert $D/a.pem https://127.0.0.1:$P/hello",                0,  "hello"                  },
    {"TLS 1.1",
     "curl -sS --tls-max 1.1 --ciphers DEFAULT@SECLEVEL=0 --cacert $D/a.pem "
     "https://127.0.0.1:$P/hello",                                                                                  35, NULL                     },
    {"no forward secrecy",
     "curl -sS --tls-max 1.2 --ciphers AES128-GCM-SHA256 --cacert $D/a.pem "
     "https://127.0.0.1:$P/hello",                                                                                  35, NULL                     },
    {"CBC",
     "curl -sS --tls-max 1.2 --ciphers ECDHE-ECDSA-AES128-SHA256 --cacert $D/a.pem "
     "https://127.0.0.1:$P/hello",                                                                                  35, NULL                     },
    {"CHACHA20",
     "curl -sS --tls-max 1.2 --ciphers ECDHE-ECDSA-CHACHA20-POLY1305 --cacert $D/a.pem "
     "https://127.0.0.1:$P/hello",                                                                                  0,  "hello"                  },
    {"big",                   "curl -sS --cacert $D/a.pem 'https://127.0.0.1:'$P'/big?n=5000000' | wc -c",          0,
     "5000000\n"                                                                                                                                 },
    {"stream",                "curl -sS --cacert $D/a.pem 'https://127.0.0.1:'$P'/stream?n=300&size=9999' | wc -c",
     0,                                                                                                                 "2999700\n"              },
    {"upload",
     "head -c 3000000 /dev/zero > $D/z; curl -sS --cacert $D/a.pem --data-binary @$D/z "
     "https://127.0.0.1:$P/hash; echo; sha256sum < $D/z | cut -c1-64",                                              0,  NULL                     },
    {"held",
     "curl -sS --cacert $D/a.pem --data-binary @$D/z "
     "'https://127.0.0.1:'$P'/hash?held=100' | cut -c1-64 > $D/h; sha256sum < $D/z | cut -c1-64 | "
     "cmp - $D/h",                                                                                                  0,  ""                       },
    {"held and denied",
     "curl -sS --cacert $D/a.pem --data-binary @$D/z -o /dev/null -w '%{http_code}' "
     "'https://127.0.0.1:'$P'/hash?held=100&deny=1'",                                                               0,  "401"                    },
    {"held, and no more",     "python3 $D/last.py $P body",                                                         0,  "200 body\n"             },
    {"held, broken off",      "python3 $D/last.py $P bo",                                                           0,  "closed\n"               },
    {"413",
     "curl -sS --cacert $D/a.pem --data-binary @$D/z -o /dev/null -w '%{http_code}' "
     "https://127.0.0.1:$P/echo",                                                                                   0,  "413"                    },
    {"kept",
     "curl -sS --cacert $D/a.pem -w ' %{num_connects}\\n' https://127.0.0.1:$P/hello "
     "https://127.0.0.1:$P/hello",                                                                                  0,  "hello 1\nhello 0\n"     },
    {"plain HTTP",            "curl -sS -m 3 http://127.0.0.1:$P/hello",                                            52, NULL                     },
    {"break",                 "curl -sS --cacert $D/a.pem https://127.0.0.1:$P/break?text=x",                       1,  NULL                     },
    {"resumed by its ticket",
     "printf 'GET /close HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n' > $D/req; for s in out in; do "
     "openssl s_client -connect 127.0.0.1:$P -tls1_2 -sess_$s $D/sess -ign_eof < $D/req "
     "2>/dev/null | grep -o '^Reused\\|^New\\|^bye'; done",                                                         0,  "New\nbye\nReused\nbye\n"},
    {"close_notify comes",
     "openssl s_client -connect 127.0.0.1:$P -tls1_2 -ign_eof < $D/req 2>&1 | "
     "grep -c 'unexpected eof'",                                                                                    1,  "0\n"                    },
};

/* A body and the end of TLS in one piece, while the request is held: what is answered. */
static const char last_py[] =
    "import socket, ssl, sys\n"
    "c, i, o = ssl._create_unverified_context(), ssl.MemoryBIO(), ssl.MemoryBIO()\n"
    "t = c.wrap_bio(i, o)\n"
    "s = socket.create_connection(('127.0.0.1', int(sys.argv[1])), 5)\n"
    "while True:\n"
    "  try:\n"
    "    t.do_handshake()\n"
    "    break\n"
    "  except ssl.SSLWantReadError:\n"
    "    s.sendall(o.read())\n"
    "    i.write(s.recv(65536))\n"
    "t.write(b'POST /echo?held=100 HTTP/1.1\\r\\nHost: x\\r\\nContent-Length: 4\\r\\n\\r\\n')\n"
    "t.write(sys.argv[2].encode())\n"
    "try:\n"
    "  t.unwrap()\n"
    "except ssl.SSLWantReadError:\n"
    "  s.sendall(o.read())\n"
    "while True:\n"
    "  try:\n"
    "    a = t.read(65536)\n"
    "    break\n"
    "  except ssl.SSLWantReadError:\n"
    "    a = s.recv(65536)\n"
    "    i.write(a) if a else i.write_eof()\n"
    "  except ssl.SSLError:\n"
    "    a = b''\n"
    "    break\n"
    "print(a[9:13].decode() + a[-4:].decode() if a else 'closed')\n";

static void test_rows(void)
{
    struct fixture f = {0};
    struct buf out;
    FILE *file = fopen(in_dir("last.py"), "wb");

    fputs(last_py, file);
    fclose(file);
    buf_init(&out, 1 << 20);
    start(&f, "a");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int status = shell(&f, rows[i].script, &out);

        if (status != rows[i].status) {
            test_fail(__FILE__, __LINE__, "%s: exit %d, want %d: %s", rows[i].label, status,
                      rows[i].status, out.p);
        }
        if (rows[i].out != NULL) {
            CHECK_Z(rows[i].label, buf_str(&out), rows[i].out);
        }
        if (strcmp(rows[i].label, "upload") == 0) { /* our hash of it, and theirs */
            CHECK(rows[i].label, out.n == 130 && memcmp(out.p, out.p + 65, 64) == 0);
        }
    }
    stop(&f);
    buf_fini(&out);
}

static void test_rsa(void)
{
    struct fixture f = {0};
    struct buf out;

    buf_init(&out, 1 << 20);
    start(&f, "rsa");
    CHECK_INT("RSA", shell(&f, "curl -sS --cacert $D/rsa.pem https://127.0.0.1:$P/hello", &out), 0);
    CHECK_Z("RSA", buf_str(&out), "hello");
    stop(&f);
    buf_fini(&out);
}

static const struct {
    const char *label, *cert, *key, *why;
} bad_rows[] = {
    {"no certificate",  "none.pem", "a.key",    "none.pem: "  },
    {"no key",          "a.pem",    "none.key", "none.key: "  },
    {"bad certificate", "bad.pem",  "a.key",    "bad.pem: "   },
    {"bad key",         "a.pem",    "bad.pem",  "bad.pem: "   },
    {"key of another",  "a.pem",    "b.key",    "does not fit"},
};

static void test_bad_files(void)
{
    for (size_t i = 0; i < ARRAY_LEN(bad_rows); i++) {
        struct tls_server *s = NULL;
        struct err err = {0};

        CHECK(bad_rows[i].label,
              !tls_server_new(in_dir(bad_rows[i].cert), in_dir(bad_rows[i].key), &s, &err));
        CHECK_INT(bad_rows[i].label, err.code, ERR_CONFIG);
        CHECK(bad_rows[i].label, str_find(str_of(err.msg), str_of(bad_rows[i].why)) != SIZE_MAX);
        CHECK(bad_rows[i].label, s == NULL);
    }
}

/* A connection begun under the old certificate goes on under it, while new ones see the new one. */
static void reload(void *ctx)
{
    struct fixture *f = ctx;
    struct err err = {0};

    CHECK("reload", tls_server_reload(f->tls, &err));
}

static void test_reload(void)
{
    struct fixture f = {0};
    struct err err = {0};
    struct timer *t;
    struct buf out;

    buf_init(&out, 1 << 20);
    start(&f, "now");
    CHECK_INT("before", shell(&f, "curl -sS --cacert $D/a.pem https://127.0.0.1:$P/hello", NULL),
              0);
    t = timer_new(f.l, reload, &f);
    timer_start(t, 300);
    CHECK_INT("across",
              shell(&f,
                    "cp $D/b.pem $D/now.pem; cp $D/b.key $D/now.key; "
                    "curl -sS --cacert $D/a.pem -w '%{num_connects} ' https://127.0.0.1:$P/hello "
                    "https://127.0.0.1:$P/wait?ms=600 https://127.0.0.1:$P/hello",
                    &out),
              0);
    CHECK_Z("across", buf_str(&out), "hello1 waited0 hello0 ");
    CHECK_INT("after", shell(&f, "curl -sS --cacert $D/b.pem https://127.0.0.1:$P/hello", NULL), 0);
    CHECK_INT("after", shell(&f, "cp $D/bad.pem $D/now.pem", NULL), 0);
    CHECK("a bad one is refused", !tls_server_reload(f.tls, &err));
    CHECK_INT("and the last one kept",
              shell(&f, "curl -sS --cacert $D/b.pem https://127.0.0.1:$P/hello", NULL), 0);
    timer_free(&t);
    stop(&f);
    buf_fini(&out);
}

/* Bytes that are no TLS, and none at all. */
static void ask_garbage(struct fixture *f)
{
    int fd = dial(f);
    struct buf b;
    int64_t began = now_ms();

    buf_init(&b, 1000);
    say(fd, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    hear_all(fd, &b);
    CHECK("no answer in the clear", !has(&b, "HTTP"));
    close(fd);
    fd = dial(f);
    say_bytes(fd, STR("\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00"));
    CHECK("half a hello, then silence", is_closed(fd, 2000) || hear_all(fd, &b));
    CHECK("in time", now_ms() - began < 1500);
    close(fd);
    buf_fini(&b);
}

static void test_garbage(void)
{
    struct fixture f = {.o = http_server_defaults};

    f.o.header_timeout_ms = 300;
    start(&f, "a");
    fixture_client(&f, ask_garbage);
    CHECK_INT("no request", f.begun, 0);
    stop(&f);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_rows),   TEST(test_rsa),     TEST(test_bad_files),
        TEST(test_reload), TEST(test_garbage),
    };
    char rm[128];
    struct fixture f = {0};
    int rc;

    snprintf(dir, sizeof(dir), "/tmp/crewline-tls-XXXXXX");
    if (mkdtemp(dir) == NULL) {
        return 1;
    }
    make_certificates();
    rc = test_main(argc, argv, tests, ARRAY_LEN(tests));
    f.l = loop_new();
    snprintf(rm, sizeof(rm), "rm -f $D/*");
    shell(&f, rm, NULL);
    loop_free(&f.l);
    unlink(in_dir("log"));
    rmdir(dir);
    return rc;
}
