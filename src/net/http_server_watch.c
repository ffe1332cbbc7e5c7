#include <poll.h>
#include <sys/ioctl.h>

#include "base/mem.h"

#include "http_server_int.h"
#include "loop_int.h"

#define BODY_WINDOW_MS   5000
#define HELD_LOOK_MS     250
#define TLS_RECORD_BYTES (17 * 1024) /* may be in the works, neither in the kernel nor with us */
#define BODY_LEAST_BYTES 5           /* "0\r\n\r\n" */

/*
 * Deadlines without a timer a connection: each kind has one length, so its connections stand in a
 * queue by the time they are due, and one timer waits for the earliest head. It is not moved when a
 * head leaves: it then fires for nothing, once, and looks again.
 */
static int64_t length_ms(const struct http_server *s, enum watch kind)
{
    switch (kind) {
    case WATCH_HEAD:
        return s->o.header_timeout_ms;
    case WATCH_BODY:
        return s->o.header_timeout_ms < BODY_WINDOW_MS ? s->o.header_timeout_ms : BODY_WINDOW_MS;
    case WATCH_HELD:
        return HELD_LOOK_MS;
    case WATCH_HALF:
        return s->o.half_close_ms;
    case WATCH_LINGER:
        return LINGER_MS;
    default:
        return s->o.idle_timeout_ms;
    }
}

static enum watch wanted(const struct conn *c)
{
    if (c->lingering) {
        return WATCH_LINGER;
    }
    if (conn_unsent(c) > 0) {
        return WATCH_WRITE;
    }
    if (c->eof) {
        return WATCH_HALF;
    }
    if (c->hold == HOLD_ON) {
        return WATCH_HELD;
    }
    if (!c->reading || c->phase == PHASE_LAST) {
        return WATCH_NONE; /* it is we who keep it waiting */
    }
    if (c->phase == PHASE_BODY) {
        return WATCH_BODY;
    }
    if (c->in.n > 0 || (c->tls != NULL && c->nrequests == 0)) {
        return WATCH_HEAD;
    }
    return c->first != NULL ? WATCH_NONE : WATCH_IDLE;
}

static void arm(struct http_server *s, int64_t due_ms, int64_t now_ms)
{
    if (s->timer_due == 0 || due_ms < s->timer_due) {
        s->timer_due = due_ms;
        timer_start(s->timer, due_ms > now_ms ? due_ms - now_ms : 1);
    }
}

/*
 * The kernel's own queue counts too: it holds megabytes, and tells us of room only when a third of
 * it is free, which on a slow line is longer than our patience.
 */
static int64_t bytes_taken(const struct conn *c)
{
    int64_t taken = c->handed - (int64_t)uv_stream_get_write_queue_size(&c->uv.stream);
    uv_os_fd_t fd;
    int queued = 0;

    if (uv_fileno((const uv_handle_t *)&c->uv.stream, &fd) == 0 &&
        ioctl(fd, TIOCOUTQ, &queued) == 0) {
        taken -= queued;
    }
    return taken;
}

/*
 * A held request is not read, so its end does not come to us. It has hung up when it sends no more
 * and what it has sent is not all; one that has sent all may still wait for its answer.
 */
static bool hung_up(const struct conn *c)
{
    struct pollfd p = {.events = POLLRDHUP};
    int64_t least = c->saw_end ? 0 : c->body_left >= 0 ? c->body_left : BODY_LEAST_BYTES;
    uv_os_fd_t fd;
    int unread = 0;

    if (uv_fileno((const uv_handle_t *)&c->uv.stream, &fd) != 0) {
        return true;
    }
    p.fd = fd;
    if (poll(&p, 1, 0) <= 0) {
        return false;
    }
    if ((p.revents & (POLLHUP | POLLERR)) != 0 || ioctl(fd, FIONREAD, &unread) != 0) {
        return true;
    }
    return (int64_t)c->in.n + unread + (c->tls != NULL ? TLS_RECORD_BYTES : 0) < least;
}

static void set(struct conn *c, enum watch kind)
{
    struct http_server *s = c->s;
    int64_t now_ms = (int64_t)uv_now(loop_uv(s->l));

    list_del(&c->watched);
    c->watch = kind;
    if (kind == WATCH_NONE) {
        return;
    }
    c->due_ms = now_ms + length_ms(s, kind);
    c->window_bytes = 0;
    c->taken = kind == WATCH_WRITE ? bytes_taken(c) : 0;
    list_add_tail(&s->watches[kind], &c->watched);
    arm(s, c->due_ms, now_ms);
}

void watch_update(struct conn *c)
{
    enum watch kind = wanted(c);

    /* Silence is counted from the last request; all the others from where they began. */
    if (kind != c->watch || kind == WATCH_IDLE) {
        set(c, kind);
    }
}

void watch_stop(struct conn *c)
{
    list_del(&c->watched);
    c->watch = WATCH_NONE;
}

static void too_slow(struct conn *c, const char *what)
{
    struct err err = {0};

    watch_stop(c);
    if (c->phase == PHASE_BODY && c->cur == NULL) {
        conn_close(c); /* it has its answer */
        return;
    }
    err_set(&err, ERR_REQUEST_TIMEOUT, "%s", what);
    parse_refuse(c, c->phase == PHASE_BODY ? c->cur : NULL, &err);
    conn_settle(c);
}

static void over(struct conn *c)
{
    const struct http_server *s = c->s;
    int64_t window_ms = length_ms(s, WATCH_BODY);

    switch (c->watch) {
    case WATCH_HEAD:
        if (c->tls != NULL && c->in.n == 0) {
            conn_close(c); /* no handshake, no request */
        } else {
            too_slow(c, "the headers did not arrive in time");
        }
        return;
    case WATCH_BODY:
        if ((int64_t)c->window_bytes * 1000 < s->o.body_min_bytes_s * window_ms) {
            too_slow(c, "the body arrives too slowly");
        } else {
            set(c, WATCH_BODY);
        }
        return;
    case WATCH_HELD:
        if (hung_up(c)) {
            conn_close(c);
        } else {
            set(c, WATCH_HELD);
        }
        return;
    case WATCH_WRITE:
        if (bytes_taken(c) > c->taken) {
            set(c, WATCH_WRITE);
            return;
        }
        c->reset = true; /* what is left would wait in the kernel for minutes */
        conn_close(c);
        return;
    default:
        conn_close(c);
    }
}

void watch_tick(void *server)
{
    struct http_server *s = obj_check(server, SERVER_MAGIC);
    int64_t now_ms = (int64_t)uv_now(loop_uv(s->l));
    int64_t next = 0;

    s->timer_due = 0;
    for (int kind = 0; kind < WATCH_KINDS; kind++) {
        struct list *queue = &s->watches[kind];

        while (!list_empty(queue)) {
            struct conn *c = LIST_OF(queue->next, struct conn, watched);

            if (c->due_ms > now_ms) {
                next = next == 0 || c->due_ms < next ? c->due_ms : next;
                break;
            }
            over(c);
        }
    }
    if (next != 0) {
        arm(s, next, now_ms);
    }
}
