/*
 * TLS and HTTP/2 against nginx in front of the rude server. Where nginx or openssl is not installed
 * the tests pass and say so.
 */
#include "client_fixture.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"

extern char **environ;

static struct {
    char dir[128], ca[160];
    pid_t pid;
    int h2, once; /* ports: HTTP/2; HTTP/1.1 that closes after each answer */
} nginx;

static int free_port(void)
{
    struct sockaddr_in addr = {.sin_family = AF_INET};
    socklen_t len = sizeof(addr);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) != 0 ||
        getsockname(fd, (struct sockaddr *)&addr, &len) != 0) {
        abort();
    }
    close(fd);
    return ntohs(addr.sin_port);
}

static pid_t start(char *const argv[])
{
    posix_spawn_file_actions_t quiet;
    pid_t pid = -1;

    posix_spawn_file_actions_init(&quiet);
    posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&quiet, 2, "/dev/null", O_WRONLY, 0);
    if (posix_spawnp(&pid, argv[0], &quiet, NULL, argv, environ) != 0) {
        pid = -1;
    }
    posix_spawn_file_actions_destroy(&quiet);
    return pid;
}

static bool run(char *const argv[])
{
    pid_t pid = start(argv);
    int status;

    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
           WEXITSTATUS(status) == 0;
}

static void write_conf(const char *path, int backend)
{
    FILE *f = fopen(path, "w");

    if (f == NULL) {
        abort();
    }
    fprintf(
        f,
        "daemon off; master_process off; pid %s/pid; error_log /dev/null;\n"
        "events { worker_connections 512; }\n"
        "http { access_log off; client_max_body_size 8m; client_body_temp_path %s/b;\n"
        " proxy_temp_path %s/p; fastcgi_temp_path %s/f; uwsgi_temp_path %s/u;\n"
        " scgi_temp_path %s/s; ssl_certificate %s/cert.pem; ssl_certificate_key %s/key.pem;\n"
        " ssl_session_cache shared:s:1m; add_header x-mixed-case $ssl_session_reused always;\n"
        " server { listen 127.0.0.1:%d ssl http2;\n"
        "  location / { proxy_pass http://127.0.0.1:%d; proxy_hide_header x-mixed-case; } }\n"
        " server { listen 127.0.0.1:%d ssl; keepalive_requests 1;\n"
        "  location / { proxy_pass http://127.0.0.1:%d; proxy_hide_header x-mixed-case; } } }\n",
        nginx.dir, nginx.dir, nginx.dir, nginx.dir, nginx.dir, nginx.dir, nginx.dir, nginx.dir,
        nginx.h2, backend, nginx.once, backend);
    fclose(f);
}

static bool accepts(int port)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    bool ok = false;

    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int i = 0; i < 100 && !ok; i++) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);

        ok = connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0;
        close(fd);
        usleep(ok ? 0 : 20000);
    }
    return ok;
}

static bool nginx_start(int backend)
{
    char conf[160], key[160];
    const char *tmp = getenv("TMPDIR");

    snprintf(nginx.dir, sizeof(nginx.dir), "%s/crewline-test-XXXXXX", tmp == NULL ? P_tmpdir : tmp);
    if (mkdtemp(nginx.dir) == NULL) {
        abort();
    }
    snprintf(nginx.ca, sizeof(nginx.ca), "%s/cert.pem", nginx.dir);
    snprintf(key, sizeof(key), "%s/key.pem", nginx.dir);
    snprintf(conf, sizeof(conf), "%s/conf", nginx.dir);
    nginx.h2 = free_port();
    nginx.once = free_port();
    write_conf(conf, backend);
    if (!run((char *const[]){"openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days",
                             "2", "-subj", "/CN=loop.test", "-addext",
                             "subjectAltName=DNS:loop.test,IP:127.0.0.1", "-keyout", key, "-out",
                             nginx.ca, NULL})) {
        return false;
    }
    nginx.pid = start((char *const[]){"/usr/sbin/nginx", "-c", conf, "-p", nginx.dir, NULL});
    return nginx.pid > 0 && accepts(nginx.h2);
}

static void nginx_stop(void)
{
    int status;

    if (nginx.pid > 0) {
        kill(nginx.pid, SIGKILL);
        waitpid(nginx.pid, &status, 0);
        nginx.pid = 0;
    }
    run((char *const[]){"rm", "-rf", nginx.dir, NULL});
}

/* False: skipped. @trusted: the client knows the certificate. */
static bool tls_setup(struct client_fixture *f, bool trusted)
{
    struct http_client_options o = {.connections_per_host_max = 64, .ca_file = nginx.ca};

    f->server = rude_start();
    f->loop = loop_new();
    if (!nginx_start(rude_port(f->server))) {
        printf("skipped: nginx or openssl is not installed\n");
        f->client = http_client_new(f->loop, &o);
        nginx_stop();
        client_teardown(f);
        return false;
    }
    o.ca_file = trusted ? nginx.ca : NULL;
    f->client = http_client_new(f->loop, &o);
    http_client_warm(f->client);
    return true;
}

static void tls_teardown(struct client_fixture *f)
{
    client_teardown(f);
    nginx_stop();
}

static void tls_url(char *out, size_t n, const char *host, int port, const char *path)
{
    snprintf(out, n, "https://%s:%d%s", host, port, path);
}

#define MANY 200
static struct shot many[MANY];

static void test_http2(void)
{
    static char large[200000];
    struct client_fixture f;
    struct http_client_stats st;
    struct rude_counts counts;
    char url[128];

    if (!tls_setup(&f, true)) {
        return;
    }
    memset(large, 'h', sizeof(large));
    tls_url(url, sizeof(url), "loop.test", nginx.h2, "/slow/50");
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < MANY; i++) {
            shot_init(&many[i], &f, "POST", url);
            many[i].call.body = i % 50 == 0 ? str_make(large, sizeof(large)) : STR("{\"a\":1}");
            shot_start(&many[i], &f);
        }
        for (size_t i = 0; i < MANY; i++) {
            CHECK("ended", shot_wait(&many[i], &f, 10000));
            CHECK_INT(many[i].err.msg, many[i].status, 200);
            CHECK("over HTTP/2", many[i].http2);
            CHECK_Z("body", buf_str(&many[i].body), "{\"ok\":true}");
            shot_fini(&many[i]);
        }
    }
    rude_counts(f.server, &counts);
    CHECK_INT("each arrived once", counts.bodies, 2 * MANY);
    CHECK_INT("whole", counts.body_bytes, 2 * (4 * (int64_t)sizeof(large) + 7 * (MANY - 4)));
    http_client_stats(f.client, &st);
    CHECK("multiplexed over few connections", st.connections_opened <= 4);
    tls_teardown(&f);
}

static void test_http2_ends(void)
{
    struct client_fixture f;
    struct shot s, other;
    char url[128];

    if (!tls_setup(&f, true)) {
        return;
    }
    tls_url(url, sizeof(url), "127.0.0.1", nginx.h2, "/slow/60000");
    shot_init(&other, &f, "POST", url);
    other.call.body = STR("body");
    other.call.timeout_ms = 8000;
    shot_start(&other, &f);
    run_ms(&f, 200);
    shot_init(&s, &f, "POST", url);
    s.call.body = STR("body");
    s.call.timeout_ms = 300;
    shot_start(&s, &f);
    CHECK("ended", shot_wait(&s, &f, 3000));
    CHECK_INT("timeout of one stream", s.err.code, ERR_NET_AMBIGUOUS);
    shot_fini(&s);
    tls_url(url, sizeof(url), "127.0.0.1", nginx.h2, "/big/2000000");
    shot_run(&s, &f, "GET", url, STR_NONE, 0);
    CHECK_INT("too long on one stream", s.err.code, ERR_TOO_LONG);
    shot_fini(&s);
    tls_url(url, sizeof(url), "127.0.0.1", nginx.h2, "/ok");
    shot_run(&s, &f, "GET", url, STR_NONE, 0);
    CHECK_INT("the others live", s.status, 200);
    shot_fini(&s);
    CHECK_INT("this one too", other.ends, 0);
    kill(nginx.pid, SIGKILL);
    CHECK("ended", shot_wait(&other, &f, 3000));
    CHECK_INT("the server died with it", other.err.code, ERR_NET_AMBIGUOUS);
    shot_fini(&other);
    shot_run(&s, &f, "POST", url, STR("body"), 0);
    CHECK_INT("nobody there", s.err.code, ERR_NET_NOT_SENT);
    shot_fini(&s);
    tls_teardown(&f);
}

static void test_trust(void)
{
    struct client_fixture f;
    struct shot s;
    char url[128];

    if (!tls_setup(&f, false)) {
        return;
    }
    tls_url(url, sizeof(url), "127.0.0.1", nginx.h2, "/ok");
    shot_run(&s, &f, "POST", url, STR("body"), 0);
    CHECK_INT("unknown issuer", s.err.code, ERR_NET_NOT_SENT);
    shot_fini(&s);
    CHECK_INT("nothing arrived", rude_seen(f.server, ""), 0);
    tls_teardown(&f);
    if (!tls_setup(&f, true)) {
        return;
    }
    tls_url(url, sizeof(url), "localhost", nginx.h2, "/ok");
    shot_run(&s, &f, "POST", url, STR("body"), 0);
    CHECK_INT("other name", s.err.code, ERR_NET_NOT_SENT);
    shot_fini(&s);
    tls_url(url, sizeof(url), "loop.test", nginx.h2, "/ok");
    shot_run(&s, &f, "POST", url, STR("body"), HTTP_PUBLIC_ONLY);
    CHECK_INT("a good certificate does not make loopback public", s.err.code,
              ERR_NET_FORBIDDEN_ADDRESS);
    shot_fini(&s);
    CHECK_INT("nothing arrived", rude_seen(f.server, ""), 0);
    tls_teardown(&f);
}

/* Reading all the system's certificates takes some 20 ms: once, and not while the loop runs. */
static void test_warm(void)
{
    struct client_fixture f;
    struct shot s;
    struct http_client_stats st;
    char url[128];

    if (!tls_setup(&f, false)) {
        return;
    }
    http_client_stats(f.client, &st);
    CHECK_INT("no trace", st.started + st.connections_opened + (int64_t)st.in_flight, 0);
    for (int i = 0; i < 3; i++) {
        int64_t t = mono_now().us;

        http_client_warm(f.client);
        CHECK("the second time they are there", i == 0 || mono_now().us - t < 20000);
    }
    tls_url(url, sizeof(url), "127.0.0.1", nginx.h2, "/ok");
    shot_run(&s, &f, "POST", url, STR("body"), 0);
    CHECK_INT("still checked", s.err.code, ERR_NET_NOT_SENT);
    shot_fini(&s);
    tls_teardown(&f);
}

/* nginx says in x-mixed-case whether the TLS session was taken up again: "r", or "." for a new one.
 */
static void test_session_reuse(void)
{
    struct client_fixture f;
    struct http_client_stats st;
    struct shot s;
    char url[128];

    if (!tls_setup(&f, true)) {
        return;
    }
    tls_url(url, sizeof(url), "loop.test", nginx.once, "/ok");
    for (int i = 0; i < 4; i++) {
        shot_run(&s, &f, "POST", url, STR("body"), 0);
        CHECK_INT(s.err.msg, s.status, 200);
        CHECK("http/1.1 where no more is offered", !s.http2);
        CHECK_Z("session", str_of(s.mixed), i == 0 ? "." : "r");
        shot_fini(&s);
    }
    http_client_stats(f.client, &st);
    CHECK_INT("a connection each", st.connections_opened, 4);
    tls_teardown(&f);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {TEST(test_http2), TEST(test_http2_ends), TEST(test_trust),
                                        TEST(test_session_reuse), TEST(test_warm)};

    return test_main(argc, argv, tests, ARRAY_LEN(tests));
}
