#include "http_client_int.h"

#include <assert.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "base/mem.h"

#include "loop_int.h"

#define UNSENT_BYTES 32768

/*
 * A descriptor that libcurl gave us to watch. libcurl lets go of a connection after every transfer
 * and takes it up again for the next; to unwatch and watch costs two system calls each time, so we
 * keep watching an idle connection for reading. If it becomes readable, the server has closed it:
 * only then do we stop, and libcurl finds out itself before it uses it again.
 */
struct http_watch {
    uint32_t magic;
    uv_poll_t poll;
    struct http_client *c;
    int fd;
    int want;  /* what libcurl asked for, as UV_*; 0: nothing now */
    int have;  /* what libuv watches */
    bool ours; /* opened by http_watch_open() */
    /*
     * libcurl closes an attempt to connect that it gives up (a race lost, a timeout) without a
     * word; only the end of a connection that once stood comes to http_watch_close(). Until we know
     * that it stood we keep nothing watched, or libuv would hold a number that means another file
     * by now.
     */
    bool stood;
};

static void on_watch_closed(uv_handle_t *h)
{
    struct http_watch *w = obj_check(h->data, HTTP_WATCH_MAGIC);
    struct http_client *c = w->c;

    mem_free(&w);
    http_client_closed_one(c);
}

static struct http_watch *watch_find(const struct http_client *c, int fd)
{
    return fd >= 0 && (size_t)fd < c->nwatches ? c->watches[fd] : NULL;
}

static struct http_watch *watch_new(struct http_client *c, int fd, bool ours)
{
    struct http_watch *w = MEM_NEW(struct http_watch);

    w->magic = HTTP_WATCH_MAGIC;
    w->c = c;
    w->fd = fd;
    w->ours = ours;
    if (uv_poll_init(loop_uv(c->l), &w->poll, fd) != 0) {
        mem_free(&w);
        return NULL;
    }
    w->poll.data = w;
    /* Idle connections must not keep the loop; client.keep does while something is in flight. */
    uv_unref((uv_handle_t *)&w->poll);
    c->handles_open++;
    if ((size_t)fd >= c->nwatches) {
        size_t n = c->nwatches == 0 ? 256 : c->nwatches;

        while (n <= (size_t)fd) {
            n *= 2;
        }
        c->watches = mem_resize(c->watches, n * sizeof(struct http_watch *));
        memset(c->watches + c->nwatches, 0, (n - c->nwatches) * sizeof(struct http_watch *));
        c->nwatches = n;
    }
    assert(c->watches[fd] == NULL);
    c->watches[fd] = w;
    return w;
}

static void watch_close(struct http_watch *w)
{
    w->c->watches[w->fd] = NULL;
    uv_poll_stop(&w->poll);
    uv_close((uv_handle_t *)&w->poll, on_watch_closed);
}

static void on_ready(uv_poll_t *h, int status, int events)
{
    struct http_watch *w = obj_check(h->data, HTTP_WATCH_MAGIC);
    struct http_client *c = w->c;
    int flags = 0, running;

    if (status < 0) {
        /*
         * An error on the socket; libuv has stopped watching. CURL_CSELECT_ERR would end the
         * transfer unseen, but an answer may be waiting before the reset: the next read tells.
         */
        w->have = 0;
        events = w->want;
    }
    if (w->want == 0) {
        uv_poll_stop(&w->poll);
        w->have = 0;
        return;
    }
    loop_mark(c->l);
    flags |= (events & UV_READABLE) != 0 ? CURL_CSELECT_IN : 0;
    flags |= (events & UV_WRITABLE) != 0 ? CURL_CSELECT_OUT : 0;
    c->in_curl++;
    curl_multi_socket_action(c->multi, w->fd, flags, &running);
    c->in_curl--;
    if (status < 0 && w->want != 0 && w->have == 0 && watch_find(c, w->fd) == w) {
        uv_poll_start(&w->poll, w->want, on_ready);
        w->have = w->want;
    }
    http_client_deliver(c);
}

/* The resolver's descriptor, too, is closed next and nobody tells us. */
static bool watch_stands(struct http_watch *w)
{
    struct sockaddr_storage peer;
    socklen_t n = sizeof(peer);

    if (!w->stood) {
        w->stood = getpeername(w->fd, (struct sockaddr *)&peer, &n) == 0;
    }
    return w->stood;
}

int http_watch_socket(CURL *easy, curl_socket_t fd, int what, void *userp, void *socketp)
{
    struct http_client *c = obj_check(userp, HTTP_CLIENT_MAGIC);
    struct http_watch *w = watch_find(c, fd);
    int want = 0;

    (void)easy;
    (void)socketp;
    if (what == CURL_POLL_REMOVE) {
        if (w == NULL) {
            return 0;
        }
        w->want = 0;
        if (!w->ours || !watch_stands(w)) {
            watch_close(w);
        } else if ((w->have & UV_WRITABLE) != 0) {
            uv_poll_stop(&w->poll);
            w->have = 0;
        }
        return 0;
    }
    if (w == NULL) {
        w = watch_new(c, fd, false);
        if (w == NULL) {
            return -1;
        }
    }
    want |= (what & CURL_POLL_IN) != 0 ? UV_READABLE : 0;
    want |= (what & CURL_POLL_OUT) != 0 ? UV_WRITABLE : 0;
    w->want = want;
    if (w->have != want) {
        uv_poll_start(&w->poll, want, on_ready);
        w->have = want;
    }
    return 0;
}

curl_socket_t http_watch_open(void *clientp, curlsocktype purpose, struct curl_sockaddr *addr)
{
    struct http_slot *s = obj_check(clientp, HTTP_SLOT_MAGIC);
    bool public_only = s->call == NULL || (s->call->flags & HTTP_PUBLIC_ONLY) != 0;
    struct http_watch *old;
    int fd, unsent = UNSENT_BYTES;

    (void)purpose;
    /* Here, where the address is the one that will be used: a name may resolve differently twice.
     */
    if (public_only && !http_addr_public(&addr->addr)) {
        s->refused = true;
        return CURL_SOCKET_BAD;
    }
    s->allowed = true;
    fd = socket(addr->family, addr->socktype | SOCK_CLOEXEC, addr->protocol);
    if (fd < 0) {
        return CURL_SOCKET_BAD;
    }
    /* What libcurl wrote counts as sent, so little should wait in the kernel: 1 MiB would fit
     * there. */
    setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof(unsent));
    old = watch_find(s->c, fd);
    if (old != NULL) {
        watch_close(old); /* closed without a word, and the number is in use again */
    }
    if (watch_new(s->c, fd, true) == NULL) {
        close(fd);
        return CURL_SOCKET_BAD;
    }
    s->c->stats.connections_opened++;
    return fd;
}

int http_watch_close(void *clientp, curl_socket_t fd)
{
    struct http_client *c = obj_check(clientp, HTTP_CLIENT_MAGIC);
    struct http_watch *w = watch_find(c, fd);

    /* libuv must let go before the number can mean another socket. */
    if (w != NULL) {
        watch_close(w);
    }
    return close(fd);
}

int http_watch_timer(CURLM *multi, long ms, void *userp)
{
    struct http_client *c = obj_check(userp, HTTP_CLIENT_MAGIC);
    int64_t due_us;

    (void)multi;
    if (ms < 0) {
        timer_stop(c->timer);
        return 0;
    }
    if (ms == 0) {
        c->kick = true;
        http_client_wake(c);
        return 0;
    }
    /*
     * libcurl moves its timeout with every transfer, nearly always to later. A timer that runs
     * already and fires sooner is left alone: libcurl then names the right time again.
     */
    due_us = (int64_t)(uv_hrtime() / 1000) + (int64_t)ms * 1000;
    if (!timer_running(c->timer) || due_us < c->timer_due_us) {
        c->timer_due_us = due_us;
        timer_start(c->timer, ms);
    }
    return 0;
}

void http_watch_timeout(struct http_client *c)
{
    int running;

    c->kick = false;
    c->in_curl++;
    curl_multi_socket_action(c->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    c->in_curl--;
    http_client_deliver(c);
}

void http_watch_on_timer(void *ctx)
{
    http_watch_timeout(obj_check(ctx, HTTP_CLIENT_MAGIC));
}

void http_watch_fini(struct http_client *c)
{
    for (size_t i = 0; i < c->nwatches; i++) {
        if (c->watches[i] != NULL) {
            watch_close(c->watches[i]);
        }
    }
    mem_free(&c->watches);
    c->nwatches = 0;
}
