/* The things that hang on the loop: timers, pollers, slow work, signals. */
#include <assert.h>
#include <uv.h>

#include "base/list.h"
#include "base/mem.h"

#include "loop_int.h"

#define TIMER_MAGIC  0x54494d45u
#define POLLER_MAGIC 0x504f4c4cu
#define WORK_MAGIC   0x574f524bu
#define SIGNAL_MAGIC 0x5349474eu

struct timer {
    uint32_t magic;
    struct loop_soon soon; /* waits while it runs with 0 ms */
    uv_timer_t uv;
    struct loop *l;
    loop_fn *fn;
    void *ctx;
};

struct poller {
    uint32_t magic;
    uv_poll_t uv;
    struct loop *l;
    poller_fn *fn;
    void *ctx;
    unsigned want;
};

struct work {
    uint32_t magic;
    uv_work_t uv;
    struct loop *l;
    loop_fn *work, *done;
    void *ctx;
};

struct loop_signal {
    uint32_t magic;
    uv_signal_t uv;
    struct list node;
    struct loop *l;
    signal_fn *fn;
    void *ctx;
};

struct timer *timer_new(struct loop *l, loop_fn *fn, void *ctx)
{
    struct timer *t = MEM_NEW(struct timer);

    t->magic = TIMER_MAGIC;
    t->l = l;
    t->fn = fn;
    t->ctx = ctx;
    list_init(&t->soon.node);
    t->soon.fn = fn;
    t->soon.ctx = ctx;
    uv_timer_init(loop_uv(l), &t->uv);
    t->uv.data = t;
    uv_unref((uv_handle_t *)&t->uv);
    return t;
}

static void on_timer(uv_timer_t *h)
{
    struct timer *t = obj_check(h->data, TIMER_MAGIC);

    loop_mark(t->l);
    t->fn(t->ctx);
}

void timer_start(struct timer *t, int64_t ms)
{
    uint64_t now_ns, due_ms;

    timer_stop(t);
    if (ms <= 0) {
        /*
         * libuv 1.44 runs a 0 ms timer that its own callback starts again before it looks at any
         * socket, so such a timer never becomes one of libuv's.
         */
        loop_soon_add(t->l, &t->soon);
        return;
    }
    /*
     * libuv counts from the start of the turn, in whole milliseconds: after a long turn its timer
     * would fire early, and who paces by it would wake for nothing. We round up from the true time.
     */
    now_ns = uv_hrtime();
    due_ms = (now_ns + (uint64_t)ms * 1000000 + 999999) / 1000000;
    uv_timer_start(&t->uv, on_timer, due_ms - uv_now(loop_uv(t->l)), 0);
}

void timer_stop(struct timer *t)
{
    list_del(&t->soon.node);
    uv_timer_stop(&t->uv);
}

bool timer_running(const struct timer *t)
{
    return !list_empty(&t->soon.node) || uv_is_active((const uv_handle_t *)&t->uv);
}

static void on_timer_closed(uv_handle_t *h)
{
    struct timer *t = obj_check(h->data, TIMER_MAGIC);

    mem_free(&t);
}

void timer_free(struct timer **owner)
{
    struct timer *t = *owner;

    if (t == NULL) {
        return;
    }
    *owner = NULL;
    timer_stop(t);
    uv_close((uv_handle_t *)&t->uv, on_timer_closed);
}

struct poller *poller_new(struct loop *l, int fd, poller_fn *fn, void *ctx)
{
    struct poller *p = MEM_NEW(struct poller);

    p->magic = POLLER_MAGIC;
    p->l = l;
    p->fn = fn;
    p->ctx = ctx;
    if (uv_poll_init(loop_uv(l), &p->uv, fd) != 0) {
        mem_free(&p);
        return NULL;
    }
    p->uv.data = p;
    return p;
}

static void on_ready(uv_poll_t *h, int status, int events)
{
    struct poller *p = obj_check(h->data, POLLER_MAGIC);
    unsigned ready = 0;

    loop_mark(p->l);
    if (status < 0) {
        /* The owner's next read or write learns what is wrong. libuv has stopped the handle. */
        ready = p->want;
        p->want = 0;
    } else {
        ready |= (events & UV_READABLE) != 0 ? POLLER_READ : 0;
        ready |= (events & UV_WRITABLE) != 0 ? POLLER_WRITE : 0;
    }
    if (ready != 0) {
        p->fn(p->ctx, ready);
    }
}

void poller_want(struct poller *p, unsigned want)
{
    int events = 0;

    if (want == p->want) {
        return;
    }
    p->want = want;
    if (want == 0) {
        uv_poll_stop(&p->uv);
        return;
    }
    events |= (want & POLLER_READ) != 0 ? UV_READABLE : 0;
    events |= (want & POLLER_WRITE) != 0 ? UV_WRITABLE : 0;
    uv_poll_start(&p->uv, events, on_ready);
}

static void on_poller_closed(uv_handle_t *h)
{
    struct poller *p = obj_check(h->data, POLLER_MAGIC);

    mem_free(&p);
}

void poller_free(struct poller **owner)
{
    struct poller *p = *owner;

    if (p == NULL) {
        return;
    }
    *owner = NULL;
    uv_close((uv_handle_t *)&p->uv, on_poller_closed);
}

static void on_pool(uv_work_t *req)
{
    struct work *w = obj_check(req->data, WORK_MAGIC);

    w->work(w->ctx);
}

static void on_pool_done(uv_work_t *req, int status)
{
    struct work *w = obj_check(req->data, WORK_MAGIC);
    loop_fn *done = w->done;
    void *ctx = w->ctx;

    (void)status; /* nobody calls uv_cancel() */
    loop_mark(w->l);
    mem_free(&w);
    if (done != NULL) {
        done(ctx);
    }
}

void loop_work(struct loop *l, loop_fn *work, loop_fn *done, void *ctx)
{
    struct work *w = MEM_NEW(struct work);
    int rc;

    w->magic = WORK_MAGIC;
    w->l = l;
    w->work = work;
    w->done = done;
    w->ctx = ctx;
    w->uv.data = w;
    rc = uv_queue_work(loop_uv(l), &w->uv, on_pool, on_pool_done);
    assert(rc == 0);
    (void)rc;
}

static void on_uv_signal(uv_signal_t *h, int signum)
{
    struct loop_signal *s = obj_check(h->data, SIGNAL_MAGIC);

    loop_mark(s->l);
    s->fn(s->ctx, signum);
}

void loop_on_signal(struct loop *l, int signum, signal_fn *fn, void *ctx)
{
    struct loop_signal *s = MEM_NEW(struct loop_signal);

    s->magic = SIGNAL_MAGIC;
    s->l = l;
    s->fn = fn;
    s->ctx = ctx;
    list_add_tail(loop_signals(l), &s->node);
    uv_signal_init(loop_uv(l), &s->uv);
    s->uv.data = s;
    uv_signal_start(&s->uv, on_uv_signal, signum);
    uv_unref((uv_handle_t *)&s->uv);
}

static void on_signal_closed(uv_handle_t *h)
{
    struct loop_signal *s = obj_check(h->data, SIGNAL_MAGIC);

    mem_free(&s);
}

void loop_signals_close(struct loop *l)
{
    struct list *signals = loop_signals(l);

    while (!list_empty(signals)) {
        struct loop_signal *s = LIST_OF(signals->next, struct loop_signal, node);

        list_del(&s->node);
        uv_close((uv_handle_t *)&s->uv, on_signal_closed);
    }
}
