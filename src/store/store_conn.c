#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>

#include <hiredis/sds.h>

#include "base/crypto.h"
#include "base/mem.h"

#include "store_int.h"

#define ADDRESS_BYTES 64
/* hiredis throws its read buffer away when it is larger than this and empty. */
#define READ_BUFFER_KEEP ((size_t)1 << 20)

/*
 * One look-up of a name, in the pool because getaddrinfo() blocks. It cannot be recalled: a
 * connection that is done with it only forgets it, and it frees itself.
 */
struct resolve {
    struct conn *c; /* NULL: forgotten */
    unsigned attempt;
    char *host;
    char address[ADDRESS_BYTES];
    int error;
};

static void resolve_work(void *ctx)
{
    struct resolve *r = ctx;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL, *it;
    unsigned n = 0, take;

    r->error = getaddrinfo(r->host, NULL, &hints, &list);
    if (r->error != 0) {
        return;
    }
    for (it = list; it != NULL; it = it->ai_next) {
        n++;
    }
    /* A name with several addresses: the next one at the next attempt. */
    take = n == 0 ? 0 : r->attempt % n;
    for (it = list; it != NULL && take > 0; it = it->ai_next) {
        take--;
    }
    if (it == NULL || getnameinfo(it->ai_addr, it->ai_addrlen, r->address, sizeof(r->address), NULL,
                                  0, NI_NUMERICHOST) != 0) {
        r->error = EAI_NONAME;
    }
    freeaddrinfo(list);
}

/* ---- hiredis' event hooks: it says what it wants, poller_want() is called once a turn ---- */

static void want_read(void *ctx)
{
    ((struct conn *)ctx)->want |= POLLER_READ;
}

static void unwant_read(void *ctx)
{
    ((struct conn *)ctx)->want &= ~POLLER_READ;
}

static void want_write(void *ctx)
{
    ((struct conn *)ctx)->want |= POLLER_WRITE;
}

static void unwant_write(void *ctx)
{
    ((struct conn *)ctx)->want &= ~POLLER_WRITE;
}

static void start_again_later(struct conn *c)
{
    int64_t ms = c->backoff_ms * 2;

    ms = ms < BACKOFF_MIN_MS ? BACKOFF_MIN_MS : ms > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : ms;
    c->backoff_ms = ms;
    c->attempts++;
    /* Half of it is chance: many instances lost the same Redis at the same moment. */
    timer_start(c->retry, ms / 2 + (int64_t)random_below((uint32_t)(ms / 2 + 1)));
}

static void gone(struct conn *c, const char *why)
{
    c->state = CONN_WAITING;
    c->due = 0;
    c->want = 0;
    c->blocked = false;
    timer_stop(c->retry);
    timer_stop(c->beat);
    start_again_later(c);
    c->role->lost(c, why);
}

/*
 * A Redis that turns us away at the door says why and hangs up; when our first write comes after
 * that, hiredis reports the write and leaves the reason unread.
 */
static void last_words(struct conn *c)
{
    char text[200];
    ssize_t n = recv(c->ac->c.fd, text, sizeof(text), MSG_DONTWAIT);
    struct str line, rest;

    if (n > 1 && text[0] == '-') {
        str_cut(str_make(text + 1, (size_t)n - 1), '\r', &line, &rest);
        snprintf(c->why, sizeof(c->why), "%.*s", STR_ARG(line));
    }
}

/* hiredis frees the connection, whoever began it: this is the one place that every end goes
 * through. */
static void on_cleanup(void *ctx)
{
    struct conn *c = ctx;
    redisAsyncContext *ac = c->ac;
    char why[REASON_BYTES];

    if (ac == NULL) {
        return;
    }
    if (c->why[0] == '\0' && c->state == CONN_HELLO) {
        snprintf(c->why, sizeof(c->why), "%s", c->hello.why);
        if (c->why[0] == '\0') {
            last_words(c);
        }
    }
    if (c->why[0] == '\0' && ac->errstr != NULL) {
        snprintf(c->why, sizeof(c->why), "%s", ac->errstr);
    }
    snprintf(why, sizeof(why), "%s", c->why[0] != '\0' ? c->why : "the connection was closed");
    c->ac = NULL;
    poller_free(&c->poller);
    if (!c->s->closing) {
        gone(c, why);
    }
}

/* What has been read is called back first; nothing more is read meanwhile. */
static bool is_paused(const struct conn *c)
{
    return c->node != NULL && !list_empty(&c->s->ready);
}

void conn_apply(struct conn *c)
{
    if (c->poller != NULL) {
        poller_want(c->poller, is_paused(c) ? c->want & ~POLLER_READ : c->want);
    }
}

static void on_ready(void *ctx, unsigned ready)
{
    struct conn *c = ctx;
    struct store *s = c->s;

    store_enter(s);
    if ((ready & POLLER_READ) != 0 && !is_paused(c)) {
        c->silent_ms = 0;
        c->heard = true;
        s->heard_us = mono_now().us;
        redisAsyncHandleRead(c->ac);
    }
    if ((ready & POLLER_WRITE) != 0 && c->ac != NULL && !s->closing) {
        /* While it connects this tells hiredis how that ended; later the hook writes. */
        c->blocked = false;
        c->silent_ms = 0;
        if (c->state == CONN_CONNECTING) {
            redisAsyncHandleWrite(c->ac);
        }
    }
    if (!s->closing) {
        if (is_paused(c)) {
            timer_start(s->drain, 0);
        }
        conn_apply(c);
    }
    store_leave(s);
}

static void on_connected(const redisAsyncContext *ac, int status)
{
    struct conn *c = ac->data;

    if (status != REDIS_OK || c->s->closing) {
        return; /* on_cleanup() follows */
    }
    if (c->to.port != 0) {
        redisEnableKeepAlive(&c->ac->c);
    }
    c->state = CONN_HELLO;
    c->silent_ms = 0;
    c->hello = (struct hello){0};
    c->role->hello(c);
}

static void connect_to(struct conn *c, const char *address)
{
    redisAsyncContext *ac =
        c->to.port == 0 ? redisAsyncConnectUnix(address) : redisAsyncConnect(address, c->to.port);
    char why[REASON_BYTES];

    c->why[0] = '\0';
    if (ac == NULL || ac->err != 0) {
        snprintf(why, sizeof(why), "%s", ac == NULL ? "out of memory" : ac->errstr);
        if (ac != NULL) {
            redisAsyncFree(ac);
        }
        gone(c, why);
        return;
    }
    c->poller = poller_new(c->s->l, ac->c.fd, on_ready, c);
    if (c->poller == NULL) {
        redisAsyncFree(ac);
        gone(c, "the system cannot watch the socket");
        return;
    }
    fcntl(ac->c.fd, F_SETFD, FD_CLOEXEC);
    ac->c.reader->fn = &store_reply_functions;
    ac->c.reader->privdata = c->replies;
    ac->c.reader->maxbuf = READ_BUFFER_KEEP;
    ac->data = c;
    ac->ev.data = c;
    ac->ev.addRead = want_read;
    ac->ev.delRead = unwant_read;
    ac->ev.addWrite = want_write;
    ac->ev.delWrite = unwant_write;
    ac->ev.cleanup = on_cleanup;
    c->ac = ac;
    c->state = CONN_CONNECTING;
    c->silent_ms = 0;
    redisAsyncSetConnectCallback(ac, on_connected);
    conn_apply(c);
    store_tick_start(c->s);
}

static void on_resolved(void *ctx)
{
    struct resolve *r = ctx;
    struct conn *c = r->c;

    if (c != NULL) {
        struct store *s = c->s;

        store_enter(s);
        c->resolving = NULL;
        if (r->error != 0) {
            gone(c, gai_strerror(r->error));
        } else {
            connect_to(c, r->address);
        }
        store_leave(s);
    }
    mem_free(&r->host);
    mem_free(&r);
}

static void show(struct conn *c)
{
    const char *form = c->to.port == 0                   ? "unix://%s"
                       : strchr(c->to.host, ':') == NULL ? "redis://%s:%d"
                                                         : "redis://[%s]:%d";

    if (c->s->url.mode == STORE_SINGLE) {
        snprintf(c->shown, sizeof(c->shown), "%s", c->s->url.shown);
        return;
    }
    snprintf(c->shown, sizeof(c->shown), form, c->to.host, c->to.port);
}

static void begin(struct conn *c)
{
    unsigned char ip[16];
    struct resolve *r;

    if (!c->role->find(c)) {
        return;
    }
    show(c);
    if (c->to.port == 0 || inet_pton(AF_INET, c->to.host, ip) == 1 ||
        inet_pton(AF_INET6, c->to.host, ip) == 1) {
        connect_to(c, c->to.host);
        return;
    }
    r = MEM_NEW(struct resolve);
    r->c = c;
    r->attempt = c->attempts;
    r->host = mem_dupz(str_of(c->to.host));
    c->resolving = r;
    c->state = CONN_RESOLVING;
    loop_work(c->s->l, resolve_work, on_resolved, r);
}

static void on_retry(void *ctx)
{
    struct conn *c = ctx;
    struct store *s = c->s;

    store_enter(s);
    if (c->state == CONN_HELLO) { /* it was loading */
        c->hello = (struct hello){0};
        c->role->hello(c);
    } else {
        begin(c);
    }
    store_leave(s);
}

static void on_beat(void *ctx)
{
    struct conn *c = ctx;
    struct store *s = c->s;

    store_enter(s);
    c->backoff_ms = 0; /* it has held for a while */
    if (!c->heard && c->due == 0) {
        c->role->beat(c);
    }
    c->heard = false;
    timer_start(c->beat, BEAT_MS);
    store_leave(s);
}

void conn_init(struct conn *c, struct store *s, const struct conn_role *role)
{
    *c = (struct conn){.s = s, .role = role, .state = CONN_WAITING};
    list_add_tail(&s->conns, &c->all);
    c->retry = timer_new(s->l, on_retry, c);
    c->beat = timer_new(s->l, on_beat, c);
    c->replies = replies_new();
}

void conn_start(struct conn *c)
{
    if (c->state == CONN_WAITING) {
        timer_start(c->retry, 0);
    }
}

void conn_drop(struct conn *c, const char *fmt, ...)
{
    va_list ap;

    if (c->ac == NULL || c->why[0] != '\0') {
        return;
    }
    va_start(ap, fmt);
    vsnprintf(c->why, sizeof(c->why), fmt, ap);
    va_end(ap);
    redisAsyncFree(c->ac); /* inside one of its callbacks: when that returns */
}

/* Timers and look-up now; the replies' memory stays until the last is done with.
 */
void conn_fini(struct conn *c)
{
    timer_free(&c->retry);
    timer_free(&c->beat);
    if (c->resolving != NULL) {
        c->resolving->c = NULL;
        c->resolving = NULL;
    }
    conn_drop(c, "we are closing");
}

void conn_send_call(struct conn *c, struct call *call, redisCallbackFn *fn, void *privdata)
{
    struct str bytes = call_seal(call);

    if (c->ac != NULL && redisAsyncFormattedCommand(c->ac, fn, privdata, bytes.p, bytes.n) == 0) {
        c->silent_ms = c->due == 0 ? 0 : c->silent_ms;
        c->due++;
        store_tick_start(c->s);
    }
    buf_fini_secret(&call->resp);
}

void conn_answered(struct conn *c)
{
    if (c->due > 0) { /* hiredis 1.x says NULL to what is pending after the cleanup */
        c->due--;
    }
}

void conn_hello_done(struct conn *c)
{
    if (c->s->closing || c->ac == NULL) {
        return;
    }
    if (c->hello.failed) {
        conn_drop(c, "%s", c->hello.why);
        return;
    }
    if (c->hello.loading) {
        if (c->node != NULL) {
            node_set_health(c->node, STORE_DOWN, "redis at %s is loading its data", c->shown);
        }
        timer_start(c->retry, HOLD_MAX_MS / 5);
        return;
    }
    c->state = CONN_UP;
    c->heard = true;
    timer_start(c->beat, BEAT_MS);
    c->role->up(c);
}

size_t conn_unsent_bytes(const struct conn *c)
{
    return c->ac == NULL ? 0 : sdslen(c->ac->c.obuf);
}

/* hiredis takes "not connecting any more" for "connected", so nothing is written before it says so.
 */
void conn_flush(struct conn *c)
{
    if (c->ac == NULL || c->state < CONN_HELLO) {
        return;
    }
    if ((c->want & POLLER_WRITE) != 0 && !c->blocked) {
        redisAsyncHandleWrite(c->ac);
        c->blocked = c->ac != NULL && (c->want & POLLER_WRITE) != 0;
    }
    conn_apply(c);
}

void conn_wake(struct conn *c)
{
    if (c->ac != NULL) {
        c->want |= POLLER_WRITE;
        conn_apply(c);
    }
}

bool conn_is_watched(const struct conn *c)
{
    return c->ac != NULL && (c->state == CONN_CONNECTING || c->due > 0);
}

void conn_tick(struct conn *c, int64_t elapsed_ms)
{
    if (is_paused(c)) {
        c->silent_ms = 0;
    }
    if (!conn_is_watched(c)) {
        return;
    }
    /*
     * Counted in ticks rather than by the clock: when it was us who stood still, what Redis said
     * meanwhile waits in the socket and is read before the next tick.
     */
    c->silent_ms += elapsed_ms < 2 * TICK_MS ? elapsed_ms : 2 * TICK_MS;
    if (c->silent_ms >= c->role->silent_ms) {
        conn_drop(c, "no answer for %d ms", (int)c->role->silent_ms);
    }
}
