#include "rude_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"

#define CONNS_MAX 1024
#define SEEN_MAX  4096
#define PATH_MAX_ 200
#define HEAD_MAX  (64 * 1024)

enum next { NEXT_NOTHING, NEXT_UNREAD, NEXT_HEAD, NEXT_READ, NEXT_RESET, NEXT_GONE };

struct rude_conn {
    struct rude_server *r;
    pthread_t thread;
    int fd; /* -1: closed */
    enum next next;
    char head[HEAD_MAX]; /* of the request, and what came behind it */
    size_t n;
};

struct rude_server {
    int listener, port;
    pthread_t thread;
    pthread_mutex_t lock;
    bool stopping, deaf;
    struct rude_conn *conns[CONNS_MAX];
    size_t nconns;
    struct rude_counts counts;
    char seen[SEEN_MAX][PATH_MAX_];
    size_t nseen;
};

struct request {
    char method[16], path[PATH_MAX_];
    size_t head_n; /* with the empty line */
    size_t body_n; /* Content-Length */
    char *body;    /* or NULL */
};

static bool stopping(struct rude_server *r)
{
    bool is;

    pthread_mutex_lock(&r->lock);
    is = r->stopping;
    pthread_mutex_unlock(&r->lock);
    return is;
}

static bool deaf(struct rude_server *r)
{
    bool is;

    pthread_mutex_lock(&r->lock);
    is = r->deaf || r->stopping;
    pthread_mutex_unlock(&r->lock);
    return is;
}

/* Sleeps in slices, so that a stop is noticed. */
static void nap(struct rude_conn *c, long ms)
{
    for (; ms > 0 && !stopping(c->r); ms -= 10) {
        usleep((ms < 10 ? (unsigned)ms : 10) * 1000);
    }
}

static void end_conn(struct rude_conn *c, bool reset)
{
    struct linger now = {1, 0};

    if (reset) {
        setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    }
    pthread_mutex_lock(&c->r->lock);
    close(c->fd);
    c->fd = -1;
    c->r->counts.open--;
    pthread_mutex_unlock(&c->r->lock);
}

static void say(struct rude_conn *c, const void *bytes, size_t n)
{
    const char *p = bytes;

    while (n > 0) {
        ssize_t got = send(c->fd, p, n, MSG_NOSIGNAL);

        if (got <= 0) {
            return;
        }
        p += got;
        n -= (size_t)got;
    }
}

static void sayz(struct rude_conn *c, const char *z)
{
    say(c, z, strlen(z));
}

static bool readable(struct rude_conn *c)
{
    struct pollfd p = {c->fd, POLLIN, 0};

    while (!stopping(c->r)) {
        if (poll(&p, 1, 20) > 0) {
            return true;
        }
    }
    return false;
}

static bool read_head(struct rude_conn *c, struct request *q)
{
    const char *end, *length;

    while ((end = memmem(c->head, c->n, "\r\n\r\n", 4)) == NULL) {
        ssize_t got;

        if (c->n + 1 >= sizeof(c->head) || !readable(c)) {
            return false;
        }
        got = recv(c->fd, c->head + c->n, sizeof(c->head) - 1 - c->n, 0);
        if (got <= 0) {
            return false;
        }
        c->n += (size_t)got;
        c->head[c->n] = '\0';
    }
    q->head_n = (size_t)(end - c->head) + 4;
    length = strcasestr(c->head, "\r\ncontent-length:");
    q->body_n = length == NULL || length > end ? 0 : strtoul(length + 17, NULL, 10);
    pthread_mutex_lock(&c->r->lock);
    c->r->counts.heads++;
    pthread_mutex_unlock(&c->r->lock);
    return sscanf(c->head, "%15s %199s", q->method, q->path) == 2;
}

static bool read_body(struct rude_conn *c, struct request *q)
{
    size_t have = c->n - q->head_n, n;

    q->body = mem_new(q->body_n + 1);
    n = have > q->body_n ? q->body_n : have;
    memcpy(q->body, c->head + q->head_n, n);
    while (n < q->body_n) {
        ssize_t got = readable(c) ? recv(c->fd, q->body + n, q->body_n - n, 0) : -1;

        if (got <= 0) {
            return false;
        }
        n += (size_t)got;
    }
    pthread_mutex_lock(&c->r->lock);
    c->r->counts.bodies++;
    c->r->counts.body_bytes += (int64_t)q->body_n;
    if (c->r->nseen < SEEN_MAX) {
        memcpy(c->r->seen[c->r->nseen++], q->path, sizeof(q->path));
    }
    pthread_mutex_unlock(&c->r->lock);
    return true;
}

/* Drops the request from the buffer; what a pipelining client sent behind it stays. */
static void drop_request(struct rude_conn *c, const struct request *q)
{
    size_t used = q->head_n + q->body_n < c->n ? q->head_n + q->body_n : c->n;

    memmove(c->head, c->head + used, c->n - used);
    c->n -= used;
    c->head[c->n] = '\0';
}

static void answer(struct rude_conn *c, const char *status, const char *fields, const char *body)
{
    char head[1024];

    snprintf(head, sizeof(head), "HTTP/1.1 %s\r\nContent-Length: %zu\r\n%s\r\n", status,
             strlen(body), fields);
    sayz(c, head);
    sayz(c, body);
}

static void say_filler(struct rude_conn *c, size_t n, bool chunked)
{
    char part[4096], line[32];

    memset(part, 'z', sizeof(part));
    while (n > 0) {
        size_t now = n < sizeof(part) ? n : sizeof(part);

        if (chunked) {
            snprintf(line, sizeof(line), "%zx\r\n", now);
            sayz(c, line);
        }
        say(c, part, now);
        if (chunked) {
            sayz(c, "\r\n");
        }
        n -= now;
    }
    if (chunked) {
        sayz(c, "0\r\n\r\n");
    }
}

/* Each returns whether the connection goes on. */
typedef bool act_fn(struct rude_conn *c, struct request *q, long n, const char *arg);

static bool act_ok(struct rude_conn *c, struct request *q, long n, const char *arg)
{
    (void)q;
    (void)n;
    (void)arg;
    answer(c, "200 OK", "Content-Type: application/json\r\nX-Mixed-CASE:  two words \r\n",
           "{\"ok\":true}");
    return true;
}

static bool act_status(struct rude_conn *c, struct request *q, long n, const char *arg)
{
    char line[64];

    (void)arg;
    if (n == 204 || n == 304) {
        snprintf(line, sizeof(line), "HTTP/1.1 %ld Nothing\r\n\r\n", n);
        sayz(c, line);
        return true;
    }
    snprintf(line, sizeof(line), "%ld Status", n);
    answer(c, line, "", strcmp(q->method, "HEAD") == 0 ? "" : "why");
    return true;
}

static bool act_echo(struct rude_conn *c, struct request *q, long n, const char *arg)
{
    char head[128];

    (void)n;
    (void)arg;
    snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n",
             q->head_n + q->body_n);
    sayz(c, head);
    say(c, c->head, q->head_n);
    say(c, q->body, q->body_n);
    return true;
}

static bool act_retry(struct rude_conn *c, struct request *q, long n, const char *arg)
{
    char field[256];

    (void)q;
    (void)n;
    snprintf(field, sizeof(field), "Retry-After: %s\r\n", arg);
    answer(c, "429 Too Many", field, "");
    return true;
}

static bool act_retry_date(struct rude_conn *c, struct request *q, long n, const char *arg)
{
    time_t t = time(NULL) + n;
    struct tm tm;
    char date[64];

    (void)arg;
    gmtime_r(&t, &tm);
    strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &tm);
    return act_retry(c, q, 0, date);
}

static bool act_slow(struct rude_conn *c, struct request *q, long n, const char *arg)
{
    nap(c, n);
    return act_ok(c, q, n, arg);
}

static bool act_drip(struct rude_conn *c, struct request *q, long n, const char *arg)
{
    (void)q;
    (void)arg;
    sayz(c, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n");
    for (int i = 0; i < 10 && !stopping(c->r); i++) {
        nap(c, n);
        sayz(c, "d");
    }
    return true;
}

static bool act_big(struct rude_conn *c, struct request *q, long n, const char *arg)
{
    char head[128];

    (void)q;
    (void)arg;
    snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %ld\r\n\r\n", n);
    sayz(c, head);
    say_filler(c, (size_t)n, false);
    return true;
}

static bool act_chunked(struct rude_conn *c, struct request *q, long n, const char *arg)
{
    (void)q;
    (void)arg;
    sayz(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    say_filler(c, (size_t)n, true);
    return true;
}

static bool act_fields(struct rude_conn *c, struct request *q, long n, const char *arg)
{
    char line[64];

    (void)q;
    (void)arg;
    sayz(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n");
    for (long i = 0; i < n; i++) {
        snprintf(line, sizeof(line), "X-Field-%ld: %ld\r\n", i, i);
        sayz(c, line);
    }
    sayz(c, "\r\n");
    return true;
}

static bool act_interim(struct rude_conn *c, struct request *q, long n, const char *arg)
{
    sayz(c, "HTTP/1.1 100 Continue\r\n\r\n");
    sayz(c, "HTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\n");
    return act_ok(c, q, n, arg);
}

static bool act_redirect(struct rude_conn *c, struct request *q, long n, const char *arg)
{
    char field[128];

    (void)q;
    (void)n;
    (void)arg;
    snprintf(field, sizeof(field), "Location: http://127.0.0.1:%d/ok/redirected\r\n", c->r->port);
    answer(c, "302 Found", field, "");
    return true;
}

static bool act_reset(struct rude_conn *c, struct request *q, long n, const char *arg)
{
    (void)q;
    (void)n;
    (void)arg;
    end_conn(c, true);
    return false;
}

static bool act_close(struct rude_conn *c, struct request *q, long n, const char *arg)
{
    (void)q;
    (void)n;
    (void)arg;
    answer(c, "200 OK", "Connection: close\r\n", "bye");
    return false;
}

static const struct {
    const char *name;
    act_fn *act; /* NULL: says @words and ends the connection */
    enum next next;
    const char *words;
} acts[] = {
    {"ok",          act_ok,         NEXT_NOTHING, NULL                                                      },
    {"status",      act_status,     NEXT_NOTHING, NULL                                                      },
    {"echo",        act_echo,       NEXT_NOTHING, NULL                                                      },
    {"retry",       act_retry,      NEXT_NOTHING, NULL                                                      },
    {"retry-date",  act_retry_date, NEXT_NOTHING, NULL                                                      },
    {"slow",        act_slow,       NEXT_NOTHING, NULL                                                      },
    {"drip",        act_drip,       NEXT_NOTHING, NULL                                                      },
    {"big",         act_big,        NEXT_NOTHING, NULL                                                      },
    {"chunked",     act_chunked,    NEXT_NOTHING, NULL                                                      },
    {"fields",      act_fields,     NEXT_NOTHING, NULL                                                      },
    {"interim",     act_interim,    NEXT_NOTHING, NULL                                                      },
    {"redirect",    act_redirect,   NEXT_NOTHING, NULL                                                      },
    {"reset",       act_reset,      NEXT_NOTHING, NULL                                                      },
    {"close",       act_close,      NEXT_NOTHING, NULL                                                      },
    {"half",        NULL,           NEXT_NOTHING, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf of it"},
    {"half-head",   NULL,           NEXT_NOTHING, "HTTP/1.1 200 OK\r\nContent-Le"                           },
    {"empty",       NULL,           NEXT_NOTHING, ""                                                        },
    {"garbage",     NULL,           NEXT_NOTHING, "SSH-2.0-rude\r\n\r\n"                                    },
    {"next-unread", act_ok,         NEXT_UNREAD,  NULL                                                      },
    {"next-head",   act_ok,         NEXT_HEAD,    NULL                                                      },
    {"next-read",   act_ok,         NEXT_READ,    NULL                                                      },
    {"next-reset",  act_ok,         NEXT_RESET,   NULL                                                      },
    {"next-gone",   act_ok,         NEXT_GONE,    NULL                                                      },
};

static bool dispatch(struct rude_conn *c, struct request *q)
{
    const char *name = q->path + 1, *slash = strchr(name, '/');
    size_t n = slash == NULL ? strcspn(name, "?") : (size_t)(slash - name);

    for (size_t i = 0; i < ARRAY_LEN(acts); i++) {
        if (strlen(acts[i].name) == n && memcmp(acts[i].name, name, n) == 0) {
            if (acts[i].act == NULL) {
                sayz(c, acts[i].words);
                return false;
            }
            c->next = acts[i].next;
            return acts[i].act(c, q, slash == NULL ? 0 : strtol(slash + 1, NULL, 10),
                               slash == NULL ? "" : slash + 1);
        }
    }
    answer(c, "404 Not Found", "", "no such rudeness");
    return true;
}

/* The second request on a connection whose first one asked for trouble. */
static void be_rude(struct rude_conn *c)
{
    struct request q = {0};

    if (c->next == NEXT_GONE || !readable(c)) {
        return;
    }
    if (c->next == NEXT_UNREAD) {
        end_conn(c, true);
        return;
    }
    if (read_head(c, &q) && c->next != NEXT_HEAD) {
        read_body(c, &q);
    }
    free(q.body);
    end_conn(c, c->next != NEXT_READ);
}

static bool one_request(struct rude_conn *c)
{
    struct request q = {0};
    bool on = read_head(c, &q);

    if (on && strncmp(q.path, "/mid", 4) == 0) {
        nap(c, 100);
        end_conn(c, true);
        return false;
    }
    if (on && strncmp(q.path, "/early", 6) == 0) {
        answer(c, "413 Too Large", "Connection: close\r\n", "no");
        nap(c, 100);
        return false;
    }
    on = on && read_body(c, &q) && dispatch(c, &q);
    free(q.body);
    if (on) {
        drop_request(c, &q);
    }
    return on;
}

static void *serve(void *arg)
{
    struct rude_conn *c = arg;

    while (one_request(c)) {
        if (c->next != NEXT_NOTHING) {
            be_rude(c);
            break;
        }
    }
    if (c->fd >= 0) {
        end_conn(c, false);
    }
    return NULL;
}

static void *accept_all(void *arg)
{
    struct rude_server *r = arg;

    while (!deaf(r)) {
        struct pollfd p = {r->listener, POLLIN, 0};
        struct rude_conn *c;
        int fd = poll(&p, 1, 20) > 0 ? accept(r->listener, NULL, NULL) : -1;

        if (fd < 0) {
            continue;
        }
        c = MEM_NEW(struct rude_conn);
        c->r = r;
        c->fd = fd;
        pthread_mutex_lock(&r->lock);
        if (r->nconns == CONNS_MAX) {
            abort();
        }
        r->conns[r->nconns++] = c;
        r->counts.connections++;
        if (++r->counts.open > r->counts.open_most) {
            r->counts.open_most = r->counts.open;
        }
        pthread_mutex_unlock(&r->lock);
        if (pthread_create(&c->thread, NULL, serve, c) != 0) {
            abort();
        }
    }
    return NULL;
}

struct rude_server *rude_start(void)
{
    struct rude_server *r = MEM_NEW(struct rude_server);
    struct sockaddr_in addr = {.sin_family = AF_INET};
    socklen_t len = sizeof(addr);
    int small = 4096, on = 1;

    pthread_mutex_init(&r->lock, NULL);
    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    r->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(r->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    /* A small window: an upload that nobody reads gets stuck early, as it does across the world. */
    setsockopt(r->listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    if (bind(r->listener, (struct sockaddr *)&addr, sizeof(addr)) != 0 ||
        listen(r->listener, 512) != 0 ||
        getsockname(r->listener, (struct sockaddr *)&addr, &len) != 0 ||
        pthread_create(&r->thread, NULL, accept_all, r) != 0) {
        abort();
    }
    r->port = ntohs(addr.sin_port);
    return r;
}

void rude_deafen(struct rude_server *r)
{
    pthread_mutex_lock(&r->lock);
    r->deaf = true;
    pthread_mutex_unlock(&r->lock);
    pthread_join(r->thread, NULL);
    close(r->listener);
    r->listener = -1;
}

void rude_stop(struct rude_server **owner)
{
    struct rude_server *r = *owner;

    pthread_mutex_lock(&r->lock);
    r->stopping = true;
    for (size_t i = 0; i < r->nconns; i++) {
        if (r->conns[i]->fd >= 0) {
            shutdown(r->conns[i]->fd, SHUT_RDWR);
        }
    }
    pthread_mutex_unlock(&r->lock);
    if (r->listener >= 0) {
        pthread_join(r->thread, NULL);
        close(r->listener);
    }
    for (size_t i = 0; i < r->nconns; i++) {
        pthread_join(r->conns[i]->thread, NULL);
        mem_free(&r->conns[i]);
    }
    pthread_mutex_destroy(&r->lock);
    mem_free(owner);
}

int rude_port(const struct rude_server *r)
{
    return r->port;
}

void rude_counts(struct rude_server *r, struct rude_counts *out)
{
    pthread_mutex_lock(&r->lock);
    *out = r->counts;
    pthread_mutex_unlock(&r->lock);
}

int rude_seen(struct rude_server *r, const char *text)
{
    int n = 0;

    pthread_mutex_lock(&r->lock);
    for (size_t i = 0; i < r->nseen; i++) {
        n += strstr(r->seen[i], text) != NULL;
    }
    pthread_mutex_unlock(&r->lock);
    return n;
}
