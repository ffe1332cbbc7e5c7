#include "net/loop.h"

#include <assert.h>
#include <signal.h>
#include <uv.h>

#include "base/list.h"
#include "base/mem.h"

#include "loop_int.h"

#define LOOP_MAGIC 0x4c4f4f50u

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
    /* A callback may take any of them out again, of whichever of the two lists it is in. */
    while (!list_empty(&now)) {
        struct loop_soon *one = LIST_OF(now.next, struct loop_soon, node);

        list_del(&one->node);
        one->fn(one->ctx);
    }
}

void loop_soon_add(struct loop *l, struct loop_soon *one)
{
    list_add_tail(&l->soon, &one->node);
    uv_idle_start(&l->idle, on_idle);
}

struct list *loop_signals(struct loop *l)
{
    return &l->signals;
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
    loop_signals_close(l);
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
