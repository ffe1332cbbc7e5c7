#include "net/loop.h"

#include <assert.h>
#include <signal.h>
#include <uv.h>

#include "base/list.h"
#include "base/mem.h"

#include "loop_int.h"

#define LOOP_MAGIC   0x4c4f4f50u
#define TIMER_MAGIC  0x54494d45u
#define POLLER_MAGIC 0x504f4c4cu
#define WORK_MAGIC   0x574f524bu
#define SIGNAL_MAGIC 0x5349474eu

/* How often loop_free() runs what still defers before it calls that an endless chain. */
#define LOOP_DRAIN_ROUNDS_MAX 10000

struct deferred {
    loop_fn *fn; /* NULL: cancelled */
    void *ctx;
};

struct deferred_queue {
    struct deferred *v;
    size_t n, cap;
};

struct loop {
    uint32_t magic;
    uv_loop_t uv;
    uv_prepare_t prepare; /* deferred calls, then the hooks */
    uv_check_t check;     /* deferred calls of the socket callbacks, in the same turn */
    uv_idle_t idle;       /* active while something is deferred: the poll does not sleep */
    struct deferred_queue waiting, running;
    size_t running_at;
    struct list hooks;
    struct list soon; /* timers of 0 ms */
    struct list signals;
    struct loop_hook *next_hook; /* where the walk goes on, so that a hook may free any hook */
    int64_t woke_us;             /* 0: asleep */
    int64_t turn;
    struct loop_stats stats;
};

struct loop_hook {
    struct list node;
    struct loop *l;
    loop_fn *fn;
    void *ctx;
};

struct timer {
    uint32_t magic;
    struct list soon; /* in loop.soon while it runs with 0 ms */
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

static int64_t now_us(void)
{
    return (int64_t)(uv_hrtime() / 1000);
}

uv_loop_t *loop_uv(struct loop *l)
{
    return &l->uv;
}

void loop_mark(struct loop *l)
{
    if (l->woke_us == 0) {
        l->woke_us = now_us();
    }
}

int64_t loop_turn(const struct loop *l)
{
    return l->turn;
}

static void on_idle(uv_idle_t *h)
{
    (void)h; /* its being active is what matters */
}

static bool something_waits(const struct loop *l)
{
    return l->waiting.n > 0 || !list_empty(&l->soon);
}

/* What is deferred while this runs waits for the next drain, so that sockets get their turn. */
static void run_deferred(struct loop *l)
{
    struct deferred_queue swap = l->running;

    if (l->waiting.n == 0) {
        return;
    }
    assert(swap.n == 0);
    loop_mark(l);
    l->running = l->waiting;
    l->waiting = swap;
    for (l->running_at = 0; l->running_at < l->running.n;) {
        struct deferred d = l->running.v[l->running_at++];

        if (d.fn != NULL) {
            d.fn(d.ctx);
        }
    }
    l->running.n = l->running_at = 0;
}

static void run_soon(struct loop *l)
{
    struct list now;

    if (list_empty(&l->soon)) {
        return;
    }
    loop_mark(l);
    list_init(&now);
    while (!list_empty(&l->soon)) {
        struct list *node = l->soon.next;

        list_del(node);
        list_add_tail(&now, node);
    }
    /* A callback may stop or free any of them: timer_stop() takes it out of whichever list it is
     * in. */
    while (!list_empty(&now)) {
        struct timer *t = LIST_OF(now.next, struct timer, soon);

        list_del(&t->soon);
        t->fn(t->ctx);
    }
}

static void run_hooks(struct loop *l)
{
    struct list *it = l->hooks.next;

    while (it != &l->hooks) {
        struct loop_hook *hook = LIST_OF(it, struct loop_hook, node);

        l->next_hook = it->next == &l->hooks ? NULL : LIST_OF(it->next, struct loop_hook, node);
        hook->fn(hook->ctx);
        it = l->next_hook == NULL ? &l->hooks : &l->next_hook->node;
    }
    l->next_hook = NULL;
}

static void on_prepare(uv_prepare_t *h)
{
    struct loop *l = obj_check(h->data, LOOP_MAGIC);

    run_soon(l);
    run_deferred(l);
    if (!list_empty(&l->hooks)) {
        run_hooks(l);
    }
    if (!something_waits(l)) {
        uv_idle_stop(&l->idle);
    }
    if (l->woke_us != 0) {
        int64_t took = now_us() - l->woke_us;

        if (took > l->stats.longest_us) {
            l->stats.longest_us = took;
        }
        l->woke_us = 0;
    }
    l->stats.turns++;
    l->turn++;
}

static void on_check(uv_check_t *h)
{
    struct loop *l = obj_check(h->data, LOOP_MAGIC);

    run_deferred(l);
    /* The idle handle stays: should nothing else keep the loop, the hooks still get their turn. */
}

struct loop *loop_new(void)
{
    struct loop *l = MEM_NEW(struct loop);
    int rc = uv_loop_init(&l->uv);

    assert(rc == 0);
    (void)rc;
    /* A peer that hangs up must show as EPIPE at the write, not end the process. */
    signal(SIGPIPE, SIG_IGN);
    l->magic = LOOP_MAGIC;
    list_init(&l->hooks);
    list_init(&l->soon);
    list_init(&l->signals);
    uv_prepare_init(&l->uv, &l->prepare);
    uv_check_init(&l->uv, &l->check);
    uv_idle_init(&l->uv, &l->idle);
    l->prepare.data = l->check.data = l->idle.data = l;
    uv_prepare_start(&l->prepare, on_prepare);
    uv_check_start(&l->check, on_check);
    uv_unref((uv_handle_t *)&l->prepare);
    uv_unref((uv_handle_t *)&l->check);
    return l;
}

void loop_run(struct loop *l)
{
    uv_run(&l->uv, UV_RUN_DEFAULT);
}

void loop_stop(struct loop *l)
{
    uv_stop(&l->uv);
}

static void on_signal_closed(uv_handle_t *h)
{
    struct loop_signal *s = obj_check(h->data, SIGNAL_MAGIC);

    mem_free(&s);
}

/*
 * A handle that is still open here was forgotten by its owner. It is closed so that the loop can
 * end; its memory stays lost, so that a leak checker names the owner.
 */
static void close_forgotten(uv_handle_t *h, void *arg)
{
    struct loop *l = arg;

    if (uv_is_closing(h) || h == (uv_handle_t *)&l->prepare || h == (uv_handle_t *)&l->check ||
        h == (uv_handle_t *)&l->idle) {
        return;
    }
    uv_close(h, NULL);
}

void loop_free(struct loop **owner)
{
    struct loop *l = *owner;
    int rc;

    if (l == NULL) {
        return;
    }
    while (!list_empty(&l->signals)) {
        struct loop_signal *s = LIST_OF(l->signals.next, struct loop_signal, node);

        list_del(&s->node);
        uv_close((uv_handle_t *)&s->uv, on_signal_closed);
    }
    for (int i = 0; i < LOOP_DRAIN_ROUNDS_MAX && something_waits(l); i++) {
        run_soon(l);
        run_deferred(l);
    }
    uv_walk(&l->uv, close_forgotten, l);
    uv_run(&l->uv, UV_RUN_DEFAULT); /* close callbacks, and slow work that has not come back yet */
    uv_walk(&l->uv, close_forgotten, l);
    uv_close((uv_handle_t *)&l->prepare, NULL);
    uv_close((uv_handle_t *)&l->check, NULL);
    uv_close((uv_handle_t *)&l->idle, NULL);
    uv_run(&l->uv, UV_RUN_DEFAULT);
    rc = uv_loop_close(&l->uv);
    assert(rc == 0);
    (void)rc;
    while (!list_empty(&l->hooks)) {
        struct loop_hook *hook = LIST_OF(l->hooks.next, struct loop_hook, node);

        loop_hook_free(&hook);
    }
    *owner = NULL; /* not earlier: what was deferred may look for the loop there */
    mem_free(&l->waiting.v);
    mem_free(&l->running.v);
    mem_free(&l);
}

void loop_defer(struct loop *l, loop_fn *fn, void *ctx)
{
    struct deferred_queue *q = &l->waiting;

    if (q->n == q->cap) {
        q->cap = q->cap == 0 ? 64 : q->cap * 2;
        q->v = mem_resize(q->v, q->cap * sizeof(q->v[0]));
    }
    q->v[q->n++] = (struct deferred){fn, ctx};
    uv_idle_start(&l->idle, on_idle);
}

static void forget_deferred(struct deferred_queue *q, size_t from, loop_fn *fn, const void *ctx)
{
    for (size_t i = from; i < q->n; i++) {
        if (q->v[i].fn == fn && q->v[i].ctx == ctx) {
            q->v[i].fn = NULL;
        }
    }
}

void loop_defer_cancel(struct loop *l, loop_fn *fn, void *ctx)
{
    forget_deferred(&l->running, l->running_at, fn, ctx);
    forget_deferred(&l->waiting, 0, fn, ctx);
}

struct loop_hook *loop_hook_new(struct loop *l, loop_fn *fn, void *ctx)
{
    struct loop_hook *hook = MEM_NEW(struct loop_hook);

    hook->l = l;
    hook->fn = fn;
    hook->ctx = ctx;
    list_add_tail(&l->hooks, &hook->node);
    return hook;
}

void loop_hook_free(struct loop_hook **owner)
{
    struct loop_hook *hook = *owner;

    if (hook == NULL) {
        return;
    }
    *owner = NULL;
    if (hook->l->next_hook == hook) {
        struct list *next = hook->node.next;

        hook->l->next_hook = next == &hook->l->hooks ? NULL : LIST_OF(next, struct loop_hook, node);
    }
    list_del(&hook->node);
    mem_free(&hook);
}

struct timer *timer_new(struct loop *l, loop_fn *fn, void *ctx)
{
    struct timer *t = MEM_NEW(struct timer);

    t->magic = TIMER_MAGIC;
    t->l = l;
    t->fn = fn;
    t->ctx = ctx;
    list_init(&t->soon);
    uv_timer_init(&l->uv, &t->uv);
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
        list_add_tail(&t->l->soon, &t->soon);
        uv_idle_start(&t->l->idle, on_idle);
        return;
    }
    /*
     * libuv counts from the start of the turn, in whole milliseconds: after a long turn its timer
     * would fire early, and who paces by it would wake for nothing. We round up from the true time.
     */
    now_ns = uv_hrtime();
    due_ms = (now_ns + (uint64_t)ms * 1000000 + 999999) / 1000000;
    uv_timer_start(&t->uv, on_timer, due_ms - uv_now(&t->l->uv), 0);
}

void timer_stop(struct timer *t)
{
    list_del(&t->soon);
    uv_timer_stop(&t->uv);
}

bool timer_running(const struct timer *t)
{
    return !list_empty(&t->soon) || uv_is_active((const uv_handle_t *)&t->uv);
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
    if (uv_poll_init(&l->uv, &p->uv, fd) != 0) {
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
    rc = uv_queue_work(&l->uv, &w->uv, on_pool, on_pool_done);
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
    list_add_tail(&l->signals, &s->node);
    uv_signal_init(&l->uv, &s->uv);
    s->uv.data = s;
    uv_signal_start(&s->uv, on_uv_signal, signum);
    uv_unref((uv_handle_t *)&s->uv);
}

void loop_stats(struct loop *l, struct loop_stats *out, bool reset)
{
    *out = l->stats;
    if (reset) {
        l->stats = (struct loop_stats){0};
    }
}

void op_cancel(struct op **slot)
{
    struct op *op = *slot;

    if (op == NULL) {
        return;
    }
    *slot = NULL;
    op->cancel(op);
}
