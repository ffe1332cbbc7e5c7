#include "limit_server.h"

#include <hiredis/adapters/libuv.h>
#include <llhttp.h>
#include <mbedtls/md.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/mem.h"

#define BODY_MAX  (16 * 1024)
#define FIELD_MAX 128

struct limit_conn {
    uv_tcp_t tcp;
    llhttp_t parser;
    bool waiting, closed; /* an answer is due; the socket is gone */
    char name[FIELD_MAX], value[FIELD_MAX], signature[FIELD_MAX];
    size_t name_n, value_n, body_n;
    char body[BODY_MAX];
};

static struct {
    const char *secret;
    limit_body_fn *on_body;
    char in[64 * 1024];
} server;

static llhttp_settings_t settings;

static bool signed_well(const struct limit_conn *c)
{
    static const char hex[] = "0123456789abcdef";
    unsigned char mac[32];
    char want[2 * sizeof(mac)];
    unsigned differs = 0;

    mbedtls_md_hmac(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256),
                    (const unsigned char *)server.secret, strlen(server.secret),
                    (const unsigned char *)c->body, c->body_n, mac);
    for (size_t i = 0; i < sizeof(mac); i++) {
        want[2 * i] = hex[mac[i] >> 4];
        want[2 * i + 1] = hex[mac[i] & 15];
    }
    for (size_t i = 0; i < sizeof(want); i++) {
        differs |= (unsigned char)(want[i] ^ c->signature[7 + i]);
    }
    return differs == 0 && memcmp(c->signature, "sha256=", 7) == 0;
}

/* ---- llhttp ---- */

static int keep(char *to, size_t *n, size_t most, const char *at, size_t len)
{
    if (len > most - *n) {
        return HPE_USER;
    }
    memcpy(to + *n, at, len);
    *n += len;
    return 0;
}

static int on_begin(llhttp_t *p)
{
    struct limit_conn *c = p->data;

    c->name_n = c->value_n = c->body_n = 0;
    memset(c->signature, 0, sizeof(c->signature));
    return 0;
}

static int on_field(llhttp_t *p, const char *at, size_t n)
{
    struct limit_conn *c = p->data;

    return keep(c->name, &c->name_n, sizeof(c->name) - 1, at, n);
}

static int on_value(llhttp_t *p, const char *at, size_t n)
{
    struct limit_conn *c = p->data;

    return keep(c->value, &c->value_n, sizeof(c->value) - 1, at, n);
}

static int on_value_complete(llhttp_t *p)
{
    struct limit_conn *c = p->data;

    c->name[c->name_n] = c->value[c->value_n] = '\0';
    if (strcasecmp(c->name, "X-Hub-Signature-256") == 0) {
        memcpy(c->signature, c->value, c->value_n + 1);
    }
    c->name_n = c->value_n = 0;
    return 0;
}

static int on_body(llhttp_t *p, const char *at, size_t n)
{
    struct limit_conn *c = p->data;

    return keep(c->body, &c->body_n, sizeof(c->body), at, n);
}

static int on_complete(llhttp_t *p)
{
    struct limit_conn *c = p->data;

    c->waiting = true;
    if (p->method != HTTP_POST) {
        limit_answer(c, 200); /* somebody asks whether we are up */
    } else if (!signed_well(c)) {
        limit_answer(c, 401);
    } else {
        server.on_body(c, c->body, c->body_n);
    }
    return 0;
}

/* ---- libuv ---- */

static void on_closed(uv_handle_t *h)
{
    struct limit_conn *c = h->data;

    c->closed = true;
    if (!c->waiting) {
        mem_free(&c);
    }
}

void limit_answer(struct limit_conn *c, int status)
{
    char text[128];
    int n = snprintf(text, sizeof(text),
                     "HTTP/1.1 %d OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nOK",
                     status);
    uv_buf_t b = uv_buf_init(text, (unsigned)n);

    c->waiting = false;
    if (c->closed) {
        mem_free(&c);
    } else {
        uv_try_write((uv_stream_t *)&c->tcp, &b,
                     1); /* one small answer at a time: it fits the socket */
    }
}

static void on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *out)
{
    (void)h;
    (void)suggested;
    *out = uv_buf_init(server.in, sizeof(server.in));
}

static void on_data(uv_stream_t *s, ssize_t n, const uv_buf_t *b)
{
    struct limit_conn *c = s->data;

    if (n != 0 && (n < 0 || llhttp_execute(&c->parser, b->base, (size_t)n) != HPE_OK)) {
        uv_close((uv_handle_t *)s, on_closed);
    }
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct limit_conn *c;

    if (status < 0) {
        return;
    }
    c = MEM_NEW(struct limit_conn);
    uv_tcp_init(uv_default_loop(), &c->tcp);
    c->tcp.data = c;
    if (uv_accept(listener, (uv_stream_t *)&c->tcp) != 0) {
        uv_close((uv_handle_t *)&c->tcp, on_closed);
        return;
    }
    uv_tcp_nodelay(&c->tcp, 1);
    llhttp_init(&c->parser, HTTP_REQUEST, &settings);
    c->parser.data = c;
    uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_data);
}

bool limit_listen(int port, const char *secret, limit_body_fn *handler)
{
    static uv_tcp_t listener;
    struct sockaddr_in addr;
    int len = sizeof(addr);

    signal(SIGPIPE, SIG_IGN);
    server.secret = secret;
    server.on_body = handler;
    llhttp_settings_init(&settings);
    settings.on_message_begin = on_begin;
    settings.on_header_field = on_field;
    settings.on_header_value = on_value;
    settings.on_header_value_complete = on_value_complete;
    settings.on_body = on_body;
    settings.on_message_complete = on_complete;
    uv_ip4_addr("127.0.0.1", port, &addr);
    uv_tcp_init(uv_default_loop(), &listener);
    if (uv_tcp_bind(&listener, (const struct sockaddr *)&addr, 0) != 0 ||
        uv_listen((uv_stream_t *)&listener, 4096, on_connection) != 0) {
        fprintf(stderr, "cannot listen on port %d\n", port);
        return false;
    }
    uv_tcp_getsockname(&listener, (struct sockaddr *)&addr, &len);
    printf("http://127.0.0.1:%d\n", ntohs(addr.sin_port));
    fflush(stdout);
    return true;
}

/* ---- Redis ---- */

redisAsyncContext *limit_redis(const char *socket, const char *script, char sha[41])
{
    redisContext *first = redisConnectUnix(socket);
    redisAsyncContext *redis;
    redisReply *reply;

    if (first == NULL || first->err != 0 ||
        (reply = redisCommand(first, "SCRIPT LOAD %s", script)) == NULL ||
        reply->type != REDIS_REPLY_STRING) {
        fprintf(stderr, "redis at %s: %s\n", socket, first == NULL ? "no memory" : first->errstr);
        return NULL;
    }
    snprintf(sha, 41, "%s", reply->str);
    freeReplyObject(reply);
    redisFree(first);
    redis = redisAsyncConnectUnix(socket);
    if (redis == NULL || redis->err != 0 ||
        redisLibuvAttach(redis, uv_default_loop()) != REDIS_OK) {
        fprintf(stderr, "redis at %s: no connection\n", socket);
        return NULL;
    }
    return redis;
}

bool limit_eval(redisAsyncContext *redis, redisCallbackFn *on_reply, void *ctx, const char *sha,
                const char *key, const char *a, const char *b)
{
    const char *argv[] = {"EVALSHA", sha, "1", key, a, b};
    size_t n[6];

    for (size_t i = 0; i < 6; i++) {
        n[i] = strlen(argv[i]);
    }
    return redisAsyncCommandArgv(redis, on_reply, ctx, 6, argv, n) == REDIS_OK;
}
