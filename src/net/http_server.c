#include "net/http_server.h"

#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"

#include "http_server_int.h"
#include "loop_int.h"

#define LISTEN_BACKLOG 4096
#define PLAIN_MAX      (1024 * 1024)
#define KEEPALIVE_S    60

const struct http_server_options http_server_defaults = {
    .header_bytes_max = 16 * 1024,
    .header_fields_max = 64,
    .header_timeout_ms = 10000,
    .body_min_bytes_s = 1024,
    .idle_timeout_ms = 60000,
    .connections_max = 10000,
    .connections_per_address_max = 200,
    .body_bytes_total_max = 256 << 20,
    .body_bytes_per_address_max = 32 << 20,
    .half_close_ms = 2000,
};

static void read_trusted(struct http_server *s)
{
    s->trusted = mem_array(s->o.ntrusted_proxies + 1, sizeof(s->trusted[0]));
    for (size_t i = 0; i < s->o.ntrusted_proxies; i++) {
        struct str text = s->o.trusted_proxies[i];

        if (str_eqz(text, "unix")) {
            s->trust_pipes = true;
        } else if (cidr_parse(text, &s->trusted[s->ntrusted])) {
            s->ntrusted++;
        } else {
            log_warn("trusted proxy is no address", LF_STR("value", text));
        }
    }
    s->o.trusted_proxies = NULL; /* borrowed for the call only */
}

struct http_server *http_server_new(struct loop *l, const struct http_server_options *o,
                                    const struct http_handler *h, void *ctx)
{
    struct http_server *s = MEM_NEW(struct http_server);

    s->magic = SERVER_MAGIC;
    s->l = l;
    s->o = *o;
    s->limits = (struct http_gate_limits){o->header_bytes_max, o->header_fields_max};
    s->h = *h;
    s->ctx = ctx;
    list_init(&s->listeners);
    list_init(&s->conns);
    list_init(&s->dirty);
    for (size_t i = 0; i < ARRAY_LEN(s->watches); i++) {
        list_init(&s->watches[i]);
    }
    s->timer = timer_new(l, watch_tick, s);
    s->addrs = map_new();
    buf_init(&s->scratch, OUT_BYTES_MAX);
    buf_init(&s->plain, PLAIN_MAX);
    read_trusted(s);
    return s;
}

/* Who may come in. */

/* One address, or one /64 of IPv6, which is what one customer has. */
static struct str address_key(const struct sockaddr_storage *from)
{
    if (from->ss_family == AF_INET) {
        return str_make(&((const struct sockaddr_in *)(const void *)from)->sin_addr, 4);
    }
    if (from->ss_family == AF_INET6) {
        const struct in6_addr *a = &((const struct sockaddr_in6 *)(const void *)from)->sin6_addr;

        return IN6_IS_ADDR_V4MAPPED(a) ? str_make((const char *)a + 12, 4) : str_make(a, 8);
    }
    return STR_NONE;
}

static void name_peer(struct conn *c, const struct sockaddr_storage *from)
{
    struct str key = address_key(from);
    const struct in6_addr *v6 = &((const struct sockaddr_in6 *)(const void *)from)->sin6_addr;
    const unsigned char *b = (const unsigned char *)key.p;

    if (key.n == 4) {
        snprintf(c->peer, sizeof(c->peer), "%u.%u.%u.%u", b[0], b[1], b[2], b[3]);
        c->loopback = b[0] == 127;
    } else if (from->ss_family == AF_INET6) {
        uv_inet_ntop(AF_INET6, v6, c->peer, sizeof(c->peer));
        c->loopback = IN6_IS_ADDR_LOOPBACK(v6);
    } else {
        snprintf(c->peer, sizeof(c->peer), "unix");
        c->loopback = true;
    }
}

/* Would @n more be too many? */
static bool is_over(size_t there, size_t n, size_t max)
{
    return max > 0 && (there > max || n > max - there);
}

static bool count_up(struct conn *c, struct str key, struct err *err)
{
    struct http_server *s = c->s;
    struct addr_count *a;

    if (s->stats.connections > s->o.connections_max) {
        s->stats.refused_total++;
        return err_set(err, ERR_OVERLOAD, "there are too many connections");
    }
    if (c->trusted || key.n == 0) {
        return true;
    }
    a = map_get(s->addrs, key);
    if (a != NULL && is_over(a->n, 1, s->o.connections_per_address_max)) {
        s->stats.refused_address++;
        return err_set(err, ERR_OVERLOAD, "there are too many connections from your address");
    }
    if (a == NULL) {
        a = MEM_NEW(struct addr_count);
        memcpy(a->key_bytes, key.p, key.n);
        a->key = str_make(a->key_bytes, key.n);
        map_put(s->addrs, a->key, a);
    }
    a->n++;
    c->addr = a;
    return true;
}

void conn_count_down(struct conn *c)
{
    struct addr_count *a = c->addr;

    if (c->counted) {
        c->counted = false;
        c->s->stats.connections--;
    }
    if (a != NULL) {
        c->addr = NULL;
        if (--a->n == 0) {
            map_del(c->s->addrs, a->key);
            mem_free(&a);
        }
    }
}

enum body_fit conn_count_body(struct conn *c, size_t n)
{
    struct http_server *s = c->s;

    if (c->addr != NULL && is_over(c->addr->body_bytes, n, s->o.body_bytes_per_address_max)) {
        s->stats.bodies_refused_address++;
        return BODY_OVER_ADDRESS;
    }
    if (is_over(s->stats.body_bytes, n, s->o.body_bytes_total_max)) {
        s->stats.bodies_refused_total++;
        return BODY_OVER_TOTAL;
    }
    s->stats.body_bytes += n;
    if (c->addr != NULL) {
        c->addr->body_bytes += n;
    }
    return BODY_FITS;
}

void conn_uncount_body(struct conn *c, size_t n)
{
    c->s->stats.body_bytes -= n;
    if (c->addr != NULL) {
        c->addr->body_bytes -= n;
    }
}

/* A connection over the limits gets one answer and goes; on TLS it just goes. */
static void turn_away(struct conn *c, const struct listener *from, const struct err *err)
{
    if (from->tls != NULL || c->s->stats.connections > 2 * c->s->o.connections_max) {
        conn_close(c);
        return;
    }
    reply_refusal(c->s, err, conn_out(c));
    c->phase = PHASE_LAST;
    conn_settle(c);
}

static void on_connection(uv_stream_t *stream, int status)
{
    struct listener *from = stream->data;
    struct sockaddr_storage addr = {0};
    int len = sizeof(addr);
    struct err err = {0};
    struct conn *c;

    if (status < 0 || from->s == NULL) {
        return;
    }
    loop_mark(from->s->l);
    c = conn_new(from->s, from);
    if (uv_accept(stream, &c->uv.stream) != 0) {
        conn_free(c);
        return;
    }
    if (!c->is_pipe) {
        uv_tcp_getpeername(&c->uv.tcp, (struct sockaddr *)&addr, &len);
        uv_tcp_nodelay(&c->uv.tcp, 1);
        uv_tcp_keepalive(&c->uv.tcp, 1, KEEPALIVE_S);
    }
    name_peer(c, &addr);
    c->trusted =
        c->is_pipe ? c->s->trust_pipes : cidr_match(c->s->trusted, c->s->ntrusted, str_of(c->peer));
    c->counted = true;
    c->s->stats.connections++;
    if (!count_up(c, address_key(&addr), &err)) {
        turn_away(c, from, &err);
        return;
    }
    c->s->stats.accepted++;
    conn_open(c, from->tls);
}

/* Where to listen. */

static bool split_where(struct str where, char *host, size_t host_bytes, char *port,
                        size_t port_bytes)
{
    size_t colon = where.n;
    struct str name, number;
    int64_t n;

    while (colon > 0 && where.p[colon - 1] != ':') {
        colon--;
    }
    if (colon < 2) {
        return false;
    }
    name = str_slice(where, 0, colon - 1);
    number = str_slice(where, colon, where.n);
    if (name.p[0] == '[' && name.p[name.n - 1] == ']') {
        name = str_slice(name, 1, name.n - 1);
    } else if (str_find_char(name, ':', 0) != SIZE_MAX) {
        return false;
    }
    return str_to_i64(number, 0, 65535, &n) &&
           (size_t)snprintf(host, host_bytes, "%.*s", STR_ARG(name)) < host_bytes &&
           (size_t)snprintf(port, port_bytes, "%lld", (long long)n) < port_bytes;
}

bool http_listen_ok(struct str where)
{
    char host[256], port[8];

    return str_starts(where, STR("unix:"))
               ? where.n > 5
               : split_where(where, host, sizeof(host), port, sizeof(port));
}

static int bind_tcp(struct listener *from, const struct sockaddr *addr)
{
    struct http_server *s = from->s;
    struct sockaddr_storage got;
    int len = sizeof(got), rc;

    rc = uv_tcp_bind(&from->uv.tcp, addr, 0);
    if (rc == 0) {
        rc = uv_listen(&from->uv.stream, LISTEN_BACKLOG, on_connection);
    }
    if (rc == 0 && s->port == 0 &&
        uv_tcp_getsockname(&from->uv.tcp, (struct sockaddr *)&got, &len) == 0) {
        s->port = ntohs(got.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)(void *)&got)->sin6_port
                                                  : ((struct sockaddr_in *)(void *)&got)->sin_port);
    }
    return rc;
}

static bool listen_tcp(struct listener *from, struct str where, struct err *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *found = NULL;
    char host[256], port[8];
    int rc;

    uv_tcp_init(loop_uv(from->s->l), &from->uv.tcp);
    if (!split_where(where, host, sizeof(host), port, sizeof(port))) {
        return err_set(err, ERR_IO, "cannot listen on %.*s: not host:port", STR_ARG(where));
    }
    rc = getaddrinfo(host, port, &hints, &found); /* at the start only, usually a number */
    if (rc != 0) {
        return err_set(err, ERR_IO, "cannot listen on %.*s: %s", STR_ARG(where), gai_strerror(rc));
    }
    rc = bind_tcp(from, found->ai_addr);
    freeaddrinfo(found);
    return rc == 0 ||
           err_set(err, ERR_IO, "cannot listen on %.*s: %s", STR_ARG(where), uv_strerror(rc));
}

/* A socket file that nobody answers on is left over from a killed process. */
static void remove_stale(const char *path)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    struct stat st;
    int fd;

    if (lstat(path, &st) != 0 || !S_ISSOCK(st.st_mode) || strlen(path) >= sizeof(addr.sun_path)) {
        return;
    }
    memcpy(addr.sun_path, path, strlen(path));
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&addr, sizeof(addr)) != 0 &&
        errno == ECONNREFUSED) {
        unlink(path);
    }
    if (fd >= 0) {
        close(fd);
    }
}

static bool listen_unix(struct listener *from, struct str path, struct err *err)
{
    char z[sizeof(((struct sockaddr_un *)0)->sun_path)];
    int rc;

    from->is_pipe = true;
    uv_pipe_init(loop_uv(from->s->l), &from->uv.pipe, 0);
    if (path.n == 0 || path.n >= sizeof(z)) {
        return err_set(err, ERR_IO, "cannot listen on unix:%.*s: a path has 1 to %zu bytes",
                       STR_ARG(path), sizeof(z) - 1);
    }
    memcpy(z, path.p, path.n);
    z[path.n] = '\0';
    remove_stale(z);
    rc = uv_pipe_bind(&from->uv.pipe, z);
    if (rc == 0) {
        rc = uv_listen(&from->uv.stream, LISTEN_BACKLOG, on_connection);
    }
    return rc == 0 || err_set(err, ERR_IO, "cannot listen on unix:%s: %s", z, uv_strerror(rc));
}

static void on_listener_closed(uv_handle_t *h)
{
    struct listener *from = h->data;

    mem_free(&from);
}

static void close_listener(struct listener *from)
{
    list_del(&from->node);
    from->s = NULL;
    uv_close((uv_handle_t *)&from->uv.stream, on_listener_closed);
}

bool http_server_listen(struct http_server *s, struct str where, struct tls_server *tls,
                        struct err *err)
{
    struct listener *from = MEM_NEW(struct listener);
    bool ok;

    from->s = s;
    from->tls = tls;
    list_init(&from->node);
    if (str_starts(where, STR("unix:"))) {
        ok = listen_unix(from, str_slice(where, 5, where.n), err);
    } else {
        ok = listen_tcp(from, where, err);
    }
    from->uv.stream.data = from;
    if (!ok) {
        close_listener(from);
        return false;
    }
    list_add_tail(&s->listeners, &from->node);
    return true;
}

int http_server_port(const struct http_server *s)
{
    return s->port;
}

void http_server_stats(const struct http_server *s, struct http_server_stats *out)
{
    *out = s->stats;
}

/* The end. */

static void close_listeners(struct http_server *s)
{
    while (!list_empty(&s->listeners)) {
        close_listener(LIST_OF(s->listeners.next, struct listener, node));
    }
}

void http_server_retire(struct http_server *s)
{
    s->retiring = true;
}

void http_server_drain(struct http_server *s, loop_fn *on_drained, void *ctx)
{
    assert(!s->draining);
    s->draining = true;
    s->on_drained = on_drained;
    s->on_drained_ctx = ctx;
    close_listeners(s);
    if (list_empty(&s->conns)) {
        s->drained = true;
        loop_defer(s->l, on_drained, ctx);
        return;
    }
    LIST_EACH(it, &s->conns)
    {
        conn_touch(LIST_OF(it, struct conn, all));
    }
}

static void free_rest(struct http_server *s)
{
    while (s->spare_reqs != NULL) {
        struct http_req *r = s->spare_reqs;

        s->spare_reqs = r->next;
        arena_free(&r->arena);
        mem_free(&r);
    }
    while (s->nspare_bufs > 0) {
        buf_fini(&s->spare_bufs[--s->nspare_bufs]);
    }
    buf_fini(&s->scratch);
    buf_fini(&s->plain);
    timer_free(&s->timer);
    map_free(&s->addrs);
    mem_free(&s->trusted);
    mem_free(&s);
}

void http_server_free(struct http_server **owner)
{
    struct http_server *s = *owner;

    if (s == NULL) {
        return;
    }
    *owner = NULL;
    close_listeners(s);
    s->draining = false; /* nobody is told any more */
    while (!list_empty(&s->conns)) {
        struct conn *c = LIST_OF(s->conns.next, struct conn, all);

        conn_close(c);
        list_del(&c->all);
        c->s = NULL;
    }
    loop_defer_cancel(s->l, conn_resume, s);
    loop_defer_cancel(s->l, s->on_drained, s->on_drained_ctx);
    free_rest(s);
}
