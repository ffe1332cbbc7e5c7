#include "store/store.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/log.h"
#include "base/mem.h"

#include "commit_int.h"
#include "store_int.h"

#define DEADLINE_MS  3000
#define FLUSH_ROUNDS 4
#define TICK_LATE_US 250000

/* ---- health ---- */

static const char *const health_names[] = {"connecting", "ready", "partly", "weak", "down"};

void store_set_health(struct store *s, enum store_health health, const char *fmt, ...)
{
    char reason[REASON_BYTES];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(reason, sizeof(reason), fmt, ap);
    va_end(ap);
    if (s->closing || (s->health == health && strcmp(reason, s->reason) == 0)) {
        return;
    }
    s->health = health;
    memcpy(s->reason, reason, sizeof(reason));
    if (health == STORE_READY) {
        log_info("redis", LF_Z("health", health_names[health]), LF_Z("reason", reason));
    } else {
        log_warn("redis", LF_Z("health", health_names[health]), LF_Z("reason", reason));
    }
    if (s->on_health != NULL) {
        s->on_health(s->ctx, health, s->reason);
    }
}

enum store_health store_health(const struct store *s, const char **reason)
{
    if (reason != NULL) {
        *reason = s->reason;
    }
    return s->health;
}

/* ---- turns and ticks ---- */

void store_enter(struct store *s)
{
    s->depth++;
}

static void destroy(struct store *s)
{
    commits_free(s);
    lanes_free(s);
    rows_free_all(s);
    run_free_all(s);
    nodes_free(s);
    cluster_free(s);
    store_sub_fini(s);
    replies_free(&s->sub.replies);
    sentinel_free(s);
    store_url_fini(&s->url);
    scripts_freeze(-1);
    mem_free(&s);
}

void store_leave(struct store *s)
{
    assert(s->depth > 0);
    if (--s->depth == 0 && s->closing) {
        destroy(s);
    }
}

/*
 * The end of a turn: all that was asked in it goes out in one write. More rounds only when there is
 * more than hiredis' buffer should hold.
 */
static void send_all(struct node *node)
{
    bool more = true;

    for (int i = 0; i < FLUSH_ROUNDS && more && !node->s->closing; i++) {
        more = run_feed(node);
        conn_flush(&node->conn);
    }
    if (more && !node->s->closing) {
        conn_wake(&node->conn); /* the rest in the next turn */
    }
}

static void on_hook(void *ctx)
{
    struct store *s = obj_check(ctx, STORE_MAGIC);

    store_enter(s);
    lanes_turn(s);
    commits_flush(s);
    run_doomed(s);
    rows_flush(s);
    LIST_EACH(it, &s->nodes)
    {
        send_all(LIST_OF(it, struct node, list));
        witness_turn(LIST_OF(it, struct node, list));
    }
    LIST_EACH(it, &s->conns)
    {
        struct conn *c = LIST_OF(it, struct conn, all);

        if (c->node == NULL && !s->closing) {
            conn_flush(c);
        }
    }
    store_leave(s);
}

static bool needs_tick(const struct store *s)
{
    LIST_EACH(it, &s->conns)
    {
        if (conn_is_watched(LIST_OF(it, struct conn, all))) {
            return true;
        }
    }
    return s->stats.pending > 0;
}

/* Runs while something is due, so that an idle process sleeps. */
void store_tick_start(struct store *s)
{
    if (s->ticking || s->closing) {
        return;
    }
    s->ticking = true;
    s->ticked_us = mono_now().us;
    if (s->stats.pending == 0) {
        s->wheel_at = s->ticked_us >> WHEEL_SHIFT;
    }
    timer_start(s->tick, TICK_MS);
}

static void on_tick(void *ctx)
{
    struct store *s = obj_check(ctx, STORE_MAGIC);
    int64_t now = mono_now().us, elapsed = now - s->ticked_us;
    bool all;

    store_enter(s);
    if (elapsed > TICK_LATE_US && !s->tick_late) {
        /* We stood still, not Redis: read what has come before anything is declared late. */
        s->tick_late = true;
        timer_start(s->tick, 1);
        store_leave(s);
        return;
    }
    s->tick_late = false;
    s->ticked_us = now;
    LIST_EACH(it, &s->conns)
    {
        conn_tick(LIST_OF(it, struct conn, all), elapsed / 1000);
    }
    if (s->cluster != NULL && !s->closing) {
        cluster_tick(s);
    }
    all = s->closing || run_expire(s, now);
    if (!s->closing) {
        s->ticking = needs_tick(s);
        if (s->ticking) {
            timer_start(s->tick, all ? TICK_MS : 0);
        }
    }
    store_leave(s);
}

static void on_drain(void *ctx)
{
    struct store *s = obj_check(ctx, STORE_MAGIC);

    store_enter(s);
    run_ready(s);
    if (!s->closing) {
        if (!list_empty(&s->ready)) {
            timer_start(s->drain, 0);
        }
        LIST_EACH(it, &s->conns)
        {
            conn_apply(LIST_OF(it, struct conn, all));
        }
    }
    store_leave(s);
}

/* ---- life ---- */

bool store_new(struct loop *l, const struct store_options *o, store_health_fn *on_health, void *ctx,
               struct store **out, struct err *err)
{
    struct store_url url;
    struct store *s;

    if (!store_url_parse(o->url, &url, err)) {
        return err_wrap(err, "redis_url");
    }
    s = MEM_NEW(struct store);
    s->magic = STORE_MAGIC;
    s->l = l;
    s->url = url;
    s->durability = o->durability;
    s->deadline_ms = o->deadline_ms > 0 ? o->deadline_ms : DEADLINE_MS;
    s->replicas = o->replicas;
    s->on_health = on_health;
    s->ctx = ctx;
    s->health = STORE_CONNECTING;
    snprintf(s->reason, sizeof(s->reason), "redis at %s is being connected to", s->url.shown);
    scripts_freeze(1);
    list_init(&s->conns);
    list_init(&s->nodes);
    list_init(&s->rows_open);
    list_init(&s->rows_sent);
    list_init(&s->ready);
    list_init(&s->doomed);
    for (size_t i = 0; i < WHEEL_SLOTS; i++) {
        list_init(&s->wheel[i]);
    }
    s->hook = loop_hook_new(l, on_hook, s);
    s->tick = timer_new(l, on_tick, s);
    s->drain = timer_new(l, on_drain, s);
    store_sub_init(s);
    if (s->url.mode == STORE_CLUSTER) {
        cluster_start(s);
    } else {
        s->first = node_new(s);
        if (s->url.mode == STORE_SENTINEL) {
            sentinel_start(s);
        }
        conn_start(&s->first->conn);
    }
    *out = s;
    return true;
}

void store_free(struct store **owner)
{
    struct store *s = *owner;

    if (s == NULL) {
        return;
    }
    *owner = NULL;
    store_enter(s);
    s->closing = true;
    loop_hook_free(&s->hook);
    timer_free(&s->tick);
    timer_free(&s->drain);
    LIST_EACH(it, &s->conns)
    {
        conn_fini(LIST_OF(it, struct conn, all));
    }
    store_leave(s); /* now, or when the callback that we are in returns */
}

void store_stats(const struct store *s, struct store_stats *out)
{
    *out = s->stats;
}
